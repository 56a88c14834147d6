// SPDX-License-Identifier: Apache-2.0
/* test_check.c - each checker is seen to catch what it is for: one fault put into the world at a
 * time */
#include "sim/check.h"

#include "sim/checks.h"
#include "sim/cluster.h"

#include <criterion/criterion.h>
#include <string.h>

/* As if the core had put it out. */
static void leave(struct cluster *c, const uint8_t *packet, size_t len)
{
    struct addr own = cluster_addr(c, 0);

    checks_on_packet_out(cluster_world(c), 0, &own, packet, len);
}

/* Three nodes, one peer, all well. */
static struct cluster *healthy(void)
{
    struct cluster *c = cluster_new(&(struct cluster_options){.nodes = 3});

    cluster_boot(c);
    cr_assert_eq(cluster_register(c, 0, "printer"), RESULT_OK);
    cr_assert_leq(cluster_wait_everywhere(c, settled(), 5000), 5000);
    cr_assert(cluster_check_settled(c));
    return c;
}

/* Something broke, and only that; then it was asked about. */
static void must_have_failed(struct cluster *c, uint64_t failures)
{
    cr_assert_eq(cluster_world(c)->failures, failures);
    cr_assert_eq(cluster_failures(c), failures);
    cluster_free(c);
}

static struct seen_peer *printer_at(struct cluster *c, size_t node)
{
    struct world *world = cluster_world(c);

    return &world->nodes[node].seen.peers[intern_find(&world->peer_ids, span_of_text("printer"))];
}

Test(check, a_lost_up_event_is_caught)
{
    struct cluster *c = healthy();

    printer_at(c, 1)->is_visible = false;
    cr_assert_not(check_view(cluster_world(c), 1));
    must_have_failed(c, 1);
}

Test(check, another_record_than_the_cores_is_caught)
{
    struct cluster *c = healthy();

    printer_at(c, 1)->version++;
    cr_assert_not(check_view(cluster_world(c), 1));
    must_have_failed(c, 1);
}

Test(check, a_miscount_is_caught)
{
    struct cluster *c = healthy();

    cluster_world(c)->nodes[2].seen.peers_visible++;
    cr_assert_not(check_view(cluster_world(c), 2));
    must_have_failed(c, 1);
}

Test(check, a_digest_that_no_event_announced_is_caught)
{
    struct cluster *c = healthy();

    cluster_world(c)->nodes[2].seen.core_view_digest[1]++;
    cr_assert_not(check_view(cluster_world(c), 2));
    must_have_failed(c, 1);
}

Test(check, unequal_views_are_caught)
{
    struct cluster *c = healthy();

    cluster_isolate(c, 2);
    cr_assert_eq(cluster_register(c, 0, "scanner"), RESULT_OK);
    cluster_run_for(c, 50);
    cr_assert_not(check_views_equal(cluster_world(c), true));
    must_have_failed(c, 1);
}

Test(check, a_dead_member_is_not_alive)
{
    struct cluster *c = healthy();

    cluster_isolate(c, 2);
    cluster_run_for(c, 20000);
    cr_assert_not(check_all_alive(cluster_world(c), 0, NULL, true));
    must_have_failed(c, 1);
}

Test(check, a_repeated_nonce_is_caught)
{
    struct cluster *c = cluster_new(&(struct cluster_options){.nodes = 1});
    uint8_t packet[100] = {SEAL_VERSION_BYTE};

    for (packet[10] = 0; packet[10] < 50; packet[10]++)
        leave(c, packet, sizeof(packet));
    cr_assert_eq(cluster_world(c)->failures, 0);
    packet[10] = 40;
    leave(c, packet, sizeof(packet));
    must_have_failed(c, 1);
}

Test(check, a_packet_too_long_is_caught)
{
    struct cluster *c = cluster_new(&(struct cluster_options){.nodes = 1});
    uint8_t packet[PACKET_MAX_BYTES + 1] = {SEAL_VERSION_BYTE};

    leave(c, packet, PACKET_MAX_BYTES);
    cr_assert_eq(cluster_world(c)->failures, 0);
    leave(c, packet, sizeof(packet));
    must_have_failed(c, 1);
}

/* Plain SWIM buries on one accuser's word; the checker is made to believe that this is our
 * detector. */
Test(check, a_death_without_its_quorum_is_caught)
{
    struct cluster *c =
        cluster_new(&(struct cluster_options){.nodes = 6, .detector = DETECTOR_SWIM});

    cluster_boot(c);
    cluster_world(c)->config.detector = DETECTOR_AURORA; /* what the checker believes */
    cluster_cut(c, NODES(3), NODES_RANGE(0, 6));
    cluster_run_for(c, 30000);
    cr_assert_gt(cluster_failures(c), 0);
    cluster_free(c);
}

Test(check, a_life_that_runs_and_is_called_dead_is_counted)
{
    struct cluster *c = healthy();

    cluster_isolate(c, 2);
    cluster_run_for(c, 20000);
    cr_assert_geq(cluster_false_deaths(c), 2);
    cr_assert_eq(cluster_failures(c), 0);
    cluster_free(c);
}
