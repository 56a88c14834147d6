// SPDX-License-Identifier: Apache-2.0
/* storm.h - one world in two phases: faults as the settings say, safety checked all the time; then
 * it heals, and everything must converge within a stated bound (bounds.h)
 *
 * Each kind of fault is a Poisson process with a generator of its own, and so is each client:
 * taking one kind away leaves the times of all others as they were, which makes a failing world
 * easy to cut down. */
#ifndef AURORA_SIM_STORM_H
#define AURORA_SIM_STORM_H

#include "sim/scenario.h"

enum { STORM_SAMPLES = 120 };

/* Of a storm's outcome: indices into outcome.value. */
enum storm_value {
    STORM_SECONDS = 0,  /* virtual, of the whole world */
    STORM_CONVERGED_MS, /* after the heal; NAN: it did not */
    STORM_BOUND_MS,     /* that it had */
    STORM_FALSE_DEATHS, /* running nodes that were declared DEAD; each declaration at each node */
    STORM_BYTES_PER_NODE_S,
    STORM_LOOKED_AT, /* times at which a registration came to be seen at a node */
    STORM_VISIBLE_P50_MS,
    STORM_VISIBLE_P99_MS,
    STORM_VISIBLE_MAX_MS,
    STORM_FAULTS,                                   /* by kind: STORM_FAULTS + setting - SET_CUT */
    STORM_AT_S = STORM_FAULTS + SETTINGS - SET_CUT, /* samples over time */
    STORM_RUNNING = STORM_AT_S + STORM_SAMPLES,
    STORM_ALIVE_LEAST = STORM_RUNNING + STORM_SAMPLES, /* members alive, where they are fewest */
    STORM_PEERS_LEAST = STORM_ALIVE_LEAST + STORM_SAMPLES,
    STORM_PEERS_MOST = STORM_PEERS_LEAST + STORM_SAMPLES,
    STORM_VALUES = STORM_PEERS_MOST + STORM_SAMPLES
};

/* Lives one world of the cell's run, with its settings; ends it, and fills the outcome. */
void storm_live(struct cell *, uint64_t seed);

#endif
