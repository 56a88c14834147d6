// SPDX-License-Identifier: Apache-2.0
/* pool.h - work in processes of its own, so many at a time
 *
 * Each piece of work runs in a copy of this process and ends with it: what it finds goes to memory
 * that was shared before (pool_shared), what it breaks stays its own. Whoever runs the pool starts
 * work while there is room and waits for what ends. */
#ifndef AURORA_SIM_POOL_H
#define AURORA_SIM_POOL_H

#include <stdbool.h>
#include <stddef.h>

struct pool;

enum pool_event {
    POOL_ENDED = 1,   /* a piece of work did; see struct pool_end */
    POOL_TIME,        /* nothing ended within the timeout */
    POOL_INTERRUPTED, /* SIGINT, SIGTERM or SIGHUP: the rest was killed, the pool is empty */
};

struct pool_end {
    size_t index;
    int signal; /* that killed it; 0: it exited by itself, with `status` */
    int status;
};

/* From here to pool_free SIGINT, SIGTERM and SIGHUP reach this process only in pool_wait. */
struct pool *pool_new(size_t workers);
/* Kills what still runs. */
void pool_free(struct pool *);
bool pool_has_room(const struct pool *);
bool pool_is_empty(const struct pool *);
/* There must be room. In the copy: work(context, index), then exit 0; it is killed when this
 * process dies. False: no process could be made (errno). */
bool pool_start(struct pool *, size_t index, void (*work)(void *context, size_t index),
                void *context);
enum pool_event pool_wait(struct pool *, unsigned timeout_ms, struct pool_end *);

/* Zeroed memory that this process and all its copies see the same way. Running out ends the
 * process. */
void *pool_shared(size_t bytes);
void pool_shared_free(void *memory, size_t bytes);

/* One copy of this process that the caller waits for. Streams are flushed before. */
struct pool_end pool_branch(void (*work)(void *context, size_t index), void *context);
/* The machine's cores. */
size_t pool_cores(void);

#endif
