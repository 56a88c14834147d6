// SPDX-License-Identifier: Apache-2.0
/* head.c - HEADs: a home's signed word on what its log holds; proving, diverging, equivocating.
 *
 * A log is PROVED when our root was equal to the root of a HEAD that the home signed. It stays so
 * while what came after that HEAD was applied without a gap, although the next HEAD is half a
 * second away: to call it "behind" at every operation would be noise, and head_version in the
 * report says how far the proof reaches. A log that was never proved is BEHIND, even when nothing
 * above what it holds is known. An empty log of a home that signed no HEAD needs no proof. */
#include "gossip/head.h"

#include <assert.h>

#include "gossip/core.h"
#include "gossip/root.h"

#define REPORT_INTERVAL_MS 800

static bool hash_equal(const struct hash *a, const struct hash *b)
{
    return memcmp(a->bytes, b->bytes, sizeof a->bytes) == 0;
}

/* --- Our own --------------------------------------------------------------------------------- */

void head_touch(struct gossip *g)
{
    sync_operation_seen(g);
    if (!timer_is_set(&g->head.timer))
        timer_set(&g->timers, &g->head.timer, TIMER_HEAD, g->now.mono_ms + g->config.head_delay_ms);
}

static void hold(struct gossip *g, struct log *log, const struct head *head, struct blob *blob)
{
    assert(log->head_blob == NULL || head->version > log->head.version);
    blob_release(log->head_blob);
    log->head = *head;
    log->head_blob = blob;
    if (head->version > log->seen)
        log->seen = head->version;
    sync_log_changed(g, log);
}

void head_on_timer(struct gossip *g)
{
    struct log *own = g->registry.own;
    bool is_known = own != NULL && own->head_blob != NULL && own->head.version == own->applied;
    if (own == NULL || g->is_leaving || is_known || own->state == LOG_EQUIVOCATING)
        return;
    struct head head = {
        .home = own->home,
        .epoch = own->epoch,
        .version = own->applied,
        .live_count = own->live_count,
        .wall_ms = g->now.wall_ms,
    };
    root_compute(own, &head.root);
    struct blob *blob = statement_of_head(&head, &g->config.identity, &g->scope);
    assert(blob != NULL && "a HEAD has no long field");
    g->stats.signatures_made++;
    if (g->config.store != NULL)
        blob_store_add(g->config.store, blob, &g->config.identity.public, &g->scope);
    hold(g, own, &head, blob);
    spread_news(g, blob);
    head_check(g, own);
}

/* --- Others' --------------------------------------------------------------------------------- */

/* NULL: of a home or a life that we do not know (and then ask about), or of an ended life whose log
 * nobody needs. */
static struct log *log_of(struct gossip *g, const struct head *head, struct member *from)
{
    struct log *log = registry_log(g, head->home, head->epoch);
    if (log != NULL)
        return log;
    const struct member *home = members_find(g, head->home);
    if (home != NULL && head->epoch < home->life->epoch)
        return NULL;
    log = registry_log_make(g, head->home, head->epoch);
    if (log == NULL && home == NULL && from != NULL)
        roster_compare(g, from);
    return log;
}

static bool is_held(const struct log *log, struct span statement)
{
    return (log->head_blob != NULL && span_equal(blob_span(log->head_blob), statement)) ||
           (log->evidence != NULL && span_equal(blob_span(log->evidence), statement));
}

static struct blob *admit(struct gossip *g, const struct log *log, struct span statement)
{
    const struct key_public *home = &log->member->life->id;
    g->stats.signatures_verified++;
    return statement_admit(g->config.store, statement, STATEMENT_HEAD, home, &g->scope);
}

/* We never sign two HEADs of one version, nor one above what we hold: an earlier life had this
 * epoch, and nobody could tell us. It may have had the next ones, too. */
static void leave_epoch(struct gossip *g)
{
    if (!g->is_leaving && !g->is_stopped)
        members_raise_epoch(g, g->epoch + 1 + prng_below(&g->prng, TWIN_EPOCHS));
}

/* The home signed two contents for one version. Which of them is true nobody can say: the log is
 * left as it is, nothing more is taken from that life of its home, and whoever hears of it is shown
 * both HEADs. */
static void freeze(struct gossip *g, struct log *log, struct blob *second)
{
    bool is_own = log == g->registry.own;
    assert(log->evidence == NULL && log->head_blob != NULL);
    log->evidence = second;
    log->state = LOG_EQUIVOCATING;
    pull_log_gone(g, log);
    sync_log_changed(g, log);
    event_status_soon(g);
    head_check(g, log);
    if (is_own)
        leave_epoch(g);
}

/* A HEAD of a version that was left behind says nothing; two of them, with different roots, do. Who
 * has both shows them together, so it is enough to remember the last. Neither is verified before
 * there are two. */
static enum head_verdict on_old_head(struct gossip *g, struct log *log, const struct head *head,
                                     struct span statement)
{
    struct head first;
    struct blob *old = g->head.old;
    bool is_pair = old != NULL && statement_read_head(blob_span(old), &first) &&
                   first.home == head->home && first.epoch == head->epoch &&
                   first.version == head->version && !hash_equal(&first.root, &head->root);
    struct blob *one = is_pair ? admit(g, log, blob_span(old)) : NULL;
    struct blob *two = one != NULL ? admit(g, log, statement) : NULL;
    if (!is_pair || two == NULL) {
        blob_release(one);
        blob_release(old);
        g->head.old = blob_new(statement);
        return HEAD_STALE;
    }
    blob_release(log->head_blob);
    log->head = first;
    log->head_blob = one;
    freeze(g, log, two);
    return HEAD_NEW;
}

void head_free(struct gossip *g)
{
    blob_release(g->head.old);
    g->head.old = NULL;
}

static void accept(struct gossip *g, struct log *log, const struct head *head, struct blob *blob,
                   struct member *from)
{
    hold(g, log, head, blob);
    if (head->version > log->applied && from != NULL)
        pull_gap(g, log, from, head->version);
    head_check(g, log);
}

enum head_verdict head_on_statement(struct gossip *g, struct span statement, struct member *from)
{
    struct head head;
    if (!statement_read_head(statement, &head))
        return HEAD_BAD;
    struct log *log = log_of(g, &head, from);
    if (log == NULL)
        return HEAD_STALE;
    if (is_held(log, statement))
        return HEAD_KNOWN;
    bool has_one = log->head_blob != NULL;
    bool is_second = has_one && head.version == log->head.version;
    if (log->state == LOG_EQUIVOCATING)
        return HEAD_STALE;
    if (has_one && head.version < log->head.version)
        return on_old_head(g, log, &head, statement);
    bool is_own = log == g->registry.own;
    /* The same content under another clock says nothing new; of what we hold ourselves we know. */
    if ((is_second && hash_equal(&head.root, &log->head.root)) ||
        (is_own && !is_second && head.version <= log->applied))
        return HEAD_STALE;
    struct blob *blob = admit(g, log, statement);
    if (blob == NULL)
        return HEAD_BAD;
    if (is_own && !is_second) {
        blob_release(blob);
        leave_epoch(g);
        return HEAD_STALE;
    }
    if (is_second)
        freeze(g, log, blob);
    else
        accept(g, log, &head, blob, from);
    return HEAD_NEW;
}

/* --- Proving --------------------------------------------------------------------------------- */

static void report(struct gossip *g, struct log *log)
{
    log->reported_state = log->state;
    log->reported_version = log->applied;
    log->reported_head = log->head.version;
    event_push(g, (struct gossip_event){.kind = GOSSIP_EVENT_LOG,
                                        .log = {.tag = log->home,
                                                .epoch = log->epoch,
                                                .applied = log->applied,
                                                .head_version = log->head.version,
                                                .live_count = log->live_count,
                                                .state = log->state}});
}

static bool is_unreported(const struct log *log)
{
    return log->applied != log->reported_version || log->head.version != log->reported_head ||
           log->state != log->reported_state;
}

void head_report_all(struct gossip *g)
{
    if (g->now.mono_ms < g->head.report_at_ms)
        return;
    g->head.report_at_ms = g->now.mono_ms + REPORT_INTERVAL_MS;
    struct log *log = g->head.unreported;
    g->head.unreported = NULL;
    while (log != NULL) {
        struct log *next = log->next_unreported;
        log->next_unreported = NULL;
        log->is_unreported = false;
        if (is_unreported(log))
            report(g, log);
        log = next;
    }
}

void head_log_gone(struct gossip *g, struct log *log)
{
    struct log **at = &g->head.unreported;
    while (*at != NULL && *at != log)
        at = &(*at)->next_unreported;
    if (*at == log)
        *at = log->next_unreported;
    log->next_unreported = NULL;
    log->is_unreported = false;
}

/* A state is news at once; a version can wait for the next second's report. */
static void note(struct gossip *g, struct log *log)
{
    if (log->state != log->reported_state) {
        bool is_grave = log->state > LOG_PROVED || log->reported_state > LOG_PROVED;
        report(g, log);
        if (is_grave)
            event_status_soon(g);
    } else if (is_unreported(log) && !log->is_unreported) {
        log->is_unreported = true;
        log->next_unreported = g->head.unreported;
        g->head.unreported = log;
    }
}

/* Whoever keeps orphans drops those whose time is over: only a home that is there can say what its
 * log should hold. */
static bool is_of_the_gone(const struct log *log)
{
    return log->member->state == MEMBER_DEAD || log->member->state == MEMBER_LEFT ||
           log->epoch < log->member->life->epoch;
}

static enum log_state compare_roots(struct log *log)
{
    assert(log->head_blob != NULL && log->applied == log->head.version);
    if (log->state == LOG_PROVED && log->proved_version == log->applied)
        return LOG_PROVED;
    struct hash root;
    root_compute(log, &root);
    if (!hash_equal(&root, &log->head.root))
        return LOG_DIVERGED;
    log->proved_version = log->applied;
    log->repairs = 0;
    log->repair_at_ms = 0;
    return LOG_PROVED;
}

static enum log_state state_of(const struct gossip *g, struct log *log)
{
    if (log->state == LOG_EQUIVOCATING || log->evidence != NULL)
        return LOG_EQUIVOCATING;
    if (log == g->registry.own)
        return LOG_PROVED;
    /* Above the HEAD, or something is missing: there is nothing to compare with now. */
    enum log_state unequal = is_of_the_gone(log) ? LOG_BEHIND : LOG_DIVERGED;
    enum log_state before = log->state == LOG_DIVERGED ? unequal : log->state;
    if (log->applied < pull_target(log))
        return before == LOG_DIVERGED ? LOG_DIVERGED : LOG_BEHIND;
    if (log->head_blob == NULL)
        return log->applied == 0 ? LOG_PROVED : LOG_BEHIND;
    if (log->applied != log->head.version || log->is_shed)
        return before;
    enum log_state state = compare_roots(log);
    return state == LOG_DIVERGED ? unequal : state;
}

void head_check(struct gossip *g, struct log *log)
{
    bool is_behind = log->applied < pull_target(log) && log->evidence == NULL;
    if (!is_behind)
        log->behind_since_ms = 0;
    else if (log->behind_since_ms == 0)
        log->behind_since_ms = g->now.mono_ms > 0 ? g->now.mono_ms : 1;
    log->state = state_of(g, log);
    assert(log->state != LOG_PROVED || !is_behind || log == g->registry.own);
    if (log->first_target != 0 && (!is_behind || log->applied >= log->first_target))
        sync_log_settled(g, log);
    sync_log_changed(g, log);
    note(g, log);
    if (log->state == LOG_DIVERGED && !is_behind && log->applied == log->head.version)
        repair_begin(g, log, NULL);
}
