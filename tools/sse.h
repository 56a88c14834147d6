// SPDX-License-Identifier: Apache-2.0
/* sse.h - Server-Sent Events: from bytes, in whatever pieces they come, to events
 *
 * https://html.spec.whatwg.org/multipage/server-sent-events.html, section 9.2.6, but that data of
 * several lines are nothing Aurora sends, and are joined without the newline. */
#ifndef AURORA_TOOLS_SSE_H
#define AURORA_TOOLS_SSE_H

#include <stdbool.h>
#include <stddef.h>

/* No event of a node is larger by far; whatever sends one is none. */
#define SSE_EVENT_MAX_BYTES (4u << 20)
#define SSE_NAME_MAX_BYTES  64
#define SSE_ID_MAX_BYTES    256

struct sse {
    char *line, *data; /* owned; NUL-terminated once there is any */
    size_t line_len, line_size, data_len, data_size;
    bool after_return; /* the last byte was a carriage return: a newline behind it ends no line */
    bool is_told;      /* the event was returned, and goes with the next call */
    char name[SSE_NAME_MAX_BYTES + 1];
    char id[SSE_ID_MAX_BYTES + 1]; /* the last one heard of, with an event or alone */
    long retry_ms;                 /* 0: never said */
};

/* Zeroed memory is a parser at the beginning of a stream. */
void sse_free(struct sse *);
/* A new stream: what was half said is forgotten, id and retry_ms stay. */
void sse_begin(struct sse *);

enum sse_result {
    SSE_MORE = 0, /* all was taken */
    SSE_EVENT,    /* `name` and `data` are one, until the next call */
    SSE_TOO_LARGE
};
/* Takes bytes up to the end of an event, and moves *bytes and *len behind them. */
enum sse_result sse_feed(struct sse *, const char **bytes, size_t *len);

#endif
