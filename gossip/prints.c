// SPDX-License-Identifier: Apache-2.0
/* prints.c - a multiset of 32-bit fingerprints: open addressing, linear probing */
#include "gossip/prints.h"

#include <assert.h>
#include <string.h>

#include "gossip/mem.h"

#define FIRST_CAPACITY 16

uint32_t print_of(uint64_t hash)
{
    uint32_t print = (uint32_t)(hash >> 32);
    return print != 0 ? print : 1;
}

/* True: equal ones were met on the way to the empty slot. */
static bool put(struct prints *prints, uint32_t print)
{
    bool is_there = false;
    size_t index = print & (prints->capacity - 1);
    while (prints->slots[index] != 0) {
        is_there |= prints->slots[index] == print;
        index = (index + 1) & (prints->capacity - 1);
    }
    prints->slots[index] = print;
    return is_there;
}

static void resize(struct prints *prints, size_t capacity)
{
    struct prints old = *prints;
    prints->capacity = capacity;
    prints->slots = mem_alloc(capacity * sizeof *prints->slots);
    for (size_t i = 0; i < old.capacity; i++)
        if (old.slots[i] != 0)
            put(prints, old.slots[i]);
    mem_free(old.slots);
}

void prints_reserve(struct prints *prints, size_t count)
{
    size_t capacity = prints->capacity == 0 ? FIRST_CAPACITY : prints->capacity;
    while (4 * count > 3 * capacity)
        capacity *= 2;
    if (capacity != prints->capacity)
        resize(prints, capacity);
}

bool prints_add(struct prints *prints, uint32_t print)
{
    assert(print != 0);
    prints_reserve(prints, prints->count + 1);
    prints->count++;
    assert(prints->count < prints->capacity); /* every probe ends at an empty slot */
    return put(prints, print);
}

/* Closes the hole as table.c does (Knuth's algorithm R). */
void prints_remove(struct prints *prints, uint32_t print)
{
    assert(print != 0 && prints->count > 0);
    size_t mask = prints->capacity - 1;
    size_t hole = print & mask;
    while (prints->slots[hole] != print) {
        assert(prints->slots[hole] != 0); /* the owner removes only what it added */
        hole = (hole + 1) & mask;
    }
    for (size_t next = (hole + 1) & mask; prints->slots[next] != 0; next = (next + 1) & mask) {
        size_t home = prints->slots[next] & mask;
        if (((next - home) & mask) < ((next - hole) & mask))
            continue;
        prints->slots[hole] = prints->slots[next];
        hole = next;
    }
    prints->slots[hole] = 0;
    prints->count--;
}

void prints_copy(struct prints *to, const struct prints *from)
{
    uint32_t *slots = mem_alloc(from->capacity * sizeof *slots);
    memcpy(slots, from->slots, from->capacity * sizeof *slots);
    prints_free(to);
    *to = (struct prints){slots, from->capacity, from->count};
}

void prints_free(struct prints *prints)
{
    mem_free(prints->slots);
    *prints = (struct prints){0};
}
