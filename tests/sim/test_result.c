// SPDX-License-Identifier: Apache-2.0
/* test_result.c - how grave an end is */
#include "sim/result.h"

#include <criterion/criterion.h>
#include <string.h>

static struct outcome held(void)
{
    struct outcome outcome = {.is_done = true, .trace_hash = 7};

    outcome.asked[I4] = 1;
    return outcome;
}

static struct outcome broken(enum invariant which)
{
    struct outcome outcome = held();

    outcome.broken[which] = 1;
    return outcome;
}

Test(result, convergence_is_liveness_everything_else_safety)
{
    static const enum invariant liveness[] = {I6, I7, I10, I16};

    for (enum invariant i = I1; i < INVARIANTS; i++) {
        struct outcome outcome = broken(i);
        enum exit_status expected = EXIT_SAFETY;

        for (size_t k = 0; k < sizeof(liveness) / sizeof(liveness[0]); k++)
            if (i == liveness[k])
                expected = EXIT_LIVENESS;
        cr_assert_eq(outcome_status(&outcome), expected, "I%d", (int)i);
    }
}

Test(result, being_late_is_liveness_and_not_ending_a_crash)
{
    struct outcome outcome = held();

    cr_assert_eq(outcome_status(&outcome), EXIT_HELD);
    outcome.is_late = true;
    cr_assert_eq(outcome_status(&outcome), EXIT_LIVENESS);
    outcome.is_done = false;
    cr_assert_eq(outcome_status(&outcome), EXIT_CRASH);
    outcome = held();
    outcome.has_crashed = true;
    cr_assert_eq(outcome_status(&outcome), EXIT_CRASH);
}

Test(result, gravest_counts_and_its_first_cell_is_named)
{
    struct outcome all[] = {held(), broken(I6), broken(I4), broken(I4), held()};
    struct result result = {.cells = 5};

    result_sum(&result, all);
    cr_assert_eq(result.status, EXIT_SAFETY);
    cr_assert_eq(result.worst_cell, 2);
    cr_assert_eq(result.broken[I4], 2);
    cr_assert_eq(result.asked[I4], 5);
    all[4].is_done = false;
    result = (struct result){.cells = 5};
    result_sum(&result, all);
    cr_assert_eq(result.status, EXIT_CRASH);
    cr_assert_eq(result.worst_cell, 4);
}

Test(result, hash_knows_the_order_of_the_cells)
{
    struct outcome all[] = {held(), held()};
    struct result first = {.cells = 2}, second = {.cells = 2};

    all[0].trace_hash = 1;
    result_sum(&first, all);
    all[0].trace_hash = 7;
    all[1].trace_hash = 1;
    result_sum(&second, all);
    cr_assert_neq(first.trace_hash, second.trace_hash);
}
