// SPDX-License-Identifier: Apache-2.0
/* sign.c - Ed25519 signatures that hold for one purpose in one cluster */
#include "crypto/sign.h"

#include "crypto/hash.h"

#include <assert.h>
#include <sodium.h>
#include <string.h>

static_assert(SIGN_BYTES == crypto_sign_BYTES, "signature size");

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
