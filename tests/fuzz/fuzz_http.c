// SPDX-License-Identifier: Apache-2.0
/* fuzz_http.c - bytes from strangers on an HTTP connection, through every route
 *
 * The first two bytes say in what pieces the rest arrives. It is fed once whole and once in pieces,
 * to a node with a few peers whose core accepts everything. Both times the answers must have the
 * same statuses, be framed as they say, and hold valid JSON where they say JSON.
 */
#include "node/json_scan.h"
#include "tests/node/http_stage.h"

#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

#define STATUSES_MAX 4096

struct heard {
    unsigned statuses[STATUSES_MAX];
    size_t count;
    struct buffer text;
    bool heads[STATUSES_MAX]; /* the answer was to a HEAD: no body follows */
};

static void require(int truth)
{
    if (!truth)
        abort();
}

/* One stage for all runs: a new one would cost more than what is tested. Every run begins with the
 * same peers and no past. */
static struct http_stage *scene(void)
{
    static struct http_stage *stage;
    const struct peer_order_place first = {0, 0};
    struct peer_order_place place = first;
    struct view_peer *peer;
    char id[PEER_ID_MAX_BYTES + 1];

    if (stage == NULL)
        stage = stage_new();
    while ((peer = peer_order_next(&stage->api.view.peers, &place)) != NULL) {
        struct span peer_id = view_peer_id(peer);

        memcpy(id, peer_id.data, peer_id.len);
        id[peer_id.len] = '\0';
        stage_peer_gone(stage, id, PEER_DOWN_DEREGISTERED);
        place = first;
    }
    stage->api.why.count = 0;
    stage_peer(stage, STAGE_OWN, "mine", "a b", "{\"k\":\"v\",\"n\":1}");
    stage_peer(stage, STAGE_OTHER, "theirs", "a", "{}");
    stage_peer(stage, STAGE_OTHER, "x/y z", "c", "");
    stage_home(stage, STAGE_OTHER, HOME_DOUBTED, STAGE_WALL_MS);
    return stage;
}

/* The value of a header in this head, or NULL. */
static const char *header_value(const char *head, const char *name)
{
    const char *line = strstr(head, name);

    return line == NULL ? NULL : line + strlen(name);
}

/* One answer, which is all ready; returns its length. */
static size_t check_answer(struct heard *heard, const char *text, size_t len, bool is_head)
{
    const char *end = memmem(text, len, "\r\n\r\n", 4);

    require(end != NULL && strncmp(text, "HTTP/1.1 ", 9) == 0);
    size_t head_len = (size_t)(end - text) + 4, body_len = 0;
    char *head = strndup(text, head_len);
    unsigned status = (unsigned)strtoul(head + 9, NULL, 10);
    const char *length = header_value(head, "\r\nContent-Length: ");

    bool is_stream = header_value(head, "\r\nContent-Type: text/event-stream\r\n") != NULL;

    require(status == 100 || status == 304 || is_stream == (length == NULL));
    if (length != NULL && !is_head)
        body_len = strtoul(length, NULL, 10);
    require(body_len <= len - head_len);
    if (body_len > 0 && header_value(head, "\r\nContent-Type: application/json") != NULL)
        require(json_scan_is_valid(span_of(text + head_len, body_len), NULL));
    free(head);
    require(status != 500);
    if (status != 100 && heard->count < STATUSES_MAX)
        heard->statuses[heard->count++] = status;
    return head_len + body_len;
}

/* Whole events, each of lines that begin as they may. */
static void hear_stream(struct http_conn *conn)
{
    char *text = stage_hear(conn);
    size_t len = strlen(text);

    require(len == 0 || (len > 2 && strcmp(text + len - 2, "\n\n") == 0));
    for (const char *line = text; *line != '\0'; line = strchr(line, '\n') + 1)
        require(*line == '\n' || *line == ':' || strncmp(line, "event: ", 7) == 0 ||
                strncmp(line, "id: ", 4) == 0 || strncmp(line, "retry: ", 7) == 0 ||
                (strncmp(line, "data: {", 7) == 0));
    free(text);
}

static void hear(struct heard *heard, struct http_conn *conn)
{
    struct iovec pieces[2];

    while (conn->first != NULL && conn->first->state == EXCHANGE_READY) {
        const struct http_exchange *exchange = conn->first;
        bool is_head = exchange->is_head_only;
        size_t left =
            exchange->head_len + (exchange->body == NULL || is_head ? 0 : exchange->body->len);
        struct buffer text;

        require(exchange->sent == 0);
        buffer_init(&text, left);
        while (left > 0) {
            int count = http_conn_output(conn, pieces, 2);
            require(count >= 1);
            size_t taken = pieces[0].iov_len < left ? pieces[0].iov_len : left;
            buffer_add(&text, pieces[0].iov_base, taken);
            http_conn_sent(conn, taken, conn->api->now_mono_ms);
            left -= taken;
        }
        require(check_answer(heard, text.data, text.len, is_head) == text.len);
        buffer_free(&text);
    }
    if (conn->first == NULL && conn->watcher != NULL)
        hear_stream(conn);
}

/* `data` is a copy of its own, so that reading past it is noticed. */
static void feed(struct http_stage *stage, struct http_conn *conn, struct heard *heard,
                 const uint8_t *data, size_t len)
{
    size_t at = 0;

    while ((at += http_conn_feed(conn, data + at, len - at, stage->mono_ms)) < len) {
        stage_obey(stage);
        hear(heard, conn);
    }
}

static void feed_copy(struct http_stage *stage, struct http_conn *conn, struct heard *heard,
                      const uint8_t *data, size_t len)
{
    uint8_t *copy = malloc(len);

    require(copy != NULL);
    memcpy(copy, data, len);
    feed(stage, conn, heard, copy, len);
    free(copy);
}

static void play(struct heard *heard, const uint8_t *data, size_t size, size_t first, size_t step)
{
    struct http_stage *stage = scene();
    struct http_conn *conn = stage_connect(stage);

    heard->count = 0;
    for (size_t at = 0; at < size;) {
        size_t len = at == 0 ? first : step;

        len = len == 0 || len > size - at ? size - at : len;
        feed_copy(stage, conn, heard, data + at, len);
        at += len;
    }
    http_conn_end(conn, stage->mono_ms);
    stage_obey(stage);
    hear(heard, conn);
    require(http_conn_is_done(conn));
    stage_disconnect(conn);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static struct heard whole, pieces;

    if (size < 3)
        return 0;
    play(&whole, data + 2, size - 2, 0, 0);
    play(&pieces, data + 2, size - 2, data[0] + 1u, data[1] + 1u);
    require(whole.count == pieces.count);
    require(memcmp(whole.statuses, pieces.statuses, whole.count * sizeof whole.statuses[0]) == 0);
    return 0;
}
