// SPDX-License-Identifier: Apache-2.0
/* test_answer_cache.c - a cached answer holds for its view and for a second, and its body as long
 * as needed */
#include "node/answer_cache.h"

#include <criterion/criterion.h>
#include <stdio.h>
#include <string.h>

static struct body_pool pool;
static struct answer_cache cache;

static void put(const char *query, const char *text, uint64_t generation, uint64_t now_ms)
{
    struct cached_answer made = {
        .kind = ANSWER_DISCOVER, .generation = generation, .made_ms = now_ms};
    struct buffer buffer;

    buffer_init(&buffer, 1000);
    buffer_add_text(&buffer, text);
    made.body = answer_body_new(&pool, &buffer);
    answer_cache_put(&cache, &made, span_of_text(query));
    answer_body_release(made.body);
}

static bool holds(const char *query, uint64_t generation, uint64_t now_ms)
{
    return answer_cache_find(&cache, ANSWER_DISCOVER, span_of_text(query), generation, now_ms) !=
           NULL;
}

Test(answer_cache, an_answer_holds_for_its_query_its_view_and_a_second)
{
    put("a=1", "one", 7, 5000);
    cr_assert(holds("a=1", 7, 5000) && holds("a=1", 7, 5999));
    cr_assert_not(holds("a=1", 7, 6000), "times in it may lag by a second");
    cr_assert_not(holds("a=1", 8, 5000), "the view has changed");
    cr_assert_not(holds("a=2", 7, 5000));
    cr_assert_null(answer_cache_find(&cache, ANSWER_V1_PEERS, span_of_text("a=1"), 7, 5000));
    answer_cache_clear(&cache);
    cr_assert_eq(pool.bytes, 0);
}

Test(answer_cache, a_body_outlives_its_place)
{
    put("q", "four", 1, 0);
    struct answer_body *body = answer_body_retain(
        answer_cache_find(&cache, ANSWER_DISCOVER, span_of_text("q"), 1, 0)->body);
    put("q", "eleven more", 2, 0);
    cr_assert_eq(pool.bytes, 15);
    cr_assert(body->len == 4 && memcmp(body->data, "four", 4) == 0);
    answer_body_release(body);
    answer_cache_clear(&cache);
    cr_assert_eq(pool.bytes, 0);
}

Test(answer_cache, the_one_unused_for_longest_goes_first)
{
    char query[16];

    for (int i = 0; i < ANSWER_CACHE_COUNT; i++) {
        snprintf(query, sizeof query, "q%d", i);
        put(query, "x", 1, (uint64_t)i);
    }
    cr_assert(holds("q0", 1, 100));
    put("new", "x", 1, 101);
    cr_assert(holds("q0", 1, 102) && holds("new", 1, 102));
    cr_assert_not(holds("q1", 1, 102));
    answer_cache_clear(&cache);
}

Test(answer_cache, what_is_too_old_is_swept)
{
    put("q", "x", 1, 0);
    answer_cache_sweep(&cache, ANSWER_CACHE_MS - 1);
    cr_assert_eq(pool.bytes, 1);
    answer_cache_sweep(&cache, ANSWER_CACHE_MS);
    cr_assert_eq(pool.bytes, 0);
}

Test(answer_cache, long_queries_are_not_kept)
{
    char query[ANSWER_CACHE_KEY_BYTES + 2];

    memset(query, 'q', sizeof query - 1);
    query[sizeof query - 1] = '\0';
    put(query, "x", 1, 0);
    cr_assert_eq(pool.bytes, 0);
    query[ANSWER_CACHE_KEY_BYTES] = '\0';
    put(query, "x", 1, 0);
    cr_assert(holds(query, 1, 0));
    answer_cache_clear(&cache);
}
