// SPDX-License-Identifier: Apache-2.0
/* turns.c - how long a loop's turns take */
#include "node/turns.h"

#include <assert.h>
#include <time.h>

static const uint64_t bounds_us[] = {
#define BOUND_OF(us, seconds) us,
    TURNS_BUCKETS(BOUND_OF)
#undef BOUND_OF
};

static_assert(sizeof bounds_us / sizeof bounds_us[0] + 1 == TURNS_BUCKET_COUNT,
              "one bucket more than bounds");

struct turns turns_by_loop[TURNS_LOOPS];

uint64_t turns_now_us(void)
{
    struct timespec now;

    clock_gettime(CLOCK_MONOTONIC, &now);
    return (uint64_t)now.tv_sec * 1000000 + (uint64_t)now.tv_nsec / 1000;
}

void turns_add(struct turns *of, uint64_t us)
{
    size_t bucket = 0;

    while (bucket < TURNS_BUCKET_COUNT - 1 && us > bounds_us[bucket])
        bucket++;
    atomic_fetch_add_explicit(&of->buckets[bucket], 1, memory_order_relaxed);
    atomic_fetch_add_explicit(&of->sum_us, us, memory_order_relaxed);
    uint64_t most = atomic_load_explicit(&of->most_us, memory_order_relaxed);
    while (us > most && !atomic_compare_exchange_weak_explicit(
                            &of->most_us, &most, us, memory_order_relaxed, memory_order_relaxed))
        ;
}
