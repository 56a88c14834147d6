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
static void ask_for_hole(struct gossip *g, struct pull *pull, struct member *from, uint64_t after)
{
    struct log *log = pull->log;
    if (pull->is_hole_asked && pull->hole_after == after)
        return;
    pull->is_hole_asked = true;
    pull->hole_after = after;
    pull->is_lossy = true;
    struct wire_message message = {
        .type = WIRE_PULL,
        .pull = {.request = pull->request,
                 .home = log->home,
                 .epoch = log->epoch,
                 .after = after,
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
    } else if (has_advanced && pull->checking > 0) {
        pull_rearm(g, pull);
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

static void window_end(struct gossip *g, struct pull *pull)
{
    if (pull->window_got >= pull->window_bytes && pull->phase == PULL_ASKED)
        next_window(g, pull);
    else
        pull_rearm(g, pull);
}

static void on_plain(struct gossip *g, struct pull *pull, struct member *from,
                     const struct wire_message *message, struct gossip_check *check)
{
    const struct wire_batch *batch = &message->range.batch;
    struct log *log = pull->log;
    uint64_t before = log->applied;
    enum batch_verdict verdict = BATCH_KNOWN;
    if (batch->v1 > batch->v0) {
        g->stats.spread_payloads_in++;
        verdict = log_on_checked_batch(g, log, batch, check);
        g->stats.spread_payloads_duplicate += verdict == BATCH_KNOWN;
    }
    if (log->pull != pull)
        return; /* proved, frozen or dropped by what it brought */
    if (batch->v1 > pull->window_v1)
        pull->window_v1 = batch->v1;
    bool has_advanced = log->applied > before;
    if (has_advanced) {
        pull->attempts = 0;
        pull->is_hole_asked &= log->applied <= pull->hole_after;
        if (!pull->is_bulk)
            announce_later(g, log->home, log->epoch, log->applied);
    }
    bool is_early = verdict == BATCH_EARLY || verdict == BATCH_FULL;
    if (!is_early && log->applied < batch->v1)
        pull->reach = 0; /* it was not what it seemed to be */
    bool has_hole = is_early || (log->early_count > 0 && log->applied < pull->window_v1);
    if (verdict == BATCH_BAD) {
        pull_try_another(g, pull);
    } else if (has_hole) {
        ask_for_hole(g, pull, from, log->applied);
        pull_rearm(g, pull);
    } else if (log->applied >= batch->applied || log->applied >= pull_target(log)) {
        at_end(g, pull, has_advanced);
    } else if (message->range.is_last && batch->v1 > log->applied) {
        ask_for_head(g, from, log);
        pull_try_another(g, pull);
    } else {
        window_end(g, pull);
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

/* A page was lost: the pages of a reset must follow one another, so again from there. */
static void ask_for_page(struct gossip *g, struct pull *pull, uint64_t after)
{
    if (pull->is_hole_asked && pull->hole_after == after)
        return;
    pull_ask(g, pull);
    pull->is_hole_asked = true;
    pull->hole_after = after;
}

static void on_reset(struct gossip *g, struct pull *pull, struct member *from,
                     const struct wire_message *message, struct gossip_check *check)
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
        if (batch->v0 > pull->reset_after && check == NULL)
            ask_for_page(g, pull, pull->reset_after);
        return;
    }
    if (is_last && !is_end_signed(log, batch) && pull->attempts < HEAD_ATTEMPTS_MAX) {
        wait_for_head(g, pull, from);
        return;
    }
    g->stats.spread_payloads_in++;
    if (log_on_checked_reset(g, log, batch, check, batch->v0 == 0, is_last) == BATCH_BAD) {
        pull_try_another(g, pull);
        return;
    }
    if (log->pull != pull)
        return;
    pull->reset_after = batch->v1;
    pull->attempts = 0;
    pull->is_hole_asked &= pull->reset_after <= pull->hole_after;
    if (is_last)
        reset_ended(g, pull, batch->v1);
    else
        window_end(g, pull);
}

/* --- Verified elsewhere ---------------------------------------------------------------------- */

/* What is small is verified at once: somebody waits for it. So is what is mostly here already. */
static bool is_to_be_checked(const struct pull *pull, const struct wire_batch *batch)
{
    return pull->is_bulk && batch->statements.count > 0 && batch->v1 > batch->v0 &&
           batch->v1 > pull->log->applied && !(pull->is_reset && pull->is_known);
}

/* Counts as here, so that the next window is under way while this one is verified. */
static void check_later(struct gossip *g, struct pull *pull, struct member *from,
                        const struct wire_message *message)
{
    const struct wire_batch *batch = &message->range.batch;
    uint64_t here = pull->is_reset ? pull->reset_after : pull->log->applied;
    here = pull->reach > here ? pull->reach : here;
    if (pull->is_reset && batch->v0 > here) {
        ask_for_page(g, pull, here);
        return;
    }
    if (batch->v1 <= here || (pull->is_reset && batch->v0 < here))
        return; /* a second time */
    if (!check_add(g, pull->log, from, message)) {
        drop_count(g, DROP_LIMIT);
        return;
    }
    pull->checking++;
    if (batch->v0 > here) {
        ask_for_hole(g, pull, from, here);
        pull_rearm(g, pull);
        return;
    }
    pull->reach = batch->v1;
    pull->is_end_checking |= message->range.is_last;
    if (message->range.is_last || pull->is_hole_asked)
        pull_rearm(g, pull);
    else
        window_end(g, pull);
}

/* Is it still of this pull? Plain ranges are not, once it is a reset; nor are another server's
 * pages.
 */
static bool is_wanted_still(const struct pull *pull, const struct wire_message *message,
                            uint64_t from)
{
    const struct wire_batch *batch = &message->range.batch;
    if (pull->phase >= PULL_REPAIR_ROOTS || message->range.is_reset != pull->is_reset)
        return false;
    return !pull->is_reset || (from == pull->from && batch->v0 == pull->reset_after);
}

void pull_on_checked(struct gossip *g, struct gossip_check *check)
{
    const struct wire_message *message = check_message(check);
    struct pull *pull = pull_find(g, message->range.request);
    struct member *from = members_find(g, check_from(check));
    if (pull == NULL)
        return;
    struct log *log = pull->log;
    assert(pull->checking > 0 && message->range.batch.home == log->home);
    pull->checking--;
    if (from == NULL || !is_wanted_still(pull, message, check_from(check)))
        return;
    if (!pull->is_reset) {
        on_plain(g, pull, from, message, check);
        return;
    }
    on_reset(g, pull, from, message, check);
    if (log->pull == pull && pull->reset_after < message->range.batch.v1)
        pull->reach = 0; /* it was refused */
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
        if (!pull->is_reset && is_to_be_checked(pull, batch))
            check_later(g, pull, from, message);
        else if (!pull->is_reset)
            on_plain(g, pull, from, message, NULL);
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
    if (is_to_be_checked(pull, batch) && batch->applied >= pull->log->applied)
        check_later(g, pull, from, message);
    else
        on_reset(g, pull, from, message, NULL);
}
