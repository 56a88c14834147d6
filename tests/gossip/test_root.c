// SPDX-License-Identifier: Apache-2.0
/* test_root.c - the root against a naive computation, for small logs and large ones */
#include "gossip/root.h"

#include <criterion/criterion.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "gossip/core.h"
#include "tests/gossip/records_fixture.h"

static struct fixture *f;
static struct fixture_home a;

static void begin(void)
{
    f = fixture_new();
    a = fixture_home(f, 1, 10);
}

static void end(void)
{
    fixture_free(f);
}

TestSuite(root, .init = begin, .fini = end);

static struct log *log_a(void)
{
    return registry_log_make(f->core, a.tag, a.epoch);
}

static const char *name_of(uint64_t number)
{
    static char text[32];
    snprintf(text, sizeof text, "peer-%llu", (unsigned long long)number);
    return text;
}

/* Peers `from` to `to`, as versions of the same numbers. */
static void fill(uint64_t from, uint64_t to)
{
    for (uint64_t version = from; version <= to; version++)
        cr_assert_eq(fixture_tell_set(f, &a, version, name_of(version), version), BATCH_APPLIED);
}

/* --- What root.h says, written down once more in the plainest way ----------------------------- */

struct naive {
    struct entry *entries[2000];
    size_t count;
};

static int by_peer_id(const void *one, const void *other)
{
    struct span a_id = (*(struct entry *const *)one)->peer->peer_id;
    struct span b_id = (*(struct entry *const *)other)->peer->peer_id;
    int order = memcmp(a_id.data, b_id.data, a_id.len < b_id.len ? a_id.len : b_id.len);
    return order != 0 ? order : a_id.len < b_id.len ? -1 : a_id.len > b_id.len;
}

static void naive_collect(struct naive *naive, unsigned bucket)
{
    naive->count = 0;
    for (size_t i = 0; i < log_a()->slot_count; i++) {
        struct entry *entry = log_a()->slots[i].entry;
        struct hash hash;
        if (entry == NULL || entry->is_delete)
            continue;
        hash_of("aurora-root-bucket", entry->peer->peer_id.data, entry->peer->peer_id.len, &hash);
        if (hash.bytes[0] == bucket)
            naive->entries[naive->count++] = entry;
    }
    qsort(naive->entries, naive->count, sizeof *naive->entries, by_peer_id);
}

static bool naive_leaf(unsigned bucket, struct hash *out)
{
    static struct naive naive;
    static uint8_t bytes[100000];
    size_t len = 0;
    naive_collect(&naive, bucket);
    for (size_t i = 0; i < naive.count; i++) {
        const struct entry *entry = naive.entries[i];
        struct span peer_id = entry->peer->peer_id;
        struct hash content;
        hash_of("aurora-root-record", entry->blob->bytes, entry->blob->len, &content);
        bytes[len++] = (uint8_t)(peer_id.len >> 8);
        bytes[len++] = (uint8_t)peer_id.len;
        memcpy(bytes + len, peer_id.data, peer_id.len);
        len += peer_id.len;
        for (int shift = 56; shift >= 0; shift -= 8)
            bytes[len++] = (uint8_t)(entry->version >> shift);
        memcpy(bytes + len, content.bytes, sizeof content.bytes);
        len += sizeof content.bytes;
    }
    hash_of("aurora-root-leaf", bytes, len, out);
    return naive.count > 0;
}

static struct hash naive_root(void)
{
    uint8_t bytes[ROOT_BUCKETS * 33];
    size_t len = 0;
    struct hash root;
    for (unsigned bucket = 0; bucket < ROOT_BUCKETS; bucket++) {
        struct hash leaf;
        if (!naive_leaf(bucket, &leaf))
            continue;
        bytes[len++] = (uint8_t)bucket;
        memcpy(bytes + len, leaf.bytes, sizeof leaf.bytes);
        len += sizeof leaf.bytes;
    }
    hash_of("aurora-root", bytes, len, &root);
    return root;
}

static struct hash root_now(void)
{
    struct hash root;
    root_compute(log_a(), &root);
    return root;
}

static bool is_same(struct hash one, struct hash other)
{
    return memcmp(one.bytes, other.bytes, sizeof one.bytes) == 0;
}

static void expect_naive(void)
{
    cr_assert(is_same(root_now(), naive_root()));
}

/* --- Tests ------------------------------------------------------------------------------------ */

Test(root, of_an_empty_log_is_the_hash_of_nothing)
{
    struct hash nothing;
    log_a();
    hash_of("aurora-root", NULL, 0, &nothing);
    cr_assert(is_same(root_now(), nothing));
}

Test(root, of_a_small_log_is_the_naive_one)
{
    fill(1, 1);
    expect_naive();
    fill(2, 200);
    expect_naive();
}

Test(root, of_a_large_log_is_the_naive_one)
{
    fill(1, 257);
    cr_assert_not_null(log_a()->roots);
    expect_naive();
    fill(258, 1500);
    expect_naive();
}

Test(root, follows_every_change)
{
    fill(1, 300);
    uint64_t version = 300;
    struct hash before = root_now();
    for (uint64_t i = 0; i < 60; i++) {
        uint64_t peer = 1 + i * 37 % 300;
        version++;
        if (i % 2 == 0)
            fixture_tell_delete(f, &a, version, name_of(peer), peer);
        else
            fixture_tell_set(f, &a, version, name_of(peer), version);
        expect_naive();
        cr_assert(!is_same(root_now(), before), "change %llu", (unsigned long long)i);
        before = root_now();
    }
}

Test(root, shrinking_log_keeps_its_root_right)
{
    fill(1, 300);
    for (uint64_t peer = 1; peer <= 295; peer++)
        fixture_tell_delete(f, &a, 300 + peer, name_of(peer), peer);
    cr_assert_eq(log_a()->live_count, 5U);
    expect_naive();
}

/* Deletes are remembered for different times at different nodes: they must not count. */
Test(root, deletes_do_not_count)
{
    fill(1, 10);
    struct hash before = root_now();
    fixture_tell_delete(f, &a, 11, "nobody", 1);
    cr_assert(is_same(root_now(), before));
}

/* The same operations, applied in order and all at once from the end by repairs. */
Test(root, does_not_depend_on_the_order_of_arrival)
{
    fill(1, 400);
    struct hash straight = root_now();
    struct fixture *other = fixture_new();
    fixture_home(other, 1, 10);
    struct log *log = registry_log_make(other->core, a.tag, 10);
    for (uint64_t version = 400; version >= 1; version--) {
        struct fixture_batch batch = fixture_batch(&a, 0, version);
        struct wire_list list;
        struct span statement;
        fixture_set(other, &batch, version, name_of(version), version);
        list = (struct wire_list){span_of(batch.bytes, batch.len), 1};
        cr_assert(wire_list_bin(&list, &statement));
        cr_assert_eq(log_on_repair(other->core, log, statement, 400), BATCH_APPLIED);
    }
    struct hash backwards;
    root_compute(log, &backwards);
    cr_assert(is_same(straight, backwards));
    fixture_free(other);
}

Test(root, says_which_version_of_the_same_content_it_is)
{
    fill(1, 3);
    struct hash before = root_now();
    fixture_tell_set(f, &a, 4, name_of(3), 3);
    cr_assert(!is_same(root_now(), before));
    expect_naive();
}

/* 16 ids that are prefixes of one another: the length in front keeps them apart, the order is
 * bytewise. */
Test(root, orders_ids_bytewise)
{
    char peer_id[PEER_ID_MAX_BYTES + 1] = {0};
    for (uint64_t version = 1; version <= PEER_ID_MAX_BYTES; version++) {
        peer_id[version - 1] = version % 2 == 0 ? '~' : 'A';
        fixture_tell_set(f, &a, version, peer_id, version);
    }
    expect_naive();
}

static void expect_pages(void)
{
    for (unsigned page = 0; page < ROOT_BUCKETS / ROOT_PAGE_BUCKETS; page++) {
        uint64_t hashes[ROOT_PAGE_BUCKETS];
        root_page(log_a(), page, hashes);
        for (unsigned i = 0; i < ROOT_PAGE_BUCKETS; i++) {
            struct hash leaf;
            uint64_t expected = 0;
            if (naive_leaf(page * ROOT_PAGE_BUCKETS + i, &leaf))
                for (size_t byte = 0; byte < 8; byte++)
                    expected = expected << 8 | leaf.bytes[byte];
            cr_assert_eq(hashes[i], expected, "bucket %u", page * ROOT_PAGE_BUCKETS + i);
        }
    }
}

Test(root, pages_hold_the_leaves)
{
    fill(1, 100);
    expect_pages();
    fill(101, 600);
    expect_pages();
}

static void expect_buckets(void)
{
    static struct naive naive;
    size_t total = 0;
    for (unsigned bucket = 0; bucket < ROOT_BUCKETS; bucket++) {
        struct entry *out[2];
        size_t after = 0, count;
        naive_collect(&naive, bucket);
        while ((count = root_bucket_entries(log_a(), bucket, after, out, 2)) > 0) {
            for (size_t i = 0; i < count; i++)
                cr_assert_eq(out[i], naive.entries[after + i]);
            after += count;
        }
        cr_assert_eq(after, naive.count);
        total += after;
    }
    cr_assert_eq(total, log_a()->live_count);
}

Test(root, buckets_can_be_read_in_pages)
{
    fill(1, 150);
    expect_buckets();
    fill(151, 900);
    expect_buckets();
}
