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
#include "gossip/life.h"
#include "gossip/outbox.h"
#include "gossip/prints.h"
#include "gossip/slab.h"
#include "gossip/suspicion.h"

struct log;

/* Lives that were forgotten after old_member_forget_ms: a replayed ALIVE of one revives nobody. */
#define FORGOTTEN_MAX 1024

/* What we keep about the path to a member; made when we first exchange a packet with it, never
 * freed before the member is (its window is what stops replays). */
struct link {
    uint64_t sent_counter;
    uint64_t seen_highest; /* the receive window, of the member's present epoch */
    uint64_t seen_window;  /* bit i: counter seen_highest - i was seen */
    uint32_t rtt_us;       /* smoothed (RFC 6298); 0: not measured yet */
    uint32_t rtt_var_us;
    uint32_t reported_rtt_us;
    bool is_verified; /* an answer that echoes our number came from `addr`: bulk may go there */
    uint16_t unanswered_bytes; /* not verified: sent there, less what came from there */
    struct addr addr;          /* its ALIVE's, until such an answer came by another */
    struct bucket egress;      /* egress_peer_bytes_per_s; outbox.c */
};

/* What we keep about few members; made when there is something to write in it. */
struct dossier {
    struct blob *left; /* owned; state LEFT only */
    struct suspicion
        *suspicion;        /* owned by suspicion.c; accusations of its present life; may be NULL */
    uint64_t stamp;        /* the highest in any accusation that it signed */
    uint64_t told_ms;      /* roster_tell: when we last told somebody about it */
    uint64_t probed_ms;    /* old members: when we last probed it */
    uint64_t join_request; /* of its last JOIN: another process has another */
    struct log *logs;      /* newest epoch first, linked by log->older; owned by registry.c */
    uint64_t life_epoch;   /* orphans.c: the epoch since whose arrival here life_since_ms counts */
    int64_t life_since_ms; /* a restart ends the life before it, so the older logs' peers are
                              orphans since then */
    uint64_t ended_epoch;  /* logs of lives up to this one ran out here, and are not made again */
};

/* Small, because every node keeps one for every other: what only some need is a pointer away. */
struct member {
    struct life *life;       /* what its ALIVE says; its statement is owned */
    struct link *link;       /* owned; may be NULL */
    struct dossier *dossier; /* owned; may be NULL */
    int64_t since_ms;        /* when the state began; before our start for what a joiner was told */
    uint32_t round;          /* rounds.c: the last round of probes that it had its turn in */
    uint16_t probes;         /* of ours under way: by round, or as its observer */
    uint8_t state;           /* enum member_state */
    bool is_seen;            /* it answered us, so it knows our current life */
};

struct members {
    struct member **ring; /* tag order, ourselves included */
    uint64_t *tags;       /* of the ring, side by side: every packet looks for its sender */
    size_t count;
    size_t capacity;
    struct member *self;
    size_t counts[MEMBER_FORGOTTEN]; /* by state */
    uint64_t digest;  /* sum over members of a hash of (tag, epoch, incarnation, alive|dead|left) */
    struct slab slab; /* of struct member */
    struct prints names; /* of all members: two of one name are a conflict */
    uint64_t
        refuted_ms; /* when we last answered a claim about a life of ours that we never lived */
    struct forgotten {
        uint64_t tag, epoch, incarnation;
    } * forgotten; /* FORGOTTEN_MAX of them, made with the first; the oldest is overwritten */
    size_t forgotten_count;
};

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
/* Made if there is none yet. */
struct dossier *member_dossier(struct member *);
/* NULL: there is none. */
struct suspicion *member_suspicion(const struct member *);
struct log *member_logs(const struct member *);
/* What it adds to members_digest. */
uint64_t member_digest(const struct member *);
/* The one of its ALIVE's addresses that we use. */
struct addr member_listed_address(const struct gossip *, const struct member *);
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

/* Between members.c (the table) and life.c (whose life we believe in). Both take over the reference
 * to the life's statement. */
struct member *members_insert(struct gossip *, struct life *);
/* Room on the ring for so many. */
void members_reserve(struct members *, size_t capacity);
/* A newer life of a known member. */
void member_renew(struct gossip *, struct member *, struct life *);
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
/* Signs our ALIVE for (g->epoch, incarnation); the caller owns its statement. */
struct life *life_sign_own(struct gossip *, uint64_t incarnation);

/* Where to send to; *out is its link's address. Makes the link. False: no usable address. */
bool member_address(struct gossip *, struct member *, struct addr *out);
struct link *member_link(struct gossip *, struct member *);
/* A life of it begins: what came in earlier ones is void, and its ALIVE says where it is. */
void link_restart(const struct gossip *, struct member *);
/* By how much this counter is above the last one, at most VOICE_STEPS_MAX; 1 when that says
 * nothing. Before link_window_admit. */
uint32_t link_steps(const struct link *, uint64_t counter);
/* Is this counter new? Then it is marked as seen. False: a repeat, or too old. */
bool link_window_admit(struct link *, uint64_t counter);
/* This counter is known to be of now: whatever was below it counts as seen, and nothing above it.
 */
void link_window_restart(struct link *, uint64_t counter);
/* So many bytes came from this address (the member may be NULL). */
void link_credit(struct member *, const struct addr *from, size_t len);
/* Has the member's address answered us, or had few bytes since we last chose to ask it? */
bool link_may_send_more(const struct link *);
/* Questions with large answers: only to an address that has answered us. False: it is asked to. */
bool link_may_answer(struct gossip *, struct member *);
void link_rtt_sample(struct link *, uint32_t rtt_us);
/* Retransmission time of this link: srtt + 4 var, at least min_ms, at most max_ms; max_ms/4 when
 * unmeasured. */
uint32_t link_timeout_ms(const struct link *, uint32_t min_ms, uint32_t max_ms);

#endif
