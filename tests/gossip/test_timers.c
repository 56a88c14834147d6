// SPDX-License-Identifier: Apache-2.0
/* test_timers.c - deadlines come out in time order, ties in the order in which they were set */
#include "gossip/timers.h"

#include "gossip/prng.h"

#include <criterion/criterion.h>

#define MANY 500

struct owner {
    int before;
    struct timer timer;
};

static struct timers timers;

static void stop(void)
{
    timers_free(&timers);
}

TestSuite(timers, .fini = stop);

Test(timers, nothing_set_means_never)
{
    struct timer idle = {0};

    cr_assert_eq(timers_next_ms(&timers), UINT64_MAX);
    cr_assert_null(timers_pop(&timers, UINT64_MAX));
    cr_assert_not(timer_is_set(&idle));
    timer_cancel(&timers, &idle);
}

Test(timers, due_means_at_or_before_now)
{
    struct timer timer = {0};

    timer_set(&timers, &timer, TIMER_HOP, 100);
    cr_assert(timer_is_set(&timer));
    cr_assert_eq(timers_next_ms(&timers), 100U);
    cr_assert_null(timers_pop(&timers, 99));
    cr_assert_eq(timers_pop(&timers, 100), &timer);
    cr_assert_eq(timer.kind, TIMER_HOP);
    cr_assert_not(timer_is_set(&timer));
    cr_assert_null(timers_pop(&timers, 100));
}

Test(timers, ties_fire_in_the_order_they_were_set)
{
    static struct timer many[MANY];

    for (size_t i = 0; i < MANY; i++)
        timer_set(&timers, &many[i], TIMER_LEASE, 7);
    timer_set(&timers, &many[0], TIMER_LEASE, 7); /* set again: now the last */
    for (size_t i = 1; i < MANY; i++)
        cr_assert_eq(timers_pop(&timers, 7), &many[i]);
    cr_assert_eq(timers_pop(&timers, 7), &many[0]);
}

Test(timers, setting_again_moves_and_changes_the_kind)
{
    struct timer a = {0}, b = {0};

    timer_set(&timers, &a, TIMER_HOP, 10);
    timer_set(&timers, &b, TIMER_HOP, 20);
    timer_set(&timers, &a, TIMER_PULL, 30);
    cr_assert_eq(timers.count, 2U);
    cr_assert_eq(timers_pop(&timers, 100), &b);
    cr_assert_eq(timers_pop(&timers, 100), &a);
    cr_assert_eq(a.kind, TIMER_PULL);
}

Test(timers, cancelled_timer_never_fires)
{
    struct timer a = {0}, b = {0}, c = {0};

    timer_set(&timers, &a, TIMER_HOP, 10);
    timer_set(&timers, &b, TIMER_HOP, 20);
    timer_set(&timers, &c, TIMER_HOP, 30);
    timer_cancel(&timers, &a);
    timer_cancel(&timers, &a);
    timer_cancel(&timers, &c);
    cr_assert_eq(timers_pop(&timers, 100), &b);
    cr_assert_null(timers_pop(&timers, 100));
}

Test(timers, free_leaves_every_timer_idle)
{
    struct timer a = {0};

    timer_set(&timers, &a, TIMER_HOP, 10);
    timers_free(&timers);
    cr_assert_not(timer_is_set(&a));
}

Test(timers, owner_is_found_from_its_timer)
{
    struct owner owner = {.before = 1};

    cr_assert_eq(TIMER_OWNER(&owner.timer, struct owner, timer), &owner);
}

static uint64_t orders[MANY]; /* by timer: when it was set */

static struct timer *naive_first(struct timer *all)
{
    struct timer *first = NULL;

    for (size_t i = 0; i < MANY; i++) {
        if (timer_is_set(&all[i]) &&
            (first == NULL || all[i].at_ms < first->at_ms ||
             (all[i].at_ms == first->at_ms && orders[i] < orders[first - all])))
            first = &all[i];
    }
    return first;
}

Test(timers, any_mixture_agrees_with_a_naive_search)
{
    static const uint8_t seed[32] = {42};
    static struct timer all[MANY];
    struct prng prng;

    prng_seed(&prng, seed);
    for (int step = 0; step < 20000; step++) {
        struct timer *timer = &all[prng_below(&prng, MANY)];
        uint32_t choice = prng_below(&prng, 8);
        if (choice < 5) {
            timer_set(&timers, timer, TIMER_HOP, prng_below(&prng, 100));
            orders[timer - all] = timers.order;
        } else if (choice < 7) {
            timer_cancel(&timers, timer);
        } else {
            struct timer *expected = naive_first(all);
            cr_assert_eq(timers_next_ms(&timers), expected == NULL ? UINT64_MAX : expected->at_ms);
            cr_assert_eq(timers_pop(&timers, UINT64_MAX), expected, "step %d", step);
        }
    }
}
