// SPDX-License-Identifier: Apache-2.0
/* view.c - the read model: what the events say, arranged for those who ask */
#include "node/view.h"

#include <assert.h>
#include <string.h>

#include "crypto/hash.h"
#include "crypto/key.h"
#include "gossip/mem.h"
#include "node/fragment.h"
#include "node/view_members.h"

static uint64_t view_hash(const struct view *view, struct span text)
{
    return hash_short(text.data, text.len, view->hash_key);
}

/* --- Archetypes ---------------------------------------------------------------------------- */

static struct view_archetype *archetype_hashed(const struct view *view, uint64_t hash,
                                               struct span name)
{
    struct view_archetype *archetype;
    size_t cursor = 0;

    while ((archetype = table_next(&view->by_archetype, hash, &cursor)) != NULL)
        if (span_equal(archetype->name, name))
            return archetype;
    return NULL;
}

struct view_archetype *view_archetype_find(const struct view *view, struct span name)
{
    return archetype_hashed(view, view_hash(view, name), name);
}

static struct view_archetype *archetype_open(struct view *view, struct span name)
{
    uint64_t hash = view_hash(view, name);
    struct view_archetype *archetype = archetype_hashed(view, hash, name);

    if (archetype != NULL)
        return archetype;
    archetype = mem_alloc(sizeof *archetype + name.len);
    memcpy(archetype + 1, name.data, name.len);
    archetype->name = span_of(archetype + 1, name.len);
    archetype->hash = hash;
    archetype->peers.cells = &view->cells;
    table_add(&view->by_archetype, hash, archetype);
    return archetype;
}

static void archetype_leave(struct view *view, struct span name, uint32_t reference)
{
    struct view_archetype *archetype = view_archetype_find(view, name);

    assert(archetype != NULL);
    peer_order_remove(&archetype->peers, reference);
    if (archetype->peers.count > 0)
        return;
    table_remove(&view->by_archetype, archetype->hash, archetype);
    peer_order_free(&archetype->peers);
    mem_free(archetype);
}

/* --- Peers --------------------------------------------------------------------------------- */

struct span view_peer_id(const struct view_peer *peer)
{
    return statement_peer_id_of(blob_span(peer->record));
}

uint64_t view_peer_version(const struct view_peer *peer)
{
    return statement_order_of(blob_span(peer->record)).version;
}

uint64_t view_peer_registered_ms(const struct view_peer *peer)
{
    return statement_order_of(blob_span(peer->record)).registered_at_ms;
}

bool view_peer_has(const struct view_peer *peer, struct span archetype)
{
    return statement_has_archetype(blob_span(peer->record), archetype);
}

/* 0: not visible here. */
static uint32_t peer_find(const struct view *view, uint64_t hash, struct span peer_id)
{
    uint32_t reference;
    size_t cursor = 0;

    while ((reference = refs_next(&view->by_id, hash, &cursor)) != 0)
        if (span_equal(view_peer_id(cells_at(&view->cells, reference)), peer_id))
            return reference;
    return 0;
}

struct view_peer *view_peer_find(const struct view *view, struct span peer_id)
{
    uint32_t reference = peer_find(view, view_hash(view, peer_id), peer_id);

    return reference == 0 ? NULL : cells_at(&view->cells, reference);
}

/* The core removes duplicates where a registration enters, but other nodes' records come as they
 * are. */
static bool is_repeated(const struct peer_description *peer, size_t index)
{
    for (size_t i = 0; i < index; i++)
        if (span_equal(peer->archetypes[i], peer->archetypes[index]))
            return true;
    return false;
}

static void peer_remove(struct view *view, uint64_t hash, uint32_t reference)
{
    struct view_peer *peer = cells_at(&view->cells, reference);
    struct record record;
    bool is_read = statement_read_record(blob_span(peer->record), &record);

    assert(is_read && peer->home->peer_count > 0);
    (void)is_read;
    for (size_t i = 0; i < record.peer.archetype_count; i++)
        if (!is_repeated(&record.peer, i))
            archetype_leave(view, record.peer.archetypes[i], reference);
    peer_order_remove(&view->peers, reference);
    refs_remove(&view->by_id, hash, reference);
    fragment_drop(view, peer);
    peer->home->peer_count--;
    view_home_tidy(view, peer->home);
    blob_release(peer->record);
    mem_free(peer->lease);
    cells_give(&view->cells, reference);
}

static void peer_join_archetypes(struct view *view, uint32_t reference,
                                 const struct peer_description *peer)
{
    for (size_t i = 0; i < peer->archetype_count; i++)
        if (!is_repeated(peer, i))
            peer_order_add(&archetype_open(view, peer->archetypes[i])->peers, reference);
}

/* When was its last heartbeat? A lease that has just been made says so itself; one re-issued after
 * a restart by how much of its time is left. */
static uint64_t heartbeat_before(uint64_t expires_wall_ms, uint32_t ttl_s, uint64_t now_wall_ms)
{
    uint64_t ttl_ms = ttl_s * 1000ull;
    uint64_t heartbeat_ms = expires_wall_ms > ttl_ms ? expires_wall_ms - ttl_ms : 0;

    return heartbeat_ms < now_wall_ms ? heartbeat_ms : now_wall_ms;
}

static struct view_lease *lease_open(struct view_peer *peer)
{
    if (peer->lease == NULL)
        peer->lease = mem_alloc(sizeof *peer->lease);
    return peer->lease;
}

static void peer_add(struct view *view, uint64_t hash, const struct gossip_event *event,
                     const struct record *record)
{
    uint32_t reference;
    struct view_peer *peer = cells_take(&view->cells, &reference);

    peer->record = blob_retain(event->peer.record);
    peer->home = view_home_open(view, event->peer.home, event->peer.epoch);
    peer->home->peer_count++;
    if (event->peer.home == view->own_tag && event->peer.expires_in_ms > 0) {
        struct view_lease *lease = lease_open(peer);

        lease->expires_wall_ms = event->wall_ms + event->peer.expires_in_ms;
        lease->heartbeat_wall_ms =
            heartbeat_before(lease->expires_wall_ms, record->peer.ttl_s, event->wall_ms);
    }
    refs_add(&view->by_id, hash, reference);
    peer_order_add(&view->peers, reference);
    peer_join_archetypes(view, reference, &record->peer);
}

static void on_peer(struct view *view, const struct gossip_event *event)
{
    struct record record;

    if (event->peer.record == NULL ||
        !statement_read_record(blob_span(event->peer.record), &record))
        return;
    uint64_t hash = view_hash(view, record.peer.peer_id);
    uint32_t known = peer_find(view, hash, record.peer.peer_id);
    if (known != 0)
        peer_remove(view, hash, known);
    if (event->kind != GOSSIP_EVENT_PEER_DOWN)
        peer_add(view, hash, event, &record);
    memcpy(view->digest, event->peer.view_digest, sizeof view->digest);
    view->generation++;
}

static void on_heartbeat(struct view *view, const struct gossip_event *event)
{
    if (event->heartbeat.record == NULL)
        return;
    struct statement_order order = statement_order_of(blob_span(event->heartbeat.record));
    struct view_peer *peer = view_peer_find(view, order.peer_id);
    if (peer == NULL || peer->home->tag != view->own_tag ||
        view_peer_version(peer) != order.version)
        return;
    struct view_lease *lease = lease_open(peer);
    lease->heartbeat_wall_ms = event->wall_ms;
    lease->expires_wall_ms = event->wall_ms + event->heartbeat.expires_in_ms;
}

bool view_peer_is_orphaned(const struct view_peer *peer)
{
    return peer->lease == NULL && peer->home->standing == HOME_GONE;
}

uint64_t view_last_seen_us(const struct view_peer *peer, uint64_t now_wall_us)
{
    if (peer->lease != NULL)
        return peer->lease->heartbeat_wall_ms * 1000;
    return peer->home->standing == HOME_VOUCHES ? now_wall_us : peer->home->since_wall_ms * 1000;
}

/* --- The whole ----------------------------------------------------------------------------- */

void view_init(struct view *view, uint64_t own_tag)
{
    *view = (struct view){.own_tag = own_tag, .generation = 1};
    view->cells.item_bytes = sizeof(struct view_peer);
    view->peers.cells = &view->cells;
    key_random(view->hash_key, sizeof view->hash_key);
}

void view_free(struct view *view)
{
    struct peer_order_place first = {0, 0};
    struct view_peer *peer;

    while ((peer = peer_order_next(&view->peers, &first)) != NULL) {
        uint64_t hash = view_hash(view, view_peer_id(peer));

        peer_remove(view, hash, peer_find(view, hash, view_peer_id(peer)));
        first = (struct peer_order_place){0, 0};
    }
    view_members_free(view);
    peer_order_free(&view->peers);
    refs_free(&view->by_id);
    cells_free(&view->cells);
    table_free(&view->by_archetype);
    *view = (struct view){0};
}

void view_apply(struct view *view, const struct gossip_event *event)
{
    switch (event->kind) {
    case GOSSIP_EVENT_PEER_UP:
    case GOSSIP_EVENT_PEER_UPDATE:
    case GOSSIP_EVENT_PEER_DOWN: on_peer(view, event); break;
    case GOSSIP_EVENT_HEARTBEAT: on_heartbeat(view, event); break;
    case GOSSIP_EVENT_MEMBER: view_on_member(view, event); break;
    case GOSSIP_EVENT_HOME: view_on_home(view, event); break;
    case GOSSIP_EVENT_LOG: view_on_log(view, event); break;
    case GOSSIP_EVENT_STATUS:
        view->status = *event->status;
        memcpy(view->digest, event->status->view_digest, sizeof view->digest);
        break;
    default: break; /* for "why", the snapshot or the log alone */
    }
}
