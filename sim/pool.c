// SPDX-License-Identifier: Apache-2.0
/* pool.c - copies of this process, waited for together with the signals that end it all */
#define _DEFAULT_SOURCE /* MAP_ANONYMOUS */
#include "sim/pool.h"

#include "sim/memory.h"

#include <assert.h>
#include <errno.h>
#include <signal.h>
#include <stdint.h>
#include <stdio.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

enum { NO_PROCESS = -1 };

struct worker {
    pid_t process; /* 0: free */
    size_t index;
};

struct pool {
    size_t workers, running;
    sigset_t awaited; /* SIGCHLD, and what interrupts */
    sigset_t before;
    struct worker worker[];
};

/* A signal that was ignored when we came (nohup, a background job) stays ignored. */
static void await_unless_ignored(sigset_t *set, int signal)
{
    struct sigaction now;

    if (sigaction(signal, NULL, &now) == 0 && now.sa_handler != SIG_IGN)
        sigaddset(set, signal);
}

struct pool *pool_new(size_t workers)
{
    struct pool *pool = memory_new(1, sizeof(*pool) + workers * sizeof(pool->worker[0]));
    struct sigaction usual = {.sa_handler = SIG_DFL};

    assert(workers > 0);
    pool->workers = workers;
    sigemptyset(&usual.sa_mask);
    sigaction(SIGCHLD, &usual, NULL); /* if it came ignored, nothing could be waited for */
    sigemptyset(&pool->awaited);
    sigaddset(&pool->awaited, SIGCHLD);
    await_unless_ignored(&pool->awaited, SIGINT);
    await_unless_ignored(&pool->awaited, SIGTERM);
    await_unless_ignored(&pool->awaited, SIGHUP);
    sigprocmask(SIG_BLOCK, &pool->awaited, &pool->before);
    return pool;
}

static void kill_all(struct pool *pool)
{
    for (size_t i = 0; i < pool->workers; i++)
        if (pool->worker[i].process != 0)
            kill(pool->worker[i].process, SIGKILL);
    for (size_t i = 0; i < pool->workers; i++)
        if (pool->worker[i].process != 0) {
            while (waitpid(pool->worker[i].process, NULL, 0) < 0 && errno == EINTR)
                ;
            pool->worker[i].process = 0;
        }
    pool->running = 0;
}

void pool_free(struct pool *pool)
{
    kill_all(pool);
    sigprocmask(SIG_SETMASK, &pool->before, NULL);
    free(pool);
}

bool pool_has_room(const struct pool *pool)
{
    return pool->running < pool->workers;
}

bool pool_is_empty(const struct pool *pool)
{
    return pool->running == 0;
}

/* In the copy. It must not outlive its parent, which may have died before it could say so. */
static void live(pid_t parent, void (*work)(void *, size_t), void *context, size_t index)
{
    prctl(PR_SET_PDEATHSIG, SIGKILL);
    if (getppid() != parent)
        _exit(1);
    work(context, index);
    fflush(NULL);
    _exit(0);
}

bool pool_start(struct pool *pool, size_t index, void (*work)(void *context, size_t index),
                void *context)
{
    struct worker *worker = pool->worker;
    pid_t parent = getpid();

    assert(pool_has_room(pool));
    while (worker->process != 0)
        worker++;
    fflush(NULL); /* what waits in a buffer must not be written twice */
    pid_t process = fork();
    if (process == NO_PROCESS)
        return false;
    if (process == 0) {
        sigprocmask(SIG_SETMASK, &pool->before, NULL);
        live(parent, work, context, index);
    }
    worker->process = process;
    worker->index = index;
    pool->running++;
    return true;
}

static struct pool_end end_of(size_t index, int state)
{
    struct pool_end end = {.index = index};

    if (WIFSIGNALED(state))
        end.signal = WTERMSIG(state);
    else
        end.status = WEXITSTATUS(state);
    return end;
}

static bool reap(struct pool *pool, struct pool_end *end)
{
    for (size_t i = 0; i < pool->workers; i++) {
        int state = 0;

        if (pool->worker[i].process == 0 ||
            waitpid(pool->worker[i].process, &state, WNOHANG) != pool->worker[i].process)
            continue;
        *end = end_of(pool->worker[i].index, state);
        pool->worker[i].process = 0;
        pool->running--;
        return true;
    }
    return false;
}

enum pool_event pool_wait(struct pool *pool, unsigned timeout_ms, struct pool_end *end)
{
    struct timespec until, now, rest;

    clock_gettime(CLOCK_MONOTONIC, &until);
    int64_t until_ns =
        (int64_t)until.tv_sec * 1000000000 + until.tv_nsec + (int64_t)timeout_ms * 1000000;
    for (;;) {
        if (reap(pool, end))
            return POOL_ENDED;
        clock_gettime(CLOCK_MONOTONIC, &now);
        int64_t rest_ns = until_ns - (int64_t)now.tv_sec * 1000000000 - now.tv_nsec;
        rest_ns = rest_ns > 0 ? rest_ns : 0;
        rest = (struct timespec){.tv_sec = (time_t)(rest_ns / 1000000000),
                                 .tv_nsec = (long)(rest_ns % 1000000000)};
        int signal = sigtimedwait(&pool->awaited, NULL, &rest);
        if (signal > 0 && signal != SIGCHLD) {
            kill_all(pool);
            return POOL_INTERRUPTED;
        }
        if (signal < 0 && errno == EAGAIN)
            return POOL_TIME;
    }
}

void *pool_shared(size_t bytes)
{
    void *memory =
        mmap(NULL, bytes ? bytes : 1, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);

    if (memory == MAP_FAILED)
        abort();
    return memory;
}

void pool_shared_free(void *memory, size_t bytes)
{
    munmap(memory, bytes ? bytes : 1);
}

struct pool_end pool_branch(void (*work)(void *context, size_t index), void *context)
{
    pid_t parent = getpid();
    int state = 0;

    fflush(NULL);
    pid_t process = fork();
    if (process == NO_PROCESS)
        return (struct pool_end){.status = 1};
    if (process == 0)
        live(parent, work, context, 0);
    while (waitpid(process, &state, 0) < 0 && errno == EINTR)
        ;
    return end_of(0, state);
}

size_t pool_cores(void)
{
    long cores = sysconf(_SC_NPROCESSORS_ONLN);

    return cores > 0 ? (size_t)cores : 1;
}
