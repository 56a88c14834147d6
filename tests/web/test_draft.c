// SPDX-License-Identifier: Apache-2.0
/* test_draft.c - a draft is filled as JavaScript fills it, and says what the golden vectors say */
#include "clients/web/wasm/draft.h"

#include "crypto/hex.h"
#include "crypto/key.h"

#include <criterion/criterion.h>
#include <jansson.h>
#include <stdlib.h>
#include <string.h>

static struct draft draft;
static json_t *file;

static void load(const char *path)
{
    json_error_t error;

    file = json_load_file(path, 0, &error);
    cr_assert_not_null(file, "%s: %s (run from the top of the tree)", path, error.text);
}

static void stop(void)
{
    json_decref(file);
    file = NULL;
}

TestSuite(draft, .fini = stop);

/* As JavaScript does it: what does not fit the room is cut, and its full length told. */
static void put(enum draft_field field, const char *text)
{
    size_t len = strlen(text), room = draft_room_bytes(&draft);

    memcpy(draft_room(&draft), text, len < room ? len : room);
    draft_text(&draft, field, len);
}

static const char *string_of(const json_t *object, const char *name)
{
    return json_string_value(json_object_get(object, name));
}

static void fill(const json_t *fields)
{
    size_t i;
    json_t *archetype;
    const char *version = string_of(fields, "peer_version");

    draft_begin(&draft);
    put(DRAFT_PEER_ID, string_of(fields, "peer_id"));
    put(DRAFT_ADDRESS, string_of(fields, "address"));
    put(DRAFT_METADATA, string_of(fields, "metadata"));
    json_array_foreach(json_object_get(fields, "archetypes"), i, archetype)
        put(DRAFT_ARCHETYPE, json_string_value(archetype));
    draft_numbers(&draft, (uint32_t)json_integer_value(json_object_get(fields, "port")),
                  (uint32_t)json_integer_value(json_object_get(fields, "ttl_s")));
    if (version != NULL)
        draft_version(&draft, strtoull(version, NULL, 10));
}

static void body_is(const json_t *vector, size_t signed_len)
{
    const char *name = string_of(vector, "name");
    char hex[2 * SIGN_FRAMED_MAX + 1];

    cr_assert_gt(signed_len, DRAFT_FRAME_BYTES, "%s", name);
    cr_assert_arr_eq(draft.out, "aurora-v1:peer", DRAFT_FRAME_BYTES);
    hex_encode(draft.out + DRAFT_FRAME_BYTES, signed_len - DRAFT_FRAME_BYTES, hex, sizeof hex);
    cr_assert_str_eq(hex, string_of(vector, "body"), "%s", name);
}

Test(draft, peers_sign_the_bytes_of_the_vectors)
{
    size_t i;
    json_t *vector;

    load("tests/vectors/peers.json");
    json_array_foreach(json_object_get(file, "peers"), i, vector)
    {
        fill(json_object_get(vector, "fields"));
        body_is(vector, draft_encode(&draft));
    }
    cr_assert_geq(i, 3U);
}

Test(draft, what_a_node_takes_is_taken)
{
    size_t i;
    json_t *vector;

    load("tests/vectors/fields.json");
    json_array_foreach(json_object_get(file, "taken"), i, vector)
    {
        fill(json_object_get(vector, "fields"));
        cr_assert_null(draft_check(&draft), "%s", string_of(vector, "name"));
        if (!json_is_null(json_object_get(vector, "body")))
            body_is(vector, draft_encode(&draft));
    }
    cr_assert_geq(i, 50U);
}

Test(draft, what_a_node_refuses_is_refused_and_the_field_is_named)
{
    size_t i;
    json_t *vector;

    load("tests/vectors/fields.json");
    json_array_foreach(json_object_get(file, "refused"), i, vector)
    {
        fill(json_object_get(vector, "fields"));
        const char *field = draft_check(&draft);
        cr_assert_str_eq(field == NULL ? "" : field, string_of(vector, "field"), "%s",
                         string_of(vector, "name"));
        cr_assert_eq(draft_encode(&draft), 0U);
    }
    cr_assert_geq(i, 50U);
}

static char *giant(size_t len)
{
    char *text = malloc(len + 1);

    cr_assert_not_null(text);
    memset(text, 'x', len);
    text[len] = '\0';
    return text;
}

Test(draft, a_text_larger_than_all_its_room_is_refused_and_writes_nowhere_else)
{
    char *text = giant(100000);

    draft_begin(&draft);
    put(DRAFT_PEER_ID, "peer-1");
    put(DRAFT_ADDRESS, text);
    put(DRAFT_METADATA, text);
    draft_numbers(&draft, 1, 60);
    cr_assert_str_eq(draft_check(&draft), "address");
    cr_assert_eq(draft_encode(&draft), 0U);
    draft_begin(&draft);
    put(DRAFT_PEER_ID, "peer-1");
    put(DRAFT_ADDRESS, "h");
    draft_numbers(&draft, 1, 60);
    cr_assert_null(draft_check(&draft), "a new draft knows nothing of the one before");
    free(text);
}

Test(draft, each_field_fits_its_room_at_its_largest)
{
    char *text = giant(PEER_METADATA_MAX_BYTES);

    text[0] = '{';
    text[PEER_METADATA_MAX_BYTES - 1] = '}';
    draft_begin(&draft);
    put(DRAFT_METADATA, text);
    text[0] = 'x';
    text[PEER_ADDRESS_MAX_BYTES] = '\0';
    put(DRAFT_ADDRESS, text);
    text[PEER_ID_MAX_BYTES] = '\0';
    put(DRAFT_PEER_ID, text);
    text[PEER_ARCHETYPE_MAX_BYTES] = '\0';
    for (int i = 0; i < PEER_ARCHETYPES_MAX; i++)
        put(DRAFT_ARCHETYPE, text);
    draft_numbers(&draft, 65535, PEER_TTL_MAX_S);
    cr_assert_null(draft_check(&draft));
    free(text);
}

Test(draft, what_does_not_fit_a_statement_is_not_encoded)
{
    char *text = giant(PEER_ARCHETYPE_MAX_BYTES);

    load("tests/vectors/peers.json");
    fill(json_object_get(json_array_get(json_object_get(file, "peers"), 2), "fields"));
    cr_assert_gt(draft_encode(&draft), 0U);
    for (int i = 0; i < PEER_ARCHETYPES_MAX - 2; i++) {
        text[0] = (char)('a' + i);
        put(DRAFT_ARCHETYPE, text);
    }
    cr_assert_null(draft_check(&draft));
    cr_assert_eq(draft_encode(&draft), 0U);
    free(text);
}
