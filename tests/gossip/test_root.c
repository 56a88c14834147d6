// SPDX-License-Identifier: Apache-2.0
/* test_root.c - the root against a naive computation, for small logs and large ones */
#include "gossip/root.h"

#include <criterion/criterion.h>
#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "crypto/hex.h"
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

static uint32_t naive_key(const struct entry *entry)
{
    struct hash hash;
    uint32_t key = 0;
    hash_of("aurora-root-key", entry_peer_id(entry).data, entry_peer_id(entry).len, &hash);
    for (size_t i = 0; i < 4; i++)
        key = key << 8 | hash.bytes[i];
    return key;
}

static int by_key_and_peer_id(const void *one, const void *other)
{
    const struct entry *a_entry = *(struct entry *const *)one;
    const struct entry *b_entry = *(struct entry *const *)other;
    struct span a_id = entry_peer_id(a_entry), b_id = entry_peer_id(b_entry);
    uint32_t a_key = naive_key(a_entry), b_key = naive_key(b_entry);
    if (a_key != b_key)
        return a_key < b_key ? -1 : 1;
    int order = memcmp(a_id.data, b_id.data, a_id.len < b_id.len ? a_id.len : b_id.len);
    return order != 0 ? order : a_id.len < b_id.len ? -1 : a_id.len > b_id.len;
}

/* The live records whose keys begin with these bits. */
static void naive_collect(struct naive *naive, uint32_t prefix, unsigned bits)
{
    naive->count = 0;
    for (size_t i = 0; i < log_a()->slot_count; i++) {
        struct entry *entry = slot_entry(log_a()->slots[i]);
        if (entry == NULL || entry->is_delete)
            continue;
        if (bits == 0 || naive_key(entry) >> (32 - bits) == prefix)
            naive->entries[naive->count++] = entry;
    }
    qsort(naive->entries, naive->count, sizeof *naive->entries, by_key_and_peer_id);
}

static bool naive_node(uint32_t prefix, unsigned bits, struct hash *out)
{
    struct naive *naive = malloc(sizeof *naive);
    naive_collect(naive, prefix, bits);
    size_t count = naive->count;
    if (count <= 32 || bits == 32) {
        uint8_t *bytes = malloc(64 * count + 1);
        for (size_t i = 0; i < count; i++)
            memcpy(bytes + 64 * i, naive->entries[i]->blob->bytes, 64);
        hash_of("aurora-root-leaf", bytes, 64 * count, out);
        free(bytes);
    } else {
        struct hash children[4] = {0};
        for (uint32_t i = 0; i < 4; i++)
            if (!naive_node(prefix << 2 | i, bits + 2, &children[i]))
                memset(&children[i], 0, sizeof children[i]);
        hash_of("aurora-root-node", children, sizeof children, out);
    }
    free(naive);
    return count > 0;
}

static struct hash naive_root(void)
{
    struct hash root;
    naive_node(0, 0, &root);
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
    hash_of("aurora-root-leaf", NULL, 0, &nothing);
    cr_assert(is_same(root_now(), nothing));
}

Test(root, of_a_small_log_is_the_naive_one)
{
    fill(1, 1);
    expect_naive();
    fill(2, ROOT_LEAF_MAX);
    cr_assert_not(log_a()->root.is_split);
    expect_naive();
}

Test(root, of_a_large_log_is_the_naive_one)
{
    fill(1, ROOT_LEAF_MAX + 1);
    cr_assert(log_a()->root.is_split);
    expect_naive();
    fill(ROOT_LEAF_MAX + 2, 1500);
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
    cr_assert_not(log_a()->root.is_split);
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

/* How many leaves and nodes must be hashed again? */
static size_t stale_count(const struct root_node *node)
{
    size_t count = !node->is_fresh && node->count > 0;
    for (size_t i = 0; node->is_split && i < ROOT_FANOUT; i++)
        count += stale_count(&node->children[i]);
    return count;
}

Test(root, a_change_costs_the_leaf_and_what_is_above_it)
{
    fill(1, 1500);
    root_now();
    cr_assert_eq(stale_count(&log_a()->root), 0U);
    fixture_tell_set(f, &a, 1501, name_of(700), 1501);
    size_t stale = stale_count(&log_a()->root);
    cr_assert(stale >= 2 && stale <= 6, "%zu: 1,500 records are at most five levels", stale);
    expect_naive();
}

/* --- Entries of which only the key, the id and the signature count ---------------------------- */

struct bare {
    struct entry entry;
};

static struct bare *bare_new(struct log *log, const char *peer_id)
{
    struct bare *bare = calloc(1, sizeof *bare);
    uint8_t statement[128] = {0};
    struct wire_writer body = {statement, 64, sizeof statement, false};
    hash_of("aurora-root-vector", peer_id, strlen(peer_id), (struct hash *)(void *)statement);
    memcpy(statement + 32, statement, 32);
    wire_put_array(&body, 5);
    wire_put_uint(&body, STATEMENT_RECORD);
    for (int i = 0; i < 3; i++)
        wire_put_uint(&body, 1);
    wire_put_text(&body, span_of_text(peer_id));
    bare->entry.log = log;
    bare->entry.blob = blob_new(span_of(statement, body.len));
    return bare;
}

static void bare_add(struct log *log, struct bare *bare)
{
    root_entry_added(log, &bare->entry);
    log->live_count++;
}

static void bare_remove(struct log *log, struct bare *bare)
{
    root_entry_removed(log, &bare->entry);
    log->live_count--;
    blob_release(bare->entry.blob);
    free(bare);
}

/* tests/vectors/roots.json: what the second implementation makes of so many. */
Test(root, is_that_of_the_vectors)
{
    json_t *vectors = json_load_file("tests/vectors/roots.json", 0, NULL);
    static struct log log;
    static struct bare *bares[10000];
    size_t held = 0, index;
    json_t *vector;
    cr_assert(json_is_array(vectors) && json_array_size(vectors) >= 5);
    json_array_foreach(vectors, index, vector)
    {
        size_t count = (size_t)json_integer_value(json_object_get(vector, "count"));
        struct hash root;
        char text[65];
        cr_assert(count <= 10000);
        for (; held < count; held++)
            bare_add(&log, bares[held] = bare_new(&log, name_of(held + 1)));
        root_compute(&log, &root);
        hex_encode(root.bytes, sizeof root.bytes, text, sizeof text);
        cr_assert_str_eq(text, json_string_value(json_object_get(vector, "root")), "%zu", count);
    }
    while (held > 0)
        bare_remove(&log, bares[--held]);
    cr_assert(!log.root.is_split && log.root.first == NULL && log.root.count == 0);
    json_decref(vectors);
}

/* Whoever grinds ids whose keys agree gets a deep tree, and at its end one long leaf: here all keys
 * are made equal by hand. */
Test(root, equal_keys_end_in_one_leaf)
{
    static struct log log;
    static struct bare *bares[100];
    struct entry *read[100];
    for (size_t i = 0; i < 100; i++) {
        bares[i] = bare_new(&log, name_of(1000 + i));
        bares[i]->entry.key = 0x01020304;
    }
    for (size_t i = 0; i < 100; i++)
        root_entry_link(&log, &bares[i * 37 % 100]->entry);
    log.live_count = 100;
    const struct root_node *node = &log.root;
    unsigned depth = 0;
    for (; node->is_split; depth++)
        node = &node->children[0x01020304u >> (30 - 2 * depth) & 3];
    cr_assert_eq(depth, ROOT_DEPTH_MAX);
    cr_assert_eq(root_bucket_entries(&log, 1, 0, read, 100), 100U);
    for (size_t i = 0; i < 100; i++)
        cr_assert_eq(read[i], &bares[i]->entry, "by id");
    struct hash root;
    root_compute(&log, &root);
    for (size_t i = 0; i < 100; i++)
        bare_remove(&log, bares[i]);
    cr_assert_not(log.root.is_split);
}

/* --- Pages and buckets ------------------------------------------------------------------------ */

static void expect_pages(void)
{
    for (unsigned page = 0; page < ROOT_BUCKETS / ROOT_PAGE_BUCKETS; page++) {
        uint64_t hashes[ROOT_PAGE_BUCKETS];
        root_page(log_a(), page, hashes);
        for (unsigned i = 0; i < ROOT_PAGE_BUCKETS; i++) {
            struct hash leaf;
            uint64_t expected = 0;
            if (naive_node(page * ROOT_PAGE_BUCKETS + i, 8, &leaf))
                for (size_t byte = 0; byte < 8; byte++)
                    expected = expected << 8 | leaf.bytes[byte];
            cr_assert_eq(hashes[i], expected, "bucket %u", page * ROOT_PAGE_BUCKETS + i);
        }
    }
}

Test(root, pages_hold_the_buckets_hashes)
{
    fill(1, 100);
    expect_pages();
    fill(101, 1500);
    expect_pages();
}

static void expect_buckets(void)
{
    static struct naive naive;
    size_t total = 0;
    for (unsigned bucket = 0; bucket < ROOT_BUCKETS; bucket++) {
        struct entry *out[2];
        size_t after = 0, count;
        naive_collect(&naive, bucket, 8);
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
