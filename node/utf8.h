// SPDX-License-Identifier: Apache-2.0
/* utf8.h - UTF-8 as RFC 3629 has it: no surrogates, nothing overlong, nothing above U+10FFFF */
#ifndef AURORA_NODE_UTF8_H
#define AURORA_NODE_UTF8_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "gossip/span.h"

/* The character that begins at `text.data[at]` (at < text.len) and, in *bytes, its length. When
 * there is none the result is UINT32_MAX and *bytes 1. */
uint32_t utf8_at(struct span text, size_t at, size_t *bytes);
bool utf8_is_valid(struct span text);
/* Writes 1 to 4 bytes; `code` is a character (asserted: no surrogate, at most U+10FFFF). */
size_t utf8_encode(uint32_t code, uint8_t out[4]);

#endif
