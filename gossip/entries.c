// SPDX-License-Identifier: Apache-2.0
/* entries.c - a log's operations by version: a sorted array with holes.
 *
 * A tree would need no moving, but three pointers for each of a million entries; versions arrive in
 * order, so the array is appended to and searched, and only repairs insert. */
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

size_t entries_after(const struct log *log, uint64_t version)
{
    size_t low = 0, high = log->slot_count;
    while (low < high) {
        size_t middle = low + (high - low) / 2;
        if (log->slots[middle].version <= version)
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
        if (log->slots[i].entry != NULL)
            log->slots[kept++] = log->slots[i];
    assert(kept == log->held_count);
    log->slot_count = kept;
}

void entries_trim(struct log *log)
{
    if (log->slot_capacity < SLOTS_TRIM_FROM ||
        SLOTS_TRIM_DIVISOR * log->held_count >= log->slot_capacity)
        return;
    compact(log);
    log->slot_capacity = 2 * log->held_count + SLOTS_FIRST_CAPACITY;
    log->slots = mem_resize(log->slots, log->slot_capacity * sizeof *log->slots);
    assert(log->slot_count < log->slot_capacity);
}

static void make_room(struct log *log)
{
    entries_trim(log);
    if (log->slot_count >= SLOTS_COMPACT_FROM && 2 * log->held_count < log->slot_count)
        compact(log);
    if (log->slot_count < log->slot_capacity)
        return;
    log->slot_capacity = log->slot_capacity == 0 ? SLOTS_FIRST_CAPACITY : 2 * log->slot_capacity;
    log->slots = mem_resize(log->slots, log->slot_capacity * sizeof *log->slots);
}

void entries_add(struct log *log, struct entry *entry)
{
    make_room(log);
    size_t at = entries_after(log, entry->version);
    if (at > 0 && log->slots[at - 1].entry == NULL) {
        at--; /* its version is not above ours: the order holds */
    } else {
        memmove(&log->slots[at + 1], &log->slots[at], (log->slot_count - at) * sizeof *log->slots);
        log->slot_count++;
    }
    log->slots[at] = (struct log_slot){entry->version, entry};
    log->held_count++;
    assert(log->held_count <= log->slot_count && log->slot_count <= log->slot_capacity);
}

void entries_remove(struct log *log, const struct entry *entry)
{
    size_t at = entries_after(log, entry->version);
    do {
        assert(at > 0 && log->slots[at - 1].version == entry->version);
        at--;
    } while (log->slots[at].entry != entry);
    log->slots[at].entry = NULL;
    assert(log->held_count > 0);
    log->held_count--;
    while (log->slot_count > 0 && log->slots[log->slot_count - 1].entry == NULL)
        log->slot_count--;
}

uint64_t entries_highest(const struct log *log)
{
    assert(log->slot_count == 0 || log->slots[log->slot_count - 1].entry != NULL);
    return log->slot_count == 0 ? 0 : log->slots[log->slot_count - 1].version;
}

static bool fits(const struct wire_writer *list, const struct blob *blob)
{
    return list->capacity - list->len >= BIN_HEADER_BYTES + blob->len;
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
         i < log->slot_count && log->slots[i].version <= log->applied; i++) {
        const struct entry *entry = log->slots[i].entry;
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
