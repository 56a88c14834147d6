// SPDX-License-Identifier: Apache-2.0
/* command.c - a client's command where it is carried out: at the peer's home, or at whoever takes
 * the peer over; and at the relays on its way. */
#include <assert.h>
#include <string.h>

#include "gossip/core.h"
#include "gossip/mem.h"

/* Numbers of one origin that may arrive out of order. Resends and relays delay one by up to a
 * second, and a busy node forwards thousands meanwhile: 64, as for packets, would make it adopt
 * what its home never refused. */
#define NUMBERS_WINDOW 4096
/* Answers kept for commands that arrive again because an answer was lost. */
#define ANSWERED_MAX 1024

/* Which commands of one origin were carried out: a deregistration replayed after the peer came back
 * must not end it again, however late. Bit number % NUMBERS_WINDOW stands for the numbers in
 * (highest - NUMBERS_WINDOW, highest]. */
struct origin {
    uint64_t tag;
    uint64_t highest;
    uint64_t window[NUMBERS_WINDOW / 64];
    struct origin *next;
};

struct answered {
    uint64_t origin, number;
    uint64_t result, expires_in_ms, seq;
};

void command_free(struct gossip *g)
{
    struct forwards *forwards = &g->forwards;
    struct origin *origin;
    while ((origin = forwards->first_origin) != NULL) {
        forwards->first_origin = origin->next;
        mem_free(origin);
    }
    table_free(&forwards->origins);
    mem_free(forwards->answered);
    forwards->answered = NULL;
}

/* --- Numbers -------------------------------------------------------------------------------------
 */

static struct origin *origin_find(const struct gossip *g, uint64_t tag)
{
    size_t cursor = 0;
    struct origin *origin;
    while ((origin = table_next(&g->forwards.origins, tag, &cursor)) != NULL)
        if (origin->tag == tag)
            return origin;
    return NULL;
}

/* NULL: a table of as many origins as members are allowed is full. */
static struct origin *origin_make(struct gossip *g, uint64_t tag)
{
    struct origin *origin = origin_find(g, tag);
    if (origin != NULL)
        return origin;
    if (g->forwards.origin_count >= MEMBERS_MAX)
        return NULL;
    origin = mem_alloc(sizeof *origin);
    origin->tag = tag;
    origin->next = g->forwards.first_origin;
    g->forwards.first_origin = origin;
    g->forwards.origin_count++;
    table_add(&g->forwards.origins, tag, origin);
    return origin;
}

static bool number_is_done(const struct origin *origin, uint64_t number)
{
    if (origin == NULL || number > origin->highest)
        return false;
    if (origin->highest - number >= NUMBERS_WINDOW)
        return true;
    uint64_t bit = number % NUMBERS_WINDOW;
    return (origin->window[bit / 64] >> (bit % 64) & 1) != 0;
}

static void number_set(struct origin *origin, uint64_t number)
{
    assert(!number_is_done(origin, number));
    if (number > origin->highest && number - origin->highest >= NUMBERS_WINDOW)
        memset(origin->window, 0, sizeof origin->window);
    else
        for (uint64_t n = origin->highest + 1; n <= number; n++)
            origin->window[n % NUMBERS_WINDOW / 64] &= ~(UINT64_C(1) << (n % 64));
    if (number > origin->highest)
        origin->highest = number;
    origin->window[number % NUMBERS_WINDOW / 64] |= UINT64_C(1) << (number % 64);
}

static const struct answered *answered_find(const struct gossip *g, const struct command *command)
{
    const struct answered *ring = g->forwards.answered;
    for (size_t i = 0; ring != NULL && i < ANSWERED_MAX; i++)
        if (ring[i].origin == command->origin && ring[i].number == command->request)
            return &ring[i];
    return NULL;
}

static void answered_add(struct gossip *g, const struct answered *answered)
{
    struct forwards *forwards = &g->forwards;
    if (forwards->answered == NULL)
        forwards->answered = mem_alloc(ANSWERED_MAX * sizeof *forwards->answered);
    forwards->answered[forwards->answered_next] = *answered;
    forwards->answered_next = (forwards->answered_next + 1) % ANSWERED_MAX;
}

/* --- Who acts, and acting
 * ------------------------------------------------------------------------- */

static bool is_own(const struct gossip *g, const struct peer *peer)
{
    return peer != NULL && peer->lease != NULL && peer->winner != NULL &&
           peer->winner->log == g->registry.own;
}

/* A home that says "moved" knows where to: its word may have come faster than the record that it
 * gave way to. NULL: it is no such delete, or its home cannot be asked. */
static struct member *mover_of(const struct gossip *g, const struct entry *entry)
{
    struct deletion deletion;
    struct member *member = entry->log->member;
    if (!statement_read_deletion(blob_span(entry->blob), &deletion) ||
        deletion.reason != DELETE_MOVED || !member_is_live(g, member))
        return NULL;
    return member;
}

enum command_route command_route(struct gossip *g, struct span peer_id, struct peer **peer,
                                 struct member **home)
{
    *home = NULL;
    reissue_now(g, peer_id);
    *peer = registry_peer(g, peer_id);
    if (is_own(g, *peer))
        return ROUTE_OWN;
    if (*peer == NULL || (*peer)->winner == NULL)
        return ROUTE_UNKNOWN;
    const struct entry *winner = (*peer)->winner;
    if (winner->is_delete) {
        *home = mover_of(g, winner);
        return *home == NULL ? ROUTE_UNKNOWN : ROUTE_AWAY;
    }
    /* A home that restarted is asked in its new life: it may re-issue the lease. Our own earlier
     * lives do not answer for anything any more. */
    if (!member_is_live(g, winner->log->member))
        return ROUTE_ADOPT;
    *home = winner->log->member;
    return ROUTE_AWAY;
}

/* The token is checked before the record is adopted: nobody may move a peer about without it. */
static enum gossip_result take_over(struct gossip *g, struct peer *peer, enum command_kind kind,
                                    const uint8_t *token_hash)
{
    struct record record;
    if (peer->winner == NULL || peer->winner->is_delete ||
        !statement_read_record(blob_span(peer->winner->blob), &record))
        return RESULT_UNKNOWN_PEER;
    bool is_ending = kind == COMMAND_DEREGISTER;
    enum gossip_result result = lease_token_check(&record, token_hash, is_ending);
    if (result != RESULT_OK)
        return result;
    if (lease_adopt(g, peer, &result))
        return RESULT_OK;
    return is_ending ? RESULT_UNREACHABLE : result;
}

void command_run(struct gossip *g, struct peer *peer, enum command_kind kind,
                 const uint8_t *token_hash, struct gossip_reply *reply)
{
    assert(peer != NULL && reply->record == NULL);
    reply->wall_ms = g->now.wall_ms;
    if (!is_own(g, peer)) {
        reply->result = take_over(g, peer, kind, token_hash);
        if (reply->result != RESULT_OK)
            return;
    }
    assert(peer->lease != NULL);
    if (kind == COMMAND_DEREGISTER)
        lease_deregister(g, peer, token_hash, reply);
    else
        lease_heartbeat(g, peer, token_hash, reply);
}

/* --- Forwarded commands
 * ----------------------------------------------------------------------------- */

/* One hop only: a relay takes commands from their origin alone. */
static void command_relay(struct gossip *g, const struct member *from,
                          const struct command *command, const struct wire_message *message)
{
    struct member *target = members_find(g, command->target);
    if (from->life->tag != command->origin || target == NULL || target == from)
        drop_count(g, DROP_NOT_FOR_US);
    else
        outbox_send(g, target, PRIORITY_SET, message);
}

static void answer_send(struct gossip *g, struct member *to, const struct answered *answered)
{
    struct wire_message message = {
        .type = WIRE_FORWARD_REPLY,
        .forward_reply =
            {
                .origin = answered->origin,
                .target = g->tag,
                .request = answered->number,
                .result = answered->result,
                .expires_in_ms = answered->expires_in_ms,
                .seq = answered->seq,
            },
    };
    outbox_send(g, to, PRIORITY_SET, &message);
}

static uint64_t seq_of(const struct blob *statement)
{
    struct record record;
    if (statement == NULL || !statement_read_record(blob_span(statement), &record))
        return 0;
    return record.seq;
}

static void command_answer(struct gossip *g, const struct command *command, struct answered *answer)
{
    struct peer *peer;
    struct member *home;
    struct gossip_reply reply = {0};
    const uint8_t *token = command->has_token ? command->token_hash : NULL;
    enum command_route route = command_route(g, command->peer_id, &peer, &home);
    switch (route) {
    case ROUTE_UNKNOWN: answer->result = RESULT_UNKNOWN_PEER; break;
    case ROUTE_AWAY:
        answer->result = FORWARD_RESULT_MOVED;
        answer->seq = home->life->tag;
        break;
    case ROUTE_OWN:
    case ROUTE_ADOPT:
        command_run(g, peer, (enum command_kind)command->kind, token, &reply);
        if (route == ROUTE_ADOPT)
            batch_flush(g); /* what is answered has left, as in batch_reply */
        answer->result = reply.result;
        answer->expires_in_ms = reply.expires_in_ms;
        answer->seq = seq_of(reply.record);
        blob_release(reply.record);
        break;
    }
}

static bool command_verify(struct gossip *g, const struct member *origin, struct span statement)
{
    const struct key_public *id = &origin->life->id;
    g->stats.signatures_verified++;
    struct blob *blob =
        statement_admit(g->config.store, statement, STATEMENT_COMMAND, id, &g->scope);
    blob_release(blob);
    return blob != NULL;
}

static void command_take(struct gossip *g, struct member *from, struct member *origin,
                         const struct command *command, struct span statement)
{
    struct answered answer = {.origin = command->origin, .number = command->request};
    if (!command_verify(g, origin, statement)) {
        drop_count(g, DROP_BAD_SIGNATURE);
        return;
    }
    /* Neither is remembered: the origin asks again, and then it may be different. */
    if (g->is_leaving || !g->sync.is_first_done) {
        answer.result = g->is_leaving ? RESULT_LEAVING : RESULT_NOT_READY;
        answer_send(g, from, &answer);
        return;
    }
    struct origin *numbers = origin_make(g, origin->life->tag);
    if (numbers == NULL) {
        drop_count(g, DROP_LIMIT);
        return;
    }
    number_set(numbers, command->request);
    command_answer(g, command, &answer);
    answered_add(g, &answer);
    answer_send(g, from, &answer);
}

void forward_on_command(struct gossip *g, struct member *from, const struct wire_message *message)
{
    struct command command;
    if (!statement_read_command(message->forward.statement, &command)) {
        drop_count(g, DROP_MALFORMED);
        return;
    }
    if (command.target != g->tag) {
        command_relay(g, from, &command, message);
        return;
    }
    struct member *origin = members_find(g, command.origin);
    if (origin == NULL || origin == g->members.self) {
        drop_count(g, DROP_UNKNOWN_SENDER);
        return;
    }
    if (!number_is_done(origin_find(g, command.origin), command.request)) {
        command_take(g, from, origin, &command, message->forward.statement);
        return;
    }
    const struct answered *known = answered_find(g, &command);
    if (known != NULL)
        answer_send(g, from, known);
    else
        drop_count(g, DROP_REPLAYED);
}
