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

enum {
    DRAIN_QUEUES = 15,   /* check_drain.c has their names */
    CLIENTS_EVERY_S = 4, /* check_client.c: each peer is looked at so often */
    MEMORY_EVERY_S = 10, /* check_memory.c */
};

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
    struct known_log {
        uint64_t home, epoch;
        uint64_t applied; /* and 1; 0: the log was dropped */
    } * logs;             /* I1 */
    size_t log_count, log_capacity;
    struct map log_of; /* I1: (home, epoch): index + 1 in logs */
    size_t *log_at;    /* I1: the core's i-th log, a second ago: index in logs */
    size_t log_at_capacity;
    struct map dropped;  /* I1, I3: (home, epoch): how often */
    struct map deleted;  /* I3: (home, epoch and drops, peer): the version of its delete */
    struct map accusers; /* I4: (subject): index + 1 in heard */
    struct heard *heard;
    size_t heard_count, heard_capacity;
    uint64_t excused_us;             /* I9: not asked until then */
    uint64_t empty_us[DRAIN_QUEUES]; /* I16: when each was last seen empty */
    size_t run;                      /* I18: of its last packet: index + 1 in runs; 0: none yet */
    uint64_t *heard_us; /* I13: by node: when it last said something; NULL: nobody did */
    uint64_t bytes_out; /* I11 */
    struct bytes_out {
        uint64_t all, probes, bulk;
    } egress;                        /* I11: as the core counted them a second ago, */
    uint64_t egress_at_us;           /* then */
    uint64_t operations_most;        /* I12: that it ever held */
    uint64_t own_epoch, own_applied; /* I12: of its own log, when last counted */
    int64_t skew_most_ms;            /* I9: of all its lives */
};

/* Of one key that a node ever had, or that a liar made up. */
struct identity {
    uint64_t tag;
    bool is_foreign, is_made_up;
    bool is_liars; /* a member that lies had this key then, whoever has it now */
    struct key_public id;
};

/* I18: of the nonces with the same first 16 bytes. */
struct nonce_run {
    uint64_t prefix[2];
    uint64_t counter; /* of the last one */
    bool is_used;
};

/* I7 */
struct crash {
    size_t number, node; /* of the tag; where it ran */
    uint64_t epoch, at_us, due_us;
    size_t voters;    /* that it knew, itself included */
    uint64_t changes; /* starts and stops until then */
};

/* I9, I10: of a peer. */
struct client_check {
    uint64_t acted_us;       /* its client's last act that may prolong its life; 0: never */
    uint64_t expected_us;    /* registered then, and not ended since; 0: not */
    uint64_t since_us;       /* its lease has run without an end since then */
    uint64_t lease_until_us; /* at least */
    size_t home;             /* where it was registered last */
    uint32_t ttl_s;          /* the longest it ever had */
    uint32_t endings;        /* deregistrations not answered yet */
    bool is_looked_at;       /* I10: for this registration */
    bool is_over, is_gone;   /* I9: its time has run out; nobody serves it any more */
};

struct checks {
    struct node_checks *nodes;
    uint64_t seconds;      /* that have passed */
    uint64_t changes;      /* lives that began or ended */
    uint64_t healed_us;    /* the second phase began then; 0: it has not */
    uint64_t faults_us;    /* how long the first lasted */
    uint32_t ttl_most_s;   /* that anybody registered with */
    bool is_settled;       /* I6: since the heal */
    struct crash *crashes; /* I7: to be judged when due */
    size_t crash_count, crash_capacity;
    struct client_check *clients; /* I9, I10: by the peer's number */
    size_t client_capacity;
    struct relays {
        uint64_t made, sent, resent;
    } relays, relays_over; /* I11: a while ago, of all lives; of those that are over */
    uint64_t operations;   /* I12: made by all homes, and so it was every MEMORY_EVERY_S: */
    struct made {
        uint64_t operations, live, changes;
    } * made;
    size_t made_count, made_capacity;
    struct map named;              /* I13: (address): in somebody's ALIVE */
    struct map sent_to, came_from; /* I13: (address, node, life): bytes */
    struct map proved;             /* I13: (address, node, life) */
    struct map asked_at; /* I13: (address, node, life): when it was first sent something */
    struct map asked_of; /* I13: the same: who got it, and 1; 0: nobody did */
    struct suspect {
        size_t node;
        struct addr to;
        uint64_t sent, came;
    } * suspects; /* I13: of the last second */
    size_t suspect_count, suspect_capacity;
    struct map requests; /* I9, I10: (request): peer, command, ttl */
    size_t watch_every;  /* 1: all of them */
    struct sign_scope scope, foreign_scope;
    struct nonce_run *runs; /* I18 */
    size_t run_count, run_capacity;
    struct map run_of;           /* (prefix): index + 1 in runs */
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
        uint64_t home, epoch;
        size_t peer;
    } * ends;
    size_t end_count, end_capacity;
    size_t *ended_now; /* indexes: of the last second */
    size_t ended_now_count, ended_now_capacity;
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

/* Does whoever has this key lie, or is it nobody's? What it signs proves nothing about honest
 * cores.
 */
bool check_is_liar(const struct world *, uint64_t tag);
bool check_has_liars(const struct world *);
/* Since then: little loss, short ways, no bursts, and no change of any of that. */
bool check_is_mild(const struct world *, uint64_t since_us);
/* It has run for long enough by then, and so has each seed, to have met. */
bool check_has_joined(const struct world *, size_t node, uint64_t by_us);
void check_identity_add(struct world *, const struct key_public *, bool is_foreign,
                        bool is_made_up);
/* NULL: nobody ever had that key. */
const struct identity *check_identity(const struct world *, uint64_t tag);
/* The statement carries a valid signature of this node in this domain. Not memoised. */
bool check_is_signed(const struct world *, struct span statement, enum sign_domain, uint64_t tag);

/* check_log.c: I1, I3 */
void check_log_event(struct world *, size_t node, const struct gossip_event *);
void check_log_second(struct world *, size_t node);
void check_ends_second(struct world *);
void check_lease_event(struct world *, size_t node, const struct gossip_event *); /* all nodes' */
/* check_record.c: I2 */
void check_record_event(struct world *, size_t node, const struct gossip_event *);
/* check_death.c: I4, I8; all nodes' */
void check_death_event(struct world *, size_t node, const struct gossip_event *);
void check_death_second(struct world *);
/* check_life.c: I5; all nodes' */
void check_life_event(struct world *, size_t node, const struct gossip_event *);
/* check_crash.c: I7 */
void check_crash_start(struct world *);
void check_crash_stop(struct world *, size_t node);
void check_crash_second(struct world *);
/* check_client.c: I9, I10; all nodes' */
void check_client_start(struct world *, size_t node);
void check_client_command(struct world *, size_t node, uint64_t request, enum check_command,
                          struct span peer_id, uint32_t ttl_s);
void check_client_event(struct world *, size_t node, const struct gossip_event *);
void check_client_second(struct world *);
/* check_egress.c: I11; all nodes' */
void check_egress_packet(struct world *, size_t node, size_t len);
void check_egress_stop(struct world *, size_t node);
void check_egress_second(struct world *);
/* check_memory.c: I12; all nodes' */
void check_memory_stop(struct world *, size_t node);
void check_memory_second(struct world *);
/* check_address.c: I13; all nodes' */
void check_address_named(struct world *, const struct alive *);
void check_address_second(struct world *);
void check_address_out(struct world *, size_t node, const struct addr *to, size_t len);
void check_address_in(struct world *, size_t node, const struct addr *from, size_t sender,
                      size_t len);
/* check_drain.c: I16 */
void check_drain_second(struct world *);
/* check_settle.c: I6 */
void check_settle_heal(struct world *);
void check_settle_second(struct world *);
/* check_packet.c: I18 */
void check_packet_out(struct world *, size_t node, const uint8_t *bytes, size_t len);

#endif
