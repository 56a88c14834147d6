// SPDX-License-Identifier: Apache-2.0
/* timers.c - one heap of deadlines for the whole core: a binary heap of borrowed, embedded timers.
 */
#include "gossip/timers.h"

#include <assert.h>

#include "gossip/mem.h"

#define HEAP_FIRST_CAPACITY 16

/* Equal deadlines fire in the order in which they were set: a heap alone would not promise that,
 * and the same seed must give the same trace. */
static bool slot_before(const struct timer_slot *a, const struct timer_slot *b)
{
    return a->at_ms != b->at_ms ? a->at_ms < b->at_ms : a->order < b->order;
}

static void heap_place(struct timers *timers, size_t index, struct timer_slot slot)
{
    timers->heap[index] = slot;
    slot.timer->slot = (uint32_t)(index + 1);
}

static void heap_rise(struct timers *timers, size_t index, struct timer_slot slot)
{
    while (index > 0) {
        size_t parent = (index - 1) / 2;
        if (!slot_before(&slot, &timers->heap[parent]))
            break;
        heap_place(timers, index, timers->heap[parent]);
        index = parent;
    }
    heap_place(timers, index, slot);
}

static void heap_sink(struct timers *timers, size_t index, struct timer_slot slot)
{
    for (;;) {
        size_t child = 2 * index + 1;
        if (child >= timers->count)
            break;
        if (child + 1 < timers->count &&
            slot_before(&timers->heap[child + 1], &timers->heap[child]))
            child++;
        if (!slot_before(&timers->heap[child], &slot))
            break;
        heap_place(timers, index, timers->heap[child]);
        index = child;
    }
    heap_place(timers, index, slot);
}

/* Puts a timer where its deadline belongs, starting from a hole at `index`. */
static void heap_settle(struct timers *timers, size_t index, struct timer_slot slot)
{
    if (index > 0 && slot_before(&slot, &timers->heap[(index - 1) / 2]))
        heap_rise(timers, index, slot);
    else
        heap_sink(timers, index, slot);
}

static void heap_grow(struct timers *timers)
{
    if (timers->count < timers->capacity)
        return;
    size_t capacity = timers->capacity == 0 ? HEAP_FIRST_CAPACITY : 2 * timers->capacity;
    assert(capacity < UINT32_MAX);
    timers->heap = mem_resize(timers->heap, capacity * sizeof *timers->heap);
    timers->capacity = capacity;
}

void timers_free(struct timers *timers)
{
    for (size_t i = 0; i < timers->count; i++)
        timers->heap[i].timer->slot = 0;
    mem_free(timers->heap);
    *timers = (struct timers){0};
}

void timer_set(struct timers *timers, struct timer *timer, enum timer_kind kind, uint64_t at_ms)
{
    assert(kind != 0);
    assert(timer->slot == 0 || timers->heap[timer->slot - 1].timer == timer);
    struct timer_slot slot = {at_ms, ++timers->order, timer};
    timer->at_ms = at_ms;
    timer->kind = (uint16_t)kind;
    if (timer->slot == 0) {
        heap_grow(timers);
        heap_rise(timers, timers->count++, slot);
    } else {
        heap_settle(timers, timer->slot - 1, slot);
    }
}

void timer_cancel(struct timers *timers, struct timer *timer)
{
    if (timer->slot == 0)
        return;
    size_t index = timer->slot - 1;
    assert(index < timers->count && timers->heap[index].timer == timer);
    timer->slot = 0;
    struct timer_slot last = timers->heap[--timers->count];
    if (last.timer != timer)
        heap_settle(timers, index, last);
}

bool timer_is_set(const struct timer *timer)
{
    return timer->slot != 0;
}

struct timer *timers_pop(struct timers *timers, uint64_t now_ms)
{
    if (timers->count == 0 || timers->heap[0].at_ms > now_ms)
        return NULL;
    struct timer *due = timers->heap[0].timer;
    timer_cancel(timers, due);
    assert(!timer_is_set(due));
    return due;
}

uint64_t timers_next_ms(const struct timers *timers)
{
    return timers->count == 0 ? UINT64_MAX : timers->heap[0].at_ms;
}
