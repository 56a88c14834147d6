// SPDX-License-Identifier: Apache-2.0
/* detectors.h - several failure detectors in the same worlds, and what each of them gets wrong */
#ifndef AURORA_SIM_DETECTORS_H
#define AURORA_SIM_DETECTORS_H

#include "sim/scenario.h"

enum { DETECTORS = 3 };

/* Each of the three, unless the run was told which one. In the order in which they are shown. */
size_t detectors_count(const struct run *);
enum gossip_detector detectors_at(const struct run *, size_t index);
const char *detector_name(enum gossip_detector);

/* A booted, quiet world with this detector; NULL: it did not come up. */
struct cluster *detectors_world(struct cell *, enum gossip_detector, size_t nodes, uint64_t seed);

/* Numbers of a cell's outcome, as Dadgar, Phillips and Currey (2017) count: a healthy member is one
 * that nothing was done to; each declaration of its death at each member is a false positive. */
enum mistake {
    FALSE_POSITIVES = 0,
    FALSE_POSITIVES_HEALTHY, /* ... those at healthy members */
    HIT_DECLARED,            /* healthy members declared one dead that was hit: no mistake */
    PACKETS,
    BYTES,
    MISTAKES
};
/* What there is now, less `before` (may be NULL). */
void mistakes_count(const struct cluster *, const struct node_set *hit, const double *before,
                    double *out);
/* So many different nodes, at random. */
struct node_set nodes_drawn(struct random *, size_t nodes, size_t count);

#endif
