// SPDX-License-Identifier: Apache-2.0
/* http_thread.h - the HTTP side as a thread: its loop, its view, its connections
 *
 * There are as many as --http-threads says, all alike, but that the first one accepts connections
 * and has the streams (http_team.h).
 *
 * A thread owns everything it touches: loop, listener, connections, view. It learns of the
 * registry by draining bridge_next_event into the view (view_apply), answers waiting requests on
 * GOSSIP_EVENT_REPLY, and acts by bridge_send_command. It never calls gossip_*, but for
 * gossip_event_release and the name functions (gossip_result_name and its like). */
#ifndef AURORA_NODE_HTTP_THREAD_H
#define AURORA_NODE_HTTP_THREAD_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "crypto/key.h"
#include "gossip/addr.h"
#include "node/bridge.h"
#include "node/config.h"
#include "node/http_team.h"

struct http_thread;

struct http_options {
    const struct node_config *config; /* outlives the thread, and does not change */
    struct bridge_end *bridge;        /* its own */
    struct http_team *team;
    size_t number;                     /* in the team */
    int listeners[NODE_ADDRESSES_MAX]; /* listening, non-blocking; the first thread closes them */
    size_t listener_count;
    struct addr http[NODE_ADDRESSES_MAX];   /* where they listen: ports chosen */
    struct addr gossip[NODE_ADDRESSES_MAX]; /* as advertised */
    size_t gossip_count;
    struct key_public id;
    uint64_t tag;
    uint64_t epoch; /* at the start; GOSSIP_EVENT_STATUS carries the current one */
    char http_url[NODE_URL_MAX_BYTES + 1];
    uint64_t started_wall_ms;
};

/* Returns when the thread runs. NULL: it could not be started. `options` is copied. The first one
 * is to be started last: it begins to accept. */
struct http_thread *http_thread_start(const struct http_options *options);
/* All of them together: closes the listeners, finishes the answers under way, at most for
 * `grace_ms`, ends the threads and frees them. Requests whose command has no reply by then get a
 * 503. */
void http_threads_stop(struct http_thread *const *, size_t count, uint64_t grace_ms);

#endif
