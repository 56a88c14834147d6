// SPDX-License-Identifier: Apache-2.0
/* tally.h - a mean and how sure it is, from sums that can be added up: plain numbers, so that they
 * fit a cell's outcome */
#ifndef AURORA_SIM_TALLY_H
#define AURORA_SIM_TALLY_H

#include <math.h>
#include <stddef.h>

enum { TALLY_COUNT = 0, TALLY_SUM, TALLY_SQUARES, TALLY_VALUES };

static inline void tally_add(double *tally, double value)
{
    tally[TALLY_COUNT] += 1;
    tally[TALLY_SUM] += value;
    tally[TALLY_SQUARES] += value * value;
}

static inline void tally_merge(double *tally, const double *other)
{
    for (size_t i = 0; i < TALLY_VALUES; i++)
        tally[i] += other[i];
}

static inline double tally_mean(const double *tally)
{
    return tally[TALLY_COUNT] > 0 ? tally[TALLY_SUM] / tally[TALLY_COUNT] : NAN;
}

/* The mean's standard error. */
static inline double tally_error(const double *tally)
{
    double count = tally[TALLY_COUNT], mean = tally_mean(tally);

    if (count < 2)
        return NAN;
    double variance = (tally[TALLY_SQUARES] - count * mean * mean) / (count - 1);
    return sqrt((variance > 0 ? variance : 0) / count);
}

#endif
