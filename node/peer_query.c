// SPDX-License-Identifier: Apache-2.0
/* peer_query.c - which peers somebody asks for */
#include "node/peer_query.h"

#include <assert.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "crypto/base64.h"
#include "node/http_query.h"
#include "node/utf8.h"

#define META_PREFIX "meta."
/* Sort, time big endian, id. */
#define CURSOR_FIXED_BYTES 9
#define CURSOR_MAX_BYTES   (CURSOR_FIXED_BYTES + PEER_ID_MAX_BYTES)
static_assert(BASE64_SIZE(CURSOR_MAX_BYTES) <= PEER_CURSOR_BYTES, "room for any cursor");

__attribute__((format(printf, 2, 3))) static bool refuse(struct peer_query *query,
                                                         const char *format, ...)
{
    va_list arguments;

    va_start(arguments, format);
    vsnprintf(query->error, sizeof query->error, format, arguments);
    va_end(arguments);
    return false;
}

static bool span_is(struct span text, const char *word)
{
    return span_equal(text, span_of_text(word));
}

static bool is_true(struct span text)
{
    static const char word[] = "true";

    if (span_is(text, "1"))
        return true;
    if (text.len != sizeof word - 1)
        return false;
    for (size_t i = 0; i < text.len; i++)
        if ((text.data[i] | 0x20) != word[i])
            return false;
    return true;
}

static bool limit_read(struct peer_query *query, struct span text, size_t max)
{
    size_t limit = 0;

    for (size_t i = 0; i < text.len && i < 9; i++)
        limit = text.data[i] >= '0' && text.data[i] <= '9'
                    ? limit * 10 + (size_t)(text.data[i] - '0')
                    : SIZE_MAX / 100;
    if (text.len == 0 || text.len > 9 || limit < 1 || limit > max)
        return refuse(query, "limit: must be a whole number from 1 to %zu", max);
    query->limit = limit;
    return true;
}

static bool archetype_read(struct peer_query *query, struct span name)
{
    if (query->archetype_count == PEER_ARCHETYPES_MAX)
        return refuse(query, "archetype: at most %d of them", PEER_ARCHETYPES_MAX);
    query->archetypes[query->archetype_count++] = name;
    return true;
}

static bool exclude_read(struct peer_query *query, struct span peer_id)
{
    if (query->exclude_count == PEER_QUERY_EXCLUDES_MAX)
        return refuse(query, "exclude: at most %d of them", PEER_QUERY_EXCLUDES_MAX);
    query->excludes[query->exclude_count++] = peer_id;
    return true;
}

static bool meta_read(struct peer_query *query, const struct http_parameter *parameter)
{
    size_t prefix = strlen(META_PREFIX);

    if (query->meta_count == PEER_QUERY_META_MAX)
        return refuse(query, "meta: at most %d of them", PEER_QUERY_META_MAX);
    query->meta[query->meta_count++] = (struct peer_query_meta){
        .key = span_of(parameter->name.data + prefix, parameter->name.len - prefix),
        .value = parameter->value,
    };
    return true;
}

static bool sort_read(struct peer_query *query, struct span text)
{
    if (span_is(text, "peer_id"))
        query->sort = SORT_PEER_ID;
    else if (span_is(text, "registered_at"))
        query->sort = SORT_OLDEST;
    else if (span_is(text, "-registered_at"))
        query->sort = SORT_NEWEST;
    else
        return refuse(query, "sort: must be peer_id, registered_at or -registered_at");
    return true;
}

void peer_cursor_write(enum peer_sort sort, uint64_t registered_wall_ms, struct span peer_id,
                       char out[PEER_CURSOR_BYTES])
{
    uint8_t bytes[CURSOR_MAX_BYTES] = {(uint8_t)sort};

    assert(peer_id.len <= PEER_ID_MAX_BYTES);
    for (int i = 0; i < 8; i++)
        bytes[1 + i] = (uint8_t)(registered_wall_ms >> (56 - 8 * i));
    memcpy(bytes + CURSOR_FIXED_BYTES, peer_id.data, peer_id.len);
    base64_encode(BASE64_URL, bytes, CURSOR_FIXED_BYTES + peer_id.len, out, PEER_CURSOR_BYTES);
}

static bool unknown_read(struct peer_query *query, struct span name, enum peer_query_kind kind)
{
    return kind == PEER_QUERY_DISCOVER ||
           refuse(query, "%.*s: unknown query parameter", (int)(name.len < 64 ? name.len : 64),
                  (const char *)name.data);
}

/* After all parameters: the cursor must fit the sort. */
static bool cursor_read(struct peer_query *query, struct span text)
{
    uint8_t *bytes = (uint8_t *)query->text + sizeof query->text - CURSOR_MAX_BYTES;
    size_t len;

    if (!base64_decode(BASE64_URL, (const char *)text.data, text.len, bytes, CURSOR_MAX_BYTES,
                       &len) ||
        len <= CURSOR_FIXED_BYTES || bytes[0] != query->sort)
        return refuse(query, "cursor: not one that an answer with this sort gave");
    query->has_cursor = true;
    query->cursor_ms = 0;
    for (int i = 0; i < 8; i++)
        query->cursor_ms = query->cursor_ms << 8 | bytes[1 + i];
    query->cursor_id = span_of(bytes + CURSOR_FIXED_BYTES, len - CURSOR_FIXED_BYTES);
    return true;
}

static bool listing_read(struct peer_query *query, const struct http_parameter *parameter,
                         enum peer_query_kind kind, struct span *cursor)
{
    struct span name = parameter->name, value = parameter->value;
    bool is_v1 = kind == PEER_QUERY_V1;

    if (span_is(name, "limit"))
        return limit_read(query, value, is_v1 ? PEER_QUERY_LIMIT_DEFAULT : PEER_QUERY_LIMIT_MAX);
    if (is_v1 && span_is(name, "cursor")) {
        *cursor = value;
        return true;
    }
    if (is_v1 && span_is(name, "sort"))
        return sort_read(query, value);
    if (!is_v1 && span_is(name, "reputation")) {
        query->with_reputation = is_true(value);
        return true;
    }
    return unknown_read(query, name, kind);
}

static bool parameter_read(struct peer_query *query, const struct http_parameter *parameter,
                           enum peer_query_kind kind, struct span *cursor)
{
    struct span name = parameter->name, value = parameter->value;
    size_t prefix = strlen(META_PREFIX);

    if (!utf8_is_valid(name) || !utf8_is_valid(value))
        return refuse(query, "query: a parameter is not valid UTF-8");
    if (span_is(name, "archetype"))
        return archetype_read(query, value);
    if (span_is(name, "exclude"))
        return exclude_read(query, value);
    if (name.len > prefix && memcmp(name.data, META_PREFIX, prefix) == 0)
        return meta_read(query, parameter);
    if (kind != PEER_QUERY_WATCH)
        return listing_read(query, parameter, kind, cursor);
    if (!span_is(name, "last_event_id"))
        return unknown_read(query, name, kind);
    query->last_event_id = value;
    return true;
}

bool peer_query_read(struct peer_query *query, struct span text, enum peer_query_kind kind)
{
    struct http_query reader;
    struct http_parameter parameter;
    struct span cursor = {NULL, 0};
    enum http_query_next next;

    memset(query, 0, offsetof(struct peer_query, text));
    query->limit = PEER_QUERY_LIMIT_DEFAULT;
    if (text.len > HTTP_HEAD_MAX_BYTES)
        return refuse(query, "query: too long");
    http_query_begin(&reader, text, query->text);
    while ((next = http_query_next(&reader, &parameter)) == QUERY_PARAMETER)
        if (!parameter_read(query, &parameter, kind, &cursor))
            return false;
    if (next == QUERY_MALFORMED)
        return refuse(query, "query: \"%%\" must be followed by two hexadecimal digits");
    return cursor.data == NULL || cursor_read(query, cursor);
}
