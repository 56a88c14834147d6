// SPDX-License-Identifier: Apache-2.0
/* members.h - the member table: who exists, which life of theirs we believe in, and in which state.
 *
 * The table is an array in tag order: that order is the ring of spread.c and of the observers. A member's
 * (epoch, incarnation) only ever rises, and only by statements that the member signed. */
#ifndef AURORA_GOSSIP_MEMBERS_H
#define AURORA_GOSSIP_MEMBERS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "gossip/gossip.h"
#include "gossip/outbox.h"
#include "gossip/suspicion.h"

struct log;

/* What we keep about the path to a member; made when we first exchange a packet with it, never freed
 * before the member is (its window is what stops replays). */
struct link {
    struct addr addr;      /* where its last authentic packet came from, or its ALIVE's first address */
    uint64_t sent_counter;
    uint64_t seen_epoch;   /* the receive window belongs to this epoch of the sender */
    uint64_t seen_highest;
    uint64_t seen_window;  /* bit i: counter seen_highest - i was seen */
    uint32_t rtt_us;       /* smoothed (RFC 6298); 0: not measured yet */
    uint32_t rtt_var_us;
    uint64_t heard_ms;     /* last authentic packet */
    struct bucket egress;  /* egress_peer_bytes_per_s; outbox.c */
};

struct member {
    uint64_t tag;
    struct blob *alive; /* owned; the statement of (epoch, incarnation) */
    struct blob *left;  /* owned; state LEFT only */
    uint64_t epoch;
    uint64_t incarnation;
    enum member_state state;
    bool is_seen;       /* answered or spoke to us in this epoch of its */
    int64_t since_ms;   /* when the state began; before our start for what a joiner was told */
    struct suspicion *suspicion; /* owned by suspicion.c; accusations of (epoch, incarnation); may be NULL */
    struct link *link;
    struct log *logs;   /* newest epoch first, linked by log->older; owned by registry.c */
    uint64_t digest;    /* what it adds to members_digest */
};

struct members {
    struct member **ring; /* tag order, ourselves included */
    size_t count;
    size_t capacity;
    struct member *self;
    size_t counts[MEMBER_FORGOTTEN]; /* by state */
    uint64_t digest; /* sum over members of a hash of (tag, epoch, incarnation, alive|dead|left) */
};

void members_init(struct gossip *);
void members_free(struct gossip *);

struct member *members_find(const struct gossip *, uint64_t tag);
/* First index with tag >= `tag`, in 0..count. */
size_t members_index(const struct gossip *, uint64_t tag);
/* N of the quorum: neither DEAD nor LEFT here, ourselves and unreachable ones included. */
size_t members_n(const struct gossip *);
/* ALIVE or SUSPECT, and not ourselves. */
bool member_is_live(const struct gossip *, const struct member *);
/* Fills `out` with up to `want` distinct random live members, none of them `except` (a tag, or 0).
 * Returns how many. */
size_t members_pick(struct gossip *, struct member **out, size_t want, uint64_t except);

/* Admits an ALIVE statement from anywhere (verifies it unless identical bytes are known).
 * NEWS_NEW: it changed what we believe, and is worth passing on. */
enum news_verdict { NEWS_NEW, NEWS_KNOWN, NEWS_STALE, NEWS_BAD };
enum news_verdict members_on_alive(struct gossip *, struct span statement, struct member **out);
enum news_verdict members_on_left(struct gossip *, struct span statement);
/* The one place where a state changes: counts, digest, event, orphaning (registry_home_changed), and
 * the timers that hang on it. `since_ms`: usually now. */
void member_set_state(struct gossip *, struct member *, enum member_state, int64_t since_ms);
/* Signs our ALIVE anew with a higher incarnation (refutation) or epoch, and spreads it. */
void members_refute(struct gossip *, uint64_t at_least_incarnation);
void members_raise_epoch(struct gossip *, uint64_t epoch);
/* Drops a member for good, its logs too. */
void members_forget(struct gossip *, struct member *);

/* Where to send to; *out is its link's address. Makes the link. False: no usable address. */
bool member_address(struct gossip *, struct member *, struct addr *out);
struct link *member_link(struct gossip *, struct member *);
/* Is this counter new? Then it is marked as seen. False: a repeat, too old, or of an ended epoch. */
bool link_window_admit(struct link *, uint64_t epoch, uint64_t counter);
void link_rtt_sample(struct link *, uint32_t rtt_us);
/* Retransmission time of this link: srtt + 4 var, at least min_ms, at most max_ms; max_ms/4 when unmeasured. */
uint32_t link_timeout_ms(const struct link *, uint32_t min_ms, uint32_t max_ms);

#endif
