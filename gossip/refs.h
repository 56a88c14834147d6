// SPDX-License-Identifier: Apache-2.0
/* refs.h - a hash table of 32-bit references (cells.h) in eight bytes a slot; the owner compares
 * keys. Never iterated: nothing may depend on its order.
 *
 * Beside table.h it is for the tables of a million: a third of the memory, and it grows in small
 * parts, so that nobody waits for a million items to be moved. */
#ifndef AURORA_GOSSIP_REFS_H
#define AURORA_GOSSIP_REFS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct refs_slot {
    uint32_t hash;
    uint32_t reference; /* 0: empty */
};

/* Open addressing, linear probing. */
struct refs_part {
    struct refs_slot *slots;
    uint32_t capacity, count;
    bool is_of_many;
};

/* Zeroed memory is a valid empty one. */
struct refs {
    struct refs_part *parts; /* 1, or many once it has become large */
    uint32_t part_count;
    size_t count;
};

void refs_free(struct refs *);
/* Only the lowest 32 bits of a hash count; they must be spread well: hash_short's are. */
void refs_add(struct refs *, uint64_t hash, uint32_t reference);
/* Removes this very reference, which must be there. */
void refs_remove(struct refs *, uint64_t hash, uint32_t reference);
/* References with this hash (in those bits), one after the other: start with
 * *cursor = 0; 0: no more. The table must not change meanwhile. */
uint32_t refs_next(const struct refs *, uint64_t hash, size_t *cursor);
/* What it has from the heap. */
size_t refs_bytes(const struct refs *);

#endif
