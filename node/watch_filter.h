// SPDX-License-Identifier: Apache-2.0
/* watch_filter.h - which peers a watcher asked for, kept in no more memory than that takes
 *
 * A peer_query is 20 KB, and there may be ten thousand watchers. */
#ifndef AURORA_NODE_WATCH_FILTER_H
#define AURORA_NODE_WATCH_FILTER_H

#include "gossip/gossip.h"
#include "node/peer_query.h"

/* What a filter looks at, apart from the view: a change outlives the peer that it is about. */
struct watch_facts {
    struct blob *record; /* retained; the spans are in it */
    struct span peer_id, metadata;
    size_t archetype_count;
    struct span archetypes[];
};

/* NULL: the statement is no record. */
struct watch_facts *watch_facts_new(struct blob *record);
void watch_facts_free(struct watch_facts *); /* NULL is allowed */
size_t watch_facts_bytes(const struct watch_facts *);

struct watch_filter {
    const struct span *archetypes;
    const struct peer_query_meta *meta;
    const struct span *excludes;
    size_t archetype_count, meta_count, exclude_count;
};

/* The caller owns the result; NULL: the query has no condition. */
struct watch_filter *watch_filter_new(const struct peer_query *);
void watch_filter_free(struct watch_filter *); /* NULL is allowed */
/* A filter that is NULL lets everything pass. The peer is `facts`. */
bool watch_filter_passes(const struct watch_filter *, const struct watch_facts *);
/* The same before there are facts: `peer` is a record's. */
bool watch_filter_passes_peer(const struct watch_filter *, const struct peer_description *peer);

#endif
