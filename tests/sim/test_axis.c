// SPDX-License-Identifier: Apache-2.0
/* test_axis.c - round numbers that hold every value */
#include "sim/axis.h"

#include <criterion/criterion.h>
#include <math.h>

static struct axis axis_over(const double *values, size_t count, bool is_log)
{
    struct axis axis = axis_begin(is_log);

    for (size_t i = 0; i < count; i++)
        axis_add(&axis, values[i]);
    axis_finish(&axis);
    return axis;
}

#define AXIS(is_log, ...)                                                                      \
    axis_over((const double[]){__VA_ARGS__}, sizeof((double[]){__VA_ARGS__}) / sizeof(double), \
              is_log)

Test(axis, linear_begins_at_zero_unless_the_values_are_far_from_it)
{
    cr_assert_eq(AXIS(false, 3, 97).least, 0);
    cr_assert_eq(AXIS(false, 3, 97).most, 100);
    cr_assert_gt(AXIS(false, 990, 1000).least, 0);
}

Test(axis, ticks_are_round_and_in_order)
{
    struct axis axis = AXIS(false, 0, 0.2);

    cr_assert_str_eq(axis.tick[0].label, "0");
    cr_assert_str_eq(axis.tick[axis.ticks - 1].label, "0.2");
    for (size_t i = 1; i < axis.ticks; i++)
        cr_assert_gt(axis.tick[i].at, axis.tick[i - 1].at);
}

Test(axis, every_value_has_its_place)
{
    static const double values[][2] = {{-5, 5}, {0, 0}, {7, 7}, {-3, -3}, {1e-9, 1e9}, {0, 1e-3}};

    for (size_t i = 0; i < sizeof(values) / sizeof(values[0]); i++)
        for (int is_log = 0; is_log < 2; is_log++) {
            struct axis axis = axis_over(values[i], 2, is_log);

            for (size_t k = 0; k < 2; k++) {
                cr_assert_geq(axis_place(&axis, values[i][k]), -1e-9, "%zu %d", i, is_log);
                cr_assert_leq(axis_place(&axis, values[i][k]), 1 + 1e-9, "%zu %d", i, is_log);
            }
        }
}

Test(axis, zeros_stand_at_the_bottom_of_a_logarithmic_one)
{
    struct axis axis = AXIS(true, 0, 1, 1000);

    cr_assert_eq(axis_place(&axis, 0), 0);
    cr_assert_str_eq(axis.tick[0].label, "0");
    cr_assert_gt(axis_place(&axis, 1), 0.05, "apart from the least that is not zero");
    cr_assert_float_eq(axis_place(&axis, 1000), 1, 1e-9);
}

Test(axis, logarithmic_ends_where_the_values_do)
{
    struct axis axis = AXIS(true, 1, 32);

    cr_assert_float_eq(axis.least, 1, 1e-9);
    cr_assert_float_eq(axis.most, 50, 1e-9);
}

Test(axis, what_is_not_finite_is_passed_over)
{
    struct axis axis = AXIS(false, NAN, 1, INFINITY, 2);

    cr_assert_eq(axis.most, 2);
    axis = AXIS(true, NAN);
    cr_assert_lt(axis.least, axis.most);
}

Test(axis, numbers_are_grouped)
{
    char text[AXIS_LABEL_BYTES];

    axis_number(1234567, text, sizeof(text));
    cr_assert_str_eq(text, "1,234,567");
    axis_number(-100000, text, sizeof(text));
    cr_assert_str_eq(text, "-100,000");
    axis_number(0.05, text, sizeof(text));
    cr_assert_str_eq(text, "0.05");
    axis_number(999, text, sizeof(text));
    cr_assert_str_eq(text, "999");
}
