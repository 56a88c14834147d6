// SPDX-License-Identifier: Apache-2.0
/* http_request.h - a request as a value: whole, checked as HTTP, not yet understood */
#ifndef AURORA_NODE_HTTP_REQUEST_H
#define AURORA_NODE_HTTP_REQUEST_H

#include <stdbool.h>

#include "gossip/addr.h"
#include "gossip/span.h"

#define HTTP_HEAD_MAX_BYTES (16u << 10) /* request line and headers together */
#define HTTP_BODY_MAX_BYTES (64u << 10)

enum http_request_method {
    METHOD_OTHER = 0,
    METHOD_GET,
    METHOD_HEAD,
    METHOD_POST,
    METHOD_DELETE,
    METHOD_OPTIONS
};

/* The headers that mean something here; all others are skipped. */
enum http_header {
    HEADER_OTHER = 0,
    HEADER_HOST,
    HEADER_AUTHORIZATION,
    HEADER_CONTENT_TYPE,
    HEADER_CONTENT_ENCODING,
    HEADER_EXPECT,
    HEADER_ACCEPT,
    HEADER_TRANSFER_ENCODING,
    HEADER_IF_NONE_MATCH,
    HEADER_LAST_EVENT_ID,
    HEADER_PREFLIGHT_METHOD,  /* Access-Control-Request-Method */
    HEADER_PREFLIGHT_NETWORK, /* Access-Control-Request-Private-Network */
    HEADERS
};

/* Spans live until the request is answered or set waiting. */
struct http_request {
    enum http_request_method method;
    struct span path;             /* still percent-encoded; begins with "/", or is "*" */
    struct span query;            /* after the "?"; still encoded */
    struct span headers[HEADERS]; /* data NULL: absent */
    struct span body;
    struct addr from;
};

#endif
