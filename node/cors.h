// SPDX-License-Identifier: Apache-2.0
/* cors.h - what browsers on other origins may do here: everything that HTTP can */
#ifndef AURORA_NODE_CORS_H
#define AURORA_NODE_CORS_H

#include "node/api.h"

#define CORS_METHODS "GET,POST,DELETE,OPTIONS"
#define CORS_HEADERS "Content-Type,X-Amz-Date,Authorization,X-Api-Key,Accept,Last-Event-ID"
#define CORS_EXPOSED "X-Aurora-View,X-Aurora-Converged,X-Aurora-Truncated,ETag,Retry-After"
#define CORS_MAX_AGE "86400"

/* OPTIONS, on any path whatever: 200. `is_open` says that a page on the public internet may reach
 * this path in a private network: the seed routes, and reading /v1. */
void cors_preflight(struct api *, const struct http_request *, struct http_exchange *, bool is_seed,
                    bool is_v1);

#endif
