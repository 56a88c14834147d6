// SPDX-License-Identifier: Apache-2.0
/* map.c - open addressing, at most two thirds full */
#include "sim/map.h"

#include "sim/memory.h"

#include <assert.h>

enum { SLOTS_FIRST = 16 };

/* Its keys are the world's own: nobody chooses them to collide. */
static uint64_t hash_of_key(uint64_t a, uint64_t b, uint64_t c)
{
    uint64_t words[] = {a, b, c}, hash = UINT64_C(0x9e3779b97f4a7c15);

    for (size_t i = 0; i < 3; i++) {
        hash = (hash ^ words[i]) * UINT64_C(0xbf58476d1ce4e5b9);
        hash ^= hash >> 29;
    }
    return hash | 1;
}

/* The slot that has it, or the free one in which it would be. */
static struct map_slot *slot_of(const struct map *map, uint64_t hash, uint64_t a, uint64_t b,
                                uint64_t c)
{
    size_t mask = map->capacity - 1, i = (size_t)(hash >> 8) & mask;

    assert(map->count < map->capacity);
    for (;; i = (i + 1) & mask) {
        struct map_slot *slot = &map->slots[i];

        if (slot->hash == 0 ||
            (slot->hash == hash && slot->key[0] == a && slot->key[1] == b && slot->key[2] == c))
            return slot;
    }
}

static void grow(struct map *map)
{
    struct map old = *map;

    map->capacity = old.capacity > 0 ? 2 * old.capacity : SLOTS_FIRST;
    map->slots = memory_new(map->capacity, sizeof(*map->slots));
    for (size_t i = 0; i < old.capacity; i++) {
        const struct map_slot *slot = &old.slots[i];

        if (slot->hash != 0)
            *slot_of(map, slot->hash, slot->key[0], slot->key[1], slot->key[2]) = *slot;
    }
    free(old.slots);
}

uint64_t *map_find(const struct map *map, uint64_t a, uint64_t b, uint64_t c)
{
    if (map->count == 0)
        return NULL;
    struct map_slot *slot = slot_of(map, hash_of_key(a, b, c), a, b, c);
    return slot->hash != 0 ? &slot->value : NULL;
}

uint64_t *map_put(struct map *map, uint64_t a, uint64_t b, uint64_t c)
{
    uint64_t hash = hash_of_key(a, b, c);

    if (map->count >= map->capacity / 3 * 2)
        grow(map);
    struct map_slot *slot = slot_of(map, hash, a, b, c);
    if (slot->hash == 0) {
        *slot = (struct map_slot){.key = {a, b, c}, .hash = hash};
        map->count++;
    }
    return &slot->value;
}

void map_free(struct map *map)
{
    free(map->slots);
    *map = (struct map){0};
}
