// SPDX-License-Identifier: Apache-2.0
/* json_writer.c - JSON out, into a bounded buffer */
#include "node/json_writer.h"

#include <assert.h>
#include <string.h>

#include "node/utf8.h"

#define NUMBER_DIGITS 20 /* of UINT64_MAX */

void writer_begin(struct json_writer *json, struct buffer *out)
{
    *json = (struct json_writer){.out = out};
}

void writer_end(const struct json_writer *json)
{
    assert(json->depth == 0);
    (void)json;
}

static void writer_separate(struct json_writer *json)
{
    if (json->has_value)
        buffer_add(json->out, ",", 1);
    json->has_value = true;
}

static void writer_open(struct json_writer *json, const char *bracket)
{
    writer_separate(json);
    buffer_add(json->out, bracket, 1);
    json->has_value = false;
    json->depth++;
}

static void writer_close(struct json_writer *json, const char *bracket)
{
    assert(json->depth > 0);
    buffer_add(json->out, bracket, 1);
    json->has_value = true;
    json->depth--;
}

void writer_object_open(struct json_writer *json)
{
    writer_open(json, "{");
}

void writer_object_close(struct json_writer *json)
{
    writer_close(json, "}");
}

void writer_array_open(struct json_writer *json)
{
    writer_open(json, "[");
}

void writer_array_close(struct json_writer *json)
{
    writer_close(json, "]");
}

void writer_key(struct json_writer *json, const char *key)
{
    assert(json->depth > 0);
    writer_separate(json);
    buffer_add(json->out, "\"", 1);
    buffer_add_text(json->out, key);
    buffer_add(json->out, "\":", 2);
    json->has_value = false;
}

/* Bytes that stand for themselves inside a string: everything but what must be escaped, DEL, and
 * what may or may not be part of a character. */
static bool is_plain(uint8_t byte)
{
    return byte >= 0x20 && byte < 0x7f && byte != '"' && byte != '\\';
}

static void writer_escape(struct buffer *out, uint32_t code)
{
    static const char digits[] = "0123456789abcdef";
    char text[6] = {'\\', 'u', '0', '0', digits[code >> 4 & 15], digits[code & 15]};

    switch (code) {
    case '"': buffer_add(out, "\\\"", 2); return;
    case '\\': buffer_add(out, "\\\\", 2); return;
    case '\n': buffer_add(out, "\\n", 2); return;
    case '\r': buffer_add(out, "\\r", 2); return;
    case '\t': buffer_add(out, "\\t", 2); return;
    default: buffer_add(out, text, sizeof text); return;
    }
}

/* The character at `at` that is_plain does not know; returns the place behind it. C1 is escaped
 * like C0: it drives terminals. */
static size_t writer_character(struct buffer *out, struct span text, size_t at)
{
    size_t bytes;
    uint32_t code = utf8_at(text, at, &bytes);

    if (code == UINT32_MAX)
        buffer_add(out, "\xef\xbf\xbd", 3);
    else if (code < 0xa0)
        writer_escape(out, code);
    else
        buffer_add(out, text.data + at, bytes);
    return at + bytes;
}

void writer_text(struct json_writer *json, struct span text)
{
    size_t at = 0;

    writer_separate(json);
    buffer_add(json->out, "\"", 1);
    while (at < text.len) {
        size_t start = at;

        while (at < text.len && is_plain(text.data[at]))
            at++;
        buffer_add(json->out, text.data + start, at - start);
        if (at < text.len)
            at = writer_character(json->out, text, at);
    }
    buffer_add(json->out, "\"", 1);
}

void writer_string(struct json_writer *json, const char *text)
{
    writer_text(json, span_of_text(text));
}

/* Decimal digits, right-aligned in `out`; returns how many, at least `least` (zeros in front). */
static size_t digits_write(uint64_t value, size_t least, char out[NUMBER_DIGITS])
{
    size_t count = 0;

    assert(least <= NUMBER_DIGITS);
    while (value > 0 || count < least) {
        out[NUMBER_DIGITS - 1 - count++] = (char)('0' + value % 10);
        value /= 10;
    }
    return count;
}

void writer_number(struct json_writer *json, uint64_t value)
{
    char digits[NUMBER_DIGITS];
    size_t count = digits_write(value, 1, digits);

    writer_separate(json);
    buffer_add(json->out, digits + NUMBER_DIGITS - count, count);
}

void writer_decimal(struct json_writer *json, uint64_t value, unsigned decimals)
{
    char digits[NUMBER_DIGITS];

    assert(decimals >= 1 && decimals <= 9);
    size_t count = digits_write(value, decimals + 1, digits);
    writer_separate(json);
    buffer_add(json->out, digits + NUMBER_DIGITS - count, count - decimals);
    buffer_add(json->out, ".", 1);
    buffer_add(json->out, digits + NUMBER_DIGITS - decimals, decimals);
}

void writer_raw(struct json_writer *json, struct span value)
{
    writer_separate(json);
    buffer_add_span(json->out, value);
}

void writer_bool(struct json_writer *json, bool value)
{
    writer_raw(json, value ? span_of("true", 4) : span_of("false", 5));
}

void writer_null(struct json_writer *json)
{
    writer_raw(json, span_of("null", 4));
}

void writer_put_text(struct json_writer *json, const char *key, struct span text)
{
    writer_key(json, key);
    writer_text(json, text);
}

void writer_put_string(struct json_writer *json, const char *key, const char *text)
{
    writer_put_text(json, key, span_of_text(text));
}

void writer_put_number(struct json_writer *json, const char *key, uint64_t value)
{
    writer_key(json, key);
    writer_number(json, value);
}

void writer_put_bool(struct json_writer *json, const char *key, bool value)
{
    writer_key(json, key);
    writer_bool(json, value);
}

void writer_put_null(struct json_writer *json, const char *key)
{
    writer_key(json, key);
    writer_null(json);
}
