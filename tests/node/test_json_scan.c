// SPDX-License-Identifier: Apache-2.0
/* test_json_scan.c - what is JSON, where an object's members stand, and what a string says */
#include "node/json_scan.h"

#include <criterion/criterion.h>
#include <jansson.h>
#include <string.h>

#include "tests/support/guard.h"

/* Flush against an unreadable page, and compared with what jansson makes of it. */
static bool is_valid(const char *text)
{
    size_t len = strlen(text);
    uint8_t *copy = guard_copy(text, len);
    bool valid = json_scan_is_valid(span_of(copy, len), NULL);

    guard_free(copy, len);
    return valid;
}

static bool is_valid_there(const char *text)
{
    json_t *value = json_loads(text, JSON_DECODE_ANY | JSON_DECODE_INT_AS_REAL, NULL);
    bool valid = value != NULL;

    json_decref(value);
    return valid;
}

Test(json_scan, values)
{
    static const char *const good[] = {
        "{}",
        "[]",
        "null",
        "true",
        "false",
        "0",
        "-0",
        "-1.5e+3",
        "1E9",
        "\"\"",
        " [ 1 , 2 ] ",
        "{\"a\":{\"b\":[{}]}}",
        "\"\\u00e9\\ud83c\\udf05\\n\\/\"",
        "\t{\"\":\"\"}\r\n",
        "12345678901234567890123",
    };

    for (size_t i = 0; i < sizeof good / sizeof good[0]; i++) {
        cr_assert(is_valid(good[i]), "%s", good[i]);
        cr_assert(is_valid_there(good[i]), "%s", good[i]);
    }
}

Test(json_scan, no_values)
{
    static const char *const bad[] = {
        "",
        " ",
        "{",
        "}",
        "[",
        "{]",
        "[}",
        "[1,]",
        "[,1]",
        "{\"a\"}",
        "{\"a\":}",
        "{\"a\":1,}",
        "{a:1}",
        "{'a':1}",
        "nul",
        "nulll",
        "True",
        "NaN",
        "Infinity",
        "-Infinity",
        "+1",
        "01",
        "1.",
        ".5",
        "-",
        "1e",
        "1e+",
        "0x10",
        "\"",
        "\"\\\"",
        "\"\\x\"",
        "\"\\u12\"",
        "\"\\u12g4\"",
        "\"\\ud800\"",
        "\"\\udc00\"",
        "\"\\ud800\\u0041\"",
        "\"a\nb\"",
        "\"\x01\"",
        "\"\xff\"",
        "\"\xc0\xaf\"",
        "\"\xed\xa0\x80\"",
        "1 2",
        "{} {}",
        "[1 2]",
        "{\"a\":1 \"b\":2}",
        "//",
        "[1]x",
    };

    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++) {
        cr_assert_not(is_valid(bad[i]), "%s", bad[i]);
        cr_assert_not(is_valid_there(bad[i]), "%s", bad[i]);
    }
}

Test(json_scan, a_fault_is_located)
{
    size_t at = 99;

    cr_assert_not(json_scan_is_valid(span_of_text("{\"a\": nope}"), &at));
    cr_assert_eq(at, 7);
    cr_assert_not(json_scan_is_valid(span_of("\"\0\"", 3), &at));
    cr_assert_eq(at, 1);
}

Test(json_scan, depth_has_a_limit)
{
    char text[2 * JSON_DEPTH_MAX + 3];

    for (size_t depth = 1; depth <= JSON_DEPTH_MAX + 1; depth++) {
        memset(text, '[', depth);
        memset(text + depth, ']', depth);
        text[2 * depth] = '\0';
        cr_assert_eq(is_valid(text), depth <= JSON_DEPTH_MAX, "%zu", depth);
    }
}

Test(json_scan, members_are_found_as_they_were_written)
{
    static const char text[] =
        " { \"a\" : [1, {\"x\":\"}\"}] ,\n\"b\\u0063\":\"},{\" , \"d\":-1.50 } ";
    static const char *const keys[] = {"\"a\"", "\"b\\u0063\"", "\"d\""};
    static const char *const values[] = {"[1, {\"x\":\"}\"}]", "\"},{\"", "-1.50"};
    struct json_members members;
    struct json_member member;
    size_t count = 0;

    cr_assert(json_scan_is_valid(span_of_text(text), NULL));
    cr_assert(json_scan_members_begin(&members, span_of_text(text)));
    while (json_scan_members_next(&members, &member)) {
        cr_assert(span_equal(member.key, span_of_text(keys[count])), "%zu", count);
        cr_assert(span_equal(member.value, span_of_text(values[count])), "%zu", count);
        count++;
    }
    cr_assert_eq(count, 3);
    cr_assert_not(json_scan_members_begin(&members, span_of_text("[1]")));
}

Test(json_scan, strings_are_compared_by_what_they_say)
{
    struct span string = span_of_text("\"b\\u0063\\ud83c\\udf05\\n\"");

    cr_assert(json_scan_equals(string, span_of_text("bc\xf0\x9f\x8c\x85\n")));
    cr_assert_not(json_scan_equals(string, span_of_text("bc\xf0\x9f\x8c\x85")));
    cr_assert_not(json_scan_equals(string, span_of_text("bc\xf0\x9f\x8c\x85\nx")));
    cr_assert(json_scan_equals(span_of_text("\"\""), span_of("", 0)));
    cr_assert(json_scan_equals(span_of_text("\"\\u0000\""), span_of("\0", 1)));
}

Test(json_scan, elements_are_found_as_they_were_written)
{
    static const char *const values[] = {"\"a,]\"", "[1,2]", "{\"x\":[]}", "-0.5"};
    struct json_members elements;
    struct span value;
    size_t count = 0;

    cr_assert(json_scan_elements_begin(&elements,
                                       span_of_text(" [ \"a,]\",[1,2] , {\"x\":[]}\n,-0.5 ] ")));
    while (json_scan_elements_next(&elements, &value))
        cr_assert(span_equal(value, span_of_text(values[count++])), "%zu", count);
    cr_assert_eq(count, 4);
    cr_assert(json_scan_elements_begin(&elements, span_of_text("[]")));
    cr_assert_not(json_scan_elements_next(&elements, &value));
    cr_assert_not(json_scan_elements_begin(&elements, span_of_text("{}")));
}

Test(json_scan, strings_are_read_in_place_or_decoded)
{
    static const char plain[] = "\"p\xc3\xa9\"", escaped[] = "\"\\u0000\\\"\\ud83c\\udf05x\"";
    uint8_t room[sizeof escaped];
    struct span text;

    cr_assert(json_scan_text(span_of_text(plain), NULL, &text));
    cr_assert(text.data == (const uint8_t *)plain + 1 && text.len == 3);
    cr_assert(json_scan_text(span_of_text(escaped), room, &text));
    cr_assert(span_equal(text, span_of("\0\"\xf0\x9f\x8c\x85x", 7)));
    cr_assert_not(json_scan_text(span_of_text("1"), room, &text));
    cr_assert_not(json_scan_text(span_of_text("null"), room, &text));
    cr_assert_not(json_scan_text(span_of_text("[\"\"]"), room, &text));
}

/* Eight bytes are looked at together: what ends a string must be seen wherever it stands. */
Test(json_scan, a_string_ends_wherever_its_quote_stands)
{
    static const char middles[] = {'"', '\\', '\n', '\x7f', (char)0xff, 'a'};

    for (size_t at = 1; at < 20; at++) {
        for (size_t i = 0; i < sizeof middles; i++) {
            char text[24];

            memset(text, '~', sizeof text);
            text[0] = text[20] = '"';
            text[21] = '\0';
            text[at] = middles[i];
            if (middles[i] == '\\')
                text[at + 1] = at + 1 == 20 ? '"' : 'n';
            bool valid = middles[i] == '\x7f' || middles[i] == 'a' || (i == 1 && at < 19);
            cr_assert_eq(is_valid(text), valid, "%zu %zu", at, i);
        }
    }
}

Test(json_scan, members_of_what_is_no_object_end_before_it_does)
{
    static const struct {
        const char *text;
        size_t count;
        bool has_ended;
    } cases[] = {
        {"{}", 0, true},          {" { } ", 0, true},      {"{\"a\":1}", 1, true},
        {"{\"a\":1}x", 1, false}, {"{\"a\":1", 1, false},  {"{\"a\":1,}", 1, false},
        {"{", 0, false},          {"{,", 0, false},        {"{\"a\":1 \"b\":2}", 1, false},
        {"{}}", 0, false},        {"{\"a\":[}", 0, false}, {"{\"a\":1,\"b\"}", 1, false},
        {"{]", 0, false},         {"{\"a\":1]", 1, false},
    };

    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        struct json_members members;
        struct json_member member;
        size_t count = 0, len = strlen(cases[i].text);
        uint8_t *copy = guard_copy(cases[i].text, len);

        cr_assert(json_scan_members_begin(&members, span_of(copy, len)));
        while (json_scan_members_next(&members, &member))
            count++;
        cr_assert_eq(count, cases[i].count, "%s", cases[i].text);
        cr_assert_eq(json_scan_members_ended(&members), cases[i].has_ended, "%s", cases[i].text);
        guard_free(copy, len);
    }
}
