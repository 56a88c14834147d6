// SPDX-License-Identifier: Apache-2.0
/* fuzz_seal.c - packets from strangers: never a crash, and never plain text without the key
 *
 * The input is a packet. It is opened as it is and with its tag made right, so that the fuzzer
 * gets past the tag; then it is taken as plain text, sealed and opened again.
 */
#include "crypto/key.h"
#include "crypto/seal.h"
#include "tests/support/guard.h"

#include <stdlib.h>
#include <string.h>

#define PLAIN_MAX 1400

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void require(int truth)
{
    if (!truth)
        abort();
}

static void open_it(const struct seal_keyring *ring, const uint8_t *data, size_t size,
                    const uint8_t *tag)
{
    uint8_t *packet = guard_copy(data, size);
    uint8_t *plain = guard_copy(NULL, size);
    size_t length = 1;

    if (tag != NULL && size > SEAL_TAG_BYTES) {
        packet[0] = SEAL_VERSION_BYTE;
        memcpy(packet + 1, tag, SEAL_TAG_BYTES);
    }
    enum seal_error error = seal_open(ring, packet, size, plain, size, &length);
    require(error != SEAL_OK && length == 0);
    require(size < SEAL_OVERHEAD || tag == NULL || error == SEAL_FORGED);
    guard_free(plain, size);
    guard_free(packet, size);
}

static void seal_it(const struct seal_keyring *ring, const uint8_t *data, size_t size)
{
    static const uint8_t nonce[SEAL_NONCE_BYTES] = {7};
    uint8_t packet[PLAIN_MAX + SEAL_OVERHEAD], plain[PLAIN_MAX];
    size_t length = 0;
    size_t sealed = seal_packet(ring, nonce, data, size, packet, sizeof(packet));

    require(sealed == (size <= PLAIN_MAX ? size + SEAL_OVERHEAD : 0));
    if (sealed == 0)
        return;
    require(seal_open(ring, packet, sealed, plain, sizeof(plain), &length) == SEAL_OK);
    require(length == size && memcmp(plain, data, size) == 0);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static const uint8_t other[SEAL_KEY_BYTES] = {1, 2, 3};
    static struct seal_keyring ring;

    if (ring.count == 0) {
        uint8_t key[SEAL_KEY_BYTES];

        require(key_library_init());
        key_random(key, sizeof(key));
        seal_keyring_init(&ring, "fuzz");
        require(seal_keyring_add(&ring, key) == SEAL_OK);
        require(seal_keyring_add(&ring, other) == SEAL_OK);
    }
    open_it(&ring, data, size, NULL);
    open_it(&ring, data, size, ring.keys[0].tag);
    open_it(&ring, data, size, ring.keys[1].tag);
    seal_it(&ring, data, size);
    return 0;
}
