// SPDX-License-Identifier: Apache-2.0
/* key.h - Ed25519 key pairs, the system's randomness, and the handling of secrets */
#ifndef AURORA_CRYPTO_KEY_H
#define AURORA_CRYPTO_KEY_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define KEY_PUBLIC_BYTES 32
#define KEY_SECRET_BYTES 64
#define KEY_SEED_BYTES   32

struct key_public {
    uint8_t bytes[KEY_PUBLIC_BYTES];
};

/* `secret` is libsodium's form: seed || public key. Whoever holds the pair wipes it. */
struct key_pair {
    struct key_public public;
    uint8_t secret[KEY_SECRET_BYTES];
};

/* Once per process, before anything else in crypto/. May be called again. False: the system has
 * no usable randomness, and nothing here may be used. */
bool key_library_init(void);

/* The pair of a seed (RFC 8032's 32-byte private key). Same seed, same pair. */
void key_pair_from_seed(const uint8_t seed[KEY_SEED_BYTES], struct key_pair *out);

/* Fresh bytes from the operating system. Never to be called in gossip/, whose only randomness is
 * its own seeded generator: `make tidy` refuses an object there that needs either symbol. */
void key_seed_generate(uint8_t seed[KEY_SEED_BYTES]);
void key_random(void *out, size_t length);

/* Zeroes memory in a way that the compiler may not drop. */
void key_wipe(void *secret, size_t length);

/* Compares in a time that depends on `length` only. Use it for tokens, keys and MACs. */
bool key_equal(const void *a, const void *b, size_t length);

#endif
