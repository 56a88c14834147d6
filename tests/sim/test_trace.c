// SPDX-License-Identifier: Apache-2.0
/* test_trace.c - the hash takes in everything that it is told, in order */
#include "sim/trace.h"

#include <criterion/criterion.h>

/* What two events in this order come to. */
static uint64_t hash_of_two(uint64_t first, uint64_t second)
{
    struct trace trace;

    trace_open(&trace, NULL);
    trace_add(&trace, TRACE_SEND, 10, 1, first, 0, 0);
    trace_add(&trace, TRACE_SEND, 10, 1, second, 0, 0);
    return trace.hash;
}

static uint64_t hash_of_one(enum trace_kind kind, uint64_t now_us, size_t node, uint64_t a,
                            uint64_t b, uint64_t c)
{
    struct trace trace;

    trace_open(&trace, NULL);
    trace_add(&trace, kind, now_us, node, a, b, c);
    return trace.hash;
}

Test(trace, order_matters)
{
    cr_assert_eq(hash_of_two(1, 2), hash_of_two(1, 2));
    cr_assert_neq(hash_of_two(1, 2), hash_of_two(2, 1));
}

Test(trace, every_word_matters)
{
    uint64_t base = hash_of_one(TRACE_SEND, 1, 2, 3, 4, 5);

    cr_assert_neq(base, hash_of_one(TRACE_TICK, 1, 2, 3, 4, 5));
    cr_assert_neq(base, hash_of_one(TRACE_SEND, 9, 2, 3, 4, 5));
    cr_assert_neq(base, hash_of_one(TRACE_SEND, 1, 9, 3, 4, 5));
    cr_assert_neq(base, hash_of_one(TRACE_SEND, 1, 2, 9, 4, 5));
    cr_assert_neq(base, hash_of_one(TRACE_SEND, 1, 2, 3, 9, 5));
    cr_assert_neq(base, hash_of_one(TRACE_SEND, 1, 2, 3, 4, 9));
}
