// SPDX-License-Identifier: Apache-2.0
/* key.c - Ed25519 key pairs, the system's randomness, and the handling of secrets */
#include "crypto/key.h"

#include <assert.h>
#include <sodium.h>

static_assert(KEY_PUBLIC_BYTES == crypto_sign_PUBLICKEYBYTES, "public key size");
static_assert(KEY_SECRET_BYTES == crypto_sign_SECRETKEYBYTES, "secret key size");
static_assert(KEY_SEED_BYTES == crypto_sign_SEEDBYTES, "seed size");

bool key_library_init(void)
{
    return sodium_init() >= 0;
}

void key_pair_from_seed(const uint8_t seed[KEY_SEED_BYTES], struct key_pair *out)
{
    crypto_sign_seed_keypair(out->public.bytes, out->secret, seed);
}

void key_seed_generate(uint8_t seed[KEY_SEED_BYTES])
{
    key_random(seed, KEY_SEED_BYTES);
}

void key_random(void *out, size_t length)
{
    randombytes_buf(out, length);
}

void key_wipe(void *secret, size_t length)
{
    sodium_memzero(secret, length);
}

bool key_equal(const void *a, const void *b, size_t length)
{
    return sodium_memcmp(a, b, length) == 0;
}
