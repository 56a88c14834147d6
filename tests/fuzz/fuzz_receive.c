// SPDX-License-Identifier: Apache-2.0
/* fuzz_receive.c - a whole core against strangers, and against a member gone mad
 *
 * The input is a script of steps, [kind, length (2 bytes, big endian), bytes]:
 *
 *     0  a datagram as it is
 *     1  a plain text, sealed under the cluster's key
 *     2  messages, under a header that a known member would write, sealed: past every filter but
 *        those of the messages themselves
 *     3  time passes: `length` milliseconds, at most 10 s; no bytes
 *
 * After each step everything is drained. Nothing may crash, and no packet may be too long.
 */
#include "crypto/key.h"
#include "gossip/gossip.h"
#include "gossip/wire.h"
#include "tests/support/guard.h"

#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

enum { STEP_DATAGRAM = 0, STEP_PLAIN, STEP_MESSAGES, STEP_TIME, STEP_KINDS };

#define CLUSTER      "fuzz"
#define MEMBER_EPOCH 7
#define STEPS_MAX    64
#define TIME_MAX_MS  10000

static const struct addr core_addr = {ADDR_IPV4, {10, 0, 0, 1}, 4747};
static const struct addr member_addr = {ADDR_IPV4, {10, 0, 0, 2}, 4747};

struct scene {
    struct gossip *core;
    struct gossip_time now;
    uint64_t counter;
};

/* Made once: keys and the member's ALIVE do not change. */
static struct seal_keyring ring;
static struct key_pair core_key, member_key;
static struct blob *member_alive;
static struct blob_store *store;

static void require(int truth)
{
    if (!truth)
        abort();
}

static void make_actors(void)
{
    uint8_t key[SEAL_KEY_BYTES], seed[KEY_SEED_BYTES] = {1};
    struct sign_scope scope;

    require(key_library_init());
    seal_keyring_init(&ring, CLUSTER);
    seal_key_from_cluster(CLUSTER, key);
    require(seal_keyring_add(&ring, key) == SEAL_OK);
    key_pair_from_seed(seed, &core_key);
    seed[0] = 2;
    key_pair_from_seed(seed, &member_key);
    struct alive alive = {.id = member_key.public,
                          .epoch = MEMBER_EPOCH,
                          .name = span_of_text("member"),
                          .addresses = {member_addr},
                          .address_count = 1,
                          .protocol_version = PROTOCOL_VERSION};
    sign_scope_of(CLUSTER, &scope);
    member_alive = statement_of_alive(&alive, &member_key, &scope);
    require(member_alive != NULL);
    store = blob_store_new();
}

static void drain(struct scene *scene)
{
    uint8_t packet[PACKET_MAX_BYTES];
    struct gossip_event event;
    struct addr to;
    size_t len;

    gossip_check_all(scene->core, scene->now);
    while (gossip_next_packet(scene->core, scene->now, &to, packet, &len))
        require(len <= PACKET_MAX_BYTES);
    while (gossip_next_event(scene->core, &event))
        gossip_event_release(&event);
}

static void datagram(struct scene *scene, const uint8_t *bytes, size_t len)
{
    uint8_t *copy = guard_copy(bytes, len);

    gossip_receive(scene->core, scene->now, &member_addr, copy, len);
    guard_free(copy, len);
}

static void plain_text(struct scene *scene, const uint8_t *plain, size_t len)
{
    uint8_t nonce[SEAL_NONCE_BYTES] = {0}, packet[PACKET_MAX_BYTES];

    memcpy(nonce, &scene->counter, sizeof(scene->counter));
    size_t sealed = seal_packet(&ring, nonce, plain, len, packet, sizeof(packet));
    if (sealed > 0)
        datagram(scene, packet, sealed);
}

static void messages(struct scene *scene, const uint8_t *bytes, size_t len)
{
    uint8_t plain[PACKET_PLAIN_MAX_BYTES];
    struct wire_writer writer = {.data = plain, .capacity = sizeof(plain)};

    wire_write_header(&writer, &(struct wire_header){.sender = node_tag(&member_key.public),
                                                     .epoch = MEMBER_EPOCH,
                                                     .receiver = node_tag(&core_key.public),
                                                     .counter = ++scene->counter});
    if (len > sizeof(plain) - writer.len)
        return;
    if (len > 0)
        memcpy(plain + writer.len, bytes, len);
    plain_text(scene, plain, writer.len + len);
}

static void introduce_member(struct scene *scene)
{
    uint8_t bytes[MESSAGE_MAX_BYTES], list[MESSAGE_MAX_BYTES];
    struct wire_writer writer = {.data = bytes, .capacity = sizeof(bytes)};
    struct wire_writer scratch = {.data = list, .capacity = sizeof(list)};
    struct wire_message news = {.type = WIRE_NEWS};

    wire_put_bin(&scratch, blob_span(member_alive));
    news.news.statements = wire_list_of(&scratch, 1);
    require(wire_write_message(&writer, &news));
    messages(scene, bytes, writer.len);
    drain(scene);
    require(gossip_member_count(scene->core) == 2);
}

static void begin(struct scene *scene)
{
    struct gossip_config config = {.cluster = CLUSTER,
                                   .name = "core",
                                   .zone = "",
                                   .http_url = "",
                                   .addresses = {core_addr},
                                   .address_count = 1,
                                   .identity = core_key,
                                   .keyring = ring,
                                   .seed = {3},
                                   .epoch = 5,
                                   .store = store};

    gossip_config_defaults(&config);
    *scene = (struct scene){.now = {1000000, 1795305600000}};
    scene->core = gossip_new(&config, scene->now);
    drain(scene);
    introduce_member(scene);
}

/* Ticks as a host would: at each deadline on the way. */
static void pass_time(struct scene *scene, uint64_t ms)
{
    uint64_t end_ms = scene->now.mono_ms + ms, deadline_ms;
    unsigned ticks = 0;

    while ((deadline_ms = gossip_deadline_ms(scene->core)) <= end_ms && ticks++ < 2000) {
        uint64_t step = deadline_ms > scene->now.mono_ms ? deadline_ms - scene->now.mono_ms : 0;

        scene->now.mono_ms += step;
        scene->now.wall_ms += step;
        gossip_tick(scene->core, scene->now);
        drain(scene);
    }
}

static void step(struct scene *scene, int kind, const uint8_t *bytes, size_t len)
{
    switch (kind) {
    case STEP_DATAGRAM: datagram(scene, bytes, len); break;
    case STEP_PLAIN: plain_text(scene, bytes, len); break;
    default: messages(scene, bytes, len); break;
    }
    drain(scene);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct gossip_status status;
    struct scene scene;

    if (member_alive == NULL)
        make_actors();
    begin(&scene);
    for (unsigned steps = 0; size >= 3 && steps < STEPS_MAX; steps++) {
        int kind = data[0] % STEP_KINDS;
        size_t len = (size_t)data[1] << 8 | data[2];

        data += 3;
        size -= 3;
        if (kind == STEP_TIME) {
            pass_time(&scene, len < TIME_MAX_MS ? len : TIME_MAX_MS);
            continue;
        }
        len = len < size ? len : size;
        step(&scene, kind, data, len);
        data += len;
        size -= len;
    }
    gossip_status_now(scene.core, &status);
    require(status.peers_visible <= status.records_held);
    gossip_free(scene.core);
    blob_store_sweep(store);
    return 0;
}
