// SPDX-License-Identifier: Apache-2.0
/* forward.c - a client's command at the node that the client spoke to, when the peer's home is
 * another one: asked directly, then through two relays too; when it does not answer in time, the
 * peer is taken over. */
#include "gossip/forward.h"

#include <assert.h>
#include <string.h>

#include "gossip/core.h"
#include "gossip/mem.h"

#define RELAYS_COUNT 2
/* A home may say that the record is elsewhere by now, and that one too. Homes that keep saying so
 * disagree: then the timeout decides, and its higher seq settles it for both. */
#define MOVES_MAX 3
/* How often a deregistration looks whether its delete has arrived here, too. */
#define SETTLE_INTERVAL_MS 5
/* Numbers rise over restarts because epochs do: an epoch is at least the wall clock's seconds, and
 * no node forwards 2^24 commands in each second of a life. */
#define NUMBER_EPOCH_SHIFT 24

struct forward {
    struct timer timer; /* TIMER_FORWARD */
    struct forward *previous, *next;
    struct blob *statement; /* owned; the signed command for `target` */
    uint64_t number;        /* in it */
    uint64_t target;        /* tag */
    uint64_t request;       /* the host's */
    uint64_t began_ms;      /* asking this target */
    uint64_t relays[RELAYS_COUNT];
    uint32_t relay_count;
    uint32_t sent_count;
    uint32_t moves;
    enum command_kind kind;
    bool has_token;
    bool is_relayed;
    bool is_settling;            /* the home answered: the delete is on its way to us */
    struct gossip_reply settled; /* then: what will be answered */
    uint64_t settled_seq;
    uint8_t token_hash[LEASE_TOKEN_HASH_BYTES];
    uint8_t peer_id[PEER_ID_MAX_BYTES];
    size_t peer_id_len;
};

void forward_init(struct gossip *g)
{
    g->forwards.next_number = 1;
}

/* Numbers are looked up by themselves: mixed, because they are consecutive. */
static uint64_t number_hash(uint64_t number)
{
    return number * UINT64_C(0x9e3779b97f4a7c15);
}

static struct forward *forward_find(const struct gossip *g, uint64_t number)
{
    size_t cursor = 0;
    struct forward *forward;
    while ((forward = table_next(&g->forwards.by_number, number_hash(number), &cursor)) != NULL)
        if (forward->number == number)
            return forward;
    return NULL;
}

static void number_forget(struct gossip *g, struct forward *forward)
{
    if (forward->number != 0)
        table_remove(&g->forwards.by_number, number_hash(forward->number), forward);
    blob_release(forward->statement);
    forward->statement = NULL;
    forward->number = 0;
}

static void number_give(struct gossip *g, struct forward *forward)
{
    uint64_t floor = g->epoch << NUMBER_EPOCH_SHIFT;
    if (g->forwards.next_number <= floor)
        g->forwards.next_number = floor + 1;
    forward->number = g->forwards.next_number++;
    table_add(&g->forwards.by_number, number_hash(forward->number), forward);
}

static struct forward *forward_make(struct gossip *g, uint64_t request, struct span peer_id,
                                    enum command_kind kind, const uint8_t *token_hash)
{
    struct forward *forward = mem_alloc(sizeof *forward);
    assert(peer_id.len <= sizeof forward->peer_id);
    forward->request = request;
    forward->kind = kind;
    forward->peer_id_len = peer_id.len;
    memcpy(forward->peer_id, peer_id.data, peer_id.len);
    forward->has_token = token_hash != NULL;
    if (token_hash != NULL)
        memcpy(forward->token_hash, token_hash, sizeof forward->token_hash);
    forward->next = g->forwards.first;
    if (forward->next != NULL)
        forward->next->previous = forward;
    g->forwards.first = forward;
    g->forwards.count++;
    g->stats.forwards++;
    return forward;
}

static void forward_drop(struct gossip *g, struct forward *forward)
{
    assert(g->forwards.count > 0);
    number_forget(g, forward);
    timer_cancel(&g->timers, &forward->timer);
    blob_release(forward->settled.record);
    *(forward->previous != NULL ? &forward->previous->next : &g->forwards.first) = forward->next;
    if (forward->next != NULL)
        forward->next->previous = forward->previous;
    g->forwards.count--;
    mem_free(forward);
}

void forward_free(struct gossip *g)
{
    while (g->forwards.first != NULL)
        forward_drop(g, g->forwards.first);
    table_free(&g->forwards.by_number);
    command_free(g);
}

static struct span forward_peer_id(const struct forward *forward)
{
    return span_of(forward->peer_id, forward->peer_id_len);
}

static const uint8_t *forward_token(const struct forward *forward)
{
    return forward->has_token ? forward->token_hash : NULL;
}

/* --- Answering the client
 * ------------------------------------------------------------------------- */

/* Hands over reply.record. */
static void forward_end(struct gossip *g, struct forward *forward, struct gossip_reply reply)
{
    reply.request = forward->request;
    event_reply(g, reply);
    forward_drop(g, forward);
}

static void forward_end_plain(struct gossip *g, struct forward *forward, enum gossip_result result)
{
    forward_end(g, forward, (struct gossip_reply){.result = result, .wall_ms = g->now.wall_ms});
}

/* No home to ask any more: what can be done is done here. */
static void forward_end_here(struct gossip *g, struct forward *forward)
{
    struct peer *peer;
    struct member *home;
    struct gossip_reply reply = {.request = forward->request, .wall_ms = g->now.wall_ms};
    uint64_t applied_before = g->registry.own->applied;
    enum command_route route = command_route(g, forward_peer_id(forward), &peer, &home);
    if (route != ROUTE_UNKNOWN)
        command_run(g, peer, forward->kind, forward_token(forward), &reply);
    else /* the peer was here when the command came: whoever ended it, it is gone as was asked */
        reply.result = forward->kind == COMMAND_DEREGISTER ? RESULT_OK : RESULT_UNKNOWN_PEER;
    batch_reply(g, reply, applied_before);
    forward_drop(g, forward);
}

/* Does this node still show the record that the home ended? */
static bool is_still_shown(const struct gossip *g, const struct forward *forward)
{
    const struct peer *peer = registry_peer(g, forward_peer_id(forward));
    return peer != NULL && peer_is_visible(peer) &&
           entry_order(peer->winner).seq <= forward->settled_seq;
}

static void forward_settle(struct gossip *g, struct forward *forward)
{
    if (is_still_shown(g, forward) &&
        g->now.mono_ms < forward->began_ms + g->config.forward_timeout_ms) {
        timer_set(&g->timers, &forward->timer, TIMER_FORWARD, g->now.mono_ms + SETTLE_INTERVAL_MS);
        return;
    }
    struct gossip_reply reply = forward->settled;
    forward->settled.record = NULL;
    forward_end(g, forward, reply);
}

/* The home acted. Whoever deregisters and then looks, at the same node, shall not find the peer:
 * the reply to a deregistration waits a little for the delete. */
static void forward_on_result(struct gossip *g, struct forward *forward,
                              const struct wire_message *message)
{
    struct peer *peer = registry_peer(g, forward_peer_id(forward));
    forward->settled = (struct gossip_reply){
        .result = (enum gossip_result)message->forward_reply.result,
        .wall_ms = g->now.wall_ms,
        .expires_in_ms = message->forward_reply.expires_in_ms,
    };
    if (peer != NULL && peer->winner != NULL && !peer->winner->is_delete)
        forward->settled.record = blob_retain(peer->winner->blob);
    forward->settled_seq = 0;
    if (forward->kind == COMMAND_DEREGISTER && forward->settled.result == RESULT_OK)
        forward->settled_seq = message->forward_reply.seq;
    number_forget(g, forward);
    forward->is_settling = true;
    forward->began_ms = g->now.mono_ms;
    forward_settle(g, forward);
}

/* --- Asking
 * ----------------------------------------------------------------------------------------- */

static void send_to(struct gossip *g, const struct forward *forward, struct member *to)
{
    struct wire_message message = {
        .type = WIRE_FORWARD,
        .forward = {blob_span(forward->statement)},
    };
    if (to != NULL)
        outbox_send(g, to, PRIORITY_SET, &message);
}

static void relays_choose(struct gossip *g, struct forward *forward)
{
    struct member *picked[RELAYS_COUNT];
    size_t count = members_pick(g, picked, RELAYS_COUNT, forward->target);
    for (size_t i = 0; i < count; i++)
        forward->relays[i] = picked[i]->life->tag;
    forward->relay_count = (uint32_t)count;
    forward->is_relayed = true;
    forward->sent_count = 1;
}

/* Sends, and sets the time of the next try: doubling from the link's own, never past the half (when
 * relays are asked) or the end. */
static void forward_send(struct gossip *g, struct forward *forward, struct member *home)
{
    uint32_t timeout_ms = g->config.forward_timeout_ms;
    uint64_t half_ms = forward->began_ms + timeout_ms / 2;
    uint64_t end_ms = forward->began_ms + timeout_ms;
    if (!forward->is_relayed && g->now.mono_ms >= half_ms)
        relays_choose(g, forward);
    send_to(g, forward, home);
    for (uint32_t i = 0; i < forward->relay_count; i++)
        send_to(g, forward, members_find(g, forward->relays[i]));
    uint64_t wait_ms = link_timeout_ms(member_link(g, home), HOP_TIMEOUT_MIN_MS, timeout_ms / 4);
    uint64_t at_ms =
        g->now.mono_ms + (wait_ms << (forward->sent_count < 8 ? forward->sent_count : 8));
    uint64_t bound_ms = forward->is_relayed ? end_ms : half_ms;
    forward->sent_count++;
    timer_set(&g->timers, &forward->timer, TIMER_FORWARD, at_ms < bound_ms ? at_ms : bound_ms);
}

static void forward_aim(struct gossip *g, struct forward *forward, struct member *home)
{
    number_forget(g, forward);
    number_give(g, forward);
    struct command command = {
        .origin = g->tag,
        .target = home->life->tag,
        .request = forward->number,
        .kind = forward->kind,
        .peer_id = forward_peer_id(forward),
        .has_token = forward->has_token,
    };
    memcpy(command.token_hash, forward->token_hash, sizeof command.token_hash);
    forward->statement = statement_of_command(&command, &g->config.identity, &g->scope);
    assert(forward->statement != NULL); /* a peer_id and a token: far below the limit */
    g->stats.signatures_made++;
    forward->target = home->life->tag;
    forward->began_ms = g->now.mono_ms;
    forward->sent_count = 0;
    forward->relay_count = 0;
    forward->is_relayed = false;
    forward_send(g, forward, home);
}

/* The record has another home by now: ask that one. False: too often already. */
static bool forward_follow(struct gossip *g, struct forward *forward, struct member *home)
{
    if (forward->moves >= MOVES_MAX)
        return false;
    forward->moves++;
    forward_aim(g, forward, home);
    return true;
}

/* No answer yet. What is known here may have changed since: the home may be gone, or another. */
void forward_on_timer(struct gossip *g, struct timer *timer)
{
    struct forward *forward = TIMER_OWNER(timer, struct forward, timer);
    if (forward->is_settling) {
        forward_settle(g, forward);
        return;
    }
    struct peer *peer;
    struct member *home;
    struct member *target = members_find(g, forward->target);
    enum command_route route = command_route(g, forward_peer_id(forward), &peer, &home);
    if (route == ROUTE_AWAY && home != target && forward_follow(g, forward, home))
        return;
    bool is_late = g->now.mono_ms >= forward->began_ms + g->config.forward_timeout_ms;
    if (is_late || target == NULL || !member_is_live(g, target) || route == ROUTE_OWN)
        forward_end_here(g, forward);
    else
        forward_send(g, forward, target);
}

static void command_enter(struct gossip *g, uint64_t request, struct span peer_id,
                          enum command_kind kind, const uint8_t *token_hash)
{
    struct gossip_reply reply = {.request = request, .wall_ms = g->now.wall_ms};
    struct peer *peer = NULL;
    struct member *home = NULL;
    enum command_route route = ROUTE_UNKNOWN;
    uint64_t applied_before = g->registry.own->applied;
    bool is_ready = g->sync.is_first_done && !g->is_leaving && !g->is_stopped;
    if (is_ready && peer_id.len <= PEER_ID_MAX_BYTES)
        route = command_route(g, peer_id, &peer, &home);
    if (!is_ready) {
        reply.result = g->sync.is_first_done ? RESULT_LEAVING : RESULT_NOT_READY;
    } else if (route == ROUTE_UNKNOWN) {
        reply.result = RESULT_UNKNOWN_PEER;
    } else if (route != ROUTE_AWAY) {
        command_run(g, peer, kind, token_hash, &reply);
    } else if (g->forwards.count >= FORWARDS_MAX) {
        reply.result = RESULT_BUSY;
    } else {
        forward_aim(g, forward_make(g, request, peer_id, kind, token_hash), home);
        return;
    }
    batch_reply(g, reply, applied_before);
}

void forward_heartbeat(struct gossip *g, uint64_t request, struct span peer_id,
                       const uint8_t *token_hash)
{
    command_enter(g, request, peer_id, COMMAND_HEARTBEAT, token_hash);
}

void forward_deregister(struct gossip *g, uint64_t request, struct span peer_id,
                        const uint8_t *token_hash)
{
    command_enter(g, request, peer_id, COMMAND_DEREGISTER, token_hash);
}

/* --- Answers
 * ----------------------------------------------------------------------------------------- */

static bool is_asked(const struct forward *forward, const struct member *from)
{
    bool is_relay = false;
    for (uint32_t i = 0; i < forward->relay_count; i++)
        is_relay |= forward->relays[i] == from->life->tag;
    return is_relay || forward->target == from->life->tag;
}

static void reply_relay(struct gossip *g, const struct member *from,
                        const struct wire_message *message)
{
    struct member *origin = members_find(g, message->forward_reply.origin);
    if (origin == NULL || from->life->tag != message->forward_reply.target)
        drop_count(g, DROP_NOT_FOR_US);
    else
        outbox_send(g, origin, PRIORITY_SET, message);
}

/* The home says that the record is with the member `tag`. */
static void forward_on_moved(struct gossip *g, struct forward *forward, uint64_t tag)
{
    struct member *home = members_find(g, tag);
    if (home == NULL || !member_is_live(g, home))
        forward_end_here(g, forward);
    else
        forward_follow(g, forward, home); /* or keeps asking until the timeout decides */
}

/* The home does not know the peer. That is the answer, unless we have learnt meanwhile that it is
 * elsewhere. */
static void forward_on_unknown(struct gossip *g, struct forward *forward)
{
    struct peer *peer;
    struct member *home;
    enum command_route route = command_route(g, forward_peer_id(forward), &peer, &home);
    if (route == ROUTE_AWAY && home->life->tag != forward->target &&
        forward_follow(g, forward, home))
        return;
    if (route == ROUTE_OWN)
        forward_end_here(g, forward);
    else
        forward_end_plain(g, forward, RESULT_UNKNOWN_PEER);
}

void forward_on_reply(struct gossip *g, struct member *from, const struct wire_message *message)
{
    if (message->forward_reply.origin != g->tag) {
        reply_relay(g, from, message);
        return;
    }
    struct forward *forward = forward_find(g, message->forward_reply.request);
    if (forward == NULL || forward->target != message->forward_reply.target ||
        !is_asked(forward, from)) {
        drop_count(g, DROP_UNSOLICITED);
        return;
    }
    switch (message->forward_reply.result) {
    case RESULT_NOT_READY: return; /* it is starting: it is asked again, or the timeout decides */
    case RESULT_LEAVING: forward_end_here(g, forward); return;
    case RESULT_UNKNOWN_PEER: forward_on_unknown(g, forward); return;
    case FORWARD_RESULT_MOVED: forward_on_moved(g, forward, message->forward_reply.seq); return;
    default: break;
    }
    if (message->forward_reply.result < RESULTS)
        forward_on_result(g, forward, message);
    else
        drop_count(g, DROP_MALFORMED);
}
