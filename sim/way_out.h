// SPDX-License-Identifier: Apache-2.0
/* way_out.h - a node's link to the network: so many bytes a second, and a queue before it */
#ifndef AURORA_SIM_WAY_OUT_H
#define AURORA_SIM_WAY_OUT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* IPv4 and UDP headers count, as they do on a real link. */
#define WAY_OUT_HEADER_BYTES 28

/* Zeroed: idle. */
struct way_out {
    uint64_t free_ns;    /* when what was taken will have left */
    uint64_t *starts_ns; /* a ring: when each that waits begins to leave */
    size_t capacity, first, waiting;
};

/* False: `queue_packets` wait already, and this one is lost. Else *delay_us until its last byte has
 * left. */
bool way_out_take(struct way_out *, uint64_t now_us, size_t len, double bytes_per_s,
                  size_t queue_packets, uint64_t *delay_us);
void way_out_free(struct way_out *);

#endif
