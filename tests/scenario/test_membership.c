// SPDX-License-Identifier: Apache-2.0
/* test_membership.c - who is there, who is not, and how soon everybody knows: the figures that are
 * promised
 *
 * AURORA_CRASH_WORLDS=1000: so many crashes. The hour at 10 % loss stands in test_lossy_hour.c. */
#include "sim/cluster.h"

#include <criterion/criterion.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>

#define MANY 128

/* --- Deaths
 * --------------------------------------------------------------------------------------- */

/* From the crash until the last node has it DEAD. */
static double full_detection_ms(uint64_t seed, enum gossip_detector detector, size_t nodes)
{
    static double each[MANY];
    struct cluster *c =
        cluster_new(&(struct cluster_options){.nodes = nodes, .seed = seed, .detector = detector});
    size_t victim = 1 + (size_t)(seed * 7919 % (nodes - 1));

    cluster_boot(c);
    cluster_run_for(c, 2000 + seed * 37 % 1000);
    uint64_t since_us = cluster_now_us(c);
    cluster_crash(c, victim);
    cluster_wait_everywhere(c, member_is(victim, MEMBER_DEAD), 60000);
    size_t count = cluster_detection_ms(c, victim, MEMBER_DEAD, since_us, each, MANY);
    double full_ms = percentile(each, count, 100);
    cr_assert_eq(cluster_false_deaths(c), 0, "seed %lu", (unsigned long)seed);
    cr_assert(cluster_check(c));
    cluster_free(c);
    return full_ms;
}

static size_t count_over(const double *values, size_t count, double most)
{
    size_t over = 0;

    for (size_t i = 0; i < count; i++)
        over += values[i] > most;
    return over;
}

Test(membership, a_crash_is_known_to_128_nodes_in_5_s_as_a_rule_and_9_s_at_most)
{
    const char *many = getenv("AURORA_CRASH_WORLDS");
    size_t worlds = many != NULL ? strtoul(many, NULL, 10) : 200;
    double *full_ms = calloc(worlds, sizeof *full_ms);

    for (size_t i = 0; i < worlds; i++)
        full_ms[i] = full_detection_ms(i + 1, DETECTOR_AURORA, MANY);
    double p50 = percentile(full_ms, worlds, 50), p99 = percentile(full_ms, worlds, 99);
    printf("full detection, %d nodes, seeds 1 to %zu: p50 %.0f ms, p99 %.0f ms, worst %.0f ms\n",
           MANY, worlds, p50, p99, percentile(full_ms, worlds, 100));
    cr_assert_leq(p50, 5000);
    /* One in a hundred may take longer. The first probe of the dead one comes after a second on
     * average, and after 4.6 s in one world of a hundred; so where the rule is just kept, of 200
     * worlds two are over 9 s on average, and more than six (three deviations) by no chance. */
    double rule = (double)worlds / 100;
    cr_assert_leq((double)count_over(full_ms, worlds, 9000), rule + 3 * sqrt(rule));
    free(full_ms);
}

Test(membership, swim_and_lifeguard_find_a_crash_too_but_later)
{
    for (uint64_t seed = 1; seed <= 3; seed++) {
        double ours = full_detection_ms(seed, DETECTOR_AURORA, 32);
        double lifeguard = full_detection_ms(seed, DETECTOR_LIFEGUARD, 32);
        double swim = full_detection_ms(seed, DETECTOR_SWIM, 32);

        printf("32 nodes, seed %lu: ours %.0f ms, Lifeguard %.0f ms, SWIM %.0f ms\n",
               (unsigned long)seed, ours, lifeguard, swim);
        cr_assert(ours < lifeguard && ours < swim);
        cr_assert(lifeguard < 30000 && swim < 30000);
    }
}

Test(membership, a_death_stays_a_death)
{
    struct cluster *c = cluster_new(&(struct cluster_options){
        .nodes = 10, .duplicate = 0.2, .reorder = 0.2, .jitter_ms = 20, .loss = 0.02});

    cluster_boot(c);
    cluster_crash(c, 4);
    cr_assert_leq(cluster_wait_everywhere(c, member_is(4, MEMBER_DEAD), 15000), 15000);
    for (int minute = 0; minute < 10; minute++) {
        cluster_run_for(c, 60000);
        cr_assert(cluster_holds_everywhere(c, member_is(4, MEMBER_DEAD)));
    }
    cr_assert_eq(cluster_false_deaths(c), 0);
    cluster_free(c);
}

Test(membership, who_left_is_known_to_all_at_once_and_stays_away)
{
    struct cluster *c = cluster_new(
        &(struct cluster_options){.nodes = 20, .duplicate = 0.2, .reorder = 0.2, .jitter_ms = 5});

    cluster_boot(c);
    cluster_leave(c, 7);
    cr_assert_leq(cluster_wait_everywhere(c, member_is(7, MEMBER_LEFT), 500), 500);
    cluster_run_for(c, 120000);
    cr_assert(cluster_holds_everywhere(c, member_is(7, MEMBER_LEFT)));
    cluster_restart(c, 7, DISK_LATEST);
    cr_assert_leq(cluster_wait_everywhere(c, all_alive(), 5000), 5000);
    cluster_free(c);
}

Test(membership, a_removed_node_is_never_revived_by_a_stale_packet)
{
    struct gossip_config config = {0};
    gossip_config_defaults(&config);
    config.old_member_forget_ms = 120000;
    struct cluster *c = cluster_new(&(struct cluster_options){
        .nodes = 6, .config = &config, .duplicate = 0.5, .reorder = 0.5, .jitter_ms = 3000});

    /* Packets that are seconds late, and come twice: what the dead one said is still under way. */
    cluster_start_all(c);
    cr_assert_leq(cluster_wait_everywhere(c, all_alive(), 60000), 60000);
    cluster_crash(c, 3);
    cr_assert_leq(cluster_wait_everywhere(c, member_is(3, MEMBER_DEAD), 90000), 90000);
    cr_assert_leq(cluster_wait_everywhere(c, member_is(3, MEMBER_FORGOTTEN), 180000), 180000);
    cluster_run_for(c, 120000);
    cr_assert(cluster_holds_everywhere(c, member_is(3, MEMBER_FORGOTTEN)));
    cluster_restart(c, 3, DISK_LATEST);
    cr_assert_leq(cluster_wait_everywhere(c, all_alive(), 60000), 60000, "a new life is welcome");
    cluster_free(c);
}

Test(membership, of_two_nodes_the_other_is_declared_dead_and_comes_back)
{
    struct cluster *c = cluster_new(&(struct cluster_options){.nodes = 2});

    cluster_boot(c);
    cluster_crash(c, 1);
    cr_assert_leq(cluster_wait_at(c, 0, member_is(1, MEMBER_DEAD), 9000), 9000);
    cluster_restart(c, 1, DISK_LATEST);
    cr_assert_leq(cluster_wait_everywhere(c, all_alive(), 3000), 3000);
    cluster_free(c);
}

/* --- No deaths
 * ------------------------------------------------------------------------------------ */

static void stops_of_3_s(size_t nodes, uint64_t seed)
{
    struct cluster *c = cluster_new(&(struct cluster_options){.nodes = nodes, .seed = seed});

    cluster_boot(c);
    for (uint64_t i = 0; i < 10; i++) {
        cluster_stall(c, (size_t)i % nodes, 3000);
        cluster_run_for(c, 6000 + 137 * i);
    }
    cr_assert_eq(cluster_false_deaths(c), 0, "%zu nodes, seed %lu", nodes, (unsigned long)seed);
    cr_assert(cluster_holds_everywhere(c, all_alive()));
    cluster_free(c);
}

Test(membership, a_stop_of_3_s_brings_no_death)
{
    static const size_t sizes[] = {2, 3, 5, 10, 30};

    for (size_t i = 0; i < sizeof sizes / sizeof *sizes; i++)
        for (uint64_t seed = 1; seed <= 10; seed++)
            stops_of_3_s(sizes[i], seed);
}

Test(membership, a_deaf_node_accuses_nobody)
{
    struct cluster *c = cluster_new(&(struct cluster_options){.nodes = 10});

    cluster_boot(c);
    cluster_cut_one_way(c, NODES_RANGE(1, 10), NODES(0));
    cluster_run_for(c, 60000);
    for (size_t i = 1; i < 10; i++)
        cr_assert_eq(cluster_sees_member(c, 0, i), MEMBER_ALIVE);
    for (size_t i = 2; i < 10; i++)
        cr_assert_eq(cluster_sees_member(c, 1, i), MEMBER_ALIVE);
    cluster_heal(c);
    cr_assert_leq(cluster_wait_everywhere(c, all_alive(), 15000), 15000);
    cluster_free(c);
}

/* Only one cannot reach it: the others can, and say so. */
Test(membership, one_broken_path_kills_nobody)
{
    struct cluster *c = cluster_new(&(struct cluster_options){.nodes = 10});

    cluster_boot(c);
    cluster_cut(c, NODES(2), NODES(6));
    cluster_run_for(c, 120000);
    cr_assert_eq(cluster_false_deaths(c), 0);
    cr_assert(cluster_holds_everywhere(c, member_is(2, MEMBER_ALIVE)));
    cr_assert(cluster_holds_everywhere(c, member_is(6, MEMBER_ALIVE)));
    cluster_free(c);
}

/* --- Partitions
 * ----------------------------------------------------------------------------------- */

static void halves_become_one(size_t nodes, uint64_t seed, uint64_t ms)
{
    struct cluster *c = cluster_new(&(struct cluster_options){.nodes = nodes, .seed = seed});

    cluster_boot(c);
    cluster_run_for(c, 3000);
    cluster_cut(c, NODES_RANGE(0, nodes / 2), NODES_RANGE(nodes / 2, nodes));
    cluster_run_for(c, ms);
    cluster_heal(c);
    uint64_t took_ms = cluster_wait_everywhere(c, all_alive(), 15000);
    printf("%zu nodes, seed %lu, halves for %lu s: one view after %lu ms\n", nodes,
           (unsigned long)seed, (unsigned long)ms / 1000, (unsigned long)took_ms);
    cr_assert_leq(took_ms, 15000);
    /* And so it stays: no late word of the other side's death kills anybody. */
    uint64_t deaths = cluster_false_deaths(c);
    cluster_run_for(c, 30000);
    cr_assert_eq(cluster_false_deaths(c), deaths);
    cr_assert_leq(cluster_wait_everywhere(c, settled(), 5000), 5000);
    cr_assert(cluster_check_settled(c));
    cluster_free(c);
}

Test(membership, two_halves_of_128_are_one_15_s_after_a_minute_apart)
{
    for (uint64_t seed = 1; seed <= 5; seed++)
        halves_become_one(MANY, seed, 60000);
}

Test(membership, two_halves_of_few_are_one_15_s_after_a_minute_apart)
{
    for (size_t nodes = 2; nodes <= 12; nodes++)
        for (uint64_t seed = 1; seed <= 3; seed++)
            halves_become_one(nodes, seed, 60000);
}

Test(membership, an_hour_apart_heals_as_well)
{
    for (uint64_t seed = 1; seed <= 2; seed++)
        halves_become_one(8, seed, 3600000);
}

/* --- Starts
 * --------------------------------------------------------------------------------------- */

static uint64_t restart_all(struct cluster *c, enum disk disk)
{
    cluster_crash_all(c);
    cluster_run_for(c, 300);
    for (size_t i = 0; i < cluster_nodes(c); i++)
        cluster_restart(c, i, disk);
    return cluster_wait_everywhere(c, all_alive(), 15000);
}

Test(membership, all_restarted_at_once_are_all_alive_again_in_15_s)
{
    for (uint64_t seed = 1; seed <= 3; seed++) {
        struct cluster *c = cluster_new(
            &(struct cluster_options){.nodes = MANY, .seed = seed, .loss = seed == 3 ? 0.05 : 0});

        cluster_boot(c);
        cluster_run_for(c, 3000);
        uint64_t with_disk_ms = restart_all(c, DISK_LATEST);
        cluster_run_for(c, 3000);
        uint64_t key_only_ms = restart_all(c, DISK_KEY_ONLY);
        printf("%d restarted at once, seed %lu: %lu ms, with the key only %lu ms\n", MANY,
               (unsigned long)seed, (unsigned long)with_disk_ms, (unsigned long)key_only_ms);
        cr_assert_leq(with_disk_ms, 15000);
        cr_assert_leq(key_only_ms, 15000);
        cluster_free(c);
    }
}

/* Half of them stayed, and have buried the others. */
Test(membership, a_mass_restart_leaves_no_live_node_dead)
{
    struct cluster *c = cluster_new(&(struct cluster_options){.nodes = 40});

    cluster_boot(c);
    for (size_t i = 20; i < 40; i++)
        cluster_crash(c, i);
    for (size_t i = 20; i < 40; i++)
        cr_assert_leq(cluster_wait_everywhere(c, member_is(i, MEMBER_DEAD), 30000), 30000);
    for (size_t i = 20; i < 40; i++)
        cluster_restart(c, i, DISK_KEY_ONLY);
    cr_assert_leq(cluster_wait_everywhere(c, all_alive(), 15000), 15000);
    cluster_run_for(c, 30000);
    cr_assert(cluster_holds_everywhere(c, all_alive()));
    cluster_free(c);
}

Test(membership, half_of_128_dying_at_once_is_known_in_half_a_minute)
{
    struct cluster *c = cluster_new(&(struct cluster_options){.nodes = MANY});

    cluster_boot(c);
    uint64_t since_us = cluster_now_us(c);
    for (size_t i = MANY / 2; i < MANY; i++)
        cluster_crash(c, i);
    for (size_t i = MANY / 2; i < MANY; i++)
        cr_assert_leq(cluster_wait_everywhere(c, member_is(i, MEMBER_DEAD), 30000), 30000);
    uint64_t took_ms = (cluster_now_us(c) - since_us) / 1000;
    printf("%d of %d die at once: known after %lu ms\n", MANY / 2, MANY, (unsigned long)took_ms);
    cr_assert_leq(took_ms, 30000);
    cr_assert_eq(cluster_false_deaths(c), 0);
    cluster_free(c);
}

Test(membership, ten_nodes_see_each_other_within_a_second_of_the_last_start)
{
    for (uint64_t seed = 1; seed <= 10; seed++) {
        struct cluster *c = cluster_new(
            &(struct cluster_options){.nodes = 10, .seed = seed, .start_spread_ms = 500});

        cr_assert_leq(cluster_boot(c), 1000, "seed %lu", (unsigned long)seed);
        cluster_free(c);
    }
}

Test(membership, nodes_without_their_seed_start_and_find_it_when_it_comes)
{
    struct cluster *c = cluster_new(&(struct cluster_options){.nodes = 5});

    for (size_t i = 1; i < 5; i++)
        cluster_start(c, i);
    cluster_run_for(c, 6000);
    for (size_t i = 1; i < 5; i++)
        cr_assert(cluster_status(c, i).synced, "alone, but ready");
    cluster_start(c, 0);
    cr_assert_leq(cluster_wait_everywhere(c, all_alive(), 15000), 15000);
    cr_assert_leq(cluster_wait_everywhere(c, settled(), 5000), 5000);
    cluster_free(c);
}

Test(membership, a_joiner_learns_who_is_dead)
{
    struct cluster *c = cluster_new(&(struct cluster_options){.nodes = 12});

    for (size_t i = 0; i < 11; i++)
        cluster_start(c, i);
    cr_assert_leq(cluster_wait_everywhere(c, all_alive(), 5000), 5000);
    cluster_crash(c, 3);
    cluster_leave(c, 5);
    cr_assert_leq(cluster_wait_everywhere(c, member_is(3, MEMBER_DEAD), 9000), 9000);
    cluster_run_for(c, 20000);
    cluster_start(c, 11);
    cr_assert_leq(cluster_wait_at(c, 11, all_alive(), 3000), 3000);
    cr_assert_leq(cluster_wait_at(c, 11, member_is(3, MEMBER_DEAD), 3000), 3000);
    cr_assert_leq(cluster_wait_at(c, 11, member_is(5, MEMBER_LEFT), 3000), 3000);
    cluster_free(c);
}
