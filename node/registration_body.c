// SPDX-License-Identifier: Apache-2.0
/* registration_body.c - the JSON bodies that clients send, read strictly */
#include "node/registration_body.h"

#include <assert.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "crypto/hex.h"
#include "node/json_scan.h"

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

static enum body_field field_of(struct span key)
{
    enum body_field field = 0;

    while (field < BODY_FIELDS && !json_scan_equals(key, span_of_text(field_names[field])))
        field++;
    return field;
}

/* Metadata is only ever shown again as its text, so numbers may be as long as they like. */
static size_t flags_of(enum body_field field)
{
    return JSON_DECODE_ANY | JSON_REJECT_DUPLICATES |
           (field == BODY_METADATA ? JSON_DECODE_INT_AS_REAL | JSON_ALLOW_NUL : 0);
}

static bool value_read(struct registration_body *body, enum body_field field, struct span text)
{
    json_error_t error;
    json_t *value = json_loadb((const char *)text.data, text.len, flags_of(field), &error);

    if (value == NULL)
        return refuse(body, 400, "%s: %.100s", field_names[field], error.text);
    if (json_is_null(value)) {
        json_decref(value);
        return true;
    }
    body->values[field] = value;
    if (field == BODY_METADATA)
        body->metadata = text;
    return true;
}

/* Names the member that is to blame, if it is one of those we know. */
static bool refuse_text(struct registration_body *body, struct span text, size_t fault_at)
{
    struct span key;
    enum body_field field = json_scan_fault_key(text, &key) ? field_of(key) : BODY_FIELDS;

    return refuse(body, 400, "%s: not valid JSON in UTF-8 at byte %zu, or nested over %d deep",
                  field == BODY_FIELDS ? "body" : field_names[field], fault_at, JSON_DEPTH_MAX);
}

static bool members_read(struct registration_body *body, struct span text)
{
    bool is_seen[BODY_FIELDS] = {false};
    struct json_members members;
    struct json_member member;
    size_t fault_at;

    if (text.len == 0)
        return refuse(body, 400, "body: missing; it must be a JSON object");
    if (!json_scan_is_valid(text, &fault_at))
        return refuse_text(body, text, fault_at);
    if (!json_scan_members_begin(&members, text))
        return refuse(body, 400, "body: must be a JSON object");
    while (json_scan_members_next(&members, &member)) {
        enum body_field field = field_of(member.key);

        if (field == BODY_FIELDS)
            continue;
        if (is_seen[field])
            return refuse(body, 400, "%s: given twice", field_names[field]);
        is_seen[field] = true;
        if (!value_read(body, field, member.value))
            return false;
    }
    return true;
}

/* --- From values to a registration --------------------------------------------------------- */

static struct span span_of_value(const json_t *value)
{
    return span_of(json_string_value(value), json_string_length(value));
}

/* An absent one is the empty text. */
static bool text_read(struct registration_body *body, enum body_field field, struct span *out)
{
    const json_t *value = body->values[field];

    *out = span_of("", 0);
    if (value == NULL)
        return true;
    if (!json_is_string(value))
        return refuse(body, 400, "%s: must be a string", field_names[field]);
    *out = span_of_value(value);
    return true;
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
    if (body->values[BODY_PEER_ID] == NULL)
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
static bool port_of_text(struct span text, json_int_t *port)
{
    *port = 0;
    if (text.len == 0 || text.len > 5)
        return false;
    for (size_t i = 0; i < text.len; i++) {
        if (text.data[i] < '0' || text.data[i] > '9')
            return false;
        *port = *port * 10 + (text.data[i] - '0');
    }
    return true;
}

static bool port_read(struct registration_body *body, uint16_t *out)
{
    const json_t *value = body->values[BODY_PORT];
    json_int_t port = -1;

    if (value == NULL)
        return refuse(body, 400, "port: missing");
    if (json_is_integer(value))
        port = json_integer_value(value);
    else if (!json_is_string(value) || !port_of_text(span_of_value(value), &port))
        port = -1;
    if (port < 0 || port > 65535)
        return refuse(body, 400, "port: must be a whole number from 0 to 65535");
    *out = (uint16_t)port;
    return true;
}

static bool archetypes_read(struct registration_body *body, struct peer_description *peer)
{
    const json_t *list = body->values[BODY_ARCHETYPES];

    if (list == NULL)
        return true;
    if (!json_is_array(list))
        return refuse(body, 400, "archetypes: must be an array of strings");
    if (json_array_size(list) > PEER_ARCHETYPES_MAX)
        return refuse(body, 400, "archetypes: at most %d", PEER_ARCHETYPES_MAX);
    for (size_t i = 0; i < json_array_size(list); i++) {
        const json_t *value = json_array_get(list, i);

        if (!json_is_string(value))
            return refuse(body, 400, "archetypes: must be an array of strings");
        peer->archetypes[peer->archetype_count++] = span_of_value(value);
    }
    return true;
}

static bool metadata_read(struct registration_body *body, struct peer_description *peer)
{
    const json_t *value = body->values[BODY_METADATA];

    if (value == NULL)
        return true;
    if (!json_is_object(value))
        return refuse(body, 400, "metadata: must be an object");
    if (body->metadata.len > PEER_METADATA_MAX_BYTES)
        return refuse(body, 413, "metadata: at most %d bytes of JSON, not %zu",
                      PEER_METADATA_MAX_BYTES, body->metadata.len);
    peer->metadata = body->metadata;
    return true;
}

static bool ttl_read(struct registration_body *body, uint32_t default_ttl_s, uint32_t *out)
{
    const json_t *value = body->values[BODY_TTL_SECONDS];

    *out = default_ttl_s;
    if (value == NULL)
        return true;
    json_int_t ttl_s = json_integer_value(value); /* 0 when it is none */
    if (ttl_s < PEER_TTL_MIN_S || ttl_s > PEER_TTL_MAX_S)
        return refuse(body, 400, "ttl_seconds: must be a whole number from %d to %d",
                      PEER_TTL_MIN_S, PEER_TTL_MAX_S);
    *out = (uint32_t)ttl_s;
    return true;
}

static bool address_read(struct registration_body *body, struct span default_address,
                         struct span *out)
{
    struct span ip;

    if (!text_read(body, BODY_ADDRESS, out) || !text_read(body, BODY_IP, &ip))
        return false;
    if (out->len == 0)
        *out = ip.len > 0 ? ip : default_address;
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
    const json_t *version = body->values[BODY_PEER_VERSION];
    struct span signature;

    if (!public_key_read(body) || !text_read(body, BODY_SIGNATURE, &signature))
        return false;
    if (version == NULL && signature.len == 0)
        return true;
    if (!json_is_integer(version) || json_integer_value(version) < 1)
        return refuse(body, 400, "peer_version: must be a whole number of at least 1");
    if (signature.len != 2 * (size_t)SIGN_BYTES ||
        !hex_decode((const char *)signature.data, signature.len, peer->peer_signature, SIGN_BYTES))
        return refuse(body, 400, "signature: must be %d hexadecimal digits", 2 * SIGN_BYTES);
    peer->is_signed = true;
    peer->peer_version = (uint64_t)json_integer_value(version);
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
                            uint32_t default_ttl_s, struct span default_address)
{
    memset(body, 0, sizeof *body);
    struct peer_description *peer = &body->registration.peer;

    assert(default_address.len > 0);
    if (!members_read(body, text) || !peer_id_read(body) ||
        !address_read(body, default_address, &peer->address) || !port_read(body, &peer->port) ||
        !archetypes_read(body, peer) || !metadata_read(body, peer) ||
        !ttl_read(body, default_ttl_s, &peer->ttl_s) || !signature_read(body, peer))
        return false;
    peer->peer_id = body->peer_id;
    return description_check(body, peer);
}

bool heartbeat_body_read(struct registration_body *body, struct span text)
{
    memset(body, 0, sizeof *body);
    return members_read(body, text) && peer_id_read(body);
}

void registration_body_free(struct registration_body *body)
{
    for (size_t i = 0; i < BODY_FIELDS; i++)
        json_decref(body->values[i]);
}
