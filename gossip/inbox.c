// SPDX-License-Identifier: Apache-2.0
/* inbox.c - a datagram on its way in: authenticate, decode, filter, and only then act. */
#include <assert.h>

#include "gossip/core.h"
#include "gossip/news.h"
#include "gossip/sealed.h"

static enum gossip_drop drop_of_seal(enum seal_error error)
{
    switch (error) {
    case SEAL_SHORT: return DROP_TOO_SHORT;
    case SEAL_VERSION: return DROP_VERSION;
    case SEAL_UNKNOWN_KEY: return DROP_UNKNOWN_KEY;
    default: return DROP_FORGED;
    }
}

/* The ALIVE that a message carries about its own sender; empty: it carries none. */
static struct span introduction_in(const struct wire_message *message, uint64_t sender)
{
    struct span statement = {NULL, 0};
    struct wire_list list;
    struct alive alive;
    if (message->type == WIRE_JOIN)
        statement = message->join.statement;
    else if (message->type == WIRE_JOIN_REPLY)
        statement = message->join_reply.statement;
    else if (message->type == WIRE_NEWS) {
        list = message->news.statements;
        while (wire_list_bin(&list, &statement))
            if (statement_read_alive(statement, &alive) && node_tag(&alive.id) == sender)
                return statement;
    }
    if (statement.len > 0 && statement_read_alive(statement, &alive) &&
        node_tag(&alive.id) == sender)
        return statement;
    return span_of(NULL, 0);
}

/* A packet from somebody unknown, or from a life of theirs that we have not heard of, may bring its
 * sender's own signed ALIVE: then we know them. */
static struct member *sender_of(struct gossip *g, const struct wire_header *header,
                                struct wire_reader reader)
{
    struct member *member = members_find(g, header->sender);
    if (member != NULL && member->life->epoch >= header->epoch)
        return member;
    struct wire_message message;
    enum wire_next next;
    while ((next = wire_read_next(&reader, &message)) <= WIRE_NEXT_SKIPPED) {
        if (next == WIRE_NEXT_SKIPPED)
            continue;
        struct span alive = introduction_in(&message, header->sender);
        if (alive.len > 0)
            members_on_alive(g, alive, &member);
    }
    return members_find(g, header->sender);
}

static void dispatch_records(struct gossip *g, struct member *from,
                             const struct wire_message *message)
{
    switch (message->type) {
    case WIRE_LOGS_HASHES: sync_on_hashes(g, from, message); break;
    case WIRE_LOGS_LIST: sync_on_list(g, from, message); break;
    case WIRE_PULL: pull_on_pull(g, from, message); break;
    case WIRE_RANGE: pull_on_range(g, from, message); break;
    case WIRE_HEAD_PULL: pull_on_head_pull(g, from, message); break;
    case WIRE_ROOT_PULL: repair_on_root_pull(g, from, message); break;
    case WIRE_ROOT_PAGE: repair_on_root_page(g, from, message); break;
    case WIRE_BUCKET_PULL: repair_on_bucket_pull(g, from, message); break;
    case WIRE_BUCKET: repair_on_bucket(g, from, message); break;
    case WIRE_FORWARD: forward_on_command(g, from, message); break;
    case WIRE_FORWARD_REPLY: forward_on_reply(g, from, message); break;
    default: drop_count(g, DROP_UNKNOWN_TYPE);
    }
}

static void dispatch_spread(struct gossip *g, struct member *from,
                            const struct wire_message *message)
{
    switch (message->type) {
    case WIRE_NEWS: spread_on_plain_news(g, from, message); break;
    case WIRE_SPREAD_BATCH: spread_on_batch(g, from, message); break;
    case WIRE_SPREAD_NEWS: spread_on_news(g, from, message); break;
    case WIRE_HOP_ACKS: spread_on_hop_acks(g, from, message); break;
    case WIRE_ANNOUNCE: announce_on_message(g, from, message); break;
    default: dispatch_records(g, from, message);
    }
}

/* Questions with answers of many packets, or many times their size. */
static bool asks_much(enum wire_type type)
{
    switch (type) {
    case WIRE_MEMBERS_PULL:
    case WIRE_MEMBERS_HASHES:
    case WIRE_MEMBERS_LIST:
    case WIRE_LOGS_HASHES:
    case WIRE_LOGS_LIST:
    case WIRE_PULL:
    case WIRE_HEAD_PULL:
    case WIRE_ROOT_PULL:
    case WIRE_BUCKET_PULL: return true;
    default: return false;
    }
}

static void dispatch(struct gossip *g, struct member *from, const struct addr *addr,
                     const struct wire_message *message)
{
    if (asks_much(message->type) && outbox_is_long(g, from)) {
        drop_count(g, DROP_LIMIT);
        return;
    }
    switch (message->type) {
    case WIRE_PING: detector_on_ping(g, from, addr, message); break;
    case WIRE_ACK: detector_on_ack(g, from, addr, message); break;
    case WIRE_PING_REQUEST: detector_on_ping_request(g, from, message); break;
    case WIRE_NACK: detector_on_nack(g, from, message); break;
    case WIRE_JOIN_REPLY: join_on_reply(g, from, addr, message); break;
    case WIRE_MEMBERS_PULL: roster_on_pull(g, from, message); break;
    case WIRE_MEMBERS: roster_on_members(g, from, message); break;
    case WIRE_MEMBERS_HASHES: roster_on_hashes(g, from, message); break;
    case WIRE_MEMBERS_LIST: roster_on_list(g, from, message); break;
    default: dispatch_spread(g, from, message);
    }
}

/* Each message is looked up anew: the one before it may have made us forget its sender, or stop. */
static enum gossip_drop run_messages(struct gossip *g, const struct wire_header *header,
                                     const struct addr *addr, struct wire_reader *reader)
{
    struct wire_message message;
    for (;;) {
        enum wire_next next = wire_read_next(reader, &message);
        if (next == WIRE_NEXT_END || g->is_stopped)
            return DROP_NONE;
        if (next == WIRE_NEXT_SKIPPED) {
            drop_count(g, DROP_UNKNOWN_TYPE);
            continue;
        }
        if (next == WIRE_NEXT_BAD)
            return DROP_MALFORMED; /* what came before it in the packet has had its effect */
        struct member *from = members_find(g, header->sender);
        if (message.type == WIRE_JOIN)
            join_on_request(g, header, addr, &message);
        else if (from != NULL)
            dispatch(g, from, addr, &message);
    }
}

/* A JOIN has no receiver yet and no window: it only asks, and asking twice is harmless. Nothing
 * else may travel so, or a packet recorded on its way to one node could be replayed to another. */
static enum gossip_drop run_join(struct gossip *g, const struct wire_header *header,
                                 const struct addr *addr, struct wire_reader *reader, size_t len)
{
    struct wire_message message;
    if (wire_read_next(reader, &message) != WIRE_NEXT_MESSAGE || message.type != WIRE_JOIN)
        return DROP_NOT_FOR_US;
    health_on_packet(g);
    link_credit(members_find(g, header->sender), addr, len);
    join_on_request(g, header, addr, &message);
    return DROP_NONE;
}

/* Whoever does not know us has no counter for us, and can only answer our JOIN: a life of ours that
 * it has forgotten must end. That answer echoes our number, so it need not be counted. */
static enum gossip_drop run_answer_to_stranger(struct gossip *g, struct member *from,
                                               const struct addr *addr, struct wire_reader *reader)
{
    struct wire_message message;
    if (wire_read_next(reader, &message) != WIRE_NEXT_MESSAGE || message.type != WIRE_JOIN_REPLY)
        return DROP_REPLAYED;
    join_on_reply(g, from, addr, &message);
    return DROP_NONE;
}

/* Its counter is behind what we have seen. An old packet, then; or a new one, after somebody else
 * made a packet in its sender's name with a counter far ahead: packets are sealed with the
 * cluster's key, not signed, and all that the sender says would be old from then on. What answers a
 * question of ours is not old, whatever its counter says. So we ask, and answer the same question;
 * each goes where the member is known to be, and to no address that only this packet names. What is
 * signed says itself how old it is: whoever is told that it is accused can object. */
static bool run_behind_message(struct gossip *g, struct member *member,
                               const struct wire_header *header, const struct addr *from,
                               const struct wire_message *message)
{
    struct link *link = member->link;
    bool is_known = link->is_verified && addr_equal(from, &link->addr);
    if (message->type == WIRE_ACK && probe_answers(g, member, message->probe.random)) {
        detector_on_ack(g, member, from, message);
        return true;
    }
    if (is_known && message->type == WIRE_PING)
        probe_acknowledge(g, member, from, message);
    if (is_known && header->counter + REPLAY_WINDOW <= link->seen_highest)
        probe_path(g, member, &link->addr);
    if (is_known && message->type == WIRE_NEWS)
        news_apply_all(g, member, message->news.statements);
    else if (is_known && message->type == WIRE_SPREAD_NEWS)
        news_apply_all(g, member, message->spread.statements);
    return false;
}

static enum gossip_drop run_behind(struct gossip *g, const struct wire_header *header,
                                   const struct addr *from, struct wire_reader *reader)
{
    enum gossip_drop drop = DROP_REPLAYED;
    struct wire_reader again = *reader;
    struct wire_message message;
    struct member *member;
    while (wire_read_next(&again, &message) == WIRE_NEXT_MESSAGE && !g->is_stopped &&
           (member = members_find(g, header->sender)) != NULL && member->link != NULL) {
        if (message.type == WIRE_ACK && probe_proves(g, member, message.probe.random)) {
            link_window_restart(member->link, header->counter);
            health_on_packet(g);
            return run_messages(g, header, from, reader);
        }
        if (run_behind_message(g, member, header, from, &message)) {
            health_on_packet(g);
            drop = DROP_NONE;
        }
    }
    return drop;
}

/* A life of its sender's that is over here. A seed that runs on after a copy of its key had a later
 * life elsewhere asks nobody, and nobody listens to it; but it answers our JOIN. And of two whose
 * lives are both over to the other neither would else be told: what we signed ourselves is true,
 * whoever shows it. */
static enum gossip_drop run_past_life(struct gossip *g, struct member *member,
                                      const struct addr *from, struct wire_reader *reader)
{
    struct wire_message message;
    struct member *self;
    while (wire_read_next(reader, &message) == WIRE_NEXT_MESSAGE && !g->is_stopped) {
        struct span own = span_of(NULL, 0);
        if (message.type == WIRE_JOIN_REPLY)
            join_on_past_reply(g, member, from, &message);
        else if (message.type == WIRE_NEWS)
            own = introduction_in(&message, g->tag);
        if (own.len > 0)
            members_on_alive(g, own, &self);
    }
    return DROP_REPLAYED;
}

static enum gossip_drop run_packet(struct gossip *g, const struct addr *from, struct span plain,
                                   size_t len)
{
    struct wire_reader reader;
    struct wire_header header;
    if (!wire_read_header(&reader, plain, &header))
        return DROP_MALFORMED;
    if (header.sender == g->tag)
        return join_on_own_key(g, &header, from, &reader) ? DROP_NONE : DROP_OWN;
    if (header.receiver == 0)
        return run_join(g, &header, from, &reader, len);
    if (header.receiver != g->tag)
        return DROP_NOT_FOR_US;
    struct member *member = sender_of(g, &header, reader);
    /* A life that its subject never signed an ALIVE for is nobody's: or one forged packet would
     * lift the window above every real one. */
    if (member == NULL || member->life->epoch < header.epoch)
        return DROP_UNKNOWN_SENDER;
    if (header.epoch < member->life->epoch)
        return run_past_life(g, member, from, &reader);
    if (header.counter == 0)
        return run_answer_to_stranger(g, member, from, &reader);
    g->voice.steps = link_steps(member_link(g, member), header.counter);
    if (!link_window_admit(member->link, header.counter))
        return run_behind(g, &header, from, &reader);
    link_credit(member, from, len);
    health_on_packet(g);
    return run_messages(g, &header, from, &reader);
}

/* *plain is in `buf`, or where what was sealed in this process is remembered. */
static enum seal_error open_packet(struct gossip *g, struct span packet,
                                   uint8_t buf[PACKET_PLAIN_MAX_BYTES], struct span *plain)
{
    size_t len = 0;
    if (g->config.sealed != NULL) {
        *plain = sealed_store_find(g->config.sealed, &g->config.keyring, packet);
        if (plain->len > 0)
            return SEAL_OK;
    }
    enum seal_error error =
        seal_open(&g->config.keyring, packet.data, packet.len, buf, PACKET_PLAIN_MAX_BYTES, &len);
    *plain = span_of(buf, len);
    return error;
}

enum gossip_drop inbox_receive(struct gossip *g, const struct addr *from, const uint8_t *bytes,
                               size_t len)
{
    uint8_t buf[PACKET_PLAIN_MAX_BYTES];
    struct span plain;
    g->stats.packets_in++;
    g->stats.bytes_in += len;
    enum gossip_drop drop = DROP_TOO_LONG;
    if (len <= PACKET_MAX_BYTES) {
        enum seal_error error = open_packet(g, span_of(bytes, len), buf, &plain);
        drop = error == SEAL_OK ? run_packet(g, from, plain, len) : drop_of_seal(error);
    }
    if (drop != DROP_NONE)
        drop_count(g, drop);
    return drop;
}
