// SPDX-License-Identifier: Apache-2.0
/* http_query.h - percent-decoding, and the parameters of a query one by one */
#ifndef AURORA_NODE_HTTP_QUERY_H
#define AURORA_NODE_HTTP_QUERY_H

#include <stdbool.h>
#include <stddef.h>

#include "gossip/span.h"

/* Decodes into `out`, which has room for text.len bytes (it never grows). `plus_is_space`: in
 * queries, not in paths. False: a "%" without two hexadecimal digits. */
bool percent_decode(struct span text, bool plus_is_space, char *out, size_t *len);

struct http_query {
    struct span rest; /* what was not read yet */
    char *room;       /* where decoded names and values go */
};

struct http_parameter {
    struct span name, value; /* in the room */
};

enum http_query_next { QUERY_END = 0, QUERY_PARAMETER, QUERY_MALFORMED };

/* `query` is what follows the "?"; `room` has query.len bytes and outlives the parameters. */
void http_query_begin(struct http_query *, struct span query, char *room);
/* Empty parameters ("a=1&&b=2") are skipped; one without "=" has an empty value. */
enum http_query_next http_query_next(struct http_query *, struct http_parameter *);

#endif
