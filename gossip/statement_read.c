// SPDX-License-Identifier: Apache-2.0
/* statement_read.c - bounded decoding of what nodes say, and admitting what is properly signed. */
#include <assert.h>
#include <string.h>

#include "gossip/cursor.h"
#include "gossip/statement.h"
#include "gossip/text.h"
#include "gossip/wire.h"

/* A body being read: which elements are still to come. */
struct body {
    struct cursor cursor;
    uint32_t unknown; /* elements after those that this version knows */
};

/* `known` counts the kind, too. A longer array is of a later version: its tail is skipped. */
static struct body body_open(struct span bytes, enum statement_kind kind, uint32_t known)
{
    struct body body = {.cursor = cursor_of(bytes)};
    if (bytes.len <= STATEMENT_SIGNATURE_BYTES || bytes.len > STATEMENT_MAX_BYTES) {
        body.cursor.is_bad = true;
        body.cursor.rest.len = 0;
        return body;
    }
    body.cursor.rest =
        span_of(bytes.data + STATEMENT_SIGNATURE_BYTES, bytes.len - STATEMENT_SIGNATURE_BYTES);
    uint32_t count = cursor_array(&body.cursor);
    if (cursor_uint(&body.cursor) != kind || count < known)
        body.cursor.is_bad = true;
    else
        body.unknown = count - known;
    return body;
}

static bool body_close(struct body *body)
{
    for (; body->unknown > 0 && !body->cursor.is_bad; body->unknown--)
        cursor_skip(&body->cursor);
    return !body->cursor.is_bad && cursor_at_end(&body->cursor);
}

static void require(struct body *body, bool truth)
{
    if (!truth)
        body->cursor.is_bad = true;
}

static uint64_t read_tag(struct body *body)
{
    return cursor_uint(&body->cursor);
}

static uint64_t read_number(struct body *body, uint64_t min, uint64_t max)
{
    uint64_t number = cursor_uint(&body->cursor);
    require(body, number >= min && number <= max);
    return number;
}

static struct span read_text(struct body *body, size_t min_bytes, size_t max_bytes)
{
    struct span text = cursor_text(&body->cursor);
    require(body, text_is_clean(text, min_bytes, max_bytes));
    return text;
}

static void read_fixed_bin(struct body *body, uint8_t *out, size_t len)
{
    struct span bytes = cursor_bin(&body->cursor);
    require(body, bytes.len == len);
    if (bytes.len == len)
        memcpy(out, bytes.data, len);
}

static bool read_token(struct body *body, uint8_t hash[LEASE_TOKEN_HASH_BYTES])
{
    if (cursor_nil(&body->cursor))
        return false;
    read_fixed_bin(body, hash, LEASE_TOKEN_HASH_BYTES);
    return true;
}

enum statement_kind statement_kind_of(struct span bytes)
{
    if (bytes.len <= STATEMENT_SIGNATURE_BYTES || bytes.len > STATEMENT_MAX_BYTES)
        return 0;
    struct cursor cursor = cursor_of(
        span_of(bytes.data + STATEMENT_SIGNATURE_BYTES, bytes.len - STATEMENT_SIGNATURE_BYTES));
    cursor_array(&cursor);
    uint64_t kind = cursor_uint(&cursor);
    /* What a peer signs travels inside a record, never as a statement of its own. */
    return kind >= STATEMENT_ALIVE && kind <= STATEMENT_COMMAND ? (enum statement_kind)kind : 0;
}

static void read_addresses(struct body *body, struct alive *alive)
{
    uint32_t count = cursor_array(&body->cursor);
    require(body, count >= 1 && count <= NODE_ADDRESSES_MAX);
    for (uint32_t i = 0; i < count && !body->cursor.is_bad; i++)
        require(body, wire_address_read(cursor_bin(&body->cursor), &alive->addresses[i]));
    alive->address_count = body->cursor.is_bad ? 0 : count;
}

bool statement_read_alive(struct span bytes, struct alive *alive)
{
    *alive = (struct alive){0};
    struct body body = body_open(bytes, STATEMENT_ALIVE, 9);
    read_fixed_bin(&body, alive->id.bytes, sizeof alive->id.bytes);
    alive->epoch = read_number(&body, 1, STATEMENT_NUMBER_MAX);
    alive->incarnation = read_number(&body, 0, STATEMENT_NUMBER_MAX);
    alive->name = read_text(&body, 1, NODE_NAME_MAX_BYTES);
    alive->zone = read_text(&body, 0, NODE_ZONE_MAX_BYTES);
    alive->http_url = read_text(&body, 0, NODE_URL_MAX_BYTES);
    read_addresses(&body, alive);
    alive->protocol_version = read_number(&body, 1, STATEMENT_NUMBER_MAX);
    return body_close(&body);
}

bool statement_read_left(struct span bytes, struct left *left)
{
    *left = (struct left){0};
    struct body body = body_open(bytes, STATEMENT_LEFT, 4);
    left->tag = read_tag(&body);
    left->epoch = read_number(&body, 1, STATEMENT_NUMBER_MAX);
    left->incarnation = read_number(&body, 0, STATEMENT_NUMBER_MAX);
    return body_close(&body);
}

bool statement_read_accusation(struct span bytes, struct accusation *accusation)
{
    *accusation = (struct accusation){0};
    struct body body = body_open(bytes, STATEMENT_ACCUSATION, 6);
    accusation->accuser = read_tag(&body);
    accusation->subject = read_tag(&body);
    accusation->epoch = read_number(&body, 1, STATEMENT_NUMBER_MAX);
    accusation->incarnation = read_number(&body, 0, STATEMENT_NUMBER_MAX);
    accusation->stamp = read_number(&body, 0, STATEMENT_NUMBER_MAX);
    return body_close(&body);
}

static void read_archetypes(struct body *body, struct peer_description *peer)
{
    uint32_t count = cursor_array(&body->cursor);
    require(body, count <= PEER_ARCHETYPES_MAX);
    for (uint32_t i = 0; i < count && !body->cursor.is_bad; i++)
        peer->archetypes[i] = read_text(body, 1, PEER_ARCHETYPE_MAX_BYTES);
    peer->archetype_count = body->cursor.is_bad ? 0 : count;
}

/* Both or neither. */
static void read_peer_signature(struct body *body, struct peer_description *peer)
{
    bool has_version = !cursor_nil(&body->cursor);
    if (has_version)
        peer->peer_version = read_number(body, 0, STATEMENT_NUMBER_MAX);
    peer->is_signed = !cursor_nil(&body->cursor);
    if (peer->is_signed)
        read_fixed_bin(body, peer->peer_signature, sizeof peer->peer_signature);
    require(body, has_version == peer->is_signed);
}

bool statement_read_record(struct span bytes, struct record *record)
{
    *record = (struct record){0};
    struct body body = body_open(bytes, STATEMENT_RECORD, 15);
    record->home = read_tag(&body);
    record->epoch = read_number(&body, 1, STATEMENT_NUMBER_MAX);
    record->version = read_number(&body, 1, STATEMENT_NUMBER_MAX);
    record->peer.peer_id = cursor_text(&body.cursor);
    read_archetypes(&body, &record->peer);
    record->peer.address = cursor_text(&body.cursor);
    record->peer.port = (uint16_t)read_number(&body, 0, UINT16_MAX);
    record->peer.metadata = cursor_text(&body.cursor);
    record->peer.ttl_s = (uint32_t)read_number(&body, PEER_TTL_MIN_S, PEER_TTL_MAX_S);
    record->seq = read_number(&body, 0, STATEMENT_NUMBER_MAX);
    record->registered_at_ms = read_number(&body, 0, STATEMENT_NUMBER_MAX);
    record->has_token = read_token(&body, record->token_hash);
    read_peer_signature(&body, &record->peer);
    return body_close(&body) && statement_peer_check(&record->peer) == NULL;
}

bool statement_read_deletion(struct span bytes, struct deletion *deletion)
{
    *deletion = (struct deletion){0};
    struct body body = body_open(bytes, STATEMENT_DELETION, 9);
    deletion->home = read_tag(&body);
    deletion->epoch = read_number(&body, 1, STATEMENT_NUMBER_MAX);
    deletion->version = read_number(&body, 1, STATEMENT_NUMBER_MAX);
    deletion->peer_id = read_text(&body, 1, PEER_ID_MAX_BYTES);
    deletion->seq = read_number(&body, 0, STATEMENT_NUMBER_MAX);
    deletion->ttl_s = (uint32_t)read_number(&body, PEER_TTL_MIN_S, PEER_TTL_MAX_S);
    deletion->reason = read_number(&body, DELETE_EXPIRED, DELETE_MOVED);
    deletion->is_signed = !cursor_nil(&body.cursor);
    if (deletion->is_signed)
        deletion->peer_version = read_number(&body, 0, STATEMENT_NUMBER_MAX);
    return body_close(&body);
}

bool statement_read_head(struct span bytes, struct head *head)
{
    *head = (struct head){0};
    struct body body = body_open(bytes, STATEMENT_HEAD, 7);
    head->home = read_tag(&body);
    head->epoch = read_number(&body, 1, STATEMENT_NUMBER_MAX);
    head->version = read_number(&body, 0, STATEMENT_NUMBER_MAX);
    head->live_count = read_number(&body, 0, STATEMENT_NUMBER_MAX);
    read_fixed_bin(&body, head->root.bytes, sizeof head->root.bytes);
    head->wall_ms = read_number(&body, 0, STATEMENT_NUMBER_MAX);
    return body_close(&body);
}

bool statement_read_command(struct span bytes, struct command *command)
{
    *command = (struct command){0};
    struct body body = body_open(bytes, STATEMENT_COMMAND, 7);
    command->origin = read_tag(&body);
    command->target = read_tag(&body);
    command->request = read_tag(&body);
    command->kind = read_number(&body, COMMAND_HEARTBEAT, COMMAND_DEREGISTER);
    command->peer_id = read_text(&body, 1, PEER_ID_MAX_BYTES);
    command->has_token = read_token(&body, command->token_hash);
    return body_close(&body);
}

/* Up to the peer_id both kinds are alike. */
static struct span order_begin(struct cursor *cursor, enum statement_kind *kind, uint64_t *version)
{
    cursor_array(cursor);
    *kind = (enum statement_kind)cursor_uint(cursor);
    cursor_uint(cursor); /* home */
    cursor_uint(cursor); /* epoch */
    *version = cursor_uint(cursor);
    return cursor_text(cursor);
}

static struct cursor body_of(struct span bytes)
{
    assert(bytes.len > STATEMENT_SIGNATURE_BYTES);
    return cursor_of(
        span_of(bytes.data + STATEMENT_SIGNATURE_BYTES, bytes.len - STATEMENT_SIGNATURE_BYTES));
}

/* Behind the number that begins here. */
static const uint8_t *number_end(const uint8_t *at)
{
    static const uint8_t widths[] = {1, 2, 4, 8, 1, 2, 4, 8}; /* of 0xcc to 0xd3 */
    assert(*at < 0x80 || (*at >= 0xcc && *at <= 0xd3));
    return at + 1 + (*at < 0x80 ? 0 : widths[*at - 0xcc]);
}

/* Without a cursor, which would take most of the time of finding a peer among a million: every
 * comparison on the way there asks for one. Only of bytes that a cursor has been through. */
struct span statement_peer_id_of(struct span bytes)
{
    assert(bytes.len > STATEMENT_SIGNATURE_BYTES);
    const uint8_t *at = bytes.data + STATEMENT_SIGNATURE_BYTES;
    at += *at < 0xa0 ? 1 : *at == 0xdc ? 3 : 5; /* the array's header */
    for (int i = 0; i < 4; i++)                 /* kind, home, epoch, version */
        at = number_end(at);
    if (*at < 0xc0)
        return span_of(at + 1, *at & 0x1fu);
    size_t width = (size_t)1 << (*at - 0xd9), len = 0;
    assert(*at >= 0xd9 && *at <= 0xdb);
    for (size_t i = 1; i <= width; i++)
        len = len << 8 | at[i];
    assert(len <= (size_t)(bytes.data + bytes.len - at));
    return span_of(at + 1 + width, len);
}

bool statement_has_archetype(struct span bytes, struct span archetype)
{
    struct cursor cursor = body_of(bytes);
    enum statement_kind kind;
    uint64_t version;
    order_begin(&cursor, &kind, &version);
    assert(!cursor.is_bad && kind == STATEMENT_RECORD);
    for (uint32_t left = cursor_array(&cursor); left > 0; left--)
        if (span_equal(cursor_text(&cursor), archetype))
            return true;
    return false;
}

struct statement_order statement_order_of(struct span bytes)
{
    struct statement_order order = {0};
    struct cursor cursor = body_of(bytes);
    enum statement_kind kind;
    order.peer_id = order_begin(&cursor, &kind, &order.version);
    if (kind == STATEMENT_RECORD) {
        cursor_skip(&cursor); /* archetypes */
        cursor_text(&cursor); /* address */
        cursor_uint(&cursor); /* port */
        cursor_text(&cursor); /* metadata */
        order.ttl_s = (uint32_t)cursor_uint(&cursor);
        order.seq = cursor_uint(&cursor);
        order.registered_at_ms = cursor_uint(&cursor);
        cursor_skip(&cursor); /* token_hash */
    } else {
        order.seq = cursor_uint(&cursor);
        order.ttl_s = (uint32_t)cursor_uint(&cursor);
        cursor_uint(&cursor); /* reason */
    }
    order.is_signed = !cursor_nil(&cursor);
    order.peer_version = order.is_signed ? cursor_uint(&cursor) : 0;
    assert(!cursor.is_bad && (kind == STATEMENT_RECORD || kind == STATEMENT_DELETION));
    return order;
}

struct blob *statement_admit(struct blob_store *store, struct span bytes, enum statement_kind kind,
                             const struct key_public *signer, const struct sign_scope *scope)
{
    assert(kind >= STATEMENT_ALIVE && kind <= STATEMENT_COMMAND);
    if (statement_kind_of(bytes) != kind)
        return NULL;
    struct blob *blob = store == NULL ? NULL : blob_store_find(store, bytes, signer, scope);
    if (blob != NULL)
        return blob;
    const uint8_t *body = bytes.data + STATEMENT_SIGNATURE_BYTES;
    if (!sign_verify(signer, scope, (enum sign_domain)kind, body,
                     bytes.len - STATEMENT_SIGNATURE_BYTES, bytes.data))
        return NULL;
    blob = blob_new(bytes);
    if (store != NULL)
        blob_store_add(store, blob, signer, scope);
    return blob;
}

uint64_t node_tag(const struct key_public *id)
{
    uint64_t tag = 0;
    for (size_t i = 0; i < sizeof tag; i++)
        tag = tag << 8 | id->bytes[i];
    return tag;
}
