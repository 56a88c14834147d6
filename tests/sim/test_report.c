// SPDX-License-Identifier: Apache-2.0
/* test_report.c - a report's writers: aligned text, JSON and CSV that others can read */
#include "sim/report_data.h"
#include "sim/result.h"

#include <criterion/criterion.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

static struct scenario scenario = {.name = "shape", .what = "a \"thing\"", .nodes = 5};
static struct run run;
static struct result result;
static char *text;

static void begin(void)
{
    run = (struct run){.scenario = &scenario, .seed = 18446744073709551615u, .duration_s = 2.5};
    settings_usual(&run.settings);
    result = (struct result){
        .run = &run, .report = report_new(), .cells = 1, .is_whole = true, .trace_hash = 0xabc};
}

static void end(void)
{
    report_free(result.report);
    free(text);
}

TestSuite(report, .init = begin, .fini = end);

static const char *written(void (*writer)(FILE *, const struct result *))
{
    size_t bytes = 0;
    FILE *file = open_memstream(&text, &bytes);

    writer(file, &result);
    fclose(file);
    return text;
}

static void has(const char *all, const char *part)
{
    cr_assert_not_null(strstr(all, part), "<%s> is not in:\n%s", part, all);
}

Test(report, text_puts_metrics_beside_references)
{
    report_metric(result.report, "detect_ms", 5000);
    report_reference(result.report, "detect_ms", 12500, "the paper");
    report_reference(result.report, "only_theirs", 3, "another");
    const char *all = written(report_write_text);

    has(all, "detect_ms    5000      12500   0.40  the paper\n");
    has(all, "only_theirs     -          3      -  another\n");
}

Test(report, columns_are_aligned_numbers_to_the_right)
{
    struct sheet *sheet = report_sheet(result.report, "two rows", "name|value");

    sheet_text(sheet, "a");
    sheet_number(sheet, 7, 1);
    sheet_text(sheet, "longer");
    sheet_number(sheet, 1234, 1);
    has(written(report_write_text), "two rows\n"
                                    "name     value\n"
                                    "a          7.0\n"
                                    "longer  1234.0\n");
}

Test(report, csv_quotes_what_would_break_it)
{
    struct sheet *sheet = report_sheet(result.report, "s", "a,b|c");

    sheet_text(sheet, "say \"no\"");
    sheet_number(sheet, 0.125, 2);
    sheet_text(sheet, "plain");
    sheet_number(sheet, NAN, 2);
    cr_assert_str_eq(written(report_write_csv),
                     "\"a,b\",c\r\n\"say \"\"no\"\"\",0.12\r\nplain,\r\n");
}

Test(report, csv_without_a_sheet_has_the_metrics)
{
    report_metric(result.report, "boot_ms", 12.5);
    cr_assert_str_eq(written(report_write_csv), "metric,value\r\nboot_ms,12.5\r\n");
}

Test(report, row_that_was_begun_is_filled_up)
{
    struct sheet *sheet = report_sheet(result.report, "s", "a|b|c");

    sheet_number(sheet, 1, 0);
    cr_assert_eq(sheet_rows(sheet), 1);
    cr_assert_str_eq(written(report_write_csv), "a,b,c\r\n1,,\r\n");
}

Test(report, json_escapes_and_has_no_nan)
{
    report_metric(result.report, "a\"b\\c\n", NAN);
    report_metric(result.report, "inf", INFINITY);
    report_metric(result.report, "third", 1.0 / 3);
    const char *all = written(report_write_json);

    has(all, "\"a\\\"b\\\\c\\u000a\": null");
    has(all, "\"inf\": null");
    has(all, "\"third\": 0.3333333333333333");
    has(all, "\"seed\": 18446744073709551615,");
    has(all, "\"trace_hash\": \"0000000000000abc\"");
}

Test(report, json_says_what_was_asked_and_what_broke)
{
    result.asked[I4] = 3;
    result.asked[I5] = 2;
    result.broken[I5] = 1;
    const char *all = written(report_write_json);

    has(all, "\"I4\": \"held\"");
    has(all, "\"I5\": \"broken\"");
    has(all, "\"I6\": \"not checked\"");
}

Test(report, command_repeats_all_that_was_given)
{
    char error[200], *command = NULL;
    size_t bytes = 0;
    FILE *file = open_memstream(&command, &bytes);

    run.nodes = 9;
    cr_assert(settings_set(&run.settings, "loss=0.1", NULL, error, sizeof(error)));
    cr_assert(settings_set(&run.settings, "detector=swim", NULL, error, sizeof(error)));
    result_print_command(file, &run, "aurora-sim");
    fclose(file);
    cr_assert_str_eq(command, "aurora-sim run shape --seed 18446744073709551615 --nodes 9 "
                              "--duration 2.5 --set detector=swim --set loss=0.1");
    free(command);
}
