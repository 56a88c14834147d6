// SPDX-License-Identifier: Apache-2.0
/* udp.h - the gossip sockets: datagrams in and out in batches, one IPv4 and one IPv6 socket at most
 */
#ifndef AURORA_NODE_UDP_H
#define AURORA_NODE_UDP_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "gossip/addr.h"
#include "gossip/limits.h"

#define UDP_BATCH 32 /* datagrams per system call, out */
/* And in: each may bring signatures to verify for a third of a millisecond, and between two batches
 * the driver looks at the clock. */
#define UDP_IN_BATCH 8
/* Room for a burst while we do something else: some 3,000 datagrams. The system may grant less. */
#define UDP_BUFFER_BYTES (4 << 20)

struct udp_packet {
    struct addr addr; /* from, or to */
    size_t len;
    /* One byte more than any packet of ours, so that a longer one is noticed. */
    uint8_t bytes[PACKET_MAX_BYTES + 1];
};

struct udp {
    int fds[NODE_ADDRESSES_MAX];
    struct addr addrs[NODE_ADDRESSES_MAX]; /* with the ports chosen */
    size_t count;
    size_t out_count;
    uint64_t overflows[NODE_ADDRESSES_MAX]; /* the kernel's counts, last seen */
    struct udp_packet in[UDP_IN_BATCH];
    struct udp_packet out[UDP_BATCH];
};

/* False: see errno; *failed is the address that could not be bound. */
bool udp_open(struct udp *, const struct addr *addrs, size_t count, struct addr *failed);
void udp_close(struct udp *);

/* Receives at most UDP_IN_BATCH datagrams from one socket into udp->in, and returns how many; those
 * that are no packets of ours (too long) are dropped and counted. *is_empty: nothing more is
 * waiting. */
size_t udp_receive(struct udp *, size_t socket, bool *is_empty);

/* The place for the next datagram to send: fill in addr, len and bytes, then udp_queue. */
struct udp_packet *udp_slot(struct udp *);
/* Sends the batch when it is full. */
void udp_queue(struct udp *);
/* Hands everything queued to the system, which may refuse some: counted, not retried. The protocol
 * repeats what matters. */
void udp_flush(struct udp *);

#endif
