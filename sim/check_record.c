// SPDX-License-Identifier: Apache-2.0
/* check_record.c - I2: every served record carries a valid signature chain: its home's over the
 * statement, and the peer's own where its id is a key
 *
 * Verified here anew, from the keys that the world gave out; the same bytes once. */
#include "sim/check_all.h"

#include "crypto/hash.h"

#include <inttypes.h>

static bool is_signed_by_peer(const struct peer_description *peer)
{
    uint8_t bytes[STATEMENT_MAX_BYTES];
    struct key_public key;

    if (!statement_peer_key(peer->peer_id, &key))
        return !peer->is_signed;
    size_t len = statement_peer_bytes(peer, bytes, sizeof(bytes));
    return len > 0 && peer->is_signed &&
           sign_verify(&key, NULL, SIGN_PEER, bytes, len, peer->peer_signature);
}

static const char *fault_of(const struct world *world, size_t node, struct span statement)
{
    struct record record;

    if (!statement_read_record(statement, &record))
        return "is no record";
    const struct identity *home = check_identity(world, record.home);
    if (home == NULL)
        return "is of a home that nobody ever was";
    if (home->is_foreign != world_is_foreign(world, node))
        return "is of another cluster's home";
    if (!check_is_signed(world, statement, SIGN_RECORD, record.home))
        return "is not signed by its home";
    return is_signed_by_peer(&record.peer) ? NULL : "is not signed by its peer";
}

static const char *mismatch_of(const struct gossip_event *event)
{
    struct record record;

    if (!statement_read_record(blob_span(event->peer.record), &record))
        return "is no record";
    if (record.home != event->peer.home || record.epoch != event->peer.epoch ||
        record.version != event->peer.version)
        return "is not the one that the event names";
    return NULL;
}

void check_record_event(struct world *world, size_t node, const struct gossip_event *event)
{
    static const uint8_t key[HASH_SHORT_KEY_BYTES] = "statements";

    if ((event->kind != GOSSIP_EVENT_PEER_UP && event->kind != GOSSIP_EVENT_PEER_UPDATE) ||
        event->peer.record == NULL)
        return;
    struct span statement = blob_span(event->peer.record);
    uint64_t print = hash_short(statement.data, statement.len, key);
    const char *fault = mismatch_of(event);
    check_asked(world, I2);
    bool is_foreign = world_is_foreign(world, node);
    if (fault == NULL && map_find(&world->checks->verified, print, is_foreign, 0) == NULL)
        fault = fault_of(world, node, statement);
    if (fault == NULL)
        map_put(&world->checks->verified, print, is_foreign, 0);
    else
        check_failed(world, node, I2, "a record of n%zd, version %" PRIu64 ", %s",
                     (ssize_t)world_node_of_tag(world, event->peer.home), event->peer.version,
                     fault);
}
