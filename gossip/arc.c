// SPDX-License-Identifier: Apache-2.0
/* arc.c - arcs of the ring of member tags, and how their holder splits one. */
#include "gossip/arc.h"

#include <assert.h>

#include "gossip/core.h"

bool arc_contains(struct arc arc, uint64_t tag)
{
    if (arc.low < arc.high)
        return tag >= arc.low && tag < arc.high;
    return tag >= arc.low || tag < arc.high;
}

bool arc_within(struct arc inner, struct arc outer)
{
    if (outer.low == outer.high)
        return true;
    if (inner.low == inner.high)
        return false;
    /* Distances from where the outer one begins turn a ring into a line. */
    uint64_t start = inner.low - outer.low;
    uint64_t length = inner.high - inner.low;
    uint64_t room = outer.high - outer.low;
    return start < room && length <= room - start;
}

/* Positions [first, first + count) of the ring, modulo its size, are the members inside. */
struct stretch {
    size_t first;
    size_t count;
};

static struct stretch stretch_of(const struct gossip *g, struct arc arc)
{
    size_t n = g->members.count;
    assert(n > 0);
    size_t first = members_index(g, arc.low) % n;
    size_t end = members_index(g, arc.high) % n;
    size_t count = (end + n - first) % n;
    /* Both ends at one position: all of the ring is inside, or nothing. */
    if (count == 0 && arc_contains(arc, g->members.ring[first]->life->tag))
        count = n;
    return (struct stretch){first, count};
}

static uint64_t tag_at(const struct gossip *g, size_t position)
{
    return g->members.ring[position % g->members.count]->life->tag;
}

/* Cuts the members of one side of us into `pieces` arcs. The first reaches down to the side's own
 * low end and the last up to its high end, so that no tag falls between. */
static size_t cut_side(const struct gossip *g, struct arc side, struct stretch members,
                       size_t pieces, struct arc *out)
{
    if (members.count == 0 || pieces == 0)
        return 0;
    if (pieces > members.count)
        pieces = members.count;
    for (size_t i = 0; i < pieces; i++) {
        size_t from = members.count * i / pieces;
        size_t to = members.count * (i + 1) / pieces;
        out[i].low = i == 0 ? side.low : tag_at(g, members.first + from);
        out[i].high = i + 1 == pieces ? side.high : tag_at(g, members.first + to);
    }
    return pieces;
}

/* Our own place is a border between pieces: nobody downstream then sends it back to us. */
size_t arc_split(const struct gossip *g, struct arc arc, struct arc out[SPREAD_FANOUT])
{
    uint64_t own = g->tag;
    if (!arc_contains(arc, own))
        return 0; /* whoever sent it holds another picture of us: the arc is not ours to serve */
    struct stretch all = stretch_of(g, arc);
    size_t n = g->members.count;
    size_t before = (members_index(g, own) + n - all.first) % n;
    size_t after = all.count - before - 1;
    struct stretch left = {all.first, before};
    struct stretch right = {all.first + before + 1, after};
    size_t both = before + after;
    if (both == 0)
        return 0;
    size_t left_pieces = (SPREAD_FANOUT * before + both / 2) / both;
    if (before > 0 && left_pieces == 0)
        left_pieces = 1;
    if (after > 0 && left_pieces == SPREAD_FANOUT)
        left_pieces = SPREAD_FANOUT - 1;
    size_t count = cut_side(g, (struct arc){arc.low, own}, left, left_pieces, out);
    count += cut_side(g, (struct arc){own + 1, arc.high}, right, SPREAD_FANOUT - left_pieces,
                      out + count);
    assert(count <= SPREAD_FANOUT);
    return count;
}

struct member *arc_pick(struct gossip *g, struct arc arc, uint64_t except)
{
    struct stretch inside = stretch_of(g, arc);
    if (inside.count == 0)
        return NULL;
    size_t start = prng_below(&g->prng, (uint32_t)inside.count);
    struct member *second_choice = NULL;
    for (size_t i = 0; i < inside.count; i++) {
        size_t position = inside.first + (start + i) % inside.count;
        struct member *member = g->members.ring[position % g->members.count];
        if (!member_is_live(g, member))
            continue;
        if (member->life->tag != except)
            return member;
        second_choice = member;
    }
    return second_choice;
}
