// SPDX-License-Identifier: Apache-2.0
/* test_lossy_hour.c - 128 nodes, one packet in ten lost, for an hour: no live node is declared dead
 */
#include "sim/cluster.h"

#include <criterion/criterion.h>
#include <stdio.h>

#define MANY 128

static void lossy_hour(uint64_t seed)
{
    struct cluster *c = cluster_new(&(struct cluster_options){.nodes = MANY, .seed = seed});
    uint64_t accusations = 0;

    cluster_boot(c);
    cluster_set_faults(c, &(struct network_faults){.latency_us = 1000, .loss = 0.1});
    cluster_run_for(c, 3600 * 1000);
    for (size_t i = 0; i < MANY; i++)
        accusations += cluster_status(c, i).stats.accusations_made;
    printf("an hour at 10 %% loss, %d nodes, seed %lu: %lu accusations, %lu deaths declared\n",
           MANY, (unsigned long)seed, (unsigned long)accusations,
           (unsigned long)cluster_false_deaths(c));
    cr_assert_gt(accusations, 0, "a test that cannot fail");
    cr_assert_eq(cluster_false_deaths(c), 0);
    cluster_set_faults(c, &(struct network_faults){.latency_us = 1000});
    cr_assert_leq(cluster_wait_everywhere(c, all_alive(), 15000), 15000);
    cr_assert(cluster_check(c));
    cluster_free(c);
}

Test(lossy_hour, no_live_node_is_declared_dead_over_ten_seeds)
{
    for (uint64_t seed = 1; seed <= 10; seed++)
        lossy_hour(seed);
}
