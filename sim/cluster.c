// SPDX-License-Identifier: Apache-2.0
/* cluster.c - making a cluster, its nodes' lives and its faults */
#include "sim/cluster.h"

#include "sim/check.h"
#include "sim/cluster_impl.h"
#include "sim/host.h"
#include "sim/memory.h"

#include <assert.h>
#include <inttypes.h>
#include <stdio.h>

enum { BOOT_BOUND_MS = 60000 };

/* --- Making
 * ------------------------------------------------------------------------------------------ */

static uint32_t us_of_ms(double ms)
{
    return ms > 0 ? (uint32_t)(ms * 1000) : 0;
}

static uint64_t choose_seed(const struct cluster_options *options)
{
    const char *given = getenv("AURORA_SEED");

    if (given != NULL && *given != '\0' && !options->has_final_seed)
        return strtoull(given, NULL, 10);
    return options->seed ? options->seed : 1;
}

static struct network_faults faults_of(const struct cluster_options *options)
{
    return (struct network_faults){
        .latency_us = us_of_ms(options->latency_ms != 0 ? options->latency_ms : 1),
        .latency_sigma = options->latency_sigma,
        .latency_pareto = options->latency_pareto,
        .bandwidth_bytes_per_s = options->bandwidth_bytes_per_s,
        .queue_packets = options->queue_packets,
        .jitter_us = us_of_ms(options->jitter_ms),
        .loss = options->loss,
        .burst_enter = options->burst_enter,
        .burst_leave = options->burst_leave,
        .burst_loss = options->burst_loss,
        .duplicate = options->duplicate,
        .reorder = options->reorder,
        .flip = options->flip,
    };
}

struct cluster *cluster_new(const struct cluster_options *options)
{
    struct cluster *cluster = memory_new(1, sizeof(*cluster));
    double spread_ms = options->start_spread_ms != 0 ? options->start_spread_ms : 100;
    struct world_options world = {
        .nodes = options->nodes ? options->nodes : 3,
        .seeds = options->seeds ? options->seeds : 1,
        .seed = choose_seed(options),
        .network_seed = options->network_seed,
        .cluster = options->name ? options->name : "world",
        .foreign = options->foreign,
        .trace = options->trace,
        .has_no_memo = options->has_no_memo,
        .clock_us = options->clock_us,
        .config = options->config,
        .faults = faults_of(options),
    };

    cluster->world = world_new(&world);
    cluster->world->config.detector = options->detector;
    cluster->start_spread_us = us_of_ms(spread_ms);
    cluster->random = random_stream(world.seed, 'l');
    return cluster;
}

void cluster_free(struct cluster *cluster)
{
    struct world *world = cluster->world;

    if (world->failures > world->failures_acknowledged) {
        fprintf(stderr, "seed %" PRIu64 ": %" PRIu64 " checks failed\n", world->options.seed,
                world->failures);
        abort();
    }
    clients_free(cluster);
    world_free(world);
    free(cluster);
}

struct world *cluster_world(struct cluster *cluster)
{
    return cluster->world;
}

uint64_t cluster_seed(const struct cluster *cluster)
{
    return cluster->world->options.seed;
}

size_t cluster_nodes(const struct cluster *cluster)
{
    return cluster->world->options.nodes;
}

/* --- Time
 * -------------------------------------------------------------------------------------------- */

uint64_t cluster_now_us(const struct cluster *cluster)
{
    return cluster->world->now_us;
}

bool cluster_step(struct cluster *cluster, uint64_t limit_us)
{
    struct heap_entry *alarm = NULL;
    enum world_step step = world_step(cluster->world, limit_us, &alarm);

    if (step == WORLD_ALARM)
        client_on_alarm(cluster, (struct client *)alarm);
    return step != WORLD_IDLE;
}

void cluster_run_for(struct cluster *cluster, uint64_t ms)
{
    uint64_t limit_us = cluster->world->now_us + ms * 1000;

    while (cluster_step(cluster, limit_us))
        ;
}

/* --- Nodes' lives
 * -------------------------------------------------------------------------------------- */

static void start_spread(struct cluster *cluster)
{
    size_t nodes = cluster_nodes(cluster);
    uint64_t now_us = cluster_now_us(cluster);
    uint64_t *at_us = memory_new(nodes, sizeof(*at_us));

    for (size_t i = 0; i < nodes && cluster->start_spread_us > 0; i++)
        at_us[i] = random_below(&cluster->random, cluster->start_spread_us);
    for (uint64_t past = 0;;) { /* in the order of their times, not of their numbers */
        size_t next = SIZE_MAX;

        for (size_t i = 0; i < nodes; i++)
            if (cluster->world->nodes[i].core == NULL &&
                (next == SIZE_MAX || at_us[i] < at_us[next]))
                next = i;
        if (next == SIZE_MAX)
            break;
        assert(at_us[next] >= past);
        past = at_us[next];
        while (cluster_step(cluster, now_us + past))
            ;
        cluster_start(cluster, next);
    }
    free(at_us);
}

uint64_t cluster_boot_within(struct cluster *cluster, uint64_t bound_ms)
{
    start_spread(cluster);
    return cluster_wait_everywhere(cluster, all_alive(), bound_ms);
}

uint64_t cluster_boot(struct cluster *cluster)
{
    uint64_t took_ms = cluster_boot_within(cluster, BOOT_BOUND_MS);

    if (took_ms == CLUSTER_NEVER) {
        fprintf(stderr, "seed %" PRIu64 ": no boot within %d ms\n", cluster_seed(cluster),
                BOOT_BOUND_MS);
        abort();
    }
    return took_ms;
}

void cluster_start_all(struct cluster *cluster)
{
    for (size_t i = 0; i < cluster_nodes(cluster); i++)
        if (!cluster_is_running(cluster, i))
            cluster_start(cluster, i);
}

void cluster_start(struct cluster *cluster, size_t node)
{
    host_start(cluster->world, node, DISK_LATEST);
}

void cluster_crash(struct cluster *cluster, size_t node)
{
    host_stop(cluster->world, node);
}

void cluster_crash_all(struct cluster *cluster)
{
    for (size_t i = 0; i < cluster_nodes(cluster); i++)
        if (cluster_is_running(cluster, i))
            cluster_crash(cluster, i);
}

void cluster_restart(struct cluster *cluster, size_t node, enum disk disk)
{
    if (cluster_is_running(cluster, node))
        cluster_crash(cluster, node);
    host_start(cluster->world, node, disk);
}

void cluster_start_copy(struct cluster *cluster, size_t from, size_t to)
{
    assert(from != to);
    if (cluster_is_running(cluster, to))
        cluster_crash(cluster, to);
    host_start_copy(cluster->world, from, to);
}

void cluster_copy_disk(struct cluster *cluster, size_t index)
{
    struct node *node = &cluster->world->nodes[index];

    if (node->core != NULL)
        disk_save(&node->old_disk, node->core, node->epoch);
    else
        disk_copy(&node->old_disk, &node->disk);
}

void cluster_leave(struct cluster *cluster, size_t node)
{
    assert(cluster_is_running(cluster, node));
    gossip_leave(cluster_core(cluster, node), cluster_time(cluster, node));
    cluster_drain(cluster, node);
}

bool cluster_is_running(const struct cluster *cluster, size_t node)
{
    return cluster->world->nodes[node].core != NULL;
}

struct gossip *cluster_core(struct cluster *cluster, size_t node)
{
    return cluster->world->nodes[node].core;
}

struct gossip_time cluster_time(struct cluster *cluster, size_t node)
{
    return world_time(cluster->world, node);
}

void cluster_drain(struct cluster *cluster, size_t node)
{
    world_drain(cluster->world, node);
}

uint64_t cluster_tag(const struct cluster *cluster, size_t node)
{
    return cluster->world->nodes[node].tag;
}

struct gossip_status cluster_status(const struct cluster *cluster, size_t node)
{
    struct gossip_status status = {0};

    if (cluster->world->nodes[node].core != NULL)
        gossip_status_now(cluster->world->nodes[node].core, &status);
    return status;
}

struct addr cluster_addr(const struct cluster *cluster, size_t node)
{
    return cluster->world->nodes[node].addr;
}

uint64_t cluster_epoch(const struct cluster *cluster, size_t node)
{
    return cluster->world->nodes[node].epoch;
}

/* --- Invariants
 * ------------------------------------------------------------------------------------------ */

bool cluster_check(struct cluster *cluster)
{
    struct world *world = cluster->world;

    for (size_t i = 0; i < world->options.nodes; i++)
        if (world->nodes[i].core != NULL)
            check_view(world, i);
    return cluster_failures(cluster) == 0;
}

bool cluster_check_settled(struct cluster *cluster)
{
    struct world *world = cluster->world;

    check_views_equal(world, true);
    for (size_t i = 0; i < world->options.nodes; i++)
        if (world_is_present(world, i))
            check_logs_proved(world, i, true);
    return cluster_check(cluster);
}

uint64_t cluster_failures(struct cluster *cluster)
{
    cluster->world->failures_acknowledged = cluster->world->failures;
    return cluster->world->failures;
}

uint64_t cluster_trace_hash(const struct cluster *cluster)
{
    return cluster->world->trace.hash;
}
