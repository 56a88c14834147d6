// SPDX-License-Identifier: Apache-2.0
/* slab.c - items of one size from large pieces of memory */
#include "gossip/slab.h"

#include <assert.h>
#include <string.h>

#include "gossip/mem.h"

#define PIECE_FIRST_ITEMS 8
#define PIECE_MOST_ITEMS  1024

struct slab_piece {
    struct slab_piece *next;
    size_t items;
    max_align_t memory[];
};

static void piece_add(struct slab *slab, size_t items)
{
    struct slab_piece *piece = mem_alloc(sizeof *piece + items * slab->item_bytes);
    piece->next = slab->pieces;
    piece->items = items;
    slab->pieces = piece;
    slab->fresh = items;
}

void slab_reserve(struct slab *slab, size_t count)
{
    if (count > slab->fresh)
        piece_add(slab, count);
}

void *slab_take(struct slab *slab)
{
    assert(slab->item_bytes >= sizeof(void *) && slab->item_bytes % sizeof(void *) == 0);
    if (slab->spare != NULL) {
        void *item = slab->spare;
        memcpy(&slab->spare, item, sizeof slab->spare);
        memset(item, 0, slab->item_bytes);
        return item;
    }
    if (slab->fresh == 0) {
        size_t items = slab->pieces == NULL ? PIECE_FIRST_ITEMS : 2 * slab->pieces->items;
        piece_add(slab, items < PIECE_MOST_ITEMS ? items : PIECE_MOST_ITEMS);
    }
    size_t index = slab->pieces->items - slab->fresh--;
    return (char *)slab->pieces->memory + index * slab->item_bytes;
}

void slab_give(struct slab *slab, void *item)
{
    assert(item != NULL && slab->pieces != NULL);
    memcpy(item, &slab->spare, sizeof slab->spare);
    slab->spare = item;
}

void slab_free(struct slab *slab)
{
    while (slab->pieces != NULL) {
        struct slab_piece *next = slab->pieces->next;
        mem_free(slab->pieces);
        slab->pieces = next;
    }
    slab->spare = NULL;
    slab->fresh = 0;
}
