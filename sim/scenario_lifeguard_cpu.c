// SPDX-License-Identifier: Apache-2.0
/* scenario_lifeguard_cpu.c - lifeguard-cpu: members starved of CPU, in the three detectors
 *
 * Dadgar, Phillips and Currey (2017) ran `stress` for five minutes beside some of 100 agents. Here
 * a starved node is served by its CPU so seldom that each packet and each tick takes a while before
 * it has its effect; what it has no time for waits in its socket. */
#include "sim/detectors.h"

#include <stdio.h>

static const size_t starved[] = {32, 16, 8, 4, 2, 1};
enum { STARVED = sizeof(starved) / sizeof(starved[0]), STARVED_MOST = 32 };

static const enum setting takes[] = {SET_REPETITIONS, SET_SERVICE_MS, SETTINGS};

#define PAPER "Dadgar, Phillips and Currey 2017"

/* --- Cells: how many, by which detector, in which repetition
 * --------------------------------------------- */

static size_t cells(const struct run *run)
{
    return STARVED * detectors_count(run) * setting_count(&run->settings, SET_REPETITIONS);
}

static size_t starved_of(const struct run *run, size_t index)
{
    return starved[index / (cells(run) / STARVED)];
}

static enum gossip_detector detector_of(const struct run *run, size_t index)
{
    return detectors_at(run, index % detectors_count(run));
}

static size_t repetition_of(const struct run *run, size_t index)
{
    return index % (cells(run) / STARVED) / detectors_count(run);
}

static void live(struct cell *cell)
{
    const struct run *run = cell->run;
    uint64_t seed = cell_seed(cell, repetition_of(run, cell->index));
    struct cluster *cluster =
        detectors_world(cell, detector_of(run, cell->index), run_nodes(run), seed);
    double before[MISTAKES];

    if (cluster == NULL)
        return;
    struct random random = random_stream(seed, 'h');
    struct node_set hit = nodes_drawn(&random, run_nodes(run), starved_of(run, cell->index));
    mistakes_count(cluster, &hit, NULL, before);
    for (size_t i = 0; i < run_nodes(run); i++)
        if (node_set_has(&hit, i))
            cluster_slow(cluster, i, (uint32_t)(setting(&run->settings, SET_SERVICE_MS) * 1000));
    cluster_run_for(cluster, (uint64_t)(run_duration_s(run) * 1000));
    mistakes_count(cluster, &hit, before, cell->out->value);
    cell_end(cell, cluster);
}

/* --- What it found
 * --------------------------------------------------------------------------------------- */

static void sum_up(const struct run *run, const struct outcome *outcomes, size_t count,
                   enum gossip_detector detector, double *sum)
{
    for (size_t k = 0; k < MISTAKES; k++)
        sum[k] = 0;
    for (size_t i = 0; i < cells(run); i++)
        for (size_t k = 0; k < MISTAKES; k++)
            if (starved_of(run, i) == count && detector_of(run, i) == detector)
                sum[k] += outcomes[i].value[k] / setting(&run->settings, SET_REPETITIONS);
}

static void tell_row(struct report *report, struct sheet *sheet, struct plot *plot, size_t count,
                     enum gossip_detector detector, const double *sum)
{
    char name[80];

    sheet_number(sheet, (double)count, 0);
    sheet_text(sheet, detector_name(detector));
    for (size_t k = 0; k < MISTAKES; k++)
        sheet_number(sheet, sum[k], 1);
    plot_point(plot, detector_name(detector), (double)count, sum[FALSE_POSITIVES]);
    if (count != 16)
        return;
    snprintf(name, sizeof(name), "%s_false_positives_16", detector_name(detector));
    report_metric(report, name, sum[FALSE_POSITIVES]);
    snprintf(name, sizeof(name), "%s_false_positives_healthy_16", detector_name(detector));
    report_metric(report, name, sum[FALSE_POSITIVES_HEALTHY]);
}

static void tell(const struct run *run, const struct outcome *outcomes, struct report *report)
{
    struct sheet *sheet = report_sheet(report, "by members starved, each world's",
                                       "starved|detector|false_positives|at_healthy|"
                                       "starved_declared_dead|packets|bytes");
    struct plot *plot = report_plot(report, "False positives", "members starved of CPU",
                                    "declarations of healthy members' deaths");

    plot_log_x(plot);
    plot_log_y(plot);
    for (size_t i = STARVED; i-- > 0;)
        for (size_t d = 0; d < detectors_count(run); d++) {
            enum gossip_detector detector = detectors_at(run, d);
            double sum[MISTAKES];

            sum_up(run, outcomes, starved[i], detector, sum);
            tell_row(report, sheet, plot, starved[i], detector, sum);
        }
    report_reference(report, "lifeguard_false_positives_16", 95, PAPER ", about");
    report_note(report,
                "The paper's starvation was a real one, whose schedule is unknown: compare "
                "detectors, not figures. A starved node takes %g ms for each packet and each "
                "tick, for %g s.",
                setting(&run->settings, SET_SERVICE_MS), run_duration_s(run));
}

const struct scenario scenario_lifeguard_cpu = {
    .name = "lifeguard-cpu",
    .what = "members starved of CPU for five minutes, three detectors: false positives",
    .anchor = "Lifeguard about 95 at 16 starved of 100, SWIM far more (" PAPER ")",
    .nodes = 100,
    .duration_s = 300,
    .takes = takes,
    .nodes_least = 2 * STARVED_MOST,
    .values = MISTAKES,
    .cells = cells,
    .live = live,
    .tell = tell,
};
