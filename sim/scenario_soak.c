// SPDX-License-Identifier: Apache-2.0
/* scenario_soak.c - a month of small mishaps: nodes restart, peers come and go under names never
 * used before, links fail; what the nodes hold must not grow */
#include "sim/scenario.h"

#include <malloc.h>
#include <math.h>
#include <stdio.h>

enum { DAY_S = 86400, HOUR_MS = 3600 * 1000, DAYS_MAX = 400, SETTLE_MS = 300000, ID_BYTES = 64 };

/* Of each day's end: sums over the nodes. */
enum { CORE_BYTES = 0, PROCESS_BYTES, RECORDS, MEMBERS, LOGS, VISIBLE, PER_DAY };
enum { DAYS = DAYS_MAX * PER_DAY, FALSE_POSITIVES, BYTES_OUT, VALUES };

/* Growth: the last third of the days over the third before it. A table that a node makes when it
 * first forgets a member (24 KB of some 50) makes the days differ, a leak of one record for each
 * guest would be a factor of ten. */
static const double growth_most = 1.25;

static const enum setting takes[] = {SET_PEERS, SET_TTL_S, SETTINGS};

static size_t cells(const struct run *run)
{
    (void)run;
    return 1;
}

static size_t days_of(const struct run *run)
{
    double days = ceil(run_duration_s(run) / DAY_S);

    return days > DAYS_MAX ? DAYS_MAX : (size_t)days;
}

static void note_day(struct cell *cell, struct cluster *c, size_t day)
{
    double *value = cell->out->value + day * PER_DAY;
    struct mallinfo2 heap = mallinfo2();

    value[PROCESS_BYTES] = (double)(heap.uordblks + heap.hblkhd);
    for (size_t i = 0; i < cluster_nodes(c); i++) {
        struct gossip_status status = cluster_status(c, i);
        struct gossip_memory memory;

        if (!cluster_is_running(c, i))
            continue;
        gossip_memory_now(cluster_core(c, i), &memory);
        value[CORE_BYTES] += (double)(memory.member_bytes + memory.record_bytes);
        value[RECORDS] += (double)status.records_held;
        value[MEMBERS] += status.members;
        value[LOGS] += status.logs;
        value[VISIBLE] += (double)status.peers_visible;
    }
}

/* Under names of their own: what they leave behind is what must go away. */
static void guests_come(struct cluster *c, struct random *random, size_t hour, size_t count,
                        uint32_t ttl_s)
{
    char id[ID_BYTES];

    for (size_t i = 0; i < count; i++) {
        size_t node = random_below(random, cluster_nodes(c));

        snprintf(id, sizeof(id), "guest-%zu-%zu", hour, i);
        if (cluster_is_running(c, node))
            cluster_ask_register(c, node, id, ttl_s);
    }
}

static void mishap(struct cluster *c, struct random *random)
{
    static const enum disk disks[] = {DISK_LATEST, DISK_LATEST, DISK_KEY_ONLY, DISK_NONE};
    size_t node = random_below(random, cluster_nodes(c)), kind = random_below(random, 4);

    if (kind == 0) {
        cluster_isolate(c, node);
        cluster_run_for(c, 20000);
        cluster_heal(c);
    } else if (kind == 1) {
        cluster_stall(c, node, 6000);
        cluster_run_for(c, 7000);
    } else {
        cluster_crash(c, node);
        cluster_run_for(c, 20000);
        cluster_restart(c, node, disks[random_below(random, 4)]);
    }
}

static void residents_move_in(struct cell *cell, struct cluster *c)
{
    const struct settings *settings = &cell->run->settings;
    char id[ID_BYTES];

    for (size_t i = 0; i < setting_count(settings, SET_PEERS); i++) {
        size_t nodes[] = {i % cluster_nodes(c), (i + 1) % cluster_nodes(c)};

        snprintf(id, sizeof(id), "resident-%zu", i);
        cluster_register_ttl(c, nodes[0], id, (uint32_t)setting(settings, SET_TTL_S));
        cluster_client_start(c, id, (uint64_t)(setting(settings, SET_TTL_S) * 1000 / 5), nodes, 2,
                             false);
    }
}

/* Whose homes forgot it one after the other: a client that only heartbeats is told 404. */
static void residents_return(struct cluster *c, size_t count, uint32_t ttl_s)
{
    char id[ID_BYTES];

    for (size_t i = 0; i < count; i++) {
        size_t node = i % cluster_nodes(c);

        snprintf(id, sizeof(id), "resident-%zu", i);
        if (cluster_is_running(c, node) && !cluster_sees_peer(c, node, id))
            cluster_ask_register(c, node, id, ttl_s);
    }
}

static void live_hours(struct cell *cell, struct cluster *c)
{
    const struct settings *settings = &cell->run->settings;
    struct random random = random_stream(cluster_seed(c), 'o');
    uint32_t ttl_s = (uint32_t)setting(settings, SET_TTL_S);
    size_t hours = (size_t)ceil(run_duration_s(cell->run) / 3600);

    for (size_t hour = 0; hour < hours; hour++) {
        uint64_t end_us = cluster_now_us(c) + HOUR_MS * 1000ull;

        residents_return(c, setting_count(settings, SET_PEERS), ttl_s);
        guests_come(c, &random, hour, setting_count(settings, SET_PEERS), ttl_s);
        cluster_run_for(c, 60000 + random_below(&random, 600000));
        mishap(c, &random);
        while (cluster_now_us(c) < end_us)
            cluster_run_for(c, (end_us - cluster_now_us(c) + 999) / 1000);
        if (hour % 24 == 23 && hour / 24 < DAYS_MAX)
            note_day(cell, c, hour / 24);
    }
}

static double growth_of(const double *days, size_t count, size_t what)
{
    double early = 0, late = 0;
    size_t third = count / 3;

    for (size_t i = 0; i < third; i++) {
        early += days[(count - 1 - third - i) * PER_DAY + what];
        late += days[(count - 1 - i) * PER_DAY + what];
    }
    return third > 0 ? late / early : NAN;
}

static void live(struct cell *cell)
{
    struct cluster *c = cell_cluster(cell, run_nodes(cell->run), cell_seed(cell, 0), NULL, NULL);
    double *value = cell->out->value;

    cell_boot(cell, c);
    residents_move_in(cell, c);
    live_hours(cell, c);
    if (cluster_wait_everywhere(c, settled(), SETTLE_MS) == CLUSTER_NEVER)
        cell_late(cell, "not one registry after %d s of quiet", SETTLE_MS / 1000);
    value[FALSE_POSITIVES] = (double)cluster_false_deaths(c);
    double growth = growth_of(value, days_of(cell->run), CORE_BYTES);
    if (growth > growth_most)
        check_failed(cluster_world(c), 0, I12, "what the nodes hold grew by a factor of %.3f",
                     growth);
    cell_end(cell, c);
}

static void tell(const struct run *run, const struct outcome *outcomes, struct report *report)
{
    struct sheet *sheet = report_sheet(report, "at the end of each day, all nodes together",
                                       "day|core_kb|process_kb|records|members|logs|visible");
    struct plot *plot = report_plot(report, "What the nodes hold", "day", "KB");
    const double *value = outcomes[0].value;

    for (size_t day = 0; day < days_of(run); day++) {
        const double *at = value + day * PER_DAY;

        sheet_number(sheet, (double)day + 1, 0);
        sheet_number(sheet, at[CORE_BYTES] / 1024, 0);
        sheet_number(sheet, at[PROCESS_BYTES] / 1024, 0);
        for (size_t i = RECORDS; i < PER_DAY; i++)
            sheet_number(sheet, at[i], 0);
        plot_point(plot, "all nodes' cores", (double)day + 1, at[CORE_BYTES] / 1024);
        plot_point(plot, "the whole process", (double)day + 1, at[PROCESS_BYTES] / 1024);
    }
    report_metric(report, "core_growth_factor", growth_of(value, days_of(run), CORE_BYTES));
    report_metric(report, "process_growth_factor", growth_of(value, days_of(run), PROCESS_BYTES));
    report_metric(report, "false_positives", value[FALSE_POSITIVES]);
    report_reference(report, "core_growth_factor", 1, "no growth (at most 1.25)");
    report_note(report, "Growth: the last third of the days over the third before it. The "
                        "process holds the simulator's own tables, too: it keeps every name ever "
                        "used.");
}

static const struct preset presets[] = {{SET_PEERS, 20}, {SET_TTL_S, 300}, {SETTINGS, 0}};

const struct scenario scenario_soak = {
    .name = "soak",
    .what = "30 days of restarts, short cuts and peers under new names: nothing grows",
    .anchor = "I12 and I16 of the list of invariants: no growth",
    .nodes = 5,
    .duration_s = 30.0 * DAY_S,
    .presets = presets,
    .takes = takes,
    .values = VALUES,
    .cells = cells,
    .live = live,
    .tell = tell,
};
