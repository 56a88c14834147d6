// SPDX-License-Identifier: Apache-2.0
/* registry.h - every peer over all logs: which operation wins, who is visible, and until when
 * orphans are.
 *
 * Order of two operations on one peer_id, whatever their logs: higher peer_version (where both are
 * self-certified), then higher seq, then higher home tag, then higher epoch, then higher version.
 * The highest wins; a winning delete means that there is no peer. Whether an operation is
 * self-certified hangs on the peer_id alone (operation.c refuses the rest), so the order is total,
 * and the winner does not depend on the order of arrival. Implemented in registry.c (peers), logs.c
 * (the table of logs), orphans.c (homes that are gone), deletes.c. */
#ifndef AURORA_GOSSIP_REGISTRY_H
#define AURORA_GOSSIP_REGISTRY_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "gossip/cells.h"
#include "gossip/log.h"
#include "gossip/refs.h"

struct lease;

/* Somebody of whom some log knows an operation. */
struct peer {
    struct entry *entries; /* one per log that knows it */
    struct entry *winner;
    struct lease *lease; /* we are its home; owned by lease.c */
};

static inline bool peer_is_visible(const struct peer *peer)
{
    return peer->winner != NULL && peer->winner->is_shown;
}

struct registry {
    struct cells peers; /* of struct peer */
    struct refs by_id;  /* of peers, by keyed hash of peer_id */
    uint8_t hash_key[16];
    struct log **logs; /* (home, epoch) ascending */
    size_t log_count, log_capacity;
    struct log *own;     /* of our current epoch */
    size_t records_held; /* sets, in all logs: the cluster quota */
    size_t deletes_held;
    size_t early_count; /* batches that wait, in all logs */
    size_t forget_log;  /* index of the log in which the search for old deletes goes on */
    size_t visible_count;
    uint64_t view_digest[2];
    uint64_t records_digest; /* sum of log->digest; sync.c */
    struct timer floor_timer;
};

void registry_init(struct gossip *);
void registry_free(struct gossip *);
struct log *registry_log(const struct gossip *, uint64_t home, uint64_t epoch);
/* NULL: the home is no known member, or its epoch is above the member's. */
struct log *registry_log_make(struct gossip *, uint64_t home, uint64_t epoch);
void registry_log_drop(struct gossip *, struct log *);
struct peer *registry_peer(const struct gossip *, struct span peer_id);

/* log.c calls these; they recompute the winner and emit UP, UPDATE, DOWN. `entry` becomes the log's
 * operation on that peer, replacing an older one (which is released). peer_id points into the
 * entry's blob. */
void registry_entry_set(struct gossip *, struct log *, struct entry *entry, struct span peer_id);
void registry_entry_drop(struct gossip *, struct entry *, enum peer_down_reason);
/* Is a > b in the order above? */
bool entry_wins(const struct entry *a, const struct entry *b);
/* Highest seq known of this peer in any log; 0: none. */
uint64_t registry_seq(const struct peer *);

/* Implemented in orphans.c. A member exists, or its state or epoch changed: standing of its logs,
 * orphans, events; for ourselves: the log of our current epoch is made. */
void registry_home_changed(struct gossip *, struct member *);
void registry_cut_off_changed(struct gossip *);
void registry_on_orphan_timer(struct gossip *, struct log *);
/* How long the log's home has been gone here; 0: it is not. A joiner is told that with the list of
 * logs, and continues it: by then nothing else says when a life that has ended did end. */
uint64_t orphans_age_ms(const struct gossip *, const struct log *);
/* Is its home gone for what others say and hear, too? Nobody compares this log any more. */
bool orphans_are_final(const struct log *);
void orphans_age_told(struct gossip *, struct log *, uint64_t age_ms);
/* A member is forgotten. */
void registry_member_gone(struct gossip *, struct member *);
/* deletes.c */
void registry_on_floor_timer(struct gossip *);

/* Between registry.c, orphans.c and deletes.c. */
void registry_entry_hide(struct gossip *, struct entry *, bool is_hidden);
void registry_own_follow(struct gossip *);
void orphans_log_made(struct gossip *, struct log *);
/* Before the entry is seen by anybody: may it be? */
void orphans_entry_added(struct gossip *, struct entry *);
/* The log may have become empty: then it goes when it is time. */
void orphans_log_settle(struct gossip *, struct log *);
void deletes_entry_added(struct gossip *);
/* Looks at up to `budget` slots, from where the last search ended; returns how many. At the end of
 * the log forget_next is 0 again. */
size_t deletes_forget_some(struct gossip *, struct log *, size_t budget);

#endif
