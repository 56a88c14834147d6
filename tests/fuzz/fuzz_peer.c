// SPDX-License-Identifier: Apache-2.0
/* fuzz_peer.c - what clients hand in: what the door lets in can be signed, carried and read by all
 *
 * The input is fields one after the other, each a length byte and its bytes: peer_id, address,
 * metadata, then archetypes to the end; in front of them port (2), ttl_s (2) and flags (1).
 */
#include "gossip/statement.h"
#include "tests/support/guard.h"

#include <stdlib.h>
#include <string.h>

#define FIXED_BYTES 5

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void require(int truth)
{
    if (!truth)
        abort();
}

static struct span field_next(struct span *rest)
{
    if (rest->len == 0)
        return span_of(rest->data, 0);
    size_t len = rest->data[0];
    struct span field = span_of(rest->data + 1, len < rest->len ? len : rest->len - 1);
    *rest = span_of(field.data + field.len, rest->len - 1 - field.len);
    return field;
}

static struct peer_description peer_of(struct span input)
{
    struct span rest = span_of(input.data + FIXED_BYTES, input.len - FIXED_BYTES);
    struct peer_description peer = {
        .port = (uint16_t)(input.data[0] << 8 | input.data[1]),
        .ttl_s = (uint32_t)(input.data[2] << 8 | input.data[3]),
        .is_signed = input.data[4] & 1,
        .peer_version = input.data[4] >> 1,
    };

    peer.peer_id = field_next(&rest);
    peer.address = field_next(&rest);
    peer.metadata = field_next(&rest);
    while (rest.len > 0 && peer.archetype_count < PEER_ARCHETYPES_MAX)
        peer.archetypes[peer.archetype_count++] = field_next(&rest);
    return peer;
}

static void expect_equal(const struct peer_description *a, const struct peer_description *b)
{
    require(span_equal(a->peer_id, b->peer_id) && span_equal(a->address, b->address));
    require(span_equal(a->metadata, b->metadata) && a->port == b->port && a->ttl_s == b->ttl_s);
    require(a->archetype_count == b->archetype_count && a->is_signed == b->is_signed);
    for (size_t i = 0; i < a->archetype_count; i++)
        require(span_equal(a->archetypes[i], b->archetypes[i]));
}

static void carry(const struct peer_description *peer)
{
    static const uint8_t seed[KEY_SEED_BYTES] = {42};
    struct record record = {.home = 1, .epoch = 1, .version = 1, .peer = *peer}, read;
    struct key_pair pair;
    struct sign_scope scope = {{0}};
    uint8_t bytes[STATEMENT_MAX_BYTES];

    require(key_library_init());
    key_pair_from_seed(seed, &pair);
    size_t len = statement_peer_bytes(peer, bytes, sizeof bytes);
    struct blob *blob = statement_of_record(&record, &pair, &scope);
    /* A signed record is longer than what its peer signed: it fits only if that does. */
    require(blob == NULL || len > 0);
    if (blob == NULL)
        return;
    require(statement_read_record(blob_span(blob), &read));
    expect_equal(&read.peer, peer);
    blob_release(blob);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct key_public key;

    if (size < FIXED_BYTES)
        return 0;
    uint8_t *copy = guard_copy(data, size);
    struct peer_description peer = peer_of(span_of(copy, size));
    const char *wrong = statement_peer_check(&peer);
    bool is_key = statement_peer_key(peer.peer_id, &key);
    /* Nobody signed any of this. */
    require(statement_peer_verify(&peer) == !is_key);
    if (wrong == NULL)
        carry(&peer);
    else
        require(strlen(wrong) > 3);
    guard_free(copy, size);
    return 0;
}
