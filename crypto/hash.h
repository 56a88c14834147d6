// SPDX-License-Identifier: Apache-2.0
/* hash.h - BLAKE2b-256 with a domain, and SipHash for hash tables
 *
 * A hash names what it is the hash of. The bytes hashed are
 *
 *     "aurora-v1:" || domain (ASCII) || 0x00 || data
 *
 * so that a record's hash can never be passed off as, say, a bucket's. A domain is a short
 * constant without NUL, at most HASH_DOMAIN_MAX bytes. Every other BLAKE2b implementation
 * (32-byte output, no key, no salt) computes the same.
 */
#ifndef AURORA_CRYPTO_HASH_H
#define AURORA_CRYPTO_HASH_H

#include <stdalign.h>
#include <stddef.h>
#include <stdint.h>

#define HASH_BYTES           32
#define HASH_SHORT_KEY_BYTES 16
#define HASH_DOMAIN_MAX      32
#define HASH_STATE_BYTES     384 /* libsodium's state; hash.c asserts that they agree */

struct hash {
    uint8_t bytes[HASH_BYTES];
};

/* Aligned to 64 bytes: keep it on the stack, where the compiler sees to that. It is opaque so
 * that whoever hashes does not see the whole of libsodium, its randomness included. */
struct hash_state {
    alignas(64) uint8_t opaque[HASH_STATE_BYTES];
};

/* Begin, then update any number of times, then end once. How the data is cut into updates does
 * not matter: put lengths into the data wherever two fields could run into one another. */
void hash_begin(struct hash_state *state, const char *domain);
void hash_update(struct hash_state *state, const void *data, size_t length);
void hash_end(struct hash_state *state, struct hash *out);

/* All three in one. `data` may be NULL when `length` is 0. */
void hash_of(const char *domain, const void *data, size_t length, struct hash *out);

/* SipHash-2-4: for hash tables whose keys come from outside. With a secret random `key` nobody
 * can choose ids that fall into one bucket. Not for the wire, and not collision resistant. */
uint64_t hash_short(const void *data, size_t length, const uint8_t key[HASH_SHORT_KEY_BYTES]);

#endif
