// SPDX-License-Identifier: Apache-2.0
/* forward.h - a client's heartbeat or deregistration on its way to the peer's home: directly, then
 * through two relays, then by adoption. Implemented in forward.c (the node that the client spoke
 * to) and command.c (the home that it reaches, and relays). */
#ifndef AURORA_GOSSIP_FORWARD_H
#define AURORA_GOSSIP_FORWARD_H

#include <stdbool.h>
#include <stdint.h>

#include "gossip/gossip.h"
#include "gossip/table.h"
#include "gossip/timers.h"

struct forward;  /* forward.c: one command under way */
struct answered; /* command.c: what was answered lately, for commands that arrive twice */
struct member;
struct peer;
struct wire_message;

struct forwards {
    struct forward *first;
    struct table by_number;
    size_t count;
    uint64_t next_number; /* the wire's request number: signed, never reused in any life of ours */
    struct table origins; /* command.c: which numbers of each origin were carried out */
    struct origin *first_origin;
    size_t origin_count;
    struct answered *answered; /* a ring */
    size_t answered_next;
};

/* In FORWARD_REPLY only, beside enum gossip_result: the record is at another home, whose tag is in
 * `seq`. */
#define FORWARD_RESULT_MOVED 64

void forward_init(struct gossip *);
void forward_free(struct gossip *);
/* Commands of gossip.h for peers that we are, or are not, the home of. */
void forward_heartbeat(struct gossip *, uint64_t request, struct span peer_id,
                       const uint8_t *token_hash);
void forward_deregister(struct gossip *, uint64_t request, struct span peer_id,
                        const uint8_t *token_hash);
void forward_on_timer(struct gossip *, struct timer *);
void forward_on_reply(struct gossip *, struct member *from, const struct wire_message *);

/* Who has to act on a client's command. */
enum command_route {
    ROUTE_OWN,     /* we: the lease is ours, and its record wins */
    ROUTE_ADOPT,   /* we: the record's home does not answer for it any more */
    ROUTE_AWAY,    /* *home, which is live here */
    ROUTE_UNKNOWN, /* there is no such peer */
};
/* May re-issue a lease of our last life. */
enum command_route command_route(struct gossip *, struct span peer_id, struct peer **peer,
                                 struct member **home);
/* Carries the command out here, by the lease that we have or adopt. Fills the reply but for its
 * request. */
void command_run(struct gossip *, struct peer *, enum command_kind, const uint8_t *token_hash,
                 struct gossip_reply *);
/* A command arrived: ours to carry out, or to pass on to its target. */
void forward_on_command(struct gossip *, struct member *from, const struct wire_message *);
void command_free(struct gossip *);

#endif
