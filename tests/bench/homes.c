// SPDX-License-Identifier: Apache-2.0
/* homes.c - a cluster of homes with many peers, in one process, for a real node to join.
 *
 * Usage: homes [--homes N] [--peers P] [--holders H] [--ttl S] [--churn OPS] [--cluster NAME]
 * [--json]
 *
 * N cores of gossip/ as values, each with its own UDP socket on 127.0.0.1 and with P/N leases: a
 * 36-character id, two of 1,000 archetypes, 100 bytes of metadata. When each of them holds all P,
 * one line of JSON says so, with their addresses; any is a --seed for a node. Then OPS times a
 * second a peer is registered, one renewed, and the oldest one deregistered, in turn. SIGTERM ends
 * it; with --json its counters are printed first.
 *
 * With --holders H only the first H hold all, and the rest what they are homes of: for a million,
 * where ten copies take minutes to make. A node then must be given one of the first as its --seed.
 *
 * One thread runs them all, and they share the store of verified statements, as the simulator's
 * cores do: or ten homes would verify a million signatures nine times over before they were ready.
 */
#include <errno.h>
#include <getopt.h>
#include <inttypes.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "gossip/gossip.h"
#include "gossip/mem.h"
#include "node/clock.h"
#include "node/keyring.h"
#include "node/udp.h"

#define HOMES_MAX      64
#define PEERS_MAX      10000000
#define ARCHETYPES     1000
#define METADATA_BYTES 100
#define UUID_CHARS     36
/* Registrations between two looks at the clock while nobody listens, and operations between two
 * looks at the sockets once somebody does. */
#define FILL_STEP       256
#define CHURN_STEP      64
#define RECEIVE_BATCHES 4
#define SWEEP_MS        60000
#define LOOK_MS         50 /* between two looks whether all is ready */

struct home {
    struct gossip *core;
    struct udp udp;
    uint64_t first, next; /* numbers of the peers that it holds: [first, next) */
};

static struct {
    unsigned homes, holders, churn;
    uint64_t peers;
    uint32_t ttl_s;
    const char *cluster;
    bool is_json;
} options = {.homes = 10,
             .holders = HOMES_MAX,
             .peers = 100000,
             .ttl_s = PEER_TTL_MAX_S,
             .cluster = "aurora"};

static struct {
    uint64_t registered, renewed, deregistered, refused;
    uint64_t not_alive; /* a home saw a member (the node that joined, too) suspect, or worse */
} counted;

static struct home homes[HOMES_MAX];
static struct blob_store *store;
static uint64_t request;
static volatile sig_atomic_t must_stop;

static void fail(const char *what, const char *why)
{
    fprintf(stderr, "homes: %s: %s\n", what, why);
    exit(1);
}

/* --- Peers ----------------------------------------------------------------------------------- */

/* splitmix64 (Steele, Lea and Flood 2014): peers are drawn from their numbers, so that nothing has
 * to be remembered of them. */
static uint64_t mix(uint64_t number)
{
    number += 0x9e3779b97f4a7c15u;
    number = (number ^ number >> 30) * 0xbf58476d1ce4e5b9u;
    number = (number ^ number >> 27) * 0x94d049bb133111ebu;
    return number ^ number >> 31;
}

static uint64_t draw(unsigned home, uint64_t number, unsigned what)
{
    return mix(mix(mix(number) ^ home) ^ what);
}

static struct span uuid_of(unsigned home, uint64_t number, char out[UUID_CHARS + 1])
{
    uint64_t high = draw(home, number, 1), low = draw(home, number, 2);

    snprintf(out, UUID_CHARS + 1,
             "%08" PRIx64 "-%04" PRIx64 "-4%03" PRIx64 "-8%03" PRIx64 "-%012" PRIx64, high >> 32,
             high >> 16 & 0xffff, high & 0xfff, low >> 48 & 0xfff, low & 0xffffffffffffu);
    return span_of(out, UUID_CHARS);
}

static struct span text_span(const char *text)
{
    return span_of(text, strlen(text));
}

/* Of one length, whatever is drawn. */
static void write_metadata(uint64_t dice, char out[METADATA_BYTES + 1])
{
    int used = snprintf(out, METADATA_BYTES + 1,
                        "{\"model\":\"worker\",\"zone\":\"rack-%02u\",\"version\":\"1.4.2\","
                        "\"load\":%u,\"note\":\"%016" PRIx64,
                        (unsigned)(dice >> 40 & 63), (unsigned)(dice >> 48) % 100, dice);

    memset(out + used, '.', (size_t)(METADATA_BYTES - 2 - used));
    memcpy(out + METADATA_BYTES - 2, "\"}", 3);
}

static void register_peer(unsigned index, uint64_t number, struct gossip_time now)
{
    uint64_t dice = draw(index, number, 3);
    unsigned first = (unsigned)(dice % ARCHETYPES);
    unsigned second = (first + 1 + (unsigned)(dice >> 32) % (ARCHETYPES - 1)) % ARCHETYPES;
    char id[UUID_CHARS + 1], archetypes[2][24], address[24], metadata[METADATA_BYTES + 1];
    struct gossip_registration registration = {.peer = {.archetype_count = 2}};
    struct peer_description *peer = &registration.peer;

    snprintf(archetypes[0], sizeof archetypes[0], "archetype-%03u", first);
    snprintf(archetypes[1], sizeof archetypes[1], "archetype-%03u", second);
    snprintf(address, sizeof address, "10.%u.%u.%u", (unsigned)(dice >> 8 & 255),
             (unsigned)(dice >> 16 & 255), (unsigned)(dice >> 24 & 255));
    write_metadata(dice, metadata);
    peer->peer_id = uuid_of(index, number, id);
    peer->archetypes[0] = text_span(archetypes[0]);
    peer->archetypes[1] = text_span(archetypes[1]);
    peer->address = text_span(address);
    peer->port = (uint16_t)(1024 + dice % 60000);
    peer->metadata = text_span(metadata);
    peer->ttl_s = options.ttl_s;
    gossip_register(homes[index].core, now, ++request, &registration);
}

/* --- Driving --------------------------------------------------------------------------------- */

static void on_event(const struct gossip_event *event)
{
    if (event->kind == GOSSIP_EVENT_REPLY && event->reply.result != RESULT_OK)
        counted.refused++;
    if (event->kind == GOSSIP_EVENT_MEMBER && event->member.state >= MEMBER_SUSPECT &&
        event->member.state <= MEMBER_DEAD)
        counted.not_alive++;
    if (event->kind == GOSSIP_EVENT_CONFLICT)
        fail("conflict", "a key or name is in use elsewhere");
}

static void drain(struct home *home, struct gossip_time now)
{
    struct gossip_event event;

    gossip_check_all(home->core, now);
    for (;;) {
        struct udp_packet *packet = udp_slot(&home->udp);

        if (!gossip_next_packet(home->core, now, &packet->addr, packet->bytes, &packet->len))
            break;
        udp_queue(&home->udp);
    }
    udp_flush(&home->udp);
    while (gossip_next_event(home->core, &event)) {
        on_event(&event);
        gossip_event_release(&event);
    }
}

static void receive(struct home *home)
{
    bool is_empty = false;

    for (int batch = 0; batch < RECEIVE_BATCHES && !is_empty; batch++) {
        size_t count = udp_receive(&home->udp, 0, &is_empty);
        struct gossip_time now = clock_now();

        for (size_t i = 0; i < count; i++) {
            const struct udp_packet *packet = &home->udp.in[i];

            (void)gossip_receive(home->core, now, &packet->addr, packet->bytes, packet->len);
        }
        drain(home, now);
    }
}

static void tick(struct home *home)
{
    struct gossip_time now = clock_now();

    gossip_tick(home->core, now);
    drain(home, now);
}

static int wait_ms(uint64_t by_ms)
{
    uint64_t deadline_ms = by_ms, now_ms = clock_mono_ms();

    for (unsigned i = 0; i < options.homes; i++) {
        uint64_t next_ms = gossip_deadline_ms(homes[i].core);

        deadline_ms = next_ms < deadline_ms ? next_ms : deadline_ms;
    }
    if (deadline_ms <= now_ms)
        return 0;
    return deadline_ms - now_ms < LOOK_MS ? (int)(deadline_ms - now_ms) : LOOK_MS;
}

/* Until `by_ms` at the latest; a turn of the loop. */
static void run_once(uint64_t by_ms)
{
    struct pollfd polled[HOMES_MAX];

    for (unsigned i = 0; i < options.homes; i++)
        polled[i] = (struct pollfd){.fd = homes[i].udp.fds[0], .events = POLLIN};
    if (poll(polled, options.homes, wait_ms(by_ms)) < 0 && errno != EINTR)
        fail("poll", strerror(errno));
    for (unsigned i = 0; i < options.homes; i++) {
        if (polled[i].revents != 0)
            receive(&homes[i]);
        if (gossip_deadline_ms(homes[i].core) <= clock_mono_ms())
            tick(&homes[i]);
    }
}

/* --- Until all is ready
 * ---------------------------------------------------------------------------------------------- */

static void home_open(unsigned index)
{
    struct home *home = &homes[index];
    struct gossip_config config = {0};
    struct addr addr = {.family = ADDR_IPV4, .ip = {127, 0, 0, 1}}, failed;
    uint8_t seed[KEY_SEED_BYTES];
    char name[16], error[KEYRING_ERROR_MAX_BYTES];

    if (!udp_open(&home->udp, &addr, 1, &failed))
        fail("socket", strerror(errno));
    gossip_config_defaults(&config);
    snprintf(name, sizeof name, "home-%u", index);
    config.cluster = options.cluster;
    config.name = name;
    config.addresses[0] = home->udp.addrs[0];
    config.address_count = 1;
    key_seed_generate(seed);
    key_pair_from_seed(seed, &config.identity);
    if (!keyring_load(&config.keyring, options.cluster, "", error))
        fail("key", error);
    key_random(config.seed, sizeof config.seed);
    config.epoch = clock_wall_ms() / 1000;
    config.store = store;
    /* What comes and goes must not meet a quota. */
    config.records_max = PEERS_MAX * 2;
    config.records_per_home_max = PEERS_MAX * 2;
    home->core = gossip_new(&config, clock_now());
    gossip_hold_pulls(home->core, index >= options.holders);
    tick(home); /* no seeds: alone, and its first sync done */
}

/* Before anybody listens: what a home does for its clients, and no more. */
static void home_fill(unsigned index)
{
    struct home *home = &homes[index];
    uint64_t count = options.peers / options.homes + (index < options.peers % options.homes);

    while (home->next < count && must_stop == 0) {
        struct gossip_time now = clock_now();

        for (int i = 0; i < FILL_STEP && home->next < count; i++)
            register_peer(index, home->next++, now);
        tick(home);
    }
}

static bool are_ready(void)
{
    struct gossip_status status;

    for (unsigned i = 0; i < options.homes; i++) {
        gossip_status_now(homes[i].core, &status);
        if (status.members_alive < options.homes)
            return false;
        if (i < options.holders &&
            (!status.converged || status.logs_behind > 0 || status.records_held < options.peers))
            return false;
    }
    return true;
}

static void meet(void)
{
    uint64_t look_ms = 0;

    for (unsigned i = 1; i < options.homes; i++)
        gossip_join(homes[i].core, clock_now(), &homes[0].udp.addrs[0], 1);
    for (;;) {
        uint64_t now_ms = clock_mono_ms();

        if (must_stop != 0)
            return;
        if (now_ms >= look_ms) {
            if (are_ready())
                return;
            look_ms = now_ms + LOOK_MS;
        }
        run_once(look_ms);
    }
}

static void say_ready(uint64_t fill_ms, uint64_t meet_ms)
{
    printf("{\"ready\":true,\"homes\":%u,\"peers\":%" PRIu64 ",\"fill_s\":%.3f,\"meet_s\":%.3f,"
           "\"addresses\":[",
           options.homes, options.peers, (double)fill_ms / 1000, (double)meet_ms / 1000);
    for (unsigned i = 0; i < options.homes; i++)
        printf("%s\"127.0.0.1:%u\"", i == 0 ? "" : ",", (unsigned)homes[i].udp.addrs[0].port);
    printf("]}\n");
    fflush(stdout);
}

/* --- Churn ----------------------------------------------------------------------------------- */

/* The n-th operation: each home in turn, and at each a registration, a renewal of any of its peers,
 * and the end of its oldest one. */
static void churn_one(uint64_t number, struct gossip_time now)
{
    unsigned index = (unsigned)(number % options.homes);
    struct home *home = &homes[index];
    uint64_t kind = number / options.homes % 3;
    char id[UUID_CHARS + 1];

    if (kind == 0 || home->first == home->next) {
        register_peer(index, home->next++, now);
        counted.registered++;
    } else if (kind == 1) {
        uint64_t any = home->first + mix(number) % (home->next - home->first);

        gossip_heartbeat(home->core, now, ++request, uuid_of(index, any, id), NULL);
        counted.renewed++;
    } else {
        gossip_deregister(home->core, now, ++request, uuid_of(index, home->first++, id), NULL);
        counted.deregistered++;
    }
}

static void churn(uint64_t started_ms, uint64_t *done)
{
    struct gossip_time now = clock_now();
    uint64_t due = (now.mono_ms - started_ms) * options.churn / 1000;

    for (int i = 0; i < CHURN_STEP && *done < due; i++)
        churn_one((*done)++, now);
    for (unsigned i = 0; i < options.homes; i++)
        drain(&homes[i], now);
}

static void serve(void)
{
    uint64_t started_ms = clock_mono_ms(), swept_ms = started_ms, done = 0;

    while (must_stop == 0) {
        uint64_t now_ms = clock_mono_ms();

        run_once(options.churn > 0 ? now_ms + 1 : UINT64_MAX);
        if (options.churn > 0)
            churn(started_ms, &done);
        if (now_ms - swept_ms > SWEEP_MS) {
            blob_store_sweep(store);
            swept_ms = now_ms;
        }
    }
}

/* --- The end --------------------------------------------------------------------------------- */

static void say_counters(void)
{
    struct gossip_status status;
    uint64_t accusations = 0, refutations = 0, deaths = 0, failed = 0, in = 0, out = 0, pulls = 0;

    for (unsigned i = 0; i < options.homes; i++) {
        gossip_status_now(homes[i].core, &status);
        accusations += status.stats.accusations_made;
        refutations += status.stats.refutations_made;
        deaths += status.stats.deaths_declared;
        failed += status.stats.probes_failed;
        in += status.stats.bytes_in;
        out += status.stats.bytes_out;
        pulls += status.stats.pulls;
    }
    printf("{\"registered\":%" PRIu64 ",\"renewed\":%" PRIu64 ",\"deregistered\":%" PRIu64
           ",\"refused\":%" PRIu64 ",\"accusations\":%" PRIu64 ",\"refutations\":%" PRIu64
           ",\"deaths\":%" PRIu64 ",\"probes_failed\":%" PRIu64 ",\"not_alive\":%" PRIu64
           ",\"bytes_in\":%" PRIu64 ",\"bytes_out\":%" PRIu64 ",\"pulls\":%" PRIu64
           ",\"cpu_s\":%.2f}\n",
           counted.registered, counted.renewed, counted.deregistered, counted.refused, accusations,
           refutations, deaths, failed, counted.not_alive, in, out, pulls,
           (double)clock() / CLOCKS_PER_SEC);
    fflush(stdout);
}

static void homes_close(void)
{
    for (unsigned i = 0; i < options.homes; i++) {
        gossip_free(homes[i].core);
        udp_close(&homes[i].udp);
    }
    blob_store_free(store);
}

static uint64_t number_of(const char *option, const char *text, uint64_t least, uint64_t most)
{
    char *end;
    uint64_t number = strtoull(text, &end, 10);

    if (*text < '0' || *text > '9' || *end != '\0' || number < least || number > most)
        fail(option, "not a number, or too small or large");
    return number;
}

static void read_options(int argc, char **argv)
{
    static const struct option known[] = {
        {"homes", required_argument, NULL, 'h'},   {"peers", required_argument, NULL, 'p'},
        {"holders", required_argument, NULL, 'o'}, {"ttl", required_argument, NULL, 't'},
        {"churn", required_argument, NULL, 'c'},   {"cluster", required_argument, NULL, 'n'},
        {"json", no_argument, NULL, 'j'},          {NULL, 0, NULL, 0}};
    int option;

    while ((option = getopt_long(argc, argv, "", known, NULL)) != -1) {
        switch (option) {
        case 'h': options.homes = (unsigned)number_of("--homes", optarg, 1, HOMES_MAX); break;
        case 'p': options.peers = number_of("--peers", optarg, 0, PEERS_MAX); break;
        case 'o': options.holders = (unsigned)number_of("--holders", optarg, 1, HOMES_MAX); break;
        case 't':
            options.ttl_s = (uint32_t)number_of("--ttl", optarg, PEER_TTL_MIN_S, PEER_TTL_MAX_S);
            break;
        case 'c': options.churn = (unsigned)number_of("--churn", optarg, 0, 100000); break;
        case 'n': options.cluster = optarg; break;
        case 'j': options.is_json = true; break;
        default: fail("usage", "see the first lines of tests/bench/homes.c");
        }
    }
    if (optind != argc || strlen(options.cluster) > CLUSTER_NAME_MAX_BYTES ||
        options.cluster[0] == '\0')
        fail("usage", "see the first lines of tests/bench/homes.c");
}

static void on_signal(int number)
{
    (void)number;
    must_stop = 1;
}

int main(int argc, char **argv)
{
    struct sigaction action = {.sa_handler = on_signal};

    read_options(argc, argv);
    if (!key_library_init())
        fail("libsodium", "cannot be used");
    sigaction(SIGTERM, &action, NULL);
    sigaction(SIGINT, &action, NULL);
    store = blob_store_new();
    for (unsigned i = 0; i < options.homes; i++)
        home_open(i);
    uint64_t began_ms = clock_mono_ms();
    for (unsigned i = 0; i < options.homes; i++)
        home_fill(i);
    uint64_t filled_ms = clock_mono_ms();
    meet();
    if (must_stop == 0)
        say_ready(filled_ms - began_ms, clock_mono_ms() - filled_ms);
    counted.not_alive = 0; /* before they had met, nobody knew anybody */
    serve();
    if (options.is_json)
        say_counters();
    homes_close();
    return 0;
}
