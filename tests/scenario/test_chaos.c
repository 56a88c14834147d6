// SPDX-License-Identifier: Apache-2.0
/* test_chaos.c - small worlds in which everything is drawn from the seed: a minute of faults,
 * watched by every check of safety; then all is healed, and it must be one registry again
 *
 * AURORA_SEED=N runs that one world; AURORA_CHAOS_WORLDS=N runs the first N. */
#include "sim/checks.h"
#include "sim/cluster.h"
#include "sim/random.h"

#include <criterion/criterion.h>
#include <stdio.h>
#include <stdlib.h>

enum {
    NODES_MOST = 9,
    PEERS = 12,
    WORLDS = 25,
    FAULTS_MS = 60000,
    TTL_MOST_S = 40,
    SETTLE_MS = 180000
};

struct chaos {
    struct cluster *cluster;
    struct random random;
    size_t nodes;
    bool forgets; /* nodes lose their disks, or find old ones */
};

static struct chaos begin(uint64_t seed, bool forgets)
{
    struct chaos chaos = {.random = random_stream(seed, 'x'), .forgets = forgets};
    struct random *random = &chaos.random;
    struct gossip_config config = {0};

    chaos.nodes = 3 + random_below(random, NODES_MOST - 2);
    /* What a life that ended said last may have reached some nodes only, and hides there what it
     * outranks for as long as it is remembered: short memories, so that this, too, ends within the
     * bound. */
    gossip_config_defaults(&config);
    config.orphan_grace_ms = 5000 + (uint32_t)random_below(random, 10000);
    config.delete_keep_min_ms = 20000;
    chaos.cluster = cluster_new(&(struct cluster_options){
        .nodes = chaos.nodes,
        .seed = seed,
        .config = &config,
        .seeds = 1 + random_below(random, 3),
        .latency_ms = 0.2 + 20 * random_unit(random) * random_unit(random),
        .latency_sigma = random_unit(random),
        .loss = 0.2 * random_unit(random) * random_unit(random),
        .duplicate = 0.1 * random_unit(random),
        .reorder = 0.1 * random_unit(random),
        .flip = 0.02 * random_unit(random),
    });
    return chaos;
}

static bool is_paused(struct chaos *chaos, size_t node)
{
    return cluster_world(chaos->cluster)->nodes[node].is_paused;
}

static const char *any_peer(struct chaos *chaos)
{
    static char id[16];

    snprintf(id, sizeof(id), "peer-%u", (unsigned)random_below(&chaos->random, PEERS));
    return id;
}

static void client_acts(struct chaos *chaos, size_t node)
{
    if (!cluster_is_running(chaos->cluster, node) || is_paused(chaos, node))
        return;
    switch (random_below(&chaos->random, 4)) {
    case 0:
    case 1:
        cluster_ask_register(chaos->cluster, node, any_peer(chaos),
                             10 + (uint32_t)random_below(&chaos->random, TTL_MOST_S - 10));
        break;
    case 2: cluster_ask_heartbeat(chaos->cluster, node, any_peer(chaos)); break;
    default: cluster_ask_deregister(chaos->cluster, node, any_peer(chaos)); break;
    }
}

static struct node_set any_side(struct chaos *chaos)
{
    struct node_set side = {{0}};

    for (size_t i = 0; i < chaos->nodes; i++)
        if (random_chance(&chaos->random, 0.4))
            node_set_add(&side, i);
    return side;
}

static void network_acts(struct chaos *chaos)
{
    switch (random_below(&chaos->random, 4)) {
    case 0: cluster_cut(chaos->cluster, any_side(chaos), any_side(chaos)); break;
    case 1: cluster_cut_one_way(chaos->cluster, any_side(chaos), any_side(chaos)); break;
    default: cluster_heal(chaos->cluster); break;
    }
}

/* A life that has left, or has stopped because its key runs elsewhere, is over. */
static void host_acts(struct chaos *chaos, size_t node)
{
    bool is_running = cluster_is_running(chaos->cluster, node);

    switch (random_below(&chaos->random, 6)) {
    case 0:
        if (is_running)
            cluster_copy_disk(chaos->cluster, node);
        break;
    case 1:
        if (is_running && !is_paused(chaos, node))
            cluster_pause(chaos->cluster, node);
        break;
    case 2:
        if (is_running && !is_paused(chaos, node))
            cluster_stall(chaos->cluster, node, random_below(&chaos->random, 5000));
        break;
    case 3:
        if (is_running)
            cluster_block(chaos->cluster, node);
        break;
    case 4:
        cluster_unblock(chaos->cluster, node);
        cluster_resume(chaos->cluster, node);
        break;
    default:
        /* An hour: a home that was ahead gives its last words a seq that the others cannot reach by
         * their clocks. */
        if (!chaos->forgets)
            cluster_set_clock(chaos->cluster, node,
                              (int64_t)random_below(&chaos->random, 7200000) - 3600000);
    }
}

/* A node that forgot its epoch is younger than its last life by the clock, at least: with a clock
 * that went back too, it would be a stranger with a known key (and has to be restarted by
 * somebody). So where nodes forget, clocks do not jump. */
static void start_again(struct chaos *chaos, size_t node)
{
    static const enum disk disks[] = {DISK_LATEST, DISK_LATEST, DISK_OLD, DISK_KEY_ONLY};
    uint64_t lives = cluster_world(chaos->cluster)->nodes[node].lives;

    if (chaos->forgets)
        cluster_set_clock(chaos->cluster, node, 1000 * (int64_t)lives);
    cluster_restart(chaos->cluster, node,
                    chaos->forgets ? disks[random_below(&chaos->random, 4)] : DISK_LATEST);
}

static void life_acts(struct chaos *chaos, size_t node)
{
    bool is_running = cluster_is_running(chaos->cluster, node);

    switch (random_below(&chaos->random, 4)) {
    case 0:
    case 1:
        if (is_running)
            cluster_crash(chaos->cluster, node);
        break;
    case 2:
        if (is_running && !is_paused(chaos, node) && random_chance(&chaos->random, 0.2))
            cluster_leave(chaos->cluster, node);
        break;
    default: break;
    }
    if (!is_running)
        start_again(chaos, node);
}

static void act(struct chaos *chaos)
{
    size_t node = random_below(&chaos->random, chaos->nodes);
    uint64_t kind = random_below(&chaos->random, 20);

    if (kind < 13)
        client_acts(chaos, node);
    else if (kind < 15)
        network_acts(chaos);
    else if (kind < 18)
        host_acts(chaos, node);
    else
        life_acts(chaos, node);
}

static void heal(struct chaos *chaos)
{
    cluster_heal(chaos->cluster);
    cluster_set_faults(chaos->cluster, NULL);
    for (size_t i = 0; i < chaos->nodes; i++) {
        cluster_unblock(chaos->cluster, i);
        cluster_resume(chaos->cluster, i);
    }
    cluster_run_for(chaos->cluster, 1000); /* whoever is leaving is gone */
    for (size_t i = 0; i < chaos->nodes; i++)
        if (!cluster_is_running(chaos->cluster, i))
            cluster_restart(chaos->cluster, i, DISK_LATEST);
    checks_on_heal(cluster_world(chaos->cluster));
}

static void live_through_faults(struct chaos *chaos)
{
    struct cluster *c = chaos->cluster;
    uint64_t end_us;

    cluster_boot(c);
    end_us = cluster_now_us(c) + FAULTS_MS * 1000;
    while (cluster_now_us(c) < end_us) {
        act(chaos);
        cluster_run_for(c, random_below(&chaos->random, 400));
    }
    heal(chaos);
}

/* Clients go on, so that there is something left to agree about. */
static void start_clients(struct chaos *chaos)
{
    static char ids[PEERS][16];

    for (size_t i = 0; i < PEERS; i++) {
        size_t node = i % chaos->nodes;

        snprintf(ids[i], sizeof(ids[i]), "peer-%zu", i);
        if (i % 3 == 0)
            cluster_ask_register(chaos->cluster, node, ids[i], TTL_MOST_S);
        cluster_client_start(chaos->cluster, ids[i], 3000, &node, 1, false);
    }
}

static void live(uint64_t seed, bool forgets)
{
    struct chaos chaos = begin(seed, forgets);
    struct cluster *c = chaos.cluster;

    live_through_faults(&chaos);
    cr_assert_leq(cluster_wait_everywhere(c, all_alive(), 30000), 30000, "seed %lu",
                  (unsigned long)seed);
    start_clients(&chaos);
    cr_assert_leq(cluster_wait_everywhere(c, settled(), SETTLE_MS), SETTLE_MS, "seed %lu",
                  (unsigned long)seed);
    cr_assert_geq(cluster_peers_visible(c, 0), PEERS / 3);
    cr_assert(cluster_check_settled(c), "seed %lu", (unsigned long)seed);
    cluster_free(c);
}

static void each_world(bool forgets)
{
    const char *one = getenv("AURORA_SEED"), *many = getenv("AURORA_CHAOS_WORLDS");
    uint64_t worlds = many ? strtoull(many, NULL, 10) : WORLDS;

    if (one != NULL)
        live(strtoull(one, NULL, 10), forgets);
    for (uint64_t seed = 1; one == NULL && seed <= worlds; seed++)
        live(seed, forgets);
}

Test(chaos, every_world_heals)
{
    each_world(false);
}

Test(chaos, worlds_that_forget_heal_too)
{
    each_world(true);
}
