// SPDX-License-Identifier: Apache-2.0
/* test_pool.c - work in processes of its own: what it finds comes back, what it breaks does not */
#include "sim/pool.h"

#include <criterion/criterion.h>
#include <signal.h>
#include <stdint.h>
#include <stdlib.h>
#include <unistd.h>

enum { WAIT_MS = 60000, WORKS = 20 };

static uint64_t *found;

static void begin(void)
{
    found = pool_shared(WORKS * sizeof(*found));
}

static void end(void)
{
    pool_shared_free(found, WORKS * sizeof(*found));
}

TestSuite(pool, .init = begin, .fini = end);

static void square(void *context, size_t index)
{
    uint64_t *into = context;

    into[index] = index * index;
}

Test(pool, all_work_is_done_once_and_so_many_at_a_time)
{
    struct pool *pool = pool_new(3);
    struct pool_end end;
    size_t next = 0, ended = 0, running = 0;

    while (next < WORKS || !pool_is_empty(pool)) {
        for (; next < WORKS && pool_has_room(pool); next++, running++)
            cr_assert(pool_start(pool, next, square, found));
        cr_assert_leq(running, 3);
        cr_assert_eq(pool_wait(pool, WAIT_MS, &end), POOL_ENDED);
        cr_assert(end.signal == 0 && end.status == 0);
        ended++;
        running--;
    }
    cr_assert_eq(ended, WORKS);
    for (size_t i = 0; i < WORKS; i++)
        cr_assert_eq(found[i], i * i);
    pool_free(pool);
}

static void end_badly(void *context, size_t index)
{
    (void)context;
    if (index == 0)
        kill(getpid(), SIGKILL);
    _exit(7);
}

Test(pool, how_it_ended_is_told)
{
    struct pool *pool = pool_new(2);
    struct pool_end end;

    cr_assert(pool_start(pool, 0, end_badly, NULL));
    cr_assert(pool_start(pool, 1, end_badly, NULL));
    for (int i = 0; i < 2; i++) {
        cr_assert_eq(pool_wait(pool, WAIT_MS, &end), POOL_ENDED);
        cr_assert_eq(end.signal, end.index == 0 ? SIGKILL : 0);
        cr_assert_eq(end.status, end.index == 0 ? 0 : 7);
    }
    pool_free(pool);
}

static void never_end(void *context, size_t index)
{
    uint64_t *into = context;

    into[index] = (uint64_t)getpid();
    for (;;)
        pause();
}

static bool is_there(pid_t process)
{
    return kill(process, 0) == 0;
}

static void wait_for(const volatile uint64_t *value)
{
    while (*value == 0)
        usleep(100);
}

Test(pool, timeout_passes_without_an_end)
{
    struct pool *pool = pool_new(1);
    struct pool_end end;

    cr_assert(pool_start(pool, 0, never_end, found));
    cr_assert_eq(pool_wait(pool, 1, &end), POOL_TIME);
    wait_for(&found[0]);
    pool_free(pool);
    cr_assert_not(is_there((pid_t)found[0]), "freeing kills what still runs");
}

Test(pool, interruption_kills_everything)
{
    struct pool *pool = pool_new(2);
    struct pool_end end;

    cr_assert(pool_start(pool, 0, never_end, found));
    cr_assert(pool_start(pool, 1, never_end, found));
    wait_for(&found[0]);
    wait_for(&found[1]);
    raise(SIGINT);
    cr_assert_eq(pool_wait(pool, WAIT_MS, &end), POOL_INTERRUPTED);
    cr_assert(pool_is_empty(pool));
    cr_assert_not(is_there((pid_t)found[0]));
    cr_assert_not(is_there((pid_t)found[1]));
    pool_free(pool);
}

static void abort_now(void *context, size_t index)
{
    (void)index;
    *(uint64_t *)context = 5;
    abort();
}

Test(pool, branch_is_waited_for_and_may_crash)
{
    struct pool_end end = pool_branch(square, found);

    cr_assert(end.signal == 0 && end.status == 0);
    end = pool_branch(abort_now, found);
    cr_assert_eq(end.signal, SIGABRT);
    cr_assert_eq(found[0], 5, "what it wrote before stays");
}
