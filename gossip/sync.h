// SPDX-License-Identifier: Apache-2.0
/* sync.h - anti-entropy of the record plane: is anything different, and where? Implemented in
 * sync.c (digests, comparing), sync_list.c (lists of logs) and sync_first.c (a joiner's first
 * sync). */
#ifndef AURORA_GOSSIP_SYNC_H
#define AURORA_GOSSIP_SYNC_H

#include <stdbool.h>
#include <stdint.h>

#include "gossip/log.h"

struct member;
struct wire_message;

/* Of a LOGS_LIST. */
enum sync_flag {
    SYNC_ASK = 1,     /* send me a page: your logs of homes after `buckets` */
    SYNC_ANSWER = 2,  /* do not answer with yours */
    SYNC_PARTIAL = 4, /* not all of those buckets' logs: nothing follows from what is not listed */
    SYNC_PAGE =
        8, /* answers SYNC_ASK: all logs from after home `buckets` through the last one listed */
    SYNC_ORPHANS = 16, /* with the logs of homes that are gone, and of lives that have ended */
    SYNC_MORE = 32,    /* the last page of this answer: ask on */
    SYNC_END = 64,     /* the last page of all */
};

struct sync {
    struct timer timer;       /* TIMER_COMPARE; idle while nothing differs and nothing happened */
    uint64_t active_until_ms; /* compare every COMPARE_INTERVAL_MS until then */
    uint64_t differs_from;    /* tag of the last member whose digest differed; 0: none */
    bool is_first_done;       /* the first sync: until then registrations are answered NOT_READY */
    bool is_first_listed;     /* its list of logs is complete here; pulls may remain */
    uint64_t first_partner;   /* tag of the member that the first sync runs with; 0: not begun */
    uint64_t first_after;     /* homes up to here are listed */
    uint32_t first_attempts;  /* questions without an answer */
    uint32_t first_partners;  /* members that were asked */
    uint32_t first_remaining; /* logs whose first_target is not reached */
    uint32_t first_remaining_before; /* at the last progress, */
    uint64_t first_progress_ms;      /* which was then */
};

/* What two nodes compare of a log; a home that equivocates has one fixed value in place of it. */
struct sync_facts {
    uint64_t applied;
    uint64_t head_version;
    uint64_t head_root; /* first 8 bytes, big endian */
};
struct sync_facts sync_facts_of(const struct log *);

/* The log's (applied, head version, root) or its home's state changed: renews its share of
 * records_digest. */
void sync_log_changed(struct gossip *, struct log *);
/* The log goes away (or reached what the first sync waits for). */
void sync_log_settled(struct gossip *, struct log *);
/* An operation was applied or made: compare for some seconds. */
void sync_operation_seen(struct gossip *);
/* A PING or ACK carried this digest. */
void sync_on_digest(struct gossip *, struct member *from, uint64_t records_digest);
void sync_on_timer(struct gossip *);
void sync_on_hashes(struct gossip *, struct member *from, const struct wire_message *);
void sync_on_list(struct gossip *, struct member *from, const struct wire_message *);
/* Membership is in place: take over the records of this member (NULL: there is nobody, we are
 * alone). */
void sync_begin(struct gossip *, struct member *with);
/* All pulls of the first sync are done? Then says so and lets lease.c re-issue. */
void sync_check_first(struct gossip *);
bool sync_is_converged(const struct gossip *);

/* Between the three files. */
unsigned sync_bucket_of(uint64_t home);
void sync_list_send(struct gossip *, struct member *to, uint64_t flags, uint32_t buckets);
/* Of ended lives, how old their orphans are here; whoever knows better answers. */
void sync_list_send_lives(struct gossip *, struct member *to);
void sync_list_send_pages(struct gossip *, struct member *to, uint64_t after, bool with_orphans);
/* Pulls what the entries show that we lack, HEADs too. Returns how many entries were well formed,
 * and the last home among them. */
uint32_t sync_list_take(struct gossip *, struct member *from, struct wire_list entries,
                        bool is_first, uint64_t *last_home);
void sync_first_on_page(struct gossip *, struct member *from, const struct wire_message *);
void sync_first_on_timer(struct gossip *);

#endif
