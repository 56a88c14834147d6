// SPDX-License-Identifier: Apache-2.0
/* buffer.c - bytes that grow up to a limit, and then say so */
#include "node/buffer.h"

#include <assert.h>
#include <string.h>

#include "gossip/mem.h"

#define BUFFER_FIRST_BYTES 256

void buffer_init(struct buffer *buffer, size_t max)
{
    *buffer = (struct buffer){.max = max};
}

void buffer_free(struct buffer *buffer)
{
    mem_free(buffer->data);
    buffer_init(buffer, buffer->max);
}

void buffer_clear(struct buffer *buffer)
{
    buffer->len = 0;
    buffer->is_full = false;
}

static void buffer_grow(struct buffer *buffer, size_t needed)
{
    size_t capacity = buffer->capacity == 0 ? BUFFER_FIRST_BYTES : buffer->capacity;

    while (capacity < needed)
        capacity *= 2;
    if (capacity > buffer->max)
        capacity = buffer->max;
    buffer->data = mem_resize(buffer->data, capacity);
    buffer->capacity = capacity;
}

char *buffer_extend(struct buffer *buffer, size_t len)
{
    assert(buffer->len <= buffer->capacity && buffer->capacity <= buffer->max);
    if (buffer->is_full || len > buffer->max - buffer->len) {
        buffer->is_full = true;
        return NULL;
    }
    if (len > buffer->capacity - buffer->len)
        buffer_grow(buffer, buffer->len + len);
    char *room = buffer->data + buffer->len;
    buffer->len += len;
    return room;
}

void buffer_add(struct buffer *buffer, const void *data, size_t len)
{
    if (len == 0)
        return;
    char *room = buffer_extend(buffer, len);
    if (room != NULL)
        memcpy(room, data, len);
}

void buffer_add_text(struct buffer *buffer, const char *text)
{
    buffer_add(buffer, text, strlen(text));
}

void buffer_add_span(struct buffer *buffer, struct span span)
{
    buffer_add(buffer, span.data, span.len);
}
