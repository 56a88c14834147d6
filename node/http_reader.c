// SPDX-License-Identifier: Apache-2.0
/* http_reader.c - a connection's input side: from bytes to requests
 *
 * http-parser does the parsing and keeps its state between pieces. Its callbacks collect what we
 * need into conn->head and conn->body, and stop it where we disagree with its leniency. */
#include "node/http_reader.h"

#include <assert.h>
#include <string.h>
#include <strings.h>

#include "node/api.h"
#include "node/watcher.h"

#define KEEP_HEAD_BYTES 1024 /* more memory than that is not kept between requests */

static const struct {
    enum http_header header;
    const char *name;
} known_headers[] = {
    {HEADER_HOST, "host"},
    {HEADER_AUTHORIZATION, "authorization"},
    {HEADER_CONTENT_TYPE, "content-type"},
    {HEADER_CONTENT_ENCODING, "content-encoding"},
    {HEADER_EXPECT, "expect"},
    {HEADER_ACCEPT, "accept"},
    {HEADER_TRANSFER_ENCODING, "transfer-encoding"},
    {HEADER_IF_NONE_MATCH, "if-none-match"},
    {HEADER_LAST_EVENT_ID, "last-event-id"},
    {HEADER_PREFLIGHT_METHOD, "access-control-request-method"},
    {HEADER_PREFLIGHT_NETWORK, "access-control-request-private-network"},
};

static int refuse(struct http_conn *conn, unsigned status, const char *text)
{
    conn->refusal = status;
    conn->refusal_text = text;
    return -1;
}

/* --- Collecting ---------------------------------------------------------------------------- */

static int collect(struct http_conn *conn, struct http_piece *piece, const char *data, size_t len)
{
    if (!piece->is_set) {
        piece->is_set = true;
        piece->at = conn->head.len;
    }
    buffer_add(&conn->head, data, len);
    piece->len = conn->head.len - piece->at;
    return conn->head.is_full ? refuse(conn, 431, "the request's head is over 16 KiB") : 0;
}

static int on_begin(http_parser *parser)
{
    struct http_conn *conn = parser->data;

    buffer_clear(&conn->head);
    buffer_clear(&conn->body);
    memset(conn->headers, 0, sizeof conn->headers);
    conn->url = (struct http_piece){0};
    conn->header = HEADER_OTHER;
    conn->is_in_value = false;
    conn->field_len = 0;
    return 0;
}

static int on_url(http_parser *parser, const char *data, size_t len)
{
    struct http_conn *conn = parser->data;

    return collect(conn, &conn->url, data, len);
}

static int on_field(http_parser *parser, const char *data, size_t len)
{
    struct http_conn *conn = parser->data;

    if (conn->is_in_value) {
        conn->is_in_value = false;
        conn->field_len = 0;
    }
    /* http-parser lets it pass, and so would "Content-Length : 5" mean different things to us and
     * to a proxy in front of us. */
    if (memchr(data, ' ', len) != NULL)
        return refuse(conn, 400, "a header's name contains a space");
    size_t room = sizeof conn->field - conn->field_len;
    memcpy(conn->field + conn->field_len, data, len < room ? len : room);
    conn->field_len += len < room ? len : room;
    return 0;
}

static enum http_header header_of(const struct http_conn *conn)
{
    for (size_t i = 0; i < sizeof known_headers / sizeof known_headers[0]; i++)
        if (strlen(known_headers[i].name) == conn->field_len &&
            strncasecmp(known_headers[i].name, conn->field, conn->field_len) == 0)
            return known_headers[i].header;
    return HEADER_OTHER;
}

static bool is_list(enum http_header header)
{
    return header == HEADER_IF_NONE_MATCH || header == HEADER_ACCEPT;
}

static int on_value(http_parser *parser, const char *data, size_t len)
{
    struct http_conn *conn = parser->data;

    if (!conn->is_in_value) {
        conn->is_in_value = true;
        conn->header = header_of(conn);
        /* A list may come in several lines; of the others, two would be two meanings. */
        if (conn->headers[conn->header].is_set && conn->header != HEADER_OTHER)
            return is_list(conn->header) ? 0 : refuse(conn, 400, "a header is repeated");
    }
    if (conn->header == HEADER_OTHER)
        return 0;
    return collect(conn, &conn->headers[conn->header], data, len);
}

static struct span piece_span(const struct http_conn *conn, const struct http_piece *piece)
{
    if (!piece->is_set)
        return span_of(NULL, 0);
    return span_of(conn->head.data == NULL ? "" : conn->head.data + piece->at, piece->len);
}

static bool header_is(const struct http_conn *conn, enum http_header header, const char *value)
{
    struct span text = piece_span(conn, &conn->headers[header]);

    return text.len == strlen(value) && strncasecmp((const char *)text.data, value, text.len) == 0;
}

/* --- The end of the head ------------------------------------------------------------------- */

static struct http_exchange *exchange_add(struct http_conn *conn)
{
    struct http_exchange *exchange = api_exchange_new(conn->api);

    exchange->conn = conn;
    *(conn->last != NULL ? &conn->last->next : &conn->first) = exchange;
    conn->last = exchange;
    conn->exchange_count++;
    return exchange;
}

static void continue_send(struct http_conn *conn)
{
    static const char text[] = "HTTP/1.1 100 Continue\r\n\r\n";
    struct http_exchange *exchange = exchange_add(conn);

    exchange->is_interim = true;
    exchange->head_len = sizeof text - 1;
    memcpy(exchange->head, text, sizeof text - 1);
    http_conn_answered(conn, exchange);
}

static int check_head(struct http_conn *conn)
{
    const http_parser *parser = &conn->parser;
    bool has_length = parser->content_length != UINT64_MAX && !(parser->flags & F_CHUNKED);

    if (parser->http_major != 1)
        return refuse(conn, 505, "only HTTP/1.1 and HTTP/1.0 are spoken here");
    if (parser->http_minor >= 1 && !conn->headers[HEADER_HOST].is_set)
        return refuse(conn, 400, "Host: missing");
    if (conn->headers[HEADER_TRANSFER_ENCODING].is_set &&
        !header_is(conn, HEADER_TRANSFER_ENCODING, "chunked"))
        return refuse(conn, 501, "Transfer-Encoding: only chunked is understood");
    if (conn->headers[HEADER_EXPECT].is_set && !header_is(conn, HEADER_EXPECT, "100-continue"))
        return refuse(conn, 417, "Expect: only 100-continue is understood");
    if (has_length && parser->content_length > HTTP_BODY_MAX_BYTES)
        return refuse(conn, 413, "the body is over 64 KiB");
    return 0;
}

static int on_head(http_parser *parser)
{
    struct http_conn *conn = parser->data;

    if (check_head(conn) != 0)
        return -1;
    /* We never change protocols: what follows is a request like any other. */
    parser->upgrade = 0;
    bool has_body = (parser->flags & F_CHUNKED) != 0 ||
                    (parser->content_length > 0 && parser->content_length != UINT64_MAX);
    if (has_body && parser->http_minor >= 1 && conn->headers[HEADER_EXPECT].is_set)
        continue_send(conn);
    conn->read_deadline_ms = conn->api->now_mono_ms + HTTP_BODY_MS;
    return 0;
}

static int on_body(http_parser *parser, const char *data, size_t len)
{
    struct http_conn *conn = parser->data;

    buffer_add(&conn->body, data, len);
    return conn->body.is_full ? refuse(conn, 413, "the body is over 64 KiB") : 0;
}

/* Stops the parser behind the request, which is then answered before the next one is read. */
static int on_complete(http_parser *parser)
{
    http_parser_pause(parser, 1);
    return 0;
}

/* --- A whole request ----------------------------------------------------------------------- */

static enum http_request_method method_of(const http_parser *parser)
{
    switch (parser->method) {
    case HTTP_GET: return METHOD_GET;
    case HTTP_HEAD: return METHOD_HEAD;
    case HTTP_POST: return METHOD_POST;
    case HTTP_DELETE: return METHOD_DELETE;
    case HTTP_OPTIONS: return METHOD_OPTIONS;
    default: return METHOD_OTHER;
    }
}

/* The path of "http://host/path?query" as well as of "/path?query" (RFC 9112, section 3.2). */
static struct span target_path(struct span target)
{
    static const char scheme[] = "http://";
    size_t at = sizeof scheme - 1;

    if (target.len < at || strncasecmp((const char *)target.data, scheme, at) != 0)
        return target;
    while (at < target.len && target.data[at] != '/' && target.data[at] != '?')
        at++;
    return span_of(target.data + at, target.len - at);
}

static void target_split(struct http_request *request, struct span target)
{
    const uint8_t *hash = target.len > 0 ? memchr(target.data, '#', target.len) : NULL;

    if (hash != NULL)
        target.len = (size_t)(hash - target.data);
    target = target_path(target);
    const uint8_t *mark = target.len > 0 ? memchr(target.data, '?', target.len) : NULL;
    size_t path_len = mark != NULL ? (size_t)(mark - target.data) : target.len;
    request->path = path_len > 0 ? span_of(target.data, path_len) : span_of("/", 1);
    request->query = mark != NULL ? span_of(mark + 1, target.len - path_len - 1) : span_of("", 0);
}

static void request_done(struct http_conn *conn)
{
    if (conn->head.capacity > KEEP_HEAD_BYTES || conn->watcher != NULL) {
        buffer_free(&conn->head);
        buffer_free(&conn->repeat); /* it stands for that head */
    }
    buffer_free(&conn->body);
    conn->is_reading = false;
}

static void request_dispatch(struct http_conn *conn)
{
    struct http_request request = {
        .method = method_of(&conn->parser),
        .body = buffer_span(&conn->body),
        .from = conn->from,
    };
    struct http_exchange *exchange = exchange_add(conn);

    target_split(&request, piece_span(conn, &conn->url));
    for (size_t i = 0; i < HEADERS; i++)
        request.headers[i] = piece_span(conn, &conn->headers[i]);
    exchange->is_head_only = request.method == METHOD_HEAD;
    exchange->is_http10 = conn->parser.http_minor == 0;
    exchange->is_last = !http_should_keep_alive(&conn->parser) ||
                        conn->parser.method == HTTP_CONNECT || api_is_stopping(conn->api);
    if (exchange->is_last)
        conn->is_closing = true;
    api_handle(conn->api, &request, exchange);
    assert(exchange->state != EXCHANGE_OPEN);
    request_done(conn);
}

/* --- Bytes --------------------------------------------------------------------------------- */

void http_reader_refuse(struct http_conn *conn, unsigned status, const char *text)
{
    struct http_exchange *exchange = exchange_add(conn);

    exchange->is_last = true;
    conn->is_closing = true;
    conn->was_refused = true;
    stat_add(&conn->api->stats->requests_malformed, 1);
    api_error(conn->api, exchange, status, text);
    request_done(conn);
}

static void refuse_parse(struct http_conn *conn)
{
    if (conn->refusal != 0) {
        http_reader_refuse(conn, conn->refusal, conn->refusal_text);
        return;
    }
    switch (HTTP_PARSER_ERRNO(&conn->parser)) {
    case HPE_HEADER_OVERFLOW:
        http_reader_refuse(conn, 431, "the request's head is over 16 KiB");
        break;
    case HPE_INVALID_VERSION:
        http_reader_refuse(conn, 505, "only HTTP/1.1 and HTTP/1.0 are spoken here");
        break;
    case HPE_INVALID_TRANSFER_ENCODING:
        http_reader_refuse(conn, 501, "Transfer-Encoding: only chunked is understood");
        break;
    case HPE_INVALID_CONTENT_LENGTH:
    case HPE_UNEXPECTED_CONTENT_LENGTH:
        http_reader_refuse(conn, 400, "Content-Length: malformed, repeated, or beside chunks");
        break;
    case HPE_INVALID_CHUNK_SIZE:
        http_reader_refuse(conn, 400, "the body's chunks are malformed");
        break;
    default:
        http_reader_refuse(conn, 400, http_errno_description(HTTP_PARSER_ERRNO(&conn->parser)));
        break;
    }
}

/* --- The same again ------------------------------------------------------------------------ */

/* Who keeps a connection alive mostly asks the same again, to the byte. What the last request was
 * parsed into is still there then, and the parser, a tenth of the work for a short answer, has
 * nothing to add: a request without a body ends where its head does, whatever follows. */
static bool is_repeated(const struct http_conn *conn, const char *data, size_t len)
{
    const struct buffer *last = &conn->repeat;

    return last->len > 0 && len >= last->len && memcmp(data, last->data, last->len) == 0;
}

/* The request in `data` came in one piece, and has been answered or waits for its answer. */
static void remember(struct http_conn *conn, const char *data, size_t len)
{
    bool has_body = (conn->parser.flags & (F_CHUNKED | F_CONTENTLENGTH)) != 0;

    buffer_clear(&conn->repeat);
    if (!has_body && conn->head.len > 0 && !conn->is_closing)
        buffer_add(&conn->repeat, data, len);
}

/* Blank lines between requests are none (RFC 9112, section 2.2). */
static size_t skip_blank(const struct http_conn *conn, const char *data, size_t len)
{
    size_t at = 0;

    while (!conn->is_reading && at < len && (data[at] == '\r' || data[at] == '\n'))
        at++;
    return at;
}

static const http_parser_settings settings = {
    .on_message_begin = on_begin,
    .on_url = on_url,
    .on_header_field = on_field,
    .on_header_value = on_value,
    .on_headers_complete = on_head,
    .on_body = on_body,
    .on_message_complete = on_complete,
};

/* Up to the end of one request, or of the bytes. Returns how many were taken. */
static size_t feed_some(struct http_conn *conn, const char *data, size_t len, uint64_t now_ms)
{
    size_t skipped = skip_blank(conn, data, len);

    if (skipped == len)
        return len;
    data += skipped;
    len -= skipped;
    bool is_first = !conn->is_reading;
    if (is_first && is_repeated(conn, data, len)) {
        size_t taken = conn->repeat.len;

        request_dispatch(conn);
        return skipped + taken;
    }
    if (is_first) {
        conn->is_reading = true;
        conn->read_deadline_ms = now_ms + HTTP_HEAD_MS;
    }
    size_t taken = http_parser_execute(&conn->parser, &settings, data, len);
    enum http_errno error = HTTP_PARSER_ERRNO(&conn->parser);
    if (error == HPE_PAUSED) {
        http_parser_pause(&conn->parser, 0);
        request_dispatch(conn);
        remember(conn, data, is_first ? taken : 0);
    } else if (error != HPE_OK) {
        refuse_parse(conn);
        return skipped + len;
    }
    return skipped + taken;
}

size_t http_conn_feed(struct http_conn *conn, const void *data, size_t len, uint64_t now_ms)
{
    size_t at = 0;

    while (at < len && http_conn_may_read(conn)) {
        size_t taken = feed_some(conn, (const char *)data + at, len - at, now_ms);

        assert(taken > 0 && taken <= len - at);
        at += taken;
    }
    return conn->is_closing ? len : at;
}

void http_conn_end(struct http_conn *conn, uint64_t now_ms)
{
    (void)now_ms;
    if (conn->watcher != NULL)
        watcher_abandon(conn->watcher);
    if (conn->is_closing)
        return;
    if (conn->is_reading)
        http_reader_refuse(conn, 400, "the request ends before it is complete");
    conn->is_closing = true;
}

void http_reader_init(struct http_conn *conn)
{
    http_parser_init(&conn->parser, HTTP_REQUEST);
    conn->parser.data = conn;
}
