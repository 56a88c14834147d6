// SPDX-License-Identifier: Apache-2.0
/* samples.c - one well-formed example of everything that is signed, for tests to vary */
#include "tests/gossip/samples.h"

#include "crypto/hex.h"

#include <criterion/criterion.h>
#include <string.h>

struct key_pair sample_pair(uint8_t number)
{
    uint8_t seed[KEY_SEED_BYTES];
    struct key_pair pair;

    cr_assert(key_library_init());
    memset(seed, number, sizeof seed);
    key_pair_from_seed(seed, &pair);
    return pair;
}

struct sign_scope sample_scope(void)
{
    struct sign_scope scope;

    sign_scope_of("samples", &scope);
    return scope;
}

struct alive sample_alive(const struct key_pair *pair)
{
    return (struct alive){
        .id = pair->public,
        .epoch = 1000,
        .incarnation = 2,
        .name = span_of_text("node-a"),
        .zone = span_of_text("eu-1"),
        .http_url = span_of_text("http://192.0.2.1:4780"),
        .addresses = {{ADDR_IPV4, {192, 0, 2, 1}, 4747}},
        .address_count = 1,
        .protocol_version = PROTOCOL_VERSION,
    };
}

struct left sample_left(const struct key_pair *pair)
{
    return (struct left){node_tag(&pair->public), 1000, 3};
}

struct accusation sample_accusation(const struct key_pair *accuser, const struct key_pair *subject)
{
    return (struct accusation){node_tag(&accuser->public), node_tag(&subject->public), 1000, 2, 77};
}

struct record sample_record(const struct key_pair *home, const char *peer_id)
{
    return (struct record){
        .home = node_tag(&home->public),
        .epoch = 1000,
        .version = 17,
        .peer = {.peer_id = span_of_text(peer_id),
                 .archetypes = {span_of_text("pepino"), span_of_text("tomate")},
                 .archetype_count = 2,
                 .address = span_of_text("198.51.100.7"),
                 .port = 8080,
                 .metadata = span_of_text("{\"k\":[1,2]}"),
                 .ttl_s = 300},
        .seq = 5000,
        .registered_at_ms = 6000,
    };
}

struct deletion sample_deletion(const struct key_pair *home, const char *peer_id)
{
    return (struct deletion){
        .home = node_tag(&home->public),
        .epoch = 1000,
        .version = 18,
        .peer_id = span_of_text(peer_id),
        .seq = 5000,
        .ttl_s = 300,
        .reason = DELETE_EXPIRED,
    };
}

struct head sample_head(const struct key_pair *home)
{
    struct head head = {node_tag(&home->public), 1000, 18, 4, {{0}}, 7000};

    hash_of("sample", "root", 4, &head.root);
    return head;
}

struct command sample_command(const struct key_pair *origin, const struct key_pair *target,
                              const char *peer_id)
{
    return (struct command){
        .origin = node_tag(&origin->public),
        .target = node_tag(&target->public),
        .request = 99,
        .kind = COMMAND_HEARTBEAT,
        .peer_id = span_of_text(peer_id),
    };
}

struct peer_description sample_certified(const struct key_pair *peer,
                                         char text[SAMPLE_PEER_ID_SIZE])
{
    uint8_t bytes[STATEMENT_MAX_BYTES];

    memcpy(text, "ed25519:", 8);
    hex_encode(peer->public.bytes, KEY_PUBLIC_BYTES, text + 8, SAMPLE_PEER_ID_SIZE - 8);
    struct peer_description description = {
        .peer_id = span_of(text, SAMPLE_PEER_ID_SIZE - 1),
        .archetypes = {span_of_text("pepino")},
        .archetype_count = 1,
        .address = span_of_text("2001:db8::7"),
        .metadata = span_of_text("{\"k\":\"v\"}"),
        .ttl_s = 60,
        .is_signed = true,
        .peer_version = 5,
    };
    size_t len = statement_peer_bytes(&description, bytes, sizeof bytes);
    cr_assert_gt(len, 0U);
    sign_make(peer, NULL, SIGN_PEER, bytes, len, description.peer_signature);
    return description;
}

bool sample_read(enum statement_kind kind, struct span bytes)
{
    union {
        struct alive alive;
        struct left left;
        struct accusation accusation;
        struct record record;
        struct deletion deletion;
        struct head head;
        struct command command;
    } into;

    switch (kind) {
    case STATEMENT_ALIVE: return statement_read_alive(bytes, &into.alive);
    case STATEMENT_LEFT: return statement_read_left(bytes, &into.left);
    case STATEMENT_ACCUSATION: return statement_read_accusation(bytes, &into.accusation);
    case STATEMENT_RECORD: return statement_read_record(bytes, &into.record);
    case STATEMENT_DELETION: return statement_read_deletion(bytes, &into.deletion);
    case STATEMENT_HEAD: return statement_read_head(bytes, &into.head);
    case STATEMENT_COMMAND: return statement_read_command(bytes, &into.command);
    case STATEMENT_PEER: break;
    }
    return false;
}
