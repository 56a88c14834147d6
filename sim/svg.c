// SPDX-License-Identifier: Apache-2.0
/* svg.c - a report's plots as one SVG, to be read by somebody who has not seen the code: titles,
 * units, round numbers, and each line's name beside its end */
#include "sim/result.h"

#include "sim/axis.h"
#include "sim/memory.h"
#include "sim/report_data.h"

#include <math.h>
#include <string.h>

enum {
    LEFT = 84,
    INNER = 600,       /* from axis to axis */
    RIGHT_LEAST = 220, /* the names of the lines, and as much more as they need */
    NAME_LEFT = 31,    /* of it, before the name */
    HEAD = 64,         /* above the first plot */
    TOP = 44,          /* of each plot: its title */
    BOTTOM = 62,       /* of each plot: numbers and what they are */
    HEIGHT = 300,
    LABEL_STEP = 17,   /* of two names one under the other */
    CHARACTER = 7,     /* about as wide is one of a name */
    COMMAND_STEP = 15, /* of two lines of the command at the foot */
    COMMAND_MAX = 110, /* characters in one of them */
    MARKERS_MAX = 80   /* a line of more points is dense enough without */
};

/* Okabe and Ito 2008: told apart with any kind of colour vision; the yellow, too pale for a line on
 * white, is left out. */
static const char *const colours[] = {"#0072b2", "#d55e00", "#009e73", "#cc79a7",
                                      "#e69f00", "#56b4e9", "#000000", "#7f7f7f"};
enum { COLOURS = sizeof(colours) / sizeof(colours[0]), SHAPES = 5 };

struct drawing {
    FILE *file;
    const struct plot *plot;
    struct axis x, y;
    double top, height; /* of the inner rectangle */
};

/* A line's name, and where it stands. */
struct label {
    size_t series;
    double end_y, y; /* of the line's end; of the text */
};

static void write_text(FILE *file, const char *text)
{
    for (; *text != '\0'; text++)
        switch (*text) {
        case '&': fputs("&amp;", file); break;
        case '<': fputs("&lt;", file); break;
        case '>': fputs("&gt;", file); break;
        case '"': fputs("&quot;", file); break;
        default: fputc((unsigned char)*text < 0x20 ? ' ' : *text, file);
        }
}

/* `how`: further attributes. */
static void write_label(FILE *file, double x, double y, const char *how, const char *text)
{
    fprintf(file, "<text x=\"%.1f\" y=\"%.1f\" %s>", x, y, how);
    write_text(file, text);
    fputs("</text>\n", file);
}

static double place_x(const struct drawing *drawing, double value)
{
    return LEFT + axis_place(&drawing->x, value) * INNER;
}

static double place_y(const struct drawing *drawing, double value)
{
    return drawing->top + (1 - axis_place(&drawing->y, value)) * drawing->height;
}

/* --- Axes
 * ---------------------------------------------------------------------------------------- */

static void write_line(FILE *file, double x1, double y1, double x2, double y2, const char *colour)
{
    fprintf(file,
            "<line x1=\"%.1f\" y1=\"%.1f\" x2=\"%.1f\" y2=\"%.1f\" stroke=\"%s\" "
            "stroke-width=\"1\"/>\n",
            x1, y1, x2, y2, colour);
}

static void draw_axes(const struct drawing *drawing)
{
    FILE *file = drawing->file;
    double bottom = drawing->top + drawing->height, right = LEFT + INNER;

    for (size_t i = 0; i < drawing->y.ticks; i++) {
        const struct axis_tick *tick = &drawing->y.tick[i];
        double y = place_y(drawing, tick->at);

        write_line(file, LEFT, y, right, y, tick->is_labelled ? "#dddddd" : "#f0f0f0");
        if (tick->is_labelled)
            write_label(file, LEFT - 8, y + 4, "text-anchor=\"end\"", tick->label);
    }
    for (size_t i = 0; i < drawing->x.ticks; i++) {
        const struct axis_tick *tick = &drawing->x.tick[i];
        double x = place_x(drawing, tick->at);

        write_line(file, x, drawing->top, x, bottom, tick->is_labelled ? "#eeeeee" : "#f6f6f6");
        write_line(file, x, bottom, x, bottom + (tick->is_labelled ? 6 : 3), "#444444");
        if (tick->is_labelled)
            write_label(file, x, bottom + 20, "text-anchor=\"middle\"", tick->label);
    }
    write_line(file, LEFT, bottom, right, bottom, "#444444");
    write_line(file, LEFT, drawing->top, LEFT, bottom, "#444444");
    write_label(file, (LEFT + right) / 2, bottom + 42, "text-anchor=\"middle\"",
                drawing->plot->x_label);
    char how[120];
    double middle = drawing->top + drawing->height / 2;
    snprintf(how, sizeof(how), "text-anchor=\"middle\" transform=\"rotate(-90 20 %.1f)\"", middle);
    write_label(file, 20, middle, how, drawing->plot->y_label);
    write_label(file, LEFT, drawing->top - 16, "font-size=\"15\" font-weight=\"bold\"",
                drawing->plot->title);
}

/* --- Lines
 * --------------------------------------------------------------------------------------- */

static const char *colour_of(size_t series)
{
    return colours[series % COLOURS];
}

static bool is_dashed(const struct series *series)
{
    return strncmp(series->name, "paper", 5) == 0;
}

static bool is_drawn(const struct series *series, size_t point)
{
    return isfinite(series->xy[2 * point]) && isfinite(series->xy[2 * point + 1]);
}

/* Shapes besides colours: a print in grey can be read, too. */
static void draw_marker(FILE *file, double x, double y, size_t series)
{
    const char *colour = colour_of(series);

    switch (series % SHAPES) {
    case 0:
        fprintf(file, "<circle cx=\"%.1f\" cy=\"%.1f\" r=\"3.6\" fill=\"%s\"/>\n", x, y, colour);
        break;
    case 1:
        fprintf(file, "<rect x=\"%.1f\" y=\"%.1f\" width=\"7\" height=\"7\" fill=\"%s\"/>\n",
                x - 3.5, y - 3.5, colour);
        break;
    case 2:
        fprintf(file, "<path d=\"M%.1f %.1fl4.5 8h-9z\" fill=\"%s\"/>\n", x, y - 5, colour);
        break;
    case 3:
        fprintf(file, "<path d=\"M%.1f %.1fl4.8 4.8l-4.8 4.8l-4.8 -4.8z\" fill=\"%s\"/>\n", x,
                y - 4.8, colour);
        break;
    default:
        fprintf(file,
                "<circle cx=\"%.1f\" cy=\"%.1f\" r=\"3.4\" fill=\"#ffffff\" stroke=\"%s\" "
                "stroke-width=\"1.8\"/>\n",
                x, y, colour);
        break;
    }
}

static void draw_series(const struct drawing *drawing, size_t index)
{
    const struct series *series = &drawing->plot->series[index];
    bool is_on = false; /* the pen */

    fprintf(drawing->file, "<path fill=\"none\" stroke=\"%s\" stroke-width=\"2\"%s d=\"",
            colour_of(index), is_dashed(series) ? " stroke-dasharray=\"7 4\"" : "");
    for (size_t i = 0; i < series->points; i++) {
        if (is_drawn(series, i))
            fprintf(drawing->file, "%c%.1f %.1f", is_on ? 'L' : 'M',
                    place_x(drawing, series->xy[2 * i]), place_y(drawing, series->xy[2 * i + 1]));
        is_on = is_drawn(series, i);
    }
    fputs("\"/>\n", drawing->file);
    for (size_t i = 0; i < series->points && series->points <= MARKERS_MAX; i++)
        if (is_drawn(series, i))
            draw_marker(drawing->file, place_x(drawing, series->xy[2 * i]),
                        place_y(drawing, series->xy[2 * i + 1]), index);
}

/* --- Names of the lines
 * --------------------------------------------------------------------------------------- */

/* The last point that is drawn; SIZE_MAX: none is. */
static size_t last_point(const struct series *series)
{
    size_t last = SIZE_MAX;

    for (size_t i = 0; i < series->points; i++)
        if (is_drawn(series, i))
            last = i;
    return last;
}

static int compare_labels(const void *a, const void *b)
{
    const struct label *first = a, *second = b;

    if (first->end_y != second->end_y)
        return first->end_y < second->end_y ? -1 : 1;
    return first->series < second->series ? -1 : 1;
}

/* Down where they would cover one another, then up again where that went too far. */
static void spread_labels(struct label *labels, size_t count, double bottom)
{
    for (size_t i = 0; i < count; i++) {
        labels[i].y = labels[i].end_y;
        if (i > 0 && labels[i].y < labels[i - 1].y + LABEL_STEP)
            labels[i].y = labels[i - 1].y + LABEL_STEP;
    }
    for (size_t i = count; i-- > 0;) {
        double most = i + 1 < count ? labels[i + 1].y - LABEL_STEP : bottom;

        if (labels[i].y > most)
            labels[i].y = most;
    }
}

static void draw_labels(const struct drawing *drawing)
{
    const struct plot *plot = drawing->plot;
    struct label *labels = memory_new(plot->series_count, sizeof(*labels));
    size_t count = 0;
    double x = LEFT + INNER + NAME_LEFT - 9;

    for (size_t i = 0; i < plot->series_count; i++) {
        size_t last = last_point(&plot->series[i]);

        if (last != SIZE_MAX)
            labels[count++] =
                (struct label){i, place_y(drawing, plot->series[i].xy[2 * last + 1]), 0};
    }
    qsort(labels, count, sizeof(*labels), compare_labels);
    spread_labels(labels, count, drawing->top + drawing->height);
    for (size_t i = 0; i < count; i++) {
        const struct series *series = &plot->series[labels[i].series];
        double end_x = place_x(drawing, series->xy[2 * last_point(series)]);

        fprintf(drawing->file,
                "<path fill=\"none\" stroke=\"%s\" stroke-width=\"1\" "
                "stroke-dasharray=\"1 3\" "
                "d=\"M%.1f %.1fL%.1f %.1f\"/>\n",
                colour_of(labels[i].series), end_x + 5, labels[i].end_y, x - 8, labels[i].y);
        draw_marker(drawing->file, x, labels[i].y, labels[i].series);
        write_label(drawing->file, x + 9, labels[i].y + 4, "", series->name);
    }
    free(labels);
}

/* --- All of it
 * ----------------------------------------------------------------------------------- */

static double height_of(const struct plot *plot)
{
    double names = (double)plot->series_count * LABEL_STEP;

    return names > HEIGHT ? names : HEIGHT;
}

static double draw_plot(FILE *file, const struct plot *plot, double top)
{
    struct drawing drawing = {
        .file = file,
        .plot = plot,
        .x = axis_begin(plot->is_log_x),
        .y = axis_begin(plot->is_log_y),
        .top = top + TOP,
        .height = height_of(plot),
    };

    for (size_t i = 0; i < plot->series_count; i++)
        for (size_t j = 0; j < plot->series[i].points; j++)
            if (is_drawn(&plot->series[i], j)) {
                axis_add(&drawing.x, plot->series[i].xy[2 * j]);
                axis_add(&drawing.y, plot->series[i].xy[2 * j + 1]);
            }
    axis_finish(&drawing.x);
    axis_finish(&drawing.y);
    draw_axes(&drawing);
    for (size_t i = 0; i < plot->series_count; i++)
        draw_series(&drawing, i);
    draw_labels(&drawing);
    return top + TOP + drawing.height + BOTTOM;
}

/* Where a line of at most COMMAND_MAX characters may end: before an option. */
static size_t line_of(const char *text)
{
    size_t end = 0;

    for (size_t i = 1; text[i] != '\0' && (end == 0 || i < COMMAND_MAX); i++)
        if (strncmp(text + i, " --", 3) == 0)
            end = i;
    return strlen(text) <= COMMAND_MAX || end == 0 ? strlen(text) : end;
}

static char *command_of(const struct run *run)
{
    char *text = NULL;
    size_t bytes = 0;
    FILE *memory = open_memstream(&text, &bytes);

    if (memory == NULL)
        abort();
    result_print_command(memory, run, "aurora-sim");
    fclose(memory);
    return text;
}

static size_t count_lines(const char *text)
{
    size_t lines = 0;

    for (; *text != '\0'; text += line_of(text))
        lines++;
    return lines;
}

/* The command that makes the same plot, in its own words. */
static void write_command(FILE *file, char *text, double y)
{
    while (*text != '\0') {
        char *end = text + line_of(text), kept = *end;

        *end = '\0';
        write_label(file, LEFT, y, "font-size=\"11\" fill=\"#666666\"", text);
        *end = kept;
        text = end;
        y += COMMAND_STEP;
    }
}

static double width_of(const struct report *report)
{
    double right = RIGHT_LEAST;

    for (size_t i = 0; i < report->plot_count; i++)
        for (size_t j = 0; j < report->plots[i]->series_count; j++) {
            size_t letters = strlen(report->plots[i]->series[j].name);

            right = fmax(right, NAME_LEFT + (double)letters * CHARACTER);
        }
    return LEFT + INNER + right;
}

static void write_head(FILE *file, const struct result *result, double height)
{
    double width = width_of(result->report);

    fprintf(file,
            "<svg xmlns=\"http://www.w3.org/2000/svg\" width=\"%.0f\" height=\"%.0f\" "
            "viewBox=\"0 0 %.0f %.0f\" role=\"img\" font-family=\"sans-serif\" font-size=\"12\" "
            "fill=\"#222222\">\n<title>",
            width, height, width, height);
    write_text(file, result->run->scenario->name);
    fputs("</title>\n<rect width=\"100%\" height=\"100%\" fill=\"#ffffff\"/>\n", file);
    write_label(file, LEFT, 28, "font-size=\"18\" font-weight=\"bold\"",
                result->run->scenario->name);
    write_label(file, LEFT, 48, "font-size=\"12\" fill=\"#444444\"", result->run->scenario->what);
}

void report_write_svg(FILE *file, const struct result *result)
{
    const struct report *report = result->report;
    char *command = command_of(result->run);
    double foot = (double)count_lines(command) * COMMAND_STEP, height = HEAD + 5 + foot;
    double top = HEAD;

    for (size_t i = 0; i < report->plot_count; i++)
        height += TOP + height_of(report->plots[i]) + BOTTOM;
    if (report->plot_count == 0)
        height += BOTTOM;
    write_head(file, result, height);
    for (size_t i = 0; i < report->plot_count; i++)
        top = draw_plot(file, report->plots[i], top);
    if (report->plot_count == 0)
        write_label(file, LEFT, HEAD + 18, "", "This run has nothing to plot.");
    write_command(file, command, height - foot + 5);
    fputs("</svg>\n", file);
    free(command);
}
