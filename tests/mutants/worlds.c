// SPDX-License-Identifier: Apache-2.0
/* worlds.c - small worlds in which the faults of tests/mutants/list show: `worlds NAME` lives one
 * and prints how often each invariant was asked about and how often it broke
 *
 * Without a fault in the code nothing may break in any of them. */
#include "sim/checks.h"
#include "sim/cluster.h"
#include "sim/random.h"
#include "sim/traitor.h"
#include "sim/twins.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

enum { NODES = 7, PEERS = 6 };

static uint64_t asked[INVARIANTS], broken[INVARIANTS];

static void add_up(const struct world *world)
{
    for (size_t i = 0; i < INVARIANTS; i++) {
        asked[i] += world->asked[i];
        broken[i] += world->broken[i];
    }
}

/* --- Vocabulary ------------------------------------------------------------------------------ */

/* Memories are short, so that bounds are. */
static struct cluster *world_of(size_t nodes, double loss)
{
    struct gossip_config config;

    gossip_config_defaults(&config);
    config.orphan_grace_ms = 5000;
    config.delete_keep_min_ms = 15000;
    config.old_member_probe_ms = 2000;
    struct cluster *c = cluster_new(
        &(struct cluster_options){.nodes = nodes, .seed = 5, .loss = loss, .config = &config});
    cluster_boot(c);
    cluster_run_for(c, 12000); /* for whoever asks since when all is well */
    return c;
}

static void end(struct cluster *c)
{
    cluster_check(c);
    cluster_failures(c);
    add_up(cluster_world(c));
    cluster_free(c);
}

static void peer_name(char out[16], const char *what, size_t number)
{
    snprintf(out, 16, "%s-%zu", what, number);
}

static void register_some(struct cluster *c, const char *what, uint32_t ttl_s)
{
    char id[16];

    for (size_t i = 0; i < PEERS; i++) {
        peer_name(id, what, i);
        cluster_ask_register(c, i % cluster_nodes(c), id, ttl_s);
        cluster_run_for(c, 40);
    }
}

static void keep_alive(struct cluster *c, const char *what, uint64_t every_ms)
{
    char id[16];

    for (size_t i = 0; i < PEERS; i++) {
        size_t node = i % cluster_nodes(c);

        peer_name(id, what, i);
        cluster_client_start(c, id, every_ms, &node, 1, false);
    }
}

static void end_some(struct cluster *c, const char *what)
{
    char id[16];

    for (size_t i = 0; i < PEERS; i++) {
        peer_name(id, what, i);
        cluster_ask_deregister(c, i % cluster_nodes(c), id);
        cluster_run_for(c, 40);
    }
}

/* --- Worlds ---------------------------------------------------------------------------------- */

/* Clients come, stay and go; then a node crashes. */
static void live_calm(void)
{
    struct cluster *c = world_of(NODES, 0);

    register_some(c, "stays", 20);
    keep_alive(c, "stays", 14000);
    for (int i = 0; i < 10; i++) {
        register_some(c, "goes", 60);
        cluster_run_for(c, 1700);
        end_some(c, "goes");
        cluster_run_for(c, 900);
    }
    cluster_crash(c, NODES - 1);
    cluster_run_for(c, 40000);
    end(c);
}

/* Much comes twice, or late. */
static void live_lossy(void)
{
    struct cluster *c = world_of(NODES, 0.05);

    for (int i = 0; i < 5; i++) {
        register_some(c, "peer", 60);
        cluster_run_for(c, 2000);
    }
    end(c);
}

/* Clients stop, some while their home crashes. */
static void live_ends(void)
{
    struct cluster *c = world_of(NODES, 0);

    register_some(c, "stops", 12);
    register_some(c, "orphan", 25);
    cluster_run_for(c, 3000);
    cluster_crash(c, 1);
    cluster_run_for(c, 330000);
    end(c);
}

/* One member lies about the others' lives and records. */
static void live_forged(void)
{
    struct cluster *c = world_of(NODES, 0);

    register_some(c, "peer", 60);
    cluster_run_for(c, 2000);
    for (int i = 0; i < 5; i++)
        for (enum traitor_lie lie = 0; lie < TRAITOR_LIES; lie++) {
            traitor_forge(c, 3, lie, 1);
            cluster_run_for(c, 1000);
        }
    end(c);
}

/* Two of them, one fewer than a quorum, accuse a member to somebody who does not probe it soon: it
 * is not told, and cannot object. */
static void live_accused(void)
{
    struct cluster *c = world_of(20, 0);

    for (size_t to = 5; to < 20; to++) {
        struct node_set one = NODES(to);

        for (int i = 0; i < 5; i++) {
            traitor_accuse(c, 3, 1, &one);
            traitor_accuse(c, 4, 1, &one);
            cluster_run_for(c, 1000);
        }
    }
    end(c);
}

/* Two of seven are parted from the others: they cannot tell who is dead. */
static void live_minority(void)
{
    struct cluster *c = world_of(NODES, 0);

    cluster_cut(c, NODES(0, 2), NODES(1, 3, 4, 5, 6));
    cluster_run_for(c, 30000);
    end(c);
}

/* A flood of registrations against a narrow cap. */
static void live_narrow(void)
{
    struct gossip_config config;
    char id[16];

    gossip_config_defaults(&config);
    config.egress_bytes_per_s = 60000;
    struct cluster *c =
        cluster_new(&(struct cluster_options){.nodes = 4, .seed = 6, .config = &config});
    cluster_boot(c);
    for (size_t i = 0; i < 3000; i++) {
        peer_name(id, "flood", i);
        cluster_ask_register(c, 0, id, 300);
        cluster_run_for(c, 3);
    }
    cluster_run_for(c, 10000);
    end(c);
}

/* Two halves part, act, and meet again; a node stops for a while. */
static void live_healed(void)
{
    struct cluster *c = world_of(NODES, 0);

    register_some(c, "before", 40);
    keep_alive(c, "before", 5000);
    cluster_cut(c, NODES_RANGE(0, 3), NODES_RANGE(3, NODES));
    register_some(c, "during", 40);
    cluster_pause(c, 6);
    cluster_run_for(c, 20000);
    end_some(c, "during");
    register_some(c, "after", 300);
    cluster_run_for(c, 10000);
    cluster_heal_all(c);
    cluster_run_for(c, 150000);
    end(c);
}

/* One node hears nothing of a delete and of a set that nobody speaks of again. */
static void live_missed(void)
{
    struct cluster *c = world_of(NODES, 0);

    register_some(c, "before", 300);
    cluster_run_for(c, 2000);
    cluster_isolate(c, 6);
    cluster_ask_register(c, 0, "missed", 300);
    cluster_ask_deregister(c, 1, "before-1");
    cluster_run_for(c, 1500);
    cluster_heal_all(c);
    cluster_run_for(c, 420000);
    end(c);
}

/* Packets that claim to come from a victim who never asked. */
static void live_reflected(void)
{
    struct cluster *c = world_of(NODES, 0);
    struct random random = random_stream(9, 'r');
    uint32_t number = 0;

    register_some(c, "peer", 60);
    for (enum traitor_bait bait = 0; bait < TRAITOR_BAITS; bait++)
        for (size_t at = 0; at < 3; at++) {
            struct addr victim = traitor_victim(number++);

            traitor_reflect(c, &random, 4, bait, at, &victim);
            cluster_run_for(c, 1500);
        }
    end(c);
}

/* Peers come and go for ten minutes. */
static void live_long(void)
{
    struct cluster *c = world_of(4, 0);

    for (int i = 0; i < 100; i++) {
        char what[16];

        peer_name(what, "p", (size_t)i);
        register_some(c, what, 10);
        cluster_run_for(c, 5700);
    }
    end(c);
}

/* The same world, twice in one process. */
static uint64_t live_for_its_hash(struct cluster **out)
{
    struct cluster *c = world_of(NODES, 0.05);

    register_some(c, "peer", 15);
    cluster_run_for(c, 20000);
    *out = c;
    return cluster_trace_hash(c);
}

static void live_twice(void)
{
    struct cluster *first, *second;
    uint64_t hash = live_for_its_hash(&first), again = live_for_its_hash(&second);

    asked[I14]++;
    broken[I14] += hash != again;
    end(first);
    end(second);
}

static void live_twins(void)
{
    for (uint64_t seed = 1; seed <= 3; seed++) {
        struct cluster *calm = twins_live(seed, 5, false);
        struct cluster *wild = twins_live(seed, 5, true);

        twins_compare(calm, wild);
        end(calm);
        end(wild);
    }
}

/* --- All of them ----------------------------------------------------------------------------- */

static const struct {
    const char *name;
    void (*live)(void);
} worlds[] = {
    {"calm", live_calm},           {"ends", live_ends},         {"forged", live_forged},
    {"accused", live_accused},     {"minority", live_minority}, {"lossy", live_lossy},
    {"narrow", live_narrow},       {"healed", live_healed},     {"missed", live_missed},
    {"reflected", live_reflected}, {"long", live_long},         {"twice", live_twice},
    {"twins", live_twins},
};

int main(int argc, char **argv)
{
    for (size_t i = 0; i < sizeof(worlds) / sizeof(*worlds); i++) {
        if (argc != 2 || strcmp(argv[1], worlds[i].name) != 0)
            continue;
        worlds[i].live();
        for (size_t which = 0; which < INVARIANTS; which++)
            printf("I%zu %" PRIu64 " %" PRIu64 "\n", which, asked[which], broken[which]);
        return 0;
    }
    fprintf(stderr, "usage: worlds NAME, one of:");
    for (size_t i = 0; i < sizeof(worlds) / sizeof(*worlds); i++)
        fprintf(stderr, " %s", worlds[i].name);
    fprintf(stderr, "\n");
    return 1;
}
