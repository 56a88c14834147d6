// SPDX-License-Identifier: Apache-2.0
/* twins.h - I15: two worlds of one seed whose networks alone differ: what one delivers once and in
 * order the other loses, repeats and shuffles
 *
 * Same nodes, same keys, same starts, same clients' commands at the same microseconds at the same
 * homes: so the same operations, byte for byte. In the end, faults being over, both must hold the
 * same logs and show the same peers. */
#ifndef AURORA_SIM_TWINS_H
#define AURORA_SIM_TWINS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "sim/cluster.h"

/* Lives one of them; the caller frees it. */
struct cluster *twins_live(uint64_t seed, size_t nodes, bool is_wild);
/* True: they are equal. What is not is counted as broken in `wild`. */
bool twins_compare(struct cluster *calm, struct cluster *wild);
/* Both, compared, and freed; true: they are equal, and nothing else broke. */
bool twins_agree(uint64_t seed, size_t nodes);

#endif
