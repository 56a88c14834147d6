// SPDX-License-Identifier: Apache-2.0
/* scenario_restart.c - every node of a cluster restarts within a short time: old deaths still go
 * round while their subjects are back, and who hears them has forgotten whom they are about
 *
 * Nobody may stay dead for anybody. Time counts from the last start. */
#include "sim/scenario.h"

#include "sim/checks.h"
#include "sim/memory.h"

#include <inttypes.h>
#include <math.h>
#include <stdio.h>

enum {
    DOWN_LEAST_MS = 500,
    SAMPLES = 60, /* one each second */
    STEP_MS = 50,
    BOUND_MS = 60000, /* liveness: all know all again, and have one registry */
    ID_BYTES = 32
};

enum {
    ALIVE_MS = 0,
    SETTLED_MS,
    DEAD_10S,
    STUCK,
    FALSE_DEATHS,
    BACK,
    KB_PER_NODE,
    MISSED, /* of all pairs, at each sample */
    VALUES = MISSED + SAMPLES
};

static const enum setting takes[] = {SET_REPETITIONS, SET_PEERS, SET_OUTAGE_S, SET_PERIOD_S,
                                     SETTINGS};

/* Each node goes down once, at random within SET_PERIOD_S times `period`, and is down for up to
 * SET_OUTAGE_S. */
static const struct variant {
    const char *label;
    double period;
    enum disk disk;
} variants[] = {
    {"at once", 0, DISK_LATEST},
    {"rolling", 1, DISK_LATEST},
    {"at once, memory lost", 0, DISK_KEY_ONLY},
};

enum { VARIANTS = sizeof(variants) / sizeof(variants[0]) };

static size_t cells(const struct run *run)
{
    return VARIANTS * setting_count(&run->settings, SET_REPETITIONS);
}

/* --- One world
 * --------------------------------------------------------------------------------------- */

struct move {
    uint64_t at_ms;
    size_t node;
    bool is_start;
};

static int compare_moves(const void *a, const void *b)
{
    const struct move *left = a, *right = b;

    if (left->at_ms != right->at_ms)
        return left->at_ms < right->at_ms ? -1 : 1;
    if (left->node != right->node)
        return left->node < right->node ? -1 : 1;
    return (int)left->is_start - (int)right->is_start;
}

static void restart_all(struct cell *cell, struct cluster *c, const struct variant *variant)
{
    const struct settings *settings = &cell->run->settings;
    size_t nodes = cluster_nodes(c);
    struct move *moves = memory_new(2 * nodes, sizeof(*moves));
    struct random random = random_stream(cluster_seed(c), 'r');
    double period_ms = variant->period * setting(settings, SET_PERIOD_S) * 1000;
    double down_ms = setting(settings, SET_OUTAGE_S) * 1000;
    uint64_t now_ms = 0;

    for (size_t i = 0; i < nodes; i++) {
        uint64_t stop_ms = (uint64_t)(random_unit(&random) * period_ms);
        uint64_t start_ms = stop_ms + DOWN_LEAST_MS + (uint64_t)(random_unit(&random) * down_ms);

        moves[2 * i] = (struct move){stop_ms, i, false};
        moves[2 * i + 1] = (struct move){start_ms, i, true};
    }
    qsort(moves, 2 * nodes, sizeof(*moves), compare_moves);
    for (size_t i = 0; i < 2 * nodes; i++) {
        cluster_run_for(c, moves[i].at_ms - now_ms);
        now_ms = moves[i].at_ms;
        if (moves[i].is_start)
            cluster_restart(c, moves[i].node, variant->disk);
        else if (cluster_is_running(c, moves[i].node))
            cluster_crash(c, moves[i].node);
    }
    free(moves);
}

/* Pairs of running nodes of which the first does not see the second's life alive. */
static void count_missed(struct cluster *c, double *missed, double *dead)
{
    struct world *world = cluster_world(c);

    *missed = *dead = 0;
    for (size_t i = 0; i < cluster_nodes(c); i++)
        for (size_t j = 0; j < cluster_nodes(c); j++) {
            const struct node *subject = &world->nodes[j];
            const struct seen_member *seen = observe_member(&world->nodes[i].seen, subject->number);

            if (i == j || world->nodes[i].core == NULL || subject->core == NULL ||
                (seen->is_known && seen->state == MEMBER_ALIVE && seen->epoch == subject->epoch))
                continue;
            *missed += 1;
            *dead += seen->is_known && seen->state == MEMBER_DEAD;
        }
}

/* When everybody sees everybody, to 50 ms, and each second how far it is until then. */
static void watch(struct cell *cell, struct cluster *c)
{
    double *value = cell->out->value, dead = 0, missed = 0;
    double pairs = (double)cluster_nodes(c) * (double)(cluster_nodes(c) - 1);
    uint64_t elapsed_ms = 0;

    while (!cluster_holds_everywhere(c, all_alive()) && elapsed_ms < BOUND_MS) {
        if (elapsed_ms % 1000 == 0) {
            count_missed(c, &missed, &dead);
            value[MISSED + elapsed_ms / 1000] = missed / pairs;
            value[DEAD_10S] = elapsed_ms == 10000 ? dead : value[DEAD_10S];
        }
        cluster_run_for(c, STEP_MS);
        elapsed_ms += STEP_MS;
    }
    count_missed(c, &missed, &dead);
    value[STUCK] = missed;
    value[ALIVE_MS] = missed > 0 ? NAN : (double)elapsed_ms;
    uint64_t settled_ms = cluster_wait_everywhere(c, settled(), BOUND_MS);
    value[SETTLED_MS] = settled_ms != CLUSTER_NEVER ? (double)elapsed_ms + (double)settled_ms : NAN;
    if (settled_ms == CLUSTER_NEVER)
        cell_late(cell, "seed %" PRIu64 ": not one registry %d s after the last start",
                  cluster_seed(c), 2 * BOUND_MS / 1000);
}

static void populate(struct cell *cell, struct cluster *c)
{
    char id[ID_BYTES];

    for (size_t i = 0; i < setting_count(&cell->run->settings, SET_PEERS); i++) {
        snprintf(id, sizeof(id), "peer-%zu", i);
        cluster_register_ttl(c, i % cluster_nodes(c), id, PEER_TTL_MAX_S);
    }
    cluster_run_for(c, 5000);
}

/* What the restarted nodes sent since they started. */
static double kb_per_node(struct cluster *c)
{
    double bytes = 0;

    for (size_t i = 0; i < cluster_nodes(c); i++)
        bytes += (double)cluster_status(c, i).stats.bytes_out;
    return bytes / 1024 / (double)cluster_nodes(c);
}

static void live(struct cell *cell)
{
    const struct variant *variant = &variants[cell->index % VARIANTS];
    uint64_t seed = cell_seed(cell, cell->index / VARIANTS);
    struct cluster *c = cell_cluster(cell, run_nodes(cell->run), seed, NULL, NULL);
    double *value = cell->out->value;

    if (cell_boot(cell, c)) {
        populate(cell, c);
        uint64_t before = cluster_false_deaths(c);
        restart_all(cell, c, variant);
        checks_on_heal(cluster_world(c));
        watch(cell, c);
        value[FALSE_DEATHS] = (double)(cluster_false_deaths(c) - before);
        value[BACK] = (double)cluster_peers_visible(c, 0);
        value[KB_PER_NODE] = kb_per_node(c);
        cluster_run_for(c, BOUND_MS); /* for what has to end within a time: queues, hold-downs */
        cluster_check_settled(c);
    }
    cell_end(cell, c);
}

/* --- What it says
 * ------------------------------------------------------------------------------------ */

static double worst(const struct run *run, const struct outcome *outcomes, size_t variant,
                    size_t what)
{
    double most = 0;

    for (size_t i = variant; i < cells(run); i += VARIANTS)
        if (!outcomes[i].is_done || isnan(outcomes[i].value[what]))
            return NAN;
        else if (outcomes[i].value[what] > most)
            most = outcomes[i].value[what];
    return most;
}

static void tell_cell(struct sheet *sheet, const struct outcome *outcome, const char *label)
{
    static const size_t columns[] = {ALIVE_MS,     SETTLED_MS,  DEAD_10S, STUCK,
                                     FALSE_DEATHS, KB_PER_NODE, BACK};

    sheet_text(sheet, label);
    for (size_t i = 0; i < sizeof(columns) / sizeof(columns[0]); i++)
        sheet_number(sheet, outcome->is_done ? outcome->value[columns[i]] : NAN, 0);
}

static void plot_variant(const struct run *run, const struct outcome *outcomes, struct plot *plot,
                         size_t variant)
{
    size_t repetitions = setting_count(&run->settings, SET_REPETITIONS);

    for (size_t second = 0; second < SAMPLES; second++) {
        double sum = 0;

        for (size_t i = variant; i < cells(run); i += VARIANTS)
            sum += outcomes[i].value[MISSED + second];
        plot_point(plot, variants[variant].label, (double)second, 100 * sum / (double)repetitions);
        if (sum == 0)
            break;
    }
}

static void tell(const struct run *run, const struct outcome *outcomes, struct report *report)
{
    static const char *const names[VARIANTS] = {"at_once", "rolling", "memory_lost"};
    struct sheet *sheet = report_sheet(
        report, "after the last start, each world",
        "restart|all_alive_ms|one_registry_ms|dead_pairs_at_10s|stuck_pairs|false_positives|"
        "kb_per_node|peers_back");
    struct plot *plot = report_plot(report, "Who does not see whom alive", "s after the last start",
                                    "% of all pairs of nodes");

    plot_log_y(plot);
    for (size_t i = 0; i < cells(run); i++)
        tell_cell(sheet, &outcomes[i], variants[i % VARIANTS].label);
    for (size_t i = 0; i < VARIANTS; i++) {
        char name[64];

        plot_variant(run, outcomes, plot, i);
        snprintf(name, sizeof(name), "%s_all_alive_max_ms", names[i]);
        report_metric(report, name, worst(run, outcomes, i, ALIVE_MS));
        snprintf(name, sizeof(name), "%s_stuck_pairs", names[i]);
        report_metric(report, name, worst(run, outcomes, i, STUCK));
        report_reference(report, name, 0,
                         "memberlist #311: at 4,500 nodes some stay dead for a long time");
        snprintf(name, sizeof(name), "%s_false_positives", names[i]);
        report_metric(report, name, worst(run, outcomes, i, FALSE_DEATHS));
    }
    report_note(report, "A pair is missed while one node runs and the other does not see its "
                        "present life alive. Nobody has a peer back whose home lost its memory: "
                        "such clients register again.");
}

static const struct preset presets[] = {
    {SET_OUTAGE_S, 5}, {SET_PERIOD_S, 60}, {SET_PEERS, 100}, {SETTINGS, 0}};

const struct scenario scenario_mass_restart = {
    .name = "mass-restart",
    .what = "every node restarts within seconds: nobody may stay dead for anybody",
    .anchor =
        "memberlist #311: after a restart of 4,500 nodes, live ones stay dead for a long time",
    .nodes = 1000,
    .duration_s = 150,
    .presets = presets,
    .takes = takes,
    .nodes_least = 2,
    .values = VALUES,
    .cells = cells,
    .live = live,
    .tell = tell,
};
