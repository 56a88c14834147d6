// SPDX-License-Identifier: Apache-2.0
/* watch.h - all who watch: what they are told, and whose turn it is
 *
 * Changes of the view go into a ring, rendered once. A watcher (watcher.h) is a place in that ring
 * and a filter. Watchers that have been told everything are idle; a change makes all of them ready
 * at once, in O(1), and the sockets' owner serves the ready ones a few at a time, so that a round
 * of ten thousand does not hold up a single request. */
#ifndef AURORA_NODE_WATCH_H
#define AURORA_NODE_WATCH_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "node/buffer.h"
#include "node/view.h"
#include "node/watch_ring.h"

/* A client that lost its connection comes back within moments. */
#define WATCH_LINGER_MS 60000
/* Of all connections: the rest is kept for requests, so that watchers cannot shut out heartbeats.
 */
#define WATCH_SHARE(connections) ((connections) - (connections) / 4)
/* Between two rounds, per watcher: many watchers are told several changes at once instead of each
 * with a system call of its own. 10,000 of them: 100 ms. */
#define WATCH_ROUND_US 10
/* Any event but a page: a record of which every byte is escaped, its statement in base64. */
#define WATCH_EVENT_MAX_BYTES 16384

struct api;
struct http_conn;
struct watcher;

struct watch_link {
    struct watch_link *before, *after;
};

struct watch {
    uint64_t stream; /* names this life of this node; random */
    struct watch_ring ring;
    struct watch_link idle, ready; /* of struct watcher */
    size_t count;
    uint64_t left_ms;  /* when the last watcher went */
    uint64_t round_ms; /* when the idle ones were last made ready */
    bool has_news;     /* since then */
    struct buffer scratch;
    struct answer_body *keep_alive; /* of the number keep_alive_of */
    uint64_t keep_alive_of;
};

void watch_init(struct watch *);
/* After all watchers. */
void watch_free(struct watch *);

/* What must be asked of the view before an event changes it. */
struct watch_before {
    struct watch_facts *peer; /* as it was */
    bool home_was_gone;
};
struct watch_before watch_look(const struct watch *, const struct view *,
                               const struct gossip_event *);
/* After view_apply: takes what watch_look returned. */
void watch_note(struct api *, const struct gossip_event *, struct watch_before);
/* Now and then: nobody watches any more, so nothing needs to be kept. */
void watch_on_time(struct watch *, uint64_t now_ms);

/* How long until watch_next_ready may have somebody; UINT64_MAX: not before the next change. */
uint64_t watch_wait_ms(const struct watch *, uint64_t now_ms);
/* The connection of a watcher that has something to be sent, perhaps; it is ready no longer. NULL:
 * nobody is, for now. */
struct http_conn *watch_next_ready(struct watch *, uint64_t now_ms);

/* --- For watchers ---------------------------------------------------------------------------- */

void watch_link_remove(struct watch_link *);
void watch_make_idle(struct watch *, struct watch_link *);
void watch_make_ready(struct watch *, struct watch_link *);
void watch_join(struct watch *);
void watch_leave(struct watch *, uint64_t now_ms);

/* "id: <stream>-<number>\n" */
void watch_put_id(struct watch *, struct buffer *, uint64_t number);
/* True: `text` is an id that this life of this node gave or may yet give. */
bool watch_read_id(const struct watch *, struct span text, uint64_t *number);
/* "data: " has been written, and JSON behind it from `at` on: makes it one line and ends it. */
void watch_end_data(struct buffer *, size_t at);
/* What to say when there is nothing to say, and how far that is; borrowed until the next change. */
struct answer_body *watch_keep_alive(struct api *);
/* The event, but its first line, that tells of a peer which no longer passes the filter. */
struct answer_body *watch_out_text(struct api *, uint64_t number);

#endif
