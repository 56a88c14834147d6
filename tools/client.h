// SPDX-License-Identifier: Apache-2.0
/* client.h - one request to a node's HTTP API, and its answer as JSON. */
#ifndef AURORA_TOOLS_CLIENT_H
#define AURORA_TOOLS_CLIENT_H

#include <jansson.h>
#include <stdbool.h>

/* Exit statuses of `aurora`: scripts rely on them. */
enum exit_status {
    EXIT_DONE = 0,
    EXIT_USAGE = 1,     /* the command line is wrong */
    EXIT_NO_NODE = 2,   /* no node answers at that URL, or what answers is none */
    EXIT_REFUSED = 3,   /* the node refused the request: 4xx but 404 */
    EXIT_NOT_FOUND = 4, /* it does not know that peer or node: 404 */
    EXIT_NOT_READY = 5, /* it cannot answer yet, or is overloaded: 429, 5xx; try again */
};

#define CLIENT_NODES_MAX 16

struct client {
    const char *url; /* http://host:port, perhaps with a base path; no slash at the end */
    const char *nodes[CLIENT_NODES_MAX]; /* every --node, for who goes on to the next; or none */
    size_t node_count;
    const char *token; /* lease token, or NULL */
    long timeout_ms;
};

struct answer {
    long status;  /* HTTP; 0: none */
    json_t *body; /* owned */
};

/* Sends `body` (NULL: none) and reads a JSON answer of at most 64 MiB. On anything but a 2xx it
 * says on standard error what is wrong and what to do, and returns the exit status; the answer then
 * is empty. */
enum exit_status client_call(const struct client *, const char *method, const char *path,
                             const json_t *body, struct answer *);
void answer_free(struct answer *);
/* Percent-encodes text for a path or a query. The caller frees it. */
char *client_escape(const char *text);

#endif
