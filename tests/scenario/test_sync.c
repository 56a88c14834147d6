// SPDX-License-Identifier: Apache-2.0
/* test_sync.c - the record plane brought up to date on the world: joiners, resets, and rest */
#include <criterion/criterion.h>
#include <stdio.h>

#include "sim/cluster.h"

#define RECORDS 4000

static void register_many(struct cluster *cluster, size_t nodes, int count, uint32_t ttl_s,
                          uint32_t ttl_third_s)
{
    for (int i = 0; i < count; i++) {
        char id[32];
        snprintf(id, sizeof id, "peer-%d", i);
        cluster_ask_register(cluster, (size_t)i % nodes, id, i % 3 == 0 ? ttl_third_s : ttl_s);
        if (i % 10 == 0)
            cluster_run_for(cluster, 1);
    }
}

static void lose(struct cluster *cluster, double loss)
{
    struct network_faults faults = cluster_faults(cluster);
    faults.loss = loss;
    cluster_set_faults(cluster, &faults);
}

static uint64_t compares(const struct cluster *cluster)
{
    uint64_t sum = 0;
    for (size_t i = 0; i < cluster_nodes(cluster); i++)
        sum += cluster_status(cluster, i).stats.compares;
    return sum;
}

Test(sync, joiner_pulls_thousands_of_records_at_5_percent_loss)
{
    struct cluster *cluster = cluster_new(&(struct cluster_options){.nodes = 5, .seed = 21});
    for (size_t i = 0; i < 4; i++)
        cluster_start(cluster, i);
    cluster_run_for(cluster, 8000);
    register_many(cluster, 2, RECORDS, 3600, 3600);
    cr_assert_leq(cluster_wait_everywhere(cluster, views_equal(), 10000), 10000);
    lose(cluster, 0.05);
    cluster_start(cluster, 4);
    cr_assert_leq(cluster_wait_everywhere(cluster, settled(), 5000), 5000);
    struct gossip_status status = cluster_status(cluster, 4);
    cr_assert_eq(status.peers_visible, RECORDS);
    cr_assert_lt(status.stats.spread_payloads_duplicate, status.stats.spread_payloads_in / 5,
                 "%llu of %llu ranges twice",
                 (unsigned long long)status.stats.spread_payloads_duplicate,
                 (unsigned long long)status.stats.spread_payloads_in);
    cr_assert(cluster_check_settled(cluster));
    cluster_free(cluster);
}

Test(sync, node_that_missed_forgotten_deletes_is_reset_and_swept)
{
    struct gossip_config config = {0};
    gossip_config_defaults(&config);
    config.delete_keep_min_ms = 2000;
    struct cluster *cluster =
        cluster_new(&(struct cluster_options){.nodes = 4, .seed = 22, .config = &config});
    cluster_boot(cluster);
    register_many(cluster, 2, RECORDS, 3600, PEER_TTL_MIN_S);
    cr_assert_leq(cluster_wait_everywhere(cluster, views_equal(), 5000), 5000);
    /* While it is away a third of the records expire, and the others forget that they were there.
     */
    cluster_isolate(cluster, 3);
    cluster_run_for(cluster, 40000);
    lose(cluster, 0.02);
    cluster_heal(cluster);
    cr_assert_leq(cluster_wait_everywhere(cluster, settled(), 15000), 15000);
    cr_assert_gt(cluster_status(cluster, 3).stats.sweeps, 0);
    cr_assert_eq(cluster_status(cluster, 3).records_held, cluster_status(cluster, 2).records_held);
    cr_assert(cluster_check_settled(cluster));
    cluster_free(cluster);
}

Test(sync, cluster_at_rest_compares_nothing)
{
    struct cluster *cluster = cluster_new(&(struct cluster_options){.nodes = 12, .seed = 23});
    cluster_boot(cluster);
    register_many(cluster, 12, 60, 3600, 3600);
    cr_assert_leq(cluster_wait_everywhere(cluster, settled(), 10000), 10000);
    cluster_run_for(cluster, 10000);
    uint64_t before = compares(cluster);
    cluster_run_for(cluster, 120000);
    cr_assert_eq(compares(cluster), before, "%llu comparisons in two idle minutes",
                 (unsigned long long)(compares(cluster) - before));
    cluster_free(cluster);
}

Test(sync, joiner_amid_registrations_misses_none)
{
    struct cluster *cluster =
        cluster_new(&(struct cluster_options){.nodes = 8, .seed = 24, .loss = 0.1});
    for (size_t i = 0; i < 7; i++)
        cluster_start(cluster, i);
    cluster_run_for(cluster, 8000);
    register_many(cluster, 7, 500, 3600, 3600);
    cluster_start(cluster, 7);
    register_many(cluster, 7, 1000, 3600, 3600);
    lose(cluster, 0);
    cr_assert_leq(cluster_wait_everywhere(cluster, settled(), 10000), 10000);
    cr_assert_eq(cluster_status(cluster, 7).peers_visible, 1000);
    cr_assert(cluster_check_settled(cluster));
    cluster_free(cluster);
}
