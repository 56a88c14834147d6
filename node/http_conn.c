// SPDX-License-Identifier: Apache-2.0
/* http_conn.c - one HTTP/1.1 connection as a value: what is sent, and when it ends */
#include "node/http_conn.h"

#include <assert.h>
#include <string.h>

#include "gossip/mem.h"
#include "node/api.h"
#include "node/http_reader.h"
#include "node/watcher.h"

void http_conn_init(struct http_conn *conn, struct api *api, const struct addr *from,
                    uint64_t now_ms)
{
    memset(conn, 0, sizeof *conn);
    conn->api = api;
    conn->from = *from;
    conn->read_deadline_ms = now_ms + HTTP_IDLE_MS;
    buffer_init(&conn->head, HTTP_HEAD_MAX_BYTES);
    buffer_init(&conn->body, HTTP_BODY_MAX_BYTES);
    buffer_init(&conn->repeat, HTTP_REPEAT_MAX_BYTES);
    http_reader_init(conn);
}

void http_conn_free(struct http_conn *conn)
{
    while (conn->first != NULL) {
        struct http_exchange *exchange = conn->first;

        conn->first = exchange->next;
        api_exchange_free(conn->api, exchange);
    }
    if (conn->watcher != NULL)
        watcher_free(conn->watcher);
    mem_free(conn->moving);
    api_clean(conn->api, conn);
    buffer_free(&conn->head);
    buffer_free(&conn->body);
    buffer_free(&conn->repeat);
}

bool http_conn_may_read(const struct http_conn *conn)
{
    return !conn->is_closing && conn->exchange_count < HTTP_EXCHANGES_MAX &&
           conn->unsent_bytes < HTTP_UNSENT_MAX_BYTES;
}

bool http_conn_listens(const struct http_conn *conn)
{
    return http_conn_may_read(conn) || conn->watcher != NULL;
}

static bool is_watching(const struct http_conn *conn)
{
    return conn->watcher != NULL && conn->first == NULL;
}

/* --- Sending ------------------------------------------------------------------------------- */

static size_t exchange_body_bytes(const struct http_exchange *exchange)
{
    return exchange->body == NULL || exchange->is_head_only ? 0 : exchange->body->len;
}

void http_conn_answered(struct http_conn *conn, struct http_exchange *exchange)
{
    assert(exchange->conn == conn && exchange->state == EXCHANGE_OPEN && exchange->head_len > 0);
    exchange->state = EXCHANGE_READY;
    if (conn->unsent_bytes == 0) {
        conn->write_deadline_ms = conn->api->now_mono_ms + HTTP_WRITE_MS;
        conn->write_step_bytes = 0;
    }
    conn->unsent_bytes += exchange->head_len + exchange_body_bytes(exchange);
    api_dirty(conn->api, conn);
}

/* The part of (data, len) that lies behind *skip; *skip shrinks by what it covers. */
static int put_piece(struct iovec *iov, const char *data, size_t len, size_t *skip)
{
    size_t skipped = *skip < len ? *skip : len;

    *skip -= skipped;
    if (skipped == len)
        return 0;
    iov->iov_base = (void *)(uintptr_t)(data + skipped);
    iov->iov_len = len - skipped;
    return 1;
}

static bool has_file(const struct http_exchange *exchange)
{
    return exchange_body_bytes(exchange) > 0 && exchange->body->file >= 0;
}

int http_conn_file(const struct http_conn *conn, size_t *at, size_t *len)
{
    const struct http_exchange *first = conn->first;

    *at = *len = 0;
    if (first == NULL || first->state != EXCHANGE_READY || !has_file(first))
        return -1;
    if (first->sent >= first->head_len) {
        *at = first->sent - first->head_len;
        *len = first->body->len - *at;
    }
    return first->body->file;
}

/* An answer from a file has its head and its body for itself. */
int http_conn_output(const struct http_conn *conn, struct iovec *iov, int max)
{
    int count = 0;

    assert(max >= 2);
    if (is_watching(conn))
        return watcher_output(conn->watcher, iov, max);
    for (const struct http_exchange *exchange = conn->first;
         exchange != NULL && exchange->state == EXCHANGE_READY && count + 2 <= max;
         exchange = exchange->next) {
        size_t skip = exchange->sent, body_bytes = exchange_body_bytes(exchange);

        if (has_file(exchange) && count > 0)
            break;
        count += put_piece(iov + count, exchange->head, exchange->head_len, &skip);
        if (has_file(exchange) && count > 0)
            break;
        if (body_bytes > 0)
            count += put_piece(iov + count, exchange->body->data, body_bytes, &skip);
    }
    return count;
}

bool http_conn_settle(struct http_conn *conn)
{
    if (is_watching(conn))
        return watcher_settle(conn->watcher);
    return conn->first != NULL && conn->first->state == EXCHANGE_READY;
}

/* A reader that takes a step's worth in time may go on; one that takes a byte now and then not. */
static void write_progress(struct http_conn *conn, size_t len, uint64_t now_ms)
{
    assert(len <= conn->unsent_bytes);
    conn->unsent_bytes -= len;
    conn->write_step_bytes += len;
    if (conn->write_step_bytes < HTTP_WRITE_STEP_BYTES)
        return;
    conn->write_step_bytes = 0;
    conn->write_deadline_ms = now_ms + HTTP_WRITE_MS;
}

static void exchange_finish(struct http_conn *conn, struct http_exchange *exchange, uint64_t now_ms)
{
    conn->first = exchange->next;
    if (conn->first == NULL)
        conn->last = NULL;
    conn->exchange_count--;
    if (exchange->is_last)
        conn->is_closing = true;
    if (!conn->is_reading && conn->first == NULL)
        conn->read_deadline_ms = now_ms + HTTP_IDLE_MS;
    api_exchange_free(conn->api, exchange);
}

void http_conn_sent(struct http_conn *conn, size_t len, uint64_t now_ms)
{
    if (is_watching(conn)) {
        watcher_sent(conn->watcher, len);
        return;
    }
    write_progress(conn, len, now_ms);
    while (conn->first != NULL && conn->first->state == EXCHANGE_READY) {
        struct http_exchange *exchange = conn->first;
        size_t left = exchange->head_len + exchange_body_bytes(exchange) - exchange->sent;

        if (len < left) {
            exchange->sent += len;
            return;
        }
        len -= left;
        exchange_finish(conn, exchange, now_ms);
    }
    assert(len == 0);
}

bool http_conn_is_done(const struct http_conn *conn)
{
    return conn->is_closing && conn->first == NULL &&
           (conn->watcher == NULL || watcher_is_done(conn->watcher));
}

bool http_conn_is_moving(const struct http_conn *conn)
{
    return conn->first != NULL && conn->first->state == EXCHANGE_MOVES;
}

void http_conn_retire(struct http_conn *conn)
{
    assert(http_conn_is_done(conn));
    if (conn->watcher != NULL)
        watcher_free(conn->watcher);
    conn->watcher = NULL;
}

/* --- Deadlines ----------------------------------------------------------------------------- */

enum http_conn_fate http_conn_on_time(struct http_conn *conn, uint64_t now_ms)
{
    if (is_watching(conn))
        return watcher_on_time(conn->watcher) ? CONN_STAYS : CONN_GOES;
    if (conn->unsent_bytes > 0 && now_ms >= conn->write_deadline_ms)
        return CONN_GOES;
    /* While we do not read, being late is not the client's fault. */
    if (!http_conn_may_read(conn) || now_ms < conn->read_deadline_ms)
        return CONN_STAYS;
    if (conn->is_reading) {
        http_reader_refuse(conn, 408, "the request took too long to arrive");
        return CONN_SPEAKS;
    }
    return conn->first == NULL ? CONN_GOES : CONN_STAYS;
}
