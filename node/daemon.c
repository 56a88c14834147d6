// SPDX-License-Identifier: Apache-2.0
/* daemon.c - one node from its options to its end: puts the parts together and takes them apart */
#include "node/daemon.h"

#include <assert.h>
#include <errno.h>
#include <inttypes.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "gossip/mem.h"
#include "node/bridge.h"
#include "node/clock.h"
#include "node/control.h"
#include "node/driver.h"
#include "node/http_thread.h"
#include "node/keyring.h"
#include "node/log.h"
#include "node/net.h"
#include "node/ports.h"
#include "node/resolver.h"
#include "node/seeds.h"
#include "node/store.h"
#include "node/turns.h"
#include "node/udp.h"

#define HTTP_GRACE_MS    500 /* for answers under way when we stop */
#define STORE_GRACE_MS   1000
#define FIRST_RESOLVE_MS 2000 /* a slow DNS server must not keep the node from starting */
#define STUCK_S          10   /* whatever hangs while stopping: the alarm ends us */

struct daemon {
    const struct node_config *config;
    int argc;
    char **argv;
    struct loop *loop;
    struct store *store;
    struct key_pair identity;
    uint64_t epoch;
    struct seal_keyring keyring;
    struct udp *udp;
    struct addr advertised[NODE_ADDRESSES_MAX];
    struct http_options http_options;
    struct http_team *team;
    struct http_thread *http[HTTP_THREADS_MAX]; /* the first one last */
    size_t http_count;
    struct bridge *bridge;
    struct resolver *resolver;
    struct seeds seeds;
    struct loop_timer resolve_timer;
    struct driver *driver;
    struct control *control;
    struct loop_signal on_term, on_int, on_hup;
    bool is_starting, is_leaving;
};

/* Says why the node does not start; false, so that it can be returned. */
static bool fail(const char *event, const char *message, const char *error)
{
    log_say(LOG_LEVEL_ERROR, event, message, log_text("error", error));
    return false;
}

/* --- Opening --------------------------------------------------------------------------------- */

static bool open_store(struct daemon *daemon)
{
    char error[STORE_ERROR_MAX_BYTES];
    uint8_t seed[KEY_SEED_BYTES];

    if (daemon->config->data[0] == '\0') {
        log_say(
            LOG_LEVEL_INFO, "data.none",
            "without --data nothing is kept: a new identity at every start, and no `aurora join` "
            "or `aurora leave`");
        key_seed_generate(seed);
        key_pair_from_seed(seed, &daemon->identity);
        key_wipe(seed, sizeof seed);
        daemon->epoch = clock_wall_ms() / 1000 + 1;
        return true;
    }
    daemon->store = store_open(daemon->config->data, clock_wall_ms(), error);
    if (daemon->store == NULL)
        return fail("data.unusable", "cannot use the data directory", error);
    daemon->identity = *store_identity(daemon->store);
    daemon->epoch = store_epoch(daemon->store);
    return true;
}

static bool open_keyring(struct daemon *daemon)
{
    char error[KEYRING_ERROR_MAX_BYTES];

    if (!keyring_load(&daemon->keyring, daemon->config->cluster, daemon->config->key_file, error))
        return fail("keys.unusable", "cannot use the key file", error);
    if (daemon->config->key_file[0] == '\0')
        log_say(LOG_LEVEL_WARNING, "cluster.open",
                "no --key-file: everybody who can send packets here and knows the cluster's name "
                "can join and change everything",
                log_text("cluster", daemon->config->cluster));
    return true;
}

static bool say_bind_failed(const char *option, const struct addr *addr)
{
    char text[NET_TEXT_BYTES], error[256];

    snprintf(error, sizeof error, "%s %s: %s", option, net_text(addr, text), strerror(errno));
    return fail("bind.failed", "cannot listen there (is another node running on this port?)",
                error);
}

static bool open_sockets(struct daemon *daemon)
{
    const struct node_config *config = daemon->config;
    struct http_options *http = &daemon->http_options;
    struct addr failed;

    daemon->udp = mem_alloc(sizeof *daemon->udp);
    if (!udp_open(daemon->udp, config->bind, config->bind_count, &failed))
        return say_bind_failed("--bind", &failed);
    for (size_t i = 0; i < config->http_count; i++) {
        http->http[i] = config->http[i];
        if (i > 0 && http->http[i].port == 0)
            http->http[i].port = http->http[0].port;
        http->listeners[i] = net_open(SOCK_STREAM, &http->http[i]);
        if (http->listeners[i] < 0)
            return say_bind_failed("--http", &config->http[i]);
        http->listener_count++;
    }
    return true;
}

/* --- What the others are told
 * --------------------------------------------------------------------------------- */

/* For each bound address: what --advertise says for its family, or itself. */
static void choose_advertised(struct daemon *daemon)
{
    const struct node_config *config = daemon->config;

    for (size_t i = 0; i < daemon->udp->count; i++) {
        struct addr *addr = &daemon->advertised[i];

        *addr = daemon->udp->addrs[i];
        for (size_t j = 0; j < config->advertise_count; j++) {
            uint16_t port = config->advertise[j].port;

            if (config->advertise[j].family != addr->family)
                continue;
            if (port == 0)
                port = addr->port;
            *addr = config->advertise[j];
            addr->port = port;
        }
    }
}

static void choose_http_url(struct daemon *daemon)
{
    struct http_options *http = &daemon->http_options;
    struct addr addr = http->http[0];
    char text[NET_TEXT_BYTES];

    if (net_is_wildcard(&addr)) {
        const struct addr *other = &daemon->advertised[0];

        if (daemon->udp->count > 1 && other->family != addr.family)
            other = &daemon->advertised[1];
        addr = *other;
        addr.port = http->http[0].port;
    }
    if (daemon->config->http_url[0] != '\0')
        snprintf(http->http_url, sizeof http->http_url, "%s", daemon->config->http_url);
    else
        snprintf(http->http_url, sizeof http->http_url, "http://%s", net_text(&addr, text));
}

static void describe(struct daemon *daemon)
{
    struct http_options *http = &daemon->http_options;

    choose_advertised(daemon);
    choose_http_url(daemon);
    http->config = daemon->config;
    http->team = daemon->team;
    memcpy(http->gossip, daemon->advertised, sizeof http->gossip);
    http->gossip_count = daemon->udp->count;
    http->id = daemon->identity.public;
    http->tag = node_tag(&daemon->identity.public);
    http->epoch = daemon->epoch;
    http->started_wall_ms = clock_wall_ms();
}

/* --- Seeds ----------------------------------------------------------------------------------- */

static void apply_seeds(struct daemon *daemon)
{
    struct addr addrs[SEEDS_MAX];
    driver_set_seeds(daemon->driver, addrs, seeds_addresses(&daemon->seeds, addrs));
}

static void on_answer(void *context)
{
    struct daemon *daemon = context;
    struct resolver_answer answer;
    bool is_changed = false;

    while (resolver_next(daemon->resolver, &answer)) {
        if (answer.subject == &daemon->seeds)
            is_changed = seeds_on_answer(&daemon->seeds, &answer) || is_changed;
        else if (daemon->driver != NULL && answer.count > 0)
            driver_join(daemon->driver, answer.addrs, answer.count);
        else if (answer.count == 0)
            log_say(LOG_LEVEL_WARNING, "join.unresolved", "a host name cannot be resolved",
                    log_text("host", answer.host), log_text("error", answer.error));
    }
    if (daemon->is_starting && seeds_are_resolved(&daemon->seeds))
        loop_stop(daemon->loop);
    if (is_changed && daemon->driver != NULL) {
        log_say(LOG_LEVEL_INFO, "seeds.changed", "the seeds' host names stand for new addresses");
        apply_seeds(daemon);
    }
}

static void on_resolve_timer(void *context)
{
    struct daemon *daemon = context;

    if (daemon->is_starting) {
        loop_stop(daemon->loop);
        return;
    }
    seeds_resolve(&daemon->seeds, daemon->resolver);
    loop_timer_start(&daemon->resolve_timer,
                     driver_is_joined(daemon->driver) ? SEEDS_REFRESH_MS : SEEDS_RETRY_MS);
}

/* The first look-up is waited for, a little: a node whose seeds are unknown would think itself
 * alone. */
static void resolve_first(struct daemon *daemon)
{
    seeds_init(&daemon->seeds, daemon->advertised, daemon->udp->count);
    seeds_set(&daemon->seeds, daemon->config->seeds, daemon->config->seed_count);
    seeds_resolve(&daemon->seeds, daemon->resolver);
    daemon->is_starting = true;
    if (!seeds_are_resolved(&daemon->seeds)) {
        loop_timer_start(&daemon->resolve_timer, FIRST_RESOLVE_MS);
        loop_run(daemon->loop);
    }
    daemon->is_starting = false;
    loop_timer_start(&daemon->resolve_timer, SEEDS_RETRY_MS);
}

/* --- The core -------------------------------------------------------------------------------- */

static void configure_gossip(struct daemon *daemon, struct gossip_config *out)
{
    const struct node_config *config = daemon->config;

    gossip_config_defaults(out);
    out->cluster = config->cluster;
    out->name = config->name;
    out->zone = config->zone;
    out->http_url = daemon->http_options.http_url;
    memcpy(out->addresses, daemon->advertised, sizeof out->addresses);
    out->address_count = daemon->udp->count;
    out->identity = daemon->identity;
    out->keyring = daemon->keyring;
    key_random(out->seed, sizeof out->seed);
    out->epoch = daemon->epoch;
    out->seed_count = seeds_addresses(&daemon->seeds, out->seeds);
    out->orphan_grace_ms = config->orphan_grace_ms;
    out->probe_interval_ms = config->probe_interval_ms;
    out->suspicion_min_ms = config->suspicion_min_ms;
    out->forward_timeout_ms = config->forward_timeout_ms;
    out->old_member_probe_ms = config->rejoin_interval_ms;
    out->join_alone_ms = config->join_wait_ms;
}

static void restore(struct daemon *daemon, struct gossip *gossip)
{
    struct mirror *mirror = store_mirror(daemon->store);
    struct mirror_entry entry;
    uint64_t leases = 0, members = 0;

    mirror_walk_begin(mirror);
    while (mirror_walk_next(mirror, &entry, 1) == 1) {
        if (entry.kind == SNAPSHOT_LEASE)
            leases += gossip_restore_lease(gossip, entry.bytes, entry.wall_ms);
        else
            members += gossip_restore_member(gossip, entry.bytes);
        mirror_entries_release(&entry, 1);
    }
    if (leases + members > 0)
        log_say(LOG_LEVEL_INFO, "restored", "the last life's leases and members are remembered",
                log_number("leases", leases), log_number("members", members));
}

/* The first one last: it has the listeners, and hands connections to the others. */
static bool start_http(struct daemon *daemon)
{
    for (size_t number = daemon->config->http_threads; number-- > 0;) {
        struct http_options options = daemon->http_options;

        options.number = number;
        options.bridge = bridge_end_of(daemon->bridge, number);
        if (number != HTTP_FIRST_THREAD)
            options.listener_count = 0;
        daemon->http[daemon->http_count] = http_thread_start(&options);
        if (daemon->http[daemon->http_count] == NULL)
            return false;
        daemon->http_count++;
    }
    return true;
}

static bool start_core(struct daemon *daemon)
{
    struct gossip_config config = {0};
    struct gossip *gossip;

    configure_gossip(daemon, &config);
    gossip = gossip_new(&config, clock_now());
    key_wipe(&config, sizeof config);
    if (daemon->store != NULL) {
        restore(daemon, gossip);
        if (!store_start(daemon->store))
            log_say(LOG_LEVEL_ERROR, "store.no_thread", "nothing will be written to --data");
    }
    daemon->driver =
        driver_new(daemon->loop, gossip, daemon->epoch, daemon->udp, daemon->bridge, daemon->store);
    if (!start_http(daemon))
        return fail("http.no_thread", "the system refused a thread", strerror(errno));
    driver_start(daemon->driver);
    return true;
}

/* --- While it runs --------------------------------------------------------------------------- */

static void leave(struct daemon *daemon, const char *why)
{
    if (daemon->is_leaving || daemon->driver == NULL) {
        log_say(LOG_LEVEL_INFO, "stopping", "stopping at once", log_text("why", why));
        daemon->is_leaving = true;
        loop_stop(daemon->loop);
        return;
    }
    daemon->is_leaving = true;
    log_say(LOG_LEVEL_INFO, "leaving", "telling the others, then stopping", log_text("why", why));
    driver_leave(daemon->driver);
}

static bool reload_keyring(struct daemon *daemon, const struct node_config *config)
{
    struct seal_keyring ring;
    char error[KEYRING_ERROR_MAX_BYTES];
    bool is_good = keyring_load(&ring, daemon->config->cluster, config->key_file, error);

    if (is_good)
        driver_set_keyring(daemon->driver, &ring);
    else
        fail("reload.failed", "the keys stay as they were", error);
    seal_keyring_wipe(&ring);
    return is_good;
}

static bool reload(struct daemon *daemon, char error[CONFIG_ERROR_MAX_BYTES])
{
    struct node_config config;

    if (config_parse(&config, daemon->argc, daemon->argv, error) != CONFIG_RUN)
        return fail("reload.failed", "everything stays as it was", error);
    if (!reload_keyring(daemon, &config)) {
        snprintf(error, CONFIG_ERROR_MAX_BYTES, "--key-file is wrong: see the log");
        return false;
    }
    log_configure(config.log_level, config.log_format);
    seeds_set(&daemon->seeds, config.seeds, config.seed_count);
    apply_seeds(daemon);
    seeds_resolve(&daemon->seeds, daemon->resolver);
    log_say(LOG_LEVEL_INFO, "reloaded", "log level, seeds and keys were read again",
            log_text("log_level", log_level_name(config.log_level)),
            log_number("seeds", config.seed_count), log_number("keys", daemon->keyring.count));
    return true;
}

static void on_signal(void *context, int number)
{
    struct daemon *daemon = context;
    char error[CONFIG_ERROR_MAX_BYTES];

    if (number != SIGHUP)
        leave(daemon, number == SIGTERM ? "SIGTERM" : "SIGINT");
    else if (daemon->driver != NULL)
        (void)reload(daemon, error);
}

static void control_join(struct daemon *daemon, const struct control_request *request)
{
    for (size_t i = 0; i < request->endpoint_count; i++) {
        struct addr addr;

        if (resolver_is_literal(&request->endpoints[i], &addr))
            driver_join(daemon->driver, &addr, 1);
        else
            resolver_ask(daemon->resolver, &request->endpoints[i], NULL);
    }
}

static void control_status(struct daemon *daemon, struct control_answer *answer)
{
    struct gossip_status status;

    driver_status(daemon->driver, &status);
    answer->len = (size_t)snprintf(
        answer->text, sizeof answer->text,
        "{\"ok\":true,\"converged\":%s,\"leaving\":%s,\"members\":%" PRIu32 ",\"peers\":%" PRIu64
        ",\"epoch\":%" PRIu64 ",\"http_url\":\"%s\"}\n",
        status.converged ? "true" : "false", status.leaving ? "true" : "false",
        status.members_alive, status.peers_visible, status.epoch, daemon->http_options.http_url);
}

static void on_control(void *context, const struct control_request *request,
                       struct control_answer *answer)
{
    struct daemon *daemon = context;
    char error[CONFIG_ERROR_MAX_BYTES];

    control_answer_ok(answer);
    switch (request->command) {
    case CONTROL_JOIN: control_join(daemon, request); break;
    case CONTROL_LEAVE: leave(daemon, "aurora leave"); break;
    case CONTROL_STATUS: control_status(daemon, answer); break;
    case CONTROL_RELOAD:
        if (!reload(daemon, error))
            control_answer_error(answer, error);
        break;
    case CONTROL_WRONG: break;
    }
}

/* --- From start to end
 * ---------------------------------------------------------------------------------------------- */

static void open_control(struct daemon *daemon)
{
    if (daemon->store == NULL)
        return;
    int dir = store_directory(daemon->store);
    daemon->control = control_new(daemon->loop, dir, on_control, daemon);
    if (daemon->control == NULL)
        log_say(LOG_LEVEL_WARNING, "control.failed",
                "no control socket: `aurora join` and `aurora leave` will not work",
                log_text("error", strerror(errno)));
    if (!ports_write(dir, &daemon->http_options))
        log_say(LOG_LEVEL_WARNING, "ports.failed", "cannot write ports.json",
                log_text("error", strerror(errno)));
}

static void say_ready(const struct daemon *daemon)
{
    const struct http_options *http = &daemon->http_options;
    char id[17];

    snprintf(id, sizeof id, "%016" PRIx64, http->tag);
    log_say(LOG_LEVEL_INFO, "ready", "the node is up", log_text("name", daemon->config->name),
            log_text("id", id), log_number("epoch", daemon->epoch),
            log_addr("gossip", &daemon->udp->addrs[0]), log_addr("http", &http->http[0]),
            log_text("http_url", http->http_url), log_text("cluster", daemon->config->cluster),
            log_number("seeds", daemon->config->seed_count), log_text("version", AURORA_VERSION));
}

static bool daemon_start(struct daemon *daemon)
{
    loop_signal_init(&daemon->on_term, daemon->loop, SIGTERM, on_signal, daemon);
    loop_signal_init(&daemon->on_int, daemon->loop, SIGINT, on_signal, daemon);
    loop_signal_init(&daemon->on_hup, daemon->loop, SIGHUP, on_signal, daemon);
    loop_timer_init(&daemon->resolve_timer, daemon->loop, on_resolve_timer, daemon);
    if (!open_store(daemon) || !open_keyring(daemon) || !open_sockets(daemon))
        return false;
    daemon->bridge = bridge_new(daemon->config->http_threads);
    daemon->team = http_team_new(daemon->config->http_threads, daemon->config->http_connections_max,
                                 daemon->config->http_connections_per_address_max);
    daemon->resolver = resolver_new(daemon->loop, on_answer, daemon);
    describe(daemon);
    resolve_first(daemon);
    if (daemon->is_leaving || !start_core(daemon))
        return false;
    open_control(daemon);
    say_ready(daemon);
    return true;
}

static void close_listeners(struct daemon *daemon)
{
    for (size_t i = 0; i < daemon->http_options.listener_count; i++)
        close(daemon->http_options.listeners[i]);
}

/* HTTP first: it may send commands until it has ended. The store last: it takes what comes
 * meanwhile. */
static void daemon_stop(struct daemon *daemon)
{
    alarm(STUCK_S);
    http_threads_stop(daemon->http, daemon->http_count, HTTP_GRACE_MS);
    if (daemon->http_count < daemon->config->http_threads)
        close_listeners(daemon);
    http_team_free(daemon->team);
    control_free(daemon->control);
    driver_free(daemon->driver);
    loop_timer_stop(&daemon->resolve_timer);
    resolver_free(daemon->resolver);
    bridge_free(daemon->bridge);
    if (daemon->udp != NULL)
        udp_close(daemon->udp);
    mem_free(daemon->udp);
    if (daemon->store != NULL)
        ports_remove(store_directory(daemon->store));
    store_close(daemon->store, STORE_GRACE_MS);
    loop_signal_stop(&daemon->on_term);
    loop_signal_stop(&daemon->on_int);
    loop_signal_stop(&daemon->on_hup);
    loop_free(daemon->loop);
    seal_keyring_wipe(&daemon->keyring);
    key_wipe(&daemon->identity, sizeof daemon->identity);
}

enum daemon_exit daemon_run(const struct node_config *config, int argc, char **argv)
{
    struct daemon *daemon = mem_alloc(sizeof *daemon);
    enum daemon_exit outcome = DAEMON_FAILED;

    daemon->config = config;
    daemon->argc = argc;
    daemon->argv = argv;
    daemon->loop = loop_new();
    loop_measure(daemon->loop, &turns_by_loop[TURNS_GOSSIP]);
    log_configure(config->log_level, config->log_format);
    (void)log_writer_start();
    if (daemon_start(daemon)) {
        loop_run(daemon->loop);
        outcome =
            driver_ended(daemon->driver) == DRIVER_CONFLICT ? DAEMON_CONFLICT : DAEMON_STOPPED;
    }
    daemon_stop(daemon);
    mem_free(daemon);
    log_say(LOG_LEVEL_INFO, "stopped", "the node has ended", log_number("status", outcome));
    log_writer_stop();
    return outcome;
}
