// SPDX-License-Identifier: Apache-2.0
/* peer_query.h - which peers somebody asks for: the parameters of /discover and /v1/peers */
#ifndef AURORA_NODE_PEER_QUERY_H
#define AURORA_NODE_PEER_QUERY_H

#include <stdbool.h>
#include <stddef.h>

#include "gossip/limits.h"
#include "node/http_request.h"

#define PEER_QUERY_META_MAX      8
#define PEER_QUERY_EXCLUDES_MAX  64
#define PEER_QUERY_LIMIT_DEFAULT 10000
#define PEER_QUERY_LIMIT_MAX     100000 /* some 30 MB of JSON: more is for /v1/peers' cursor */
#define PEER_QUERY_ERROR_BYTES   160

/* What is known besides archetype, meta.KEY and exclude; on /v1 everything else is refused. */
enum peer_query_kind {
    PEER_QUERY_DISCOVER = 0, /* limit, reputation; the rest is ignored */
    PEER_QUERY_V1,           /* limit, sort, cursor */
    PEER_QUERY_WATCH,        /* last_event_id */
};

enum peer_sort { SORT_PEER_ID = 0, SORT_OLDEST, SORT_NEWEST };

struct peer_query_meta {
    struct span key, value;
};

/* All spans are in `text`. */
struct peer_query {
    struct span archetypes[PEER_ARCHETYPES_MAX]; /* a peer has no more */
    size_t archetype_count;
    struct peer_query_meta meta[PEER_QUERY_META_MAX];
    size_t meta_count;
    struct span excludes[PEER_QUERY_EXCLUDES_MAX];
    size_t exclude_count;
    size_t limit;
    bool with_reputation;
    enum peer_sort sort;
    bool has_cursor;
    uint64_t cursor_ms; /* for the sorts by time */
    struct span cursor_id;
    struct span last_event_id; /* PEER_QUERY_WATCH; data NULL: absent */
    char error[PEER_QUERY_ERROR_BYTES];
    char text[HTTP_HEAD_MAX_BYTES + PEER_ID_MAX_BYTES + 32]; /* decoded; the cursor's besides */
};

/* False: see error, which names the parameter. */
bool peer_query_read(struct peer_query *, struct span query, enum peer_query_kind);

#define PEER_CURSOR_BYTES 256
/* Where to go on after this peer; NUL-terminated. */
void peer_cursor_write(enum peer_sort, uint64_t registered_wall_ms, struct span peer_id,
                       char out[PEER_CURSOR_BYTES]);

#endif
