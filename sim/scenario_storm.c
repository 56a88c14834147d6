// SPDX-License-Identifier: Apache-2.0
/* scenario_storm.c - one world with the faults that the user sets */
#include "sim/storm.h"

#include <math.h>
#include <stdio.h>

static const enum setting takes[] = {
    SET_REPETITIONS,
    SET_PEERS,
    SET_TTL_S,
    SET_HEARTBEAT_S,
    SET_OPERATIONS_PER_S,
    SET_CHURN_PER_MIN,
    SET_TRAITORS,
    SET_FAULTS_S,
    SET_CUT,
    SET_CUT_ONE_WAY,
    SET_CUT_PARTIAL,
    SET_FLIP_FLOP,
    SET_SWIZZLE,
    SET_NAT_REBIND,
    SET_ADDRESS_REUSE,
    SET_NODE_LOSS,
    SET_CRASH,
    SET_LEAVE,
    SET_PAUSE,
    SET_STALL,
    SET_BLOCK,
    SET_SLOW_CPU,
    SET_DISK_OLD,
    SET_DISK_TORN,
    SET_DISK_KEY_ONLY,
    SET_DISK_NONE,
    SET_DISK_COPIED,
    SET_CLOCK_SKEW,
    SET_CLOCK_DRIFT_PPM,
    SET_CLOCK_JUMP_HOUR,
    SET_CLOCK_JUMP_DECADE,
    SET_FORGE,
    SET_REPLAY,
    SET_INFLATE,
    SET_ACCUSE,
    SET_COLLUDE,
    SET_EQUIVOCATE,
    SET_WITHHOLD,
    SET_FLOOD,
    SET_REFLECT,
    SET_CLIENT_SILENT,
    SET_CLIENT_MOVE,
    SET_CLIENT_ANYWHERE,
    SET_CLIENT_TWICE,
    SET_CLIENT_TWO_NODES,
    SETTINGS,
};

static size_t count_cells(const struct run *run)
{
    return setting_count(&run->settings, SET_REPETITIONS);
}

static void live(struct cell *cell)
{
    storm_live(cell, cell_seed(cell, cell->index));
}

static double sum(const struct run *run, const struct outcome *outcomes, size_t value)
{
    double total = 0;

    for (size_t i = 0; i < count_cells(run); i++)
        total += outcomes[i].value[value];
    return total;
}

static double most(const struct run *run, const struct outcome *outcomes, size_t value)
{
    double most_seen = NAN;

    for (size_t i = 0; i < count_cells(run); i++)
        most_seen = fmax(most_seen, outcomes[i].value[value]);
    return most_seen;
}

static void tell_faults(const struct run *run, const struct outcome *outcomes,
                        struct report *report)
{
    struct sheet *sheet = report_sheet(report, "faults", "fault|setting|times");

    for (enum setting i = SET_CUT; i < SETTINGS; i++) {
        double times = sum(run, outcomes, STORM_FAULTS + (size_t)i - SET_CUT);

        if (times == 0 && setting(&run->settings, i) == 0)
            continue;
        sheet_text(sheet, setting_info(i)->name);
        sheet_number(sheet, setting(&run->settings, i), 3);
        sheet_number(sheet, times, 0);
    }
}

static void plot_samples(const struct outcome *outcome, struct report *report)
{
    struct plot *members = report_plot(report, "members", "time [s]", "nodes");
    struct plot *peers = report_plot(report, "peers", "time [s]", "visible peers");
    const double *value = outcome->value;

    for (size_t i = 0; i < STORM_SAMPLES && (i == 0 || value[STORM_AT_S + i] > 0); i++) {
        double at_s = value[STORM_AT_S + i];

        plot_point(members, "running", at_s, value[STORM_RUNNING + i]);
        plot_point(members, "alive, where fewest are seen", at_s, value[STORM_ALIVE_LEAST + i]);
        plot_point(peers, "where most are seen", at_s, value[STORM_PEERS_MOST + i]);
        plot_point(peers, "where fewest are seen", at_s, value[STORM_PEERS_LEAST + i]);
    }
}

static void tell(const struct run *run, const struct outcome *outcomes, struct report *report)
{
    tell_faults(run, outcomes, report);
    report_metric(report, "converged_ms", most(run, outcomes, STORM_CONVERGED_MS));
    report_metric(report, "converged_bound_ms", most(run, outcomes, STORM_BOUND_MS));
    report_metric(report, "false_positives", sum(run, outcomes, STORM_FALSE_DEATHS));
    report_metric(report, "visible_p50_ms", most(run, outcomes, STORM_VISIBLE_P50_MS));
    report_metric(report, "visible_p99_ms", most(run, outcomes, STORM_VISIBLE_P99_MS));
    report_metric(report, "visible_max_ms", most(run, outcomes, STORM_VISIBLE_MAX_MS));
    report_metric(report, "bytes_per_node_s", most(run, outcomes, STORM_BYTES_PER_NODE_S));
    plot_samples(outcomes, report);
}

const struct scenario scenario_storm = {
    .name = "storm",
    .what = "faults that you set, then a heal: safe all the time, and one registry again in time",
    .anchor = "two phases as in TigerBeetle's simulator: safety under faults, then liveness",
    .nodes = 8,
    .takes = takes,
    .values = STORM_VALUES,
    .cells = count_cells,
    .live = live,
    .tell = tell,
};
