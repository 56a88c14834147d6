// SPDX-License-Identifier: Apache-2.0
/* test_scenario.c - the registry is sound, and what cells make is what was asked for */
#include "sim/scenario.h"

#include "sim/check.h"
#include "sim/pool.h"

#include <criterion/criterion.h>
#include <criterion/redirect.h>
#include <stdlib.h>
#include <string.h>

static struct run run;
static struct outcome *out;
static struct cell cell;

static void begin(void)
{
    run = (struct run){.scenario = scenarios[0], .seed = 5};
    settings_usual(&run.settings);
    out = pool_shared(sizeof(*out));
    cell = (struct cell){.run = &run, .out = out};
    cr_redirect_stderr();
}

static void end(void)
{
    pool_shared_free(out, sizeof(*out));
}

TestSuite(scenario, .init = begin, .fini = end);

Test(scenario, registry_is_sound)
{
    for (size_t i = 0; scenarios[i] != NULL; i++) {
        const struct scenario *it = scenarios[i];

        cr_assert(it->name != NULL && it->what != NULL, "scenario %zu", i);
        cr_assert(it->cells != NULL && it->live != NULL && it->tell != NULL, "%s", it->name);
        cr_assert_gt(it->nodes, 0, "%s", it->name);
        cr_assert_leq(it->nodes_least, it->nodes, "%s", it->name);
        cr_assert_geq(it->duration_s, 0, "%s", it->name);
        cr_assert_eq(scenario_find(it->name), it);
        cr_assert_leq(strlen(it->what), 90, "%s: one line", it->name);
        for (const struct preset *p = it->presets; p != NULL && p->setting != SETTINGS; p++) {
            const struct setting_info *info = setting_info(p->setting);
            cr_assert(p->value >= info->least && p->value <= info->most, "%s: %s", it->name,
                      info->name);
        }
    }
    cr_assert_null(scenario_find("no such"));
}

Test(scenario, every_one_has_cells_with_its_own_presets)
{
    for (size_t i = 0; scenarios[i] != NULL; i++) {
        struct run one = {.scenario = scenarios[i], .seed = 1};

        settings_usual(&one.settings);
        for (const struct preset *p = scenarios[i]->presets; p != NULL && p->setting != SETTINGS;
             p++)
            one.settings.value[p->setting] = p->value;
        cr_assert_gt(scenarios[i]->cells(&one), 0, "%s", scenarios[i]->name);
    }
}

Test(scenario, first_seed_is_the_runs_own_and_all_differ)
{
    cr_assert_eq(cell_seed(&cell, 0), 5);
    for (size_t i = 0; i < 50; i++)
        for (size_t k = 0; k < i; k++)
            cr_assert_neq(cell_seed(&cell, i), cell_seed(&cell, k));
}

/* A seed on the command line is meant, whatever the environment of the tests says. */
Test(scenario, environment_does_not_change_the_seed)
{
    setenv("AURORA_SEED", "77", 1);
    struct cluster *cluster = cell_cluster(&cell, 2, 5, NULL, NULL);

    cr_assert_eq(cluster_seed(cluster), 5);
    cluster_free(cluster);
}

static uint64_t hash_of_world(void)
{
    struct cluster *cluster = cell_cluster(&cell, 6, 5, NULL, NULL);

    *out = (struct outcome){0};
    cr_assert(cell_boot(&cell, cluster));
    cr_assert_eq(cluster_register(cluster, 0, "printer"), RESULT_OK);
    cluster_run_for(cluster, 5000);
    cell_end(&cell, cluster);
    return out->trace_hash;
}

Test(scenario, memo_changes_no_trace)
{
    uint64_t with = hash_of_world();

    run.settings.value[SET_MEMO] = 0;
    cr_assert_eq(hash_of_world(), with);
    run.seed = 6;
    run.settings.value[SET_LOSS] = 0.1;
    cr_assert_neq(hash_of_world(), with, "but what happens does");
}

Test(scenario, end_takes_over_what_the_world_found)
{
    struct cluster *cluster = cell_cluster(&cell, 3, 5, NULL, NULL);

    cr_assert(cell_boot(&cell, cluster));
    check_failed(cluster_world(cluster), 1, I8, "said %d", 7);
    uint64_t steps = cluster_world(cluster)->steps;
    cell_end(&cell, cluster); /* which does not abort: the failures were taken */
    cr_assert_eq(out->broken[I8], 1);
    cr_assert(strstr(out->text, "I8: said 7"), "%s", out->text);
    cr_assert_gt(out->asked[I18], 0);
    cr_assert_eq(out->events, steps);
    cr_assert_gt(out->now_us, 0);
}

Test(scenario, world_that_does_not_come_up_is_late)
{
    run.settings.value[SET_LOSS] = 1;
    struct cluster *cluster = cell_cluster(&cell, 3, 5, NULL, NULL);

    cr_assert_not(cell_boot(&cell, cluster));
    cr_assert(out->is_late);
    cell_end(&cell, cluster);
    cr_assert_eq(out->broken[I6], 0, "what is missing was explained, not counted");
}

struct branching {
    struct cluster *cluster;
    bool must_crash;
};

static void branch(struct cell *it, void *context)
{
    struct branching *how = context;

    if (how->must_crash)
        abort();
    check_failed(cluster_world(how->cluster), 0, I2, "in the branch");
    cluster_run_for(how->cluster, 1000);
    cell_end(it, how->cluster);
}

Test(scenario, branch_leaves_the_world_as_it_was)
{
    struct branching how = {.cluster = cell_cluster(&cell, 3, 5, NULL, NULL)};

    cell_boot(&cell, how.cluster);
    uint64_t hash = cluster_trace_hash(how.cluster);
    cr_assert(cell_branch(&cell, branch, &how));
    cr_assert_eq(cluster_trace_hash(how.cluster), hash);
    cr_assert_eq(out->broken[I2], 1, "what it found is the cell's");
    cr_assert_eq(cluster_world(how.cluster)->failures, 0);
    how.must_crash = true;
    cr_assert_not(cell_branch(&cell, branch, &how));
    cr_assert(out->has_crashed);
    cell_end(&cell, how.cluster);
}
