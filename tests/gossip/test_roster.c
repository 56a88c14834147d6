// SPDX-License-Identifier: Apache-2.0
/* test_roster.c - the member list on the wire: pages, entries, evidence, ages */
#include <criterion/criterion.h>

#include "tests/gossip/cast.h"

static void verify(struct cast *cast, size_t actor)
{
    member_link(cast->core, cast_member(cast, actor))->is_verified = true;
    cast_member(cast, actor)->is_seen = true;
}

static void kill_member(struct cast *cast, size_t actor)
{
    for (size_t i = 0; i < 4; i++)
        if (i != actor)
            cast_accuse(cast, i, actor, 1);
    member_set_state(cast->core, cast_member(cast, actor), MEMBER_DEAD, (int64_t)cast->now.mono_ms);
    cast_drain(cast);
    cast_forget(cast);
}

/* Everything that the core tells the actor goes to another core. */
static void pass_on(const struct cast *from, size_t actor, struct cast *to)
{
    struct wire_message message;
    for (size_t n = 0; cast_heard(from, actor, WIRE_MEMBERS, n, &message); n++)
        cr_assert_eq(cast_say(to, actor, &message), DROP_NONE);
}

static void pull_all(struct cast *cast, size_t actor)
{
    uint64_t after = 0;
    while (after != UINT64_MAX) {
        struct wire_message message = {.type = WIRE_MEMBERS_PULL, .members_pull = {after}};
        cast_say(cast, actor, &message);
        cast_drain(cast);
        size_t count = cast_heard_count(cast, actor, WIRE_MEMBERS);
        cr_assert(cast_heard(cast, actor, WIRE_MEMBERS, count - 1, &message));
        cr_assert_gt(message.members.through, after);
        after = message.members.through;
    }
}

Test(roster, the_list_is_told_in_pages_that_join_without_a_gap)
{
    struct cast *cast = cast_new(NULL, 24, 24);
    verify(cast, 0);
    pull_all(cast, 0);
    uint64_t after = 0;
    struct wire_message page;
    size_t pages = 0, members = 0;
    for (; cast_heard(cast, 0, WIRE_MEMBERS, pages, &page); pages++) {
        cr_assert_eq(page.members.after, after);
        after = page.members.through;
        members += page.members.entries.count;
    }
    cr_assert_geq(pages, 3);
    cr_assert_eq(members, 24, "all but the one who asks");
    cast_free(cast);
}

Test(roster, pages_go_to_an_address_that_has_answered_only)
{
    struct cast *cast = cast_new(NULL, 3, 3);
    struct wire_message pull = {.type = WIRE_MEMBERS_PULL, .members_pull = {0}};
    cast_say(cast, 0, &pull);
    cast_drain(cast);
    cr_assert_eq(cast_heard_count(cast, 0, WIRE_MEMBERS), 0);
    cr_assert_eq(cast_heard_count(cast, 0, WIRE_PING), 1, "it is asked first");
    cast->actors[0].answers = true;
    struct wire_message ping, ack;
    cr_assert(cast_heard(cast, 0, WIRE_PING, 0, &ping));
    ack = (struct wire_message){.type = WIRE_ACK, .probe = {.random = ping.probe.random}};
    cast_say(cast, 0, &ack);
    cast_say(cast, 0, &pull);
    cast_drain(cast);
    cr_assert_gt(cast_heard_count(cast, 0, WIRE_MEMBERS), 0);
    cast_free(cast);
}

Test(roster, a_joiner_learns_deaths_with_their_evidence_and_age)
{
    struct cast *a = cast_new(NULL, 8, 8);
    struct cast *b = cast_new(NULL, 8, 0);
    verify(a, 7);
    kill_member(a, 0);
    a->core->now.mono_ms += 42000;
    a->now = a->core->now;
    cast_give_alive(b, 7, CAST_EPOCH, 1);
    pull_all(a, 7);
    pass_on(a, 7, b);
    /* Its accusers' keys may have come after it: the comparison that follows tells it again. */
    pass_on(a, 7, b);
    cr_assert_eq(cast_state(b, 0), MEMBER_DEAD);
    cr_assert_eq(cast_member(b, 0)->since_ms, (int64_t)b->now.mono_ms - 42000);
    cr_assert_geq(suspicion_accusers(b->core, cast_member(b, 0)), 3);
    cast_free(a);
    cast_free(b);
}

Test(roster, a_joiner_does_not_believe_a_death_without_a_quorum)
{
    struct cast *a = cast_new(NULL, 8, 8);
    struct cast *b = cast_new(NULL, 8, 0);
    verify(a, 7);
    cast_accuse(a, 1, 0, 1);
    member_set_state(a->core, cast_member(a, 0), MEMBER_DEAD, (int64_t)a->now.mono_ms);
    for (size_t i = 1; i < 8; i++)
        cast_give_alive(b, i, CAST_EPOCH, 1);
    pull_all(a, 7);
    pass_on(a, 7, b);
    cr_assert_eq(cast_state(b, 0), MEMBER_ALIVE, "its ALIVE is signed; its death is not proved");
    cast_free(a);
    cast_free(b);
}

Test(roster, a_joiner_learns_who_left_and_when)
{
    struct cast *a = cast_new(NULL, 8, 8);
    struct cast *b = cast_new(NULL, 8, 0);
    verify(a, 7);
    cast_give_left(a, 0, CAST_EPOCH, 1);
    a->core->now.mono_ms += 5000;
    a->now = a->core->now;
    cast_give_alive(b, 7, CAST_EPOCH, 1);
    pull_all(a, 7);
    pass_on(a, 7, b);
    cr_assert_eq(cast_state(b, 0), MEMBER_LEFT);
    cr_assert_eq(cast_member(b, 0)->since_ms, (int64_t)b->now.mono_ms - 5000);
    cast_free(a);
    cast_free(b);
}

Test(roster, suspicion_is_not_told)
{
    struct cast *a = cast_new(NULL, 8, 8);
    struct cast *b = cast_new(NULL, 8, 0);
    verify(a, 7);
    for (size_t i = 1; i < 4; i++)
        cast_accuse(a, i, 0, 1);
    cast_give_alive(b, 7, CAST_EPOCH, 1);
    pull_all(a, 7);
    pass_on(a, 7, b);
    cr_assert_eq(cast_state(b, 0), MEMBER_ALIVE);
    cr_assert_eq(suspicion_accusers(b->core, cast_member(b, 0)), 0);
    cast_free(a);
    cast_free(b);
}

Test(roster, our_own_death_in_a_list_is_refuted)
{
    struct cast *cast = cast_new(NULL, 6, 6);
    struct blob *alive = blob_retain(cast->core->members.self->life->statement);
    struct blob *accusation = cast_accusation(cast, 1, cast->core->tag, CAST_EPOCH, 1, 1);
    uint8_t bytes[1000];
    struct wire_writer list = {bytes, 0, sizeof bytes, false};
    wire_put_array(&list, 3);
    wire_put_uint(&list, CLASS_DEAD);
    wire_put_uint(&list, 100);
    wire_put_array(&list, 2);
    wire_put_bin(&list, blob_span(alive));
    wire_put_bin(&list, blob_span(accusation));
    struct wire_message message = {.type = WIRE_MEMBERS, .members = {0, 0, wire_list_of(&list, 1)}};
    cr_assert_eq(cast_say(cast, 0, &message), DROP_NONE);
    cr_assert_eq(cast->core->members.self->life->incarnation, 2);
    cr_assert_eq(cast->core->members.self->state, MEMBER_ALIVE);
    blob_release(alive);
    blob_release(accusation);
    cast_free(cast);
}

Test(roster, what_everybody_is_about_to_forget_is_not_begun)
{
    struct cast *cast = cast_new(NULL, 2, 1);
    struct blob *alive = cast_alive(cast, 1, CAST_EPOCH, 1);
    struct blob *left = cast_left(cast, 1, CAST_EPOCH, 1);
    uint8_t bytes[1000];
    struct wire_writer list = {bytes, 0, sizeof bytes, false};
    wire_put_array(&list, 3);
    wire_put_uint(&list, CLASS_LEFT);
    wire_put_uint(&list, OLD_MEMBER_FORGET_MS);
    wire_put_array(&list, 2);
    wire_put_bin(&list, blob_span(alive));
    wire_put_bin(&list, blob_span(left));
    struct wire_message message = {.type = WIRE_MEMBERS, .members = {0, 0, wire_list_of(&list, 1)}};
    cr_assert_eq(cast_say(cast, 0, &message), DROP_NONE);
    cr_assert_eq(cast_state(cast, 1), MEMBER_FORGOTTEN);
    blob_release(alive);
    blob_release(left);
    cast_free(cast);
}

Test(roster, malformed_entries_are_dropped_and_counted)
{
    struct cast *cast = cast_new(NULL, 2, 2);
    uint8_t bytes[64];
    struct wire_writer list = {bytes, 0, sizeof bytes, false};
    wire_put_array(&list, 2);
    wire_put_uint(&list, 0);
    wire_put_uint(&list, 0);
    struct wire_message message = {.type = WIRE_MEMBERS, .members = {0, 0, wire_list_of(&list, 1)}};
    uint64_t digest = cast->core->members.digest;
    cr_assert_eq(cast_say(cast, 0, &message), DROP_NONE);
    cr_assert_eq(cast->core->stats.drops[DROP_MALFORMED], 1);
    cr_assert_eq(cast->core->members.digest, digest);
    cast_free(cast);
}
