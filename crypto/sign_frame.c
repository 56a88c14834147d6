// SPDX-License-Identifier: Apache-2.0
/* sign_frame.c - the bytes that an Ed25519 signature of Aurora covers
 *
 * Apart from sign.c, and without libsodium: a browser's module builds them here, too, and has its
 * WebCrypto sign them.
 */
#include "crypto/sign.h"

#include <assert.h>
#include <string.h>

#define SIGN_PREFIX "aurora-v1:"
static_assert(SIGN_PREFIX_BYTES == sizeof(SIGN_PREFIX) - 1, "the prefix, without its NUL");

static const char *const sign_domain_names[] = {
    [SIGN_ALIVE] = "alive",     [SIGN_LEFT] = "left",     [SIGN_ACCUSE] = "accuse",
    [SIGN_RECORD] = "record",   [SIGN_DELETE] = "delete", [SIGN_HEAD] = "head",
    [SIGN_FORWARD] = "forward", [SIGN_PEER] = "peer",
};

static uint8_t *sign_append(uint8_t *to, const void *bytes, size_t length)
{
    if (length > 0)
        memcpy(to, bytes, length);
    return to + length;
}

size_t sign_frame(const struct sign_scope *scope, enum sign_domain domain, const void *message,
                  size_t length, uint8_t framed[SIGN_FRAMED_MAX])
{
    assert(domain >= SIGN_ALIVE && domain <= SIGN_PEER);
    assert(length <= SIGN_MESSAGE_MAX);
    assert(scope != NULL || domain == SIGN_PEER);

    const char *name = sign_domain_names[domain];
    size_t name_size = strlen(name) + 1;
    assert(name_size <= SIGN_DOMAIN_MAX);

    uint8_t *end = sign_append(framed, SIGN_PREFIX, SIGN_PREFIX_BYTES);
    end = sign_append(end, name, name_size);
    if (domain != SIGN_PEER)
        end = sign_append(end, scope->bytes, SIGN_SCOPE_BYTES);
    end = sign_append(end, message, length);
    return (size_t)(end - framed);
}
