// SPDX-License-Identifier: Apache-2.0
/* fuzz_store.c - a snapshot that is anything at all: read whole or up to its damage, and loaded
 * into the mirror, whose own snapshot then reads back the same
 *
 * The first byte chooses: 0, the rest is a file as it is; 1, the rest is a list of entries (kind,
 * wall ms of 8 bytes, length of 2, bytes) that is framed correctly first, so that the fuzzer gets
 * past the checks.
 */
#include "crypto/key.h"
#include "gossip/mem.h"
#include "node/mirror.h"
#include "node/snapshot.h"
#include "tests/support/guard.h"

#include <stdlib.h>
#include <string.h>

#define ENTRY_HEAD 11

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void require(int truth)
{
    if (!truth)
        abort();
}

/* Everything in the file that can be loaded. */
static struct mirror *load(struct span file, size_t *entries)
{
    struct mirror *mirror = mirror_new();
    struct snapshot_reader reader;
    struct snapshot_entry entry;

    *entries = 0;
    if (!snapshot_open(&reader, file))
        return mirror;
    while (snapshot_next(&reader, &entry)) {
        require(entry.bytes.len > 0 && entry.bytes.len <= STATEMENT_MAX_BYTES);
        require(reader.offset + reader.rest.len == file.len);
        (*entries)++;
        if (!mirror_load(mirror, &entry))
            break;
    }
    return mirror;
}

/* A snapshot of the mirror; the caller frees it. */
static uint8_t *save(struct mirror *mirror, size_t *len)
{
    uint8_t *out =
        mem_alloc(SNAPSHOT_MAGIC_BYTES + mirror_count(mirror) * SNAPSHOT_ENTRY_MAX_BYTES);
    struct snapshot_chain chain;
    struct mirror_entry entry;

    snapshot_begin(out, &chain);
    *len = SNAPSHOT_MAGIC_BYTES;
    mirror_walk_begin(mirror);
    while (mirror_walk_next(mirror, &entry, 1) == 1) {
        struct snapshot_entry view = mirror_entry_view(&entry);

        *len += snapshot_put(out + *len, &chain, &view);
        mirror_entries_release(&entry, 1);
    }
    return out;
}

static void try_file(const uint8_t *data, size_t size)
{
    uint8_t *file = guard_copy(data, size);
    size_t entries, len, again;
    struct mirror *first = load(span_of(file, size), &entries);
    uint8_t *saved = save(first, &len);
    struct mirror *second = load(span_of(saved, len), &again);

    require(again == mirror_count(first) && mirror_count(second) == mirror_count(first));
    require(mirror_lease_count(second) == mirror_lease_count(first));
    require(mirror_bytes(second) == mirror_bytes(first));
    mirror_expire(first, UINT64_MAX);
    require(mirror_lease_count(first) == 0);
    mirror_free(first);
    mirror_free(second);
    mem_free(saved);
    guard_free(file, size);
}

static void try_entries(const uint8_t *data, size_t size)
{
    uint8_t *file = mem_alloc(SNAPSHOT_MAGIC_BYTES + 4 * size + SNAPSHOT_ENTRY_MAX_BYTES);
    size_t len = SNAPSHOT_MAGIC_BYTES, count = 0, entries;
    struct snapshot_chain chain;

    snapshot_begin(file, &chain);
    while (size > ENTRY_HEAD) {
        struct snapshot_entry entry = {.kind = (enum snapshot_kind)(data[0] % 4 + 1)};
        size_t wanted = (size_t)data[9] << 8 | data[10];

        memcpy(&entry.wall_ms, data + 1, 8);
        wanted = wanted % STATEMENT_MAX_BYTES + 1;
        entry.bytes =
            span_of(data + ENTRY_HEAD, wanted < size - ENTRY_HEAD ? wanted : size - ENTRY_HEAD);
        len += snapshot_put(file + len, &chain, &entry);
        data += ENTRY_HEAD + entry.bytes.len;
        size -= ENTRY_HEAD + entry.bytes.len;
        count++;
    }
    mirror_free(load(span_of(file, len), &entries));
    require(entries <= count);
    try_file(file, len);
    mem_free(file);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    if (size < 1 || !key_library_init())
        return 0;
    if (data[0] % 2 == 0)
        try_file(data + 1, size - 1);
    else
        try_entries(data + 1, size - 1);
    return 0;
}
