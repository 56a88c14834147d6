// SPDX-License-Identifier: Apache-2.0
/* statement_peer.c - what describes a peer: its limits, and peers whose id is a key. */
#include <string.h>

#include "crypto/hex.h"
#include "gossip/statement.h"
#include "gossip/text.h"

static const char key_prefix[] = "ed25519:";
#define KEY_PREFIX_BYTES (sizeof key_prefix - 1)

static bool has_key_prefix(struct span peer_id)
{
    return peer_id.len >= KEY_PREFIX_BYTES &&
           memcmp(peer_id.data, key_prefix, KEY_PREFIX_BYTES) == 0;
}

/* One key has one id: upper case would make a second peer of it. */
bool statement_peer_key(struct span peer_id, struct key_public *id)
{
    if (peer_id.len != KEY_PREFIX_BYTES + 2 * KEY_PUBLIC_BYTES || !has_key_prefix(peer_id))
        return false;
    const char *digits = (const char *)peer_id.data + KEY_PREFIX_BYTES;
    for (size_t i = 0; i < 2 * (size_t)KEY_PUBLIC_BYTES; i++) {
        if (digits[i] >= 'A' && digits[i] <= 'F')
            return false;
    }
    return hex_decode(digits, 2 * (size_t)KEY_PUBLIC_BYTES, id->bytes, sizeof id->bytes);
}

bool statement_peer_verify(const struct peer_description *peer)
{
    struct key_public key;
    uint8_t bytes[STATEMENT_MAX_BYTES];
    if (!statement_peer_key(peer->peer_id, &key))
        return true;
    if (!peer->is_signed)
        return false;
    size_t len = statement_peer_bytes(peer, bytes, sizeof bytes);
    return len > 0 && sign_verify(&key, NULL, SIGN_PEER, bytes, len, peer->peer_signature);
}

/* An id that only looks like a key would pass for its holder's in somebody's eyes; and a signature
 * under an id that is no key proves nothing. */
static bool peer_id_is_fine(const struct peer_description *peer)
{
    struct key_public key;
    bool is_key = statement_peer_key(peer->peer_id, &key);
    if (!is_key && (has_key_prefix(peer->peer_id) || peer->is_signed))
        return false;
    return text_is_clean(peer->peer_id, 1, PEER_ID_MAX_BYTES) &&
           peer->peer_version <= STATEMENT_NUMBER_MAX;
}

static bool archetypes_are_fine(const struct peer_description *peer)
{
    if (peer->archetype_count > PEER_ARCHETYPES_MAX)
        return false;
    for (size_t i = 0; i < peer->archetype_count; i++) {
        if (!text_is_clean(peer->archetypes[i], 1, PEER_ARCHETYPE_MAX_BYTES))
            return false;
    }
    return true;
}

const char *statement_peer_check(const struct peer_description *peer)
{
    if (!peer_id_is_fine(peer))
        return "peer_id";
    if (!archetypes_are_fine(peer))
        return "archetypes";
    if (!text_is_clean(peer->address, 1, PEER_ADDRESS_MAX_BYTES))
        return "address";
    /* A browser tab has no port: 0 is allowed, and a uint16_t has no wrong values. */
    if (peer->metadata.len > 0 && !text_is_object(peer->metadata, PEER_METADATA_MAX_BYTES))
        return "metadata";
    if (peer->ttl_s < PEER_TTL_MIN_S || peer->ttl_s > PEER_TTL_MAX_S)
        return "ttl_seconds";
    return NULL;
}

void statement_peer_unique(struct peer_description *peer)
{
    size_t kept = 0;
    for (size_t i = 0; i < peer->archetype_count; i++) {
        size_t same = 0;
        while (same < kept && !span_equal(peer->archetypes[same], peer->archetypes[i]))
            same++;
        if (same == kept)
            peer->archetypes[kept++] = peer->archetypes[i];
    }
    peer->archetype_count = kept;
}
