// SPDX-License-Identifier: Apache-2.0
/* test_text.c - text from outside is valid UTF-8 that no terminal obeys */
#include "gossip/text.h"

#include "tests/support/guard.h"

#include <criterion/criterion.h>

static bool is_clean(const char *bytes, size_t len)
{
    uint8_t *copy = guard_copy(bytes, len);
    bool clean = text_is_clean(span_of(copy, len), 0, 100);

    guard_free(copy, len);
    return clean;
}

#define CLEAN(literal)     cr_assert(is_clean(literal, sizeof(literal) - 1), "%s", literal)
#define NOT_CLEAN(literal) cr_assert_not(is_clean(literal, sizeof(literal) - 1), "%s", literal)

Test(text, utf8_of_every_length_is_clean)
{
    CLEAN("");
    CLEAN("plain ascii ~");
    CLEAN("\xc2\xa0");
    CLEAN("\xdf\xbf");
    CLEAN("\xe0\xa0\x80");
    CLEAN("\xed\x9f\xbf");
    CLEAN("\xee\x80\x80");
    CLEAN("\xef\xbf\xbf");
    CLEAN("\xf0\x90\x80\x80");
    CLEAN("\xf4\x8f\xbf\xbf");
}

Test(text, broken_utf8_is_refused)
{
    NOT_CLEAN("\x80");
    NOT_CLEAN("\xbf");
    NOT_CLEAN("\xc2");
    NOT_CLEAN("a\xe2\x82");
    NOT_CLEAN("\xf0\x90\x80");
    NOT_CLEAN("\xc2 ");
    NOT_CLEAN("\xe2\x28\xa1");
    NOT_CLEAN("\xf0\x90\x80\xc0");
    NOT_CLEAN("\xff");
    NOT_CLEAN("\xfe");
}

Test(text, overlong_surrogate_and_beyond_unicode_are_refused)
{
    NOT_CLEAN("\xc0\xaf");
    NOT_CLEAN("\xc1\xbf");
    NOT_CLEAN("\xe0\x9f\xbf");
    NOT_CLEAN("\xf0\x8f\xbf\xbf");
    NOT_CLEAN("\xed\xa0\x80");
    NOT_CLEAN("\xed\xbf\xbf");
    NOT_CLEAN("\xf4\x90\x80\x80");
    NOT_CLEAN("\xf5\x80\x80\x80");
    NOT_CLEAN("\xf8\x88\x80\x80\x80");
}

Test(text, every_control_character_is_refused)
{
    for (unsigned c = 0; c < 256; c++) {
        const char low[1] = {(char)c};
        const char high[2] = {(char)0xc2, (char)c};
        if (c < 0x80)
            cr_assert_eq(is_clean(low, 1), c >= 0x20 && c != 0x7f, "%02x", c);
        if (c >= 0x80 && c < 0xc0)
            cr_assert_eq(is_clean(high, 2), c >= 0xa0, "c2 %02x", c);
    }
}

/* Eight bytes are looked at together: each must count wherever it stands, beside any other. */
Test(text, plain_ends_at_the_first_byte_that_is_not)
{
    for (unsigned byte = 0; byte < 256; byte++) {
        for (size_t at = 0; at < 19; at++) {
            uint8_t bytes[19];
            memset(bytes, at % 2 == 0 ? '~' : ' ', sizeof bytes);
            bytes[at] = (uint8_t)byte;
            uint8_t *copy = guard_copy(bytes, sizeof bytes);
            size_t end = text_plain_end(span_of(copy, sizeof bytes), 0);
            cr_assert_eq(end, byte >= 0x20 && byte < 0x7f ? sizeof bytes : at, "%02x", byte);
            cr_assert_eq(text_plain_end(span_of(copy, sizeof bytes), at + 1), sizeof bytes);
            guard_free(copy, sizeof bytes);
        }
    }
}

Test(text, length_is_counted_in_bytes)
{
    struct span two = span_of_text("\xc3\xa9");

    cr_assert(text_is_clean(two, 2, 2));
    cr_assert_not(text_is_clean(two, 0, 1));
    cr_assert_not(text_is_clean(two, 3, 9));
}

Test(text, object_starts_and_ends_with_braces)
{
    cr_assert(text_is_object(span_of_text("{}"), 2));
    cr_assert(text_is_object(span_of_text("{\"a\":\n\t[1, 2]\r}"), 100));
    cr_assert_not(text_is_object(span_of_text("{}"), 1));
    cr_assert_not(text_is_object(span_of_text("{"), 100));
    cr_assert_not(text_is_object(span_of_text(""), 100));
    cr_assert_not(text_is_object(span_of_text("[]"), 100));
    cr_assert_not(text_is_object(span_of_text(" {}"), 100));
    cr_assert_not(text_is_object(span_of_text("{\x01}"), 100));
    cr_assert_not(text_is_object(span_of("{\0}", 3), 100));
    cr_assert_not(text_is_object(span_of_text("{\xff}"), 100));
}
