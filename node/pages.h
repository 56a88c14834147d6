// SPDX-License-Identifier: Apache-2.0
/* pages.h - files that were built into this program: the status page, the demo, the ES module
 *
 * A path in the source tree is the path in the URL, so that what a file imports is found wherever
 * the tree is served from. The two pages have a short name besides: "/" and "/demo". */
#ifndef AURORA_NODE_PAGES_H
#define AURORA_NODE_PAGES_H

#include <stdbool.h>
#include <stddef.h>

#include "gossip/span.h"
#include "node/answer_body.h"

struct api;
struct http_request;
struct http_exchange;

/* One file. The table is generated at build time by embed.sh, and its bytes live in the program. */
struct page_file {
    const char *path; /* "/clients/web/..." */
    const char *type; /* of its content */
    const char *etag; /* weak, of its bytes */
    const char *data, *end;
};

extern const struct page_file page_files[];
extern const size_t page_files_count;

#define PAGES_MAX 64 /* files in the program: many small modules, and room */

/* The bodies that answers share. Nobody frees them: each keeps one reference for good. */
struct pages {
    struct answer_body bodies[PAGES_MAX];
};

void pages_init(struct pages *);
/* NULL: there is none at this path. `path` has no prefix and no slash at its end. */
const struct page_file *pages_find(struct span path);
/* The status page is what "/" is, unless the client asks for JSON and not for HTML. */
bool pages_wants_json(const struct http_request *);
/* 200 with the file, or 304. */
void pages_answer(struct api *, const struct http_request *, struct http_exchange *,
                  const struct page_file *);

#endif
