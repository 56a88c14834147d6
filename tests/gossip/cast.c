// SPDX-License-Identifier: Apache-2.0
/* cast.c - one real core and a cast of actors around it */
#include "tests/gossip/cast.h"

#include <criterion/criterion.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define CLUSTER "cast"

static struct addr addr_of(size_t index)
{
    return (struct addr){.family = ADDR_IPV4,
                         .ip = {10, 0, 0, (uint8_t)(index + 1)},
                         .port = (uint16_t)(4000 + index)};
}

static struct key_pair pair_of(size_t index)
{
    uint8_t seed[KEY_SEED_BYTES] = {(uint8_t)(index + 1), 77};
    struct key_pair pair;
    key_pair_from_seed(seed, &pair);
    return pair;
}

void cast_config(struct gossip_config *config)
{
    uint8_t key[SEAL_KEY_BYTES];
    cr_assert(key_library_init());
    *config = (struct gossip_config){0};
    gossip_config_defaults(config);
    config->cluster = CLUSTER;
    config->name = "core";
    config->zone = "";
    config->http_url = "";
    config->addresses[0] = addr_of(200);
    config->address_count = 1;
    config->identity = pair_of(200);
    config->seed[0] = 5;
    config->epoch = CAST_EPOCH;
    seal_key_from_cluster(CLUSTER, key);
    seal_keyring_init(&config->keyring, CLUSTER);
    cr_assert_eq(seal_keyring_add(&config->keyring, key), SEAL_OK);
}

struct cast *cast_new(const struct gossip_config *given, size_t count, size_t known)
{
    struct gossip_config config;
    struct cast *cast = calloc(1, sizeof *cast);
    cast_config(&config);
    cr_assert(count <= CAST_MAX && known <= count);
    cast->packets = calloc(CAST_PACKETS, sizeof *cast->packets);
    cast->events = calloc(CAST_EVENTS, sizeof *cast->events);
    cast->keyring = config.keyring;
    sign_scope_of(CLUSTER, &cast->scope);
    cast->now = (struct gossip_time){1000, CAST_WALL_MS};
    cast->core = gossip_new(given == NULL ? &config : given, cast->now);
    cast_run(cast, 1); /* without seeds it has joined, then */
    cast->count = count;
    for (size_t i = 0; i < count; i++) {
        struct actor *actor = &cast->actors[i];
        actor->pair = pair_of(i);
        actor->addr = addr_of(i);
        actor->tag = node_tag(&actor->pair.public);
        actor->epoch = CAST_EPOCH;
        actor->incarnation = 1;
        if (i < known)
            cr_assert_eq(cast_give_alive(cast, i, CAST_EPOCH, 1), NEWS_NEW);
    }
    cast_drain(cast);
    cast_forget(cast);
    return cast;
}

void cast_free(struct cast *cast)
{
    cast_drain(cast);
    cast_forget(cast);
    gossip_free(cast->core);
    free(cast->packets);
    free(cast->events);
    free(cast);
}

static void keep_packet(struct cast *cast, const struct addr *to, const uint8_t *bytes, size_t len)
{
    cr_assert_lt(cast->packet_count, CAST_PACKETS);
    struct cast_packet *packet = &cast->packets[cast->packet_count];
    packet->to = *to;
    packet->at_ms = cast->now.mono_ms;
    packet->sealed_len = len;
    cr_assert_eq(
        seal_open(&cast->keyring, bytes, len, packet->plain, sizeof packet->plain, &packet->len),
        SEAL_OK);
    cast->packet_count++;
}

static void react(struct cast *cast, size_t index, const struct wire_message *message)
{
    struct actor *actor = &cast->actors[index];
    if (message->type == WIRE_PING && actor->answers) {
        struct wire_message ack = {.type = WIRE_ACK, .probe = {.random = message->probe.random}};
        ack.probe.members_digest = cast->core->members.digest;
        ack.probe.records_digest = cast->core->registry.records_digest;
        cast_say(cast, index, &ack);
    }
    if (message->type == WIRE_PING_REQUEST && actor->relays) {
        struct wire_message nack = {.type = WIRE_NACK, .nack = {message->ping_request.random}};
        cast_say(cast, index, &nack);
    }
}

static void deliver(struct cast *cast, const struct cast_packet *packet)
{
    struct wire_reader reader;
    struct wire_header header;
    struct wire_message message;
    size_t index = 0;
    while (index < cast->count && !addr_equal(&cast->actors[index].addr, &packet->to))
        index++;
    if (index == cast->count)
        return;
    cr_assert(wire_read_header(&reader, span_of(packet->plain, packet->len), &header));
    while (wire_read_next(&reader, &message) == WIRE_NEXT_MESSAGE)
        react(cast, index, &message);
}

void cast_drain(struct cast *cast)
{
    uint8_t bytes[PACKET_MAX_BYTES];
    struct addr to;
    size_t len;
    gossip_check_all(cast->core, cast->now);
    while (gossip_next_packet(cast->core, cast->now, &to, bytes, &len)) {
        keep_packet(cast, &to, bytes, len);
        /* Answers make the core send more: what was kept stays where it is. */
        struct cast_packet packet = cast->packets[cast->packet_count - 1];
        deliver(cast, &packet);
    }
    struct gossip_event event;
    while (gossip_next_event(cast->core, &event)) {
        if (event.kind == GOSSIP_EVENT_STATUS) {
            gossip_event_release(&event);
            continue;
        }
        cr_assert_lt(cast->event_count, CAST_EVENTS);
        cast->events[cast->event_count++] = event;
    }
}

void cast_run(struct cast *cast, uint64_t ms)
{
    for (uint64_t i = 0; i < ms; i++) {
        cast->now.mono_ms++;
        cast->now.wall_ms++;
        gossip_tick(cast->core, cast->now);
        cast_drain(cast);
    }
}

void cast_forget(struct cast *cast)
{
    for (size_t i = 0; i < cast->event_count; i++)
        gossip_event_release(&cast->events[i]);
    cast->event_count = 0;
    cast->packet_count = 0;
}

void cast_answer_all(struct cast *cast, bool answers)
{
    for (size_t i = 0; i < cast->count; i++)
        cast->actors[i].answers = answers;
}

struct member *cast_member(const struct cast *cast, size_t actor)
{
    return members_find(cast->core, cast->actors[actor].tag);
}

enum member_state cast_state(const struct cast *cast, size_t actor)
{
    const struct member *member = cast_member(cast, actor);
    return member == NULL ? MEMBER_FORGOTTEN : member->state;
}

/* --- Statements ------------------------------------------------------------------------------- */

struct blob *cast_alive_at(const struct cast *cast, size_t actor, uint64_t epoch,
                           uint64_t incarnation, const char *name, const struct addr *addr)
{
    struct alive alive = {.id = cast->actors[actor].pair.public,
                          .epoch = epoch,
                          .incarnation = incarnation,
                          .name = span_of_text(name),
                          .zone = span_of_text(""),
                          .http_url = span_of_text(""),
                          .addresses = {*addr},
                          .address_count = 1,
                          .protocol_version = PROTOCOL_VERSION};
    return statement_of_alive(&alive, &cast->actors[actor].pair, &cast->scope);
}

struct blob *cast_alive(const struct cast *cast, size_t actor, uint64_t epoch, uint64_t incarnation)
{
    char name[16];
    snprintf(name, sizeof name, "actor-%zu", actor);
    return cast_alive_at(cast, actor, epoch, incarnation, name, &cast->actors[actor].addr);
}

struct blob *cast_left(const struct cast *cast, size_t actor, uint64_t epoch, uint64_t incarnation)
{
    struct left left = {cast->actors[actor].tag, epoch, incarnation};
    return statement_of_left(&left, &cast->actors[actor].pair, &cast->scope);
}

struct blob *cast_accusation(const struct cast *cast, size_t accuser, uint64_t subject,
                             uint64_t epoch, uint64_t incarnation, uint64_t stamp)
{
    struct accusation accusation = {cast->actors[accuser].tag, subject, epoch, incarnation, stamp};
    return statement_of_accusation(&accusation, &cast->actors[accuser].pair, &cast->scope);
}

enum news_verdict cast_give_alive(struct cast *cast, size_t actor, uint64_t epoch,
                                  uint64_t incarnation)
{
    struct member *member;
    struct blob *blob = cast_alive(cast, actor, epoch, incarnation);
    enum news_verdict verdict = members_on_alive(cast->core, blob_span(blob), &member);
    blob_release(blob);
    if (verdict == NEWS_NEW) {
        cast->actors[actor].epoch = epoch;
        cast->actors[actor].incarnation = incarnation;
    }
    return verdict;
}

enum news_verdict cast_give_left(struct cast *cast, size_t actor, uint64_t epoch,
                                 uint64_t incarnation)
{
    struct blob *blob = cast_left(cast, actor, epoch, incarnation);
    enum news_verdict verdict = members_on_left(cast->core, blob_span(blob));
    blob_release(blob);
    return verdict;
}

enum suspicion_verdict cast_accuse(struct cast *cast, size_t accuser, size_t subject,
                                   uint64_t stamp)
{
    const struct member *member = cast_member(cast, subject);
    struct blob *blob = cast_accusation(cast, accuser, member->life->tag, member->life->epoch,
                                        member->life->incarnation, stamp);
    enum suspicion_verdict verdict = suspicion_on_accusation(cast->core, blob_span(blob));
    blob_release(blob);
    return verdict;
}

enum suspicion_verdict cast_accuse_core(struct cast *cast, size_t accuser, uint64_t stamp)
{
    const struct member *self = cast->core->members.self;
    struct blob *blob = cast_accusation(cast, accuser, self->life->tag, self->life->epoch,
                                        self->life->incarnation, stamp);
    enum suspicion_verdict verdict = suspicion_on_accusation(cast->core, blob_span(blob));
    blob_release(blob);
    return verdict;
}

/* --- Packets ------------------------------------------------------------------------------------
 */

enum gossip_drop cast_say_as(struct cast *cast, const struct wire_header *header,
                             const struct addr *from, const struct wire_message *message)
{
    uint8_t plain[PACKET_PLAIN_MAX_BYTES], packet[PACKET_MAX_BYTES];
    uint8_t nonce[SEAL_NONCE_BYTES] = {0};
    struct wire_writer writer = {plain, 0, sizeof plain, false};
    wire_write_header(&writer, header);
    cr_assert(wire_write_message(&writer, message), "the message fits a packet");
    cast->nonce++;
    memcpy(nonce, &cast->nonce, sizeof cast->nonce);
    size_t len = seal_packet(&cast->keyring, nonce, plain, writer.len, packet, sizeof packet);
    cast->said_len = len;
    return gossip_receive(cast->core, cast->now, from, packet, len);
}

enum gossip_drop cast_say_from(struct cast *cast, size_t actor, const struct addr *from,
                               const struct wire_message *message)
{
    struct actor *who = &cast->actors[actor];
    struct wire_header header = {who->tag, who->epoch, cast->core->tag, ++who->counter};
    return cast_say_as(cast, &header, from, message);
}

enum gossip_drop cast_say(struct cast *cast, size_t actor, const struct wire_message *message)
{
    return cast_say_from(cast, actor, &cast->actors[actor].addr, message);
}

enum gossip_drop cast_tell(struct cast *cast, size_t actor, struct blob *statement)
{
    uint8_t bytes[STATEMENT_MAX_BYTES + 8];
    struct wire_writer list = {bytes, 0, sizeof bytes, false};
    wire_put_bin(&list, blob_span(statement));
    struct wire_message news = {.type = WIRE_NEWS, .news.statements = wire_list_of(&list, 1)};
    enum gossip_drop drop = cast_say(cast, actor, &news);
    blob_release(statement);
    return drop;
}

static bool is_to(const struct cast_packet *packet, const struct addr *addr)
{
    return addr == NULL || addr_equal(addr, &packet->to);
}

static size_t count_to(const struct cast *cast, const struct addr *addr, enum wire_type type,
                       size_t wanted, struct wire_message *out)
{
    size_t count = 0;
    for (size_t i = 0; i < cast->packet_count; i++) {
        const struct cast_packet *packet = &cast->packets[i];
        struct wire_reader reader;
        struct wire_header header;
        struct wire_message message;
        cr_assert(wire_read_header(&reader, span_of(packet->plain, packet->len), &header));
        while (is_to(packet, addr) && wire_read_next(&reader, &message) == WIRE_NEXT_MESSAGE) {
            if (message.type != type)
                continue;
            if (count++ == wanted && out != NULL)
                *out = message;
        }
    }
    return count;
}

bool cast_heard_at(const struct cast *cast, const struct addr *addr, enum wire_type type, size_t n,
                   struct wire_message *out)
{
    return count_to(cast, addr, type, n, out) > n;
}

bool cast_heard(const struct cast *cast, size_t actor, enum wire_type type, size_t n,
                struct wire_message *out)
{
    return cast_heard_at(cast, &cast->actors[actor].addr, type, n, out);
}

size_t cast_heard_count(const struct cast *cast, size_t actor, enum wire_type type)
{
    return count_to(cast, &cast->actors[actor].addr, type, SIZE_MAX, NULL);
}

size_t cast_count(const struct cast *cast, enum wire_type type)
{
    return count_to(cast, NULL, type, SIZE_MAX, NULL);
}

size_t cast_bytes_to(const struct cast *cast, const struct addr *addr)
{
    size_t bytes = 0;
    for (size_t i = 0; i < cast->packet_count; i++)
        if (is_to(&cast->packets[i], addr))
            bytes += cast->packets[i].sealed_len;
    return bytes;
}

/* --- Events
 * --------------------------------------------------------------------------------------- */

size_t cast_event_count(const struct cast *cast, enum gossip_event_kind kind)
{
    size_t count = 0;
    for (size_t i = 0; i < cast->event_count; i++)
        count += cast->events[i].kind == kind;
    return count;
}

const struct gossip_event *cast_event(const struct cast *cast, enum gossip_event_kind kind)
{
    for (size_t i = cast->event_count; i-- > 0;)
        if (cast->events[i].kind == kind)
            return &cast->events[i];
    cr_assert_fail("no such event");
    abort();
}
