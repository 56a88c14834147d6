// SPDX-License-Identifier: Apache-2.0
/* utf8.c - UTF-8 as RFC 3629 has it */
#include "node/utf8.h"

#include <assert.h>

#include "gossip/text.h"

uint32_t utf8_at(struct span text, size_t at, size_t *bytes)
{
    size_t behind = at;
    uint32_t code = text_next(text, &behind);
    *bytes = code == TEXT_NO_CHARACTER ? 1 : behind - at;
    return code;
}

size_t utf8_encode(uint32_t code, uint8_t out[4])
{
    static const uint8_t first[] = {0, 0, 0xc0, 0xe0, 0xf0};

    assert(code <= 0x10ffff && (code < 0xd800 || code >= 0xe000));
    size_t len = code < 0x80 ? 1 : code < 0x800 ? 2 : code < 0x10000 ? 3 : 4;
    for (size_t i = len; i-- > 1; code >>= 6)
        out[i] = (uint8_t)(0x80 | (code & 0x3f));
    out[0] = (uint8_t)(first[len] | code);
    return len;
}

bool utf8_is_valid(struct span text)
{
    size_t bytes;

    for (size_t at = 0; at < text.len; at += bytes)
        if (utf8_at(text, at, &bytes) == UINT32_MAX)
            return false;
    return true;
}
