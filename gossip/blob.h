// SPDX-License-Identifier: Apache-2.0
/* blob.h - a signed statement's bytes: immutable, reference-counted, shared by core and view */
#ifndef AURORA_GOSSIP_BLOB_H
#define AURORA_GOSSIP_BLOB_H

#include <stdatomic.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "crypto/hash.h"
#include "crypto/key.h"
#include "crypto/sign.h"
#include "gossip/span.h"

struct life; /* life.h */

/* bytes = 64-byte Ed25519 signature, then the MessagePack body that it covers (statement.h). The
 * count is atomic because the daemon's HTTP thread holds references too. */
struct blob {
    atomic_uint references;
    uint16_t len;
    bool has_life; /* an ALIVE: there is room for a life behind the bytes */
    uint8_t bytes[];
};

/* Copies the bytes; the caller owns one reference. */
struct blob *blob_new(struct span bytes);
struct blob *blob_retain(struct blob *blob);
/* NULL is allowed. Frees with the last reference. */
void blob_release(struct blob *blob);

/* What an ALIVE says, for life.c, in the core's thread only: a place for a pointer that the blob
 * then owns. NULL: it is no ALIVE, and of those there are a million. */
struct life **blob_life(struct blob *);

static inline struct span blob_span(const struct blob *blob)
{
    return span_of(blob->bytes, blob->len);
}

static inline struct span blob_body(const struct blob *blob)
{
    return span_of(blob->bytes + 64, blob->len - 64);
}

/* A store shares identical statements between the cores that are configured with it, and so
 * remembers that their signatures were verified: the simulator's thousand nodes verify a statement
 * once. A daemon has none. Not thread-safe: one thread may use a store. */
struct blob_store;
struct blob_store *blob_store_new(void);
/* Every blob but the store's own references must have been released, or they outlive it safely. */
void blob_store_free(struct blob_store *store);
/* The blob with exactly these bytes whose signature was verified for this signer and scope (the
 * domain is in the bytes), retained; NULL: not known. */
struct blob *blob_store_find(struct blob_store *store, struct span bytes,
                             const struct key_public *signer, const struct sign_scope *scope);
/* Remembers a blob whose signature was verified (or made). Retains it. */
void blob_store_add(struct blob_store *store, struct blob *blob, const struct key_public *signer,
                    const struct sign_scope *scope);
/* Drops what nobody else holds; call now and then. */
void blob_store_sweep(struct blob_store *store);

#endif
