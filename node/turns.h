// SPDX-License-Identifier: Apache-2.0
/* turns.h - how long a loop's turns take: from the return of its wait to the next wait
 *
 * Whatever comes in meanwhile waits for so long, a probe as well as a request: this is what shows
 * a stall. Written by the loops' threads, read by /metrics. */
#ifndef AURORA_NODE_TURNS_H
#define AURORA_NODE_TURNS_H

#include <stdatomic.h>
#include <stddef.h>
#include <stdint.h>

enum turns_loop { TURNS_GOSSIP = 0, TURNS_HTTP, TURNS_LOOPS };

/* X(upper bound in microseconds, the same in seconds): the buckets of a histogram; longer turns are
 * in one more. */
#define TURNS_BUCKETS(X) \
    X(100, "0.0001")     \
    X(250, "0.00025")    \
    X(500, "0.0005")     \
    X(1000, "0.001")     \
    X(2500, "0.0025")    \
    X(5000, "0.005")     \
    X(10000, "0.01")     \
    X(25000, "0.025")    \
    X(100000, "0.1")     \
    X(1000000, "1")
#define TURNS_BUCKET_COUNT 11

/* The HTTP threads count together. */
struct turns {
    atomic_uint_fast64_t buckets[TURNS_BUCKET_COUNT]; /* each turn in one */
    atomic_uint_fast64_t sum_us, most_us;
};

extern struct turns turns_by_loop[TURNS_LOOPS];

/* Of no meaning but in differences. */
uint64_t turns_now_us(void);
void turns_add(struct turns *, uint64_t us);

#endif
