// SPDX-License-Identifier: Apache-2.0
/* test_cluster.c - the vocabulary means what it says: waiting, measuring, clients, disks */
#include "sim/cluster.h"

#include <criterion/criterion.h>
#include <math.h>

static struct cluster *booted(size_t nodes)
{
    struct cluster *c = cluster_new(&(struct cluster_options){.nodes = nodes});

    cluster_boot(c);
    return c;
}

Test(cluster, percentile_is_the_nearest_rank)
{
    double values[] = {5, 1, 4, 2, 3};

    cr_assert_eq(percentile(values, 5, 50), 3);
    cr_assert_eq(percentile(values, 5, 100), 5);
    cr_assert_eq(percentile(values, 5, 0), 1);
    cr_assert_eq(percentile(values, 5, 81), 5);
    cr_assert(isinf(percentile(values, 0, 50)));
}

Test(cluster, running_takes_exactly_so_long)
{
    struct cluster *c = booted(2);
    uint64_t began_us = cluster_now_us(c);

    cluster_run_for(c, 1234);
    cr_assert_eq(cluster_now_us(c), began_us + 1234000);
    cluster_free(c);
}

Test(cluster, waiting_ends_when_it_is_true_or_at_the_bound)
{
    struct cluster *c = booted(3);
    uint64_t began_us = cluster_now_us(c);

    cr_assert_eq(cluster_wait_everywhere(c, peer_visible("nobody"), 700), CLUSTER_NEVER);
    cr_assert_eq(cluster_now_us(c), began_us + 700000);
    cr_assert_eq(cluster_wait_everywhere(c, peer_hidden("nobody"), 700), 0);
    cr_assert_eq(cluster_register(c, 0, "printer"), RESULT_OK);
    cr_assert_eq(cluster_wait_at(c, 0, peer_visible("printer"), 700), 0);
    cr_assert_eq(cluster_wait_at(c, 1, peer_visible("printer"), 700), 1, "one latency");
    cluster_free(c);
}

Test(cluster, whoever_is_down_is_not_asked)
{
    struct cluster *c = booted(4);

    cluster_crash(c, 3);
    cr_assert_eq(cluster_register(c, 0, "printer"), RESULT_OK);
    cr_assert_leq(cluster_wait_everywhere(c, peer_visible("printer"), 50), 50);
    cr_assert_not(cluster_sees_peer(c, 3, "printer"));
    cr_assert_eq(cluster_wait_at(c, 3, peer_hidden("printer"), 10), CLUSTER_NEVER);
    cluster_free(c);
}

Test(cluster, visibility_is_measured_at_every_running_node)
{
    struct cluster *c = booted(4);
    double ms[4];

    cluster_pause(c, 2);
    uint64_t since_us = cluster_now_us(c);
    cr_assert_eq(cluster_register(c, 0, "printer"), RESULT_OK);
    cr_assert_eq(cluster_visibility_ms(c, "printer", since_us, ms, 4), 3);
    cr_assert_eq(ms[0], 0);
    cr_assert(isinf(ms[1]));
    cluster_run_for(c, 20);
    cr_assert_eq(cluster_visibility_ms(c, "printer", since_us, ms, 4), 3);
    cr_assert_eq(ms[1], 1);
    cr_assert_eq(ms[2], 1, "of node 3: node 2 is paused");
    cluster_free(c);
}

Test(cluster, a_client_goes_on_to_the_next_node)
{
    struct cluster *c = booted(3);

    cr_assert_eq(cluster_register(c, 0, "printer"), RESULT_OK);
    cluster_client_start(c, "printer", 100, (const size_t[]){1, 2}, 2, false);
    cluster_run_for(c, 1000);
    struct client_stats stats = cluster_client_stats(c, "printer");
    cr_assert_eq(stats.sent, 10);
    cr_assert_geq(stats.ok, 9);
    cluster_crash(c, 1);
    cluster_run_for(c, 1000);
    cr_assert_eq(cluster_client_stats(c, "printer").sent, 20);
    cr_assert_eq(cluster_client_stats(c, "printer").refused, 0);
    cluster_crash(c, 2);
    cluster_run_for(c, 1000);
    cr_assert_eq(cluster_client_stats(c, "printer").refused, 10);
    cluster_client_stop(c, "printer");
    cr_assert_eq(cluster_client_stats(c, "printer").sent, 0);
    cluster_free(c);
}

Test(cluster, a_client_learns_that_it_is_unknown)
{
    struct cluster *c = booted(3);

    cluster_client_start(c, "nobody", 100, (const size_t[]){1}, 1, false);
    cluster_run_for(c, 1000);
    cr_assert_eq(cluster_client_stats(c, "nobody").last, RESULT_UNKNOWN_PEER);
    cr_assert_geq(cluster_client_stats(c, "nobody").unknown, 9);
    cluster_free(c);
}

Test(cluster, disks_differ_in_what_they_remember)
{
    struct cluster *c = booted(3);
    uint64_t tag = cluster_tag(c, 2);

    cluster_copy_disk(c, 2);
    cr_assert_eq(cluster_register(c, 2, "printer"), RESULT_OK);
    cluster_restart(c, 2, DISK_OLD);
    cr_assert_eq(cluster_tag(c, 2), tag);
    cr_assert_eq(cluster_world(c)->nodes[2].disk.lease_count, 0, "it was copied before");
    cr_assert_eq(cluster_world(c)->nodes[2].disk.alive_count, 2);
    cluster_restart(c, 2, DISK_KEY_ONLY);
    cr_assert_eq(cluster_tag(c, 2), tag);
    cr_assert_eq(cluster_world(c)->nodes[2].disk.alive_count, 0);
    cluster_restart(c, 2, DISK_NONE);
    cr_assert_neq(cluster_tag(c, 2), tag);
    cr_assert_leq(cluster_wait_everywhere(c, all_alive(), 5000), 5000);
    cluster_free(c);
}

Test(cluster, a_wall_clock_may_jump_without_time_moving)
{
    struct cluster *c = booted(2);
    struct gossip_time before = cluster_time(c, 1);

    cluster_set_clock(c, 1, -3600000);
    cr_assert_eq(cluster_time(c, 1).mono_ms, before.mono_ms);
    cr_assert_eq(cluster_time(c, 1).wall_ms, before.wall_ms - 3600000);
    cluster_free(c);
}

Test(cluster, what_waits_at_a_paused_node_is_bounded)
{
    struct cluster *c = booted(3);

    cluster_pause(c, 1);
    cluster_run_for(c, 3600000);
    cr_assert_leq(cluster_world(c)->nodes[1].inbound.count, PACKETS_WAITING_MAX);
    cluster_resume(c, 1);
    cr_assert_leq(cluster_wait_everywhere(c, all_alive(), 20000), 20000);
    cluster_free(c);
}

Test(cluster, a_world_may_begin_in_the_middle)
{
    struct cluster *c = cluster_new(&(struct cluster_options){.nodes = 40, .seed = 5});

    cluster_boot_known(c);
    cr_assert(cluster_holds_everywhere(c, all_alive()));
    cr_assert_eq(cluster_register(c, 7, "printer"), RESULT_OK);
    cr_assert_leq(cluster_wait_everywhere(c, peer_visible("printer"), 100), 100);
    cluster_crash(c, 9);
    cr_assert_leq(cluster_wait_everywhere(c, member_is(9, MEMBER_DEAD), 10000), 10000);
    cluster_run_for(c, 10000);
    cr_assert(cluster_holds_everywhere(c, all_alive()));
    cr_assert_eq(cluster_false_deaths(c), 0);
    cr_assert(cluster_check(c));
    cluster_free(c);
}
