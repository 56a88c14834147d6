// SPDX-License-Identifier: Apache-2.0
/* sign.h - Ed25519 signatures that hold for one purpose in one cluster
 *
 * What is signed, with pure Ed25519 (RFC 8032), is
 *
 *     +--------------+------------------+------+------------------+----------------+
 *     | "aurora-v1:" | domain, in ASCII | 0x00 | scope (16 bytes) | message        |
 *     +--------------+------------------+------+------------------+----------------+
 *                      "record", ...             absent for "peer"
 *
 * A signature made for one domain is void in every other, so an ALIVE can never be replayed as a
 * record; and the scope ties it to the cluster's name, so nothing signed in one cluster counts
 * in another that happens to have the same node in it. Peers sign without a scope: a client
 * knows no cluster, and its WebCrypto knows pure Ed25519 only.
 */
#ifndef AURORA_CRYPTO_SIGN_H
#define AURORA_CRYPTO_SIGN_H

#include "crypto/key.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define SIGN_BYTES       64
#define SIGN_SCOPE_BYTES 16
/* More than any packet holds, little enough to be framed on the stack. */
#define SIGN_MESSAGE_MAX 1400

enum sign_domain {
    SIGN_ALIVE = 1, /* "alive"   a node about itself */
    SIGN_LEFT,      /* "left"    a node takes its leave */
    SIGN_ACCUSE,    /* "accuse"  a node about another that does not answer */
    SIGN_RECORD,    /* "record"  a home about a peer */
    SIGN_DELETE,    /* "delete"  a home ends a record */
    SIGN_HEAD,      /* "head"    a home about the whole of its log */
    SIGN_FORWARD,   /* "forward" a command carried to a record's home */
    SIGN_PEER,      /* "peer"    a peer about itself; no scope */
};

struct sign_scope {
    uint8_t bytes[SIGN_SCOPE_BYTES];
};

/* The largest of what is drawn above. */
#define SIGN_PREFIX_BYTES 10 /* "aurora-v1:" */
#define SIGN_DOMAIN_MAX   8  /* bytes of the longest domain name, its NUL included */
#define SIGN_BEFORE_MAX   (SIGN_PREFIX_BYTES + SIGN_DOMAIN_MAX + SIGN_SCOPE_BYTES)
#define SIGN_FRAMED_MAX   (SIGN_BEFORE_MAX + SIGN_MESSAGE_MAX)

/* Writes what is signed (drawn above) and returns its length. One buffer and not Ed25519ph, which
 * would take it in pieces: a browser's WebCrypto only has the pure form, and peers sign there.
 * `length` is at most SIGN_MESSAGE_MAX (asserted); `scope` may be NULL for SIGN_PEER. */
size_t sign_frame(const struct sign_scope *scope, enum sign_domain domain, const void *message,
                  size_t length, uint8_t framed[SIGN_FRAMED_MAX]);

/* The scope of a cluster: the first 16 bytes of hash_of("sign-scope", its name). */
void sign_scope_of(const char *cluster, struct sign_scope *out);

/* `length` is at most SIGN_MESSAGE_MAX (asserted). `scope` is ignored for SIGN_PEER, and may
 * then be NULL. Signing is deterministic. */
void sign_make(const struct key_pair *pair, const struct sign_scope *scope, enum sign_domain domain,
               const void *message, size_t length, uint8_t signature[SIGN_BYTES]);

/* True only for a signature by this key over exactly these bytes in this domain and scope. A
 * message over SIGN_MESSAGE_MAX is false, not an error: nobody can have signed it. Malleable
 * signatures and keys of small order are refused. Costs about 40 microseconds: authenticate the
 * packet and drop the duplicates first. */
bool sign_verify(const struct key_public *key, const struct sign_scope *scope,
                 enum sign_domain domain, const void *message, size_t length,
                 const uint8_t signature[SIGN_BYTES]);

#endif
