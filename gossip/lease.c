// SPDX-License-Identifier: Apache-2.0
/* lease.c - the leases of our own log: renewing, adopting, ending them. */
#include "gossip/lease.h"

#include <assert.h>

#include "gossip/core.h"
#include "gossip/mem.h"

#define LEASES_FIRST_CAPACITY 16

void lease_init(struct gossip *g)
{
    assert(g->registry.own != NULL);
    g->leases.batch_from = g->registry.own->applied;
}

void lease_free(struct gossip *g)
{
    for (size_t i = 0; i < g->leases.count; i++) {
        struct lease *lease = g->leases.all[i];
        timer_cancel(&g->timers, &lease->timer);
        timer_cancel(&g->timers, &lease->moved);
        lease->peer->lease = NULL;
        mem_free(lease);
    }
    for (size_t i = 0; i < g->leases.waiting_count; i++)
        blob_release(g->leases.waiting[i].reply.record);
    timer_cancel(&g->timers, &g->leases.batch_timer);
    mem_free(g->leases.waiting);
    mem_free(g->leases.all);
    g->leases = (struct leases){0};
}

static struct lease *lease_make(struct gossip *g, struct peer *peer)
{
    struct leases *leases = &g->leases;
    assert(peer->lease == NULL);
    if (leases->count == leases->capacity) {
        leases->capacity = leases->capacity == 0 ? LEASES_FIRST_CAPACITY : 2 * leases->capacity;
        leases->all = mem_resize(leases->all, leases->capacity * sizeof *leases->all);
    }
    struct lease *lease = mem_alloc(sizeof *lease);
    lease->peer = peer;
    lease->index = leases->count;
    leases->all[leases->count++] = lease;
    peer->lease = lease;
    return lease;
}

static void lease_drop(struct gossip *g, struct lease *lease)
{
    struct leases *leases = &g->leases;
    assert(leases->count > 0 && leases->all[lease->index] == lease);
    struct lease *last = leases->all[--leases->count];
    leases->all[lease->index] = last;
    last->index = lease->index;
    timer_cancel(&g->timers, &lease->timer);
    timer_cancel(&g->timers, &lease->moved);
    lease->peer->lease = NULL;
    mem_free(lease);
}

static void lease_renew(struct gossip *g, struct lease *lease, uint64_t runs_ms,
                        uint64_t heartbeat_wall_ms)
{
    lease->heartbeat_wall_ms = heartbeat_wall_ms;
    timer_set(&g->timers, &lease->timer, TIMER_LEASE, g->now.mono_ms + runs_ms);
}

/* Hands our statement over to the log. The simulator's nodes share what they verified: ours is. */
static void append(struct gossip *g, struct blob *statement)
{
    if (g->config.store != NULL)
        blob_store_add(g->config.store, statement, &g->config.identity.public, &g->scope);
    batch_grow(g, statement->len);
    log_append(g, g->registry.own, statement);
}

bool lease_issue(struct gossip *g, struct record *record, uint64_t runs_ms,
                 uint64_t heartbeat_wall_ms, size_t slack_bytes)
{
    struct log *own = g->registry.own;
    assert(runs_ms > 0);
    record->home = g->tag;
    record->epoch = own->epoch;
    record->version = own->applied + 1;
    struct blob *statement = statement_of_record(record, &g->config.identity, &g->scope);
    if (statement == NULL)
        return false;
    g->stats.signatures_made++;
    if (statement->len + slack_bytes > STATEMENT_MAX_BYTES) {
        blob_release(statement);
        return false;
    }
    struct blob *held = blob_retain(statement);
    g->leases.issuing_ms = runs_ms;
    append(g, statement);
    g->leases.issuing_ms = 0;
    struct peer *peer = registry_peer(g, statement_peer_id_of(blob_span(held)));
    assert(peer != NULL);
    struct lease *lease = peer->lease != NULL ? peer->lease : lease_make(g, peer);
    lease->ttl_s = record->peer.ttl_s;
    lease_renew(g, lease, runs_ms, heartbeat_wall_ms);
    lease_winner_changed(g, peer);
    blob_release(held);
    return true;
}

void lease_operation_made(struct gossip *g)
{
    batch_operation_added(g);
    head_touch(g);
    sync_operation_seen(g);
}

uint64_t lease_expires_in_ms(const struct gossip *g, const struct peer *peer)
{
    if (g->leases.issuing_ms != 0)
        return g->leases.issuing_ms;
    if (peer->lease == NULL || peer->lease->timer.at_ms <= g->now.mono_ms)
        return 0;
    return peer->lease->timer.at_ms - g->now.mono_ms;
}

const struct lease *lease_at(const struct gossip *g, size_t index)
{
    return index < g->leases.count ? g->leases.all[index] : NULL;
}

struct blob *lease_record(const struct gossip *g, const struct lease *lease)
{
    struct entry *entry = log_entry_of(g->registry.own, lease->peer);
    assert(entry != NULL && !entry->is_delete);
    return entry->blob;
}

enum gossip_result lease_token_check(const struct record *record, const uint8_t *token_hash,
                                     bool is_needed)
{
    if (!record->has_token)
        return RESULT_OK;
    if (token_hash == NULL)
        return is_needed ? RESULT_TOKEN_NEEDED : RESULT_OK;
    bool is_right = key_equal(record->token_hash, token_hash, LEASE_TOKEN_HASH_BYTES);
    return is_right ? RESULT_OK : RESULT_WRONG_TOKEN;
}

/* Our record of the peer, its token checked. */
static enum gossip_result lease_open(const struct gossip *g, const struct lease *lease,
                                     const uint8_t *token_hash, bool is_needed)
{
    struct record record;
    bool is_read = statement_read_record(blob_span(lease_record(g, lease)), &record);
    assert(is_read);
    (void)is_read;
    return lease_token_check(&record, token_hash, is_needed);
}

void lease_heartbeat(struct gossip *g, struct peer *peer, const uint8_t *token_hash,
                     struct gossip_reply *reply)
{
    struct lease *lease = peer->lease;
    assert(lease != NULL && reply->record == NULL);
    reply->wall_ms = g->now.wall_ms;
    reply->result = lease_open(g, lease, token_hash, false);
    reply->record = blob_retain(lease_record(g, lease));
    if (reply->result != RESULT_OK)
        return;
    lease_renew(g, lease, lease->ttl_s * 1000ull, g->now.wall_ms);
    reply->expires_in_ms = lease_expires_in_ms(g, peer);
    event_push(g, (struct gossip_event){
                      .kind = GOSSIP_EVENT_HEARTBEAT,
                      .heartbeat = {blob_retain(reply->record), reply->expires_in_ms},
                  });
}

/* The delete carries the seq of our own record and no higher one: it ends that record, and never
 * hides one that won over it (DELETE_MOVED lives by this). */
static struct blob *deletion_make(struct gossip *g, const struct entry *entry,
                                  enum delete_reason reason)
{
    struct record record;
    bool is_read = statement_read_record(blob_span(entry->blob), &record);
    assert(is_read);
    (void)is_read;
    struct deletion deletion = {
        .home = g->tag,
        .epoch = g->registry.own->epoch,
        .version = g->registry.own->applied + 1,
        .peer_id = record.peer.peer_id,
        .seq = record.seq,
        .ttl_s = record.peer.ttl_s,
        .reason = reason,
        .is_signed = record.peer.is_signed,
        .peer_version = record.peer.peer_version,
    };
    struct blob *statement = statement_of_deletion(&deletion, &g->config.identity, &g->scope);
    assert(statement != NULL);
    g->stats.signatures_made++;
    return statement;
}

static void lease_end(struct gossip *g, struct lease *lease, enum delete_reason reason)
{
    struct entry *entry = log_entry_of(g->registry.own, lease->peer);
    assert(entry != NULL && !entry->is_delete);
    struct blob *record = blob_retain(entry->blob);
    struct blob *statement = deletion_make(g, entry, reason);
    lease_drop(g, lease);
    append(g, statement);
    event_push(g, (struct gossip_event){.kind = GOSSIP_EVENT_LEASE_END, .heartbeat = {record, 0}});
    lease_operation_made(g);
}

void lease_deregister(struct gossip *g, struct peer *peer, const uint8_t *token_hash,
                      struct gossip_reply *reply)
{
    assert(peer->lease != NULL && reply->record == NULL);
    reply->wall_ms = g->now.wall_ms;
    reply->result = lease_open(g, peer->lease, token_hash, true);
    reply->record = blob_retain(lease_record(g, peer->lease));
    if (reply->result == RESULT_OK)
        lease_end(g, peer->lease, DELETE_DEREGISTERED);
}

void lease_on_timer(struct gossip *g, struct lease *lease)
{
    lease_end(g, lease, DELETE_EXPIRED);
}

/* Does the home of this record answer for it: is it live, and in the very life that said so? */
static bool record_is_vouched(const struct gossip *g, const struct entry *entry)
{
    const struct member *home = entry->log->member;
    return member_is_live(g, home) && home->life->epoch == entry->log->epoch;
}

void lease_winner_changed(struct gossip *g, struct peer *peer)
{
    struct lease *lease = peer->lease;
    if (lease == NULL || peer->winner == NULL)
        return;
    if (peer->winner->log == g->registry.own)
        timer_cancel(&g->timers, &lease->moved);
    else if (!timer_is_set(&lease->moved))
        timer_set(&g->timers, &lease->moved, TIMER_MOVED,
                  g->now.mono_ms + g->config.moved_delay_ms);
}

void lease_on_moved_timer(struct gossip *g, struct lease *lease)
{
    const struct entry *winner = lease->peer->winner;
    assert(winner != NULL);
    if (winner->log == g->registry.own)
        return;
    /* A winner whose home is gone may be all that its client can still reach us by: ours is kept
     * until there is somebody to take it over, or its own ttl ends it. A delete needs nobody to
     * vouch for it. */
    if (!winner->is_delete && !record_is_vouched(g, winner))
        timer_set(&g->timers, &lease->moved, TIMER_MOVED,
                  g->now.mono_ms + g->config.moved_delay_ms);
    else
        lease_end(g, lease, DELETE_MOVED);
}
