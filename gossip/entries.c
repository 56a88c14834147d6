// SPDX-License-Identifier: Apache-2.0
/* entries.c - a log's operations by version: a sorted array with holes.
 *
 * A tree would need no moving, but three pointers for each of a million entries; versions arrive in
 * order, so the array is appended to and searched, and only repairs insert. It grows by a quarter:
 * a large one is moved by the kernel, page by page and without a copy. */
#include "gossip/entries.h"

#include <assert.h>
#include <string.h>

#include "gossip/mem.h"
#include "gossip/wire.h"

#define SLOTS_FIRST_CAPACITY 8
/* Below this, holes cost less than looking at them. */
#define SLOTS_COMPACT_FROM 32
/* An array of which not an eighth is used any more, and is larger than this, gives its memory back.
 */
#define SLOTS_TRIM_FROM    128
#define SLOTS_TRIM_DIVISOR 8
/* Of a bin in a list: type and length. */
#define BIN_HEADER_BYTES 3

static struct log_slot slot_of(struct entry *entry)
{
    struct log_slot slot = {(uintptr_t)entry};
    assert((slot.word & 1) == 0);
    return slot;
}

static struct log_slot hole_of(uint64_t version)
{
    assert(version <= STATEMENT_NUMBER_MAX); /* twice that fits */
    return (struct log_slot){2 * version + 1};
}

uint64_t slot_version(struct log_slot slot)
{
    const struct entry *entry = slot_entry(slot);
    return entry != NULL ? entry->version : slot.word / 2;
}

size_t entries_after(const struct log *log, uint64_t version)
{
    size_t low = 0, high = log->slot_count;
    /* Nearly all that come are the newest. */
    if (high == 0 || slot_version(log->slots[high - 1]) <= version)
        return high;
    while (low < high) {
        size_t middle = low + (high - low) / 2;
        if (slot_version(log->slots[middle]) <= version)
            low = middle + 1;
        else
            high = middle;
    }
    return low;
}

static void compact(struct log *log)
{
    size_t kept = 0;
    for (size_t i = 0; i < log->slot_count; i++)
        if (slot_entry(log->slots[i]) != NULL)
            log->slots[kept++] = log->slots[i];
    assert(kept == log->held_count);
    log->slot_count = kept;
}

static void resize(struct log *log, size_t capacity)
{
    log->slot_capacity = capacity;
    log->slots = mem_resize(log->slots, capacity * sizeof *log->slots);
    assert(log->slot_count < capacity);
}

void entries_trim(struct log *log)
{
    if (log->slot_capacity < SLOTS_TRIM_FROM ||
        SLOTS_TRIM_DIVISOR * log->held_count >= log->slot_capacity)
        return;
    compact(log);
    resize(log, 2 * log->held_count + SLOTS_FIRST_CAPACITY);
}

static void make_room(struct log *log)
{
    entries_trim(log);
    if (log->slot_count >= SLOTS_COMPACT_FROM && 2 * log->held_count < log->slot_count)
        compact(log);
    if (log->slot_count == log->slot_capacity)
        resize(log, log->slot_capacity + log->slot_capacity / 4 + SLOTS_FIRST_CAPACITY);
}

void entries_add(struct log *log, struct entry *entry)
{
    make_room(log);
    size_t at = entries_after(log, entry->version);
    if (at > 0 && slot_entry(log->slots[at - 1]) == NULL) {
        at--; /* its version is not above ours: the order holds */
    } else {
        memmove(&log->slots[at + 1], &log->slots[at], (log->slot_count - at) * sizeof *log->slots);
        log->slot_count++;
    }
    log->slots[at] = slot_of(entry);
    log->held_count++;
    assert(log->held_count <= log->slot_count && log->slot_count <= log->slot_capacity);
}

void entries_remove(struct log *log, const struct entry *entry)
{
    size_t at = entries_after(log, entry->version);
    do {
        assert(at > 0 && slot_version(log->slots[at - 1]) == entry->version);
        at--;
    } while (slot_entry(log->slots[at]) != entry);
    log->slots[at] = hole_of(entry->version);
    assert(log->held_count > 0);
    log->held_count--;
    while (log->slot_count > 0 && slot_entry(log->slots[log->slot_count - 1]) == NULL)
        log->slot_count--;
}

uint64_t entries_highest(const struct log *log)
{
    assert(log->slot_count == 0 || slot_entry(log->slots[log->slot_count - 1]) != NULL);
    return log->slot_count == 0 ? 0 : slot_version(log->slots[log->slot_count - 1]);
}

static bool fits(const struct wire_writer *list, const struct blob *blob)
{
    return list->capacity - list->len >= BIN_HEADER_BYTES + (size_t)blob->len;
}

/* A batch that is not the last ends at a statement, not in the hole after it: its reader believes a
 * range only as far as something signed reaches. */
uint64_t log_read_range(const struct log *log, uint64_t after, struct wire_writer *list,
                        uint32_t *count, bool *is_last)
{
    uint64_t through = after;
    *count = 0;
    *is_last = false;
    for (size_t i = entries_after(log, after);
         i < log->slot_count && slot_version(log->slots[i]) <= log->applied; i++) {
        const struct entry *entry = slot_entry(log->slots[i]);
        if (entry == NULL)
            continue;
        if (*count == WIRE_LIST_MAX || !fits(list, entry->blob))
            return through;
        wire_put_bin(list, blob_span(entry->blob));
        through = entry->version;
        ++*count;
    }
    assert(!list->overflowed);
    *is_last = true;
    return log->applied > through ? log->applied : through;
}
