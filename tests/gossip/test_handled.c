// SPDX-License-Identifier: Apache-2.0
/* test_handled.c - arcs that were served: known as long as a copy may come, however many there are
 */
#include "gossip/handled.h"

#include <criterion/criterion.h>

#include "gossip/limits.h"

static struct handled_table table;

static void end(void)
{
    handled_free(&table);
}

TestSuite(handled, .fini = end);

static struct arc arc_of(uint64_t low, uint64_t high)
{
    return (struct arc){low, high};
}

/* As evenly spread as the hashes that they stand for. */
static uint64_t key_of(uint64_t number)
{
    return (number + 1) * UINT64_C(0x9e3779b97f4a7c15) >> 7;
}

Test(handled, an_arc_within_one_of_the_same_payload_is_known)
{
    cr_assert_not(handled_has(&table, 7, arc_of(10, 20)));
    handled_add(&table, 7, arc_of(10, 20), 0);
    cr_assert(handled_has(&table, 7, arc_of(10, 20)));
    cr_assert(handled_has(&table, 7, arc_of(12, 15)));
    cr_assert_not(handled_has(&table, 7, arc_of(12, 25)));
    cr_assert_not(handled_has(&table, 8, arc_of(12, 15)));
}

Test(handled, a_payload_whose_hash_is_zero_is_one_like_others)
{
    handled_add(&table, 7, arc_of(10, 20), 1);
    cr_assert_not(handled_has(&table, 0, arc_of(10, 20)));
    handled_add(&table, 0, arc_of(10, 20), 1);
    cr_assert(handled_has(&table, 0, arc_of(10, 20)));
    cr_assert_not(handled_has(&table, 0, arc_of(30, 40)));
}

Test(handled, two_thousand_payloads_a_second_are_known_for_as_long_as_they_may_be_resent)
{
    enum { COUNT = 6000 };

    for (uint64_t i = 0; i < COUNT; i++)
        handled_add(&table, key_of(i), arc_of(i, i + 9), 1000 + i / 2);
    for (uint64_t i = 10; i < COUNT; i++)
        cr_assert(handled_has(&table, key_of(i), arc_of(i, i + 1)), "the %d-th", (int)i);
}

Test(handled, at_rest_it_is_small_and_never_above_its_bound)
{
    for (uint64_t i = 0; i < 1000; i++) /* one each 100 ms */
        handled_add(&table, key_of(i), arc_of(i, i + 9), 100 * i);
    cr_assert_leq(handled_bytes(&table), 128 * sizeof(struct handled));
    for (uint64_t i = 0; i < 100000; i++)
        handled_add(&table, key_of(i), arc_of(i, i + 9), 200000);
    cr_assert_eq(handled_bytes(&table), HANDLED_MAX * sizeof(struct handled));
    cr_assert(handled_has(&table, key_of(99999), arc_of(99999, 100000)), "the last is known");
}

/* More sets would not part them. */
Test(handled, many_arcs_of_one_payload_do_not_make_it_grow)
{
    for (uint64_t i = 0; i < 1000; i++)
        handled_add(&table, 7, arc_of(10 * i, 10 * i + 9), i);
    cr_assert_leq(handled_bytes(&table), 128 * sizeof(struct handled));
    cr_assert(handled_has(&table, 7, arc_of(9990, 9999)));
}
