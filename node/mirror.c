// SPDX-License-Identifier: Apache-2.0
/* mirror.c - what the snapshot should hold, and which of it has changed since it was written */
#include "node/mirror.h"

#include <assert.h>
#include <string.h>

#include "crypto/hash.h"
#include "crypto/key.h"
#include "gossip/mem.h"
#include "gossip/statement.h"
#include "gossip/table.h"

struct item {
    uint64_t hash;
    bool is_lease, is_ended, is_dirty;
    bool is_restored; /* a lease of an earlier life that the core has not named yet */
    uint32_t ttl_s;
    uint64_t tag;        /* members */
    struct span peer_id; /* leases; into the blob */
    uint64_t seq;        /* leases */
    uint64_t wall_ms;
    struct blob *blob;
    struct item *previous, *next;
    struct item *next_dirty;
};

struct mirror {
    struct table table;
    struct item *first, *last;
    struct item *dirty_first, *dirty_last;
    struct item *walk; /* the next one of it */
    size_t count, lease_count, bytes;
    uint8_t hash_key[HASH_SHORT_KEY_BYTES];
};

struct mirror *mirror_new(void)
{
    struct mirror *mirror = mem_alloc(sizeof *mirror);

    key_random(mirror->hash_key, sizeof mirror->hash_key);
    return mirror;
}

void mirror_free(struct mirror *mirror)
{
    struct item *next;

    if (mirror == NULL)
        return;
    for (struct item *item = mirror->first; item != NULL; item = next) {
        next = item->next;
        blob_release(item->blob);
        mem_free(item);
    }
    table_free(&mirror->table);
    mem_free(mirror);
}

/* --- Items ----------------------------------------------------------------------------------- */

static struct item *item_find_lease(const struct mirror *mirror, struct span peer_id, uint64_t hash)
{
    size_t cursor = 0;
    struct item *item;

    while ((item = table_next(&mirror->table, hash, &cursor)) != NULL) {
        if (item->is_lease && span_equal(item->peer_id, peer_id))
            return item;
    }
    return NULL;
}

static struct item *item_find_member(const struct mirror *mirror, uint64_t tag, uint64_t hash)
{
    size_t cursor = 0;
    struct item *item;

    while ((item = table_next(&mirror->table, hash, &cursor)) != NULL) {
        if (!item->is_lease && item->tag == tag)
            return item;
    }
    return NULL;
}

static struct item *item_add(struct mirror *mirror, uint64_t hash, bool is_lease)
{
    struct item *item = mem_alloc(sizeof *item);

    item->hash = hash;
    item->is_lease = is_lease;
    item->previous = mirror->last;
    if (mirror->last != NULL)
        mirror->last->next = item;
    else
        mirror->first = item;
    mirror->last = item;
    table_add(&mirror->table, hash, item);
    mirror->count++;
    mirror->lease_count += is_lease;
    return item;
}

static void item_set_blob(struct mirror *mirror, struct item *item, struct blob *blob)
{
    mirror->bytes -= item->blob != NULL ? item->blob->len : 0;
    mirror->bytes += blob != NULL ? blob->len : 0;
    if (blob != NULL)
        blob_retain(blob);
    blob_release(item->blob);
    item->blob = blob;
}

static void item_remove(struct mirror *mirror, struct item *item)
{
    assert(!item->is_dirty && mirror->count > 0);
    if (mirror->walk == item)
        mirror->walk = item->next;
    if (item->previous != NULL)
        item->previous->next = item->next;
    else
        mirror->first = item->next;
    if (item->next != NULL)
        item->next->previous = item->previous;
    else
        mirror->last = item->previous;
    table_remove(&mirror->table, item->hash, item);
    mirror->count--;
    mirror->lease_count -= item->is_lease;
    item_set_blob(mirror, item, NULL);
    mem_free(item);
}

static bool item_changed(struct mirror *mirror, struct item *item)
{
    if (item->is_dirty)
        return true;
    item->is_dirty = true;
    item->next_dirty = NULL;
    if (mirror->dirty_last != NULL)
        mirror->dirty_last->next_dirty = item;
    else
        mirror->dirty_first = item;
    mirror->dirty_last = item;
    return true;
}

/* --- Changes --------------------------------------------------------------------------------- */

static struct item *put_lease(struct mirror *mirror, struct blob *blob, uint64_t wall_ms,
                              bool is_heartbeat)
{
    struct record record;

    if (!statement_read_record(blob_span(blob), &record))
        return NULL;
    struct span peer_id = record.peer.peer_id;
    uint64_t hash = hash_short(peer_id.data, peer_id.len, mirror->hash_key);
    struct item *item = item_find_lease(mirror, peer_id, hash);

    if (item == NULL)
        item = item_add(mirror, hash, true);
    if (is_heartbeat || item->is_ended || item->blob == NULL || item->seq != record.seq)
        item->wall_ms = wall_ms;
    item_set_blob(mirror, item, blob);
    item->peer_id = peer_id;
    item->seq = record.seq;
    item->ttl_s = record.peer.ttl_s;
    item->is_ended = false;
    item->is_restored = false;
    return item;
}

bool mirror_lease(struct mirror *mirror, struct blob *record, uint64_t wall_ms)
{
    struct item *item = put_lease(mirror, record, wall_ms, false);

    return item != NULL && item_changed(mirror, item);
}

bool mirror_heartbeat(struct mirror *mirror, struct blob *record, uint64_t wall_ms)
{
    struct item *item = put_lease(mirror, record, wall_ms, true);

    return item != NULL && item_changed(mirror, item);
}

bool mirror_lease_end(struct mirror *mirror, struct blob *blob)
{
    struct record record;

    if (!statement_read_record(blob_span(blob), &record))
        return false;
    struct span peer_id = record.peer.peer_id;
    struct item *item =
        item_find_lease(mirror, peer_id, hash_short(peer_id.data, peer_id.len, mirror->hash_key));

    if (item == NULL || item->is_ended)
        return false;
    item->is_ended = true;
    return item_changed(mirror, item);
}

static uint64_t tag_hash(const struct mirror *mirror, uint64_t tag)
{
    return hash_short(&tag, sizeof tag, mirror->hash_key);
}

static struct item *put_member(struct mirror *mirror, struct blob *blob)
{
    struct alive alive;

    if (!statement_read_alive(blob_span(blob), &alive))
        return NULL;
    uint64_t tag = node_tag(&alive.id);
    struct item *item = item_find_member(mirror, tag, tag_hash(mirror, tag));

    if (item == NULL)
        item = item_add(mirror, tag_hash(mirror, tag), false);
    item_set_blob(mirror, item, blob);
    item->tag = tag;
    item->is_ended = false;
    return item;
}

/* A refutation raises the incarnation and nothing else; the file need not know of each: it only
 * says where to look for whom. */
static bool says_the_same(const struct blob *a, const struct blob *b)
{
    struct alive left, right;

    if (!statement_read_alive(blob_span(a), &left) || !statement_read_alive(blob_span(b), &right) ||
        left.address_count != right.address_count)
        return false;
    for (size_t i = 0; i < left.address_count; i++) {
        if (!addr_equal(&left.addresses[i], &right.addresses[i]))
            return false;
    }
    return left.epoch == right.epoch;
}

bool mirror_member(struct mirror *mirror, struct blob *blob)
{
    struct alive alive;

    if (!statement_read_alive(blob_span(blob), &alive))
        return false;
    uint64_t tag = node_tag(&alive.id);
    struct item *known = item_find_member(mirror, tag, tag_hash(mirror, tag));

    if (known != NULL && !known->is_ended && says_the_same(known->blob, blob))
        return false;
    struct item *item = put_member(mirror, blob);
    return item != NULL && item_changed(mirror, item);
}

bool mirror_member_end(struct mirror *mirror, uint64_t tag)
{
    struct item *item = item_find_member(mirror, tag, tag_hash(mirror, tag));

    if (item == NULL || item->is_ended)
        return false;
    item->is_ended = true;
    return item_changed(mirror, item);
}

/* --- From the file
 * ---------------------------------------------------------------------------------------------- */

static bool load_statement(struct mirror *mirror, const struct snapshot_entry *entry)
{
    struct blob *blob = blob_new(entry->bytes);
    struct item *item = entry->kind == SNAPSHOT_LEASE
                            ? put_lease(mirror, blob, entry->wall_ms, true)
                            : put_member(mirror, blob);

    blob_release(blob);
    if (item != NULL)
        item->is_restored = true;
    return item != NULL;
}

static bool load_end(struct mirror *mirror, const struct snapshot_entry *entry)
{
    struct item *item;

    if (entry->kind == SNAPSHOT_LEASE_END) {
        item = item_find_lease(mirror, entry->bytes,
                               hash_short(entry->bytes.data, entry->bytes.len, mirror->hash_key));
    } else {
        uint64_t tag = 0;

        if (entry->bytes.len != 8)
            return false;
        for (size_t i = 0; i < 8; i++)
            tag = tag << 8 | entry->bytes.data[i];
        item = item_find_member(mirror, tag, tag_hash(mirror, tag));
    }
    if (item != NULL)
        item_remove(mirror, item);
    return true;
}

bool mirror_load(struct mirror *mirror, const struct snapshot_entry *entry)
{
    assert(mirror->dirty_first == NULL);
    if (entry->kind == SNAPSHOT_LEASE || entry->kind == SNAPSHOT_MEMBER)
        return entry->bytes.len > STATEMENT_SIGNATURE_BYTES && load_statement(mirror, entry);
    return load_end(mirror, entry);
}

void mirror_expire(struct mirror *mirror, uint64_t wall_ms)
{
    struct item *next;

    for (struct item *item = mirror->first; item != NULL; item = next) {
        next = item->next;
        if (item->is_lease && item->is_restored && !item->is_dirty && wall_ms > item->wall_ms &&
            wall_ms - item->wall_ms > (uint64_t)item->ttl_s * 1000)
            item_remove(mirror, item);
    }
}

/* --- To the file ----------------------------------------------------------------------------- */

static void entry_of(const struct item *item, struct mirror_entry *out)
{
    out->wall_ms = item->wall_ms;
    out->blob = blob_retain(item->blob);
    out->bytes = blob_span(item->blob);
    out->kind = item->is_lease ? SNAPSHOT_LEASE : SNAPSHOT_MEMBER;
    if (!item->is_ended)
        return;
    out->kind = item->is_lease ? SNAPSHOT_LEASE_END : SNAPSHOT_MEMBER_END;
    out->bytes = item->peer_id;
    for (size_t i = 0; i < 8; i++)
        out->tag[i] = (uint8_t)(item->tag >> (56 - 8 * i));
}

struct snapshot_entry mirror_entry_view(const struct mirror_entry *entry)
{
    struct snapshot_entry view = {entry->kind, entry->wall_ms, entry->bytes};

    if (entry->kind == SNAPSHOT_MEMBER_END)
        view.bytes = span_of(entry->tag, sizeof entry->tag);
    return view;
}

void mirror_entries_release(struct mirror_entry *entries, size_t count)
{
    for (size_t i = 0; i < count; i++)
        blob_release(entries[i].blob);
}

size_t mirror_take(struct mirror *mirror, struct mirror_entry *out, size_t capacity)
{
    size_t count = 0;

    while (count < capacity && mirror->dirty_first != NULL) {
        struct item *item = mirror->dirty_first;

        mirror->dirty_first = item->next_dirty;
        if (mirror->dirty_first == NULL)
            mirror->dirty_last = NULL;
        item->is_dirty = false;
        entry_of(item, &out[count++]);
        if (item->is_ended)
            item_remove(mirror, item);
    }
    return count;
}

void mirror_walk_begin(struct mirror *mirror)
{
    mirror->walk = mirror->first;
}

size_t mirror_walk_next(struct mirror *mirror, struct mirror_entry *out, size_t capacity)
{
    size_t count = 0;

    for (; count < capacity && mirror->walk != NULL; mirror->walk = mirror->walk->next) {
        if (!mirror->walk->is_ended && !mirror->walk->is_dirty)
            entry_of(mirror->walk, &out[count++]);
    }
    return count;
}

size_t mirror_count(const struct mirror *mirror)
{
    return mirror->count;
}

size_t mirror_lease_count(const struct mirror *mirror)
{
    return mirror->lease_count;
}

size_t mirror_bytes(const struct mirror *mirror)
{
    return mirror->bytes + mirror->count * (SNAPSHOT_HEADER_BYTES + SNAPSHOT_CHECK_BYTES);
}

bool mirror_is_dirty(const struct mirror *mirror)
{
    return mirror->dirty_first != NULL;
}
