// SPDX-License-Identifier: Apache-2.0
/* report.h - what a run found: metrics beside references, a sheet of rows, plots; as text for
 * people, JSON and CSV for machines, SVG for the eye */
#ifndef AURORA_SIM_REPORT_H
#define AURORA_SIM_REPORT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

struct report;
struct sheet;
struct plot;

/* Names carry their unit (detect_full_p99_ms); all texts are copied. NAN is printed as "-" and is
 * null in JSON. */
void report_metric(struct report *, const char *name, double value);
/* The paper's or the rival's figure of the same name, and where it comes from. */
void report_reference(struct report *, const char *name, double value, const char *source);
/* A line under the table: how to read it, where we fall short. */
void report_note(struct report *, const char *format, ...) __attribute__((format(printf, 2, 3)));

/* Columns are separated by '|': "detector|nodes|detect_p50_ms". The first sheet is the CSV. The
 * report owns it. */
struct sheet *report_sheet(struct report *, const char *title, const char *columns);
/* Too long to read: in the CSV and the JSON; people are told how many rows there are. */
void sheet_is_long(struct sheet *);
/* Cells from left to right, then row by row. */
void sheet_text(struct sheet *, const char *text);
void sheet_number(struct sheet *, double value, int decimals); /* NAN: empty */

/* A line chart; several are drawn one under the other in one SVG. */
struct plot *report_plot(struct report *, const char *title, const char *x_label,
                         const char *y_label);
void plot_log_x(struct plot *);
void plot_log_y(struct plot *); /* zeros are drawn on the bottom line */
/* Points of one name make a line; a name that begins with "paper" is dashed. */
void plot_point(struct plot *, const char *series, double x, double y);

#endif
