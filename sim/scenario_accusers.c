// SPDX-License-Identifier: Apache-2.0
/* scenario_accusers.c - lossy-accuser and colluders: who can have healthy members removed
 *
 * A deaf member accuses whomever it cannot hear, in good faith. Colluders accuse in bad faith, all
 * at once, tell everybody but their victim, and do so while the victim stands still, too. The three
 * detectors meet the same worlds. */
#include "sim/detectors.h"
#include "sim/traitor.h"

#include <math.h>
#include <stdio.h>

static const enum setting takes[] = {SET_REPETITIONS, SETTINGS};

/* --- lossy-accuser
 * ----------------------------------------------------------------------------------- */

enum { LOSSES = 5 };
static const double losses[LOSSES] = {0.3, 0.5, 0.7, 0.9, 0.98};

enum {
    LOSSY_MISTAKES = 0,
    LOSSY_REMOVED = LOSSY_MISTAKES + MISTAKES, /* healthy members, each once */
    LOSSY_ACCUSATIONS,
    LOSSY_REFUTATIONS,
    LOSSY_SELF, /* of the deaf one: nodes that hold it for dead at the end */
    LOSSY_VALUES
};

struct lossy_place {
    enum gossip_detector detector;
    size_t loss, repetition;
};

static struct lossy_place lossy_place(const struct run *run, size_t index)
{
    size_t detectors = detectors_count(run);

    return (struct lossy_place){.detector = detectors_at(run, index % detectors),
                                .loss = index / detectors % LOSSES,
                                .repetition = index / detectors / LOSSES};
}

static size_t lossy_cells(const struct run *run)
{
    return detectors_count(run) * LOSSES * setting_count(&run->settings, SET_REPETITIONS);
}

/* Members that somebody declared dead, but for `hit`. */
static size_t removed(const struct cluster *c, const struct node_set *hit)
{
    size_t count = 0;

    for (size_t subject = 0; subject < cluster_nodes(c); subject++) {
        bool is_removed = false;

        for (size_t node = 0; node < cluster_nodes(c) && !is_removed; node++)
            is_removed = node != subject && !node_set_has(hit, node) &&
                         cluster_deaths_seen(c, node, subject) > 0;
        count += is_removed && !node_set_has(hit, subject);
    }
    return count;
}

static void count_words(const struct cluster *c, double sign, double *accusations,
                        double *refutations)
{
    for (size_t i = 0; i < cluster_nodes(c); i++) {
        struct gossip_status status = cluster_status(c, i);

        *accusations += sign * (double)status.stats.accusations_made;
        *refutations += sign * (double)status.stats.refutations_made;
    }
}

static void lossy_live(struct cell *cell)
{
    struct lossy_place place = lossy_place(cell->run, cell->index);
    size_t nodes = run_nodes(cell->run), deaf = nodes - 1;
    struct node_set hit = NODES(deaf);
    struct cluster *c =
        detectors_world(cell, place.detector, nodes, cell_seed(cell, place.repetition));
    double *value = cell->out->value, before[MISTAKES] = {0};

    if (c == NULL)
        return;
    mistakes_count(c, &hit, NULL, before);
    count_words(c, -1, &value[LOSSY_ACCUSATIONS], &value[LOSSY_REFUTATIONS]);
    cluster_set_node_loss(c, deaf, 0, losses[place.loss]);
    cluster_run_for(c, (uint64_t)(run_duration_s(cell->run) * 1000));
    mistakes_count(c, &hit, before, value + LOSSY_MISTAKES);
    count_words(c, 1, &value[LOSSY_ACCUSATIONS], &value[LOSSY_REFUTATIONS]);
    value[LOSSY_REMOVED] = (double)removed(c, &hit);
    for (size_t i = 0; i < deaf; i++)
        value[LOSSY_SELF] += cluster_sees_member(c, i, deaf) == MEMBER_DEAD;
    cluster_check(c);
    cell_end(cell, c);
}

/* Of all repetitions of one detector and loss. */
static void lossy_sum(const struct run *run, const struct outcome *outcomes, size_t detector,
                      size_t loss, double *sum)
{
    for (size_t i = 0; i < lossy_cells(run); i++)
        if (i % detectors_count(run) == detector && i / detectors_count(run) % LOSSES == loss)
            for (size_t k = 0; k < LOSSY_VALUES; k++)
                sum[k] += outcomes[i].value[k];
}

static void lossy_row(const struct run *run, struct sheet *sheet, size_t detector, size_t loss,
                      const double *sum)
{
    double worlds = (double)setting_count(&run->settings, SET_REPETITIONS);

    sheet_text(sheet, detector_name(detectors_at(run, detector)));
    sheet_number(sheet, losses[loss], 2);
    sheet_number(sheet, sum[LOSSY_REMOVED] / worlds, 1);
    sheet_number(sheet, sum[LOSSY_MISTAKES + FALSE_POSITIVES_HEALTHY] / worlds, 1);
    sheet_number(sheet, sum[LOSSY_ACCUSATIONS] / worlds, 0);
    sheet_number(sheet, sum[LOSSY_REFUTATIONS] / worlds, 0);
    sheet_number(sheet, sum[LOSSY_SELF] / worlds, 1);
    sheet_number(
        sheet, sum[LOSSY_MISTAKES + BYTES] / worlds / (double)run_nodes(run) / run_duration_s(run),
        0);
}

static void lossy_tell(const struct run *run, const struct outcome *outcomes, struct report *report)
{
    struct sheet *sheet = report_sheet(report, "one member that loses most of what it is sent",
                                       "detector|loss|healthy_removed|false_positives_healthy|"
                                       "accusations|refutations|removed_it_at|bytes_per_node_s");
    struct plot *plot = report_plot(report, "Healthy members removed for one that is deaf",
                                    "loss of what it is sent", "members removed");
    char name[64];

    for (size_t d = 0; d < detectors_count(run); d++) {
        const char *detector = detector_name(detectors_at(run, d));
        double all = 0, most_refuted = 0;

        for (size_t loss = 0; loss < LOSSES; loss++) {
            double sum[LOSSY_VALUES] = {0};

            lossy_sum(run, outcomes, d, loss, sum);
            lossy_row(run, sheet, d, loss, sum);
            plot_point(plot, detector, losses[loss], sum[LOSSY_REMOVED]);
            all += sum[LOSSY_REMOVED];
            most_refuted = fmax(most_refuted, sum[LOSSY_REFUTATIONS]);
        }
        snprintf(name, sizeof(name), "healthy_removed_%s", detector);
        report_metric(report, name, all);
        snprintf(name, sizeof(name), "refutations_most_%s", detector);
        report_metric(report, name, most_refuted);
    }
    report_reference(report, "healthy_removed_aurora", 0, "promise I8");
    report_note(report, "Its own deaths among others, and what it alone believes, count for "
                        "nothing here: healthy_removed are other members, at other members.");
}

static const struct preset lossy_presets[] = {{SET_REPETITIONS, 2}, {SETTINGS, 0}};

const struct scenario scenario_lossy_accuser = {
    .name = "lossy-accuser",
    .what = "one member that hears little accuses the others, three detectors: who is removed",
    .anchor = "memberlist, SWIM: any one accuser may kill",
    .nodes = 64,
    .nodes_least = 8,
    .duration_s = 180,
    .presets = lossy_presets,
    .takes = takes,
    .values = LOSSY_VALUES,
    .cells = lossy_cells,
    .live = lossy_live,
    .tell = lossy_tell,
};

/* --- colluders
 * --------------------------------------------------------------------------------------- */

enum { COLLUDERS_MOST = 4, STALLS = 6, VICTIMS = 4 }; /* colluders: 0 to 3 */
enum { AGAIN_MS = 1500, AFTER_MS = 20000, PATIENT_MS = 7000, PATIENT_ROUNDS = 14, REVIVAL_S = 60 };
static const unsigned stalls_ms[STALLS] = {0, 1500, 2000, 2500, 3000, 4000};

enum {
    COLLUDERS_REMOVED = 0,                          /* of VICTIMS, by stall */
    COLLUDERS_PATIENT = COLLUDERS_REMOVED + STALLS, /* one after the other, for long: 0 or 1 */
    COLLUDERS_STRESSED,                             /* with an honest member that is deaf: 0 or 1 */
    COLLUDERS_VALUES
};

struct colluders_place {
    enum gossip_detector detector;
    size_t colluders, repetition;
};

static struct colluders_place colluders_place(const struct run *run, size_t index)
{
    size_t detectors = detectors_count(run);

    return (struct colluders_place){.detector = detectors_at(run, index % detectors),
                                    .colluders = index / detectors % COLLUDERS_MOST,
                                    .repetition = index / detectors / COLLUDERS_MOST};
}

static size_t colluders_cells(const struct run *run)
{
    return detectors_count(run) * COLLUDERS_MOST * setting_count(&run->settings, SET_REPETITIONS);
}

/* The last nodes. */
static void choose_traitors(const struct cluster *c, size_t *traitors, size_t count)
{
    for (size_t i = 0; i < count; i++)
        traitors[i] = cluster_nodes(c) - 1 - i;
}

/* At honest members that are well. */
static uint64_t deaths_of(const struct cluster *c, size_t subject)
{
    uint64_t deaths = 0;

    for (size_t i = 0; i < cluster_nodes(c) - COLLUDERS_MOST - 1; i++)
        if (i != subject)
            deaths += cluster_deaths_seen(c, i, subject);
    return deaths;
}

/* They begin when it falls silent, and go on until it is over. True: somebody declared it dead. */
static bool is_removed_when_stalled(struct cluster *c, const size_t *traitors, size_t count,
                                    size_t subject, unsigned stall_ms)
{
    uint64_t before = deaths_of(c, subject);

    if (stall_ms > 0)
        cluster_stall(c, subject, stall_ms);
    for (unsigned ms = 0; ms < AFTER_MS; ms += AGAIN_MS) {
        traitor_collude(c, traitors, count, subject);
        cluster_run_for(c, AGAIN_MS);
    }
    for (unsigned i = 0; i < REVIVAL_S && !cluster_holds_everywhere(c, all_alive()); i++)
        cluster_run_for(c, 1000);
    return deaths_of(c, subject) > before;
}

/* Never two at once: what was said long ago must not add up. */
static bool is_removed_with_patience(struct cluster *c, const size_t *traitors, size_t count,
                                     size_t subject)
{
    uint64_t before = deaths_of(c, subject);

    for (size_t i = 0; i < PATIENT_ROUNDS && count > 0; i++) {
        traitor_accuse(c, traitors[i % count], subject, NULL);
        cluster_run_for(c, PATIENT_MS);
    }
    return deaths_of(c, subject) > before;
}

/* An honest member hears little, and accuses: with q - 1 traitors that is a quorum. */
static bool is_removed_under_stress(struct cluster *c, const size_t *traitors, size_t count,
                                    size_t subject, size_t deaf)
{
    cluster_set_node_loss(c, deaf, 0, 0.9);
    bool is_removed = is_removed_when_stalled(c, traitors, count, subject, 0);
    cluster_set_node_loss(c, deaf, 0, 0);
    return is_removed;
}

static void colluders_live(struct cell *cell)
{
    struct colluders_place place = colluders_place(cell->run, cell->index);
    size_t nodes = run_nodes(cell->run), traitors[COLLUDERS_MOST] = {0};
    struct cluster *c =
        detectors_world(cell, place.detector, nodes, cell_seed(cell, place.repetition));
    double *value = cell->out->value;
    size_t subject = 1;

    if (c == NULL)
        return;
    choose_traitors(c, traitors, place.colluders);
    for (size_t stall = 0; stall < STALLS; stall++)
        for (size_t i = 0; i < VICTIMS; i++) {
            value[COLLUDERS_REMOVED + stall] +=
                is_removed_when_stalled(c, traitors, place.colluders, subject, stalls_ms[stall]);
            subject = subject % (nodes - COLLUDERS_MOST - 1) + 1;
        }
    value[COLLUDERS_PATIENT] = is_removed_with_patience(c, traitors, place.colluders, subject);
    value[COLLUDERS_STRESSED] =
        is_removed_under_stress(c, traitors, place.colluders, subject, nodes - COLLUDERS_MOST - 1);
    cluster_check(c);
    cell_end(cell, c);
}

static void colluders_row(const struct run *run, const struct outcome *outcomes,
                          struct sheet *sheet, struct plot *plot, size_t detector, size_t colluders,
                          double *unstalled)
{
    size_t detectors = detectors_count(run);
    double sum[COLLUDERS_VALUES] = {0};
    double tries = VICTIMS * (double)setting_count(&run->settings, SET_REPETITIONS);
    char series[64];

    for (size_t i = 0; i < colluders_cells(run); i++)
        if (i % detectors == detector && i / detectors % COLLUDERS_MOST == colluders)
            for (size_t k = 0; k < COLLUDERS_VALUES; k++)
                sum[k] += outcomes[i].value[k];
    snprintf(series, sizeof(series), "%s, %zu", detector_name(detectors_at(run, detector)),
             colluders);
    sheet_text(sheet, detector_name(detectors_at(run, detector)));
    sheet_number(sheet, (double)colluders, 0);
    for (size_t stall = 0; stall < STALLS; stall++) {
        sheet_number(sheet, 100 * sum[stall] / tries, 0);
        plot_point(plot, series, stalls_ms[stall] / 1000.0, 100 * sum[stall] / tries);
    }
    sheet_number(sheet, 100 * sum[COLLUDERS_PATIENT] * VICTIMS / tries, 0);
    sheet_number(sheet, 100 * sum[COLLUDERS_STRESSED] * VICTIMS / tries, 0);
    *unstalled += sum[COLLUDERS_REMOVED] + sum[COLLUDERS_PATIENT] + sum[COLLUDERS_STRESSED];
}

static void colluders_tell(const struct run *run, const struct outcome *outcomes,
                           struct report *report)
{
    struct sheet *sheet = report_sheet(
        report, "victims declared dead by somebody, in per cent; the victim stands still for",
        "detector|liars|0_s|1.5_s|2_s|2.5_s|3_s|4_s|one_by_one|and_a_deaf_one");
    struct plot *plot = report_plot(report, "Victims declared dead somewhere",
                                    "seconds that the victim stands still", "per cent");
    char name[64];

    for (size_t d = 0; d < detectors_count(run); d++) {
        double unstalled = 0;

        for (size_t k = 0; k < COLLUDERS_MOST; k++) {
            double all = 0;

            colluders_row(run, outcomes, sheet, plot, d, k, &all);
            unstalled += k < QUORUM_MAX ? all : 0;
        }
        snprintf(name, sizeof(name), "healthy_removed_%s", detector_name(detectors_at(run, d)));
        report_metric(report, name, unstalled);
    }
    report_reference(report, "healthy_removed_aurora", 0, "promise I8");
    report_note(report, "healthy_removed: victims that ran all the time, with fewer than 3 liars.");
    report_note(report,
                "Whoever accuses tells its victim, and one that answers lives, also under a "
                "quorum of liars. One that stands still has the least suspicion time "
                "(2.5 s) from the first lie, which sets its observers on it; without liars, "
                "a second more.");
}

static const struct preset colluders_presets[] = {{SET_REPETITIONS, 1}, {SETTINGS, 0}};

const struct scenario scenario_colluders = {
    .name = "colluders",
    .what = "none to three liars accuse together, three detectors: who is removed",
    .anchor = "memberlist, SWIM: any one accuser may kill",
    .nodes = 32,
    .nodes_least = 12,
    .duration_s = 800,
    .presets = colluders_presets,
    .takes = takes,
    .values = COLLUDERS_VALUES,
    .cells = colluders_cells,
    .live = colluders_live,
    .tell = colluders_tell,
};
