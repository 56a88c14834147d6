// SPDX-License-Identifier: Apache-2.0
/* test_svg.c - a plot says what it shows */
#include "sim/report_data.h"
#include "sim/result.h"

#include <criterion/criterion.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

static struct scenario scenario = {.name = "shape", .what = "a < b & \"c\"", .nodes = 5};
static struct run run;
static struct result result;
static char *text;

static void begin(void)
{
    run = (struct run){.scenario = &scenario, .seed = 4};
    settings_usual(&run.settings);
    result = (struct result){.run = &run, .report = report_new()};
}

static void end(void)
{
    report_free(result.report);
    free(text);
}

TestSuite(svg, .init = begin, .fini = end);

static const char *drawn(void)
{
    size_t bytes = 0;
    FILE *file = open_memstream(&text, &bytes);

    report_write_svg(file, &result);
    fclose(file);
    return text;
}

static size_t count(const char *all, const char *part)
{
    size_t found = 0;

    for (const char *at = all; (at = strstr(at, part)) != NULL; at++)
        found++;
    return found;
}

Test(svg, titles_labels_names_and_command_are_there)
{
    struct plot *plot = report_plot(result.report, "Detection", "loss (%)", "time (ms)");

    plot_point(plot, "aurora", 1, 10);
    plot_point(plot, "aurora", 2, 20);
    plot_point(plot, "paper: SWIM", 1, 15);
    plot_point(plot, "paper: SWIM", 2, 30);
    const char *all = drawn();
    cr_assert_eq(count(all, ">Detection<"), 1);
    cr_assert_eq(count(all, ">loss (%)<"), 1);
    cr_assert_eq(count(all, ">time (ms)<"), 1);
    cr_assert_eq(count(all, ">aurora<"), 1);
    cr_assert_eq(count(all, ">paper: SWIM<"), 1);
    cr_assert_eq(count(all, ">aurora-sim run shape --seed 4<"), 1);
    cr_assert_eq(count(all, "stroke-dasharray=\"7 4\""), 1, "the paper's line alone is dashed");
}

Test(svg, text_is_escaped)
{
    report_plot(result.report, "<&\">", "x", "y");
    const char *all = drawn();

    cr_assert_eq(count(all, "&lt;&amp;&quot;&gt;"), 1);
    cr_assert_eq(count(all, "a &lt; b &amp; &quot;c&quot;"), 1);
}

/* What cannot be drawn is a gap, never a number that no viewer reads. */
Test(svg, what_is_not_finite_is_not_drawn)
{
    struct plot *plot = report_plot(result.report, "t", "x", "y");

    plot_log_y(plot);
    plot_point(plot, "a", 1, 1);
    plot_point(plot, "a", 2, NAN);
    plot_point(plot, "a", 3, INFINITY);
    plot_point(plot, "a", 4, 0);
    plot_point(plot, "nothing", NAN, 1);
    const char *all = drawn();
    cr_assert_eq(count(all, "nan"), 0);
    cr_assert_eq(count(all, "inf"), 0);
    cr_assert_eq(count(all, ">nothing<"), 0);
    cr_assert_eq(count(all, "M"), 2 + 1, "two pieces, and the thread to the name");
}

/* 17 lines that end at one point: no two names may cover one another. */
Test(svg, names_do_not_cover_one_another)
{
    struct plot *plot = report_plot(result.report, "t", "x", "y");
    char name[20];
    double before = -1000;

    for (int i = 0; i < 17; i++) {
        snprintf(name, sizeof(name), "name %c", 'a' + i);
        plot_point(plot, name, 1, 5);
    }
    const char *all = drawn();
    for (int i = 0; i < 17; i++) {
        snprintf(name, sizeof(name), ">name %c<", 'a' + i);
        const char *at = strstr(all, name);
        cr_assert_not_null(at);
        while (strncmp(at, " y=\"", 4) != 0)
            at--;
        double y = strtod(at + 4, NULL);
        cr_assert_geq(y, before + 12, "%s", name);
        before = y;
    }
}

Test(svg, run_without_plots_says_so)
{
    cr_assert_eq(count(drawn(), "nothing to plot"), 1);
}
