// SPDX-License-Identifier: Apache-2.0
/* report_json.c - a run's report as one JSON object, and its first sheet as CSV */
#include "sim/result.h"

#include "sim/report_data.h"

#include <inttypes.h>
#include <math.h>
#include <string.h>

static void write_string(FILE *file, const char *text)
{
    fputc('"', file);
    for (; *text != '\0'; text++) {
        unsigned char c = (unsigned char)*text;

        if (c == '"' || c == '\\')
            fprintf(file, "\\%c", c);
        else if (c < 0x20)
            fprintf(file, "\\u%04x", c);
        else
            fputc(c, file);
    }
    fputc('"', file);
}

/* "\n  " or ",\n  ", then the name. */
static void write_name(FILE *file, bool is_first, const char *indent, const char *name)
{
    fprintf(file, "%s\n%s", is_first ? "" : ",", indent);
    write_string(file, name);
    fputs(": ", file);
}

static void write_checks(FILE *file, const struct result *result)
{
    fputs("{", file);
    for (enum invariant i = I1; i < INVARIANTS; i++) {
        char name[8];

        snprintf(name, sizeof(name), "I%d", (int)i);
        write_name(file, i == I1, "    ", name);
        write_string(file, result->broken[i] > 0  ? "broken"
                           : result->asked[i] > 0 ? "held"
                                                  : "not checked");
    }
    fputs("\n  }", file);
}

static void write_metrics(FILE *file, const struct metric *metrics, size_t count)
{
    fputs("{", file);
    for (size_t i = 0; i < count; i++) {
        write_name(file, i == 0, "    ", metrics[i].name);
        print_number(file, metrics[i].value, "null");
    }
    fputs(count > 0 ? "\n  }" : "}", file);
}

static void write_sources(FILE *file, const struct report *report)
{
    fputs("{", file);
    for (size_t i = 0; i < report->reference_count; i++) {
        write_name(file, i == 0, "    ", report->references[i].name);
        write_string(file, report->references[i].source);
    }
    fputs(report->reference_count > 0 ? "\n  }" : "}", file);
}

static void write_settings(FILE *file, const struct settings *settings)
{
    bool is_first = true;

    fputs("{", file);
    for (enum setting i = 0; i < SETTINGS; i++) {
        const struct setting_info *info = setting_info(i);

        if (!settings->is_given[i])
            continue;
        write_name(file, is_first, "    ", info->name);
        is_first = false;
        if (info->choices == NULL) {
            print_number(file, setting(settings, i), "null");
        } else {
            char text[40];

            setting_text(settings, i, text, sizeof(text));
            write_string(file, text);
        }
    }
    fputs(is_first ? "}" : "\n  }", file);
}

static void write_field(FILE *file, const struct field *field)
{
    if (field == NULL)
        fputs("null", file);
    else if (field->text != NULL)
        write_string(file, field->text);
    else
        print_number(file, field->number, "null");
}

static void write_sheet(FILE *file, const struct sheet *sheet)
{
    fputs("    {\n      \"title\": ", file);
    write_string(file, sheet->title);
    fputs(",\n      \"columns\": [", file);
    for (size_t i = 0; i < sheet->column_count; i++) {
        fputs(i > 0 ? ", " : "", file);
        write_string(file, sheet->columns[i]);
    }
    fputs("],\n      \"rows\": [", file);
    for (size_t row = 0; row < sheet_rows(sheet); row++) {
        fputs(row > 0 ? ",\n        [" : "\n        [", file);
        for (size_t i = 0; i < sheet->column_count; i++) {
            fputs(i > 0 ? ", " : "", file);
            write_field(file, sheet_field(sheet, row, i));
        }
        fputs("]", file);
    }
    fputs("]\n    }", file);
}

static void write_lists(FILE *file, const struct report *report)
{
    fputs(",\n  \"notes\": [", file);
    for (size_t i = 0; i < report->note_count; i++) {
        fputs(i > 0 ? ",\n    " : "\n    ", file);
        write_string(file, report->notes[i]);
    }
    fputs("],\n  \"sheets\": [", file);
    for (size_t i = 0; i < report->sheet_count; i++) {
        fputs(i > 0 ? ",\n" : "\n", file);
        write_sheet(file, report->sheets[i]);
    }
    fputs("]\n}\n", file);
}

void report_write_json(FILE *file, const struct result *result)
{
    const struct run *run = result->run;
    const struct report *report = result->report;

    fputs("{\n  \"scenario\": ", file);
    write_string(file, run->scenario->name);
    fprintf(file, ",\n  \"seed\": %" PRIu64 ",\n  \"nodes\": %zu,\n  \"duration_s\": ", run->seed,
            run_nodes(run));
    print_number(file, run_duration_s(run), "null");
    fprintf(file, ",\n  \"wall_s\": %.3f,\n  \"events\": %" PRIu64, result->wall_s, result->events);
    fprintf(file, ",\n  \"trace_hash\": \"%016" PRIx64 "\",\n  \"pass\": %s", result->trace_hash,
            result->status == EXIT_HELD ? "true" : "false");
    fputs(",\n  \"checks\": ", file);
    write_checks(file, result);
    fputs(",\n  \"metrics\": ", file);
    write_metrics(file, report->metrics, report->metric_count);
    fputs(",\n  \"reference\": ", file);
    write_metrics(file, report->references, report->reference_count);
    fputs(",\n  \"reference_source\": ", file);
    write_sources(file, report);
    fputs(",\n  \"settings\": ", file);
    write_settings(file, &run->settings);
    if (!result->is_whole)
        fprintf(file, ",\n  \"cell\": %zu", result->first_cell);
    write_lists(file, report);
}

/* --- CSV (RFC 4180)
 * ----------------------------------------------------------------------------- */

static void write_csv_text(FILE *file, const char *text)
{
    if (strpbrk(text, "\",\r\n") == NULL) {
        fputs(text, file);
        return;
    }
    fputc('"', file);
    for (; *text != '\0'; text++)
        fputs(*text == '"' ? "\"\"" : (char[]){*text, '\0'}, file);
    fputc('"', file);
}

static void write_csv_sheet(FILE *file, const struct sheet *sheet)
{
    for (size_t i = 0; i < sheet->column_count; i++) {
        fputs(i > 0 ? "," : "", file);
        write_csv_text(file, sheet->columns[i]);
    }
    fputs("\r\n", file);
    for (size_t row = 0; row < sheet_rows(sheet); row++) {
        for (size_t i = 0; i < sheet->column_count; i++) {
            const struct field *field = sheet_field(sheet, row, i);

            fputs(i > 0 ? "," : "", file);
            if (field != NULL && field->text != NULL)
                write_csv_text(file, field->text);
            else if (field != NULL && isfinite(field->number))
                fprintf(file, "%.*f", field->decimals, field->number);
        }
        fputs("\r\n", file);
    }
}

/* Without a sheet: the metrics, one a line. */
void report_write_csv(FILE *file, const struct result *result)
{
    const struct report *report = result->report;

    if (report->sheet_count > 0) {
        write_csv_sheet(file, report->sheets[0]);
        return;
    }
    fputs("metric,value\r\n", file);
    for (size_t i = 0; i < report->metric_count; i++) {
        write_csv_text(file, report->metrics[i].name);
        fputc(',', file);
        print_number(file, report->metrics[i].value, "");
        fputs("\r\n", file);
    }
}
