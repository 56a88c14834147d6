// SPDX-License-Identifier: Apache-2.0
/* report_data.h - what a report holds, for those who write it out */
#ifndef AURORA_SIM_REPORT_DATA_H
#define AURORA_SIM_REPORT_DATA_H

#include "sim/report.h"

struct metric {
    char *name;
    double value;
    char *source; /* of a reference: where it comes from */
};

struct field {
    char *text; /* NULL: a number */
    double number;
    int decimals;
};

struct sheet {
    char *title;
    char **columns;
    size_t column_count;
    bool is_long;         /* for machines */
    struct field *fields; /* row by row */
    size_t field_count, field_capacity;
};

struct series {
    char *name;
    double *xy; /* x, y, x, y ... */
    size_t points, capacity;
};

struct plot {
    char *title, *x_label, *y_label;
    bool is_log_x, is_log_y;
    struct series *series;
    size_t series_count, series_capacity;
};

struct report {
    struct metric *metrics, *references;
    size_t metric_count, metric_capacity, reference_count, reference_capacity;
    char **notes;
    size_t note_count, note_capacity;
    struct sheet **sheets;
    size_t sheet_count, sheet_capacity;
    struct plot **plots;
    size_t plot_count, plot_capacity;
};

struct report *report_new(void);
void report_free(struct report *);
/* NULL: there is none. */
const struct metric *report_find_reference(const struct report *, const char *name);
/* Full rows; a last one that was begun is filled up with empty fields. */
size_t sheet_rows(const struct sheet *);
/* NULL: the row was not filled so far. */
const struct field *sheet_field(const struct sheet *, size_t row, size_t column);

#endif
