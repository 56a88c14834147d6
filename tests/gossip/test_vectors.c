// SPDX-License-Identifier: Apache-2.0
/* test_vectors.c - the bytes are those of tests/vectors, which another implementation made */
#include "crypto/hex.h"
#include "gossip/statement.h"
#include "gossip/wire.h"
#include "tests/gossip/samples.h"
#include "tests/support/guard.h"

#include <criterion/criterion.h>
#include <jansson.h>
#include <stdlib.h>
#include <string.h>

#define BYTES_MAX 2000

static json_t *file;
static struct key_pair pair;
static struct sign_scope scope;

/* --- Reading JSON
 * ---------------------------------------------------------------------------------- */

static json_t *get(const json_t *object, const char *name)
{
    json_t *value = json_object_get(object, name);

    cr_assert_not_null(value, "%s is missing", name);
    return value;
}

static const char *text_of(const json_t *object, const char *name)
{
    const char *text = json_string_value(get(object, name));

    cr_assert_not_null(text, "%s is no text", name);
    return text;
}

static size_t hex_into(const char *text, void *out, size_t capacity)
{
    size_t len = strlen(text) / 2;

    cr_assert(len <= capacity && hex_decode(text, strlen(text), out, len), "%s", text);
    return len;
}

static size_t bytes_of(const json_t *object, const char *name, void *out, size_t capacity)
{
    return hex_into(text_of(object, name), out, capacity);
}

static uint64_t number_of(const json_t *object, const char *name, int base)
{
    json_t *value = get(object, name);

    if (json_is_integer(value))
        return (uint64_t)json_integer_value(value);
    return strtoull(text_of(object, name), NULL, base);
}

#define NUMBER(name)  number_of(fields, name, 10)
#define TAG(name)     number_of(fields, name, 16)
#define TEXT(name)    span_of_text(text_of(fields, name))
#define IS_NULL(name) json_is_null(get(fields, name))

static void load(const char *name)
{
    char path[200];
    json_error_t error;

    cr_assert(key_library_init());
    snprintf(path, sizeof path, "tests/vectors/%s.json", name);
    file = json_load_file(path, 0, &error);
    cr_assert_not_null(file, "%s: %s (run from the top of the tree)", path, error.text);
}

static void load_pair(void)
{
    uint8_t seed[KEY_SEED_BYTES], public[KEY_PUBLIC_BYTES];

    bytes_of(file, "seed", seed, sizeof seed);
    bytes_of(file, "public_key", public, sizeof public);
    key_pair_from_seed(seed, &pair);
    cr_assert_arr_eq(pair.public.bytes, public, sizeof public);
}

static void stop(void)
{
    json_decref(file);
    file = NULL;
}

TestSuite(vectors, .fini = stop);

/* --- Fields to structs
 * ------------------------------------------------------------------------------ */

static struct alive alive_from(const json_t *fields)
{
    struct alive alive = {.epoch = NUMBER("epoch"),
                          .incarnation = NUMBER("incarnation"),
                          .name = TEXT("name"),
                          .zone = TEXT("zone"),
                          .http_url = TEXT("http_url"),
                          .protocol_version = NUMBER("protocol_version")};
    size_t i;
    json_t *address;

    bytes_of(fields, "id", alive.id.bytes, sizeof alive.id.bytes);
    json_array_foreach(get(fields, "addresses"), i, address)
    {
        uint8_t bytes[18];
        size_t len = hex_into(json_string_value(address), bytes, sizeof bytes);
        cr_assert(wire_address_read(span_of(bytes, len), &alive.addresses[i]));
        alive.address_count++;
    }
    return alive;
}

static struct peer_description peer_from(const json_t *fields)
{
    struct peer_description peer = {.peer_id = TEXT("peer_id"),
                                    .address = TEXT("address"),
                                    .port = (uint16_t)NUMBER("port"),
                                    .metadata = TEXT("metadata"),
                                    .ttl_s = (uint32_t)NUMBER("ttl_s")};
    size_t i;
    json_t *archetype;

    json_array_foreach(get(fields, "archetypes"), i, archetype)
    {
        if (i < PEER_ARCHETYPES_MAX)
            peer.archetypes[i] = span_of_text(json_string_value(archetype));
        peer.archetype_count++;
    }
    if (!IS_NULL("peer_version")) {
        peer.is_signed = true;
        peer.peer_version = NUMBER("peer_version");
    }
    return peer;
}

static bool token_from(const json_t *fields, uint8_t token[LEASE_TOKEN_HASH_BYTES])
{
    return !IS_NULL("token_hash") && bytes_of(fields, "token_hash", token, 16) == 16;
}

static struct record record_from(const json_t *fields)
{
    struct record record = {.home = TAG("home"),
                            .epoch = NUMBER("epoch"),
                            .version = NUMBER("version"),
                            .peer = peer_from(fields),
                            .seq = NUMBER("seq"),
                            .registered_at_ms = NUMBER("registered_at_ms")};

    record.has_token = token_from(fields, record.token_hash);
    if (record.peer.is_signed)
        bytes_of(fields, "peer_signature", record.peer.peer_signature, SIGN_BYTES);
    return record;
}

static struct deletion deletion_from(const json_t *fields)
{
    struct deletion deletion = {.home = TAG("home"),
                                .epoch = NUMBER("epoch"),
                                .version = NUMBER("version"),
                                .peer_id = TEXT("peer_id"),
                                .seq = NUMBER("seq"),
                                .ttl_s = (uint32_t)NUMBER("ttl_s"),
                                .reason = NUMBER("reason"),
                                .is_signed = !IS_NULL("peer_version")};

    if (deletion.is_signed)
        deletion.peer_version = NUMBER("peer_version");
    return deletion;
}

static struct head head_from(const json_t *fields)
{
    struct head head = {.home = TAG("home"),
                        .epoch = NUMBER("epoch"),
                        .version = NUMBER("version"),
                        .live_count = NUMBER("live_count"),
                        .wall_ms = NUMBER("wall_ms")};

    bytes_of(fields, "root", head.root.bytes, sizeof head.root.bytes);
    return head;
}

static struct command command_from(const json_t *fields)
{
    struct command command = {.origin = TAG("origin"),
                              .target = TAG("target"),
                              .request = NUMBER("request"),
                              .kind = NUMBER("kind"),
                              .peer_id = TEXT("peer_id")};

    command.has_token = token_from(fields, command.token_hash);
    return command;
}

static enum statement_kind kind_named(const char *name)
{
    static const char *const names[] = {"alive",    "left", "accusation", "record",
                                        "deletion", "head", "command"};

    for (size_t i = 0; i < sizeof names / sizeof names[0]; i++) {
        if (strcmp(name, names[i]) == 0)
            return (enum statement_kind)(i + 1);
    }
    return (enum statement_kind)0;
}

static struct left left_from(const json_t *fields)
{
    return (struct left){TAG("tag"), NUMBER("epoch"), NUMBER("incarnation")};
}

static struct accusation accusation_from(const json_t *fields)
{
    return (struct accusation){TAG("accuser"), TAG("subject"), NUMBER("epoch"),
                               NUMBER("incarnation"), NUMBER("stamp")};
}

#define ENCODE(noun)                                      \
    do {                                                  \
        struct noun noun = noun##_from(fields);           \
        return statement_of_##noun(&noun, &pair, &scope); \
    } while (0)

static struct blob *encode(enum statement_kind kind, const json_t *fields)
{
    switch (kind) {
    case STATEMENT_ALIVE: ENCODE(alive);
    case STATEMENT_LEFT: ENCODE(left);
    case STATEMENT_ACCUSATION: ENCODE(accusation);
    case STATEMENT_RECORD: ENCODE(record);
    case STATEMENT_DELETION: ENCODE(deletion);
    case STATEMENT_HEAD: ENCODE(head);
    case STATEMENT_COMMAND: ENCODE(command);
    case STATEMENT_PEER: break;
    }
    return NULL;
}

#define ENCODE_AGAIN(noun)                                                 \
    do {                                                                   \
        struct noun noun;                                                  \
        bool is_read = statement_read_##noun(bytes, &noun);                \
        return is_read ? statement_of_##noun(&noun, &pair, &scope) : NULL; \
    } while (0)

/* What is read, signed again as it was read: the shortest form of the same statement. */
static struct blob *encode_again(enum statement_kind kind, struct span bytes)
{
    switch (kind) {
    case STATEMENT_ALIVE: ENCODE_AGAIN(alive);
    case STATEMENT_LEFT: ENCODE_AGAIN(left);
    case STATEMENT_ACCUSATION: ENCODE_AGAIN(accusation);
    case STATEMENT_RECORD: ENCODE_AGAIN(record);
    case STATEMENT_DELETION: ENCODE_AGAIN(deletion);
    case STATEMENT_HEAD: ENCODE_AGAIN(head);
    case STATEMENT_COMMAND: ENCODE_AGAIN(command);
    case STATEMENT_PEER: break;
    }
    return NULL;
}

/* --- Statements
 * -------------------------------------------------------------------------------------- */

static size_t statement_bytes(const json_t *vector, uint8_t *out)
{
    size_t len = bytes_of(vector, "signature", out, SIGN_BYTES);

    return len + bytes_of(vector, "body", out + len, BYTES_MAX - len);
}

static void load_statements(void)
{
    uint8_t expected[SIGN_SCOPE_BYTES];

    load("statements");
    load_pair();
    sign_scope_of(text_of(file, "cluster"), &scope);
    bytes_of(file, "scope", expected, sizeof expected);
    cr_assert_arr_eq(scope.bytes, expected, sizeof expected);
    cr_assert_eq(node_tag(&pair.public), number_of(file, "tag", 16));
}

Test(vectors, statements_are_encoded_to_the_same_bytes, .init = load_statements)
{
    size_t i;
    json_t *vector;

    json_array_foreach(get(file, "statements"), i, vector)
    {
        uint8_t bytes[BYTES_MAX];
        size_t len = statement_bytes(vector, bytes);
        const char *name = text_of(vector, "name");
        struct blob *made = encode(kind_named(text_of(vector, "kind")), get(vector, "fields"));
        cr_assert_not_null(made, "%s", name);
        bool is_same = span_equal(blob_span(made), span_of(bytes, len));
        cr_assert_eq(is_same, json_is_true(get(vector, "is_encoding")), "%s", name);
        blob_release(made);
    }
    cr_assert_gt(i, 20U);
}

Test(vectors, statements_are_admitted_and_read, .init = load_statements)
{
    size_t i;
    json_t *vector;

    json_array_foreach(get(file, "statements"), i, vector)
    {
        uint8_t bytes[BYTES_MAX];
        size_t len = statement_bytes(vector, bytes);
        uint8_t *guarded = guard_copy(bytes, len);
        struct span statement = span_of(guarded, len);
        const char *name = text_of(vector, "name");
        enum statement_kind kind = kind_named(text_of(vector, "kind"));
        struct blob *blob = statement_admit(NULL, statement, kind, &pair.public, &scope);
        struct blob *again = encode_again(kind, statement);
        struct blob *expected = encode(kind, get(vector, "fields"));
        cr_assert(blob != NULL && again != NULL && expected != NULL, "%s", name);
        cr_assert(span_equal(blob_span(again), blob_span(expected)), "%s", name);
        blob_release(blob);
        blob_release(again);
        blob_release(expected);
        guard_free(guarded, len);
    }
}

Test(vectors, bad_statements_are_refused, .init = load_statements)
{
    size_t i;
    json_t *vector;

    json_array_foreach(get(file, "bad"), i, vector)
    {
        uint8_t bytes[BYTES_MAX] = {0};
        size_t len =
            SIGN_BYTES + bytes_of(vector, "body", bytes + SIGN_BYTES, BYTES_MAX - SIGN_BYTES);
        uint8_t *guarded = guard_copy(bytes, len);
        const char *kind = text_of(vector, "kind");
        for (enum statement_kind k = STATEMENT_ALIVE; k <= STATEMENT_COMMAND; k++) {
            if (strcmp(kind, "any") == 0 || k == kind_named(kind))
                cr_assert_not(sample_read(k, span_of(guarded, len)), "%s", text_of(vector, "name"));
        }
        statement_kind_of(span_of(guarded, len));
        guard_free(guarded, len);
    }
    cr_assert_gt(i, 50U);
}

/* --- Peers
 * ------------------------------------------------------------------------------------------- */

static void load_peers(void)
{
    load("peers");
    load_pair();
}

Test(vectors, peers_sign_the_same_bytes, .init = load_peers)
{
    size_t i;
    json_t *vector;

    json_array_foreach(get(file, "peers"), i, vector)
    {
        uint8_t expected[BYTES_MAX], bytes[BYTES_MAX], signature[SIGN_BYTES];
        const char *name = text_of(vector, "name");
        struct peer_description peer = peer_from(get(vector, "fields"));
        size_t len = bytes_of(vector, "body", expected, sizeof expected);
        bytes_of(vector, "signature", peer.peer_signature, SIGN_BYTES);
        cr_assert_eq(statement_peer_bytes(&peer, bytes, sizeof bytes), len, "%s", name);
        cr_assert_arr_eq(bytes, expected, len, "%s", name);
        sign_make(&pair, NULL, SIGN_PEER, bytes, len, signature);
        cr_assert_arr_eq(signature, peer.peer_signature, SIGN_BYTES, "%s", name);
        cr_assert_null(statement_peer_check(&peer), "%s", name);
        cr_assert(statement_peer_verify(&peer), "%s", name);
    }
    cr_assert_gt(i, 2U);
}

Test(vectors, bad_peer_signatures_do_not_verify, .init = load_peers)
{
    size_t i;
    json_t *vector;

    json_array_foreach(get(file, "bad"), i, vector)
    {
        struct peer_description peer = peer_from(get(vector, "fields"));
        bytes_of(vector, "signature", peer.peer_signature, SIGN_BYTES);
        cr_assert_not(statement_peer_verify(&peer), "%s", text_of(vector, "name"));
    }
    cr_assert_gt(i, 4U);
}

static void load_fields(void)
{
    load("fields");
}

Test(vectors, what_may_be_registered_is_taken, .init = load_fields)
{
    size_t i;
    json_t *vector;

    json_array_foreach(get(file, "taken"), i, vector)
    {
        uint8_t expected[BYTES_MAX], bytes[BYTES_MAX];
        const char *name = text_of(vector, "name");
        struct peer_description peer = peer_from(get(vector, "fields"));
        cr_assert_null(statement_peer_check(&peer), "%s: %s", name, statement_peer_check(&peer));
        if (json_is_null(get(vector, "body")))
            continue;
        size_t len = bytes_of(vector, "body", expected, sizeof expected);
        statement_peer_unique(&peer);
        cr_assert_eq(statement_peer_bytes(&peer, bytes, sizeof bytes), len, "%s", name);
        cr_assert_arr_eq(bytes, expected, len, "%s", name);
    }
    cr_assert_gt(i, 50U);
}

/* A port over 65535 has no place in a description: whoever reads one refuses it (the draft of the
 * browser's client, the node's body). */
Test(vectors, what_may_not_be_registered_is_refused, .init = load_fields)
{
    size_t i;
    json_t *vector;

    json_array_foreach(get(file, "refused"), i, vector)
    {
        struct peer_description peer = peer_from(get(vector, "fields"));
        const char *field = text_of(vector, "field");
        const char *found = statement_peer_check(&peer);
        if (strcmp(field, "port") != 0)
            cr_assert_str_eq(found == NULL ? "" : found, field, "%s", text_of(vector, "name"));
    }
    cr_assert_gt(i, 50U);
}

/* --- Packets
 * ----------------------------------------------------------------------------------------- */

static void load_packets(void)
{
    load("packets");
}

/* Reads a packet and writes what it read; false: refused. */
static bool read_and_write(struct span plain, struct wire_writer *writer)
{
    struct wire_reader reader;
    struct wire_header header;
    struct wire_message message;

    if (!wire_read_header(&reader, plain, &header))
        return false;
    wire_write_header(writer, &header);
    for (;;) {
        switch (wire_read_next(&reader, &message)) {
        case WIRE_NEXT_MESSAGE: cr_assert(wire_write_message(writer, &message)); break;
        case WIRE_NEXT_SKIPPED: break;
        case WIRE_NEXT_END: return true;
        case WIRE_NEXT_BAD: return false;
        }
    }
}

static bool packet_is_read(const json_t *vector, bool *is_same)
{
    uint8_t bytes[BYTES_MAX], out[BYTES_MAX];
    size_t len = bytes_of(vector, "plain", bytes, sizeof bytes);
    uint8_t *plain = guard_copy(bytes, len);
    struct wire_writer writer = {out, 0, sizeof out, false};
    bool is_read = read_and_write(span_of(plain, len), &writer);

    *is_same = span_equal(span_of(out, writer.len), span_of(plain, len));
    guard_free(plain, len);
    return is_read;
}

Test(vectors, packets_are_read_and_written_to_the_same_bytes, .init = load_packets)
{
    size_t i;
    json_t *vector;
    bool is_same;

    json_array_foreach(get(file, "packets"), i, vector)
    {
        const char *name = text_of(vector, "name");
        cr_assert(packet_is_read(vector, &is_same), "%s", name);
        cr_assert_eq(is_same, json_is_true(get(vector, "is_encoding")), "%s", name);
    }
    cr_assert_geq(i, (size_t)WIRE_TYPES - 1);
}

Test(vectors, bad_packets_are_refused, .init = load_packets)
{
    size_t i;
    json_t *vector;
    bool is_same;

    json_array_foreach(get(file, "bad"), i, vector)
    {
        cr_assert_not(packet_is_read(vector, &is_same), "%s", text_of(vector, "name"));
    }
    cr_assert_gt(i, 100U);
}
