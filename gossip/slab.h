// SPDX-License-Identifier: Apache-2.0
/* slab.h - items of one size from large pieces of memory: what a table of many small things needs.
 *
 * The heap would add a third to an item of 40 bytes, and scatter neighbours. Pieces go back to the
 * heap all at once, with the slab. */
#ifndef AURORA_GOSSIP_SLAB_H
#define AURORA_GOSSIP_SLAB_H

#include <stddef.h>

struct slab_piece; /* slab.c */

/* Zeroed memory but for item_bytes is a valid empty slab. */
struct slab {
    size_t item_bytes; /* a multiple of a pointer's */
    struct slab_piece *pieces;
    void *spare;  /* items given back, each pointing to the next */
    size_t fresh; /* items of the newest piece that were never used */
};

/* Zeroed. */
void *slab_take(struct slab *);
void slab_give(struct slab *, void *item);
/* The next `count` fresh items lie in one piece of just that size. */
void slab_reserve(struct slab *, size_t count);
/* Of all that were ever taken. */
void slab_free(struct slab *);

#endif
