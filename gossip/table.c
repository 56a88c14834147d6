// SPDX-License-Identifier: Apache-2.0
/* table.c - a hash table of pointers by 64-bit hash: open addressing, linear probing. */
#include "gossip/table.h"

#include <assert.h>

#include "gossip/mem.h"

#define TABLE_FIRST_CAPACITY 16

/* Owners pass tags and version numbers as they are: the multiply spreads neighbouring ones over the
 * table (Knuth, volume 3, section 6.4), and the shift takes the bits that depend on all others. */
static size_t table_home(const struct table *table, uint64_t hash)
{
    return (size_t)((hash * 0x9e3779b97f4a7c15u) >> 32) & (table->capacity - 1);
}

static void table_put(struct table *table, uint64_t hash, void *item)
{
    size_t index = table_home(table, hash);
    while (table->slots[index].item != NULL)
        index = (index + 1) & (table->capacity - 1);
    table->slots[index] = (struct table_slot){hash, item};
}

static void table_grow(struct table *table)
{
    struct table old = *table;
    table->capacity = old.capacity == 0 ? TABLE_FIRST_CAPACITY : 2 * old.capacity;
    assert(table->capacity <= UINT32_MAX); /* table_home has 32 bits to choose from */
    table->slots = mem_alloc(table->capacity * sizeof *table->slots);
    for (size_t i = 0; i < old.capacity; i++) {
        if (old.slots[i].item != NULL)
            table_put(table, old.slots[i].hash, old.slots[i].item);
    }
    mem_free(old.slots);
}

void table_free(struct table *table)
{
    mem_free(table->slots);
    *table = (struct table){0};
}

void table_add(struct table *table, uint64_t hash, void *item)
{
    assert(item != NULL);
    if (4 * (table->count + 1) > 3 * table->capacity)
        table_grow(table);
    table_put(table, hash, item);
    table->count++;
    assert(table->count < table->capacity); /* every probe ends at an empty slot */
}

static size_t table_index(const struct table *table, uint64_t hash, const void *item)
{
    size_t index = table_home(table, hash);
    while (table->slots[index].item != item) {
        assert(table->slots[index].item != NULL); /* the owner removes only what it added */
        index = (index + 1) & (table->capacity - 1);
    }
    return index;
}

/* Closes the hole by moving later items of the run back (Knuth's algorithm R), so that no marker of
 * removed items is left to slow down later searches. */
void table_remove(struct table *table, uint64_t hash, const void *item)
{
    assert(item != NULL && table->count > 0);
    size_t mask = table->capacity - 1;
    size_t hole = table_index(table, hash, item);
    for (size_t next = (hole + 1) & mask; table->slots[next].item != NULL;
         next = (next + 1) & mask) {
        size_t home = table_home(table, table->slots[next].hash);
        /* An item whose home lies cyclically in (hole, next] must stay behind its home. */
        if (((next - home) & mask) < ((next - hole) & mask))
            continue;
        table->slots[hole] = table->slots[next];
        hole = next;
    }
    table->slots[hole] = (struct table_slot){0};
    table->count--;
}

void *table_next(const struct table *table, uint64_t hash, size_t *cursor)
{
    if (table->capacity == 0)
        return NULL;
    size_t home = table_home(table, hash);
    assert(*cursor <= table->capacity);
    for (;;) {
        const struct table_slot *slot = &table->slots[(home + *cursor) & (table->capacity - 1)];
        if (slot->item == NULL)
            return NULL; /* the cursor stays here: asking again gives NULL again */
        ++*cursor;
        if (slot->hash == hash)
            return slot->item;
    }
}
