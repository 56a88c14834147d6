// SPDX-License-Identifier: Apache-2.0
/* check_all.h - what the checkers remember, side by side, and their entries. Between sim/check*.c.
 */
#ifndef AURORA_SIM_CHECK_ALL_H
#define AURORA_SIM_CHECK_ALL_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "sim/bounds.h"
#include "sim/check.h"
#include "sim/checks.h"
#include "sim/map.h"
#include "sim/world.h"

/* One accusation that a node heard and believed. */
struct heard {
    uint64_t accuser; /* tag */
    uint64_t epoch, incarnation;
    uint64_t at_us;
    bool is_told; /* with the news of a death, not by its accuser's own spreading */
    size_t next;  /* about the same subject: index + 1; 0: no more */
};

/* Of a node's present life. */
struct node_checks {
    struct map applied;  /* I1: (home, epoch): applied + 1; 0: the log was dropped */
    struct map dropped;  /* I1, I3: (home, epoch): how often */
    struct map deleted;  /* I3: (home, epoch and drops, peer): the version of its delete */
    struct map accusers; /* I4: (subject): index + 1 in heard */
    struct heard *heard;
    size_t heard_count, heard_capacity;
};

/* Of one key that a node ever had. */
struct identity {
    uint64_t tag;
    struct key_public id;
};

/* Prints of nonces, open addressing; 0: free. Kept are those that end in so many zero bits. */
struct nonces {
    uint64_t *prints;
    size_t capacity, count;
    unsigned zero_bits;
};

struct checks {
    struct node_checks *nodes;
    size_t watch_every; /* 1: all of them */
    struct sign_scope scope;
    struct nonces nonces;        /* I18 */
    struct map lives;            /* I5: (tag, epoch, incarnation): signed by whose life it is */
    struct identity *identities; /* I2, I5 */
    size_t identity_count, identity_capacity;
    struct map identity_of; /* (tag): index + 1 */
    struct map verified;    /* I2: (print of a statement): its signatures hold */
    struct map said;        /* I4: (accuser, subject, life): the accuser did accuse it */
    struct map ended;       /* I3: (home, epoch, peer): index + 1 in ends */
    struct ended {
        uint64_t version; /* of the record that its home ended, */
        uint64_t applied; /* whoever has applied so much has its delete */
    } * ends;
    size_t end_count, end_capacity;
};

/* Is it one of those that are looked at closely? */
static inline bool checks_watch(const struct world *world, size_t node)
{
    return node % world->checks->watch_every == 0;
}

/* A life as one number: incarnations stay far below 2^32. */
static inline uint64_t life_print(uint64_t epoch, uint64_t incarnation)
{
    return epoch << 24 ^ incarnation;
}

/* Does the node lie, or does its key run twice? What it signs proves nothing about honest cores. */
bool check_is_liar(const struct world *, size_t node);
bool check_has_liars(const struct world *);
/* NULL: nobody ever had that key. */
const struct identity *check_identity(const struct world *, uint64_t tag);
/* The statement carries a valid signature of this node in this domain. Not memoised. */
bool check_is_signed(const struct world *, struct span statement, enum sign_domain, uint64_t tag);

/* check_log.c: I1, I3 */
void check_log_event(struct world *, size_t node, const struct gossip_event *);
void check_log_second(struct world *, size_t node);
void check_lease_event(struct world *, size_t node, const struct gossip_event *); /* all nodes' */
/* check_record.c: I2 */
void check_record_event(struct world *, size_t node, const struct gossip_event *);
/* check_death.c: I4, I8; all nodes' */
void check_death_event(struct world *, size_t node, const struct gossip_event *);
/* check_life.c: I5; all nodes' */
void check_life_event(struct world *, size_t node, const struct gossip_event *);
/* check_packet.c: I18 */
void check_packet_out(struct world *, size_t node, const uint8_t *bytes, size_t len);

#endif
