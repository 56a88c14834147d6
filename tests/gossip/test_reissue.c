// SPDX-License-Identifier: Apache-2.0
/* test_reissue.c - what a home takes over from its last life, and what it must not */
#include <criterion/criterion.h>
#include <stdio.h>

#include "crypto/sign.h"
#include "sim/cluster.h"
#include "tests/gossip/lone.h"

/* A record of the lone core's earlier life. */
static struct blob *earlier_record(const char *peer_id, uint32_t ttl_s, uint64_t epoch,
                                   uint64_t seq)
{
    struct gossip_config config;
    struct sign_scope scope;
    lone_config(&config);
    sign_scope_of(config.cluster, &scope);
    struct record record = {
        .home = node_tag(&config.identity.public),
        .epoch = epoch,
        .version = 77,
        .peer = lone_registration(peer_id, ttl_s).peer,
        .seq = seq,
        .registered_at_ms = seq,
    };
    struct blob *blob = statement_of_record(&record, &config.identity, &scope);
    cr_assert_not_null(blob);
    return blob;
}

/* Starts in a life that begins at LONE_WALL_MS, with one lease whose last heartbeat was `age_ms`
 * before. */
static struct lone *restarted(uint32_t ttl_s, uint64_t age_ms)
{
    struct lone *lone = lone_make(NULL);
    struct blob *record = earlier_record("a", ttl_s, LONE_EPOCH - 1, 123456);
    cr_assert(gossip_restore_lease(lone->core, blob_span(record), LONE_WALL_MS - age_ms));
    blob_release(record);
    return lone;
}

static void sync_first(struct lone *lone)
{
    for (int i = 0; i < 1000 && !lone->core->sync.is_first_done; i++)
        lone_run_for(lone, 1);
    cr_assert(lone->core->sync.is_first_done);
}

Test(reissue, keeps_the_seq_under_the_new_epoch)
{
    struct lone *lone = restarted(60, 1000);
    cr_assert_not(lone_sees(lone, "a"), "not before the first sync");
    sync_first(lone);
    struct record record = lone_record(lone, "a");
    cr_assert_eq(record.seq, 123456U);
    cr_assert_eq(record.epoch, (uint64_t)LONE_EPOCH);
    cr_assert_eq(record.version, 1U);
    cr_assert_eq(record.registered_at_ms, 123456U);
    lone_free(lone);
}

Test(reissue, runs_for_what_is_left_of_the_ttl)
{
    struct lone *lone = restarted(60, 10000);
    sync_first(lone);
    uint64_t since_ms = lone->now.wall_ms - LONE_WALL_MS;
    lone_run_for(lone, 50000 - since_ms - 1);
    cr_assert(lone_sees(lone, "a"));
    lone_run_for(lone, 1 + since_ms);
    cr_assert_not(lone_sees(lone, "a"));
    lone_free(lone);
}

Test(reissue, amnesty_is_a_third_of_the_ttl)
{
    struct lone *lone = restarted(600, 590000);
    sync_first(lone);
    lone_run_for(lone, 199998);
    cr_assert(lone_sees(lone, "a"));
    lone_run_for(lone, 2);
    cr_assert_not(lone_sees(lone, "a"));
    lone_free(lone);
}

/* Or a node that is restarted again and again would keep the dead visible for ever. */
Test(reissue, amnesty_does_not_count_as_a_heartbeat)
{
    struct lone *lone = restarted(600, 590000);
    sync_first(lone);
    cr_assert_eq(lease_at(lone->core, 0)->heartbeat_wall_ms, LONE_WALL_MS - 590000);
    lone_free(lone);
}

Test(reissue, what_ran_out_meanwhile_stays_out)
{
    struct lone *lone = restarted(60, 60000);
    sync_first(lone);
    cr_assert_not(lone_sees(lone, "a"));
    cr_assert_eq(lone_heartbeat(lone, "a", NULL).result, RESULT_UNKNOWN_PEER);
    lone_free(lone);
}

Test(reissue, takes_only_records_of_its_own_earlier_lives)
{
    struct lone *lone = lone_make(NULL);
    struct blob *same_life = earlier_record("a", 60, LONE_EPOCH, 5);
    cr_assert_not(gossip_restore_lease(lone->core, blob_span(same_life), LONE_WALL_MS));
    struct blob *forged = earlier_record("a", 60, LONE_EPOCH - 1, 5);
    forged->bytes[forged->len - 3] ^= 1;
    cr_assert_not(gossip_restore_lease(lone->core, blob_span(forged), LONE_WALL_MS));
    cr_assert_not(gossip_restore_lease(lone->core, span_of("x", 1), LONE_WALL_MS));
    sync_first(lone);
    cr_assert_not(lone_sees(lone, "a"));
    blob_release(same_life);
    blob_release(forged);
    lone_free(lone);
}

Test(reissue, of_two_snapshots_of_a_peer_the_later_act_counts)
{
    struct lone *lone = lone_make(NULL);
    for (uint64_t seq = 5; seq >= 4; seq--) {
        struct blob *record = earlier_record("a", 60, LONE_EPOCH - 1, seq);
        cr_assert(gossip_restore_lease(lone->core, blob_span(record), LONE_WALL_MS));
        blob_release(record);
    }
    sync_first(lone);
    cr_assert_eq(lone_record(lone, "a").seq, 5U);
    cr_assert_eq(lone->core->registry.own->applied, 1U);
    lone_free(lone);
}

static size_t visible(const struct lone *lone)
{
    return lone->core->registry.visible_count;
}

/* Signing 1,000 takes some 30 ms: made at once they would stop the probes of a large home for
 * seconds. */
Test(reissue, goes_in_steps_and_a_heartbeat_jumps_the_queue)
{
    struct lone *lone = lone_make(NULL);
    char id[32];
    for (int i = 0; i < 1000; i++) {
        snprintf(id, sizeof id, "peer-%d", i);
        struct blob *record = earlier_record(id, 60, LONE_EPOCH - 1, 5);
        cr_assert(gossip_restore_lease(lone->core, blob_span(record), LONE_WALL_MS));
        blob_release(record);
    }
    sync_first(lone);
    cr_assert_lt(visible(lone), 200U);
    cr_assert_not(lone_sees(lone, "peer-0"));
    cr_assert_eq(lone_heartbeat(lone, "peer-0", NULL).result, RESULT_OK);
    cr_assert_eq(lone_register_id(lone, "new", 60).result, RESULT_OK);
    lone_run_for(lone, 200);
    cr_assert_eq(visible(lone), 1001U);
    cr_assert_eq(lone->core->registry.own->live_count, 1001U);
    cr_assert_eq(lone->core->registry.own->applied, 1001U, "each once");
    lone_free(lone);
}

/* --- Against what the others know
 * ------------------------------------------------------------------ */

static struct cluster *cluster_of(size_t nodes)
{
    struct cluster *cluster = cluster_new(&(struct cluster_options){.nodes = nodes});
    cluster_boot(cluster);
    return cluster;
}

static void settle(struct cluster *cluster)
{
    cr_assert_leq(cluster_wait_everywhere(cluster, settled(), 30000), 30000U);
    cr_assert(cluster_check_settled(cluster));
}

static void wait_dead(struct cluster *cluster, size_t node)
{
    cr_assert_leq(cluster_wait_everywhere(cluster, member_is(node, MEMBER_DEAD), 20000), 20000U);
}

static uint64_t seq_at(struct cluster *cluster, size_t node, const char *peer_id)
{
    struct gossip_peer_info info;
    struct record record;
    cr_assert(gossip_peer_find(cluster_core(cluster, node), span_of_text(peer_id), &info));
    cr_assert(statement_read_record(blob_span(info.record), &record));
    return record.seq;
}

Test(reissue, restarted_home_keeps_its_peers_without_a_blink)
{
    struct cluster *cluster = cluster_of(3);
    cluster_register(cluster, 1, "a");
    settle(cluster);
    uint64_t seq = seq_at(cluster, 0, "a");
    cluster_crash(cluster, 1);
    cluster_run_for(cluster, 1000);
    cluster_restart(cluster, 1, DISK_LATEST);
    cluster_run_for(cluster, 5000);
    settle(cluster);
    cr_assert_eq(cluster_peer_ups(cluster, 0, "a"), 1U);
    cr_assert_eq(cluster_peer_downs(cluster, 0, "a"), 0U);
    cr_assert_eq(cluster_peer_home(cluster, 0, "a"), 1U);
    cr_assert_eq(seq_at(cluster, 0, "a"), seq, "a re-issue is no act of the client's");
    cr_assert_eq(cluster_heartbeat(cluster, 2, "a"), RESULT_OK);
    cr_assert_eq(cluster_status(cluster, 2).stats.adoptions, 0U);
    cr_assert_eq(cluster_status(cluster, 1).stats.adoptions, 0U);
    cluster_free(cluster);
}

/* The adopter acted later: its seq is higher, and the home that returns leaves the peer to it. */
Test(reissue, returning_home_against_an_adopter)
{
    struct cluster *cluster = cluster_of(3);
    cluster_register(cluster, 1, "a");
    settle(cluster);
    cluster_crash(cluster, 1);
    wait_dead(cluster, 1);
    cr_assert_eq(cluster_heartbeat(cluster, 0, "a"), RESULT_OK);
    cr_assert_leq(cluster_wait_at(cluster, 2, peer_home("a", 0), 1000), 1000U);
    cluster_restart(cluster, 1, DISK_LATEST);
    cluster_run_for(cluster, 20000);
    settle(cluster);
    for (size_t node = 0; node < 3; node++)
        cr_assert_eq(cluster_peer_home(cluster, node, "a"), 0U);
    cr_assert_eq(cluster_peer_downs(cluster, 2, "a"), 0U);
    cr_assert_eq(cluster_core(cluster, 1)->registry.own->applied, 0U, "nothing was re-issued");
    cr_assert_eq(cluster_heartbeat(cluster, 1, "a"), RESULT_OK);
    cr_assert_eq(cluster_peer_home(cluster, 1, "a"), 0U, "forwarded, not taken back");
    cluster_free(cluster);
}

Test(reissue, returning_home_does_not_reissue_what_was_deleted)
{
    struct cluster *cluster = cluster_of(3);
    cluster_register(cluster, 1, "a");
    settle(cluster);
    cluster_crash(cluster, 1);
    wait_dead(cluster, 1);
    cr_assert_eq(cluster_deregister(cluster, 0, "a"), RESULT_OK);
    cr_assert_leq(cluster_wait_everywhere(cluster, peer_hidden("a"), 1000), 1000U);
    cluster_restart(cluster, 1, DISK_LATEST);
    cluster_run_for(cluster, 20000);
    settle(cluster);
    for (size_t node = 0; node < 3; node++)
        cr_assert_not(cluster_sees_peer(cluster, node, "a"));
    cr_assert_eq(cluster_core(cluster, 1)->registry.own->applied, 0U, "nothing was re-issued");
    cr_assert_eq(cluster_heartbeat(cluster, 1, "a"), RESULT_UNKNOWN_PEER);
    cluster_free(cluster);
}

/* The home itself deleted it, but its snapshot is older than that: the others remember. */
Test(reissue, old_snapshot_does_not_bring_back_the_deregistered)
{
    struct cluster *cluster = cluster_of(3);
    cluster_register(cluster, 1, "a");
    cluster_copy_disk(cluster, 1);
    cr_assert_eq(cluster_deregister(cluster, 1, "a"), RESULT_OK);
    cluster_crash(cluster, 1); /* what was answered has left */
    cluster_run_for(cluster, 1000);
    cluster_restart(cluster, 1, DISK_OLD);
    cluster_run_for(cluster, 10000);
    settle(cluster);
    for (size_t node = 0; node < 3; node++)
        cr_assert_not(cluster_sees_peer(cluster, node, "a"));
    cluster_free(cluster);
}

/* Nothing was saved: the log of its old life, which the others hold, is what a heartbeat is
 * answered from. */
Test(reissue, home_without_its_snapshot_adopts_from_its_own_old_log)
{
    struct cluster *cluster = cluster_of(3);
    cluster_register(cluster, 1, "a");
    settle(cluster);
    uint64_t seq = seq_at(cluster, 0, "a");
    cluster_crash(cluster, 1);
    cluster_run_for(cluster, 1000);
    cluster_restart(cluster, 1, DISK_KEY_ONLY);
    cr_assert_leq(cluster_wait_everywhere(cluster, all_alive(), 20000), 20000U);
    cr_assert_eq(cluster_heartbeat(cluster, 2, "a"), RESULT_OK);
    settle(cluster);
    for (size_t node = 0; node < 3; node++)
        cr_assert_eq(cluster_peer_home(cluster, node, "a"), 1U);
    cr_assert_gt(seq_at(cluster, 0, "a"), seq);
    cr_assert_eq(cluster_peer_downs(cluster, 0, "a"), 0U);
    cluster_free(cluster);
}

static uint64_t epoch_at(struct cluster *cluster, size_t node, const char *peer_id)
{
    struct gossip_peer_info info;
    cr_assert(gossip_peer_find(cluster_core(cluster, node), span_of_text(peer_id), &info));
    return info.epoch;
}

/* Re-issues are found by the HEAD and pulled; a push for each would flood the cluster at every
 * restart. */
Test(reissue, bulk_is_pulled_and_not_pushed)
{
    struct cluster *cluster = cluster_of(3);
    char id[32];
    for (int i = 0; i < 60; i++) {
        snprintf(id, sizeof id, "peer-%d", i);
        cluster_register(cluster, 1, id);
    }
    settle(cluster);
    cluster_crash(cluster, 1);
    cluster_run_for(cluster, 1000);
    cluster_restart(cluster, 1, DISK_LATEST);
    cr_assert_leq(cluster_wait_at(cluster, 1, peer_visible("peer-7"), 10000), 10000U);
    while (epoch_at(cluster, 1, "peer-7") != cluster_epoch(cluster, 1))
        cluster_run_for(cluster, 1);
    cluster_run_for(cluster, 10); /* five times what a push takes */
    cr_assert_neq(epoch_at(cluster, 0, "peer-7"), cluster_epoch(cluster, 1));
    cluster_run_for(cluster, 10000);
    settle(cluster);
    cr_assert_eq(epoch_at(cluster, 0, "peer-7"), cluster_epoch(cluster, 1));
    cr_assert_eq(cluster_peers_visible(cluster, 0), 60U);
    cluster_free(cluster);
}

/* A crash before everything is re-issued: what still waits is in the snapshot made meanwhile. */
Test(reissue, snapshot_made_too_early_holds_what_still_waits)
{
    struct lone *lone = restarted(60, 1000);
    const struct blob *record;
    uint64_t heartbeat_wall_ms;
    cr_assert(gossip_lease_at(lone->core, 0, &record, &heartbeat_wall_ms));
    cr_assert_eq(heartbeat_wall_ms, LONE_WALL_MS - 1000);
    cr_assert_not(gossip_lease_at(lone->core, 1, &record, &heartbeat_wall_ms));
    sync_first(lone);
    cr_assert(gossip_lease_at(lone->core, 0, &record, &heartbeat_wall_ms));
    cr_assert_not(gossip_lease_at(lone->core, 1, &record, &heartbeat_wall_ms));
    lone_free(lone);
}

/* It began alone, with a clock that was wrong: when the cluster remembers a higher epoch of it, its
 * epoch is raised, and the leases that it has made meanwhile go on in the new log. */
Test(reissue, leases_outlive_a_raised_epoch)
{
    struct cluster *cluster = cluster_of(3);
    cluster_run_for(cluster, 2000);
    uint64_t remembered = cluster_epoch(cluster, 1);
    cluster_crash(cluster, 1);
    wait_dead(cluster, 1);
    cluster_set_clock(cluster, 1, -86400 * 1000);
    cluster_isolate(cluster, 1);
    cluster_restart(cluster, 1, DISK_KEY_ONLY);
    cluster_run_for(cluster, 2 * JOIN_ALONE_MS);
    cr_assert_lt(cluster_core(cluster, 1)->epoch, remembered);
    cr_assert_eq(cluster_register(cluster, 1, "a"), RESULT_OK);
    cr_assert_eq(cluster_register(cluster, 1, "b"), RESULT_OK);
    cr_assert_eq(cluster_deregister(cluster, 1, "b"), RESULT_OK);
    cluster_heal(cluster);
    cr_assert_leq(cluster_wait_everywhere(cluster, peer_home("a", 1), 60000), 60000U);
    cr_assert_gt(cluster_core(cluster, 1)->epoch, remembered);
    settle(cluster);
    cr_assert_eq(cluster_peer_downs(cluster, 1, "a"), 0U);
    cr_assert_eq(cluster_heartbeat(cluster, 0, "a"), RESULT_OK);
    cr_assert_eq(
        cluster_core(cluster, 0)->stats.adoptions + cluster_core(cluster, 1)->stats.adoptions, 0U);
    cr_assert_eq(cluster_core(cluster, 1)->leases.count, 1U);
    cr_assert_not(cluster_sees_peer(cluster, 2, "b"));
    cluster_free(cluster);
}
