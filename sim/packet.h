// SPDX-License-Identifier: Apache-2.0
/* packet.h - packets in flight: from a pool, in queues */
#ifndef AURORA_SIM_PACKET_H
#define AURORA_SIM_PACKET_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "sim/heap.h"

/* What waits at a paused or blocked node: about what a socket's buffer holds on Linux. */
#define PACKETS_WAITING_MAX 512

struct packet {
    struct heap_entry entry; /* first, so that an entry of kind HEAP_PACKET is the packet */
    struct packet *next;
    uint32_t from, to;
    uint32_t source; /* the number of the address that it comes from; see address.h */
    uint16_t len;
    uint8_t size_class;
    uint8_t bytes[];
};

/* Most packets are small: three sizes, so that a hundred thousand in flight fit. */
enum { PACKET_CLASSES = 3 };

struct packet_pool {
    struct packet *spare[PACKET_CLASSES];
};

struct packet_queue {
    struct packet *first, *last;
    size_t count;
};

struct packet *packet_new(struct packet_pool *, uint32_t from, uint32_t to, const uint8_t *bytes,
                          size_t len);
void packet_free(struct packet_pool *, struct packet *);
void packet_pool_free(struct packet_pool *);

/* Takes the packet over; false: full, and it was freed. */
bool packet_queue_push(struct packet_queue *, struct packet_pool *, struct packet *);
struct packet *packet_queue_pop(struct packet_queue *); /* NULL: empty */
void packet_queue_free(struct packet_queue *, struct packet_pool *);

#endif
