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

/* `walked`: the archetype of all who are asked; empty: none. */
static bool has_archetypes(const struct peer_query *query, const struct view_peer *peer,
                           struct span walked)
{
    for (size_t i = 0; i < query->archetype_count; i++)
        if ((walked.len == 0 || !span_equal(query->archetypes[i], walked)) &&
            !view_peer_has(peer, query->archetypes[i]))
            return false;
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

static bool matches(const struct peer_query *query, const struct view_peer *peer,
                    struct span walked)
{
    return !(query->exclude_count > 0 && is_excluded(query, view_peer_id(peer))) &&
           has_archetypes(query, peer, walked) && has_meta(query, peer);
}

bool selection_matches(const struct peer_query *query, const struct view_peer *peer)
{
    return matches(query, peer, span_of(NULL, 0));
}

/* --- All that match ------------------------------------------------------------------------ */

/* A match, and what the order by time needs of it: read once, not at every comparison. */
struct dated {
    uint64_t registered_ms;
    struct view_peer *peer;
};

static void *place_for(void *items, size_t item_bytes, size_t count, size_t *capacity)
{
    if (count < *capacity)
        return items;
    *capacity = *capacity == 0 ? SELECTION_FIRST_CAPACITY : 2 * *capacity;
    return mem_resize(items, *capacity * item_bytes);
}

/* `walked` is the name of the archetype whose order it is; empty: all peers are in it. */
static const struct peer_order *order_of(const struct view *view, const struct span *archetypes,
                                         size_t count, struct span *walked)
{
    const struct peer_order *shortest = &view->peers;

    *walked = span_of(NULL, 0);
    for (size_t i = 0; i < count; i++) {
        const struct view_archetype *archetype = view_archetype_find(view, archetypes[i]);

        if (archetype == NULL)
            return NULL;
        if (walked->len > 0 && archetype->peers.count >= shortest->count)
            continue;
        shortest = &archetype->peers;
        *walked = archetype->name;
    }
    return shortest;
}

const struct peer_order *selection_order(const struct view *view, const struct span *archetypes,
                                         size_t count)
{
    struct span walked;

    return order_of(view, archetypes, count, &walked);
}

static int by_age(const void *a, const void *b)
{
    const struct dated *left = a, *right = b;

    if (left->registered_ms != right->registered_ms)
        return left->registered_ms < right->registered_ms ? -1 : 1;
    return peer_id_compare(view_peer_id(left->peer), view_peer_id(right->peer));
}

static int by_youth(const void *a, const void *b)
{
    return by_age(b, a);
}

/* Is this peer, in the order by time, behind the cursor? */
static bool is_behind(const struct peer_query *query, const struct dated *dated)
{
    int order = dated->registered_ms != query->cursor_ms
                    ? (dated->registered_ms > query->cursor_ms ? 1 : -1)
                    : peer_id_compare(view_peer_id(dated->peer), query->cursor_id);

    return query->sort == SORT_OLDEST ? order > 0 : order < 0;
}

/* Every match is looked at, then ordered: such a page costs more than one by id. */
static void select_by_time(struct selection *selection, const struct peer_query *query,
                           const struct peer_order *order, struct span walked)
{
    struct peer_order_place place = {0, 0};
    struct view_peer *peer;
    struct dated *all = NULL;
    size_t count = 0, capacity = 0;

    while ((peer = peer_order_next(order, &place)) != NULL) {
        struct dated dated = {view_peer_registered_ms(peer), peer};

        if ((query->has_cursor && !is_behind(query, &dated)) || !matches(query, peer, walked))
            continue;
        all = place_for(all, sizeof *all, count, &capacity);
        all[count++] = dated;
    }
    if (count > 0)
        qsort(all, count, sizeof *all, query->sort == SORT_OLDEST ? by_age : by_youth);
    selection->is_cut = count > query->limit;
    selection->count = selection->is_cut ? query->limit : count;
    if (count > 0)
        selection->peers = mem_alloc(selection->count * sizeof selection->peers[0]);
    for (size_t i = 0; i < selection->count; i++)
        selection->peers[i] = all[i].peer;
    mem_free(all);
}

static void select_by_id(struct selection *selection, const struct peer_query *query,
                         const struct peer_order *order, struct span walked)
{
    struct peer_order_place place =
        peer_order_after(order, query->has_cursor ? query->cursor_id : span_of(NULL, 0));
    struct view_peer *peer;
    size_t capacity = 0;

    while (!selection->is_cut && (peer = peer_order_next(order, &place)) != NULL) {
        if (!matches(query, peer, walked))
            continue;
        selection->is_cut = selection->count == query->limit;
        if (selection->is_cut)
            return;
        selection->peers =
            place_for(selection->peers, sizeof selection->peers[0], selection->count, &capacity);
        selection->peers[selection->count++] = peer;
    }
}

void selection_make(struct selection *selection, const struct view *view,
                    const struct peer_query *query)
{
    struct span walked;
    const struct peer_order *order =
        order_of(view, query->archetypes, query->archetype_count, &walked);

    *selection = (struct selection){0};
    assert(query->limit > 0);
    if (order == NULL)
        return;
    if (query->sort == SORT_PEER_ID)
        select_by_id(selection, query, order, walked);
    else
        select_by_time(selection, query, order, walked);
    assert(selection->count <= query->limit);
}

void selection_free(struct selection *selection)
{
    mem_free(selection->peers);
    *selection = (struct selection){0};
}
