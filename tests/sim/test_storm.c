// SPDX-License-Identifier: Apache-2.0
/* test_storm.c - every fault that can be set happens, ends, and leaves one registry behind */
#include "sim/storm.h"
#include "sim/storm_impl.h"

#include <criterion/criterion.h>
#include <math.h>
#include <string.h>

extern const struct scenario scenario_storm;

struct lived {
    struct run run;
    struct outcome out;
    double value[STORM_VALUES];
};

static void prepare(struct lived *lived, size_t nodes, double faults_s)
{
    memset(lived, 0, sizeof(*lived));
    settings_usual(&lived->run.settings);
    lived->run.scenario = &scenario_storm;
    lived->run.nodes = nodes;
    lived->out.value = lived->value;
    lived->run.settings.value[SET_FAULTS_S] = faults_s;
    lived->run.settings.value[SET_PEERS] = 6;
    lived->run.settings.value[SET_TTL_S] = 20;
    lived->run.settings.value[SET_HEARTBEAT_S] = 5;
    lived->run.settings.value[SET_ORPHAN_GRACE_S] = 10;
    lived->run.settings.value[SET_DELETE_KEEP_S] = 20;
    lived->run.settings.value[SET_TRAITORS] = 0;
}

static void live(struct lived *lived, uint64_t seed)
{
    struct cell cell = {.run = &lived->run, .out = &lived->out};

    lived->run.seed = seed;
    storm_live(&cell, seed);
}

static double times(const struct lived *lived, enum setting fault)
{
    return lived->value[STORM_FAULTS + (size_t)fault - SET_CUT];
}

static uint64_t broken(const struct lived *lived)
{
    uint64_t sum = 0;

    for (size_t i = 0; i < INVARIANTS; i++)
        sum += lived->out.broken[i];
    return sum;
}

Test(storm, every_fault_that_can_be_set_has_one_row)
{
    for (enum setting i = 0; i < SETTINGS; i++) {
        size_t rows = 0;

        for (size_t k = 0; k < fault_kind_count; k++)
            rows += fault_kinds[k].setting == i;
        if (setting_info(i)->group == GROUP_FAULT)
            cr_assert_eq(rows, 1, "%s has %zu rows", setting_info(i)->name, rows);
    }
}

static void expect_fault(enum setting fault)
{
    struct lived lived;

    prepare(&lived, 5, 20);
    if (fault >= SET_FORGE && fault <= SET_REFLECT)
        lived.run.settings.value[SET_TRAITORS] = 1;
    if (fault >= SET_DISK_OLD && fault <= SET_DISK_NONE)
        lived.run.settings.value[SET_CRASH] = 30;
    lived.run.settings.value[fault] = setting_info(fault)->most >= 10 ? 20 : 0.8;
    live(&lived, 7);
    cr_assert_gt(times(&lived, fault), 0, "%s never happened", setting_info(fault)->name);
    for (enum setting i = SET_CUT; i < SETTINGS; i++)
        if (setting(&lived.run.settings, i) == 0)
            cr_assert_eq(times(&lived, i), 0, "%s happened", setting_info(i)->name);
    cr_assert_not(lived.out.is_late, "%s: %s", setting_info(fault)->name, lived.out.text);
    cr_assert_eq(broken(&lived), 0, "%s: %s", setting_info(fault)->name, lived.out.text);
    cr_assert_leq(lived.value[STORM_CONVERGED_MS], lived.value[STORM_BOUND_MS]);
}

Test(storm, each_fault_alone_happens_and_heals)
{
    for (enum setting i = 0; i < SETTINGS; i++)
        if (setting_info(i)->group == GROUP_FAULT)
            expect_fault(i);
}

Test(storm, the_same_seed_is_the_same_world)
{
    struct lived once, again, other;

    prepare(&once, 4, 20);
    once.run.settings.value[SET_CRASH] = 10;
    once.run.settings.value[SET_LOSS] = 0.1;
    once.run.settings.value[SET_CLIENT_MOVE] = 10;
    again = other = once;
    again.out.value = again.value;
    other.out.value = other.value;
    live(&once, 3);
    live(&again, 3);
    live(&other, 4);
    cr_assert_eq(once.out.trace_hash, again.out.trace_hash);
    cr_assert_neq(once.out.trace_hash, other.out.trace_hash);
    cr_assert_eq(memcmp(once.value + STORM_FAULTS, again.value + STORM_FAULTS,
                        (SETTINGS - SET_CUT) * sizeof(double)),
                 0);
}

/* Taking one fault away leaves the times of the others as they were. */
Test(storm, each_fault_has_a_generator_of_its_own)
{
    struct lived both, alone;

    prepare(&both, 6, 60);
    both.run.settings.value[SET_STALL] = 10;
    alone = both;
    alone.out.value = alone.value;
    both.run.settings.value[SET_CLOCK_SKEW] = 10;
    live(&both, 5);
    live(&alone, 5);
    cr_assert_gt(times(&both, SET_CLOCK_SKEW), 0);
    cr_assert_eq(times(&both, SET_STALL), times(&alone, SET_STALL));
}

/* Twenty seconds for one way: no probe is ever answered in time. */
Test(storm, a_world_that_cannot_converge_is_late)
{
    struct lived lived;

    prepare(&lived, 3, 5);
    lived.run.settings.value[SET_LATENCY_MS] = 10000;
    lived.run.settings.value[SET_JITTER_MS] = 10000;
    live(&lived, 1);
    cr_assert(lived.out.is_late);
    cr_assert(isnan(lived.value[STORM_CONVERGED_MS]));
    cr_assert_neq(lived.out.text[0], '\0');
}

Test(storm, what_it_measures_is_there)
{
    struct lived lived;

    prepare(&lived, 5, 30);
    lived.run.settings.value[SET_OPERATIONS_PER_S] = 5;
    live(&lived, 2);
    cr_assert_gt(lived.value[STORM_LOOKED_AT], 0);
    cr_assert_leq(lived.value[STORM_VISIBLE_P50_MS], 10);
    cr_assert_gt(lived.value[STORM_BYTES_PER_NODE_S], 10);
    cr_assert_eq(lived.value[STORM_FALSE_DEATHS], 0);
    cr_assert_eq(lived.value[STORM_RUNNING + STORM_SAMPLES / 2], 5);
    cr_assert_eq(lived.value[STORM_ALIVE_LEAST + STORM_SAMPLES / 2], 5);
    /* Each client of its kind. */
    cr_assert_geq(lived.value[STORM_PEERS_LEAST + STORM_SAMPLES / 2], 6);
}
