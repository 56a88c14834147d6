// SPDX-License-Identifier: Apache-2.0
/* test_hex.c - hexadecimal, and nothing that merely looks like it */
#include "crypto/hex.h"

#include "tests/support/guard.h"

#include <criterion/criterion.h>
#include <stdio.h>
#include <string.h>

static bool decodes(const char *text, size_t length)
{
    uint8_t *input = guard_copy(text, strlen(text));
    uint8_t *out = guard_copy(NULL, length);
    bool valid = hex_decode((const char *)input, strlen(text), out, length);

    for (size_t i = 0; i < length && !valid; i++)
        cr_assert_eq(out[i], 0, "nothing is left of a failed decode");
    guard_free(out, length);
    guard_free(input, strlen(text));
    return valid;
}

Test(hex, every_byte_there_and_back)
{
    for (unsigned value = 0; value < 256; value++) {
        uint8_t byte = (uint8_t)value, back = (uint8_t)~byte;
        char text[HEX_SIZE(1)], expected[8];

        hex_encode(&byte, 1, text, sizeof(text));
        snprintf(expected, sizeof(expected), "%02x", value);
        cr_assert_str_eq(text, expected);
        cr_assert(hex_decode(text, 2, &back, 1));
        cr_assert_eq(back, byte);
    }
}

Test(hex, either_case_is_read)
{
    uint8_t upper[4], lower[4];

    cr_assert(hex_decode("DEADBEEF", 8, upper, 4));
    cr_assert(hex_decode("deAdbeeF", 8, lower, 4));
    cr_assert_arr_eq(upper, lower, 4);
    cr_assert_eq(upper[0], 0xde);
}

Test(hex, length_is_exact)
{
    cr_assert(decodes("", 0));
    cr_assert(decodes("00ff", 2));
    cr_assert_not(decodes("00f", 2));
    cr_assert_not(decodes("00", 2));
    cr_assert_not(decodes("00ff0", 2));
    cr_assert_not(decodes("00ff00", 2));
    cr_assert_not(decodes("0", 0));
    cr_assert_not(hex_decode("00", 2, NULL, 0));
}

Test(hex, only_digits_are_digits)
{
    for (int c = 1; c < 256; c++) {
        char text[3] = {(char)c, '0', '\0'};
        bool digit = strchr("0123456789abcdefABCDEF", c) != NULL;

        cr_assert_eq(decodes(text, 1), digit, "character %d first", c);
        text[0] = '0';
        text[1] = (char)c;
        cr_assert_eq(decodes(text, 1), digit, "character %d second", c);
    }
    cr_assert_not(hex_decode("0\0", 2, &(uint8_t){0}, 1));
    cr_assert_not(decodes("0x00", 2));
    cr_assert_not(decodes(" 00 ", 2));
}

Test(hex, encodes_flush_to_its_capacity)
{
    uint8_t *out = guard_copy(NULL, HEX_SIZE(3));

    hex_encode("\x01\x02\x03", 3, (char *)out, HEX_SIZE(3));
    cr_assert_str_eq((char *)out, "010203");
    guard_free(out, HEX_SIZE(3));
}
