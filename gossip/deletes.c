// SPDX-License-Identifier: Apache-2.0
/* deletes.c - how long deletes are remembered, and the floor that rises when one is forgotten.
 *
 * The search for old ones goes a few thousand slots at a time: a million entries looked at in one
 * step would hold up probes. Late is harmless: what is promised is a least time. */
#include <assert.h>

#include "gossip/core.h"
#include "gossip/entries.h"

#define STEP_SLOTS 4096
#define STEP_MS    100
/* A search each eighth of the least time keeps deletes at most an eighth longer. */
#define ROUNDS_PER_KEEP 8
#define ROUND_MIN_MS    1000

static void timer_begin(struct gossip *g, uint64_t in_ms)
{
    timer_set(&g->timers, &g->registry.floor_timer, TIMER_FLOOR, g->now.mono_ms + in_ms);
}

static void wait_for_round(struct gossip *g)
{
    uint64_t round_ms = g->config.delete_keep_min_ms / ROUNDS_PER_KEEP;
    timer_begin(g, round_ms < ROUND_MIN_MS ? ROUND_MIN_MS : round_ms);
}

void deletes_entry_added(struct gossip *g)
{
    if (!timer_is_set(&g->registry.floor_timer))
        wait_for_round(g);
}

/* Does it stand above a set, in some log, whose home vouches for it, or of one that does not? */
static bool hides(const struct entry *delete, bool is_vouched_for)
{
    for (const struct entry *entry = delete->peer->entries; entry != NULL;
         entry = entry->next_of_peer)
        if (!entry->is_delete && (entry->log->standing == HOME_VOUCHES) == is_vouched_for &&
            entry_wins(delete, entry))
            return true;
    return false;
}

/* What a home said last before it died may have reached some only. What this delete ended is
 * dropped by the others when its ttl has run: from then on it would hide what another home vouches
 * for here, and nowhere else. */
static bool is_over_elsewhere(const struct gossip *g, const struct entry *delete)
{
    return orphans_are_final(delete->log) &&
           orphans_age_ms(g, delete->log) >= entry_order(delete).ttl_s * UINT64_C(1000) &&
           hides(delete, true);
}

/* Forgetting a delete that still stands above some log's set would bring that set back. That is
 * right only where its home vouches for it to this day: it has forgotten the delete too, or would
 * have ended its record, and what its client lives by must not stay hidden here for ever. */
static bool may_forget(const struct gossip *g, const struct log *log, const struct entry *entry)
{
    if (!entry->is_delete || entry->version > log->applied)
        return false;
    uint64_t keep_ms = entry_order(entry).ttl_s * 1000ull;
    if (keep_ms < g->config.delete_keep_min_ms)
        keep_ms = g->config.delete_keep_min_ms;
    bool is_old = g->now.mono_ms - entry->applied_ms >= keep_ms;
    return (is_old || is_over_elsewhere(g, entry)) && !hides(entry, false);
}

size_t deletes_forget_some(struct gossip *g, struct log *log, size_t budget)
{
    size_t looked = 0;
    while (looked < budget && log->forget_next < log->slot_count) {
        struct entry *entry = slot_entry(log->slots[log->forget_next++]);
        looked++;
        if (entry == NULL || !may_forget(g, log, entry))
            continue;
        if (entry->version > log->floor)
            log->floor = entry->version;
        registry_entry_drop(g, entry, PEER_DOWN_SWEPT);
    }
    if (log->forget_next >= log->slot_count)
        log->forget_next = 0;
    assert(log->floor <= log->applied);
    return looked;
}

void log_forget_deletes(struct gossip *g, struct log *log)
{
    log->forget_next = 0;
    deletes_forget_some(g, log, log->slot_count + 1);
}

/* One log's share of a step; true: the log is done. */
static bool step_log(struct gossip *g, struct log *log, size_t *budget)
{
    if (log->held_count == log->live_count) {
        log->forget_next = 0;
        --*budget;
        return true;
    }
    *budget -= deletes_forget_some(g, log, *budget);
    if (log->forget_next > 0)
        return false;
    entries_trim(log);
    orphans_log_settle(g, log);
    return true;
}

void registry_on_floor_timer(struct gossip *g)
{
    struct registry *registry = &g->registry;
    size_t budget = STEP_SLOTS;
    while (budget > 0 && registry->forget_log < registry->log_count)
        if (step_log(g, registry->logs[registry->forget_log], &budget))
            registry->forget_log++;
    if (registry->forget_log < registry->log_count) {
        timer_begin(g, STEP_MS);
        return;
    }
    registry->forget_log = 0;
    if (registry->deletes_held > 0)
        wait_for_round(g);
}
