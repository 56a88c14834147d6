// SPDX-License-Identifier: Apache-2.0
/* traitor_packet.c - packets sealed by hand, floods, and what was said before, said again */
#include "crypto/hash.h"
#include "gossip/operation.h"
#include "sim/memory.h"
#include "sim/traitor_impl.h"

#include <assert.h>

enum { SMALL_WINDOW = 16 << 10 };

/* --- Sealed by hand
 * ---------------------------------------------------------------------------------- */

static void seal_by_hand(struct cluster *cluster, const struct addr *from, size_t to,
                         const uint8_t *plain, size_t len)
{
    struct world *world = cluster_world(cluster);
    uint8_t packet[PACKET_MAX_BYTES];
    struct hash nonce;

    /* The hash of all that happened is new with each act. */
    hash_of("traitor-nonce", &world->trace.hash, sizeof(world->trace.hash), &nonce);
    size_t sealed = seal_packet(&world->keyring, nonce.bytes, plain, len, packet, sizeof(packet));
    assert(sealed > 0);
    world_inject(world, from, to, packet, sealed);
}

static void send_by_hand(struct cluster *cluster, const struct addr *from, size_t to,
                         const struct wire_header *header, const struct wire_message *messages,
                         size_t count)
{
    uint8_t plain[PACKET_PLAIN_MAX_BYTES];
    struct wire_writer writer = {plain, 0, sizeof(plain), false};

    wire_write_header(&writer, header);
    for (size_t i = 0; i < count; i++)
        wire_write_message(&writer, &messages[i]);
    seal_by_hand(cluster, from, to, plain, writer.len);
}

void traitor_mute(struct cluster *cluster, size_t traitor, size_t subject, size_t at)
{
    struct gossip *core = traitor_core(cluster, traitor);
    const struct member *member = traitor_member(cluster, core, subject);

    if (member == NULL || at == subject)
        return;
    struct addr from = cluster_addr(cluster, traitor);
    struct wire_header header = {member->life->tag, member->life->epoch, cluster_tag(cluster, at),
                                 UINT64_MAX};
    struct wire_message message = {.type = WIRE_NACK};
    traitor_trace(cluster, traitor, 'm', subject);
    send_by_hand(cluster, &from, at, &header, &message, 1);
}

/* It has listened in, and knows which counter comes next. */
void traitor_misplace(struct cluster *cluster, size_t traitor, size_t subject, size_t at)
{
    struct gossip *speaker = traitor_core(cluster, subject);
    struct member *listener = traitor_member(cluster, speaker, at);

    if (traitor_core(cluster, traitor) == NULL || listener == NULL ||
        listener == speaker->members.self)
        return;
    struct addr from = traitor_victim((uint32_t)subject);
    struct wire_header header = {speaker->tag, speaker->epoch, listener->life->tag,
                                 member_link(speaker, listener)->sent_counter + 1};
    struct wire_message message = {.type = WIRE_PING,
                                   .probe = {UINT64_MAX - header.counter, UINT64_MAX, UINT64_MAX}};
    traitor_trace(cluster, traitor, 'p', subject);
    send_by_hand(cluster, &from, at, &header, &message, 1);
}

/* --- Withholding
 * ------------------------------------------------------------------------------------- */

/* The same list without the operations of odd versions, and whatever is no operation. */
static struct wire_list without_odd(struct wire_list list, struct wire_writer *out)
{
    struct span statement;
    uint32_t count = 0;

    while (wire_list_bin(&list, &statement)) {
        struct operation operation;

        if (operation_read(statement, &operation) && operation.version % 2 == 1)
            continue;
        wire_put_bin(out, statement);
        count++;
    }
    return wire_list_of(out, count);
}

size_t traitor_withhold_from(const struct world *world, size_t traitor, uint8_t *bytes, size_t len)
{
    uint8_t plain[PACKET_PLAIN_MAX_BYTES], left[PACKET_PLAIN_MAX_BYTES];
    uint8_t lists[PACKET_PLAIN_MAX_BYTES], nonce[SEAL_NONCE_BYTES];
    struct wire_writer writer = {left, 0, sizeof(left), false};
    struct wire_reader reader;
    struct wire_header header;
    struct wire_message message;
    size_t plain_len = 0;

    memcpy(nonce, bytes + 1 + SEAL_TAG_BYTES, sizeof(nonce));
    if (seal_open(&world->keyring, bytes, len, plain, sizeof(plain), &plain_len) != SEAL_OK ||
        !wire_read_header(&reader, span_of(plain, plain_len), &header))
        return len;
    assert(header.sender == world->nodes[traitor].tag);
    wire_write_header(&writer, &header);
    while (wire_read_next(&reader, &message) == WIRE_NEXT_MESSAGE) {
        struct wire_writer list = {lists, 0, sizeof(lists), false};

        if (message.type == WIRE_SPREAD_BATCH)
            message.spread.batch.statements = without_odd(message.spread.batch.statements, &list);
        else if (message.type == WIRE_RANGE)
            message.range.batch.statements = without_odd(message.range.batch.statements, &list);
        else if (message.type == WIRE_BUCKET)
            message.bucket.statements = without_odd(message.bucket.statements, &list);
        wire_write_message(&writer, &message);
    }
    return seal_packet(&world->keyring, nonce, left, writer.len, bytes, PACKET_MAX_BYTES);
}

/* --- Floods
 * ------------------------------------------------------------------------------------------ */

/* Somebody else's log, or its own. */
static const struct log *any_log(const struct gossip *core, struct random *random)
{
    if (core->registry.log_count == 0)
        return NULL;
    return core->registry.logs[random_below(random, core->registry.log_count)];
}

static struct wire_message ask_members(struct random *random)
{
    uint64_t what = random_below(random, 5);
    uint64_t number = random_next(random);

    switch (what) {
    case 0: return (struct wire_message){.type = WIRE_PING, .probe = {.random = number}};
    case 1: return (struct wire_message){.type = WIRE_MEMBERS_PULL, .members_pull = {0}};
    case 2:
        return (struct wire_message){.type = WIRE_PING_REQUEST, .ping_request = {number, number}};
    case 3:
        return (struct wire_message){.type = WIRE_MEMBERS_LIST, .list = {.buckets = UINT32_MAX}};
    default: break;
    }
    /* flags: ask for a page, with the logs of the gone */
    return (struct wire_message){.type = WIRE_LOGS_LIST, .list = {.flags = 1 | 16}};
}

static struct wire_message ask_log(const struct log *log, struct random *random)
{
    uint64_t what = random_below(random, 4);
    uint64_t number = random_next(random);

    switch (what) {
    case 0:
        return (struct wire_message){.type = WIRE_PULL,
                                     .pull = {.request = number,
                                              .home = log->home,
                                              .epoch = log->epoch,
                                              .window_bytes = number % 2 ? 1u << 18 : 1u << 14}};
    case 1:
        return (struct wire_message){.type = WIRE_ROOT_PULL,
                                     .root_pull = {number, log->home, log->epoch,
                                                   number % (ROOT_BUCKETS / ROOT_PAGE_BUCKETS)}};
    case 2:
        return (struct wire_message){
            .type = WIRE_BUCKET_PULL,
            .bucket_pull = {number, log->home, log->epoch, number % ROOT_BUCKETS, 0}};
    default: break;
    }
    return (struct wire_message){.type = WIRE_RANGE,
                                 .range = {.request = number,
                                           .is_last = true,
                                           .batch = {.home = log->home,
                                                     .epoch = log->epoch,
                                                     .v1 = number >> 32,
                                                     .applied = number >> 32}}};
}

void traitor_flood(struct cluster *cluster, struct random *random, size_t traitor, size_t packets)
{
    struct gossip *core = traitor_core(cluster, traitor);

    if (core == NULL)
        return;
    traitor_trace(cluster, traitor, 'F', packets);
    for (size_t i = 0; i < packets; i++) {
        size_t to = random_below(random, cluster_nodes(cluster));
        struct member *member = traitor_member(cluster, core, to);
        const struct log *log = any_log(core, random);
        bool is_about_log = random_chance(random, 0.5);

        if (member == NULL || member == core->members.self)
            continue;
        struct wire_message message =
            log != NULL && is_about_log ? ask_log(log, random) : ask_members(random);
        outbox_send(core, member, PRIORITY_PROBE, &message);
        if (i % 8 == 7)
            cluster_drain(cluster, traitor);
    }
    cluster_drain(cluster, traitor);
}

void traitor_ask(struct cluster *cluster, size_t traitor, size_t at, size_t times)
{
    struct gossip *core = traitor_core(cluster, traitor);
    struct member *member = traitor_member(cluster, core, at);

    if (member == NULL || member == core->members.self)
        return;
    traitor_trace(cluster, traitor, 'A', times);
    for (size_t i = 0; i < times; i++) {
        struct wire_message message = {.type = WIRE_PULL,
                                       .pull = {.request = UINT64_MAX - i,
                                                .home = cluster_tag(cluster, at),
                                                .epoch = cluster_epoch(cluster, at),
                                                .window_bytes = SMALL_WINDOW}};
        outbox_send(core, member, PRIORITY_PROBE, &message);
    }
    cluster_drain(cluster, traitor);
}

void traitor_flood_garbage(struct cluster *cluster, struct random *random, size_t traitor,
                           size_t packets)
{
    struct addr from = cluster_addr(cluster, traitor);
    uint8_t noise[PACKET_MAX_BYTES];

    if (traitor_core(cluster, traitor) == NULL)
        return;
    traitor_trace(cluster, traitor, 'G', packets);
    for (size_t i = 0; i < packets; i++) {
        size_t to = random_below(random, cluster_nodes(cluster));
        size_t len = random_below(random, PACKET_PLAIN_MAX_BYTES + 1);
        bool is_sealed = random_chance(random, 0.5);

        random_fill(random, noise, len);
        if (to == traitor)
            continue;
        if (is_sealed)
            seal_by_hand(cluster, &from, to, noise, len);
        else
            world_inject(cluster_world(cluster), &from, to, noise, len);
    }
}

/* --- Again
 * ------------------------------------------------------------------------------------------- */

void traitor_listen(struct cluster *cluster)
{
    struct world *world = cluster_world(cluster);

    if (world->capture == NULL)
        world->capture = memory_new(1, sizeof(*world->capture));
}

/* NULL: none yet. */
static const struct captured *captured_at_random(const struct world *world, struct random *random)
{
    const struct capture *capture = world->capture;
    uint64_t recent = capture->seen < CAPTURE_RECENT ? capture->seen : CAPTURE_RECENT;
    uint64_t old = capture->kept < CAPTURE_OLD ? capture->kept : CAPTURE_OLD;

    if (recent + old == 0)
        return NULL;
    uint64_t at = random_below(random, recent + old);
    return at < recent ? &capture->recent[at] : &capture->old[at - recent];
}

void traitor_replay(struct cluster *cluster, struct random *random, size_t packets,
                    const struct addr *from)
{
    struct world *world = cluster_world(cluster);

    traitor_listen(cluster);
    traitor_trace(cluster, SIZE_MAX, 'R', packets);
    for (size_t i = 0; i < packets; i++) {
        const struct captured *packet = captured_at_random(world, random);

        if (packet == NULL)
            continue;
        struct addr source = from != NULL ? *from : cluster_addr(cluster, packet->from);
        world_inject(world, &source, packet->to, packet->bytes, packet->len);
    }
}

/* Whatever list of news a captured packet holds. */
static void say_again(struct cluster *cluster, size_t traitor, const struct captured *packet)
{
    const struct world *world = cluster_world(cluster);
    uint8_t plain[PACKET_PLAIN_MAX_BYTES];
    size_t plain_len = 0;
    struct wire_reader reader;
    struct wire_header header;
    struct wire_message message;

    if (seal_open(&world->keyring, packet->bytes, packet->len, plain, sizeof(plain), &plain_len) !=
            SEAL_OK ||
        !wire_read_header(&reader, span_of(plain, plain_len), &header))
        return;
    while (wire_read_next(&reader, &message) == WIRE_NEXT_MESSAGE)
        if (message.type == WIRE_NEWS || message.type == WIRE_SPREAD_NEWS ||
            message.type == WIRE_SPREAD_BATCH || message.type == WIRE_RANGE ||
            message.type == WIRE_MEMBERS)
            traitor_send_each(cluster, traitor, NULL, SIZE_MAX, &message);
}

void traitor_replay_statements(struct cluster *cluster, struct random *random, size_t traitor,
                               size_t packets)
{
    traitor_listen(cluster);
    traitor_trace(cluster, traitor, 'S', packets);
    for (size_t i = 0; i < packets && traitor_core(cluster, traitor) != NULL; i++) {
        const struct captured *packet = captured_at_random(cluster_world(cluster), random);
        struct captured copy;

        if (packet == NULL)
            continue;
        copy = *packet; /* what is sent now is captured, too */
        say_again(cluster, traitor, &copy);
    }
}

/* --- Reflecting
 * -------------------------------------------------------------------------------------- */

struct addr traitor_victim(uint32_t number)
{
    return (struct addr){.family = ADDR_IPV4,
                         .ip = {192, 0, 2, (uint8_t)number}, /* RFC 5737: nobody's */
                         .port = (uint16_t)(1024 + number / 256)};
}

static struct wire_message join_of(struct span alive, uint64_t request, bool is_padded)
{
    static const uint8_t zeros[JOIN_ROOM_BYTES];

    return (struct wire_message){
        .type = WIRE_JOIN,
        .join = {.statement = alive,
                 .request = request,
                 .padding = span_of(zeros, is_padded ? JOIN_ROOM_BYTES - alive.len : 0)}};
}

/* An identity of nobody's, signed by itself: whoever holds the cluster's key can have as many as it
 * likes. */
static struct blob *sybil_alive(const struct gossip *core, const struct addr *victim,
                                uint64_t epoch, struct key_pair *identity)
{
    struct hash seed;
    struct alive alive = {.epoch = epoch,
                          .incarnation = 1,
                          .name = span_of_text("sybil"),
                          .address_count = 1,
                          .protocol_version = PROTOCOL_VERSION};

    hash_of("traitor-sybil", victim->ip, sizeof(victim->ip), &seed);
    seed.bytes[0] ^= (uint8_t)victim->port;
    seed.bytes[1] ^= (uint8_t)(victim->port >> 8);
    key_pair_from_seed(seed.bytes, identity);
    alive.id = identity->public;
    alive.addresses[0] = *victim;
    return statement_of_alive(&alive, identity, &core->scope);
}

/* It begins a life at the victim's address, and asks for all there is. */
static void bait_with_life(struct cluster *cluster, struct gossip *core, struct random *random,
                           size_t at, const struct addr *victim)
{
    struct key_pair identity;
    uint8_t bytes[STATEMENT_MAX_BYTES + 8];
    struct wire_writer list = {bytes, 0, sizeof(bytes), false};
    uint64_t epoch = core->now.wall_ms;
    struct blob *alive = sybil_alive(core, victim, epoch, &identity);
    struct wire_message messages[10];
    size_t count = 0;

    wire_put_bin(&list, blob_span(alive));
    messages[count++] =
        (struct wire_message){.type = WIRE_NEWS, .news.statements = wire_list_of(&list, 1)};
    messages[count++] = ask_members(random);
    for (int i = 0; i < 8 && core->registry.log_count > 0; i++)
        messages[count++] = ask_log(any_log(core, random), random);
    struct wire_header header = {node_tag(&identity.public), epoch, cluster_tag(cluster, at), 1};
    send_by_hand(cluster, victim, at, &header, messages, count);
    blob_release(alive);
}

static void bait_with_join(struct cluster *cluster, struct gossip *core, size_t at,
                           const struct addr *victim, bool is_padded)
{
    struct wire_message join =
        join_of(blob_span(core->members.self->life->statement), core->join.request, is_padded);
    struct wire_header header = {core->tag, core->epoch, 0, 0};

    send_by_hand(cluster, victim, at, &header, &join, 1);
}

void traitor_reflect(struct cluster *cluster, struct random *random, size_t traitor,
                     enum traitor_bait bait, size_t at, const struct addr *victim)
{
    struct gossip *core = traitor_core(cluster, traitor);
    struct member *member = traitor_member(cluster, core, at);

    if (member == NULL || member == core->members.self)
        return;
    const struct log *log = any_log(core, random);
    struct wire_message ping = {.type = WIRE_PING,
                                .probe = {random_next(random), UINT64_MAX, UINT64_MAX}};
    struct wire_header header = {core->tag, core->epoch, member->life->tag, 0};
    traitor_trace(cluster, traitor, 'B', (uint64_t)at << 8 | (uint64_t)bait);
    if (bait == BAIT_REPLAY) {
        traitor_replay(cluster, random, 1, victim);
    } else if (bait == BAIT_ALIVE) {
        bait_with_life(cluster, core, random, at, victim);
    } else if (bait == BAIT_JOIN || bait == BAIT_JOIN_BARE) {
        bait_with_join(cluster, core, at, victim, bait == BAIT_JOIN);
    } else if (bait == BAIT_OWN_KEY) {
        header.sender = member->life->tag;
        send_by_hand(cluster, victim, at, &header, &ping, 1);
    } else {
        header.counter = ++member_link(core, member)->sent_counter;
        if (bait == BAIT_PULL)
            ping = log != NULL ? ask_log(log, random) : ask_members(random);
        send_by_hand(cluster, victim, at, &header, &ping, 1);
    }
}
