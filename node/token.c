// SPDX-License-Identifier: Apache-2.0
/* token.c - lease tokens */
#include "node/token.h"

#include <assert.h>
#include <string.h>

#include "crypto/base64.h"
#include "crypto/hash.h"
#include "crypto/key.h"

#define TOKEN_RANDOM_BYTES 16

void token_new(char text[TOKEN_TEXT_BYTES])
{
    uint8_t random[TOKEN_RANDOM_BYTES];
    char room[BASE64_SIZE(TOKEN_RANDOM_BYTES)];

    key_random(random, sizeof random);
    size_t len = base64_encode(BASE64_URL, random, sizeof random, room, sizeof room);
    assert(len == TOKEN_TEXT_BYTES - 1);
    memcpy(text, room, len + 1);
    key_wipe(random, sizeof random);
    key_wipe(room, sizeof room);
}

void token_hash(struct span text, uint8_t hash[LEASE_TOKEN_HASH_BYTES])
{
    struct hash whole;

    hash_of("lease-token", text.data, text.len, &whole);
    memcpy(hash, whole.bytes, LEASE_TOKEN_HASH_BYTES);
}
