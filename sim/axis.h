// SPDX-License-Identifier: Apache-2.0
/* axis.h - where values stand on an axis, and which of them are written beside it */
#ifndef AURORA_SIM_AXIS_H
#define AURORA_SIM_AXIS_H

#include <stdbool.h>
#include <stddef.h>

enum { AXIS_TICKS_MAX = 40, AXIS_LABEL_BYTES = 24 };

struct axis_tick {
    double at;
    bool is_labelled;
    char label[AXIS_LABEL_BYTES];
};

struct axis {
    bool is_log, has_zero; /* a logarithmic one that has zeros has them at its beginning */
    double least, most;    /* of what is drawn; least < most, and above 0 if it is logarithmic */
    size_t ticks;
    struct axis_tick tick[AXIS_TICKS_MAX];
};

/* Begin, add all the values (what is not finite is passed over), finish: round numbers at its ends.
 * A linear axis begins at 0 unless the values are far from it. */
struct axis axis_begin(bool is_log);
void axis_add(struct axis *, double value);
void axis_finish(struct axis *);
/* 0 at the beginning, 1 at the end; outside: beyond it. */
double axis_place(const struct axis *, double value);
/* 1234567 as "1,234,567"; small ones as short as they can be. */
void axis_number(double value, char *out, size_t bytes);

#endif
