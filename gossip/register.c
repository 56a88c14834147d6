// SPDX-License-Identifier: Apache-2.0
/* register.c - what comes in at the door: registrations checked, and records adopted from other
 * homes. */
#include <assert.h>
#include <string.h>

#include "gossip/core.h"
#include "gossip/lease.h"

/* An adopter's version, epoch and seq may take more bytes than the first home's: a record that just
 * fits its first home must fit every other. (Versions and epochs: from 1 byte to 9.) */
#define RECORD_SLACK_BYTES 16

static uint64_t next_seq(const struct gossip *g, const struct peer *peer)
{
    uint64_t known = peer == NULL ? 0 : registry_seq(peer);
    if (known < g->now.wall_ms)
        return g->now.wall_ms;
    /* At the very end of what can be written nothing is overtaken any more: ties go by home. */
    return known < STATEMENT_NUMBER_MAX ? known + 1 : known;
}

uint64_t lease_peer_version(const struct peer *peer)
{
    uint64_t highest = 0;
    for (const struct entry *entry = peer->entries; entry != NULL; entry = entry->next_of_peer)
        if (entry->is_signed && entry_order(entry).peer_version > highest)
            highest = entry_order(entry).peer_version;
    return highest;
}

static enum gossip_result quota_check(const struct gossip *g, const struct peer *peer)
{
    if (peer != NULL && peer->lease != NULL)
        return RESULT_OK; /* replaces its own */
    if (g->leases.count >= g->config.records_per_home_max)
        return RESULT_QUOTA_HOME;
    if (g->registry.records_held >= g->config.records_max)
        return RESULT_QUOTA_CLUSTER;
    return RESULT_OK;
}

/* Fills in what was left out, and checks what does not depend on what is known. The signature
 * covers the description as it will be stored: duplicates removed, ttl filled in. */
static enum gossip_result description_check(struct peer_description *peer, const char **field)
{
    if (peer->ttl_s == 0)
        peer->ttl_s = TTL_DEFAULT_S;
    *field = statement_peer_check(peer);
    if (*field != NULL)
        return RESULT_INVALID;
    statement_peer_unique(peer);
    return statement_peer_verify(peer) ? RESULT_OK : RESULT_UNSIGNED_KEY;
}

static bool is_same_description(const struct peer_description *a, const struct peer_description *b)
{
    if (a->archetype_count != b->archetype_count)
        return false;
    for (size_t i = 0; i < a->archetype_count; i++)
        if (!span_equal(a->archetypes[i], b->archetypes[i]))
            return false;
    return span_equal(a->peer_id, b->peer_id) && span_equal(a->address, b->address) &&
           a->port == b->port && span_equal(a->metadata, b->metadata) && a->ttl_s == b->ttl_s &&
           a->is_signed == b->is_signed && (!a->is_signed || a->peer_version == b->peer_version);
}

/* What is known of the peer allows the registration? `known` is the winning record, NULL when there
 * is none. */
static enum gossip_result known_check(const struct peer *peer, const struct record *known,
                                      const struct peer_description *fresh,
                                      const struct gossip_registration *registration)
{
    if (peer == NULL)
        return RESULT_OK;
    uint64_t version = lease_peer_version(peer);
    bool is_repeat = known != NULL && is_same_description(&known->peer, fresh);
    if (fresh->is_signed && fresh->peer_version <= version && !is_repeat)
        return RESULT_OLD_VERSION;
    if (known == NULL || !peer_is_visible(peer))
        return RESULT_OK;
    const uint8_t *shown = registration->has_shown ? registration->shown_hash : NULL;
    return lease_token_check(known, shown, true);
}

static bool is_same_token(const struct record *known, const struct gossip_registration *fresh)
{
    if (known->has_token != fresh->has_token)
        return false;
    return !known->has_token ||
           key_equal(known->token_hash, fresh->token_hash, LEASE_TOKEN_HASH_BYTES);
}

static enum gossip_result record_make(struct gossip *g, struct peer *peer,
                                      const struct peer_description *fresh,
                                      const struct gossip_registration *registration)
{
    enum gossip_result quota = quota_check(g, peer);
    if (quota != RESULT_OK)
        return quota;
    struct record record = {
        .peer = *fresh,
        .seq = next_seq(g, peer),
        .registered_at_ms = g->now.wall_ms,
        .has_token = registration->has_token,
    };
    memcpy(record.token_hash, registration->token_hash, sizeof record.token_hash);
    if (!lease_issue(g, &record, fresh->ttl_s * 1000ull, g->now.wall_ms, RECORD_SLACK_BYTES))
        return RESULT_TOO_LARGE;
    lease_operation_made(g);
    return RESULT_OK;
}

/* The winning record of a peer; false: there is none. */
static bool winner_read(const struct peer *peer, struct record *out)
{
    if (peer == NULL || peer->winner == NULL || peer->winner->is_delete)
        return false;
    bool is_read = statement_read_record(blob_span(peer->winner->blob), out);
    assert(is_read);
    return is_read;
}

static void register_peer(struct gossip *g, const struct gossip_registration *registration,
                          struct gossip_reply *reply)
{
    struct peer_description fresh = registration->peer;
    reply->result = description_check(&fresh, &reply->field);
    if (reply->result != RESULT_OK)
        return;
    struct peer *peer = registry_peer(g, fresh.peer_id);
    struct record record;
    const struct record *known = winner_read(peer, &record) ? &record : NULL;
    reply->result = known_check(peer, known, &fresh, registration);
    if (reply->result != RESULT_OK)
        return;
    if (known != NULL && peer->lease != NULL && peer->winner->log == g->registry.own &&
        is_same_description(&known->peer, &fresh) && is_same_token(known, registration)) {
        lease_heartbeat(g, peer, NULL, reply);
        return;
    }
    reply->result = record_make(g, peer, &fresh, registration);
    if (reply->result != RESULT_OK)
        return;
    peer = registry_peer(g, fresh.peer_id);
    assert(peer != NULL && peer->lease != NULL);
    reply->record = blob_retain(lease_record(g, peer->lease));
    reply->expires_in_ms = lease_expires_in_ms(g, peer);
}

void lease_register(struct gossip *g, uint64_t request,
                    const struct gossip_registration *registration)
{
    struct gossip_reply reply = {.request = request, .wall_ms = g->now.wall_ms};
    uint64_t applied_before = g->registry.own->applied;
    if (g->is_leaving || g->is_stopped)
        reply.result = RESULT_LEAVING;
    else if (!g->sync.is_first_done)
        reply.result = RESULT_NOT_READY;
    else
        register_peer(g, registration, &reply);
    batch_reply(g, reply, applied_before);
}

bool lease_adopt(struct gossip *g, struct peer *peer, enum gossip_result *why)
{
    struct record record;
    if (!winner_read(peer, &record)) {
        *why = RESULT_UNKNOWN_PEER;
        return false;
    }
    *why = quota_check(g, peer);
    if (*why != RESULT_OK)
        return false;
    record.seq = next_seq(g, peer);
    if (!lease_issue(g, &record, record.peer.ttl_s * 1000ull, g->now.wall_ms, 0)) {
        *why = RESULT_TOO_LARGE;
        return false;
    }
    g->stats.adoptions++;
    lease_operation_made(g);
    return true;
}
