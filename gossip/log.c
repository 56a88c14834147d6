// SPDX-License-Identifier: Apache-2.0
/* log.c - one home's operations applied in version order: batches, resets, repairs, our own
 * appends. */
#include "gossip/log.h"

#include <assert.h>

#include "gossip/core.h"
#include "gossip/early.h"
#include "gossip/entries.h"
#include "gossip/mem.h"
#include "gossip/root.h"

struct entry *log_entry_of(const struct log *log, const struct peer *peer)
{
    for (struct entry *entry = peer->entries; entry != NULL; entry = entry->next_of_peer)
        if (entry->log == log)
            return entry;
    return NULL;
}

struct statement_order entry_order(const struct entry *entry)
{
    return statement_order_of(blob_span(entry->blob));
}

struct span entry_peer_id(const struct entry *entry)
{
    return statement_peer_id_of(blob_span(entry->blob));
}

static struct entry *entry_known(const struct gossip *g, const struct log *log, struct span peer_id)
{
    const struct peer *peer = registry_peer(g, peer_id);
    return peer == NULL ? NULL : log_entry_of(log, peer);
}

static bool entry_is(const struct entry *entry, uint64_t version, struct span statement)
{
    return entry != NULL && entry->version == version &&
           span_equal(blob_span(entry->blob), statement);
}

bool log_holds(const struct log *log, uint64_t version, struct span statement)
{
    size_t at = entries_after(log, version - 1);
    if (at < log->slot_count && entry_is(slot_entry(log->slots[at]), version, statement))
        return true;
    for (const struct early *early = log->early; early != NULL; early = early->next)
        for (uint32_t i = 0; i < early->count; i++)
            if (entry_is(early->statements[i].entry, version, statement))
                return true;
    return false;
}

static void log_see(struct log *log, uint64_t version)
{
    if (version > log->seen)
        log->seen = version;
}

/* --- Reading batches -------------------------------------------------------------------------- */

bool batch_next(const struct wire_batch *batch, struct wire_list *left, uint64_t after,
                struct span *statement, struct operation *operation)
{
    return wire_list_bin(left, statement) && operation_read(*statement, operation) &&
           operation->home == batch->home && operation->epoch == batch->epoch &&
           operation->version > after && operation->version <= batch->v1;
}

bool batch_admit(struct gossip *g, const struct log *log, const struct wire_batch *batch,
                 struct gossip_check *check, struct admitted out[WIRE_LIST_MAX], uint32_t *count)
{
    if (check != NULL)
        return check_take(g, log, check, out, count);
    struct wire_list list = batch->statements;
    uint64_t after = batch->v0;
    *count = 0;
    while (list.count > 0) {
        struct span statement;
        struct operation operation;
        if (*count == WIRE_LIST_MAX || !batch_next(batch, &list, after, &statement, &operation)) {
            drop_count(g, DROP_MALFORMED);
            return false;
        }
        after = operation.version;
        if (operation.version <= log->applied)
            continue; /* known: not worth a verification */
        if (!operation_admit(g, log, statement, &operation, &out[*count])) {
            drop_count(g, DROP_BAD_SIGNATURE);
            return false;
        }
        ++*count;
    }
    return true;
}

/* --- Applying --------------------------------------------------------------------------------- */

/* The log's operation on that peer, unless it holds a later one: a reset pull may have shown that
 * already. */
static void take(struct gossip *g, struct log *log, struct admitted *admitted)
{
    const struct entry *known = entry_known(g, log, admitted->peer_id);
    if (known != NULL && known->version >= admitted->entry->version)
        entry_free(admitted->entry);
    else
        registry_entry_set(g, log, admitted->entry, admitted->peer_id);
}

static void apply(struct gossip *g, struct log *log, struct admitted *statements, uint32_t count)
{
    for (uint32_t i = 0; i < count; i++) {
        uint64_t version = statements[i].entry->version;
        if (version <= log->applied) {
            entry_free(statements[i].entry);
            continue;
        }
        take(g, log, &statements[i]);
        log->applied = version;
        log_see(log, version);
    }
}

/* The range (.., v1] is complete here now. Its end is nobody's signed word: without a HEAD that
 * reaches as far, a liar could move us past operations that are yet to come, and we would take them
 * for known. */
static void close_range(struct log *log, uint64_t v1)
{
    uint64_t reach = v1 < log->head.version ? v1 : log->head.version;
    if (reach > log->applied)
        log->applied = reach;
}

static void apply_early(struct gossip *g, struct log *log)
{
    struct early *early;
    while ((early = early_take(g, log)) != NULL) {
        apply(g, log, early->statements, early->count);
        close_range(log, early->v1);
        early_release(early);
    }
}

static void log_advanced(struct gossip *g, struct log *log)
{
    assert(log->floor <= log->applied);
    sync_log_changed(g, log);
    head_check(g, log);
    sync_operation_seen(g);
}

/* The sender has forgotten deletes that we have not seen: what we hold may be over, and a reset
 * pull must say. */
static bool is_deletes_missing(const struct log *log, const struct wire_batch *batch)
{
    return batch->floor > log->applied && log->held_count > 0;
}

static void floor_raise(struct log *log, uint64_t floor)
{
    if (floor > log->applied)
        floor = log->applied;
    if (floor > log->floor)
        log->floor = floor;
}

static enum batch_verdict apply_batch(struct gossip *g, struct log *log,
                                      const struct wire_batch *batch, struct gossip_check *check)
{
    struct admitted statements[WIRE_LIST_MAX];
    uint32_t count = 0;
    uint64_t before = log->applied;
    bool is_good = batch_admit(g, log, batch, check, statements, &count);
    apply(g, log, statements, count);
    if (is_good)
        close_range(log, batch->v1);
    if (batch->floor > before)
        floor_raise(log, batch->floor);
    apply_early(g, log);
    assert(log->applied >= before);
    g->stats.batches_new += log->applied > before;
    if (log->applied > before)
        log_advanced(g, log);
    if (!is_good)
        return BATCH_BAD;
    return log->applied > before ? BATCH_APPLIED : BATCH_KNOWN;
}

/* Is this log ours to write, or past believing? */
static bool is_closed(const struct gossip *g, const struct log *log)
{
    return log == g->registry.own || log->state == LOG_EQUIVOCATING;
}

enum batch_verdict log_on_checked_batch(struct gossip *g, struct log *log,
                                        const struct wire_batch *batch, struct gossip_check *check)
{
    assert(batch->home == log->home && batch->epoch == log->epoch);
    if (batch->v1 < batch->v0) {
        drop_count(g, DROP_MALFORMED);
        return BATCH_BAD;
    }
    if (is_closed(g, log) || batch->v1 <= log->applied)
        return BATCH_KNOWN;
    if (batch->v0 <= log->applied)
        return is_deletes_missing(log, batch) ? BATCH_EARLY : apply_batch(g, log, batch, check);
    if (batch->floor > batch->v0)
        return BATCH_EARLY; /* not worth keeping: it could not be applied when its turn came */
    return early_keep(g, log, batch, check);
}

enum batch_verdict log_on_batch(struct gossip *g, struct log *log, const struct wire_batch *batch)
{
    return log_on_checked_batch(g, log, batch, NULL);
}

void log_append(struct gossip *g, struct log *log, struct blob *statement)
{
    struct admitted admitted;
    operation_entry(g, statement, &admitted);
    uint64_t version = admitted.entry->version;
    assert(log == g->registry.own && version == log->applied + 1);
    registry_entry_set(g, log, admitted.entry, admitted.peer_id);
    log->applied = version;
    log_see(log, version);
    sync_log_changed(g, log);
    head_check(g, log);
}

/* --- Resets and repairs ----------------------------------------------------------------------- */

/* What somebody who knows at least as much of this log as we do holds of a peer. Bytes that we hold
 * already are compared, not verified; what was `verified` is taken (NULL: it was not). False: a bad
 * signature. */
static bool show(struct gossip *g, struct log *log, struct span statement,
                 const struct operation *operation, bool is_repair, struct blob **verified,
                 bool *is_new)
{
    struct entry *known = entry_known(g, log, operation->peer_id);
    struct admitted admitted;
    *is_new = false;
    if (known != NULL && known->version >= operation->version) {
        bool is_same = span_equal(blob_span(known->blob), statement);
        if (known->version == operation->version)
            known->sweep = log->sweep;
        /* Two operations of one version: only the HEAD's root can say which the home means, and a
         * repair tries the other one. */
        if (!is_repair || is_same || known->version > operation->version)
            return true;
    }
    if (verified != NULL) {
        operation_take(g, *verified, operation, &admitted);
        *verified = NULL;
    } else if (!operation_admit(g, log, statement, operation, &admitted)) {
        drop_count(g, DROP_BAD_SIGNATURE);
        return false;
    }
    log_see(log, operation->version);
    admitted.entry->sweep = log->sweep;
    registry_entry_set(g, log, admitted.entry, admitted.peer_id);
    *is_new = true;
    return true;
}

/* Deletes stay: that the sender has forgotten one does not make it untrue. */
static void sweep(struct gossip *g, struct log *log, uint64_t reached)
{
    for (size_t i = 0; i < log->slot_count && slot_version(log->slots[i]) <= reached; i++) {
        struct entry *entry = slot_entry(log->slots[i]);
        if (entry != NULL && !entry->is_delete && entry->sweep != log->sweep)
            registry_entry_drop(g, entry, PEER_DOWN_SWEPT);
    }
    g->stats.sweeps++;
}

static void reset_end(struct gossip *g, struct log *log, const struct wire_batch *batch)
{
    uint64_t highest = entries_highest(log);
    uint64_t signed_to = highest > log->head.version ? highest : log->head.version;
    uint64_t reached = batch->v1 < signed_to ? batch->v1 : signed_to;
    sweep(g, log, reached);
    if (reached > log->applied)
        log->applied = reached;
    floor_raise(log, batch->floor);
    apply_early(g, log);
    log_advanced(g, log);
}

/* False: malformed or wrongly signed from some point on. */
static bool show_unchecked(struct gossip *g, struct log *log, const struct wire_batch *batch,
                           bool *is_any_new)
{
    struct wire_list list = batch->statements;
    uint64_t after = batch->v0;
    while (list.count > 0) {
        struct span statement;
        struct operation operation;
        bool is_new;
        if (!batch_next(batch, &list, after, &statement, &operation)) {
            drop_count(g, DROP_MALFORMED);
            return false;
        }
        after = operation.version;
        if (!show(g, log, statement, &operation, false, NULL, &is_new))
            return false;
        *is_any_new |= is_new;
    }
    return true;
}

static bool show_checked(struct gossip *g, struct log *log, struct gossip_check *check,
                         bool *is_any_new)
{
    struct checked *checked;
    for (uint32_t i = 0; (checked = check_at(check, i)) != NULL; i++) {
        bool is_new;
        show(g, log, blob_span(checked->blob), &checked->operation, false, &checked->blob, &is_new);
        *is_any_new |= is_new;
    }
    if (check_drop(check) != DROP_NONE)
        drop_count(g, check_drop(check));
    return check_drop(check) == DROP_NONE;
}

enum batch_verdict log_on_checked_reset(struct gossip *g, struct log *log,
                                        const struct wire_batch *batch, struct gossip_check *check,
                                        bool is_first, bool is_last)
{
    assert(batch->home == log->home && batch->epoch == log->epoch);
    if (is_first)
        log->sweep++;
    /* A sender that has applied less may show what we know to be over, and have forgotten why. */
    if (is_closed(g, log) || batch->applied < log->applied)
        return BATCH_KNOWN;
    uint64_t before = log->applied;
    bool is_any_new = false;
    if (check != NULL ? !show_checked(g, log, check, &is_any_new)
                      : !show_unchecked(g, log, batch, &is_any_new))
        return BATCH_BAD;
    if (is_last)
        reset_end(g, log, batch);
    return is_any_new || log->applied > before ? BATCH_APPLIED : BATCH_KNOWN;
}

enum batch_verdict log_on_reset_batch(struct gossip *g, struct log *log,
                                      const struct wire_batch *batch, bool is_first, bool is_last)
{
    return log_on_checked_reset(g, log, batch, NULL, is_first, is_last);
}

enum batch_verdict log_on_repair(struct gossip *g, struct log *log, struct span statement,
                                 uint64_t version)
{
    struct operation operation;
    bool is_new;
    if (!operation_read(statement, &operation) || operation.home != log->home ||
        operation.epoch != log->epoch || operation.version > version) {
        drop_count(g, DROP_MALFORMED);
        return BATCH_BAD;
    }
    if (is_closed(g, log) || version < log->applied)
        return BATCH_KNOWN;
    if (!show(g, log, statement, &operation, true, NULL, &is_new))
        return BATCH_BAD;
    return is_new ? BATCH_APPLIED : BATCH_KNOWN;
}

void log_free(struct gossip *g, struct log *log)
{
    assert(log->held_count == 0);
    early_free(g, log);
    root_free(log);
    timer_cancel(&g->timers, &log->orphan_timer);
    blob_release(log->head_blob);
    blob_release(log->evidence);
    mem_free(log->slots);
    mem_free(log);
}
