// SPDX-License-Identifier: Apache-2.0
/* swarm.h - random worlds: every parameter drawn from the seed */
#ifndef AURORA_SIM_SWARM_H
#define AURORA_SIM_SWARM_H

#include <stdint.h>

#include "sim/scenario.h"

#define SWARM_MINUTES 10.0

/* The world of a seed: its settings, its number of nodes (unless that is given: not 0) and for how
 * long it lives. Nothing else but these three arguments goes in. */
void swarm_draw(struct run *, uint64_t seed, size_t nodes, double minutes);

/* Every so many seeds one is run twice, and must give the same hash (I14). */
enum { SWARM_TWICE_EVERY = 16 };

#endif
