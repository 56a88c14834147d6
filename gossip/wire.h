// SPDX-License-Identifier: Apache-2.0
/* wire.h - packets and messages: bounded encoding and decoding, without allocation.
 *
 * A packet's plain text is a sequence of MessagePack arrays: first the header
 * [sender, epoch, receiver, counter], then one or more messages [type, ...]. Unknown types and
 * unknown trailing elements are skipped. Lists are decoded lazily: a message holds the span of the
 * encoded list, and wire_list_uint, _bin and _list read it. Every span points into the packet. */
#ifndef AURORA_GOSSIP_WIRE_H
#define AURORA_GOSSIP_WIRE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "gossip/addr.h"
#include "gossip/limits.h"
#include "gossip/span.h"

enum wire_type {
    /* Failure detection (probe.c) */
    WIRE_PING = 1,     /* random, members_digest, records_digest */
    WIRE_ACK,          /* random, members_digest, records_digest */
    WIRE_PING_REQUEST, /* random, target */
    WIRE_NACK,         /* random */
    /* Membership (join.c, news.c) */
    WIRE_NEWS,           /* [statement...]: ALIVE, LEFT, accusations, HEADs */
    WIRE_JOIN,           /* statement (the joiner's ALIVE), request, padding (bin): the answer to a
                            stranger is no larger than what the stranger sent */
    WIRE_JOIN_REPLY,     /* request, remembered epoch, statement | nil (your remembered ALIVE), your
                            address as seen (bin), statement (the replier's ALIVE) */
    WIRE_MEMBERS_PULL,   /* after: members with a tag above it */
    WIRE_MEMBERS,        /* after, through, [[state, age_ms, [statement...]]...] */
    WIRE_MEMBERS_HASHES, /* flags, [hash...]: COMPARE_BUCKETS of them */
    WIRE_MEMBERS_LIST,   /* flags, buckets (bit set), [[tag, epoch, incarnation, state]...] */
    /* Spreading (spread.c) */
    WIRE_SPREAD_BATCH, /* token, arc_low, arc_high, batch */
    WIRE_SPREAD_NEWS,  /* token, arc_low, arc_high, [statement...] */
    WIRE_HOP_ACKS,     /* [token...] */
    WIRE_ANNOUNCE,     /* [[home, epoch, version]...] */
    /* Anti-entropy (sync.c, pull.c, repair.c) */
    WIRE_LOGS_HASHES, /* flags, [hash...]: one (all logs) or COMPARE_BUCKETS; sync.c */
    WIRE_LOGS_LIST,   /* flags (enum sync_flag), buckets (bit set; in pages: the home after which),
                         [[home, epoch, applied, head_version, head_root, gone_ms]...]: the root's
                         first 8 bytes; gone_ms only in pages, of homes that are gone */
    WIRE_PULL,        /* request, home, epoch, after, window_bytes, is_reset */
    WIRE_RANGE,       /* request, is_reset, is_last, batch */
    WIRE_HEAD_PULL,   /* [[home, epoch]...] */
    WIRE_ROOT_PULL,   /* request, home, epoch, page */
    WIRE_ROOT_PAGE,   /* request, home, epoch, version, page, [hash...] */
    WIRE_BUCKET_PULL, /* request, home, epoch, bucket, after_index */
    WIRE_BUCKET, /* request, home, epoch, version, bucket, after_index, is_last, [statement...] */
    /* Client commands on their way (forward.c) */
    WIRE_FORWARD,       /* statement (command) */
    WIRE_FORWARD_REPLY, /* origin, target, request, result, expires_in_ms, seq */
    WIRE_TYPES
};

struct wire_header {
    uint64_t sender;   /* tag */
    uint64_t epoch;    /* the sender's */
    uint64_t receiver; /* tag; 0: whoever has this address (JOIN) */
    uint64_t counter;  /* rises by one with every packet to this receiver in this epoch, from 1 */
};

/* An encoded MessagePack array being read, element by element. */
struct wire_list {
    struct span rest;
    uint32_t count; /* elements left */
};

/* batch: [home, epoch, v0, v1, applied, floor, [statement...]]: every operation of the log in (v0,
 * v1] that is not superseded within it, oldest first. `applied` is what the sender has applied of
 * that log. */
struct wire_batch {
    uint64_t home;
    uint64_t epoch;
    uint64_t v0;
    uint64_t v1;
    uint64_t applied;
    uint64_t floor;
    struct wire_list statements; /* of bin */
};

struct wire_message {
    enum wire_type type;
    union {
        struct {
            uint64_t random, members_digest, records_digest;
        } probe; /* PING, ACK */
        struct {
            uint64_t random, target;
        } ping_request;
        struct {
            uint64_t random;
        } nack;
        struct {
            struct wire_list statements;
        } news;
        struct {
            struct span statement;
            uint64_t request;
            struct span padding;
        } join;
        struct {
            uint64_t request, remembered_epoch;
            struct span remembered; /* empty: nothing */
            struct span seen_address;
            struct span statement;
        } join_reply;
        struct {
            uint64_t after;
        } members_pull;
        struct {
            uint64_t after, through;
            struct wire_list entries;
        } members;
        struct {
            uint64_t flags;
            struct wire_list hashes;
        } hashes; /* MEMBERS_, LOGS_HASHES */
        struct {
            uint64_t flags, buckets;
            struct wire_list entries;
        } list; /* MEMBERS_, LOGS_LIST */
        struct {
            uint64_t token, arc_low, arc_high;
            struct wire_batch batch;     /* SPREAD_BATCH */
            struct wire_list statements; /* SPREAD_NEWS */
        } spread;
        struct {
            struct wire_list tokens;
        } hop_acks;
        struct {
            struct wire_list entries;
        } announce; /* and HEAD_PULL */
        struct {
            uint64_t request, home, epoch, after, window_bytes;
            bool is_reset;
        } pull;
        struct {
            uint64_t request;
            bool is_reset, is_last;
            struct wire_batch batch;
        } range;
        struct {
            uint64_t request, home, epoch, page;
        } root_pull;
        struct {
            uint64_t request, home, epoch, version, page;
            struct wire_list hashes;
        } root_page;
        struct {
            uint64_t request, home, epoch, bucket, after_index;
        } bucket_pull;
        struct {
            uint64_t request, home, epoch, version, bucket, after_index;
            bool is_last;
            struct wire_list statements;
        } bucket;
        struct {
            struct span statement;
        } forward;
        struct {
            uint64_t origin, target, request, result, expires_in_ms, seq;
        } forward_reply;
    };
};

/* --- Reading ---------------------------------------------------------------------------------- */

/* Walks a packet's plain text. The budgets of limits.h hold for the packet as a whole: reading the
 * header first checks the whole text's structure (depth, elements, truncation) in one pass. */
struct wire_reader {
    struct span rest;
};

/* False: malformed anywhere in the packet, or longer than PACKET_PLAIN_MAX_BYTES. */
bool wire_read_header(struct wire_reader *, struct span plain, struct wire_header *);
enum wire_next { WIRE_NEXT_MESSAGE, WIRE_NEXT_SKIPPED, WIRE_NEXT_END, WIRE_NEXT_BAD };
/* SKIPPED: a type this version does not know. BAD: a known type with the wrong shape; after it
 * comes END. The lists of a message that is returned hold at most WIRE_LIST_MAX elements, all of
 * the kind that enum wire_type shows (uint, bin or list; what is inside an inner list is its
 * reader's to check). */
enum wire_next wire_read_next(struct wire_reader *, struct wire_message *);

/* Elements of a list; each returns false when the list is at its end or the element is of another
 * kind. */
bool wire_list_uint(struct wire_list *, uint64_t *);
bool wire_list_bin(struct wire_list *, struct span *);
bool wire_list_list(struct wire_list *, struct wire_list *);

/* --- Writing ---------------------------------------------------------------------------------- */

/* Appends MessagePack to a caller's buffer. After an overflow of a wire_put_X, `overflowed` stays
 * set, len is where it was before that call, and later calls do nothing: whoever goes on in the
 * same buffer clears it first. */
struct wire_writer {
    uint8_t *data;
    size_t len;
    size_t capacity;
    bool overflowed;
};

void wire_write_header(struct wire_writer *, const struct wire_header *);
/* Low-level pieces for lists. */
void wire_put_array(struct wire_writer *, uint32_t count);
void wire_put_uint(struct wire_writer *, uint64_t);
void wire_put_bool(struct wire_writer *, bool);
void wire_put_bin(struct wire_writer *, struct span);
void wire_put_text(struct wire_writer *, struct span);
void wire_put_nil(struct wire_writer *);
/* Appends a whole message. Its wire_list fields are written from their encoded elements: to build
 * one, write the elements with wire_put_* into a scratch writer and hand over
 * wire_list_of(&scratch, count). False, and the writer is as it was, when it does not fit or a list
 * has over WIRE_LIST_MAX elements: a smaller message may still fit. */
bool wire_write_message(struct wire_writer *, const struct wire_message *);
/* The first `count` elements put into the scratch writer, which holds nothing else: whoever stops
 * at an overflow in the middle of an inner list first sets len back to where that element began. */
struct wire_list wire_list_of(const struct wire_writer *, uint32_t count);

/* Addresses inside messages and ALIVE: 6 or 18 bytes. Returns the length. */
size_t wire_address_write(const struct addr *, uint8_t out[18]);
bool wire_address_read(struct span, struct addr *);

#endif
