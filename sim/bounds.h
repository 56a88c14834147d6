// SPDX-License-Identifier: Apache-2.0
/* bounds.h - how long, how many and how much: what the checkers hold a world to, each with its
 * reason
 *
 * These are promises of docs/PROTOCOL.md, written down a second time: a limit that is changed in
 * the core alone is found here. */
#ifndef AURORA_SIM_BOUNDS_H
#define AURORA_SIM_BOUNDS_H

#include <stddef.h>
#include <stdint.h>

/* q = min(3, ceil(N/2)). */
#define BOUND_QUORUM 3

#endif
