// SPDX-License-Identifier: Apache-2.0
/* test_faults.c - the protocol under what happens to addresses, disks, clocks and machines */
#include "sim/cluster.h"

#include <criterion/criterion.h>

enum { SETTLE_MS = 30000 };

static struct cluster *booted(size_t nodes, uint64_t seed)
{
    struct cluster *c = cluster_new(&(struct cluster_options){.nodes = nodes, .seed = seed});

    cluster_boot(c);
    return c;
}

static void end(struct cluster *c)
{
    cr_assert(cluster_check(c));
    cluster_free(c);
}

/* --- Addresses
 * ------------------------------------------------------------------------------------- */

/* The others learn where it is from what it sends, and nobody takes it for dead. */
static void rebound(uint64_t seed, uint64_t old_ms)
{
    struct cluster *c = booted(7, seed);

    cr_assert_eq(cluster_register_ttl(c, 3, "printer", 3600), RESULT_OK);
    cluster_run_for(c, 5000);
    for (size_t i = 0; i < 3; i++) {
        cluster_rebind_late(c, 3, old_ms);
        cluster_run_for(c, 30000);
    }
    cr_assert_eq(cluster_false_deaths(c), 0, "seed %lu", (unsigned long)seed);
    cr_assert_leq(cluster_wait_everywhere(c, settled(), SETTLE_MS), SETTLE_MS);
    cr_assert(cluster_holds_everywhere(c, peer_home("printer", 3)));
    end(c);
}

Test(faults, a_node_behind_a_nat_that_rebinds_stays_a_member)
{
    for (uint64_t seed = 1; seed <= 10; seed++)
        rebound(seed, 0);
}

Test(faults, a_node_whose_old_port_still_works_for_a_while_stays_a_member)
{
    for (uint64_t seed = 1; seed <= 10; seed++)
        rebound(seed, 3000);
}

Test(faults, two_that_rebind_at_once_find_each_other_again)
{
    for (uint64_t seed = 1; seed <= 10; seed++) {
        struct cluster *c = booted(5, seed);

        cluster_run_for(c, 5000);
        cluster_rebind(c, 2);
        cluster_rebind(c, 3);
        cluster_run_for(c, 60000);
        cr_assert_leq(cluster_wait_everywhere(c, settled(), SETTLE_MS), SETTLE_MS);
        cr_assert_eq(cluster_false_deaths(c), 0, "seed %lu", (unsigned long)seed);
        end(c);
    }
}

Test(faults, a_node_of_another_cluster_at_a_members_address_is_a_stranger)
{
    struct cluster *c = cluster_new(&(struct cluster_options){.nodes = 9, .foreign = 4});

    cluster_boot(c);
    cluster_crash(c, 3);
    cluster_crash(c, 7);
    cluster_swap_addresses(c, 3, 7);
    cluster_start(c, 7);
    cluster_run_for(c, 60000);
    cr_assert(cluster_holds_everywhere(c, member_is(3, MEMBER_DEAD)));
    cluster_start(c, 3);
    cr_assert_leq(cluster_wait_everywhere(c, settled(), SETTLE_MS), SETTLE_MS);
    cr_assert_eq(cluster_status(c, 0).members_alive, 5);
    cr_assert_eq(cluster_status(c, 8).members_alive, 4);
    end(c);
}

/* --- Disks
 * ----------------------------------------------------------------------------------------- */

/* What the file lost is lost, what it kept is back, and nothing else happens: a peer that the
 * cluster heard deregistered does not come back. */
Test(faults, a_torn_disk_resurrects_nobody)
{
    for (uint64_t seed = 1; seed <= 20; seed++) {
        struct cluster *c = booted(5, seed);

        for (char id[] = "peer0"; id[4] < '8'; id[4]++)
            cr_assert_eq(cluster_register_ttl(c, 2, id, 3600), RESULT_OK);
        cluster_copy_disk(c, 2);
        cr_assert_eq(cluster_deregister(c, 2, "peer0"), RESULT_OK);
        cluster_run_for(c, 2000);
        if (seed % 2 == 0)
            cluster_set_clock(c, 2, -7200000);
        cluster_restart(c, 2, DISK_TORN);
        cr_assert_leq(cluster_wait_everywhere(c, settled(), SETTLE_MS), SETTLE_MS);
        cr_assert(cluster_holds_everywhere(c, peer_hidden("peer0")));
        cr_assert_eq(cluster_false_deaths(c), 0);
        end(c);
    }
}

/* The copy finds out while it starts, because the original answers, and does not run. */
Test(faults, a_copy_of_a_running_node_does_not_start)
{
    for (uint64_t seed = 1; seed <= 20; seed++) {
        struct cluster *c = booted(6, seed);

        cr_assert_eq(cluster_register_ttl(c, 2, "printer", 3600), RESULT_OK);
        cluster_crash(c, 5);
        cluster_run_for(c, 20000);
        cluster_start_copy(c, 2, 5);
        cluster_run_for(c, 5000);
        cr_assert_not(cluster_is_running(c, 5), "seed %lu", (unsigned long)seed);
        cr_assert(cluster_is_running(c, 2));
        cr_assert_leq(cluster_wait_everywhere(c, settled(), SETTLE_MS), SETTLE_MS);
        cr_assert(cluster_holds_everywhere(c, peer_home("printer", 2)));
        end(c);
    }
}

/* The original was cut off when the copy asked for it: the copy has the higher epoch, so the
 * original stops as soon as it hears of it. */
Test(faults, an_original_that_was_cut_off_yields_to_its_copy)
{
    for (uint64_t seed = 1; seed <= 20; seed++) {
        struct cluster *c = booted(6, seed);

        cr_assert_eq(cluster_register_ttl(c, 2, "printer", 3600), RESULT_OK);
        cluster_crash(c, 5);
        cluster_isolate(c, 2);
        cluster_run_for(c, 20000);
        cluster_start_copy(c, 2, 5);
        cluster_run_for(c, 20000);
        cr_assert(cluster_is_running(c, 5) && cluster_is_running(c, 2));
        cluster_heal(c);
        cluster_run_for(c, SETTLE_MS);
        cr_assert(cluster_is_running(c, 5), "seed %lu", (unsigned long)seed);
        cr_assert_not(cluster_is_running(c, 2), "seed %lu", (unsigned long)seed);
        cr_assert_leq(cluster_wait_everywhere(c, settled(), SETTLE_MS), SETTLE_MS);
        cr_assert(cluster_holds_everywhere(c, peer_home("printer", 5)));
        end(c);
    }
}

static size_t running_of(struct cluster *c, size_t a, size_t b)
{
    return (size_t)cluster_is_running(c, a) + (size_t)cluster_is_running(c, b);
}

/* Both find nobody who answers with their key, and both have the epoch that stands on the disk. */
Test(faults, of_two_copies_that_start_together_one_runs)
{
    for (uint64_t seed = 1; seed <= 20; seed++) {
        struct cluster *c = booted(7, seed);

        cr_assert_eq(cluster_register_ttl(c, 2, "printer", 3600), RESULT_OK);
        for (size_t i = 4; i < 7; i++)
            cluster_crash(c, i);
        cluster_crash(c, 2);
        if (seed % 2)
            cluster_run_for(c, 20000);
        cluster_start_copy(c, 2, 5);
        if (seed % 4 > 1)
            cluster_run_for(c, seed * 100);
        cluster_start_copy(c, 2, 6);
        cluster_run_for(c, SETTLE_MS);
        cr_assert_eq(running_of(c, 5, 6), 1, "seed %lu", (unsigned long)seed);
        cr_assert_leq(cluster_wait_everywhere(c, settled(), SETTLE_MS), SETTLE_MS);
        cr_assert(cluster_holds_everywhere(c, peer_visible("printer")));
        end(c);
    }
}

Test(faults, of_a_node_and_its_copy_that_start_together_one_runs)
{
    for (uint64_t seed = 1; seed <= 20; seed++) {
        struct cluster *c = booted(7, seed);

        cr_assert_eq(cluster_register_ttl(c, 2, "printer", 3600), RESULT_OK);
        cluster_crash(c, 5);
        cluster_crash(c, 2);
        if (seed % 2)
            cluster_run_for(c, seed * 1000);
        cluster_start_copy(c, 2, 5);
        if (seed % 4 > 1)
            cluster_run_for(c, seed * 100);
        cluster_start(c, 2);
        cluster_run_for(c, SETTLE_MS);
        cr_assert_eq(running_of(c, 2, 5), 1, "seed %lu", (unsigned long)seed);
        cr_assert_leq(cluster_wait_everywhere(c, settled(), SETTLE_MS), SETTLE_MS);
        cr_assert(cluster_holds_everywhere(c, peer_visible("printer")));
        end(c);
    }
}

/* --- Clocks and machines
 * --------------------------------------------------------------------------- */

/* Half of them 500 ppm fast, half slow: an hour apart by 3.6 s at its end. */
Test(faults, clocks_that_drift_apart_disturb_nothing)
{
    struct cluster *c = booted(8, 1);

    for (size_t i = 0; i < 8; i++)
        cluster_set_drift(c, i, i % 2 ? 500 : -500);
    for (char id[] = "peer0"; id[4] < '8'; id[4]++) {
        size_t home = (size_t)(id[4] - '0');

        cr_assert_eq(cluster_register_ttl(c, home, id, 60), RESULT_OK);
        cluster_client_start(c, id, 20000, &home, 1, false);
    }
    cluster_run_for(c, 3600000);
    cr_assert_eq(cluster_false_deaths(c), 0);
    for (size_t i = 0; i < 8; i++) {
        cr_assert_eq(cluster_peers_visible(c, i), 8);
        cr_assert_eq(cluster_peer_downs(c, i, "peer3"), 0, "nor does anything blink");
    }
    cr_assert_leq(cluster_wait_everywhere(c, settled(), SETTLE_MS), SETTLE_MS);
    end(c);
}

Test(faults, a_node_that_takes_two_milliseconds_for_each_packet_stays_a_member)
{
    struct cluster *c = booted(16, 1);

    cluster_slow(c, 7, 2000);
    cluster_run_for(c, 600000);
    cr_assert_eq(cluster_false_deaths(c), 0);
    cr_assert_leq(cluster_wait_everywhere(c, settled(), SETTLE_MS), SETTLE_MS);
    end(c);
}

/* --- Links
 * ----------------------------------------------------------------------------------------- */

/* Everybody reaches everybody through the third, so nobody is dead. */
Test(faults, a_partial_partition_kills_nobody)
{
    for (uint64_t seed = 1; seed <= 5; seed++) {
        struct cluster *c = booted(9, seed);

        cluster_cut(c, NODES(0, 1, 2), NODES(3, 4, 5));
        cluster_run_for(c, 120000);
        cr_assert_eq(cluster_false_deaths(c), 0, "seed %lu", (unsigned long)seed);
        cr_assert_eq(cluster_register(c, 0, "printer"), RESULT_OK);
        cr_assert_leq(cluster_wait_everywhere(c, peer_visible("printer"), 5000), 5000);
        cluster_heal(c);
        cr_assert_leq(cluster_wait_everywhere(c, settled(), SETTLE_MS), SETTLE_MS);
        end(c);
    }
}

Test(faults, after_a_swizzle_all_is_well)
{
    for (uint64_t seed = 1; seed <= 10; seed++) {
        struct cluster *c = booted(10, seed);

        cr_assert_eq(cluster_register_ttl(c, 4, "printer", 3600), RESULT_OK);
        cluster_swizzle(c, NODES(1, 4, 7), 60000);
        cluster_run_for(c, 60000);
        cr_assert_leq(cluster_wait_everywhere(c, settled(), SETTLE_MS), SETTLE_MS);
        cr_assert(cluster_holds_everywhere(c, peer_home("printer", 4)));
        end(c);
    }
}

Test(faults, a_heavy_tail_and_a_narrow_way_out_kill_nobody)
{
    struct cluster *c = cluster_new(&(struct cluster_options){
        .nodes = 32, .latency_ms = 5, .latency_pareto = 1.5, .bandwidth_bytes_per_s = 100 << 10});

    cluster_boot(c);
    for (char id[] = "peer0"; id[4] < '8'; id[4]++)
        cr_assert_eq(cluster_register_ttl(c, (size_t)(id[4] - '0'), id, 3600), RESULT_OK);
    cluster_run_for(c, 300000);
    cr_assert_eq(cluster_false_deaths(c), 0);
    cr_assert_leq(cluster_wait_everywhere(c, settled(), SETTLE_MS), SETTLE_MS);
    end(c);
}
