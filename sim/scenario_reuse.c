// SPDX-License-Identifier: Apache-2.0
/* scenario_reuse.c - ip-reuse: two clusters, and an address of one that is the other's from now on
 *
 * Half of the nodes are another cluster, with a name, a key and seeds of its own, and peers of the
 * same names. Packets of each reach the other; nothing in them may. */
#include "sim/scenario.h"

#include <inttypes.h>
#include <math.h>
#include <stdio.h>

enum { HOME = 1, QUIET_MS = 5000, DOWN_MS = 5000, AFTER_MS = 60000, SETTLE_MS = 60000 };
enum { MERGED = 0, STRANGE_PACKETS, FALSE_DEATHS, BACK_MS, VALUES };

static const enum setting takes[] = {SET_REPETITIONS, SETTINGS};

/* `a` is of the one cluster, `b` of the other. */
struct variant {
    const char *label;
    void (*happen)(struct cluster *, size_t a, size_t b);
    bool are_seeds;
};

/* --- What happens
 * ------------------------------------------------------------------------------------ */

/* A network was renumbered under running nodes. */
static void both_run_on(struct cluster *c, size_t a, size_t b)
{
    cluster_swap_addresses(c, a, b);
}

static void both_restart(struct cluster *c, size_t a, size_t b)
{
    cluster_crash(c, a);
    cluster_crash(c, b);
    cluster_swap_addresses(c, a, b);
    cluster_run_for(c, DOWN_MS);
    cluster_start(c, a);
    cluster_start(c, b);
}

/* The other cluster's node is where one of ours died; ours comes back much later, elsewhere. */
static void heir(struct cluster *c, size_t a, size_t b)
{
    cluster_crash(c, a);
    cluster_swap_addresses(c, a, b);
    cluster_restart(c, b, DISK_LATEST);
    cluster_run_for(c, AFTER_MS);
    cluster_start(c, a);
}

/* Whoever starts next asks the other cluster to let it in. */
static void seeds_restart(struct cluster *c, size_t a, size_t b)
{
    both_restart(c, a, b);
    cluster_run_for(c, DOWN_MS);
    cluster_restart(c, a + 1, DISK_LATEST);
    cluster_restart(c, b + 1, DISK_LATEST);
}

static const struct variant variants[] = {
    {"swapped while both run", both_run_on, false},
    {"swapped, both restart", both_restart, false},
    {"a dead one's, and later back", heir, false},
    {"the seeds' own", both_run_on, true},
    {"the seeds' own, restarts", seeds_restart, true},
};
enum { VARIANTS = sizeof(variants) / sizeof(*variants) };

/* --- One world
 * --------------------------------------------------------------------------------------- */

static size_t cells(const struct run *run)
{
    return VARIANTS * setting_count(&run->settings, SET_REPETITIONS);
}

static void two_clusters(struct cluster_options *options, const void *context)
{
    (void)context;
    options->foreign = options->nodes / 2;
}

/* What a node knows of nodes of the other cluster, or shows of their peers. */
static double merged(struct cluster *c)
{
    size_t nodes = cluster_nodes(c), own = nodes - nodes / 2;
    double count = 0;

    for (size_t i = 0; i < nodes; i++)
        for (size_t other = 0; other < nodes; other++)
            if ((i < own) != (other < own) && cluster_is_running(c, i))
                count += cluster_sees_member(c, i, other) != MEMBER_FORGOTTEN ||
                         cluster_peer_home(c, i, "printer") == other;
    return count;
}

static double strange_packets(const struct cluster *c)
{
    double packets = 0;

    for (size_t i = 0; i < cluster_nodes(c); i++) {
        struct gossip_status status = cluster_status(c, i);

        packets += (double)(status.stats.drops[DROP_UNKNOWN_KEY] + status.stats.drops[DROP_FORGED]);
    }
    return packets;
}

/* Its own reuse is a matter of the seeds, which are 0 and the first of the other cluster. */
static void live(struct cell *cell)
{
    const struct variant *variant = &variants[cell->index % VARIANTS];
    size_t nodes = run_nodes(cell->run), first = nodes - nodes / 2;
    struct cluster *c =
        cell_cluster(cell, nodes, cell_seed(cell, cell->index / VARIANTS), two_clusters, NULL);
    double *value = cell->out->value;
    size_t offset = variant->are_seeds ? 0 : 2;

    if (!cell_boot(cell, c)) {
        cell_end(cell, c);
        return;
    }
    cluster_register_ttl(c, HOME, "printer", 3600);
    cluster_register_ttl(c, first + HOME, "printer", 3600);
    cluster_run_for(c, QUIET_MS);
    variant->happen(c, offset, first + offset);
    uint64_t since_us = cluster_now_us(c);
    uint64_t back_ms = cluster_wait_everywhere(c, settled(), SETTLE_MS);
    value[BACK_MS] = back_ms == CLUSTER_NEVER ? INFINITY : (double)back_ms;
    if (back_ms == CLUSTER_NEVER)
        cell_late(cell, "seed %" PRIu64 ", %s: not two whole clusters after %d s", cluster_seed(c),
                  variant->label, SETTLE_MS / 1000);
    while (cluster_now_us(c) < since_us + AFTER_MS * UINT64_C(1000))
        cluster_run_for(c, 1000);
    value[MERGED] = merged(c);
    value[STRANGE_PACKETS] = strange_packets(c);
    value[FALSE_DEATHS] = (double)cluster_false_deaths(c);
    cluster_check_settled(c);
    cell_end(cell, c);
}

/* --- What is told
 * ------------------------------------------------------------------------------------ */

static void tell(const struct run *run, const struct outcome *outcomes, struct report *report)
{
    struct sheet *sheet =
        report_sheet(report, "an address of one cluster becomes the other's",
                     "the address|world|merged|strange_packets|false_deaths|whole_after_ms");
    double sum = 0, late = 0, packets = 0;

    for (size_t i = 0; i < cells(run); i++) {
        const double *value = outcomes[i].value;

        sheet_text(sheet, variants[i % VARIANTS].label);
        sheet_number(sheet, (double)(i / VARIANTS), 0);
        sheet_number(sheet, value[MERGED], 0);
        sheet_number(sheet, value[STRANGE_PACKETS], 0);
        sheet_number(sheet, value[FALSE_DEATHS], 0);
        sheet_number(sheet, value[BACK_MS], 0);
        sum += value[MERGED];
        packets += value[STRANGE_PACKETS];
        late = fmax(late, value[BACK_MS]);
    }
    report_metric(report, "merged", sum);
    report_reference(report, "merged", 0, "never");
    report_metric(report, "strange_packets", packets);
    report_metric(report, "whole_after_max_ms", late);
    report_note(report, "merged: members of the other cluster that a node knows, or whose peers it "
                        "shows; strange_packets: those of the other cluster that arrived, and were "
                        "dropped unread.");
}

static const struct preset presets[] = {{SET_REPETITIONS, 3}, {SETTINGS, 0}};

const struct scenario scenario_ip_reuse = {
    .name = "ip-reuse",
    .what = "two clusters swap an address, running, restarting, or their seeds': they never merge",
    .anchor = "Consul #843, #260: one node with another cluster's address, and clusters merged, "
              "once 3 of them",
    .nodes = 16,
    .nodes_least = 8,
    .duration_s = 180,
    .presets = presets,
    .takes = takes,
    .values = VALUES,
    .cells = cells,
    .live = live,
    .tell = tell,
};
