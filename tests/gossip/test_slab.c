// SPDX-License-Identifier: Apache-2.0
/* test_slab.c - what comes out of a slab is zeroed, apart from the rest, and used again */
#include "gossip/slab.h"

#include <criterion/criterion.h>
#include <stdint.h>
#include <string.h>

enum { ITEM_WORDS = 5, MANY = 3000 };

static struct slab slab;

static void start(void)
{
    slab = (struct slab){.item_bytes = ITEM_WORDS * sizeof(uint64_t)};
}

static void stop(void)
{
    slab_free(&slab);
}

TestSuite(slab, .init = start, .fini = stop);

static uint64_t *take(uint64_t mark)
{
    uint64_t *item = slab_take(&slab);

    for (size_t i = 0; i < ITEM_WORDS; i++) {
        cr_assert_eq(item[i], 0U, "word %zu", i);
        item[i] = mark;
    }
    return item;
}

Test(slab, items_do_not_overlap)
{
    static uint64_t *items[MANY];

    for (uint64_t i = 0; i < MANY; i++)
        items[i] = take(i);
    for (uint64_t i = 0; i < MANY; i++)
        for (size_t word = 0; word < ITEM_WORDS; word++)
            cr_assert_eq(items[i][word], i);
}

Test(slab, what_was_given_back_is_taken_first_and_zeroed)
{
    uint64_t *first = take(1), *second = take(2);

    slab_give(&slab, first);
    slab_give(&slab, second);
    cr_assert_eq(take(3), second);
    cr_assert_eq(take(4), first);
}

Test(slab, what_was_reserved_lies_side_by_side)
{
    take(1);
    slab_reserve(&slab, 2000);
    uint64_t *first = take(2);
    for (size_t i = 1; i < 2000; i++)
        cr_assert_eq(take(3), first + i * ITEM_WORDS);
    take(4);
}
