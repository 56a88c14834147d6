// SPDX-License-Identifier: Apache-2.0
/* metadata_check.c - would every reader of JSON understand this metadata, and alike? */
#include "node/metadata_check.h"

#include <assert.h>
#include <math.h>
#include <stdlib.h>

#include "gossip/limits.h"
#include "node/json_scan.h"

/* "":0, is the shortest member. */
#define KEYS_MAX (PEER_METADATA_MAX_BYTES / 5 + 1)
/* No number of so few characters, and without an exponent, is beyond a double. */
#define NUMBER_SAFE_BYTES 300

/* The names of the members that were seen in each object that is open; the innermost one's stand
 * last. */
struct names {
    struct span keys[KEYS_MAX];
    size_t count;
};

/* What a name says, decoded into `room` if need be. */
static struct span name_of(struct span key, uint8_t room[PEER_METADATA_MAX_BYTES])
{
    struct span text = {0};
    bool is_string = json_scan_text(key, room, &text);

    assert(is_string && key.len <= PEER_METADATA_MAX_BYTES);
    (void)is_string;
    return text;
}

static const char *name_check(struct names *names, size_t from, struct span key)
{
    uint8_t room[PEER_METADATA_MAX_BYTES];
    struct span name = name_of(key, room);

    if (name.len > 0 && memchr(name.data, '\0', name.len) != NULL)
        return "a member's name holds U+0000";
    for (size_t i = from; i < names->count; i++)
        if (json_scan_equals(names->keys[i], name))
            return "a member is given twice";
    assert(names->count < KEYS_MAX);
    names->keys[names->count++] = key;
    return NULL;
}

static const char *number_check(struct span number)
{
    char text[PEER_METADATA_MAX_BYTES + 1];

    if (number.len < NUMBER_SAFE_BYTES && memchr(number.data, 'e', number.len) == NULL &&
        memchr(number.data, 'E', number.len) == NULL)
        return NULL;
    memcpy(text, number.data, number.len);
    text[number.len] = '\0';
    return isinf(strtod(text, NULL)) ? "a number is out of range" : NULL;
}

static const char *check(struct names *names, struct span value);

static const char *object_check(struct names *names, struct span object)
{
    struct json_members members;
    struct json_member member;
    const char *fault = NULL;
    size_t from = names->count;

    json_scan_members_begin(&members, object);
    while (fault == NULL && json_scan_members_next(&members, &member)) {
        fault = name_check(names, from, member.key);
        if (fault == NULL)
            fault = check(names, member.value);
    }
    names->count = from;
    return fault;
}

static const char *array_check(struct names *names, struct span array)
{
    struct json_members elements;
    struct span value;
    const char *fault = NULL;

    json_scan_elements_begin(&elements, array);
    while (fault == NULL && json_scan_elements_next(&elements, &value))
        fault = check(names, value);
    return fault;
}

/* As deep as json_scan lets values nest. */
static const char *check(struct names *names, struct span value)
{
    assert(value.len > 0);
    switch (value.data[0]) {
    case '{': return object_check(names, value);
    case '[': return array_check(names, value);
    case '"':
    case 't':
    case 'f':
    case 'n': return NULL;
    default: return number_check(value);
    }
}

const char *metadata_check(struct span metadata)
{
    struct names names;

    assert(metadata.len <= PEER_METADATA_MAX_BYTES);
    names.count = 0;
    return check(&names, metadata);
}
