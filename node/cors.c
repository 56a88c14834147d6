// SPDX-License-Identifier: Apache-2.0
/* cors.c - what browsers on other origins may do here */
#include "node/cors.h"

static bool is_reading(struct span method)
{
    return span_equal(method, span_of_text("GET")) || span_equal(method, span_of_text("HEAD"));
}

void cors_preflight(struct api *api, const struct http_request *request,
                    struct http_exchange *exchange, bool is_seed, bool is_v1)
{
    struct span network = request->headers[HEADER_PREFLIGHT_NETWORK];
    struct span method = request->headers[HEADER_PREFLIGHT_METHOD];
    struct http_answer answer = {
        .status = 200,
        .is_preflight = true,
        .allows_private_network =
            span_equal(network, span_of_text("true")) && (is_seed || (is_v1 && is_reading(method))),
    };

    api_answer(api, exchange, &answer);
}
