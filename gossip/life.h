// SPDX-License-Identifier: Apache-2.0
/* life.h - what an ALIVE says about its subject, read once and shared by all who hold the statement
 */
#ifndef AURORA_GOSSIP_LIFE_H
#define AURORA_GOSSIP_LIFE_H

#include <stddef.h>
#include <stdint.h>

#include "crypto/key.h"
#include "gossip/addr.h"
#include "gossip/blob.h"
#include "gossip/limits.h"
#include "gossip/span.h"

/* What the digests say about a state: the rest is each node's own affair. */
enum member_class { CLASS_ALIVE = 0, CLASS_DEAD, CLASS_LEFT, MEMBER_CLASSES };

/* Belongs to its statement and goes with it: whoever holds a life holds a reference to that.
 * Nothing in it is any node's own opinion, so the cores of a simulator share it. */
struct life {
    struct blob *statement;
    uint64_t tag;
    uint64_t epoch;
    uint64_t incarnation;
    struct key_public id;
    struct addr addresses[NODE_ADDRESSES_MAX];
    size_t address_count; /* at least 1 */
    struct span name;
    uint32_t name_print;              /* prints.h */
    uint64_t digests[MEMBER_CLASSES]; /* what it adds to members_digest, by class */
};

/* NULL: it is no ALIVE. */
struct life *life_read(struct blob *statement);

#endif
