// SPDX-License-Identifier: Apache-2.0
/* wire_shape.h - what each message type consists of: one table for reader and writer. Internal. */
#ifndef AURORA_GOSSIP_WIRE_SHAPE_H
#define AURORA_GOSSIP_WIRE_SHAPE_H

#include <stddef.h>
#include <stdint.h>

#include "gossip/wire.h"

enum wire_field_kind {
    FIELD_UINT = 1,   /* uint64_t */
    FIELD_BOOL,       /* bool */
    FIELD_BIN,        /* struct span */
    FIELD_BIN_OR_NIL, /* struct span; nil: empty */
    FIELD_UINTS,      /* struct wire_list of uints */
    FIELD_BINS,       /* struct wire_list of bins */
    FIELD_LISTS,      /* struct wire_list of arrays */
    FIELD_BATCH,      /* struct wire_batch */
};

/* One element: what it is, and where in the struct that it is read into. */
struct wire_field {
    uint8_t kind;
    uint8_t offset;
};

#define WIRE_FIELDS_MAX 8
struct wire_shape {
    uint8_t count;
    struct wire_field fields[WIRE_FIELDS_MAX];
};

/* The elements after the type; NULL: not a type that this version knows. */
const struct wire_shape *wire_shape_of(uint64_t type);
/* Those of struct wire_batch. */
extern const struct wire_shape wire_batch_shape;

#endif
