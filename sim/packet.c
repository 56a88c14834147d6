// SPDX-License-Identifier: Apache-2.0
/* packet.c - a free list per size, and first-in first-out queues */
#include "sim/packet.h"

#include "gossip/limits.h"
#include "sim/memory.h"

#include <assert.h>

static const size_t class_bytes[PACKET_CLASSES] = {192, 512, PACKET_MAX_BYTES};

struct packet *packet_new(struct packet_pool *pool, uint32_t from, uint32_t to,
                          const uint8_t *bytes, size_t len)
{
    uint8_t size_class = 0;

    assert(len <= PACKET_MAX_BYTES);
    while (class_bytes[size_class] < len)
        size_class++;
    struct packet *packet = pool->spare[size_class];
    if (packet != NULL)
        pool->spare[size_class] = packet->next;
    else
        packet = memory_resize(NULL, sizeof(*packet) + class_bytes[size_class]);
    *packet = (struct packet){.entry = {.kind = HEAP_PACKET},
                              .from = from,
                              .to = to,
                              .len = (uint16_t)len,
                              .size_class = size_class};
    if (len > 0)
        memcpy(packet->bytes, bytes, len);
    return packet;
}

void packet_free(struct packet_pool *pool, struct packet *packet)
{
    assert(packet->entry.place == 0);
    packet->next = pool->spare[packet->size_class];
    pool->spare[packet->size_class] = packet;
}

void packet_pool_free(struct packet_pool *pool)
{
    for (size_t i = 0; i < PACKET_CLASSES; i++)
        while (pool->spare[i] != NULL) {
            struct packet *next = pool->spare[i]->next;

            free(pool->spare[i]);
            pool->spare[i] = next;
        }
}

bool packet_queue_push(struct packet_queue *queue, struct packet_pool *pool, struct packet *packet)
{
    if (queue->count >= PACKETS_WAITING_MAX) {
        packet_free(pool, packet);
        return false;
    }
    packet->next = NULL;
    if (queue->last != NULL)
        queue->last->next = packet;
    else
        queue->first = packet;
    queue->last = packet;
    queue->count++;
    return true;
}

struct packet *packet_queue_pop(struct packet_queue *queue)
{
    struct packet *packet = queue->first;

    if (packet == NULL)
        return NULL;
    queue->first = packet->next;
    if (queue->first == NULL)
        queue->last = NULL;
    queue->count--;
    return packet;
}

void packet_queue_free(struct packet_queue *queue, struct packet_pool *pool)
{
    struct packet *packet;

    while ((packet = packet_queue_pop(queue)) != NULL)
        packet_free(pool, packet);
}
