// SPDX-License-Identifier: Apache-2.0
/* test_pages.c - files that were built in: which path gives which, and what browsers are told */
#include "node/pages.h"

#include <criterion/criterion.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "tests/node/http_stage.h"

static struct http_stage *stage;

static void set_up(void)
{
    stage = stage_new();
}

static void tear_down(void)
{
    stage_free(stage);
}

TestSuite(pages, .init = set_up, .fini = tear_down);

/* GET with further header lines; the answer has this status, and the text somewhere in it. */
static bool answers(const char *target, const char *headers, int status, const char *text)
{
    char request[512];

    snprintf(request, sizeof request, "GET %s HTTP/1.1\r\nHost: n1\r\n%s\r\n", target, headers);
    char *answer = stage_ask(stage, request);
    bool is_right = answer_status(answer) == status && strstr(answer, text) != NULL;

    if (!is_right)
        cr_log_warn("%s", answer);
    free(answer);
    return is_right;
}

Test(pages, the_two_pages_have_short_names)
{
    cr_assert(answers("/", "", 200, "Content-Type: text/html; charset=utf-8"));
    cr_assert(answers("/demo", "", 200, "<!doctype html>"));
    cr_assert(answers("/clients/web/pages/demo.html", "", 200, "<!doctype html>"));
}

Test(pages, a_prefix_may_stand_in_front)
{
    cr_assert(answers("/dev", "", 200, "<!doctype html>"));
    cr_assert(answers("/prod/demo", "", 200, "<!doctype html>"));
}

/* Relative links of a page at "/demo/" would lead elsewhere. */
Test(pages, a_slash_at_the_end_leads_to_the_page_without)
{
    cr_assert(answers("/demo/", "", 308, "Location: ../demo\r\n"));
    cr_assert(answers("/dev/demo/", "", 308, "Location: ../demo\r\n"));
    cr_assert(answers("/dev/", "", 200, "<!doctype html>"));
}

Test(pages, who_wants_json_gets_the_list_of_routes)
{
    cr_assert(answers("/", "Accept: application/json\r\n", 200, "\"GET /discover\""));
    cr_assert(answers("/", "Accept: text/html, application/json\r\n", 200, "<!doctype html>"));
    cr_assert(answers("/", "Accept: */*\r\n", 200, "Vary: Accept\r\n"));
    cr_assert(answers("/v1", "", 200, "\"GET /discover\""));
}

Test(pages, an_accept_header_in_two_lines_is_no_mistake)
{
    cr_assert(answers("/", "Accept: text/html\r\nAccept: text/plain\r\n", 200, "<!doctype html>"));
}

Test(pages, no_page_may_load_anything_from_another_host)
{
    cr_assert(answers("/demo", "", 200, "Content-Security-Policy: default-src 'none'; "));
    cr_assert(answers("/demo", "", 200, "script-src 'self' 'wasm-unsafe-eval';"));
    cr_assert(answers("/demo", "", 200, "connect-src 'self' http: https:;"));
    cr_assert(answers("/demo", "", 200, "X-Content-Type-Options: nosniff\r\n"));
}

Test(pages, what_a_browser_has_is_not_sent_again)
{
    const struct page_file *file = pages_find(span_of_text("/demo"));
    char header[128];

    snprintf(header, sizeof header, "If-None-Match: %s\r\n", file->etag);
    cr_assert(answers("/demo", header, 304, "ETag: "));
    cr_assert(answers("/demo", "If-None-Match: \"other\"\r\n", 200, file->etag));
}

Test(pages, files_are_whole_and_named_for_what_they_are)
{
    cr_assert_gt(page_files_count, 1);
    cr_assert_leq(page_files_count, PAGES_MAX);
    for (size_t i = 0; i < page_files_count; i++) {
        const struct page_file *file = &page_files[i];

        cr_assert_gt(file->end, file->data, "%s", file->path);
        cr_assert_eq(*file->end, '\0', "%s", file->path);
        cr_assert_eq(pages_find(span_of_text(file->path)), file, "%s", file->path);
        for (size_t j = 0; j < i; j++)
            cr_assert_str_neq(file->path, page_files[j].path);
    }
}

Test(pages, bodies_are_in_memory_and_in_no_file)
{
    struct pages pages;
    pages_init(&pages);
    for (size_t i = 0; i < page_files_count; i++)
        cr_assert_lt(pages.bodies[i].file, 0, "%s", page_files[i].path);
}

Test(pages, the_module_is_among_them)
{
    cr_assert(answers("/clients/web/aurora.js", "", 200, "Content-Type: text/javascript;"));
    cr_assert(answers("/clients/web/aurora.wasm", "", 200, "Content-Type: application/wasm\r\n"));
}

Test(pages, only_reading_is_possible)
{
    char *answer = stage_request(stage, "POST", "/demo", "{}");

    cr_assert_eq(answer_status(answer), 405);
    cr_assert_not_null(strstr(answer, "Allow: GET, HEAD, OPTIONS"));
    free(answer);
    answer = stage_request(stage, "HEAD", "/demo", NULL);
    cr_assert_eq(answer_status(answer), 200);
    cr_assert_null(strstr(answer, "<!doctype"));
    cr_assert_null(strstr(answer, "Content-Length: 0\r\n"));
    free(answer);
}

Test(pages, other_paths_are_unknown_as_ever)
{
    cr_assert(answers("/demonstration", "", 404, "no such path"));
    cr_assert(answers("/clients/web/pages", "", 404, "no such path"));
    cr_assert(answers("/clients/web/pages/../../../etc/passwd", "", 404, "no such path"));
}

Test(pages, an_operator_may_switch_them_off)
{
    stage->config.has_pages = false;
    cr_assert(answers("/demo", "", 404, "no such path"));
    cr_assert(answers("/clients/web/pages/demo.html", "", 404, "no such path"));
    cr_assert(answers("/", "", 200, "\"GET /discover\""));
}
