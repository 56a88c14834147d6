// SPDX-License-Identifier: Apache-2.0
/* test_peer_query.c - queries: decoded, bounded, and strict where they must be */
#include "node/peer_query.h"

#include <criterion/criterion.h>
#include <stdio.h>
#include <string.h>

#include "node/http_query.h"
#include "tests/support/guard.h"

static struct peer_query query;

static bool reads(const char *text, bool is_v1)
{
    uint8_t *copy = guard_copy(text, strlen(text));
    bool is_read = peer_query_read(&query, span_of(copy, strlen(text)), is_v1);

    guard_free(copy, strlen(text));
    return is_read;
}

static bool says(struct span span, const char *text)
{
    return span_equal(span, span_of_text(text));
}

Test(peer_query, everything_is_decoded)
{
    cr_assert(reads("archetype=a%20b&archetype=c+d&meta.x%3Dy=1%262&exclude=%70&limit=12", true));
    cr_assert(says(query.archetypes[0], "a b") && says(query.archetypes[1], "c d"));
    cr_assert(says(query.meta[0].key, "x=y") && says(query.meta[0].value, "1&2"));
    cr_assert(says(query.excludes[0], "p"));
    cr_assert_eq(query.limit, 12);
}

Test(peer_query, defaults)
{
    cr_assert(reads("", false));
    cr_assert(query.limit == PEER_QUERY_LIMIT_DEFAULT && !query.with_reputation);
    cr_assert(reads("&&", true));
}

Test(peer_query, unknown_parameters_are_named_on_v1_and_ignored_on_the_seed)
{
    cr_assert_not(reads("archetpye=x", true));
    cr_assert_str_eq(query.error, "archetpye: unknown query parameter");
    cr_assert(reads("archetpye=x&cursor=1&sort=2", false));
    cr_assert_not(reads("reputation=true", true));
    cr_assert_not(reads("meta.=1", true));
}

Test(peer_query, reputation_is_true_in_any_case)
{
    static const char *const yes[] = {"reputation=true", "reputation=True", "reputation=1"};
    static const char *const no[] = {"reputation=false", "reputation=", "reputation",
                                     "reputation=0", "reputation=trve"};

    for (size_t i = 0; i < 3; i++)
        cr_assert(reads(yes[i], false) && query.with_reputation, "%s", yes[i]);
    for (size_t i = 0; i < 5; i++)
        cr_assert(reads(no[i], false) && !query.with_reputation, "%s", no[i]);
}

Test(peer_query, limits_are_whole_numbers_in_their_range)
{
    static const char *const bad[] = {
        "limit=0",  "limit=",   "limit=-1",     "limit=1.5",
        "limit=1x", "limit=+1", "limit=100001", "limit=99999999999999999999999"};

    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++) {
        cr_assert_not(reads(bad[i], false), "%s", bad[i]);
        cr_assert_eq(strncmp(query.error, "limit:", 6), 0);
    }
    cr_assert(reads("limit=100000", false));
    cr_assert_not(reads("limit=10001", true), "beyond it there is the cursor");
}

Test(peer_query, what_is_malformed_is_refused)
{
    cr_assert_not(reads("archetype=%", false));
    cr_assert_not(reads("archetype=%g0", false));
    cr_assert_not(reads("archetype=%f", false));
    cr_assert_not(reads("%zz=1", true));
    cr_assert_not(reads("archetype=%ff", false));
    cr_assert_not(reads("sort=age", true));
    cr_assert_not(reads("cursor=!", true));
    cr_assert_not(reads("cursor=AAAA", true));
}

Test(peer_query, repetitions_have_a_limit)
{
    static char text[8192];

    for (size_t count = PEER_ARCHETYPES_MAX; count <= PEER_ARCHETYPES_MAX + 1; count++) {
        text[0] = '\0';
        for (size_t i = 0, at = 0; i < count; i++)
            at += (size_t)snprintf(text + at, sizeof text - at, "archetype=a%zu&", i);
        cr_assert_eq(reads(text, false), count == PEER_ARCHETYPES_MAX);
    }
}

Test(peer_query, a_cursor_holds_for_its_sort_only)
{
    char cursor[PEER_CURSOR_BYTES], text[PEER_CURSOR_BYTES + 64];

    peer_cursor_write(SORT_OLDEST, 1234567890123, span_of_text("p/1"), cursor);
    snprintf(text, sizeof text, "cursor=%s&sort=registered_at", cursor);
    cr_assert(reads(text, true), "%s", query.error);
    cr_assert(query.has_cursor && query.cursor_ms == 1234567890123);
    cr_assert(says(query.cursor_id, "p/1"));
    snprintf(text, sizeof text, "cursor=%s", cursor);
    cr_assert_not(reads(text, true));
}

Test(peer_query, paths_keep_their_plus)
{
    char out[16];
    size_t len;

    cr_assert(percent_decode(span_of_text("a+b%2Fc"), false, out, &len));
    cr_assert(len == 5 && memcmp(out, "a+b/c", 5) == 0);
}
