// SPDX-License-Identifier: Apache-2.0
/* pages.h - a sparse array in small pages, which copies share until one of them writes: what
 * thousands of observers know of thousands of members is nearly the same */
#ifndef AURORA_SIM_PAGES_H
#define AURORA_SIM_PAGES_H

#include <stddef.h>
#include <stdint.h>

enum { PAGE_ITEMS = 16 };

struct page; /* pages.c */

/* Zeroed memory but for item_bytes is a valid empty array. */
struct pages {
    size_t item_bytes;
    struct page **all; /* NULL: its items were never written */
    size_t count;
};

/* NULL: it was never written, nor any of its neighbours. */
const void *pages_read(const struct pages *, size_t index);
/* Never NULL; what was never written is zeroed. */
void *pages_write(struct pages *, size_t index);
/* `to` is empty. */
void pages_copy(struct pages *to, const struct pages *from);
void pages_free(struct pages *);

#endif
