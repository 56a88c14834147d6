// SPDX-License-Identifier: Apache-2.0
/* http_exchange.h - one request of a connection and its answer, from arrival to the last byte sent
 *
 * A connection's exchanges are answered in any order and sent in theirs. Between the two threads an
 * exchange is a number: if its connection goes, the reply finds nothing. */
#ifndef AURORA_NODE_HTTP_EXCHANGE_H
#define AURORA_NODE_HTTP_EXCHANGE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "gossip/limits.h"
#include "node/answer_body.h"
#include "node/token.h"

/* Status line and headers: all of them bounded (the longest is our own list of exposed ones). */
#define HTTP_ANSWER_HEAD_BYTES 1280

struct http_conn;

enum exchange_state {
    EXCHANGE_OPEN = 0, /* being handled */
    EXCHANGE_WAITING,  /* for the gossip thread's reply */
    EXCHANGE_READY,    /* head and body may be sent */
    EXCHANGE_MOVES     /* to another thread, with its connection */
};

/* Which route waits: it decides what the answer looks like. */
enum exchange_route {
    ROUTE_REGISTER = 1,
    ROUTE_HEARTBEAT,
    ROUTE_V1_REGISTER,
    ROUTE_V1_HEARTBEAT,
    ROUTE_V1_DELETE
};

struct http_exchange {
    struct http_exchange *next;
    struct http_conn *conn;
    enum exchange_state state;
    bool is_head_only; /* HEAD: headers as for GET, no body */
    bool is_http10;
    bool is_last;    /* the connection closes after it */
    bool is_interim; /* 100 Continue: no answer yet */

    /* WAITING */
    enum exchange_route route;
    uint64_t number, deadline_ms;
    struct http_exchange *waiting_before, *waiting_after;
    size_t peer_id_bytes;
    char peer_id[PEER_ID_MAX_BYTES];
    bool has_shown_token;
    char token[TOKEN_MAX_BYTES + 1]; /* ROUTE_V1_REGISTER: what the client gets back */

    /* READY */
    struct answer_body *body; /* NULL: none */
    size_t head_len, sent;
    char head[HTTP_ANSWER_HEAD_BYTES];
};

#endif
