// SPDX-License-Identifier: Apache-2.0
/* test_json_writer.c - JSON out: commas, escapes, numbers, and a limit that holds */
#include "node/json_writer.h"

#include <criterion/criterion.h>
#include <jansson.h>
#include <string.h>

static struct buffer out;

static const char *text_of(struct span text)
{
    static char copy[256];
    struct json_writer json;

    buffer_init(&out, sizeof copy);
    writer_begin(&json, &out);
    writer_text(&json, text);
    writer_end(&json);
    buffer_add(&out, "", 1);
    memcpy(copy, out.data, out.len);
    buffer_free(&out);
    return copy;
}

Test(json_writer, commas_stand_between_and_nowhere_else)
{
    struct json_writer json;

    buffer_init(&out, 4096);
    writer_begin(&json, &out);
    writer_object_open(&json);
    writer_key(&json, "a");
    writer_array_open(&json);
    writer_array_close(&json);
    writer_key(&json, "b");
    writer_array_open(&json);
    writer_number(&json, 0);
    writer_number(&json, UINT64_MAX);
    writer_object_open(&json);
    writer_object_close(&json);
    writer_null(&json);
    writer_array_close(&json);
    writer_put_bool(&json, "c", true);
    writer_object_close(&json);
    writer_end(&json);
    buffer_add(&out, "", 1);
    cr_assert_str_eq(out.data, "{\"a\":[],\"b\":[0,18446744073709551615,{},null],\"c\":true}");
    buffer_free(&out);
}

Test(json_writer, what_must_be_escaped_is)
{
    cr_assert_str_eq(text_of(span_of_text("a\"b\\c\nd\te\rf")), "\"a\\\"b\\\\c\\nd\\te\\rf\"");
    cr_assert_str_eq(text_of(span_of("\0\x1f\x7f", 3)), "\"\\u0000\\u001f\\u007f\"");
    cr_assert_str_eq(text_of(span_of_text("\xc2\x9b")), "\"\\u009b\"", "C1 drives terminals");
    cr_assert_str_eq(text_of(span_of_text("\xc3\xa9 \xf0\x9f\x8c\x85")),
                     "\"\xc3\xa9 \xf0\x9f\x8c\x85\"");
}

Test(json_writer, what_is_no_character_becomes_a_replacement)
{
    cr_assert_str_eq(text_of(span_of_text("a\xff\x62")), "\"a\xef\xbf\xbd\x62\"");
    cr_assert_str_eq(text_of(span_of_text("\xc0\xaf")), "\"\xef\xbf\xbd\xef\xbf\xbd\"");
    cr_assert_str_eq(text_of(span_of_text("\xed\xa0\x80")),
                     "\"\xef\xbf\xbd\xef\xbf\xbd\xef\xbf\xbd\"");
    cr_assert_str_eq(text_of(span_of_text("\xf0\x9f")), "\"\xef\xbf\xbd\xef\xbf\xbd\"");
}

Test(json_writer, every_pair_of_bytes_is_valid_json_for_another_reader)
{
    for (unsigned i = 0; i < 65536; i++) {
        uint8_t bytes[2] = {(uint8_t)(i >> 8), (uint8_t)i};
        json_error_t error;
        const char *text = text_of(span_of(bytes, 2));
        json_t *value = json_loads(text, JSON_DECODE_ANY | JSON_ALLOW_NUL, &error);

        cr_assert_not_null(value, "%04x: %s", i, error.text);
        if (i >> 8 < 0x80 && (i & 0xff) < 0x80)
            cr_assert(json_string_length(value) == 2 &&
                          memcmp(json_string_value(value), bytes, 2) == 0,
                      "%04x", i);
        json_decref(value);
    }
}

Test(json_writer, decimals)
{
    struct json_writer json;

    buffer_init(&out, 4096);
    writer_begin(&json, &out);
    writer_array_open(&json);
    writer_decimal(&json, 0, 2);
    writer_decimal(&json, 5, 3);
    writer_decimal(&json, 12345, 3);
    writer_decimal(&json, 100, 2);
    writer_array_close(&json);
    buffer_add(&out, "", 1);
    cr_assert_str_eq(out.data, "[0.00,0.005,12.345,1.00]");
    buffer_free(&out);
}

Test(json_writer, what_does_not_fit_is_dropped_and_said)
{
    for (size_t max = 0; max < 30; max++) {
        struct json_writer json;

        buffer_init(&out, max);
        writer_begin(&json, &out);
        writer_object_open(&json);
        writer_put_string(&json, "key", "twenty characters :)");
        writer_object_close(&json);
        cr_assert(out.len <= max);
        cr_assert_eq(out.is_full, max < strlen("{\"key\":\"twenty characters :)\"}"));
        buffer_free(&out);
    }
}
