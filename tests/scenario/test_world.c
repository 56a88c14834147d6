// SPDX-License-Identifier: Apache-2.0
/* test_world.c - the world itself with real cores in it: deterministic, and able to break */
#include "sim/cluster.h"

#include <criterion/criterion.h>
#include <stdio.h>
#include <stdlib.h>

/* A bit of everything, so that every source of order is in the trace. */
static uint64_t eventful_world(uint64_t seed)
{
    struct cluster *c = cluster_new(&(struct cluster_options){.nodes = 6,
                                                              .seed = seed,
                                                              .latency_sigma = 0.5,
                                                              .loss = 0.05,
                                                              .duplicate = 0.05,
                                                              .reorder = 0.05});

    cluster_boot(c);
    cr_assert_eq(cluster_register(c, 1, "printer"), RESULT_OK);
    cluster_client_start(c, "printer", 1000, (const size_t[]){1, 4}, 2, true);
    cluster_crash(c, 5);
    cluster_run_for(c, 8000);
    cluster_cut(c, NODES(0, 1), NODES_RANGE(2, 6));
    cluster_restart(c, 5, DISK_LATEST);
    cluster_stall(c, 3, 700);
    cluster_run_for(c, 8000);
    cluster_heal(c);
    cluster_run_for(c, 5000);
    uint64_t hash = cluster_trace_hash(c);
    cr_assert(cluster_check(c), "seed %lu", (unsigned long)cluster_seed(c));
    cluster_free(c);
    return hash;
}

Test(world, the_same_seed_gives_the_same_trace)
{
    cr_assert_eq(eventful_world(1), eventful_world(1));
}

Test(world, another_seed_gives_another_trace)
{
    if (getenv("AURORA_SEED") == NULL)
        cr_assert_neq(eventful_world(1), eventful_world(2));
}

Test(world, three_nodes_are_one_registry)
{
    struct cluster *c = cluster_new(&(struct cluster_options){.nodes = 3});

    cr_assert_leq(cluster_boot(c), 2000);
    cr_assert_eq(cluster_register(c, 0, "printer"), RESULT_OK);
    cr_assert_leq(cluster_wait_everywhere(c, peer_home("printer", 0), 10), 10);
    cr_assert_eq(cluster_register(c, 2, "scanner"), RESULT_OK);
    cr_assert_leq(cluster_wait_everywhere(c, peer_visible("scanner"), 10), 10);
    cr_assert_leq(cluster_wait_everywhere(c, settled(), 5000), 5000);
    cr_assert_eq(cluster_peers_visible(c, 1), 2);

    cr_assert_eq(cluster_heartbeat(c, 1, "printer"), RESULT_OK, "forwarded to its home");
    cr_assert_eq(cluster_heartbeat(c, 1, "nobody"), RESULT_UNKNOWN_PEER);
    cr_assert_eq(cluster_deregister(c, 1, "printer"), RESULT_OK);
    cr_assert_leq(cluster_wait_everywhere(c, peer_hidden("printer"), 10), 10);
    cr_assert_eq(cluster_peer_down_reason(c, 2, "printer"), PEER_DOWN_DEREGISTERED);
    cr_assert_leq(cluster_wait_everywhere(c, settled(), 5000), 5000);
    cr_assert(cluster_check_settled(c));
    cluster_free(c);
}

Test(world, a_node_alone_is_a_registry_too)
{
    struct cluster *c = cluster_new(&(struct cluster_options){.nodes = 1});

    cluster_boot(c);
    cr_assert_eq(cluster_register_ttl(c, 0, "printer", 10), RESULT_OK);
    cr_assert(cluster_sees_peer(c, 0, "printer"));
    cr_assert_leq(cluster_wait_everywhere(c, peer_hidden("printer"), 10001), 10001);
    cr_assert_eq(cluster_peer_down_reason(c, 0, "printer"), PEER_DOWN_EXPIRED);
    cr_assert(cluster_check_settled(c));
    cluster_free(c);
}

Test(world, a_storm_leaves_all_views_equal)
{
    struct cluster *c = cluster_new(&(struct cluster_options){.nodes = 8,
                                                              .latency_sigma = 1,
                                                              .loss = 0.1,
                                                              .duplicate = 0.3,
                                                              .reorder = 0.3,
                                                              .flip = 0.05});
    char id[16];

    cluster_boot(c);
    for (size_t i = 0; i < 40; i++) {
        snprintf(id, sizeof(id), "peer-%zu", i);
        cluster_ask_register(c, i % 8, id, TTL_DEFAULT_S);
        cluster_run_for(c, 20);
    }
    cluster_run_for(c, 3000);
    for (size_t i = 0; i < 40; i += 3) {
        snprintf(id, sizeof(id), "peer-%zu", i);
        cluster_ask_deregister(c, (i + 3) % 8, id);
    }
    cluster_run_for(c, 10000);
    cluster_set_faults(c, NULL);
    cr_assert_leq(cluster_wait_everywhere(c, settled(), 15000), 15000);
    cr_assert_eq(cluster_peers_visible(c, 5), 40 - 14);
    cr_assert_eq(cluster_false_deaths(c), 0);
    cr_assert(cluster_check_settled(c), "seed %lu", (unsigned long)cluster_seed(c));
    cluster_free(c);
}

Test(world, a_blocked_node_hears_later_what_it_missed)
{
    struct cluster *c = cluster_new(&(struct cluster_options){.nodes = 5});

    cluster_boot(c);
    cluster_block(c, 4);
    cr_assert_eq(cluster_register(c, 0, "printer"), RESULT_OK);
    cluster_run_for(c, 500);
    cr_assert_not(cluster_sees_peer(c, 4, "printer"));
    cluster_unblock(c, 4);
    cr_assert_leq(cluster_wait_at(c, 4, peer_visible("printer"), 5), 5);
    cr_assert_leq(cluster_wait_everywhere(c, settled(), 10000), 10000);
    cr_assert(cluster_check_settled(c));
    cluster_free(c);
}

Test(world, a_paused_node_is_not_asked_and_comes_back)
{
    struct cluster *c = cluster_new(&(struct cluster_options){.nodes = 5});

    cluster_boot(c);
    cluster_stall(c, 2, 1500);
    cr_assert_eq(cluster_register(c, 0, "printer"), RESULT_OK);
    cr_assert_leq(cluster_wait_everywhere(c, peer_visible("printer"), 50), 50);
    cr_assert_not(cluster_sees_peer(c, 2, "printer"));
    cluster_run_for(c, 1600);
    cr_assert_leq(cluster_wait_everywhere(c, settled(), 10000), 10000);
    cr_assert_eq(cluster_false_deaths(c), 0);
    cr_assert(cluster_check_settled(c));
    cluster_free(c);
}

Test(world, a_restarted_node_has_its_disk)
{
    struct cluster *c = cluster_new(&(struct cluster_options){.nodes = 4});

    cluster_boot(c);
    cr_assert_eq(cluster_register(c, 3, "printer"), RESULT_OK);
    cluster_run_for(c, 1000);
    uint64_t epoch = cluster_epoch(c, 3), tag = cluster_tag(c, 3);
    cluster_restart(c, 3, DISK_LATEST);
    cr_assert_gt(cluster_epoch(c, 3), epoch);
    cr_assert_eq(cluster_tag(c, 3), tag);
    cr_assert_leq(cluster_wait_everywhere(c, all_alive(), 5000), 5000);
    cr_assert_leq(cluster_wait_everywhere(c, peer_home("printer", 3), 5000), 5000);
    cr_assert_eq(cluster_heartbeat(c, 3, "printer"), RESULT_OK);
    cr_assert_leq(cluster_wait_everywhere(c, settled(), 10000), 10000);
    cr_assert(cluster_check_settled(c));
    cluster_free(c);
}

Test(world, a_crash_is_known_everywhere)
{
    struct cluster *c = cluster_new(&(struct cluster_options){.nodes = 10});

    cluster_boot(c);
    cluster_run_for(c, 3000);
    cluster_crash(c, 6);
    cr_assert_leq(cluster_wait_everywhere(c, member_is(6, MEMBER_DEAD), 10000), 10000);
    cr_assert_eq(cluster_false_deaths(c), 0);
    cr_assert(cluster_check(c));
    cluster_free(c);
}

Test(world, a_leave_is_no_crash)
{
    struct cluster *c = cluster_new(&(struct cluster_options){.nodes = 5});

    cluster_boot(c);
    cluster_leave(c, 1);
    cr_assert_leq(cluster_wait_everywhere(c, member_is(1, MEMBER_LEFT), 1000), 1000);
    cluster_run_for(c, 2000);
    cr_assert_not(cluster_is_running(c, 1));
    cr_assert(cluster_check(c));
    cluster_free(c);
}
