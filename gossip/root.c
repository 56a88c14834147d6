// SPDX-License-Identifier: Apache-2.0
/* root.c - the BLAKE2b tree over a log's live records that a HEAD signs.
 *
 * A change costs the hashing of one leaf, some 17 signatures, and of the nodes above it, six in a
 * log of 100,000. A log of up to ROOT_LEAF_MAX records is one leaf, inside of struct log. The
 * records of a leaf are chained through their entries: an array for each would cost more memory. A
 * newcomer goes to the front, and a leaf is put in order when somebody wants its hash: looking for
 * the newcomer's place would be a cache miss for each record on the way, while who hashes reads all
 * of them in any case. */
#include "gossip/root.h"

#include <assert.h>
#include <string.h>

#include "gossip/log.h"
#include "gossip/mem.h"
#include "gossip/registry.h"

#define KEY_BITS    32
#define DIGIT_BITS  2
#define BUCKET_BITS 8
static_assert(ROOT_FANOUT == 1 << DIGIT_BITS, "a digit of the key names a child");
static_assert(ROOT_DEPTH_MAX * DIGIT_BITS == KEY_BITS, "a key ends where the tree does");
static_assert(ROOT_BUCKETS == 1 << BUCKET_BITS && BUCKET_BITS % DIGIT_BITS == 0,
              "a bucket is a node, or a part of a leaf above it");

uint32_t root_key_of(struct span peer_id)
{
    struct hash hash;
    hash_of("aurora-root-key", peer_id.data, peer_id.len, &hash);
    return (uint32_t)hash.bytes[0] << 24 | (uint32_t)hash.bytes[1] << 16 |
           (uint32_t)hash.bytes[2] << 8 | hash.bytes[3];
}

static unsigned bucket_of_key(uint32_t key)
{
    return key >> (KEY_BITS - BUCKET_BITS);
}

unsigned root_bucket_of(struct span peer_id)
{
    return bucket_of_key(root_key_of(peer_id));
}

static unsigned digit(uint32_t key, unsigned depth)
{
    assert(depth < ROOT_DEPTH_MAX);
    return key >> (KEY_BITS - DIGIT_BITS * (depth + 1)) & (ROOT_FANOUT - 1);
}

/* --- The tree's shape ------------------------------------------------------------------------- */

static bool is_before(const struct entry *a, const struct entry *b)
{
    if (a->key != b->key)
        return a->key < b->key;
    struct span left = entry_peer_id(a), right = entry_peer_id(b);
    int order = memcmp(left.data, right.data, left.len < right.len ? left.len : right.len);
    return order != 0 ? order < 0 : left.len < right.len;
}

static void chain_add(struct root_node *leaf, struct entry *entry)
{
    assert(!leaf->is_split);
    entry->next_in_leaf = leaf->first;
    leaf->first = entry;
    leaf->count++;
    leaf->is_ordered = leaf->is_fresh = false;
}

/* An insertion sort: there are few, and most are in order already. */
static void leaf_order(struct root_node *leaf)
{
    struct entry *left = leaf->first, *entry;
    struct entry **last = &leaf->first; /* where the one before went */
    assert(!leaf->is_split);
    if (leaf->is_ordered)
        return;
    leaf->first = NULL;
    while ((entry = left) != NULL) {
        left = entry->next_in_leaf;
        struct entry **at = *last != NULL && is_before(*last, entry) ? last : &leaf->first;
        while (*at != NULL && is_before(*at, entry))
            at = &(*at)->next_in_leaf;
        assert(*at == NULL || is_before(entry, *at));
        entry->next_in_leaf = *at;
        *at = entry;
        last = at;
    }
    leaf->is_ordered = true;
}

static void chain_remove(struct root_node *leaf, struct entry *entry)
{
    struct entry **at = &leaf->first;
    while (*at != entry) {
        assert(*at != NULL);
        at = &(*at)->next_in_leaf;
    }
    *at = entry->next_in_leaf;
    entry->next_in_leaf = NULL;
    leaf->count--;
    leaf->is_fresh = false;
}

static void leaf_split(struct root_node *node, unsigned depth)
{
    struct root_node *children = mem_alloc(ROOT_FANOUT * sizeof *children);
    struct entry *left = node->first, *entry;
    while ((entry = left) != NULL) {
        left = entry->next_in_leaf;
        chain_add(&children[digit(entry->key, depth)], entry);
    }
    node->children = children;
    node->is_split = true;
    for (unsigned i = 0; i < ROOT_FANOUT && depth + 1 < ROOT_DEPTH_MAX; i++)
        if (children[i].count > ROOT_LEAF_MAX)
            leaf_split(&children[i], depth + 1);
}

/* Makes it a leaf again, whatever is below it. */
static void node_merge(struct root_node *node)
{
    if (!node->is_split)
        return;
    struct root_node *children = node->children;
    struct entry *first = NULL;
    struct entry **at = &first;
    for (unsigned i = 0; i < ROOT_FANOUT; i++) {
        node_merge(&children[i]);
        *at = children[i].first;
        while (*at != NULL)
            at = &(*at)->next_in_leaf;
    }
    mem_free(children);
    node->is_split = node->is_ordered = node->is_fresh = false;
    node->first = first;
}

void root_entry_link(struct log *log, struct entry *entry)
{
    struct root_node *node = &log->root;
    unsigned depth = 0;
    assert(!entry->is_delete && entry->log == log);
    for (; node->is_split; depth++) {
        node->count++;
        node->is_fresh = false;
        node = &node->children[digit(entry->key, depth)];
    }
    chain_add(node, entry);
    if (node->count > ROOT_LEAF_MAX && depth < ROOT_DEPTH_MAX)
        leaf_split(node, depth);
}

void root_entry_added(struct log *log, struct entry *entry)
{
    entry->key = root_key_of(entry_peer_id(entry));
    root_entry_link(log, entry);
}

void root_entry_removed(struct log *log, struct entry *entry)
{
    struct root_node *node = &log->root;
    assert(!entry->is_delete && entry->log == log);
    for (unsigned depth = 0; node->is_split; depth++) {
        if (node->count <= ROOT_LEAF_MAX + 1) {
            node_merge(node);
            break;
        }
        node->count--;
        node->is_fresh = false;
        node = &node->children[digit(entry->key, depth)];
    }
    chain_remove(node, entry);
}

static void node_free(struct root_node *node)
{
    if (!node->is_split)
        return;
    for (unsigned i = 0; i < ROOT_FANOUT; i++)
        node_free(&node->children[i]);
    mem_free(node->children);
}

static size_t node_bytes(const struct root_node *node)
{
    size_t bytes = 0;
    if (!node->is_split)
        return 0;
    for (unsigned i = 0; i < ROOT_FANOUT; i++)
        bytes += sizeof *node + node_bytes(&node->children[i]);
    return bytes;
}

size_t root_bytes(const struct log *log)
{
    return node_bytes(&log->root);
}

void root_free(struct log *log)
{
    node_free(&log->root);
    log->root = (struct root_node){0};
}

/* --- Hashes ----------------------------------------------------------------------------------- */

static void leaf_hash(const struct entry *first, size_t count, struct hash *out)
{
    struct hash_state state;
    hash_begin(&state, "aurora-root-leaf");
    for (; count > 0; count--, first = first->next_in_leaf)
        hash_update(&state, first->blob->bytes, STATEMENT_SIGNATURE_BYTES);
    hash_end(&state, out);
}

static const struct hash *node_hash(struct root_node *node)
{
    struct hash children[ROOT_FANOUT] = {0};
    if (node->is_fresh)
        return &node->hash;
    if (node->is_split) {
        for (unsigned i = 0; i < ROOT_FANOUT; i++)
            if (node->children[i].count > 0)
                children[i] = *node_hash(&node->children[i]);
        hash_of("aurora-root-node", children, sizeof children, &node->hash);
    } else {
        leaf_order(node);
        leaf_hash(node->first, node->count, &node->hash);
    }
    node->is_fresh = true;
    return &node->hash;
}

void root_compute(struct log *log, struct hash *out)
{
    assert(log->root.count == log->live_count);
    *out = *node_hash(&log->root);
}

/* --- Buckets ---------------------------------------------------------------------------------- */

/* A bucket is a node of the tree, or a part of a leaf above where that would be. */
struct bucket {
    struct root_node *node; /* NULL: a part */
    const struct entry *first;
    size_t count;
};

static struct bucket bucket_find(struct log *log, unsigned number)
{
    uint32_t key = (uint32_t)number << (KEY_BITS - BUCKET_BITS);
    struct root_node *node = &log->root;
    unsigned depth = 0;
    assert(number < ROOT_BUCKETS);
    for (; node->is_split && depth < BUCKET_BITS / DIGIT_BITS; depth++)
        node = &node->children[digit(key, depth)];
    if (depth == BUCKET_BITS / DIGIT_BITS)
        return (struct bucket){node, NULL, node->count};
    leaf_order(node);
    struct bucket part = {NULL, node->first, 0};
    while (part.first != NULL && bucket_of_key(part.first->key) != number)
        part.first = part.first->next_in_leaf;
    for (const struct entry *entry = part.first;
         entry != NULL && bucket_of_key(entry->key) == number; entry = entry->next_in_leaf)
        part.count++;
    return part;
}

void root_page(struct log *log, unsigned page, uint64_t out[ROOT_PAGE_BUCKETS])
{
    assert(page < ROOT_BUCKETS / ROOT_PAGE_BUCKETS);
    for (unsigned i = 0; i < ROOT_PAGE_BUCKETS; i++) {
        struct bucket bucket = bucket_find(log, page * ROOT_PAGE_BUCKETS + i);
        struct hash hash;
        out[i] = 0;
        if (bucket.count == 0)
            continue;
        if (bucket.node != NULL)
            hash = *node_hash(bucket.node);
        else
            leaf_hash(bucket.first, bucket.count, &hash);
        for (size_t byte = 0; byte < 8; byte++)
            out[i] = out[i] << 8 | hash.bytes[byte];
    }
}

/* What a reader still wants of a bucket. */
struct reading {
    size_t skip, want, given;
    struct entry **out;
};

static void chain_read(const struct entry *entry, size_t count, struct reading *reading)
{
    for (; count > 0 && reading->given < reading->want; count--) {
        if (reading->skip > 0)
            reading->skip--;
        else
            reading->out[reading->given++] = (struct entry *)entry;
        entry = entry->next_in_leaf;
    }
}

static void node_read(struct root_node *node, struct reading *reading)
{
    if (reading->skip >= node->count) {
        reading->skip -= node->count;
    } else if (!node->is_split) {
        leaf_order(node);
        chain_read(node->first, node->count, reading);
    } else {
        for (unsigned i = 0; i < ROOT_FANOUT && reading->given < reading->want; i++)
            node_read(&node->children[i], reading);
    }
}

size_t root_bucket_entries(struct log *log, unsigned number, size_t after, struct entry **out,
                           size_t want)
{
    struct bucket bucket = bucket_find(log, number);
    struct reading reading = {after, want, 0, out};
    if (bucket.node != NULL)
        node_read(bucket.node, &reading);
    else
        chain_read(bucket.first, bucket.count, &reading);
    return reading.given;
}
