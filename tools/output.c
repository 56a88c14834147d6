// SPDX-License-Identifier: Apache-2.0
/* output.c - the two writers of every command: a table for people, JSON for scripts. */
#include "tools/output.h"

#include <assert.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static char *own(char *text)
{
    if (text == NULL)
        abort();
    return text;
}

static char *clean(char *text)
{
    for (char *c = text; *c != '\0'; c++)
        if ((unsigned char)*c < 0x20 || *c == 0x7f)
            *c = '?';
    return text;
}

static char *joined(const json_t *list)
{
    char *all = own(strdup(""));
    size_t index;
    json_t *item;
    json_array_foreach(list, index, item)
    {
        char *cell = output_cell(item);
        size_t len = strlen(all) + strlen(cell) + 2;
        char *longer = own(malloc(len));
        snprintf(longer, len, "%s%s%s", all, index == 0 ? "" : ",", cell);
        free(all);
        free(cell);
        all = longer;
    }
    return all;
}

char *output_cell(const json_t *value)
{
    char number[64];
    if (json_is_string(value))
        return clean(own(strdup(json_string_value(value))));
    if (json_is_boolean(value))
        return own(strdup(json_is_true(value) ? "yes" : "no"));
    if (json_is_integer(value)) {
        snprintf(number, sizeof number, "%lld", (long long)json_integer_value(value));
        return own(strdup(number));
    }
    if (json_is_real(value)) {
        snprintf(number, sizeof number, "%.1f", json_real_value(value));
        return own(strdup(number));
    }
    if (json_is_array(value))
        return joined(value);
    if (json_is_object(value))
        return clean(own(json_dumps(value, JSON_COMPACT)));
    return own(strdup("-"));
}

static const json_t *at_path(const json_t *object, const char *path)
{
    char part[64];
    while (object != NULL && *path != '\0') {
        size_t len = strcspn(path, ".");
        assert(len < sizeof part);
        memcpy(part, path, len);
        part[len] = '\0';
        object = json_object_get(object, part);
        path += len + (path[len] == '.');
    }
    return object;
}

/* Terminal columns of UTF-8 text, near enough: continuation bytes take none. */
static size_t width_of(const char *text)
{
    size_t width = 0;
    for (; *text != '\0'; text++)
        width += ((unsigned char)*text & 0xc0) != 0x80;
    return width;
}

static void print_padded(const char *text, size_t width, bool is_last)
{
    size_t own_width = width_of(text);
    int padding = is_last || own_width >= width ? 0 : (int)(width - own_width);
    printf("%s%*s%s", text, padding, "", is_last ? "\n" : "  ");
}

static void widths_of(const json_t *rows, const struct column *columns, size_t count,
                      size_t *widths)
{
    size_t index;
    json_t *row;
    for (size_t c = 0; c < count; c++)
        widths[c] = width_of(columns[c].title);
    json_array_foreach(rows, index, row)
    {
        for (size_t c = 0; c < count; c++) {
            char *cell = output_cell(at_path(row, columns[c].key));
            size_t width = width_of(cell);
            widths[c] = width > widths[c] ? width : widths[c];
            free(cell);
        }
    }
}

void output_table(const json_t *rows, const struct column *columns, size_t count)
{
    size_t widths[TABLE_COLUMNS_MAX];
    size_t index;
    json_t *row;
    assert(count <= TABLE_COLUMNS_MAX);
    widths_of(rows, columns, count, widths);
    for (size_t c = 0; c < count; c++)
        print_padded(columns[c].title, widths[c], c + 1 == count);
    json_array_foreach(rows, index, row)
    {
        for (size_t c = 0; c < count; c++) {
            char *cell = output_cell(at_path(row, columns[c].key));
            print_padded(cell, widths[c], c + 1 == count);
            free(cell);
        }
    }
}

void output_fields(const json_t *object, const struct column *columns, size_t count)
{
    size_t width = 0;
    for (size_t c = 0; c < count; c++)
        width = width_of(columns[c].title) > width ? width_of(columns[c].title) : width;
    for (size_t c = 0; c < count; c++) {
        char *cell = output_cell(at_path(object, columns[c].key));
        print_padded(columns[c].title, width, false);
        printf("%s\n", cell);
        free(cell);
    }
}

void output_json(const json_t *value)
{
    char *text = own(json_dumps(value, JSON_INDENT(2) | JSON_ENCODE_ANY));
    puts(text);
    free(text);
}
