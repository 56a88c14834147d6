// SPDX-License-Identifier: Apache-2.0
/* forward.h - a client's heartbeat or deregistration on its way to the peer's home: directly, then through two
 * relays, then by adoption. */
#ifndef AURORA_GOSSIP_FORWARD_H
#define AURORA_GOSSIP_FORWARD_H

#include <stdbool.h>
#include <stdint.h>

#include "gossip/gossip.h"
#include "gossip/timers.h"

struct forward; /* forward.c: one command under way */
struct member;
struct wire_message;

struct forwards {
    struct forward *first;
    size_t count;
    uint64_t next_number; /* the wire's request number: signed, never reused in a life */
};

void forward_init(struct gossip *);
void forward_free(struct gossip *);
/* Commands of gossip.h for peers that we are, or are not, the home of. */
void forward_heartbeat(struct gossip *, uint64_t request, struct span peer_id, const uint8_t *token_hash);
void forward_deregister(struct gossip *, uint64_t request, struct span peer_id, const uint8_t *token_hash);
void forward_on_timer(struct gossip *, struct timer *);
void forward_on_command(struct gossip *, struct member *from, const struct wire_message *);
void forward_on_reply(struct gossip *, struct member *from, const struct wire_message *);

#endif
