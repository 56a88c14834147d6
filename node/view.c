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
    table_add(&view->by_archetype, hash, archetype);
    return archetype;
}

static void archetype_leave(struct view *view, struct view_archetype *archetype,
                            const struct view_peer *peer)
{
    peer_order_remove(&archetype->peers, peer);
    if (archetype->peers.count > 0)
        return;
    table_remove(&view->by_archetype, archetype->hash, archetype);
    peer_order_free(&archetype->peers);
    mem_free(archetype);
}

bool view_peer_has(const struct view_peer *peer, const struct view_archetype *archetype)
{
    for (size_t i = 0; i < peer->archetype_count; i++)
        if (peer->archetypes[i] == archetype)
            return true;
    return false;
}

/* --- Peers --------------------------------------------------------------------------------- */

struct view_peer *view_peer_find(const struct view *view, struct span peer_id)
{
    struct view_peer *peer;
    uint64_t hash = view_hash(view, peer_id);
    size_t cursor = 0;

    while ((peer = table_next(&view->by_id, hash, &cursor)) != NULL)
        if (span_equal(peer->peer_id, peer_id))
            return peer;
    return NULL;
}

static void peer_remove(struct view *view, struct view_peer *peer)
{
    for (size_t i = 0; i < peer->archetype_count; i++)
        archetype_leave(view, peer->archetypes[i], peer);
    peer_order_remove(&view->peers, peer);
    table_remove(&view->by_id, peer->hash, peer);
    fragment_drop(view, peer);
    assert(peer->home->peer_count > 0);
    peer->home->peer_count--;
    view_home_tidy(view, peer->home);
    blob_release(peer->record);
    mem_free(peer);
}

/* The core removes duplicates where a registration enters, but other nodes' records come as they
 * are. */
static void peer_join_archetypes(struct view *view, struct view_peer *peer,
                                 const struct peer_description *description)
{
    for (size_t i = 0; i < description->archetype_count; i++) {
        struct view_archetype *archetype = archetype_open(view, description->archetypes[i]);

        if (view_peer_has(peer, archetype))
            continue;
        peer_order_add(&archetype->peers, peer);
        peer->archetypes[peer->archetype_count++] = archetype;
    }
}

/* When was its last heartbeat? A lease that has just been made says so itself; one re-issued after
 * a restart by how much of its time is left. */
static uint64_t heartbeat_before(uint64_t expires_wall_ms, uint32_t ttl_s, uint64_t now_wall_ms)
{
    uint64_t ttl_ms = ttl_s * 1000ull;
    uint64_t heartbeat_ms = expires_wall_ms > ttl_ms ? expires_wall_ms - ttl_ms : 0;

    return heartbeat_ms < now_wall_ms ? heartbeat_ms : now_wall_ms;
}

static void peer_add(struct view *view, const struct gossip_event *event)
{
    struct record record;

    if (event->peer.record == NULL ||
        !statement_read_record(blob_span(event->peer.record), &record))
        return;
    struct view_peer *peer =
        mem_alloc(sizeof *peer + record.peer.archetype_count * sizeof peer->archetypes[0]);
    peer->record = blob_retain(event->peer.record);
    peer->peer_id = record.peer.peer_id;
    peer->hash = view_hash(view, peer->peer_id);
    peer->home = view_home_open(view, event->peer.home, event->peer.epoch);
    peer->home->peer_count++;
    peer->version = event->peer.version;
    peer->registered_wall_ms = record.registered_at_ms;
    peer->is_own = event->peer.home == view->own_tag && event->peer.expires_in_ms > 0;
    peer->expires_wall_ms = event->wall_ms + event->peer.expires_in_ms;
    peer->heartbeat_wall_ms =
        heartbeat_before(peer->expires_wall_ms, record.peer.ttl_s, event->wall_ms);
    table_add(&view->by_id, peer->hash, peer);
    peer_order_add(&view->peers, peer);
    peer_join_archetypes(view, peer, &record.peer);
}

static void on_peer(struct view *view, const struct gossip_event *event)
{
    struct record record;

    if (event->peer.record == NULL ||
        !statement_read_record(blob_span(event->peer.record), &record))
        return;
    struct view_peer *known = view_peer_find(view, record.peer.peer_id);
    if (known != NULL)
        peer_remove(view, known);
    if (event->kind != GOSSIP_EVENT_PEER_DOWN)
        peer_add(view, event);
    memcpy(view->digest, event->peer.view_digest, sizeof view->digest);
    view->generation++;
}

static void on_heartbeat(struct view *view, const struct gossip_event *event)
{
    struct record record;

    if (event->heartbeat.record == NULL ||
        !statement_read_record(blob_span(event->heartbeat.record), &record))
        return;
    struct view_peer *peer = view_peer_find(view, record.peer.peer_id);
    if (peer == NULL || peer->home->tag != view->own_tag || peer->version != record.version)
        return;
    peer->is_own = true;
    peer->heartbeat_wall_ms = event->wall_ms;
    peer->expires_wall_ms = event->wall_ms + event->heartbeat.expires_in_ms;
}

bool view_peer_is_orphaned(const struct view_peer *peer)
{
    return !peer->is_own && peer->home->standing == HOME_GONE;
}

uint64_t view_last_seen_us(const struct view_peer *peer, uint64_t now_wall_us)
{
    if (peer->is_own)
        return peer->heartbeat_wall_ms * 1000;
    return peer->home->standing == HOME_VOUCHES ? now_wall_us : peer->home->since_wall_ms * 1000;
}

/* --- The whole ----------------------------------------------------------------------------- */

void view_init(struct view *view, uint64_t own_tag)
{
    *view = (struct view){.own_tag = own_tag, .generation = 1};
    key_random(view->hash_key, sizeof view->hash_key);
}

void view_free(struct view *view)
{
    struct peer_order_place first = {0, 0};
    struct view_peer *peer;

    while ((peer = peer_order_next(&view->peers, &first)) != NULL) {
        peer_remove(view, peer);
        first = (struct peer_order_place){0, 0};
    }
    view_members_free(view);
    peer_order_free(&view->peers);
    table_free(&view->by_id);
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
