// SPDX-License-Identifier: Apache-2.0
/* lease.h - the home's side: registering, renewing, ending, adopting and re-issuing leases; the own
 * log's batches. Implemented in lease.c, register.c, batch.c, reissue.c. */
#ifndef AURORA_GOSSIP_LEASE_H
#define AURORA_GOSSIP_LEASE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "gossip/gossip.h"
#include "gossip/registry.h"
#include "gossip/timers.h"

/* A record of ours that somebody keeps alive. Lives from registration (or adoption, re-issue) to
 * its delete. Owned by struct leases; the own log's entry of `peer` is its record. */
struct lease {
    struct timer timer; /* TIMER_LEASE: expiry; always set */
    struct timer moved; /* TIMER_MOVED: set while another home's operation wins */
    struct peer *peer;
    size_t index; /* in leases.all */
    uint64_t heartbeat_wall_ms;
    uint32_t ttl_s;
};

struct restored; /* reissue.c: the leases of the last life */

/* An answer that waits for its operation to leave; its record is owned. */
struct batch_reply {
    uint64_t version; /* of the operation */
    struct gossip_reply reply;
};

struct leases {
    struct lease **all; /* no order; an array, so that a snapshot walks it by index */
    size_t count, capacity;
    struct restored *restored;
    struct timer batch_timer;    /* TIMER_BATCH: a pending batch leaves; re-issues go on */
    uint64_t batch_from;         /* own versions above it have not been spread */
    size_t batch_bytes;          /* what they take in a packet, if none is superseded */
    size_t operation_bytes;      /* of that, the last one */
    unsigned batch_packets;      /* that left before the timer */
    struct batch_reply *waiting; /* by version */
    size_t waiting_count, waiting_capacity;
    uint64_t last_operation_ms;
    uint64_t issuing_ms; /* how long the record being appended will run; 0 outside of lease_issue */
};

void lease_init(struct gossip *);
void lease_free(struct gossip *);
/* gossip_register. Answers at once. An identical registration (same description, same token) of a
 * live lease renews it as a heartbeat does, and so costs no gossip. register.c */
void lease_register(struct gossip *, uint64_t request, const struct gossip_registration *);
/* A heartbeat or deregistration for a lease of ours (by HTTP, or forwarded). Fills the reply but
 * for its request; its record is retained. */
void lease_heartbeat(struct gossip *, struct peer *, const uint8_t *token_hash,
                     struct gossip_reply *);
void lease_deregister(struct gossip *, struct peer *, const uint8_t *token_hash,
                      struct gossip_reply *);
/* Registers the record that `peer` has elsewhere (or had in an earlier life of ours) as our own,
 * with a higher seq. False: quota or size, or there is no record to adopt. The signed part of a
 * self-certified peer is copied unchanged. */
bool lease_adopt(struct gossip *, struct peer *, enum gossip_result *why);
/* Does this token (NULL: none shown) allow it? RESULT_OK, RESULT_WRONG_TOKEN or
 * RESULT_TOKEN_NEEDED. */
enum gossip_result lease_token_check(const struct record *, const uint8_t *token_hash,
                                     bool is_needed);
void lease_on_timer(struct gossip *, struct lease *);
void lease_on_moved_timer(struct gossip *, struct lease *);
/* registry.c: another operation now wins over our lease's record (or it wins again). */
void lease_winner_changed(struct gossip *, struct peer *);
/* For events about a peer whose winner is in our own current log: also right while that record is
 * being appended. */
uint64_t lease_expires_in_ms(const struct gossip *, const struct peer *);
/* NULL: no more. Indexes hold until the next input. */
const struct lease *lease_at(const struct gossip *, size_t index);
/* Borrowed; never NULL. */
struct blob *lease_record(const struct gossip *, const struct lease *);

/* Shared by register.c, lease.c and reissue.c: signs `record` (its home, epoch and version are
 * filled in here) into the own log, and runs its lease for runs_ms; what its spans point into may
 * be gone afterwards. `slack_bytes` must be left in the statement. The caller then calls
 * lease_operation_made, or batch_skip for bulk. False: does not fit. */
bool lease_issue(struct gossip *, struct record *, uint64_t runs_ms, uint64_t heartbeat_wall_ms,
                 size_t slack_bytes);
void lease_operation_made(struct gossip *);
/* Highest peer_version known of a self-certified peer; 0: none. */
uint64_t lease_peer_version(const struct peer *);

/* batch.c: the own log advanced: spread it at once after quiet, else when a packet is full, or
 * within BATCH_DELAY_MS. Bulk re-issues are not pushed: batch_flush before them, batch_skip after
 * them, and the HEAD announces them. */
void batch_operation_added(struct gossip *);
/* A statement of so many bytes was appended to the own log. */
void batch_grow(struct gossip *, size_t statement_bytes);
void batch_flush(struct gossip *);
void batch_skip(struct gossip *);
void batch_on_timer(struct gossip *);
/* event_reply, once the own operations made since `applied_before` have been handed to the outbox:
 * what was answered with success has left. */
void batch_reply(struct gossip *, struct gossip_reply, uint64_t applied_before);

/* reissue.c. gossip_restore_lease: false: not a valid record of an earlier life of ours. */
bool reissue_restore(struct gossip *, struct span record_statement, uint64_t heartbeat_wall_ms);
/* The first sync is done (or we are alone): re-issue what still holds, some now and the rest in
 * steps. */
void reissue_begin(struct gossip *);
void reissue_step(struct gossip *);
void reissue_free(struct gossip *);
/* Leases that still wait, for a snapshot made meanwhile: index from 0; NULL: no more. */
const struct blob *reissue_at(const struct gossip *, size_t index, uint64_t *heartbeat_wall_ms);
/* Is this peer's lease of our last life waiting to be re-issued? Then re-issue it now (a heartbeat
 * came). True: there is a lease now. */
bool reissue_now(struct gossip *, struct span peer_id);
/* Our epoch was raised while leases ran: registry.own is the new, empty log, and all leases go on
 * in it. */
void reissue_epoch_raised(struct gossip *);

#endif
