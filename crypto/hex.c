// SPDX-License-Identifier: Apache-2.0
/* hex.c - strict hexadecimal */
#include "crypto/hex.h"

#include <assert.h>
#include <string.h>

void hex_encode(const void *data, size_t length, char *out, size_t capacity)
{
    static const char digits[] = "0123456789abcdef";
    const uint8_t *bytes = data;

    assert(capacity > 0 && length <= (capacity - 1) / 2);
    for (size_t i = 0; i < length; i++) {
        out[2 * i] = digits[bytes[i] >> 4];
        out[2 * i + 1] = digits[bytes[i] & 15];
    }
    out[2 * length] = '\0';
}

/* 0 to 15, or 16 for anything that is no digit. Not isxdigit(), which asks the locale. */
static unsigned hex_digit(char c)
{
    if (c >= '0' && c <= '9')
        return (unsigned)(c - '0');
    if (c >= 'a' && c <= 'f')
        return (unsigned)(c - 'a') + 10;
    if (c >= 'A' && c <= 'F')
        return (unsigned)(c - 'A') + 10;
    return 16;
}

bool hex_decode(const char *text, size_t text_length, void *out, size_t length)
{
    uint8_t *bytes = out;
    bool valid = text_length % 2 == 0 && text_length / 2 == length;

    for (size_t i = 0; i < length && valid; i++) {
        unsigned high = hex_digit(text[2 * i]);
        unsigned low = hex_digit(text[2 * i + 1]);

        valid = high < 16 && low < 16;
        bytes[i] = (uint8_t)((high << 4 | low) & 0xff);
    }
    if (!valid && length > 0)
        memset(out, 0, length);
    return valid;
}
