// SPDX-License-Identifier: Apache-2.0
/* queue.c - a bounded queue of pointers between threads, without a lock */
#include "node/queue.h"

#include <assert.h>
#include <stdatomic.h>
#include <stdint.h>

#include "gossip/mem.h"

#define CACHE_LINE_BYTES 64

/* `turn` says whose the cell is: position `at` may be filled when turn == at, and emptied when
 * turn == at + 1; emptying hands it to the producer of the next round, at + capacity. */
struct queue_cell {
    atomic_size_t turn;
    void *item;
};

/* Producers and consumers write to cache lines of their own. */
struct queue {
    size_t mask;
    struct queue_cell *cells;
    char gap_1[CACHE_LINE_BYTES];
    atomic_size_t head; /* next to fill */
    char gap_2[CACHE_LINE_BYTES];
    atomic_size_t tail; /* next to empty */
};

struct queue *queue_new(size_t capacity)
{
    assert(capacity >= 2 && (capacity & (capacity - 1)) == 0);
    struct queue *queue = mem_alloc(sizeof *queue);

    queue->cells = mem_alloc(capacity * sizeof *queue->cells);
    queue->mask = capacity - 1;
    for (size_t i = 0; i < capacity; i++)
        atomic_init(&queue->cells[i].turn, i);
    return queue;
}

void queue_free(struct queue *queue)
{
    if (queue == NULL)
        return;
    assert(queue_count(queue) == 0);
    mem_free(queue->cells);
    mem_free(queue);
}

/* Claims the next position of `end` whose cell has come to `turn == position + ahead`. False: the
 * cell still belongs to the other side, that is, the queue is full (or empty). */
static bool queue_claim(struct queue *queue, atomic_size_t *end, size_t ahead, size_t *at)
{
    size_t position = atomic_load_explicit(end, memory_order_relaxed);

    for (;;) {
        struct queue_cell *cell = &queue->cells[position & queue->mask];
        size_t turn = atomic_load_explicit(&cell->turn, memory_order_acquire);
        intptr_t lag = (intptr_t)(turn - (position + ahead));

        if (lag < 0)
            return false;
        if (lag > 0) /* somebody was faster: look again */
            position = atomic_load_explicit(end, memory_order_relaxed);
        else if (atomic_compare_exchange_weak_explicit(end, &position, position + 1,
                                                       memory_order_seq_cst, memory_order_relaxed))
            break;
    }
    *at = position;
    return true;
}

bool queue_push(struct queue *queue, void *item)
{
    size_t at;

    assert(item != NULL);
    if (!queue_claim(queue, &queue->head, 0, &at))
        return false;
    struct queue_cell *cell = &queue->cells[at & queue->mask];
    cell->item = item;
    atomic_store_explicit(&cell->turn, at + 1, memory_order_release);
    return true;
}

void *queue_pop(struct queue *queue)
{
    size_t at;

    if (!queue_claim(queue, &queue->tail, 1, &at))
        return NULL;
    struct queue_cell *cell = &queue->cells[at & queue->mask];
    void *item = cell->item;
    assert(item != NULL);
    atomic_store_explicit(&cell->turn, at + queue->mask + 1, memory_order_release);
    return item;
}

size_t queue_count(const struct queue *queue)
{
    /* Tail first: a head that is newer only counts too many, never a negative number. */
    size_t tail = atomic_load(&queue->tail);
    size_t head = atomic_load(&queue->head);

    return head - tail;
}

size_t queue_capacity(const struct queue *queue)
{
    return queue->mask + 1;
}
