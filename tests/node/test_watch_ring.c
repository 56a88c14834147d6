// SPDX-License-Identifier: Apache-2.0
/* test_watch_ring.c - the last changes: numbered without gaps, bounded in number and in bytes */
#include "node/watch_ring.h"

#include <criterion/criterion.h>
#include <string.h>

static struct body_pool pool;
static struct watch_ring ring;

static void begin(void)
{
    watch_ring_init(&ring);
}

static void end(void)
{
    watch_ring_free(&ring);
    cr_assert_eq(pool.bytes, 0, "whatever was handed over is given back");
}

TestSuite(watch_ring, .init = begin, .fini = end);

static void add(size_t bytes)
{
    struct buffer text;

    buffer_init(&text, bytes);
    memset(buffer_extend(&text, bytes), 'x', bytes);
    watch_ring_add(&ring, (struct watch_change){.text = answer_body_new(&pool, &text)});
}

Test(watch_ring, numbers_begin_at_one_and_have_no_gaps)
{
    watch_ring_start(&ring);
    for (size_t i = 1; i <= 3; i++) {
        add(i);
        cr_assert_eq(ring.next, i + 1);
        cr_assert_eq(watch_ring_at(&ring, i)->text->len, i);
    }
    cr_assert_eq(ring.first, 1);
    cr_assert_eq(ring.bytes, 6);
}

Test(watch_ring, the_oldest_go_when_there_are_too_many)
{
    watch_ring_start(&ring);
    for (size_t i = 0; i < WATCH_RING_CHANGES_MAX + 5; i++)
        add(1 + i % 7);
    cr_assert_eq(ring.next - ring.first, WATCH_RING_CHANGES_MAX);
    cr_assert_eq(ring.first, 6);
    cr_assert_eq(watch_ring_at(&ring, 6)->text->len, 1 + 5 % 7);
    cr_assert_eq(ring.bytes, pool.bytes);
}

Test(watch_ring, the_oldest_go_when_they_are_too_large)
{
    size_t each = WATCH_RING_BYTES_MAX / 10;

    watch_ring_start(&ring);
    for (int i = 0; i < 25; i++) {
        add(each);
        cr_assert_leq(ring.bytes, WATCH_RING_BYTES_MAX);
    }
    cr_assert_eq(ring.next - ring.first, 10);
    cr_assert_eq(pool.bytes, 10 * each);
}

Test(watch_ring, stopped_it_holds_nothing_and_goes_on_counting)
{
    watch_ring_start(&ring);
    add(10);
    add(20);
    watch_ring_stop(&ring);
    cr_assert_not(watch_ring_runs(&ring));
    cr_assert_eq(pool.bytes, 0);
    cr_assert(ring.first == 3 && ring.next == 3);
    watch_ring_start(&ring);
    add(30);
    cr_assert_eq(watch_ring_at(&ring, 3)->text->len, 30);
}

/* --- What a change is to somebody ------------------------------------------------------------ */

static struct watch_facts *peer_of(const char *archetype)
{
    struct key_pair pair;
    struct sign_scope scope;
    const uint8_t seed[KEY_SEED_BYTES] = {3};
    struct record record = {
        .home = 1,
        .epoch = 1,
        .version = 1,
        .peer = {.peer_id = span_of_text("p"),
                 .archetypes = {span_of_text(archetype)},
                 .archetype_count = 1,
                 .address = span_of_text("192.0.2.1"),
                 .metadata = span_of_text("{\"k\":1}"),
                 .ttl_s = 300},
    };

    cr_assert(key_library_init());
    key_pair_from_seed(seed, &pair);
    sign_scope_of("aurora", &scope);
    struct blob *blob = statement_of_record(&record, &pair, &scope);
    struct watch_facts *facts = watch_facts_new(blob);
    blob_release(blob);
    cr_assert_not_null(facts);
    return facts;
}

static enum watch_news news(const char *before, const char *after, const char *query_text)
{
    static struct peer_query query;
    struct watch_change change = {.before = before == NULL ? NULL : peer_of(before),
                                  .after = after == NULL ? NULL : peer_of(after)};

    cr_assert(peer_query_read(&query, span_of_text(query_text), PEER_QUERY_WATCH));
    struct watch_filter *filter = watch_filter_new(&query);
    enum watch_news found = watch_change_news(&change, filter);
    watch_filter_free(filter);
    watch_facts_free(change.before);
    watch_facts_free(change.after);
    return found;
}

Test(watch_ring, a_change_is_what_the_filter_makes_of_it)
{
    cr_assert_eq(news(NULL, "a", ""), WATCH_UP);
    cr_assert_eq(news("a", "b", ""), WATCH_UPDATE);
    cr_assert_eq(news("a", NULL, ""), WATCH_DOWN);
    cr_assert_eq(news("a", "a", "archetype=a"), WATCH_UPDATE);
    cr_assert_eq(news("b", "a", "archetype=a"), WATCH_UP);
    cr_assert_eq(news("a", "b", "archetype=a"), WATCH_OUT);
    cr_assert_eq(news("b", "c", "archetype=a"), WATCH_NOTHING);
    cr_assert_eq(news("b", NULL, "archetype=a"), WATCH_NOTHING);
    cr_assert_eq(news(NULL, "b", "archetype=a"), WATCH_NOTHING);
    cr_assert_eq(news(NULL, "a", "exclude=p"), WATCH_NOTHING);
    cr_assert_eq(news(NULL, "a", "meta.k=1&archetype=a&exclude=q"), WATCH_UP);
    cr_assert_eq(news(NULL, "a", "meta.k=2"), WATCH_NOTHING);
    cr_assert_eq(news(NULL, NULL, "archetype=a"), WATCH_HOME, "homes concern everybody");
}

Test(watch_ring, without_conditions_there_is_no_filter_to_be_kept)
{
    static struct peer_query query;

    cr_assert(peer_query_read(&query, span_of_text("last_event_id=x"), PEER_QUERY_WATCH));
    cr_assert_null(watch_filter_new(&query));
}
