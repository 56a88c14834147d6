// SPDX-License-Identifier: Apache-2.0
/* hex.h - strict hexadecimal */
#ifndef AURORA_CRYPTO_HEX_H
#define AURORA_CRYPTO_HEX_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* Characters for `bytes` bytes, the terminating NUL included. */
#define HEX_SIZE(bytes) (2 * (bytes) + 1)

/* Writes 2 * `length` lower-case digits and a NUL. `capacity` is at least HEX_SIZE(length)
 * (asserted). */
void hex_encode(const void *data, size_t length, char *out, size_t capacity);

/* Exactly 2 * `length` digits of either case, and nothing else: no prefix, no blank, no tail.
 * `text` need not end in NUL. On false `out` is all zeros. */
bool hex_decode(const char *text, size_t text_length, void *out, size_t length);

#endif
