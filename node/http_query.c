// SPDX-License-Identifier: Apache-2.0
/* http_query.c - percent-decoding, and the parameters of a query one by one */
#include "node/http_query.h"

#include <assert.h>
#include <stdint.h>

#include "crypto/hex.h"

bool percent_decode(struct span text, bool plus_is_space, char *out, size_t *len)
{
    size_t count = 0;

    for (size_t at = 0; at < text.len; at++) {
        char next = (char)text.data[at];

        if (next == '+' && plus_is_space)
            next = ' ';
        if (next == '%') {
            if (text.len - at < 3 || !hex_decode((const char *)text.data + at + 1, 2, &next, 1))
                return false;
            at += 2;
        }
        out[count++] = next;
    }
    assert(count <= text.len);
    *len = count;
    return true;
}

void http_query_begin(struct http_query *query, struct span text, char *room)
{
    *query = (struct http_query){.rest = text, .room = room};
}

/* The bytes up to `separator`, which is taken too. */
static struct span take_until(struct span *rest, char separator)
{
    struct span taken = {rest->data, 0};

    while (taken.len < rest->len && rest->data[taken.len] != (uint8_t)separator)
        taken.len++;
    size_t skipped = taken.len < rest->len ? taken.len + 1 : taken.len;
    if (skipped > 0) {
        rest->data += skipped;
        rest->len -= skipped;
    }
    return taken;
}

static bool decode_into(struct http_query *query, struct span text, struct span *out)
{
    size_t len;

    if (!percent_decode(text, true, query->room, &len))
        return false;
    *out = span_of(query->room, len);
    query->room += len;
    return true;
}

enum http_query_next http_query_next(struct http_query *query, struct http_parameter *parameter)
{
    struct span pair;

    do {
        if (query->rest.len == 0)
            return QUERY_END;
        pair = take_until(&query->rest, '&');
    } while (pair.len == 0);
    struct span name = take_until(&pair, '=');
    if (!decode_into(query, name, &parameter->name) || !decode_into(query, pair, &parameter->value))
        return QUERY_MALFORMED;
    return QUERY_PARAMETER;
}
