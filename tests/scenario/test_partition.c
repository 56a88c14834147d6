// SPDX-License-Identifier: Apache-2.0
/* test_partition.c - cut in two, cut off, cut one way: and one registry again when it heals */
#include "sim/cluster.h"

#include <criterion/criterion.h>

/* What every partition must end in. */
static void must_settle(struct cluster *c)
{
    cr_assert_leq(cluster_wait_everywhere(c, settled(), 15000), 15000);
    cr_assert(cluster_check_settled(c), "seed %lu", (unsigned long)cluster_seed(c));
}

Test(partition, two_halves_become_one_registry_again)
{
    struct cluster *c = cluster_new(&(struct cluster_options){.nodes = 10});

    cluster_boot(c);
    cr_assert_eq(cluster_register(c, 1, "before"), RESULT_OK);
    cr_assert_leq(cluster_wait_everywhere(c, peer_visible("before"), 1000), 1000);
    cluster_cut(c, NODES_RANGE(0, 5), NODES_RANGE(5, 10));
    cluster_run_for(c, 30000);
    cr_assert_eq(cluster_register(c, 2, "left"), RESULT_OK);
    cr_assert_eq(cluster_register(c, 7, "right"), RESULT_OK);
    cr_assert_eq(cluster_deregister(c, 1, "before"), RESULT_OK);
    cluster_run_for(c, 30000);
    cr_assert(cluster_sees_peer(c, 0, "left"));
    cr_assert_not(cluster_sees_peer(c, 0, "right"));
    cr_assert(cluster_sees_peer(c, 9, "before"), "the other half cannot know");

    cluster_heal(c);
    must_settle(c);
    cr_assert(cluster_holds_everywhere(c, peer_visible("left")));
    cr_assert(cluster_holds_everywhere(c, peer_visible("right")));
    cr_assert(cluster_holds_everywhere(c, peer_hidden("before")));
    cluster_free(c);
}

Test(partition, whoever_is_cut_off_declares_nobody_dead)
{
    struct cluster *c = cluster_new(&(struct cluster_options){.nodes = 7});

    cluster_boot(c);
    cluster_run_for(c, 2000);
    cluster_isolate(c, 3);
    cr_assert_leq(cluster_wait_at(c, 3, cut_off(), 4000), 4000);
    cluster_run_for(c, 30000);
    for (size_t i = 0; i < 7; i++)
        cr_assert_neq(cluster_sees_member(c, 3, i), MEMBER_DEAD, "n%zu", i);
    cr_assert_eq(cluster_sees_member(c, 0, 3), MEMBER_DEAD);
    cr_assert_eq(cluster_sees_member(c, 0, 5), MEMBER_ALIVE);

    cluster_heal(c);
    must_settle(c);
    cluster_free(c);
}

Test(partition, a_minority_is_too_few_to_bury_the_others)
{
    struct cluster *c = cluster_new(&(struct cluster_options){.nodes = 9});

    cluster_boot(c);
    cluster_run_for(c, 2000);
    cluster_cut(c, NODES(0, 1), NODES_RANGE(2, 9));
    cluster_run_for(c, 60000);
    for (size_t i = 2; i < 9; i++) {
        cr_assert_neq(cluster_sees_member(c, 0, i), MEMBER_DEAD, "n%zu", i);
        cr_assert_neq(cluster_sees_member(c, 0, i), MEMBER_ALIVE, "n%zu", i);
        cr_assert_eq(cluster_sees_member(c, i, 0), MEMBER_DEAD, "at n%zu", i);
    }
    cluster_heal(c);
    must_settle(c);
    cluster_free(c);
}

Test(partition, one_link_down_kills_nobody)
{
    struct cluster *c = cluster_new(&(struct cluster_options){.nodes = 8});

    cluster_boot(c);
    cluster_cut(c, NODES(2), NODES(5));
    cluster_run_for(c, 60000);
    cr_assert_eq(cluster_false_deaths(c), 0);
    cr_assert_eq(cluster_register(c, 2, "printer"), RESULT_OK);
    cr_assert_leq(cluster_wait_everywhere(c, peer_visible("printer"), 1000), 1000);
    cluster_heal(c);
    must_settle(c);
    cluster_free(c);
}

Test(partition, a_one_way_link_kills_nobody)
{
    struct cluster *c = cluster_new(&(struct cluster_options){.nodes = 8});

    cluster_boot(c);
    cluster_cut_one_way(c, NODES(2), NODES(5, 6));
    cluster_run_for(c, 60000);
    cr_assert_eq(cluster_false_deaths(c), 0);
    cluster_heal(c);
    must_settle(c);
    cluster_free(c);
}

Test(partition, a_node_that_only_hears_is_found_dead_and_comes_back)
{
    struct cluster *c = cluster_new(&(struct cluster_options){.nodes = 8});

    cluster_boot(c);
    cluster_run_for(c, 2000);
    cluster_cut_one_way(c, NODES(4), NODES_RANGE(0, 8));
    cluster_run_for(c, 30000);
    for (size_t i = 0; i < 8; i++)
        cr_assert(i == 4 || cluster_sees_member(c, i, 4) == MEMBER_DEAD, "at n%zu", i);
    cluster_heal(c);
    must_settle(c);
    cluster_free(c);
}

Test(partition, two_nodes_apart_each_go_on_alone)
{
    struct cluster *c = cluster_new(&(struct cluster_options){.nodes = 2});

    cluster_boot(c);
    cr_assert_eq(cluster_register(c, 0, "left"), RESULT_OK);
    cr_assert_eq(cluster_register(c, 1, "right"), RESULT_OK);
    cluster_isolate(c, 0);
    cluster_run_for(c, 20000);
    cr_assert_eq(cluster_register(c, 0, "later"), RESULT_OK);
    cluster_heal(c);
    must_settle(c);
    cr_assert_eq(cluster_peers_visible(c, 1), 3);
    cluster_free(c);
}
