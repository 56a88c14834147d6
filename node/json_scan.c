// SPDX-License-Identifier: Apache-2.0
/* json_scan.c - JSON in, in place: is it valid, and where do an object's members stand? */
#include "node/json_scan.h"

#include <assert.h>
#include <string.h>

#include "node/utf8.h"

struct scan {
    struct span text;
    size_t at; /* after a failure: the place of the fault */
};

static int scan_peek(const struct scan *scan)
{
    return scan->at < scan->text.len ? scan->text.data[scan->at] : -1;
}

static bool scan_take(struct scan *scan, char expected)
{
    if (scan_peek(scan) != expected)
        return false;
    scan->at++;
    return true;
}

static void scan_blanks(struct scan *scan)
{
    int next;

    while ((next = scan_peek(scan)) == ' ' || next == '\t' || next == '\n' || next == '\r')
        scan->at++;
}

static bool scan_word(struct scan *scan, const char *word)
{
    for (; *word != '\0'; word++)
        if (!scan_take(scan, *word))
            return false;
    return true;
}

/* --- Strings ------------------------------------------------------------------------------- */

static int hex_value(int digit)
{
    if (digit >= '0' && digit <= '9')
        return digit - '0';
    digit |= 0x20;
    return digit >= 'a' && digit <= 'f' ? digit - 'a' + 10 : -1;
}

static bool scan_hex4(struct scan *scan, uint32_t *code)
{
    *code = 0;
    for (int i = 0; i < 4; i++) {
        int value = hex_value(scan_peek(scan));

        if (value < 0)
            return false;
        *code = *code << 4 | (uint32_t)value;
        scan->at++;
    }
    return true;
}

/* After "\u". */
static bool scan_unicode(struct scan *scan, uint32_t *code)
{
    uint32_t low;

    if (!scan_hex4(scan, code))
        return false;
    if (*code < 0xd800 || *code >= 0xe000)
        return true;
    if (*code >= 0xdc00 || !scan_word(scan, "\\u") || !scan_hex4(scan, &low) || low < 0xdc00 ||
        low >= 0xe000)
        return false;
    *code = 0x10000 + ((*code - 0xd800) << 10) + (low - 0xdc00);
    return true;
}

/* After "\". */
static bool scan_escape(struct scan *scan, uint32_t *code)
{
    static const char names[] = "\"\\/bfnrt", values[] = "\"\\/\b\f\n\r\t";
    int next = scan_peek(scan);

    if (next <= 0)
        return false;
    if (next == 'u') {
        scan->at++;
        return scan_unicode(scan, code);
    }
    const char *name = strchr(names, next);
    if (name == NULL)
        return false;
    scan->at++;
    *code = (uint8_t)values[name - names];
    return true;
}

/* The next character inside a string; not its closing quote. */
static bool scan_character(struct scan *scan, uint32_t *code)
{
    size_t bytes;
    int next = scan_peek(scan);

    if (next < 0x20 || next == '"')
        return false;
    if (next == '\\') {
        scan->at++;
        return scan_escape(scan, code);
    }
    *code = utf8_at(scan->text, scan->at, &bytes);
    if (*code == UINT32_MAX)
        return false;
    scan->at += bytes;
    return true;
}

#define EACH_BYTE(value) (UINT64_C(0x0101010101010101) * (value))

/* Do these eight bytes of a string all stand for themselves, and for a character each? As in
 * text.c: a difference that borrows from the next byte does so at one that does not. */
static bool is_plain(uint64_t bytes)
{
    uint64_t quotes = bytes ^ EACH_BYTE('"'), escapes = bytes ^ EACH_BYTE('\\');

    return ((bytes | (bytes - EACH_BYTE(' ')) | (quotes - EACH_BYTE(1)) |
             (escapes - EACH_BYTE(1))) &
            EACH_BYTE(0x80)) == 0;
}

/* Most strings hold nothing else. */
static void scan_plain(struct scan *scan)
{
    const uint8_t *at = scan->text.data + scan->at, *end = scan->text.data + scan->text.len;
    uint64_t bytes;

    for (; (size_t)(end - at) >= sizeof bytes; at += sizeof bytes) {
        memcpy(&bytes, at, sizeof bytes);
        if (!is_plain(bytes))
            break;
    }
    while (at < end && *at >= ' ' && *at < 0x80 && *at != '"' && *at != '\\')
        at++;
    scan->at = (size_t)(at - scan->text.data);
}

static bool scan_string(struct scan *scan)
{
    uint32_t code;

    if (!scan_take(scan, '"'))
        return false;
    for (;;) {
        scan_plain(scan);
        if (scan_take(scan, '"'))
            return true;
        if (!scan_character(scan, &code))
            return false;
    }
}

static bool has_quotes(struct span string)
{
    return string.len >= 2 && string.data[0] == '"' && string.data[string.len - 1] == '"';
}

static bool has_escapes(struct span string)
{
    return string.len > 0 && memchr(string.data, '\\', string.len) != NULL;
}

bool json_scan_text(struct span string, uint8_t *room, struct span *text)
{
    struct scan scan = {.text = string, .at = 1};
    uint32_t code;
    size_t len = 0;

    if (!has_quotes(string))
        return false;
    if (!has_escapes(string)) {
        *text = span_of(string.data + 1, string.len - 2);
        return true;
    }
    while (!scan_take(&scan, '"')) {
        if (!scan_character(&scan, &code))
            return false;
        len += utf8_encode(code, room + len); /* an escape is no shorter than what it stands for */
        assert(len <= string.len);
    }
    *text = span_of(room, len);
    return scan.at == string.len;
}

bool json_scan_equals(struct span string, struct span text)
{
    struct scan scan = {.text = string};
    uint8_t bytes[4];
    uint32_t code;
    size_t at = 0;

    if (has_quotes(string) && !has_escapes(string))
        return span_equal(span_of(string.data + 1, string.len - 2), text);
    if (!scan_take(&scan, '"'))
        return false;
    while (!scan_take(&scan, '"')) {
        if (!scan_character(&scan, &code))
            return false;
        size_t len = utf8_encode(code, bytes);
        if (len > text.len - at || memcmp(text.data + at, bytes, len) != 0)
            return false;
        at += len;
    }
    return at == text.len;
}

/* --- Everything else ----------------------------------------------------------------------- */

static bool scan_digits(struct scan *scan)
{
    size_t start = scan->at;
    int next;

    while ((next = scan_peek(scan)) >= '0' && next <= '9')
        scan->at++;
    return scan->at > start;
}

static bool scan_number(struct scan *scan)
{
    scan_take(scan, '-');
    if (!scan_take(scan, '0') && !scan_digits(scan))
        return false;
    if (scan_take(scan, '.') && !scan_digits(scan))
        return false;
    if (!scan_take(scan, 'e') && !scan_take(scan, 'E'))
        return true;
    if (!scan_take(scan, '+'))
        scan_take(scan, '-');
    return scan_digits(scan);
}

static bool scan_value(struct scan *scan, unsigned depth);

/* A member's key and colon. */
static bool scan_key(struct scan *scan)
{
    scan_blanks(scan);
    if (!scan_string(scan))
        return false;
    scan_blanks(scan);
    return scan_take(scan, ':');
}

/* After the opening bracket. */
static bool scan_list(struct scan *scan, char closing, unsigned depth)
{
    if (depth == JSON_DEPTH_MAX)
        return false;
    scan_blanks(scan);
    if (scan_take(scan, closing))
        return true;
    do {
        if ((closing == '}' && !scan_key(scan)) || !scan_value(scan, depth + 1))
            return false;
    } while (scan_take(scan, ','));
    return scan_take(scan, closing);
}

/* With the white space around it. */
static bool scan_value(struct scan *scan, unsigned depth)
{
    bool is_valid;

    scan_blanks(scan);
    switch (scan_peek(scan)) {
    case '{':
        scan->at++;
        is_valid = scan_list(scan, '}', depth);
        break;
    case '[':
        scan->at++;
        is_valid = scan_list(scan, ']', depth);
        break;
    case '"': is_valid = scan_string(scan); break;
    case 't': is_valid = scan_word(scan, "true"); break;
    case 'f': is_valid = scan_word(scan, "false"); break;
    case 'n': is_valid = scan_word(scan, "null"); break;
    default: is_valid = scan_number(scan); break;
    }
    if (is_valid)
        scan_blanks(scan);
    return is_valid;
}

bool json_scan_is_valid(struct span text, size_t *fault_at)
{
    struct scan scan = {.text = text};
    bool is_valid = scan_value(&scan, 0) && scan.at == text.len;

    assert(scan.at <= text.len);
    if (fault_at != NULL)
        *fault_at = scan.at;
    return is_valid;
}

bool json_scan_fault_key(struct span text, struct span *key)
{
    struct scan scan = {.text = text};

    scan_blanks(&scan);
    if (!scan_take(&scan, '{'))
        return false;
    do {
        scan_blanks(&scan);
        size_t start = scan.at;

        if (!scan_string(&scan))
            return false;
        *key = span_of(text.data + start, scan.at - start);
        scan_blanks(&scan);
        if (!scan_take(&scan, ':'))
            return false;
        if (!scan_value(&scan, 1))
            return true;
    } while (scan_take(&scan, ','));
    return false;
}

/* --- Members and elements ------------------------------------------------------------------ */

static bool begin(struct json_members *members, struct span text, char opening)
{
    struct scan scan = {.text = text};

    scan_blanks(&scan);
    *members = (struct json_members){.text = text};
    bool is_there = scan_take(&scan, opening);
    members->at = scan.at;
    return is_there;
}

bool json_scan_members_begin(struct json_members *members, struct span text)
{
    return begin(members, text, '{');
}

bool json_scan_elements_begin(struct json_members *elements, struct span text)
{
    return begin(elements, text, '[');
}

static struct span trimmed(struct span text)
{
    while (text.len > 0 && text.data[text.len - 1] <= ' ')
        text.len--;
    return text;
}

/* Is there one more, after the comma that divides it from the last? */
static bool scan_divider(struct scan *scan, struct json_members *members, char closing)
{
    scan_blanks(scan);
    if (members->has_begun ? scan_take(scan, ',') : scan_peek(scan) != closing) {
        scan_blanks(scan);
        return true;
    }
    members->has_ended = scan_take(scan, closing);
    members->at = scan->at;
    return false;
}

static bool take_value(struct json_members *members, struct scan *scan, struct span *value)
{
    scan_blanks(scan);
    size_t start = scan->at;

    if (!scan_value(scan, 1))
        return false;
    *value = trimmed(span_of(scan->text.data + start, scan->at - start));
    members->at = scan->at;
    members->has_begun = true;
    return true;
}

bool json_scan_members_next(struct json_members *members, struct json_member *member)
{
    struct scan scan = {.text = members->text, .at = members->at};

    if (!scan_divider(&scan, members, '}'))
        return false;
    size_t start = scan.at;
    if (!scan_key(&scan))
        return false;
    member->key = trimmed(span_of(scan.text.data + start, scan.at - 1 - start));
    return take_value(members, &scan, &member->value);
}

bool json_scan_members_ended(const struct json_members *members)
{
    struct scan scan = {.text = members->text, .at = members->at};

    scan_blanks(&scan);
    return members->has_ended && scan.at == scan.text.len;
}

bool json_scan_elements_next(struct json_members *elements, struct span *value)
{
    struct scan scan = {.text = elements->text, .at = elements->at};

    return scan_divider(&scan, elements, ']') && take_value(elements, &scan, value);
}
