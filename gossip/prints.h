// SPDX-License-Identifier: Apache-2.0
/* prints.h - how often is this 32-bit fingerprint here? A multiset in four bytes for each, for a
 * question whose answer is nearly always "not at all" (members' names): whoever gets another answer
 * looks for himself. */
#ifndef AURORA_GOSSIP_PRINTS_H
#define AURORA_GOSSIP_PRINTS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* Zeroed memory is a valid empty one. */
struct prints {
    uint32_t *slots; /* 0: empty; open addressing, linear probing */
    size_t capacity; /* power of two, or 0 */
    size_t count;
};

/* Of any 64-bit hash; never 0. */
uint32_t print_of(uint64_t hash);
/* Adds one; true: there was one already. */
bool prints_add(struct prints *, uint32_t print);
/* Removes one, which must be there. */
void prints_remove(struct prints *, uint32_t print);
void prints_reserve(struct prints *, size_t count);
/* `to` is what it was no more. */
void prints_copy(struct prints *to, const struct prints *from);
void prints_free(struct prints *);

#endif
