// SPDX-License-Identifier: Apache-2.0
/* pages.c - serves the files that were built into this program */
#include "node/pages.h"

#include <assert.h>
#include <string.h>

#include "node/api.h"

/* A page talks to whichever nodes its user names, and loads code, styles and pictures from the node
 * that served it and from nowhere else. Inline scripts and styles are off: a peer's text that found
 * its way into the page would still not run. 'wasm-unsafe-eval' allows WebAssembly, not eval(). */
#define SECURITY_HEADERS                                                                  \
    "Content-Security-Policy: default-src 'none'; script-src 'self' 'wasm-unsafe-eval'; " \
    "style-src 'self'; img-src 'self'; connect-src 'self' http: https:; "                 \
    "worker-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'\r\n"  \
    "Referrer-Policy: no-referrer\r\n"                                                    \
    "X-Content-Type-Options: nosniff\r\n"

static const struct {
    const char *path, *file;
} aliases[] = {
    {"/", "/clients/web/pages/status.html"},
    {"/demo", "/clients/web/pages/demo.html"},
};

void pages_init(struct pages *pages)
{
    assert(page_files_count <= PAGES_MAX);
    for (size_t i = 0; i < page_files_count; i++)
        pages->bodies[i] = (struct answer_body){
            .references = 1, /* ours: the count never comes to 0 */
            .len = (size_t)(page_files[i].end - page_files[i].data),
            .data = (char *)(uintptr_t)page_files[i].data,
            .file = -1,
        };
}

const struct page_file *pages_find(struct span path)
{
    for (size_t i = 0; i < sizeof aliases / sizeof aliases[0]; i++)
        if (span_equal(path, span_of_text(aliases[i].path)))
            path = span_of_text(aliases[i].file);
    for (size_t i = 0; i < page_files_count; i++)
        if (span_equal(path, span_of_text(page_files[i].path)))
            return &page_files[i];
    return NULL;
}

static bool mentions(struct span text, const char *word)
{
    return text.len > 0 && memmem(text.data, text.len, word, strlen(word)) != NULL;
}

bool pages_wants_json(const struct http_request *request)
{
    struct span accept = request->headers[HEADER_ACCEPT];

    return mentions(accept, "application/json") && !mentions(accept, "text/html");
}

/* What the page links to is relative, so that it works below any prefix: from "/demo/" it would be
 * looked for one level too deep. */
static bool is_demo_with_slash(struct span path)
{
    static const char end[] = "/demo/";
    size_t len = sizeof end - 1;

    return path.len >= len && memcmp(path.data + path.len - len, end, len) == 0;
}

void pages_answer(struct api *api, const struct http_request *request,
                  struct http_exchange *exchange, const struct page_file *file)
{
    struct answer_body *body = &api->pages.bodies[file - page_files];
    struct http_answer answer = {
        .status = 200,
        .type = file->type,
        .etag = file->etag,
        .headers = "Vary: Accept\r\n" SECURITY_HEADERS,
    };

    assert((size_t)(file - page_files) < page_files_count);
    if (is_demo_with_slash(request->path)) {
        answer = (struct http_answer){.status = 308, .headers = "Location: ../demo\r\n"};
        api_answer(api, exchange, &answer);
        return;
    }
    if (request->headers[HEADER_IF_NONE_MATCH].len > 0 && api_is_unchanged(request, file->etag))
        answer.status = 304;
    else
        answer.body = answer_body_retain(body);
    api_answer(api, exchange, &answer);
}
