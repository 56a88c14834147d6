// SPDX-License-Identifier: Apache-2.0
/* http_server.h - the sockets: listeners and connections
 *
 * What is said on a connection is http_conn's; here bytes move between it and the system. */
#ifndef AURORA_NODE_HTTP_SERVER_H
#define AURORA_NODE_HTTP_SERVER_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "gossip/limits.h"
#include "node/api.h"
#include "node/loop.h"

#define HTTP_READ_BYTES 65536

struct http_socket;

struct http_listener {
    struct http_server *server;
    int number; /* the descriptor; -1: closed */
    struct loop_fd fd;
};

struct http_server {
    struct api *api;
    struct loop *loop;
    struct http_listener listeners[NODE_ADDRESSES_MAX];
    size_t listener_count;
    struct loop_timer tick;    /* runs while there are connections */
    struct loop_timer round;   /* runs while watchers have something to hear */
    struct loop_timer accept;  /* runs after the system had no descriptor for us */
    struct http_socket *first; /* all connections, the lingering ones too */
    size_t count, lingering_count;
    uint8_t *room; /* HTTP_READ_BYTES, for whoever reads */
};

/* Takes the listening descriptors over, if there are any, and begins to accept: for all threads.
 * `server` does not move. */
void http_server_start(struct http_server *, struct api *, struct loop *, const int *listeners,
                       size_t count);
/* Takes the connections that other threads have sent. */
void http_server_take_arrivals(struct http_server *);
/* Sends what the last events made ready to be sent. Call after each round of them. */
void http_server_flush(struct http_server *);
/* Accepts no more; idle connections are closed. */
void http_server_close_listeners(struct http_server *);
/* Nothing is under way on any connection. */
bool http_server_is_idle(const struct http_server *);
/* Closes whatever is left. */
void http_server_free(struct http_server *);

#endif
