// SPDX-License-Identifier: Apache-2.0
/* hash.c - BLAKE2b-256 with a domain, and SipHash for hash tables */
#include "crypto/hash.h"

#include <assert.h>
#include <sodium.h>
#include <string.h>

static_assert(sizeof(struct hash_state) == sizeof(crypto_generichash_state), "state size");
static_assert(alignof(struct hash_state) >= alignof(crypto_generichash_state), "state alignment");
static_assert(HASH_BYTES == crypto_generichash_BYTES, "hash size");
static_assert(HASH_SHORT_KEY_BYTES == crypto_shorthash_KEYBYTES, "short hash key size");
static_assert(sizeof(uint64_t) == crypto_shorthash_BYTES, "short hash size");

static const uint8_t hash_prefix[] = {'a', 'u', 'r', 'o', 'r', 'a', '-', 'v', '1', ':'};

static crypto_generichash_state *hash_inner(struct hash_state *state)
{
    return (crypto_generichash_state *)(void *)state->opaque;
}

void hash_begin(struct hash_state *state, const char *domain)
{
    size_t length = strlen(domain);

    assert(length > 0 && length <= HASH_DOMAIN_MAX);
    crypto_generichash_init(hash_inner(state), NULL, 0, HASH_BYTES);
    hash_update(state, hash_prefix, sizeof(hash_prefix));
    hash_update(state, domain, length + 1); /* the NUL ends it: "a" + "bc" is not "ab" + "c" */
}

void hash_update(struct hash_state *state, const void *data, size_t length)
{
    assert(data != NULL || length == 0);
    if (length > 0)
        crypto_generichash_update(hash_inner(state), data, length);
}

void hash_end(struct hash_state *state, struct hash *out)
{
    crypto_generichash_final(hash_inner(state), out->bytes, sizeof(out->bytes));
}

void hash_of(const char *domain, const void *data, size_t length, struct hash *out)
{
    struct hash_state state;

    hash_begin(&state, domain);
    hash_update(&state, data, length);
    hash_end(&state, out);
}

uint64_t hash_short(const void *data, size_t length, const uint8_t key[HASH_SHORT_KEY_BYTES])
{
    uint8_t bytes[crypto_shorthash_BYTES];
    uint64_t value = 0;

    assert(data != NULL || length == 0);
    crypto_shorthash(bytes, length > 0 ? data : key, length, key);
    for (size_t i = sizeof(bytes); i-- > 0;) /* the same number whatever the byte order */
        value = value << 8 | bytes[i];
    return value;
}
