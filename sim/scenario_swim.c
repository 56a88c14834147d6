// SPDX-License-Identifier: Apache-2.0
/* scenario_swim.c - swim-load, swim-detect and swim-false: our core as plain SWIM against what its
 * paper promises
 *
 * Das, Gupta and Motivala, DSN 2002: a period of 2 s, k = 1, groups of 8 to 56 as they measured
 * them. Here members are probed in shuffled rounds (their section 4.3); their formulas are for
 * members picked at random. Each table says which of the two its prediction is. */
#include "sim/scenario.h"

#include "sim/tally.h"

#include <assert.h>
#include <inttypes.h>
#include <stdio.h>

enum { SIZE_LEAST = 8, SIZE_STEP = 8, SIZES = 7 };
/* Joining has its last words, too. */
enum { QUIET_AFTER_MS = 10000 };

static const struct preset presets[] = {
    {SET_DETECTOR, 2}, {SET_PROBE_INTERVAL_MS, 2000}, {SET_PROBE_INDIRECT, 1}, {SETTINGS, 0}};
static const enum setting takes[] = {SET_REPETITIONS, SETTINGS};

#define E_OVER_E_LESS_1 1.5819767068693265
#define PAPER           "Das, Gupta and Motivala 2002"

/* --- Sizes: a cell is a size and a repetition
 * ------------------------------------------------------------- */

static size_t sizes(const struct run *run)
{
    return run->nodes ? 1 : SIZES;
}

static size_t size_of(const struct run *run, size_t index)
{
    return run->nodes ? run->nodes : SIZE_LEAST + SIZE_STEP * index;
}

static size_t cells(const struct run *run)
{
    return sizes(run) * setting_count(&run->settings, SET_REPETITIONS);
}

static double period_s(const struct run *run)
{
    return setting(&run->settings, SET_PROBE_INTERVAL_MS) / 1000;
}

/* Booted, and quiet; NULL: it did not come up. */
static struct cluster *grown(struct cell *cell, size_t nodes, uint64_t seed)
{
    struct cluster *cluster = cell_cluster(cell, nodes, seed, NULL, NULL);

    if (!cell_boot(cell, cluster)) {
        cell_end(cell, cluster);
        return NULL;
    }
    cluster_run_for(cluster, QUIET_AFTER_MS);
    return cluster;
}

static struct cluster *grown_for(struct cell *cell)
{
    const struct run *run = cell->run;

    return grown(cell, size_of(run, cell->index % sizes(run)),
                 cell_seed(cell, cell->index / sizes(run)));
}

/* A tally of one size, over its repetitions. */
static void gather(const struct run *run, const struct outcome *outcomes, size_t size, size_t value,
                   double tally[TALLY_VALUES])
{
    for (size_t i = 0; i < TALLY_VALUES; i++)
        tally[i] = 0;
    for (size_t i = size; i < cells(run); i += sizes(run))
        tally_merge(tally, outcomes[i].value + value);
}

/* --- swim-load
 * -------------------------------------------------------------------------------------------- */

enum { LOAD_MESSAGES = 0, LOAD_BYTES = TALLY_VALUES, LOAD_VALUES = 2 * TALLY_VALUES };

static struct gossip_stats stats_of(const struct cluster *cluster)
{
    struct gossip_stats sum = {0};

    for (size_t i = 0; i < cluster_nodes(cluster); i++) {
        struct gossip_status status = cluster_status(cluster, i);

        sum.packets_out += status.stats.packets_out;
        sum.bytes_out += status.stats.bytes_out;
        sum.probes_answered += status.stats.probes_answered;
        sum.probes_failed += status.stats.probes_failed;
        sum.accusations_made += status.stats.accusations_made;
    }
    return sum;
}

static void load_live(struct cell *cell)
{
    struct cluster *cluster = grown_for(cell);
    double duration_s = run_duration_s(cell->run);

    if (cluster == NULL)
        return;
    double periods = (double)cluster_nodes(cluster) * duration_s / period_s(cell->run);
    struct gossip_stats before = stats_of(cluster);
    cluster_run_for(cluster, (uint64_t)(duration_s * 1000));
    struct gossip_stats after = stats_of(cluster);
    tally_add(cell->out->value + LOAD_MESSAGES,
              (double)(after.packets_out - before.packets_out) / periods);
    tally_add(cell->out->value + LOAD_BYTES,
              (double)(after.bytes_out - before.bytes_out) / periods);
    cluster_check(cluster);
    cell_end(cell, cluster);
}

static void load_tell(const struct run *run, const struct outcome *outcomes, struct report *report)
{
    struct sheet *sheet =
        report_sheet(report, "what a member sends in a period",
                     "nodes|messages_per_member_period|paper|bytes_per_member_period");
    struct plot *plot = report_plot(report, "Load of plain SWIM", "members",
                                    "messages sent by a member in a period");
    double sum = 0;

    for (size_t i = 0; i < sizes(run); i++) {
        double messages[TALLY_VALUES], bytes[TALLY_VALUES], nodes = (double)size_of(run, i);

        gather(run, outcomes, i, LOAD_MESSAGES, messages);
        gather(run, outcomes, i, LOAD_BYTES, bytes);
        sheet_number(sheet, nodes, 0);
        sheet_number(sheet, tally_mean(messages), 3);
        sheet_number(sheet, 2, 1);
        sheet_number(sheet, tally_mean(bytes), 0);
        plot_point(plot, "measured", nodes, tally_mean(messages));
        plot_point(plot, "paper", nodes, 2);
        sum += tally_mean(messages);
    }
    report_metric(report, "messages_per_member_period", sum / (double)sizes(run));
    report_reference(report, "messages_per_member_period", 2.0, PAPER ": a ping and an ack");
    report_note(report, "Messages are packets: what a member has to say rides on its pings and "
                        "acks. Nobody fails here.");
}

const struct scenario scenario_swim_load = {
    .name = "swim-load",
    .what = "plain SWIM at rest, 8 to 56 members: messages per member and period",
    .anchor = "2.0 messages per member and period, whatever the size (" PAPER ")",
    .nodes = 56,
    .duration_s = 200,
    .presets = presets,
    .takes = takes,
    .values = LOAD_VALUES,
    .cells = cells,
    .live = load_live,
    .tell = load_tell,
};

/* --- swim-detect
 * ------------------------------------------------------------------------------------------ */

enum { DETECT_PERIODS = 0, DETECT_WHOLE = TALLY_VALUES, DETECT_VALUES = 2 * TALLY_VALUES };
enum { CRASHES = 300, LOOK_EVERY_MS = 250, PERIODS_MAX = 200 };

/* When somebody first suspected it; CLUSTER_NEVER: nobody does. */
static uint64_t suspected_us(const struct cluster *cluster, size_t victim)
{
    uint64_t first_us = CLUSTER_NEVER;

    for (size_t i = 0; i < cluster_nodes(cluster); i++)
        if (i != victim && cluster_sees_member(cluster, i, victim) == MEMBER_SUSPECT &&
            cluster_member_since_us(cluster, i, victim) < first_us)
            first_us = cluster_member_since_us(cluster, i, victim);
    return first_us;
}

/* One crash, noticed and over. A suspicion is raised when the period of the probe ends, so the ping
 * left one period before. */
static bool crash_once(struct cell *cell, struct cluster *cluster, size_t victim)
{
    double period_us = period_s(cell->run) * 1e6;
    uint64_t crashed_us = cluster_now_us(cluster), seen_us = CLUSTER_NEVER;

    cluster_crash(cluster, victim);
    while (seen_us == CLUSTER_NEVER &&
           (double)(cluster_now_us(cluster) - crashed_us) < PERIODS_MAX * period_us) {
        cluster_run_for(cluster, LOOK_EVERY_MS);
        seen_us = suspected_us(cluster, victim);
    }
    if (seen_us == CLUSTER_NEVER) {
        cell_late(cell, "seed %" PRIu64 ": nobody missed n%zu for %d periods",
                  cluster_seed(cluster), victim, PERIODS_MAX);
        return false;
    }
    double periods = (double)(seen_us - crashed_us) / period_us;
    tally_add(cell->out->value + DETECT_PERIODS, periods);
    tally_add(cell->out->value + DETECT_WHOLE, periods > 1 ? ceil(periods - 1) : 1);
    cluster_restart(cluster, victim, DISK_LATEST);
    return cluster_wait_everywhere(cluster, all_alive(), 60000) != CLUSTER_NEVER;
}

static void detect_live(struct cell *cell)
{
    struct cluster *cluster = grown_for(cell);
    bool goes_on = cluster != NULL;

    if (cluster == NULL)
        return;
    struct random random = random_stream(cluster_seed(cluster), 'd');
    double period_ms = period_s(cell->run) * 1000;
    for (size_t i = 0; i < CRASHES && goes_on; i++) {
        double wait_ms = (2 + 4 * random_unit(&random)) * period_ms;
        size_t victim = 1 + random_below(&random, cluster_nodes(cluster) - 1);

        cluster_run_for(cluster, (uint64_t)wait_ms);
        goes_on = crash_once(cell, cluster, victim);
    }
    if (!goes_on && !cell->out->is_late)
        cell_late(cell, "seed %" PRIu64 ": a restarted node is not alive everywhere after 60 s",
                  cluster_seed(cluster));
    cluster_check(cluster);
    cell_end(cell, cluster);
}

/* The chance that a member whose rounds are m long waits for exactly so many of its slots until it
 * probes the victim: in this round, or in the next, which is shuffled anew. */
static double chance_of_wait(size_t m, size_t slots)
{
    double all = (double)m, chance = slots < m ? (all - (double)slots) / (all * all) : 0;

    for (size_t place = 0; place < m; place++) {
        size_t rest = m - place; /* slots to the first of the next round */

        if (slots >= rest && slots - rest < m)
            chance += (double)(place + 1) / (all * all * all);
    }
    return chance;
}

/* For m members probing independently, each in rounds of m slots and with a phase of its own: mean
 * periods from a crash to the first ping, and in whole periods (which is what e / (e - 1) counts,
 * for pings at random). */
static void predict(size_t m, double *periods, double *whole)
{
    enum { STEPS = 64 };
    double longer = 1; /* chance of waiting for more than n slots */

    *periods = *whole = 0;
    for (size_t n = 0; n <= 2 * m; n++) {
        double exactly = chance_of_wait(m, n + 1);

        *whole += pow(longer, (double)m);
        for (size_t i = 0; i < STEPS; i++)
            *periods += pow(longer - exactly * ((double)i + 0.5) / STEPS, (double)m) / STEPS;
        longer = longer > exactly ? longer - exactly : 0;
    }
}

static void detect_row(struct sheet *sheet, struct plot *plot, size_t nodes, const double *periods,
                       const double *whole)
{
    double to_ping, whole_to_ping, n = (double)nodes;

    predict(nodes - 1, &to_ping, &whole_to_ping);
    sheet_number(sheet, n, 0);
    sheet_number(sheet, periods[TALLY_COUNT], 0);
    sheet_number(sheet, tally_mean(whole), 3);
    sheet_number(sheet, tally_error(whole), 3);
    sheet_number(sheet, whole_to_ping, 3);
    sheet_number(sheet, E_OVER_E_LESS_1, 3);
    sheet_number(sheet, tally_mean(periods), 3);
    sheet_number(sheet, tally_error(periods), 3);
    sheet_number(sheet, to_ping + 1, 3);
    plot_point(plot, "measured, whole periods to the first ping", n, tally_mean(whole));
    plot_point(plot, "predicted for shuffled rounds", n, whole_to_ping);
    plot_point(plot, "paper, e / (e - 1)", n, E_OVER_E_LESS_1);
    plot_point(plot, "measured, time to the first suspicion", n, tally_mean(periods));
}

static void detect_tell(const struct run *run, const struct outcome *outcomes,
                        struct report *report)
{
    struct sheet *sheet =
        report_sheet(report, "periods from a crash to its first detection by anybody",
                     "nodes|crashes|first_ping|error|predicted|paper|first_suspicion|"
                     "suspicion_error|suspicion_predicted");
    struct plot *plot = report_plot(report, "First detection by plain SWIM", "members", "periods");
    double all_whole[TALLY_VALUES] = {0}, all_periods[TALLY_VALUES] = {0};

    for (size_t i = 0; i < sizes(run); i++) {
        double periods[TALLY_VALUES], whole[TALLY_VALUES];

        gather(run, outcomes, i, DETECT_PERIODS, periods);
        gather(run, outcomes, i, DETECT_WHOLE, whole);
        detect_row(sheet, plot, size_of(run, i), periods, whole);
        tally_merge(all_periods, periods);
        tally_merge(all_whole, whole);
    }
    report_metric(report, "first_detection_periods", tally_mean(all_whole));
    report_reference(report, "first_detection_periods", E_OVER_E_LESS_1, PAPER ": e / (e - 1)");
    report_metric(report, "first_detection_error_periods", tally_error(all_whole));
    report_metric(report, "first_suspicion_periods", tally_mean(all_periods));
    report_metric(report, "first_suspicion_error_periods", tally_error(all_periods));
    report_note(report, "first_ping: the period, counted from the crash, in which the first ping "
                        "that stays unanswered leaves; e / (e - 1) is its mean for members picked "
                        "at random and N without bound; `predicted` is for shuffled rounds.");
    report_note(report, "first_suspicion: time until somebody suspects, at the end of that ping's "
                        "period. `error` is the mean's standard error.");
}

const struct scenario scenario_swim_detect = {
    .name = "swim-detect",
    .what = "plain SWIM, 8 to 56 members, crashes one by one: periods to the first detection",
    .anchor = "e / (e - 1) = 1.582 periods on average (" PAPER ")",
    .nodes = 56,
    .duration_s = 4800,
    .presets = presets,
    .takes = takes,
    .values = DETECT_VALUES,
    .cells = cells,
    .live = detect_live,
    .tell = detect_tell,
};
