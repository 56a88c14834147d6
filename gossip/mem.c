// SPDX-License-Identifier: Apache-2.0
/* mem.c - the core's only door to the heap. */
#include "gossip/mem.h"

#include <assert.h>
#include <stdlib.h>

/* Every queue and table is bounded by limits.h, so running out means a mis-sized machine: a
 * half-applied packet would be worse than a restart. */
void *mem_alloc(size_t bytes)
{
    assert(bytes > 0);
    void *fresh = calloc(1, bytes);
    if (fresh == NULL)
        abort();
    return fresh;
}

void *mem_resize(void *old, size_t bytes)
{
    assert(bytes > 0);
    void *fresh = realloc(old, bytes);
    if (fresh == NULL)
        abort();
    return fresh;
}

void mem_free(void *old)
{
    free(old);
}
