// SPDX-License-Identifier: Apache-2.0
/* clock.h - a machine's oscillator: its own microseconds against the world's, fast or slow by so
 * many parts in a million
 *
 * It never goes back: a change of drift goes on from where the clock is. */
#ifndef AURORA_SIM_CLOCK_H
#define AURORA_SIM_CLOCK_H

#include <assert.h>
#include <stdint.h>

#define CLOCK_DRIFT_MAX_PPM 100000 /* a tenth; real ones stay below 500 */

struct clock {
    uint64_t since_us; /* of the world: when this drift began */
    uint64_t local_us; /* of the machine then */
    int32_t drift_ppm;
};

static inline uint64_t clock_us(const struct clock *clock, uint64_t world_us)
{
    assert(world_us >= clock->since_us);
    uint64_t elapsed_us = world_us - clock->since_us;

    if (clock->drift_ppm == 0)
        return clock->local_us + elapsed_us;
    if (clock->drift_ppm > 0)
        return clock->local_us + elapsed_us + elapsed_us * (uint64_t)clock->drift_ppm / 1000000;
    return clock->local_us + elapsed_us - elapsed_us * (uint64_t)-clock->drift_ppm / 1000000;
}

/* The world's first microsecond at which the machine's clock shows this much (or more). */
static inline uint64_t clock_world_us(const struct clock *clock, uint64_t local_us)
{
    if (local_us <= clock->local_us)
        return clock->since_us;
    uint64_t wanted_us = local_us - clock->local_us;
    if (clock->drift_ppm == 0)
        return clock->since_us + wanted_us;
    double rate = 1 + clock->drift_ppm / 1e6;
    uint64_t at_us = clock->since_us + (uint64_t)((double)wanted_us / rate);
    while (clock_us(clock, at_us) < local_us)
        at_us++;
    while (at_us > clock->since_us && clock_us(clock, at_us - 1) >= local_us)
        at_us--;
    return at_us;
}

static inline void clock_set_drift(struct clock *clock, uint64_t world_us, int32_t drift_ppm)
{
    assert(drift_ppm >= -CLOCK_DRIFT_MAX_PPM && drift_ppm <= CLOCK_DRIFT_MAX_PPM);
    clock->local_us = clock_us(clock, world_us);
    clock->since_us = world_us;
    clock->drift_ppm = drift_ppm;
}

#endif
