// SPDX-License-Identifier: Apache-2.0
/* prng.h - xoshiro256** (Blackman and Vigna 2018), seeded from the configuration: the core's only
 * randomness. It orders probes and jitters timers; no secret is ever drawn from it. */
#ifndef AURORA_GOSSIP_PRNG_H
#define AURORA_GOSSIP_PRNG_H

#include <stdint.h>

struct prng {
    uint64_t state[4];
};

void prng_seed(struct prng *prng, const uint8_t seed[32]);
uint64_t prng_next(struct prng *prng);
/* Uniform in [0, bound), bound > 0 (Lemire's multiply; the bias of < 2^-32 is harmless here). */
uint32_t prng_below(struct prng *prng, uint32_t bound);
/* base_ms plus or minus percent of it, uniform. */
uint64_t prng_jitter(struct prng *prng, uint64_t base_ms, uint32_t percent);

#endif
