// SPDX-License-Identifier: Apache-2.0
/* test_prng.c - the core's randomness repeats for a seed, and stays within its bounds */
#include "gossip/prng.h"

#include <criterion/criterion.h>

static const uint8_t seed[32] = {1, 2, 3};

Test(prng, same_seed_gives_the_same_numbers)
{
    struct prng a, b;

    prng_seed(&a, seed);
    prng_seed(&b, seed);
    for (int i = 0; i < 1000; i++)
        cr_assert_eq(prng_next(&a), prng_next(&b));
}

Test(prng, seeds_differ_in_what_they_give)
{
    struct prng a, b;
    uint8_t other[32] = {1, 2, 4};
    int equal = 0;

    prng_seed(&a, seed);
    prng_seed(&b, other);
    for (int i = 0; i < 1000; i++)
        equal += prng_next(&a) == prng_next(&b);
    cr_assert_eq(equal, 0);
}

Test(prng, zero_seed_is_no_fixed_point)
{
    struct prng prng;
    static const uint8_t zero[32] = {0};

    prng_seed(&prng, zero);
    cr_assert_neq(prng_next(&prng), prng_next(&prng));
}

Test(prng, below_reaches_every_value_and_no_other)
{
    struct prng prng;
    unsigned seen[7] = {0};

    prng_seed(&prng, seed);
    for (int i = 0; i < 7000; i++) {
        uint32_t value = prng_below(&prng, 7);
        cr_assert_lt(value, 7U);
        seen[value]++;
    }
    for (int i = 0; i < 7; i++)
        cr_assert(seen[i] > 850 && seen[i] < 1150, "%d came %u times", i, seen[i]);
    cr_assert_eq(prng_below(&prng, 1), 0U);
}

Test(prng, jitter_stays_within_its_percentage)
{
    struct prng prng;
    uint64_t lowest = UINT64_MAX, highest = 0;

    prng_seed(&prng, seed);
    for (int i = 0; i < 10000; i++) {
        uint64_t value = prng_jitter(&prng, 1000, 10);
        lowest = value < lowest ? value : lowest;
        highest = value > highest ? value : highest;
    }
    cr_assert_eq(lowest, 900U);
    cr_assert_eq(highest, 1100U);
    cr_assert_eq(prng_jitter(&prng, 1000, 0), 1000U);
    cr_assert_eq(prng_jitter(&prng, 0, 10), 0U);
}
