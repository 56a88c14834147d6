// SPDX-License-Identifier: Apache-2.0
/* arc.h - arcs of the ring of member tags, and how their holder splits one. */
#ifndef AURORA_GOSSIP_ARC_H
#define AURORA_GOSSIP_ARC_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "gossip/limits.h"

struct gossip;
struct member;

/* The tags from low up to but not including high, around the ring; low == high: all of them. */
struct arc {
    uint64_t low;
    uint64_t high;
};

bool arc_contains(struct arc arc, uint64_t tag);
/* Is every tag of `inner` in `outer`? */
bool arc_within(struct arc inner, struct arc outer);
/* Splits the arc, of which we are a member and its holder, into at most SPREAD_FANOUT arcs that
 * together name every tag of it but our own, and hold about equally many members each. Tags of
 * members that only others know lie in one of them, too. Returns how many. */
size_t arc_split(const struct gossip *, struct arc arc, struct arc out[SPREAD_FANOUT]);
/* A random live member inside, preferring any to `except` (a tag, or 0); NULL: there is none. */
struct member *arc_pick(struct gossip *, struct arc arc, uint64_t except);

#endif
