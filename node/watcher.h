// SPDX-License-Identifier: Apache-2.0
/* watcher.h - one client that watches: where it is in the stream, and what it is sent next
 *
 *     snapshot, in pages  -->  live: changes as they come  -->  ending: a last word, perhaps
 *     resumed             -->
 *
 * A page is made when the socket can take it, from the view as it is then; changes since the first
 * page follow the last. So a watcher never owns more than one page, or one event, and a place. */
#ifndef AURORA_NODE_WATCHER_H
#define AURORA_NODE_WATCHER_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/uio.h>

#include "node/watch.h"

#define WATCHER_RETRY_MS      2000  /* what clients are told to wait before they come back */
#define WATCHER_KEEP_ALIVE_MS 12000 /* at least every 15 s, looked at twice a second */
/* A reader takes this much in that time, or all there is, or it is dropped. */
#define WATCHER_STALL_MS   20000
#define WATCHER_STEP_BYTES 32768
/* A page ends behind the record that reaches this. It fits a socket's buffer as a rule, and ten
 * thousand unsent ones fit memory. */
#define WATCHER_PAGE_BYTES 16384
#define WATCHER_LOOKS_MAX  2048 /* peers looked at for a page, then others get a turn */
/* What the system holds for a reader, and the room made for the last word to a slow one. Linux
 * doubles both. */
#define WATCHER_SEND_BUFFER_BYTES (64 << 10)
#define WATCHER_LAST_WORD_BYTES   (160 << 10)

enum watcher_phase { WATCHER_SNAPSHOT = 0, WATCHER_LIVE, WATCHER_ENDING };

struct watcher {
    struct watch_link link; /* first: watcher_of */
    struct http_conn *conn;
    struct watch_filter *filter; /* owned; NULL: everything */
    enum watcher_phase phase;
    bool is_blocked;    /* the socket took less than there was */
    const char *reason; /* of the snapshot */
    uint64_t next;      /* the change to be looked at next */

    /* What is being sent: a first line that all share, then the text. */
    const char *line;
    struct answer_body *text; /* NULL: nothing */
    size_t sent;              /* of both */
    struct answer_body *last; /* ENDING: comes after it */

    char *cursor; /* SNAPSHOT: behind this peer; NULL: from the first */
    size_t cursor_bytes;

    uint64_t spoke_ms;   /* when it was last sent anything */
    uint64_t stalled_ms; /* is_blocked: by when it must have taken a step */
    size_t step_bytes;
};

static inline struct watcher *watcher_of(struct watch_link *link)
{
    return (struct watcher *)(void *)link;
}

/* Watches from now on, or from behind `last_event_id` (data NULL: not given). Takes the filter. */
struct watcher *watcher_new(struct api *, struct http_conn *, struct watch_filter *,
                            struct span last_event_id);
void watcher_free(struct watcher *);

/* As of a connection (http_conn.h). */
int watcher_output(struct watcher *, struct iovec *, int max);
void watcher_sent(struct watcher *, size_t len);
/* After its socket was given all that it takes: true when it must be told once it takes more. */
bool watcher_settle(struct watcher *);
/* Now and then. False: it is slow beyond patience, and did not even take the last word. */
bool watcher_on_time(struct watcher *);

/* After what is half sent, nothing more. */
void watcher_end(struct watcher *);
/* Nothing more, at once: nobody is there to hear it. */
void watcher_abandon(struct watcher *);
bool watcher_is_ending(const struct watcher *);
bool watcher_is_done(const struct watcher *);

#endif
