// SPDX-License-Identifier: Apache-2.0
/* test_readmission.c - who is dead and comes back: at once if it can be heard, and not before */
#include "sim/cluster.h"

#include <criterion/criterion.h>
#include <stdio.h>

#define MANY 64
#define BAD  (MANY - 1)

static uint64_t turns_before[MANY][MANY];

/* Turns are counted from here: joining has its own. */
static struct cluster *booted(size_t nodes, uint64_t seed, enum gossip_detector detector)
{
    struct cluster *c =
        cluster_new(&(struct cluster_options){.nodes = nodes, .seed = seed, .detector = detector});

    cluster_boot(c);
    for (size_t i = 0; i < nodes; i++)
        for (size_t k = 0; k < nodes; k++)
            turns_before[i][k] = cluster_member_turns(c, i, k);
    return c;
}

static uint64_t turns(const struct cluster *c, size_t node, size_t member)
{
    return cluster_member_turns(c, node, member) - turns_before[node][member];
}

/* At the node in the middle, of all but the member itself. */
static double turns_median(const struct cluster *c, size_t member)
{
    double each[MANY];
    size_t count = 0;

    for (size_t i = 0; i < cluster_nodes(c); i++)
        if (i != member)
            each[count++] = (double)turns(c, i, member);
    return percentile(each, count, 50);
}

/* The most of any pair; the bad ones are the last. */
struct turns {
    uint64_t of_bad, of_well; /* at those that are well */
};

static struct turns turns_most(const struct cluster *c, size_t first_bad)
{
    struct turns most = {0, 0};

    for (size_t i = 0; i < first_bad; i++)
        for (size_t k = 0; k < cluster_nodes(c); k++) {
            uint64_t *which = k >= first_bad ? &most.of_bad : &most.of_well;

            if (i != k && turns(c, i, k) > *which)
                *which = turns(c, i, k);
        }
    return most;
}

/* How many nodes hold the member for dead. */
static size_t dead_at(const struct cluster *c, size_t member)
{
    size_t count = 0;

    for (size_t i = 0; i < cluster_nodes(c); i++)
        count += i != member && cluster_sees_member(c, i, member) == MEMBER_DEAD;
    return count;
}

static void healthy_are_well(struct cluster *c, size_t bad)
{
    for (size_t i = 0; i < cluster_nodes(c); i++)
        if (i != bad)
            for (size_t k = 0; k < cluster_nodes(c); k++)
                cr_assert(k == bad || i == k || cluster_sees_member(c, k, i) != MEMBER_DEAD,
                          "n%zu is dead at n%zu", i, k);
}

/* --- Whoever is not heard dies once ---------------------------------------------------------- */

static void bad_dies_once(double loss, uint64_t seed)
{
    struct cluster *c = booted(MANY, seed, DETECTOR_AURORA);

    cluster_set_node_loss(c, BAD, loss, 0);
    cluster_run_for(c, 400000);
    struct turns most = turns_most(c, BAD);
    printf("%2.0f %% of what it sends lost, seed %lu: %lu turns at most, dead at %zu of %d\n",
           loss * 100, (unsigned long)seed, (unsigned long)most.of_bad, dead_at(c, BAD), MANY - 1);
    cr_assert_leq(most.of_bad, 2, "at any node");
    cr_assert_eq(most.of_well, 0);
    cr_assert_eq(dead_at(c, BAD), MANY - 1, "and everybody agrees");
    healthy_are_well(c, BAD);
    cr_assert(cluster_check(c));
    cluster_free(c);
}

Test(readmission, whoever_is_hardly_heard_dies_once_and_stays_dead)
{
    for (uint64_t seed = 1; seed <= 4; seed++) {
        bad_dies_once(0.8, seed);
        bad_dies_once(0.9, seed);
    }
}

/* An objection that needs luck to be heard came in time for some nodes, and too late for others:
 * there its sender died, came back and died again. */
Test(readmission, six_that_are_hardly_heard_turn_at_most_twice_at_any_node_and_nobody_else_does)
{
    const size_t first_bad = MANY - 6;

    for (uint64_t seed = 1; seed <= 8; seed++) {
        struct cluster *c = booted(MANY, seed, DETECTOR_AURORA);

        cr_assert_eq(cluster_register_ttl(c, 0, "well", 3600), RESULT_OK);
        cr_assert_eq(cluster_register_ttl(c, BAD, "bad", 3600), RESULT_OK);
        cluster_run_for(c, 1000);
        for (size_t i = first_bad; i < MANY; i++)
            cluster_set_node_loss(c, i, 0.8, 0);
        cluster_run_for(c, 200000);
        struct turns most = turns_most(c, first_bad);
        printf("six of %d hardly heard, seed %lu: %lu turns at most\n", MANY, (unsigned long)seed,
               (unsigned long)most.of_bad);
        cr_assert_leq(most.of_bad, 2);
        cr_assert_geq(most.of_bad, 1, "a test that cannot fail");
        cr_assert_eq(most.of_well, 0);
        for (size_t i = 0; i < first_bad; i++) {
            cr_assert(cluster_sees_peer(c, i, "well"));
            cr_assert_not(cluster_sees_peer(c, i, "bad"), "its orphan grace is over");
            cr_assert_eq(cluster_peer_ups(c, i, "well"), 1, "never hidden");
            cr_assert_eq(cluster_peer_ups(c, i, "bad"), 1, "hidden once, and for good");
        }
        cluster_free(c);
    }
}

Test(readmission, whoever_is_heard_every_other_time_is_kept)
{
    for (uint64_t seed = 1; seed <= 4; seed++) {
        struct cluster *c = booted(MANY, seed, DETECTOR_AURORA);

        cluster_set_node_loss(c, BAD, 0.5, 0);
        cluster_run_for(c, 400000);
        cr_assert_eq(turns_median(c, BAD), 0);
        cr_assert_gt(cluster_status(c, BAD).stats.refutations_made, 0, "a test that cannot fail");
        cluster_free(c);
    }
}

/* What is everybody's trouble is held against nobody. */
Test(readmission, three_packets_in_ten_lost_everywhere_kill_nobody)
{
    struct cluster *c = booted(MANY, 1, DETECTOR_AURORA);
    uint64_t refutations = 0;

    cluster_set_faults(c, &(struct network_faults){.latency_us = 1000, .loss = 0.3});
    cluster_run_for(c, 120000);
    for (size_t i = 0; i < MANY; i++)
        refutations += cluster_status(c, i).stats.refutations_made;
    cr_assert_gt(refutations, 10, "a test that cannot fail");
    cr_assert_eq(cluster_false_deaths(c), 0);
    cluster_free(c);
}

/* --- Whoever is heard again is alive again --------------------------------------------------- */

Test(readmission, a_link_that_is_good_again_brings_its_node_back)
{
    for (uint64_t seed = 1; seed <= 4; seed++) {
        struct cluster *c = booted(MANY, seed, DETECTOR_AURORA);

        cluster_set_node_loss(c, BAD, 0.9, 0);
        cr_assert_leq(cluster_wait_everywhere(c, member_is(BAD, MEMBER_DEAD), 60000), 60000);
        cluster_run_for(c, 30000);
        cr_assert(!cluster_status(c, BAD).converged, "it knows that it is dead");
        cluster_set_node_loss(c, BAD, 0, 0);
        uint64_t took_ms = cluster_wait_everywhere(c, all_alive(), 10000);
        printf("good again, seed %lu: alive everywhere after %lu ms\n", (unsigned long)seed,
               (unsigned long)took_ms);
        cr_assert_leq(took_ms, 10000);
        cr_assert_leq(cluster_wait_everywhere(c, settled(), 20000), 20000);
        cr_assert(cluster_check(c));
        cluster_free(c);
    }
}

/* To all but the bad one: nobody tells the dead. */
static uint64_t known_after(struct cluster *c, struct condition condition, uint64_t bound_ms)
{
    uint64_t began_us = cluster_now_us(c);

    for (size_t i = 0; i < BAD; i++)
        if (cluster_is_running(c, i) && cluster_wait_at(c, i, condition, bound_ms) == CLUSTER_NEVER)
            return CLUSTER_NEVER;
    return (cluster_now_us(c) - began_us + 999) / 1000;
}

Test(readmission, a_restart_is_alive_everywhere_in_3_s_also_while_another_waits)
{
    for (uint64_t seed = 1; seed <= 4; seed++) {
        struct cluster *c = booted(MANY, seed, DETECTOR_AURORA);

        cluster_set_node_loss(c, BAD, 0.9, 0);
        cr_assert_leq(cluster_wait_everywhere(c, member_is(BAD, MEMBER_DEAD), 60000), 60000);
        cluster_crash(c, 5);
        cr_assert_leq(known_after(c, member_is(5, MEMBER_DEAD), 30000), 30000);
        cluster_restart(c, 5, DISK_LATEST);
        uint64_t took_ms = known_after(c, member_is(5, MEMBER_ALIVE), 3000);
        printf("restart, seed %lu: %lu ms\n", (unsigned long)seed, (unsigned long)took_ms);
        cr_assert_leq(took_ms, 3000);
        cluster_run_for(c, 5000);
        cr_assert_eq(dead_at(c, BAD), MANY - 1, "which nobody else is any wiser by");
        cluster_free(c);
    }
}

static uint64_t healed_after(size_t few, uint64_t cut_ms, uint64_t seed)
{
    struct cluster *c = booted(MANY, seed, DETECTOR_AURORA);
    uint64_t took_ms;

    cluster_cut(c, NODES_RANGE(0, few), NODES_RANGE(few, MANY));
    cluster_run_for(c, cut_ms);
    cr_assert_gt(cluster_false_deaths(c), 0, "a test that cannot fail");
    cluster_heal(c);
    took_ms = cluster_wait_everywhere(c, all_alive(), 15000);
    printf("%zu of %d cut off for %lu s, seed %lu: one view %lu ms later\n", few, MANY,
           (unsigned long)cut_ms / 1000, (unsigned long)seed, (unsigned long)took_ms);
    cluster_free(c);
    return took_ms;
}

Test(readmission, a_partition_that_heals_lets_everybody_in_at_once)
{
    static const size_t few[] = {1, 8, MANY / 2};

    for (uint64_t seed = 1; seed <= 3; seed++)
        for (size_t i = 0; i < sizeof(few) / sizeof(few[0]); i++)
            cr_assert_leq(healed_after(few[i], 35000, seed), 15000);
}

/* 20 s deaf, 20 s well, and so on: back at once the first time, and then not before it has been
 * well for longer. */
Test(readmission, whoever_fails_again_and_again_stays_away)
{
    struct cluster *c = booted(MANY, 1, DETECTOR_AURORA);

    for (int i = 0; i < 10; i++) {
        cluster_set_node_loss(c, BAD, 0, i % 2 == 0);
        cluster_run_for(c, 20000);
    }
    cr_assert_eq(turns_median(c, BAD), 3);
    cr_assert_eq(dead_at(c, BAD), MANY - 1);
    cr_assert_leq(cluster_wait_everywhere(c, all_alive(), 40000), 40000, "25 s well");
    cluster_free(c);
}

/* --- Liars, and who comes later -------------------------------------------------------------- */

/* Two members pretend that they never hear it. */
Test(readmission, two_that_stay_silent_keep_nobody_out)
{
    static const size_t sizes[] = {6, 12, MANY};

    for (size_t i = 0; i < sizeof(sizes) / sizeof(sizes[0]); i++) {
        struct cluster *c = booted(sizes[i], 1, DETECTOR_AURORA);
        size_t victim = sizes[i] - 1;

        cluster_isolate(c, victim);
        cluster_run_for(c, 35000);
        cr_assert_eq(cluster_sees_member(c, 0, victim), MEMBER_DEAD, "a test that cannot fail");
        cluster_heal(c);
        cluster_cut(c, NODES(victim), NODES(1, 2));
        cr_assert_leq(cluster_wait_at(c, 0, member_is(victim, MEMBER_ALIVE), 15000), 15000);
        cluster_run_for(c, 60000);
        cr_assert_eq(cluster_sees_member(c, 0, victim), MEMBER_ALIVE);
        cr_assert_leq(turns(c, 0, victim), 2);
        cluster_free(c);
    }
}

/* Two members answer it, and nobody else hears it. */
Test(readmission, two_that_answer_bring_nobody_back)
{
    struct cluster *c = booted(MANY, 1, DETECTOR_AURORA);

    cluster_cut_one_way(c, NODES(BAD), NODES_RANGE(0, BAD - 2));
    cluster_run_for(c, 120000);
    cr_assert_geq(dead_at(c, BAD), MANY - 4);
    cr_assert_leq(turns_median(c, BAD), 2);
    cluster_free(c);
}

Test(readmission, a_joiner_learns_who_is_dead_and_how_it_ends)
{
    struct cluster *c =
        cluster_new(&(struct cluster_options){.nodes = 33, .seed = 1, .start_spread_ms = 1});
    size_t joiner = 32, bad = 31;

    for (size_t i = 0; i < joiner; i++)
        cluster_start(c, i);
    cr_assert_leq(cluster_wait_everywhere(c, all_alive(), 30000), 30000);
    cluster_set_node_loss(c, bad, 0.9, 0);
    cr_assert_leq(cluster_wait_everywhere(c, member_is(bad, MEMBER_DEAD), 60000), 60000);
    cluster_start(c, joiner);
    cr_assert_leq(cluster_wait_at(c, joiner, member_is(bad, MEMBER_DEAD), 5000), 5000);
    cluster_run_for(c, 60000);
    cr_assert_eq(cluster_sees_member(c, joiner, bad), MEMBER_DEAD);
    cluster_set_node_loss(c, bad, 0, 0);
    cr_assert_leq(cluster_wait_everywhere(c, all_alive(), 10000), 10000);
    cluster_free(c);
}
