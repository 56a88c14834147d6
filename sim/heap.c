// SPDX-License-Identifier: Apache-2.0
/* heap.c - the 4-ary heap of everything that will happen */
#include "sim/heap.h"

#include "sim/memory.h"

#include <assert.h>
#include <stdlib.h>

enum { ARITY = 4 };

static bool is_before(const struct heap_slot *a, const struct heap_slot *b)
{
    return a->at_us != b->at_us ? a->at_us < b->at_us : a->sequence < b->sequence;
}

static void put(struct heap *heap, size_t at, struct heap_slot slot)
{
    heap->slots[at] = slot;
    slot.entry->place = at + 1;
}

static void sift_up(struct heap *heap, size_t at, struct heap_slot slot)
{
    while (at > 0) {
        size_t parent = (at - 1) / ARITY;

        if (!is_before(&slot, &heap->slots[parent]))
            break;
        put(heap, at, heap->slots[parent]);
        at = parent;
    }
    put(heap, at, slot);
}

static void sift_down(struct heap *heap, size_t at, struct heap_slot slot)
{
    for (;;) {
        size_t child = at * ARITY + 1, first = child;
        size_t end = child + ARITY < heap->count ? child + ARITY : heap->count;

        if (child >= heap->count)
            break;
        while (++child < end)
            if (is_before(&heap->slots[child], &heap->slots[first]))
                first = child;
        if (!is_before(&heap->slots[first], &slot))
            break;
        put(heap, at, heap->slots[first]);
        at = first;
    }
    put(heap, at, slot);
}

/* Puts a slot where its key belongs, starting from a place whose own slot may be overwritten. */
static void settle(struct heap *heap, size_t at, struct heap_slot slot)
{
    if (at > 0 && is_before(&slot, &heap->slots[(at - 1) / ARITY]))
        sift_up(heap, at, slot);
    else
        sift_down(heap, at, slot);
}

void heap_free(struct heap *heap)
{
    free(heap->slots);
    *heap = (struct heap){0};
}

void heap_insert(struct heap *heap, struct heap_entry *entry, uint64_t at_us)
{
    assert(entry->place == 0);
    if (heap->count == heap->capacity) {
        heap->capacity = heap->capacity ? heap->capacity * 2 : 64;
        heap->slots = memory_resize(heap->slots, heap->capacity * sizeof(*heap->slots));
    }
    heap->count++;
    sift_up(heap, heap->count - 1, (struct heap_slot){at_us, heap->sequence++, entry});
}

void heap_move(struct heap *heap, struct heap_entry *entry, uint64_t at_us)
{
    assert(entry->place > 0 && entry->place <= heap->count);
    settle(heap, entry->place - 1, (struct heap_slot){at_us, heap->sequence++, entry});
}

void heap_remove(struct heap *heap, struct heap_entry *entry)
{
    size_t at = entry->place - 1;

    assert(entry->place > 0 && entry->place <= heap->count);
    assert(heap->slots[at].entry == entry);
    entry->place = 0;
    heap->count--;
    if (at < heap->count)
        settle(heap, at, heap->slots[heap->count]);
}

uint64_t heap_next_us(const struct heap *heap)
{
    return heap->count ? heap->slots[0].at_us : UINT64_MAX;
}

struct heap_entry *heap_pop(struct heap *heap)
{
    struct heap_entry *entry = heap->count ? heap->slots[0].entry : NULL;

    if (entry != NULL)
        heap_remove(heap, entry);
    return entry;
}

uint64_t heap_due_us(const struct heap *heap, const struct heap_entry *entry)
{
    assert(entry->place <= heap->count);
    return entry->place ? heap->slots[entry->place - 1].at_us : UINT64_MAX;
}
