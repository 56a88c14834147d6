// SPDX-License-Identifier: Apache-2.0
/* scenario_bootstrap.c - a whole cluster that starts at once through one seed: how long until every
 * node sees every other */
#include "sim/scenario.h"

#include <math.h>
#include <stdlib.h>

enum { LOOK_MS = 100, LOOKS_MAX = 6000, SETTLE_MS = 30000 };
enum { P50_S = 0, P99_S, ALL_S, BYTES_PER_NODE, LOOKS, VIEWS, VALUES = VIEWS + LOOKS_MAX };

static const enum setting takes[] = {SET_REPETITIONS, SETTINGS};

static size_t cells(const struct run *run)
{
    return setting_count(&run->settings, SET_REPETITIONS);
}

/* Notes who sees everybody for the first time; returns the mean size of a view. */
static double look(const struct cluster *c, double now_s, double *seen_s, size_t *complete)
{
    size_t nodes = cluster_nodes(c);
    double sum = 0;

    for (size_t i = 0; i < nodes; i++) {
        uint32_t alive = cluster_status(c, i).members_alive;

        sum += alive;
        if (alive == nodes && isinf(seen_s[i])) {
            seen_s[i] = now_s;
            (*complete)++;
        }
    }
    return sum / (double)nodes;
}

static void watch_boot(struct cell *cell, struct cluster *c, double *seen_s)
{
    double *value = cell->out->value;
    uint64_t since_us = cluster_now_us(c);
    size_t nodes = cluster_nodes(c), complete = 0, looks = 0;
    size_t most = (size_t)(run_duration_s(cell->run) * 1000 / LOOK_MS);

    for (size_t i = 0; i < nodes; i++)
        seen_s[i] = INFINITY;
    cluster_start_all(c);
    for (; looks < LOOKS_MAX && looks < most && complete < nodes; looks++) {
        cluster_run_for(c, LOOK_MS);
        value[VIEWS + looks] =
            look(c, (double)(cluster_now_us(c) - since_us) / 1e6, seen_s, &complete);
    }
    value[LOOKS] = (double)looks;
    value[P50_S] = percentile(seen_s, nodes, 50);
    value[P99_S] = percentile(seen_s, nodes, 99);
    value[ALL_S] = percentile(seen_s, nodes, 100);
    if (complete < nodes)
        cell_late(cell, "%zu of %zu nodes see everybody after %zu s", complete, nodes,
                  looks * LOOK_MS / 1000);
}

static void live(struct cell *cell)
{
    size_t nodes = run_nodes(cell->run);
    struct cluster *c = cell_cluster(cell, nodes, cell_seed(cell, cell->index), NULL, NULL);
    double *seen_s = calloc(nodes, sizeof(*seen_s));

    if (seen_s == NULL)
        abort();
    watch_boot(cell, c, seen_s);
    for (size_t i = 0; i < nodes; i++)
        cell->out->value[BYTES_PER_NODE] +=
            (double)cluster_status(c, i).stats.bytes_out / (double)nodes;
    if (cluster_wait_everywhere(c, all_alive(), SETTLE_MS) == CLUSTER_NEVER)
        cell_late(cell, "not everybody is alive everywhere");
    free(seen_s);
    cell_end(cell, c);
}

static void tell(const struct run *run, const struct outcome *outcomes, struct report *report)
{
    struct sheet *sheet = report_sheet(report, "each world, virtual time",
                                       "world|view_full_p50_s|p99_s|everywhere_s|kb_per_node");
    struct plot *plot = report_plot(report, "Everybody starts at once, through one seed",
                                    "seconds since the start", "members in a view (mean)");
    double all_s = 0;

    for (size_t i = 0; i < cells(run); i++) {
        const double *value = outcomes[i].value;

        sheet_number(sheet, (double)i, 0);
        sheet_number(sheet, value[P50_S], 1);
        sheet_number(sheet, value[P99_S], 1);
        sheet_number(sheet, value[ALL_S], 1);
        sheet_number(sheet, value[BYTES_PER_NODE] / 1024, 0);
        all_s = fmax(all_s, value[ALL_S]);
    }
    for (size_t look = 0; look < (size_t)outcomes[0].value[LOOKS]; look++)
        plot_point(plot, "aurora", (double)(look + 1) * LOOK_MS / 1000,
                   outcomes[0].value[VIEWS + look]);
    report_metric(report, "everywhere_s", all_s);
    report_reference(report, "everywhere_s", 52, "Rapid at N=2000, Suresh et al. 2018");
    report_metric(report, "everywhere_of_memberlist_s", all_s);
    report_reference(report, "everywhere_of_memberlist_s", 95, "memberlist at N=2000, same paper");
    report_note(report, "The rivals' figures are of processes on real machines; here a core's own "
                        "computing takes no virtual time.");
}

static const struct preset presets[] = {{SET_REPETITIONS, 1}, {SETTINGS, 0}};

const struct scenario scenario_rapid_bootstrap = {
    .name = "rapid-bootstrap",
    .what = "2,000 nodes start at once through one seed: until everybody sees everybody",
    .anchor = "Suresh et al. 2018, N=2000: memberlist up to 95 s, Rapid about 52 s",
    .nodes = 2000,
    .duration_s = 120,
    .presets = presets,
    .takes = takes,
    .values = VALUES,
    .cells = cells,
    .live = live,
    .tell = tell,
};
