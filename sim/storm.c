// SPDX-License-Identifier: Apache-2.0
/* storm.c - a storm's life: boot, faults, heal, convergence; and what is measured on the way */
#include "sim/storm_impl.h"

#include "sim/bounds.h"
#include "sim/checks.h"
#include "sim/cluster_impl.h"
#include "sim/memory.h"

#include <assert.h>

enum {
    QUIET_MS = 20000,
    RECHECK_MS = 10000,
    START_SPREAD_MOST_S = 15,
    SEED_DOWN_LOOKS = 50 /* five seconds */
};

void storm_errand(struct storm *storm, struct errand *errand, uint64_t at_us)
{
    assert(at_us >= storm->world->now_us);
    heap_insert(&storm->agenda, &errand->entry, at_us);
}

uint64_t storm_wait_us(struct random *random, double per_minute)
{
    assert(per_minute > 0);
    return (uint64_t)(-log(1 - random_unit(random)) * 60e6 / per_minute);
}

void storm_count(struct storm *storm, enum setting kind)
{
    if (kind >= SET_CUT)
        storm->cell->out->value[STORM_FAULTS + (size_t)kind - SET_CUT]++;
}

bool storm_can_act(const struct storm *storm, size_t node)
{
    return world_is_present(storm->world, node) && !cluster_status(storm->cluster, node).leaving;
}

size_t storm_pick(const struct storm *storm, struct random *random)
{
    size_t first = random_below(random, storm->nodes);

    for (size_t i = 0; i < storm->nodes; i++) {
        size_t node = (first + i) % storm->nodes;

        if (storm_can_act(storm, node))
            return node;
    }
    return SIZE_MAX;
}

/* --- Measuring
 * ------------------------------------------------------------------------------------ */

static void take_sample(struct storm *storm)
{
    double *value = storm->cell->out->value;
    size_t at = storm->samples, running = 0;
    double alive = NAN, least = NAN, most = NAN;

    if (at >= STORM_SAMPLES)
        return;
    for (size_t i = 0; i < storm->nodes; i++) {
        if (!cluster_is_running(storm->cluster, i))
            continue;
        running++;
        alive = fmin(alive, cluster_status(storm->cluster, i).members_alive);
        least = fmin(least, (double)cluster_peers_visible(storm->cluster, i));
        most = fmax(most, (double)cluster_peers_visible(storm->cluster, i));
    }
    value[STORM_AT_S + at] = (double)(storm->world->now_us - storm->began_us) / 1e6;
    value[STORM_RUNNING + at] = (double)running;
    value[STORM_ALIVE_LEAST + at] = alive;
    value[STORM_PEERS_LEAST + at] = least;
    value[STORM_PEERS_MOST + at] = most;
    storm->samples++;
    storm_errand(storm, &storm->sample, storm->world->now_us + storm->sample_every_us);
}

/* Of the lives that run at the end. */
static double bytes_per_node_s(const struct storm *storm)
{
    double bytes = 0, lived_s = 0;

    for (size_t i = 0; i < storm->nodes; i++) {
        if (!cluster_is_running(storm->cluster, i))
            continue;
        bytes += (double)cluster_status(storm->cluster, i).stats.bytes_out;
        lived_s += (double)(storm->world->now_us - storm->world->nodes[i].started_us) / 1e6;
    }
    return bytes / lived_s;
}

static void tell_measures(struct storm *storm)
{
    double *value = storm->cell->out->value, *visible = storm->visible_ms;
    size_t count = storm->visible_count;

    value[STORM_SECONDS] = (double)(storm->world->now_us - storm->began_us) / 1e6;
    value[STORM_FALSE_DEATHS] = (double)cluster_false_deaths(storm->cluster);
    value[STORM_BYTES_PER_NODE_S] = bytes_per_node_s(storm);
    value[STORM_LOOKED_AT] = (double)count;
    value[STORM_VISIBLE_P50_MS] = count ? percentile(visible, count, 50) : NAN;
    value[STORM_VISIBLE_P99_MS] = count ? percentile(visible, count, 99) : NAN;
    value[STORM_VISIBLE_MAX_MS] = count ? percentile(visible, count, 100) : NAN;
}

/* --- Beginning
 * ------------------------------------------------------------------------------------ */

static void start_node(struct storm *storm, size_t node)
{
    if (!cluster_is_running(storm->cluster, node))
        cluster_start(storm->cluster, node);
}

/* Nobody waits for a whole cluster before the first fault. */
static void start_in_the_storm(struct storm *storm)
{
    double spread_s = START_SPREAD_MOST_S * random_unit(&storm->random);

    spread_s *= random_unit(&storm->random);
    storm->starts = memory_new(cluster_nodes(storm->cluster), sizeof(*storm->starts));
    for (size_t i = 0; i < cluster_nodes(storm->cluster); i++) {
        struct storm_start *start = &storm->starts[i];
        double at_s = spread_s * random_unit(&storm->random);

        start->errand.kind = ERRAND_START;
        start->node = i;
        storm_errand(storm, &start->errand, storm->world->now_us + (uint64_t)(1e6 * at_s));
    }
}

/* Addresses change hands between two clusters. */
static size_t count_others(const struct storm *storm)
{
    return setting(storm->settings, SET_ADDRESS_REUSE) > 0 ? 1 + storm->nodes / 4 + 1 : 0;
}

static void add_others(struct cluster_options *options, const void *context)
{
    const struct storm *storm = context;

    options->foreign = count_others(storm);
}

static void boot(struct storm *storm)
{
    storm->began_us = storm->world->now_us;
    if (setting(storm->settings, SET_START) > 0)
        cell_boot(storm->cell, storm->cluster);
    else
        start_in_the_storm(storm);
    storm_clients_start(storm);
    storm->sample.kind = ERRAND_SAMPLE;
    storm_errand(storm, &storm->sample, storm->world->now_us);
}

/* --- Running
 * -------------------------------------------------------------------------------------- */

static void run_errand(struct storm *storm, struct errand *errand)
{
    switch (errand->kind) {
    case ERRAND_START: start_node(storm, ((struct storm_start *)errand)->node); break;
    case ERRAND_BEGIN: storm_fault_next(storm, (struct storm_source *)errand); break;
    case ERRAND_END: storm_fault_over(storm, (struct fault *)errand); break;
    case ERRAND_BEAT: storm_client_beat(storm, (struct storm_client *)errand); break;
    case ERRAND_OPERATION: storm_operate(storm); break;
    case ERRAND_LOOK: storm_look(storm); break;
    case ERRAND_SAMPLE: take_sample(storm); break;
    }
}

/* The world until then, and everything on the agenda that is due on the way. */
static void run_until(struct storm *storm, uint64_t end_us)
{
    while (storm->world->now_us < end_us || heap_next_us(&storm->agenda) <= end_us) {
        uint64_t next_us = heap_next_us(&storm->agenda);

        while (cluster_step(storm->cluster, next_us < end_us ? next_us : end_us))
            ;
        if (next_us <= end_us)
            run_errand(storm, (struct errand *)heap_pop(&storm->agenda));
    }
}

static bool is_converged(struct storm *storm)
{
    return cluster_holds_everywhere(storm->cluster, settled());
}

/* A seed stops when it hears that its key had a later life: that of a copy, which is gone. Others
 * may know nobody but the seeds, so whoever runs a cluster starts it again; that life is told first
 * what came before it, and is the latest. */
static void start_seeds(struct storm *storm, unsigned *looks)
{
    size_t seeds = setting_count(storm->settings, SET_SEEDS), down = SIZE_MAX;

    for (size_t i = 0; i < seeds && i < storm->nodes; i++)
        if (!cluster_is_running(storm->cluster, i) && !storm->is_copy[i])
            down = i;
    *looks = down == SIZE_MAX ? 0 : *looks + 1;
    if (*looks < SEED_DOWN_LOOKS)
        return;
    start_node(storm, down);
    *looks = 0;
}

/* Looks ten times a second; the clients go on. */
static bool wait_converged(struct storm *storm, uint64_t bound_ms)
{
    uint64_t end_us = storm->world->now_us + bound_ms * 1000;
    unsigned looks = 0;

    while (!is_converged(storm)) {
        if (storm->world->now_us >= end_us)
            return false;
        start_seeds(storm, &looks);
        run_until(storm, storm->world->now_us + 100000);
    }
    return true;
}

/* Whoever joined late remembers deletes for longer than the others. While a clock was ahead they
 * got a seq that hides there what was registered anew after the others had forgotten them. */
static uint64_t hidden_ms(const struct storm *storm)
{
    bool are_clocks_wrong = setting(storm->settings, SET_CLOCK_SKEW) > 0 ||
                            setting(storm->settings, SET_CLOCK_JUMP_HOUR) > 0 ||
                            setting(storm->settings, SET_CLOCK_JUMP_DECADE) > 0;

    return are_clocks_wrong ? storm->world->config.delete_keep_min_ms * 9 / 8 : 0;
}

static void heal(struct storm *storm)
{
    double *value = storm->cell->out->value;
    uint64_t healed_us = storm->world->now_us;
    uint64_t bound_ms = bound_converge_us(&storm->world->config, storm->nodes, healed_us,
                                          (uint32_t)setting(storm->settings, SET_TTL_S)) /
                            1000 +
                        hidden_ms(storm);

    storm_faults_heal(storm);
    checks_on_heal(storm->world);
    if (storm->operation.entry.place)
        heap_remove(&storm->agenda, &storm->operation.entry);
    value[STORM_BOUND_MS] = (double)bound_ms;
    value[STORM_CONVERGED_MS] = NAN;
    if (!wait_converged(storm, bound_ms)) {
        cluster_wait_everywhere(storm->cluster, settled(), 0); /* says what is missing */
        cell_late(storm->cell, "not converged %.0f s after the heal", (double)bound_ms / 1000);
        return;
    }
    value[STORM_CONVERGED_MS] = (double)(storm->world->now_us - healed_us) / 1000;
    cluster_check_settled(storm->cluster);
    run_until(storm, storm->world->now_us + QUIET_MS * 1000);
    if (!wait_converged(storm, RECHECK_MS + hidden_ms(storm))) {
        cluster_wait_everywhere(storm->cluster, settled(), 0);
        cell_late(storm->cell, "converged, and parted again");
        return;
    }
    cluster_check_settled(storm->cluster);
}

static void storm_free(struct storm *storm)
{
    storm_faults_free(storm);
    heap_free(&storm->agenda);
    free(storm->starts);
    free(storm->clients);
    free(storm->is_copy);
    free(storm->visible_ms);
    free(storm);
}

void storm_live(struct cell *cell, uint64_t seed)
{
    struct storm *storm = memory_new(1, sizeof(*storm));
    double faults_s = setting(&cell->run->settings, SET_FAULTS_S);
    double whole_s = cell->run->duration_s;

    storm->cell = cell;
    storm->settings = &cell->run->settings;
    storm->nodes = run_nodes(cell->run);
    storm->seed = seed;
    storm->random = random_stream(seed, 'x');
    storm->is_copy = memory_new(storm->nodes, sizeof(*storm->is_copy));
    storm->cluster =
        cell_cluster(cell, storm->nodes + count_others(storm), seed, add_others, storm);
    storm->world = cluster_world(storm->cluster);
    storm->sample_every_us = (uint64_t)(1e6 * fmax(whole_s, 2 * faults_s) / STORM_SAMPLES);
    boot(storm);
    storm_faults_start(storm);
    run_until(storm, storm->began_us + (uint64_t)(1e6 * faults_s));
    heal(storm);
    run_until(storm, storm->began_us + (uint64_t)(1e6 * whole_s));
    checks_on_end(storm->world);
    tell_measures(storm);
    cell_end(cell, storm->cluster);
    storm_free(storm);
}
