// SPDX-License-Identifier: Apache-2.0
/* test_intern.c - names have numbers in order of first mention, and keep them */
#include "sim/intern.h"

#include <criterion/criterion.h>
#include <stdio.h>

Test(intern, numbers_are_in_order_and_stay)
{
    struct intern intern = {0};
    char name[24];

    cr_assert_eq(intern_find(&intern, span_of_text("n0")), INTERN_NONE);
    for (size_t i = 0; i < 1000; i++) {
        snprintf(name, sizeof(name), "n%zu", i);
        cr_assert_eq(intern_add(&intern, span_of_text(name)), i);
    }
    for (size_t i = 0; i < 1000; i++) {
        snprintf(name, sizeof(name), "n%zu", i);
        cr_assert_eq(intern_find(&intern, span_of_text(name)), i);
        cr_assert_eq(intern_add(&intern, span_of_text(name)), i);
        cr_assert(span_equal(intern_name(&intern, i), span_of_text(name)));
    }
    cr_assert_eq(intern_find(&intern, span_of_text("n1000")), INTERN_NONE);
    cr_assert_eq(intern_add(&intern, span_of_text("")), 1000, "the empty name is a name");
    intern_free(&intern);
}
