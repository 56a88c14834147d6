// SPDX-License-Identifier: Apache-2.0
/* test_loop.c - descriptors, timers, wake-ups from other threads, signals: each calls back as
 * promised */
#include "node/loop.h"

#include <criterion/criterion.h>
#include <signal.h>
#include <string.h>
#include <unistd.h>

#include "node/clock.h"
#include "node/thread.h"
#include "node/turns.h"

static struct loop *loop;
static int calls;

static void begin(void)
{
    loop = loop_new();
    calls = 0;
}

static void end(void)
{
    loop_free(loop);
}

TestSuite(loop, .init = begin, .fini = end, .timeout = 30);

static void stop(void *context)
{
    (void)context;
    calls++;
    loop_stop(loop);
}

Test(loop, a_timer_never_fires_early)
{
    for (uint64_t ms = 1; ms < 40; ms += 3) {
        struct loop_timer timer = {.context = NULL};
        uint64_t started_ms = clock_mono_ms();

        loop_timer_init(&timer, loop, stop, NULL);
        loop_timer_start(&timer, ms);
        cr_assert(loop_timer_is_running(&timer));
        loop_run(loop);
        cr_assert_geq(clock_mono_ms() - started_ms, ms);
        cr_assert_not(loop_timer_is_running(&timer));
    }
}

Test(loop, starting_a_timer_again_moves_it)
{
    struct loop_timer timer = {.context = NULL};
    uint64_t started_ms = clock_mono_ms();

    loop_timer_init(&timer, loop, stop, NULL);
    loop_timer_start(&timer, 100000);
    loop_timer_start(&timer, 1);
    loop_run(loop);
    cr_assert_leq(clock_mono_ms() - started_ms, 5000);
    cr_assert_eq(calls, 1);
    loop_timer_start(&timer, 1);
    loop_timer_stop(&timer);
    loop_run(loop); /* nothing is left to wait for */
    cr_assert_eq(calls, 1);
}

struct reading {
    struct loop_fd watcher;
    int fd;
    unsigned last;
};

static void on_ready(void *context, unsigned ready)
{
    struct reading *reading = context;

    reading->last = ready;
    calls++;
    loop_stop(loop);
}

Test(loop, a_descriptor_is_watched_for_what_was_asked)
{
    struct reading reading = {.last = 0};
    int fds[2];

    cr_assert_eq(pipe(fds), 0);
    loop_fd_init(&reading.watcher, loop, fds[1], on_ready, &reading);
    loop_fd_watch(&reading.watcher, LOOP_WRITE);
    loop_run(loop);
    cr_assert_eq(reading.last, LOOP_WRITE);
    loop_fd_watch(&reading.watcher, 0);
    loop_run(loop); /* nothing is left to wait for */
    cr_assert_eq(calls, 1);

    loop_fd_init(&reading.watcher, loop, fds[0], on_ready, &reading);
    loop_fd_watch(&reading.watcher, LOOP_READ);
    cr_assert_eq(write(fds[1], "x", 1), 1);
    loop_run(loop);
    cr_assert_eq(reading.last, LOOP_READ);
    loop_fd_stop(&reading.watcher);
    close(fds[0]);
    close(fds[1]);
}

static void *send_wake(void *context)
{
    loop_wake_send(context);
    return NULL;
}

Test(loop, another_thread_wakes_it)
{
    struct loop_wake wake = {.context = NULL};
    pthread_t thread;

    loop_wake_init(&wake, loop, stop, NULL);
    cr_assert(thread_start(&thread, "waker", send_wake, &wake));
    loop_run(loop);
    cr_assert_eq(calls, 1);
    pthread_join(thread, NULL);
    loop_wake_stop(&wake);
}

static void on_signal(void *context, int number)
{
    *(int *)context = number;
    loop_stop(loop);
}

Test(loop, a_signal_is_told_by_number)
{
    struct loop_signal watcher = {.context = NULL};
    int number = 0;

    loop_signal_init(&watcher, loop, SIGHUP, on_signal, &number);
    raise(SIGHUP);
    loop_run(loop);
    cr_assert_eq(number, SIGHUP);
    loop_signal_stop(&watcher);
}

static void count(void *context)
{
    (*(int *)context)++;
}

Test(loop, before_sleeping_it_calls_once_a_turn)
{
    struct loop_idle idle = {.context = NULL};
    struct loop_timer timer = {.context = NULL};
    int turns = 0;

    loop_idle_init(&idle, loop, count, &turns);
    loop_timer_init(&timer, loop, stop, NULL);
    loop_timer_start(&timer, 5);
    loop_run(loop);
    cr_assert_geq(turns, 1);
    cr_assert_leq(turns, 10, "it sleeps in between");
    loop_idle_stop(&idle);
}

/* --- Turns --------------------------------------------------------------------------------- */

static uint64_t turns_counted(const struct turns *of, size_t from_bucket)
{
    uint64_t count = 0;

    for (size_t i = from_bucket; i < TURNS_BUCKET_COUNT; i++)
        count += atomic_load(&of->buckets[i]);
    return count;
}

static void work_then_stop(void *context)
{
    uint64_t begun_us = turns_now_us();

    while (turns_now_us() - begun_us < 12000)
        ;
    stop(context);
}

/* What the loop waited for does not count, what it did then does. */
Test(loop, a_long_turn_is_counted_and_a_wait_is_not)
{
    static struct turns counted;
    struct loop_timer works = {.context = NULL}, ends = {.context = NULL};

    loop_measure(loop, &counted);
    loop_timer_init(&works, loop, work_then_stop, NULL);
    loop_timer_init(&ends, loop, stop, NULL);
    loop_timer_start(&works, 30);
    loop_run(loop);
    loop_timer_start(&ends, 1); /* the turn that worked ends where the next wait begins */
    loop_run(loop);
    cr_assert_geq(turns_counted(&counted, 7), 1U, "of over 10 ms");
    cr_assert_geq(atomic_load(&counted.most_us), 12000U);
    cr_assert_geq(atomic_load(&counted.sum_us), 12000U);
}

Test(loop, turns_are_in_the_bucket_of_their_length)
{
    static struct turns counted;

    turns_add(&counted, 100);
    turns_add(&counted, 101);
    turns_add(&counted, 5000);
    turns_add(&counted, 99999999);
    cr_assert_eq(atomic_load(&counted.buckets[0]), 1U);
    cr_assert_eq(atomic_load(&counted.buckets[1]), 1U);
    cr_assert_eq(atomic_load(&counted.buckets[5]), 1U);
    cr_assert_eq(atomic_load(&counted.buckets[TURNS_BUCKET_COUNT - 1]), 1U);
    cr_assert_eq(turns_counted(&counted, 0), 4U);
    cr_assert_eq(atomic_load(&counted.most_us), 99999999U);
}
