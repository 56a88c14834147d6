// SPDX-License-Identifier: Apache-2.0
/* test_traitor.c - what a member that lies does in fact: its lies arrive, and say what they should
 */
#include "sim/traitor.h"

#include <criterion/criterion.h>

enum { NODES_ALL = 6, TRAITOR = 5 };

static struct cluster *booted(uint64_t seed)
{
    struct cluster *c = cluster_new(&(struct cluster_options){.nodes = NODES_ALL, .seed = seed});

    cluster_boot(c);
    cluster_run_for(c, 2000);
    return c;
}

static void end(struct cluster *c)
{
    cluster_failures(c);
    cluster_free(c);
}

static uint64_t dropped(const struct cluster *c, size_t node, enum gossip_drop reason)
{
    return cluster_status(c, node).stats.drops[reason];
}

static uint64_t refuted(const struct cluster *c, size_t node)
{
    return cluster_status(c, node).stats.refutations_made;
}

Test(traitor, each_act_has_a_name_and_can_be_done_at_random)
{
    const size_t traitors[] = {TRAITOR, 4};
    struct cluster *c = booted(1);
    struct random random = random_stream(1, 'a');

    cluster_register(c, TRAITOR, "peer");
    cluster_run_for(c, 1000);
    for (enum traitor_act act = 0; act < TRAITOR_ACTS; act++) {
        cr_assert_gt(strlen(traitor_act_name(act)), 0);
        for (int i = 0; i < 20; i++) {
            traitor_act(c, &random, act, traitors, 2);
            cluster_run_for(c, 50);
        }
    }
    cr_assert(cluster_world(c)->nodes[TRAITOR].is_liar);
    cr_assert_not(cluster_world(c)->nodes[0].is_liar);
    end(c);
}

/* The same seed, the same lies. */
static uint64_t hash_of_a_plot(void)
{
    const size_t traitors[] = {TRAITOR};
    struct cluster *c = booted(2);
    struct random random = random_stream(2, 'a');

    for (int i = 0; i < 100; i++) {
        traitor_act(c, &random, (enum traitor_act)(i % TRAITOR_ACTS), traitors, 1);
        cluster_run_for(c, 20);
    }
    uint64_t hash = cluster_trace_hash(c);
    end(c);
    return hash;
}

Test(traitor, lies_follow_from_the_seed)
{
    cr_assert_eq(hash_of_a_plot(), hash_of_a_plot());
}

Test(traitor, whoever_does_not_run_does_nothing)
{
    const size_t traitors[] = {TRAITOR};
    struct cluster *c = booted(3);
    struct random random = random_stream(3, 'a');

    cluster_crash(c, TRAITOR);
    uint64_t hash = cluster_trace_hash(c);
    for (enum traitor_act act = 0; act < TRAITOR_ACTS; act++)
        if (act != TRAITOR_REPLAY && act != TRAITOR_WITHHOLD) /* which need no core */
            traitor_act(c, &random, act, traitors, 1);
    cr_assert_eq(cluster_trace_hash(c), hash);
    end(c);
}

Test(traitor, an_accusation_is_heard_and_answered)
{
    struct cluster *c = booted(4);
    const struct node_set only = NODES(1);
    uint64_t before = refuted(c, 1);

    traitor_accuse(c, TRAITOR, 1, &only);
    cluster_run_for(c, 100);
    cr_assert_eq(refuted(c, 1), before + 1, "told, it objects");
    traitor_accuse(c, TRAITOR, 1, NULL);
    cluster_run_for(c, 5);
    cr_assert(cluster_holds_at(c, 0, member_is(1, MEMBER_SUSPECT)) || refuted(c, 1) > before + 1);
    traitor_accuse_often(c, TRAITOR, 1, 2, 20);
    cluster_run_for(c, 100);
    cr_assert_gt(refuted(c, 1), before + 1);
    end(c);
}

Test(traitor, forgeries_arrive_and_are_refused)
{
    struct cluster *c = booted(5);

    for (enum traitor_lie lie = 0; lie < TRAITOR_LIES; lie++) {
        uint64_t before = dropped(c, 0, DROP_BAD_SIGNATURE);

        traitor_forge(c, TRAITOR, lie, 1);
        cluster_run_for(c, 20);
        cr_assert_gt(dropped(c, 0, DROP_BAD_SIGNATURE), before, "lie %d", (int)lie);
    }
    end(c);
}

Test(traitor, its_own_life_is_its_own)
{
    struct cluster *c = booted(6);
    struct gossip_member_info seen;

    traitor_inflate(c, TRAITOR, 1000);
    cluster_run_for(c, 1000);
    cr_assert(gossip_member_find(cluster_core(c, 0), cluster_tag(c, TRAITOR), &seen));
    cr_assert_geq(seen.incarnation, 1000U);
    traitor_inflate_epoch(c, TRAITOR, 1000);
    cluster_run_for(c, 1000);
    cr_assert(gossip_member_find(cluster_core(c, 0), cluster_tag(c, TRAITOR), &seen));
    cr_assert_eq(seen.epoch, cluster_epoch(c, TRAITOR));
    end(c);
}

Test(traitor, a_mute_packet_lifts_the_window)
{
    struct cluster *c = booted(7);
    uint64_t before = dropped(c, 0, DROP_REPLAYED);

    traitor_mute(c, TRAITOR, 1, 0);
    cluster_run_for(c, 10000);
    cr_assert_gt(dropped(c, 0, DROP_REPLAYED), before, "what it said next was old");
    end(c);
}

Test(traitor, old_packets_arrive_and_are_dropped)
{
    struct cluster *c = booted(8);
    struct random random = random_stream(8, 'r');
    uint64_t before = 0, after = 0;

    traitor_listen(c);
    cluster_run_for(c, 5000);
    for (size_t i = 0; i < NODES_ALL; i++)
        before += dropped(c, i, DROP_REPLAYED);
    traitor_replay(c, &random, 50, NULL);
    cluster_run_for(c, 100);
    for (size_t i = 0; i < NODES_ALL; i++)
        after += dropped(c, i, DROP_REPLAYED);
    cr_assert_geq(after, before + 20);
    traitor_replay_statements(c, &random, TRAITOR, 50);
    cluster_run_for(c, 100);
    end(c);
}

Test(traitor, noise_arrives_and_is_dropped)
{
    struct cluster *c = booted(9);
    struct random random = random_stream(9, 'g');

    traitor_flood_garbage(c, &random, TRAITOR, 200);
    cluster_run_for(c, 100);
    cr_assert_gt(dropped(c, 0, DROP_MALFORMED), 0, "under a seal");
    cr_assert_gt(dropped(c, 0, DROP_VERSION) + dropped(c, 0, DROP_FORGED), 0, "and without one");
    end(c);
}

Test(traitor, a_flood_is_of_many_packets)
{
    struct cluster *c = booted(10);
    struct random random = random_stream(10, 'f');
    uint64_t before = cluster_status(c, 0).stats.packets_in;

    traitor_flood(c, &random, TRAITOR, 600);
    cluster_run_for(c, 50);
    cr_assert_gt(cluster_status(c, 0).stats.packets_in, before + 10);
    cr_assert_gt(cluster_status(c, TRAITOR).stats.packets_in, 100U, "and it is answered");
    end(c);
}

/* A hole in what it says, and nowhere else. */
Test(traitor, what_is_withheld_is_missing)
{
    struct cluster *c = booted(11);
    const struct node_set all = NODES(0, 1, 2, 3, 4);

    traitor_withhold(c, TRAITOR, &all);
    cr_assert_eq(cluster_register(c, TRAITOR, "one"), RESULT_OK); /* version 1: odd */
    cr_assert_eq(cluster_register(c, TRAITOR, "two"), RESULT_OK);
    cluster_run_for(c, 200);
    cr_assert_not(cluster_sees_peer(c, 0, "one"));
    cr_assert(cluster_sees_peer(c, 0, "two"));
    traitor_withhold(c, TRAITOR, NULL);
    cr_assert_leq(cluster_wait_everywhere(c, peer_visible("one"), 30000), 30000);
    end(c);
}

Test(traitor, two_heads_are_two)
{
    struct cluster *c = booted(12);

    cr_assert_not(traitor_equivocate(c, TRAITOR), "its log is empty");
    cr_assert_not(traitor_equivocate_late(c, TRAITOR));
    cr_assert(traitor_equivocate_record(c, TRAITOR, "two"));
    cluster_run_for(c, 5);
    struct gossip_peer_info even, odd;
    cr_assert(gossip_peer_find(cluster_core(c, 0), span_of_text("two"), &even));
    cr_assert(gossip_peer_find(cluster_core(c, 1), span_of_text("two"), &odd));
    cr_assert_eq(even.version, odd.version);
    cr_assert_not(span_equal(blob_span(even.record), blob_span(odd.record)));
    cluster_run_for(c, 5000);
    cr_assert(traitor_equivocate(c, TRAITOR));
    end(c);
}

Test(traitor, a_victim_is_counted_not_answered_for)
{
    struct cluster *c = booted(13);
    struct random random = random_stream(13, 'r');
    struct addr victim = traitor_victim(3);

    traitor_reflect(c, &random, TRAITOR, BAIT_PING, 0, &victim);
    cluster_run_for(c, 100);
    const struct stranger *there = stranger_find(&cluster_world(c)->strangers, &victim);
    cr_assert_not_null(there);
    cr_assert_eq(there->packets_from, 1U);
    cr_assert_eq(there->packets_to, 1U);
    cr_assert_gt(there->bytes_to, 0U);
    end(c);
}
