// SPDX-License-Identifier: Apache-2.0
/* range.c - ranges of a pulled log as they come in: applied, holes asked for, the next window. */
#include <assert.h>

#include "gossip/core.h"
#include "gossip/operation.h"

#define WINDOW_MAX_BYTES (256u << 10)
/* Where packets are lost: no more than what can wait in the log while a hole is filled. */
#define WINDOW_LOSSY_MAX_BYTES (64u << 10)
static_assert(WINDOW_LOSSY_MAX_BYTES <= EARLY_BATCHES_MAX * PACKET_MAX_BYTES,
              "a window behind a hole fits the buffer");
/* How often the end of a reset waits for its HEAD. */
#define HEAD_ATTEMPTS_MAX 8
/* Resets that reach the end of what their servers have, and still do not bring us up to date. */
#define RESETS_MAX 3
/* Besides its statements, each range counts so much: both sides add up the same, and an empty one
 * ends. */
#define RANGE_FIXED_BYTES 64

static void rearm(struct gossip *g, struct pull *pull)
{
    timer_set(&g->timers, &pull->timer, TIMER_PULL, g->now.mono_ms + pull_timeout_ms(g, pull));
}

/* Probes that take twice as long as when the pull began say that it fills somebody's queue. */
static void next_window(struct gossip *g, struct pull *pull)
{
    const struct member *from = members_find(g, pull->from);
    uint32_t rtt_us = from != NULL && from->link != NULL ? from->link->rtt_us : 0;
    uint32_t most_bytes = pull->is_lossy ? WINDOW_LOSSY_MAX_BYTES : WINDOW_MAX_BYTES;
    bool is_slow = pull->rtt_us != 0 && rtt_us > 2 * pull->rtt_us;
    if (is_slow && pull->window_bytes > BULK_WINDOW_MIN_BYTES)
        pull->window_bytes /= 2;
    else if (pull->window_bytes < most_bytes)
        pull->window_bytes *= 2;
    if (pull->rtt_us == 0)
        pull->rtt_us = rtt_us;
    pull_ask(g, pull);
}

/* A range of this window was lost: what follows it waits in the log, only the hole is asked for. */
static void ask_for_hole(struct gossip *g, struct pull *pull, struct member *from)
{
    struct log *log = pull->log;
    if (pull->is_hole_asked)
        return;
    pull->is_hole_asked = true;
    pull->is_lossy = true;
    struct wire_message message = {
        .type = WIRE_PULL,
        .pull = {.request = pull->request,
                 .home = log->home,
                 .epoch = log->epoch,
                 .after = log->applied,
                 .window_bytes = 1},
    };
    outbox_send(g, from, PRIORITY_SET, &message);
}

/* A range is believed only as far as something signed reaches. Where the last operations were
 * deletes that its server has forgotten, that is the HEAD. */
static void ask_for_head(struct gossip *g, struct member *from, const struct log *log)
{
    uint8_t bytes[24];
    struct wire_writer list = {bytes, 0, sizeof bytes, false};
    wire_put_array(&list, 2);
    wire_put_uint(&list, log->home);
    wire_put_uint(&list, log->epoch);
    struct wire_message message = {.type = WIRE_HEAD_PULL,
                                   .announce.entries = wire_list_of(&list, 1)};
    outbox_send(g, from, PRIORITY_SET, &message);
}

/* The server has shown all that it has. */
static void at_end(struct gossip *g, struct pull *pull, bool has_advanced)
{
    struct log *log = pull->log;
    if (log->applied >= pull_target(log)) {
        pull_end(g, pull);
    } else if (has_advanced) {
        /* More was shown since it answered: by its own answer, or by a batch that may be overtaking
         * another. */
        pull->from = log->wanted_from != 0 ? log->wanted_from : pull->from;
        if (pull->is_bulk)
            pull_ask(g, pull);
        else
            pull_pause(g, pull);
    } else {
        pull_try_another(g, pull);
    }
}

static void on_plain(struct gossip *g, struct pull *pull, struct member *from,
                     const struct wire_message *message)
{
    const struct wire_batch *batch = &message->range.batch;
    struct log *log = pull->log;
    uint64_t before = log->applied;
    enum batch_verdict verdict = BATCH_KNOWN;
    if (batch->v1 > batch->v0) {
        g->stats.spread_payloads_in++;
        verdict = log_on_batch(g, log, batch);
        g->stats.spread_payloads_duplicate += verdict == BATCH_KNOWN;
    }
    if (log->pull != pull)
        return; /* proved, frozen or dropped by what it brought */
    if (batch->v1 > pull->window_v1)
        pull->window_v1 = batch->v1;
    bool has_advanced = log->applied > before;
    if (has_advanced) {
        pull->attempts = 0;
        pull->is_hole_asked = false;
        if (!pull->is_bulk)
            announce_later(g, log->home, log->epoch, log->applied);
    }
    bool is_early = verdict == BATCH_EARLY || verdict == BATCH_FULL;
    bool has_hole = is_early || (log->early_count > 0 && log->applied < pull->window_v1);
    if (verdict == BATCH_BAD) {
        pull_try_another(g, pull);
    } else if (has_hole) {
        ask_for_hole(g, pull, from);
        rearm(g, pull);
    } else if (log->applied >= batch->applied || log->applied >= pull_target(log)) {
        at_end(g, pull, has_advanced);
    } else if (message->range.is_last && batch->v1 > log->applied) {
        ask_for_head(g, from, log);
        pull_try_another(g, pull);
    } else if (pull->window_got >= pull->window_bytes) {
        next_window(g, pull);
    } else {
        rearm(g, pull);
    }
}

/* Does something signed say that the log reaches the end of this range? */
static bool is_end_signed(const struct log *log, const struct wire_batch *batch)
{
    struct wire_list list = batch->statements;
    struct span statement;
    struct operation operation = {0};
    if (log->head_blob != NULL && log->head.version >= batch->v1)
        return true;
    while (wire_list_bin(&list, &statement))
        if (list.count == 0 && !operation_read(statement, &operation))
            return false;
    return operation.version == batch->v1;
}

/* The last page would sweep with an end that nothing vouches for: first the HEAD, then this page
 * again. */
static void wait_for_head(struct gossip *g, struct pull *pull, struct member *from)
{
    ask_for_head(g, from, pull->log);
    pull->attempts++;
    pull_pause(g, pull);
}

/* The home may have died before it signed what its log's last deletes left: then the reset ends at
 * what is signed, and the same would come of another one. */
static void reset_ended(struct gossip *g, struct pull *pull, uint64_t v1)
{
    struct log *log = pull->log;
    pull->is_reset = false;
    if (log->applied < v1) {
        pull_give_up(g, pull);
        return;
    }
    if (log->applied >= pull_target(log))
        pull_end(g, pull);
    else if (++pull->resets >= RESETS_MAX)
        pull_give_up(g, pull);
    else
        pull_try_another(g, pull);
}

static void on_reset(struct gossip *g, struct pull *pull, struct member *from,
                     const struct wire_message *message)
{
    const struct wire_batch *batch = &message->range.batch;
    struct log *log = pull->log;
    bool is_last = message->range.is_last;
    if (batch->applied < log->applied) {
        /* It knows less than we do: nothing may be dropped on its word. */
        pull_try_another(g, pull);
        return;
    }
    if (batch->v0 != pull->reset_after) {
        /* A page was lost: the pages of a reset must follow one another, so again from there. */
        if (batch->v0 > pull->reset_after && !pull->is_hole_asked) {
            pull_ask(g, pull);
            pull->is_hole_asked = true;
        }
        return;
    }
    if (is_last && !is_end_signed(log, batch) && pull->attempts < HEAD_ATTEMPTS_MAX) {
        wait_for_head(g, pull, from);
        return;
    }
    g->stats.spread_payloads_in++;
    if (log_on_reset_batch(g, log, batch, batch->v0 == 0, is_last) == BATCH_BAD) {
        pull_try_another(g, pull);
        return;
    }
    if (log->pull != pull)
        return;
    pull->reset_after = batch->v1;
    pull->attempts = 0;
    pull->is_hole_asked = false;
    if (is_last) {
        reset_ended(g, pull, batch->v1);
    } else if (pull->window_got >= pull->window_bytes) {
        next_window(g, pull);
    } else {
        rearm(g, pull);
    }
}

void pull_on_range(struct gossip *g, struct member *from, const struct wire_message *message)
{
    const struct wire_batch *batch = &message->range.batch;
    struct pull *pull = pull_find(g, message->range.request);
    if (pull == NULL || pull->phase >= PULL_REPAIR_ROOTS || batch->home != pull->log->home ||
        batch->epoch != pull->log->epoch) {
        drop_count(g, DROP_UNSOLICITED);
        return;
    }
    uint64_t bytes = batch->statements.rest.len;
    g->stats.pull_bytes_in += bytes;
    pull->window_got += bytes + RANGE_FIXED_BYTES;
    /* A late answer of the one before is as good: what it brings is signed. But resets do not mix.
     */
    if (!message->range.is_reset) {
        if (!pull->is_reset)
            on_plain(g, pull, from, message);
        else if (batch->v1 == batch->v0 && from->life->tag == pull->from)
            pull_try_another(g, pull);
        return;
    }
    if (from->life->tag != pull->from)
        return;
    if (!pull->is_reset) {
        pull_reset_from(g, pull, from->life->tag);
        if (pull->log->head.version < batch->applied)
            ask_for_head(g, from, pull->log);
    }
    on_reset(g, pull, from, message);
}
