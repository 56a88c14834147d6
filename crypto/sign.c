// SPDX-License-Identifier: Apache-2.0
/* sign.c - Ed25519 signatures that hold for one purpose in one cluster */
#include "crypto/sign.h"

#include "crypto/hash.h"

#include <assert.h>
#include <sodium.h>
#include <string.h>

#define SIGN_PREFIX     "aurora-v1:"
#define SIGN_DOMAIN_MAX 8 /* bytes of the longest domain name, its NUL included */
#define SIGN_FRAMED_MAX \
    (sizeof(SIGN_PREFIX) - 1 + SIGN_DOMAIN_MAX + SIGN_SCOPE_BYTES + SIGN_MESSAGE_MAX)

static_assert(SIGN_BYTES == crypto_sign_BYTES, "signature size");

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

/* The bytes that are signed. One buffer and not Ed25519ph, which would take them in pieces:
 * a browser's WebCrypto only has the pure form, and peers sign there. */
static size_t sign_frame(const struct sign_scope *scope, enum sign_domain domain,
                         const void *message, size_t length, uint8_t framed[SIGN_FRAMED_MAX])
{
    assert(domain >= SIGN_ALIVE && domain <= SIGN_PEER);
    assert(length <= SIGN_MESSAGE_MAX);
    assert(scope != NULL || domain == SIGN_PEER);

    const char *name = sign_domain_names[domain];
    size_t name_size = strlen(name) + 1;
    assert(name_size <= SIGN_DOMAIN_MAX);

    uint8_t *end = sign_append(framed, SIGN_PREFIX, sizeof(SIGN_PREFIX) - 1);
    end = sign_append(end, name, name_size);
    if (domain != SIGN_PEER)
        end = sign_append(end, scope->bytes, SIGN_SCOPE_BYTES);
    end = sign_append(end, message, length);
    return (size_t)(end - framed);
}

void sign_scope_of(const char *cluster, struct sign_scope *out)
{
    struct hash hash;

    hash_of("sign-scope", cluster, strlen(cluster), &hash);
    memcpy(out->bytes, hash.bytes, sizeof(out->bytes));
}

void sign_make(const struct key_pair *pair, const struct sign_scope *scope, enum sign_domain domain,
               const void *message, size_t length, uint8_t signature[SIGN_BYTES])
{
    uint8_t framed[SIGN_FRAMED_MAX];
    size_t framed_length = sign_frame(scope, domain, message, length, framed);

    crypto_sign_detached(signature, NULL, framed, framed_length, pair->secret);
}

bool sign_verify(const struct key_public *key, const struct sign_scope *scope,
                 enum sign_domain domain, const void *message, size_t length,
                 const uint8_t signature[SIGN_BYTES])
{
    if (length > SIGN_MESSAGE_MAX)
        return false;

    uint8_t framed[SIGN_FRAMED_MAX];
    size_t framed_length = sign_frame(scope, domain, message, length, framed);

    return crypto_sign_verify_detached(signature, framed, framed_length, key->bytes) == 0;
}
