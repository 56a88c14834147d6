// SPDX-License-Identifier: Apache-2.0
/* queue.h - a bounded queue of pointers between threads, without a lock
 *
 * Vyukov's bounded queue: each cell carries a sequence number, so that a producer that is preempted
 * half-way delays only what it was pushing, never the thread at the other end. That is why it is
 * not a ring under a mutex: a saturated HTTP thread must not be able to stop the gossip thread. */
#ifndef AURORA_NODE_QUEUE_H
#define AURORA_NODE_QUEUE_H

#include <stdbool.h>
#include <stddef.h>

struct queue;

/* `capacity` is a power of two of at least 2 (asserted). */
struct queue *queue_new(size_t capacity);
/* What is still in it is the caller's to drain first. */
void queue_free(struct queue *);
/* Any thread. False: full, and nothing happened. `item` is not NULL. */
bool queue_push(struct queue *, void *item);
/* Any thread. NULL: empty (or the next item is half pushed: its producer will wake the consumer).
 */
void *queue_pop(struct queue *);
/* About how many are in it; exact for a thread that is alone. Pops, pushes and counts have one
 * order that all threads agree on (bridge.c relies on it). */
size_t queue_count(const struct queue *);
size_t queue_capacity(const struct queue *);

#endif
