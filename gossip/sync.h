// SPDX-License-Identifier: Apache-2.0
/* sync.h - anti-entropy of the record plane: is anything different, and where? */
#ifndef AURORA_GOSSIP_SYNC_H
#define AURORA_GOSSIP_SYNC_H

#include <stdbool.h>
#include <stdint.h>

#include "gossip/log.h"

struct member;
struct wire_message;

struct sync {
    struct timer timer;          /* TIMER_COMPARE; idle while nothing differs and nothing happened */
    uint64_t active_until_ms;    /* compare every COMPARE_INTERVAL_MS until then */
    bool is_first_done;          /* the first sync: until then registrations are answered NOT_READY */
    uint64_t first_partner;      /* tag of the member that the first sync runs with */
    bool is_first_listed;        /* its list of logs is complete here; pulls may remain */
    uint64_t hold_pulls;
};

/* The log's (applied, head version, root) or its home's state changed: renews its share of records_digest. */
void sync_log_changed(struct gossip *, struct log *);
/* An operation was applied or made: compare for some seconds. */
void sync_operation_seen(struct gossip *);
/* A PING or ACK carried this digest. */
void sync_on_digest(struct gossip *, struct member *from, uint64_t records_digest);
void sync_on_timer(struct gossip *);
void sync_on_hashes(struct gossip *, struct member *from, const struct wire_message *);
void sync_on_list(struct gossip *, struct member *from, const struct wire_message *);
/* Membership is in place: take over the records of this member (NULL: there is nobody, we are alone). */
void sync_begin(struct gossip *, struct member *with);
/* All pulls of the first sync are done? Then says so and lets lease.c re-issue. */
void sync_check_first(struct gossip *);
bool sync_is_converged(const struct gossip *);

#endif
