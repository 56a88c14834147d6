// SPDX-License-Identifier: Apache-2.0
/* handled.h - the arcs that we have served of late, by payload: a second copy of it that names an
 * arc within one of them is only acknowledged. */
#ifndef AURORA_GOSSIP_HANDLED_H
#define AURORA_GOSSIP_HANDLED_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "gossip/arc.h"

struct handled {
    uint64_t key; /* hash of the payload; 0: a free place */
    struct arc arc;
    uint64_t at_ms;
};

/* Zeroed memory is an empty one. */
struct handled_table {
    struct handled *places; /* owned; as many for each set */
    size_t set_count;       /* a power of two; 0 until the first is added */
};

/* Have we held this arc, or one around it, for this payload? */
bool handled_has(const struct handled_table *, uint64_t key, struct arc);
/* It is kept for HANDLED_KEEP_MS, or until HANDLED_MAX newer ones have come. */
void handled_add(struct handled_table *, uint64_t key, struct arc, uint64_t now_ms);
size_t handled_bytes(const struct handled_table *);
void handled_free(struct handled_table *);

#endif
