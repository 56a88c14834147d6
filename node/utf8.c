// SPDX-License-Identifier: Apache-2.0
/* utf8.c - UTF-8 as RFC 3629 has it */
#include "node/utf8.h"

#include <assert.h>

/* Bytes of a character that begins with this one; 0: none does. */
static size_t utf8_length(uint8_t first)
{
    if (first < 0x80)
        return 1;
    if (first >= 0xc2 && first < 0xe0)
        return 2;
    if (first >= 0xe0 && first < 0xf0)
        return 3;
    return first >= 0xf0 && first < 0xf5 ? 4 : 0;
}

uint32_t utf8_at(struct span text, size_t at, size_t *bytes)
{
    static const uint8_t masks[] = {0, 0x7f, 0x1f, 0x0f, 0x07};
    static const uint32_t smallest[] = {0, 0, 0x80, 0x800, 0x10000};

    assert(at < text.len);
    size_t len = utf8_length(text.data[at]);
    *bytes = 1;
    if (len == 0 || len > text.len - at)
        return UINT32_MAX;
    uint32_t code = text.data[at] & masks[len];
    for (size_t i = 1; i < len; i++) {
        if ((text.data[at + i] & 0xc0) != 0x80)
            return UINT32_MAX;
        code = code << 6 | (text.data[at + i] & 0x3f);
    }
    if (code < smallest[len] || code > 0x10ffff || (code >= 0xd800 && code < 0xe000))
        return UINT32_MAX;
    *bytes = len;
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
