// SPDX-License-Identifier: Apache-2.0
/* root.c - the BLAKE2b tree over a log's live records that a HEAD signs.
 *
 * A large log keeps the records of each bucket sorted by peer_id, and the bucket's leaf until one
 * of them changes: a change costs a binary search, and the next root the hashing of one bucket. A
 * small one would spend more memory on 256 buckets than on its records: it is sorted when somebody
 * asks. */
#include "gossip/root.h"

#include <assert.h>
#include <string.h>

#include "gossip/mem.h"
#include "gossip/registry.h"

/* Up to here sorting a log takes less than 100 microseconds, and its buckets would hold one record
 * each. */
#define SMALL_MAX             256
#define BUCKET_FIRST_CAPACITY 4

struct root_bucket {
    struct entry **entries; /* by peer_id */
    uint32_t count;
    uint32_t capacity;
    bool is_leaf_fresh;
    struct hash leaf;
};

struct root_cache {
    struct root_bucket buckets[ROOT_BUCKETS];
};

/* A small log's records by bucket and peer_id, for as long as a question takes. */
struct sorted {
    struct entry *entries[SMALL_MAX];
    size_t count;
};

uint16_t root_bucket_of(struct span peer_id)
{
    struct hash hash;
    hash_of("aurora-root-bucket", peer_id.data, peer_id.len, &hash);
    return hash.bytes[0];
}

static int span_compare(struct span a, struct span b)
{
    size_t shorter = a.len < b.len ? a.len : b.len;
    int order = shorter == 0 ? 0 : memcmp(a.data, b.data, shorter);
    if (order != 0)
        return order;
    return a.len < b.len ? -1 : a.len > b.len;
}

static int entry_compare(const struct entry *a, const struct entry *b)
{
    if (a->bucket != b->bucket)
        return a->bucket < b->bucket ? -1 : 1;
    return span_compare(a->peer->peer_id, b->peer->peer_id);
}

/* Index of the first that is not below `entry`. */
static size_t position_of(struct entry *const *entries, size_t count, const struct entry *entry)
{
    size_t low = 0, high = count;
    while (low < high) {
        size_t middle = low + (high - low) / 2;
        if (entry_compare(entries[middle], entry) < 0)
            low = middle + 1;
        else
            high = middle;
    }
    return low;
}

static void insert(struct entry **entries, size_t count, struct entry *entry)
{
    size_t at = position_of(entries, count, entry);
    memmove(&entries[at + 1], &entries[at], (count - at) * sizeof *entries);
    entries[at] = entry;
}

/* --- Large logs ------------------------------------------------------------------------------- */

static void bucket_add(struct root_bucket *bucket, struct entry *entry)
{
    if (bucket->count == bucket->capacity) {
        bucket->capacity = bucket->capacity == 0 ? BUCKET_FIRST_CAPACITY : 2 * bucket->capacity;
        bucket->entries = mem_resize(bucket->entries, bucket->capacity * sizeof *bucket->entries);
    }
    insert(bucket->entries, bucket->count++, entry);
    bucket->is_leaf_fresh = false;
}

static void bucket_remove(struct root_bucket *bucket, const struct entry *entry)
{
    size_t at = position_of(bucket->entries, bucket->count, entry);
    assert(at < bucket->count && bucket->entries[at] == entry);
    bucket->count--;
    memmove(&bucket->entries[at], &bucket->entries[at + 1],
            (bucket->count - at) * sizeof *bucket->entries);
    bucket->is_leaf_fresh = false;
}

static struct root_cache *cache_make(const struct log *log)
{
    struct root_cache *cache = mem_alloc(sizeof *cache);
    for (size_t i = 0; i < log->slot_count; i++) {
        struct entry *entry = log->slots[i].entry;
        if (entry != NULL && !entry->is_delete)
            bucket_add(&cache->buckets[entry->bucket], entry);
    }
    return cache;
}

void root_entry_added(struct log *log, struct entry *entry)
{
    assert(!entry->is_delete && entry->log == log);
    entry->bucket = root_bucket_of(entry->peer->peer_id);
    log->is_root_fresh = false;
    if (log->roots != NULL)
        bucket_add(&log->roots->buckets[entry->bucket], entry);
    else if (log->live_count > SMALL_MAX)
        log->roots = cache_make(log);
}

void root_entry_removed(struct log *log, struct entry *entry)
{
    assert(!entry->is_delete && entry->log == log);
    log->is_root_fresh = false;
    if (log->roots != NULL)
        bucket_remove(&log->roots->buckets[entry->bucket], entry);
}

void root_free(struct log *log)
{
    if (log->roots == NULL)
        return;
    for (size_t i = 0; i < ROOT_BUCKETS; i++)
        mem_free(log->roots->buckets[i].entries);
    mem_free(log->roots);
    log->roots = NULL;
}

/* --- Any log ---------------------------------------------------------------------------------- */

static void sort(const struct log *log, struct sorted *sorted)
{
    sorted->count = 0;
    if (log->roots != NULL)
        return;
    for (size_t i = 0; i < log->slot_count; i++) {
        struct entry *entry = log->slots[i].entry;
        if (entry == NULL || entry->is_delete)
            continue;
        assert(sorted->count < SMALL_MAX);
        insert(sorted->entries, sorted->count++, entry);
    }
}

/* The records of a bucket, by peer_id; they follow one another from the one returned. */
static struct entry *const *bucket_view(const struct log *log, const struct sorted *sorted,
                                        unsigned bucket, size_t *count)
{
    assert(bucket < ROOT_BUCKETS);
    if (log->roots != NULL) {
        *count = log->roots->buckets[bucket].count;
        return log->roots->buckets[bucket].entries;
    }
    size_t low = 0, high = sorted->count;
    while (low < high) {
        size_t middle = low + (high - low) / 2;
        if (sorted->entries[middle]->bucket < bucket)
            low = middle + 1;
        else
            high = middle;
    }
    *count = 0;
    while (low + *count < sorted->count && sorted->entries[low + *count]->bucket == bucket)
        ++*count;
    return &sorted->entries[low];
}

static const struct hash *content_of(struct blob *blob)
{
    if (!blob->has_content) {
        hash_of("aurora-root-record", blob->bytes, blob->len, &blob->content);
        blob->has_content = true;
    }
    return &blob->content;
}

static void put_big_endian(uint8_t *out, uint64_t value, size_t bytes)
{
    for (size_t i = 0; i < bytes; i++)
        out[i] = (uint8_t)(value >> (8 * (bytes - 1 - i)));
}

static void leaf_compute(struct entry *const *entries, size_t count, struct hash *out)
{
    struct hash_state state;
    hash_begin(&state, "aurora-root-leaf");
    for (size_t i = 0; i < count; i++) {
        uint8_t number[8];
        struct span peer_id = entries[i]->peer->peer_id;
        put_big_endian(number, peer_id.len, 2);
        hash_update(&state, number, 2);
        hash_update(&state, peer_id.data, peer_id.len);
        put_big_endian(number, entries[i]->version, 8);
        hash_update(&state, number, 8);
        hash_update(&state, content_of(entries[i]->blob), sizeof(struct hash));
    }
    hash_end(&state, out);
}

/* False: the bucket is empty. */
static bool leaf_of(struct log *log, const struct sorted *sorted, unsigned bucket, struct hash *out)
{
    size_t count;
    struct entry *const *entries = bucket_view(log, sorted, bucket, &count);
    if (count == 0)
        return false;
    struct root_bucket *cached = log->roots == NULL ? NULL : &log->roots->buckets[bucket];
    if (cached == NULL || !cached->is_leaf_fresh) {
        leaf_compute(entries, count, out);
        if (cached != NULL) {
            cached->leaf = *out;
            cached->is_leaf_fresh = true;
        }
    } else {
        *out = cached->leaf;
    }
    return true;
}

void root_compute(struct log *log, struct hash *out)
{
    struct sorted sorted;
    struct hash_state state;
    if (!log->is_root_fresh) {
        sort(log, &sorted);
        hash_begin(&state, "aurora-root");
        for (unsigned bucket = 0; bucket < ROOT_BUCKETS; bucket++) {
            struct hash leaf;
            uint8_t number = (uint8_t)bucket;
            if (!leaf_of(log, &sorted, bucket, &leaf))
                continue;
            hash_update(&state, &number, 1);
            hash_update(&state, &leaf, sizeof leaf);
        }
        hash_end(&state, &log->root);
        log->is_root_fresh = true;
    }
    *out = log->root;
}

void root_page(struct log *log, unsigned page, uint64_t out[ROOT_PAGE_BUCKETS])
{
    struct sorted sorted;
    assert(page < ROOT_BUCKETS / ROOT_PAGE_BUCKETS);
    sort(log, &sorted);
    for (unsigned i = 0; i < ROOT_PAGE_BUCKETS; i++) {
        struct hash leaf;
        out[i] = 0;
        if (!leaf_of(log, &sorted, page * ROOT_PAGE_BUCKETS + i, &leaf))
            continue;
        for (size_t byte = 0; byte < 8; byte++)
            out[i] = out[i] << 8 | leaf.bytes[byte];
    }
}

size_t root_bucket_entries(struct log *log, unsigned bucket, size_t after, struct entry **out,
                           size_t want)
{
    struct sorted sorted;
    size_t count;
    sort(log, &sorted);
    struct entry *const *entries = bucket_view(log, &sorted, bucket, &count);
    size_t given = 0;
    while (given < want && after + given < count) {
        out[given] = entries[after + given];
        given++;
    }
    return given;
}
