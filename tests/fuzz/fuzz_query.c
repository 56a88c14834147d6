// SPDX-License-Identifier: Apache-2.0
/* fuzz_query.c - query strings from strangers: read, bounded, and what they select matches them */
#include "node/peer_query.h"
#include "node/selection.h"
#include "node/watch_filter.h"
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
        count += selection_matches(query, peer);
    return count;
}

/* A watcher's filter is another form of the same conditions. */
static void check_filter(const struct view *view, const struct peer_query *query)
{
    struct watch_filter *filter = watch_filter_new(query);
    struct peer_order_place place = {0, 0};
    struct view_peer *peer;

    while ((peer = peer_order_next(&view->peers, &place)) != NULL) {
        struct watch_facts *facts = watch_facts_new(peer->record);

        require(facts != NULL);
        require(watch_filter_passes(filter, facts) == selection_matches(query, peer));
        watch_facts_free(facts);
    }
    watch_filter_free(filter);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static struct peer_query query;
    const struct view *view = &scene()->api.view;
    uint8_t *input = guard_copy(data, size);

    for (int kind = PEER_QUERY_DISCOVER; kind <= PEER_QUERY_WATCH; kind++) {
        struct selection selection;

        if (!peer_query_read(&query, span_of(input, size), (enum peer_query_kind)kind)) {
            require(query.error[0] != '\0');
            continue;
        }
        check_filter(view, &query);
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
