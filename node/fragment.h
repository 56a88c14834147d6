// SPDX-License-Identifier: Apache-2.0
/* fragment.h - a peer's JSON, ready-made but for its last_seen, in a bounded cache */
#ifndef AURORA_NODE_FRAGMENT_H
#define AURORA_NODE_FRAGMENT_H

#include "node/json_writer.h"
#include "node/view.h"

/* Some hundred thousand peers. Beyond it the oldest is made anew when it is asked for. */
#define FRAGMENTS_MAX_BYTES (32u << 20)

/* "peer_id":...,"address":...,"port":...,"archetypes":[...],"last_seen":"<hole>","metadata":{...}
 * without the braces around it, so that more members can follow. */
struct fragment {
    struct view_peer *peer;
    struct fragment *older, *newer;
    size_t len, hole; /* `hole`: where last_seen's text goes */
    char text[];
};

/* Made when it is not cached. Borrowed until the next event or the next fragment. */
const struct fragment *fragment_of(struct view *, struct view_peer *);
/* When the peer goes. */
void fragment_drop(struct view *, struct view_peer *);

/* The six members with this last_seen (ISO 8601), inside of an object that was just opened. */
void fragment_put(struct json_writer *, const struct fragment *, const char *last_seen);

#endif
