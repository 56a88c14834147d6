// SPDX-License-Identifier: Apache-2.0
/* test_traitor.c - members that hold the cluster's key and lie; each test is a rule that a lie once
 * broke, or must never break */
#include "sim/cluster.h"
#include "sim/traitor.h"

#include <criterion/criterion.h>
#include <inttypes.h>

static struct cluster *booted(size_t nodes, uint64_t seed)
{
    struct cluster *c = cluster_new(&(struct cluster_options){.nodes = nodes, .seed = seed});

    cluster_boot(c);
    return c;
}

static struct gossip_member_info life_of(struct cluster *c, size_t node)
{
    struct gossip_member_info info;

    cr_assert(gossip_member_find(cluster_core(c, node), cluster_tag(c, node), &info));
    return info;
}

static void end(struct cluster *c)
{
    cr_assert(cluster_check(c));
    cluster_free(c);
}

/* --- Lives
 * ----------------------------------------------------------------------------------------- */

/* Only the subject raises its (epoch, incarnation), and only the subject leaves. */
Test(traitor, a_life_that_its_subject_never_signed_is_void)
{
    struct cluster *c = booted(5, 21);
    struct gossip_member_info life = life_of(c, 1);

    traitor_inflate_other(c, 4, 1, 5);
    for (enum traitor_lie lie = 0; lie < TRAITOR_LIES; lie++)
        traitor_forge(c, 4, lie, 1);
    traitor_accuse_life(c, 4, 1, life.epoch, life.incarnation + 5);
    traitor_accuse_life(c, 4, 1, life.epoch + 1, 1);
    cluster_run_for(c, 20000);
    cr_assert(cluster_holds_everywhere(c, all_alive()));
    for (size_t i = 0; i < 4; i++) {
        struct gossip_member_info seen;
        cr_assert(gossip_member_find(cluster_core(c, i), cluster_tag(c, 1), &seen));
        cr_assert_eq(seen.epoch, life.epoch);
        cr_assert_eq(seen.incarnation, life.incarnation, "n%zu was made to answer a lie", i);
    }
    cr_assert_not(cluster_sees_peer(c, 0, "forged"));
    end(c);
}

/* Even a quorum of liars: whoever is told that it is suspected objects, and each accusation is
 * about the life before. They never tell it themselves. */
Test(traitor, whoever_answers_outlives_a_quorum_of_accusers)
{
    struct cluster *c = booted(6, 22);
    const size_t traitors[] = {3, 4, 5};

    for (int round = 0; round < 20; round++) {
        traitor_collude(c, traitors, 3, 1);
        cluster_run_for(c, 3000);
    }
    cr_assert_eq(cluster_false_deaths(c), 0U);
    cr_assert_leq(cluster_wait_everywhere(c, all_alive(), 5000), 5000);
    end(c);
}

/* One packet in its name with the highest counter there is, and nobody heard a member any more:
 * 63 times a healthy one was declared dead among 40, by one liar within 20 s. */
Test(traitor, nobody_is_muted_by_a_counter_far_ahead)
{
    struct cluster *c = booted(40, 5);

    cluster_run_for(c, 3000);
    for (int round = 0; round < 20; round++) {
        for (size_t at = 0; at < 39; at++) {
            traitor_mute(c, 39, 1, at);
            traitor_mute(c, 39, at, 1); /* nor can the others tell it */
        }
        cluster_run_for(c, 1000);
    }
    cr_assert_eq(cluster_false_deaths(c), 0U);
    cr_assert_eq(cluster_register(c, 1, "printer"), RESULT_OK);
    cr_assert_leq(cluster_wait_everywhere(c, settled(), 15000), 15000);
    end(c);
}

/* A flood of accusations made its subject sign, and everybody pass on, two trees for each. */
Test(traitor, a_flood_of_accusations_costs_little)
{
    struct cluster *c = booted(12, 6);
    const struct node_set to = NODES(1);

    cluster_run_for(c, 3000);
    uint64_t before = cluster_status(c, 1).stats.refutations_made;
    for (int round = 0; round < 2000; round++) {
        traitor_accuse(c, 11, 1, &to);
        cluster_run_for(c, 5);
    }
    uint64_t refuted = cluster_status(c, 1).stats.refutations_made - before;
    cr_assert_leq(refuted, ACCUSATIONS_BURST + 11 * ACCUSATIONS_PER_INTERVAL);
    cr_assert_geq(refuted, ACCUSATIONS_BURST);
    cr_assert_eq(cluster_status(c, 1).health, 0, "nor does one liar slow its probes");
    cr_assert_eq(cluster_false_deaths(c), 0U);
    cr_assert_leq(cluster_wait_everywhere(c, settled(), 15000), 15000);
    end(c);
}

/* While one liar talks all the time, others are heard: a real death takes no longer. */
Test(traitor, a_death_is_noticed_through_a_flood)
{
    struct cluster *c = booted(12, 7);
    const struct node_set to = NODES(0, 1, 2, 3, 4);

    cluster_run_for(c, 3000);
    for (int round = 0; round < 200; round++) {
        traitor_accuse(c, 11, 5, &to);
        cluster_run_for(c, 5);
    }
    cluster_crash(c, 5);
    cr_assert_leq(cluster_wait_everywhere(c, member_is(5, MEMBER_DEAD), 15000), 15000);
    end(c);
}

/* Stamps follow the wall clock, but never back within a life: to jump makes nobody mute. */
Test(traitor, an_accuser_whose_clock_jumped_is_heard)
{
    struct cluster *c = booted(5, 8);
    const int64_t ten_years_ms = INT64_C(315576000000);

    for (size_t i = 0; i < 5; i++)
        cluster_set_clock(c, i, ten_years_ms);
    cluster_crash(c, 4);
    cr_assert_leq(cluster_wait_everywhere(c, member_is(4, MEMBER_DEAD), 15000), 15000);
    for (size_t i = 0; i < 5; i++)
        cluster_set_clock(c, i, 0);
    cluster_run_for(c, 5000);
    cluster_crash(c, 3);
    cr_assert_leq(cluster_wait_everywhere(c, member_is(3, MEMBER_DEAD), 15000), 15000);
    end(c);
}

/* --- Addresses
 * ------------------------------------------------------------------------------------- */

static double ratio(struct cluster *c, const struct addr *victim)
{
    const struct stranger *there = stranger_find(&cluster_world(c)->strangers, victim);

    cr_assert_not_null(there);
    cr_assert_gt(there->bytes_from, 0);
    return (double)there->bytes_to / (double)there->bytes_from;
}

/* A PING from elsewhere was answered with an ACK and a question, and often with our ALIVE: 1.5
 * times its size. */
Test(traitor, a_forged_source_gets_no_more_than_it_sent)
{
    struct cluster *c = booted(8, 9);
    struct random random = random_stream(9, 'r');

    traitor_listen(c);
    cr_assert_eq(cluster_register(c, 1, "printer"), RESULT_OK);
    cluster_run_for(c, 5000);
    for (enum traitor_bait bait = 0; bait < TRAITOR_BAITS; bait++) {
        struct addr victim = traitor_victim((uint32_t)bait);

        if (bait == BAIT_ALIVE)
            continue;
        for (size_t round = 0; round < 40; round++) {
            traitor_reflect(c, &random, 7, bait, round % 7, &victim);
            cluster_run_for(c, round % 3 * 50);
        }
        cluster_run_for(c, 3000);
        cr_assert_leq(ratio(c, &victim), 1.0, "bait %d", (int)bait);
    }
    end(c);
}

/* An identity of the liar's making was sent whole logs where it said it lives: 20 times what came
 * from there. */
Test(traitor, an_address_named_in_an_alive_gets_little)
{
    struct cluster *c = booted(8, 10);
    struct random random = random_stream(10, 'r');
    struct addr victim = traitor_victim(1);
    char id[24];

    for (int i = 0; i < 300; i++) {
        snprintf(id, sizeof(id), "peer-%d", i);
        cluster_register(c, (size_t)i % 8, id);
    }
    cluster_run_for(c, 5000);
    for (int round = 0; round < 20; round++) {
        for (size_t at = 0; at < 7; at++)
            traitor_reflect(c, &random, 7, BAIT_ALIVE, at, &victim);
        cluster_run_for(c, 500);
    }
    cluster_run_for(c, 10000);
    cr_assert_leq(ratio(c, &victim), 3.0);
    end(c);
}

/* --- Logs
 * ------------------------------------------------------------------------------------------ */

/* Claims that nothing signed bears out: they are asked about, and given up. */
Test(traitor, versions_that_nobody_has_are_given_up)
{
    struct cluster *c = booted(4, 24);

    cr_assert_eq(cluster_register(c, 1, "printer"), RESULT_OK);
    cluster_run_for(c, 3000);
    for (int round = 0; round < 100; round++) {
        traitor_announce(c, 3, 1, UINT64_C(1) << 40);
        cluster_run_for(c, 100);
    }
    cr_assert(cluster_holds_everywhere(c, peer_visible("printer")));
    cr_assert_eq(cluster_register(c, 1, "scanner"), RESULT_OK);
    cr_assert_leq(cluster_wait_everywhere(c, peer_visible("scanner"), 200), 200);
    cr_assert_leq(cluster_wait_everywhere(c, settled(), 60000), 60000);
    cr_assert_leq(cluster_wait_everywhere(c, converged(), 10000), 10000);
    cr_assert(cluster_check_settled(c));
    cluster_free(c);
}

static bool shows_equivocation(struct cluster *c, size_t node, size_t home)
{
    struct gossip_log_info log;

    for (size_t i = 0; i < gossip_log_count(cluster_core(c, node)); i++)
        if (gossip_log_at(cluster_core(c, node), i, &log) && log.home == cluster_tag(c, home))
            return log.state == LOG_EQUIVOCATING;
    return false;
}

static void equivocated(bool (*equivocate)(struct cluster *, size_t))
{
    struct cluster *c = booted(8, 11);

    cr_assert_eq(cluster_register(c, 7, "printer"), RESULT_OK);
    cluster_run_for(c, 3000);
    cr_assert(equivocate(c, 7));
    cluster_run_for(c, 10000);
    for (size_t i = 0; i < 8; i++)
        cr_assert(shows_equivocation(c, i, 7), "n%zu", i);
    cr_assert(cluster_holds_everywhere(c, peer_visible("printer")));
    end(c);
}

Test(traitor, two_heads_for_one_version_are_known_everywhere)
{
    equivocated(traitor_equivocate);
}

/* Whoever had left that version behind took no notice: the others stayed frozen alone. */
Test(traitor, so_are_two_heads_for_a_version_left_behind)
{
    equivocated(traitor_equivocate_late);
}

/* One version, two records: the root tells which of them the home means. */
Test(traitor, two_records_for_one_version_become_one)
{
    struct cluster *c = booted(8, 12);

    cr_assert(traitor_equivocate_record(c, 7, "printer"));
    cr_assert_leq(cluster_wait_everywhere(c, settled(), 15000), 15000);
    cr_assert(cluster_check_settled(c));
    cluster_free(c);
}

/* A home that leaves out every other operation for half of the members, and lies in its answers. */
Test(traitor, what_is_withheld_is_found_by_the_root)
{
    struct cluster *c = booted(8, 13);
    const struct node_set some = NODES(0, 2, 4, 6);
    char id[24];

    traitor_withhold(c, 7, &some);
    for (int i = 0; i < 40; i++) {
        snprintf(id, sizeof(id), "peer-%d", i);
        cr_assert_eq(cluster_register(c, (size_t)i % 2 ? 7 : 1, id), RESULT_OK);
    }
    cr_assert_leq(cluster_wait_everywhere(c, settled(), 60000), 60000);
    for (int i = 0; i < 40; i++) {
        snprintf(id, sizeof(id), "peer-%d", i);
        cr_assert(cluster_holds_everywhere(c, peer_visible(id)), "%s", id);
    }
    end(c);
}

/* --- Floods, and what was said before
 * -------------------------------------------------------------- */

Test(traitor, a_flood_of_questions_and_noise_stops_nobody)
{
    struct cluster *c = booted(8, 14);
    struct random random = random_stream(14, 'f');

    cr_assert_eq(cluster_register(c, 1, "printer"), RESULT_OK);
    for (int round = 0; round < 30; round++) {
        traitor_flood(c, &random, 7, 300);
        traitor_flood_garbage(c, &random, 7, 300);
        cluster_run_for(c, 100);
    }
    cr_assert_eq(cluster_register(c, 2, "scanner"), RESULT_OK);
    cr_assert_leq(cluster_wait_everywhere(c, peer_visible("scanner"), 1000), 1000);
    cr_assert_eq(cluster_false_deaths(c), 0U);
    cr_assert_leq(cluster_wait_everywhere(c, settled(), 30000), 30000);
    end(c);
}

/* Whoever asks faster than it may be answered: its answers stood before everybody else's packets,
 * and a new record took 16 s to leave its home. */
Test(traitor, who_asks_too_much_keeps_nobody_else_waiting)
{
    struct cluster *c = booted(6, 16);
    char id[24];

    for (int i = 0; i < 300; i++) {
        snprintf(id, sizeof(id), "peer-%d", i);
        cr_assert_eq(cluster_register(c, 1, id), RESULT_OK);
    }
    cluster_run_for(c, 10000);
    for (int round = 0; round < 50; round++) {
        traitor_ask(c, 5, 1, 200);
        cluster_run_for(c, 100);
    }
    cr_assert_eq(cluster_register(c, 1, "scanner"), RESULT_OK);
    cr_assert_leq(cluster_wait_everywhere(c, peer_visible("scanner"), 100), 100);
    end(c);
}

Test(traitor, what_was_said_before_has_no_effect)
{
    struct cluster *c = booted(8, 15);
    struct random random = random_stream(15, 'p');
    struct addr elsewhere = cluster_addr(c, 7);

    traitor_listen(c);
    cr_assert_eq(cluster_register(c, 1, "printer"), RESULT_OK);
    cluster_run_for(c, 3000);
    cluster_restart(c, 3, DISK_LATEST);
    cr_assert_eq(cluster_deregister(c, 1, "printer"), RESULT_OK);
    cr_assert_leq(cluster_wait_everywhere(c, settled(), 30000), 30000);
    for (int round = 0; round < 50; round++) {
        traitor_replay(c, &random, 40, NULL);
        traitor_replay(c, &random, 40, &elsewhere);
        traitor_replay_statements(c, &random, 7, 5);
        cluster_run_for(c, 200);
        cr_assert(cluster_holds_everywhere(c, peer_hidden("printer")));
    }
    cr_assert_eq(cluster_false_deaths(c), 0U);
    cr_assert_leq(cluster_wait_everywhere(c, settled(), 15000), 15000);
    end(c);
}
