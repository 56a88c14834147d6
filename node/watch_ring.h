// SPDX-License-Identifier: Apache-2.0
/* watch_ring.h - the last changes of the view, numbered, each rendered once for all who watch
 *
 * What a reader has not taken is here and nowhere else: the ring's bounds are the bounds of every
 * watcher's memory. */
#ifndef AURORA_NODE_WATCH_RING_H
#define AURORA_NODE_WATCH_RING_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "node/answer_body.h"
#include "node/watch_filter.h"

/* The peers of a home of the usual size may all go at once and must still find room; at 100 changes
 * a second it is almost three minutes, a long time for a client to come back in. */
#define WATCH_RING_CHANGES_MAX 16384
#define WATCH_RING_BYTES_MAX   (32u << 20)

/* What a change is to one watcher. */
enum watch_news {
    WATCH_NOTHING = 0,
    WATCH_UP,
    WATCH_UPDATE,
    WATCH_DOWN,
    WATCH_OUT,  /* it still exists, but the filter no longer lets it pass */
    WATCH_HOME, /* a home is gone, or vouches for its peers again */
};

struct watch_change {
    struct watch_facts *before, *after; /* NULL: not visible; both: it is about a home */
    struct answer_body *text;           /* all of the event but its first line */
    struct answer_body *out;            /* the same for WATCH_OUT; NULL: nobody needed it yet */
};

/* Changes `first` to `next` - 1 are held. Numbers begin at 1. */
struct watch_ring {
    struct watch_change *changes; /* NULL: nobody watches, changes are only counted */
    uint64_t first, next;
    size_t bytes;
};

void watch_ring_init(struct watch_ring *);
void watch_ring_free(struct watch_ring *);
/* From now on changes are kept. */
void watch_ring_start(struct watch_ring *);
/* Forgets them all; numbers go on. */
void watch_ring_stop(struct watch_ring *);
bool watch_ring_runs(const struct watch_ring *);
/* Takes everything over, and gives it the number `next`. The oldest go when a bound is reached. */
void watch_ring_add(struct watch_ring *, struct watch_change);
/* One that is held. */
struct watch_change *watch_ring_at(const struct watch_ring *, uint64_t number);

enum watch_news watch_change_news(const struct watch_change *, const struct watch_filter *);

#endif
