// SPDX-License-Identifier: Apache-2.0
/* pages.c - a sparse array in small pages, shared until written */
#include "sim/pages.h"

#include "sim/memory.h"

#include <assert.h>

struct page {
    size_t references;
    uint64_t items[];
};

static void *item_of(const struct pages *pages, struct page *page, size_t index)
{
    return (char *)page->items + index % PAGE_ITEMS * pages->item_bytes;
}

const void *pages_read(const struct pages *pages, size_t index)
{
    size_t number = index / PAGE_ITEMS;

    if (number >= pages->count || pages->all[number] == NULL)
        return NULL;
    return item_of(pages, pages->all[number], index);
}

static void page_release(struct page *page)
{
    if (page != NULL && --page->references == 0)
        free(page);
}

static struct page *page_new(const struct pages *pages, const struct page *old)
{
    size_t bytes = PAGE_ITEMS * pages->item_bytes;
    struct page *page = memory_new(1, sizeof(*page) + bytes);

    if (old != NULL)
        memcpy(page->items, old->items, bytes);
    page->references = 1;
    return page;
}

void *pages_write(struct pages *pages, size_t index)
{
    size_t number = index / PAGE_ITEMS;

    assert(pages->item_bytes > 0 && pages->item_bytes % sizeof(uint64_t) == 0);
    pages->all = memory_reach(pages->all, &pages->count, number, sizeof(struct page *));
    struct page *page = pages->all[number];
    if (page == NULL || page->references > 1) {
        pages->all[number] = page_new(pages, page);
        page_release(page);
    }
    return item_of(pages, pages->all[number], index);
}

void pages_copy(struct pages *to, const struct pages *from)
{
    assert(to->all == NULL && to->count == 0);
    *to = *from;
    to->all = memory_new(from->count, sizeof(struct page *));
    for (size_t i = 0; i < from->count; i++) {
        to->all[i] = from->all[i];
        if (to->all[i] != NULL)
            to->all[i]->references++;
    }
}

void pages_free(struct pages *pages)
{
    for (size_t i = 0; i < pages->count; i++)
        page_release(pages->all[i]);
    free(pages->all);
    pages->all = NULL;
    pages->count = 0;
}
