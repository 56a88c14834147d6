// SPDX-License-Identifier: Apache-2.0
/* missing.c - announced and not here: the tree is given a few milliseconds, then the announcer is
 * asked.
 *
 * This, and not anti-entropy, is what repairs a lost hop of the tree in time: three others announce
 * every batch to members chosen at random. */
#include <assert.h>
#include <stddef.h>

#include "gossip/core.h"
#include "gossip/mem.h"

struct missing {
    struct timer timer; /* TIMER_MISSING */
    struct log *log;
    uint64_t version;       /* due when the timer fires */
    uint64_t from;          /* tag */
    uint64_t later_version; /* announced since */
    uint64_t later_from;
};

static void arm(struct gossip *g, struct missing *missing)
{
    timer_set(&g->timers, &missing->timer, TIMER_MISSING, g->now.mono_ms + MISSING_DELAY_MS);
}

void pull_missing_later(struct gossip *g, struct member *from, uint64_t home, uint64_t epoch,
                        uint64_t version)
{
    struct log *log = registry_log_make(g, home, epoch);
    if (log == NULL) {
        if (members_find(g, home) == NULL)
            roster_compare(g, from);
        return;
    }
    if (version <= log->applied || log == g->registry.own)
        return;
    struct missing *missing = log->missing;
    if (missing != NULL) {
        if (version > missing->version && version > missing->later_version) {
            missing->later_version = version;
            missing->later_from = from->life->tag;
        }
        return;
    }
    if (g->puller.missing_count >= MISSING_MAX) {
        drop_count(g, DROP_LIMIT);
        return;
    }
    missing = mem_alloc(sizeof *missing);
    missing->log = log;
    missing->version = version;
    missing->from = from->life->tag;
    log->missing = missing;
    g->puller.missing_count++;
    arm(g, missing);
}

void pull_missing_drop(struct gossip *g, struct log *log)
{
    struct missing *missing = log->missing;
    if (missing == NULL)
        return;
    assert(g->puller.missing_count > 0 && missing->log == log);
    timer_cancel(&g->timers, &missing->timer);
    log->missing = NULL;
    g->puller.missing_count--;
    mem_free(missing);
}

void pull_on_missing_timer(struct gossip *g, struct timer *timer)
{
    struct missing *missing = TIMER_OWNER(timer, struct missing, timer);
    struct log *log = missing->log;
    uint64_t version = missing->version;
    struct member *from = members_find(g, missing->from);
    bool is_later = missing->later_version > log->applied;
    if (log->applied >= version && is_later) {
        missing->version = missing->later_version;
        missing->from = missing->later_from;
        missing->later_version = 0;
        arm(g, missing);
        return;
    }
    /* What was announced last is asked for together with what is overdue. */
    if (is_later) {
        version = missing->later_version;
        from = members_find(g, missing->later_from);
    }
    pull_missing_drop(g, log);
    if (log->applied >= version || from == NULL)
        return;
    g->stats.missing_pulled++;
    pull_gap(g, log, from, version);
}
