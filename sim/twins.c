// SPDX-License-Identifier: Apache-2.0
/* twins.c - the same operations over two networks */
#include "sim/twins.h"

#include "sim/check.h"
#include "sim/cluster_impl.h"
#include "sim/random.h"

#include <inttypes.h>
#include <stdio.h>

enum {
    PEERS_PER_NODE = 4,
    BEGIN_MS = 20000, /* by then all have joined, over a network that is kind to both */
    END_MS = 50000,
    OPERATION_EVERY_MS = 25,
    SHARED = 8, /* peers that are registered at two homes at once */
    SHARED_TTL_S = 300,
    PART_MS = 8000, /* until the losers have ended theirs */
    SETTLE_MS = 60000,
};

/* Each peer stays with one home: what the others hear and when changes no act of its. */
static void operate(struct cluster *cluster, struct random *random)
{
    uint64_t number = random_below(random, PEERS_PER_NODE * cluster_nodes(cluster));
    size_t home = number % cluster_nodes(cluster);
    uint32_t ttl_s = PEER_TTL_MIN_S + (uint32_t)random_below(random, 20);
    char id[24];

    snprintf(id, sizeof(id), "twin-%" PRIu64, number);
    switch (random_below(random, 5)) {
    case 0: cluster_ask_deregister(cluster, home, id); break;
    case 1: cluster_ask_heartbeat(cluster, home, id); break;
    default: cluster_ask_register(cluster, home, id, ttl_s); break;
    }
}

/* In the same microsecond: only the order of homes can tell which stands. Nothing else is set
 * afterwards, so what the losers end has no number that depends on when they heard of it. */
static void register_at_two(struct cluster *cluster, size_t number)
{
    size_t nodes = cluster_nodes(cluster);
    char id[24];

    snprintf(id, sizeof(id), "shared-%zu", number);
    cluster_ask_register(cluster, number % nodes, id, SHARED_TTL_S);
    cluster_ask_register(cluster, (number + 1 + number / nodes) % nodes, id, SHARED_TTL_S);
}

static void run_until(struct cluster *cluster, uint64_t at_us)
{
    while (cluster_step(cluster, at_us))
        ;
}

/* What is not acknowledged in time is accused, and its peers might be hidden: not so lossy. */
static struct network_faults wild_faults(const struct cluster *cluster)
{
    struct network_faults faults = cluster_faults(cluster);

    faults.loss = 0.05;
    faults.duplicate = 0.3;
    faults.reorder = 0.3;
    faults.reorder_us = 40000;
    return faults;
}

struct cluster *twins_live(uint64_t seed, size_t nodes, bool is_wild)
{
    struct random random = random_stream(seed, 't');
    struct cluster *cluster = cluster_new(&(struct cluster_options){
        .nodes = nodes, .seed = seed, .network_seed = seed + 1 + is_wild});
    struct network_faults faults = wild_faults(cluster);

    cluster_boot(cluster);
    run_until(cluster, BEGIN_MS * 1000);
    if (is_wild)
        cluster_set_faults(cluster, &faults);
    for (uint64_t at_ms = BEGIN_MS; at_ms < END_MS; at_ms += OPERATION_EVERY_MS) {
        run_until(cluster, at_ms * 1000);
        operate(cluster, &random);
    }
    for (size_t i = 0; i < SHARED; i++)
        register_at_two(cluster, i);
    run_until(cluster, (END_MS + PART_MS) * 1000);
    cluster_set_faults(cluster, NULL);
    run_until(cluster, (END_MS + SETTLE_MS) * 1000);
    return cluster;
}

static bool is_same_log(const struct gossip_log_info *a, const struct gossip_log_info *b)
{
    return a->applied == b->applied && a->live_count == b->live_count &&
           a->head_version == b->head_version && a->state == b->state;
}

static bool are_logs_equal(const struct world *calm, struct world *wild, size_t node)
{
    const struct gossip *core = wild->nodes[node].core;
    struct gossip_log_info log, other;
    size_t count = gossip_log_count(calm->nodes[node].core);

    for (size_t i = 0; i < count; i++) {
        gossip_log_at(calm->nodes[node].core, i, &log);
        if (gossip_log_find(core, log.home, log.epoch, &other) && is_same_log(&log, &other))
            continue;
        check_failed(wild, node, I15,
                     "the log of n%zd is at %" PRIu64 " in order, and at %" PRIu64 " out of order",
                     (ssize_t)world_node_of_tag(calm, log.home), log.applied, other.applied);
        return false;
    }
    if (gossip_log_count(core) == count)
        return true;
    check_failed(wild, node, I15, "%zu logs in order, %zu out of order", count,
                 gossip_log_count(core));
    return false;
}

static bool are_views_equal(const struct world *calm, struct world *wild, size_t node)
{
    struct gossip_status a, b;

    gossip_status_now(calm->nodes[node].core, &a);
    gossip_status_now(wild->nodes[node].core, &b);
    if (a.view_digest[0] == b.view_digest[0] && a.view_digest[1] == b.view_digest[1])
        return true;
    check_failed(wild, node, I15,
                 "%" PRIu64 " peers are visible in order, %" PRIu64 " out of order",
                 a.peers_visible, b.peers_visible);
    return false;
}

bool twins_compare(struct cluster *calm, struct cluster *wild)
{
    bool is_equal = true;

    check_asked(cluster_world(wild), I15);
    for (size_t i = 0; i < cluster_nodes(calm); i++)
        is_equal = are_logs_equal(cluster_world(calm), cluster_world(wild), i) &&
                   are_views_equal(cluster_world(calm), cluster_world(wild), i) && is_equal;
    return is_equal;
}

bool twins_agree(uint64_t seed, size_t nodes)
{
    struct cluster *calm = twins_live(seed, nodes, false);
    struct cluster *wild = twins_live(seed, nodes, true);
    bool is_equal = twins_compare(calm, wild);

    is_equal &= cluster_check(calm);
    is_equal &= cluster_check(wild);
    cluster_free(calm);
    cluster_free(wild);
    return is_equal;
}
