// SPDX-License-Identifier: Apache-2.0
/* test_members.c - the member table: the ring, states, digest, names, forgetting */
#include <criterion/criterion.h>

#include "tests/gossip/cast.h"

static void set_state(struct cast *cast, size_t actor, enum member_state state)
{
    member_set_state(cast->core, cast_member(cast, actor), state, (int64_t)cast->now.mono_ms);
}

Test(members, the_ring_is_in_tag_order)
{
    struct cast *cast = cast_new(NULL, 20, 20);
    const struct members *members = &cast->core->members;
    cr_assert_eq(members->count, 21);
    for (size_t i = 1; i < members->count; i++)
        cr_assert_lt(members->ring[i - 1]->life->tag, members->ring[i]->life->tag);
    for (size_t i = 0; i < members->count; i++) {
        cr_assert_eq(members_find(cast->core, members->ring[i]->life->tag), members->ring[i]);
        cr_assert_eq(members_index(cast->core, members->ring[i]->life->tag), i);
        cr_assert_eq(members_index(cast->core, members->ring[i]->life->tag + 1), i + 1);
    }
    cr_assert_null(members_find(cast->core, members->ring[3]->life->tag + 1));
    cr_assert_eq(members_index(cast->core, 0), 0);
    cast_free(cast);
}

Test(members, the_quorum_counts_all_but_the_dead_and_the_gone)
{
    struct cast *cast = cast_new(NULL, 4, 4);
    cr_assert_eq(members_n(cast->core), 5);
    set_state(cast, 0, MEMBER_SUSPECT);
    set_state(cast, 1, MEMBER_UNREACHABLE);
    cr_assert_eq(members_n(cast->core), 5, "the unreachable ones included");
    set_state(cast, 2, MEMBER_DEAD);
    set_state(cast, 3, MEMBER_LEFT);
    cr_assert_eq(members_n(cast->core), 3);
    cast_free(cast);
}

Test(members, live_are_the_alive_and_the_suspect_but_not_we)
{
    struct cast *cast = cast_new(NULL, 4, 4);
    set_state(cast, 1, MEMBER_SUSPECT);
    set_state(cast, 2, MEMBER_UNREACHABLE);
    set_state(cast, 3, MEMBER_DEAD);
    cr_assert(member_is_live(cast->core, cast_member(cast, 0)));
    cr_assert(member_is_live(cast->core, cast_member(cast, 1)));
    cr_assert_not(member_is_live(cast->core, cast_member(cast, 2)));
    cr_assert_not(member_is_live(cast->core, cast_member(cast, 3)));
    cr_assert_not(member_is_live(cast->core, cast->core->members.self));
    cast_free(cast);
}

Test(members, a_pick_is_distinct_live_and_not_the_exception)
{
    struct cast *cast = cast_new(NULL, 8, 8);
    for (size_t i = 0; i < 4; i++)
        set_state(cast, i, MEMBER_DEAD);
    for (int round = 0; round < 100; round++) {
        struct member *picked[8];
        size_t count = members_pick(cast->core, picked, 8, cast->actors[7].tag);
        cr_assert_eq(count, 3);
        for (size_t i = 0; i < count; i++) {
            cr_assert(member_is_live(cast->core, picked[i]));
            cr_assert_neq(picked[i]->life->tag, cast->actors[7].tag);
            for (size_t k = 0; k < i; k++)
                cr_assert_neq(picked[i], picked[k]);
        }
    }
    cast_free(cast);
}

Test(members, a_pick_is_even)
{
    struct cast *cast = cast_new(NULL, 10, 10);
    size_t seen[10] = {0};
    for (int round = 0; round < 10000; round++) {
        struct member *picked;
        cr_assert_eq(members_pick(cast->core, &picked, 1, 0), 1);
        for (size_t i = 0; i < 10; i++)
            seen[i] += picked == cast_member(cast, i);
    }
    for (size_t i = 0; i < 10; i++)
        cr_assert(seen[i] > 850 && seen[i] < 1150, "actor %zu: %zu of 10000", i, seen[i]);
    cast_free(cast);
}

Test(members, equal_knowledge_has_an_equal_digest)
{
    struct cast *a = cast_new(NULL, 3, 3);
    struct cast *b = cast_new(NULL, 3, 0);
    /* In another order, and by another way. */
    for (size_t i = 3; i-- > 0;)
        cast_give_alive(b, i, CAST_EPOCH, 1);
    cr_assert_eq(a->core->members.digest, b->core->members.digest);
    cast_give_alive(a, 1, CAST_EPOCH, 2);
    cr_assert_neq(a->core->members.digest, b->core->members.digest);
    cast_give_alive(b, 1, CAST_EPOCH, 2);
    cr_assert_eq(a->core->members.digest, b->core->members.digest);
    cast_free(a);
    cast_free(b);
}

Test(members, suspicion_is_not_in_the_digest_but_death_is)
{
    struct cast *cast = cast_new(NULL, 3, 3);
    uint64_t digest = cast->core->members.digest;
    set_state(cast, 0, MEMBER_SUSPECT);
    cr_assert_eq(cast->core->members.digest, digest);
    set_state(cast, 0, MEMBER_UNREACHABLE);
    cr_assert_eq(cast->core->members.digest, digest);
    set_state(cast, 0, MEMBER_DEAD);
    uint64_t dead = cast->core->members.digest;
    cr_assert_neq(dead, digest);
    set_state(cast, 0, MEMBER_LEFT);
    cr_assert_neq(cast->core->members.digest, dead);
    set_state(cast, 0, MEMBER_ALIVE);
    cr_assert_eq(cast->core->members.digest, digest);
    cast_free(cast);
}

Test(members, each_change_of_state_is_an_event)
{
    struct cast *cast = cast_new(NULL, 3, 3);
    set_state(cast, 0, MEMBER_SUSPECT);
    set_state(cast, 0, MEMBER_SUSPECT);
    cast_drain(cast);
    cr_assert_eq(cast_event_count(cast, GOSSIP_EVENT_MEMBER), 1);
    const struct gossip_event *event = cast_event(cast, GOSSIP_EVENT_MEMBER);
    cr_assert_eq(event->member.tag, cast->actors[0].tag);
    cr_assert_eq(event->member.state, MEMBER_SUSPECT);
    cr_assert_eq(event->member.epoch, CAST_EPOCH);
    cr_assert_not_null(event->member.alive);
    cr_assert_not(event->member.is_self);
    cast_free(cast);
}

Test(members, two_keys_with_one_tag_are_a_conflict)
{
    struct cast *cast = cast_new(NULL, 1, 1);
    struct member *member;
    /* Another key that begins with the same eight bytes: nobody can make one, so the table is bent.
     */
    cast_member(cast, 0)->life->id.bytes[31] ^= 1;
    struct blob *blob = cast_alive(cast, 0, CAST_EPOCH, 2);
    cr_assert_eq(members_on_alive(cast->core, blob_span(blob), &member), NEWS_BAD);
    cr_assert_eq(cast->core->stats.drops[DROP_CONFLICT], 1);
    blob_release(blob);
    cast_free(cast);
}

Test(members, two_live_members_of_one_name_are_shown_and_nothing_stops)
{
    struct cast *cast = cast_new(NULL, 2, 1);
    struct member *member;
    struct blob *blob = cast_alive_at(cast, 1, CAST_EPOCH, 1, "actor-0", &cast->actors[1].addr);
    cr_assert_eq(members_on_alive(cast->core, blob_span(blob), &member), NEWS_NEW);
    blob_release(blob);
    cast_drain(cast);
    const struct gossip_event *event = cast_event(cast, GOSSIP_EVENT_CONFLICT);
    cr_assert_eq(event->conflict.what, CONFLICT_NAME);
    cr_assert_eq(event->conflict.tag, cast->actors[1].tag);
    cr_assert_not(cast->core->is_stopped);
    cr_assert_eq(members_n(cast->core), 3);
    cast_free(cast);
}

Test(members, our_own_name_in_use_is_shown)
{
    struct cast *cast = cast_new(NULL, 1, 0);
    struct member *member;
    struct blob *blob = cast_alive_at(cast, 0, CAST_EPOCH, 1, "core", &cast->actors[0].addr);
    cr_assert_eq(members_on_alive(cast->core, blob_span(blob), &member), NEWS_NEW);
    blob_release(blob);
    cast_drain(cast);
    const struct gossip_event *event = cast_event(cast, GOSSIP_EVENT_CONFLICT);
    cr_assert_eq(event->conflict.what, CONFLICT_NAME);
    cr_assert_eq(event->conflict.tag, cast->actors[0].tag);
    cast_free(cast);
}

Test(members, the_name_of_the_dead_is_free)
{
    struct cast *cast = cast_new(NULL, 2, 1);
    struct member *member;
    set_state(cast, 0, MEMBER_DEAD);
    struct blob *blob = cast_alive_at(cast, 1, CAST_EPOCH, 1, "actor-0", &cast->actors[1].addr);
    cr_assert_eq(members_on_alive(cast->core, blob_span(blob), &member), NEWS_NEW);
    blob_release(blob);
    cast_drain(cast);
    cr_assert_eq(cast_event_count(cast, GOSSIP_EVENT_CONFLICT), 0);
    cast_free(cast);
}

Test(members, the_forgotten_are_gone_and_not_revived_by_a_stale_alive)
{
    struct cast *cast = cast_new(NULL, 2, 2);
    uint64_t digest = cast->core->members.digest - member_digest(cast_member(cast, 0));
    set_state(cast, 0, MEMBER_DEAD);
    members_forget(cast->core, cast_member(cast, 0));
    cast_drain(cast);
    cr_assert_eq(cast_event(cast, GOSSIP_EVENT_MEMBER)->member.state, MEMBER_FORGOTTEN);
    cr_assert_eq(cast->core->members.digest, digest);
    cr_assert_eq(cast->core->members.count, 2);
    cr_assert_eq(cast_give_alive(cast, 0, CAST_EPOCH, 1), NEWS_STALE);
    cr_assert_null(cast_member(cast, 0));
    cr_assert_eq(cast_give_alive(cast, 0, CAST_EPOCH + 1, 1), NEWS_NEW, "a new life is welcome");
    cast_free(cast);
}

Test(members, of_two_families_we_use_the_one_that_we_have)
{
    struct cast *cast = cast_new(NULL, 1, 0);
    struct addr v6 = {.family = ADDR_IPV6, .ip = {0xfd}, .port = 1};
    struct alive alive = {.id = cast->actors[0].pair.public,
                          .epoch = 1,
                          .incarnation = 1,
                          .name = span_of_text("both"),
                          .zone = span_of_text(""),
                          .http_url = span_of_text(""),
                          .addresses = {v6, cast->actors[0].addr},
                          .address_count = 2,
                          .protocol_version = PROTOCOL_VERSION};
    struct blob *blob = statement_of_alive(&alive, &cast->actors[0].pair, &cast->scope);
    struct member *member;
    struct addr used;
    cr_assert_eq(members_on_alive(cast->core, blob_span(blob), &member), NEWS_NEW);
    cr_assert(member_address(cast->core, member, &used));
    cr_assert(addr_equal(&used, &cast->actors[0].addr));
    blob_release(blob);
    cast_free(cast);
}

static int compare_tags(const void *a, const void *b)
{
    uint64_t left = *(const uint64_t *)a, right = *(const uint64_t *)b;
    return (left > right) - (left < right);
}

/* Spread evenly, as hashes are; or crowded, as somebody may make them. */
static void check_places(struct prng *prng, size_t count, unsigned shift)
{
    static struct gossip core;
    uint64_t tags[300];
    for (size_t i = 0; i < count; i++)
        tags[i] = (prng_next(prng) >> shift) + (i % 3 == 0 ? prng_next(prng) >> 2 : 0);
    qsort(tags, count, sizeof *tags, compare_tags);
    core.members.tags = tags;
    core.members.count = count;
    for (size_t i = 0; i < 200; i++) {
        uint64_t tag = i % 2 == 0 || count == 0 ? prng_next(prng) >> (i % 64) : tags[i % count];
        size_t expected = 0;
        while (expected < count && tags[expected] < tag)
            expected++;
        cr_assert_eq(members_index(&core, tag), expected, "%zu tags, shift %u", count, shift);
    }
    cr_assert_eq(members_index(&core, 0), 0);
    if (count > 0 && tags[count - 1] < UINT64_MAX)
        cr_assert_eq(members_index(&core, UINT64_MAX), count);
}

Test(members, a_place_on_the_ring_is_found_however_tags_lie)
{
    struct prng prng;
    uint8_t seed[32] = {9};
    prng_seed(&prng, seed);
    for (size_t count = 0; count < 300; count += 1 + count / 4)
        for (unsigned shift = 0; shift < 64; shift += 7)
            check_places(&prng, count, shift);
}
