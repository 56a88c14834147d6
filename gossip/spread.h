// SPDX-License-Identifier: Apache-2.0
/* spread.h - dissemination: a tree over the ring with acknowledged hops, announcements to three random
 * members, and membership news that also rides on probes. Implemented in spread.c, announce.c, rumours.c. */
#ifndef AURORA_GOSSIP_SPREAD_H
#define AURORA_GOSSIP_SPREAD_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "gossip/limits.h"
#include "gossip/span.h"
#include "gossip/timers.h"
#include "gossip/wire.h"

struct gossip;
struct member;
struct blob;

struct hop;      /* spread.c: one unacknowledged hop */
struct rumour;   /* rumours.c */

struct spread {
    struct hop *hops; /* list */
    size_t hop_count;
    uint64_t next_token;
    struct timer announce_timer; /* TIMER_ANNOUNCE */
    struct { uint64_t home, epoch, version; } pending[ANNOUNCE_PENDING_MAX];
    size_t pending_count;
    struct rumour *rumours;
    size_t rumour_count;
};

void spread_init(struct gossip *);
void spread_free(struct gossip *);
/* A new statement of membership (ALIVE, LEFT, accusation) or a HEAD, ours: over the whole ring, at once; membership
 * also rides on the next probes. Retains the blob. */
void spread_news(struct gossip *, struct blob *statement);
/* Our own log's operations (v0, v1]: over the whole ring. `statements` are the encoded list of bins. */
void spread_batch(struct gossip *, const struct wire_batch *);
/* Rides on probes only (what we learnt and believe others may lack). */
void spread_rumour(struct gossip *, struct blob *statement);

void spread_on_batch(struct gossip *, struct member *from, const struct wire_message *);
void spread_on_news(struct gossip *, struct member *from, const struct wire_message *);
void spread_on_hop_acks(struct gossip *, struct member *from, const struct wire_message *);
void spread_on_hop_timer(struct gossip *, struct timer *);
void spread_on_announce(struct gossip *, struct member *from, const struct wire_message *);
void spread_on_announce_timer(struct gossip *);
/* Plain NEWS (rumours on probes, answers to HEAD_PULL, roster_tell): applied, not forwarded over the tree. */
void spread_on_plain_news(struct gossip *, struct member *from, const struct wire_message *);
/* Appends as many rumours as fit as one NEWS message, counting each as said once. `to` is told first what is
 * said about itself (the buddy rule). */
void rumours_append(struct gossip *, struct wire_writer *, const struct member *to);
/* A batch that was new to us arrived (by tree or pull): announce it to three random members soon. */
void announce_later(struct gossip *, uint64_t home, uint64_t epoch, uint64_t version);

#endif
