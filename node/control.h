// SPDX-License-Identifier: Apache-2.0
/* control.h - commands on the node itself, through a Unix socket in the data directory
 *
 * One line of JSON in, one line out, then the node closes:
 *
 *     {"command":"join","addresses":["host:port", ...]}     {"ok":true}
 *     {"command":"leave"}                                   {"ok":true}   and the node stops
 *     {"command":"reload"}                                  {"ok":true}
 *     {"command":"status"}                                  {"ok":true,"name":...}
 *     anything else                                         {"ok":false,"error":"..."}
 *
 * Never through HTTP: any web page may call an open HTTP port, but it cannot open a file. */
#ifndef AURORA_NODE_CONTROL_H
#define AURORA_NODE_CONTROL_H

#include <stdbool.h>
#include <stddef.h>

#include "gossip/limits.h"
#include "node/config.h"
#include "node/loop.h"

#define CONTROL_SOCKET_NAME      "control.sock"
#define CONTROL_LINE_MAX_BYTES   8192
#define CONTROL_CONNECTIONS_MAX  8
#define CONTROL_DEADLINE_MS      5000
#define CONTROL_ANSWER_MAX_BYTES 2048

enum control_command {
    CONTROL_WRONG = 0, /* `error` says why */
    CONTROL_JOIN,
    CONTROL_LEAVE,
    CONTROL_RELOAD,
    CONTROL_STATUS,
};

struct control_request {
    enum control_command command;
    struct config_endpoint endpoints[SEEDS_MAX];
    size_t endpoint_count;
    const char *error; /* static text */
};

/* Reads one line (without its end). */
void control_parse(struct control_request *, const char *line, size_t len);

/* An answer: one line of JSON and a newline, built by the handler. */
struct control_answer {
    char text[CONTROL_ANSWER_MAX_BYTES];
    size_t len;
};
void control_answer_ok(struct control_answer *);
void control_answer_error(struct control_answer *, const char *error);

struct control;

/* Listens in the directory `dir` (mode 0600), replacing what a crash left behind. `on_request`
 * fills in the answer. NULL: see errno. */
struct control *control_new(struct loop *, int dir,
                            void (*on_request)(void *context, const struct control_request *,
                                               struct control_answer *),
                            void *context);
/* Removes the socket. NULL is allowed. */
void control_free(struct control *);

#endif
