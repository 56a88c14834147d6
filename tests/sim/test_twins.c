// SPDX-License-Identifier: Apache-2.0
/* test_twins.c - I15: order, loss and repetition of what is heard change nothing in the end */
#include "sim/twins.h"

#include "sim/check.h"

#include <criterion/criterion.h>

Test(twins, the_same_operations_in_any_order_give_the_same_logs)
{
    for (uint64_t seed = 1; seed <= 3; seed++)
        cr_assert(twins_agree(seed, 3 + 2 * seed), "seed %lu", (unsigned long)seed);
}

Test(twins, one_operation_more_is_caught)
{
    struct cluster *calm = twins_live(4, 3, false);
    struct cluster *wild = twins_live(4, 3, true);

    cr_assert_eq(cluster_register(wild, 1, "one more"), RESULT_OK);
    cr_assert_not(twins_compare(calm, wild));
    cr_assert_gt(cluster_world(wild)->broken[I15], 0);
    cluster_failures(wild);
    cluster_free(calm);
    cluster_free(wild);
}
