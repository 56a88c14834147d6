// SPDX-License-Identifier: Apache-2.0
/* http_answer.c - an answer's status line and headers */
#include <assert.h>
#include <string.h>

#include "node/api.h"
#include "node/cors.h"
#include "node/http_conn.h"
#include "node/view_text.h"

/* Everything that goes in is bounded, so the head always has room: the asserts keep us honest. */
static void put(struct http_exchange *exchange, const char *text, size_t len)
{
    assert(len <= sizeof exchange->head - exchange->head_len);
    memcpy(exchange->head + exchange->head_len, text, len);
    exchange->head_len += len;
}

static void put_text(struct http_exchange *exchange, const char *text)
{
    put(exchange, text, strlen(text));
}

static void put_number(struct http_exchange *exchange, uint64_t value)
{
    char digits[20];
    size_t at = sizeof digits;

    do {
        digits[--at] = (char)('0' + value % 10);
        value /= 10;
    } while (value > 0);
    put(exchange, digits + at, sizeof digits - at);
}

/* Names, and most values, are literals: their lengths are the compiler's work, for there are a
 * dozen headers in each answer. */
#define PUT(exchange, literal)      put(exchange, "" literal, sizeof literal - 1)
#define PUT_LINE(exchange, literal) PUT(exchange, literal "\r\n")
#define PUT_HEADER(exchange, name, value) \
    (PUT(exchange, name ": "), put_text(exchange, value), PUT_LINE(exchange, ""))

static const char *reason_of(unsigned status)
{
    switch (status) {
#define REASON(number, name, text) \
    case number: return #text;
        HTTP_STATUS_MAP(REASON)
#undef REASON
    default: return "Unknown";
    }
}

static void put_status(struct http_exchange *exchange, unsigned status)
{
    if (status == 200) {
        PUT_LINE(exchange, "HTTP/1.1 200 OK");
        return;
    }
    PUT(exchange, "HTTP/1.1 ");
    put_number(exchange, status);
    PUT(exchange, " ");
    put_text(exchange, reason_of(status));
    PUT_LINE(exchange, "");
}

static void put_peers_headers(struct api *api, struct http_exchange *exchange,
                              const struct http_answer *answer)
{
    char digest[VIEW_DIGEST_TEXT_BYTES];

    PUT_HEADER(exchange, "X-Aurora-View", view_digest_text(&api->view, digest));
    PUT_HEADER(exchange, "X-Aurora-Converged", api->view.status.converged ? "true" : "false");
    if (answer->is_cut)
        PUT_LINE(exchange, "X-Aurora-Truncated: true");
}

static void put_rare_headers(struct http_exchange *exchange, const struct http_answer *answer)
{
    if (answer->etag != NULL) {
        PUT_HEADER(exchange, "ETag", answer->etag);
        PUT_LINE(exchange, "Cache-Control: no-cache");
    }
    if (answer->retry_after_s > 0) {
        PUT(exchange, "Retry-After: ");
        put_number(exchange, answer->retry_after_s);
        PUT_LINE(exchange, "");
    }
    if (answer->allow != NULL)
        PUT_HEADER(exchange, "Allow", answer->allow);
    if (answer->wants_token)
        PUT_LINE(exchange, "WWW-Authenticate: Bearer");
    if (answer->headers != NULL)
        put_text(exchange, answer->headers);
}

static void put_body_headers(struct http_exchange *exchange, const struct http_answer *answer)
{
    bool has_type = answer->body != NULL && answer->body->len > 0;

    if (answer->status == 304)
        return;
    if (answer->is_stream) { /* proxies shall neither keep it nor hold it back */
        PUT_LINE(exchange, "Content-Type: text/event-stream");
        PUT_LINE(exchange, "Cache-Control: no-store");
        PUT_LINE(exchange, "X-Accel-Buffering: no");
        return;
    }
    if (has_type)
        PUT_HEADER(exchange, "Content-Type",
                   answer->type != NULL ? answer->type : "application/json");
    PUT(exchange, "Content-Length: ");
    put_number(exchange, answer->body != NULL ? answer->body->len : 0);
    PUT_LINE(exchange, "");
}

static void put_cors(struct api *api, struct http_exchange *exchange,
                     const struct http_answer *answer)
{
    const char *origin = api->config->cors_origin;

    PUT_HEADER(exchange, "Access-Control-Allow-Origin", origin);
    if (strcmp(origin, "*") != 0)
        PUT_LINE(exchange, "Vary: Origin");
    if (!answer->is_preflight) {
        PUT_LINE(exchange, "Access-Control-Expose-Headers: " CORS_EXPOSED);
        return;
    }
    PUT_LINE(exchange, "Access-Control-Allow-Methods: " CORS_METHODS);
    PUT_LINE(exchange, "Access-Control-Allow-Headers: " CORS_HEADERS);
    PUT_LINE(exchange, "Access-Control-Max-Age: " CORS_MAX_AGE);
    if (answer->allows_private_network)
        PUT_LINE(exchange, "Access-Control-Allow-Private-Network: true");
}

void api_answer(struct api *api, struct http_exchange *exchange, const struct http_answer *answer)
{
    assert(exchange->state == EXCHANGE_OPEN && exchange->head_len == 0);
    assert(answer->status >= HTTP_STATUS_FIRST && answer->status < HTTP_STATUS_END);
    if (api->is_stopping)
        exchange->is_last = true;
    put_status(exchange, answer->status);
    PUT_HEADER(exchange, "Date", api->date);
    put_body_headers(exchange, answer);
    put_cors(api, exchange, answer);
    if (answer->is_about_peers)
        put_peers_headers(api, exchange, answer);
    put_rare_headers(exchange, answer);
    if (exchange->is_last)
        PUT_LINE(exchange, "Connection: close");
    else if (exchange->is_http10)
        PUT_LINE(exchange, "Connection: keep-alive");
    PUT_LINE(exchange, "");
    exchange->body = answer->body;
    stat_add(&api->stats->requests, 1);
    stat_add(&api->stats->by_status[answer->status - HTTP_STATUS_FIRST], 1);
    http_conn_answered(exchange->conn, exchange);
}
