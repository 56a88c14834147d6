// SPDX-License-Identifier: Apache-2.0
/* output.h - the two writers of every command: a table for people, JSON for scripts. */
#ifndef AURORA_TOOLS_OUTPUT_H
#define AURORA_TOOLS_OUTPUT_H

#include <jansson.h>
#include <stdbool.h>
#include <stddef.h>

#define TABLE_COLUMNS_MAX 10

/* A column shows a member of each row's object; `key` may be a path such as "peer.address". */
struct column {
    const char *title;
    const char *key;
};

/* Columns as wide as their widest value; control characters are shown as '?', for a peer's
 * text must not drive somebody's terminal. */
void output_table(const json_t *rows, const struct column *columns, size_t count);
/* "title   value" for each column of one object. */
void output_fields(const json_t *object, const struct column *columns, size_t count);
/* Indented, keys in their order, one newline at the end. */
void output_json(const json_t *value);
/* A value as a cell shows it: "-" for null, lists joined by commas. The caller frees it. */
char *output_cell(const json_t *value);

#endif
