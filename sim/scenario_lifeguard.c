// SPDX-License-Identifier: Apache-2.0
/* scenario_lifeguard.c - lifeguard-threshold and lifeguard-interval: members whose packets wait
 * while their timers run, in the three detectors
 *
 * The grids are those of Dadgar, Phillips and Currey, "Lifeguard: local health awareness for more
 * accurate failure detection", 2017: C members of 128 are blocked together for D, once (threshold)
 * or again and again with I between (interval), watched for 120 s. A cell is a number of blocked
 * members, a detector and a repetition: one world is brought up, and each D and I is a branch of
 * it. */
#include "sim/detectors.h"
#include "sim/memory.h"
#include "sim/packet.h"
#include "sim/random.h"

#include <inttypes.h>
#include <math.h>
#include <stdio.h>

enum { BLOCKED_MOST = 9, DURATIONS_MOST = 6, PAUSES_MOST = 8 };
enum { CRASHES = 50, CRASH_BOUND_MS = 120000, CRASH_SPREAD_MS = 1000 };

struct grid {
    size_t blocked[BLOCKED_MOST], blocked_count;
    unsigned duration_ms[DURATIONS_MOST];
    size_t durations;
    unsigned pause_ms[PAUSES_MOST];
    size_t pauses;
};

static const struct grid full = {
    .blocked = {1, 4, 8, 12, 16, 20, 24, 28, 32},
    .blocked_count = 9,
    .duration_ms = {128, 512, 2048, 8192, 16384, 32768},
    .durations = 6,
    .pause_ms = {1, 4, 16, 64, 256, 1024, 4096, 16384},
    .pauses = 8,
};
static const struct grid thin = {
    .blocked = {1, 8, 32},
    .blocked_count = 3,
    .duration_ms = {2048, 32768},
    .durations = 2,
    .pause_ms = {64, 4096},
    .pauses = 2,
};

static const enum setting takes[] = {SET_REPETITIONS, SET_GRID, SETTINGS};
static const struct preset threshold_presets[] = {{SET_GRID, 1}, {SETTINGS, 0}};

#define PAPER "Dadgar, Phillips and Currey 2017"

extern const struct scenario scenario_lifeguard_interval, scenario_lifeguard_threshold;

/* --- Cells
 * ---------------------------------------------------------------------------------------- */

static bool has_pauses(const struct run *run)
{
    return run->scenario == &scenario_lifeguard_interval;
}

static const struct grid *grid_of(const struct run *run)
{
    return setting(&run->settings, SET_GRID) > 0 ? &full : &thin;
}

/* Branches of a cell: each duration, with each pause. */
static size_t branches(const struct run *run)
{
    return grid_of(run)->durations * (has_pauses(run) ? grid_of(run)->pauses : 1);
}

struct place {
    enum gossip_detector detector;
    size_t repetition;
    size_t blocked; /* 0: crashes */
};

/* Threshold has, besides, a cell of crashes for each repetition and detector. */
static size_t parts(const struct run *run)
{
    return grid_of(run)->blocked_count + (has_pauses(run) ? 0 : 1);
}

static size_t cells(const struct run *run)
{
    return parts(run) * setting_count(&run->settings, SET_REPETITIONS) * detectors_count(run);
}

/* The largest cells first, so that the last to end are small. */
static struct place place_of(const struct run *run, size_t index)
{
    const struct grid *grid = grid_of(run);
    size_t detectors = detectors_count(run);
    size_t repetitions = setting_count(&run->settings, SET_REPETITIONS);
    size_t part = index / detectors / repetitions;

    return (struct place){
        .detector = detectors_at(run, index % detectors),
        .repetition = index / detectors % repetitions,
        .blocked = part < grid->blocked_count ? grid->blocked[grid->blocked_count - 1 - part] : 0,
    };
}

static bool fits(const struct run *run, char *error, size_t error_bytes)
{
    const struct grid *grid = grid_of(run);
    size_t most = grid->blocked[grid->blocked_count - 1];

    if (run_nodes(run) >= 2 * most)
        return true;
    snprintf(error, error_bytes, "--nodes is '%zu'; %zu of them are blocked: at least %zu",
             run_nodes(run), most, 2 * most);
    return false;
}

/* --- Blocking
 * ------------------------------------------------------------------------------------------- */

struct ending {
    struct cluster *cluster;
    struct node_set hit;
    uint64_t duration_ms, pause_ms; /* no pause: once */
    double *out;                    /* MISTAKES, or for a crash the first and the last to know */
    size_t victim;
    uint64_t after_ms;
};

static void set_blocked(struct cluster *cluster, const struct node_set *hit, bool is_blocked)
{
    for (size_t i = 0; i < cluster_nodes(cluster); i++) {
        if (!node_set_has(hit, i))
            continue;
        if (is_blocked)
            cluster_block(cluster, i);
        else
            cluster_unblock(cluster, i);
    }
}

static void run_until(struct cluster *cluster, uint64_t end_us, uint64_t ms)
{
    uint64_t left_ms = (end_us - cluster_now_us(cluster)) / 1000;

    cluster_run_for(cluster, ms < left_ms ? ms : left_ms);
}

static void live_blocked(struct cell *cell, void *context)
{
    struct ending *ending = context;
    struct cluster *cluster = ending->cluster;
    uint64_t end_us = cluster_now_us(cluster) + (uint64_t)(run_duration_s(cell->run) * 1000) * 1000;
    double before[MISTAKES];

    mistakes_count(cluster, &ending->hit, NULL, before);
    while (cluster_now_us(cluster) < end_us) {
        set_blocked(cluster, &ending->hit, true);
        run_until(cluster, end_us, ending->duration_ms);
        set_blocked(cluster, &ending->hit, false);
        run_until(cluster, end_us, ending->pause_ms > 0 ? ending->pause_ms : UINT64_MAX);
    }
    mistakes_count(cluster, &ending->hit, before, ending->out);
    cell_end(cell, cluster);
}

static void branch_blocked(struct cell *cell, struct cluster *cluster, size_t blocked)
{
    const struct grid *grid = grid_of(cell->run);
    size_t pauses = has_pauses(cell->run) ? grid->pauses : 1;

    for (size_t i = 0; i < branches(cell->run); i++) {
        struct random random =
            random_stream(cluster_seed(cluster), 'b' + (blocked << 8) + (i << 16));
        struct ending ending = {
            .cluster = cluster,
            .hit = nodes_drawn(&random, cluster_nodes(cluster), blocked),
            .duration_ms = grid->duration_ms[i / pauses],
            .pause_ms = has_pauses(cell->run) ? grid->pause_ms[i % pauses] : 0,
            .out = cell->out->value + i * MISTAKES,
        };

        cell_branch(cell, live_blocked, &ending);
    }
}

/* --- A crash
 * -------------------------------------------------------------------------------------------- */

static void live_crash(struct cell *cell, void *context)
{
    struct ending *ending = context;
    struct cluster *cluster = ending->cluster;
    struct condition is_dead = member_is(ending->victim, MEMBER_DEAD);
    double known_ms[NODES_MAX];

    cluster_run_for(cluster, ending->after_ms);
    uint64_t crashed_us = cluster_now_us(cluster);
    cluster_crash(cluster, ending->victim);
    if (cluster_wait_everywhere(cluster, is_dead, CRASH_BOUND_MS) == CLUSTER_NEVER)
        cell_late(cell, "seed %" PRIu64 ": n%zu is not dead everywhere after %d s",
                  cluster_seed(cluster), ending->victim, CRASH_BOUND_MS / 1000);
    size_t count =
        cluster_detection_ms(cluster, ending->victim, MEMBER_DEAD, crashed_us, known_ms, NODES_MAX);
    ending->out[0] = percentile(known_ms, count, 0);
    ending->out[1] = percentile(known_ms, count, 100);
    cell_end(cell, cluster);
}

static void branch_crashes(struct cell *cell, struct cluster *cluster)
{
    struct random random = random_stream(cluster_seed(cluster), 'c');

    for (size_t i = 0; i < CRASHES; i++) {
        struct ending ending = {.cluster = cluster, .out = cell->out->value + 2 * i};

        ending.victim = random_below(&random, cluster_nodes(cluster));
        ending.after_ms = random_below(&random, CRASH_SPREAD_MS);
        cell_branch(cell, live_crash, &ending);
    }
}

static void live(struct cell *cell)
{
    struct place place = place_of(cell->run, cell->index);
    uint64_t seed = cell_seed(cell, place.repetition);
    struct cluster *cluster = detectors_world(cell, place.detector, run_nodes(cell->run), seed);

    if (cluster == NULL)
        return;
    if (place.blocked > 0)
        branch_blocked(cell, cluster, place.blocked);
    else
        branch_crashes(cell, cluster);
    cell_end(cell, cluster);
}

/* --- What it found
 * --------------------------------------------------------------------------------------- */

/* Sums over the cells of one detector: blocked SIZE_MAX and duration 0 mean all of them. */
static void sum_up(const struct run *run, const struct outcome *outcomes,
                   enum gossip_detector detector, size_t blocked, unsigned duration_ms, double *sum)
{
    const struct grid *grid = grid_of(run);
    size_t pauses = branches(run) / grid->durations;

    for (size_t i = 0; i < MISTAKES; i++)
        sum[i] = 0;
    for (size_t i = 0; i < cells(run); i++) {
        struct place place = place_of(run, i);

        if (place.detector != detector || place.blocked == 0 ||
            (blocked != SIZE_MAX && place.blocked != blocked))
            continue;
        for (size_t k = 0; k < branches(run) * MISTAKES; k++)
            if (duration_ms == 0 || grid->duration_ms[k / MISTAKES / pauses] == duration_ms)
                sum[k % MISTAKES] += outcomes[i].value[k];
    }
}

static void add_cell(const struct run *run, struct sheet *sheet, const struct place *place,
                     const double *value)
{
    const struct grid *grid = grid_of(run);
    size_t pauses = branches(run) / grid->durations;

    for (size_t i = 0; i < branches(run); i++) {
        sheet_text(sheet, detector_name(place->detector));
        sheet_number(sheet, (double)place->repetition, 0);
        sheet_number(sheet, (double)place->blocked, 0);
        sheet_number(sheet, grid->duration_ms[i / pauses], 0);
        sheet_number(sheet, has_pauses(run) ? (double)grid->pause_ms[i % pauses] : (double)NAN, 0);
        for (size_t k = 0; k < MISTAKES; k++)
            sheet_number(sheet, value[i * MISTAKES + k], 0);
    }
}

static void tell_cells(const struct run *run, const struct outcome *outcomes, struct report *report)
{
    struct sheet *sheet =
        report_sheet(report, "every world",
                     "detector|repetition|blocked|duration_ms|interval_ms|false_positives|"
                     "false_positives_healthy|blocked_declared_dead|packets|bytes");

    sheet_is_long(sheet);
    for (size_t i = 0; i < cells(run); i++) {
        struct place place = place_of(run, i);

        if (place.blocked > 0)
            add_cell(run, sheet, &place, outcomes[i].value);
    }
}

static void tell_by_blocked(const struct run *run, const struct outcome *outcomes,
                            struct report *report)
{
    const struct grid *grid = grid_of(run);
    struct sheet *sheet =
        report_sheet(report, "by members blocked, over all durations and repetitions",
                     "blocked|detector|false_positives|at_healthy|blocked_declared_dead|packets");
    struct plot *plot = report_plot(report, "False positives", "members blocked",
                                    "declarations of healthy members' deaths");

    plot_log_y(plot);
    for (size_t i = 0; i < grid->blocked_count; i++)
        for (size_t d = 0; d < detectors_count(run); d++) {
            enum gossip_detector detector = detectors_at(run, d);
            double sum[MISTAKES];

            sum_up(run, outcomes, detector, grid->blocked[i], 0, sum);
            sheet_number(sheet, (double)grid->blocked[i], 0);
            sheet_text(sheet, detector_name(detector));
            for (size_t k = 0; k < BYTES; k++)
                sheet_number(sheet, sum[k], 0);
            plot_point(plot, detector_name(detector), (double)grid->blocked[i],
                       sum[FALSE_POSITIVES]);
        }
}

static void tell_by_duration(const struct run *run, const struct outcome *outcomes,
                             struct report *report)
{
    const struct grid *grid = grid_of(run);
    struct sheet *sheet =
        report_sheet(report, "by how long they are blocked, over all numbers and repetitions",
                     "duration_ms|detector|false_positives|at_healthy|blocked_declared_dead");
    struct plot *plot = report_plot(report, "False positives", "blocked for so many ms",
                                    "declarations of healthy members' deaths");

    plot_log_x(plot);
    plot_log_y(plot);
    for (size_t i = 0; i < grid->durations; i++)
        for (size_t d = 0; d < detectors_count(run); d++) {
            enum gossip_detector detector = detectors_at(run, d);
            double sum[MISTAKES];

            sum_up(run, outcomes, detector, SIZE_MAX, grid->duration_ms[i], sum);
            sheet_number(sheet, grid->duration_ms[i], 0);
            sheet_text(sheet, detector_name(detector));
            for (size_t k = 0; k < PACKETS; k++)
                sheet_number(sheet, sum[k], 0);
            plot_point(plot, detector_name(detector), grid->duration_ms[i], sum[FALSE_POSITIVES]);
        }
}

static void tell_metric(struct report *report, enum gossip_detector detector, const char *what,
                        double value)
{
    char name[80];

    snprintf(name, sizeof(name), "%s_%s", detector_name(detector), what);
    report_metric(report, name, value);
}

static void tell_totals(const struct run *run, const struct outcome *outcomes,
                        struct report *report)
{
    double worlds = (double)(grid_of(run)->blocked_count * branches(run)) *
                    setting(&run->settings, SET_REPETITIONS);

    report_metric(report, "worlds_per_detector", worlds);
    for (size_t d = 0; d < detectors_count(run); d++) {
        enum gossip_detector detector = detectors_at(run, d);
        double sum[MISTAKES], node_s = worlds * run_duration_s(run) * (double)run_nodes(run);

        sum_up(run, outcomes, detector, SIZE_MAX, 0, sum);
        tell_metric(report, detector, "false_positives", sum[FALSE_POSITIVES]);
        tell_metric(report, detector, "false_positives_healthy", sum[FALSE_POSITIVES_HEALTHY]);
        tell_metric(report, detector, "packets_per_node_s", sum[PACKETS] / node_s);
        tell_metric(report, detector, "bytes_per_node_s", sum[BYTES] / node_s);
    }
}

/* --- lifeguard-interval
 * ----------------------------------------------------------------------------------- */

static void interval_tell(const struct run *run, const struct outcome *outcomes,
                          struct report *report)
{
    tell_cells(run, outcomes, report);
    tell_by_blocked(run, outcomes, report);
    tell_by_duration(run, outcomes, report);
    tell_totals(run, outcomes, report);
    if (grid_of(run) == &full) {
        double share = setting(&run->settings, SET_REPETITIONS) / 10;

        report_reference(report, "swim_false_positives", 339002 * share, PAPER);
        report_reference(report, "swim_false_positives_healthy", 1326 * share, PAPER);
        report_reference(report, "lifeguard_false_positives", 5193 * share, PAPER);
        report_reference(report, "lifeguard_false_positives_healthy", 25 * share, PAPER);
        report_note(report, "References are the paper's totals over the whole grid, ten times, "
                            "scaled to these repetitions; measured with memberlist.");
    } else {
        report_note(report, "A part of the grid: not to be compared with the paper's totals. "
                            "--set grid=full --set repetitions=10 is the whole.");
    }
    report_note(report,
                "A false positive is a declaration, at any member, that a member which was "
                "not blocked is dead; the packets of a blocked member wait, up to %d of "
                "them each way, while its timers run.",
                PACKETS_WAITING_MAX);
    report_note(report, "swim and lifeguard are switches of the same core, with its packets and "
                        "its tree, which spreads accusations faster than memberlist's gossip.");
}

const struct scenario scenario_lifeguard_interval = {
    .name = "lifeguard-interval",
    .what = "members blocked again and again, three detectors: false positives",
    .anchor = "whole grid, ten times: SWIM 339,002 (1,326 at healthy members), Lifeguard 5,193 "
              "(25) (" PAPER ")",
    .nodes = 128,
    .duration_s = 120,
    .takes = takes,
    .nodes_least = 4,
    .values = DURATIONS_MOST * PAUSES_MOST * MISTAKES,
    .cells = cells,
    .live = live,
    .tell = interval_tell,
    .fits = fits,
};

/* --- lifeguard-threshold
 * ---------------------------------------------------------------------------------- */

/* Of all crashes of one detector: to the first that knows, or the last. */
static size_t gather_crashes(const struct run *run, const struct outcome *outcomes,
                             enum gossip_detector detector, size_t which, double *out)
{
    size_t count = 0;

    for (size_t i = 0; i < cells(run); i++) {
        struct place place = place_of(run, i);

        for (size_t k = 0; place.detector == detector && place.blocked == 0 && k < CRASHES; k++)
            out[count++] = outcomes[i].value[2 * k + which];
    }
    return count;
}

static void tell_crashes_of(const struct run *run, const struct outcome *outcomes,
                            enum gossip_detector detector, struct report *report,
                            struct sheet *sheet)
{
    static const char *const names[] = {"first", "full"};
    static const double percents[] = {50, 99, 99.9};
    static const char *const suffixes[] = {"p50", "p99", "p99_9"};
    size_t capacity = cells(run) * CRASHES;
    double *times_ms = memory_new(capacity, sizeof(*times_ms));

    for (size_t which = 0; which < 2; which++) {
        size_t count = gather_crashes(run, outcomes, detector, which, times_ms);

        sheet_text(sheet, detector_name(detector));
        sheet_text(sheet, names[which]);
        sheet_number(sheet, (double)count, 0);
        for (size_t i = 0; i < sizeof(percents) / sizeof(percents[0]); i++) {
            char what[40];
            double ms = percentile(times_ms, count, percents[i]);

            sheet_number(sheet, ms, 0);
            snprintf(what, sizeof(what), "detect_%s_%s_ms", names[which], suffixes[i]);
            if (which == 1)
                tell_metric(report, detector, what, ms);
        }
    }
    free(times_ms);
}

static void threshold_tell(const struct run *run, const struct outcome *outcomes,
                           struct report *report)
{
    tell_cells(run, outcomes, report);
    tell_by_blocked(run, outcomes, report);
    tell_by_duration(run, outcomes, report);
    struct sheet *sheet = report_sheet(report,
                                       "one crash: ms until the first, and the last, of "
                                       "the others knows",
                                       "detector|known_to|crashes|p50_ms|p99_ms|p99_9_ms");
    for (size_t d = 0; d < detectors_count(run); d++)
        tell_crashes_of(run, outcomes, detectors_at(run, d), report, sheet);
    tell_totals(run, outcomes, report);
    report_reference(report, "lifeguard_detect_full_p50_ms", 12600, PAPER ", alpha 5");
    report_reference(report, "lifeguard_detect_full_p99_ms", 16500, PAPER ", alpha 5");
    report_note(report, "`blocked_declared_dead` counts declarations at healthy members: right as "
                        "far as they can know, and for the longest durations wanted.");
}

const struct scenario scenario_lifeguard_threshold = {
    .name = "lifeguard-threshold",
    .what = "members blocked once, and crashes, three detectors: false positives, time to detect",
    .anchor = "Lifeguard knows a crash everywhere after 12.6 s (p50), 16.5 s (p99) (" PAPER ")",
    .nodes = 128,
    .duration_s = 120,
    .presets = threshold_presets,
    .takes = takes,
    .nodes_least = 4,
    .values = 2 * CRASHES,
    .cells = cells,
    .live = live,
    .tell = threshold_tell,
    .fits = fits,
};
_Static_assert(DURATIONS_MOST *MISTAKES <= 2 * CRASHES, "a cell holds either");
