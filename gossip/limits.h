// SPDX-License-Identifier: Apache-2.0
/* limits.h - every cap of the protocol, with its reason. What a deployment may change is a default
 * in gossip_config_defaults(); what two nodes must agree on stands here alone. */
#ifndef AURORA_GOSSIP_LIMITS_H
#define AURORA_GOSSIP_LIMITS_H

#include <assert.h>

/* --- On the wire: two nodes must agree ------------------------------------------------------- */

/* Under IPv6's minimum MTU of 1,280 (RFC 8200, section 5) less 40 + 8 of headers, with room for a
 * tunnel. */
#define PACKET_MAX_BYTES 1200
/* Version, key tag, nonce, MAC: crypto/seal.h. */
#define PACKET_SEAL_BYTES      45
#define PACKET_PLAIN_MAX_BYTES (PACKET_MAX_BYTES - PACKET_SEAL_BYTES)
/* [sender, epoch, receiver, counter], each at its largest. */
#define PACKET_HEADER_MAX_BYTES 37
/* What one message may fill. */
#define MESSAGE_MAX_BYTES (PACKET_PLAIN_MAX_BYTES - PACKET_HEADER_MAX_BYTES)
/* A signed record or delete must fit one SPREAD message beside its arc, range and token. */
#define STATEMENT_MAX_BYTES 1000
/* Signature in front of every statement's body. */
#define STATEMENT_SIGNATURE_BYTES 64
/* Header and types of a SPREAD carrying one statement: what is left must be enough. */
#define SPREAD_OVERHEAD_MAX_BYTES 90
static_assert(STATEMENT_MAX_BYTES + SPREAD_OVERHEAD_MAX_BYTES <= MESSAGE_MAX_BYTES,
              "a full-size record must fit one packet");

/* Decoder budgets: what one datagram may make us look at, so that no length field costs memory or
 * time. */
#define WIRE_ELEMENTS_MAX \
    1200 /* MessagePack elements in a packet: no honest one has more than bytes */
#define WIRE_DEPTH_MAX                                                                            \
    6                     /* packet > message > list > statement > archetypes: honest ones need 5 \
                           */
#define WIRE_LIST_MAX 128 /* entries in any list of a message */

/* A peer's fields. */
#define PEER_ID_MAX_BYTES        128
#define PEER_ARCHETYPES_MAX      16
#define PEER_ARCHETYPE_MAX_BYTES 64
#define PEER_ADDRESS_MAX_BYTES   255 /* a host name: RFC 1035, section 2.3.4 */
#define PEER_METADATA_MAX_BYTES  512 /* as JSON text: longer ones would not fit beside the rest */
#define PEER_TTL_MIN_S           10  /* below it, one lost heartbeat would end a lease */
#define PEER_TTL_MAX_S           86400
#define LEASE_TOKEN_HASH_BYTES   16

/* A member's fields. */
#define NODE_NAME_MAX_BYTES    64
#define NODE_ZONE_MAX_BYTES    64
#define NODE_URL_MAX_BYTES     128
#define NODE_ADDRESSES_MAX     2 /* one IPv4, one IPv6 */
#define CLUSTER_NAME_MAX_BYTES 64

/* The tree under a HEAD's root (root.h): a leaf holds so many records before it becomes four. */
#define ROOT_LEAF_MAX  32
#define ROOT_FANOUT    4
#define ROOT_DEPTH_MAX 16 /* here a key ends: whoever grinds equal ones gets a longer leaf */
/* What two nodes compare when their roots differ; one page of short hashes must fit a packet. */
#define ROOT_BUCKETS      256
#define ROOT_PAGE_BUCKETS 64
/* Buckets in which two nodes compare their members and their logs. */
#define COMPARE_BUCKETS 32

/* --- Memory: what one node may be made to hold --------------------------------------------------
 */

#define MEMBERS_MAX          20000 /* every node keeps every other */
#define TWIN_EPOCHS          64    /* by up to so many one leaves an epoch that a twin may have */
#define SEEDS_MAX            16
#define RECORDS_MAX          1000000 /* per cluster, checked where a registration enters */
#define RECORDS_PER_HOME_MAX 200000
#define REPLAY_WINDOW        64    /* packets of one sender that may arrive out of order */
#define OUTBOX_PACKETS_MAX   16384 /* some 20 MB: then the oldest bulk goes first, counted */
#define WAITING_PER_MEMBER_MAX \
    16 /* packets to one member beyond its share of egress: then it is answered no more */
#define EVENTS_MAX              65536 /* queued for the host; above half the core stops pulling */
#define EARLY_BATCHES_MAX       64 /* per log: batches that arrived before the ones they follow */
#define EARLY_BATCHES_TOTAL_MAX 8192
#define LOGS_PER_HOME_MAX \
    8 /* lives of one home: each leaves a log until its orphans' ttl has run */
#define HOPS_MAX             4096 /* unacknowledged hops of the tree */
#define HANDLED_MAX          8192 /* arcs that we have served of late: 2,700 payloads a second */
#define ANNOUNCE_PENDING_MAX 64
#define RUMOURS_MAX          1024 /* membership news that rides on probes */
#define FORWARDS_MAX         4096 /* client commands under way to their home */
#define PULLS_IN_MAX         4    /* bulk pulls that we run */
#define PULLS_OUT_MAX        4    /* bulk pulls that we serve */
/* Ranges of bulk pulls whose signatures are being verified: four windows of the largest size, each
 * in packets that are half empty, and as much again; some 8 MB with what is made of them. */
#define CHECKS_MAX      4096
#define PULLS_MAX       64   /* pulls of any size that we run; further logs wait their turn */
#define MISSING_MAX     1024 /* announced and not here: more are left to anti-entropy */
#define ACCUSATIONS_MAX 16   /* kept per subject: the quorum is 3, the rest confirm faster */
#define ACCUSERS_MAX    64   /* whose words are counted: more at once are no liars */
#define PROBES_MAX      256  /* direct, indirect and relayed probes under way */

/* --- Time and rate: defaults
 * ---------------------------------------------------------------------- */

#define PROBE_INTERVAL_MS             1000
#define PROBE_INTERVAL_JITTER_PERCENT 10
#define PROBE_TIMEOUT_MIN_MS          20
#define PROBE_TIMEOUT_MAX_MS          500
#define PROBE_INDIRECT_COUNT          3
#define HEALTH_MAX                    8
#define CUT_OFF_INTERVALS_TENTHS      22 /* silence of 2.2 probe intervals */
#define CUT_OFF_AFTERMATH_MS          1500
#define STALL_MS                      250
#define OBSERVERS_COUNT               5
#define OBSERVERS_EVERYONE_BELOW      10
#define OBSERVER_JITTER_MS            50
#define QUORUM_MAX                    3
#define SUSPICION_MIN_MS              2500 /* after 1 s of probing: a stop of 3 s is survived */
#define SUSPICION_MAX_FACTOR          6
#define OLD_MEMBER_PROBE_MS           10000
#define OLD_MEMBER_FORGET_MS          (24ull * 3600 * 1000)
#define JOIN_RETRY_MS                 1000
#define JOIN_ALONE_MS                 5000 /* no seed answered for so long: start alone */

/* Before we object to an accusation while our PINGs go unanswered (voice.h): of the last so many,
 * by the measure of what is lost on the way to us, this share must have been heard; and this, once
 * we are dead: between the two nobody comes and goes. Where four of five are lost, one in ten
 * rounds has luck enough for the first, and not one in a thousand million for the second. Between
 * them is what it takes when there is hardly any time left to object: one round in a thousand. */
#define VOICE_TRIALS        20
#define VOICE_ANSWERS_MIN   4
#define VOICE_MISSES        3 /* so many of them unanswered: packets get lost here */
#define VOICE_FAIR_PERCENT  35
#define VOICE_LATE_PERCENT  60 /* once a quorum accuses us */
#define VOICE_SOUND_PERCENT 90
#define VOICE_ROUND_MS      2000 /* for so many; an answer may take as long, */
#define VOICE_DOUBLINGS     2    /* then twice and four times as long */
#define VOICE_STEPS_MAX     4    /* a longer gap says that there was a cut, not how much is lost */
/* A second death in the same epoch within so long of the first must be followed by so much of a
 * good link. Longer than 20 s, for which links are seen to work between their failures. */
#define DEATHS_REMEMBERED_MS (10 * 60 * 1000)
#define READMIT_HOLD_MS      25000

/* Of one accuser, that count: where nine of ten die at once an honest one says about six in each
 * probe interval, its own and those as an observer; the burst is for the unevenness of the ring. */
#define ACCUSATIONS_PER_INTERVAL 16
#define ACCUSATIONS_BURST        64

#define HOP_TIMEOUT_MIN_MS 10
#define HOP_TIMEOUT_MAX_MS 500
#define HANDLED_KEEP_MS    3000 /* six attempts at a hop take no longer */
/* Of each hop that is begun, so many may be resent, now or later. Where a fifth of all packets gets
 * lost it takes one, where half of the members have just died one and a half. Where it takes more,
 * everything is late because there is too much of it, and resending makes it worse. */
#define RESENDS_PER_HOP         2
#define RESENDS_SAVED_MAX       256
#define SPREAD_FANOUT           4
#define ANNOUNCE_COUNT          3
#define ANNOUNCE_DELAY_MS       2
#define MISSING_DELAY_MS        8
#define GAP_DELAY_MS            3  /* batches of one burst overtake one another in the tree */
#define BATCH_DELAY_MS          5  /* under load */
#define BATCH_QUIET_MS          20 /* the first operation after it leaves at once */
#define COMPARE_INTERVAL_MS     500
#define COMPARE_AFTER_CHANGE_MS 5000
#define HEAD_DELAY_MS           500
#define BEHIND_MS               5000 /* a log behind for longer: not converged */
#define DELETE_KEEP_MIN_MS      (10ull * 60 * 1000)
#define ORPHAN_GRACE_MS         90000
#define FORWARD_TIMEOUT_MS      1000 /* then two relays, then adoption */
#define MOVED_DELAY_MS          5000
#define TTL_DEFAULT_S           300

/* What an address that only its ALIVE names may be sent beyond what came from it, from one of our
 * probes to the next, until it answers: a few hops of the tree, and the questions that prove it. A
 * member can name anybody's. */
#define UNVERIFIED_BYTES_MAX    4096
#define EGRESS_BYTES_PER_S      (4u << 20)
#define EGRESS_PEER_BYTES_PER_S (1u << 20)
#define BULK_BYTES_PER_S        (32u << 20)
#define BULK_WINDOW_BYTES       (64u << 10)
#define BULK_WINDOW_MIN_BYTES   (16u << 10) /* halving ends here: a dozen packets a round trip */

#endif
