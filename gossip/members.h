// SPDX-License-Identifier: Apache-2.0
/* members.h - the member table: who exists, which life of theirs we believe in, and in which state.
 *
 * The table is an array in tag order: that order is the ring of spread.c and of the observers. A
 * member's (epoch, incarnation) only ever rises, and only by statements that the member signed. */
#ifndef AURORA_GOSSIP_MEMBERS_H
#define AURORA_GOSSIP_MEMBERS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "gossip/gossip.h"
#include "gossip/outbox.h"
#include "gossip/suspicion.h"
#include "gossip/table.h"

struct log;

/* Lives that were forgotten after old_member_forget_ms: a replayed ALIVE of one revives nobody. */
#define FORGOTTEN_MAX 1024

/* What we keep about the path to a member; made when we first exchange a packet with it, never
 * freed before the member is (its window is what stops replays). */
struct link {
    struct addr addr; /* its ALIVE's, until an answer that echoes our number came by another */
    bool is_verified; /* such an answer came from `addr`: bulk may be sent there */
    uint16_t unanswered_bytes; /* not verified: sent there, less what came from there */
    uint64_t sent_counter;
    uint64_t seen_epoch; /* the receive window belongs to this epoch of the sender */
    uint64_t seen_highest;
    uint64_t seen_window; /* bit i: counter seen_highest - i was seen */
    uint32_t rtt_us;      /* smoothed (RFC 6298); 0: not measured yet */
    uint32_t rtt_var_us;
    uint64_t heard_ms;    /* last authentic packet */
    struct bucket egress; /* egress_peer_bytes_per_s; outbox.c */
};

struct member {
    uint64_t tag;
    struct blob *alive; /* owned; the statement of (epoch, incarnation) */
    struct blob *left;  /* owned; state LEFT only */
    uint64_t epoch;
    uint64_t incarnation;
    enum member_state state;
    bool is_seen; /* it answered us, so it knows our current life */
    struct key_public id;
    struct addr addr; /* the one of its ALIVE that we use; family ADDR_NONE: it has none */
    uint64_t name_hash;
    uint64_t stamp;        /* the highest in any accusation that it signed */
    uint64_t told_ms;      /* roster_tell: when we last told somebody about it */
    uint64_t probed_ms;    /* old members: when we last probed it */
    uint64_t join_request; /* of its last JOIN: another process has another */
    uint32_t reported_rtt_us;
    uint32_t probes;  /* of ours under way: by round, or as its observer */
    int64_t since_ms; /* when the state began; before our start for what a joiner was told */
    struct suspicion
        *suspicion; /* owned by suspicion.c; accusations of (epoch, incarnation); may be NULL */
    struct link *link;
    struct log *logs;      /* newest epoch first, linked by log->older; owned by registry.c */
    uint64_t life_epoch;   /* orphans.c: the epoch since whose arrival here life_since_ms counts */
    int64_t life_since_ms; /* a restart ends the life before it, so the older logs' peers are
                              orphans since then */
    uint64_t ended_epoch;  /* logs of lives up to this one ran out here, and are not made again */
    uint64_t digest;       /* what it adds to members_digest */
};

struct members {
    struct member **ring; /* tag order, ourselves included */
    uint64_t *tags;       /* of the ring, side by side: every packet looks for its sender */
    size_t count;
    size_t capacity;
    struct member *self;
    size_t counts[MEMBER_FORGOTTEN]; /* by state */
    uint64_t digest; /* sum over members of a hash of (tag, epoch, incarnation, alive|dead|left) */
    struct table names; /* of struct member, by name_hash: two members of one name are a conflict */
    uint64_t
        refuted_ms; /* when we last answered a claim about a life of ours that we never lived */
    struct forgotten {
        uint64_t tag, epoch, incarnation;
    } * forgotten; /* FORGOTTEN_MAX of them, made with the first; the oldest is overwritten */
    size_t forgotten_count;
};

/* What the digests say about a state: the rest is each node's own affair. */
enum member_class { CLASS_ALIVE = 0, CLASS_DEAD, CLASS_LEFT };
enum member_class member_class_of(enum member_state);

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
/* NEWS_EXCESS: too much of its kind; it must cost nobody else anything. */
enum news_verdict { NEWS_NEW, NEWS_KNOWN, NEWS_STALE, NEWS_EXCESS, NEWS_BAD };
enum news_verdict members_on_alive(struct gossip *, struct span statement, struct member **out);
enum news_verdict members_on_left(struct gossip *, struct span statement);
/* The one place where a state changes: counts, digest, event, orphaning (registry_home_changed),
 * and the timers that hang on it. `since_ms`: usually now. */
void member_set_state(struct gossip *, struct member *, enum member_state, int64_t since_ms);
/* Signs our ALIVE anew with a higher incarnation (refutation) or epoch, and spreads it. */
void members_refute(struct gossip *, uint64_t at_least_incarnation);
void members_raise_epoch(struct gossip *, uint64_t epoch);
/* Drops a member for good, its logs too. */
void members_forget(struct gossip *, struct member *);

/* Between members.c (the table) and life.c (whose life we believe in). */
struct alive;
struct member *members_insert(struct gossip *, const struct alive *, struct blob *);
/* Takes over a newer statement of a known member; the blob is handed over. */
void member_renew(struct gossip *, struct member *, const struct alive *, struct blob *);
/* Tells the host what we believe about it now. */
void member_report(struct gossip *, struct member *);
bool members_is_forgotten(const struct gossip *, uint64_t tag, uint64_t epoch,
                          uint64_t incarnation);
/* The last of its lives that was forgotten; 0: none was. */
uint64_t members_forgotten_epoch(const struct gossip *, uint64_t tag);
/* Below, equal or above: -1, 0, 1. */
int life_compare(uint64_t epoch, uint64_t incarnation, uint64_t other_epoch,
                 uint64_t other_incarnation);
/* members_on_left for one that left a while ago. */
enum news_verdict life_on_left(struct gossip *, struct span statement, int64_t since_ms);
/* Signs our ALIVE for (g->epoch, incarnation); the caller owns the blob. */
struct blob *life_sign_own(struct gossip *, uint64_t incarnation);

/* Where to send to; *out is its link's address. Makes the link. False: no usable address. */
bool member_address(struct gossip *, struct member *, struct addr *out);
struct link *member_link(struct gossip *, struct member *);
/* A life of it begins: what came in earlier ones is void, and its ALIVE says where it is. */
void link_restart(struct member *);
/* Is this counter new? Then it is marked as seen. False: a repeat, too old, or of an ended epoch.
 */
bool link_window_admit(struct link *, uint64_t epoch, uint64_t counter);
/* This counter is known to be of now: whatever was below it counts as seen, and nothing above it.
 */
void link_window_restart(struct link *, uint64_t counter);
/* So many bytes came from this address (the member may be NULL). */
void link_credit(struct member *, const struct addr *from, size_t len);
/* Questions with large answers: only to an address that has answered us. False: it is asked to. */
bool link_may_answer(struct gossip *, struct member *);
void link_rtt_sample(struct link *, uint32_t rtt_us);
/* Retransmission time of this link: srtt + 4 var, at least min_ms, at most max_ms; max_ms/4 when
 * unmeasured. */
uint32_t link_timeout_ms(const struct link *, uint32_t min_ms, uint32_t max_ms);

#endif
