// SPDX-License-Identifier: Apache-2.0
/* cells.c - items of one size that are named by 32-bit references
 *
 * The first pieces hold 8, 16, ... 512 items, all others 1,024: a node that holds little pays
 * little, and one that holds a million has them in a thousand pieces, one after the other. */
#include "gossip/cells.h"

#include <assert.h>
#include <string.h>

#include "gossip/mem.h"

#define FIRST_BITS   3 /* the first piece has 8 items */
#define MOST_BITS    10
#define MOST_ITEMS   (1u << MOST_BITS)
#define SMALL_PIECES (MOST_BITS - FIRST_BITS)

struct place {
    uint32_t piece, index;
};

/* Reference 1 is the first item of the first piece. Counted from 8 on, the small pieces begin at
 * powers of two. */
static struct place place_of(uint32_t reference)
{
    uint32_t number = reference - 1 + (1u << FIRST_BITS);
    if (number >= MOST_ITEMS)
        return (struct place){number / MOST_ITEMS - 1 + SMALL_PIECES, number % MOST_ITEMS};
    uint32_t bits = 31 - (uint32_t)__builtin_clz(number);
    return (struct place){bits - FIRST_BITS, number - (1u << bits)};
}

static uint32_t items_of(uint32_t piece)
{
    return piece < SMALL_PIECES ? 1u << (FIRST_BITS + piece) : MOST_ITEMS;
}

void *cells_at(const struct cells *cells, uint32_t reference)
{
    struct place place = place_of(reference);
    assert(reference > 0 && reference <= cells->fresh);
    return cells->pieces[place.piece] + place.index * cells->item_bytes;
}

static void piece_add(struct cells *cells)
{
    if (cells->piece_count == cells->piece_capacity) {
        cells->piece_capacity = cells->piece_capacity == 0 ? 4 : 2 * cells->piece_capacity;
        cells->pieces = mem_resize(cells->pieces, cells->piece_capacity * sizeof *cells->pieces);
    }
    uint32_t items = items_of(cells->piece_count);
    cells->pieces[cells->piece_count++] = mem_alloc(items * cells->item_bytes);
    cells->room += items;
    assert(cells->room > items || cells->piece_count == 1); /* 2^32 are more than any cap */
}

void *cells_take(struct cells *cells, uint32_t *reference)
{
    assert(cells->item_bytes >= sizeof(void *) && cells->item_bytes % sizeof(void *) == 0);
    if (cells->spare != 0) {
        *reference = cells->spare;
        void *item = cells_at(cells, cells->spare);
        memcpy(&cells->spare, item, sizeof cells->spare);
        memset(item, 0, cells->item_bytes);
        return item;
    }
    if (cells->fresh == cells->room)
        piece_add(cells);
    *reference = ++cells->fresh;
    return cells_at(cells, *reference);
}

void cells_give(struct cells *cells, uint32_t reference)
{
    memcpy(cells_at(cells, reference), &cells->spare, sizeof cells->spare);
    cells->spare = reference;
}

size_t cells_bytes(const struct cells *cells)
{
    return cells->room * cells->item_bytes + cells->piece_capacity * sizeof *cells->pieces;
}

void cells_free(struct cells *cells)
{
    for (uint32_t i = 0; i < cells->piece_count; i++)
        mem_free(cells->pieces[i]);
    mem_free(cells->pieces);
    *cells = (struct cells){.item_bytes = cells->item_bytes};
}
