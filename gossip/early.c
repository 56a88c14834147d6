// SPDX-License-Identifier: Apache-2.0
/* early.c - batches that arrived before the ones they follow: verified, bounded, kept in order.
 *
 * They are verified when they come, not when their turn comes: what waits is then known to be the
 * home's, it says truly how far the log reaches, and nobody fills the buffer with noise. */
#include "gossip/early.h"

#include <assert.h>
#include <string.h>

#include "gossip/core.h"
#include "gossip/mem.h"

/* Where a batch from v0 belongs; *covered: one that is kept holds all of it. */
static struct early **place_of(struct log *log, const struct wire_batch *batch, bool *covered)
{
    struct early **at = &log->early;
    *covered = false;
    while (*at != NULL && (*at)->v0 <= batch->v0) {
        *covered |= (*at)->v1 >= batch->v1;
        at = &(*at)->next;
    }
    return at;
}

static struct early *early_new(const struct wire_batch *batch, const struct admitted *statements,
                               uint32_t count)
{
    struct early *early = mem_alloc(sizeof *early + count * sizeof *statements);
    early->v0 = batch->v0;
    early->v1 = batch->v1;
    early->count = count;
    memcpy(early->statements, statements, count * sizeof *statements);
    return early;
}

/* When it is full the newcomer goes, not what waits: the gap is being pulled, and the pull brings
 * it again. */
static bool is_full(const struct gossip *g, const struct log *log)
{
    return log->early_count >= EARLY_BATCHES_MAX ||
           g->registry.early_count >= EARLY_BATCHES_TOTAL_MAX;
}

enum batch_verdict early_keep(struct gossip *g, struct log *log, const struct wire_batch *batch,
                              struct gossip_check *check)
{
    struct admitted statements[WIRE_LIST_MAX];
    uint32_t count = 0;
    bool is_covered;
    struct early **at = place_of(log, batch, &is_covered);
    assert(batch->v0 > log->applied);
    if (is_covered)
        return BATCH_KNOWN;
    if (batch->statements.count == 0)
        return BATCH_EARLY;
    if (is_full(g, log))
        return BATCH_FULL;
    if (!batch_admit(g, log, batch, check, statements, &count)) {
        while (count > 0)
            entry_free(statements[--count].entry);
        return BATCH_BAD;
    }
    assert(count > 0);
    uint64_t highest = statements[count - 1].entry->version;
    if (highest > log->seen)
        log->seen = highest;
    struct early *early = early_new(batch, statements, count);
    early->next = *at;
    *at = early;
    log->early_count++;
    g->registry.early_count++;
    return BATCH_EARLY;
}

static struct early *unlink_first(struct gossip *g, struct log *log)
{
    struct early *early = log->early;
    assert(log->early_count > 0 && g->registry.early_count > 0);
    log->early = early->next;
    log->early_count--;
    g->registry.early_count--;
    return early;
}

struct early *early_take(struct gossip *g, struct log *log)
{
    if (log->early == NULL || log->early->v0 > log->applied)
        return NULL;
    return unlink_first(g, log);
}

void early_release(struct early *early)
{
    mem_free(early);
}

void early_free(struct gossip *g, struct log *log)
{
    while (log->early != NULL) {
        struct early *early = unlink_first(g, log);
        for (uint32_t i = 0; i < early->count; i++)
            entry_free(early->statements[i].entry);
        early_release(early);
    }
    assert(log->early_count == 0);
}
