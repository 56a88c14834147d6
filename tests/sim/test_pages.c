// SPDX-License-Identifier: Apache-2.0
/* test_pages.c - copies share what neither has written, and nothing else */
#include "sim/pages.h"

#include <criterion/criterion.h>

struct item {
    uint64_t number;
    uint64_t other;
};

static uint64_t number_at(const struct pages *pages, size_t index)
{
    const struct item *item = pages_read(pages, index);

    return item == NULL ? 0 : item->number;
}

static void set(struct pages *pages, size_t index, uint64_t number)
{
    struct item *item = pages_write(pages, index);

    *item = (struct item){number, 1};
}

Test(pages, what_was_never_written_is_zero_or_nowhere)
{
    struct pages pages = {.item_bytes = sizeof(struct item)};

    cr_assert_null(pages_read(&pages, 5));
    set(&pages, 40, 9);
    cr_assert_eq(number_at(&pages, 40), 9U);
    cr_assert_eq(number_at(&pages, 41), 0U);
    cr_assert_null(pages_read(&pages, 5));
    cr_assert_null(pages_read(&pages, 4000));
    pages_free(&pages);
}

Test(pages, a_copy_keeps_what_the_other_changes)
{
    struct pages one = {.item_bytes = sizeof(struct item)}, two = {0};

    for (size_t i = 0; i < 100; i++)
        set(&one, i, i + 1);
    pages_copy(&two, &one);
    cr_assert_eq(pages_read(&one, 50), pages_read(&two, 50), "shared");
    set(&one, 50, 1000);
    set(&two, 51, 2000);
    set(&two, 500, 3000);
    cr_assert_eq(number_at(&one, 50), 1000U);
    cr_assert_eq(number_at(&two, 50), 51U);
    cr_assert_eq(number_at(&one, 51), 52U);
    cr_assert_eq(number_at(&two, 51), 2000U);
    cr_assert_eq(number_at(&one, 500), 0U);
    pages_free(&one);
    cr_assert_eq(number_at(&two, 99), 100U, "it outlives the other");
    pages_free(&two);
}
