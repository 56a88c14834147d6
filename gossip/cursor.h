// SPDX-License-Identifier: Apache-2.0
/* cursor.h - bounded MessagePack reading of hostile bytes: no allocation, no recursion. Internal.
 *
 * A cursor remembers the first thing that was wrong: after it every read gives 0 and is_bad stays
 * set, so that a decoder reads all its fields and asks once. Every valid encoding of a value is
 * accepted, not only the shortest. Spans point into the input. */
#ifndef AURORA_GOSSIP_CURSOR_H
#define AURORA_GOSSIP_CURSOR_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "gossip/limits.h"
#include "gossip/span.h"

struct cursor {
    struct span rest;
    uint32_t budget; /* elements that may still be read */
    bool is_bad;
};

struct cursor cursor_of(struct span bytes);
static inline bool cursor_at_end(const struct cursor *cursor)
{
    return cursor->rest.len == 0;
}

uint64_t cursor_uint(struct cursor *);
bool cursor_bool(struct cursor *);
struct span cursor_bin(struct cursor *);
struct span cursor_text(struct cursor *);
/* True when the next element is nil, which is then consumed; false: nothing happened. */
bool cursor_nil(struct cursor *);
/* The count of elements, each of which still has to be read or skipped; never more than there are
 * bytes left. */
uint32_t cursor_array(struct cursor *);
/* A whole element of any kind, nested to WIRE_DEPTH_MAX at most. */
void cursor_skip(struct cursor *);

enum cursor_kind { CURSOR_ANY = 0, CURSOR_UINT, CURSOR_BIN, CURSOR_ARRAY };
/* An array all of whose elements are of this kind: their encoding without the array's own header,
 * and their count. */
struct span cursor_elements(struct cursor *, enum cursor_kind, uint32_t *count);

#endif
