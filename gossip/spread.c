// SPDX-License-Identifier: Apache-2.0
/* spread.c - the tree over the ring: whoever holds an arc passes the payload to one member in each
 * quarter of it, and every hop is acknowledged, resent, and then given to somebody else.
 *
 * Whether a copy is passed on does not depend on its being new but on whether this arc was served
 * already: a payload may reach us by a pull before the tree brings it, and the tree's arc would
 * else go unserved. Arcs shrink with every hop, so nothing circulates. */
#include "gossip/spread.h"

#include <assert.h>

#include "gossip/arc.h"
#include "gossip/core.h"
#include "gossip/mem.h"
#include "gossip/news.h"
#include "gossip/operation.h"

/* Sendings of one hop in all: two to the first choice, then others; what still fails is
 * anti-entropy's. */
#define HOP_ATTEMPTS_MAX 6
/* ... but of our own ALIVE: whoever objects may be hard to hear, and late is too late. Where 80 %
 * get lost, one arc in 800 hears nothing. */
#define HOP_ATTEMPTS_OWN_MAX 30

/* What travels: shared by the hops that carry it. */
struct payload {
    uint32_t references;
    uint32_t attempts_max; /* of each hop */
    bool is_news;
    enum priority priority;
    uint64_t key;
    struct wire_batch batch; /* without its statements */
    uint32_t statement_count;
    size_t len;
    uint8_t statements[]; /* encoded bins */
};

struct hop {
    struct timer timer; /* TIMER_HOP */
    struct hop *next, *previous;
    struct payload *payload;
    struct arc arc;
    uint64_t token;
    uint64_t to;
    uint64_t sent_ms;
    uint32_t attempts;
};

/* --- Payloads
 * -------------------------------------------------------------------------------------- */

/* A delete goes before sets: showing what is gone is worse than not yet showing what is new. */
static enum priority priority_of(struct wire_list statements, bool is_news)
{
    struct span statement;
    if (is_news)
        return PRIORITY_MEMBERSHIP;
    while (wire_list_bin(&statements, &statement))
        if (statement_kind_of(statement) == STATEMENT_DELETION)
            return PRIORITY_DELETE;
    return PRIORITY_SET;
}

static struct payload *payload_new(const struct wire_list *statements,
                                   const struct wire_batch *batch)
{
    struct payload *payload = mem_alloc(sizeof *payload + statements->rest.len);
    static const uint8_t no_secret[16];
    payload->references = 1;
    payload->attempts_max = HOP_ATTEMPTS_MAX;
    payload->is_news = batch == NULL;
    payload->priority = priority_of(*statements, payload->is_news);
    if (batch != NULL)
        payload->batch = *batch;
    payload->statement_count = statements->count;
    payload->len = statements->rest.len;
    if (payload->len > 0)
        memcpy(payload->statements, statements->rest.data, payload->len);
    payload->key = hash_short(payload->statements, payload->len, no_secret);
    if (batch != NULL) /* a range may be empty of statements: superseded ones leave holes */
        payload->key ^= batch->home ^ (batch->epoch << 20) ^ batch->v1;
    return payload;
}

static void payload_release(struct payload *payload)
{
    assert(payload->references > 0);
    if (--payload->references == 0)
        mem_free(payload);
}

static struct wire_message message_of(const struct hop *hop)
{
    const struct payload *payload = hop->payload;
    struct wire_list list = {span_of(payload->statements, payload->len), payload->statement_count};
    struct wire_message message = {
        .type = payload->is_news ? WIRE_SPREAD_NEWS : WIRE_SPREAD_BATCH,
        .spread = {.token = hop->token, .arc_low = hop->arc.low, .arc_high = hop->arc.high},
    };
    if (payload->is_news) {
        message.spread.statements = list;
    } else {
        message.spread.batch = payload->batch;
        message.spread.batch.statements = list;
    }
    return message;
}

/* --- Hops
 * ------------------------------------------------------------------------------------------- */

uint32_t spread_timeout_ms(const struct gossip *g, const struct member *member, uint32_t min_ms)
{
    const struct link typical = {.rtt_us = g->spread.typical_rtt_us,
                                 .rtt_var_us = g->spread.typical_rtt_var_us};
    const struct link *link = member->link;
    if (link == NULL || link->rtt_us == 0)
        link = &typical;
    return link_timeout_ms(link, min_ms, HOP_TIMEOUT_MAX_MS);
}

static struct hop **hop_list(struct gossip *g, uint64_t token)
{
    return &g->spread.hops[token % HOP_LISTS];
}

static struct hop *hop_find(struct gossip *g, uint64_t token)
{
    struct hop *hop = *hop_list(g, token);
    while (hop != NULL && hop->token != token)
        hop = hop->next;
    return hop;
}

static void hop_free(struct gossip *g, struct hop *hop)
{
    timer_cancel(&g->timers, &hop->timer);
    if (hop->previous != NULL)
        hop->previous->next = hop->next;
    else
        *hop_list(g, hop->token) = hop->next;
    if (hop->next != NULL)
        hop->next->previous = hop->previous;
    payload_release(hop->payload);
    mem_free(hop);
    g->spread.hop_count--;
}

/* One sending more, and what it does to the budget of resends. */
static void sending_count(struct gossip *g, bool is_first)
{
    uint32_t *left = &g->spread.resends_left;
    if (is_first) {
        g->stats.spread_sent++;
        *left += RESENDS_PER_HOP;
        if (*left > RESENDS_SAVED_MAX)
            *left = RESENDS_SAVED_MAX;
    } else {
        g->stats.spread_resent++;
        if (*left > 0) /* none is taken for an own ALIVE when there is none */
            --*left;
    }
}

static void hop_send(struct gossip *g, struct hop *hop, struct member *to)
{
    struct wire_message message = message_of(hop);
    hop->to = to->life->tag;
    hop->sent_ms = g->now.mono_ms;
    sending_count(g, hop->attempts++ == 0);
    outbox_send(g, to, hop->payload->priority, &message);
    uint32_t wait_ms = spread_timeout_ms(g, to, HOP_TIMEOUT_MIN_MS);
    timer_set(&g->timers, &hop->timer, TIMER_HOP, g->now.mono_ms + wait_ms);
}

static void hop_begin(struct gossip *g, struct payload *payload, struct arc arc)
{
    struct member *to = arc_pick(g, arc, 0);
    if (to == NULL)
        return;
    if (g->spread.hop_count >= HOPS_MAX) {
        /* Sent all the same, but nobody watches over it: announcements and anti-entropy will. */
        drop_count(g, DROP_LIMIT);
        struct hop unwatched = {.payload = payload, .arc = arc};
        struct wire_message message = message_of(&unwatched);
        outbox_send(g, to, payload->priority, &message);
        return;
    }
    struct hop *hop = mem_alloc(sizeof *hop);
    payload->references++;
    hop->payload = payload;
    hop->arc = arc;
    hop->token = ++g->spread.next_token;
    struct hop **list = hop_list(g, hop->token);
    hop->next = *list;
    if (hop->next != NULL)
        hop->next->previous = hop;
    *list = hop;
    g->spread.hop_count++;
    hop_send(g, hop, to);
}

static void serve_arc(struct gossip *g, struct payload *payload, struct arc arc)
{
    struct arc parts[SPREAD_FANOUT];
    size_t count = arc_split(g, arc, parts);
    for (size_t i = 0; i < count; i++)
        hop_begin(g, payload, parts[i]);
}

/* Serves the arc unless it was served before. */
static void pass_on(struct gossip *g, struct payload *payload, struct arc arc)
{
    struct handled_table *handled = &g->spread.handled;
    if (handled_has(handled, payload->key, arc))
        return;
    handled_add(handled, payload->key, arc, g->now.mono_ms);
    serve_arc(g, payload, arc);
}

/* All its attempts are made, or the budget is: but who objects must be heard. */
static bool hop_is_over(struct gossip *g, const struct hop *hop)
{
    if (hop->attempts >= hop->payload->attempts_max)
        return true;
    if (g->spread.resends_left > 0 || hop->payload->attempts_max == HOP_ATTEMPTS_OWN_MAX)
        return false;
    drop_count(g, DROP_LIMIT);
    return true;
}

/* Twice to one, then to others of the same arc. An own ALIVE, say, may find the whole arc silent.
 */
void spread_on_hop_timer(struct gossip *g, struct timer *timer)
{
    struct hop *hop = TIMER_OWNER(timer, struct hop, timer);
    struct member *to = members_find(g, hop->to);
    if (hop_is_over(g, hop)) {
        hop_free(g, hop);
        return;
    }
    if (hop->attempts != 1 || to == NULL || !member_is_live(g, to))
        to = arc_pick(g, hop->arc, hop->to);
    if (to == NULL)
        hop_free(g, hop);
    else
        hop_send(g, hop, to);
}

static void typical_rtt_sample(struct spread *spread, uint32_t rtt_us)
{
    struct link typical = {.rtt_us = spread->typical_rtt_us,
                           .rtt_var_us = spread->typical_rtt_var_us};
    link_rtt_sample(&typical, rtt_us);
    spread->typical_rtt_us = typical.rtt_us;
    spread->typical_rtt_var_us = typical.rtt_var_us;
}

/* Karn's rule: an answer to something sent twice measures nothing. */
static void hop_acknowledged(struct gossip *g, struct hop *hop, struct member *from)
{
    if (from->life->tag == hop->to)
        from->is_seen = true;
    if (hop->attempts == 1 && from->life->tag == hop->to) {
        uint32_t rtt_us = (uint32_t)(g->now.mono_ms - hop->sent_ms) * 1000 + 500;
        link_rtt_sample(member_link(g, from), rtt_us);
        typical_rtt_sample(&g->spread, rtt_us);
    }
    hop_free(g, hop);
}

void spread_on_hop_acks(struct gossip *g, struct member *from, const struct wire_message *message)
{
    struct wire_list tokens = message->hop_acks.tokens;
    uint64_t token;
    while (wire_list_uint(&tokens, &token)) {
        struct hop *hop = hop_find(g, token);
        if (hop != NULL)
            hop_acknowledged(g, hop, from);
    }
}

static void acknowledge(struct gossip *g, struct member *to, uint64_t token)
{
    uint8_t bytes[16];
    struct wire_writer list = {bytes, 0, sizeof bytes, false};
    wire_put_uint(&list, token);
    struct wire_message ack = {.type = WIRE_HOP_ACKS, .hop_acks.tokens = wire_list_of(&list, 1)};
    outbox_send(g, to, PRIORITY_MEMBERSHIP, &ack);
}

/* --- Coming in
 * ------------------------------------------------------------------------------------- */

/* What is not held here was not verified: the batch was known, or there was no room for it. It is
 * passed on all the same, for others may lack it, or have what it waits for; but not before its
 * signatures are looked at: relaying what nobody signed would make us a reflector. */
static bool batch_is_signed(struct gossip *g, const struct log *log, const struct wire_batch *batch)
{
    struct wire_list list = batch->statements;
    const struct key_public *home = &log->member->life->id;
    uint64_t after = batch->v0;
    while (list.count > 0) {
        struct span statement;
        struct operation operation;
        if (!batch_next(batch, &list, after, &statement, &operation))
            return false;
        after = operation.version;
        if (log_holds(log, after, statement))
            continue;
        struct blob *blob =
            statement_admit(g->config.store, statement, operation.kind, home, &g->scope);
        g->stats.signatures_verified++;
        if (blob == NULL)
            return false;
        blob_release(blob);
    }
    return true;
}

/* False: the batch is bad. */
static bool batch_take(struct gossip *g, struct member *from, struct log *log,
                       const struct wire_batch *batch)
{
    switch (log_on_batch(g, log, batch)) {
    case BATCH_APPLIED: announce_later(g, batch->home, batch->epoch, batch->v1); return true;
    case BATCH_KNOWN: g->stats.spread_payloads_duplicate++; return true;
    case BATCH_EARLY:
    case BATCH_FULL: pull_gap(g, log, from, batch->v0); return true;
    case BATCH_BAD: break;
    }
    return false;
}

/* A batch of a home (or a life of one) that we do not know is not acknowledged: its sender then
 * finds somebody in the arc who does, and we ask for the members that we lack. */
void spread_on_batch(struct gossip *g, struct member *from, const struct wire_message *message)
{
    const struct wire_batch *batch = &message->spread.batch;
    struct log *log = registry_log_make(g, batch->home, batch->epoch);
    g->stats.spread_payloads_in++;
    if (log == NULL) {
        drop_count(g, DROP_UNKNOWN_SENDER);
        roster_compare(g, from);
        return;
    }
    if (!batch_take(g, from, log, batch))
        return;
    struct payload *payload = payload_new(&batch->statements, batch);
    struct arc arc = {message->spread.arc_low, message->spread.arc_high};
    bool is_ours = !handled_has(&g->spread.handled, payload->key, arc);
    if (!is_ours || batch_is_signed(g, log, batch)) {
        acknowledge(g, from, message->spread.token);
        pass_on(g, payload, arc);
    }
    payload_release(payload);
}

void spread_on_news(struct gossip *g, struct member *from, const struct wire_message *message)
{
    struct arc arc = {message->spread.arc_low, message->spread.arc_high};
    enum news_verdict verdict = news_apply_all(g, from, message->spread.statements);
    if (verdict == NEWS_BAD)
        return;
    acknowledge(g, from, message->spread.token);
    if (verdict == NEWS_EXCESS)
        return;
    struct payload *payload = payload_new(&message->spread.statements, NULL);
    pass_on(g, payload, arc);
    payload_release(payload);
}

/* --- Going out
 * -------------------------------------------------------------------------------------- */

static void spread_payload(struct gossip *g, struct payload *payload)
{
    struct arc everything = {g->tag, g->tag};
    g->stats.spread_made++;
    pass_on(g, payload, everything);
    payload_release(payload);
}

void spread_news(struct gossip *g, struct blob *statement)
{
    uint8_t bytes[STATEMENT_MAX_BYTES + 8];
    struct wire_writer writer = {bytes, 0, sizeof bytes, false};
    wire_put_bin(&writer, blob_span(statement));
    struct wire_list list = wire_list_of(&writer, 1);
    if (statement_kind_of(blob_span(statement)) != STATEMENT_HEAD)
        spread_rumour(g, statement);
    struct payload *payload = payload_new(&list, NULL);
    if (statement == g->members.self->life->statement)
        payload->attempts_max = HOP_ATTEMPTS_OWN_MAX;
    spread_payload(g, payload);
}

void spread_batch(struct gossip *g, const struct wire_batch *batch)
{
    assert(batch->home == g->tag && batch->v1 > batch->v0);
    spread_payload(g, payload_new(&batch->statements, batch));
}

void spread_init(struct gossip *g)
{
    /* Tokens start at a random number: an acknowledgement of an earlier life's hop matches nothing.
     */
    g->spread.next_token = prng_next(&g->prng) >> 32;
    g->spread.resends_left = RESENDS_SAVED_MAX;
}

void spread_free(struct gossip *g)
{
    for (size_t i = 0; i < HOP_LISTS; i++)
        while (g->spread.hops[i] != NULL)
            hop_free(g, g->spread.hops[i]);
    timer_cancel(&g->timers, &g->spread.announce_timer);
    handled_free(&g->spread.handled);
    rumours_free(g);
}
