// SPDX-License-Identifier: Apache-2.0
/* snapshot.c - the bytes of the file that outlives the node: leases and members, entry after entry
 */
#include "node/snapshot.h"

#include <assert.h>
#include <string.h>

#include "crypto/hash.h"

static const uint8_t magic[SNAPSHOT_MAGIC_BYTES] = {'A', 'U', 'R', 'S', 'N', 'A', 'P', '1'};

static void put_le(uint8_t *out, uint64_t value, size_t bytes)
{
    for (size_t i = 0; i < bytes; i++)
        out[i] = (uint8_t)(value >> (8 * i));
}

static uint64_t get_le(const uint8_t *in, size_t bytes)
{
    uint64_t value = 0;

    for (size_t i = 0; i < bytes; i++)
        value |= (uint64_t)in[i] << (8 * i);
    return value;
}

/* The check of an entry (its header and bytes) that follows `chain`. */
static void check_of(const struct snapshot_chain *chain, const uint8_t *entry, size_t len,
                     struct snapshot_chain *out)
{
    uint8_t key[HASH_SHORT_KEY_BYTES] = {'s', 'n', 'a', 'p', 's', 'h', 'o', 't'};

    static_assert(SNAPSHOT_CHECK_BYTES + 8 <= HASH_SHORT_KEY_BYTES, "the chain fits the key");
    memcpy(key + 8, chain->check, SNAPSHOT_CHECK_BYTES);
    put_le(out->check, hash_short(entry, len, key), SNAPSHOT_CHECK_BYTES);
}

void snapshot_begin(uint8_t out[SNAPSHOT_MAGIC_BYTES], struct snapshot_chain *chain)
{
    memcpy(out, magic, sizeof magic);
    memset(chain, 0, sizeof *chain);
}

size_t snapshot_put(uint8_t *out, struct snapshot_chain *chain, const struct snapshot_entry *entry)
{
    size_t len = SNAPSHOT_HEADER_BYTES + entry->bytes.len;

    assert(entry->kind >= SNAPSHOT_LEASE && entry->kind <= SNAPSHOT_MEMBER_END);
    assert(entry->bytes.len > 0 && entry->bytes.len <= STATEMENT_MAX_BYTES);
    out[0] = (uint8_t)entry->kind;
    put_le(out + 1, entry->wall_ms, 8);
    put_le(out + 9, entry->bytes.len, 4);
    memcpy(out + SNAPSHOT_HEADER_BYTES, entry->bytes.data, entry->bytes.len);
    check_of(chain, out, len, chain);
    memcpy(out + len, chain->check, SNAPSHOT_CHECK_BYTES);
    return len + SNAPSHOT_CHECK_BYTES;
}

bool snapshot_open(struct snapshot_reader *reader, struct span file)
{
    memset(reader, 0, sizeof *reader);
    reader->rest = file;
    if (file.len < sizeof magic || memcmp(file.data, magic, sizeof magic) != 0)
        return false;
    reader->rest = span_of(file.data + sizeof magic, file.len - sizeof magic);
    reader->offset = sizeof magic;
    return true;
}

bool snapshot_next(struct snapshot_reader *reader, struct snapshot_entry *entry)
{
    struct span rest = reader->rest;
    struct snapshot_chain next;

    if (rest.len < SNAPSHOT_HEADER_BYTES + SNAPSHOT_CHECK_BYTES)
        return false;
    size_t len = (size_t)get_le(rest.data + 9, 4);
    if (len == 0 || len > STATEMENT_MAX_BYTES ||
        rest.len < SNAPSHOT_HEADER_BYTES + len + SNAPSHOT_CHECK_BYTES)
        return false;
    check_of(&reader->chain, rest.data, SNAPSHOT_HEADER_BYTES + len, &next);
    if (memcmp(next.check, rest.data + SNAPSHOT_HEADER_BYTES + len, SNAPSHOT_CHECK_BYTES) != 0 ||
        rest.data[0] < SNAPSHOT_LEASE || rest.data[0] > SNAPSHOT_MEMBER_END)
        return false;
    entry->kind = (enum snapshot_kind)rest.data[0];
    entry->wall_ms = get_le(rest.data + 1, 8);
    entry->bytes = span_of(rest.data + SNAPSHOT_HEADER_BYTES, len);
    len += SNAPSHOT_HEADER_BYTES + SNAPSHOT_CHECK_BYTES;
    reader->rest = span_of(rest.data + len, rest.len - len);
    reader->offset += len;
    reader->chain = next;
    return true;
}
