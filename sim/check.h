// SPDX-License-Identifier: Apache-2.0
/* check.h - the invariants: what must hold when somebody looks; checks.h has those that are watched
 * all the time
 *
 * A checker knows the core's public header only. What breaks is printed with the world's seed and
 * counted in world->failures; a cluster that is freed with failures nobody asked about ends the
 * process. */
#ifndef AURORA_SIM_CHECK_H
#define AURORA_SIM_CHECK_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "sim/invariant.h"
#include "sim/world.h"

/* Prints "seed S, T s, nK: I5: ..." and counts. */
void check_failed(struct world *, size_t node, enum invariant, const char *format, ...)
    __attribute__((format(printf, 4, 5)));

/* A check is being made: what is asked nowhere is told apart from what held. */
static inline void check_asked(struct world *world, enum invariant which)
{
    world->asked[which]++;
}

/* --- When somebody looks: true: holds. `tells`: print and count what does not
 * ------------------------- */

/* I17: what the events built is what the core answers, and what a naive filter over the winning
 * record and its home's standing gives. */
bool check_view(struct world *, size_t node);
/* I6: the same visible peers, by digest and by events, at every present node. */
bool check_views_equal(struct world *, bool tells);
/* I6: at this node every log of a member that is ALIVE here is proved. */
bool check_logs_proved(struct world *, size_t node, bool tells);
/* Every running node's current life is ALIVE here. `hint`: where to look first; may be NULL. */
bool check_all_alive(struct world *, size_t node, size_t *hint, bool tells);

#endif
