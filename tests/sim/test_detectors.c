// SPDX-License-Identifier: Apache-2.0
/* test_detectors.c - the scenarios about failure detectors count what they say, and plain SWIM is
 * as its paper says */
#include "sim/detectors.h"

#include "sim/pool.h"
#include "sim/report_data.h"

#include <criterion/criterion.h>
#include <math.h>

/* A run of a scenario without its command line: all its cells here, one after the other. */
struct trial {
    struct run run;
    struct outcome outcomes[16];
    struct report *report;
};

static struct trial *trial_new(const char *name, size_t nodes, double duration_s)
{
    struct trial *trial = pool_shared(sizeof(*trial));
    const struct scenario *scenario = scenario_find(name);

    cr_assert_not_null(scenario);
    trial->run = (struct run){.scenario = scenario, .seed = 1, .nodes = nodes};
    trial->run.duration_s = duration_s;
    settings_usual(&trial->run.settings);
    for (const struct preset *preset = scenario->presets;
         preset != NULL && preset->setting != SETTINGS; preset++)
        trial->run.settings.value[preset->setting] = preset->value;
    return trial;
}

static void trial_set(struct trial *trial, const char *assignment)
{
    char error[400];

    cr_assert(settings_set(&trial->run.settings, assignment, NULL, error, sizeof(error)), "%s",
              error);
}

/* Only this cell lives (SIZE_MAX: all); the others stay zero. */
static void trial_live(struct trial *trial, size_t only)
{
    const struct scenario *scenario = trial->run.scenario;
    size_t cells = scenario->cells(&trial->run);

    cr_assert_leq(cells, sizeof(trial->outcomes) / sizeof(trial->outcomes[0]));
    for (size_t i = 0; i < cells; i++) {
        struct cell cell = {&trial->run, i, &trial->outcomes[i]};

        cell.out->value = pool_shared(scenario->values * sizeof(double));
        if (only == SIZE_MAX || only == i)
            scenario->live(&cell);
        cr_assert_not(cell.out->is_late, "%s", cell.out->text);
        cr_assert_not(cell.out->has_crashed, "%s", cell.out->text);
    }
    trial->report = report_new();
    scenario->tell(&trial->run, trial->outcomes, trial->report);
}

/* The rest is memory that worlds in processes of their own share; it goes with this process. */
static void trial_end(struct trial *trial)
{
    report_free(trial->report);
}

static double metric(const struct trial *trial, const char *name)
{
    for (size_t i = 0; i < trial->report->metric_count; i++)
        if (strcmp(trial->report->metrics[i].name, name) == 0)
            return trial->report->metrics[i].value;
    cr_assert_fail("no metric %s", name);
    return NAN;
}

/* --- Plain SWIM
 * --------------------------------------------------------------------------------------------- */

Test(swim, a_member_sends_a_ping_and_an_ack_in_a_period)
{
    struct trial *trial = trial_new("swim-load", 16, 100);

    trial_live(trial, SIZE_MAX);
    cr_assert_float_eq(metric(trial, "messages_per_member_period"), 2.0, 0.1);
    trial_end(trial);
}

/* e / (e - 1) for rounds that are shuffled among 15 others: 1.522. */
Test(swim, the_first_detection_takes_a_period_and_a_half)
{
    struct trial *trial = trial_new("swim-detect", 16, 0);

    trial_live(trial, SIZE_MAX);
    cr_assert_float_eq(metric(trial, "first_detection_periods"), 1.522,
                       5 * metric(trial, "first_detection_error_periods"));
    cr_assert_lt(metric(trial, "first_detection_error_periods"), 0.1);
    trial_end(trial);
}

Test(swim, false_suspicions_are_as_rare_as_the_formula_says)
{
    struct trial *trial = trial_new("swim-false", 12, 3000);

    trial_set(trial, "loss=0.1");
    trial_live(trial, SIZE_MAX);
    cr_assert_lt(fabs(metric(trial, "worst_deviation_sigmas")), 3);
    trial_end(trial);
}

/* --- Counting mistakes
 * -------------------------------------------------------------------------------------- */

static void count_after_block(enum gossip_detector detector, double *out)
{
    struct cluster *c = cluster_new(&(struct cluster_options){.nodes = 12, .detector = detector});
    struct node_set hit = NODES(5);

    cluster_boot(c);
    cluster_run_for(c, 5000);
    cluster_block(c, 5);
    cluster_run_for(c, 60000);
    mistakes_count(c, &hit, NULL, out);
    cluster_free(c);
}

Test(detectors, who_is_blocked_under_swim_buries_the_others)
{
    double count[MISTAKES];

    count_after_block(DETECTOR_SWIM, count);
    cr_assert_gt(count[FALSE_POSITIVES], 5);
    cr_assert_eq(count[FALSE_POSITIVES_HEALTHY], 0);
    cr_assert_eq(count[HIT_DECLARED], 11, "each of the others does miss it");
}

Test(detectors, who_is_blocked_under_ours_buries_nobody)
{
    double count[MISTAKES];

    count_after_block(DETECTOR_AURORA, count);
    cr_assert_eq(count[FALSE_POSITIVES], 0);
    cr_assert_eq(count[HIT_DECLARED], 11);
}

/* 64 members, half of them blocked again and again for half a minute: plain SWIM makes hundreds of
 * false positives here. */
Test(detectors, half_a_minute_of_blocked_members_costs_ours_no_false_positive)
{
    struct trial *trial = trial_new("lifeguard-interval", 64, 60);

    trial_set(trial, "detector=aurora");
    trial_live(trial, 0);
    cr_assert_gt(metric(trial, "aurora_packets_per_node_s"), 0);
    cr_assert_eq(metric(trial, "aurora_false_positives"), 0);
    trial_end(trial);
}
