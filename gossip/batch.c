// SPDX-License-Identifier: Apache-2.0
/* batch.c - when the own log's new operations leave, and how many packets of them are pushed. */
#include <assert.h>

#include "gossip/core.h"
#include "gossip/lease.h"
#include "gossip/mem.h"

/* A burst beyond this is cheaper pulled: each pushed packet costs every node of the cluster a hop.
 */
#define BATCH_PACKETS_MAX 8
/* Room for statements beside arc, range and token. */
#define BATCH_LIST_BYTES       (MESSAGE_MAX_BYTES - SPREAD_OVERHEAD_MAX_BYTES)
#define STATEMENT_HEADER_BYTES 3 /* its type and length in the list */
static_assert(BATCH_LIST_BYTES >= STATEMENT_MAX_BYTES + STATEMENT_HEADER_BYTES,
              "a batch must hold any one statement");

/* Spreads (from, ...] as far as one packet reaches, and returns how far that was. */
static uint64_t batch_spread(struct gossip *g, uint64_t from)
{
    const struct log *own = g->registry.own;
    uint8_t bytes[BATCH_LIST_BYTES];
    struct wire_writer list = {.data = bytes, .capacity = sizeof bytes};
    uint32_t count = 0;
    bool is_last = false;
    uint64_t to = log_read_range(own, from, &list, &count, &is_last);
    assert(to > from && to <= own->applied);
    struct wire_batch batch = {
        .home = own->home,
        .epoch = own->epoch,
        .v0 = from,
        .v1 = to,
        .applied = own->applied,
        .floor = own->floor,
        .statements = wire_list_of(&list, count),
    };
    spread_batch(g, &batch);
    return to;
}

/* Those whose operations are at most `through`: they have left. */
static void replies_release(struct gossip *g, uint64_t through)
{
    struct leases *leases = &g->leases;
    size_t count = 0, kept = 0;
    while (count < leases->waiting_count && leases->waiting[count].version <= through)
        event_reply(g, leases->waiting[count++].reply);
    while (count < leases->waiting_count)
        leases->waiting[kept++] = leases->waiting[count++];
    leases->waiting_count = kept;
}

void batch_flush(struct gossip *g)
{
    const struct log *own = g->registry.own;
    uint64_t from = g->leases.batch_from;
    assert(from <= own->applied && g->leases.batch_packets <= BATCH_PACKETS_MAX);
    while (g->leases.batch_packets < BATCH_PACKETS_MAX && from < own->applied) {
        from = batch_spread(g, from);
        g->leases.batch_packets++;
    }
    g->leases.batch_packets = 0;
    batch_skip(g); /* the rest follows by HEAD and pulls: batches name the gap */
    replies_release(g, UINT64_MAX);
}

void batch_skip(struct gossip *g)
{
    g->leases.batch_from = g->registry.own->applied;
    g->leases.batch_bytes = 0;
}

void batch_grow(struct gossip *g, size_t statement_bytes)
{
    g->leases.operation_bytes = STATEMENT_HEADER_BYTES + statement_bytes;
    g->leases.batch_bytes += g->leases.operation_bytes;
}

/* More is pending than a packet holds: what was there before the last operation leaves now. Behind
 * the last packet that may leave before the timer nothing is pushed, so nothing has to wait. */
static void batch_overflow(struct gossip *g)
{
    struct leases *leases = &g->leases;
    uint64_t applied = g->registry.own->applied;
    leases->batch_from = batch_spread(g, leases->batch_from);
    leases->batch_bytes = leases->batch_from == applied ? 0 : leases->operation_bytes;
    leases->batch_packets++;
    if (leases->batch_packets == BATCH_PACKETS_MAX)
        batch_skip(g);
    replies_release(g, leases->batch_from);
}

/* After quiet the first operation leaves at once: a lone registration should not wait for company
 * that rarely comes. Under load the wait costs 5 ms and saves a tree for each operation that it
 * collects; a packet that is full has all the company it can take. */
void batch_operation_added(struct gossip *g)
{
    struct leases *leases = &g->leases;
    bool was_quiet = leases->last_operation_ms + BATCH_QUIET_MS <= g->now.mono_ms ||
                     leases->last_operation_ms == 0;
    leases->last_operation_ms = g->now.mono_ms;
    if (was_quiet) {
        batch_flush(g);
        return;
    }
    if (!timer_is_set(&leases->batch_timer))
        timer_set(&g->timers, &leases->batch_timer, TIMER_BATCH, g->now.mono_ms + BATCH_DELAY_MS);
    if (leases->batch_packets == BATCH_PACKETS_MAX)
        batch_skip(g);
    else if (leases->batch_bytes > BATCH_LIST_BYTES)
        batch_overflow(g);
}

void batch_on_timer(struct gossip *g)
{
    batch_flush(g);
    reissue_step(g);
}

/* A client may stop worrying when it has its answer, so the answer waits for the packets: a crash
 * between the two would lose what was promised. */
void batch_reply(struct gossip *g, struct gossip_reply reply, uint64_t applied_before)
{
    struct leases *leases = &g->leases;
    uint64_t applied = g->registry.own->applied;
    if (applied == applied_before || leases->batch_from == applied) {
        event_reply(g, reply);
        return;
    }
    assert(timer_is_set(&leases->batch_timer));
    if (leases->waiting_count == leases->waiting_capacity) {
        leases->waiting_capacity = leases->waiting_capacity == 0 ? 8 : 2 * leases->waiting_capacity;
        leases->waiting =
            mem_resize(leases->waiting, leases->waiting_capacity * sizeof *leases->waiting);
    }
    leases->waiting[leases->waiting_count++] = (struct batch_reply){applied, reply};
}
