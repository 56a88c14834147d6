// SPDX-License-Identifier: Apache-2.0
/* fuzz_query.c - query strings from strangers: read, bounded, and what they select matches them */
#include "node/peer_query.h"
#include "node/selection.h"
#include "tests/node/http_stage.h"
#include "tests/support/guard.h"

#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void require(int truth)
{
    if (!truth)
        abort();
}

static struct http_stage *scene(void)
{
    static struct http_stage *stage;

    if (stage != NULL)
        return stage;
    stage = stage_new();
    stage_peer(stage, STAGE_OWN, "mine", "a b", "{\"k\":\"v\",\"n\":1}");
    stage_wait(stage, 5);
    stage_peer(stage, STAGE_OTHER, "theirs", "a", "{\"k\":{\"x\":[]}}");
    stage_peer(stage, STAGE_OTHER, "x/y z", "c", "");
    stage_peer(stage, STAGE_OTHER, "broken", "a", "{\"k\":}");
    return stage;
}

static size_t matches(const struct view *view, const struct peer_query *query)
{
    struct peer_order_place place = {0, 0};
    struct view_peer *peer;
    size_t count = 0;

    while ((peer = peer_order_next(&view->peers, &place)) != NULL)
        count += selection_matches(view, query, peer);
    return count;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static struct peer_query query;
    const struct view *view = &scene()->api.view;
    uint8_t *input = guard_copy(data, size);

    for (int is_v1 = 0; is_v1 < 2; is_v1++) {
        struct selection selection;

        if (!peer_query_read(&query, span_of(input, size), is_v1 != 0)) {
            require(query.error[0] != '\0');
            continue;
        }
        selection_make(&selection, view, &query);
        require(selection.count <= query.limit);
        size_t all = matches(view, &query);
        require(query.has_cursor || selection.is_cut ? selection.count <= all
                                                     : selection.count == all);
        selection_free(&selection);
    }
    guard_free(input, size);
    return 0;
}
