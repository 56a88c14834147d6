// SPDX-License-Identifier: Apache-2.0
/* scenario_idle.c - a cluster that nothing happens to: how long it takes to come up, and what it
 * then costs to keep it up */
#include "sim/scenario.h"

#include <math.h>

/* The figures are of the time after this: joining has its last words, too. */
enum { QUIET_AFTER_MS = 5000 };

enum { SAMPLES = 60 }; /* of the quiet time, for the plot */
enum {
    BOOT_MS = 0,
    BYTES_PER_NODE_S,
    PACKETS_PER_NODE_S,
    FALSE_POSITIVES,
    SAMPLE,
};
enum { VALUES = SAMPLE + SAMPLES };

static const enum setting takes[] = {SET_REPETITIONS, SETTINGS};

static size_t cells(const struct run *run)
{
    return setting_count(&run->settings, SET_REPETITIONS);
}

struct traffic {
    double bytes, packets;
};

static struct traffic traffic_of(const struct cluster *cluster)
{
    struct traffic sum = {0, 0};

    for (size_t i = 0; i < cluster_nodes(cluster); i++) {
        struct gossip_status status = cluster_status(cluster, i);

        sum.bytes += (double)status.stats.bytes_out;
        sum.packets += (double)status.stats.packets_out;
    }
    return sum;
}

/* Returns the traffic of all of it. */
static struct traffic watch(struct cell *cell, struct cluster *cluster, double quiet_s)
{
    struct traffic first = traffic_of(cluster), before = first, after = first;
    double sample_s = quiet_s / SAMPLES;

    for (size_t i = 0; i < SAMPLES; i++, before = after) {
        cluster_run_for(cluster, (uint64_t)(sample_s * 1000));
        after = traffic_of(cluster);
        cell->out->value[SAMPLE + i] =
            (after.bytes - before.bytes) / sample_s / (double)cluster_nodes(cluster);
    }
    return (struct traffic){after.bytes - first.bytes, after.packets - first.packets};
}

static void live(struct cell *cell)
{
    size_t nodes = run_nodes(cell->run);
    double quiet_s = run_duration_s(cell->run), node_seconds = quiet_s * (double)nodes;
    struct cluster *cluster = cell_cluster(cell, nodes, cell_seed(cell, cell->index), NULL, NULL);

    cell_boot(cell, cluster);
    cell->out->value[BOOT_MS] = (double)cluster_now_us(cluster) / 1000;
    cluster_run_for(cluster, QUIET_AFTER_MS);
    struct traffic sent = watch(cell, cluster, quiet_s);
    cell->out->value[BYTES_PER_NODE_S] = sent.bytes / node_seconds;
    cell->out->value[PACKETS_PER_NODE_S] = sent.packets / node_seconds;
    cell->out->value[FALSE_POSITIVES] = (double)cluster_false_deaths(cluster);
    if (cluster_wait_everywhere(cluster, settled(), 60000) == CLUSTER_NEVER)
        cell_late(cell, "seed %llu: not settled a minute later",
                  (unsigned long long)cluster_seed(cluster));
    cluster_check_settled(cluster);
    cell_end(cell, cluster);
}

static const char *detector_name(const struct run *run)
{
    static const char *const names[] = {"aurora", "lifeguard", "plain SWIM"};

    return names[setting_count(&run->settings, SET_DETECTOR)];
}

static double mean_of(const struct run *run, const struct outcome *outcomes, size_t value)
{
    size_t count = cells(run);
    double sum = 0;

    for (size_t i = 0; i < count; i++)
        sum += outcomes[i].value[value];
    return sum / (double)count;
}

static void draw(const struct run *run, const struct outcome *outcomes, struct report *report)
{
    struct plot *plot = report_plot(report, "What a quiet cluster sends",
                                    "time since all are up (s)", "bytes per node and second (B/s)");
    double sample_s = run_duration_s(run) / SAMPLES;

    for (size_t i = 0; i < SAMPLES; i++) {
        double at_s = QUIET_AFTER_MS / 1000.0 + (double)(i + 1) * sample_s;

        plot_point(plot, detector_name(run), at_s, mean_of(run, outcomes, SAMPLE + i));
    }
}

static void tell(const struct run *run, const struct outcome *outcomes, struct report *report)
{
    struct sheet *sheet = report_sheet(
        report, "each world", "world|boot_ms|bytes_per_node_s|packets_per_node_s|false_positives");

    for (size_t i = 0; i < cells(run); i++) {
        sheet_number(sheet, (double)i, 0);
        sheet_number(sheet, outcomes[i].value[BOOT_MS], 1);
        sheet_number(sheet, outcomes[i].value[BYTES_PER_NODE_S], 1);
        sheet_number(sheet, outcomes[i].value[PACKETS_PER_NODE_S], 2);
        sheet_number(sheet, outcomes[i].value[FALSE_POSITIVES], 0);
    }
    report_metric(report, "boot_ms", mean_of(run, outcomes, BOOT_MS));
    report_metric(report, "bytes_per_node_s", mean_of(run, outcomes, BYTES_PER_NODE_S));
    report_metric(report, "packets_per_node_s", mean_of(run, outcomes, PACKETS_PER_NODE_S));
    report_metric(report, "false_positives", mean_of(run, outcomes, FALSE_POSITIVES));
    report_reference(report, "bytes_per_node_s", 600, "memberlist at N=1000; Rapid 700");
    draw(run, outcomes, report);
    report_note(report, "Traffic is what a node sends, sealing included, UDP and IP headers not; "
                        "means over the worlds.");
}

const struct scenario scenario_idle = {
    .name = "idle",
    .what = "nodes join through the seeds and nothing happens: time to come up, traffic then",
    .anchor = "memberlist 0.6 KB/s, Rapid 0.7 KB/s per node at N=1000",
    .nodes = 20,
    .duration_s = 60,
    .takes = takes,
    .values = VALUES,
    .cells = cells,
    .live = live,
    .tell = tell,
};
