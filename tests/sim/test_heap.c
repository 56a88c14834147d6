// SPDX-License-Identifier: Apache-2.0
/* test_heap.c - the heap against a list that is searched from end to end */
#include "sim/heap.h"

#include "sim/random.h"

#include <criterion/criterion.h>

enum { ENTRIES = 300, STEPS = 40000 };

/* The naive twin: when, and in which order it was put there. */
struct twin {
    struct heap_entry entry;
    uint64_t at_us, order;
    bool is_in;
};

static struct twin *twin_first(struct twin *twins)
{
    struct twin *first = NULL;

    for (size_t i = 0; i < ENTRIES; i++)
        if (twins[i].is_in && (first == NULL || twins[i].at_us < first->at_us ||
                               (twins[i].at_us == first->at_us && twins[i].order < first->order)))
            first = &twins[i];
    return first;
}

static void change(struct heap *heap, struct twin *twin, uint64_t at_us, bool removes)
{
    if (twin->is_in && removes)
        heap_remove(heap, &twin->entry);
    else if (twin->is_in)
        heap_move(heap, &twin->entry, at_us);
    else
        heap_insert(heap, &twin->entry, at_us);
    twin->is_in = !(twin->is_in && removes);
    twin->at_us = at_us;
}

Test(heap, agrees_with_a_searched_list)
{
    static struct twin twins[ENTRIES];
    struct heap heap = {0};
    struct random random = random_stream(11, 0);
    uint64_t order = 0;

    for (size_t step = 0; step < STEPS; step++) {
        struct twin *twin = &twins[random_below(&random, ENTRIES)];

        if (random_below(&random, 3) == 0) {
            struct twin *first = twin_first(twins);

            cr_assert_eq(heap_pop(&heap), first ? &first->entry : NULL, "step %zu", step);
            if (first != NULL)
                first->is_in = false;
            continue;
        }
        /* Few different times, so that ties are common. */
        change(&heap, twin, random_below(&random, 50), random_below(&random, 4) == 0);
        twin->order = order++;
        cr_assert_eq(heap_due_us(&heap, &twin->entry), twin->is_in ? twin->at_us : UINT64_MAX);
    }
    heap_free(&heap);
}

Test(heap, ties_go_to_who_came_first)
{
    struct heap_entry entries[100] = {{0}};
    struct heap heap = {0};

    for (size_t i = 0; i < 100; i++)
        heap_insert(&heap, &entries[i], 5);
    heap_move(&heap, &entries[0], 5);
    for (size_t i = 1; i < 100; i++)
        cr_assert_eq(heap_pop(&heap), &entries[i]);
    cr_assert_eq(heap_pop(&heap), &entries[0], "moved is inserted anew");
    cr_assert_null(heap_pop(&heap));
    cr_assert_eq(heap_next_us(&heap), UINT64_MAX);
    heap_free(&heap);
}
