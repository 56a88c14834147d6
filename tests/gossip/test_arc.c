// SPDX-License-Identifier: Apache-2.0
/* test_arc.c - arcs of the ring: whoever splits one leaves nobody out and sends nobody two copies.
 */
#include <criterion/criterion.h>
#include <stdio.h>

#include "gossip/arc.h"
#include "gossip/core.h"

#define RING_MAX 60

/* A core that is only its ring: arcs look at nothing else. */
struct ring {
    struct gossip g;
    struct member members[RING_MAX];
    struct life lives[RING_MAX];
    struct member *order[RING_MAX];
    uint64_t tags[RING_MAX];
};

static struct ring *ring_new(const uint64_t *tags, size_t count, uint64_t own)
{
    struct ring *ring = calloc(1, sizeof *ring);
    static const uint8_t seed[32] = {7};
    prng_seed(&ring->g.prng, seed);
    for (size_t i = 0; i < count; i++) {
        ring->lives[i].tag = tags[i];
        ring->members[i].life = &ring->lives[i];
        ring->order[i] = &ring->members[i];
        ring->tags[i] = tags[i];
        if (tags[i] == own)
            ring->g.members.self = &ring->members[i];
    }
    ring->g.tag = own;
    ring->g.members.ring = ring->order;
    ring->g.members.tags = ring->tags;
    ring->g.members.count = count;
    return ring;
}

static struct ring *random_ring(struct prng *prng, size_t count)
{
    uint64_t tags[RING_MAX] = {0};
    uint64_t tag = prng_below(prng, 1000);
    for (size_t i = 0; i < count; i++) {
        tags[i] = tag;
        tag += 1 + prng_below(prng, 1000);
    }
    return ring_new(tags, count, tags[prng_below(prng, (uint32_t)count)]);
}

static struct prng prng_of(uint8_t number)
{
    struct prng prng;
    uint8_t seed[32] = {number};
    prng_seed(&prng, seed);
    printf("seed %u\n", number);
    return prng;
}

static int holders_of(const struct arc *parts, size_t count, uint64_t tag)
{
    int holders = 0;
    for (size_t i = 0; i < count; i++)
        holders += arc_contains(parts[i], tag);
    return holders;
}

Test(arc, split_names_every_other_tag_exactly_once)
{
    struct prng prng = prng_of(1);
    for (int round = 0; round < 2000; round++) {
        struct ring *ring = random_ring(&prng, 2 + prng_below(&prng, RING_MAX - 2));
        uint64_t own = ring->g.tag;
        struct arc whole = {own, own};
        struct arc parts[SPREAD_FANOUT];
        size_t count = arc_split(&ring->g, whole, parts);
        cr_assert_geq(count, 1);
        for (uint64_t tag = 0; tag < 70000; tag += 1 + prng_below(&prng, 400))
            cr_assert_eq(holders_of(parts, count, tag), tag != own, "tag %lu", (unsigned long)tag);
        cr_assert_eq(holders_of(parts, count, own), 0);
        free(ring);
    }
}

/* Follows the tree to its leaves: every member is reached once. */
static void deliver(struct ring *ring, struct arc arc, uint64_t holder, int *copies)
{
    struct arc parts[SPREAD_FANOUT];
    ring->g.tag = holder;
    size_t count = arc_split(&ring->g, arc, parts);
    for (size_t i = 0; i < count; i++) {
        struct member *to = arc_pick(&ring->g, parts[i], 0);
        if (to == NULL)
            continue;
        copies[to - ring->members]++;
        deliver(ring, parts[i], to->life->tag, copies);
    }
}

Test(arc, tree_reaches_everybody_exactly_once)
{
    struct prng prng = prng_of(2);
    for (int round = 0; round < 300; round++) {
        struct ring *ring = random_ring(&prng, 2 + prng_below(&prng, RING_MAX - 2));
        struct member *home = ring->g.members.self;
        int copies[RING_MAX] = {0};
        /* member_is_live skips self, which stays the home; the others stand in for themselves. */
        deliver(ring, (struct arc){home->life->tag, home->life->tag}, home->life->tag, copies);
        for (size_t i = 0; i < ring->g.members.count; i++)
            cr_assert_eq(copies[i], ring->order[i] != home, "member %zu of %zu", i,
                         ring->g.members.count);
        free(ring);
    }
}

Test(arc, pieces_are_of_about_equal_size)
{
    uint64_t tags[RING_MAX];
    for (size_t i = 0; i < RING_MAX; i++)
        tags[i] = 10 * i;
    struct ring *ring = ring_new(tags, RING_MAX, 300);
    struct arc parts[SPREAD_FANOUT];
    size_t count = arc_split(&ring->g, (struct arc){300, 300}, parts);
    cr_assert_eq(count, SPREAD_FANOUT);
    for (size_t i = 0; i < count; i++) {
        int members = 0;
        for (size_t m = 0; m < RING_MAX; m++)
            members += arc_contains(parts[i], tags[m]);
        cr_assert(members >= 13 && members <= 17, "%d", members);
    }
    free(ring);
}

Test(arc, an_arc_that_we_are_not_in_is_not_ours_to_split)
{
    uint64_t tags[] = {10, 20, 30};
    struct ring *ring = ring_new(tags, 3, 10);
    struct arc parts[SPREAD_FANOUT];
    cr_assert_eq(arc_split(&ring->g, (struct arc){15, 40}, parts), 0);
    free(ring);
}

Test(arc, alone_there_is_nothing_to_split)
{
    uint64_t tags[] = {10};
    struct ring *ring = ring_new(tags, 1, 10);
    struct arc parts[SPREAD_FANOUT];
    cr_assert_eq(arc_split(&ring->g, (struct arc){10, 10}, parts), 0);
    cr_assert_null(arc_pick(&ring->g, (struct arc){10, 10}, 0));
    free(ring);
}

Test(arc, dead_members_are_not_chosen_and_the_excepted_only_as_a_last_resort)
{
    uint64_t tags[] = {10, 20, 30, 40};
    struct ring *ring = ring_new(tags, 4, 10);
    struct arc arc = {15, 45};
    ring->members[2].state = MEMBER_DEAD;
    for (int i = 0; i < 50; i++)
        cr_assert_eq(arc_pick(&ring->g, arc, 20)->life->tag, 40);
    ring->members[3].state = MEMBER_LEFT;
    cr_assert_eq(arc_pick(&ring->g, arc, 20)->life->tag, 20);
    free(ring);
}

Test(arc, within_agrees_with_the_members_of_both)
{
    struct prng prng = prng_of(3);
    for (int round = 0; round < 20000; round++) {
        /* A ring of 16 tags at the top of the number line, so that arcs wrap. */
        uint64_t base = UINT64_MAX - 7;
        struct arc inner = {base + prng_below(&prng, 16), base + prng_below(&prng, 16)};
        struct arc outer = {base + prng_below(&prng, 16), base + prng_below(&prng, 16)};
        bool expected = true;
        for (uint64_t i = 0; i < 16; i++)
            if (arc_contains(inner, base + i) && !arc_contains(outer, base + i))
                expected = false;
        /* The other 2^64 - 16 tags lie together, outside of these sixteen. */
        if (arc_contains(inner, base + 1000) && !arc_contains(outer, base + 1000))
            expected = false;
        cr_assert_eq(arc_within(inner, outer), expected, "[%lx %lx) in [%lx %lx)",
                     (unsigned long)inner.low, (unsigned long)inner.high, (unsigned long)outer.low,
                     (unsigned long)outer.high);
    }
}
