// SPDX-License-Identifier: Apache-2.0
/* statement.h - what nodes and peers sign: encoding, signing and bounded decoding of each kind.
 *
 * A statement travels as 64 bytes of Ed25519 signature followed by its body, a MessagePack array
 * whose first element is the kind. Unknown trailing elements are skipped when read and kept when
 * relayed: the signature covers the body as it is. Nodes are named by tag: the first 8 bytes of
 * their public key, big endian (a member table never holds two keys with one tag). */
#ifndef AURORA_GOSSIP_STATEMENT_H
#define AURORA_GOSSIP_STATEMENT_H

#include <stdbool.h>
#include <stdint.h>

#include "crypto/hash.h"
#include "crypto/key.h"
#include "crypto/sign.h"
#include "gossip/addr.h"
#include "gossip/blob.h"
#include "gossip/limits.h"
#include "gossip/span.h"

/* The values are those of enum sign_domain. */
enum statement_kind {
    STATEMENT_ALIVE = 1,
    STATEMENT_LEFT,
    STATEMENT_ACCUSATION,
    STATEMENT_RECORD,
    STATEMENT_DELETION,
    STATEMENT_HEAD,
    STATEMENT_COMMAND,
    STATEMENT_PEER,
};

#define PROTOCOL_VERSION 1

/* No epoch, incarnation, version, seq, stamp or time in a statement is above it, so that
 * `known + 1` never wraps, and languages without unsigned 64-bit numbers can read them. Tags and
 * request numbers use all 64 bits. */
#define STATEMENT_NUMBER_MAX ((uint64_t)INT64_MAX)

/* [1, id, epoch, incarnation, name, zone, http_url, [address...], protocol_version]
 * An address is a bin of 6 (IPv4) or 18 (IPv6) bytes: ip, then port big endian. */
struct alive {
    struct key_public id;
    uint64_t epoch;
    uint64_t incarnation;
    struct span name; /* clean text (text.h), 1 to NODE_NAME_MAX_BYTES; zone, url may be empty */
    struct span zone;
    struct span http_url;
    struct addr addresses[NODE_ADDRESSES_MAX]; /* at least one */
    size_t address_count;
    uint64_t protocol_version;
};

/* [2, tag, epoch, incarnation] */
struct left {
    uint64_t tag;
    uint64_t epoch;
    uint64_t incarnation;
};

/* [3, accuser, subject, epoch, incarnation, stamp]: the accuser's probes of the subject's life
 * (epoch, incarnation) fail. stamp = max(last stamp + 1, own wall ms): it orders one accuser's
 * words. */
struct accusation {
    uint64_t accuser;
    uint64_t subject;
    uint64_t epoch;
    uint64_t incarnation;
    uint64_t stamp;
};

/* What describes a peer; the spans point into the statement (or the command) it was read from. */
struct peer_description {
    struct span peer_id;
    /* As given; whoever registers removes duplicates. */
    struct span archetypes[PEER_ARCHETYPES_MAX];
    size_t archetype_count;
    struct span address;
    uint16_t port;
    struct span metadata; /* JSON text of an object; empty: {} */
    uint32_t ttl_s;
    /* Self-certifying peers only ("ed25519:" + 64 hex digits of the key). */
    bool is_signed;
    uint64_t peer_version;
    uint8_t peer_signature[SIGN_BYTES];
};

/* [4, home, epoch, version, peer_id, [archetype...], address, port, metadata, ttl_s, seq,
 *  registered_at_ms, token_hash | nil, peer_version | nil, peer_signature | nil] */
struct record {
    uint64_t home;
    uint64_t epoch;
    uint64_t version;
    struct peer_description peer;
    uint64_t seq;
    uint64_t registered_at_ms; /* the home's wall clock */
    bool has_token;
    uint8_t token_hash[LEASE_TOKEN_HASH_BYTES];
};

enum delete_reason {
    DELETE_EXPIRED = 1,      /* its ttl ran out at its home */
    DELETE_DEREGISTERED = 2, /* its client said so */
    DELETE_MOVED = 3,        /* another home's record of the peer has the higher seq */
};

/* [5, home, epoch, version, peer_id, seq, ttl_s, reason, peer_version | nil] */
struct deletion {
    uint64_t home;
    uint64_t epoch;
    uint64_t version;
    struct span peer_id;
    uint64_t seq;   /* of the record that it ends */
    uint32_t ttl_s; /* of that record: how long the delete must be remembered */
    uint64_t reason;
    bool is_signed; /* the record that it ends was self-certified, at this version */
    uint64_t peer_version;
};

/* [6, home, epoch, version, live_count, root, wall_ms] */
struct head {
    uint64_t home;
    uint64_t epoch;
    uint64_t version;
    uint64_t live_count;
    struct hash root; /* root.h */
    uint64_t wall_ms;
};

enum command_kind { COMMAND_HEARTBEAT = 1, COMMAND_DEREGISTER = 2 };

/* [7, origin, target, request, kind, peer_id, token_hash | nil]: a client's command on its way to
 * the peer's home, signed by the node that the client spoke to. */
struct command {
    uint64_t origin;
    uint64_t target;
    uint64_t request;
    uint64_t kind;
    struct span peer_id;
    bool has_token;
    uint8_t token_hash[LEASE_TOKEN_HASH_BYTES];
};

uint64_t node_tag(const struct key_public *id);

/* Each statement_of_X encodes, signs, and returns a blob that the caller owns, or NULL when the
 * fields do not fit STATEMENT_MAX_BYTES (only a record can be that large) or break a limit that the
 * readers check: what is signed here is readable everywhere. */
struct blob *statement_of_alive(const struct alive *, const struct key_pair *,
                                const struct sign_scope *);
struct blob *statement_of_left(const struct left *, const struct key_pair *,
                               const struct sign_scope *);
struct blob *statement_of_accusation(const struct accusation *, const struct key_pair *,
                                     const struct sign_scope *);
struct blob *statement_of_record(const struct record *, const struct key_pair *,
                                 const struct sign_scope *);
struct blob *statement_of_deletion(const struct deletion *, const struct key_pair *,
                                   const struct sign_scope *);
struct blob *statement_of_head(const struct head *, const struct key_pair *,
                               const struct sign_scope *);
struct blob *statement_of_command(const struct command *, const struct key_pair *,
                                  const struct sign_scope *);

/* Each reader checks shape, limits and text, not the signature; spans point into `bytes`, which is
 * the whole statement, signature included. False: malformed. */
enum statement_kind statement_kind_of(struct span bytes); /* 0: malformed or unknown */
bool statement_read_alive(struct span bytes, struct alive *);
bool statement_read_left(struct span bytes, struct left *);
bool statement_read_accusation(struct span bytes, struct accusation *);
bool statement_read_record(struct span bytes, struct record *);
bool statement_read_deletion(struct span bytes, struct deletion *);
bool statement_read_head(struct span bytes, struct head *);
bool statement_read_command(struct span bytes, struct command *);

/* What orders the operations on a peer, of a record or a deletion that was read before: for whoever
 * holds a million of them and no copy of what their bytes say. Nothing is checked again. */
struct statement_order {
    uint64_t version;
    struct span peer_id;
    uint32_t ttl_s;
    uint64_t seq;
    uint64_t registered_at_ms; /* a record's */
    bool is_signed;
    uint64_t peer_version;
};
struct statement_order statement_order_of(struct span bytes);
struct span statement_peer_id_of(struct span bytes);
bool statement_has_archetype(struct span bytes, struct span archetype);

/* Verifies and returns the statement as a blob that the caller owns; NULL: the signature is wrong.
 * `store` may be NULL; with one, bytes that were verified before are not verified again. */
struct blob *statement_admit(struct blob_store *store, struct span bytes, enum statement_kind kind,
                             const struct key_public *signer, const struct sign_scope *scope);

/* Self-certifying peers. The bytes that a peer signs (domain SIGN_PEER): the MessagePack array
 * [8, peer_id, address, port, [archetype...], metadata, ttl_s, peer_version].
 * Returns their length, or 0 when they do not fit. */
size_t statement_peer_bytes(const struct peer_description *, uint8_t *out, size_t capacity);
/* Is it "ed25519:<64 lower-case hex digits>"? Then the key is in *id. */
bool statement_peer_key(struct span peer_id, struct key_public *id);
/* True for a peer whose id is not a key, or whose id is one and whose signature verifies. */
bool statement_peer_verify(const struct peer_description *);

/* Are the fields of a description within the limits and clean text (UTF-8, no control characters)?
 * NULL: yes; else the name of the offending field as the HTTP API spells it. */
const char *statement_peer_check(const struct peer_description *);

/* Keeps the first of archetypes that are the same, as whoever registers does before the peer's
 * signature is made or verified. */
void statement_peer_unique(struct peer_description *);

#endif
