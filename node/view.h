// SPDX-License-Identifier: Apache-2.0
/* view.h - the read model: what the events say, arranged for those who ask
 *
 * A pure function of the events: peers by id and by archetype, members, the standing of homes, the
 * last status. It shares the statements' bytes with the core. One thread owns it. */
#ifndef AURORA_NODE_VIEW_H
#define AURORA_NODE_VIEW_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "gossip/cells.h"
#include "gossip/gossip.h"
#include "gossip/refs.h"
#include "gossip/table.h"
#include "node/peer_order.h"

/* One (home, epoch): what is known of its log, and whether its word is current. */
struct view_home {
    uint64_t tag, epoch;
    enum home_standing standing;
    uint64_t since_wall_ms; /* of the standing; 0: it always had it */
    bool has_log, log_is_gone;
    enum log_state log_state;
    uint64_t applied, head_version, live_count;
    size_t peer_count; /* visible ones */
};

struct view_archetype {
    struct span name; /* behind this struct */
    uint64_t hash;
    struct peer_order peers;
};

struct fragment;

/* Of a peer whose home we are. */
struct view_lease {
    uint64_t heartbeat_wall_ms;
    uint64_t expires_wall_ms; /* by our wall clock, for display */
};

/* There may be a million: what the record's bytes say is read from there. */
struct view_peer {
    struct blob *record;
    struct view_home *home;
    struct view_lease *lease;  /* NULL: we are not its home */
    struct fragment *fragment; /* its ready-made JSON, while that is cached (fragment.h) */
};

struct view_member {
    uint64_t tag;
    enum member_state state;
    uint64_t epoch, incarnation;
    uint32_t rtt_us;
    bool is_self;
    struct blob *statement; /* may be NULL; then `alive` is empty */
    struct alive alive;     /* its spans are in `statement` */
};

struct fragments {
    struct fragment *oldest, *newest;
    size_t bytes;
};

struct view {
    uint8_t hash_key[16];
    uint64_t own_tag;
    struct cells cells;        /* of struct view_peer */
    struct refs by_id;         /* of those */
    struct table by_archetype; /* of struct view_archetype */
    struct peer_order peers;   /* all of them */
    struct view_home **homes;  /* (tag, epoch) ascending */
    size_t home_count, home_capacity;
    struct view_member **members; /* tag ascending */
    size_t member_count, member_capacity;
    struct fragments fragments;
    struct gossip_status status; /* the last one; zeros before the first */
    uint64_t digest[2];          /* of the visible peers, after the last event */
    /* Rises whenever an answer about peers would change, but for last_seen and expires_in. */
    uint64_t generation;
};

/* `own_tag` is this node's. The hash key is random. */
void view_init(struct view *, uint64_t own_tag);
void view_free(struct view *);
/* Retains what it keeps; the event stays the caller's. */
void view_apply(struct view *, const struct gossip_event *);

struct span view_peer_id(const struct view_peer *);
uint64_t view_peer_version(const struct view_peer *);
uint64_t view_peer_registered_ms(const struct view_peer *);

/* NULL: not visible here. */
struct view_peer *view_peer_find(const struct view *, struct span peer_id);
struct view_archetype *view_archetype_find(const struct view *, struct span name);
struct view_member *view_member_find(const struct view *, uint64_t tag);
/* By name (a live one first, where two share it), 16 hexadecimal digits of the tag, or 64 of the
 * id. NULL: none. */
struct view_member *view_member_named(const struct view *, struct span name);
bool view_peer_has(const struct view_peer *, struct span archetype);

/* The name of a node; its tag in hexadecimal while no ALIVE of it is known: then in `room`. */
struct span view_node_name(const struct view *, uint64_t tag, char room[17]);

/* docs/HTTP.md, "last_seen": at its home the last heartbeat; elsewhere now, while the home vouches
 * for it, and the moment that ended after that. */
uint64_t view_last_seen_us(const struct view_peer *, uint64_t now_wall_us);
bool view_peer_is_orphaned(const struct view_peer *);

#endif
