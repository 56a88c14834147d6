// SPDX-License-Identifier: Apache-2.0
/* test_sse.c - events from a stream's bytes, however they are cut, and none too large */
#include "tools/sse.h"

#include <criterion/criterion.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static struct sse sse;
static char told[4096]; /* "name=data;" for each event */

static void end(void)
{
    sse_free(&sse);
}

TestSuite(sse, .fini = end);

/* False: it was too large. */
static bool feed(const char *text, size_t len)
{
    enum sse_result result;

    while ((result = sse_feed(&sse, &text, &len)) == SSE_EVENT) {
        size_t at = strlen(told);
        snprintf(told + at, sizeof told - at, "%s=%s;", sse.name, sse.data);
    }
    cr_assert(result == SSE_TOO_LARGE || len == 0);
    return result == SSE_MORE;
}

/* What is told when it comes in pieces of this size, each in memory of its own. */
static const char *tells(const char *text, size_t step)
{
    size_t len = strlen(text);

    told[0] = '\0';
    sse_begin(&sse);
    for (size_t at = 0; at < len; at += step) {
        size_t piece = len - at < step ? len - at : step;
        char *copy = malloc(piece);

        memcpy(copy, text + at, piece);
        cr_assert(feed(copy, piece));
        free(copy);
    }
    return told;
}

Test(sse, events_are_the_same_however_their_bytes_come)
{
    static const char text[] = "retry: 2000\n\n: a comment\nevent: up\nid: x-1\ndata: {\"a\":1}\n\n"
                               "event:down\r\ndata:{}\r\nid: x-2\r\n\r\n"
                               "id: x-3\n\ndata: bare\r\rnonsense\nevent: lost\n\ndata\n\n"
                               "event: half\ndata: {}";

    for (size_t step = 1; step <= sizeof text; step++) {
        cr_assert_str_eq(tells(text, step), "up={\"a\":1};down={};=bare;", "step %zu", step);
        cr_assert_str_eq(sse.id, "x-3", "an id without an event counts, too");
        cr_assert_eq(sse.retry_ms, 2000);
    }
}

Test(sse, a_new_stream_forgets_what_was_half_said_but_not_where_it_was)
{
    tells("id: x-1\ndata: 1\n\nevent: half\ndata: {", 100);
    cr_assert_str_eq(tells("data: 2\n\n", 100), "=2;");
    cr_assert_str_eq(sse.id, "x-1");
}

Test(sse, what_is_no_number_is_no_retry)
{
    tells("retry: 50\nretry: x\nretry: -1\nretry: 99999999999\nretry:\n\n", 7);
    cr_assert_eq(sse.retry_ms, 50);
}

Test(sse, long_names_and_ids_are_none)
{
    char text[2 * SSE_ID_MAX_BYTES];
    int len = snprintf(text, sizeof text, "id: %0*d\nevent: %0*d\ndata: 1\n\n",
                       SSE_ID_MAX_BYTES + 1, 0, SSE_NAME_MAX_BYTES + 1, 0);

    cr_assert(len > 0 && (size_t)len < sizeof text);
    cr_assert_str_eq(tells(text, 5), "=1;");
    cr_assert_str_eq(sse.id, "");
}

Test(sse, an_event_beyond_all_bounds_is_refused_whatever_its_lines)
{
    static char line[65536];

    memset(line, 'x', sizeof line);
    bool fits = true;
    for (size_t bytes = 0; fits && bytes <= SSE_EVENT_MAX_BYTES; bytes += sizeof line)
        fits = feed(line, sizeof line);
    cr_assert_not(fits, "one line");
    sse_begin(&sse);
    memcpy(line, "data: ", 6);
    line[sizeof line - 1] = '\n';
    fits = true;
    for (size_t bytes = 0; fits && bytes <= SSE_EVENT_MAX_BYTES + 65536; bytes += sizeof line - 7)
        fits = feed(line, sizeof line);
    cr_assert_not(fits, "many lines");
}
