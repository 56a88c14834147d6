// SPDX-License-Identifier: Apache-2.0
/* seal.c - packets sealed under the cluster's key (XChaCha20-Poly1305, IETF construction) */
#include "crypto/seal.h"

#include "crypto/hash.h"
#include "crypto/key.h"

#include <assert.h>
#include <sodium.h>
#include <stdbool.h>
#include <string.h>

#define SEAL_TAG_AT      1
#define SEAL_NONCE_AT    (SEAL_TAG_AT + SEAL_TAG_BYTES)
#define SEAL_BODY_AT     (SEAL_NONCE_AT + SEAL_NONCE_BYTES)
#define SEAL_BOUND_BYTES (1 + SEAL_TAG_BYTES + SEAL_SCOPE_BYTES)

static_assert(SEAL_KEY_BYTES == crypto_aead_xchacha20poly1305_ietf_KEYBYTES, "key size");
static_assert(SEAL_NONCE_BYTES == crypto_aead_xchacha20poly1305_ietf_NPUBBYTES, "nonce size");
static_assert(SEAL_MAC_BYTES == crypto_aead_xchacha20poly1305_ietf_ABYTES, "MAC size");
static_assert(SEAL_KEY_BYTES == HASH_BYTES, "a hash serves as a key");
static_assert(SEAL_BODY_AT + SEAL_MAC_BYTES == SEAL_OVERHEAD, "overhead");

/* The associated data: what the MAC covers besides the cipher text. */
static void seal_bind(const struct seal_keyring *ring, const uint8_t tag[SEAL_TAG_BYTES],
                      uint8_t bound[SEAL_BOUND_BYTES])
{
    bound[0] = SEAL_VERSION_BYTE;
    memcpy(bound + 1, tag, SEAL_TAG_BYTES);
    memcpy(bound + 1 + SEAL_TAG_BYTES, ring->scope, SEAL_SCOPE_BYTES);
}

void seal_keyring_init(struct seal_keyring *ring, const char *cluster)
{
    struct hash hash;

    memset(ring, 0, sizeof(*ring));
    hash_of("seal-scope", cluster, strlen(cluster), &hash);
    memcpy(ring->scope, hash.bytes, sizeof(ring->scope));
}

enum seal_error seal_keyring_add(struct seal_keyring *ring, const uint8_t key[SEAL_KEY_BYTES])
{
    assert(ring->count <= SEAL_KEYS_MAX);
    for (size_t i = 0; i < ring->count; i++) {
        if (key_equal(ring->keys[i].bytes, key, SEAL_KEY_BYTES))
            return SEAL_DUPLICATE;
    }
    if (ring->count == SEAL_KEYS_MAX)
        return SEAL_FULL;

    struct seal_key *added = &ring->keys[ring->count++];
    struct hash hash;
    memcpy(added->bytes, key, SEAL_KEY_BYTES);
    hash_of("seal-tag", key, SEAL_KEY_BYTES, &hash);
    memcpy(added->tag, hash.bytes, SEAL_TAG_BYTES);
    return SEAL_OK;
}

void seal_keyring_wipe(struct seal_keyring *ring)
{
    key_wipe(ring, sizeof(*ring));
}

void seal_key_from_cluster(const char *cluster, uint8_t key[SEAL_KEY_BYTES])
{
    struct hash hash;

    hash_of("open-key", cluster, strlen(cluster), &hash);
    memcpy(key, hash.bytes, SEAL_KEY_BYTES);
}

size_t seal_packet(const struct seal_keyring *ring, const uint8_t nonce[SEAL_NONCE_BYTES],
                   const uint8_t *plain, size_t length, uint8_t *out, size_t capacity)
{
    assert(ring->count > 0 && ring->count <= SEAL_KEYS_MAX);
    assert(plain != NULL || length == 0);
    if (capacity < SEAL_OVERHEAD || length > capacity - SEAL_OVERHEAD)
        return 0;

    const struct seal_key *primary = &ring->keys[0];
    uint8_t bound[SEAL_BOUND_BYTES];
    unsigned long long sealed_length = 0;

    seal_bind(ring, primary->tag, bound);
    memcpy(out, bound, SEAL_NONCE_AT); /* version and tag, as bound */
    memcpy(out + SEAL_NONCE_AT, nonce, SEAL_NONCE_BYTES);
    crypto_aead_xchacha20poly1305_ietf_encrypt(out + SEAL_BODY_AT, &sealed_length, plain, length,
                                               bound, sizeof(bound), NULL, nonce, primary->bytes);
    assert(sealed_length == length + SEAL_MAC_BYTES);
    return length + SEAL_OVERHEAD;
}

/* Tries one key. libsodium checks the MAC before it writes a byte of plain text. */
static bool seal_try(const struct seal_keyring *ring, const struct seal_key *key,
                     const uint8_t *packet, size_t length, uint8_t *plain)
{
    uint8_t bound[SEAL_BOUND_BYTES];

    seal_bind(ring, key->tag, bound);
    return crypto_aead_xchacha20poly1305_ietf_decrypt(plain, NULL, NULL, packet + SEAL_BODY_AT,
                                                      length - SEAL_BODY_AT, bound, sizeof(bound),
                                                      packet + SEAL_NONCE_AT, key->bytes) == 0;
}

enum seal_error seal_open(const struct seal_keyring *ring, const uint8_t *packet, size_t length,
                          uint8_t *plain, size_t capacity, size_t *plain_length)
{
    assert(ring->count <= SEAL_KEYS_MAX);
    *plain_length = 0;
    if (length < SEAL_OVERHEAD)
        return SEAL_SHORT;
    if (packet[0] != SEAL_VERSION_BYTE)
        return SEAL_VERSION;
    if (length - SEAL_OVERHEAD > capacity)
        return SEAL_NO_ROOM;

    /* Two keys of a ring may share a tag, once in 2^32: go on after a MAC that does not fit. */
    enum seal_error error = SEAL_UNKNOWN_KEY;
    for (size_t i = 0; i < ring->count; i++) {
        if (memcmp(ring->keys[i].tag, packet + SEAL_TAG_AT, SEAL_TAG_BYTES) != 0)
            continue;
        if (seal_try(ring, &ring->keys[i], packet, length, plain)) {
            *plain_length = length - SEAL_OVERHEAD;
            return SEAL_OK;
        }
        error = SEAL_FORGED;
    }
    return error;
}

const char *seal_error_name(enum seal_error error)
{
    static const char *const names[SEAL_ERROR_COUNT] = {
        [SEAL_OK] = "ok",           [SEAL_SHORT] = "short",
        [SEAL_VERSION] = "version", [SEAL_UNKNOWN_KEY] = "unknown-key",
        [SEAL_FORGED] = "forged",   [SEAL_NO_ROOM] = "no-room",
        [SEAL_FULL] = "full",       [SEAL_DUPLICATE] = "duplicate",
    };

    assert(error >= SEAL_OK && error < SEAL_ERROR_COUNT);
    return names[error];
}
