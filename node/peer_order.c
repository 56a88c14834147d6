// SPDX-License-Identifier: Apache-2.0
/* peer_order.c - peers in the order of their ids: an array in blocks */
#include "node/peer_order.h"

#include <assert.h>
#include <string.h>

#include "gossip/cells.h"
#include "gossip/mem.h"
#include "node/view.h"

/* Archetypes with one peer are many: a block begins small. */
#define BLOCK_FIRST_CAPACITY 4

struct peer_order_block {
    uint16_t count, capacity; /* never empty */
    uint32_t peers[];
};

static struct span id_at(const struct peer_order *order, const struct peer_order_block *block,
                         size_t index)
{
    return view_peer_id(cells_at(order->cells, block->peers[index]));
}

static uint64_t prefix_of(struct span peer_id)
{
    uint64_t prefix = 0;

    for (size_t i = 0; i < sizeof prefix; i++)
        prefix = prefix << 8 | (i < peer_id.len ? peer_id.data[i] : 0);
    return prefix;
}

int peer_id_compare(struct span a, struct span b)
{
    int order = memcmp(a.data, b.data, a.len < b.len ? a.len : b.len);

    return order != 0 ? order : (a.len > b.len) - (a.len < b.len);
}

void peer_order_free(struct peer_order *order)
{
    for (size_t i = 0; i < order->block_count; i++)
        mem_free(order->blocks[i].block);
    mem_free(order->blocks);
    *order = (struct peer_order){.cells = order->cells};
}

/* How many of the block's peers have an id below `peer_id` (or equal to it, with `or_equal`). The
 * last is looked at first: ids are often given in order, and each step of the search costs three
 * cache misses where many begin alike. */
static size_t block_rank(const struct peer_order *order, const struct peer_order_block *block,
                         struct span peer_id, bool or_equal)
{
    size_t low = 0, high = block->count;
    int below = or_equal ? 1 : 0;

    if (high > 0 && peer_id_compare(id_at(order, block, high - 1), peer_id) < below)
        return high;
    while (low < high) {
        size_t middle = low + (high - low) / 2;

        if (peer_id_compare(id_at(order, block, middle), peer_id) < below)
            low = middle + 1;
        else
            high = middle;
    }
    return low;
}

static bool begins_above(const struct peer_order *order, size_t at, uint64_t prefix,
                         struct span peer_id)
{
    const struct peer_order_entry *entry = &order->blocks[at];

    if (entry->prefix != prefix)
        return entry->prefix > prefix;
    return peer_id_compare(id_at(order, entry->block, 0), peer_id) > 0;
}

/* The last block that begins at or below `peer_id`, else the first one. */
static size_t block_find(const struct peer_order *order, struct span peer_id)
{
    size_t low = 0, high = order->block_count;
    uint64_t prefix = prefix_of(peer_id);

    if (high > 0 && !begins_above(order, high - 1, prefix, peer_id))
        return high - 1;
    while (low < high) {
        size_t middle = low + (high - low) / 2;

        if (begins_above(order, middle, prefix, peer_id))
            high = middle;
        else
            low = middle + 1;
    }
    return low == 0 ? 0 : low - 1;
}

/* Its first id has changed. */
static void block_begins(struct peer_order *order, size_t at)
{
    order->blocks[at].prefix = prefix_of(id_at(order, order->blocks[at].block, 0));
}

static struct peer_order_block *block_resize(struct peer_order_block *block, size_t capacity)
{
    struct peer_order_block *resized =
        mem_resize(block, sizeof *block + capacity * sizeof block->peers[0]);

    if (block == NULL)
        resized->count = 0;
    resized->capacity = (uint16_t)capacity;
    return resized;
}

static void block_insert(struct peer_order *order, size_t at, struct peer_order_block *block)
{
    if (order->block_count == order->block_capacity) {
        order->block_capacity = order->block_capacity == 0 ? 1 : 2 * order->block_capacity;
        order->blocks = mem_resize(order->blocks, order->block_capacity * sizeof order->blocks[0]);
    }
    memmove(order->blocks + at + 1, order->blocks + at,
            (order->block_count - at) * sizeof order->blocks[0]);
    order->blocks[at] = (struct peer_order_entry){0, block};
    order->block_count++;
}

/* Ids that come in order leave full blocks behind: half full ones would take twice the memory. */
static void block_split(struct peer_order *order, size_t at, bool is_at_end)
{
    struct peer_order_block *full = order->blocks[at].block;
    uint16_t moved = is_at_end ? 0 : full->count / 2;
    struct peer_order_block *upper = block_resize(NULL, moved + BLOCK_FIRST_CAPACITY);

    upper->count = moved;
    full->count = (uint16_t)(full->count - moved);
    memcpy(upper->peers, full->peers + full->count, moved * sizeof upper->peers[0]);
    block_insert(order, at + 1, upper);
    if (moved == 0)
        return; /* whoever comes first begins it */
    block_begins(order, at + 1);
    order->blocks[at].block = block_resize(full, full->count + BLOCK_FIRST_CAPACITY);
}

/* The index of a block with room for this peer. */
static size_t block_open(struct peer_order *order, struct span peer_id)
{
    if (order->block_count == 0) {
        block_insert(order, 0, block_resize(NULL, BLOCK_FIRST_CAPACITY));
        return 0;
    }
    size_t at = block_find(order, peer_id);
    struct peer_order_block *block = order->blocks[at].block;
    if (block->count == PEER_ORDER_BLOCK_MAX) {
        bool is_at_end = at + 1 == order->block_count &&
                         peer_id_compare(id_at(order, block, block->count - 1u), peer_id) < 0;

        block_split(order, at, is_at_end);
        return is_at_end ? at + 1 : block_find(order, peer_id);
    }
    if (block->count == block->capacity) {
        size_t capacity = block->capacity + block->capacity / 4u + BLOCK_FIRST_CAPACITY;

        order->blocks[at].block =
            block_resize(block, capacity < PEER_ORDER_BLOCK_MAX ? capacity : PEER_ORDER_BLOCK_MAX);
    }
    return at;
}

void peer_order_add(struct peer_order *order, uint32_t reference)
{
    struct span peer_id = view_peer_id(cells_at(order->cells, reference));
    size_t at_block = block_open(order, peer_id);
    struct peer_order_block *block = order->blocks[at_block].block;
    size_t at = block_rank(order, block, peer_id, false);

    assert(block->count < block->capacity);
    assert(at == block->count || !span_equal(id_at(order, block, at), peer_id));
    memmove(block->peers + at + 1, block->peers + at, (block->count - at) * sizeof block->peers[0]);
    block->peers[at] = reference;
    block->count++;
    order->count++;
    if (at == 0)
        block_begins(order, at_block);
}

void peer_order_remove(struct peer_order *order, uint32_t reference)
{
    assert(order->count > 0);
    struct span peer_id = view_peer_id(cells_at(order->cells, reference));
    size_t at_block = block_find(order, peer_id);
    struct peer_order_block *block = order->blocks[at_block].block;
    size_t at = block_rank(order, block, peer_id, false);

    assert(at < block->count && block->peers[at] == reference);
    block->count--;
    memmove(block->peers + at, block->peers + at + 1, (block->count - at) * sizeof block->peers[0]);
    order->count--;
    if (block->count > 0) {
        if (at == 0)
            block_begins(order, at_block);
        return;
    }
    mem_free(block);
    order->block_count--;
    memmove(order->blocks + at_block, order->blocks + at_block + 1,
            (order->block_count - at_block) * sizeof order->blocks[0]);
}

struct peer_order_place peer_order_after(const struct peer_order *order, struct span peer_id)
{
    if (order->block_count == 0 || peer_id.len == 0)
        return (struct peer_order_place){0, 0};
    size_t block = block_find(order, peer_id);
    return (struct peer_order_place){block,
                                     block_rank(order, order->blocks[block].block, peer_id, true)};
}

struct view_peer *peer_order_next(const struct peer_order *order, struct peer_order_place *place)
{
    while (place->block < order->block_count) {
        const struct peer_order_block *block = order->blocks[place->block].block;

        if (place->index < block->count)
            return cells_at(order->cells, block->peers[place->index++]);
        place->block++;
        place->index = 0;
    }
    return NULL;
}
