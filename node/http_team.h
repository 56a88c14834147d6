// SPDX-License-Identifier: Apache-2.0
/* http_team.h - what the HTTP threads share: who has how many connections, and a door to each
 *
 * The first thread accepts. It hands each connection to the thread that has fewest, since the
 * system's own ways of sharing a port do not balance connections that stay (they go by a hash or to
 * whoever wakes first), and hide that another node listens there. Streams of /v1/watch all live on
 * the first thread, so that the changes kept for those who come back are kept once; a connection
 * that asks another for one is handed over with its request. */
#ifndef AURORA_NODE_HTTP_TEAM_H
#define AURORA_NODE_HTTP_TEAM_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "gossip/addr.h"
#include "node/http_stats.h"
#include "node/loop.h"

#define HTTP_FIRST_THREAD 0 /* accepts, and has the streams */
/* Connections on their way to one thread; then whoever has them keeps or refuses them. */
#define HTTP_ARRIVALS_MAX 4096

struct http_team;
struct http_address;

/* The limits are those of all threads together. */
struct http_team *http_team_new(size_t threads, uint32_t connections_max,
                                uint32_t connections_per_address_max);
/* After all threads. */
void http_team_free(struct http_team *);

/* --- Limits: any thread ---------------------------------------------------------------------- */

/* Counts a connection from there; leave when it is closed. *is_over: it is above a limit, and may
 * only be told so. */
struct http_address *http_team_enter(struct http_team *, const struct addr *, bool *is_over);
/* It has said its last, and no longer counts against the limit of all. */
void http_team_linger(struct http_team *);
void http_team_leave(struct http_team *, struct http_address *, bool was_lingering);

/* --- Connections on their way to a thread ---------------------------------------------------- */

/* Owned by whoever has it. */
struct http_arrival {
    int number; /* the descriptor */
    struct addr from;
    struct http_address *address; /* counted there */
    size_t len;
    char text[]; /* what it has asked already: to be read again */
};

struct http_arrival *http_arrival_new(const void *text, size_t len);

/* Once, by each thread: `on_arrivals` is called on its loop when there are some. */
void http_team_attach(struct http_team *, size_t thread, struct loop *,
                      void (*on_arrivals)(void *context), void *context);
/* By the thread before its loop ends. */
void http_team_detach(struct http_team *, size_t thread);
/* The thread with fewest connections; the first one of several. */
size_t http_team_idlest(const struct http_team *);
/* False: that thread does not take any now, and it stays the caller's. */
bool http_team_send(struct http_team *, size_t thread, struct http_arrival *);
/* By the thread: the next one; NULL: none. */
struct http_arrival *http_team_next(struct http_team *, size_t thread);

/* --- Statistics ------------------------------------------------------------------------------ */

/* The thread's own, to count in. */
struct http_stats *http_team_stats(struct http_team *, size_t thread);
/* Of all threads together. */
void http_team_sum(const struct http_team *, struct http_stats *sum);
size_t http_team_size(const struct http_team *);

#endif
