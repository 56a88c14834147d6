// SPDX-License-Identifier: Apache-2.0
/* test_clock.c - a machine's clock against the world's */
#include "sim/clock.h"
#include "sim/random.h"

#include <criterion/criterion.h>

Test(clock, without_drift_only_the_phase_differs)
{
    struct clock clock = {.local_us = 123};

    cr_assert_eq(clock_us(&clock, 1000000), 1000123);
    cr_assert_eq(clock_world_us(&clock, 1000123), 1000000);
    cr_assert_eq(clock_world_us(&clock, 100), 0, "what is past is as early as can be");
}

Test(clock, five_hundred_ppm_are_three_tenths_of_a_second_in_ten_minutes)
{
    struct clock fast = {0}, slow = {0};

    clock_set_drift(&fast, 0, 500);
    clock_set_drift(&slow, 0, -500);
    cr_assert_eq(clock_us(&fast, 600000000), 600300000);
    cr_assert_eq(clock_us(&slow, 600000000), 599700000);
    cr_assert_eq(clock_world_us(&fast, 600000000), 599700150);
}

Test(clock, never_goes_back_whatever_its_drift_becomes)
{
    struct random random = random_stream(3, 't');
    struct clock clock = {.local_us = 77};
    uint64_t world_us = 0, last_us = 0;

    for (size_t i = 0; i < 100000; i++) {
        uint64_t now_us = clock_us(&clock, world_us += random_below(&random, 5000));

        cr_assert_geq(now_us, last_us);
        last_us = now_us;
        if (random_chance(&random, 0.01))
            clock_set_drift(&clock, world_us, (int32_t)random_below(&random, 20001) - 10000);
        cr_assert_eq(clock_us(&clock, world_us), now_us, "a new drift is no jump");
    }
}

/* A deadline that is looked for too early is looked for again at once, for ever; one that is looked
 * for too late is late. */
Test(clock, the_moment_of_a_deadline_is_the_first_at_which_it_has_passed)
{
    struct random random = random_stream(4, 't');

    for (size_t i = 0; i < 100000; i++) {
        struct clock clock = {.since_us = random_below(&random, 1u << 31), .local_us = 5};
        uint64_t past_us = random_below(&random, UINT32_MAX);

        clock.local_us += random_below(&random, 1u << 31);
        clock.drift_ppm = (int32_t)random_below(&random, 20001) - 10000;
        past_us *= 1 + random_below(&random, 1000); /* up to a month and more */
        uint64_t at_us = clock_world_us(&clock, clock.local_us + past_us);
        cr_assert_geq(clock_us(&clock, at_us), clock.local_us + past_us);
        if (at_us > clock.since_us)
            cr_assert_lt(clock_us(&clock, at_us - 1), clock.local_us + past_us);
    }
}
