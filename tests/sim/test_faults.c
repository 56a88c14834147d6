// SPDX-License-Identifier: Apache-2.0
/* test_faults.c - every fault does what it says, and the world knows where something is wrong */
#include "sim/cluster.h"

#include <criterion/criterion.h>

static struct cluster *make(size_t nodes)
{
    return cluster_new(&(struct cluster_options){.nodes = nodes});
}

static struct cluster *booted(size_t nodes)
{
    struct cluster *c = make(nodes);

    cluster_boot(c);
    return c;
}

static bool is_cut(struct cluster *c, size_t from, size_t to)
{
    return network_is_cut(&cluster_world(c)->network, from, to);
}

static uint64_t packets_in(struct cluster *c, size_t node)
{
    return cluster_status(c, node).stats.packets_in;
}

/* --- Partitions
 * ------------------------------------------------------------------------------------ */

Test(faults, a_partial_partition_leaves_those_in_between)
{
    struct cluster *c = make(3);

    cluster_cut(c, NODES(0), NODES(1));
    cr_assert(is_cut(c, 0, 1) && is_cut(c, 1, 0));
    cr_assert_not(is_cut(c, 0, 2) || is_cut(c, 2, 0) || is_cut(c, 1, 2) || is_cut(c, 2, 1));
    cluster_heal(c);
    cr_assert_not(is_cut(c, 0, 1));
    cluster_free(c);
}

Test(faults, a_flip_flop_keeps_its_times_and_its_direction)
{
    struct cluster *c = make(4);

    cluster_flip_flop(c, NODES(2, 3), DIRECTION_IN, 20, 30, 95);
    for (uint64_t ms = 0; ms < 150; ms++) {
        bool is_down = ms < 20 || (ms >= 50 && ms < 70);

        cluster_run_for(c, ms == 0 ? 0 : 1);
        cr_assert_eq(is_cut(c, 0, 2), is_down, "at %lu ms", (unsigned long)ms);
        cr_assert_eq(is_cut(c, 2, 3), is_down, "each of them, from each other, too");
        cr_assert_not(is_cut(c, 2, 0));
        cr_assert_not(is_cut(c, 0, 1));
    }
    cr_assert_null(cluster_world(c)->courses);
    cluster_free(c);
}

Test(faults, a_flip_flop_that_ends_while_down_comes_back)
{
    struct cluster *c = make(3);

    cluster_flip_flop(c, NODES(1), DIRECTION_BOTH, 20, 20, 50);
    cluster_run_for(c, 49);
    cr_assert(is_cut(c, 0, 1));
    cluster_run_for(c, 1);
    cr_assert_not(is_cut(c, 0, 1));
    cluster_free(c);
}

/* Links of node 1 that are stopped now. */
static size_t stopped(struct cluster *c)
{
    size_t count = 0;

    for (size_t i = 0; i < cluster_nodes(c); i++) {
        cr_assert_eq(is_cut(c, 1, i), is_cut(c, i, 1));
        count += is_cut(c, 1, i);
    }
    return count;
}

Test(faults, a_swizzle_stops_links_one_by_one_and_restores_them_in_another_order)
{
    struct cluster *c = make(11);
    uint64_t down_at[11] = {0}, up_at[11] = {0};

    cluster_swizzle(c, NODES(1), 2000);
    for (uint64_t ms = 0; ms <= 2000; ms += 100) {
        size_t expected = ms <= 1000 ? ms / 100 : (2000 - ms) / 100;

        cluster_run_for(c, ms == 0 ? 0 : 100);
        cr_assert_eq(stopped(c), expected);
        for (size_t i = 0; i < 11; i++) {
            if (is_cut(c, 1, i) && down_at[i] == 0)
                down_at[i] = ms;
            if (!is_cut(c, 1, i) && down_at[i] > 0 && up_at[i] == 0)
                up_at[i] = ms;
        }
    }
    size_t same = 0, order = 0;
    for (size_t i = 0; i < 11; i++) {
        same += i != 1 && up_at[i] - down_at[i] == 1000;
        order += i > 1 && down_at[i] > down_at[i - 1];
    }
    cr_assert_lt(same, 10, "not first stopped, first restored");
    cr_assert_lt(order, 9, "not in order of their numbers");
    cr_assert_null(cluster_world(c)->courses);
    cluster_free(c);
}

Test(faults, a_link_that_two_swizzles_stopped_comes_back_when_both_let_go)
{
    struct cluster *c = make(2);

    cluster_swizzle(c, NODES(0), 100);
    cluster_swizzle(c, NODES(1), 200);
    cluster_run_for(c, 60);
    cr_assert(is_cut(c, 0, 1), "stopped by the first at 50 ms");
    cluster_run_for(c, 60);
    cr_assert(is_cut(c, 0, 1), "the first ended at 100 ms, the second began then");
    cluster_run_for(c, 90);
    cr_assert_not(is_cut(c, 0, 1));
    cluster_free(c);
}

Test(faults, a_heal_ends_what_goes_on_by_itself)
{
    struct cluster *c = make(5);

    cluster_flip_flop(c, NODES(1), DIRECTION_OUT, 1000, 1000, 60000);
    cluster_swizzle(c, NODES(2), 10000);
    cluster_cut(c, NODES(3), NODES(4));
    cluster_run_for(c, 4500);
    cluster_uncut(c);
    cr_assert_not(is_cut(c, 3, 4));
    cr_assert(is_cut(c, 1, 0), "that goes on");
    cluster_heal(c);
    for (size_t i = 0; i < 25; i++)
        cr_assert_not(is_cut(c, i / 5, i % 5));
    cluster_run_for(c, 60000);
    for (size_t i = 0; i < 25; i++)
        cr_assert_not(is_cut(c, i / 5, i % 5));
    cluster_free(c);
}

/* --- Addresses
 * ------------------------------------------------------------------------------------- */

static uint64_t sent_between_ms(struct cluster *c, size_t node, uint64_t ms)
{
    uint64_t before = packets_in(c, node);

    cluster_run_for(c, ms);
    return packets_in(c, node) - before;
}

Test(faults, after_a_rebinding_nobody_reaches_the_old_port)
{
    struct cluster *c = booted(2);

    cluster_block(c, 1); /* it sends nothing: the others cannot learn the new one */
    cluster_rebind(c, 1);
    cluster_run_for(c, 3000);
    cr_assert_eq(cluster_world(c)->nodes[1].inbound.count, 0);
    cluster_free(c);
}

Test(faults, a_late_rebinding_leaves_the_old_port_for_a_while)
{
    struct cluster *c = booted(2);

    cluster_block(c, 1);
    cluster_rebind_late(c, 1, 2000);
    cluster_run_for(c, 2001);
    size_t came = cluster_world(c)->nodes[1].inbound.count;
    cr_assert_gt(came, 0);
    cluster_run_for(c, 3000);
    cr_assert_eq(cluster_world(c)->nodes[1].inbound.count, came);
    cluster_free(c);
}

Test(faults, swapped_nodes_get_what_is_meant_for_the_other)
{
    struct cluster *c = cluster_new(&(struct cluster_options){.nodes = 6, .foreign = 3});

    cluster_boot(c);
    cr_assert_eq(sent_between_ms(c, 0, 1000) > 0, true);
    cr_assert_eq(cluster_status(c, 2).stats.drops[DROP_UNKNOWN_KEY], 0);
    cluster_swap_addresses(c, 2, 5);
    cluster_run_for(c, 1000);
    cr_assert_gt(cluster_status(c, 2).stats.drops[DROP_UNKNOWN_KEY], 0);
    cr_assert_gt(cluster_status(c, 5).stats.drops[DROP_UNKNOWN_KEY], 0);
    cr_assert_eq(cluster_addr(c, 2).ip[3], 5);
    cluster_free(c);
}

Test(faults, two_clusters_in_one_world_know_nothing_of_each_other)
{
    struct cluster *c = cluster_new(&(struct cluster_options){.nodes = 6, .foreign = 2});

    cluster_boot(c);
    cr_assert_eq(cluster_register(c, 1, "printer"), RESULT_OK);
    cr_assert_leq(cluster_wait_everywhere(c, peer_visible("printer"), 100), 100);
    cr_assert_leq(cluster_wait_everywhere(c, settled(), 2000), 2000, "the others' views are empty");
    cr_assert_not(cluster_sees_peer(c, 4, "printer"));
    for (size_t i = 0; i < 4; i++)
        cr_assert_eq(cluster_status(c, i).members, 4);
    for (size_t i = 4; i < 6; i++)
        cr_assert_eq(cluster_status(c, i).members, 2);
    cluster_crash(c, 5);
    cr_assert_leq(cluster_wait_everywhere(c, member_is(5, MEMBER_DEAD), 20000), 20000);
    cr_assert(cluster_check(c));
    cluster_free(c);
}

/* --- Machines
 * -------------------------------------------------------------------------------------- */

Test(faults, a_slow_node_answers_so_much_later)
{
    struct cluster *c = booted(2);
    uint64_t since_us = cluster_now_us(c);

    cr_assert_eq(cluster_register(c, 0, "printer"), RESULT_OK);
    cr_assert_eq(cluster_wait_at(c, 1, peer_visible("printer"), 1000), 1, "one latency");
    cluster_slow(c, 1, 50000);
    cr_assert_eq(cluster_register(c, 0, "scanner"), RESULT_OK);
    cr_assert_geq(cluster_wait_at(c, 1, peer_visible("scanner"), 1000), 51);
    cr_assert(world_is_troubled(cluster_world(c), 1, cluster_now_us(c)));
    cluster_slow(c, 1, 0);
    cluster_run_for(c, 1000);
    cr_assert_eq(cluster_register(c, 0, "camera"), RESULT_OK);
    cr_assert_eq(cluster_wait_at(c, 1, peer_visible("camera"), 1000), 1, "fast again");
    cr_assert(world_is_troubled(cluster_world(c), 1, since_us));
    cr_assert_not(world_is_troubled(cluster_world(c), 1, cluster_now_us(c) - 1000));
    cluster_free(c);
}

/* Each packet takes 20 ms, so in a minute at most 3,000 things are done; ticks need some of it. */
Test(faults, a_slow_node_does_no_more_than_it_can_and_drops_what_does_not_fit)
{
    struct cluster *c = booted(8);

    cluster_slow(c, 3, 200000);
    uint64_t dropped = cluster_world(c)->waiting_dropped;
    uint64_t done = sent_between_ms(c, 3, 600000);
    cr_assert_leq(done, 3000);
    cr_assert_geq(done, 1400, "packets and ticks take turns");
    cr_assert_leq(cluster_world(c)->nodes[3].inbound.count, PACKETS_WAITING_MAX);
    cr_assert_gt(cluster_world(c)->waiting_dropped, dropped);
    cluster_heal_all(c);
    cr_assert_leq(cluster_wait_everywhere(c, settled(), 30000), 30000);
    cluster_free(c);
}

Test(faults, a_slow_node_may_be_paused_blocked_and_restarted)
{
    struct cluster *c = booted(4);

    cluster_slow(c, 3, 5000);
    cluster_run_for(c, 1000);
    cluster_block(c, 3);
    cluster_run_for(c, 700);
    cluster_pause(c, 3);
    cluster_run_for(c, 700);
    cluster_unblock(c, 3);
    cluster_run_for(c, 700);
    cluster_resume(c, 3);
    cluster_run_for(c, 20000);
    cluster_restart(c, 3, DISK_LATEST);
    cr_assert_leq(cluster_wait_everywhere(c, settled(), 30000), 30000, "five milliseconds will do");
    cluster_free(c);
}

Test(faults, timers_run_with_their_machines_clock)
{
    for (int32_t ppm = -500; ppm <= 500; ppm += 500) {
        struct cluster *c = booted(2);
        struct gossip_time before = cluster_time(c, 1);

        cluster_set_drift(c, 1, ppm);
        cluster_run_for(c, 600000);
        struct gossip_time after = cluster_time(c, 1);
        cr_assert_float_eq((double)(after.mono_ms - before.mono_ms), 600000 + ppm * 0.6, 1);
        cr_assert_float_eq((double)(after.wall_ms - before.wall_ms), 600000 + ppm * 0.6, 1);
        cluster_free(c);
    }
}

/* A lease of ten minutes without a heartbeat ends by its home's clock: 0.3 s early or late. */
Test(faults, a_fast_home_ends_a_lease_early)
{
    double took_ms[3];

    for (int i = 0; i < 3; i++) {
        struct cluster *c = booted(2);

        cluster_set_drift(c, 1, (i - 1) * 500);
        cr_assert_eq(cluster_register_ttl(c, 1, "printer", 600), RESULT_OK);
        took_ms[i] = (double)cluster_wait_at(c, 1, peer_hidden("printer"), 700000);
        cluster_free(c);
    }
    cr_assert_float_eq(took_ms[0] - took_ms[1], 300, 5, "slow: %f for %f", took_ms[0], took_ms[1]);
    cr_assert_float_eq(took_ms[1] - took_ms[2], 300, 5, "fast: %f for %f", took_ms[2], took_ms[1]);
}

/* --- Disks
 * ----------------------------------------------------------------------------------------- */

Test(faults, a_torn_disk_keeps_some_of_what_it_had_and_the_key)
{
    size_t members = 0, leases = 0, whole = 0, lost_epochs = 0;

    for (uint64_t seed = 1; seed <= 20; seed++) {
        struct cluster *c = cluster_new(&(struct cluster_options){.nodes = 9, .seed = seed});
        const struct disk_image *disk = &cluster_world(c)->nodes[2].disk;

        cluster_boot(c);
        for (char id[] = "peer0"; id[4] < '8'; id[4]++)
            cr_assert_eq(cluster_register(c, 2, id), RESULT_OK);
        uint64_t tag = cluster_tag(c, 2);
        cluster_crash(c, 2);
        cluster_set_clock(c, 2, -3600000); /* so that the epoch shows what was remembered */
        uint64_t epoch = cluster_epoch(c, 2);
        cluster_restart(c, 2, DISK_TORN);
        cr_assert_eq(cluster_tag(c, 2), tag);
        cr_assert(disk->alive_count <= 8 && disk->lease_count <= 8);
        members += disk->alive_count;
        leases += disk->lease_count;
        whole += disk->alive_count == 8 && disk->lease_count == 8;
        lost_epochs += cluster_epoch(c, 2) < epoch;
        cr_assert_leq(cluster_wait_everywhere(c, settled(), 30000), 30000);
        cluster_free(c);
    }
    cr_assert(members > 20 && members < 140, "%zu of 160", members);
    cr_assert(leases > 20 && leases < 140, "%zu of 160", leases);
    cr_assert_lt(whole, 10);
    cr_assert(lost_epochs > 3 && lost_epochs < 17);
}

Test(faults, a_copied_disk_is_one_identity_at_two_addresses)
{
    struct cluster *c = booted(4);

    cluster_crash(c, 3);
    cr_assert_eq(world_node_of_tag(cluster_world(c), cluster_tag(c, 1)), 1);
    cluster_start_copy(c, 1, 3);
    cr_assert_eq(cluster_tag(c, 1), cluster_tag(c, 3));
    cr_assert_gt(cluster_epoch(c, 3), cluster_epoch(c, 1));
    cr_assert_eq(world_node_of_tag(cluster_world(c), cluster_tag(c, 1)), 3, "who started last");
    cluster_crash(c, 3);
    cr_assert_eq(world_node_of_tag(cluster_world(c), cluster_tag(c, 1)), 1);
    cluster_restart(c, 3, DISK_NONE);
    cr_assert_neq(cluster_tag(c, 1), cluster_tag(c, 3), "a key of its own");
    cr_assert_leq(cluster_wait_everywhere(c, settled(), 30000), 30000);
    cluster_free(c);
}

/* --- Where something is wrong
 * ---------------------------------------------------------------------- */

static bool is_troubled(struct cluster *c, size_t node)
{
    return world_is_troubled(cluster_world(c), node, cluster_now_us(c));
}

Test(faults, trouble_is_there_while_it_lasts_and_remembered_after)
{
    struct cluster *c = booted(4);
    uint64_t before_us = cluster_now_us(c);

    cluster_run_for(c, 10);
    cr_assert_not(world_is_troubled(cluster_world(c), 1, before_us));
    cluster_cut_one_way(c, NODES(0), NODES(1));
    cluster_run_for(c, 10);
    cr_assert(is_troubled(c, 0) && is_troubled(c, 1));
    cr_assert_not(world_is_troubled(cluster_world(c), 2, before_us));
    uint64_t during_us = cluster_now_us(c);
    cluster_heal(c);
    cluster_run_for(c, 10);
    cr_assert_not(is_troubled(c, 1));
    cr_assert(world_is_troubled(cluster_world(c), 1, during_us));
    cr_assert_not(world_is_troubled(cluster_world(c), 1, during_us + 1));
    cluster_free(c);
}

Test(faults, each_trouble_of_a_node_is_its_own)
{
    struct cluster *c = booted(16);

    cluster_pause(c, 0);
    cluster_block(c, 1);
    cluster_slow(c, 2, 1000);
    cluster_set_node_loss(c, 3, 0.1, 0);
    cluster_flip_flop(c, NODES(4), DIRECTION_OUT, 1000, 1000, 10000);
    cluster_run_for(c, 1);
    for (size_t i = 0; i < 16; i++)
        cr_assert_eq(is_troubled(c, i), i <= 4, "n%zu", i);
    uint64_t since_us = cluster_now_us(c);
    cluster_set_drift(c, 5, 100);
    cluster_set_clock(c, 6, 3600000);
    cluster_rebind(c, 7);
    cluster_stall(c, 8, 1);
    cluster_run_for(c, 100);
    for (size_t i = 0; i < 16; i++)
        cr_assert_eq(world_is_troubled(cluster_world(c), i, since_us), i <= 8, "n%zu", i);
    for (size_t i = 5; i < 16; i++)
        cr_assert_eq(is_troubled(c, i), i == 7, "n%zu is not where it says", i);
    struct network_faults lossy = cluster_faults(c);
    lossy.loss = 0.01;
    cluster_set_faults(c, &lossy);
    cr_assert(is_troubled(c, 9));
    cr_assert_not(world_is_node_troubled(cluster_world(c), 9, since_us));
    cluster_free(c);
}

Test(faults, when_all_is_healed_nothing_is_wrong_any_more)
{
    struct cluster *c = booted(8);
    struct network_faults faults = {.latency_us = 1000, .loss = 0.1, .flip = 0.1};

    cluster_set_faults(c, &faults);
    cluster_pause(c, 0);
    cluster_block(c, 1);
    cluster_stall(c, 1, 60000);
    cluster_slow(c, 2, 1000);
    cluster_set_node_loss(c, 3, 0.9, 0.9);
    cluster_flip_flop(c, NODES(4), DIRECTION_OUT, 1000, 1000, 10000);
    cluster_swizzle(c, NODES(5), 10000);
    cluster_set_drift(c, 6, 5000);
    cluster_set_clock(c, 7, 60000);
    cluster_rebind(c, 7);
    cluster_isolate(c, 7);
    cluster_run_for(c, 5000);
    cluster_heal_all(c);
    cluster_run_for(c, 1);
    for (size_t i = 0; i < 8; i++) {
        cr_assert_not(is_troubled(c, i));
        cr_assert_eq(cluster_world(c)->nodes[i].skew_ms, 0);
        cr_assert_eq(cluster_world(c)->nodes[i].clock.drift_ppm, 0);
    }
    cr_assert_eq(cluster_faults(c).latency_us, 1000);
    cr_assert_leq(cluster_wait_everywhere(c, settled(), 30000), 30000);
    cluster_free(c);
}

/* --- The same again
 * -------------------------------------------------------------------------------- */

static uint64_t hash_after(uint64_t seed)
{
    struct cluster *c = cluster_new(&(struct cluster_options){.nodes = 7,
                                                              .seed = seed,
                                                              .foreign = 2,
                                                              .latency_pareto = 1.5,
                                                              .bandwidth_bytes_per_s = 200000,
                                                              .queue_packets = 64});

    cluster_boot(c);
    cluster_swizzle(c, NODES(1, 2), 3000);
    cluster_flip_flop(c, NODES(3), DIRECTION_IN, 300, 500, 5000);
    cluster_slow(c, 4, 3000);
    cluster_set_drift(c, 0, 400);
    cluster_rebind_late(c, 1, 500);
    cluster_run_for(c, 4000);
    cluster_crash(c, 6);
    cluster_swap_addresses(c, 6, 3);
    cluster_restart(c, 2, DISK_TORN);
    cluster_start_copy(c, 1, 3);
    cluster_run_for(c, 10000);
    cluster_heal_all(c);
    cluster_run_for(c, 1000);
    uint64_t hash = cluster_trace_hash(c);
    cluster_failures(c);
    cluster_free(c);
    return hash;
}

Test(faults, the_same_seed_gives_the_same_world_with_every_fault_in_it)
{
    cr_assert_eq(hash_after(5), hash_after(5));
    cr_assert_neq(hash_after(5), hash_after(6));
}
