// SPDX-License-Identifier: Apache-2.0
/* refs.c - a hash table of 32-bit references, in parts
 *
 * A table that is made twice as large in one go stands still for the time that takes, a tenth of a
 * second for a million items, and is half empty afterwards. Here each part has its own slots: some
 * two thousand of them at a million items, made a quarter larger when four fifths are used. */
#include "gossip/refs.h"

#include <assert.h>

#include "gossip/mem.h"

#define PART_BITS      9
#define PARTS          (1u << PART_BITS)
#define SINGLE_MAX     4096 /* items that one part holds before there are many: moved at once */
#define FIRST_CAPACITY 8

/* Where a part begins to look: the hash's highest bits have chosen it. Any capacity will do, not
 * only a power of two. */
static uint32_t home_of(const struct refs_part *part, uint32_t hash)
{
    uint32_t rest = part->is_of_many ? hash << PART_BITS : hash;
    return (uint32_t)((uint64_t)rest * part->capacity >> 32);
}

static struct refs_part *part_of(const struct refs *refs, uint32_t hash)
{
    return &refs->parts[refs->part_count == 1 ? 0 : hash >> (32 - PART_BITS)];
}

static uint32_t after(const struct refs_part *part, uint32_t at)
{
    return at + 1 < part->capacity ? at + 1 : 0;
}

static void put(struct refs_part *part, struct refs_slot slot)
{
    uint32_t at = home_of(part, slot.hash);
    while (part->slots[at].reference != 0)
        at = after(part, at);
    part->slots[at] = slot;
}

static void part_resize(struct refs_part *part, uint32_t capacity)
{
    struct refs_part old = *part;
    assert(capacity > old.count);
    part->capacity = capacity;
    part->slots = mem_alloc(capacity * sizeof *part->slots);
    for (uint32_t i = 0; i < old.capacity; i++)
        if (old.slots[i].reference != 0)
            put(part, old.slots[i]);
    mem_free(old.slots);
}

static void part_add(struct refs_part *part, struct refs_slot slot)
{
    if (5 * (part->count + 1) > 4 * part->capacity)
        part_resize(part, part->capacity + part->capacity / 4 + FIRST_CAPACITY);
    put(part, slot);
    part->count++;
    assert(part->count < part->capacity); /* every probe ends at an empty slot */
}

static void parts_make(struct refs *refs, uint32_t count)
{
    refs->parts = mem_alloc(count * sizeof *refs->parts);
    refs->part_count = count;
    for (uint32_t i = 0; i < count; i++)
        refs->parts[i].is_of_many = count > 1;
}

static void split(struct refs *refs)
{
    struct refs_part *single = refs->parts;
    parts_make(refs, PARTS);
    for (uint32_t i = 0; i < single->capacity; i++)
        if (single->slots[i].reference != 0)
            part_add(part_of(refs, single->slots[i].hash), single->slots[i]);
    mem_free(single->slots);
    mem_free(single);
}

void refs_free(struct refs *refs)
{
    for (uint32_t i = 0; i < refs->part_count; i++)
        mem_free(refs->parts[i].slots);
    mem_free(refs->parts);
    *refs = (struct refs){0};
}

void refs_add(struct refs *refs, uint64_t hash, uint32_t reference)
{
    assert(reference != 0);
    if (refs->part_count == 0)
        parts_make(refs, 1);
    else if (refs->part_count == 1 && refs->count == SINGLE_MAX)
        split(refs);
    part_add(part_of(refs, (uint32_t)hash), (struct refs_slot){(uint32_t)hash, reference});
    refs->count++;
}

/* Closes the hole as table.c does (Knuth's algorithm R). */
static void slot_empty(struct refs_part *part, uint32_t hole)
{
    for (uint32_t next = after(part, hole); part->slots[next].reference != 0;
         next = after(part, next)) {
        uint32_t home = home_of(part, part->slots[next].hash);
        uint32_t round = part->capacity;
        /* An item whose home lies cyclically in (hole, next] must stay behind its home. */
        if ((next + round - home) % round < (next + round - hole) % round)
            continue;
        part->slots[hole] = part->slots[next];
        hole = next;
    }
    part->slots[hole] = (struct refs_slot){0};
}

void refs_remove(struct refs *refs, uint64_t hash, uint32_t reference)
{
    assert(refs->count > 0);
    struct refs_part *part = part_of(refs, (uint32_t)hash);
    uint32_t at = home_of(part, (uint32_t)hash);
    while (part->slots[at].reference != reference) {
        assert(part->slots[at].reference != 0); /* the owner removes only what it added */
        at = after(part, at);
    }
    slot_empty(part, at);
    part->count--;
    refs->count--;
    if (part->capacity > 4 * FIRST_CAPACITY && part->count < part->capacity / 4)
        part_resize(part, part->capacity / 2);
}

uint32_t refs_next(const struct refs *refs, uint64_t hash, size_t *cursor)
{
    if (refs->count == 0)
        return 0;
    const struct refs_part *part = part_of(refs, (uint32_t)hash);
    if (part->capacity == 0)
        return 0;
    size_t at = home_of(part, (uint32_t)hash) + *cursor;
    if (at >= part->capacity)
        at -= part->capacity;
    assert(*cursor < part->capacity);
    for (;; at = after(part, (uint32_t)at)) {
        const struct refs_slot *slot = &part->slots[at];
        if (slot->reference == 0)
            return 0; /* the cursor stays here: asking again gives 0 again */
        ++*cursor;
        if (slot->hash == (uint32_t)hash)
            return slot->reference;
    }
}

size_t refs_bytes(const struct refs *refs)
{
    size_t bytes = refs->part_count * sizeof *refs->parts;
    for (uint32_t i = 0; i < refs->part_count; i++)
        bytes += refs->parts[i].capacity * sizeof *refs->parts[i].slots;
    return bytes;
}
