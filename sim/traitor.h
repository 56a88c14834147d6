// SPDX-License-Identifier: Apache-2.0
/* traitor.h - members that hold the cluster's key and lie
 *
 * A traitor runs an otherwise honest core. What it says beside it goes out through that core, so
 * that nobody can tell the lie by its envelope, or is sealed by hand, where the envelope itself is
 * the lie. Everything it does is traced, and everything random is drawn from the generator given.
 *
 * No function waits: the world runs on when its caller lets it. A traitor that does not run, or
 * does not know its subject, does nothing. */
#ifndef AURORA_SIM_TRAITOR_H
#define AURORA_SIM_TRAITOR_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "sim/cluster.h"
#include "sim/random.h"

/* In the order of SET_FORGE to SET_REFLECT. */
enum traitor_act {
    TRAITOR_FORGE = 0,
    TRAITOR_REPLAY,
    TRAITOR_INFLATE,
    TRAITOR_ACCUSE,
    TRAITOR_COLLUDE,
    TRAITOR_EQUIVOCATE,
    TRAITOR_WITHHOLD,
    TRAITOR_FLOOD,
    TRAITOR_REFLECT,
    TRAITOR_ACTS
};
const char *traitor_act_name(enum traitor_act);

/* One of the act's kinds, at random, by one of the traitors (COLLUDE: by all of them), against
 * somebody who is none. What storm calls. */
void traitor_act(struct cluster *, struct random *, enum traitor_act, const size_t *traitors,
                 size_t count);

/* --- Saying ---------------------------------------------------------------------------------- */

/* NEWS to each of `to` (NULL: to everybody), in one packet each; releases the statements. */
void traitor_say(struct cluster *, size_t traitor, const struct node_set *to,
                 struct blob *const *statements, size_t count);

/* --- Forging: what only somebody else may sign, signed by the traitor, told to everybody ------ */

enum traitor_lie {
    LIE_ALIVE = 0,  /* the subject's next incarnation */
    LIE_LEFT,       /* the subject left */
    LIE_ACCUSATION, /* the subject accuses the node after it */
    LIE_RECORD,     /* the next operation of the subject's log: a peer "forged" */
    LIE_DELETE,     /* ... the end of a peer that it really has, else of "forged" */
    LIE_HEAD,       /* the subject's HEAD, of the next version */
    TRAITOR_LIES
};
void traitor_forge(struct cluster *, size_t traitor, enum traitor_lie, size_t subject);
/* Packets are sealed, not signed: one in the subject's name with the highest counter there is, to
 * `at`. Whoever believes it takes all that the subject says from now on for old. */
void traitor_mute(struct cluster *, size_t traitor, size_t subject, size_t at);
/* A PING in the subject's name from an address at which nobody answers. */
void traitor_misplace(struct cluster *, size_t traitor, size_t subject, size_t at);

/* --- Lives ----------------------------------------------------------------------------------- */

/* Its own incarnation, so much higher; signed by itself, and so believed. */
void traitor_inflate(struct cluster *, size_t traitor, uint64_t by);
/* Its own epoch. */
void traitor_inflate_epoch(struct cluster *, size_t traitor, uint64_t by);
/* Somebody else's life as if it had signed it: accusations of it, and a forged ALIVE. */
void traitor_inflate_other(struct cluster *, size_t traitor, size_t subject, uint64_t by);
/* An announcement of a version of the subject's log that nobody has. */
void traitor_announce(struct cluster *, size_t traitor, size_t subject, uint64_t version);

/* --- Accusing -------------------------------------------------------------------------------- */

/* The subject's present life, as the traitor knows it, with the next stamp; told to `to` (NULL:
 * everybody but the subject). */
void traitor_accuse(struct cluster *, size_t traitor, size_t subject, const struct node_set *to);
/* Any life, true or not; told to everybody. */
void traitor_accuse_life(struct cluster *, size_t traitor, size_t subject, uint64_t epoch,
                         uint64_t incarnation);
/* All of them at once. */
void traitor_collude(struct cluster *, const size_t *traitors, size_t count, size_t subject);
/* So many accusations of one life in one breath, each with a higher stamp, straight to `at`. */
void traitor_accuse_often(struct cluster *, size_t traitor, size_t subject, size_t at,
                          size_t times);

/* --- Its own log ----------------------------------------------------------------------------- */

/* Two HEADs of its log's present version with different roots: one to the nodes of even number,
 * one to the others. False: its log is empty. */
bool traitor_equivocate(struct cluster *, size_t traitor);
/* The same about a version before its last: the even are told both HEADs of it, the odd the last
 * operation and its HEAD. False: it has signed no HEAD of its present version yet. */
bool traitor_equivocate_late(struct cluster *, size_t traitor);
/* Two records of its log's next version, to the even and to the odd. It then goes on from the
 * first. */
bool traitor_equivocate_record(struct cluster *, size_t traitor, const char *peer_id);
/* From now on, what leaves it for one of `from` lacks every other operation of its own log, and
 * what it answers to pulls of any log has such holes, too. NULL: no more. */
void traitor_withhold(struct cluster *, size_t traitor, const struct node_set *from);
/* For the world, between core and network: makes the holes in a packet, and seals it again. The
 * new length. */
size_t traitor_withhold_from(const struct world *, size_t traitor, uint8_t *bytes, size_t len);

/* --- Packets --------------------------------------------------------------------------------- */

/* Valid ones, of all the kinds that ask for something, to random members. */
void traitor_flood(struct cluster *, struct random *, size_t traitor, size_t packets);
/* So many times, `at` is asked for the beginning of its own log: 15 packets for 60 bytes. */
void traitor_ask(struct cluster *, size_t traitor, size_t at, size_t times);
/* Noise: of any length, some of it under a valid seal. */
void traitor_flood_garbage(struct cluster *, struct random *, size_t traitor, size_t packets);

/* Packets that anybody sent, as the network saw them: remembered from the first call on. Memory is
 * bounded: the last ones, and some of all. */
void traitor_listen(struct cluster *);
/* Sends captured packets again to whom they were for: from where they came, or from elsewhere. */
void traitor_replay(struct cluster *, struct random *, size_t packets, const struct addr *from);
/* Says statements again that were in captured packets. */
void traitor_replay_statements(struct cluster *, struct random *, size_t traitor, size_t packets);

/* --- Reflecting: the answers shall hit somebody who never asked ------------------------------- */

/* An address at which nobody lives. */
struct addr traitor_victim(uint32_t number);

enum traitor_bait {
    BAIT_PING = 0,  /* its own PING, from the victim's address */
    BAIT_JOIN,      /* a JOIN of its own life, full of padding as the protocol asks */
    BAIT_JOIN_BARE, /* ... without padding */
    BAIT_PULL,      /* its whole log, or anybody's; and lists, pages, HEADs */
    BAIT_ALIVE,     /* its own next life, said to be at the victim's address; then BAIT_PULL */
    BAIT_REPLAY,    /* what others sent, captured, from the victim's address */
    BAIT_OWN_KEY,   /* "does anybody answer as us?", asked in the receiver's name */
    TRAITOR_BAITS
};
void traitor_reflect(struct cluster *, struct random *, size_t traitor, enum traitor_bait,
                     size_t at, const struct addr *victim);

#endif
