// SPDX-License-Identifier: Apache-2.0
/* scenario_converge.c - registrations, one after the other at random nodes: how soon every node
 * shows each of them, what that costs, and how soon all views are equal */
#include "sim/scenario.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>

enum {
    EVERY_MS = 500,
    QUIET_MS = 5000,
    IDLE_MS = 10000,
    LAST_MS = 3000, /* the last operation has this long before its visibility is looked at */
    EQUAL_MS = 60000,
    KNOWN_FROM = 1000, /* nodes from which a world begins in the middle */
    PEERS_MAX = 10000,
    ID_BYTES = 32
};

enum { P50 = 0, P99, P99_9, WORST, COPIES, IDLE_BYTES, BUSY_BYTES, EQUAL, UNSEEN, VALUES };

static const enum setting takes[] = {SET_PEERS, SET_CHURN_PER_MIN, SETTINGS};
static const double losses[] = {0, 0.05, 0.2};
static const size_t sizes[] = {100, 1000};

enum { LOSSES = 3, SIZES = 2 };

/* --- Cells
 * ------------------------------------------------------------------------------------------- */

static size_t losses_of(const struct run *run)
{
    return run->settings.is_given[SET_LOSS] ? 1 : LOSSES;
}

static double loss_of(const struct run *run, size_t cell)
{
    return run->settings.is_given[SET_LOSS] ? setting(&run->settings, SET_LOSS)
                                            : losses[cell % LOSSES];
}

static size_t nodes_of(const struct run *run, size_t cell)
{
    return run->nodes ? run->nodes : sizes[cell / losses_of(run)];
}

static size_t cells(const struct run *run)
{
    return losses_of(run) * (run->nodes ? 1 : SIZES);
}

static bool fits(const struct run *run, char *error, size_t error_bytes)
{
    if (setting_count(&run->settings, SET_PEERS) <= PEERS_MAX)
        return true;
    snprintf(error, error_bytes, "peers is '%g'; it must be at most %d",
             setting(&run->settings, SET_PEERS), PEERS_MAX);
    return false;
}

/* --- One world
 * --------------------------------------------------------------------------------------- */

struct sum {
    double bytes, payloads;
};

static struct sum sum_of(const struct cluster *c)
{
    struct sum sum = {0, 0};

    for (size_t i = 0; i < cluster_nodes(c); i++) {
        struct gossip_status status = cluster_status(c, i);

        sum.bytes += (double)status.stats.bytes_out;
        sum.payloads += (double)status.stats.spread_payloads_in;
    }
    return sum;
}

/* Milliseconds until each node saw each peer: nodes x peers of them. */
struct samples {
    double *ms;
    size_t count, capacity;
    uint64_t *asked_us;
};

static void collect(struct samples *samples, const struct cluster *c, size_t peers)
{
    char id[ID_BYTES];

    for (size_t i = 0; i < peers; i++) {
        snprintf(id, sizeof(id), "peer-%zu", i);
        samples->count +=
            cluster_visibility_ms(c, id, samples->asked_us[i], samples->ms + samples->count,
                                  samples->capacity - samples->count);
    }
}

static void restart_somebody(struct cluster *c, struct random *random, size_t but)
{
    size_t node = random_below(random, cluster_nodes(c));

    if (node != but && node != 0 && cluster_is_running(c, node))
        cluster_restart(c, node, DISK_LATEST);
}

static void register_all(struct cell *cell, struct cluster *c, struct samples *samples)
{
    const struct settings *settings = &cell->run->settings;
    struct random random = random_stream(cluster_seed(c), 'v');
    double churn = setting(settings, SET_CHURN_PER_MIN) * EVERY_MS / 60000;
    char id[ID_BYTES];

    for (size_t i = 0; i < setting_count(settings, SET_PEERS); i++) {
        size_t home = random_below(&random, cluster_nodes(c));

        snprintf(id, sizeof(id), "peer-%zu", i);
        samples->asked_us[i] = cluster_now_us(c);
        cluster_ask_register(c, home, id, TTL_DEFAULT_S);
        if (random_chance(&random, churn))
            restart_somebody(c, &random, home);
        cluster_run_for(c, EVERY_MS);
    }
}

static void measure(struct cell *cell, struct cluster *c, struct samples *samples)
{
    double *value = cell->out->value, nodes = (double)cluster_nodes(c);
    size_t peers = setting_count(&cell->run->settings, SET_PEERS);
    struct sum begin = sum_of(c);

    cluster_run_for(c, IDLE_MS);
    struct sum idle = sum_of(c);
    register_all(cell, c, samples);
    struct sum busy = sum_of(c);
    value[IDLE_BYTES] = (idle.bytes - begin.bytes) * 1000 / IDLE_MS / nodes;
    value[BUSY_BYTES] = (busy.bytes - idle.bytes) * 1000 / EVERY_MS / (double)peers / nodes;
    uint64_t equal_ms = cluster_wait_everywhere(c, views_equal(), EQUAL_MS);
    if (equal_ms == CLUSTER_NEVER)
        cell_late(cell, "views differ after %d s", EQUAL_MS / 1000);
    value[EQUAL] = equal_ms == CLUSTER_NEVER ? INFINITY : (double)equal_ms;
    cluster_run_for(c, LAST_MS);
    value[COPIES] = (sum_of(c).payloads - idle.payloads) / nodes / (double)peers;
    collect(samples, c, peers);
}

static void live(struct cell *cell)
{
    size_t nodes = nodes_of(cell->run, cell->index);
    size_t peers = setting_count(&cell->run->settings, SET_PEERS);
    struct cluster *c = cell_cluster(cell, nodes, cell_seed(cell, 0), NULL, NULL);
    struct network_faults faults = cluster_faults(c);
    struct samples samples = {.capacity = nodes * peers};
    double *value = cell->out->value;

    samples.ms = calloc(samples.capacity, sizeof(*samples.ms));
    samples.asked_us = calloc(peers, sizeof(*samples.asked_us));
    if (samples.ms == NULL || samples.asked_us == NULL)
        abort();
    faults.loss = loss_of(cell->run, cell->index);
    cluster_set_faults(c, &faults);
    if (nodes >= KNOWN_FROM)
        cluster_boot_known(c);
    if (nodes >= KNOWN_FROM || cell_boot(cell, c)) {
        cluster_run_for(c, QUIET_MS);
        measure(cell, c, &samples);
        value[P50] = percentile(samples.ms, samples.count, 50);
        value[P99] = percentile(samples.ms, samples.count, 99);
        value[P99_9] = percentile(samples.ms, samples.count, 99.9);
        value[WORST] = percentile(samples.ms, samples.count, 100);
        for (size_t i = 0; i < samples.count; i++)
            value[UNSEEN] += isinf(samples.ms[i]) ? 1 : 0;
    }
    free(samples.ms);
    free(samples.asked_us);
    cell_end(cell, c);
}

/* --- What is told
 * ------------------------------------------------------------------------------------ */

static void tell_metrics(const struct run *run, const struct outcome *outcomes,
                         struct report *report)
{
    static const struct {
        const char *name;
        size_t value;
    } metrics[] = {{"visible_p50_ms", P50},          {"visible_p99_ms", P99},
                   {"visible_p99_9_ms", P99_9},      {"payload_copies", COPIES},
                   {"bytes_per_node_s", BUSY_BYTES}, {"views_equal_ms", EQUAL}};
    static const double rival_p99_9[] = {1004, 1062, 1251};
    char name[64];

    for (size_t cell = 0; cell < cells(run); cell++)
        for (size_t i = 0; i < sizeof(metrics) / sizeof(*metrics); i++) {
            snprintf(name, sizeof(name), "n%zu_loss%g_%s", nodes_of(run, cell),
                     100 * loss_of(run, cell), metrics[i].name);
            report_metric(report, name, outcomes[cell].value[metrics[i].value]);
            if (nodes_of(run, cell) != 1000 || losses_of(run) != LOSSES)
                continue;
            if (metrics[i].value == P99_9)
                report_reference(report, name, rival_p99_9[cell % LOSSES],
                                 "memberlist's schedule, N=1000");
            if (cell % LOSSES == 0 && metrics[i].value == P50)
                report_reference(report, name, 518, "memberlist's schedule, N=1000");
            if (metrics[i].value == COPIES)
                report_reference(report, name, 16, "memberlist's schedule, N=1000");
        }
}

static void tell(const struct run *run, const struct outcome *outcomes, struct report *report)
{
    struct sheet *sheet = report_sheet(
        report, "registrations, from the command to each node's view",
        "nodes|loss_percent|p50_ms|p99_ms|p99_9_ms|worst_ms|copies|idle_bytes_s|busy_bytes_s|"
        "views_equal_ms|unseen");
    struct plot *plot =
        report_plot(report, "Visible everywhere", "loss, per cent", "99.9 % of nodes, ms");
    char name[48];

    plot_log_y(plot);
    for (size_t i = 0; i < cells(run); i++) {
        const double *value = outcomes[i].value;

        sheet_number(sheet, (double)nodes_of(run, i), 0);
        sheet_number(sheet, 100 * loss_of(run, i), 0);
        for (size_t what = P50; what <= WORST; what++)
            sheet_number(sheet, value[what], 1);
        sheet_number(sheet, value[COPIES], 2);
        for (size_t what = IDLE_BYTES; what < VALUES; what++)
            sheet_number(sheet, value[what], 0);
        snprintf(name, sizeof(name), "aurora, %zu nodes", nodes_of(run, i));
        plot_point(plot, name, 100 * loss_of(run, i), value[P99_9]);
    }
    plot_point(plot, "paper: memberlist, 1,000 nodes", 0, 1004);
    plot_point(plot, "paper: memberlist, 1,000 nodes", 5, 1062);
    plot_point(plot, "paper: memberlist, 1,000 nodes", 20, 1251);
    tell_metrics(run, outcomes, report);
    report_note(report, "Copies: payloads that a node received for each operation, by the tree or "
                        "by pulling. Bytes: sent, sealing included.");
}

static const struct preset presets[] = {{SET_PEERS, 40}, {SETTINGS, 0}};

const struct scenario scenario_converge = {
    .name = "converge",
    .what =
        "registrations one by one: until all nodes show them; 100 and 1,000 nodes, three losses",
    .anchor = "memberlist's schedule at N=1000: p50 518 ms, p99.9 1,004 ms, 16 copies",
    .nodes = 1000, /* the larger of the two sizes */
    .duration_s = 40,
    .presets = presets,
    .takes = takes,
    .values = VALUES,
    .cells = cells,
    .live = live,
    .tell = tell,
    .fits = fits,
};
