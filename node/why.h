// SPDX-License-Identifier: Apache-2.0
/* why.h - the last events on this node, to be asked about a peer or a node
 *
 * A bounded ring: the oldest goes first. Its memory is touched only as far as it was ever filled.
 */
#ifndef AURORA_NODE_WHY_H
#define AURORA_NODE_WHY_H

#include <stdbool.h>
#include <stddef.h>

#include "gossip/gossip.h"
#include "node/json_writer.h"
#include "node/view.h"

#define WHY_EVENTS_MAX 4096

struct why_event;

struct why {
    struct why_event *ring; /* WHY_EVENTS_MAX */
    uint64_t count;         /* ever recorded */
};

void why_init(struct why *);
void why_free(struct why *);
/* Before view_apply: what the view still says tells news from repetition. */
void why_record(struct why *, const struct view *, const struct gossip_event *);
/* Writes an array of what is remembered of this peer or of this node (NULL: none), oldest first;
 * returns how many there were. */
size_t why_put(const struct why *, const struct view *, struct span peer_id,
               const struct view_member *node, struct json_writer *);

#endif
