// SPDX-License-Identifier: Apache-2.0
/* random.h - the world's own generator (splitmix64): one seed, and streams derived from it */
#ifndef AURORA_SIM_RANDOM_H
#define AURORA_SIM_RANDOM_H

#include <assert.h>
#include <math.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct random {
    uint64_t state;
};

static inline uint64_t random_next(struct random *random)
{
    uint64_t z = random->state += UINT64_C(0x9e3779b97f4a7c15);

    z = (z ^ (z >> 30)) * UINT64_C(0xbf58476d1ce4e5b9);
    z = (z ^ (z >> 27)) * UINT64_C(0x94d049bb133111eb);
    return z ^ (z >> 31);
}

/* A stream of its own for each purpose: drawing more from one leaves the others as they were. */
static inline struct random random_stream(uint64_t seed, uint64_t purpose)
{
    struct random random = {seed ^ purpose * UINT64_C(0xd6e8feb86659fd93)};

    random_next(&random);
    return random;
}

/* 0 to limit - 1. The bias of the multiplication is below 2^-32 for the limits used here. */
static inline uint64_t random_below(struct random *random, uint64_t limit)
{
    assert(limit > 0 && limit <= UINT32_MAX);
    return (random_next(random) >> 32) * limit >> 32;
}

/* [0, 1) */
static inline double random_unit(struct random *random)
{
    return (double)(random_next(random) >> 11) * 0x1p-53;
}

/* Draws nothing when the answer is certain. */
static inline bool random_chance(struct random *random, double probability)
{
    return probability > 0 && (probability >= 1 || random_unit(random) < probability);
}

/* Normal, mean 0 and deviation 1 (Box and Muller 1958). */
static inline double random_normal(struct random *random)
{
    double radius = sqrt(-2 * log(1 - random_unit(random)));

    return radius * cos(6.283185307179586 * random_unit(random));
}

static inline void random_fill(struct random *random, uint8_t *out, size_t len)
{
    for (size_t i = 0; i < len; i++)
        out[i] = (uint8_t)(random_next(random) >> 56);
}

#endif
