// SPDX-License-Identifier: Apache-2.0
/* selection.h - the peers of the view that a query asks for, in its order */
#ifndef AURORA_NODE_SELECTION_H
#define AURORA_NODE_SELECTION_H

#include "node/peer_query.h"
#include "node/view.h"

struct selection {
    struct view_peer **peers; /* at most query.limit */
    size_t count;
    bool is_cut; /* there were more */
};

/* Does this peer match the query (cursor and limit aside)? */
bool selection_matches(const struct peer_query *, const struct view_peer *);
/* Do these metadata have all of the wanted values? */
bool selection_metadata_has(struct span metadata, const struct peer_query_meta *, size_t count);
/* The shortest list that holds every peer with all of these archetypes; NULL: there are none. */
const struct peer_order *selection_order(const struct view *, const struct span *archetypes,
                                         size_t count);
/* The caller frees the result; its peers are borrowed until the next event. */
void selection_make(struct selection *, const struct view *, const struct peer_query *);
void selection_free(struct selection *);

#endif
