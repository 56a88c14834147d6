// SPDX-License-Identifier: Apache-2.0
/* test_cursor.c - every valid encoding is read, and no length field costs memory or time */
#include "gossip/cursor.h"

#include "gossip/prng.h"
#include "tests/support/guard.h"

#include <criterion/criterion.h>
#include <stdlib.h>

/* The input of each test, flush against an unreadable page. */
static uint8_t *input;
static size_t input_len;

static struct cursor cursor_on(const void *bytes, size_t len)
{
    if (input != NULL)
        guard_free(input, input_len);
    input = guard_copy(bytes, len);
    input_len = len;
    return cursor_of(span_of(input, len));
}

static void stop(void)
{
    if (input != NULL)
        guard_free(input, input_len);
    input = NULL;
}

TestSuite(cursor, .fini = stop);

#define ON(literal) cursor_on(literal, sizeof(literal) - 1)

static void expect_uint(struct cursor cursor, uint64_t expected)
{
    cr_assert_eq(cursor_uint(&cursor), expected);
    cr_assert(!cursor.is_bad && cursor_at_end(&cursor));
}

static void expect_no_uint(struct cursor cursor)
{
    cr_assert_eq(cursor_uint(&cursor), 0U);
    cr_assert(cursor.is_bad);
    cr_assert_eq(cursor_uint(&cursor), 0U, "it stays bad");
}

Test(cursor, numbers_are_read_in_every_width)
{
    expect_uint(ON("\x00"), 0);
    expect_uint(ON("\x7f"), 127);
    expect_uint(ON("\xcc\x05"), 5);
    expect_uint(ON("\xcd\x01\x00"), 256);
    expect_uint(ON("\xce\x00\x00\x00\x05"), 5);
    expect_uint(ON("\xcf\xff\xff\xff\xff\xff\xff\xff\xff"), UINT64_MAX);
}

Test(cursor, signed_encodings_of_positive_numbers_are_read)
{
    expect_uint(ON("\xd0\x7f"), 127);
    expect_uint(ON("\xd1\x7f\xff"), 32767);
    expect_uint(ON("\xd2\x00\x00\x00\x01"), 1);
    expect_uint(ON("\xd3\x7f\xff\xff\xff\xff\xff\xff\xff"), INT64_MAX);
}

Test(cursor, negative_numbers_floats_and_others_are_no_numbers)
{
    expect_no_uint(ON("\xff"));
    expect_no_uint(ON("\xe0"));
    expect_no_uint(ON("\xd0\x80"));
    expect_no_uint(ON("\xd1\xff\xff"));
    expect_no_uint(ON("\xd2\x80\x00\x00\x00"));
    expect_no_uint(ON("\xd3\xff\xff\xff\xff\xff\xff\xff\xff"));
    expect_no_uint(ON("\xca\x00\x00\x00\x00"));
    expect_no_uint(ON("\xc0"));
    expect_no_uint(ON("\xc2"));
    expect_no_uint(ON("\xa1\x31"));
    expect_no_uint(ON("\xc1"));
    expect_no_uint(ON(""));
}

Test(cursor, truncated_numbers_are_bad)
{
    expect_no_uint(ON("\xcc"));
    expect_no_uint(ON("\xcd\x01"));
    expect_no_uint(ON("\xce\x01\x02\x03"));
    expect_no_uint(ON("\xcf\x01\x02\x03\x04\x05\x06\x07"));
}

Test(cursor, text_and_bytes_are_read_in_every_width_and_kept_apart)
{
    static const struct {
        const char *bytes;
        size_t len;
        bool is_text;
    } cases[] = {
        {"\xa2hi", 3, true},
        {"\xd9\x02hi", 4, true},
        {"\xda\x00\x02hi", 5, true},
        {"\xdb\x00\x00\x00\x02hi", 7, true},
        {"\xc4\x02hi", 4, false},
        {"\xc5\x00\x02hi", 5, false},
        {"\xc6\x00\x00\x00\x02hi", 7, false},
    };

    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        struct cursor cursor = cursor_on(cases[i].bytes, cases[i].len), other = cursor;
        struct span read = cases[i].is_text ? cursor_text(&cursor) : cursor_bin(&cursor);
        cr_assert(!cursor.is_bad && span_equal(read, span_of_text("hi")), "case %zu", i);
        cases[i].is_text ? cursor_bin(&other) : cursor_text(&other);
        cr_assert(other.is_bad, "case %zu", i);
    }
}

Test(cursor, length_beyond_the_input_is_bad)
{
    static const char *const cases[] = {"\xa3hi", "\xd9\x03hi", "\xc4\x03hi", "\xc4\xffhi"};

    for (size_t i = 0; i < 4; i++) {
        struct cursor cursor = cursor_on(cases[i], strlen(cases[i])), other = cursor;
        cr_assert_eq(cursor_text(&cursor).len, 0U);
        cr_assert_eq(cursor_bin(&other).len, 0U);
        cr_assert(cursor.is_bad && other.is_bad, "case %zu", i);
    }
}

Test(cursor, nil_is_consumed_only_where_it_is)
{
    struct cursor cursor = ON("\xc0\xc3\xc2");

    cr_assert(cursor_nil(&cursor));
    cr_assert_not(cursor_nil(&cursor));
    cr_assert(cursor_bool(&cursor));
    cr_assert_not(cursor_bool(&cursor));
    cr_assert(!cursor.is_bad && cursor_at_end(&cursor));
    cr_assert_not(cursor_nil(&cursor));
    cr_assert_not(cursor.is_bad);
}

Test(cursor, count_never_exceeds_the_bytes_left)
{
    struct cursor fine = ON("\x92\x01\x02");

    cr_assert_eq(cursor_array(&fine), 2U);
    struct cursor wide = ON("\xdd\x00\x00\x00\x01\x05");
    cr_assert_eq(cursor_array(&wide), 1U);
    static const char *const cases[] = {"\x92\x01", "\xdc\x01\x01", "\xdd\xff\xff\xff\xff"};
    for (size_t i = 0; i < 3; i++) {
        struct cursor cursor = cursor_on(cases[i], strlen(cases[i]));
        cr_assert_eq(cursor_array(&cursor), 0U);
        cr_assert(cursor.is_bad);
    }
}

Test(cursor, five_bytes_that_claim_sixteen_million_elements_are_bad)
{
    struct cursor cursor = ON("\xdd\x00\xff\xff\xff");

    cursor_skip(&cursor);
    cr_assert(cursor.is_bad);
}

Test(cursor, everything_can_be_skipped)
{
    static const char all[] = "\x9f"
                              "\xc0\xc3\x05\xff\xd0\x80"                  /* 5 */
                              "\xca\x01\x02\x03\x04"                      /* 6 */
                              "\xcb\x01\x02\x03\x04\x05\x06\x07\x08"      /* 7 */
                              "\xa1x\xc4\x01y"                            /* 9 */
                              "\xc7\x02\x05zz\xd4\x05z\xd5\x05zz"         /* 12 */
                              "\x82\x01\x02\x03\x92\x04\x05\x80\x90\x07"; /* 15, and a 7 */
    struct cursor cursor = cursor_on(all, sizeof all - 1);

    cursor_skip(&cursor);
    cr_assert_not(cursor.is_bad);
    cr_assert_eq(cursor_uint(&cursor), 7U);
    cr_assert(cursor_at_end(&cursor));
}

static bool nest(unsigned levels, uint8_t opening)
{
    uint8_t bytes[200];

    for (unsigned i = 0; i < levels; i++)
        bytes[i] = opening;
    bytes[levels] = 1;
    bytes[levels + 1] = 1;
    struct cursor cursor = cursor_on(bytes, levels + 1);
    cursor_skip(&cursor);
    return !cursor.is_bad;
}

Test(cursor, nesting_beyond_the_limit_is_bad)
{
    cr_assert(nest(WIRE_DEPTH_MAX, 0x91));
    cr_assert_not(nest(WIRE_DEPTH_MAX + 1, 0x91));
    cr_assert_not(nest(150, 0x91));
    cr_assert_not(nest(150, 0x81));
}

Test(cursor, elements_beyond_the_budget_are_bad)
{
    uint8_t bytes[WIRE_ELEMENTS_MAX + 1] = {0};
    struct cursor cursor = cursor_on(bytes, sizeof bytes);

    for (int i = 0; i < WIRE_ELEMENTS_MAX; i++)
        cursor_skip(&cursor);
    cr_assert_not(cursor.is_bad);
    cursor_skip(&cursor);
    cr_assert(cursor.is_bad);
}

Test(cursor, elements_of_another_kind_spoil_the_list)
{
    uint32_t count;
    struct cursor uints = ON("\x92\x01\xcd\x01\x00"), any = uints, bins = uints;
    struct span elements = cursor_elements(&uints, CURSOR_UINT, &count);

    cr_assert(!uints.is_bad && count == 2 && elements.len == 4);
    cursor_elements(&any, CURSOR_ANY, &count);
    cr_assert(!any.is_bad && count == 2);
    elements = cursor_elements(&bins, CURSOR_BIN, &count);
    cr_assert(bins.is_bad && count == 0 && elements.len == 0);
    struct cursor lists = ON("\x92\x90\x91\x05");
    cursor_elements(&lists, CURSOR_ARRAY, &count);
    cr_assert(!lists.is_bad && count == 2);
}

Test(cursor, random_bytes_never_lead_outside)
{
    static const uint8_t seed[32] = {3};
    struct prng prng;

    prng_seed(&prng, seed);
    for (int round = 0; round < 20000; round++) {
        uint8_t bytes[64];
        size_t len = prng_below(&prng, sizeof bytes);
        for (size_t i = 0; i < len; i++) /* headers are rare among even bytes: favour them */
            bytes[i] = (uint8_t)(prng_below(&prng, 2) ? 0xc0 | prng_below(&prng, 32)
                                                      : prng_below(&prng, 256));
        struct cursor cursor = cursor_on(bytes, len);
        while (!cursor_at_end(&cursor)) {
            size_t before = cursor.rest.len;
            cursor_skip(&cursor);
            cr_assert_lt(cursor.rest.len, before);
        }
    }
}
