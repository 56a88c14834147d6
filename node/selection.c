// SPDX-License-Identifier: Apache-2.0
/* selection.c - the peers of the view that a query asks for, in its order */
#include "node/selection.h"

#include <assert.h>
#include <stdlib.h>

#include "gossip/mem.h"
#include "node/json_scan.h"

#define SELECTION_FIRST_CAPACITY 64

/* --- Does a peer match? -------------------------------------------------------------------- */

static bool is_excluded(const struct peer_query *query, struct span peer_id)
{
    for (size_t i = 0; i < query->exclude_count; i++)
        if (span_equal(query->excludes[i], peer_id))
            return true;
    return false;
}

static bool has_archetypes(const struct view *view, const struct peer_query *query,
                           const struct view_peer *peer)
{
    for (size_t i = 0; i < query->archetype_count; i++) {
        const struct view_archetype *archetype = view_archetype_find(view, query->archetypes[i]);

        if (archetype == NULL || !view_peer_has(peer, archetype))
            return false;
    }
    return true;
}

/* Strings by what they say, everything else by its JSON text: meta.gpu=true, meta.cores=8. */
static bool value_is(struct span value, struct span wanted)
{
    return value.data[0] == '"' ? json_scan_equals(value, wanted) : span_equal(value, wanted);
}

static bool metadata_has(struct span metadata, const struct peer_query_meta *wanted)
{
    struct json_members members;
    struct json_member member;

    if (!json_scan_members_begin(&members, metadata))
        return false;
    while (json_scan_members_next(&members, &member))
        if (json_scan_equals(member.key, wanted->key) && value_is(member.value, wanted->value))
            return true;
    return false;
}

bool selection_metadata_has(struct span metadata, const struct peer_query_meta *wanted,
                            size_t count)
{
    if (count > 0 && !json_scan_is_valid(metadata, NULL))
        return false;
    for (size_t i = 0; i < count; i++)
        if (!metadata_has(metadata, &wanted[i]))
            return false;
    return true;
}

static bool has_meta(const struct peer_query *query, const struct view_peer *peer)
{
    struct record record;

    if (query->meta_count == 0)
        return true;
    return statement_read_record(blob_span(peer->record), &record) &&
           selection_metadata_has(record.peer.metadata, query->meta, query->meta_count);
}

bool selection_matches(const struct view *view, const struct peer_query *query,
                       const struct view_peer *peer)
{
    return !is_excluded(query, peer->peer_id) && has_archetypes(view, query, peer) &&
           has_meta(query, peer);
}

/* --- All that match ------------------------------------------------------------------------ */

static void selection_add(struct selection *selection, size_t *capacity, struct view_peer *peer)
{
    if (selection->count == *capacity) {
        *capacity = *capacity == 0 ? SELECTION_FIRST_CAPACITY : 2 * *capacity;
        selection->peers = mem_resize(selection->peers, *capacity * sizeof selection->peers[0]);
    }
    selection->peers[selection->count++] = peer;
}

const struct peer_order *selection_order(const struct view *view, const struct span *archetypes,
                                         size_t count)
{
    const struct peer_order *shortest = &view->peers;

    for (size_t i = 0; i < count; i++) {
        const struct view_archetype *archetype = view_archetype_find(view, archetypes[i]);

        if (archetype == NULL)
            return NULL;
        if (archetype->peers.count < shortest->count)
            shortest = &archetype->peers;
    }
    return shortest;
}

static int by_age(const void *a, const void *b)
{
    const struct view_peer *left = *(struct view_peer *const *)a;
    const struct view_peer *right = *(struct view_peer *const *)b;

    if (left->registered_wall_ms != right->registered_wall_ms)
        return left->registered_wall_ms < right->registered_wall_ms ? -1 : 1;
    return peer_id_compare(left->peer_id, right->peer_id);
}

static int by_youth(const void *a, const void *b)
{
    return by_age(b, a);
}

/* Is this peer, in the order by time, behind the cursor? */
static bool is_behind(const struct peer_query *query, const struct view_peer *peer)
{
    bool is_newer = peer->registered_wall_ms != query->cursor_ms
                        ? peer->registered_wall_ms > query->cursor_ms
                        : peer_id_compare(peer->peer_id, query->cursor_id) > 0;
    bool is_same =
        peer->registered_wall_ms == query->cursor_ms && span_equal(peer->peer_id, query->cursor_id);

    return !is_same && is_newer == (query->sort == SORT_OLDEST);
}

/* Every match is looked at, then ordered: such a page costs more than one by id. */
static void select_by_time(struct selection *selection, const struct view *view,
                           const struct peer_query *query, const struct peer_order *order)
{
    struct peer_order_place place = {0, 0};
    struct view_peer *peer;
    size_t capacity = 0;

    while ((peer = peer_order_next(order, &place)) != NULL)
        if ((!query->has_cursor || is_behind(query, peer)) && selection_matches(view, query, peer))
            selection_add(selection, &capacity, peer);
    if (selection->count > 0)
        qsort(selection->peers, selection->count, sizeof selection->peers[0],
              query->sort == SORT_OLDEST ? by_age : by_youth);
    selection->is_cut = selection->count > query->limit;
    if (selection->is_cut)
        selection->count = query->limit;
}

static void select_by_id(struct selection *selection, const struct view *view,
                         const struct peer_query *query, const struct peer_order *order)
{
    struct peer_order_place place =
        peer_order_after(order, query->has_cursor ? query->cursor_id : span_of(NULL, 0));
    struct view_peer *peer;
    size_t capacity = 0;

    while (!selection->is_cut && (peer = peer_order_next(order, &place)) != NULL) {
        if (!selection_matches(view, query, peer))
            continue;
        if (selection->count < query->limit)
            selection_add(selection, &capacity, peer);
        else
            selection->is_cut = true;
    }
}

void selection_make(struct selection *selection, const struct view *view,
                    const struct peer_query *query)
{
    const struct peer_order *order =
        selection_order(view, query->archetypes, query->archetype_count);

    *selection = (struct selection){0};
    assert(query->limit > 0);
    if (order == NULL)
        return;
    if (query->sort == SORT_PEER_ID)
        select_by_id(selection, view, query, order);
    else
        select_by_time(selection, view, query, order);
    assert(selection->count <= query->limit);
}

void selection_free(struct selection *selection)
{
    mem_free(selection->peers);
    *selection = (struct selection){0};
}
