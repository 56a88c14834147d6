// SPDX-License-Identifier: Apache-2.0
/* json_writer.h - JSON out, into a bounded buffer: the hot path, so no tree and no format strings
 *
 * Commas write themselves. Whatever bytes a text holds, the output is valid UTF-8 and valid JSON:
 * what is no character becomes U+FFFD. When the buffer is full the rest is dropped (is_full). */
#ifndef AURORA_NODE_JSON_WRITER_H
#define AURORA_NODE_JSON_WRITER_H

#include <stdbool.h>
#include <stdint.h>

#include "node/buffer.h"

struct json_writer {
    struct buffer *out;
    bool has_value; /* the next value or key needs a comma in front */
    unsigned depth; /* open objects and arrays */
};

void writer_begin(struct json_writer *, struct buffer *out);
/* Asserts that everything opened was closed. */
void writer_end(const struct json_writer *);

void writer_object_open(struct json_writer *);
void writer_object_close(struct json_writer *);
void writer_array_open(struct json_writer *);
void writer_array_close(struct json_writer *);
/* `key` is written as it is: one of our own, with nothing to escape. */
void writer_key(struct json_writer *, const char *key);

void writer_text(struct json_writer *, struct span);
void writer_string(struct json_writer *, const char *);
void writer_number(struct json_writer *, uint64_t);
/* `value` divided by 10^decimals: writer_decimal(12345, 3) is 12.345. decimals is 1 to 9. */
void writer_decimal(struct json_writer *, uint64_t value, unsigned decimals);
void writer_bool(struct json_writer *, bool);
void writer_null(struct json_writer *);
/* A whole value, ready-made. */
void writer_raw(struct json_writer *, struct span);

/* The same, with a key. */
void writer_put_text(struct json_writer *, const char *key, struct span);
void writer_put_string(struct json_writer *, const char *key, const char *);
void writer_put_number(struct json_writer *, const char *key, uint64_t);
void writer_put_bool(struct json_writer *, const char *key, bool);
void writer_put_null(struct json_writer *, const char *key);

#endif
