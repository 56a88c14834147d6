// SPDX-License-Identifier: Apache-2.0
/* prng.c - xoshiro256**: deterministic randomness for probe order and jitter. */
#include "gossip/prng.h"

#include <assert.h>
#include <string.h>

static uint64_t rotate_left(uint64_t x, int bits)
{
    return (x << bits) | (x >> (64 - bits));
}

void prng_seed(struct prng *prng, const uint8_t seed[32])
{
    memcpy(prng->state, seed, sizeof prng->state);
    /* The all-zero state is the generator's one fixed point. */
    prng->state[0] |= 1;
    for (int i = 0; i < 16; i++)
        prng_next(prng);
}

uint64_t prng_next(struct prng *prng)
{
    uint64_t *s = prng->state;
    uint64_t result = rotate_left(s[1] * 5, 7) * 9;
    uint64_t t = s[1] << 17;
    s[2] ^= s[0];
    s[3] ^= s[1];
    s[1] ^= s[2];
    s[0] ^= s[3];
    s[2] ^= t;
    s[3] = rotate_left(s[3], 45);
    return result;
}

uint32_t prng_below(struct prng *prng, uint32_t bound)
{
    assert(bound > 0);
    return (uint32_t)(((prng_next(prng) >> 32) * bound) >> 32);
}

uint64_t prng_jitter(struct prng *prng, uint64_t base_ms, uint32_t percent)
{
    assert(percent <= 100);
    uint64_t span_ms = base_ms * percent / 100;
    assert(span_ms < UINT32_MAX / 2);
    return base_ms - span_ms + prng_below(prng, (uint32_t)(2 * span_ms + 1));
}
