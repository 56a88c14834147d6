// SPDX-License-Identifier: Apache-2.0
/* scenario_lifeguard_cpu.c - lifeguard-cpu: members starved of CPU, in the three detectors
 *
 * Dadgar, Phillips and Currey (2017) ran `stress` for five minutes beside some of 100 agents. Here
 * a starved node stands still and runs in turns, both of random length: while it stands still, its
 * timers do, too, and packets wait in its socket. */
#include "sim/detectors.h"

#include <math.h>
#include <stdio.h>

static const size_t starved[] = {32, 16, 8, 4, 2, 1};
enum { STARVED = sizeof(starved) / sizeof(starved[0]), STARVED_MOST = 32 };

static const struct preset presets[] = {{SET_OUTAGE_S, 10}, {SET_PERIOD_S, 12}, {SETTINGS, 0}};
static const enum setting takes[] = {SET_REPETITIONS, SET_OUTAGE_S, SET_PERIOD_S, SETTINGS};

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

static bool fits(const struct run *run, char *error, size_t error_bytes)
{
    if (setting(&run->settings, SET_PERIOD_S) > setting(&run->settings, SET_OUTAGE_S))
        return true;
    snprintf(error, error_bytes,
             "period_s is '%g'; a node stands still for outage_s of it: above %g",
             setting(&run->settings, SET_PERIOD_S), setting(&run->settings, SET_OUTAGE_S));
    return false;
}

/* --- Starving
 * ------------------------------------------------------------------------------------------- */

/* Half to one and a half of the mean. */
static uint64_t about_us(struct random *random, double mean_s)
{
    return (uint64_t)(mean_s * (0.5 + random_unit(random)) * 1e6);
}

/* From now until end_us; all of them run again then. */
static void starve(struct cell *cell, struct cluster *cluster, const struct node_set *hit,
                   uint64_t end_us)
{
    struct random random = random_stream(cluster_seed(cluster), 's');
    double stop_s = setting(&cell->run->settings, SET_OUTAGE_S);
    double run_s = setting(&cell->run->settings, SET_PERIOD_S) - stop_s;
    uint64_t next_us[NODES_MAX];

    for (size_t i = 0; i < cluster_nodes(cluster); i++)
        next_us[i] =
            node_set_has(hit, i) ? cluster_now_us(cluster) + about_us(&random, run_s) : UINT64_MAX;
    for (;;) {
        size_t next = 0;

        for (size_t i = 1; i < cluster_nodes(cluster); i++)
            next = next_us[i] < next_us[next] ? i : next;
        if (next_us[next] >= end_us)
            break;
        if (next_us[next] > cluster_now_us(cluster))
            cluster_run_for(cluster, (next_us[next] - cluster_now_us(cluster)) / 1000);
        uint64_t stop_us = about_us(&random, stop_s);
        cluster_stall(cluster, next, stop_us / 1000);
        next_us[next] += stop_us + about_us(&random, run_s);
    }
    cluster_run_for(cluster, (end_us - cluster_now_us(cluster)) / 1000);
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
    starve(cell, cluster, &hit,
           cluster_now_us(cluster) + (uint64_t)(run_duration_s(run) * 1000) * 1000);
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
                "detectors, not figures. A starved node stands still for %g s and runs for "
                "%g s, each half to one and a half of that.",
                setting(&run->settings, SET_OUTAGE_S),
                setting(&run->settings, SET_PERIOD_S) - setting(&run->settings, SET_OUTAGE_S));
}

const struct scenario scenario_lifeguard_cpu = {
    .name = "lifeguard-cpu",
    .what = "members starved of CPU for five minutes, three detectors: false positives",
    .anchor = "Lifeguard about 95 at 16 starved of 100, SWIM far more (" PAPER ")",
    .nodes = 100,
    .duration_s = 300,
    .presets = presets,
    .takes = takes,
    .nodes_least = 2 * STARVED_MOST,
    .values = MISTAKES,
    .cells = cells,
    .live = live,
    .tell = tell,
    .fits = fits,
};
