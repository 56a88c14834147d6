// SPDX-License-Identifier: Apache-2.0
/* cell.c - what scenarios make their worlds with: seeds, settings, and an outcome that outlives
 * them */
#include "sim/scenario.h"

#include "sim/pool.h"

#include <assert.h>
#include <inttypes.h>
#include <math.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

enum { BOOT_BOUND_MS = 10 * 60 * 1000 };

uint64_t cell_seed(const struct cell *cell, size_t repetition)
{
    struct random random = {cell->run->seed};

    /* The first world of a run has the run's own seed: it is the one that people look at. */
    for (size_t i = 0; i < repetition; i++)
        random.state = random_next(&random);
    return random.state ? random.state : 1;
}

struct cluster *cell_cluster(struct cell *cell, size_t nodes, uint64_t seed,
                             void (*change)(struct cluster_options *, const void *),
                             const void *context)
{
    struct gossip_config config;
    struct cluster_options options = {
        .nodes = nodes,
        .seed = seed,
        .has_final_seed = true,
        .config = &config,
        .trace = cell->run->trace,
        .clock_us = &cell->out->now_us,
    };

    settings_to_config(&cell->run->settings, &config);
    settings_to_cluster(&cell->run->settings, &options);
    if (change != NULL)
        change(&options, context);
    return cluster_new(&options);
}

bool cell_boot(struct cell *cell, struct cluster *cluster)
{
    if (setting(&cell->run->settings, SET_START) > 0) {
        cluster_boot_known(cluster);
        return true;
    }
    if (cluster_boot_within(cluster, BOOT_BOUND_MS) != CLUSTER_NEVER)
        return true;
    cell_late(cell, "seed %" PRIu64 ": not everybody knew everybody after %d s",
              cluster_seed(cluster), BOOT_BOUND_MS / 1000);
    return false;
}

static void note(struct outcome *out, const char *text)
{
    if (out->text[0] == '\0')
        snprintf(out->text, sizeof(out->text), "%s", text);
}

/* Counts of a soak may not fit: many are as good as more. */
static void add_count(uint32_t *sum, uint64_t more)
{
    uint64_t total = *sum + (more < UINT32_MAX ? more : UINT32_MAX);

    *sum = total < UINT32_MAX ? (uint32_t)total : UINT32_MAX;
}

void cell_end(struct cell *cell, struct cluster *cluster)
{
    struct world *world = cluster_world(cluster);
    struct outcome *out = cell->out;

    for (size_t i = 0; i < INVARIANTS; i++) {
        add_count(&out->broken[i], world->broken[i]);
        add_count(&out->asked[i], world->asked[i]);
    }
    if (cluster_failures(cluster) > 0)
        note(out, world->first_broken);
    if (!trace_flush(&world->trace))
        out->is_trace_lost = true;
    out->trace_hash = trace_mix(out->trace_hash, cluster_trace_hash(cluster));
    out->events += world->steps;
    out->now_us = cluster_now_us(cluster);
    cluster_free(cluster);
}

void cell_late(struct cell *cell, const char *format, ...)
{
    char text[OUTCOME_TEXT_BYTES];
    va_list arguments;

    va_start(arguments, format);
    vsnprintf(text, sizeof(text), format, arguments);
    va_end(arguments);
    cell->out->is_late = true;
    note(cell->out, text);
    fprintf(stderr, "%s\n", text);
}

struct branch {
    struct cell *cell;
    void (*live)(struct cell *, void *);
    void *context;
    bool *is_done;
};

static void live_branch(void *context, size_t index)
{
    struct branch *branch = context;

    (void)index;
    branch->live(branch->cell, branch->context);
    *branch->is_done = true;
}

bool cell_branch(struct cell *cell, void (*live)(struct cell *, void *), void *context)
{
    struct branch branch = {cell, live, context, pool_shared(sizeof(bool))};
    struct pool_end end = pool_branch(live_branch, &branch);
    bool is_done = *branch.is_done && end.signal == 0 && end.status == 0;
    char text[OUTCOME_TEXT_BYTES];

    pool_shared_free(branch.is_done, sizeof(bool));
    if (is_done)
        return true;
    snprintf(text, sizeof(text), "a branch of cell %zu crashed (signal %d, status %d)", cell->index,
             end.signal, end.status);
    note(cell->out, text);
    cell->out->has_crashed = true;
    return false;
}
