// SPDX-License-Identifier: Apache-2.0
/* reissue.c - the leases of our last life, taken over into this one after the first sync. */
#include <assert.h>

#include "crypto/hash.h"
#include "gossip/core.h"
#include "gossip/lease.h"
#include "gossip/mem.h"

/* Signing one takes some 30 microseconds: a full home's 200,000 at once would stop us for seconds,
 * and we would be suspected. So many every BATCH_DELAY_MS keep a step under the cost of a busy
 * packet burst. */
#define REISSUE_STEP_COUNT 64
/* Clients of a home that was away may be late by the time they needed to find out. */
#define AMNESTY_DIVISOR 3

struct restored_lease {
    struct blob *record; /* owned */
    struct span peer_id; /* in it */
    uint64_t hash;
    uint64_t seq;
    uint64_t heartbeat_wall_ms;
    size_t index; /* in restored.all */
};

struct restored {
    struct table by_id;
    struct restored_lease **all; /* no order */
    size_t count, capacity;
    bool has_begun;
};

static struct restored_lease *restored_find(const struct gossip *g, struct span peer_id)
{
    const struct restored *restored = g->leases.restored;
    if (restored == NULL)
        return NULL;
    uint64_t hash = hash_short(peer_id.data, peer_id.len, g->registry.hash_key);
    size_t cursor = 0;
    struct restored_lease *lease;
    while ((lease = table_next(&restored->by_id, hash, &cursor)) != NULL)
        if (span_equal(lease->peer_id, peer_id))
            return lease;
    return NULL;
}

static void restored_add(struct restored *restored, struct restored_lease *lease)
{
    if (restored->count == restored->capacity) {
        restored->capacity = restored->capacity == 0 ? 16 : 2 * restored->capacity;
        restored->all = mem_resize(restored->all, restored->capacity * sizeof *restored->all);
    }
    lease->index = restored->count;
    restored->all[restored->count++] = lease;
    table_add(&restored->by_id, lease->hash, lease);
}

static void restored_remove(struct restored *restored, struct restored_lease *lease)
{
    assert(restored->count > 0 && restored->all[lease->index] == lease);
    struct restored_lease *last = restored->all[--restored->count];
    restored->all[lease->index] = last;
    last->index = lease->index;
    table_remove(&restored->by_id, lease->hash, lease);
    blob_release(lease->record);
    mem_free(lease);
}

void reissue_free(struct gossip *g)
{
    struct restored *restored = g->leases.restored;
    if (restored == NULL)
        return;
    while (restored->count > 0)
        restored_remove(restored, restored->all[restored->count - 1]);
    table_free(&restored->by_id);
    mem_free(restored->all);
    mem_free(restored);
    g->leases.restored = NULL;
}

/* A node that crashes again before it has re-issued everything must find it in its snapshot. */
const struct blob *reissue_at(const struct gossip *g, size_t index, uint64_t *heartbeat_wall_ms)
{
    const struct restored *restored = g->leases.restored;
    if (restored == NULL || index >= restored->count)
        return NULL;
    *heartbeat_wall_ms = restored->all[index]->heartbeat_wall_ms;
    return restored->all[index]->record;
}

bool reissue_restore(struct gossip *g, struct span statement, uint64_t heartbeat_wall_ms)
{
    struct record record;
    if (!statement_read_record(statement, &record) || record.home != g->tag ||
        record.epoch >= g->epoch)
        return false;
    struct restored_lease *known = restored_find(g, record.peer.peer_id);
    if (known != NULL && known->seq > record.seq)
        return true;
    if (g->leases.restored == NULL)
        g->leases.restored = mem_alloc(sizeof *g->leases.restored);
    if (known == NULL && g->leases.restored->count >= g->config.records_per_home_max)
        return false;
    struct blob *blob = statement_admit(g->config.store, statement, STATEMENT_RECORD,
                                        &g->config.identity.public, &g->scope);
    if (blob == NULL || !statement_read_record(blob_span(blob), &record))
        return false;
    if (known != NULL)
        restored_remove(g->leases.restored, known);
    struct span peer_id = record.peer.peer_id;
    struct restored_lease *lease = mem_alloc(sizeof *lease);
    *lease = (struct restored_lease){
        .record = blob,
        .peer_id = peer_id,
        .hash = hash_short(peer_id.data, peer_id.len, g->registry.hash_key),
        .seq = record.seq,
        .heartbeat_wall_ms = heartbeat_wall_ms,
    };
    restored_add(g->leases.restored, lease);
    return true;
}

/* Does this operation, in whatever log, stand above the restored record? A delete covers the record
 * that it ends, and a set of another home with the same seq wins by its tag; our own old record is
 * the restored one itself. */
static bool entry_stands_above(const struct gossip *g, const struct entry *entry,
                               const struct record *record)
{
    struct statement_order order = entry_order(entry);
    if (order.is_signed && record->peer.is_signed &&
        order.peer_version != record->peer.peer_version)
        return order.peer_version > record->peer.peer_version;
    if (order.seq != record->seq)
        return order.seq > record->seq;
    return entry->is_delete || entry->log->home > g->tag || entry->log == g->registry.own;
}

static bool still_holds(const struct gossip *g, const struct record *record)
{
    const struct peer *peer = registry_peer(g, record->peer.peer_id);
    if (peer == NULL)
        return true;
    for (const struct entry *entry = peer->entries; entry != NULL; entry = entry->next_of_peer)
        if (entry_stands_above(g, entry, record))
            return false;
    return true;
}

/* How long the lease would run now; 0: it has run out. By our own wall clock: no other survives a
 * restart. */
static uint64_t remaining_ms(const struct gossip *g, const struct record *record,
                             uint64_t heartbeat_wall_ms)
{
    uint64_t ttl_ms = record->peer.ttl_s * 1000ull;
    uint64_t wall_ms = g->now.wall_ms;
    uint64_t age_ms = wall_ms > heartbeat_wall_ms ? wall_ms - heartbeat_wall_ms : 0;
    if (age_ms >= ttl_ms)
        return 0;
    uint64_t left_ms = ttl_ms - age_ms;
    return left_ms > ttl_ms / AMNESTY_DIVISOR ? left_ms : ttl_ms / AMNESTY_DIVISOR;
}

/* Takes it out of the list; true: it is a lease of this life now. The seq stays: a re-issue is no
 * act of the client's, and must not win over one. */
static bool reissue_one(struct gossip *g, struct restored_lease *lease)
{
    struct record record;
    bool is_read = statement_read_record(blob_span(lease->record), &record);
    assert(is_read && record.home == g->tag);
    (void)is_read;
    uint64_t runs_ms = remaining_ms(g, &record, lease->heartbeat_wall_ms);
    bool is_issued = runs_ms > 0 && still_holds(g, &record) &&
                     lease_issue(g, &record, runs_ms, lease->heartbeat_wall_ms, 0);
    restored_remove(g->leases.restored, lease);
    return is_issued;
}

/* Bulk: nobody waits for these (the old life's records are still visible), so they cost no push. */
static void bulk_end(struct gossip *g)
{
    batch_skip(g);
    head_touch(g);
    sync_operation_seen(g);
}

void reissue_step(struct gossip *g)
{
    struct restored *restored = g->leases.restored;
    if (restored == NULL || !restored->has_begun)
        return;
    batch_flush(g);
    for (int i = 0; i < REISSUE_STEP_COUNT && restored->count > 0; i++)
        reissue_one(g, restored->all[restored->count - 1]);
    bulk_end(g);
    if (restored->count == 0)
        reissue_free(g);
    else
        timer_set(&g->timers, &g->leases.batch_timer, TIMER_BATCH, g->now.mono_ms + BATCH_DELAY_MS);
}

void reissue_begin(struct gossip *g)
{
    if (g->leases.restored == NULL)
        return;
    g->leases.restored->has_begun = true;
    reissue_step(g);
}

bool reissue_now(struct gossip *g, struct span peer_id)
{
    struct restored_lease *lease = restored_find(g, peer_id);
    if (lease == NULL)
        return false;
    batch_flush(g);
    bool is_issued = reissue_one(g, lease);
    bulk_end(g);
    return is_issued;
}

/* The record that a running lease has in the newest of our earlier lives. */
static struct entry *earlier_record(const struct gossip *g, const struct peer *peer)
{
    struct entry *newest = NULL;
    for (struct entry *entry = peer->entries; entry != NULL; entry = entry->next_of_peer)
        if (entry->log->home == g->tag && entry->log != g->registry.own && !entry->is_delete &&
            (newest == NULL || entry->log->epoch > newest->log->epoch))
            newest = entry;
    return newest;
}

void reissue_epoch_raised(struct gossip *g)
{
    batch_skip(g);
    if (g->leases.count == 0)
        return;
    for (size_t i = 0; i < g->leases.count; i++) {
        struct lease *lease = g->leases.all[i];
        struct record record;
        const struct entry *entry = earlier_record(g, lease->peer);
        uint64_t runs_ms = lease_expires_in_ms(g, lease->peer);
        assert(entry != NULL);
        bool is_read = statement_read_record(blob_span(entry->blob), &record);
        assert(is_read);
        (void)is_read;
        lease_issue(g, &record, runs_ms > 0 ? runs_ms : 1, lease->heartbeat_wall_ms, 0);
    }
    bulk_end(g);
}
