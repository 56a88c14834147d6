// SPDX-License-Identifier: Apache-2.0
/* join.h - entering the cluster: seeds, what is remembered of us, the member list; and membership
 * anti-entropy, which is the same exchange later. Implemented in join.c, roster.c (the list) and
 * compare.c (what differs, and telling it). */
#ifndef AURORA_GOSSIP_JOIN_H
#define AURORA_GOSSIP_JOIN_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "gossip/addr.h"
#include "gossip/gossip.h"
#include "gossip/timers.h"

struct gossip;
struct member;
struct wire_header;
struct wire_message;
struct wire_reader;

/* Pages that answer one MEMBERS_PULL, so that a long list does not take a round trip for each. */
#define ROSTER_PAGES 8

enum join_phase { JOIN_ASKING = 0, JOIN_CHECKING_KEY, JOIN_MEMBERS, JOIN_DONE };

struct join {
    struct timer timer; /* TIMER_JOIN */
    enum join_phase phase;
    uint64_t request;
    uint64_t started_ms;
    uint32_t attempts;
    struct addr seeds[SEEDS_MAX];
    uint64_t seed_tags[SEEDS_MAX]; /* who was last known there; a hint */
    size_t seed_count;
    struct addr extra[SEEDS_MAX]; /* gossip_join, restored members */
    size_t extra_count;
    bool is_alone;        /* said so */
    bool is_joined;       /* some seed answered */
    uint64_t done_ms;     /* when the phase became JOIN_DONE */
    struct addr answered; /* the seed that did */
    uint64_t seed;        /* tag of who let us in: the record plane begins with it */
    uint64_t partner;     /* tag of whom we ask for the members: */
    uint64_t next_after;  /* those above this tag, */
    bool is_wrapped;      /* from our own place on the ring to its end, then up to our own place */
    uint32_t pages;       /* that came since the last question */
    uint32_t stalls;      /* questions in a row that brought nothing */
    struct roster_gap {
        uint64_t after, through;
    } ahead[ROSTER_PAGES]; /* pages beyond one that is missing */
    size_t ahead_count;
    uint32_t checks; /* questions to random members that are still to come after joining */
    uint64_t remembered_epoch;
    uint64_t key_random;  /* in the PING that asks whether somebody else answers as us */
    struct addr key_addr; /* where we ask that */
    uint32_t key_asked;   /* so often */
    uint64_t compared_ms; /* compare.c: when we last began a comparison */
};

/* The plain text of a JOIN_REPLY beside its two statements, at most. */
#define JOIN_REPLY_BYTES 64
/* A JOIN's statement and padding together: as much as a packet holds. */
#define JOIN_ROOM_BYTES 1080
/* The same is not told about one member more often, to whomever. */
#define TELL_INTERVAL_MS 250

void join_init(struct gossip *, const struct gossip_config *);
void join_on_timer(struct gossip *);
/* The host has told us who is there: nobody need be asked. */
void join_begin_known(struct gossip *);
void join_on_request(struct gossip *, const struct wire_header *, const struct addr *from,
                     const struct wire_message *);
void join_on_reply(struct gossip *, struct member *from, const struct addr *,
                   const struct wire_message *);
/* The same from a life of the member's that is over: it is told of the later one. */
void join_on_past_reply(struct gossip *, struct member *, const struct addr *from,
                        const struct wire_message *);
/* A packet whose sender is our own key: another process runs with it, or our own came back. While
 * another asks whether somebody answers as us (a PING to our own tag), answer; while we ask, an ACK
 * that echoes our number is the proof. False: nothing of the kind. */
bool join_on_own_key(struct gossip *, const struct wire_header *, const struct addr *from,
                     struct wire_reader *);
void join_add(struct gossip *, const struct addr *, size_t count);
/* Are we joining, or did we only just? */
bool join_is_recent(const struct gossip *);
/* One JOIN to this address: a seed that is no member, or forgot us. */
void join_ask(struct gossip *, const struct addr *);
/* Whom we asked for the members probes our address before it sends them: then ask it again, after
 * the ACK. */
void join_on_partner_ping(struct gossip *, const struct member *from);
/* A page of the member list arrived. */
void join_on_page(struct gossip *, struct member *from, uint64_t after, uint64_t through);
/* roster.c: the member list in pages; comparing it by buckets. */
void roster_on_pull(struct gossip *, struct member *from, const struct wire_message *);
void roster_on_members(struct gossip *, struct member *from, const struct wire_message *);
void roster_on_hashes(struct gossip *, struct member *from, const struct wire_message *);
void roster_on_list(struct gossip *, struct member *from, const struct wire_message *);
/* Their members_digest differs from ours: compare. Rate-limited. */
void roster_compare(struct gossip *, struct member *with);
/* One member's entry for a MEMBERS list; false: it does not fit. */
struct wire_writer;
bool roster_put_entry(const struct gossip *, struct wire_writer *, const struct member *);
/* Sends these entries. */
void roster_send(struct gossip *, struct member *to, uint64_t after, uint64_t through,
                 const struct wire_writer *entries, uint32_t count);
/* Not within TELL_INTERVAL_MS of the last time: whoever tells sets its told_ms. */
bool roster_may_tell(const struct gossip *, const struct member *subject);
/* A member told us something stale about `subject`: answer with what we know. */
void roster_tell(struct gossip *, struct member *to, struct member *subject);

#endif
