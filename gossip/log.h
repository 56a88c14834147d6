// SPDX-License-Identifier: Apache-2.0
/* log.h - one home's operations in one of its lives, as this node holds them: applied in version order.
 *
 * A log belongs to (home, epoch). It keeps, per peer_id, only the latest operation (a set or a delete);
 * superseded versions leave holes that the ranges of batches close. */
#ifndef AURORA_GOSSIP_LOG_H
#define AURORA_GOSSIP_LOG_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "crypto/hash.h"
#include "gossip/gossip.h"
#include "gossip/timers.h"
#include "gossip/wire.h"

struct log;
struct member;
struct peer;
struct root_cache; /* root.c */
struct early;      /* log.c: a batch that waits for the ones before it */

/* One operation: the latest that this log has for its peer. Owned by the log, linked into the peer. */
struct entry {
    struct blob *blob; /* owned */
    struct log *log;
    struct peer *peer;
    struct entry *next_of_peer;
    struct entry *next_in_bucket; /* root.c */
    uint64_t version;
    uint64_t seq;
    uint64_t peer_version;  /* self-certified only */
    uint64_t applied_ms;    /* here: how long a delete has been remembered */
    uint32_t ttl_s;
    uint32_t sweep;         /* number of the last full pull that showed it */
    uint16_t bucket;
    bool is_delete;
    bool is_signed;
    bool is_hidden;         /* its home is gone for longer than the grace */
};

struct log {
    uint64_t home;
    uint64_t epoch;
    struct member *member;
    struct log *older;     /* the same home's previous life */
    struct entry **entries;/* by version, ascending; NULL: a hole, compacted when half are */
    size_t entry_count;    /* slots used, holes included */
    size_t entry_capacity;
    size_t held_count;     /* entries really there */
    size_t live_count;     /* of those, sets */
    uint64_t applied;
    uint64_t seen;         /* the highest version that anybody showed us */
    uint64_t floor;        /* deletes up to here may be missing: a puller below it starts from 0 */
    uint64_t behind_since_ms; /* 0: not behind */
    struct early *early;   /* ascending v0, at most EARLY_BATCHES_MAX */
    size_t early_count;

    /* head.c */
    struct blob *head_blob; /* owned; the newest HEAD; may be NULL */
    struct head head;
    struct blob *evidence;  /* owned; a second HEAD of one version with another root: equivocation */
    enum log_state state;
    enum log_state reported_state;
    uint64_t reported_version;
    struct root_cache *roots; /* root.c; NULL while small */

    /* registry.c: standing of the home */
    enum home_standing standing;
    int64_t gone_since_ms;       /* when its peers became orphans; may lie before our start */
    uint64_t standing_since_wall_ms;
    struct timer orphan_timer;   /* TIMER_ORPHANS */

    /* sync.c, pull.c */
    uint64_t digest;             /* what it adds to records_digest; 0 while its home is DEAD or LEFT */
    struct pull *pull;           /* under way; owned by pull.c */
    uint32_t sweep;              /* number of the last full pull */
};

/* --- Order (log.c) ---------------------------------------------------------------------------------- */

enum batch_verdict {
    BATCH_APPLIED, /* something was new, and the log advanced */
    BATCH_KNOWN,   /* nothing was new */
    BATCH_EARLY,   /* it is kept until (applied, v0] is here: pull that */
    BATCH_BAD,     /* a statement is malformed, wrongly signed, or not of this log: nothing after it was applied */
    BATCH_FULL,    /* early, and there is no room: dropped */
};

/* Takes a batch from tree or pull: verifies each statement that is new, applies in version order, and then what
 * waited for it. Emits the events. */
enum batch_verdict log_on_batch(struct gossip *, struct log *, const struct wire_batch *);
/* A page of a pull from version 0 (after < floor): shows entries without moving `applied`; what it shows never overrides
 * something newer. The last page ends it: applied = max(applied, v1), then log_sweep. */
enum batch_verdict log_on_reset_batch(struct gossip *, struct log *, const struct wire_batch *, bool is_first,
                                      bool is_last);
/* Fills `list` (a scratch writer of encoded bins) with operations after `after`, oldest first, until the next would
 * not fit. Returns the version up to which the range is then complete; *count statements. */
uint64_t log_read_range(const struct log *, uint64_t after, struct wire_writer *list, uint32_t *count,
                        bool *is_last);
/* Our own log: appends an operation with version applied + 1 (the statement must carry it). */
void log_append(struct gossip *, struct log *, struct blob *statement);
struct entry *log_entry_of(const struct log *, const struct peer *);
/* Drops deletes older than they must be kept, and raises the floor. */
void log_forget_deletes(struct gossip *, struct log *);
void log_free(struct gossip *, struct log *);

#endif
