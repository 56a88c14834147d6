// SPDX-License-Identifier: Apache-2.0
/* test_table.c - what was added is found by its hash until it is removed, however hashes collide */
#include "gossip/table.h"

#include "gossip/prng.h"

#include <criterion/criterion.h>

#define MANY 2000

static struct table table;
static int items[MANY];

static void stop(void)
{
    table_free(&table);
}

TestSuite(table, .fini = stop);

static size_t occurrences(uint64_t hash, const void *item)
{
    size_t cursor = 0, count = 0;

    for (void *found; (found = table_next(&table, hash, &cursor)) != NULL;)
        count += found == item;
    cr_assert_null(table_next(&table, hash, &cursor), "the end stays the end");
    return count;
}

Test(table, empty_table_finds_nothing)
{
    size_t cursor = 0;

    cr_assert_null(table_next(&table, 1, &cursor));
}

Test(table, items_of_one_hash_come_one_after_the_other)
{
    for (size_t i = 0; i < 10; i++)
        table_add(&table, 5, &items[i]);
    table_add(&table, 6, &items[10]);
    for (size_t i = 0; i < 10; i++)
        cr_assert_eq(occurrences(5, &items[i]), 1U);
    cr_assert_eq(occurrences(5, &items[10]), 0U);
    cr_assert_eq(occurrences(6, &items[10]), 1U);
}

Test(table, removing_one_keeps_those_that_probed_past_it)
{
    for (size_t i = 0; i < 10; i++)
        table_add(&table, 5, &items[i]);
    table_remove(&table, 5, &items[0]);
    table_remove(&table, 5, &items[4]);
    for (size_t i = 0; i < 10; i++)
        cr_assert_eq(occurrences(5, &items[i]), i != 0 && i != 4);
    cr_assert_eq(table.count, 8U);
}

/* Few hashes and many items: long runs that wrap around the end of the table. */
Test(table, any_mixture_agrees_with_a_naive_set)
{
    static const uint8_t seed[32] = {7};
    static uint64_t held[MANY]; /* hash + 1; 0: not in the table */
    struct prng prng;
    size_t count = 0;

    prng_seed(&prng, seed);
    for (int step = 0; step < 40000; step++) {
        size_t i = prng_below(&prng, step < 20000 ? MANY : 12);
        if (held[i] == 0) {
            uint64_t hash = prng_below(&prng, 2) ? prng_next(&prng) : prng_below(&prng, 4);
            table_add(&table, hash, &items[i]);
            held[i] = hash + 1;
            count++;
        } else {
            cr_assert_eq(occurrences(held[i] - 1, &items[i]), 1U, "step %d", step);
            table_remove(&table, held[i] - 1, &items[i]);
            cr_assert_eq(occurrences(held[i] - 1, &items[i]), 0U, "step %d", step);
            held[i] = 0;
            count--;
        }
        cr_assert_eq(table.count, count);
    }
    for (size_t i = 0; i < MANY; i++) {
        if (held[i] != 0)
            cr_assert_eq(occurrences(held[i] - 1, &items[i]), 1U);
    }
}
