// SPDX-License-Identifier: Apache-2.0
/* test_prints.c - a fingerprint is there as often as it was added, however they collide */
#include "gossip/prints.h"

#include "gossip/prng.h"

#include <criterion/criterion.h>

static struct prints prints;

static void stop(void)
{
    prints_free(&prints);
}

TestSuite(prints, .fini = stop);

static bool is_there(uint32_t print)
{
    bool was_there = prints_add(&prints, print);

    prints_remove(&prints, print);
    return was_there;
}

Test(prints, the_second_of_a_kind_is_told)
{
    cr_assert_not(prints_add(&prints, 7));
    cr_assert(prints_add(&prints, 7));
    prints_remove(&prints, 7);
    cr_assert(is_there(7));
    prints_remove(&prints, 7);
    cr_assert_not(is_there(7));
    cr_assert_eq(prints.count, 0U);
}

Test(prints, no_hash_has_the_empty_fingerprint)
{
    cr_assert_neq(print_of(0), 0U);
    cr_assert_neq(print_of(0xffffffff), 0U);
    cr_assert_eq(print_of(UINT64_C(5) << 32), 5U);
}

/* Few values in a small range: runs collide, and wrap around the end. */
Test(prints, holds_what_a_count_of_each_says)
{
    enum { VALUES = 96, STEPS = 20000 };
    static unsigned counts[VALUES];
    struct prng prng;
    uint8_t seed[32] = {3};

    prng_seed(&prng, seed);
    prints_reserve(&prints, 40);
    for (size_t step = 0; step < STEPS; step++) {
        uint32_t value = prng_below(&prng, VALUES), print = value * 32 + 31;

        if (prng_below(&prng, 2) == 0 || counts[value] == 0)
            cr_assert_eq(prints_add(&prints, print), counts[value]++ > 0);
        else
            prints_remove(&prints, print), counts[value]--;
        cr_assert_eq(is_there(print), counts[value] > 0);
    }
}
