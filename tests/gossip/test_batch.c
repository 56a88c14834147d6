// SPDX-License-Identifier: Apache-2.0
/* test_batch.c - when operations leave their home, and how many together */
#include <criterion/criterion.h>
#include <stdio.h>

#include "sim/cluster.h"
#include "tests/gossip/lone.h"

static size_t pending(const struct lone *lone)
{
    return lone->core->registry.own->applied - lone->core->leases.batch_from;
}

Test(batch, first_operation_after_quiet_leaves_at_once)
{
    struct lone *lone = lone_new(NULL);
    lone_register_id(lone, "a", 60);
    cr_assert_eq(pending(lone), 0U);
    lone_run_for(lone, BATCH_QUIET_MS);
    lone_register_id(lone, "b", 60);
    cr_assert_eq(pending(lone), 0U);
    lone_free(lone);
}

static void ask(struct lone *lone, const char *peer_id)
{
    struct gossip_registration registration = lone_registration(peer_id, 60);
    gossip_register(lone->core, lone->now, ++lone->requests, &registration);
    lone_drain(lone);
}

Test(batch, under_load_operations_leave_together_within_5_ms)
{
    struct lone *lone = lone_new(NULL);
    char id[32];
    lone_register_id(lone, "first", 60);
    for (int i = 0; i < 4; i++) {
        lone_run_for(lone, 1);
        snprintf(id, sizeof id, "peer-%d", i);
        ask(lone, id);
        cr_assert_eq(pending(lone), (size_t)i + 1);
    }
    lone_run_for(lone, BATCH_DELAY_MS - 4);
    cr_assert_gt(pending(lone), 0U);
    lone_run_for(lone, 1);
    cr_assert_eq(pending(lone), 0U, "5 ms after the first of them, not after the last");
    lone_free(lone);
}

/* Whoever was told "ok" may forget what it sent: by then it must be on its way to others. */
Test(batch, reply_waits_until_its_operation_has_left)
{
    struct lone *lone = lone_new(NULL);
    ask(lone, "first");
    cr_assert_eq(lone_count(lone, GOSSIP_EVENT_REPLY), 1U, "left at once");
    lone_run_for(lone, 1);
    ask(lone, "second");
    cr_assert_eq(lone_count(lone, GOSSIP_EVENT_PEER_UP), 2U);
    cr_assert_eq(lone_count(lone, GOSSIP_EVENT_REPLY), 1U);
    cr_assert_eq(lone_heartbeat(lone, "first", NULL).result, RESULT_OK, "made nothing: not late");
    cr_assert_gt(pending(lone), 0U);
    lone_run_for(lone, BATCH_DELAY_MS);
    cr_assert_eq(pending(lone), 0U);
    cr_assert_eq(lone_count(lone, GOSSIP_EVENT_REPLY), 3U);
    lone_free(lone);
}

/* Some 430 bytes each: two of them fill a packet. */
static void ask_wide(struct lone *lone, int number)
{
    char id[32], metadata[256];
    snprintf(id, sizeof id, "wide-%d", number);
    snprintf(metadata, sizeof metadata, "{\"pad\":\"%0240d\"}", number);
    struct gossip_registration registration = lone_registration(id, 60);
    registration.peer.metadata = span_of_text(metadata);
    gossip_register(lone->core, lone->now, ++lone->requests, &registration);
    lone_drain(lone);
}

/* Who fills packets does not wait for the 5 ms: 64 clients that each wait for their answer would
 * not get above 13,000 registrations a second. */
Test(batch, full_packet_leaves_and_its_operations_are_answered)
{
    struct lone *lone = lone_new(NULL);
    lone_register_id(lone, "first", 60);
    lone_run_for(lone, 1);
    size_t replies = lone_count(lone, GOSSIP_EVENT_REPLY);
    for (int i = 1; i <= 2; i++) {
        ask_wide(lone, i);
        cr_assert_eq(pending(lone), (size_t)i);
    }
    cr_assert_eq(lone_count(lone, GOSSIP_EVENT_REPLY), replies);
    ask_wide(lone, 3);
    cr_assert_eq(pending(lone), 1U, "the third did not fit");
    cr_assert_eq(lone_count(lone, GOSSIP_EVENT_REPLY), replies + 2);
    cr_assert_eq(lone_last(lone, GOSSIP_EVENT_REPLY)->reply.request, lone->requests - 1);
    lone_run_for(lone, BATCH_DELAY_MS);
    cr_assert_eq(pending(lone), 0U);
    cr_assert_eq(lone_count(lone, GOSSIP_EVENT_REPLY), replies + 3);
    lone_free(lone);
}

/* What is not pushed has nothing to wait for; after the 5 ms packets may leave again. */
Test(batch, beyond_eight_packets_nothing_is_pushed_and_nobody_waits)
{
    struct lone *lone = lone_new(NULL);
    lone_register_id(lone, "first", 60);
    lone_run_for(lone, 1);
    size_t replies = lone_count(lone, GOSSIP_EVENT_REPLY);
    for (int i = 1; i <= 16; i++)
        ask_wide(lone, i);
    cr_assert_eq(pending(lone), 2U, "seven packets have left");
    cr_assert_eq(lone_count(lone, GOSSIP_EVENT_REPLY), replies + 14);
    for (int i = 17; i <= 40; i++) {
        ask_wide(lone, i);
        cr_assert_eq(pending(lone), 0U);
        cr_assert_eq(lone_count(lone, GOSSIP_EVENT_REPLY), replies + (size_t)i);
    }
    lone_run_for(lone, BATCH_DELAY_MS);
    ask_wide(lone, 41);
    cr_assert_eq(pending(lone), 1U);
    lone_free(lone);
}

Test(batch, delete_leaves_like_a_set)
{
    struct lone *lone = lone_new(NULL);
    lone_register_id(lone, "a", 60);
    lone_run_for(lone, 1000);
    gossip_deregister(lone->core, lone->now, 99, span_of_text("a"), NULL);
    cr_assert_eq(pending(lone), 0U);
    lone_free(lone);
}

static bool everywhere_within(struct cluster *cluster, size_t count, uint64_t bound_ms)
{
    char last[32];
    snprintf(last, sizeof last, "peer-%zu", count - 1);
    cluster_wait_everywhere(cluster, peer_visible(last), bound_ms);
    return cluster_peers_visible(cluster, 0) == count && cluster_peers_visible(cluster, 1) == count;
}

static void register_many(struct cluster *cluster, size_t count)
{
    char id[32];
    for (size_t i = 0; i < count; i++) {
        snprintf(id, sizeof id, "peer-%zu", i);
        cluster_ask_register(cluster, 0, id, 300);
    }
}

/* More than one packet holds, fewer than the bound on packets: all of it is pushed. */
Test(batch, burst_is_pushed_in_several_packets)
{
    struct cluster *cluster = cluster_new(&(struct cluster_options){.nodes = 2});
    cluster_boot(cluster);
    register_many(cluster, 20);
    cr_assert(everywhere_within(cluster, 20, 15));
    cr_assert_eq(cluster_status(cluster, 1).stats.pulls, 0U);
    cluster_free(cluster);
}

/* Beyond the bound the rest is pulled: nothing is lost, and nothing waits for anti-entropy's round.
 */
Test(batch, burst_beyond_the_bound_is_pulled)
{
    struct cluster *cluster = cluster_new(&(struct cluster_options){.nodes = 2});
    cluster_boot(cluster);
    register_many(cluster, 500);
    cr_assert(everywhere_within(cluster, 500, 2000));
    cr_assert_leq(cluster_wait_everywhere(cluster, settled(), 5000), 5000U);
    cr_assert(cluster_check_settled(cluster));
    cluster_free(cluster);
}
