// SPDX-License-Identifier: Apache-2.0
/* registry.c - every peer over all logs: which operation wins, who is visible, and what the host is
 * told. */
#include "gossip/registry.h"

#include <assert.h>
#include <string.h>

#include "gossip/core.h"
#include "gossip/entries.h"
#include "gossip/mem.h"
#include "gossip/operation.h"
#include "gossip/root.h"

/* What the host was shown of a peer, kept while something changes. */
struct shown {
    struct blob *blob; /* retained; NULL: nothing */
    uint64_t home;
    uint64_t epoch;
    uint64_t version;
};

void registry_init(struct gossip *g)
{
    struct hash key;
    hash_of("registry-key", g->config.seed, sizeof g->config.seed, &key);
    static_assert(sizeof g->registry.hash_key == HASH_SHORT_KEY_BYTES, "the key of hash_short");
    memcpy(g->registry.hash_key, key.bytes, sizeof g->registry.hash_key);
    g->registry.peers.item_bytes = sizeof(struct peer);
    if (g->members.self != NULL)
        registry_own_follow(g);
}

/* --- Order ------------------------------------------------------------------------------------ */

bool entry_wins(const struct entry *a, const struct entry *b)
{
    struct statement_order of_a = entry_order(a), of_b = entry_order(b);
    assert(of_a.is_signed == of_b.is_signed); /* of one peer_id: operation_read */
    if (of_a.peer_version != of_b.peer_version)
        return of_a.peer_version > of_b.peer_version;
    if (of_a.seq != of_b.seq)
        return of_a.seq > of_b.seq;
    if (a->log->home != b->log->home)
        return a->log->home > b->log->home;
    if (a->log->epoch != b->log->epoch)
        return a->log->epoch > b->log->epoch;
    return a->version > b->version;
}

uint64_t registry_seq(const struct peer *peer)
{
    uint64_t highest = 0;
    for (const struct entry *entry = peer->entries; entry != NULL; entry = entry->next_of_peer)
        if (entry_order(entry).seq > highest)
            highest = entry_order(entry).seq;
    return highest;
}

/* --- Peers ------------------------------------------------------------------------------------ */

static uint64_t id_hash(const struct gossip *g, struct span peer_id)
{
    return hash_short(peer_id.data, peer_id.len, g->registry.hash_key);
}

/* 0: not here. */
static uint32_t peer_find(const struct gossip *g, uint64_t hash, struct span peer_id)
{
    size_t cursor = 0;
    uint32_t reference;
    while ((reference = refs_next(&g->registry.by_id, hash, &cursor)) != 0) {
        const struct peer *peer = cells_at(&g->registry.peers, reference);
        if (span_equal(entry_peer_id(peer->entries), peer_id))
            return reference;
    }
    return 0;
}

struct peer *registry_peer(const struct gossip *g, struct span peer_id)
{
    uint32_t reference = peer_find(g, id_hash(g, peer_id), peer_id);
    return reference == 0 ? NULL : cells_at(&g->registry.peers, reference);
}

/* Until it has its first entry nobody may look for anything. */
static struct peer *peer_make(struct gossip *g, struct span peer_id)
{
    uint64_t hash = id_hash(g, peer_id);
    uint32_t reference = peer_find(g, hash, peer_id);
    if (reference != 0)
        return cells_at(&g->registry.peers, reference);
    struct peer *peer = cells_take(&g->registry.peers, &reference);
    refs_add(&g->registry.by_id, hash, reference);
    return peer;
}

static void peer_free(struct gossip *g, struct peer *peer, struct span peer_id)
{
    uint64_t hash = id_hash(g, peer_id);
    size_t cursor = 0;
    uint32_t reference;
    assert(peer->entries == NULL && peer->lease == NULL);
    do {
        reference = refs_next(&g->registry.by_id, hash, &cursor);
    } while (cells_at(&g->registry.peers, reference) != peer);
    refs_remove(&g->registry.by_id, hash, reference);
    cells_give(&g->registry.peers, reference);
}

/* The highest wins. */
static void peer_elect(struct peer *peer)
{
    struct entry *winner = peer->entries;
    if (winner != NULL)
        for (struct entry *entry = winner->next_of_peer; entry != NULL; entry = entry->next_of_peer)
            if (entry_wins(entry, winner))
                winner = entry;
    peer->winner = winner;
}

/* --- The view --------------------------------------------------------------------------------- */

static void put_big_endian(uint8_t out[8], uint64_t value)
{
    for (size_t i = 0; i < 8; i++)
        out[i] = (uint8_t)(value >> (8 * (7 - i)));
}

static uint64_t get_big_endian(const uint8_t in[8])
{
    uint64_t value = 0;
    for (size_t i = 0; i < 8; i++)
        value = value << 8 | in[i];
    return value;
}

/* What a peer that is shown adds to the view's digest. */
static void digest_of(const struct shown *shown, uint64_t out[2])
{
    uint8_t number[24];
    struct hash_state state;
    struct hash hash;
    struct span peer_id = statement_peer_id_of(blob_span(shown->blob));
    put_big_endian(number, shown->home);
    put_big_endian(number + 8, shown->epoch);
    put_big_endian(number + 16, shown->version);
    hash_begin(&state, "aurora-view");
    hash_update(&state, number, sizeof number);
    hash_update(&state, peer_id.data, peer_id.len);
    hash_end(&state, &hash);
    out[0] = get_big_endian(hash.bytes);
    out[1] = get_big_endian(hash.bytes + 8);
}

/* 128 bits, the high half first: a sum takes each peer in and out in constant time, whatever the
 * order. */
static void digest_add(uint64_t sum[2], const uint64_t share[2])
{
    sum[1] += share[1];
    sum[0] += share[0] + (sum[1] < share[1] ? 1 : 0);
}

static void digest_subtract(uint64_t sum[2], const uint64_t share[2])
{
    sum[0] -= share[0] + (sum[1] < share[1] ? 1 : 0);
    sum[1] -= share[1];
}

static bool is_to_be_shown(const struct peer *peer)
{
    return peer->winner != NULL && !peer->winner->is_delete && !peer->winner->is_hidden;
}

static struct shown shown_now(const struct peer *peer)
{
    if (!peer_is_visible(peer))
        return (struct shown){0};
    const struct entry *winner = peer->winner;
    return (struct shown){blob_retain(winner->blob), winner->log->home, winner->log->epoch,
                          winner->version};
}

static void report(struct gossip *g, enum gossip_event_kind kind, const struct peer *peer,
                   struct shown what, enum peer_down_reason reason)
{
    bool is_own = kind != GOSSIP_EVENT_PEER_DOWN && peer->winner->log == g->registry.own;
    struct gossip_event event = {.kind = kind};
    event.peer.record = what.blob;
    event.peer.home = what.home;
    event.peer.epoch = what.epoch;
    event.peer.version = what.version;
    event.peer.reason = reason;
    event.peer.expires_in_ms = is_own ? lease_expires_in_ms(g, peer) : 0;
    memcpy(event.peer.view_digest, g->registry.view_digest, sizeof event.peer.view_digest);
    event_push(g, event);
}

static void peer_show(struct gossip *g, struct peer *peer, bool is_update)
{
    uint64_t digest[2];
    peer->winner->is_shown = true;
    struct shown shown = shown_now(peer);
    g->registry.visible_count++;
    digest_of(&shown, digest);
    digest_add(g->registry.view_digest, digest);
    report(g, is_update ? GOSSIP_EVENT_PEER_UPDATE : GOSSIP_EVENT_PEER_UP, peer, shown,
           (enum peer_down_reason)0);
}

static void peer_conceal(struct gossip *g, struct peer *peer, const struct shown *before)
{
    uint64_t digest[2];
    assert(g->registry.visible_count > 0);
    for (struct entry *entry = peer->entries; entry != NULL; entry = entry->next_of_peer)
        entry->is_shown = false;
    g->registry.visible_count--;
    digest_of(before, digest);
    digest_subtract(g->registry.view_digest, digest);
}

/* Elects anew after something changed, and tells the host of the one step from what it was shown
 * before. */
static void peer_settle(struct gossip *g, struct peer *peer, struct shown before,
                        enum peer_down_reason reason)
{
    const struct entry *winner_before = peer->winner;
    peer_elect(peer);
    bool is_shown = is_to_be_shown(peer);
    if (is_shown && before.blob != NULL && before.blob == peer->winner->blob) {
        peer->winner->is_shown = true; /* by another entry, perhaps, of the same bytes */
        blob_release(before.blob);
    } else {
        if (before.blob != NULL)
            peer_conceal(g, peer, &before);
        if (is_shown)
            peer_show(g, peer, before.blob != NULL);
        if (before.blob != NULL && !is_shown)
            report(g, GOSSIP_EVENT_PEER_DOWN, peer, before, reason);
        else
            blob_release(before.blob);
    }
    assert(peer_is_visible(peer) == is_shown);
    if (peer->winner != winner_before)
        lease_winner_changed(g, peer);
}

/* --- Entries ---------------------------------------------------------------------------------- */

static void entry_link(struct gossip *g, struct log *log, struct peer *peer, struct entry *entry)
{
    assert(entry->log == NULL && entry->peer == NULL && !entry->is_hidden);
    entry->log = log;
    entry->peer = peer;
    entry->next_of_peer = peer->entries;
    peer->entries = entry;
    entries_add(log, entry);
    if (entry->is_delete) {
        g->registry.deletes_held++;
        deletes_entry_added(g);
        return;
    }
    log->live_count++;
    g->registry.records_held++;
    root_entry_added(log, entry);
    orphans_entry_added(g, entry);
}

static void entry_unlink(struct gossip *g, struct entry *entry)
{
    struct log *log = entry->log;
    if (entry->is_delete) {
        g->registry.deletes_held--;
    } else {
        assert(log->live_count > 0 && g->registry.records_held > 0);
        root_entry_removed(log, entry);
        log->live_count--;
        g->registry.records_held--;
        log->hidden_count -= entry->is_hidden ? 1 : 0;
    }
    entries_remove(log, entry);
    struct entry **at = &entry->peer->entries;
    while (*at != entry)
        at = &(*at)->next_of_peer;
    *at = entry->next_of_peer;
    entry->log = NULL;
    entry->peer = NULL;
}

/* Why did a peer go when this operation came? The delete says; a set that wins and is not shown is
 * an orphan's. */
static enum peer_down_reason reason_of(const struct entry *entry)
{
    struct deletion deletion;
    if (!entry->is_delete)
        return PEER_DOWN_ORPHAN_GRACE;
    bool is_read = statement_read_deletion(blob_span(entry->blob), &deletion);
    assert(is_read);
    bool is_known = is_read && deletion.reason >= DELETE_EXPIRED && deletion.reason <= DELETE_MOVED;
    return is_known ? (enum peer_down_reason)deletion.reason : PEER_DOWN_DEREGISTERED;
}

void registry_entry_set(struct gossip *g, struct log *log, struct entry *entry, struct span peer_id)
{
    struct peer *peer = peer_make(g, peer_id);
    struct shown before = shown_now(peer);
    struct entry *old = log_entry_of(log, peer);
    enum peer_down_reason reason = reason_of(entry);
    if (old != NULL)
        entry_unlink(g, old);
    entry_link(g, log, peer, entry);
    peer_settle(g, peer, before, reason);
    if (old != NULL)
        entry_free(old);
}

void registry_entry_drop(struct gossip *g, struct entry *entry, enum peer_down_reason reason)
{
    struct peer *peer = entry->peer;
    struct shown before = shown_now(peer);
    entry_unlink(g, entry);
    peer_settle(g, peer, before, reason);
    if (peer->entries == NULL)
        peer_free(g, peer, entry_peer_id(entry));
    entry_free(entry);
}

void registry_entry_hide(struct gossip *g, struct entry *entry, bool is_hidden)
{
    assert(!entry->is_delete && entry->is_hidden != is_hidden);
    struct shown before = shown_now(entry->peer);
    entry->is_hidden = is_hidden;
    if (is_hidden)
        entry->log->hidden_count++;
    else
        entry->log->hidden_count--;
    peer_settle(g, entry->peer, before, PEER_DOWN_ORPHAN_GRACE);
}

/* --- The end ---------------------------------------------------------------------------------- */

/* No events: there is nobody left to tell. */
static void log_empty(struct gossip *g, struct log *log)
{
    while (log->slot_count > 0) {
        struct entry *entry = slot_entry(log->slots[log->slot_count - 1]);
        struct peer *peer = entry->peer;
        entry_unlink(g, entry);
        if (peer->entries == NULL) {
            peer->lease = NULL;
            peer_free(g, peer, entry_peer_id(entry));
        }
        entry_free(entry);
    }
}

void registry_free(struct gossip *g)
{
    struct registry *registry = &g->registry;
    timer_cancel(&g->timers, &registry->floor_timer);
    for (size_t i = 0; i < registry->log_count; i++) {
        log_empty(g, registry->logs[i]);
        registry->logs[i]->member->dossier->logs = NULL;
        log_free(g, registry->logs[i]);
    }
    assert(registry->by_id.count == 0 && registry->records_held == 0);
    refs_free(&registry->by_id);
    cells_free(&registry->peers);
    mem_free(registry->logs);
    *registry = (struct registry){0};
}
