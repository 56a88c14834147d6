// SPDX-License-Identifier: Apache-2.0
/* links.h - a set of links, each from one node to another: a bit each, and how many each node has
 */
#ifndef AURORA_SIM_LINKS_H
#define AURORA_SIM_LINKS_H

#include <assert.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "sim/node_set.h"

/* Ten thousand nodes take 12 MB; an empty set takes nothing. */
struct links {
    uint64_t *bits; /* a row of words per sender; NULL: empty */
    uint32_t *ends; /* by node: links that begin or end there */
    size_t nodes, words;
    size_t count;
};

static inline struct links links_none(size_t nodes)
{
    return (struct links){.nodes = nodes, .words = (nodes + 63) / 64};
}

void links_clear(struct links *);
/* A node has no link to itself: that one is never added. */
void links_add(struct links *, size_t from, size_t to);
void links_remove(struct links *, size_t from, size_t to);
/* Every link from one set to the other. */
void links_add_between(struct links *, const struct node_set *from, const struct node_set *to);

static inline bool links_has(const struct links *links, size_t from, size_t to)
{
    assert(from < links->nodes && to < links->nodes);
    return links->count > 0 && (links->bits[from * links->words + to / 64] >> (to % 64) & 1) != 0;
}

static inline size_t links_at(const struct links *links, size_t node)
{
    return links->count > 0 ? links->ends[node] : 0;
}

#endif
