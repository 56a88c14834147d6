// SPDX-License-Identifier: Apache-2.0
/* test_wild.c - worlds wilder than test_chaos.c's: one node or a dozen, some of which only start in
 * the middle; new keys, old disks, clocks that jump by ten years; clients that go on heartbeating
 *
 * AURORA_SEED=N runs that one world; AURORA_WILD_WORLDS=N runs the first N. */
#include "sim/checks.h"
#include "sim/cluster.h"
#include "sim/random.h"

#include <criterion/criterion.h>
#include <stdio.h>
#include <stdlib.h>

enum { PEERS = 10, CLIENTS = 4, WORLDS = 40, FAULTS_MS = 120000 };
#define TEN_YEARS_MS INT64_C(315576000000)

struct wild {
    struct cluster *cluster;
    struct random random;
    size_t nodes;
    bool leaps; /* clocks jump by years, not by minutes */
};

static uint64_t below(struct wild *wild, uint64_t bound)
{
    return random_below(&wild->random, bound);
}

static double upto(struct wild *wild, double most)
{
    return most * random_unit(&wild->random);
}

static bool can_act(const struct wild *wild, size_t node)
{
    return cluster_is_running(wild->cluster, node) &&
           !cluster_world(wild->cluster)->nodes[node].is_paused;
}

/* --- What happens
 * ------------------------------------------------------------------------------------ */

static const char *any_peer(struct wild *wild)
{
    static char id[16];

    snprintf(id, sizeof(id), "peer-%u", (unsigned)below(wild, PEERS));
    return id;
}

static struct node_set any_side(struct wild *wild)
{
    struct node_set side = {{0}};

    for (size_t i = 0; i < wild->nodes; i++)
        if (random_chance(&wild->random, 0.4))
            node_set_add(&side, i);
    return side;
}

static void start_again(struct wild *wild, size_t node)
{
    static const enum disk disks[] = {DISK_LATEST, DISK_LATEST, DISK_OLD, DISK_KEY_ONLY, DISK_NONE};

    cluster_restart(wild->cluster, node, disks[below(wild, sizeof(disks) / sizeof(*disks))]);
}

/* At two nodes at once. */
static void register_twice(struct wild *wild, size_t node)
{
    const char *id = any_peer(wild);
    size_t other = below(wild, wild->nodes);

    if (can_act(wild, node))
        cluster_ask_register(wild->cluster, node, id, 20);
    if (can_act(wild, other))
        cluster_ask_register(wild->cluster, other, id, 25);
}

/* At another node, while its home dies. */
static void deregister_from_the_dying(struct wild *wild, size_t node)
{
    const char *id = any_peer(wild);

    if (can_act(wild, node))
        cluster_ask_deregister(wild->cluster, node, id);
    size_t home = cluster_peer_home(wild->cluster, node, id);
    if (home != SIZE_MAX && home < wild->nodes && can_act(wild, home))
        cluster_crash(wild->cluster, home);
}

static void set_clock(struct wild *wild, size_t node)
{
    int64_t skew_ms = wild->leaps ? (int64_t)below(wild, 20) * TEN_YEARS_MS / 10 - TEN_YEARS_MS
                                  : (int64_t)below(wild, 7200000) - 3600000;

    cluster_set_clock(wild->cluster, node, skew_ms);
}

static void client_acts(struct wild *wild, size_t node, uint64_t kind)
{
    struct cluster *c = wild->cluster;

    if (kind == 8)
        register_twice(wild, node);
    else if (kind == 9)
        deregister_from_the_dying(wild, node);
    else if (!can_act(wild, node))
        return;
    else if (kind < 5)
        cluster_ask_register(c, node, any_peer(wild), 10 + (uint32_t)below(wild, 20));
    else if (kind < 7)
        cluster_ask_heartbeat(c, node, any_peer(wild));
    else
        cluster_ask_deregister(c, node, any_peer(wild));
}

static void fault_acts(struct wild *wild, size_t node, uint64_t kind)
{
    struct cluster *c = wild->cluster;
    bool is_running = cluster_is_running(c, node);

    if (kind == 10)
        cluster_cut(c, any_side(wild), any_side(wild));
    else if (kind == 11)
        cluster_cut_one_way(c, any_side(wild), any_side(wild));
    else if (kind < 15)
        cluster_heal(c);
    else if (kind == 15 && is_running)
        cluster_copy_disk(c, node);
    else if (kind == 16 && can_act(wild, node))
        cluster_stall(c, node, below(wild, 8000));
    else if (kind == 17 && is_running)
        cluster_block(c, node);
    else if (kind == 18 || kind == 19) {
        cluster_unblock(c, node);
        cluster_resume(c, node);
    } else if (kind == 20)
        set_clock(wild, node);
    else if (kind == 21 && is_running)
        cluster_crash(c, node);
    else if (kind == 22 && can_act(wild, node) && random_chance(&wild->random, 0.3))
        cluster_leave(c, node);
    else if (kind > 22 && !is_running)
        start_again(wild, node);
}

static void act(struct wild *wild)
{
    size_t node = below(wild, wild->nodes);
    uint64_t kind = below(wild, 26);

    if (kind < 10)
        client_acts(wild, node, kind);
    else
        fault_acts(wild, node, kind);
}

/* --- A world
 * ----------------------------------------------------------------------------------------- */

static struct wild begin(uint64_t seed)
{
    struct wild wild = {.random = random_stream(seed, 'w')};
    struct random *random = &wild.random;
    struct gossip_config config = {0};

    gossip_config_defaults(&config);
    config.orphan_grace_ms = 5000 + (uint32_t)below(&wild, 10000);
    if (random_chance(random, 0.5))
        config.delete_keep_min_ms = 8000 + (uint32_t)below(&wild, 20000);
    if (random_chance(random, 0.2))
        config.old_member_forget_ms = 60000;
    wild.nodes = 1 + below(&wild, random_chance(random, 0.5) ? 4 : 12);
    wild.leaps = random_chance(random, 0.3);
    double loss_max = random_chance(random, 0.3) ? 0.25 : 0.1;
    struct cluster_options options = {.nodes = wild.nodes, .seed = seed, .config = &config};
    options.seeds = 1 + below(&wild, 3);
    options.latency_ms = 0.2 + upto(&wild, upto(&wild, 40));
    options.latency_sigma = upto(&wild, 1);
    options.loss = upto(&wild, loss_max);
    options.duplicate = upto(&wild, 0.2);
    options.reorder = upto(&wild, 0.2);
    options.flip = upto(&wild, 0.02);
    wild.cluster = cluster_new(&options);
    return wild;
}

static void clients_start(struct wild *wild)
{
    for (unsigned i = 0; i < CLIENTS; i++) {
        size_t nodes[2] = {below(wild, wild->nodes), below(wild, wild->nodes)};
        char id[16];

        snprintf(id, sizeof(id), "live-%u", i);
        if (cluster_is_running(wild->cluster, nodes[0]))
            cluster_ask_register(wild->cluster, nodes[0], id, 30);
        cluster_client_start(wild->cluster, id, 3000, nodes, 2, random_chance(&wild->random, 0.5));
    }
}

static void clients_stop(struct wild *wild)
{
    for (unsigned i = 0; i < CLIENTS; i++) {
        char id[16];

        snprintf(id, sizeof(id), "live-%u", i);
        cluster_client_stop(wild->cluster, id);
    }
}

/* Whoever has left, or has stopped because its key runs elsewhere, begins anew. */
static void heal(struct wild *wild)
{
    struct cluster *c = wild->cluster;

    cluster_heal(c);
    cluster_set_faults(c, NULL);
    for (size_t i = 0; i < wild->nodes; i++) {
        cluster_unblock(c, i);
        cluster_resume(c, i);
        if (!cluster_is_running(c, i) || cluster_status(c, i).leaving)
            cluster_restart(c, i, DISK_LATEST);
    }
    checks_on_heal(cluster_world(c));
}

static void live_through(uint64_t seed)
{
    struct wild wild = begin(seed);
    struct cluster *c = wild.cluster;
    bool has_clients = random_chance(&wild.random, 0.5);

    if (random_chance(&wild.random, 0.5))
        cluster_boot(c);
    else
        cluster_start(c, 0);
    if (has_clients)
        clients_start(&wild);
    for (uint64_t end_us = cluster_now_us(c) + FAULTS_MS * 1000; cluster_now_us(c) < end_us;) {
        act(&wild);
        cluster_run_for(c, below(&wild, 600));
    }
    heal(&wild);
    cr_assert_leq(cluster_wait_everywhere(c, all_alive(), 35000), 35000, "seed %lu",
                  (unsigned long)seed);
    if (has_clients)
        clients_stop(&wild);
    /* What a life left behind that reached some nodes only, it hides there until its ttl has run.
     */
    cr_assert_leq(cluster_wait_everywhere(c, settled(), 45000), 45000, "seed %lu",
                  (unsigned long)seed);
    cr_assert(cluster_check_settled(c), "seed %lu", (unsigned long)seed);
    cluster_free(c);
}

static void live_through_unless_asked_for_another(uint64_t seed)
{
    if (getenv("AURORA_SEED") == NULL)
        live_through(seed);
}

/* Its clock went back and its disk was lost: everybody dropped what it said as that of an ended
 * life, and nobody told it. */
Test(wild, whoever_begins_below_its_last_life_is_told)
{
    live_through_unless_asked_for_another(11);
    live_through_unless_asked_for_another(184);
}

/* The same, and the node was a seed, which asks nobody. */
Test(wild, a_seed_that_begins_below_its_last_life_is_told)
{
    live_through_unless_asked_for_another(123);
}

/* The same, by years, after it had left. */
Test(wild, whoever_left_and_begins_years_earlier_is_told)
{
    live_through_unless_asked_for_another(92);
    live_through_unless_asked_for_another(116);
}

Test(wild, every_world_heals)
{
    const char *one = getenv("AURORA_SEED"), *many = getenv("AURORA_WILD_WORLDS");
    uint64_t worlds = many ? strtoull(many, NULL, 10) : WORLDS;

    if (one != NULL)
        live_through(strtoull(one, NULL, 10));
    for (uint64_t seed = 1; one == NULL && seed <= worlds; seed++)
        live_through(seed);
}
