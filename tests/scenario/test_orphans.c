// SPDX-License-Identifier: Apache-2.0
/* test_orphans.c - homes that go, and what everybody else then shows of their peers */
#include <criterion/criterion.h>
#include <stdio.h>

#include "sim/cluster.h"

#define GRACE_MS 90000
#define TTL_S    300
/* A death is declared at different nodes at slightly different times; their graces end so. */
#define SPREAD_MS 5000

/* Five nodes, a sixth to come; "p" at node 4, which is gone after that. */
static struct cluster *five_and_a_loss(void)
{
    struct cluster *c = cluster_new(&(struct cluster_options){.nodes = 6});
    for (size_t i = 0; i < 5; i++)
        cluster_start(c, i);
    cr_assert_leq(cluster_wait_everywhere(c, all_alive(), 15000), 15000U);
    cr_assert_eq(cluster_register_ttl(c, 4, "p", TTL_S), RESULT_OK);
    cr_assert_leq(cluster_wait_everywhere(c, peer_visible("p"), 1000), 1000U);
    cluster_run_for(c, 2000);
    cluster_crash(c, 4);
    cr_assert_leq(cluster_wait_everywhere(c, member_is(4, MEMBER_DEAD), 20000), 20000U);
    return c;
}

static void join(struct cluster *c, size_t node)
{
    cluster_start(c, node);
    cr_assert_leq(cluster_wait_at(c, node, converged(), 10000), 10000U);
}

static void expect_everywhere(struct cluster *c, const char *peer_id, bool is_visible)
{
    for (size_t i = 0; i < cluster_nodes(c); i++)
        if (cluster_is_running(c, i))
            cr_assert_eq(cluster_sees_peer(c, i, peer_id), is_visible, "%s at n%zu", peer_id, i);
}

Test(orphans, joiner_hides_a_dead_homes_peers_when_the_others_do)
{
    struct cluster *c = five_and_a_loss();
    cluster_run_for(c, 40000);
    join(c, 5);
    expect_everywhere(c, "p", true);
    cluster_run_for(c, GRACE_MS - 40000 - 10000 - SPREAD_MS);
    expect_everywhere(c, "p", true);
    cluster_run_for(c, 10000 + 2 * SPREAD_MS);
    expect_everywhere(c, "p", false);
    cr_assert(cluster_check(c));
    cluster_free(c);
}

/* Existing clients only ever heartbeat: whichever node they reach must know the peer until its ttl
 * has run. */
Test(orphans, joiner_shows_none_that_are_hidden_and_can_adopt_them)
{
    struct cluster *c = five_and_a_loss();
    cluster_run_for(c, GRACE_MS + SPREAD_MS);
    expect_everywhere(c, "p", false);
    join(c, 5);
    cr_assert_eq(cluster_peer_ups(c, 5, "p"), 0U);
    cr_assert_eq(cluster_heartbeat(c, 5, "p"), RESULT_OK);
    cr_assert_leq(cluster_wait_everywhere(c, peer_home("p", 5), 1000), 1000U);
    cr_assert(cluster_check(c));
    cluster_free(c);
}

Test(orphans, nobody_knows_them_when_their_ttl_has_run)
{
    struct cluster *c = five_and_a_loss();
    cluster_run_for(c, TTL_S * 1000 + SPREAD_MS);
    join(c, 5);
    for (size_t i = 0; i < 6; i++)
        if (i != 4)
            cr_assert_eq(cluster_heartbeat(c, i, "p"), RESULT_UNKNOWN_PEER, "at n%zu", i);
    cr_assert(cluster_check(c));
    cluster_free(c);
}

/* The home is back, and has forgotten: nothing that is alive tells of the life that ended. */
Test(orphans, joiner_hides_an_ended_lifes_peers_when_the_others_do)
{
    struct cluster *c = five_and_a_loss();
    cluster_run_for(c, 60000);
    cluster_restart(c, 4, DISK_KEY_ONLY);
    cr_assert_leq(cluster_wait_everywhere(c, all_alive(), 15000), 15000U);
    join(c, 5);
    expect_everywhere(c, "p", true);
    cluster_run_for(c, GRACE_MS - 60000);
    expect_everywhere(c, "p", false);
    cr_assert_leq(cluster_wait_everywhere(c, settled(), 5000), 5000U);
    cr_assert(cluster_check_settled(c));
    cluster_free(c);
}

/* The home itself meets the orphans of its last life as a joiner does. */
Test(orphans, home_that_comes_back_late_does_not_show_what_others_hide)
{
    struct cluster *c = five_and_a_loss();
    cluster_run_for(c, GRACE_MS + SPREAD_MS);
    cluster_restart(c, 4, DISK_KEY_ONLY);
    cr_assert_leq(cluster_wait_everywhere(c, all_alive(), 15000), 15000U);
    cr_assert_leq(cluster_wait_everywhere(c, settled(), 5000), 5000U);
    cr_assert(!cluster_sees_peer(c, 4, "p"));
    cr_assert_eq(cluster_heartbeat(c, 4, "p"), RESULT_OK, "its ttl has not run");
    cr_assert_leq(cluster_wait_everywhere(c, peer_home("p", 4), 1000), 1000U);
    cluster_free(c);
}

Test(orphans, two_nodes_and_the_home_is_gone)
{
    struct cluster *c = cluster_new(&(struct cluster_options){.nodes = 2});
    cluster_boot(c);
    cr_assert_eq(cluster_register_ttl(c, 1, "p", TTL_S), RESULT_OK);
    cr_assert_leq(cluster_wait_everywhere(c, peer_visible("p"), 1000), 1000U);
    cluster_crash(c, 1);
    cluster_run_for(c, 30000);
    cr_assert(cluster_sees_peer(c, 0, "p"));
    cr_assert_eq(cluster_heartbeat(c, 0, "p"), RESULT_OK);
    cr_assert_eq(cluster_peer_home(c, 0, "p"), 0U);
    cluster_run_for(c, 120000);
    cr_assert(cluster_sees_peer(c, 0, "p"));
    cr_assert_eq(cluster_peer_downs(c, 0, "p"), 0U);
    cluster_free(c);
}

/* Half of the heartbeats reach the home through another node; for a while that one must ask through
 * relays. */
Test(orphans, load_balancer_between_two_nodes_never_makes_a_peer_blink)
{
    struct cluster *c = cluster_new(&(struct cluster_options){.nodes = 5});
    const size_t nodes[] = {1, 2};
    cluster_boot(c);
    cr_assert_eq(cluster_register_ttl(c, 1, "p", 30), RESULT_OK);
    cluster_client_start(c, "p", 5000, nodes, 2, true);
    cluster_run_for(c, 30000);
    cluster_cut(c, NODES(1), NODES(2)); /* 2 can ask through the others */
    cluster_run_for(c, 60000);
    cluster_heal(c);
    cluster_run_for(c, 60000);
    for (size_t i = 0; i < 5; i++) {
        cr_assert(cluster_sees_peer(c, i, "p"), "n%zu", i);
        cr_assert_eq(cluster_peer_downs(c, i, "p"), 0U, "n%zu", i);
    }
    cr_assert_eq(cluster_client_stats(c, "p").unknown, 0U);
    cr_assert_leq(cluster_wait_everywhere(c, settled(), 5000), 5000U);
    cr_assert(cluster_check_settled(c));
    cluster_free(c);
}
