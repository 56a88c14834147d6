// SPDX-License-Identifier: Apache-2.0
/* sse.c - Server-Sent Events: from bytes, in whatever pieces they come, to events. */
#include "tools/sse.h"

#include <stdlib.h>
#include <string.h>

#define FIRST_BYTES 1024

void sse_free(struct sse *sse)
{
    free(sse->line);
    free(sse->data);
    *sse = (struct sse){0};
}

static void forget_event(struct sse *sse)
{
    sse->data_len = 0;
    sse->name[0] = '\0';
    sse->is_told = false;
}

void sse_begin(struct sse *sse)
{
    sse->line_len = 0;
    sse->after_return = false;
    forget_event(sse);
}

/* False: it would be larger than any event may be. */
static bool add(char **text, size_t *len, size_t *size, const char *bytes, size_t count)
{
    if (count > SSE_EVENT_MAX_BYTES - *len)
        return false;
    size_t needed = *len + count + 1, grown = *size == 0 ? FIRST_BYTES : *size;
    while (grown < needed)
        grown *= 2;
    if (grown != *size) {
        *text = realloc(*text, grown);
        if (*text == NULL)
            abort();
        *size = grown;
    }
    memcpy(*text + *len, bytes, count);
    *len += count;
    (*text)[*len] = '\0';
    return true;
}

static void set(char *field, size_t size, const char *value)
{
    size_t len = strlen(value);
    if (len < size)
        memcpy(field, value, len + 1);
}

static void set_retry(struct sse *sse, const char *value)
{
    if (value[0] != '\0' && strspn(value, "0123456789") == strlen(value) && strlen(value) < 7)
        sse->retry_ms = strtol(value, NULL, 10);
}

/* A line that is whole and not blank. False: too large. */
static bool take_field(struct sse *sse)
{
    char *colon = memchr(sse->line, ':', sse->line_len);
    const char *value = "";
    if (colon == sse->line)
        return true;
    if (colon != NULL) {
        *colon = '\0';
        value = colon[1] == ' ' ? colon + 2 : colon + 1;
    }
    if (strcmp(sse->line, "event") == 0)
        set(sse->name, sizeof sse->name, value);
    else if (strcmp(sse->line, "id") == 0)
        set(sse->id, sizeof sse->id, value);
    else if (strcmp(sse->line, "retry") == 0)
        set_retry(sse, value);
    else if (strcmp(sse->line, "data") == 0)
        return add(&sse->data, &sse->data_len, &sse->data_size, value, strlen(value));
    return true;
}

static enum sse_result end_line(struct sse *sse)
{
    if (sse->line_len > 0) {
        bool fits = take_field(sse);
        sse->line_len = 0;
        return fits ? SSE_MORE : SSE_TOO_LARGE;
    }
    sse->is_told = sse->data_len > 0;
    if (sse->is_told)
        return SSE_EVENT;
    forget_event(sse);
    return SSE_MORE;
}

static size_t line_run(const char *bytes, size_t len)
{
    size_t run = 0;
    while (run < len && bytes[run] != '\n' && bytes[run] != '\r')
        run++;
    return run;
}

enum sse_result sse_feed(struct sse *sse, const char **bytes, size_t *len)
{
    enum sse_result result = SSE_MORE;
    if (sse->is_told)
        forget_event(sse);
    while (*len > 0 && result == SSE_MORE) {
        size_t run = line_run(*bytes, *len);
        if (!add(&sse->line, &sse->line_len, &sse->line_size, *bytes, run))
            return SSE_TOO_LARGE;
        *bytes += run;
        *len -= run;
        if (run > 0)
            sse->after_return = false;
        if (*len == 0)
            break;
        bool is_newline = **bytes == '\n', is_second_half = is_newline && sse->after_return;
        sse->after_return = !is_newline;
        ++*bytes;
        --*len;
        if (!is_second_half)
            result = end_line(sse);
    }
    return result;
}
