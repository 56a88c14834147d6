// SPDX-License-Identifier: Apache-2.0
/* http_conn.h - one HTTP/1.1 connection as a value: bytes and the time in, answers out
 *
 * It knows no socket. Requests are read from whatever pieces the bytes come in, handed to the API
 * (api_handle) one by one, and their answers are sent in the order of the requests. Everything is
 * bounded: head, body, requests under way, bytes not yet sent, and the time each may take. */
#ifndef AURORA_NODE_HTTP_CONN_H
#define AURORA_NODE_HTTP_CONN_H

#include <http_parser.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/uio.h>

#include "gossip/addr.h"
#include "node/buffer.h"
#include "node/http_exchange.h"
#include "node/http_request.h"

#define HTTP_EXCHANGES_MAX    32           /* pipelined requests under way; then we stop reading */
#define HTTP_UNSENT_MAX_BYTES (256u << 10) /* the same for answers; one answer may be larger */
#define HTTP_HEAD_MS          10000        /* from a request's first byte to the end of its head */
#define HTTP_BODY_MS          15000        /* and of its body */
#define HTTP_IDLE_MS          75000        /* between requests */
#define HTTP_WRITE_MS         20000        /* for the next HTTP_WRITE_STEP_BYTES, or all there is */
#define HTTP_WRITE_STEP_BYTES 32768
#define HTTP_FIELD_MAX_BYTES  40  /* longest header name that we know, and some */
#define HTTP_REPEAT_MAX_BYTES 512 /* of a request; a browser's head is about as long */

struct api;
struct watcher;

/* Bytes in conn->head; `is_set`: the header was there, if only empty. */
struct http_piece {
    size_t at, len;
    bool is_set;
};

struct http_conn {
    struct api *api;
    struct addr from;

    http_parser parser;
    struct buffer head, body; /* of the request that is being read */
    struct buffer repeat;     /* the bytes of the last one, if the same may be answered again */
    struct http_piece url, headers[HEADERS];
    enum http_header header; /* whose value is being read */
    bool is_in_value;
    size_t field_len;
    char field[HTTP_FIELD_MAX_BYTES];
    bool is_reading;  /* a request has begun and is not complete */
    unsigned refusal; /* status; 0: none. Set by the parser's callbacks, told after it returns */
    const char *refusal_text;

    struct http_exchange *first, *last;
    size_t exchange_count, unsent_bytes;
    bool is_closing;  /* no more requests: the last one has come, or there is no telling where the
                         next would begin */
    bool was_refused; /* there may be input that nobody will read */

    struct http_arrival *moving; /* owned: what EXCHANGE_MOVES takes along */
    struct watcher *watcher;     /* owned; it speaks when no exchange does, and is the last to */

    uint64_t read_deadline_ms, write_deadline_ms;
    size_t write_step_bytes; /* sent since write_deadline_ms was set */

    struct http_conn *next_dirty; /* api->dirty: has answers that nobody has tried to send */
    bool is_dirty;
};

void http_conn_init(struct http_conn *, struct api *, const struct addr *from, uint64_t now_ms);
/* Its waiting exchanges are forgotten. */
void http_conn_free(struct http_conn *);

/* Returns how many bytes it took: fewer than `len` only while http_conn_may_read is false. A
 * connection that is_closing takes everything and looks at nothing. */
size_t http_conn_feed(struct http_conn *, const void *data, size_t len, uint64_t now_ms);
bool http_conn_may_read(const struct http_conn *);
/* The same, or somebody watches: what is read then only tells that the client still is there. */
bool http_conn_listens(const struct http_conn *);
/* The client will send no more. What is half said gets an answer that says so; who watches has
 * gone. */
void http_conn_end(struct http_conn *, uint64_t now_ms);

/* What may be sent now; returns how many of iov's `max` pieces (2 at least) were filled. */
int http_conn_output(const struct http_conn *, struct iovec *iov, int max);
/* The file that the answer whose turn it is has its body in; -1: none. `len` bytes from `at` on are
 * left to be sent; 0: the head comes first (and so http_conn_output ends behind it). */
int http_conn_file(const struct http_conn *, size_t *at, size_t *len);
/* So many of those bytes have been sent. */
void http_conn_sent(struct http_conn *, size_t len, uint64_t now_ms);
/* After all was sent that the socket takes: does it have to be told when that takes more? */
bool http_conn_settle(struct http_conn *);
/* Nothing more to say, now or later. */
bool http_conn_is_done(const struct http_conn *);
/* All before is said, and what comes next is another thread's to say: moving says what. */
bool http_conn_is_moving(const struct http_conn *);
/* It is done: nobody watches here any more. */
void http_conn_retire(struct http_conn *);

enum http_conn_fate {
    CONN_STAYS = 0,
    CONN_SPEAKS, /* it was cut off, and has an answer (408) to send first */
    CONN_GOES,   /* close it: the client does not read, or was idle for too long */
};
/* To be called now and then: are its deadlines past? */
enum http_conn_fate http_conn_on_time(struct http_conn *, uint64_t now_ms);

/* For the API: the exchange, once OPEN, has its answer. */
void http_conn_answered(struct http_conn *, struct http_exchange *);

#endif
