// SPDX-License-Identifier: Apache-2.0
/* sync_first.c - a joiner's first sync: one member's whole list of logs, page by page, and then
 * pulls until all of them are here. Until it is done, registrations are refused: we could not tell
 * an id that somebody holds from a new one. */
#include <assert.h>

#include "gossip/core.h"

/* 100 + 200 + 400 + 800 ms without an answer: then another member is asked. */
#define ASK_TIMEOUT_MS   100
#define ASK_ATTEMPTS_MAX 4
/* So many that do not answer, and the trouble is ours: go on with what we have. */
#define PARTNERS_MAX      5
#define CHECK_INTERVAL_MS 250
/* Pulls that bring nothing for so long: nobody has what was listed. The log is then shown as
 * behind. */
#define STUCK_MS 5000

static void arm(struct gossip *g, uint64_t in_ms)
{
    timer_set(&g->timers, &g->sync.timer, TIMER_COMPARE, g->now.mono_ms + in_ms);
}

static void finish(struct gossip *g)
{
    assert(!g->sync.is_first_done);
    g->sync.is_first_done = true;
    g->sync.first_partner = 0;
    for (size_t i = 0; i < g->registry.log_count; i++)
        g->registry.logs[i]->first_target = 0;
    g->sync.first_remaining = 0;
    timer_cancel(&g->timers, &g->sync.timer);
    event_status_soon(g);
    reissue_begin(g);
    /* What happened meanwhile may have passed us by. */
    sync_operation_seen(g);
}

static void ask(struct gossip *g, struct member *partner)
{
    struct wire_message message = {
        .type = WIRE_LOGS_LIST,
        .list = {.flags = SYNC_ASK | SYNC_ORPHANS, .buckets = g->sync.first_after},
    };
    outbox_send(g, partner, PRIORITY_SET, &message);
    uint64_t base_ms = spread_timeout_ms(g, partner, ASK_TIMEOUT_MS);
    arm(g, prng_jitter(&g->prng, base_ms << g->sync.first_attempts, 20));
}

static void begin_with(struct gossip *g, struct member *partner)
{
    g->sync.first_partner = partner->life->tag;
    g->sync.first_after = 0;
    g->sync.first_attempts = 0;
    g->sync.first_partners++;
    ask(g, partner);
}

void sync_begin(struct gossip *g, struct member *with)
{
    if (g->sync.is_first_done) {
        if (with != NULL)
            g->sync.differs_from = with->life->tag;
        sync_operation_seen(g);
    } else if (with == NULL) {
        finish(g);
    } else if (g->sync.first_partner == 0) {
        begin_with(g, with);
    }
}

void sync_first_on_page(struct gossip *g, struct member *from, const struct wire_message *message)
{
    struct sync *sync = &g->sync;
    uint64_t flags = message->list.flags;
    if (sync->is_first_done || from->life->tag != sync->first_partner) {
        drop_count(g, DROP_UNSOLICITED);
        return;
    }
    if (sync->is_first_listed || message->list.buckets != sync->first_after)
        return; /* a page twice, or one after a page that was lost: asked again when the timer fires
                 */
    uint64_t last_home = sync->first_after;
    uint32_t taken = sync_list_take(g, from, message->list.entries, true, &last_home);
    if ((flags & SYNC_END) == 0 && (taken == 0 || last_home <= sync->first_after)) {
        drop_count(g, DROP_MALFORMED);
        return;
    }
    sync->first_after = last_home;
    sync->first_attempts = 0;
    if ((flags & SYNC_END) != 0) {
        sync->is_first_listed = true;
        sync->first_progress_ms = g->now.mono_ms;
        sync->first_remaining_before = sync->first_remaining;
        arm(g, CHECK_INTERVAL_MS);
        sync_check_first(g);
    } else if ((flags & SYNC_MORE) != 0) {
        ask(g, from);
    }
}

static void ask_again(struct gossip *g)
{
    struct sync *sync = &g->sync;
    struct member *partner = members_find(g, sync->first_partner);
    bool is_live = partner != NULL && member_is_live(g, partner);
    if (is_live && ++sync->first_attempts < ASK_ATTEMPTS_MAX) {
        ask(g, partner);
        return;
    }
    if (sync->first_partners >= PARTNERS_MAX ||
        members_pick(g, &partner, 1, sync->first_partner) == 0)
        finish(g);
    else
        begin_with(g, partner);
}

static void check_progress(struct gossip *g)
{
    struct sync *sync = &g->sync;
    if (sync->first_remaining < sync->first_remaining_before || pull_is_held(g)) {
        sync->first_remaining_before = sync->first_remaining;
        sync->first_progress_ms = g->now.mono_ms;
    }
    bool is_stuck =
        g->now.mono_ms - sync->first_progress_ms > STUCK_MS && g->puller.bulk_count == 0;
    if (sync->first_remaining == 0 || is_stuck) {
        finish(g);
        return;
    }
    pull_next(g);
    arm(g, CHECK_INTERVAL_MS);
}

void sync_first_on_timer(struct gossip *g)
{
    if (g->sync.is_first_listed)
        check_progress(g);
    else if (g->sync.first_partner != 0)
        ask_again(g);
}

void sync_log_settled(struct gossip *g, struct log *log)
{
    if (log->first_target == 0)
        return;
    log->first_target = 0;
    assert(g->sync.first_remaining > 0);
    g->sync.first_remaining--;
}

void sync_check_first(struct gossip *g)
{
    if (!g->sync.is_first_done && g->sync.is_first_listed && g->sync.first_remaining == 0)
        finish(g);
}
