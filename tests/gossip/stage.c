// SPDX-License-Identifier: Apache-2.0
/* stage.c - one real core among puppets */
#include "tests/gossip/stage.h"

#include <criterion/criterion.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define CLUSTER "stage"
#define WALL_MS 1700000000000ull

static struct addr addr_of(size_t index)
{
    return (struct addr){.family = ADDR_IPV4,
                         .ip = {10, 0, 0, (uint8_t)(index + 1)},
                         .port = (uint16_t)(4000 + index)};
}

static struct key_pair pair_of(size_t index)
{
    uint8_t seed[KEY_SEED_BYTES] = {(uint8_t)(index + 1), 42};
    struct key_pair pair;
    key_pair_from_seed(seed, &pair);
    return pair;
}

static void configure(struct stage *stage, struct gossip_config *config)
{
    uint8_t key[SEAL_KEY_BYTES];
    *config = (struct gossip_config){0};
    gossip_config_defaults(config);
    config->cluster = CLUSTER;
    config->name = "core";
    config->zone = "";
    config->http_url = "";
    config->addresses[0] = addr_of(100);
    config->address_count = 1;
    config->identity = pair_of(100);
    config->seed[0] = 3;
    config->epoch = STAGE_EPOCH;
    config->probe_interval_ms = 3600 * 1000;
    seal_key_from_cluster(CLUSTER, key);
    seal_keyring_init(&config->keyring, CLUSTER);
    cr_assert_eq(seal_keyring_add(&config->keyring, key), SEAL_OK);
    stage->keyring = config->keyring;
    sign_scope_of(CLUSTER, &stage->scope);
}

static void puppet_introduce(struct stage *stage, size_t index, uint64_t epoch)
{
    struct puppet *puppet = &stage->puppets[index];
    char name[16];
    snprintf(name, sizeof name, "puppet-%zu", index);
    struct alive alive = {.id = puppet->pair.public,
                          .epoch = epoch,
                          .incarnation = 1,
                          .name = span_of_text(name),
                          .zone = span_of_text(""),
                          .http_url = span_of_text(""),
                          .addresses = {puppet->addr},
                          .address_count = 1,
                          .protocol_version = PROTOCOL_VERSION};
    struct blob *blob = statement_of_alive(&alive, &puppet->pair, &stage->scope);
    cr_assert_eq(members_on_alive(stage->core, blob_span(blob), &puppet->member), NEWS_NEW);
    blob_release(blob);
    /* So that the core does not introduce itself in every packet. */
    puppet->member->is_seen = true;
    member_link(stage->core, puppet->member)->is_verified = true;
}

static void puppet_enter(struct stage *stage, size_t index)
{
    struct puppet *puppet = &stage->puppets[index];
    puppet->pair = pair_of(index);
    puppet->addr = addr_of(index);
    puppet->tag = node_tag(&puppet->pair.public);
    puppet_introduce(stage, index, STAGE_EPOCH);
}

void stage_restart_puppet(struct stage *stage, size_t index)
{
    puppet_introduce(stage, index, STAGE_EPOCH + 1);
    stage_drain(stage);
}

struct stage *stage_new(bool is_synced)
{
    struct stage *stage = calloc(1, sizeof *stage);
    struct gossip_config config;
    cr_assert(key_library_init());
    stage->packets = calloc(STAGE_PACKETS, sizeof *stage->packets);
    configure(stage, &config);
    if (!is_synced) {
        /* A seed that never answers: the core waits, and the test begins the first sync. */
        config.seeds[0] = addr_of(200);
        config.seed_count = 1;
        config.join_alone_ms = 3600 * 1000;
    }
    stage->now = (struct gossip_time){1000, WALL_MS};
    stage->core = gossip_new(&config, stage->now);
    for (size_t i = 0; i < STAGE_PUPPETS; i++)
        puppet_enter(stage, i);
    if (is_synced)
        sync_begin(stage->core, NULL);
    stage_run(stage, 10);
    stage_forget(stage);
    return stage;
}

void stage_free(struct stage *stage)
{
    stage_drain(stage);
    gossip_free(stage->core);
    free(stage->packets);
    free(stage);
}

static void keep_packet(struct stage *stage, const struct addr *to, const uint8_t *bytes,
                        size_t len)
{
    cr_assert_lt(stage->packet_count, STAGE_PACKETS);
    struct stage_packet *packet = &stage->packets[stage->packet_count];
    for (packet->puppet = 0; packet->puppet < STAGE_PUPPETS; packet->puppet++)
        if (addr_equal(&stage->puppets[packet->puppet].addr, to))
            break;
    cr_assert_eq(
        seal_open(&stage->keyring, bytes, len, packet->plain, sizeof packet->plain, &packet->len),
        SEAL_OK);
    stage->packet_count++;
}

void stage_drain(struct stage *stage)
{
    uint8_t bytes[PACKET_MAX_BYTES];
    struct gossip_event event;
    struct addr to;
    size_t len;
    if (!stage->keeps_checks)
        gossip_check_all(stage->core, stage->now);
    while (gossip_next_packet(stage->core, stage->now, &to, bytes, &len))
        keep_packet(stage, &to, bytes, len);
    while (gossip_next_event(stage->core, &event)) {
        stage->peer_events +=
            event.kind >= GOSSIP_EVENT_PEER_UP && event.kind <= GOSSIP_EVENT_PEER_DOWN;
        if (event.kind == GOSSIP_EVENT_LOG) {
            stage->log_events++;
            stage->last_log = event;
        }
        gossip_event_release(&event);
    }
}

void stage_run(struct stage *stage, uint64_t ms)
{
    for (uint64_t i = 0; i < ms; i++) {
        stage->now.mono_ms++;
        stage->now.wall_ms++;
        gossip_tick(stage->core, stage->now);
        stage_drain(stage);
    }
}

void stage_forget(struct stage *stage)
{
    stage->packet_count = 0;
    stage->peer_events = 0;
    stage->log_events = 0;
}

enum gossip_drop stage_say(struct stage *stage, size_t who, const struct wire_message *message)
{
    uint8_t plain[PACKET_PLAIN_MAX_BYTES], packet[PACKET_MAX_BYTES];
    uint8_t nonce[SEAL_NONCE_BYTES] = {0};
    struct puppet *puppet = &stage->puppets[who];
    struct wire_writer writer = {plain, 0, sizeof plain, false};
    struct wire_header header = {puppet->tag, STAGE_EPOCH, stage->core->tag, ++puppet->counter};
    wire_write_header(&writer, &header);
    cr_assert(wire_write_message(&writer, message), "the message fits a packet");
    stage->nonce++;
    memcpy(nonce, &stage->nonce, sizeof stage->nonce);
    size_t len = seal_packet(&stage->keyring, nonce, plain, writer.len, packet, sizeof packet);
    enum gossip_drop drop = gossip_receive(stage->core, stage->now, &puppet->addr, packet, len);
    stage_drain(stage);
    return drop;
}

static bool next_of_type(struct wire_reader *reader, enum wire_type type, struct wire_message *out)
{
    enum wire_next next;
    while ((next = wire_read_next(reader, out)) != WIRE_NEXT_END) {
        cr_assert_neq(next, WIRE_NEXT_BAD);
        if (next == WIRE_NEXT_MESSAGE && out->type == type)
            return true;
    }
    return false;
}

bool stage_heard(struct stage *stage, size_t who, enum wire_type type, size_t n,
                 struct wire_message *out)
{
    for (size_t i = 0; i < stage->packet_count; i++) {
        struct stage_packet *packet = &stage->packets[i];
        struct wire_reader reader;
        struct wire_header header;
        if (packet->puppet != who && who < STAGE_PUPPETS)
            continue;
        cr_assert(wire_read_header(&reader, span_of(packet->plain, packet->len), &header));
        while (next_of_type(&reader, type, out))
            if (n-- == 0)
                return true;
    }
    return false;
}

size_t stage_count(struct stage *stage, enum wire_type type)
{
    struct wire_message message;
    size_t count = 0;
    while (stage_heard(stage, STAGE_PUPPETS, type, count, &message))
        count++;
    return count;
}

struct blob *stage_record(struct stage *stage, size_t home, const char *peer_id, uint64_t version)
{
    const struct puppet *puppet = &stage->puppets[home];
    struct record record = {.home = puppet->tag,
                            .epoch = STAGE_EPOCH,
                            .version = version,
                            .peer = {.peer_id = span_of_text(peer_id),
                                     .archetypes = {span_of_text("test")},
                                     .archetype_count = 1,
                                     .address = span_of_text("10.1.2.3"),
                                     .port = 80,
                                     .metadata = span_of_text("{}"),
                                     .ttl_s = 300},
                            .seq = WALL_MS + version,
                            .registered_at_ms = WALL_MS};
    return statement_of_record(&record, &puppet->pair, &stage->scope);
}

struct blob *stage_deletion(struct stage *stage, size_t home, const char *peer_id, uint64_t version)
{
    const struct puppet *puppet = &stage->puppets[home];
    struct deletion deletion = {.home = puppet->tag,
                                .epoch = STAGE_EPOCH,
                                .version = version,
                                .peer_id = span_of_text(peer_id),
                                .seq = WALL_MS + version,
                                .ttl_s = 300,
                                .reason = DELETE_DEREGISTERED};
    return statement_of_deletion(&deletion, &puppet->pair, &stage->scope);
}

struct blob *stage_head(struct stage *stage, size_t home, uint64_t version, const struct hash *root)
{
    const struct puppet *puppet = &stage->puppets[home];
    struct head head = {.home = puppet->tag,
                        .epoch = STAGE_EPOCH,
                        .version = version,
                        .live_count = version,
                        .root = *root,
                        .wall_ms = WALL_MS};
    return statement_of_head(&head, &puppet->pair, &stage->scope);
}

struct signed_peer {
    struct span peer_id;
    uint8_t signature[STATEMENT_SIGNATURE_BYTES];
};

static int by_root_order(const void *a, const void *b)
{
    const struct signed_peer *left = a, *right = b;
    uint32_t left_key = root_key_of(left->peer_id), right_key = root_key_of(right->peer_id);
    return left_key < right_key ? -1 : left_key > right_key;
}

/* root.h in so many words, for records that fit one leaf. */
static void root_of(struct stage *stage, size_t home, size_t count, const char *const *peer_ids,
                    const uint64_t *versions, struct hash *out)
{
    struct signed_peer peers[ROOT_LEAF_MAX];
    struct hash_state leaf;
    cr_assert_leq(count, ROOT_LEAF_MAX);
    for (size_t i = 0; i < count; i++) {
        struct blob *blob = stage_record(stage, home, peer_ids[i], versions[i]);
        peers[i].peer_id = span_of_text(peer_ids[i]);
        memcpy(peers[i].signature, blob->bytes, sizeof peers[i].signature);
        blob_release(blob);
    }
    if (count > 0)
        qsort(peers, count, sizeof *peers, by_root_order);
    hash_begin(&leaf, "aurora-root-leaf");
    for (size_t i = 0; i < count; i++)
        hash_update(&leaf, peers[i].signature, sizeof peers[i].signature);
    hash_end(&leaf, out);
}

struct blob *stage_true_head(struct stage *stage, size_t home, uint64_t version, size_t count,
                             const char *const *peer_ids, const uint64_t *versions)
{
    struct hash root;
    root_of(stage, home, count, peer_ids, versions, &root);
    return stage_head(stage, home, version, &root);
}

void stage_list_begin(struct stage_list *list)
{
    list->writer = (struct wire_writer){list->bytes, 0, sizeof list->bytes, false};
    list->count = 0;
}

void stage_list_add(struct stage_list *list, struct blob *blob)
{
    wire_put_bin(&list->writer, blob_span(blob));
    cr_assert(!list->writer.overflowed);
    list->count++;
    blob_release(blob);
}

void stage_list_records(struct stage *stage, struct stage_list *list, size_t home, uint64_t v0,
                        uint64_t v1)
{
    stage_list_begin(list);
    for (uint64_t version = v0 + 1; version <= v1; version++) {
        char id[32];
        snprintf(id, sizeof id, "p%llu", (unsigned long long)version);
        stage_list_add(list, stage_record(stage, home, id, version));
    }
}

struct wire_batch stage_batch(struct stage *stage, size_t home, uint64_t v0, uint64_t v1,
                              uint64_t applied, const struct stage_list *list)
{
    return (struct wire_batch){.home = stage->puppets[home].tag,
                               .epoch = STAGE_EPOCH,
                               .v0 = v0,
                               .v1 = v1,
                               .applied = applied,
                               .statements = wire_list_of(&list->writer, list->count)};
}

enum gossip_drop stage_range(struct stage *stage, size_t who, uint64_t request, bool is_reset,
                             bool is_last, const struct wire_batch *batch)
{
    struct wire_message message = {
        .type = WIRE_RANGE,
        .range = {.request = request, .is_reset = is_reset, .is_last = is_last, .batch = *batch}};
    return stage_say(stage, who, &message);
}

void stage_fill(struct stage *stage, size_t home, uint64_t v0, uint64_t v1)
{
    for (uint64_t version = v0 + 1; version <= v1; version++) {
        struct stage_list list;
        stage_list_records(stage, &list, home, version - 1, version);
        struct wire_batch batch = stage_batch(stage, home, version - 1, version, version, &list);
        cr_assert_eq(log_on_batch(stage->core, stage_log(stage, home), &batch), BATCH_APPLIED);
    }
    stage_drain(stage);
}

struct log *stage_log(struct stage *stage, size_t home)
{
    struct log *log = registry_log_make(stage->core, stage->puppets[home].tag, STAGE_EPOCH);
    cr_assert_not_null(log);
    return log;
}

bool stage_sees(struct stage *stage, const char *peer_id)
{
    struct gossip_peer_info info;
    return gossip_peer_find(stage->core, span_of_text(peer_id), &info) && info.visible;
}

void stage_announce(struct stage *stage, size_t who, size_t home, uint64_t version)
{
    uint8_t bytes[32];
    struct wire_writer list = {bytes, 0, sizeof bytes, false};
    wire_put_array(&list, 3);
    wire_put_uint(&list, stage->puppets[home].tag);
    wire_put_uint(&list, STAGE_EPOCH);
    wire_put_uint(&list, version);
    struct wire_message message = {.type = WIRE_ANNOUNCE,
                                   .announce.entries = wire_list_of(&list, 1)};
    stage_say(stage, who, &message);
}
