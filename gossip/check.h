// SPDX-License-Identifier: Apache-2.0
/* check.h - batches of bulk pulls whose signatures are verified outside the core, and come back in
 * the order in which they went. Internal; what hosts see of it is in gossip.h. */
#ifndef AURORA_GOSSIP_CHECK_H
#define AURORA_GOSSIP_CHECK_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "gossip/log.h"
#include "gossip/operation.h"

struct gossip;
struct member;
struct wire_message;

/* A statement whose signatures hold. */
struct checked {
    struct blob *blob;          /* owned, until somebody takes it */
    struct operation operation; /* its peer_id points into the blob */
};

struct gossip_check;

/* What waits for its verdict, first come first applied. */
struct check_queue {
    struct gossip_check **ring; /* CHECKS_MAX of them; NULL until there is a first */
    size_t first, count;
    size_t handed;      /* of these, the host has */
    struct timer timer; /* TIMER_CHECKS: more is ready than one step takes */
};

void check_free(struct gossip *);
/* Takes a RANGE of `from` for verification. False: there is no room. */
bool check_add(struct gossip *, const struct log *, const struct member *from,
               const struct wire_message *range);
/* Too much waits to ask for more. */
bool check_is_crowded(const struct gossip *);
/* Its verdict is back. */
void check_verdict(struct gossip *, struct gossip_check *);
/* TIMER_CHECKS is due. */
void check_on_timer(struct gossip *);

/* Hands over the verified statements above what the log has applied, as batch_admit does. */
bool check_take(struct gossip *, const struct log *, struct gossip_check *,
                struct admitted out[WIRE_LIST_MAX], uint32_t *count);
/* The n-th verified statement; NULL: no more. */
struct checked *check_at(struct gossip_check *, uint32_t index);
/* DROP_NONE: all statements of the batch are good. */
enum gossip_drop check_drop(const struct gossip_check *);
/* The tag of whoever sent it, and the message, whose spans point into the check. */
uint64_t check_from(const struct gossip_check *);
const struct wire_message *check_message(const struct gossip_check *);

#endif
