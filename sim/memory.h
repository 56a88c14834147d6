// SPDX-License-Identifier: Apache-2.0
/* memory.h - the simulator's heap memory: running out of it ends the process */
#ifndef AURORA_SIM_MEMORY_H
#define AURORA_SIM_MEMORY_H

#include <stddef.h>
#include <stdlib.h>
#include <string.h>

static inline void *memory_resize(void *old, size_t bytes)
{
    void *memory = realloc(old, bytes);

    if (memory == NULL && bytes > 0)
        abort();
    return memory;
}

/* Zeroed. */
static inline void *memory_new(size_t count, size_t bytes)
{
    void *memory = calloc(count, bytes);

    if (memory == NULL && count > 0 && bytes > 0)
        abort();
    return memory;
}

/* Grows an array of `count` items so that item `index` exists; new items are zeroed. */
static inline void *memory_reach(void *items, size_t *count, size_t index, size_t bytes)
{
    if (index < *count)
        return items;
    size_t wanted = *count ? *count : 8;
    while (wanted <= index)
        wanted *= 2;
    items = memory_resize(items, wanted * bytes);
    memset((char *)items + *count * bytes, 0, (wanted - *count) * bytes);
    *count = wanted;
    return items;
}

#endif
