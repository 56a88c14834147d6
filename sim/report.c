// SPDX-License-Identifier: Apache-2.0
/* report.c - collecting what a run found */
#include "sim/report_data.h"

#include "sim/memory.h"

#include <assert.h>
#include <stdarg.h>

enum { NOTE_MAX_BYTES = 1000 };

static char *copy_text(const char *text)
{
    size_t bytes = strlen(text) + 1;

    return memcpy(memory_resize(NULL, bytes), text, bytes);
}

struct report *report_new(void)
{
    return memory_new(1, sizeof(struct report));
}

/* --- Metrics and notes
 * -------------------------------------------------------------------------------- */

void report_metric(struct report *report, const char *name, double value)
{
    report->metrics = memory_reach(report->metrics, &report->metric_capacity, report->metric_count,
                                   sizeof(*report->metrics));
    report->metrics[report->metric_count++] = (struct metric){copy_text(name), value, NULL};
}

void report_reference(struct report *report, const char *name, double value, const char *source)
{
    report->references = memory_reach(report->references, &report->reference_capacity,
                                      report->reference_count, sizeof(*report->references));
    report->references[report->reference_count++] =
        (struct metric){copy_text(name), value, copy_text(source != NULL ? source : "")};
}

const struct metric *report_find_reference(const struct report *report, const char *name)
{
    for (size_t i = 0; i < report->reference_count; i++)
        if (strcmp(report->references[i].name, name) == 0)
            return &report->references[i];
    return NULL;
}

void report_note(struct report *report, const char *format, ...)
{
    char text[NOTE_MAX_BYTES];
    va_list arguments;

    va_start(arguments, format);
    vsnprintf(text, sizeof(text), format, arguments);
    va_end(arguments);
    report->notes = memory_reach(report->notes, &report->note_capacity, report->note_count,
                                 sizeof(*report->notes));
    report->notes[report->note_count++] = copy_text(text);
}

/* --- Sheets
 * -------------------------------------------------------------------------------------------- */

static void add_columns(struct sheet *sheet, const char *columns)
{
    size_t capacity = 0;

    for (;;) {
        size_t len = strcspn(columns, "|");
        char *name = memory_new(len + 1, 1);

        memcpy(name, columns, len);
        sheet->columns =
            memory_reach(sheet->columns, &capacity, sheet->column_count, sizeof(*sheet->columns));
        sheet->columns[sheet->column_count++] = name;
        if (columns[len] == '\0')
            return;
        columns += len + 1;
    }
}

struct sheet *report_sheet(struct report *report, const char *title, const char *columns)
{
    struct sheet *sheet = memory_new(1, sizeof(*sheet));

    sheet->title = copy_text(title);
    add_columns(sheet, columns);
    report->sheets = memory_reach(report->sheets, &report->sheet_capacity, report->sheet_count,
                                  sizeof(*report->sheets));
    report->sheets[report->sheet_count++] = sheet;
    return sheet;
}

void sheet_is_long(struct sheet *sheet)
{
    sheet->is_long = true;
}

static struct field *add_field(struct sheet *sheet)
{
    sheet->fields = memory_reach(sheet->fields, &sheet->field_capacity, sheet->field_count,
                                 sizeof(*sheet->fields));
    return &sheet->fields[sheet->field_count++];
}

void sheet_text(struct sheet *sheet, const char *text)
{
    *add_field(sheet) = (struct field){.text = copy_text(text)};
}

void sheet_number(struct sheet *sheet, double value, int decimals)
{
    assert(decimals >= 0 && decimals < 16);
    *add_field(sheet) = (struct field){.number = value, .decimals = decimals};
}

size_t sheet_rows(const struct sheet *sheet)
{
    return (sheet->field_count + sheet->column_count - 1) / sheet->column_count;
}

const struct field *sheet_field(const struct sheet *sheet, size_t row, size_t column)
{
    size_t index = row * sheet->column_count + column;

    assert(column < sheet->column_count);
    return index < sheet->field_count ? &sheet->fields[index] : NULL;
}

/* --- Plots
 * --------------------------------------------------------------------------------------------- */

struct plot *report_plot(struct report *report, const char *title, const char *x_label,
                         const char *y_label)
{
    struct plot *plot = memory_new(1, sizeof(*plot));

    plot->title = copy_text(title);
    plot->x_label = copy_text(x_label);
    plot->y_label = copy_text(y_label);
    report->plots = memory_reach(report->plots, &report->plot_capacity, report->plot_count,
                                 sizeof(*report->plots));
    report->plots[report->plot_count++] = plot;
    return plot;
}

void plot_log_x(struct plot *plot)
{
    plot->is_log_x = true;
}

void plot_log_y(struct plot *plot)
{
    plot->is_log_y = true;
}

void plot_point(struct plot *plot, const char *name, double x, double y)
{
    size_t index = 0;

    while (index < plot->series_count && strcmp(plot->series[index].name, name) != 0)
        index++;
    plot->series = memory_reach(plot->series, &plot->series_capacity, index, sizeof(*plot->series));
    struct series *series = &plot->series[index];
    if (index == plot->series_count) {
        plot->series_count++;
        series->name = copy_text(name);
    }
    series->xy =
        memory_reach(series->xy, &series->capacity, 2 * series->points + 1, sizeof(*series->xy));
    series->xy[2 * series->points] = x;
    series->xy[2 * series->points++ + 1] = y;
}

/* --- Freeing
 * ------------------------------------------------------------------------------------------- */

static void free_metrics(struct metric *metrics, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        free(metrics[i].name);
        free(metrics[i].source);
    }
    free(metrics);
}

static void free_sheet(struct sheet *sheet)
{
    for (size_t i = 0; i < sheet->field_count; i++)
        free(sheet->fields[i].text);
    for (size_t i = 0; i < sheet->column_count; i++)
        free(sheet->columns[i]);
    free(sheet->columns);
    free(sheet->fields);
    free(sheet->title);
    free(sheet);
}

static void free_plot(struct plot *plot)
{
    for (size_t i = 0; i < plot->series_count; i++) {
        free(plot->series[i].name);
        free(plot->series[i].xy);
    }
    free(plot->series);
    free(plot->title);
    free(plot->x_label);
    free(plot->y_label);
    free(plot);
}

void report_free(struct report *report)
{
    free_metrics(report->metrics, report->metric_count);
    free_metrics(report->references, report->reference_count);
    for (size_t i = 0; i < report->note_count; i++)
        free(report->notes[i]);
    free(report->notes);
    for (size_t i = 0; i < report->sheet_count; i++)
        free_sheet(report->sheets[i]);
    free(report->sheets);
    for (size_t i = 0; i < report->plot_count; i++)
        free_plot(report->plots[i]);
    free(report->plots);
    free(report);
}
