// SPDX-License-Identifier: Apache-2.0
/* orphans.c - what becomes of a home's peers when it does not answer for them any more.
 *
 * They stay visible for the orphan grace, so that live clients can reach another node; then they
 * are hidden, and kept for adoption until their ttl has run: their clients may be late, but no
 * later than that. All of it counts from the home's death, which a joiner learns with its age.
 *
 * Entries of an ended life's log go by the same rule and no other. When the new life's record or
 * delete of the peer stands above them they are neither visible nor adopted, so they cost memory
 * alone, for one ttl; to drop them at once would save that, and make what a node holds depend on
 * what it heard first. */
#include <assert.h>

#include "gossip/core.h"
#include "gossip/entries.h"

/* A home of a hundred thousand peers must not hold up probes when it dies: its entries are looked
 * at so many at a time, with a millisecond for everybody else in between. */
#define STEP_ENTRIES 256
#define STEP_MS      1

static int64_t now_of(const struct gossip *g)
{
    return (int64_t)g->now.mono_ms;
}

static bool is_ended(const struct log *log)
{
    return log->epoch < log->member->life->epoch;
}

static bool is_gone_state(enum member_state state)
{
    return state == MEMBER_UNREACHABLE || state == MEMBER_DEAD || state == MEMBER_LEFT;
}

/* --- Standing --------------------------------------------------------------------------------- */

static int64_t earlier(int64_t a, int64_t b)
{
    return a < b ? a : b;
}

/* Since when its home has been gone; INT64_MAX: it is not. */
static int64_t gone_since(const struct gossip *g, const struct log *log)
{
    const struct member *member = log->member;
    int64_t since = INT64_MAX;
    if (is_ended(log))
        since = earlier(since, member->dossier->life_since_ms);
    if (is_gone_state(member->state))
        since = earlier(since, member->since_ms);
    if (g->detector.is_cut_off)
        since = earlier(since, (int64_t)g->detector.cut_off_since_ms);
    return since;
}

static enum home_standing standing_of(const struct gossip *g, const struct log *log, int64_t *since)
{
    *since = now_of(g);
    /* Of our own peers we always know. */
    if (log->home == g->tag && log->epoch == log->member->life->epoch)
        return HOME_VOUCHES;
    int64_t gone = gone_since(g, log);
    if (gone != INT64_MAX) {
        /* A death that follows an unreachability, or a new life that follows a death, begins no new
         * grace. */
        *since = log->standing == HOME_GONE ? earlier(gone, log->gone_since_ms) : gone;
        return HOME_GONE;
    }
    if (log->member->state != MEMBER_SUSPECT)
        return HOME_VOUCHES;
    *since = log->member->since_ms;
    return HOME_DOUBTED;
}

static uint64_t wall_of(const struct gossip *g, int64_t mono_ms)
{
    int64_t age_ms = now_of(g) - mono_ms;
    if (age_ms <= 0)
        return g->now.wall_ms;
    return g->now.wall_ms > (uint64_t)age_ms ? g->now.wall_ms - (uint64_t)age_ms : 0;
}

static void report(struct gossip *g, const struct log *log)
{
    event_push(g, (struct gossip_event){.kind = GOSSIP_EVENT_HOME,
                                        .home = {.tag = log->home,
                                                 .epoch = log->epoch,
                                                 .standing = log->standing,
                                                 .since_wall_ms = log->standing_since_wall_ms}});
}

/* The moment that the view shows as last seen: when the home last vouched, whether it was doubted
 * first or gone at once. */
static void standing_set(struct gossip *g, struct log *log, enum home_standing standing,
                         int64_t since)
{
    uint64_t wall_ms = wall_of(g, since);
    bool did_vouch = log->standing == HOME_VOUCHES;
    if (standing == HOME_VOUCHES || did_vouch || wall_ms < log->standing_since_wall_ms)
        log->standing_since_wall_ms = wall_ms;
    log->standing = standing;
    report(g, log);
}

/* --- The timer -------------------------------------------------------------------------------- */

static int64_t ttl_end(const struct log *log, uint32_t ttl_s)
{
    return log->gone_since_ms + (int64_t)ttl_s * 1000;
}

static int64_t grace_end(const struct gossip *g, const struct log *log, uint32_t ttl_s)
{
    return earlier(log->gone_since_ms + (int64_t)g->config.orphan_grace_ms, ttl_end(log, ttl_s));
}

/* When an empty log may go. Not at once: it may be new, and a pull on its way. */
static int64_t drop_due(const struct gossip *g, const struct log *log)
{
    int64_t since = log->gone_since_ms;
    if (since < (int64_t)log->made_ms)
        since = (int64_t)log->made_ms;
    return since + (int64_t)g->config.orphan_grace_ms;
}

bool orphans_are_final(const struct log *log)
{
    enum member_state state = log->member->state;
    return log->standing == HOME_GONE &&
           (is_ended(log) || state == MEMBER_DEAD || state == MEMBER_LEFT);
}

/* Would nobody miss it? An unreachable home's log stays: the others still compare theirs with us,
 * and would send it again and again. */
static bool is_droppable(const struct gossip *g, const struct log *log)
{
    return log->standing == HOME_GONE && log->held_count == 0 &&
           (orphans_are_final(log) || g->detector.is_cut_off);
}

static void timer_at(struct gossip *g, struct log *log, int64_t due)
{
    uint64_t at_ms = due > now_of(g) ? (uint64_t)due : g->now.mono_ms;
    timer_set(&g->timers, &log->orphan_timer, TIMER_ORPHANS, at_ms);
}

/* The first moment at which anything can be due; a pass over the entries then finds the next one.
 */
static void timer_begin(struct gossip *g, struct log *log)
{
    assert(log->standing == HOME_GONE);
    log->orphans_looked = 0;
    if (log->live_count > 0)
        timer_at(g, log, grace_end(g, log, log->ttl_min_s));
    else
        orphans_log_settle(g, log);
}

void orphans_log_settle(struct gossip *g, struct log *log)
{
    if (is_droppable(g, log))
        timer_at(g, log, drop_due(g, log));
}

void orphans_entry_added(struct gossip *g, struct entry *entry)
{
    struct log *log = entry->log;
    uint32_t ttl_s = entry_order(entry).ttl_s;
    if (ttl_s < log->ttl_min_s)
        log->ttl_min_s = ttl_s;
    if (ttl_s < log->orphans_ttl_min_s)
        log->orphans_ttl_min_s = ttl_s;
    if (log->standing != HOME_GONE)
        return;
    int64_t due = grace_end(g, log, ttl_s);
    if (due <= now_of(g)) {
        entry->is_hidden = true;
        log->hidden_count++;
        due = ttl_end(log, ttl_s);
    }
    log->orphans_due = earlier(log->orphans_due, due); /* where the pass has been already */
    if (!timer_is_set(&log->orphan_timer) || due < (int64_t)log->orphan_timer.at_ms)
        timer_at(g, log, due);
}

/* What is due for this entry; returns when the next thing will be, INT64_MAX: never. */
static int64_t entry_step(struct gossip *g, struct log *log, struct entry *entry, uint32_t ttl_s)
{
    int64_t gone = ttl_end(log, ttl_s), hidden = grace_end(g, log, ttl_s);
    if (now_of(g) >= gone) {
        registry_entry_drop(g, entry, PEER_DOWN_ORPHAN_GRACE);
        log->is_shed = true;
        return INT64_MAX;
    }
    if (!entry->is_hidden && now_of(g) < hidden)
        return hidden;
    if (!entry->is_hidden)
        registry_entry_hide(g, entry, true);
    return gone;
}

/* The next entries of a pass over the log, by version: indexes may change in between. False: there
 * are more. */
static bool pass_step(struct gossip *g, struct log *log)
{
    size_t at = entries_after(log, log->orphans_looked);
    if (log->orphans_looked == 0) {
        log->orphans_due = INT64_MAX;
        log->orphans_ttl_min_s = UINT32_MAX;
    }
    for (size_t end = at + STEP_ENTRIES; at < log->slot_count && at < end; at++) {
        struct entry *entry = slot_entry(log->slots[at]);
        log->orphans_looked = slot_version(log->slots[at]);
        if (entry == NULL || entry->is_delete)
            continue;
        uint32_t ttl_s = entry_order(entry).ttl_s;
        int64_t due = entry_step(g, log, entry, ttl_s);
        log->orphans_due = earlier(log->orphans_due, due);
        if (due != INT64_MAX && ttl_s < log->orphans_ttl_min_s)
            log->orphans_ttl_min_s = ttl_s;
    }
    return at >= log->slot_count;
}

/* All have been looked at: when is the next time? */
static void pass_ended(struct gossip *g, struct log *log)
{
    log->orphans_looked = 0;
    log->ttl_min_s = log->orphans_ttl_min_s;
    if (log->orphans_due != INT64_MAX)
        timer_at(g, log, log->orphans_due);
    else if (!is_droppable(g, log))
        return;
    else if (now_of(g) < drop_due(g, log))
        timer_at(g, log, drop_due(g, log));
    else if (log->pull != NULL) /* later than now, or a grace of 0 would ask for ever */
        timer_at(g, log, now_of(g) + (int64_t)g->config.orphan_grace_ms + 1);
    else
        registry_log_drop(g, log);
}

void registry_on_orphan_timer(struct gossip *g, struct log *log)
{
    assert(log->standing == HOME_GONE && log != g->registry.own);
    bool is_done = pass_step(g, log);
    sync_log_changed(g, log); /* orphans count while they are shown */
    if (is_done)
        pass_ended(g, log);
    else
        timer_at(g, log, now_of(g) + STEP_MS);
}

/* --- Coming back ------------------------------------------------------------------------------ */

/* The home answers again, in the same life: what was only hidden is there at once; what was dropped
 * is found by comparing roots. */
static void log_returned(struct gossip *g, struct log *log)
{
    timer_cancel(&g->timers, &log->orphan_timer);
    log->orphans_looked = 0;
    for (size_t i = 0; log->hidden_count > 0 && i < log->slot_count; i++) {
        struct entry *entry = slot_entry(log->slots[i]);
        if (entry != NULL && entry->is_hidden)
            registry_entry_hide(g, entry, false);
    }
    assert(log->hidden_count == 0);
    if (log->is_shed)
        log->proved_version = 0;
    log->is_shed = false;
    head_check(g,
               log); /* roots that differed while the home was gone proved nothing: they do now */
}

static void log_update(struct gossip *g, struct log *log)
{
    int64_t since;
    enum home_standing before = log->standing;
    enum home_standing standing = standing_of(g, log, &since);
    bool is_older = standing == HOME_GONE && before == HOME_GONE && since < log->gone_since_ms;
    if (standing == HOME_GONE)
        log->gone_since_ms = since;
    if (standing != before)
        standing_set(g, log, standing, since);
    if (before == HOME_GONE && standing != HOME_GONE)
        log_returned(g, log);
    if (standing == HOME_GONE && (standing != before || is_older || log->live_count == 0))
        timer_begin(g, log);
    sync_log_changed(g, log);
}

uint64_t orphans_age_ms(const struct gossip *g, const struct log *log)
{
    if (log->standing != HOME_GONE || now_of(g) <= log->gone_since_ms)
        return 0;
    return (uint64_t)(now_of(g) - log->gone_since_ms);
}

/* Whether a home is gone we judge for ourselves; only since when is taken from somebody who was
 * there. */
void orphans_age_told(struct gossip *g, struct log *log, uint64_t age_ms)
{
    if (log->standing != HOME_GONE || age_ms > INT64_MAX / 2)
        return;
    int64_t since = now_of(g) - (int64_t)age_ms;
    if (since >= log->gone_since_ms)
        return;
    log->gone_since_ms = since;
    standing_set(g, log, HOME_GONE, since);
    timer_begin(g, log);
}

/* A life that was told to us when we joined began as long ago as its state did; one that replaces
 * another before our eyes begins now, whatever the state before. */
static void follow_life(const struct gossip *g, struct member *member)
{
    struct dossier *dossier = member_dossier(member);
    if (dossier->life_epoch == member->life->epoch)
        return;
    assert(dossier->life_epoch < member->life->epoch);
    dossier->life_since_ms = dossier->life_epoch == 0 ? member->since_ms : now_of(g);
    dossier->life_epoch = member->life->epoch;
}

void orphans_log_made(struct gossip *g, struct log *log)
{
    int64_t since;
    follow_life(g, log->member);
    enum home_standing standing = standing_of(g, log, &since);
    if (standing == HOME_GONE)
        log->gone_since_ms = since;
    standing_set(g, log, standing, since);
    if (standing == HOME_GONE)
        timer_begin(g, log);
    sync_log_changed(g, log);
}

void registry_home_changed(struct gossip *g, struct member *member)
{
    follow_life(g, member);
    if (member == g->members.self)
        registry_own_follow(g);
    for (struct log *log = member_logs(member); log != NULL; log = log->older)
        log_update(g, log);
}

void registry_cut_off_changed(struct gossip *g)
{
    for (size_t i = 0; i < g->registry.log_count; i++)
        log_update(g, g->registry.logs[i]);
}
