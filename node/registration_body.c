// SPDX-License-Identifier: Apache-2.0
/* registration_body.c - the JSON bodies that clients send, read strictly */
#include "node/registration_body.h"

#include <assert.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "crypto/hex.h"
#include "gossip/mem.h"
#include "node/json_scan.h"
#include "node/metadata_check.h"

static const char *const field_names[BODY_FIELDS] = {
    [BODY_PEER_ID] = "peer_id",
    [BODY_ADDRESS] = "address",
    [BODY_IP] = "ip",
    [BODY_PORT] = "port",
    [BODY_ARCHETYPES] = "archetypes",
    [BODY_METADATA] = "metadata",
    [BODY_TTL_SECONDS] = "ttl_seconds",
    [BODY_PUBLIC_KEY] = "public_key",
    [BODY_PEER_VERSION] = "peer_version",
    [BODY_SIGNATURE] = "signature",
};

#define KEY_ID_PREFIX "ed25519:"

__attribute__((format(printf, 3, 4))) static bool refuse(struct registration_body *body,
                                                         unsigned status, const char *format, ...)
{
    va_list arguments;

    va_start(arguments, format);
    vsnprintf(body->error, sizeof body->error, format, arguments);
    va_end(arguments);
    body->status = status;
    return false;
}

/* --- From text to values ------------------------------------------------------------------- */

#define KEY_MAX_BYTES 128 /* more than the longest of ours with each character escaped */

/* BODY_FIELDS: none that we know. */
static enum body_field field_of(struct span key)
{
    enum body_field field = 0;
    uint8_t room[KEY_MAX_BYTES];
    struct span name;

    if (key.len > sizeof room || !json_scan_text(key, room, &name))
        return BODY_FIELDS;
    while (field < BODY_FIELDS && !span_equal(name, span_of_text(field_names[field])))
        field++;
    return field;
}

static bool is_absent(const struct registration_body *body, enum body_field field)
{
    return body->values[field].len == 0;
}

/* Names the member that is to blame, if it is one of those we know. */
static bool refuse_text(struct registration_body *body)
{
    struct span key;
    size_t fault_at;

    if (json_scan_is_valid(body->text, &fault_at))
        return refuse(body, 400, "body: must be a JSON object");
    enum body_field field = json_scan_fault_key(body->text, &key) ? field_of(key) : BODY_FIELDS;
    return refuse(body, 400, "%s: not valid JSON in UTF-8 at byte %zu, or nested over %d deep",
                  field == BODY_FIELDS ? "body" : field_names[field], fault_at, JSON_DEPTH_MAX);
}

static bool members_read(struct registration_body *body)
{
    bool is_seen[BODY_FIELDS] = {false};
    struct json_members members;
    struct json_member member;

    if (body->text.len == 0)
        return refuse(body, 400, "body: missing; it must be a JSON object");
    if (!json_scan_members_begin(&members, body->text))
        return refuse_text(body);
    while (json_scan_members_next(&members, &member)) {
        enum body_field field = field_of(member.key);

        if (field == BODY_FIELDS)
            continue;
        if (is_seen[field])
            return refuse(body, 400, "%s: given twice", field_names[field]);
        is_seen[field] = true;
        if (!span_equal(member.value, span_of("null", 4)))
            body->values[field] = member.value;
    }
    return json_scan_members_ended(&members) || refuse_text(body);
}

/* --- From values to a registration --------------------------------------------------------- */

/* What a string says. Where it has escapes that is decoded into memory of the body's own: what all
 * of them together say is shorter than the body. */
static bool string_read(struct registration_body *body, struct span value, struct span *out)
{
    if (value.len > 0 && memchr(value.data, '\\', value.len) != NULL && body->room == NULL)
        body->room = mem_alloc(body->text.len);
    uint8_t *room = body->room == NULL ? NULL : body->room + body->room_used;
    if (!json_scan_text(value, room, out))
        return false;
    if (room != NULL && out->data == room)
        body->room_used += out->len;
    assert(body->room_used <= body->text.len);
    return true;
}

/* An absent one is the empty text. */
static bool text_read(struct registration_body *body, enum body_field field, struct span *out)
{
    *out = span_of("", 0);
    if (is_absent(body, field) || string_read(body, body->values[field], out))
        return true;
    return refuse(body, 400, "%s: must be a string", field_names[field]);
}

/* Digits alone, few enough for what we count. */
static bool digits_read(struct span text, uint64_t max, uint64_t *out)
{
    uint64_t number = 0;

    for (size_t i = 0; i < text.len; i++) {
        if (text.data[i] < '0' || text.data[i] > '9')
            return false;
        unsigned digit = text.data[i] - '0';
        if (number > (max - digit) / 10)
            return false;
        number = number * 10 + digit;
    }
    *out = number;
    return text.len > 0;
}

bool peer_id_is_fine(struct span peer_id)
{
    const struct peer_description peer = {
        .peer_id = peer_id,
        .address = span_of("-", 1),
        .ttl_s = PEER_TTL_MIN_S,
    };

    return statement_peer_check(&peer) == NULL;
}

static bool peer_id_read(struct registration_body *body)
{
    if (is_absent(body, BODY_PEER_ID))
        return refuse(body, 400, "peer_id: missing");
    if (!text_read(body, BODY_PEER_ID, &body->peer_id))
        return false;
    if (!peer_id_is_fine(body->peer_id))
        return refuse(body, 400,
                      "peer_id: must be 1 to %d bytes of UTF-8 without control characters, and a "
                      "valid key if it begins with " KEY_ID_PREFIX,
                      PEER_ID_MAX_BYTES);
    return true;
}

/* "8080" is as good as 8080: clients in the world send both. */
static bool port_read(struct registration_body *body, uint16_t *out)
{
    struct span digits = body->values[BODY_PORT];
    uint64_t port;

    if (digits.len == 0)
        return refuse(body, 400, "port: missing");
    if (digits.data[0] == '"' && !string_read(body, digits, &digits))
        digits.len = 0;
    if (!digits_read(digits, UINT16_MAX, &port))
        return refuse(body, 400, "port: must be a whole number from 0 to 65535");
    *out = (uint16_t)port;
    return true;
}

static bool archetypes_read(struct registration_body *body, struct peer_description *peer)
{
    struct json_members elements;
    struct span value;

    if (is_absent(body, BODY_ARCHETYPES))
        return true;
    if (!json_scan_elements_begin(&elements, body->values[BODY_ARCHETYPES]))
        return refuse(body, 400, "archetypes: must be an array of strings");
    while (json_scan_elements_next(&elements, &value)) {
        if (peer->archetype_count == PEER_ARCHETYPES_MAX)
            return refuse(body, 400, "archetypes: at most %d", PEER_ARCHETYPES_MAX);
        if (!string_read(body, value, &peer->archetypes[peer->archetype_count++]))
            return refuse(body, 400, "archetypes: must be an array of strings");
    }
    return true;
}

static bool metadata_read(struct registration_body *body, struct peer_description *peer)
{
    struct span metadata = body->values[BODY_METADATA];

    if (metadata.len == 0)
        return true;
    if (metadata.data[0] != '{')
        return refuse(body, 400, "metadata: must be an object");
    if (metadata.len > PEER_METADATA_MAX_BYTES)
        return refuse(body, 413, "metadata: at most %d bytes of JSON, not %zu",
                      PEER_METADATA_MAX_BYTES, metadata.len);
    const char *fault = metadata_check(metadata);
    if (fault != NULL)
        return refuse(body, 400, "metadata: %s", fault);
    peer->metadata = metadata;
    return true;
}

static bool ttl_read(struct registration_body *body, uint32_t default_ttl_s, uint32_t *out)
{
    uint64_t ttl_s = default_ttl_s;

    if (!is_absent(body, BODY_TTL_SECONDS) &&
        (!digits_read(body->values[BODY_TTL_SECONDS], PEER_TTL_MAX_S, &ttl_s) ||
         ttl_s < PEER_TTL_MIN_S))
        return refuse(body, 400, "ttl_seconds: must be a whole number from %d to %d",
                      PEER_TTL_MIN_S, PEER_TTL_MAX_S);
    *out = (uint32_t)ttl_s;
    return true;
}

static bool address_read(struct registration_body *body, const struct addr *from, struct span *out)
{
    struct span ip;

    if (!text_read(body, BODY_ADDRESS, out) || !text_read(body, BODY_IP, &ip))
        return false;
    if (out->len == 0)
        *out = ip.len > 0 ? ip : span_of_text(net_host_text(from, body->from));
    return true;
}

/* --- Self-certified peers ------------------------------------------------------------------ */

static bool public_key_read(struct registration_body *body)
{
    struct span key;
    size_t prefix = strlen(KEY_ID_PREFIX);

    if (!text_read(body, BODY_PUBLIC_KEY, &key))
        return false;
    if (key.len == 0)
        return true;
    struct span id = body->peer_id;
    if (id.len < prefix || memcmp(id.data, KEY_ID_PREFIX, prefix) != 0 ||
        !span_equal(key, span_of(id.data + prefix, id.len - prefix)))
        return refuse(body, 400, "public_key: must be the key in peer_id, " KEY_ID_PREFIX "<key>");
    return true;
}

static bool signature_read(struct registration_body *body, struct peer_description *peer)
{
    struct span version = body->values[BODY_PEER_VERSION];
    struct span signature;

    if (!public_key_read(body) || !text_read(body, BODY_SIGNATURE, &signature))
        return false;
    if (version.len == 0 && signature.len == 0)
        return true;
    if (!digits_read(version, INT64_MAX, &peer->peer_version) || peer->peer_version < 1)
        return refuse(body, 400, "peer_version: must be a whole number of at least 1");
    if (signature.len != 2 * (size_t)SIGN_BYTES ||
        !hex_decode((const char *)signature.data, signature.len, peer->peer_signature, SIGN_BYTES))
        return refuse(body, 400, "signature: must be %d hexadecimal digits", 2 * SIGN_BYTES);
    peer->is_signed = true;
    return true;
}

/* --- The two bodies ------------------------------------------------------------------------ */

static bool description_check(struct registration_body *body, const struct peer_description *peer)
{
    const char *field = statement_peer_check(peer);

    if (field == NULL)
        return true;
    if (strcmp(field, "peer_id") == 0)
        return refuse(body, 400, "peer_id: only a key's id may carry a signature");
    return refuse(body, 400, "%s: too long, empty, or with control characters", field);
}

bool registration_body_read(struct registration_body *body, struct span text,
                            uint32_t default_ttl_s, const struct addr *from)
{
    *body = (struct registration_body){.text = text};
    struct peer_description *peer = &body->registration.peer;

    if (!members_read(body) || !peer_id_read(body) || !address_read(body, from, &peer->address) ||
        !port_read(body, &peer->port) || !archetypes_read(body, peer) ||
        !metadata_read(body, peer) || !ttl_read(body, default_ttl_s, &peer->ttl_s) ||
        !signature_read(body, peer))
        return false;
    peer->peer_id = body->peer_id;
    return description_check(body, peer);
}

bool heartbeat_body_read(struct registration_body *body, struct span text)
{
    *body = (struct registration_body){.text = text};
    return members_read(body) && peer_id_read(body);
}

void registration_body_free(struct registration_body *body)
{
    mem_free(body->room);
    body->room = NULL;
}
