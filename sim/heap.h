// SPDX-License-Identifier: Apache-2.0
/* heap.h - what happens next: one heap of everything that will, in order of time, then of insertion
 *
 * Entries are embedded in what they are about (a packet in flight, a node's deadline) and know
 * their place, so that a deadline can be moved. The heap is 4-ary and keeps the keys beside the
 * pointers: finding the smallest child touches one or two cache lines, not four scattered packets.
 */
#ifndef AURORA_SIM_HEAP_H
#define AURORA_SIM_HEAP_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum heap_kind {
    HEAP_PACKET = 1, /* arrives */
    HEAP_DEADLINE,   /* a node's */
    HEAP_RESUME,     /* a stalled node goes on */
    HEAP_FAULT,      /* a fault takes its course */
    HEAP_SERVED,     /* a slow node is done with something */
    HEAP_ALARM,      /* whoever drives the world asked to be told */
};

/* Zeroed: not in a heap. */
struct heap_entry {
    size_t place; /* 1-based; 0: not in a heap */
    enum heap_kind kind;
};

struct heap_slot {
    uint64_t at_us;
    uint64_t sequence;
    struct heap_entry *entry;
};

struct heap {
    struct heap_slot *slots;
    size_t count;
    size_t capacity;
    uint64_t sequence; /* ties go to who was inserted, or moved, first */
};

void heap_free(struct heap *); /* not the entries */
/* The entry is in no heap (asserted). */
void heap_insert(struct heap *, struct heap_entry *, uint64_t at_us);
/* The entry is in this heap (asserted). It counts as inserted anew. */
void heap_move(struct heap *, struct heap_entry *, uint64_t at_us);
void heap_remove(struct heap *, struct heap_entry *);
/* When the first is due; UINT64_MAX: empty. */
uint64_t heap_next_us(const struct heap *);
/* Removes and returns the first; NULL: empty. */
struct heap_entry *heap_pop(struct heap *);
/* When this entry is due; UINT64_MAX: not in the heap. */
uint64_t heap_due_us(const struct heap *, const struct heap_entry *);

#endif
