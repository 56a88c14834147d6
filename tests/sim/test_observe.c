// SPDX-License-Identifier: Apache-2.0
/* test_observe.c - the naive view is what the events say, and contradictory events are told */
#include "sim/observe.h"

#include <criterion/criterion.h>

static struct observer seen;
static struct intern tags, peer_ids;

static void teardown(void)
{
    observe_free(&seen);
    intern_free(&tags);
    intern_free(&peer_ids);
}

static struct blob *make_record(const char *peer_id, uint64_t version)
{
    struct key_pair pair;
    struct sign_scope scope;
    struct record record = {.home = 1,
                            .epoch = 2,
                            .version = version,
                            .peer = {.peer_id = span_of_text(peer_id),
                                     .address = span_of_text("10.0.0.1"),
                                     .port = 80,
                                     .metadata = span_of_text("{}"),
                                     .ttl_s = 300},
                            .seq = 1};

    cr_assert(key_library_init());
    key_pair_from_seed((const uint8_t[KEY_SEED_BYTES]){9}, &pair);
    sign_scope_of("test", &scope);
    return statement_of_record(&record, &pair, &scope);
}

static const char *say_peer(enum gossip_event_kind kind, const char *peer_id, uint64_t version,
                            uint64_t now_us)
{
    struct gossip_event event = {
        .kind = kind,
        .peer = {
            .record = make_record(peer_id, version), .home = 1, .epoch = 2, .version = version}};
    const char *broken = observe_event(&seen, &event, now_us, &tags, &peer_ids).what;

    blob_release(event.peer.record);
    return broken;
}

static const char *say_member(uint64_t tag, enum member_state state, uint64_t epoch,
                              uint64_t incarnation, uint64_t now_us)
{
    struct gossip_event event = {
        .kind = GOSSIP_EVENT_MEMBER,
        .member = {.tag = tag, .state = state, .epoch = epoch, .incarnation = incarnation}};

    return observe_event(&seen, &event, now_us, &tags, &peer_ids).what;
}

static const char *say_log(uint64_t tag, uint64_t epoch, uint64_t applied)
{
    struct gossip_event event = {.kind = GOSSIP_EVENT_LOG,
                                 .log = {.tag = tag, .epoch = epoch, .applied = applied}};

    return observe_event(&seen, &event, 0, &tags, &peer_ids).what;
}

Test(observe, peers_come_change_and_go, .fini = teardown)
{
    cr_assert_null(say_peer(GOSSIP_EVENT_PEER_UP, "printer", 1, 100));
    cr_assert_null(say_peer(GOSSIP_EVENT_PEER_UP, "scanner", 2, 150));
    uint64_t digest = seen.digest;
    cr_assert_null(say_peer(GOSSIP_EVENT_PEER_UPDATE, "printer", 3, 200));
    cr_assert_neq(seen.digest, digest);
    const struct seen_peer *peer =
        observe_peer(&seen, intern_find(&peer_ids, span_of_text("printer")));
    cr_assert(peer->is_visible);
    cr_assert_eq(peer->since_us, 100);
    cr_assert_eq(peer->changed_us, 200);
    cr_assert_eq(peer->version, 3);
    cr_assert_eq(seen.peers_visible, 2);
    cr_assert_null(say_peer(GOSSIP_EVENT_PEER_DOWN, "printer", 3, 300));
    cr_assert_null(say_peer(GOSSIP_EVENT_PEER_DOWN, "scanner", 2, 300));
    cr_assert_eq(seen.peers_visible, 0);
    cr_assert_eq(seen.digest, 0, "an empty view has no digest, whatever was in it");
}

Test(observe, a_peer_cannot_come_twice_nor_go_before_it_came, .fini = teardown)
{
    cr_assert_not_null(say_peer(GOSSIP_EVENT_PEER_DOWN, "printer", 1, 0));
    cr_assert_not_null(say_peer(GOSSIP_EVENT_PEER_UPDATE, "printer", 1, 0));
    cr_assert_null(say_peer(GOSSIP_EVENT_PEER_UP, "printer", 1, 0));
    cr_assert_not_null(say_peer(GOSSIP_EVENT_PEER_UP, "printer", 1, 0));
}

Test(observe, a_members_state_is_since_it_began, .fini = teardown)
{
    cr_assert_eq(observe_member(&seen, INTERN_NONE)->state, MEMBER_FORGOTTEN);
    cr_assert_null(say_member(7, MEMBER_ALIVE, 1, 1, 100));
    cr_assert_null(say_member(7, MEMBER_ALIVE, 1, 2, 200));
    cr_assert_eq(observe_member(&seen, 0)->since_us, 100);
    cr_assert_null(say_member(7, MEMBER_SUSPECT, 1, 2, 300));
    cr_assert_eq(observe_member(&seen, 0)->since_us, 300);
    cr_assert_null(say_member(7, MEMBER_ALIVE, 2, 0, 400));
    cr_assert_eq(observe_member(&seen, 0)->epoch, 2);
    cr_assert_not_null(say_member(7, MEMBER_ALIVE, 1, 9, 500), "an epoch never goes back");
}

Test(observe, applied_never_goes_back_within_an_epoch, .fini = teardown)
{
    cr_assert_null(say_log(7, 1, 5));
    cr_assert_null(say_log(7, 1, 5));
    cr_assert_null(say_log(7, 2, 1), "another epoch is another log");
    cr_assert_null(say_log(7, 1, 3), "and the old one is not watched any more");
    cr_assert_not_null(say_log(7, 2, 0));
}
