// SPDX-License-Identifier: Apache-2.0
/* base64.h - strict base64 (RFC 4648): one text for each value, and no other accepted */
#ifndef AURORA_CRYPTO_BASE64_H
#define AURORA_CRYPTO_BASE64_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum base64_variant {
    BASE64_STANDARD = 1, /* section 4: + and /, padded with = */
    BASE64_URL,          /* section 5: - and _, no padding */
};

/* Characters for `bytes` bytes, the terminating NUL included; enough for either variant. */
#define BASE64_SIZE(bytes) (((bytes) + 2) / 3 * 4 + 1)

/* Writes the text and a NUL, returns the text's length. `capacity` is at least
 * BASE64_SIZE(length) (asserted). */
size_t base64_encode(enum base64_variant variant, const void *data, size_t length, char *out,
                     size_t capacity);

/* Decodes all of `text`, which need not end in NUL. False on a character outside the alphabet
 * (white space included), missing or superfluous padding, bits set in the slack of the last
 * character, or more than `capacity` bytes; *length is then 0. */
bool base64_decode(enum base64_variant variant, const char *text, size_t text_length, void *out,
                   size_t capacity, size_t *length);

#endif
