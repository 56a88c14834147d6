// SPDX-License-Identifier: Apache-2.0
/* test_refs.c - references by hash, and the items that they name */
#include "gossip/refs.h"

#include <criterion/criterion.h>
#include <stdlib.h>
#include <string.h>

#include "gossip/cells.h"
#include "gossip/prng.h"

static bool has(const struct refs *refs, uint64_t hash, uint32_t reference)
{
    size_t cursor = 0;
    uint32_t found;
    while ((found = refs_next(refs, hash, &cursor)) != 0)
        if (found == reference)
            return true;
    return false;
}

/* As a keyed hash would be: a bijection, so that a number has a hash of its own. */
static uint64_t hash_of_number(uint32_t number)
{
    uint64_t hash = (uint64_t)number * 0x9e3779b97f4a7c15u;
    return hash ^ hash >> 29;
}

Test(refs, empty_table_finds_nothing)
{
    struct refs refs = {0};
    size_t cursor = 0;
    cr_assert_eq(refs_next(&refs, 7, &cursor), 0U);
    refs_free(&refs);
}

Test(refs, equal_hashes_are_all_found)
{
    struct refs refs = {0};
    size_t cursor = 0, count = 0;
    for (uint32_t reference = 1; reference <= 20; reference++)
        refs_add(&refs, 5, reference);
    while (refs_next(&refs, 5, &cursor) != 0)
        count++;
    cr_assert_eq(count, 20U);
    cr_assert_eq(refs_next(&refs, 5, &cursor), 0U, "and again none");
    refs_remove(&refs, 5, 11);
    cr_assert(!has(&refs, 5, 11) && has(&refs, 5, 12) && has(&refs, 5, 10));
    refs_free(&refs);
}

/* What is in it and what is not, compared with a plain array, while it grows past the size at which
 * it is cut into parts and shrinks again. */
Test(refs, holds_what_an_array_would)
{
    enum { MANY = 30000 };
    static bool is_held[MANY + 1];
    struct refs refs = {0};
    struct prng prng;
    uint8_t seed[32] = {1};
    prng_seed(&prng, seed);
    for (size_t step = 0; step < 200000; step++) {
        uint32_t number = 1 + (uint32_t)prng_below(&prng, MANY);
        bool is_growing = step < 100000;
        if (is_held[number] && (!is_growing || prng_below(&prng, 4) == 0)) {
            refs_remove(&refs, hash_of_number(number), number);
            is_held[number] = false;
        } else if (!is_held[number] && is_growing) {
            refs_add(&refs, hash_of_number(number), number);
            is_held[number] = true;
        }
    }
    size_t held = 0;
    for (uint32_t number = 1; number <= MANY; number++) {
        cr_assert_eq(has(&refs, hash_of_number(number), number), is_held[number], "%u", number);
        held += is_held[number];
    }
    cr_assert_eq(refs.count, held);
    for (uint32_t number = 1; number <= MANY; number++)
        if (is_held[number])
            refs_remove(&refs, hash_of_number(number), number);
    cr_assert_eq(refs.count, 0U);
    refs_free(&refs);
}

Test(refs, a_million_cost_less_than_thirteen_bytes_each)
{
    struct refs refs = {0};
    for (uint32_t number = 1; number <= 1000000; number++)
        refs_add(&refs, hash_of_number(number), number);
    cr_assert_leq(refs_bytes(&refs), 13000000U);
    for (uint32_t number = 1; number <= 1000000; number++)
        cr_assert(has(&refs, hash_of_number(number), number));
    /* And no part is so large that making it larger would be noticed. */
    for (uint32_t i = 0; i < refs.part_count; i++)
        cr_assert_leq(refs.parts[i].capacity, 4096U);
    refs_free(&refs);
}

Test(cells, items_keep_their_places_and_are_zeroed_when_taken_again)
{
    enum { MANY = 5000 };
    static uint64_t *items[MANY];
    static uint32_t references[MANY];
    struct cells cells = {.item_bytes = 24};
    for (uint64_t i = 0; i < MANY; i++) {
        items[i] = cells_take(&cells, &references[i]);
        cr_assert(items[i][0] == 0 && items[i][1] == 0 && items[i][2] == 0);
        items[i][0] = items[i][2] = i;
    }
    for (uint64_t i = 0; i < MANY; i++) {
        cr_assert_eq(cells_at(&cells, references[i]), items[i]);
        cr_assert(items[i][0] == i && items[i][2] == i, "nobody else's");
    }
    for (size_t i = 0; i < MANY; i += 2)
        cells_give(&cells, references[i]);
    size_t bytes = cells_bytes(&cells);
    for (size_t i = 0; i < MANY; i += 2) {
        items[i] = cells_take(&cells, &references[i]);
        cr_assert(items[i][0] == 0 && items[i][2] == 0);
        items[i][0] = items[i][2] = i;
    }
    cr_assert_eq(cells_bytes(&cells), bytes, "what was given back is used first");
    for (uint64_t i = 0; i < MANY; i++)
        cr_assert(items[i][0] == i && items[i][2] == i);
    cells_free(&cells);
    cr_assert_eq(cells_bytes(&cells), 0U);
}
