// SPDX-License-Identifier: Apache-2.0
/* wire_read.c - packets and messages: bounded decoding without allocation. */
#include <assert.h>

#include "gossip/cursor.h"
#include "gossip/wire.h"
#include "gossip/wire_shape.h"

#define HEADER_ELEMENTS 4

/* The whole packet is looked at before any of it is acted on: a packet has effect as a whole or is
 * dropped as a whole, but for a known message with the wrong shape. */
static bool structure_is_sound(struct span plain)
{
    struct cursor cursor = cursor_of(plain);
    while (!cursor_at_end(&cursor)) {
        struct cursor array = cursor;
        cursor_array(&array);
        cursor_skip(&cursor);
        if (array.is_bad || cursor.is_bad)
            return false;
    }
    return true;
}

static void skip_rest(struct cursor *cursor, uint32_t count, uint32_t known)
{
    for (uint32_t i = known; i < count && !cursor->is_bad; i++)
        cursor_skip(cursor);
}

bool wire_read_header(struct wire_reader *reader, struct span plain, struct wire_header *header)
{
    *reader = (struct wire_reader){0};
    if (plain.len > PACKET_PLAIN_MAX_BYTES || !structure_is_sound(plain))
        return false;
    struct cursor cursor = cursor_of(plain);
    uint32_t count = cursor_array(&cursor);
    header->sender = cursor_uint(&cursor);
    header->epoch = cursor_uint(&cursor);
    header->receiver = cursor_uint(&cursor);
    header->counter = cursor_uint(&cursor);
    skip_rest(&cursor, count, HEADER_ELEMENTS);
    if (count < HEADER_ELEMENTS || cursor.is_bad)
        return false;
    reader->rest = cursor.rest;
    return true;
}

static struct wire_list read_list(struct cursor *cursor, enum cursor_kind kind)
{
    struct wire_list list;
    list.rest = cursor_elements(cursor, kind, &list.count);
    if (list.count > WIRE_LIST_MAX)
        cursor->is_bad = true;
    return list;
}

static void read_fields(struct cursor *, const struct wire_shape *, void *into);

static struct wire_batch read_batch(struct cursor *cursor)
{
    struct wire_batch batch = {0};
    uint32_t count = cursor_array(cursor);
    if (count < wire_batch_shape.count)
        cursor->is_bad = true;
    read_fields(cursor, &wire_batch_shape, &batch);
    skip_rest(cursor, count, wire_batch_shape.count);
    /* A range ends where it starts, or later: log.c subtracts. */
    if (batch.v1 < batch.v0)
        cursor->is_bad = true;
    return batch;
}

static void read_field(struct cursor *cursor, enum wire_field_kind kind, void *at)
{
    switch (kind) {
    case FIELD_UINT: *(uint64_t *)at = cursor_uint(cursor); break;
    case FIELD_BOOL: *(bool *)at = cursor_bool(cursor); break;
    case FIELD_BIN: *(struct span *)at = cursor_bin(cursor); break;
    case FIELD_BIN_OR_NIL:
        *(struct span *)at = cursor_nil(cursor) ? (struct span){0} : cursor_bin(cursor);
        break;
    case FIELD_UINTS: *(struct wire_list *)at = read_list(cursor, CURSOR_UINT); break;
    case FIELD_BINS: *(struct wire_list *)at = read_list(cursor, CURSOR_BIN); break;
    case FIELD_LISTS: *(struct wire_list *)at = read_list(cursor, CURSOR_ARRAY); break;
    case FIELD_BATCH: *(struct wire_batch *)at = read_batch(cursor); break;
    }
}

/* A batch is a shape inside a shape, and the deepest there is: the recursion ends there. */
static void read_fields(struct cursor *cursor, const struct wire_shape *shape, void *into)
{
    for (unsigned i = 0; i < shape->count && !cursor->is_bad; i++)
        read_field(cursor, (enum wire_field_kind)shape->fields[i].kind,
                   (char *)into + shape->fields[i].offset);
}

static enum wire_next read_bad(struct wire_reader *reader)
{
    reader->rest.len = 0;
    return WIRE_NEXT_BAD;
}

enum wire_next wire_read_next(struct wire_reader *reader, struct wire_message *message)
{
    if (reader->rest.len == 0)
        return WIRE_NEXT_END;
    *message = (struct wire_message){0};
    struct cursor cursor = cursor_of(reader->rest);
    uint32_t count = cursor_array(&cursor);
    uint64_t type = count > 0 ? cursor_uint(&cursor) : 0;
    if (cursor.is_bad || type == 0)
        return read_bad(reader);
    const struct wire_shape *shape = wire_shape_of(type);
    uint32_t known = shape == NULL ? 1 : 1u + shape->count;
    if (shape != NULL && count >= known) {
        message->type = (enum wire_type)type;
        read_fields(&cursor, shape, message);
    }
    skip_rest(&cursor, count, known);
    if (cursor.is_bad || count < known)
        return read_bad(reader);
    assert(cursor.rest.len < reader->rest.len); /* every call gets on */
    reader->rest = cursor.rest;
    return shape == NULL ? WIRE_NEXT_SKIPPED : WIRE_NEXT_MESSAGE;
}

/* Reads on from a copy, so that an element of another kind leaves the list where it was. */
static bool list_step(struct wire_list *list, const struct cursor *after)
{
    if (after->is_bad)
        return false;
    assert(list->count > 0 && after->rest.len < list->rest.len);
    list->rest = after->rest;
    list->count--;
    return true;
}

bool wire_list_uint(struct wire_list *list, uint64_t *out)
{
    if (list->count == 0)
        return false;
    struct cursor cursor = cursor_of(list->rest);
    *out = cursor_uint(&cursor);
    return list_step(list, &cursor);
}

bool wire_list_bin(struct wire_list *list, struct span *out)
{
    if (list->count == 0)
        return false;
    struct cursor cursor = cursor_of(list->rest);
    *out = cursor_bin(&cursor);
    return list_step(list, &cursor);
}

bool wire_list_list(struct wire_list *list, struct wire_list *out)
{
    if (list->count == 0)
        return false;
    struct cursor cursor = cursor_of(list->rest);
    out->rest = cursor_elements(&cursor, CURSOR_ANY, &out->count);
    return list_step(list, &cursor);
}
