// SPDX-License-Identifier: Apache-2.0
/* intern.c - an open-addressing table over names kept in order of first mention */
#include "sim/intern.h"

#include "crypto/hash.h"
#include "sim/memory.h"

#include <assert.h>

static size_t slot_of(const struct intern *intern, struct span name)
{
    static const uint8_t key[HASH_SHORT_KEY_BYTES] = "aurora-sim";
    size_t slot = hash_short(name.data, name.len, key) & (intern->slot_count - 1);

    while (intern->slots[slot] != 0 &&
           !span_equal(intern_name(intern, intern->slots[slot] - 1), name))
        slot = (slot + 1) & (intern->slot_count - 1);
    return slot;
}

static void grow(struct intern *intern)
{
    intern->slot_count = intern->slot_count ? intern->slot_count * 2 : 64;
    free(intern->slots);
    intern->slots = memory_new(intern->slot_count, sizeof(*intern->slots));
    for (size_t i = 0; i < intern->count; i++)
        intern->slots[slot_of(intern, intern_name(intern, i))] = (uint32_t)(i + 1);
}

void intern_free(struct intern *intern)
{
    for (size_t i = 0; i < intern->count; i++)
        free(intern->names[i].bytes);
    free(intern->names);
    free(intern->slots);
    *intern = (struct intern){0};
}

size_t intern_find(const struct intern *intern, struct span name)
{
    if (intern->slot_count == 0)
        return INTERN_NONE;
    uint32_t number = intern->slots[slot_of(intern, name)];
    return number ? number - 1 : INTERN_NONE;
}

size_t intern_add(struct intern *intern, struct span name)
{
    size_t known = intern_find(intern, name);

    if (known != INTERN_NONE)
        return known;
    if (intern->count * 2 >= intern->slot_count)
        grow(intern);
    intern->names =
        memory_reach(intern->names, &intern->capacity, intern->count, sizeof(*intern->names));
    struct intern_name *added = &intern->names[intern->count];
    added->bytes = memory_resize(NULL, name.len + 1);
    added->len = name.len;
    if (name.len > 0)
        memcpy(added->bytes, name.data, name.len);
    intern->slots[slot_of(intern, name)] = (uint32_t)++intern->count;
    return intern->count - 1;
}

struct span intern_name(const struct intern *intern, size_t number)
{
    assert(number < intern->capacity);
    return span_of(intern->names[number].bytes, intern->names[number].len);
}
