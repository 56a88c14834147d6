// SPDX-License-Identifier: Apache-2.0
/* api_watch.c - GET /v1/watch: the registry as it changes, as Server-Sent Events */
#include <assert.h>

#include "node/api.h"
#include "node/http_conn.h"
#include "node/watcher.h"

static bool has_room(struct api *api, struct http_exchange *exchange)
{
    if (api->watch.count < WATCH_SHARE(api->config->http_connections_max))
        return true;
    stat_add(&api->stats->watch_refused, 1);
    api_error(api, exchange, 503, "too many watch; try again soon, or another node");
    return false;
}

/* Browsers send the header when they come back, with the URL that they began with. */
static struct span last_event_id(const struct api *api, const struct http_request *request)
{
    struct span header = request->headers[HEADER_LAST_EVENT_ID];

    return header.len > 0 ? header : api->query.last_event_id;
}

static void put_header(struct buffer *out, const char *name, struct span value)
{
    buffer_add_text(out, name);
    buffer_add_span(out, value);
    buffer_add_text(out, "\r\n");
}

/* The request once more, no longer than it was, for the first thread to read. */
static void move(const struct http_request *request, struct http_exchange *exchange)
{
    struct http_conn *conn = exchange->conn;
    struct buffer text;

    buffer_init(&text, 2 * HTTP_HEAD_MAX_BYTES);
    buffer_add_text(&text, exchange->is_head_only ? "HEAD " : "GET ");
    buffer_add_span(&text, request->path);
    if (request->query.len > 0)
        buffer_add_text(&text, "?");
    buffer_add_span(&text, request->query);
    buffer_add_text(&text, exchange->is_http10 ? " HTTP/1.0\r\n" : " HTTP/1.1\r\n");
    if (request->headers[HEADER_HOST].data != NULL)
        put_header(&text, "Host:", request->headers[HEADER_HOST]);
    if (request->headers[HEADER_LAST_EVENT_ID].len > 0)
        put_header(&text, "Last-Event-ID:", request->headers[HEADER_LAST_EVENT_ID]);
    buffer_add_text(&text, "\r\n");
    assert(!text.is_full && conn->moving == NULL);
    conn->moving = http_arrival_new(text.data, text.len);
    buffer_free(&text);
    exchange->state = EXCHANGE_MOVES;
    conn->is_closing = true; /* here */
}

void api_v1_watch(struct api *api, const struct http_request *request,
                  struct http_exchange *exchange)
{
    struct http_answer answer = {.status = 200, .is_stream = true, .is_about_peers = true};
    struct http_conn *conn = exchange->conn;

    if (!api_is_ready(api, exchange))
        return;
    if (!peer_query_read(&api->query, request->query, PEER_QUERY_WATCH)) {
        api_error(api, exchange, 400, api->query.error);
        return;
    }
    if (api->is_stopping) {
        api_error(api, exchange, 503, "this node is stopping; try another");
        return;
    }
    if (api->options->number != HTTP_FIRST_THREAD) {
        move(request, exchange);
        return;
    }
    if (!has_room(api, exchange))
        return;
    /* The stream ends with its connection, so nothing can follow it there. */
    exchange->is_last = true;
    conn->is_closing = true;
    if (!exchange->is_head_only)
        conn->watcher =
            watcher_new(api, conn, watch_filter_new(&api->query), last_event_id(api, request));
    api_answer(api, exchange, &answer);
}
