// SPDX-License-Identifier: Apache-2.0
/* test_compare.c - membership anti-entropy between two cores, message by message; telling the
 * outdated */
#include <criterion/criterion.h>

#include "tests/gossip/cast.h"

/* Two cores with the same actors around them. They speak to each other through actor 0, whom each
 * holds for the other: what a core sends to it is said by it to the other core. */
struct two {
    struct cast *a, *b;
};

static void meet(struct cast *cast)
{
    member_link(cast->core, cast_member(cast, 0))->is_verified = true;
    cast_member(cast, 0)->is_seen = true;
}

static struct two two_new(size_t actors, size_t known_a, size_t known_b)
{
    struct two two = {cast_new(NULL, actors, known_a), cast_new(NULL, actors, known_b)};
    meet(two.a);
    meet(two.b);
    return two;
}

static void two_free(struct two two)
{
    cast_free(two.a);
    cast_free(two.b);
}

static size_t hand_over(const struct cast *from, struct cast *to, size_t first)
{
    size_t count = from->packet_count;
    for (size_t i = first; i < count; i++) {
        struct wire_reader reader;
        struct wire_header header;
        struct wire_message message;
        if (!addr_equal(&from->packets[i].to, &from->actors[0].addr))
            continue;
        cr_assert(wire_read_header(&reader, span_of(from->packets[i].plain, from->packets[i].len),
                                   &header));
        while (wire_read_next(&reader, &message) == WIRE_NEXT_MESSAGE)
            if (message.type >= WIRE_MEMBERS && message.type <= WIRE_MEMBERS_LIST)
                cast_say(to, 0, &message);
    }
    cast_drain(to);
    return count;
}

/* Compares until nothing more is said. */
static void compare(struct two two)
{
    size_t from_a = two.a->packet_count, from_b = two.b->packet_count;
    cast_run(two.a, COMPARE_INTERVAL_MS + 1);
    roster_compare(two.a->core, cast_member(two.a, 0));
    cast_drain(two.a);
    for (int i = 0; i < 6; i++) {
        from_a = hand_over(two.a, two.b, from_a);
        from_b = hand_over(two.b, two.a, from_b);
    }
}

Test(compare, equal_members_cost_one_message)
{
    struct two two = two_new(10, 10, 10);
    compare(two);
    cr_assert_eq(cast_heard_count(two.a, 0, WIRE_MEMBERS_HASHES), 1);
    cr_assert_eq(cast_heard_count(two.b, 0, WIRE_MEMBERS_LIST), 0);
    cr_assert_eq(cast_heard_count(two.a, 0, WIRE_MEMBERS), 0);
    two_free(two);
}

Test(compare, each_learns_what_the_other_knows_better)
{
    struct two two = two_new(20, 20, 1);
    cast_give_alive(two.a, 3, CAST_EPOCH, 5);
    cast_give_alive(two.b, 4, CAST_EPOCH + 1, 1);
    cast_give_left(two.a, 5, CAST_EPOCH, 1);
    compare(two);
    cr_assert_eq(two.a->core->members.digest, two.b->core->members.digest);
    cr_assert_eq(two.b->core->members.count, 21);
    cr_assert_eq(cast_member(two.b, 3)->life->incarnation, 5);
    cr_assert_eq(cast_member(two.a, 4)->life->epoch, CAST_EPOCH + 1);
    cr_assert_eq(cast_state(two.b, 5), MEMBER_LEFT);
    two_free(two);
}

Test(compare, a_death_that_one_missed_is_told_with_its_evidence)
{
    struct two two = two_new(20, 20, 20);
    for (size_t i = 1; i <= 3; i++)
        cast_accuse(two.a, i, 7, 1);
    member_set_state(two.a->core, cast_member(two.a, 7), MEMBER_DEAD, (int64_t)two.a->now.mono_ms);
    cast_run(two.b, 100);
    compare(two);
    cr_assert_eq(cast_state(two.b, 7), MEMBER_DEAD);
    two_free(two);
}

Test(compare, only_what_differs_is_listed)
{
    struct two two = two_new(24, 24, 24);
    cast_give_alive(two.a, 3, CAST_EPOCH, 2);
    compare(two);
    struct wire_message list, members;
    cr_assert(cast_heard(two.b, 0, WIRE_MEMBERS_LIST, 0, &list));
    cr_assert_eq(__builtin_popcountll(list.list.buckets), 1);
    cr_assert(cast_heard(two.a, 0, WIRE_MEMBERS, 0, &members));
    cr_assert_eq(members.members.entries.count, 1);
    cr_assert_eq(two.a->core->members.digest, two.b->core->members.digest);
    two_free(two);
}

Test(compare, it_is_rate_limited)
{
    struct two two = two_new(4, 4, 4);
    cast_run(two.a, COMPARE_INTERVAL_MS + 1);
    cast_forget(two.a);
    for (int i = 0; i < 10; i++)
        roster_compare(two.a->core, cast_member(two.a, 0));
    cast_drain(two.a);
    cr_assert_eq(cast_heard_count(two.a, 0, WIRE_MEMBERS_HASHES), 1);
    two_free(two);
}

Test(compare, a_different_digest_on_a_probe_begins_it)
{
    struct two two = two_new(4, 4, 4);
    cast_run(two.a, COMPARE_INTERVAL_MS + 1);
    cast_forget(two.a);
    struct wire_message ping = {.type = WIRE_PING, .probe = {.random = 1}};
    ping.probe.members_digest = two.a->core->members.digest;
    cast_say(two.a, 0, &ping);
    cast_drain(two.a);
    cr_assert_eq(cast_heard_count(two.a, 0, WIRE_MEMBERS_HASHES), 0);
    ping.probe.members_digest++;
    cast_say(two.a, 0, &ping);
    cast_drain(two.a);
    cr_assert_eq(cast_heard_count(two.a, 0, WIRE_MEMBERS_HASHES), 1);
    two_free(two);
}

Test(compare, it_answers_verified_addresses_only)
{
    struct two two = two_new(10, 10, 1);
    cast_member(two.b, 0)->link->is_verified = false;
    compare(two);
    cr_assert_eq(cast_heard_count(two.b, 0, WIRE_MEMBERS_LIST), 0);
    cr_assert_eq(cast_heard_count(two.b, 0, WIRE_PING), 1, "but asks");
    two_free(two);
}

Test(compare, nonsense_is_dropped)
{
    struct two two = two_new(4, 4, 4);
    struct wire_list none = {{NULL, 0}, 0};
    struct wire_message hashes = {.type = WIRE_MEMBERS_HASHES, .hashes = {0, none}};
    cast_say(two.a, 0, &hashes);
    struct wire_message list = {.type = WIRE_MEMBERS_LIST, .list = {0xf, UINT64_MAX, none}};
    cast_say(two.a, 0, &list);
    list.list.flags = UINT64_MAX;
    cast_say(two.a, 0, &list);
    cr_assert_eq(two.a->core->stats.drops[DROP_MALFORMED], 3);
    two_free(two);
}

/* --- Telling ------------------------------------------------------------------------------------
 */

Test(compare, whoever_tells_a_stale_alive_is_told_what_we_know)
{
    struct two two = two_new(4, 4, 4);
    struct blob *stale = cast_alive(two.a, 2, CAST_EPOCH, 1);
    cast_give_alive(two.a, 2, CAST_EPOCH, 9);
    cast_run(two.a, 300);
    cast_forget(two.a);
    cast_tell(two.a, 0, blob_retain(stale));
    cast_drain(two.a);
    struct wire_message members;
    cr_assert(cast_heard(two.a, 0, WIRE_MEMBERS, 0, &members));
    cast_tell(two.a, 0, stale);
    cast_drain(two.a);
    cr_assert_eq(cast_heard_count(two.a, 0, WIRE_MEMBERS), 1, "but not for every packet again");
    cast_say(two.b, 0, &members);
    cr_assert_eq(cast_member(two.b, 2)->life->incarnation, 9);
    two_free(two);
}

static void told_of_its_death(struct two two)
{
    for (size_t i = 1; i <= 3; i++)
        cast_accuse(two.a, i, 0, 1);
    member_set_state(two.a->core, cast_member(two.a, 0), MEMBER_DEAD, 0);
    cast_drain(two.a);
    cast_forget(two.a);
    roster_tell(two.a->core, cast_member(two.a, 0), cast_member(two.a, 0));
    cast_drain(two.a);
}

Test(compare, the_dead_are_shown_that_they_are_dead)
{
    struct two two = two_new(6, 6, 6);
    struct wire_message members;
    struct wire_list entry, statements;
    struct span statement;
    uint64_t class, age_ms;
    told_of_its_death(two);
    cr_assert(cast_heard(two.a, 0, WIRE_MEMBERS, 0, &members));
    cr_assert(wire_list_list(&members.members.entries, &entry));
    cr_assert(wire_list_uint(&entry, &class) && class == CLASS_DEAD);
    cr_assert(wire_list_uint(&entry, &age_ms) && wire_list_list(&entry, &statements));
    cr_assert_eq(statements.count, 1 + QUORUM_MAX);
    cr_assert(wire_list_bin(&statements, &statement) && wire_list_bin(&statements, &statement));
    cr_assert_eq(statement_kind_of(statement), STATEMENT_ACCUSATION);
    two_free(two);
}

Test(compare, where_no_answer_came_from_they_are_told_the_shortest_thing)
{
    struct two two = two_new(6, 6, 6);
    struct wire_message news;
    struct span statement;
    member_link(two.a->core, cast_member(two.a, 0))->is_verified = false;
    told_of_its_death(two);
    cr_assert(cast_heard(two.a, 0, WIRE_NEWS, 0, &news));
    cr_assert_eq(news.news.statements.count, 1);
    cr_assert(wire_list_bin(&news.news.statements, &statement));
    cr_assert_eq(statement_kind_of(statement), STATEMENT_ACCUSATION);
    two_free(two);
}
