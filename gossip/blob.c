// SPDX-License-Identifier: Apache-2.0
/* blob.c - immutable, reference-counted statement bytes, and a store that shares verified ones. */
#include "gossip/blob.h"

#include <assert.h>
#include <stdalign.h>
#include <string.h>

#include "gossip/mem.h"
#include "gossip/statement.h"
#include "gossip/table.h"

static size_t life_at(size_t len)
{
    size_t align = alignof(struct life *);
    return (offsetof(struct blob, bytes) + len + align - 1) / align * align;
}

struct life **blob_life(struct blob *blob)
{
    return blob->has_life ? (struct life **)(void *)((char *)blob + life_at(blob->len)) : NULL;
}

struct blob *blob_new(struct span bytes)
{
    assert(bytes.len > SIGN_BYTES && bytes.len <= UINT16_MAX);
    bool has_life = statement_kind_of(bytes) == STATEMENT_ALIVE;
    struct blob *blob = mem_alloc(has_life ? life_at(bytes.len) + sizeof(struct life *)
                                           : offsetof(struct blob, bytes) + bytes.len);
    atomic_init(&blob->references, 1);
    blob->len = (uint16_t)bytes.len;
    blob->has_life = has_life;
    memcpy(blob->bytes, bytes.data, bytes.len);
    return blob;
}

struct blob *blob_retain(struct blob *blob)
{
    /* Whoever retains holds a reference already, so nothing has to be ordered with it. */
    unsigned before = atomic_fetch_add_explicit(&blob->references, 1, memory_order_relaxed);
    assert(before > 0 && before < UINT32_MAX);
    (void)before;
    return blob;
}

void blob_release(struct blob *blob)
{
    if (blob == NULL)
        return;
    unsigned before = atomic_fetch_sub_explicit(&blob->references, 1, memory_order_acq_rel);
    assert(before > 0);
    if (before != 1)
        return;
    if (blob->has_life)
        mem_free(*blob_life(blob));
    mem_free(blob);
}

/* --- The store -----------------------------------------------------------------------------------
 */

struct verified {
    struct blob *blob;
    uint64_t hash;
    struct key_public signer;
    struct sign_scope scope;
};

/* The list is what a sweep walks: a table has no order that may be relied on. */
struct blob_store {
    struct table by_bytes;
    struct verified **list;
    size_t count;
    size_t capacity;
};

/* The key is no secret: a simulator's worlds must repeat, and nobody attacks them from outside. */
static uint64_t bytes_hash(struct span bytes)
{
    static const uint8_t key[HASH_SHORT_KEY_BYTES] = "aurora blobs";
    return hash_short(bytes.data, bytes.len, key);
}

struct blob_store *blob_store_new(void)
{
    return mem_alloc(sizeof(struct blob_store));
}

static void verified_free(struct verified *entry)
{
    blob_release(entry->blob);
    mem_free(entry);
}

void blob_store_free(struct blob_store *store)
{
    if (store == NULL)
        return;
    for (size_t i = 0; i < store->count; i++)
        verified_free(store->list[i]);
    table_free(&store->by_bytes);
    mem_free(store->list);
    mem_free(store);
}

static struct verified *store_search(const struct blob_store *store, uint64_t hash,
                                     struct span bytes, const struct key_public *signer,
                                     const struct sign_scope *scope)
{
    size_t cursor = 0;
    struct verified *entry;
    while ((entry = table_next(&store->by_bytes, hash, &cursor)) != NULL) {
        if (span_equal(blob_span(entry->blob), bytes) &&
            memcmp(&entry->signer, signer, sizeof *signer) == 0 &&
            memcmp(&entry->scope, scope, sizeof *scope) == 0)
            return entry;
    }
    return NULL;
}

struct blob *blob_store_find(struct blob_store *store, struct span bytes,
                             const struct key_public *signer, const struct sign_scope *scope)
{
    struct verified *entry = store_search(store, bytes_hash(bytes), bytes, signer, scope);
    return entry == NULL ? NULL : blob_retain(entry->blob);
}

static void store_grow(struct blob_store *store)
{
    if (store->count < store->capacity)
        return;
    store->capacity = store->capacity == 0 ? 64 : 2 * store->capacity;
    store->list = mem_resize(store->list, store->capacity * sizeof *store->list);
}

void blob_store_add(struct blob_store *store, struct blob *blob, const struct key_public *signer,
                    const struct sign_scope *scope)
{
    uint64_t hash = bytes_hash(blob_span(blob));
    if (store_search(store, hash, blob_span(blob), signer, scope) != NULL)
        return;
    struct verified *entry = mem_alloc(sizeof *entry);
    *entry = (struct verified){blob_retain(blob), hash, *signer, *scope};
    store_grow(store);
    store->list[store->count++] = entry;
    table_add(&store->by_bytes, hash, entry);
    assert(store->by_bytes.count == store->count);
}

void blob_store_sweep(struct blob_store *store)
{
    size_t kept = 0;
    for (size_t i = 0; i < store->count; i++) {
        struct verified *entry = store->list[i];
        /* The only reference is ours: nobody else can make a second one meanwhile. */
        if (atomic_load_explicit(&entry->blob->references, memory_order_acquire) > 1) {
            store->list[kept++] = entry;
            continue;
        }
        table_remove(&store->by_bytes, entry->hash, entry);
        verified_free(entry);
    }
    store->count = kept;
    assert(store->by_bytes.count == store->count);
}
