// SPDX-License-Identifier: Apache-2.0
/* report_text.c - a run's report for people: aligned tables, then what held */
#include "sim/result.h"

#include "sim/memory.h"
#include "sim/report_data.h"

#include <assert.h>
#include <inttypes.h>
#include <math.h>

enum { NOTE_COLUMNS = 100 };

/* --- A table: texts row by row; the first row is its head
 * ------------------------------------------------------------------------ */

struct item {
    char text[72];
    bool is_number;
};

struct table {
    size_t columns, count, capacity;
    struct item *items;
};

static struct item *add_item(struct table *table)
{
    table->items =
        memory_reach(table->items, &table->capacity, table->count, sizeof(*table->items));
    return &table->items[table->count++];
}

static void add_text(struct table *table, const char *text)
{
    snprintf(add_item(table)->text, sizeof(table->items->text), "%s", text);
}

static void add_number(struct table *table, double value, int decimals)
{
    struct item *item = add_item(table);

    item->is_number = true;
    if (isfinite(value))
        snprintf(item->text, sizeof(item->text), "%.*f", decimals, value);
    else
        snprintf(item->text, sizeof(item->text), "-");
}

/* Columns on a terminal, near enough: continuation bytes of UTF-8 take none. */
static size_t width_of(const char *text)
{
    size_t width = 0;

    for (; *text != '\0'; text++)
        width += ((unsigned char)*text & 0xc0) != 0x80;
    return width;
}

static void write_item(FILE *file, const struct item *item, size_t width, bool is_right,
                       bool is_last)
{
    size_t own = width_of(item->text);
    int padding = own < width ? (int)(width - own) : 0;

    fprintf(file, "%*s%s%*s", is_right ? padding : 0, "", item->text,
            is_right || is_last ? 0 : padding, "");
    fputs(is_last ? "\n" : "  ", file);
}

/* A column is as wide as its widest item, and stands on the right if it has a number. */
static void write_table(FILE *file, struct table *table)
{
    size_t *widths = memory_new(table->columns, sizeof(*widths));
    bool *are_right = memory_new(table->columns, sizeof(*are_right));

    assert(table->columns > 0 && table->count % table->columns == 0);
    for (size_t i = 0; i < table->count; i++) {
        size_t width = width_of(table->items[i].text), column = i % table->columns;

        widths[column] = width > widths[column] ? width : widths[column];
        are_right[column] |= table->items[i].is_number;
    }
    for (size_t row = 0; row < table->count; row += table->columns) {
        size_t last = table->columns - 1; /* nothing is written to fill up what is empty */

        while (last > 0 && table->items[row + last].text[0] == '\0')
            last--;
        for (size_t i = 0; i <= last; i++)
            write_item(file, &table->items[row + i], widths[i], are_right[i], i == last);
    }
    free(widths);
    free(are_right);
    free(table->items);
}

/* --- What is in a report
 * ------------------------------------------------------------------------ */

static int decimals_of(double value)
{
    double size = fabs(value);

    if (value == floor(value) && size < 1e15)
        return 0;
    return size >= 1000 ? 0 : size >= 100 ? 1 : size >= 1 ? 2 : size >= 0.01 ? 4 : 6;
}

static void write_sheet(FILE *file, const struct sheet *sheet)
{
    struct table table = {.columns = sheet->column_count};

    if (sheet->is_long) {
        fprintf(file, "\n%s: %zu rows, see --csv\n", sheet->title, sheet_rows(sheet));
        return;
    }
    for (size_t i = 0; i < sheet->column_count; i++)
        add_text(&table, sheet->columns[i]);
    for (size_t i = 0; i < sheet_rows(sheet) * sheet->column_count; i++) {
        const struct field *field =
            sheet_field(sheet, i / sheet->column_count, i % sheet->column_count);

        if (field == NULL || (field->text == NULL && isnan(field->number)))
            add_text(&table, "");
        else if (field->text != NULL)
            add_text(&table, field->text);
        else
            add_number(&table, field->number, field->decimals);
    }
    fprintf(file, "\n%s\n", sheet->title);
    write_table(file, &table);
}

static void add_metric(struct table *table, const char *name, double value,
                       const struct metric *reference)
{
    add_text(table, name);
    add_number(table, value, decimals_of(value));
    if (reference == NULL) {
        add_text(table, "");
        add_text(table, "");
        add_text(table, "");
        return;
    }
    double ratio = reference->value != 0 ? value / reference->value : NAN;

    add_number(table, reference->value, decimals_of(reference->value));
    add_number(table, ratio, 2);
    add_text(table, reference->source);
}

static bool has_metric(const struct report *report, const char *name)
{
    for (size_t i = 0; i < report->metric_count; i++)
        if (strcmp(report->metrics[i].name, name) == 0)
            return true;
    return false;
}

static void write_metrics(FILE *file, const struct report *report)
{
    struct table table = {.columns = 5};

    if (report->metric_count + report->reference_count == 0)
        return;
    add_text(&table, "metric");
    add_text(&table, "here");
    add_text(&table, "reference");
    add_text(&table, "ratio");
    add_text(&table, "of");
    for (size_t i = 0; i < report->metric_count; i++)
        add_metric(&table, report->metrics[i].name, report->metrics[i].value,
                   report_find_reference(report, report->metrics[i].name));
    for (size_t i = 0; i < report->reference_count; i++)
        if (!has_metric(report, report->references[i].name))
            add_metric(&table, report->references[i].name, NAN, &report->references[i]);
    fputc('\n', file);
    write_table(file, &table);
}

static void write_checks(FILE *file, const struct result *result)
{
    static const char *const heads[] = {"broken", "held", "not checked"};

    for (int kind = 0; kind < 3; kind++) {
        bool is_first = true;

        for (enum invariant i = I1; i < INVARIANTS; i++) {
            int is = result->broken[i] > 0 ? 0 : result->asked[i] > 0 ? 1 : 2;

            if (is != kind)
                continue;
            if (is_first)
                fprintf(file, "%-12s", heads[kind]);
            is_first = false;
            fprintf(file, " I%d", (int)i);
            if (kind == 0)
                fprintf(file, " (%" PRIu64 " times)", result->broken[i]);
        }
        if (!is_first)
            fputc('\n', file);
    }
}

/* Wrapped between words. */
static void write_note(FILE *file, const char *text)
{
    size_t column = 0;

    for (bool is_first = true; *text != '\0'; is_first = false) {
        size_t len = strcspn(text, " ");

        if (!is_first && column + 1 + len > NOTE_COLUMNS) {
            fputs("\n  ", file);
            column = 2;
        } else if (!is_first) {
            fputc(' ', file);
            column++;
        }
        fwrite(text, 1, len, file);
        column += len;
        text += len + (text[len] == ' ');
    }
    fputc('\n', file);
}

static const char *verdict_of(enum exit_status status)
{
    switch (status) {
    case EXIT_HELD: return "all held";
    case EXIT_CRASH: return "a world crashed";
    case EXIT_LIVENESS: return "liveness broke: something did not come true in time";
    case EXIT_SAFETY: return "safety broke";
    default: return "";
    }
}

void report_write_text(FILE *file, const struct result *result)
{
    const struct run *run = result->run;
    const struct report *report = result->report;

    fprintf(file, "%s - %s\n", run->scenario->name, run->scenario->what);
    fprintf(file, "seed %" PRIu64 ", %zu nodes, %g s; %zu world%s, %" PRIu64 " events in %.1f s\n",
            run->seed, run_nodes(run), run_duration_s(run), result->cells,
            result->cells == 1 ? "" : "s", result->events, result->wall_s);
    if (run->scenario->anchor != NULL && run->scenario->anchor[0] != '\0')
        fprintf(file, "to compare: %s\n", run->scenario->anchor);
    for (size_t i = 0; i < report->sheet_count; i++)
        write_sheet(file, report->sheets[i]);
    write_metrics(file, report);
    for (size_t i = 0; i < report->note_count; i++) {
        fputs(i == 0 ? "\n" : "", file);
        write_note(file, report->notes[i]);
    }
    fputc('\n', file);
    write_checks(file, result);
    fprintf(file, "trace        %016" PRIx64 "\n", result->trace_hash);
    fprintf(file, "%s\n", verdict_of(result->status));
}
