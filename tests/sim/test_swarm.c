// SPDX-License-Identifier: Apache-2.0
/* test_swarm.c - what a seed's world is: everything happens in some, nothing depends on anything
 * but the seed */
#include "sim/swarm.h"

#include <criterion/criterion.h>
#include <string.h>

enum { SEEDS = 300 };

Test(swarm, every_fault_is_drawn_and_left_out)
{
    static size_t drawn[SETTINGS];
    struct run run;

    for (uint64_t seed = 1; seed <= SEEDS; seed++) {
        swarm_draw(&run, seed, 0, 5);
        for (size_t i = 0; i < SETTINGS; i++)
            drawn[i] += run.settings.value[i] > 0;
    }
    for (enum setting i = 0; i < SETTINGS; i++) {
        if (setting_info(i)->group != GROUP_FAULT)
            continue;
        cr_assert_gt(drawn[i], 10, "%s in %zu of %d", setting_info(i)->name, drawn[i], SEEDS);
        cr_assert_lt(drawn[i], SEEDS * 3 / 4, "%s in %zu of %d", setting_info(i)->name, drawn[i],
                     SEEDS);
    }
}

Test(swarm, what_is_drawn_could_be_typed)
{
    struct run run;

    for (uint64_t seed = 1; seed <= SEEDS; seed++) {
        swarm_draw(&run, seed, 0, 5);
        for (enum setting i = 0; i < SETTINGS; i++) {
            struct settings settings = {0};
            char assignment[80], error[2000];
            double value = run.settings.value[i];

            if (setting_info(i)->choices != NULL)
                continue;
            snprintf(assignment, sizeof(assignment), "%s=%.6g", setting_info(i)->name, value);
            cr_assert(settings_set(&settings, assignment, NULL, error, sizeof(error)),
                      "seed %lu: %s", (unsigned long)seed, error);
            cr_assert_eq(settings.value[i], value, "%s", assignment);
        }
    }
}

Test(swarm, worlds_are_small_more_often_than_large)
{
    size_t small = 0, large = 0, alone = 0;
    struct run run;

    for (uint64_t seed = 1; seed <= SEEDS; seed++) {
        swarm_draw(&run, seed, 0, 5);
        cr_assert(run.nodes >= 1 && run.nodes <= 50);
        alone += run.nodes == 1;
        small += run.nodes <= 10;
        large += run.nodes > 30;
    }
    cr_assert_gt(alone, 0);
    cr_assert_gt(small, large);
    cr_assert_gt(large, SEEDS / 10);
    swarm_draw(&run, 1, 50, 5);
    cr_assert_eq(run.nodes, 50);
}

/* As many liars as make a quorum can do anything. */
Test(swarm, liars_are_fewer_than_a_quorum)
{
    bool is_two_seen = false;
    struct run run;

    for (uint64_t seed = 1; seed <= SEEDS; seed++) {
        swarm_draw(&run, seed, 0, 5);
        size_t liars = setting_count(&run.settings, SET_TRAITORS), half = (run.nodes + 1) / 2;

        cr_assert_lt(liars, half < 3 ? half : 3);
        is_two_seen |= liars == 2;
        if (liars == 0)
            cr_assert_eq(setting(&run.settings, SET_ACCUSE), 0);
    }
    cr_assert(is_two_seen);
}

Test(swarm, a_world_is_its_seed)
{
    struct run once, again, other;

    swarm_draw(&once, 17, 0, 5);
    swarm_draw(&again, 17, 0, 5);
    swarm_draw(&other, 18, 0, 5);
    cr_assert_eq(memcmp(once.settings.value, again.settings.value, sizeof(once.settings.value)), 0);
    cr_assert_neq(memcmp(once.settings.value, other.settings.value, sizeof(once.settings.value)),
                  0);
}
