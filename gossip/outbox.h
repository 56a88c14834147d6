// SPDX-License-Identifier: Apache-2.0
/* outbox.h - packets on their way out: coalesced per destination, in order of priority, paced,
 * sealed when drained. */
#ifndef AURORA_GOSSIP_OUTBOX_H
#define AURORA_GOSSIP_OUTBOX_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "gossip/addr.h"
#include "gossip/limits.h"
#include "gossip/timers.h"
#include "gossip/wire.h"

struct gossip;
struct member;

/* Highest first. PROBE is never queued behind anything and never paced. */
enum priority {
    PRIORITY_PROBE = 0,
    PRIORITY_MEMBERSHIP,
    PRIORITY_DELETE,
    PRIORITY_SET,
    PRIORITY_BULK,
    PRIORITIES
};

struct parcel; /* outbox.c: one packet being filled or waiting */

/* A token bucket; refilled when looked at. */
struct bucket {
    int64_t tokens; /* bytes */
    uint64_t at_ms;
};

struct outbox {
    struct parcel *first[PRIORITIES];
    struct parcel *last[PRIORITIES];
    struct parcel *spare;
    size_t spare_count;
    size_t count;
    struct bucket steady; /* egress_bytes_per_s: all but probes (never paced) and bulk */
    struct bucket bulk;   /* BULK_BYTES_PER_S */
    struct timer pace;    /* TIMER_PACE */
    uint8_t nonce_prefix[16];
    uint64_t nonce_counter;
};

void outbox_init(struct gossip *);
void outbox_free(struct gossip *);
/* Queues a message to a member (at its link's address). False: no address, or the queue is full of
 * more important things (counted). */
bool outbox_send(struct gossip *, struct member *to, enum priority, const struct wire_message *);
/* To an address whose owner may be unknown (receiver tag 0 when unknown). */
bool outbox_send_to(struct gossip *, const struct addr *to, uint64_t receiver, enum priority,
                    const struct wire_message *);
/* Do WAITING_PER_MEMBER_MAX packets (not of bulk) wait for this member that may not leave yet? Then
 * it gets no more answers: else one that asks faster than it may be answered would keep all others'
 * waiting. */
bool outbox_is_long(struct gossip *, struct member *);
/* Seals the most important packet that may leave now; rumours fill what an ACK or PING leaves free.
 * False: none, or none yet (then TIMER_PACE is set). `buf` has PACKET_MAX_BYTES of room. */
bool outbox_next(struct gossip *, struct addr *to, uint8_t *buf, size_t *len);

#endif
