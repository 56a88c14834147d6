// SPDX-License-Identifier: Apache-2.0
/* observe.h - what one node's host knows from the node's events alone: members' states, visible
 * peers, and since when
 *
 * It is the simplest possible view, written with nothing in mind but to be obviously right, so that
 * the core's own answers (and the daemon's view) can be held against it. Members and peers are
 * known by the world's small numbers (intern.h). One life of a node, one observer. */
#ifndef AURORA_SIM_OBSERVE_H
#define AURORA_SIM_OBSERVE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "gossip/gossip.h"
#include "sim/intern.h"
#include "sim/invariant.h"
#include "sim/pages.h"

#define OBSERVE_NEVER UINT64_MAX

struct seen_member {
    uint64_t epoch, incarnation;
    uint64_t since_us; /* of this state */
    bool is_known;
    uint8_t state;   /* enum member_state */
    uint16_t deaths; /* how often it was declared DEAD here */
    uint16_t turns;  /* how often it became unreachable, DEAD or LEFT here, or ceased to be it */
};

struct seen_peer {
    uint64_t since_us;   /* it became visible, or invisible */
    uint64_t changed_us; /* it became visible, or its winning record changed */
    uint64_t home;       /* tag */
    uint64_t epoch, version;
    uint16_t ups, downs;
    bool is_visible;
    uint8_t down_reason; /* enum peer_down_reason, of the last time */
};

struct seen_log {
    uint64_t epoch, applied;
    bool is_known;
};

struct observer {
    struct pages members;    /* of struct seen_member, by the number of their tag */
    struct seen_peer *peers; /* by the number of their id */
    size_t peer_capacity;
    struct pages
        logs; /* of struct seen_log, by the number of their home's tag: its newest epoch's */
    size_t peers_visible;
    size_t voters;                /* members that are neither DEAD nor LEFT nor forgotten */
    uint64_t digest;              /* sum over visible peers, of what they look like */
    uint64_t core_view_digest[2]; /* as the last peer event said */
    struct gossip_status status;  /* as the last STATUS event said */
    bool has_status;
    bool is_joined, is_alone, has_left;
    uint64_t conflicts;
    bool must_stop; /* our key is in use elsewhere */
};

struct broken observe_event(struct observer *, const struct gossip_event *, uint64_t now_us,
                            struct intern *tags, struct intern *peer_ids);
/* It has seen of members what `from` has, and nothing else. */
void observe_as(struct observer *, const struct observer *from);
void observe_free(struct observer *);

/* Never NULL: what was never mentioned is unknown. */
const struct seen_member *observe_member(const struct observer *, size_t number);
const struct seen_peer *observe_peer(const struct observer *, size_t number);

#endif
