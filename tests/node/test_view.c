// SPDX-License-Identifier: Apache-2.0
/* test_view.c - the read model: equal to what a naive reading of the events would give */
#include "node/view.h"

#include <criterion/criterion.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "gossip/prng.h"
#include "node/fragment.h"
#include "node/selection.h"
#include "node/view_members.h"
#include "tests/node/http_stage.h"

#define PEERS 600

/* What a list of registrations in a notebook would say. */
struct naive_peer {
    bool is_there;
    char archetypes[64];
    unsigned group;
};

static struct naive_peer naive[PEERS];

static void peer_id_of(unsigned number, char out[32])
{
    /* Ids of many lengths, so that order by bytes and order by number differ. */
    snprintf(out, 32, "p%u", number * 7919 % 10007);
}

static bool naive_has(const struct naive_peer *peer, const char *archetype)
{
    char padded[80], wanted[16];

    snprintf(padded, sizeof padded, " %s ", peer->archetypes);
    snprintf(wanted, sizeof wanted, " %s ", archetype);
    return strstr(padded, wanted) != NULL;
}

static void naive_change(struct http_stage *stage, struct prng *prng)
{
    static const char *const sets[] = {"", "a", "b", "a b", "b c", "a b c d", "a a"};
    unsigned number = (unsigned)prng_below(prng, PEERS);
    struct naive_peer *peer = &naive[number];
    char id[32], metadata[64];

    peer_id_of(number, id);
    if (peer->is_there && prng_below(prng, 3) == 0) {
        stage_peer_gone(stage, id, PEER_DOWN_EXPIRED);
        peer->is_there = false;
        return;
    }
    peer->is_there = true;
    peer->group = (unsigned)prng_below(prng, 5);
    snprintf(peer->archetypes, sizeof peer->archetypes, "%s",
             sets[prng_below(prng, sizeof sets / sizeof sets[0])]);
    snprintf(metadata, sizeof metadata, "{\"group\":\"g%u\",\"n\":%u}", peer->group, number);
    stage_peer(stage, STAGE_OTHER, id, peer->archetypes, metadata);
}

static void compare(struct http_stage *stage, const char *query, const char *archetypes[2],
                    int group)
{
    static struct peer_query parsed;
    struct selection selection;
    size_t expected = 0;

    cr_assert(peer_query_read(&parsed, span_of_text(query), true), "%s", parsed.error);
    selection_make(&selection, &stage->api.view, &parsed);
    for (unsigned i = 0; i < PEERS; i++) {
        bool matches = naive[i].is_there && (group < 0 || naive[i].group == (unsigned)group);

        for (int j = 0; j < 2; j++)
            matches = matches && (archetypes[j] == NULL || naive_has(&naive[i], archetypes[j]));
        expected += matches;
    }
    cr_assert_eq(selection.count, expected, "%s: %zu, not %zu", query, selection.count, expected);
    for (size_t i = 1; i < selection.count; i++)
        cr_assert(peer_id_compare(view_peer_id(selection.peers[i - 1]),
                                  view_peer_id(selection.peers[i])) < 0,
                  "in the order of ids");
    selection_free(&selection);
}

Test(view, answers_as_a_naive_filter_would)
{
    struct http_stage *stage = stage_new();
    uint8_t seed[32] = {42};
    struct prng prng;

    prng_seed(&prng, seed);
    for (int round = 0; round < 40; round++) {
        for (int i = 0; i < 100; i++)
            naive_change(stage, &prng);
        compare(stage, "", (const char *[2]){NULL, NULL}, -1);
        compare(stage, "archetype=a", (const char *[2]){"a", NULL}, -1);
        compare(stage, "archetype=c&archetype=b", (const char *[2]){"c", "b"}, -1);
        compare(stage, "archetype=none", (const char *[2]){"none", NULL}, -1);
        compare(stage, "meta.group=g3&archetype=d", (const char *[2]){"d", NULL}, 3);
    }
    stage_free(stage);
}

Test(view, pages_by_cursor_miss_nothing_and_repeat_nothing)
{
    struct http_stage *stage = stage_new();
    static const char *const sorts[] = {"peer_id", "registered_at", "-registered_at"};
    static struct peer_query query;

    for (unsigned i = 0; i < 100; i++) {
        char id[32];

        peer_id_of(i, id);
        stage_peer(stage, STAGE_OTHER, id, "", "");
        stage_wait(stage, i % 3); /* some share their time */
    }
    for (size_t sort = 0; sort < 3; sort++) {
        char text[PEER_CURSOR_BYTES + 64], cursor[PEER_CURSOR_BYTES] = "";
        bool seen[PEERS * 20] = {false}, has_more = true;
        size_t total = 0;

        while (has_more) {
            struct selection page;

            snprintf(text, sizeof text, "sort=%s&limit=7%s%s", sorts[sort],
                     cursor[0] != '\0' ? "&cursor=" : "", cursor);
            cr_assert(peer_query_read(&query, span_of_text(text), true), "%s", query.error);
            selection_make(&page, &stage->api.view, &query);
            for (size_t i = 0; i < page.count; i++) {
                unsigned number =
                    (unsigned)strtoul((const char *)view_peer_id(page.peers[i]).data + 1, NULL, 10);

                cr_assert_not(seen[number]);
                seen[number] = true;
                total++;
            }
            has_more = page.is_cut;
            if (page.count > 0)
                peer_cursor_write(query.sort, view_peer_registered_ms(page.peers[page.count - 1]),
                                  view_peer_id(page.peers[page.count - 1]), cursor);
            selection_free(&page);
        }
        cr_assert_eq(total, 100);
    }
    stage_free(stage);
}

static uint64_t seen_ms(struct http_stage *stage, const char *peer_id)
{
    const struct view_peer *peer = view_peer_find(&stage->api.view, span_of_text(peer_id));

    cr_assert_not_null(peer);
    return view_last_seen_us(peer, stage->wall_ms * 1000) / 1000;
}

Test(view, last_seen_at_the_home_is_the_last_heartbeat)
{
    struct http_stage *stage = stage_new();

    stage_peer(stage, STAGE_OWN, "mine", "", "");
    cr_assert_eq(seen_ms(stage, "mine"), STAGE_WALL_MS);
    stage_wait(stage, 5000);
    cr_assert_eq(seen_ms(stage, "mine"), STAGE_WALL_MS);
    stage_heartbeat(stage, "mine");
    stage_wait(stage, 7000);
    cr_assert_eq(seen_ms(stage, "mine"), STAGE_WALL_MS + 5000);
    stage_free(stage);
}

Test(view, last_seen_elsewhere_is_now_until_the_home_is_gone)
{
    struct http_stage *stage = stage_new();

    stage_peer(stage, STAGE_OTHER, "theirs", "", "");
    stage_wait(stage, 400000);
    cr_assert_eq(seen_ms(stage, "theirs"), stage->wall_ms, "the home vouches for it");
    stage_home(stage, STAGE_OTHER, HOME_DOUBTED, stage->wall_ms);
    uint64_t doubted_ms = stage->wall_ms;
    stage_wait(stage, 3000);
    cr_assert_eq(seen_ms(stage, "theirs"), doubted_ms, "it stands still");
    const struct view_peer *peer = view_peer_find(&stage->api.view, span_of_text("theirs"));
    cr_assert_not(view_peer_is_orphaned(peer));
    stage_home(stage, STAGE_OTHER, HOME_GONE, doubted_ms);
    cr_assert(view_peer_is_orphaned(peer));
    cr_assert_eq(seen_ms(stage, "theirs"), doubted_ms);
    stage_home(stage, STAGE_OTHER, HOME_VOUCHES, stage->wall_ms);
    stage_wait(stage, 1);
    cr_assert_eq(seen_ms(stage, "theirs"), stage->wall_ms);
    stage_free(stage);
}

Test(view, homes_of_which_nothing_is_left_are_forgotten)
{
    struct http_stage *stage = stage_new();
    struct gossip_event event = {.kind = GOSSIP_EVENT_LOG};

    event.log.tag = STAGE_OTHER;
    event.log.epoch = STAGE_EPOCH;
    view_apply(&stage->api.view, &event);
    stage_peer(stage, STAGE_OTHER, "p", "", "");
    stage_home(stage, STAGE_OTHER, HOME_GONE, 5);
    cr_assert_eq(stage->api.view.home_count, 1);
    event.log.is_gone = true;
    view_apply(&stage->api.view, &event);
    cr_assert_eq(stage->api.view.home_count, 1, "a peer still stands on it");
    stage_peer_gone(stage, "p", PEER_DOWN_ORPHAN_GRACE);
    cr_assert_eq(stage->api.view.home_count, 0);
    stage_free(stage);
}

Test(view, members_are_found_by_name_tag_and_id)
{
    struct http_stage *stage = stage_new();
    char id[HEX_SIZE(KEY_PUBLIC_BYTES)];

    hex_encode(stage->identity.public.bytes, KEY_PUBLIC_BYTES, id, sizeof id);
    cr_assert_eq(view_member_named(&stage->api.view, span_of_text("n2"))->tag, STAGE_OTHER);
    cr_assert_eq(view_member_named(&stage->api.view, span_of_text("2222222222222222"))->tag,
                 STAGE_OTHER);
    cr_assert_not_null(view_member_named(&stage->api.view, span_of_text(id)));
    cr_assert_null(view_member_named(&stage->api.view, span_of_text("n3")));
    stage_free(stage);
}

Test(view, fragments_stay_within_their_bound_and_are_made_again)
{
    struct http_stage *stage = stage_new();
    struct view *view = &stage->api.view;
    char metadata[520], id[32];
    unsigned count = FRAGMENTS_MAX_BYTES / 600 + 2000;

    snprintf(metadata, sizeof metadata, "{\"k\":\"%0480d\"}", 0);
    for (unsigned i = 0; i < count; i++) {
        snprintf(id, sizeof id, "peer-%u", i);
        stage_peer(stage, STAGE_OTHER, id, "", metadata);
        fragment_of(view, view_peer_find(view, span_of_text(id)));
        cr_assert(view->fragments.bytes <= FRAGMENTS_MAX_BYTES);
    }
    struct view_peer *first = view_peer_find(view, span_of_text("peer-0"));
    cr_assert_null(first->fragment);
    cr_assert_not_null(fragment_of(view, first));
    stage_free(stage);
}

Test(view, metadata_that_is_no_json_cannot_break_an_answer)
{
    struct http_stage *stage = stage_new();
    struct view *view = &stage->api.view;

    stage_peer(stage, STAGE_OTHER, "bad", "", "{\"a\":}");
    const struct fragment *fragment = fragment_of(view, view_peer_find(view, span_of_text("bad")));
    cr_assert_not_null(strstr(fragment->text, "\"metadata\":{}"));
    stage_free(stage);
}
