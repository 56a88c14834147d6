// SPDX-License-Identifier: Apache-2.0
/* test_lease.c - a lease at its home: made, renewed, ended; nothing of it costs gossip but what
 * must */
#include "gossip/lease.h"

#include <criterion/criterion.h>
#include <stdio.h>
#include <string.h>

#include "tests/gossip/lone.h"

static const uint8_t token[LEASE_TOKEN_HASH_BYTES] = {1, 2, 3};
static const uint8_t other_token[LEASE_TOKEN_HASH_BYTES] = {9};

static uint64_t own_version(const struct lone *lone)
{
    return lone->core->registry.own->applied;
}

Test(lease, registration_is_answered_with_its_record)
{
    struct lone *lone = lone_new(NULL);
    struct gossip_reply reply = lone_register_id(lone, "printer", 60);
    struct record record;
    cr_assert_eq(reply.result, RESULT_OK);
    cr_assert_eq(reply.expires_in_ms, 60000U);
    cr_assert_eq(reply.wall_ms, lone->now.wall_ms);
    cr_assert(statement_read_record(blob_span(reply.record), &record));
    cr_assert_eq(record.home, lone->core->tag);
    cr_assert_eq(record.version, 1U);
    cr_assert_eq(record.seq, lone->now.wall_ms);
    cr_assert(lone_sees(lone, "printer"));
    const struct gossip_event *up = lone_last(lone, GOSSIP_EVENT_PEER_UP);
    cr_assert_eq(up->peer.expires_in_ms, 60000U, "%lu", (unsigned long)up->peer.expires_in_ms);
    lone_free(lone);
}

Test(lease, nothing_is_registered_before_the_first_sync)
{
    struct gossip_config config;
    lone_config(&config);
    config.seeds[0] = (struct addr){.family = ADDR_IPV4, .ip = {127, 0, 0, 2}, .port = 4747};
    config.seed_count = 1;
    struct lone *lone = lone_make(&config);
    cr_assert_eq(lone_register_id(lone, "a", 60).result, RESULT_NOT_READY);
    cr_assert_eq(lone_heartbeat(lone, "a", NULL).result, RESULT_NOT_READY);
    cr_assert_eq(lone_deregister(lone, "a", NULL).result, RESULT_NOT_READY);
    lone_run_for(lone, 2 * JOIN_ALONE_MS);
    cr_assert_eq(lone_register_id(lone, "a", 60).result, RESULT_OK);
    lone_free(lone);
}

Test(lease, who_leaves_takes_no_leases)
{
    struct lone *lone = lone_new(NULL);
    lone_register_id(lone, "a", 60);
    gossip_leave(lone->core, lone->now);
    cr_assert_eq(lone_register_id(lone, "b", 60).result, RESULT_LEAVING);
    cr_assert_eq(lone_heartbeat(lone, "a", NULL).result, RESULT_LEAVING);
    lone_free(lone);
}

Test(lease, heartbeat_costs_no_gossip)
{
    struct lone *lone = lone_new(NULL);
    lone_register_id(lone, "a", 60);
    lone_run_for(lone, 10000);
    uint64_t version = own_version(lone), signatures = lone->core->stats.signatures_made;
    lone_forget(lone);
    for (int i = 0; i < 100; i++) {
        lone_run_for(lone, 30000);
        struct gossip_reply reply = lone_heartbeat(lone, "a", NULL);
        cr_assert_eq(reply.result, RESULT_OK);
        cr_assert_eq(reply.expires_in_ms, 60000U);
    }
    cr_assert_eq(own_version(lone), version);
    cr_assert_eq(lone->core->stats.signatures_made, signatures);
    cr_assert_eq(lone->packet_count, 0U);
    cr_assert_eq(lone_count(lone, GOSSIP_EVENT_HEARTBEAT), 100U);
    cr_assert_eq(lone_last(lone, GOSSIP_EVENT_HEARTBEAT)->heartbeat.expires_in_ms, 60000U);
    cr_assert_eq(lone_count(lone, GOSSIP_EVENT_PEER_DOWN), 0U);
    lone_free(lone);
}

Test(lease, expiry_is_a_delete_with_its_reason)
{
    struct lone *lone = lone_new(NULL);
    lone_register_id(lone, "a", 60);
    uint64_t seq = lone_record(lone, "a").seq;
    lone_run_for(lone, 59999);
    cr_assert(lone_sees(lone, "a"));
    lone_run_for(lone, 1);
    cr_assert_not(lone_sees(lone, "a"));
    cr_assert_eq(lone_last(lone, GOSSIP_EVENT_PEER_DOWN)->peer.reason, PEER_DOWN_EXPIRED);
    cr_assert_eq(lone_count(lone, GOSSIP_EVENT_LEASE_END), 1U);
    struct gossip_peer_info info;
    struct deletion deletion;
    cr_assert(gossip_peer_find(lone->core, span_of_text("a"), &info));
    cr_assert(statement_read_deletion(blob_span(info.record), &deletion));
    cr_assert_eq(deletion.reason, DELETE_EXPIRED);
    cr_assert_eq(deletion.seq, seq);
    cr_assert_eq(deletion.ttl_s, 60U);
    cr_assert_eq(deletion.version, 2U);
    cr_assert_eq(lone_heartbeat(lone, "a", NULL).result, RESULT_UNKNOWN_PEER);
    lone_free(lone);
}

Test(lease, wall_clock_does_not_end_a_lease)
{
    struct lone *lone = lone_new(NULL);
    lone_register_id(lone, "a", 60);
    lone->now.wall_ms += 3600 * 1000;
    lone_run_for(lone, 30000);
    cr_assert(lone_sees(lone, "a"));
    lone->now.wall_ms -= 7200 * 1000;
    lone_run_for(lone, 29000);
    cr_assert(lone_sees(lone, "a"));
    cr_assert_eq(lone_heartbeat(lone, "a", NULL).result, RESULT_OK);
    lone_free(lone);
}

Test(lease, identical_registration_renews_and_costs_no_gossip)
{
    struct lone *lone = lone_new(NULL);
    struct gossip_registration registration = lone_registration("a", 60);
    registration.has_token = true;
    memcpy(registration.token_hash, token, sizeof token);
    registration.has_shown = true;
    memcpy(registration.shown_hash, token, sizeof token);
    cr_assert_eq(lone_register(lone, &registration).result, RESULT_OK);
    lone_run_for(lone, 50000);
    struct gossip_reply reply = lone_register(lone, &registration);
    cr_assert_eq(reply.result, RESULT_OK);
    cr_assert_eq(reply.expires_in_ms, 60000U);
    cr_assert_not_null(reply.record);
    cr_assert_eq(own_version(lone), 1U);
    lone_run_for(lone, 50000);
    cr_assert(lone_sees(lone, "a"));
    lone_free(lone);
}

Test(lease, changed_registration_is_the_next_act)
{
    struct lone *lone = lone_new(NULL);
    lone_register_id(lone, "a", 60);
    uint64_t seq = lone_record(lone, "a").seq;
    struct gossip_registration changed = lone_registration("a", 90);
    changed.peer.port = 9;
    lone_forget(lone);
    gossip_register(lone->core, lone->now, 99, &changed);
    lone_drain(lone);
    cr_assert_eq(lone_record(lone, "a").seq, seq + 1, "in the same millisecond");
    cr_assert_eq(lone_record(lone, "a").version, 2U);
    cr_assert_eq(lone_record(lone, "a").peer.port, 9U);
    cr_assert_eq(lone->core->leases.count, 1U);
    const struct gossip_event *update = lone_last(lone, GOSSIP_EVENT_PEER_UPDATE);
    cr_assert_eq(update->peer.expires_in_ms, 90000U);
    lone_run_for(lone, 89999);
    cr_assert(lone_sees(lone, "a"));
    lone_run_for(lone, 1);
    cr_assert_not(lone_sees(lone, "a"));
    lone_free(lone);
}

/* A client may set its clock, and our own may jump back: what is known is overtaken all the same.
 */
Test(lease, seq_from_the_future_is_overtaken)
{
    struct lone *lone = lone_new(NULL);
    lone->now.wall_ms += 1000000;
    lone_register_id(lone, "a", 60);
    uint64_t seq = lone_record(lone, "a").seq;
    lone->now.wall_ms -= 1000000;
    lone_register_id(lone, "a", 61);
    cr_assert_eq(lone_record(lone, "a").seq, seq + 1);
    cr_assert_eq(lone_record(lone, "a").peer.ttl_s, 61U);
    lone_free(lone);
}

Test(lease, deregistered_peer_comes_back_only_by_registering)
{
    struct lone *lone = lone_new(NULL);
    lone_register_id(lone, "a", 60);
    uint64_t seq = lone_record(lone, "a").seq;
    struct gossip_reply reply = lone_deregister(lone, "a", NULL);
    cr_assert_eq(reply.result, RESULT_OK);
    cr_assert_not_null(reply.record);
    cr_assert_eq(lone_last(lone, GOSSIP_EVENT_PEER_DOWN)->peer.reason, PEER_DOWN_DEREGISTERED);
    cr_assert_eq(lone_count(lone, GOSSIP_EVENT_LEASE_END), 1U);
    cr_assert_eq(lone_heartbeat(lone, "a", NULL).result, RESULT_UNKNOWN_PEER);
    cr_assert_eq(lone_deregister(lone, "a", NULL).result, RESULT_UNKNOWN_PEER);
    cr_assert_eq(lone_register_id(lone, "a", 60).result, RESULT_OK);
    cr_assert_gt(lone_record(lone, "a").seq, seq);
    lone_free(lone);
}

Test(lease, token_guards_what_it_was_given_for)
{
    struct lone *lone = lone_new(NULL);
    struct gossip_registration registration = lone_registration("a", 60);
    registration.has_token = true;
    memcpy(registration.token_hash, token, sizeof token);
    cr_assert_eq(lone_register(lone, &registration).result, RESULT_OK);

    cr_assert_eq(lone_heartbeat(lone, "a", NULL).result, RESULT_OK, "clients that know no tokens");
    cr_assert_eq(lone_heartbeat(lone, "a", token).result, RESULT_OK);
    cr_assert_eq(lone_heartbeat(lone, "a", other_token).result, RESULT_WRONG_TOKEN);
    cr_assert_eq(lone_deregister(lone, "a", NULL).result, RESULT_TOKEN_NEEDED);
    cr_assert_eq(lone_deregister(lone, "a", other_token).result, RESULT_WRONG_TOKEN);
    cr_assert_eq(lone_register_id(lone, "a", 60).result, RESULT_TOKEN_NEEDED);
    registration.has_shown = true;
    memcpy(registration.shown_hash, other_token, sizeof token);
    cr_assert_eq(lone_register(lone, &registration).result, RESULT_WRONG_TOKEN);
    cr_assert(lone_sees(lone, "a"));
    cr_assert_eq(own_version(lone), 1U, "nothing of this was written");

    memcpy(registration.shown_hash, token, sizeof token);
    memcpy(registration.token_hash, other_token, sizeof token);
    cr_assert_eq(lone_register(lone, &registration).result, RESULT_OK,
                 "a new token by the old one");
    cr_assert_eq(lone_deregister(lone, "a", token).result, RESULT_WRONG_TOKEN);
    cr_assert_eq(lone_deregister(lone, "a", other_token).result, RESULT_OK);
    lone_free(lone);
}

Test(lease, without_a_token_anybody_may)
{
    struct lone *lone = lone_new(NULL);
    lone_register_id(lone, "a", 60);
    cr_assert_eq(lone_heartbeat(lone, "a", token).result, RESULT_OK);
    cr_assert_eq(lone_deregister(lone, "a", token).result, RESULT_OK);
    lone_free(lone);
}

/* The token protects a registration, not a name: once the record is gone the id is free. */
Test(lease, ended_record_needs_no_token)
{
    struct lone *lone = lone_new(NULL);
    struct gossip_registration registration = lone_registration("a", 60);
    registration.has_token = true;
    lone_register(lone, &registration);
    lone_run_for(lone, 61000);
    cr_assert_eq(lone_register_id(lone, "a", 60).result, RESULT_OK);
    lone_free(lone);
}

Test(lease, wrong_field_is_named)
{
    struct lone *lone = lone_new(NULL);
    struct gossip_registration registration = lone_registration("", 60);
    struct gossip_reply reply = lone_register(lone, &registration);
    cr_assert_eq(reply.result, RESULT_INVALID);
    cr_assert_str_eq(reply.field, "peer_id");
    registration = lone_registration("a", 5);
    reply = lone_register(lone, &registration);
    cr_assert_eq(reply.result, RESULT_INVALID);
    cr_assert_str_eq(reply.field, "ttl_seconds");
    cr_assert_eq(own_version(lone), 0U);
    lone_free(lone);
}

Test(lease, ttl_left_out_is_the_default)
{
    struct lone *lone = lone_new(NULL);
    cr_assert_eq(lone_register_id(lone, "a", 0).expires_in_ms, TTL_DEFAULT_S * 1000U);
    lone_free(lone);
}

Test(lease, archetypes_are_stored_once_in_their_order)
{
    struct lone *lone = lone_new(NULL);
    struct gossip_registration registration = lone_registration("a", 60);
    const char *given[] = {"b", "a", "b", "c", "a"};
    registration.peer.archetype_count = 5;
    for (size_t i = 0; i < 5; i++)
        registration.peer.archetypes[i] = span_of_text(given[i]);
    lone_register(lone, &registration);
    struct record record = lone_record(lone, "a");
    cr_assert_eq(record.peer.archetype_count, 3U);
    cr_assert(span_equal(record.peer.archetypes[0], span_of_text("b")));
    cr_assert(span_equal(record.peer.archetypes[1], span_of_text("a")));
    cr_assert(span_equal(record.peer.archetypes[2], span_of_text("c")));
    lone_free(lone);
}

Test(lease, quota_refuses_the_next_and_never_the_own_again)
{
    struct gossip_config config;
    lone_config(&config);
    config.records_per_home_max = 2;
    struct lone *lone = lone_new(&config);
    lone_register_id(lone, "a", 60);
    lone_register_id(lone, "b", 60);
    cr_assert_eq(lone_register_id(lone, "c", 60).result, RESULT_QUOTA_HOME);
    cr_assert_eq(lone_register_id(lone, "b", 90).result, RESULT_OK);
    lone_deregister(lone, "a", NULL);
    cr_assert_eq(lone_register_id(lone, "c", 60).result, RESULT_OK);
    lone_free(lone);

    config.records_per_home_max = 100;
    config.records_max = 1;
    lone = lone_new(&config);
    lone_register_id(lone, "a", 60);
    cr_assert_eq(lone_register_id(lone, "b", 60).result, RESULT_QUOTA_CLUSTER);
    cr_assert_eq(lone_register_id(lone, "a", 90).result, RESULT_OK);
    lone_free(lone);
}

/* What just fits its first home must fit every adopter's, whose epoch and version may be longer. */
Test(lease, largest_record_leaves_room_for_an_adopter)
{
    struct lone *lone = lone_new(NULL);
    char text[PEER_ARCHETYPES_MAX][PEER_ARCHETYPE_MAX_BYTES];
    struct gossip_registration registration = lone_registration("a", 60);
    size_t largest = 0;
    bool was_refused = false;
    for (size_t bytes = 1; bytes <= PEER_ARCHETYPE_MAX_BYTES && !was_refused; bytes++) {
        registration.peer.archetype_count = PEER_ARCHETYPES_MAX;
        for (size_t i = 0; i < PEER_ARCHETYPES_MAX; i++) {
            memset(text[i], 'a' + (int)i, sizeof text[i]);
            registration.peer.archetypes[i] = span_of(text[i], bytes);
        }
        struct gossip_reply reply = lone_register(lone, &registration);
        was_refused = reply.result == RESULT_TOO_LARGE;
        cr_assert(was_refused || reply.result == RESULT_OK);
        if (!was_refused)
            largest = reply.record->len;
    }
    cr_assert(was_refused);
    cr_assert_gt(largest, STATEMENT_MAX_BYTES - 100U);
    cr_assert_leq(largest, STATEMENT_MAX_BYTES - 16U);
    cr_assert(lone_sees(lone, "a"), "a refusal leaves what was there");
    lone_free(lone);
}

Test(lease, walks_by_index)
{
    struct lone *lone = lone_new(NULL);
    char id[32];
    for (int i = 0; i < 100; i++) {
        snprintf(id, sizeof id, "peer-%d", i);
        lone_register_id(lone, id, 60);
    }
    for (int i = 0; i < 100; i += 2) {
        snprintf(id, sizeof id, "peer-%d", i);
        lone_deregister(lone, id, NULL);
    }
    size_t count = 0, odd = 0;
    const struct lease *lease;
    while ((lease = lease_at(lone->core, count)) != NULL) {
        struct record record;
        cr_assert(statement_read_record(blob_span(lease_record(lone->core, lease)), &record));
        odd += (record.peer.peer_id.data[record.peer.peer_id.len - 1] & 1) != 0;
        count++;
    }
    cr_assert_eq(count, 50U);
    cr_assert_eq(odd, 50U);
    lone_free(lone);
}

/* --- Self-certified peers ------------------------------------------------------------------------
 */

struct keyed {
    struct key_pair pair;
    char peer_id[sizeof "ed25519:" + 64];
    struct gossip_registration registration;
};

static void keyed_sign(struct keyed *keyed, uint64_t version)
{
    uint8_t bytes[STATEMENT_MAX_BYTES];
    struct peer_description *peer = &keyed->registration.peer;
    peer->is_signed = true;
    peer->peer_version = version;
    size_t len = statement_peer_bytes(peer, bytes, sizeof bytes);
    cr_assert_gt(len, 0U);
    sign_make(&keyed->pair, NULL, SIGN_PEER, bytes, len, peer->peer_signature);
}

static void keyed_make(struct keyed *keyed)
{
    static const uint8_t seed[KEY_SEED_BYTES] = {42};
    key_pair_from_seed(seed, &keyed->pair);
    memcpy(keyed->peer_id, "ed25519:", 8);
    for (size_t i = 0; i < KEY_PUBLIC_BYTES; i++)
        snprintf(keyed->peer_id + 8 + 2 * i, 3, "%02x", keyed->pair.public.bytes[i]);
    keyed->registration = lone_registration(keyed->peer_id, 60);
}

Test(lease, self_certified_id_needs_its_holder)
{
    struct lone *lone = lone_new(NULL);
    struct keyed keyed;
    keyed_make(&keyed);
    cr_assert_eq(lone_register(lone, &keyed.registration).result, RESULT_UNSIGNED_KEY);
    keyed_sign(&keyed, 5);
    keyed.registration.peer.port++;
    cr_assert_eq(lone_register(lone, &keyed.registration).result, RESULT_UNSIGNED_KEY);
    keyed.registration.peer.port--;
    cr_assert_eq(lone_register(lone, &keyed.registration).result, RESULT_OK);
    struct record record = lone_record(lone, keyed.peer_id);
    cr_assert(statement_peer_verify(&record.peer));
    lone_free(lone);
}

Test(lease, self_certified_version_must_rise)
{
    struct lone *lone = lone_new(NULL);
    struct keyed keyed;
    keyed_make(&keyed);
    keyed_sign(&keyed, 5);
    cr_assert_eq(lone_register(lone, &keyed.registration).result, RESULT_OK);
    cr_assert_eq(lone_register(lone, &keyed.registration).result, RESULT_OK,
                 "said again: a renewal");
    cr_assert_eq(own_version(lone), 1U);
    keyed.registration.peer.port++;
    keyed_sign(&keyed, 5);
    cr_assert_eq(lone_register(lone, &keyed.registration).result, RESULT_OLD_VERSION);
    keyed_sign(&keyed, 4);
    cr_assert_eq(lone_register(lone, &keyed.registration).result, RESULT_OLD_VERSION);
    keyed_sign(&keyed, 6);
    cr_assert_eq(lone_register(lone, &keyed.registration).result, RESULT_OK);
    lone_free(lone);
}

/* Whoever overheard a registration must not bring the peer back after its holder ended it. */
Test(lease, self_certified_record_is_not_replayed_over_its_delete)
{
    struct lone *lone = lone_new(NULL);
    struct keyed keyed;
    keyed_make(&keyed);
    keyed_sign(&keyed, 5);
    lone_register(lone, &keyed.registration);
    cr_assert_eq(lone_deregister(lone, keyed.peer_id, NULL).result, RESULT_OK);
    cr_assert_eq(lone_register(lone, &keyed.registration).result, RESULT_OLD_VERSION);
    keyed_sign(&keyed, 6);
    cr_assert_eq(lone_register(lone, &keyed.registration).result, RESULT_OK);
    lone_free(lone);
}

/* Clients that registered together: no tick signs all of their ends, and none is forgotten. */
Test(lease, many_that_end_at_once_end_in_steps)
{
    struct lone *lone = lone_new(NULL);
    char id[16];
    for (int i = 0; i < 200; i++) {
        snprintf(id, sizeof id, "p%d", i);
        lone_register_id(lone, id, 60);
    }
    lone->now.mono_ms += 60000;
    lone->now.wall_ms += 60000;
    size_t ticks = 0;
    for (; gossip_deadline_ms(lone->core) <= lone->now.mono_ms; ticks++) {
        size_t before = lone->core->leases.count;
        gossip_tick(lone->core, lone->now);
        cr_assert_leq(before - lone->core->leases.count, 32U);
        cr_assert_lt(ticks, 100U);
    }
    cr_assert_geq(ticks, 7U);
    cr_assert_eq(lone->core->leases.count, 0U);
    cr_assert_eq(lone->core->registry.visible_count, 0U);
    lone_free(lone);
}
