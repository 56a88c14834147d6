// SPDX-License-Identifier: Apache-2.0
/* scenario_swim_false.c - swim-false: how often plain SWIM suspects a member that is alive, because
 * packets are lost, against the formula
 *
 * A probe of a live member fails when its ping or the ack is lost, and on each of the k detours one
 * of four packets. With q the chance that a packet arrives (Das, Gupta and Motivala 2002, section
 * 3.1, with nobody faulty): P = (1 - q^2) (1 - q^4)^k. */
#include "sim/scenario.h"

#include <inttypes.h>
#include <math.h>

enum { ANSWERED = 0, FAILED, ACCUSATIONS, DEATHS, VALUES };
/* Enough failures for an error of 2 or 3 %, within bounds on the work. */
enum { FAILURES_WANTED = 2000, PROBES_LEAST = 20000, PROBES_MOST = 400000 };

static const double losses[] = {0.01, 0.02, 0.05, 0.1, 0.15, 0.2};
enum { LOSSES = sizeof(losses) / sizeof(losses[0]) };
#define SIGMAS 3

static const struct preset presets[] = {
    {SET_DETECTOR, 2}, {SET_PROBE_INTERVAL_MS, 2000}, {SET_PROBE_INDIRECT, 1}, {SETTINGS, 0}};

static size_t cells(const struct run *run)
{
    return run->settings.is_given[SET_LOSS] ? 1 : LOSSES;
}

static double loss_of(const struct run *run, size_t index)
{
    return run->settings.is_given[SET_LOSS] ? setting(&run->settings, SET_LOSS) : losses[index];
}

static double chance_of_failure(const struct run *run, double loss)
{
    double arrives = 1 - loss;

    return (1 - pow(arrives, 2)) *
           pow(1 - pow(arrives, 4), setting(&run->settings, SET_PROBE_INDIRECT));
}

/* How many of its standard deviations the count is off; of so many independent probes. */
static double deviations(const double *value, double chance)
{
    double probes = value[ANSWERED] + value[FAILED];

    return (value[FAILED] - probes * chance) / sqrt(probes * chance * (1 - chance));
}

static double probes_wanted(double chance)
{
    double probes = FAILURES_WANTED / chance;

    return probes < PROBES_LEAST ? PROBES_LEAST : probes > PROBES_MOST ? PROBES_MOST : probes;
}

static void count(const struct cluster *cluster, double *value)
{
    for (size_t i = 0; i < VALUES; i++)
        value[i] = 0;
    for (size_t i = 0; i < cluster_nodes(cluster); i++) {
        struct gossip_status status = cluster_status(cluster, i);

        value[ANSWERED] += (double)status.stats.probes_answered;
        value[FAILED] += (double)status.stats.probes_failed;
        value[ACCUSATIONS] += (double)status.stats.accusations_made;
    }
    value[DEATHS] = (double)cluster_false_deaths(cluster);
}

static void without_loss(struct cluster_options *options, const void *context)
{
    (void)context;
    options->loss = 0;
}

static void live(struct cell *cell)
{
    double loss = loss_of(cell->run, cell->index), chance = chance_of_failure(cell->run, loss);
    size_t nodes = run_nodes(cell->run);
    double period_s = setting(&cell->run->settings, SET_PROBE_INTERVAL_MS) / 1000;
    double duration_s = probes_wanted(chance) / (double)nodes * period_s;
    struct cluster *cluster = cell_cluster(cell, nodes, cell_seed(cell, 0), without_loss, NULL);
    struct network_faults faults = cluster_faults(cluster);
    double before[VALUES], *value = cell->out->value;

    if (!cell_boot(cell, cluster)) {
        cell_end(cell, cluster);
        return;
    }
    faults.loss = loss;
    cluster_set_faults(cluster, &faults);
    cluster_run_for(cluster, (uint64_t)(2 * period_s * 1000));
    count(cluster, before);
    if (cell->run->duration_s > 0)
        duration_s = cell->run->duration_s;
    cluster_run_for(cluster, (uint64_t)(duration_s * 1000));
    count(cluster, value);
    for (size_t i = 0; i < VALUES; i++)
        value[i] -= before[i];
    double off = deviations(value, chance);
    if (!(fabs(off) < SIGMAS))
        cell_late(cell, "loss %g: %.0f of %.0f probes failed, %.1f sigma from the formula", loss,
                  value[FAILED], value[ANSWERED] + value[FAILED], off);
    cell_end(cell, cluster);
}

static void tell(const struct run *run, const struct outcome *outcomes, struct report *report)
{
    struct sheet *sheet = report_sheet(report, "probes of live members that fail",
                                       "loss|probes|failed|failed_predicted|chance|formula|sigmas|"
                                       "accusations|false_deaths");
    struct plot *plot = report_plot(report, "False suspicion by plain SWIM", "packet loss",
                                    "chance that a probe of a live member fails");
    double worst = 0;

    plot_log_y(plot);
    for (size_t i = 0; i < cells(run); i++) {
        const double *value = outcomes[i].value;
        double loss = loss_of(run, i), chance = chance_of_failure(run, loss);
        double probes = value[ANSWERED] + value[FAILED], off = deviations(value, chance);

        sheet_number(sheet, loss, 3);
        sheet_number(sheet, probes, 0);
        sheet_number(sheet, value[FAILED], 0);
        sheet_number(sheet, probes * chance, 1);
        sheet_number(sheet, value[FAILED] / probes, 6);
        sheet_number(sheet, chance, 6);
        sheet_number(sheet, off, 2);
        sheet_number(sheet, value[ACCUSATIONS], 0);
        sheet_number(sheet, value[DEATHS], 0);
        plot_point(plot, "measured", loss, value[FAILED] / probes);
        plot_point(plot, "paper's formula", loss, chance);
        worst = fabs(off) > fabs(worst) ? off : worst;
    }
    report_metric(report, "worst_deviation_sigmas", worst);
    report_note(report,
                "formula: (1 - q^2) (1 - q^4)^k with q = 1 - loss. The run fails at %d "
                "sigma.",
                SIGMAS);
    report_note(report, "Counted are probes, not suspicions: a member that is suspected already, "
                        "or has objected since the probe began, is not accused once more.");
}

const struct scenario scenario_swim_false = {
    .name = "swim-false",
    .what = "plain SWIM, loss of 1 to 20 %: how often a live member is suspected",
    .anchor = "P = (1 - q^2) (1 - q^4)^k (Das, Gupta and Motivala 2002, section 3.1)",
    .nodes = 24,
    .duration_s = 3600,
    .presets = presets,
    .values = VALUES,
    .cells = cells,
    .live = live,
    .tell = tell,
};
