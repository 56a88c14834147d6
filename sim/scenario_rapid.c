// SPDX-License-Identifier: Apache-2.0
/* scenario_rapid.c - the experiments of Rapid's paper (Suresh et al. 2018): many nodes of which ten
 * crash, flap, or lose most of what they send
 *
 * A turn is a change, at one node that is well, between taking a bad node for a member (ALIVE or
 * SUSPECT) and not (UNREACHABLE, DEAD or LEFT): out is one, out and in again two. */
#include "sim/detectors.h"
#include "sim/faults.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { WATCH_MS = 1000, SECONDS_MAX = 600, WELL_ASKED = 50 };

/* The view sizes follow, one for each second. */
enum {
    TURNS_MEDIAN = 0, /* of the worst bad node: the median over the nodes that are well */
    TURNS_WORST,      /* of any pair */
    HEALTHY_REMOVED,  /* turns of nodes that are well, at nodes that are well */
    SETTLED_S,        /* the last time that a view changed its size; NAN: never settled */
    OUT_S,            /* until every bad node was out everywhere; NAN: it did not come to that */
    VIEWS,
    VALUES = VIEWS + SECONDS_MAX
};

static const enum setting takes[] = {SET_BAD, SET_EGRESS_LOSS, SET_PERIOD_S, SET_REPETITIONS,
                                     SETTINGS};

extern const struct scenario scenario_rapid_crash, scenario_rapid_flipflop, scenario_rapid_egress80;

/* --- Cells
 * ------------------------------------------------------------------------------------------- */

static size_t cells(const struct run *run)
{
    return detectors_count(run) * setting_count(&run->settings, SET_REPETITIONS);
}

static enum gossip_detector detector_of(const struct run *run, size_t index)
{
    return detectors_at(run, index % detectors_count(run));
}

static bool fits(const struct run *run, char *error, size_t error_bytes)
{
    size_t bad = setting_count(&run->settings, SET_BAD);

    if (run_duration_s(run) > SECONDS_MAX) {
        snprintf(error, error_bytes, "--duration is '%g'; it must be at most %d s",
                 run_duration_s(run), SECONDS_MAX);
        return false;
    }
    if (bad >= 1 && 2 * bad < run_nodes(run))
        return true;
    snprintf(error, error_bytes, "bad is '%zu'; it must be 1 to fewer than half of the nodes", bad);
    return false;
}

/* --- What happens to the bad ones
 * -------------------------------------------------------------------- */

static void begin_fault(const struct run *run, struct cluster *c, const struct node_set *bad)
{
    uint64_t period_us = (uint64_t)(setting(&run->settings, SET_PERIOD_S) * 1e6);

    if (run->scenario == &scenario_rapid_flipflop) {
        faults_flip_flop(cluster_world(c), bad, DIRECTION_IN, period_us, period_us,
                         (uint64_t)(run_duration_s(run) * 1e6));
        return;
    }
    for (size_t i = 0; i < cluster_nodes(c); i++) {
        if (!node_set_has(bad, i))
            continue;
        if (run->scenario == &scenario_rapid_crash)
            cluster_crash(c, i);
        else
            cluster_set_node_loss(c, i, setting(&run->settings, SET_EGRESS_LOSS), 0);
    }
}

/* --- What is seen
 * ------------------------------------------------------------------------------------ */

/* Nodes that are well and asked: all of them would be a million pairs each second. */
struct watch {
    struct node_set bad;
    size_t asked[WELL_ASKED], count;
};

static void choose_asked(struct watch *watch, size_t nodes)
{
    size_t step = nodes / WELL_ASKED > 0 ? nodes / WELL_ASKED : 1;

    for (size_t i = 0; i < nodes && watch->count < WELL_ASKED; i += step)
        if (!node_set_has(&watch->bad, i))
            watch->asked[watch->count++] = i;
}

/* Mean number of members that the asked ones have; *out: is every bad node out at all of them? */
static double view_size(const struct cluster *c, const struct watch *watch, bool *out)
{
    double sum = 0;

    *out = true;
    for (size_t i = 0; i < watch->count; i++)
        for (size_t other = 0; other < cluster_nodes(c); other++) {
            bool is_in = other == watch->asked[i] ||
                         cluster_sees_member(c, watch->asked[i], other) <= MEMBER_SUSPECT;

            sum += is_in ? 1 : 0;
            *out = *out && !(is_in && node_set_has(&watch->bad, other));
        }
    return sum / (double)watch->count;
}

static void look_on(struct cell *cell, struct cluster *c, const struct watch *watch)
{
    double *value = cell->out->value, before = (double)cluster_nodes(c);
    size_t seconds = (size_t)run_duration_s(cell->run);

    value[SETTLED_S] = 0;
    value[OUT_S] = NAN;
    for (size_t s = 0; s < seconds; s++) {
        bool is_out = false;

        cluster_run_for(c, WATCH_MS);
        value[VIEWS + s] = view_size(c, watch, &is_out);
        if (value[VIEWS + s] < before || value[VIEWS + s] > before)
            value[SETTLED_S] = (double)s + 1;
        before = value[VIEWS + s];
        if (is_out && isnan(value[OUT_S]))
            value[OUT_S] = (double)s + 1;
    }
    if (value[SETTLED_S] + 30 > (double)seconds)
        value[SETTLED_S] = NAN;
}

/* All pairs: the nodes that are well, and every other. `before`: the turns of booting. */
static void count_turns(struct cell *cell, const struct cluster *c, const struct watch *watch,
                        const double *before)
{
    size_t nodes = cluster_nodes(c);
    double *value = cell->out->value;
    double *turns = calloc(nodes, sizeof(*turns));

    if (turns == NULL)
        abort();
    for (size_t other = 0; other < nodes; other++) {
        bool is_bad = node_set_has(&watch->bad, other);
        size_t count = 0;

        for (size_t i = 0; i < nodes; i++) {
            if (i == other || node_set_has(&watch->bad, i))
                continue;
            turns[count] = (double)cluster_member_turns(c, i, other);
            value[HEALTHY_REMOVED] += is_bad ? 0 : turns[count];
            count++;
        }
        if (!is_bad)
            continue;
        value[TURNS_MEDIAN] = fmax(value[TURNS_MEDIAN], percentile(turns, count, 50));
        value[TURNS_WORST] = fmax(value[TURNS_WORST], percentile(turns, count, 100));
    }
    value[HEALTHY_REMOVED] -= *before;
    free(turns);
}

static double turns_so_far(const struct cluster *c, const struct watch *watch)
{
    double sum = 0;

    for (size_t i = 0; i < cluster_nodes(c); i++)
        for (size_t other = 0; other < cluster_nodes(c); other++)
            if (i != other && !node_set_has(&watch->bad, i) && !node_set_has(&watch->bad, other))
                sum += (double)cluster_member_turns(c, i, other);
    return sum;
}

static void live(struct cell *cell)
{
    const struct run *run = cell->run;
    size_t repetition = cell->index / detectors_count(run);
    uint64_t seed = cell_seed(cell, repetition);
    struct random random = random_stream(seed, 'b');
    struct watch watch = {
        .bad = nodes_drawn(&random, run_nodes(run), setting_count(&run->settings, SET_BAD))};
    struct cluster *c = detectors_world(cell, detector_of(run, cell->index), run_nodes(run), seed);

    if (c == NULL)
        return;
    choose_asked(&watch, cluster_nodes(c));
    double before = turns_so_far(c, &watch);
    begin_fault(run, c, &watch.bad);
    look_on(cell, c, &watch);
    count_turns(cell, c, &watch, &before);
    cell_end(cell, c);
}

/* --- What is told
 * ------------------------------------------------------------------------------------ */

static void tell_views(const struct run *run, const struct outcome *outcomes, struct report *report)
{
    struct plot *plot = report_plot(report, "Members in the views of nodes that are well",
                                    "seconds since it began", "members (mean)");

    for (size_t i = 0; i < detectors_count(run); i++)
        for (size_t s = 0; s < (size_t)run_duration_s(run); s += 2)
            plot_point(plot, detector_name(detector_of(run, i)), (double)s + 1,
                       outcomes[i].value[VIEWS + s]);
    for (size_t s = 0; s < 2; s++)
        plot_point(plot, "paper: Rapid removes the bad, once", s == 0 ? 1 : run_duration_s(run),
                   (double)(run_nodes(run) - setting_count(&run->settings, SET_BAD)));
}

static void tell_metrics(const struct run *run, const struct outcome *outcomes,
                         struct report *report)
{
    static const char *const names[] = {"turns_per_bad_node", "turns_per_bad_node_worst_pair",
                                        "healthy_removed"};
    char name[64];

    for (size_t i = 0; i < detectors_count(run); i++)
        for (size_t what = 0; what < 3; what++) {
            double most = 0;

            for (size_t cell = i; cell < cells(run); cell += detectors_count(run))
                most = fmax(most, outcomes[cell].value[what]);
            snprintf(name, sizeof(name), "%s_%s", detector_name(detector_of(run, i)), names[what]);
            report_metric(report, name, most);
        }
    report_reference(report, "aurora_turns_per_bad_node",
                     run->scenario == &scenario_rapid_egress80 ? 2 : 1,
                     run->scenario == &scenario_rapid_egress80
                         ? "what we promise; Rapid: 1, each bad node removed once"
                         : "Rapid: each bad node removed once");
    report_reference(report, "aurora_healthy_removed", 0, "Rapid: nobody else");
}

static void tell(const struct run *run, const struct outcome *outcomes, struct report *report)
{
    struct sheet *sheet =
        report_sheet(report, "each world",
                     "detector|world|turns_per_bad_node|worst_pair|healthy_removed|all_out_s|"
                     "settled_s");

    for (size_t i = 0; i < cells(run); i++) {
        const double *value = outcomes[i].value;

        sheet_text(sheet, detector_name(detector_of(run, i)));
        sheet_number(sheet, (double)(i / detectors_count(run)), 0);
        for (size_t what = TURNS_MEDIAN; what <= HEALTHY_REMOVED; what++)
            sheet_number(sheet, value[what], 0);
        sheet_number(sheet, value[OUT_S], 0);
        sheet_number(sheet, value[SETTLED_S], 0);
    }
    tell_metrics(run, outcomes, report);
    tell_views(run, outcomes, report);
    report_note(report, "Turns: of the worst bad node, the median over the nodes that are well. "
                        "Settled: the last change of a view; empty: views still changed in the "
                        "last 30 s.");
}

/* --- The scenarios
 * ----------------------------------------------------------------------------------- */

static const struct preset presets[] = {{SET_START, 1}, {SET_BAD, 10}, {SETTINGS, 0}};

#define RAPID_SCENARIO(its_name, text, rivals, seconds)                                    \
    {                                                                                      \
        .name = its_name, .what = text, .anchor = rivals, .nodes = 1000, .nodes_least = 8, \
        .duration_s = seconds, .presets = presets, .takes = takes, .values = VALUES,       \
        .cells = cells, .live = live, .tell = tell, .fits = fits                           \
    }

const struct scenario scenario_rapid_crash =
    RAPID_SCENARIO("rapid-crash", "ten of 1,000 nodes crash at once: they are removed, nobody else",
                   "Suresh et al. 2018: Rapid removes exactly the bad, in one step", 120);
const struct scenario scenario_rapid_flipflop = RAPID_SCENARIO(
    "rapid-flipflop", "ten of 1,000 nodes lose all that is sent to them, every other 20 s",
    "Suresh et al. 2018: memberlist never settles; Rapid removes exactly the bad", 400);
const struct scenario scenario_rapid_egress80 = RAPID_SCENARIO(
    "rapid-egress80", "ten of 1,000 nodes lose 80 % of what they send",
    "Suresh et al. 2018: memberlist never settles; Rapid removes exactly the bad", 400);
