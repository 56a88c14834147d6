// SPDX-License-Identifier: Apache-2.0
/* axis.c - scales with round numbers */
#include "sim/axis.h"

#include <assert.h>
#include <math.h>
#include <stdio.h>
#include <string.h>

enum { STEPS_WANTED = 6 };

struct axis axis_begin(bool is_log)
{
    return (struct axis){.is_log = is_log, .least = INFINITY, .most = -INFINITY};
}

void axis_add(struct axis *axis, double value)
{
    if (!isfinite(value))
        return;
    if (axis->is_log && value <= 0) {
        axis->has_zero = true;
        return;
    }
    axis->least = fmin(axis->least, value);
    axis->most = fmax(axis->most, value);
}

/* --- Numbers
 * ------------------------------------------------------------------------------------- */

static void group_thousands(double value, char *out, size_t bytes)
{
    char digits[40];
    size_t used = 0;
    int len = snprintf(digits, sizeof(digits), "%.0f", fabs(value));

    if (value < 0 && bytes > 1)
        out[used++] = '-';
    for (int i = 0; i < len && used + 2 < bytes; i++) {
        if (i > 0 && (len - i) % 3 == 0)
            out[used++] = ',';
        out[used++] = digits[i];
    }
    out[used] = '\0';
}

void axis_number(double value, char *out, size_t bytes)
{
    if (fabs(value) >= 1000 && fabs(value) < 1e9 && value == floor(value))
        group_thousands(value, out, bytes);
    else
        snprintf(out, bytes, "%.6g", value + 0.0); /* no -0 */
}

static void add_tick(struct axis *axis, double at, bool is_labelled)
{
    if (axis->ticks == AXIS_TICKS_MAX)
        return;
    struct axis_tick *tick = &axis->tick[axis->ticks++];
    tick->at = at;
    tick->is_labelled = is_labelled;
    axis_number(at, tick->label, sizeof(tick->label));
}

/* --- Linear
 * -------------------------------------------------------------------------------------- */

/* 1, 2 or 5 times a power of ten. */
static double round_step(double rough)
{
    double power = pow(10, floor(log10(rough))), part = rough / power;

    return (part <= 1.0001 ? 1 : part <= 2.0001 ? 2 : part <= 5.0001 ? 5 : 10) * power;
}

static void finish_linear(struct axis *axis)
{
    if (axis->least > axis->most)
        axis->least = 0, axis->most = 1;
    if (axis->least > 0 && axis->least < axis->most * 0.9)
        axis->least = 0;
    if (axis->least >= axis->most) {
        double around = axis->most != 0 ? fabs(axis->most) : 1;

        axis->least = axis->least > 0 ? 0 : axis->least - around;
        axis->most += around / 4;
    }
    double step = round_step((axis->most - axis->least) / STEPS_WANTED);
    axis->least = floor(axis->least / step + 1e-9) * step;
    axis->most = ceil(axis->most / step - 1e-9) * step;
    size_t steps = (size_t)lround((axis->most - axis->least) / step);
    for (size_t i = 0; i <= steps; i++)
        add_tick(axis, round((axis->least + (double)i * step) / step) * step, true);
}

/* --- Logarithmic
 * --------------------------------------------------------------------------------- */

/* The nearest 1, 2 or 5 times a power of ten at or below it (or, `up`, at or above it). */
static double round_log(double value, bool up)
{
    double power = pow(10, floor(log10(value) + 1e-9)), part = value / power;

    if (up)
        return (part <= 1.0001 ? 1 : part <= 2.0001 ? 2 : part <= 5.0001 ? 5 : 10) * power;
    return (part >= 4.9999 ? 5 : part >= 1.9999 ? 2 : 1) * power;
}

static void widen_log(struct axis *axis)
{
    if (axis->least > axis->most)
        axis->least = 1, axis->most = 10;
    axis->least = round_log(axis->least, false);
    axis->most = round_log(axis->most, true);
    if (axis->least >= axis->most)
        axis->most = 10 * axis->least;
    if (axis->has_zero) /* where the zeros stand */
        axis->least = pow(10, floor(log10(axis->least) - 0.5));
}

static void finish_log(struct axis *axis)
{
    static const int parts[] = {1, 2, 5};

    widen_log(axis);
    int low = (int)floor(log10(axis->least) + 1e-9), high = (int)floor(log10(axis->most) + 1e-9);
    int every = (high - low + 7) / 8; /* decades with a label */
    bool has_minor = high - low <= 8, is_short = high - low <= 2;

    if (axis->has_zero) {
        add_tick(axis, axis->least, true);
        snprintf(axis->tick[0].label, AXIS_LABEL_BYTES, "0");
    }
    for (int decade = low; decade <= high; decade++)
        for (size_t i = 0; i < 3; i++) {
            double at = parts[i] * pow(10, decade);

            if (at < axis->least * (axis->has_zero ? 9.999 : 0.9999) || at > axis->most * 1.0001 ||
                (i > 0 && !has_minor))
                continue;
            add_tick(axis, at, i == 0 ? every < 2 || (decade - low) % every == 0 : is_short);
        }
}

void axis_finish(struct axis *axis)
{
    if (axis->is_log)
        finish_log(axis);
    else
        finish_linear(axis);
    assert(axis->least < axis->most);
    assert(axis->ticks >= 2);
}

double axis_place(const struct axis *axis, double value)
{
    if (!axis->is_log)
        return (value - axis->least) / (axis->most - axis->least);
    if (value <= axis->least)
        return 0;
    return log(value / axis->least) / log(axis->most / axis->least);
}
