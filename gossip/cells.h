// SPDX-License-Identifier: Apache-2.0
/* cells.h - items of one size that are named by 32-bit references: half of what a pointer costs
 * whoever keeps one.
 *
 * Items never move. Their memory goes back to the heap all at once, with the last of them. */
#ifndef AURORA_GOSSIP_CELLS_H
#define AURORA_GOSSIP_CELLS_H

#include <stddef.h>
#include <stdint.h>

/* Zeroed memory but for item_bytes is valid and empty. */
struct cells {
    size_t item_bytes; /* a multiple of a pointer's */
    char **pieces;
    uint32_t piece_count, piece_capacity;
    uint32_t fresh; /* the highest reference that was ever given out */
    uint32_t room;  /* references that there is memory for */
    uint32_t spare; /* an item given back, which holds the next one's reference; 0: none */
};

/* Zeroed; *reference is never 0. */
void *cells_take(struct cells *, uint32_t *reference);
void cells_give(struct cells *, uint32_t reference);
/* Of an item that was taken and not given back. */
void *cells_at(const struct cells *, uint32_t reference);
/* What it has from the heap. */
size_t cells_bytes(const struct cells *);
void cells_free(struct cells *);

#endif
