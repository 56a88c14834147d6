// SPDX-License-Identifier: Apache-2.0
/* table.h - a hash table of pointers by 64-bit hash (open addressing, linear probing); the owner
 * compares keys. Never iterated: nothing may depend on its order. */
#ifndef AURORA_GOSSIP_TABLE_H
#define AURORA_GOSSIP_TABLE_H

#include <stddef.h>
#include <stdint.h>

struct table_slot {
    uint64_t hash;
    void *item; /* NULL: empty */
};

struct table {
    struct table_slot *slots;
    size_t capacity; /* power of two, or 0 */
    size_t count;
};

void table_free(struct table *);
void table_add(struct table *, uint64_t hash, void *item);
/* Removes this very item. */
void table_remove(struct table *, uint64_t hash, const void *item);
/* Items with this hash, one after the other: start with *cursor = 0; NULL: no more. The
 * table must not change meanwhile. */
void *table_next(const struct table *, uint64_t hash, size_t *cursor);

#endif
