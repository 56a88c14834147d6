// SPDX-License-Identifier: Apache-2.0
/* gossip.h - the protocol as a value: bytes, commands and the time go in; packets, events and the
 * next deadline come out. The only header of the core that hosts (node/, sim/) need, with the plain
 * types it includes.
 *
 * A host calls gossip_receive for each datagram, gossip_tick when gossip_deadline_ms has come, and
 * the commands when asked; after any of them it drains gossip_next_check, gossip_next_packet and
 * gossip_next_event until they are empty. Nothing calls back. One thread at a time may use one
 * struct gossip. */
#ifndef AURORA_GOSSIP_GOSSIP_H
#define AURORA_GOSSIP_GOSSIP_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "crypto/key.h"
#include "crypto/seal.h"
#include "gossip/addr.h"
#include "gossip/blob.h"
#include "gossip/limits.h"
#include "gossip/sealed.h"
#include "gossip/span.h"
#include "gossip/statement.h"

/* Both in milliseconds. mono_ms never goes back (asserted) and drives every timer. wall_ms (since
 * 1970, UTC) is for display, seq and stamps; it may jump. */
struct gossip_time {
    uint64_t mono_ms;
    uint64_t wall_ms;
};

enum gossip_detector {
    DETECTOR_AURORA = 0, /* Lifeguard's base plus evidence, frozen clocks, observers, quorum */
    DETECTOR_LIFEGUARD,  /* Dadgar, Phillips and Currey 2017; alpha 5, beta 6, K 3 */
    DETECTOR_SWIM,       /* Das, Gupta and Motivala 2002, with suspicion; any one accuser kills */
};

/* Values of a network protocol's life; gossip_config_defaults fills the ones that have a default.
 */
struct gossip_config {
    const char *cluster; /* 1 to CLUSTER_NAME_MAX_BYTES; copied, as all strings here */
    const char *name;    /* 1 to NODE_NAME_MAX_BYTES */
    const char *zone;    /* may be "" */
    const char *http_url;
    struct addr addresses[NODE_ADDRESSES_MAX]; /* advertised */
    size_t address_count;                      /* at least 1 */
    struct key_pair identity;
    struct seal_keyring keyring;
    uint8_t seed[32]; /* for the PRNG and the nonce prefix: unique for every start of every node */
    uint64_t epoch;   /* at least 1; higher than at any earlier start that is remembered */
    struct addr seeds[SEEDS_MAX];
    size_t seed_count;
    enum gossip_detector detector;
    struct blob_store *store;    /* shared with other cores of this thread, or NULL */
    struct sealed_store *sealed; /* so, too */

    uint32_t probe_interval_ms;
    uint32_t probe_timeout_min_ms;
    uint32_t probe_timeout_max_ms;
    uint32_t probe_indirect_count;
    uint32_t suspicion_min_ms; /* max(this, log10(N) * 1 s) */
    uint32_t suspicion_max_factor;
    uint32_t orphan_grace_ms;
    uint32_t delete_keep_min_ms;
    uint32_t old_member_probe_ms;
    uint64_t old_member_forget_ms;
    uint32_t join_alone_ms;
    uint32_t head_delay_ms;
    uint32_t moved_delay_ms;
    uint32_t forward_timeout_ms;
    uint32_t records_max;
    uint32_t records_per_home_max;
    uint32_t egress_bytes_per_s;
    uint32_t egress_peer_bytes_per_s;
};

void gossip_config_defaults(struct gossip_config *);

struct gossip;

/* --- Life
 * ------------------------------------------------------------------------------------------ */

/* Starts joining at once when there are seeds. The caller owns the result. */
struct gossip *gossip_new(const struct gossip_config *, struct gossip_time now);
/* Releases everything, events not drained included. */
void gossip_free(struct gossip *);

/* --- What a restarted node gives back before its first tick
 * --------------------------------------- */

/* A member that the last life knew (its ALIVE statement): an address to rejoin through, nothing
 * more. False: not a valid statement. */
bool gossip_restore_member(struct gossip *, struct span alive_statement);
/* A lease of the last life: our own RECORD of an older epoch, and the wall time of its last
 * heartbeat. Re-issued after the first sync, under the rules of docs/PROTOCOL.md. False: not a
 * valid statement. */
bool gossip_restore_lease(struct gossip *, struct span record_statement,
                          uint64_t heartbeat_wall_ms);

/* --- Beginning in the middle
 * ---------------------------------------------------------------------------------------- */

/* Members' ALIVE statements, verified and in order, once for all the cores that begin with them. */
struct gossip_known;
/* `store` may be NULL. NULL: one of them is no ALIVE, is not signed by its subject for this
 * cluster, or has another's tag. The caller frees it; cores that began with it go on without. */
struct gossip_known *gossip_known_new(const char *cluster, struct blob_store *store,
                                      const struct span *alives, size_t count);
void gossip_known_free(struct gossip_known *);
/* For a host that knows who is there: a simulator that begins a large world in the middle of its
 * life. Right after gossip_new, in place of joining: each of these (our own must be among them) is
 * a member that is ALIVE now and knows us, and the first sync is done. The host is told nothing of
 * what it said itself: no GOSSIP_EVENT_MEMBER. */
void gossip_begin_known(struct gossip *, struct gossip_time now, const struct gossip_known *);

/* --- Input
 * ----------------------------------------------------------------------------------------- */

/* Why a packet (or one message in it) was dropped; counted in gossip_stats.drops. */
enum gossip_drop {
    DROP_NONE = 0,
    DROP_TOO_LONG,
    DROP_TOO_SHORT,
    DROP_VERSION,     /* of the sealing */
    DROP_UNKNOWN_KEY, /* sealed with a key, or in a cluster, that is not ours */
    DROP_FORGED,      /* does not authenticate */
    DROP_MALFORMED,
    DROP_NOT_FOR_US, /* names another receiver */
    DROP_OWN,        /* names ourselves as its sender */
    DROP_REPLAYED,   /* counter seen before, or too old; or an epoch that has ended */
    DROP_UNKNOWN_SENDER,
    DROP_BAD_SIGNATURE, /* a statement's */
    DROP_UNKNOWN_TYPE,  /* a message type of a later version */
    DROP_STALE,         /* a statement older than what is known */
    DROP_LIMIT,         /* a table is full */
    DROP_CONFLICT,      /* two keys with one tag or one name */
    DROP_UNSOLICITED,   /* an answer to a question that we did not ask */
    DROP_REASONS
};
const char *gossip_drop_name(enum gossip_drop);

/* One datagram. DROP_NONE, or why the whole packet was dropped. */
enum gossip_drop gossip_receive(struct gossip *, struct gossip_time now, const struct addr *from,
                                const uint8_t *bytes, size_t len);
/* Runs what is due; where very many leases end at once, some, and the deadline stays due. May be
 * called early or late; late by over STALL_MS counts as a stall. */
void gossip_tick(struct gossip *, struct gossip_time now);
/* Monotonic; UINT64_MAX: never. */
uint64_t gossip_deadline_ms(const struct gossip *);

/* --- Commands
 * -------------------------------------------------------------------------------------- */

/* Every command is answered by exactly one GOSSIP_EVENT_REPLY with its request number, at once or
 * later; the events that the command caused come before it, so that a client reads its own write.
 */
enum gossip_result {
    RESULT_OK = 0,
    RESULT_NOT_READY, /* the first sync is not done: try again */
    RESULT_UNKNOWN_PEER,
    RESULT_INVALID,   /* a field: its name is in reply.field */
    RESULT_TOO_LARGE, /* the record does not fit STATEMENT_MAX_BYTES */
    RESULT_QUOTA_HOME,
    RESULT_QUOTA_CLUSTER,
    RESULT_BUSY, /* FORWARDS_MAX */
    RESULT_WRONG_TOKEN,
    RESULT_TOKEN_NEEDED,
    RESULT_UNSIGNED_KEY, /* an "ed25519:" id without its holder's valid signature */
    RESULT_OLD_VERSION,  /* peer_version is not above the known one */
    RESULT_UNREACHABLE,  /* a deregistration whose home does not answer, and could not be taken over
                          */
    RESULT_LEAVING,
    RESULTS
};
const char *gossip_result_name(enum gossip_result);

struct gossip_registration {
    struct peer_description peer; /* spans are the caller's; copied */
    /* The new record's lease token (its hash); a known record with a token is only replaced when
     * the request shows that token: `shown`. */
    bool has_token;
    uint8_t token_hash[LEASE_TOKEN_HASH_BYTES];
    bool has_shown;
    uint8_t shown_hash[LEASE_TOKEN_HASH_BYTES];
};

void gossip_register(struct gossip *, struct gossip_time now, uint64_t request,
                     const struct gossip_registration *);
/* token_hash NULL: the seed API, which knows no tokens. May be forwarded to the peer's home. */
void gossip_heartbeat(struct gossip *, struct gossip_time now, uint64_t request,
                      struct span peer_id, const uint8_t *token_hash);
/* A record that has a token is only ended by it. */
void gossip_deregister(struct gossip *, struct gossip_time now, uint64_t request,
                       struct span peer_id, const uint8_t *token_hash);
/* Asks these addresses, too, for members; they are not remembered as seeds. */
void gossip_join(struct gossip *, struct gossip_time now, const struct addr *, size_t count);
/* Replaces the seed list (host names were resolved again). */
void gossip_set_seeds(struct gossip *, const struct addr *, size_t count);
void gossip_set_keyring(struct gossip *, const struct seal_keyring *);
/* Says LEFT to everybody. GOSSIP_EVENT_LEFT follows when it has been said; then the host may stop.
 */
void gossip_leave(struct gossip *, struct gossip_time now);
/* The host's queue towards its view is more than half full: stop pulling until told otherwise. */
void gossip_hold_pulls(struct gossip *, bool hold);

/* --- Signatures that somebody else verifies
 * ------------------------------------------------------------------------------------------ */

/* What is pulled in bulk is mostly signatures to verify, and each can be verified by any thread. A
 * host takes every check with gossip_next_check (NULL: none), has it run, and gives it back with
 * gossip_checked, in any order; what was pulled takes effect in the order in which it came. Checks
 * belong to the core, which frees them: gossip_free comes after the last of them has run. */
struct gossip_check;
struct gossip_check *gossip_next_check(struct gossip *);
/* Any thread; where the core was configured with a store, the core's. Once for each. */
void gossip_check_run(struct gossip_check *);
void gossip_checked(struct gossip *, struct gossip_time now, struct gossip_check *);
/* All that there are, on the spot: for hosts with one thread, before they drain. */
void gossip_check_all(struct gossip *, struct gossip_time now);

/* --- Output
 * ---------------------------------------------------------------------------------------- */

/* The next sealed datagram, highest priority first; `buf` has PACKET_MAX_BYTES of room. False: none
 * may leave now. Call gossip_deadline_ms after draining: pacing may have set a deadline. */
bool gossip_next_packet(struct gossip *, struct gossip_time now, struct addr *to,
                        uint8_t buf[PACKET_MAX_BYTES], size_t *len);

enum member_state {
    MEMBER_ALIVE = 0,
    MEMBER_SUSPECT,
    MEMBER_UNREACHABLE,
    MEMBER_DEAD,
    MEMBER_LEFT,
    MEMBER_FORGOTTEN
};
const char *member_state_name(enum member_state);

/* Is a home's word about its peers current at this node? */
enum home_standing {
    HOME_VOUCHES = 0, /* ALIVE here, and we are not cut off */
    HOME_DOUBTED,     /* SUSPECT here: its peers stay live, last_seen stands still */
    HOME_GONE, /* unreachable, DEAD, LEFT, restarted, or we are cut off: its peers are orphaned */
};

enum log_state { LOG_BEHIND = 0, LOG_PROVED, LOG_DIVERGED, LOG_EQUIVOCATING };
const char *log_state_name(enum log_state);

enum peer_down_reason {
    PEER_DOWN_EXPIRED = DELETE_EXPIRED,
    PEER_DOWN_DEREGISTERED = DELETE_DEREGISTERED,
    PEER_DOWN_MOVED = DELETE_MOVED,
    PEER_DOWN_ORPHAN_GRACE, /* its home is gone for longer than the grace: hidden */
    PEER_DOWN_SWEPT,        /* a log was brought up to date, and its home no longer holds it */
};

enum gossip_event_kind {
    GOSSIP_EVENT_MEMBER = 1,  /* a member's state, statement or rtt class changed */
    GOSSIP_EVENT_ACCUSED,     /* somebody accused somebody (for "why") */
    GOSSIP_EVENT_PEER_UP,     /* a peer became visible */
    GOSSIP_EVENT_PEER_UPDATE, /* its winning record changed */
    GOSSIP_EVENT_PEER_DOWN,
    GOSSIP_EVENT_HEARTBEAT, /* at its home: a lease was renewed */
    GOSSIP_EVENT_LEASE_END, /* an own lease ended (for the snapshot) */
    GOSSIP_EVENT_HOME,      /* a (home, epoch)'s standing changed */
    GOSSIP_EVENT_LOG,    /* a log's version or state changed (at most one per log and second but for
                            state) */
    GOSSIP_EVENT_STATUS, /* about once a second, and at once when a flag in it changes */
    GOSSIP_EVENT_EPOCH,  /* our epoch was raised: persist it */
    GOSSIP_EVENT_CONFLICT, /* a name or key is in use twice */
    GOSSIP_EVENT_JOINED,   /* a seed answered */
    GOSSIP_EVENT_ALONE,    /* no seed answered in time: started alone, still trying */
    GOSSIP_EVENT_LEFT,     /* leaving is done */
    GOSSIP_EVENT_REPLY,
};

enum gossip_conflict {
    CONFLICT_NAME =
        1, /* another live member has our name (or two others share one): shown, nothing stops */
    CONFLICT_KEY_IN_USE, /* our key still answers elsewhere: a starting node must not run */
    CONFLICT_KEY_HIGHER, /* our key runs elsewhere with a higher epoch: a running node must stop */
};

/* Counters since the start. */
struct gossip_stats {
    uint64_t packets_in, bytes_in, packets_out, bytes_out;
    uint64_t drops[DROP_REASONS];
    uint64_t signatures_verified, signatures_made;
    uint64_t probes_sent, probes_answered, probes_failed, indirect_probes_sent, nacks_in;
    uint64_t accusations_made, refutations_made, deaths_declared;
    uint64_t spread_payloads_in,
        spread_payloads_duplicate; /* record batches arriving by tree or pull; already known */
    uint64_t spread_sent, spread_resent, announced, missing_pulled;
    uint64_t spread_made;                      /* payloads, batches and news, that began here */
    uint64_t batches_new;                      /* that came from others, and advanced a log */
    uint64_t bytes_out_probes, bytes_out_bulk; /* of bytes_out: never paced; paced by themselves */
    uint64_t compares, pulls, pull_bytes_in, sweeps, repairs;
    uint64_t outbox_dropped, events_held, forwards, adoptions;
};

struct gossip_status {
    bool converged;
    bool synced; /* the first sync is done */
    bool cut_off;
    bool leaving;
    uint32_t health; /* Lifeguard's local health multiplier, 0 (well) to HEALTH_MAX */
    uint32_t members_alive, members; /* ourselves included */
    uint64_t peers_visible, records_held;
    uint64_t
        view_digest[2]; /* sum over visible peers of a hash of (peer_id, home, epoch, version) */
    uint64_t epoch;
    uint32_t logs, logs_behind, logs_diverged;
    uint32_t outbox_packets;
    struct gossip_stats stats;
};

struct gossip_reply {
    uint64_t request;
    enum gossip_result result;
    const char *field;      /* RESULT_INVALID: which, as the HTTP API names it; else NULL */
    struct blob *record;    /* the record it is about, where this node holds it; may be NULL */
    uint64_t wall_ms;       /* when the home acted */
    uint64_t expires_in_ms; /* from then */
};

/* Draining an event makes the host the owner of its blob (blob_release; may be NULL). */
struct gossip_event {
    enum gossip_event_kind kind;
    uint64_t wall_ms; /* when it happened, by our own clock */
    union {
        struct {
            uint64_t tag;
            enum member_state state;
            uint64_t epoch, incarnation;
            uint32_t rtt_us; /* smoothed; 0: not measured */
            bool is_self;
            struct blob *alive;
        } member;
        struct {
            uint64_t accuser, subject, epoch, incarnation;
            uint32_t accusers;
            bool is_told; /* with the news of a death, not by its accuser's own spreading */
        } accused;
        struct {
            struct blob *record; /* DOWN: the one that was visible */
            uint64_t home, epoch, version;
            enum peer_down_reason reason; /* DOWN */
            uint64_t expires_in_ms;       /* where we are its home; else 0 */
            uint64_t view_digest[2];      /* after this event */
        } peer;
        struct {
            struct blob *record;
            uint64_t expires_in_ms;
        } heartbeat; /* and LEASE_END */
        struct {
            uint64_t tag, epoch;
            enum home_standing standing;
            uint64_t since_wall_ms;
        } home;
        struct {
            uint64_t tag, epoch, applied, head_version, live_count;
            enum log_state state;
            bool is_gone; /* the log was dropped */
        } log;
        struct gossip_status *status; /* the host becomes its owner, too (gossip_event_release) */
        struct {
            uint64_t epoch;
        } epoch;
        struct {
            enum gossip_conflict what;
            uint64_t tag;
            struct addr addr;
            struct blob *alive;
        } conflict;
        struct {
            struct addr addr;
        } joined;
        struct gossip_reply reply;
    };
};

bool gossip_next_event(struct gossip *, struct gossip_event *);
/* Releases what an event holds. */
void gossip_event_release(struct gossip_event *);

/* --- Inspection (read only; for tests, the simulator's checkers and snapshots)
 * -------------------- */

uint64_t gossip_tag(const struct gossip *);
void gossip_status_now(const struct gossip *, struct gossip_status *);
/* The one part of it that costs nothing: the rest looks at every log. */
void gossip_view_digest(const struct gossip *, uint64_t out[2]);

struct gossip_member_info {
    uint64_t tag;
    enum member_state state;
    uint64_t epoch, incarnation;
    uint32_t accusers;        /* distinct valid accusers of this exact life counted now */
    const struct blob *alive; /* borrowed until the next input */
};
size_t gossip_member_count(const struct gossip *); /* every one remembered, in tag order */
bool gossip_member_at(const struct gossip *, size_t index, struct gossip_member_info *);
bool gossip_member_find(const struct gossip *, uint64_t tag, struct gossip_member_info *);

struct gossip_log_info {
    uint64_t home, epoch, applied, floor, head_version, live_count;
    enum log_state state;
    enum home_standing standing;
    bool is_resetting; /* it is being read anew: records above `applied` may be here already */
};
size_t gossip_log_count(const struct gossip *);
bool gossip_log_at(const struct gossip *, size_t index, struct gossip_log_info *);
bool gossip_log_find(const struct gossip *, uint64_t home, uint64_t epoch,
                     struct gossip_log_info *);

struct gossip_peer_info {
    bool visible;
    uint64_t home, epoch, version;
    const struct blob
        *record; /* borrowed until the next input; the winning statement; may be a deletion */
};
bool gossip_peer_find(const struct gossip *, struct span peer_id, struct gossip_peer_info *);
/* What waits, runs or holds back here now. After faults have ended all of it comes to nothing again
 * and again (probes, packets) or for good. */
struct gossip_queues {
    uint32_t packets, events, hops, announcements, rumours, probes;
    uint32_t suspicions; /* members that are SUSPECT or UNREACHABLE */
    uint32_t missing, pulls, early_batches, forwards;
    uint32_t replies;    /* to clients: for their operations to leave */
    uint32_t reissues;   /* leases of the last life */
    uint32_t objections; /* of ours to an accusation, held back until we are heard: 0 or 1 */
    uint32_t health;
    bool is_paced; /* the egress limit is reached */
};
void gossip_queues_now(const struct gossip *, struct gossip_queues *);

/* What is held now: counts, and bytes without the allocator's own. Looks at every member and
 * record. */
struct gossip_memory {
    size_t members, suspicions;
    size_t logs, slots, records, deletes, peers, leases;
    size_t origins; /* of forwarded commands */
    size_t timers, event_capacity;
    size_t member_bytes; /* members, their statements, links, accusations */
    size_t record_bytes; /* logs, operations, peers, leases */
    size_t queue_bytes;  /* events, timers, packets, hops, early batches, forwards: about */
    size_t total_bytes;
};
void gossip_memory_now(const struct gossip *, struct gossip_memory *);

/* Own leases, for a full snapshot: index from 0; false: no more. */
bool gossip_lease_at(const struct gossip *, size_t index, const struct blob **record,
                     uint64_t *heartbeat_wall_ms);

#endif
