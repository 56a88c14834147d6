// SPDX-License-Identifier: Apache-2.0
/* test_peer_order.c - peers in the order of their ids, whatever order they come and go in */
#include "node/peer_order.h"

#include <criterion/criterion.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "crypto/key.h"
#include "gossip/cells.h"
#include "gossip/prng.h"
#include "node/view.h"

enum { MANY = 3000 };

static struct cells cells = {.item_bytes = sizeof(struct view_peer)};
static struct peer_order order = {.cells = &cells};
static uint32_t references[MANY];
static char ids[MANY][24];

static struct blob *record_of(const char *peer_id)
{
    struct record record = {
        .home = 1,
        .epoch = 1,
        .version = 1,
        .peer = {.peer_id = span_of_text(peer_id), .address = span_of_text("h"), .ttl_s = 60}};
    struct key_pair pair;
    struct sign_scope scope = {{0}};

    key_pair_from_seed((uint8_t[KEY_SEED_BYTES]){1}, &pair);
    return statement_of_record(&record, &pair, &scope);
}

/* Ids of several lengths, many with the same first eight bytes, none twice. */
static void begin(void)
{
    for (size_t i = 0; i < MANY; i++) {
        struct view_peer *peer = cells_take(&cells, &references[i]);

        snprintf(ids[i], sizeof ids[i], i % 3 == 0 ? "%zu" : "the-same-%zu", i);
        peer->record = record_of(ids[i]);
        cr_assert_not_null(peer->record);
    }
}

static void end(void)
{
    for (size_t i = 0; i < MANY; i++)
        blob_release(((struct view_peer *)cells_at(&cells, references[i]))->record);
    peer_order_free(&order);
    cells_free(&cells);
}

TestSuite(peer_order, .init = begin, .fini = end);

static int by_text(const void *a, const void *b)
{
    return strcmp(ids[*(const size_t *)a], ids[*(const size_t *)b]);
}

static void expect(const bool *is_in, size_t count)
{
    static size_t sorted[MANY];
    struct peer_order_place place = {0, 0};
    size_t wanted = 0;

    for (size_t i = 0; i < MANY; i++)
        if (is_in[i])
            sorted[wanted++] = i;
    qsort(sorted, wanted, sizeof sorted[0], by_text);
    cr_assert(wanted == count && order.count == count);
    for (size_t i = 0; i < wanted; i++)
        cr_assert_eq(peer_order_next(&order, &place), cells_at(&cells, references[sorted[i]]));
    cr_assert_null(peer_order_next(&order, &place));
    for (size_t i = 0; i < MANY; i += 7) {
        struct peer_order_place after = peer_order_after(&order, span_of_text(ids[i]));
        struct view_peer *next = peer_order_next(&order, &after);
        size_t k = 0;

        while (k < wanted && strcmp(ids[sorted[k]], ids[i]) <= 0)
            k++;
        cr_assert_eq(next, k == wanted ? NULL : cells_at(&cells, references[sorted[k]]), "%s",
                     ids[i]);
    }
}

Test(peer_order, is_that_of_a_sorted_array_while_peers_come_and_go)
{
    static bool is_in[MANY];
    struct prng prng;
    uint8_t seed[32] = {7};
    size_t count = 0;

    prng_seed(&prng, seed);
    for (size_t step = 0; step < 12000; step++) {
        size_t i = prng_below(&prng, MANY);
        bool adds = step < 6000;

        if (is_in[i] == adds && prng_below(&prng, 4) > 0)
            continue;
        if (is_in[i])
            peer_order_remove(&order, references[i]);
        else
            peer_order_add(&order, references[i]);
        count = is_in[i] ? count - 1 : count + 1;
        is_in[i] = !is_in[i];
        if (step % 1500 == 0)
            expect(is_in, count);
    }
    expect(is_in, count);
}

Test(peer_order, ids_that_come_in_order_leave_full_blocks_behind)
{
    static size_t sorted[MANY];

    for (size_t i = 0; i < MANY; i++)
        sorted[i] = i;
    qsort(sorted, MANY, sizeof sorted[0], by_text);
    for (size_t i = 0; i < MANY; i++)
        peer_order_add(&order, references[sorted[i]]);
    cr_assert_leq(order.block_count, MANY / PEER_ORDER_BLOCK_MAX + 1);
}
