// SPDX-License-Identifier: Apache-2.0
/* test_statement.c - what is signed can be read everywhere, and nothing else is ever admitted */
#include "gossip/statement.h"

#include "gossip/prng.h"
#include "gossip/wire.h"
#include "tests/gossip/samples.h"
#include "tests/support/guard.h"

#include <criterion/criterion.h>

static struct key_pair home, other;
static struct sign_scope scope;

static void start(void)
{
    home = sample_pair(1);
    other = sample_pair(2);
    scope = sample_scope();
}

TestSuite(statement, .init = start);

static struct blob *make(enum statement_kind kind)
{
    struct alive alive = sample_alive(&home);
    struct left left = sample_left(&home);
    struct accusation accusation = sample_accusation(&home, &other);
    struct record record = sample_record(&home, "peer-1");
    struct deletion deletion = sample_deletion(&home, "peer-1");
    struct head head = sample_head(&home);
    struct command command = sample_command(&home, &other, "peer-1");

    switch (kind) {
    case STATEMENT_ALIVE: return statement_of_alive(&alive, &home, &scope);
    case STATEMENT_LEFT: return statement_of_left(&left, &home, &scope);
    case STATEMENT_ACCUSATION: return statement_of_accusation(&accusation, &home, &scope);
    case STATEMENT_RECORD: return statement_of_record(&record, &home, &scope);
    case STATEMENT_DELETION: return statement_of_deletion(&deletion, &home, &scope);
    case STATEMENT_HEAD: return statement_of_head(&head, &home, &scope);
    case STATEMENT_COMMAND: return statement_of_command(&command, &home, &scope);
    case STATEMENT_PEER: break;
    }
    return NULL;
}

#define EACH_KIND(kind)                         \
    enum statement_kind kind = STATEMENT_ALIVE; \
    kind <= STATEMENT_COMMAND;                  \
    kind++

/* --- Round trips
 * ----------------------------------------------------------------------------------- */

Test(statement, every_kind_is_read_by_its_reader_and_no_other)
{
    for (EACH_KIND(kind)) {
        struct blob *blob = make(kind);
        cr_assert_not_null(blob);
        cr_assert_eq(statement_kind_of(blob_span(blob)), kind);
        for (EACH_KIND(reader))
            cr_assert_eq(sample_read(reader, blob_span(blob)), reader == kind, "%d %d", kind,
                         reader);
        blob_release(blob);
    }
}

Test(statement, fields_come_back)
{
    struct record written = sample_record(&home, "peer-1"), read;
    struct alive alive;

    written.has_token = true;
    memset(written.token_hash, 7, sizeof written.token_hash);
    struct blob *blob = statement_of_record(&written, &home, &scope);
    cr_assert(statement_read_record(blob_span(blob), &read));
    cr_assert(read.home == written.home && read.epoch == 1000 && read.version == 17);
    cr_assert(read.seq == 5000 && read.registered_at_ms == 6000 && read.has_token);
    cr_assert_arr_eq(read.token_hash, written.token_hash, sizeof read.token_hash);
    cr_assert(span_equal(read.peer.peer_id, written.peer.peer_id));
    cr_assert_eq(read.peer.archetype_count, 2U);
    cr_assert(span_equal(read.peer.archetypes[1], span_of_text("tomate")));
    cr_assert(span_equal(read.peer.metadata, written.peer.metadata));
    cr_assert(read.peer.port == 8080 && read.peer.ttl_s == 300 && !read.peer.is_signed);
    blob_release(blob);

    blob = make(STATEMENT_ALIVE);
    cr_assert(statement_read_alive(blob_span(blob), &alive));
    struct alive sample = sample_alive(&home);
    cr_assert(alive.address_count == 1 && addr_equal(&alive.addresses[0], &sample.addresses[0]));
    cr_assert(span_equal(alive.http_url, sample.http_url));
    blob_release(blob);
}

/* What is read from the bytes when it is needed is what the readers, which check everything, say.
 */
Test(statement, order_is_what_the_readers_say)
{
    struct record record = sample_record(&home, "peer-1");
    struct deletion deletion = sample_deletion(&home, "peer-1");
    for (int i = 0; i < 8; i++) {
        record.has_token = i & 1;
        record.peer.archetype_count = i & 2 ? record.peer.archetype_count : 0;
        record.seq = i & 4 ? STATEMENT_NUMBER_MAX : 1;
        struct blob *blob = statement_of_record(&record, &home, &scope);
        struct statement_order order = statement_order_of(blob_span(blob));
        cr_assert(order.version == record.version && order.seq == record.seq);
        cr_assert(order.ttl_s == record.peer.ttl_s && !order.is_signed && order.peer_version == 0);
        cr_assert_eq(order.registered_at_ms, record.registered_at_ms);
        cr_assert(span_equal(order.peer_id, record.peer.peer_id));
        cr_assert(span_equal(statement_peer_id_of(blob_span(blob)), record.peer.peer_id));
        for (size_t k = 0; k < record.peer.archetype_count; k++)
            cr_assert(statement_has_archetype(blob_span(blob), record.peer.archetypes[k]));
        cr_assert_not(statement_has_archetype(blob_span(blob), span_of_text("none")));
        blob_release(blob);
    }
    for (int i = 0; i < 2; i++) {
        deletion.is_signed = i == 1;
        deletion.peer_version = i == 1 ? 77 : 0;
        struct blob *blob = statement_of_deletion(&deletion, &home, &scope);
        struct statement_order order = statement_order_of(blob_span(blob));
        cr_assert(order.version == deletion.version && order.seq == deletion.seq);
        cr_assert(order.ttl_s == deletion.ttl_s && order.is_signed == deletion.is_signed);
        cr_assert(order.peer_version == deletion.peer_version);
        cr_assert(span_equal(order.peer_id, deletion.peer_id));
        blob_release(blob);
    }
}

/* A writer emits the shortest encoding, but no reader insists. */
Test(statement, peer_id_is_found_behind_numbers_of_any_width)
{
    static const uint8_t headers[][5] = {{0x99}, {0xdc, 0, 9}, {0xdd, 0, 0, 0, 9}};
    static const uint8_t numbers[][9] = {{0x05},
                                         {0xcc, 5},
                                         {0xd0, 5},
                                         {0xcd, 0, 5},
                                         {0xd2, 0, 0, 0, 5},
                                         {0xcf, 0, 0, 0, 0, 0, 0, 0, 5},
                                         {0xd3, 0, 0, 0, 0, 0, 0, 0, 5}};
    static const size_t number_bytes[] = {1, 2, 2, 3, 5, 9, 9};
    static const uint8_t texts[][5] = {{0xa3}, {0xd9, 3}, {0xda, 0, 3}, {0xdb, 0, 0, 0, 3}};
    static const uint8_t rest[] = {1, 60, 1, 0xc0}; /* seq, ttl_s, reason, no peer_version */

    for (size_t i = 0; i < 3 * 7 * 4; i++) {
        uint8_t bytes[STATEMENT_SIGNATURE_BYTES + 64] = {0},
                                                  *at = bytes + STATEMENT_SIGNATURE_BYTES;
        size_t h = i % 3, n = i / 3 % 7, t = i / 21;
        struct deletion deletion;

        memcpy(at, headers[h], 2 * h + 1);
        at += 2 * h + 1;
        for (int k = 0; k < 4; k++, at += number_bytes[n]) /* 5 is a deletion's kind, too */
            memcpy(at, numbers[n], number_bytes[n]);
        memcpy(at, texts[t], t < 3 ? t + 1 : 5);
        at += t < 3 ? t + 1 : 5;
        memcpy(at, "abc", 3);
        memcpy(at + 3, rest, sizeof rest);
        struct span statement = span_of(bytes, (size_t)(at + 3 + sizeof rest - bytes));
        cr_assert(statement_read_deletion(statement, &deletion), "%zu", i);
        cr_assert(span_equal(deletion.peer_id, span_of_text("abc")));
        cr_assert(span_equal(statement_peer_id_of(statement), span_of_text("abc")), "%zu", i);
    }
}

Test(statement, tag_is_the_keys_first_eight_bytes)
{
    struct key_public id = {{0x01, 0x23, 0x45, 0x67, 0x89, 0xab, 0xcd, 0xef, 0xff}};

    cr_assert_eq(node_tag(&id), 0x0123456789abcdefU);
}

/* --- Signatures
 * ------------------------------------------------------------------------------------ */

Test(statement, admitted_only_with_its_signers_signature_in_its_cluster_and_kind)
{
    struct sign_scope elsewhere;

    sign_scope_of("elsewhere", &elsewhere);
    for (EACH_KIND(kind)) {
        struct blob *made = make(kind);
        struct span bytes = blob_span(made);
        struct blob *blob = statement_admit(NULL, bytes, kind, &home.public, &scope);
        cr_assert_not_null(blob);
        cr_assert(span_equal(blob_span(blob), bytes));
        cr_assert_null(statement_admit(NULL, bytes, kind, &other.public, &scope));
        cr_assert_null(statement_admit(NULL, bytes, kind, &home.public, &elsewhere));
        for (EACH_KIND(claimed))
            if (claimed != kind)
                cr_assert_null(statement_admit(NULL, bytes, claimed, &home.public, &scope));
        blob_release(blob);
        blob_release(made);
    }
}

Test(statement, signature_of_one_kind_is_void_in_another)
{
    struct blob *made = make(STATEMENT_HEAD);
    struct span bytes = blob_span(made);

    sign_make(&home, &scope, SIGN_LEFT, made->bytes + 64, made->len - 64, made->bytes);
    cr_assert_null(statement_admit(NULL, bytes, STATEMENT_HEAD, &home.public, &scope));
    cr_assert_null(statement_admit(NULL, bytes, STATEMENT_LEFT, &home.public, &scope),
                   "the signature is a LEFT's, the body is not");
    blob_release(made);
}

Test(statement, every_flipped_bit_is_noticed)
{
    struct blob *made = make(STATEMENT_ACCUSATION);

    for (size_t bit = 0; bit < 8 * (size_t)made->len; bit++) {
        made->bytes[bit / 8] ^= (uint8_t)(1u << bit % 8);
        cr_assert_null(
            statement_admit(NULL, blob_span(made), STATEMENT_ACCUSATION, &home.public, &scope));
        made->bytes[bit / 8] ^= (uint8_t)(1u << bit % 8);
    }
    blob_release(made);
}

Test(statement, store_shares_what_was_verified_and_only_that)
{
    struct blob_store *store = blob_store_new();
    struct blob *made = make(STATEMENT_RECORD);
    struct blob *first =
        statement_admit(store, blob_span(made), STATEMENT_RECORD, &home.public, &scope);
    struct blob *second =
        statement_admit(store, blob_span(made), STATEMENT_RECORD, &home.public, &scope);

    cr_assert(first != NULL && first == second && first != made);
    cr_assert_null(
        statement_admit(store, blob_span(made), STATEMENT_RECORD, &other.public, &scope));
    made->bytes[0] ^= 1;
    cr_assert_null(statement_admit(store, blob_span(made), STATEMENT_RECORD, &home.public, &scope));
    blob_release(first);
    blob_release(second);
    blob_release(made);
    blob_store_free(store);
}

/* --- Hostile bytes
 * ---------------------------------------------------------------------------------- */

Test(statement, cut_anywhere_is_malformed)
{
    for (EACH_KIND(kind)) {
        struct blob *made = make(kind);
        for (size_t len = 0; len < made->len; len++) {
            uint8_t *cut = guard_copy(made->bytes, len);
            for (EACH_KIND(reader))
                cr_assert_not(sample_read(reader, span_of(cut, len)), "%d at %zu", kind, len);
            statement_kind_of(span_of(cut, len));
            guard_free(cut, len);
        }
        blob_release(made);
    }
}

Test(statement, hostile_bytes_never_lead_past_the_end)
{
    static const uint8_t seed[32] = {5};
    static const uint8_t hostile[] = {0xff, 0xdd, 0xdf, 0xc6, 0xdb, 0xc9, 0xdc, 0x9f, 0xc1, 0x91};
    struct prng prng;

    prng_seed(&prng, seed);
    for (EACH_KIND(kind)) {
        struct blob *made = make(kind);
        uint8_t *bytes = guard_copy(made->bytes, made->len);
        for (int round = 0; round < 20000; round++) {
            size_t at = 64 + prng_below(&prng, made->len - 64);
            bytes[at] = hostile[prng_below(&prng, sizeof hostile)];
            sample_read(kind, span_of(bytes, made->len));
            if (prng_below(&prng, 3) == 0)
                memcpy(bytes, made->bytes, made->len);
        }
        guard_free(bytes, made->len);
        blob_release(made);
    }
}

/* What a later version appends is kept, and covered by the signature. */
Test(statement, unknown_trailing_elements_are_skipped_and_kept)
{
    uint8_t bytes[STATEMENT_MAX_BYTES];
    struct wire_writer writer = {bytes + 64, 0, sizeof bytes - 64, false};
    struct left read;

    wire_put_array(&writer, 6);
    for (uint64_t i = 2; i <= 5; i++)
        wire_put_uint(&writer, i);
    wire_put_text(&writer, span_of_text("later"));
    wire_put_array(&writer, 0);
    sign_make(&home, &scope, SIGN_LEFT, writer.data, writer.len, bytes);
    struct span statement = span_of(bytes, 64 + writer.len);
    cr_assert(statement_read_left(statement, &read));
    cr_assert(read.tag == 3 && read.epoch == 4 && read.incarnation == 5);
    struct blob *blob = statement_admit(NULL, statement, STATEMENT_LEFT, &home.public, &scope);
    cr_assert_not_null(blob);
    cr_assert(span_equal(blob_span(blob), statement));
    blob_release(blob);
}

/* --- Limits
 * ---------------------------------------------------------------------------------------- */

Test(statement, record_that_does_not_fit_is_not_made)
{
    struct record record = sample_record(&home, "peer-1");
    char text[PEER_METADATA_MAX_BYTES + 1];

    memset(text, 'x', sizeof text);
    text[0] = '{';
    text[PEER_METADATA_MAX_BYTES - 1] = '}';
    record.peer.metadata = span_of(text, PEER_METADATA_MAX_BYTES);
    struct blob *blob = statement_of_record(&record, &home, &scope);
    cr_assert_not_null(blob);
    blob_release(blob);
    record.peer.address = span_of(text + 1, 255);
    record.peer.peer_id = span_of(text + 1, 128);
    cr_assert_null(statement_peer_check(&record.peer), "each field alone is fine");
    cr_assert_null(statement_of_record(&record, &home, &scope));
}

Test(statement, number_that_readers_refuse_is_not_signed)
{
    struct head head = sample_head(&home);
    struct record record = sample_record(&home, "peer-1");
    struct alive alive = sample_alive(&home);

    head.version = STATEMENT_NUMBER_MAX + 1;
    cr_assert_null(statement_of_head(&head, &home, &scope));
    record.seq = UINT64_MAX;
    cr_assert_null(statement_of_record(&record, &home, &scope));
    alive.epoch = 0;
    cr_assert_null(statement_of_alive(&alive, &home, &scope));
}

/* --- Peers
 * ----------------------------------------------------------------------------------------- */

#define REFUSES(field, change)                                                \
    do {                                                                      \
        struct peer_description peer = sample_record(&home, "peer-1").peer;   \
        change;                                                               \
        const char *found = statement_peer_check(&peer);                      \
        cr_assert(found != NULL && strcmp(found, field) == 0, "%s", #change); \
    } while (0)

Test(statement, check_names_the_field_that_is_wrong)
{
    static char text[600];

    memset(text, 'a', sizeof text);
    struct peer_description bare = sample_record(&home, "peer-1").peer;
    cr_assert_null(statement_peer_check(&bare));
    bare.archetype_count = 0;
    bare.metadata.len = 0;
    bare.port = 0;
    cr_assert_null(statement_peer_check(&bare), "a browser tab has no port");
    REFUSES("peer_id", peer.peer_id.len = 0);
    REFUSES("peer_id", peer.peer_id = span_of(text, 129));
    REFUSES("peer_id", peer.peer_id = span_of_text("a\nb"));
    REFUSES("peer_id", peer.peer_id = span_of_text("ed25519:not-a-key"));
    REFUSES("peer_id", peer.is_signed = true);
    REFUSES("archetypes", peer.archetype_count = 17);
    REFUSES("archetypes", peer.archetypes[1].len = 0);
    REFUSES("archetypes", peer.archetypes[1] = span_of(text, 65));
    REFUSES("archetypes", peer.archetypes[1] = span_of_text("\x1b[2J"));
    REFUSES("address", peer.address.len = 0);
    REFUSES("address", peer.address = span_of(text, 256));
    REFUSES("address", peer.address = span_of_text("\xff"));
    REFUSES("metadata", peer.metadata = span_of_text("[1]"));
    REFUSES("metadata", peer.metadata = span_of_text("{\x01}"));
    text[0] = '{';
    text[512] = '}';
    REFUSES("metadata", peer.metadata = span_of(text, 513));
    REFUSES("ttl_seconds", peer.ttl_s = 9);
    REFUSES("ttl_seconds", peer.ttl_s = 86401);
}

Test(statement, key_is_read_only_from_its_one_spelling)
{
    char text[SAMPLE_PEER_ID_SIZE];
    struct peer_description peer = sample_certified(&other, text);
    struct key_public key;

    cr_assert(statement_peer_key(peer.peer_id, &key));
    cr_assert_arr_eq(key.bytes, other.public.bytes, KEY_PUBLIC_BYTES);
    peer.peer_id.len--;
    cr_assert_not(statement_peer_key(peer.peer_id, &key));
    peer.peer_id.len++;
    text[0] = 'E';
    cr_assert_not(statement_peer_key(peer.peer_id, &key));
    text[0] = 'e';
    text[20] = 'A';
    cr_assert_not(statement_peer_key(peer.peer_id, &key), "upper case");
    text[20] = 'g';
    cr_assert_not(statement_peer_key(peer.peer_id, &key));
}

Test(statement, certified_peer_is_believed_only_as_its_key_signed_it)
{
    char text[SAMPLE_PEER_ID_SIZE], another[SAMPLE_PEER_ID_SIZE];
    const struct peer_description peer = sample_certified(&other, text);
    struct peer_description changed = peer;

    cr_assert_null(statement_peer_check(&peer));
    cr_assert(statement_peer_verify(&peer));
    changed.port++;
    cr_assert_not(statement_peer_verify(&changed));
    changed = peer;
    changed.peer_version++;
    cr_assert_not(statement_peer_verify(&changed));
    changed = peer;
    changed.ttl_s++;
    cr_assert_not(statement_peer_verify(&changed));
    changed = peer;
    changed.metadata = span_of_text("{}");
    cr_assert_not(statement_peer_verify(&changed));
    changed = peer;
    changed.archetype_count = 0;
    cr_assert_not(statement_peer_verify(&changed));
    changed = peer;
    changed.is_signed = false;
    cr_assert_not(statement_peer_verify(&changed), "its id is a key: unsigned is void");
    changed = peer;
    changed.peer_id = sample_certified(&home, another).peer_id;
    cr_assert_not(statement_peer_verify(&changed));
}

Test(statement, peer_without_a_key_needs_no_signature)
{
    struct peer_description peer = sample_record(&home, "peer-1").peer;

    cr_assert(statement_peer_verify(&peer));
}

Test(statement, adopted_record_carries_the_peers_signature_unchanged)
{
    char text[SAMPLE_PEER_ID_SIZE];
    struct record record = sample_record(&home, "x"), read;

    record.peer = sample_certified(&other, text);
    struct blob *first = statement_of_record(&record, &home, &scope);
    cr_assert(statement_read_record(blob_span(first), &read));
    read.home = node_tag(&other.public);
    read.seq++;
    struct blob *second = statement_of_record(&read, &other, &scope);
    cr_assert(statement_read_record(blob_span(second), &read));
    cr_assert(statement_peer_verify(&read.peer));
    blob_release(first);
    blob_release(second);
}

Test(statement, peer_bytes_that_do_not_fit_are_refused)
{
    char text[SAMPLE_PEER_ID_SIZE];
    struct peer_description peer = sample_certified(&other, text);
    uint8_t bytes[200];
    size_t len = statement_peer_bytes(&peer, bytes, sizeof bytes);

    cr_assert_gt(len, 0U);
    cr_assert_eq(statement_peer_bytes(&peer, bytes, len), len);
    cr_assert_eq(statement_peer_bytes(&peer, bytes, len - 1), 0U);
}
