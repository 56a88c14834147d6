// SPDX-License-Identifier: Apache-2.0
/* clock.c - the two clocks of the machine, in milliseconds */
#include "node/clock.h"

#include <time.h>

static uint64_t clock_us(clockid_t id)
{
    struct timespec now;

    clock_gettime(id, &now); /* cannot fail for these two */
    return (uint64_t)now.tv_sec * 1000000u + (uint64_t)now.tv_nsec / 1000u;
}

uint64_t clock_mono_ms(void)
{
    return clock_us(CLOCK_MONOTONIC) / 1000u;
}

uint64_t clock_wall_us(void)
{
    return clock_us(CLOCK_REALTIME);
}

uint64_t clock_wall_ms(void)
{
    return clock_wall_us() / 1000u;
}

struct gossip_time clock_now(void)
{
    return (struct gossip_time){clock_mono_ms(), clock_wall_ms()};
}
