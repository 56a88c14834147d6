// SPDX-License-Identifier: Apache-2.0
/* json_scan.h - JSON in, in place: is it valid, and where do an object's members stand?
 *
 * It allocates nothing and changes nothing: the spans it finds are the very bytes that the client
 * sent, which is how metadata comes back as it was sent. Strict RFC 8259, in UTF-8, and no lone
 * surrogates. */
#ifndef AURORA_NODE_JSON_SCAN_H
#define AURORA_NODE_JSON_SCAN_H

#include <stdbool.h>
#include <stddef.h>

#include "gossip/span.h"

/* Objects and arrays within each other: more than anybody needs, few enough for the stack. */
#define JSON_DEPTH_MAX 32

/* One whole value, with white space around it. When false, *fault_at (may be NULL) is the byte at
 * which it stops being one. */
bool json_scan_is_valid(struct span text, size_t *fault_at);
/* For text that is not valid: the key, with its quotes, of the outermost object's member whose
 * value has the fault. False: the fault is in no member's value. */
bool json_scan_fault_key(struct span text, struct span *key);

/* Of an object, or the elements of an array. */
struct json_members {
    struct span text;
    size_t at;
    bool has_begun, has_ended;
};

struct json_member {
    struct span key;   /* with its quotes and escapes */
    struct span value; /* without white space around it */
};

/* False: it is no object. */
bool json_scan_members_begin(struct json_members *, struct span text);
/* False: no more, or what follows is no member. What it finds is valid, whatever follows. */
bool json_scan_members_next(struct json_members *, struct json_member *);
/* After that: was it the end, so that the whole text is valid? Who reads all members anyway need
 * not look at the text twice. */
bool json_scan_members_ended(const struct json_members *);
/* The same for an array: each value, without white space around it. */
bool json_scan_elements_begin(struct json_members *, struct span text);
bool json_scan_elements_next(struct json_members *, struct span *value);

/* What a string with its quotes says: its own inside, or, where there are escapes, that decoded
 * into `room`, of string.len bytes. False: it is no string. */
bool json_scan_text(struct span string, uint8_t *room, struct span *text);

/* Does this string, with its quotes and escapes, say `text`? */
bool json_scan_equals(struct span string, struct span text);

#endif
