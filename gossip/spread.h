// SPDX-License-Identifier: Apache-2.0
/* spread.h - dissemination: a tree over the ring with acknowledged hops, announcements to three
 * random members, and membership news that also rides on probes. Implemented in spread.c, arc.c,
 * announce.c, news.c, rumours.c. */
#ifndef AURORA_GOSSIP_SPREAD_H
#define AURORA_GOSSIP_SPREAD_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "gossip/handled.h"
#include "gossip/limits.h"
#include "gossip/span.h"
#include "gossip/timers.h"
#include "gossip/wire.h"

struct gossip;
struct member;
struct blob;

struct hop; /* spread.c: one unacknowledged hop */

/* A statement that rides on probes until it was said often enough. */
struct rumour {
    struct blob *blob; /* owned */
    uint64_t subject;  /* tag: a newer statement of one kind about one subject replaces the older */
    uint32_t said;
    uint32_t kind; /* enum statement_kind */
};

/* Hops are looked up with every acknowledgement. A node that was blocked may have thousands of them
 * under way; one that is idle should not pay for that. */
#define HOP_LISTS 64

struct spread {
    struct hop *hops[HOP_LISTS]; /* by the last bits of their tokens */
    size_t hop_count;
    uint64_t next_token;
    struct handled_table handled;
    uint32_t resends_left; /* up to RESENDS_SAVED_MAX */
    /* Smoothed over all hops: stands in for links that have no measurement of their own. */
    uint32_t typical_rtt_us, typical_rtt_var_us;
    struct timer announce_timer; /* TIMER_ANNOUNCE */
    struct announcement {
        uint64_t home, epoch, version;
    } pending[ANNOUNCE_PENDING_MAX];
    size_t pending_count;
    struct rumour *rumours;
    size_t rumour_count, rumour_capacity;
};

void spread_init(struct gossip *);
void spread_free(struct gossip *);
/* A new statement of membership (ALIVE, LEFT, accusation) or a HEAD, ours: over the whole ring, at
 * once; membership also rides on the next probes. Retains the blob. */
void spread_news(struct gossip *, struct blob *statement);
/* Our own log's operations (v0, v1]: over the whole ring. `statements` are the encoded list of
 * bins. */
void spread_batch(struct gossip *, const struct wire_batch *);
/* Rides on probes only: the next few packets to anybody. Statements of membership. Retains the
 * blob. */
void spread_rumour(struct gossip *, struct blob *statement);

void spread_on_batch(struct gossip *, struct member *from, const struct wire_message *);
void spread_on_news(struct gossip *, struct member *from, const struct wire_message *);
void spread_on_hop_acks(struct gossip *, struct member *from, const struct wire_message *);
void spread_on_hop_timer(struct gossip *, struct timer *);
/* How long an answer from this member may take before it counts as lost, at least min_ms: from its
 * link's round trips, or from those of other links while it has none. */
uint32_t spread_timeout_ms(const struct gossip *, const struct member *, uint32_t min_ms);
void announce_on_message(struct gossip *, struct member *from, const struct wire_message *);
/* Plain NEWS (rumours on probes, answers to HEAD_PULL, roster_tell): applied, not forwarded over
 * the tree. */
void spread_on_plain_news(struct gossip *, struct member *from, const struct wire_message *);
void announce_on_timer(struct gossip *);
/* Appends as many rumours as fit as one NEWS message, counting each as said once. `to` is told
 * first what is said about itself (the buddy rule). */
void rumours_append(struct gossip *, struct wire_writer *, const struct member *to);
void rumours_free(struct gossip *);
/* A batch that was new to us arrived (by tree or pull): announce it to three random members soon.
 */
void announce_later(struct gossip *, uint64_t home, uint64_t epoch, uint64_t version);

#endif
