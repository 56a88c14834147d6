// SPDX-License-Identifier: Apache-2.0
/* lease.h - the home's side: registering, renewing, ending, adopting and re-issuing leases; the own log's
 * batches. Implemented in lease.c, batch.c, reissue.c. */
#ifndef AURORA_GOSSIP_LEASE_H
#define AURORA_GOSSIP_LEASE_H

#include <stdbool.h>
#include <stdint.h>

#include "gossip/gossip.h"
#include "gossip/registry.h"

/* A record of ours that somebody keeps alive. Lives from registration (or adoption, re-issue) to its delete. */
struct lease {
    struct timer timer;  /* TIMER_LEASE: expiry */
    struct timer moved;  /* TIMER_MOVED */
    struct peer *peer;
    struct lease *previous, *next; /* all leases, oldest first */
    uint64_t heartbeat_ms;
    uint64_t heartbeat_wall_ms;
    uint32_t ttl_s;
};

struct restored; /* reissue.c: a lease of the last life */

struct leases {
    struct lease *first, *last;
    size_t count;
    struct restored *restored;
    struct timer batch_timer;  /* TIMER_BATCH */
    uint64_t batch_from;       /* own versions above it have not been spread */
    uint64_t last_operation_ms;
};

void lease_init(struct gossip *);
void lease_free(struct gossip *);
void lease_register(struct gossip *, uint64_t request, const struct gossip_registration *);
/* A heartbeat or deregistration for a lease of ours (by HTTP, or forwarded). Fills the reply but for its request. */
void lease_heartbeat(struct gossip *, struct peer *, const uint8_t *token_hash, struct gossip_reply *);
void lease_deregister(struct gossip *, struct peer *, const uint8_t *token_hash, struct gossip_reply *);
/* Registers the record that `peer` has elsewhere as our own, with a higher seq. False: quota or size. */
bool lease_adopt(struct gossip *, struct peer *, enum gossip_result *why);
void lease_on_timer(struct gossip *, struct lease *);
void lease_on_moved_timer(struct gossip *, struct lease *);
/* registry.c: another operation now wins over our lease's record (or it wins again). */
void lease_winner_changed(struct gossip *, struct peer *);
/* batch.c: the own log advanced: spread it at once after quiet, else within BATCH_DELAY_MS. Bulk re-issues are not
 * pushed: batch_skip moves past them, and the HEAD announces them. */
void batch_operation_added(struct gossip *);
void batch_skip(struct gossip *);
void batch_on_timer(struct gossip *);
/* reissue.c: the first sync is done (or we are alone): re-issue what still holds. */
void reissue_begin(struct gossip *);
void reissue_free(struct gossip *);
/* Is this peer's lease of our last life waiting to be re-issued? Then re-issue it now (a heartbeat came). */
bool reissue_now(struct gossip *, struct span peer_id);

#endif
