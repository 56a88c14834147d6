// SPDX-License-Identifier: Apache-2.0
/* cursor.c - bounded MessagePack reading of hostile bytes: no allocation, no recursion. */
#include "gossip/cursor.h"

#include <assert.h>

enum token_kind {
    TOKEN_BAD = 0,
    TOKEN_NIL,
    TOKEN_BOOL, /* value: 0 or 1 */
    TOKEN_UINT, /* value */
    TOKEN_TEXT, /* value: bytes that follow; so BIN, OTHER */
    TOKEN_BIN,
    TOKEN_OTHER, /* floats, extensions, negative integers: known to be skipped only */
    TOKEN_ARRAY, /* value: elements that follow */
    TOKEN_MAP,   /* value: elements that follow, keys and values both */
};

struct token {
    enum token_kind kind;
    uint64_t value;
};

/* The formats 0xc0 to 0xdf (MessagePack specification, "Formats"): `width` bytes of a number
 * follow, to which `extra` is added (an extension's type byte, or a fixed payload). */
struct format {
    uint8_t kind;
    uint8_t width;
    uint8_t extra;
};
static const struct format formats[32] = {
    {TOKEN_NIL, 0, 0},    {TOKEN_BAD, 0, 0},   {TOKEN_BOOL, 0, 0},  {TOKEN_BOOL, 0, 1},
    {TOKEN_BIN, 1, 0},    {TOKEN_BIN, 2, 0},   {TOKEN_BIN, 4, 0},   {TOKEN_OTHER, 1, 1},
    {TOKEN_OTHER, 2, 1},  {TOKEN_OTHER, 4, 1}, {TOKEN_OTHER, 0, 4}, {TOKEN_OTHER, 0, 8},
    {TOKEN_UINT, 1, 0},   {TOKEN_UINT, 2, 0},  {TOKEN_UINT, 4, 0},  {TOKEN_UINT, 8, 0},
    {TOKEN_UINT, 1, 0},   {TOKEN_UINT, 2, 0},  {TOKEN_UINT, 4, 0},  {TOKEN_UINT, 8, 0},
    {TOKEN_OTHER, 0, 2},  {TOKEN_OTHER, 0, 3}, {TOKEN_OTHER, 0, 5}, {TOKEN_OTHER, 0, 9},
    {TOKEN_OTHER, 0, 17}, {TOKEN_TEXT, 1, 0},  {TOKEN_TEXT, 2, 0},  {TOKEN_TEXT, 4, 0},
    {TOKEN_ARRAY, 2, 0},  {TOKEN_ARRAY, 4, 0}, {TOKEN_MAP, 2, 0},   {TOKEN_MAP, 4, 0},
};
#define FORMAT_INT8  0xd0
#define FORMAT_INT64 0xd3

static void cursor_fail(struct cursor *cursor)
{
    cursor->is_bad = true;
    cursor->rest.len = 0;
}

static struct span cursor_take(struct cursor *cursor, uint64_t len)
{
    if (len > cursor->rest.len) {
        cursor_fail(cursor);
        return (struct span){0};
    }
    struct span taken = {cursor->rest.data, (size_t)len};
    if (taken.len > 0) /* an empty input's data may be NULL, to which nothing may be added */
        cursor->rest.data += taken.len;
    cursor->rest.len -= taken.len;
    return taken;
}

static struct token token_short(uint8_t first)
{
    if (first < 0x80)
        return (struct token){TOKEN_UINT, first};
    if (first < 0x90)
        return (struct token){TOKEN_MAP, 2u * (first & 0x0fu)};
    if (first < 0xa0)
        return (struct token){TOKEN_ARRAY, first & 0x0fu};
    if (first < 0xc0)
        return (struct token){TOKEN_TEXT, first & 0x1fu};
    return (struct token){TOKEN_OTHER, 0}; /* 0xe0 and above: a small negative integer */
}

static uint64_t big_endian_4(const uint8_t *at)
{
    return (uint64_t)at[0] << 24 | (uint64_t)at[1] << 16 | (uint64_t)at[2] << 8 | at[3];
}

/* Of 0, 1, 2, 4 or 8 bytes. */
static uint64_t big_endian(struct span number)
{
    const uint8_t *at = number.data;
    switch (number.len) {
    case 0: return 0;
    case 1: return at[0];
    case 2: return (uint64_t)at[0] << 8 | at[1];
    case 4: return big_endian_4(at);
    default: return big_endian_4(at) << 32 | big_endian_4(at + 4);
    }
}

static struct token token_long(struct cursor *cursor, uint8_t first)
{
    const struct format *format = &formats[first - 0xc0];
    struct span number = cursor_take(cursor, format->width);
    uint64_t value = big_endian(number);
    if (first >= FORMAT_INT8 && first <= FORMAT_INT64 && number.len > 0 && number.data[0] >= 0x80)
        return (struct token){TOKEN_OTHER, 0};
    if (format->kind == TOKEN_MAP)
        value *= 2;
    return (struct token){(enum token_kind)format->kind, value + format->extra};
}

/* What follows the token must be there: bytes of a payload, or at least a byte for each element. So
 * no length field can make anybody reserve, or wait for, what was never sent. */
static struct token token_next(struct cursor *cursor)
{
    if (cursor->rest.len == 0 || cursor->budget == 0) {
        cursor_fail(cursor);
        return (struct token){0};
    }
    uint8_t first = *cursor->rest.data++;
    cursor->rest.len--;
    cursor->budget--;
    bool is_long = first >= 0xc0 && first < 0xe0;
    struct token token = is_long ? token_long(cursor, first) : token_short(first);
    if (token.kind == TOKEN_BAD || (token.kind >= TOKEN_TEXT && token.value > cursor->rest.len))
        cursor_fail(cursor);
    if (cursor->is_bad)
        return (struct token){0};
    return token;
}

struct cursor cursor_of(struct span bytes)
{
    return (struct cursor){.rest = bytes, .budget = WIRE_ELEMENTS_MAX};
}

static uint64_t cursor_expect(struct cursor *cursor, enum token_kind kind)
{
    struct token token = token_next(cursor);
    if (token.kind == kind)
        return token.value;
    cursor_fail(cursor);
    return 0;
}

uint64_t cursor_uint(struct cursor *cursor)
{
    return cursor_expect(cursor, TOKEN_UINT);
}

bool cursor_bool(struct cursor *cursor)
{
    return cursor_expect(cursor, TOKEN_BOOL) != 0;
}

struct span cursor_bin(struct cursor *cursor)
{
    return cursor_take(cursor, cursor_expect(cursor, TOKEN_BIN));
}

struct span cursor_text(struct cursor *cursor)
{
    return cursor_take(cursor, cursor_expect(cursor, TOKEN_TEXT));
}

bool cursor_nil(struct cursor *cursor)
{
    if (cursor->rest.len == 0 || cursor->rest.data[0] != 0xc0)
        return false;
    return token_next(cursor).kind == TOKEN_NIL;
}

uint32_t cursor_array(struct cursor *cursor)
{
    uint64_t count = cursor_expect(cursor, TOKEN_ARRAY);
    assert(count <= cursor->rest.len && count <= UINT32_MAX);
    return (uint32_t)count;
}

static bool is_nest(enum token_kind kind)
{
    return kind == TOKEN_ARRAY || kind == TOKEN_MAP;
}

/* All that is in an array or a map whose token was the last. */
static void skip_nest(struct cursor *cursor, uint64_t elements)
{
    uint64_t left[WIRE_DEPTH_MAX]; /* elements still to come at each level of nesting */
    size_t depth = 0;
    left[0] = elements;
    while (!cursor->is_bad) {
        while (left[depth] == 0) {
            if (depth == 0)
                return;
            depth--;
        }
        left[depth]--;
        struct token token = token_next(cursor);
        if (!is_nest(token.kind)) {
            if (token.kind >= TOKEN_TEXT)
                cursor_take(cursor, token.value);
        } else if (depth + 1 == WIRE_DEPTH_MAX) {
            cursor_fail(cursor);
        } else {
            left[++depth] = token.value;
        }
    }
}

/* What follows a token that says so. */
static void token_skip(struct cursor *cursor, struct token token)
{
    if (is_nest(token.kind))
        skip_nest(cursor, token.value);
    else if (token.kind >= TOKEN_TEXT)
        cursor_take(cursor, token.value);
}

void cursor_skip(struct cursor *cursor)
{
    token_skip(cursor, token_next(cursor));
}

static bool kind_fits(enum token_kind found, enum cursor_kind kind)
{
    switch (kind) {
    case CURSOR_ANY: return true;
    case CURSOR_UINT: return found == TOKEN_UINT;
    case CURSOR_BIN: return found == TOKEN_BIN;
    case CURSOR_ARRAY: return found == TOKEN_ARRAY;
    }
    return false;
}

struct span cursor_elements(struct cursor *cursor, enum cursor_kind kind, uint32_t *count)
{
    *count = cursor_array(cursor);
    const uint8_t *start = cursor->rest.data;
    for (uint32_t i = 0; i < *count && !cursor->is_bad; i++) {
        struct token token = token_next(cursor);
        if (kind_fits(token.kind, kind))
            token_skip(cursor, token);
        else
            cursor_fail(cursor);
    }
    if (cursor->is_bad) {
        *count = 0;
        return (struct span){0};
    }
    assert(cursor->rest.data >= start);
    return span_of(start, (size_t)(cursor->rest.data - start));
}
