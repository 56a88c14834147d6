// SPDX-License-Identifier: Apache-2.0
/* mirror.c - what the snapshot should hold, and which of it has changed since it was written */
#include "node/mirror.h"

#include <assert.h>
#include <string.h>

#include "crypto/hash.h"
#include "crypto/key.h"
#include "gossip/cells.h"
#include "gossip/mem.h"
#include "gossip/refs.h"
#include "gossip/statement.h"

/* Of a lease or a member: named by a reference, as are its neighbours. What the statement's bytes
 * say is read from there. */
struct item {
    struct blob *blob;
    uint64_t wall_ms;
    uint32_t previous, next; /* 0: none */
    uint32_t next_dirty;
    bool is_lease, is_ended, is_dirty;
    bool is_restored; /* a lease of an earlier life that the core has not named yet */
};

struct mirror {
    struct cells cells; /* of struct item */
    struct refs refs;   /* of those, by the hash of what they are about */
    uint32_t first, last;
    uint32_t dirty_first, dirty_last;
    uint32_t walk; /* the next one of it */
    size_t count, lease_count, bytes;
    uint8_t hash_key[HASH_SHORT_KEY_BYTES];
};

static struct item *item_at(const struct mirror *mirror, uint32_t reference)
{
    return cells_at(&mirror->cells, reference);
}

struct mirror *mirror_new(void)
{
    struct mirror *mirror = mem_alloc(sizeof *mirror);

    mirror->cells.item_bytes = sizeof(struct item);
    key_random(mirror->hash_key, sizeof mirror->hash_key);
    return mirror;
}

void mirror_free(struct mirror *mirror)
{
    if (mirror == NULL)
        return;
    for (uint32_t at = mirror->first; at != 0; at = item_at(mirror, at)->next)
        blob_release(item_at(mirror, at)->blob);
    refs_free(&mirror->refs);
    cells_free(&mirror->cells);
    mem_free(mirror);
}

/* --- Items ----------------------------------------------------------------------------------- */

static uint64_t peer_hash(const struct mirror *mirror, struct span peer_id)
{
    return hash_short(peer_id.data, peer_id.len, mirror->hash_key);
}

static uint64_t tag_hash(const struct mirror *mirror, uint64_t tag)
{
    return hash_short(&tag, sizeof tag, mirror->hash_key);
}

/* A member's. */
static uint64_t tag_of(const struct blob *blob)
{
    struct alive alive;
    bool is_read = statement_read_alive(blob_span(blob), &alive);

    assert(is_read);
    (void)is_read;
    return node_tag(&alive.id);
}

/* 0: none. */
static uint32_t find_lease(const struct mirror *mirror, struct span peer_id)
{
    uint64_t hash = peer_hash(mirror, peer_id);
    size_t cursor = 0;
    uint32_t at;

    while ((at = refs_next(&mirror->refs, hash, &cursor)) != 0) {
        const struct item *item = item_at(mirror, at);

        if (item->is_lease && span_equal(statement_peer_id_of(blob_span(item->blob)), peer_id))
            break;
    }
    return at;
}

static uint32_t find_member(const struct mirror *mirror, uint64_t tag)
{
    uint64_t hash = tag_hash(mirror, tag);
    size_t cursor = 0;
    uint32_t at;

    while ((at = refs_next(&mirror->refs, hash, &cursor)) != 0) {
        const struct item *item = item_at(mirror, at);

        if (!item->is_lease && tag_of(item->blob) == tag)
            break;
    }
    return at;
}

/* It has no blob yet: nobody may look for anything before it has. */
static uint32_t item_add(struct mirror *mirror, uint64_t hash, bool is_lease)
{
    uint32_t at;
    struct item *item = cells_take(&mirror->cells, &at);

    item->is_lease = is_lease;
    item->previous = mirror->last;
    if (mirror->last != 0)
        item_at(mirror, mirror->last)->next = at;
    else
        mirror->first = at;
    mirror->last = at;
    refs_add(&mirror->refs, hash, at);
    mirror->count++;
    mirror->lease_count += is_lease;
    return at;
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

static void item_remove(struct mirror *mirror, uint32_t at)
{
    struct item *item = item_at(mirror, at);
    uint64_t hash = item->is_lease ? peer_hash(mirror, statement_peer_id_of(blob_span(item->blob)))
                                   : tag_hash(mirror, tag_of(item->blob));

    assert(!item->is_dirty && mirror->count > 0);
    if (mirror->walk == at)
        mirror->walk = item->next;
    if (item->previous != 0)
        item_at(mirror, item->previous)->next = item->next;
    else
        mirror->first = item->next;
    if (item->next != 0)
        item_at(mirror, item->next)->previous = item->previous;
    else
        mirror->last = item->previous;
    refs_remove(&mirror->refs, hash, at);
    mirror->count--;
    mirror->lease_count -= item->is_lease;
    item_set_blob(mirror, item, NULL);
    cells_give(&mirror->cells, at);
}

static bool item_changed(struct mirror *mirror, uint32_t at)
{
    struct item *item = item_at(mirror, at);

    if (item->is_dirty)
        return true;
    item->is_dirty = true;
    item->next_dirty = 0;
    if (mirror->dirty_last != 0)
        item_at(mirror, mirror->dirty_last)->next_dirty = at;
    else
        mirror->dirty_first = at;
    mirror->dirty_last = at;
    return true;
}

/* --- Changes --------------------------------------------------------------------------------- */

/* 0: no record. */
static uint32_t put_lease(struct mirror *mirror, struct blob *blob, uint64_t wall_ms,
                          bool is_heartbeat)
{
    if (statement_kind_of(blob_span(blob)) != STATEMENT_RECORD)
        return 0;
    struct statement_order order = statement_order_of(blob_span(blob));
    uint32_t at = find_lease(mirror, order.peer_id);

    if (at == 0)
        at = item_add(mirror, peer_hash(mirror, order.peer_id), true);
    struct item *item = item_at(mirror, at);
    if (is_heartbeat || item->is_ended || item->blob == NULL ||
        statement_order_of(blob_span(item->blob)).seq != order.seq)
        item->wall_ms = wall_ms;
    item_set_blob(mirror, item, blob);
    item->is_ended = false;
    item->is_restored = false;
    return at;
}

bool mirror_lease(struct mirror *mirror, struct blob *record, uint64_t wall_ms)
{
    uint32_t at = put_lease(mirror, record, wall_ms, false);

    return at != 0 && item_changed(mirror, at);
}

bool mirror_heartbeat(struct mirror *mirror, struct blob *record, uint64_t wall_ms)
{
    uint32_t at = put_lease(mirror, record, wall_ms, true);

    return at != 0 && item_changed(mirror, at);
}

bool mirror_lease_end(struct mirror *mirror, struct blob *blob)
{
    if (statement_kind_of(blob_span(blob)) != STATEMENT_RECORD)
        return false;
    uint32_t at = find_lease(mirror, statement_peer_id_of(blob_span(blob)));

    if (at == 0 || item_at(mirror, at)->is_ended)
        return false;
    item_at(mirror, at)->is_ended = true;
    return item_changed(mirror, at);
}

/* 0: no ALIVE. */
static uint32_t put_member(struct mirror *mirror, struct blob *blob)
{
    struct alive alive;

    if (!statement_read_alive(blob_span(blob), &alive))
        return 0;
    uint64_t tag = node_tag(&alive.id);
    uint32_t at = find_member(mirror, tag);

    if (at == 0)
        at = item_add(mirror, tag_hash(mirror, tag), false);
    item_set_blob(mirror, item_at(mirror, at), blob);
    item_at(mirror, at)->is_ended = false;
    return at;
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
    uint32_t known = find_member(mirror, node_tag(&alive.id));

    if (known != 0 && !item_at(mirror, known)->is_ended &&
        says_the_same(item_at(mirror, known)->blob, blob))
        return false;
    uint32_t at = put_member(mirror, blob);
    return at != 0 && item_changed(mirror, at);
}

bool mirror_member_end(struct mirror *mirror, uint64_t tag)
{
    uint32_t at = find_member(mirror, tag);

    if (at == 0 || item_at(mirror, at)->is_ended)
        return false;
    item_at(mirror, at)->is_ended = true;
    return item_changed(mirror, at);
}

/* --- From the file
 * ---------------------------------------------------------------------------------------------- */

/* What the file holds is checked as a whole: our statements are read here for the first time. */
static bool load_statement(struct mirror *mirror, const struct snapshot_entry *entry)
{
    struct record record;
    bool is_lease = entry->kind == SNAPSHOT_LEASE;

    /* No clock says the second half of what 64 bits hold: such a lease would never run out. */
    if (is_lease && (entry->wall_ms > INT64_MAX || !statement_read_record(entry->bytes, &record)))
        return false;
    struct blob *blob = blob_new(entry->bytes);
    uint32_t at =
        is_lease ? put_lease(mirror, blob, entry->wall_ms, true) : put_member(mirror, blob);

    blob_release(blob);
    if (at != 0)
        item_at(mirror, at)->is_restored = true;
    return at != 0;
}

static bool load_end(struct mirror *mirror, const struct snapshot_entry *entry)
{
    uint32_t at;

    if (entry->kind == SNAPSHOT_LEASE_END) {
        at = find_lease(mirror, entry->bytes);
    } else {
        uint64_t tag = 0;

        if (entry->bytes.len != 8)
            return false;
        for (size_t i = 0; i < 8; i++)
            tag = tag << 8 | entry->bytes.data[i];
        at = find_member(mirror, tag);
    }
    if (at != 0)
        item_remove(mirror, at);
    return true;
}

bool mirror_load(struct mirror *mirror, const struct snapshot_entry *entry)
{
    assert(mirror->dirty_first == 0);
    if (entry->kind == SNAPSHOT_LEASE || entry->kind == SNAPSHOT_MEMBER)
        return entry->bytes.len > STATEMENT_SIGNATURE_BYTES && load_statement(mirror, entry);
    return load_end(mirror, entry);
}

static bool has_run_out(const struct item *item, uint64_t wall_ms)
{
    return wall_ms > item->wall_ms &&
           wall_ms - item->wall_ms > statement_order_of(blob_span(item->blob)).ttl_s * 1000ull;
}

void mirror_expire(struct mirror *mirror, uint64_t wall_ms)
{
    uint32_t next;

    for (uint32_t at = mirror->first; at != 0; at = next) {
        const struct item *item = item_at(mirror, at);

        next = item->next;
        if (item->is_lease && item->is_restored && !item->is_dirty && has_run_out(item, wall_ms))
            item_remove(mirror, at);
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
    if (item->is_lease) {
        out->bytes = statement_peer_id_of(blob_span(item->blob));
        return;
    }
    uint64_t tag = tag_of(item->blob);
    for (size_t i = 0; i < 8; i++)
        out->tag[i] = (uint8_t)(tag >> (56 - 8 * i));
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

    while (count < capacity && mirror->dirty_first != 0) {
        uint32_t at = mirror->dirty_first;
        struct item *item = item_at(mirror, at);

        mirror->dirty_first = item->next_dirty;
        if (mirror->dirty_first == 0)
            mirror->dirty_last = 0;
        item->is_dirty = false;
        entry_of(item, &out[count++]);
        if (item->is_ended)
            item_remove(mirror, at);
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

    while (count < capacity && mirror->walk != 0) {
        const struct item *item = item_at(mirror, mirror->walk);

        if (!item->is_ended && !item->is_dirty)
            entry_of(item, &out[count++]);
        mirror->walk = item->next;
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
    return mirror->dirty_first != 0;
}
