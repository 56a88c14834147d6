// SPDX-License-Identifier: Apache-2.0
/* scenario_outage.c - a partition that lasts long enough for each side to give the other up: when
 * it ends, all must be one cluster again, without anybody's help
 *
 * Each side has homes and clients of its own, and one more peer registers on each meanwhile. */
#include "sim/scenario.h"

#include "sim/memory.h"

#include <inttypes.h>
#include <math.h>
#include <stdio.h>

enum { BOUND_MS = 60000, QUIET_MS = 60000, HEARTBEAT_MS = 20000, ID_BYTES = 32 };

enum { APART = 0, ALIVE_MS, SETTLED_MS, VALUES };

static const enum setting takes[] = {SET_REPETITIONS, SET_PEERS, SET_OUTAGE_S, SETTINGS};

/* Who is cut off from the others, by numbers; the first node is the only seed. */
static const struct split {
    const char *label, *name;
    bool is_half;
    size_t node; /* or this one alone */
} splits[] = {
    {"two halves", "halves", true, 0},
    {"one node alone", "one_node", false, 1},
    {"the seed alone", "the_seed", false, 0},
};
enum { SPLITS = sizeof(splits) / sizeof(splits[0]) };

static const double outages_s[] = {35, 3600};
enum { OUTAGES = sizeof(outages_s) / sizeof(outages_s[0]) };

/* The one that was asked for, or both. */
static size_t outages(const struct run *run)
{
    return run->settings.is_given[SET_OUTAGE_S] ? 1 : OUTAGES;
}

static double outage_s(const struct run *run, size_t kind)
{
    return outages(run) == 1 ? setting(&run->settings, SET_OUTAGE_S) : outages_s[kind];
}

static size_t cells(const struct run *run)
{
    return outages(run) * SPLITS * setting_count(&run->settings, SET_REPETITIONS);
}

static size_t kind_of(const struct run *run, size_t cell)
{
    return cell % (outages(run) * SPLITS);
}

/* --- One world
 * --------------------------------------------------------------------------------------- */

static void populate(struct cell *cell, struct cluster *c)
{
    char id[ID_BYTES];

    for (size_t i = 0; i < setting_count(&cell->run->settings, SET_PEERS); i++) {
        size_t home = i % cluster_nodes(c);

        snprintf(id, sizeof(id), "peer-%zu", i);
        cluster_register_ttl(c, home, id, TTL_DEFAULT_S);
        cluster_client_start(c, id, HEARTBEAT_MS, &home, 1, false);
    }
    cluster_run_for(c, 5000);
}

static struct node_set side_of(const struct cluster *c, const struct split *split)
{
    return split->is_half ? NODES_RANGE(0, cluster_nodes(c) / 2) : NODES(split->node);
}

static bool are_apart(const struct node_set *side, size_t i, size_t j)
{
    return node_set_has(side, i) != node_set_has(side, j);
}

/* Of the pairs of nodes of different sides, those of which the first has given the second up. */
static double share_given_up(struct cluster *c, const struct node_set *side)
{
    double pairs = 0, gone = 0;

    for (size_t i = 0; i < cluster_nodes(c); i++)
        for (size_t j = 0; j < cluster_nodes(c); j++) {
            if (!are_apart(side, i, j))
                continue;
            pairs++;
            gone += cluster_sees_member(c, i, j) != MEMBER_ALIVE;
        }
    return gone / pairs;
}

static void cut_for(struct cell *cell, struct cluster *c, const struct split *split, double for_s)
{
    struct node_set side = side_of(c, split), rest = {{0}};
    size_t one = split->is_half ? 0 : split->node, other = cluster_nodes(c) - 1;

    for (size_t i = 0; i < cluster_nodes(c); i++)
        if (!node_set_has(&side, i))
            node_set_add(&rest, i);
    cluster_cut(c, side, rest);
    cluster_run_for(c, (uint64_t)(for_s * 500));
    cluster_register_ttl(c, one, "born-here", PEER_TTL_MAX_S);
    cluster_register_ttl(c, other, "born-there", PEER_TTL_MAX_S);
    cluster_run_for(c, (uint64_t)(for_s * 500));
    cell->out->value[APART] = share_given_up(c, &side);
    cluster_heal_all(c);
}

static bool has_all(struct cluster *c, size_t peers)
{
    return cluster_holds_everywhere(c, peer_visible("born-here")) &&
           cluster_holds_everywhere(c, peer_visible("born-there")) &&
           cluster_peers_visible(c, 0) == peers + 2;
}

static void live(struct cell *cell)
{
    const struct run *run = cell->run;
    size_t kind = kind_of(run, cell->index);
    uint64_t seed = cell_seed(cell, cell->index / (outages(run) * SPLITS));
    struct cluster *c = cell_cluster(cell, run_nodes(run), seed, NULL, NULL);
    size_t peers = setting_count(&run->settings, SET_PEERS);
    double *value = cell->out->value;

    value[ALIVE_MS] = value[SETTLED_MS] = NAN;
    if (!cell_boot(cell, c)) {
        cell_end(cell, c);
        return;
    }
    populate(cell, c);
    cut_for(cell, c, &splits[kind % SPLITS], outage_s(run, kind / SPLITS));
    uint64_t alive_ms = cluster_wait_everywhere(c, all_alive(), BOUND_MS);
    uint64_t more_ms =
        alive_ms != CLUSTER_NEVER ? cluster_wait_everywhere(c, settled(), BOUND_MS) : CLUSTER_NEVER;
    if (alive_ms != CLUSTER_NEVER)
        value[ALIVE_MS] = (double)alive_ms;
    if (more_ms != CLUSTER_NEVER)
        value[SETTLED_MS] = (double)(alive_ms + more_ms);
    else
        cell_late(cell, "seed %" PRIu64 ": %s: not one cluster %d s after the outage of %g s", seed,
                  splits[kind % SPLITS].label, BOUND_MS / 1000, outage_s(run, kind / SPLITS));
    if (more_ms != CLUSTER_NEVER && !has_all(c, peers))
        check_failed(cluster_world(c), 0, I10, "%zu of %zu peers after the outage",
                     cluster_peers_visible(c, 0), peers + 2);
    cluster_run_for(c, QUIET_MS); /* for what has to end within a time: queues, hold-downs */
    cluster_check_settled(c);
    cell_end(cell, c);
}

/* --- What it says
 * ------------------------------------------------------------------------------------ */

static double percentile_of(const struct run *run, const struct outcome *outcomes, size_t kind,
                            size_t what, double p)
{
    double *all = memory_new(cells(run), sizeof(*all));
    size_t count = 0;

    for (size_t i = 0; i < cells(run); i++)
        if (kind_of(run, i) == kind) {
            double value = outcomes[i].is_done ? outcomes[i].value[what] : NAN;

            all[count++] = isnan(value) ? INFINITY : value;
        }
    double result = percentile(all, count, p);
    free(all);
    return isinf(result) ? NAN : result;
}

static double count_never(const struct run *run, const struct outcome *outcomes, size_t kind)
{
    double never = 0;

    for (size_t i = 0; i < cells(run); i++)
        never += kind_of(run, i) == kind &&
                 (!outcomes[i].is_done || isnan(outcomes[i].value[SETTLED_MS]));
    return never;
}

static void tell_kind(const struct run *run, const struct outcome *outcomes, struct sheet *sheet,
                      struct plot *plot, size_t kind)
{
    const struct split *split = &splits[kind % SPLITS];
    double after_s = outage_s(run, kind / SPLITS);

    sheet_number(sheet, after_s, 0);
    sheet_text(sheet, split->label);
    sheet_number(sheet, 100 * percentile_of(run, outcomes, kind, APART, 0), 0);
    sheet_number(sheet, percentile_of(run, outcomes, kind, ALIVE_MS, 50), 0);
    sheet_number(sheet, percentile_of(run, outcomes, kind, ALIVE_MS, 100), 0);
    sheet_number(sheet, percentile_of(run, outcomes, kind, SETTLED_MS, 50), 0);
    sheet_number(sheet, percentile_of(run, outcomes, kind, SETTLED_MS, 100), 0);
    sheet_number(sheet, count_never(run, outcomes, kind), 0);
    plot_point(plot, split->label, after_s,
               percentile_of(run, outcomes, kind, SETTLED_MS, 100) / 1000);
}

static void tell(const struct run *run, const struct outcome *outcomes, struct report *report)
{
    struct sheet *sheet =
        report_sheet(report, "after the partition ended",
                     "outage_s|apart|given_up_least_percent|all_alive_p50_ms|all_alive_max_ms|"
                     "one_registry_p50_ms|one_registry_max_ms|never");
    struct plot *plot = report_plot(report, "From the heal until there is one registry (worst)",
                                    "length of the partition, s", "s");
    char name[64];

    plot_log_x(plot);
    for (size_t kind = 0; kind < outages(run) * SPLITS; kind++) {
        const char *split = splits[kind % SPLITS].name;
        int after_s = (int)outage_s(run, kind / SPLITS);

        tell_kind(run, outcomes, sheet, plot, kind);
        snprintf(name, sizeof(name), "outage_%ds_%s_one_registry_max_ms", after_s, split);
        report_metric(report, name, percentile_of(run, outcomes, kind, SETTLED_MS, 100));
        snprintf(name, sizeof(name), "outage_%ds_%s_never_percent", after_s, split);
        report_metric(report, name,
                      100 * count_never(run, outcomes, kind) /
                          (double)setting_count(&run->settings, SET_REPETITIONS));
        report_reference(report, name, 100, "memberlist #222: the dead are forgotten after 30 s");
    }
    report_note(report, "given_up: of the pairs of nodes of different sides, those of which one "
                        "did not see the other alive any more when the partition ended. A node "
                        "alone knows that it is the one cut off, and gives nobody up.");
}

static const struct preset presets[] = {{SET_PEERS, 32}, {SET_REPETITIONS, 10}, {SETTINGS, 0}};

const struct scenario scenario_long_outage = {
    .name = "long-outage",
    .what = "a partition of 35 s and of an hour: all are one cluster again by themselves",
    .anchor = "memberlist #222: after an outage of a minute or two, nodes never rejoin",
    .nodes = 16,
    .duration_s = 3700,
    .presets = presets,
    .takes = takes,
    .nodes_least = 3,
    .values = VALUES,
    .cells = cells,
    .live = live,
    .tell = tell,
};
