// SPDX-License-Identifier: Apache-2.0
/* statement_encode.c - encoding and signing what nodes say.
 *
 *      0                        64
 *     +-------------------------+----------------------------------------------+
 *     | Ed25519 signature       | body: MessagePack [kind, ...]                |
 *     +-------------------------+----------------------------------------------+
 */
#include <assert.h>

#include "gossip/statement.h"
#include "gossip/wire.h"

static_assert((int)STATEMENT_ALIVE == (int)SIGN_ALIVE && (int)STATEMENT_LEFT == (int)SIGN_LEFT &&
                  (int)STATEMENT_ACCUSATION == (int)SIGN_ACCUSE &&
                  (int)STATEMENT_RECORD == (int)SIGN_RECORD &&
                  (int)STATEMENT_DELETION == (int)SIGN_DELETE &&
                  (int)STATEMENT_HEAD == (int)SIGN_HEAD &&
                  (int)STATEMENT_COMMAND == (int)SIGN_FORWARD &&
                  (int)STATEMENT_PEER == (int)SIGN_PEER,
              "a statement's kind is its signature's domain");
static_assert(STATEMENT_SIGNATURE_BYTES == SIGN_BYTES, "limits.h knows no crypto");

/* A statement under construction; the signature's place is kept free in front. */
struct draft {
    uint8_t bytes[STATEMENT_MAX_BYTES];
    struct wire_writer writer;
};

static struct wire_writer *draft_begin(struct draft *draft, enum statement_kind kind,
                                       uint32_t count)
{
    draft->writer = (struct wire_writer){draft->bytes + STATEMENT_SIGNATURE_BYTES, 0,
                                         STATEMENT_MAX_BYTES - STATEMENT_SIGNATURE_BYTES, false};
    wire_put_array(&draft->writer, count);
    wire_put_uint(&draft->writer, kind);
    return &draft->writer;
}

static struct span draft_span(const struct draft *draft)
{
    return span_of(draft->bytes, STATEMENT_SIGNATURE_BYTES + draft->writer.len);
}

static struct blob *draft_sign(struct draft *draft, enum statement_kind kind,
                               const struct key_pair *pair, const struct sign_scope *scope)
{
    assert(!draft->writer.overflowed && draft->writer.len > 0);
    sign_make(pair, scope, (enum sign_domain)kind, draft->writer.data, draft->writer.len,
              draft->bytes);
    return blob_new(draft_span(draft));
}

static void put_key(struct wire_writer *writer, const struct key_public *key)
{
    wire_put_bin(writer, span_of(key->bytes, sizeof key->bytes));
}

static void put_token(struct wire_writer *writer, bool has_token, const uint8_t *hash)
{
    if (has_token)
        wire_put_bin(writer, span_of(hash, LEASE_TOKEN_HASH_BYTES));
    else
        wire_put_nil(writer);
}

static void put_addresses(struct wire_writer *writer, const struct addr *addresses, size_t count)
{
    wire_put_array(writer, (uint32_t)count);
    for (size_t i = 0; i < count; i++) {
        uint8_t bytes[18];
        size_t len = wire_address_write(&addresses[i], bytes);
        wire_put_bin(writer, span_of(bytes, len));
    }
}

struct blob *statement_of_alive(const struct alive *alive, const struct key_pair *pair,
                                const struct sign_scope *scope)
{
    struct draft draft;
    struct alive check;
    assert(alive->address_count >= 1 && alive->address_count <= NODE_ADDRESSES_MAX);
    struct wire_writer *writer = draft_begin(&draft, STATEMENT_ALIVE, 9);
    put_key(writer, &alive->id);
    wire_put_uint(writer, alive->epoch);
    wire_put_uint(writer, alive->incarnation);
    wire_put_text(writer, alive->name);
    wire_put_text(writer, alive->zone);
    wire_put_text(writer, alive->http_url);
    put_addresses(writer, alive->addresses, alive->address_count);
    wire_put_uint(writer, alive->protocol_version);
    if (writer->overflowed || !statement_read_alive(draft_span(&draft), &check))
        return NULL;
    return draft_sign(&draft, STATEMENT_ALIVE, pair, scope);
}

struct blob *statement_of_left(const struct left *left, const struct key_pair *pair,
                               const struct sign_scope *scope)
{
    struct draft draft;
    struct left check;
    struct wire_writer *writer = draft_begin(&draft, STATEMENT_LEFT, 4);
    wire_put_uint(writer, left->tag);
    wire_put_uint(writer, left->epoch);
    wire_put_uint(writer, left->incarnation);
    if (writer->overflowed || !statement_read_left(draft_span(&draft), &check))
        return NULL;
    return draft_sign(&draft, STATEMENT_LEFT, pair, scope);
}

struct blob *statement_of_accusation(const struct accusation *accusation,
                                     const struct key_pair *pair, const struct sign_scope *scope)
{
    struct draft draft;
    struct accusation check;
    struct wire_writer *writer = draft_begin(&draft, STATEMENT_ACCUSATION, 6);
    wire_put_uint(writer, accusation->accuser);
    wire_put_uint(writer, accusation->subject);
    wire_put_uint(writer, accusation->epoch);
    wire_put_uint(writer, accusation->incarnation);
    wire_put_uint(writer, accusation->stamp);
    if (writer->overflowed || !statement_read_accusation(draft_span(&draft), &check))
        return NULL;
    return draft_sign(&draft, STATEMENT_ACCUSATION, pair, scope);
}

static void put_archetypes(struct wire_writer *writer, const struct peer_description *peer)
{
    assert(peer->archetype_count <= PEER_ARCHETYPES_MAX);
    wire_put_array(writer, (uint32_t)peer->archetype_count);
    for (size_t i = 0; i < peer->archetype_count; i++)
        wire_put_text(writer, peer->archetypes[i]);
}

static void put_peer_signature(struct wire_writer *writer, const struct peer_description *peer)
{
    if (peer->is_signed) {
        wire_put_uint(writer, peer->peer_version);
        wire_put_bin(writer, span_of(peer->peer_signature, sizeof peer->peer_signature));
    } else {
        wire_put_nil(writer);
        wire_put_nil(writer);
    }
}

struct blob *statement_of_record(const struct record *record, const struct key_pair *pair,
                                 const struct sign_scope *scope)
{
    struct draft draft;
    struct record check;
    struct wire_writer *writer = draft_begin(&draft, STATEMENT_RECORD, 15);
    wire_put_uint(writer, record->home);
    wire_put_uint(writer, record->epoch);
    wire_put_uint(writer, record->version);
    wire_put_text(writer, record->peer.peer_id);
    put_archetypes(writer, &record->peer);
    wire_put_text(writer, record->peer.address);
    wire_put_uint(writer, record->peer.port);
    wire_put_text(writer, record->peer.metadata);
    wire_put_uint(writer, record->peer.ttl_s);
    wire_put_uint(writer, record->seq);
    wire_put_uint(writer, record->registered_at_ms);
    put_token(writer, record->has_token, record->token_hash);
    put_peer_signature(writer, &record->peer);
    if (writer->overflowed || !statement_read_record(draft_span(&draft), &check))
        return NULL;
    return draft_sign(&draft, STATEMENT_RECORD, pair, scope);
}

struct blob *statement_of_deletion(const struct deletion *deletion, const struct key_pair *pair,
                                   const struct sign_scope *scope)
{
    struct draft draft;
    struct deletion check;
    struct wire_writer *writer = draft_begin(&draft, STATEMENT_DELETION, 9);
    wire_put_uint(writer, deletion->home);
    wire_put_uint(writer, deletion->epoch);
    wire_put_uint(writer, deletion->version);
    wire_put_text(writer, deletion->peer_id);
    wire_put_uint(writer, deletion->seq);
    wire_put_uint(writer, deletion->ttl_s);
    wire_put_uint(writer, deletion->reason);
    if (deletion->is_signed)
        wire_put_uint(writer, deletion->peer_version);
    else
        wire_put_nil(writer);
    if (writer->overflowed || !statement_read_deletion(draft_span(&draft), &check))
        return NULL;
    return draft_sign(&draft, STATEMENT_DELETION, pair, scope);
}

struct blob *statement_of_head(const struct head *head, const struct key_pair *pair,
                               const struct sign_scope *scope)
{
    struct draft draft;
    struct head check;
    struct wire_writer *writer = draft_begin(&draft, STATEMENT_HEAD, 7);
    wire_put_uint(writer, head->home);
    wire_put_uint(writer, head->epoch);
    wire_put_uint(writer, head->version);
    wire_put_uint(writer, head->live_count);
    wire_put_bin(writer, span_of(head->root.bytes, sizeof head->root.bytes));
    wire_put_uint(writer, head->wall_ms);
    if (writer->overflowed || !statement_read_head(draft_span(&draft), &check))
        return NULL;
    return draft_sign(&draft, STATEMENT_HEAD, pair, scope);
}

struct blob *statement_of_command(const struct command *command, const struct key_pair *pair,
                                  const struct sign_scope *scope)
{
    struct draft draft;
    struct command check;
    struct wire_writer *writer = draft_begin(&draft, STATEMENT_COMMAND, 7);
    wire_put_uint(writer, command->origin);
    wire_put_uint(writer, command->target);
    wire_put_uint(writer, command->request);
    wire_put_uint(writer, command->kind);
    wire_put_text(writer, command->peer_id);
    put_token(writer, command->has_token, command->token_hash);
    if (writer->overflowed || !statement_read_command(draft_span(&draft), &check))
        return NULL;
    return draft_sign(&draft, STATEMENT_COMMAND, pair, scope);
}

size_t statement_peer_bytes(const struct peer_description *peer, uint8_t *out, size_t capacity)
{
    struct wire_writer writer = {out, 0, capacity, false};
    wire_put_array(&writer, 8);
    wire_put_uint(&writer, STATEMENT_PEER);
    wire_put_text(&writer, peer->peer_id);
    wire_put_text(&writer, peer->address);
    wire_put_uint(&writer, peer->port);
    put_archetypes(&writer, peer);
    wire_put_text(&writer, peer->metadata);
    wire_put_uint(&writer, peer->ttl_s);
    wire_put_uint(&writer, peer->peer_version);
    return writer.overflowed ? 0 : writer.len;
}
