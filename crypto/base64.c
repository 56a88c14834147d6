// SPDX-License-Identifier: Apache-2.0
/* base64.c - strict base64 (RFC 4648): one text for each value, and no other accepted
 *
 * On libsodium's decoder, which refuses wrong padding and slack bits (test_base64.c holds it to
 * that). Two things are left to do here. Told to report where it stopped, it stops at the first
 * character that it does not know: compare with the end. And 1.0.18 takes every byte from 0x80
 * on for the alphabet's last character where `char` is signed: refuse them first.
 */
#include "crypto/base64.h"

#include <assert.h>
#include <sodium.h>
#include <string.h>

static int base64_inner(enum base64_variant variant)
{
    assert(variant == BASE64_STANDARD || variant == BASE64_URL);
    return variant == BASE64_STANDARD ? sodium_base64_VARIANT_ORIGINAL
                                      : sodium_base64_VARIANT_URLSAFE_NO_PADDING;
}

size_t base64_encode(enum base64_variant variant, const void *data, size_t length, char *out,
                     size_t capacity)
{
    assert(capacity > 0 && length <= (capacity - 1) / 4 * 3);
    sodium_bin2base64(out, capacity, data, length, base64_inner(variant));
    return strlen(out);
}

static bool base64_is_ascii(const char *text, size_t length)
{
    uint8_t high = 0;

    for (size_t i = 0; i < length; i++)
        high |= (uint8_t)text[i];
    return high < 0x80;
}

bool base64_decode(enum base64_variant variant, const char *text, size_t text_length, void *out,
                   size_t capacity, size_t *length)
{
    const char *end = NULL;

    *length = 0;
    if (!base64_is_ascii(text, text_length) ||
        sodium_base642bin(out, capacity, text, text_length, NULL, length, &end,
                          base64_inner(variant)) != 0 ||
        end != text + text_length) {
        *length = 0;
        return false;
    }
    return true;
}
