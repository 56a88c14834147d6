// SPDX-License-Identifier: Apache-2.0
/* check.c - batches of bulk pulls whose signatures are verified outside the core.
 *
 * A signature costs as much as everything else that is done with a record. So a range of a bulk
 * pull waits here while a host with threads has it verified; it is treated as if it had arrived
 * when its verdict is back. Verdicts take effect in the order in which ranges came: a log's order
 * does not depend on which thread was faster. */
#include "gossip/check.h"

#include <assert.h>
#include <string.h>

#include "gossip/core.h"
#include "gossip/mem.h"

/* With so many waiting, no further window is asked for; those under way still find room. */
#define CROWDED (CHECKS_MAX / 4)
/* Applied before the host looks at its sockets again: some 2 ms. */
#define APPLY_STEP     64
#define APPLY_PAUSE_MS 1 /* 0 would be due in the same tick: no pause at all */
static_assert((CHECKS_MAX & (CHECKS_MAX - 1)) == 0, "the ring's index is masked");

/* What it takes to verify one batch, and what came of it. Whoever runs it reads and writes nothing
 * else, but for the store of hosts that have one. */
struct gossip_check {
    struct key_public home;
    struct sign_scope scope;
    struct blob_store *store;
    uint64_t known; /* statements up to this version are not worth a verification */
    uint64_t from;
    struct wire_message message; /* its list points to `bytes` */
    bool is_done;                /* the core's: its verdict is back */
    enum gossip_drop drop;       /* why the rest of the batch does not count */
    uint64_t signatures;
    struct checked *statements; /* in order; behind the bytes */
    uint32_t count, capacity;
    uint8_t bytes[];
};

static void one_free(struct gossip_check *check)
{
    for (uint32_t i = 0; i < check->count; i++)
        blob_release(check->statements[i].blob);
    mem_free(check->statements);
    mem_free(check);
}

/* --- Verifying: any thread
 * -------------------------------------------------------------------------------------------- */

static bool peer_holds(struct gossip_check *check, struct span statement)
{
    struct record record;
    check->signatures++;
    return statement_read_record(statement, &record) && statement_peer_verify(&record.peer);
}

static bool is_verified(struct gossip_check *check, struct span statement,
                        const struct operation *operation)
{
    check->signatures++;
    struct blob *blob =
        statement_admit(check->store, statement, operation->kind, &check->home, &check->scope);
    if (blob == NULL)
        return false;
    if (operation->is_signed && operation->kind == STATEMENT_RECORD &&
        !peer_holds(check, statement)) {
        blob_release(blob);
        return false;
    }
    struct checked *checked = &check->statements[check->count++];
    size_t offset = (size_t)(operation->peer_id.data - statement.data);
    *checked = (struct checked){blob, *operation};
    checked->operation.peer_id = span_of(blob->bytes + offset, operation->peer_id.len);
    return true;
}

void gossip_check_run(struct gossip_check *check)
{
    const struct wire_batch *batch = &check->message.range.batch;
    struct wire_list list = batch->statements;
    uint64_t after = batch->v0;
    assert(check->count == 0 && check->drop == DROP_NONE);
    while (list.count > 0) {
        struct span statement;
        struct operation operation;
        if (!batch_next(batch, &list, after, &statement, &operation) ||
            check->count == check->capacity) {
            check->drop = DROP_MALFORMED;
            return;
        }
        after = operation.version;
        if (after > check->known && !is_verified(check, statement, &operation)) {
            check->drop = DROP_BAD_SIGNATURE;
            return;
        }
    }
}

/* --- In the core ------------------------------------------------------------------------------ */

static struct gossip_check **ring_at(struct check_queue *checks, size_t index)
{
    return &checks->ring[(checks->first + index) & (CHECKS_MAX - 1)];
}

void check_free(struct gossip *g)
{
    struct check_queue *checks = &g->checks;
    for (size_t i = 0; i < checks->count; i++)
        one_free(*ring_at(checks, i));
    mem_free(checks->ring);
    timer_cancel(&g->timers, &checks->timer);
    *checks = (struct check_queue){0};
}

bool check_is_crowded(const struct gossip *g)
{
    return g->checks.count >= CROWDED;
}

/* No batch has more: a list says how many there are, its bytes how many there can be. */
static uint32_t statements_most(const struct wire_list *list)
{
    uint32_t most = (uint32_t)(list->rest.len / STATEMENT_SIGNATURE_BYTES) + 1;
    return list->count < most ? list->count : most;
}

bool check_add(struct gossip *g, const struct log *log, const struct member *from,
               const struct wire_message *range)
{
    struct check_queue *checks = &g->checks;
    const struct wire_list *list = &range->range.batch.statements;
    assert(range->type == WIRE_RANGE && list->rest.len <= MESSAGE_MAX_BYTES && list->count > 0);
    if (checks->count == CHECKS_MAX)
        return false;
    if (checks->ring == NULL)
        checks->ring = mem_alloc(CHECKS_MAX * sizeof(struct gossip_check *));
    struct gossip_check *check = mem_alloc(sizeof *check + list->rest.len);
    check->home = log->member->life->id;
    check->scope = g->scope;
    check->store = g->config.store;
    check->known = range->range.is_reset ? 0 : log->applied;
    check->from = from->life->tag;
    check->message = *range;
    check->message.range.batch.statements.rest = span_of(check->bytes, list->rest.len);
    memcpy(check->bytes, list->rest.data, list->rest.len);
    check->capacity = statements_most(list);
    check->statements = mem_alloc(check->capacity * sizeof *check->statements);
    *ring_at(checks, checks->count++) = check;
    return true;
}

/* The pull may be gone, or its log, or its home's whole life: then nobody wants it any more. */
static void apply_first(struct gossip *g)
{
    struct check_queue *checks = &g->checks;
    struct gossip_check *check = *ring_at(checks, 0);
    checks->first = (checks->first + 1) & (CHECKS_MAX - 1);
    checks->count--;
    checks->handed--;
    g->stats.signatures_verified += check->signatures;
    if (!g->is_stopped)
        pull_on_checked(g, check);
    one_free(check);
}

static void apply_some(struct gossip *g)
{
    struct check_queue *checks = &g->checks;
    for (int i = 0; i < APPLY_STEP && checks->handed > 0 && (*ring_at(checks, 0))->is_done; i++)
        apply_first(g);
    if (checks->handed > 0 && (*ring_at(checks, 0))->is_done && !timer_is_set(&checks->timer))
        timer_set(&g->timers, &checks->timer, TIMER_CHECKS, g->now.mono_ms + APPLY_PAUSE_MS);
}

void check_on_timer(struct gossip *g)
{
    apply_some(g);
}

void check_verdict(struct gossip *g, struct gossip_check *check)
{
    assert(!check->is_done);
    check->is_done = true;
    apply_some(g);
}

struct gossip_check *gossip_next_check(struct gossip *g)
{
    struct check_queue *checks = &g->checks;
    return checks->handed == checks->count ? NULL : *ring_at(checks, checks->handed++);
}

bool check_take(struct gossip *g, const struct log *log, struct gossip_check *check,
                struct admitted out[WIRE_LIST_MAX], uint32_t *count)
{
    *count = 0;
    for (uint32_t i = 0; i < check->count; i++) {
        struct checked *checked = &check->statements[i];
        if (checked->operation.version <= log->applied)
            continue;
        operation_take(g, checked->blob, &checked->operation, &out[*count]);
        checked->blob = NULL;
        ++*count;
    }
    if (check->drop != DROP_NONE)
        drop_count(g, check->drop);
    return check->drop == DROP_NONE;
}

struct checked *check_at(struct gossip_check *check, uint32_t index)
{
    return index < check->count ? &check->statements[index] : NULL;
}

enum gossip_drop check_drop(const struct gossip_check *check)
{
    return check->drop;
}

uint64_t check_from(const struct gossip_check *check)
{
    return check->from;
}

const struct wire_message *check_message(const struct gossip_check *check)
{
    return &check->message;
}
