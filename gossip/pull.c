// SPDX-License-Identifier: Apache-2.0
/* pull.c - pulling a log: when, from whom, how much at a time, and when to give up.
 *
 *     puller                                          server
 *       | PULL after=applied, window ------------------> |
 *       | <------------------------- RANGE (after, v1]   |  as many packets as the window holds
 *       | <------------------------- RANGE (v1, v2] ...  |
 *       | PULL after=v2, window -----------------------> |  until the server has no more
 *
 * The first question goes to whoever showed that it has something; after one that was lost, to the
 * same again; then to the last who showed something, to the home, and to random members. */
#include "gossip/pull.h"

#include <assert.h>

#include "gossip/core.h"
#include "gossip/entries.h"
#include "gossip/mem.h"

#define TIMEOUT_MIN_MS 10
/* A window of bulk is paced behind everything else at its server: what counts is the silence since
 * its last packet. */
#define TIMEOUT_BULK_MIN_MS   300
#define TIMEOUT_WITHIN_MS     60 /* between two packets of one window */
#define TIMEOUT_MAX_MS        5000
#define BACKOFF_MAX_DOUBLINGS 8
#define ELSEWHERE_MS          5
#define JITTER_PERCENT        20
#define ATTEMPTS_MAX          10
#define HELD_MS               100
#define CROWDED_MS            5
/* What a version is guessed to weigh: only to tell a gap from bulk, and a small gap's window. */
#define VERSION_BYTES 300
/* Looked at when a slot is free: the largest backlog among the first so many that wait. */
#define WANTED_SCAN_MAX 64

void pull_init(struct gossip *g)
{
    g->puller.next_request = prng_next(&g->prng) >> 16;
}

static void forget(struct gossip *g, struct pull *pull)
{
    struct puller *puller = &g->puller;
    size_t i = 0;
    while (i < puller->pull_count && puller->pulls[i] != pull)
        i++;
    assert(i < puller->pull_count && pull->log->pull == pull);
    puller->pulls[i] = puller->pulls[--puller->pull_count];
    puller->bulk_count -= pull->is_bulk;
    pull->log->pull = NULL;
    timer_cancel(&g->timers, &pull->timer);
    mem_free(pull);
}

void pull_free(struct gossip *g)
{
    while (g->puller.pull_count > 0)
        forget(g, g->puller.pulls[0]);
    for (size_t i = 0; i < g->registry.log_count; i++)
        pull_missing_drop(g, g->registry.logs[i]);
    mem_free(g->puller.serving);
    g->puller.serving = NULL;
}

struct pull *pull_find(const struct gossip *g, uint64_t request)
{
    for (size_t i = 0; i < g->puller.pull_count; i++)
        if (g->puller.pulls[i]->request == request)
            return g->puller.pulls[i];
    return NULL;
}

bool pull_is_held(const struct gossip *g)
{
    return g->puller.is_held || g->events.count > EVENTS_MAX / 2;
}

uint64_t pull_target(const struct log *log)
{
    uint64_t target = log->seen > log->wanted_version ? log->seen : log->wanted_version;
    return target > log->head.version ? target : log->head.version;
}

static uint64_t backlog_bytes(const struct log *log)
{
    uint64_t target = pull_target(log);
    uint64_t versions = target > log->applied ? target - log->applied : 0;
    /* No honest backlog is larger, and the product must not wrap. */
    return (versions > RECORDS_MAX ? RECORDS_MAX : versions) * VERSION_BYTES;
}

/* --- The queue ------------------------------------------------------------------------------- */

static void wanted_add(struct puller *puller, struct log *log)
{
    if (log->is_wanted)
        return;
    log->is_wanted = true;
    log->next_wanted = NULL;
    if (puller->wanted_last != NULL)
        puller->wanted_last->next_wanted = log;
    else
        puller->wanted = log;
    puller->wanted_last = log;
}

static void wanted_remove(struct puller *puller, struct log *log)
{
    struct log *before = NULL;
    if (!log->is_wanted)
        return;
    for (struct log *at = puller->wanted; at != log; at = at->next_wanted)
        before = at;
    if (before == NULL)
        puller->wanted = log->next_wanted;
    else
        before->next_wanted = log->next_wanted;
    if (puller->wanted_last == log)
        puller->wanted_last = before;
    log->is_wanted = false;
    log->next_wanted = NULL;
}

static bool may_start(const struct gossip *g, const struct log *log)
{
    const struct puller *puller = &g->puller;
    bool is_bulk = backlog_bytes(log) > BULK_WINDOW_BYTES;
    return puller->pull_count < PULLS_MAX &&
           (!is_bulk || (puller->bulk_count < PULLS_IN_MAX && !pull_is_held(g)));
}

struct pull *pull_new(struct gossip *g, struct log *log, struct member *from)
{
    struct puller *puller = &g->puller;
    assert(log->pull == NULL && puller->pull_count < PULLS_MAX);
    struct pull *pull = mem_alloc(sizeof *pull);
    const struct link *link = from != NULL ? from->link : NULL;
    pull->log = log;
    pull->from = from != NULL ? from->life->tag : 0;
    pull->request = ++puller->next_request;
    pull->rtt_us = link != NULL ? link->rtt_us : 0;
    pull->is_bulk = backlog_bytes(log) > BULK_WINDOW_BYTES;
    puller->bulk_count += pull->is_bulk;
    uint64_t bytes = backlog_bytes(log);
    pull->window_bytes = bytes < PACKET_MAX_BYTES ? PACKET_MAX_BYTES
                         : pull->is_bulk          ? BULK_WINDOW_BYTES
                                                  : bytes;
    puller->pulls[puller->pull_count++] = pull;
    log->pull = pull;
    return pull;
}

void pull_pause(struct gossip *g, struct pull *pull)
{
    pull->phase = PULL_WAITING;
    uint32_t doublings = pull->attempts < BACKOFF_MAX_DOUBLINGS ? pull->attempts : 0;
    timer_set(&g->timers, &pull->timer, TIMER_PULL,
              g->now.mono_ms + ((uint64_t)GAP_DELAY_MS << doublings));
}

/* What waits for a gap to close has perhaps only overtaken it. */
static void start(struct gossip *g, struct log *log)
{
    struct pull *pull = pull_new(g, log, members_find(g, log->wanted_from));
    if (log->early_count > 0 && !pull->is_bulk)
        pull_pause(g, pull);
    else
        pull_ask(g, pull);
}

void pull_next(struct gossip *g)
{
    struct puller *puller = &g->puller;
    while (puller->wanted != NULL && puller->pull_count < PULLS_MAX) {
        struct log *best = NULL;
        struct log *log = puller->wanted;
        for (int i = 0; i < WANTED_SCAN_MAX && log != NULL; i++) {
            struct log *next = log->next_wanted;
            if (log->pull != NULL || log->applied >= pull_target(log))
                wanted_remove(puller, log);
            else if (may_start(g, log) &&
                     (best == NULL || backlog_bytes(log) > backlog_bytes(best)))
                best = log;
            log = next;
        }
        if (best == NULL)
            return;
        wanted_remove(puller, best);
        start(g, best);
    }
}

void pull_want(struct gossip *g, struct log *log, struct member *from, uint64_t version)
{
    if (log == g->registry.own || log->state == LOG_EQUIVOCATING || version <= log->applied)
        return;
    if (version >= log->wanted_version) {
        log->wanted_version = version;
        log->wanted_from = from->life->tag;
    }
    if (log->pull == NULL)
        wanted_add(&g->puller, log);
    head_check(g, log);
}

void pull_gap(struct gossip *g, struct log *log, struct member *from, uint64_t version)
{
    if (from == NULL || version <= log->applied)
        return;
    pull_want(g, log, from, version);
    struct pull *pull = log->pull;
    if (pull != NULL && pull->phase >= PULL_REPAIR_ROOTS) {
        /* What is missing comes first: a repair needs both sides at one version. */
        forget(g, pull);
        wanted_add(&g->puller, log);
    } else if (pull != NULL && pull->phase == PULL_WAITING && pull->attempts > 0 &&
               !pull->is_bulk) {
        pull->from = from->life->tag;
        pull_ask(g, pull);
    }
    if (log->is_wanted && may_start(g, log)) {
        wanted_remove(&g->puller, log);
        start(g, log);
    }
}

/* --- One pull -------------------------------------------------------------------------------- */

uint32_t pull_timeout_ms(struct gossip *g, const struct pull *pull)
{
    const struct member *from = members_find(g, pull->from);
    uint64_t ms = TIMEOUT_MIN_MS;
    if (from != NULL)
        ms = spread_timeout_ms(g, from, TIMEOUT_MIN_MS);
    if (pull->is_bulk) {
        uint64_t least_ms = pull->window_got > 0 ? TIMEOUT_WITHIN_MS : TIMEOUT_BULK_MIN_MS;
        ms = ms * 4 < least_ms ? least_ms : ms * 4;
    }
    ms <<= pull->attempts < BACKOFF_MAX_DOUBLINGS ? pull->attempts : BACKOFF_MAX_DOUBLINGS;
    return (uint32_t)prng_jitter(&g->prng, ms < TIMEOUT_MAX_MS ? ms : TIMEOUT_MAX_MS,
                                 JITTER_PERCENT);
}

void pull_rearm(struct gossip *g, struct pull *pull)
{
    if (pull->phase == PULL_ASKED)
        timer_set(&g->timers, &pull->timer, TIMER_PULL, g->now.mono_ms + pull_timeout_ms(g, pull));
}

void pull_ask(struct gossip *g, struct pull *pull)
{
    struct member *from = members_find(g, pull->from);
    struct log *log = pull->log;
    bool is_held = pull_is_held(g);
    if (pull->is_bulk && (is_held || check_is_crowded(g))) {
        pull->phase = PULL_WAITING;
        timer_set(&g->timers, &pull->timer, TIMER_PULL,
                  g->now.mono_ms + (is_held ? HELD_MS : CROWDED_MS));
        return;
    }
    uint64_t after = pull->is_reset ? pull->reset_after : log->applied;
    struct wire_message message = {
        .type = WIRE_PULL,
        .pull = {.request = pull->request,
                 .home = log->home,
                 .epoch = log->epoch,
                 .after = pull->reach > after ? pull->reach : after,
                 .window_bytes = pull->window_bytes,
                 .is_reset = pull->is_reset},
    };
    g->stats.pulls += !pull->has_asked;
    pull->has_asked = true;
    pull->phase = PULL_ASKED;
    pull->window_got = 0;
    pull->is_hole_asked = false;
    pull->is_end_checking = false;
    if (from != NULL && from != g->members.self)
        outbox_send(g, from, PRIORITY_SET, &message);
    pull_rearm(g, pull);
}

void pull_end(struct gossip *g, struct pull *pull)
{
    struct log *log = pull->log;
    forget(g, pull);
    head_check(g, log);
    sync_check_first(g);
    pull_next(g);
}

/* A reset showed what lies above `applied`, and never came to its end: that is no log. */
static void drop_unproved(struct gossip *g, struct log *log)
{
    for (size_t i = entries_after(log, log->applied); i < log->slot_count; i++)
        if (slot_entry(log->slots[i]) != NULL)
            registry_entry_drop(g, slot_entry(log->slots[i]), PEER_DOWN_SWEPT);
}

/* Nobody had it. What was said to be there was perhaps a lie, and a lie must not keep us "behind"
 * for ever; if it was true, it will be said again. What a signature showed (log->seen) stays. */
void pull_give_up(struct gossip *g, struct pull *pull)
{
    pull->log->wanted_version = 0;
    if (pull->is_reset)
        drop_unproved(g, pull->log);
    pull_end(g, pull);
}

static struct member *live_or_null(struct gossip *g, uint64_t tag)
{
    struct member *member = members_find(g, tag);
    return member != NULL && member_is_live(g, member) ? member : NULL;
}

/* The first retry asks the same: a packet was lost, it is the one who has it. Returns whether that
 * changed. */
static struct member *source_next(struct gossip *g, const struct pull *pull, bool is_lost)
{
    struct member *same = live_or_null(g, pull->from);
    struct member *shown = live_or_null(g, pull->log->wanted_from);
    struct member *home = live_or_null(g, pull->log->home);
    struct member *random = NULL;
    members_pick(g, &random, 1, pull->from);
    if (pull->attempts <= 1 && is_lost && same != NULL)
        return same;
    if (pull->attempts <= 2 && shown != NULL && shown != same)
        return shown;
    if (pull->attempts <= 4 && home != NULL && home != same)
        return home;
    return random != NULL ? random : same;
}

static void switch_to(struct pull *pull, const struct member *next)
{
    if (next == NULL || next->life->tag == pull->from)
        return;
    /* Two servers' pages of a reset do not add up to one view of the log: again from the start. */
    pull->from = next->life->tag;
    pull->reset_after = 0;
    if (pull->is_reset)
        pull->reach = 0;
}

void pull_try_another(struct gossip *g, struct pull *pull)
{
    if (++pull->attempts > ATTEMPTS_MAX) {
        pull_give_up(g, pull);
        return;
    }
    uint32_t doublings =
        pull->attempts < BACKOFF_MAX_DOUBLINGS ? pull->attempts - 1 : BACKOFF_MAX_DOUBLINGS;
    switch_to(pull, source_next(g, pull, false));
    pull->phase = PULL_WAITING;
    timer_set(&g->timers, &pull->timer, TIMER_PULL,
              g->now.mono_ms + prng_jitter(&g->prng, (uint64_t)ELSEWHERE_MS << doublings, 50));
}

static void on_lost(struct gossip *g, struct pull *pull)
{
    if (++pull->attempts > ATTEMPTS_MAX) {
        pull_give_up(g, pull);
        return;
    }
    pull->is_lossy = true;
    if (pull->is_bulk && pull->window_bytes > BULK_WINDOW_MIN_BYTES)
        pull->window_bytes /= 2;
    switch_to(pull, source_next(g, pull, true));
    pull_ask(g, pull);
}

void pull_on_timer(struct gossip *g, struct pull *pull)
{
    if (pull->phase >= PULL_REPAIR_ROOTS)
        repair_on_timer(g, pull);
    else if (!pull->is_reset && pull->log->applied >= pull_target(pull->log))
        pull_end(g, pull);
    else if (pull->phase == PULL_WAITING)
        pull_ask(g, pull);
    else if (pull->is_end_checking && pull->checking > 0)
        pull_rearm(g, pull); /* nothing is lost: it is being verified */
    else
        on_lost(g, pull);
}

void pull_reset_from(struct gossip *g, struct pull *pull, uint64_t from)
{
    pull->from = from;
    pull->is_reset = true;
    pull->is_known = pull->log->held_count > 0;
    pull->reset_after = 0;
    pull->reach = 0;
    if (!pull->is_bulk) {
        pull->is_bulk = true;
        g->puller.bulk_count++;
    }
}

void pull_log_gone(struct gossip *g, struct log *log)
{
    if (log->pull != NULL)
        forget(g, log->pull);
    wanted_remove(&g->puller, log);
    pull_missing_drop(g, log);
    head_log_gone(g, log);
    sync_log_settled(g, log);
}
