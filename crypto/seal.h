// SPDX-License-Identifier: Apache-2.0
/* seal.h - packets sealed under the cluster's key (XChaCha20-Poly1305, IETF construction)
 *
 *      0      1           5                            29
 *     +------+-----------+----------------------------+------------------+-----------+
 *     | 0xA1 | key tag 4 | nonce 24                   | ciphertext       | MAC 16    |
 *     +------+-----------+----------------------------+------------------+-----------+
 *
 * The associated data is the version byte, the key tag, and 16 bytes of hash of the cluster's
 * name: a packet of another cluster fails its MAC even under the same key, so two clusters never
 * merge when an address is reused. The tag (4 bytes of a hash of the key) saves trial decryption
 * and tells "not our key" from "damaged" in the counters; it proves nothing by itself.
 *
 * Every holder of the key can seal as anybody: the seal keeps strangers out, signatures tell
 * members apart. Replays open just as well: the layer above has to drop them.
 */
#ifndef AURORA_CRYPTO_SEAL_H
#define AURORA_CRYPTO_SEAL_H

#include <stddef.h>
#include <stdint.h>

#define SEAL_VERSION_BYTE 0xA1
#define SEAL_KEY_BYTES    32
#define SEAL_NONCE_BYTES  24
#define SEAL_TAG_BYTES    4
#define SEAL_MAC_BYTES    16
#define SEAL_SCOPE_BYTES  16
#define SEAL_OVERHEAD     (1 + SEAL_TAG_BYTES + SEAL_NONCE_BYTES + SEAL_MAC_BYTES)
/* A rotation needs two; a botched one that is being unpicked a few more. */
#define SEAL_KEYS_MAX 8

enum seal_error {
    SEAL_OK = 0,
    SEAL_SHORT,       /* open: shorter than SEAL_OVERHEAD */
    SEAL_VERSION,     /* open: the first byte is not SEAL_VERSION_BYTE */
    SEAL_UNKNOWN_KEY, /* open: no key of the ring has this tag */
    SEAL_FORGED,      /* open: the MAC does not fit: damaged, forged, or of another cluster */
    SEAL_NO_ROOM,     /* open: the plain text does not fit */
    SEAL_FULL,        /* add: SEAL_KEYS_MAX keys already */
    SEAL_DUPLICATE,   /* add: the ring has this key */
    SEAL_ERROR_COUNT,
};

struct seal_key {
    uint8_t bytes[SEAL_KEY_BYTES];
    uint8_t tag[SEAL_TAG_BYTES];
};

/* Opens with any key, seals with the first. A plain value: copy it, and wipe every copy. */
struct seal_keyring {
    struct seal_key keys[SEAL_KEYS_MAX];
    size_t count;
    uint8_t scope[SEAL_SCOPE_BYTES]; /* of hash_of("seal-scope", the cluster's name) */
};

/* An empty ring for this cluster. */
void seal_keyring_init(struct seal_keyring *ring, const char *cluster);

/* SEAL_OK, SEAL_FULL or SEAL_DUPLICATE. The first key added is the primary one. */
enum seal_error seal_keyring_add(struct seal_keyring *ring, const uint8_t key[SEAL_KEY_BYTES]);

void seal_keyring_wipe(struct seal_keyring *ring);

/* The key of a cluster that has none: hash_of("open-key", its name). It keeps clusters apart and
 * detects damage; it keeps nobody out who can guess the name. */
void seal_key_from_cluster(const char *cluster, uint8_t key[SEAL_KEY_BYTES]);

/* Seals `length` bytes into `out` and returns the packet's size, length + SEAL_OVERHEAD, or 0 if
 * that exceeds `capacity`. The ring must hold a key (asserted). No nonce may ever be used twice
 * with one key; 24 random bytes see to that. `plain` and `out` must not overlap. */
size_t seal_packet(const struct seal_keyring *ring, const uint8_t nonce[SEAL_NONCE_BYTES],
                   const uint8_t *plain, size_t length, uint8_t *out, size_t capacity);

/* Opens a packet of `length` bytes into `plain`, and sets *plain_length (0 on any error). On an
 * error the contents of `plain` are unspecified but never unauthenticated plain text. */
enum seal_error seal_open(const struct seal_keyring *ring, const uint8_t *packet, size_t length,
                          uint8_t *plain, size_t capacity, size_t *plain_length);

/* "ok", "short", "version", "unknown-key", ...: for counters and logs. */
const char *seal_error_name(enum seal_error error);

#endif
