// SPDX-License-Identifier: Apache-2.0
/* watch_filter.c - which peers a watcher asked for, kept in no more memory than that takes */
#include "node/watch_filter.h"

#include <assert.h>
#include <string.h>

#include "gossip/mem.h"
#include "node/selection.h"

/* --- Facts --------------------------------------------------------------------------------- */

struct watch_facts *watch_facts_new(struct blob *record)
{
    struct record read;

    if (record == NULL || !statement_read_record(blob_span(record), &read))
        return NULL;
    size_t bytes = read.peer.archetype_count * sizeof read.peer.archetypes[0];
    struct watch_facts *facts = mem_alloc(sizeof *facts + bytes);
    facts->record = blob_retain(record);
    facts->peer_id = read.peer.peer_id;
    facts->metadata = read.peer.metadata;
    facts->archetype_count = read.peer.archetype_count;
    memcpy(facts->archetypes, read.peer.archetypes, bytes);
    return facts;
}

void watch_facts_free(struct watch_facts *facts)
{
    if (facts == NULL)
        return;
    blob_release(facts->record);
    mem_free(facts);
}

size_t watch_facts_bytes(const struct watch_facts *facts)
{
    return facts == NULL ? 0
                         : sizeof *facts + facts->archetype_count * sizeof facts->archetypes[0] +
                               sizeof *facts->record + facts->record->len;
}

/* --- Filters ------------------------------------------------------------------------------- */

static struct span span_keep(struct span text, char **room)
{
    struct span kept = span_of(*room, text.len);

    memcpy(*room, text.data, text.len);
    *room += text.len;
    return kept;
}

static size_t text_bytes(const struct peer_query *query)
{
    size_t bytes = 0;

    for (size_t i = 0; i < query->archetype_count; i++)
        bytes += query->archetypes[i].len;
    for (size_t i = 0; i < query->meta_count; i++)
        bytes += query->meta[i].key.len + query->meta[i].value.len;
    for (size_t i = 0; i < query->exclude_count; i++)
        bytes += query->excludes[i].len;
    return bytes;
}

struct watch_filter *watch_filter_new(const struct peer_query *query)
{
    size_t span_count = query->archetype_count + query->exclude_count;

    if (span_count + query->meta_count == 0)
        return NULL;
    struct watch_filter *filter =
        mem_alloc(sizeof *filter + span_count * sizeof(struct span) +
                  query->meta_count * sizeof(struct peer_query_meta) + text_bytes(query));
    struct span *spans = (struct span *)(void *)(filter + 1);
    struct peer_query_meta *meta = (struct peer_query_meta *)(void *)(spans + span_count);
    char *text = (char *)(meta + query->meta_count);
    *filter = (struct watch_filter){
        .archetypes = spans,
        .meta = meta,
        .excludes = spans + query->archetype_count,
        .archetype_count = query->archetype_count,
        .meta_count = query->meta_count,
        .exclude_count = query->exclude_count,
    };
    for (size_t i = 0; i < query->archetype_count; i++)
        *spans++ = span_keep(query->archetypes[i], &text);
    for (size_t i = 0; i < query->exclude_count; i++)
        *spans++ = span_keep(query->excludes[i], &text);
    for (size_t i = 0; i < query->meta_count; i++) {
        meta[i].key = span_keep(query->meta[i].key, &text);
        meta[i].value = span_keep(query->meta[i].value, &text);
    }
    return filter;
}

void watch_filter_free(struct watch_filter *filter)
{
    mem_free(filter);
}

static bool has(const struct span *list, size_t count, struct span text)
{
    for (size_t i = 0; i < count; i++)
        if (span_equal(list[i], text))
            return true;
    return false;
}

static bool passes(const struct watch_filter *filter, struct span peer_id,
                   const struct span *archetypes, size_t archetype_count, struct span metadata)
{
    if (has(filter->excludes, filter->exclude_count, peer_id))
        return false;
    for (size_t i = 0; i < filter->archetype_count; i++)
        if (!has(archetypes, archetype_count, filter->archetypes[i]))
            return false;
    return selection_metadata_has(metadata, filter->meta, filter->meta_count);
}

bool watch_filter_passes(const struct watch_filter *filter, const struct watch_facts *facts)
{
    return filter == NULL || passes(filter, facts->peer_id, facts->archetypes,
                                    facts->archetype_count, facts->metadata);
}

bool watch_filter_passes_peer(const struct watch_filter *filter,
                              const struct peer_description *peer)
{
    return filter == NULL ||
           passes(filter, peer->peer_id, peer->archetypes, peer->archetype_count, peer->metadata);
}
