// SPDX-License-Identifier: Apache-2.0
/* test_snapshot.c - entries come back as written; torn or damaged at any byte, only what stands
 * before */
#include "node/snapshot.h"

#include <criterion/criterion.h>
#include <string.h>

#include "tests/support/guard.h"

#define ENTRIES 4

static uint8_t file[SNAPSHOT_MAGIC_BYTES + ENTRIES * SNAPSHOT_ENTRY_MAX_BYTES];
static size_t ends[ENTRIES + 1]; /* of the file with that many entries */
static uint8_t large[STATEMENT_MAX_BYTES];

static const struct snapshot_entry entries[ENTRIES] = {
    {SNAPSHOT_LEASE, 1, {(const uint8_t *)"first", 5}},
    {SNAPSHOT_LEASE_END, UINT64_MAX, {(const uint8_t *)"x", 1}},
    {SNAPSHOT_MEMBER, 3, {large, sizeof large}},
    {SNAPSHOT_MEMBER_END, 4, {(const uint8_t *)"12345678", 8}},
};

static void begin(void)
{
    struct snapshot_chain chain;

    memset(large, 0xA5, sizeof large);
    snapshot_begin(file, &chain);
    ends[0] = SNAPSHOT_MAGIC_BYTES;
    for (size_t i = 0; i < ENTRIES; i++)
        ends[i + 1] = ends[i] + snapshot_put(file + ends[i], &chain, &entries[i]);
}

TestSuite(snapshot, .init = begin);

/* Reads a copy that ends at an unreadable page; returns how many entries came, each as it was
 * written. */
static size_t read_back(const uint8_t *bytes, size_t len, size_t *left)
{
    uint8_t *copy = guard_copy(bytes, len);
    struct snapshot_reader reader;
    struct snapshot_entry entry;
    size_t count = 0;

    if (snapshot_open(&reader, span_of(copy, len))) {
        while (snapshot_next(&reader, &entry)) {
            cr_assert_lt(count, ENTRIES);
            cr_assert_eq(entry.kind, entries[count].kind);
            cr_assert_eq(entry.wall_ms, entries[count].wall_ms);
            cr_assert(span_equal(entry.bytes, entries[count].bytes));
            count++;
        }
        cr_assert_eq(reader.offset + reader.rest.len, len);
    }
    *left = reader.rest.len;
    guard_free(copy, len);
    return count;
}

Test(snapshot, entries_come_back_as_they_were_written)
{
    size_t left;

    cr_assert_eq(read_back(file, ends[ENTRIES], &left), ENTRIES);
    cr_assert_eq(left, 0);
}

Test(snapshot, torn_at_any_byte_the_entries_before_it_stand)
{
    for (size_t len = 0; len < ends[ENTRIES]; len++) {
        size_t whole = 0, left;

        while (whole < ENTRIES && ends[whole + 1] <= len)
            whole++;
        cr_assert_eq(read_back(file, len, &left), whole, "cut at %zu", len);
        if (len >= SNAPSHOT_MAGIC_BYTES)
            cr_assert_eq(left, len - ends[whole], "the tear is seen");
    }
}

Test(snapshot, damaged_at_any_bit_nothing_behind_it_is_believed)
{
    for (size_t bit = 0; bit < 8 * ends[ENTRIES]; bit++) {
        size_t whole = 0, left, at = bit / 8;

        while (whole < ENTRIES && ends[whole + 1] <= at)
            whole++;
        file[at] ^= (uint8_t)(1u << bit % 8);
        cr_assert_eq(read_back(file, ends[ENTRIES], &left), at < SNAPSHOT_MAGIC_BYTES ? 0 : whole);
        cr_assert_gt(left, 0);
        file[at] ^= (uint8_t)(1u << bit % 8);
    }
}

Test(snapshot, good_entries_in_another_order_are_damage)
{
    uint8_t mixed[sizeof file];
    size_t first = ends[1] - ends[0], second = ends[2] - ends[1], left;

    memcpy(mixed, file, ends[0]);
    memcpy(mixed + ends[0], file + ends[1], second);
    memcpy(mixed + ends[0] + second, file + ends[0], first);
    cr_assert_eq(read_back(mixed, ends[2], &left), 0);
}
