// SPDX-License-Identifier: Apache-2.0
/* log.h - one home's operations in one of its lives, as this node holds them: applied in version
 * order.
 *
 * A log belongs to (home, epoch). It keeps, per peer_id, only the latest operation (a set or a
 * delete); superseded versions leave holes that the ranges of batches close. */
#ifndef AURORA_GOSSIP_LOG_H
#define AURORA_GOSSIP_LOG_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "crypto/hash.h"
#include "gossip/gossip.h"
#include "gossip/root.h"
#include "gossip/timers.h"
#include "gossip/wire.h"

struct log;
struct member;
struct peer;
struct early; /* early.c: a batch that waits for the ones before it */

/* One operation: the latest that this log has for its peer. Owned by the log, linked into the peer.
 * There may be a million: what the statement's bytes say (seq, ttl_s, peer_version, peer_id) is
 * read from there when it is needed (entry_order). */
struct entry {
    struct blob *blob; /* owned */
    struct log *log;
    struct peer *peer;
    struct entry *next_of_peer;
    union {
        struct entry *next_in_leaf; /* a set: root.c */
        uint64_t applied_ms;        /* a delete: since when it has been remembered here */
    };
    uint64_t version;
    uint32_t key;        /* a set: root.c */
    uint32_t sweep : 28; /* number of the last full pull that showed it */
    uint32_t is_delete : 1;
    uint32_t is_signed : 1;
    uint32_t is_hidden : 1; /* its home is gone for longer than the grace */
    uint32_t is_shown : 1;  /* the host was told of it, and of nothing since */
};

/* An entry's address, which is even; or a hole: twice the version that was there, and one. The
 * second keeps the array searchable until it is compacted, when half of it are holes. */
struct log_slot {
    uint64_t word;
};

/* NULL: a hole. */
static inline struct entry *slot_entry(struct log_slot slot)
{
    return (slot.word & 1) != 0 ? NULL : (struct entry *)(uintptr_t)slot.word;
}

struct log {
    uint64_t home;
    uint64_t epoch;
    struct member *member;
    struct log *older;      /* the same home's previous life */
    struct log_slot *slots; /* by version, ascending; entries.c */
    size_t slot_count;      /* slots used, holes included */
    size_t slot_capacity;
    size_t held_count; /* entries really there */
    size_t live_count; /* of those, sets */
    uint64_t applied;
    uint64_t seen;  /* the highest version of which a signed statement (or HEAD) was shown to us */
    uint64_t floor; /* deletes up to here may be missing: a puller below it starts from 0 */
    uint64_t behind_since_ms; /* 0: not behind; kept by head_check */
    struct early *early;      /* ascending v0, at most EARLY_BATCHES_MAX */
    size_t early_count;
    size_t forget_next; /* slot at which the search for old deletes goes on */
    uint64_t made_ms;

    /* head.c */
    struct blob *head_blob; /* owned; the newest HEAD; may be NULL */
    struct head head;
    struct blob *evidence; /* owned; a second HEAD of one version with another root: equivocation */
    enum log_state state;
    enum log_state reported_state;
    uint64_t reported_version;
    uint64_t reported_head;
    struct log *next_unreported; /* changed since the last report, told within a second */
    bool is_unreported;
    uint64_t proved_version; /* state LOG_PROVED: where the roots were last seen equal */
    uint32_t repairs;        /* begun since it was last proved */
    uint64_t repair_at_ms;   /* not before */
    struct root_node root;   /* of what the log holds */

    /* orphans.c: standing of the home */
    enum home_standing standing;
    bool is_shed; /* orphans were dropped from it: its root proves nothing until its home is back */
    int64_t gone_since_ms; /* HOME_GONE: when its peers became orphans; may lie before our start */
    uint64_t standing_since_wall_ms; /* when its home last vouched, or began to again */
    uint32_t ttl_min_s;              /* no set in it has a shorter one */
    size_t hidden_count;
    struct timer orphan_timer;  /* TIMER_ORPHANS */
    uint64_t orphans_looked;    /* a pass over the entries is so far; 0: none is under way */
    int64_t orphans_due;        /* what it has found: when something is due next, */
    uint32_t orphans_ttl_min_s; /* and the shortest ttl */

    /* sync.c, pull.c */
    uint64_t digest;         /* what it adds to records_digest; 0 while its home is DEAD or LEFT */
    bool is_ended;           /* sync.c has seen that its home has a newer life */
    struct pull *pull;       /* under way; owned by pull.c */
    struct missing *missing; /* announced and not here; owned by pull.c */
    struct log *next_wanted; /* queue of pulls that wait for a slot */
    bool is_wanted;
    uint64_t wanted_from;    /* tag of the last to show us something that we lack, */
    uint64_t wanted_version; /* and which version that was */
    uint64_t first_target;   /* the first sync waits for this version; 0: for nothing */
    uint32_t sweep : 28;     /* number of the last full pull */
};

/* --- Order (log.c, early.c) --- */

enum batch_verdict {
    BATCH_APPLIED, /* something was new, and the log advanced */
    BATCH_KNOWN,   /* nothing was new */
    BATCH_EARLY,   /* (applied, v0] must come first: pull that; kept, if it held anything */
    BATCH_BAD,     /* malformed, wrongly signed, or not of this log; what came before is applied */
    BATCH_FULL,    /* early, and there is no room: dropped */
};

/* Takes a batch from tree or pull: verifies each statement that is new, applies in version order,
 * and then what waited for it. Emits the events. A range is believed only as far as something
 * signed reaches: `applied` never rises above the highest of the statements and the HEAD, whatever
 * v1 says. Nothing is taken into an equivocating log, nor into our own. */
enum batch_verdict log_on_batch(struct gossip *, struct log *, const struct wire_batch *);
/* A page of a pull from version 0 (after < floor): shows entries without moving `applied`; what it
 * shows never overrides something newer. The last page ends it: applied = max(applied, v1), and the
 * sets up to there that no page showed are dropped. A page of a sender that has applied less than
 * we have is ignored (BATCH_KNOWN). */
enum batch_verdict log_on_reset_batch(struct gossip *, struct log *, const struct wire_batch *,
                                      bool is_first, bool is_last);
/* The same two of a batch whose statements were verified before (NULL: they were not), and are
 * taken out of the check as far as they are new. */
enum batch_verdict log_on_checked_batch(struct gossip *, struct log *, const struct wire_batch *,
                                        struct gossip_check *);
enum batch_verdict log_on_checked_reset(struct gossip *, struct log *, const struct wire_batch *,
                                        struct gossip_check *, bool is_first, bool is_last);
/* One record of a diverged bucket, as somebody who has applied up to `version` holds it. Call
 * head_check after the last. KNOWN: nothing new, or we are further than that. */
enum batch_verdict log_on_repair(struct gossip *, struct log *, struct span statement,
                                 uint64_t version);
/* Fills `list` (a scratch writer of encoded bins) with operations after `after`, oldest first,
 * until the next would not fit (or WIRE_LIST_MAX are there). Returns the version up to which the
 * range is then complete: that of the last statement, and `applied` in the last batch; *count
 * statements. */
uint64_t log_read_range(const struct log *, uint64_t after, struct wire_writer *list,
                        uint32_t *count, bool *is_last);
/* Our own log: appends an operation with version applied + 1 (the statement must carry it). Takes
 * over the reference. */
void log_append(struct gossip *, struct log *, struct blob *statement);
/* These very bytes are here, applied or early: their signatures were verified when they came. */
bool log_holds(const struct log *, uint64_t version, struct span statement);
struct entry *log_entry_of(const struct log *, const struct peer *);
struct statement_order entry_order(const struct entry *);
struct span entry_peer_id(const struct entry *);
/* Drops deletes older than they must be kept, and raises the floor. */
void log_forget_deletes(struct gossip *, struct log *);
/* The log itself; its entries are gone already. */
void log_free(struct gossip *, struct log *);

#endif
