// SPDX-License-Identifier: Apache-2.0
/* registration_body.h - the JSON bodies that clients send, read strictly: every fault names its
 * field
 *
 * Read in place, with no tree of values in between: this is a third of what a registration costs
 * beside its signature. Nothing is guessed: a member given twice, a number out of range or a string
 * with half a surrogate is refused. Members that we do not know are ignored: clients may send more
 * than this version reads. */
#ifndef AURORA_NODE_REGISTRATION_BODY_H
#define AURORA_NODE_REGISTRATION_BODY_H

#include <stdbool.h>

#include "gossip/gossip.h"
#include "node/net.h"

#define BODY_ERROR_MAX_BYTES 200

enum body_field {
    BODY_PEER_ID = 0,
    BODY_ADDRESS,
    BODY_IP, /* what an older client calls the address */
    BODY_PORT,
    BODY_ARCHETYPES,
    BODY_METADATA,
    BODY_TTL_SECONDS,
    BODY_PUBLIC_KEY,
    BODY_PEER_VERSION,
    BODY_SIGNATURE,
    BODY_FIELDS
};

struct registration_body {
    struct gossip_registration registration; /* spans point into `text` and `room` */
    struct span peer_id;
    struct span text;                /* the caller's */
    struct span values[BODY_FIELDS]; /* in `text`; empty: absent, or null */
    uint8_t *room;                   /* NULL, or what strings with escapes say, one by one */
    size_t room_used;
    char from[NET_TEXT_BYTES];
    unsigned status; /* of the refusal: 400, or 413 for what is only too large */
    char error[BODY_ERROR_MAX_BYTES];
};

/* For POST /register and /v1/peers. `default_ttl_s` and the address `from` stand in for what is
 * absent. The body's text must outlive `out`. False: see status and error. In either case the
 * caller calls registration_body_free. */
bool registration_body_read(struct registration_body *out, struct span text, uint32_t default_ttl_s,
                            const struct addr *from);
/* For POST /heartbeat: peer_id alone. */
bool heartbeat_body_read(struct registration_body *out, struct span text);
void registration_body_free(struct registration_body *);

/* Could it be a peer's id? */
bool peer_id_is_fine(struct span peer_id);

#endif
