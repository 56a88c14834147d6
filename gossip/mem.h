// SPDX-License-Identifier: Apache-2.0
/* mem.h - the core's only door to the heap; running out of memory ends the process (abort). */
#ifndef AURORA_GOSSIP_MEM_H
#define AURORA_GOSSIP_MEM_H

#include <stddef.h>

/* Zeroed memory, never NULL. Release with mem_free. */
void *mem_alloc(size_t bytes);
/* Grows or shrinks like realloc; new bytes are not zeroed. Never NULL for bytes > 0. */
void *mem_resize(void *old, size_t bytes);
void mem_free(void *old);

#endif
