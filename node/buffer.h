// SPDX-License-Identifier: Apache-2.0
/* buffer.h - bytes that grow up to a limit, and then say so
 *
 * Whoever writes into one need not check each step: what does not fit is dropped whole, everything
 * after it too, and is_full tells at the end. */
#ifndef AURORA_NODE_BUFFER_H
#define AURORA_NODE_BUFFER_H

#include <stdbool.h>
#include <stddef.h>

#include "gossip/span.h"

struct buffer {
    char *data; /* NULL while nothing was ever added */
    size_t len, capacity, max;
    bool is_full; /* something did not fit */
};

/* Allocates nothing yet. */
void buffer_init(struct buffer *, size_t max);
void buffer_free(struct buffer *);
/* Empty again, its memory kept. */
void buffer_clear(struct buffer *);
void buffer_add(struct buffer *, const void *data, size_t len);
void buffer_add_text(struct buffer *, const char *text);
void buffer_add_span(struct buffer *, struct span);
/* Room for `len` more bytes, counted as added; NULL: they do not fit. */
char *buffer_extend(struct buffer *, size_t len);

static inline struct span buffer_span(const struct buffer *buffer)
{
    return span_of(buffer->data, buffer->len);
}

#endif
