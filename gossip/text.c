// SPDX-License-Identifier: Apache-2.0
/* text.c - is a run of bytes from outside text that may be shown and stored? */
#include "gossip/text.h"

#include <assert.h>
#include <string.h>

#define EACH_BYTE(value) (UINT64_C(0x0101010101010101) * (value))

/* Are these eight bytes all from ' ' to '~'? The sums carry from one byte into the next only where
 * there is a byte that is not, and then the answer is no already. */
static bool is_plain(uint64_t bytes)
{
    return ((bytes | (bytes - EACH_BYTE(0x20)) | (bytes + EACH_BYTE(0x01))) & EACH_BYTE(0x80)) == 0;
}

size_t text_plain_end(struct span text, size_t at)
{
    uint64_t bytes;
    for (; text.len - at >= sizeof bytes; at += sizeof bytes) {
        memcpy(&bytes, text.data + at, sizeof bytes);
        if (!is_plain(bytes))
            break;
    }
    while (at < text.len && text.data[at] >= 0x20 && text.data[at] < 0x7f)
        at++;
    return at;
}

/* How many bytes follow this first one; 4: it cannot be a first one. */
static size_t tail_bytes(uint8_t first)
{
    if (first < 0x80)
        return 0;
    if (first >= 0xc2 && first < 0xe0)
        return 1;
    if (first >= 0xe0 && first < 0xf0)
        return 2;
    return first >= 0xf0 && first < 0xf5 ? 3 : 4;
}

uint32_t text_next(struct span text, size_t *at)
{
    static const uint32_t smallest[] = {0, 0x80, 0x800, 0x10000};
    assert(*at < text.len);
    uint8_t first = text.data[(*at)++];
    size_t tail = tail_bytes(first);
    if (tail > 3 || tail > text.len - *at)
        return TEXT_NO_CHARACTER;
    uint32_t code = tail == 0 ? first : first & (0x3fu >> tail);
    for (size_t i = 0; i < tail; i++) {
        uint8_t next = text.data[(*at)++];
        if ((next & 0xc0) != 0x80)
            return TEXT_NO_CHARACTER;
        code = code << 6 | (next & 0x3f);
    }
    bool is_surrogate = code >= 0xd800 && code < 0xe000;
    return code < smallest[tail] || code > 0x10ffff || is_surrogate ? TEXT_NO_CHARACTER : code;
}

static bool is_control(uint32_t code)
{
    return code < 0x20 || (code >= 0x7f && code < 0xa0);
}

bool text_is_clean(struct span text, size_t min_bytes, size_t max_bytes)
{
    if (text.len < min_bytes || text.len > max_bytes)
        return false;
    for (size_t at = 0; (at = text_plain_end(text, at)) < text.len;) {
        uint32_t code = text_next(text, &at);
        if (code == TEXT_NO_CHARACTER || is_control(code))
            return false;
    }
    return true;
}

bool text_is_object(struct span text, size_t max_bytes)
{
    if (text.len < 2 || text.len > max_bytes || text.data[0] != '{' ||
        text.data[text.len - 1] != '}')
        return false;
    for (size_t at = 0; (at = text_plain_end(text, at)) < text.len;) {
        uint32_t code = text_next(text, &at);
        bool is_blank = code == '\t' || code == '\n' || code == '\r';
        /* DEL and C1 are legal inside JSON strings, and a client's metadata must come back as sent.
         */
        if (code == TEXT_NO_CHARACTER || (code < 0x20 && !is_blank))
            return false;
    }
    return true;
}
