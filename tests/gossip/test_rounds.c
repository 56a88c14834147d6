// SPDX-License-Identifier: Apache-2.0
/* test_rounds.c - whom to probe, and when: rounds, observers, members long gone, seeds */
#include <criterion/criterion.h>

#include "tests/gossip/cast.h"

static const struct addr seed_addr = {.family = ADDR_IPV4, .ip = {10, 9, 9, 9}, .port = 9};

static struct cast *make(size_t actors)
{
    struct cast *cast = cast_new(NULL, actors, actors);
    for (size_t i = 0; i < actors; i++)
        cast_member(cast, i)->is_seen = true;
    cast->core->join.checks = 0;
    cast_answer_all(cast, true);
    return cast;
}

Test(rounds, everybody_is_probed_once_in_a_round)
{
    struct cast *cast = make(10);
    cast_run(cast, 1000); /* the first period */
    cast->core->detector.round++;
    cast_forget(cast);
    while (cast_count(cast, WIRE_PING) < 10)
        cast_run(cast, 1);
    for (size_t i = 0; i < 10; i++)
        cr_assert_eq(cast_heard_count(cast, i, WIRE_PING), 1, "actor %zu", i);
    cast_free(cast);
}

/* Whose turn a period makes it. */
static uint64_t tag_of_turn(struct gossip *core)
{
    bool had_turn[16];
    for (size_t i = 0; i < core->members.count; i++)
        had_turn[i] = core->members.ring[i]->round == core->detector.round;
    detector_on_period(core);
    for (size_t i = 0; i < core->members.count; i++)
        if (!had_turn[i] && core->members.ring[i]->round == core->detector.round)
            return core->members.ring[i]->life->tag;
    return 0;
}

Test(rounds, each_round_has_an_order_of_its_own)
{
    struct cast *cast = make(12);
    uint64_t orders[2][12];
    for (int round = 0; round < 2; round++) {
        cast->core->detector.round++;
        for (size_t i = 0; i < 12; i++)
            orders[round][i] = tag_of_turn(cast->core);
        cast_run(cast, 3000); /* the answers */
    }
    cr_assert_neq(memcmp(orders[0], orders[1], sizeof orders[0]), 0);
    size_t in_ring_order = 0;
    for (size_t i = 1; i < 12; i++)
        in_ring_order += orders[0][i] > orders[0][i - 1];
    cr_assert_lt(in_ring_order, 11);
    cast_free(cast);
}

Test(rounds, who_comes_in_the_middle_of_a_round_still_has_a_turn)
{
    struct cast *cast = cast_new(NULL, 12, 8);
    cast->core->join.checks = 0;
    cast_answer_all(cast, true);
    cast_run(cast, 4000);
    for (size_t i = 8; i < 12; i++)
        cr_assert_eq(cast_give_alive(cast, i, CAST_EPOCH, 1), NEWS_NEW);
    uint32_t round = cast->core->detector.round;
    cast_forget(cast);
    while (cast->core->detector.round == round)
        cast_run(cast, 1);
    for (size_t i = 8; i < 12; i++)
        cr_assert_geq(cast_heard_count(cast, i, WIRE_PING), 1, "actor %zu", i);
    cast_free(cast);
}

Test(rounds, the_interval_is_jittered_by_a_tenth)
{
    struct cast *cast = make(3);
    uint64_t before = 0, shortest = UINT64_MAX, longest = 0;
    cast_run(cast, 60000);
    for (size_t i = 0; i < cast->packet_count; i++) {
        struct wire_reader reader;
        struct wire_header header;
        struct wire_message message;
        struct span plain = span_of(cast->packets[i].plain, cast->packets[i].len);
        cr_assert(wire_read_header(&reader, plain, &header));
        cr_assert_eq(wire_read_next(&reader, &message), WIRE_NEXT_MESSAGE);
        if (message.type != WIRE_PING)
            continue;
        if (before != 0 && cast->packets[i].at_ms - before < shortest)
            shortest = cast->packets[i].at_ms - before;
        if (before != 0 && cast->packets[i].at_ms - before > longest)
            longest = cast->packets[i].at_ms - before;
        before = cast->packets[i].at_ms;
    }
    cr_assert_geq(shortest, 900);
    cr_assert_leq(longest, 1100);
    cr_assert_lt(shortest, 950);
    cr_assert_gt(longest, 1050);
    cast_free(cast);
}

Test(rounds, the_unreachable_are_probed_and_the_dead_are_not)
{
    struct cast *cast = make(12);
    cast_answer_all(cast, true);
    cast->actors[0].answers = false;
    cast_accuse(cast, 1, 0, 1);
    cast_accuse(cast, 2, 1, 1);
    member_set_state(cast->core, cast_member(cast, 0), MEMBER_UNREACHABLE, 1000);
    member_set_state(cast->core, cast_member(cast, 1), MEMBER_DEAD, (int64_t)cast->now.mono_ms);
    cast->core->detector.old_members.at_ms = UINT64_MAX;
    timer_cancel(&cast->core->timers, &cast->core->detector.old_members);
    cast_drain(cast);
    cast_forget(cast);
    cast_run(cast, 30000);
    cr_assert_geq(cast_heard_count(cast, 0, WIRE_PING), 2);
    cr_assert_eq(cast_heard_count(cast, 1, WIRE_PING), 0);
    cast_free(cast);
}

Test(rounds, the_five_that_follow_on_the_ring_observe)
{
    struct cast *cast = make(20);
    struct gossip *core = cast->core;
    size_t own = members_index(core, core->tag);
    size_t n = core->members.count;
    for (size_t i = 0; i < n; i++) {
        const struct member *subject = core->members.ring[i];
        size_t behind = (own + n - i) % n;
        if (subject != core->members.self)
            cr_assert_eq(detector_is_observer(core, subject), behind <= OBSERVERS_COUNT);
    }
    cast_free(cast);
}

Test(rounds, the_dead_are_skipped_among_observers)
{
    struct cast *cast = make(20);
    struct gossip *core = cast->core;
    size_t n = core->members.count;
    size_t own = members_index(core, core->tag);
    const struct member *sixth = core->members.ring[(own + n - 6) % n];
    cr_assert_not(detector_is_observer(core, sixth));
    member_set_state(core, core->members.ring[(own + n - 1) % n], MEMBER_DEAD, 1000);
    cr_assert(detector_is_observer(core, sixth));
    cast_free(cast);
}

Test(rounds, everybody_observes_while_there_are_few)
{
    struct cast *cast = make(8);
    for (size_t i = 0; i < 8; i++)
        cr_assert(detector_is_observer(cast->core, cast_member(cast, i)));
    cast_free(cast);
}

Test(rounds, an_observer_probes_at_once_and_speaks_up)
{
    struct cast *cast = make(8);
    cast_run(cast, 2000);
    cast->actors[0].answers = false;
    timer_set(&cast->core->timers, &cast->core->detector.period, TIMER_PROBE_PERIOD, 3600 * 1000);
    cast_run(cast, 1100); /* what was under way is over */
    cast_forget(cast);
    cr_assert_eq(cast_accuse(cast, 1, 0, 1), ACCUSATION_NEW);
    cast_run(cast, OBSERVER_JITTER_MS + 1);
    cr_assert_geq(cast_heard_count(cast, 0, WIRE_PING), 1);
    struct wire_message ping = {.type = WIRE_PING, .probe = {.random = 5}};
    cast_say(cast, 2, &ping);
    cast_run(cast, 1000);
    cr_assert_eq(cast->core->stats.accusations_made, 1);
    cr_assert_eq(suspicion_accusers(cast->core, cast_member(cast, 0)), 2);
    cast_free(cast);
}

Test(rounds, an_observer_that_gets_an_answer_says_nothing)
{
    struct cast *cast = make(8);
    cast_run(cast, 2000);
    cast_accuse(cast, 1, 0, 1);
    cast_run(cast, 2000);
    cr_assert_eq(cast->core->stats.accusations_made, 0);
    cast_free(cast);
}

/* --- Old members --------------------------------------------------------------------------------
 */

static void bury(struct cast *cast, size_t actor, uint64_t age_ms)
{
    cast_accuse(cast, (actor + 1) % cast->count, actor, 1);
    member_set_state(cast->core, cast_member(cast, actor), MEMBER_DEAD,
                     (int64_t)cast->now.mono_ms - (int64_t)age_ms);
    cast->actors[actor].answers = false;
    cast_run(cast, 1100); /* its observers ask in vain */
    cast_forget(cast);
}

Test(rounds, the_dead_are_probed_now_and_then)
{
    struct cast *cast = make(4);
    bury(cast, 0, 0);
    cast_run(cast, 60000);
    size_t pings = cast_heard_count(cast, 0, WIRE_PING);
    cr_assert(pings >= 4 && pings <= 7, "%zu in a minute", pings);
    cr_assert_eq(cast->core->stats.probes_failed, 0, "no probe of theirs fails");
    cast_free(cast);
}

Test(rounds, the_longer_dead_the_seldomer_but_never_given_up)
{
    struct cast *cast = make(4);
    bury(cast, 0, 3600 * 1000);
    cast_run(cast, 2000 * 1000);
    size_t pings = cast_heard_count(cast, 0, WIRE_PING);
    cr_assert(pings >= 3 && pings <= 5, "%zu in 2,000 s after an hour", pings);
    cast_free(cast);
}

Test(rounds, the_dead_are_forgotten_after_a_day)
{
    struct cast *cast = make(4);
    bury(cast, 0, OLD_MEMBER_FORGET_MS - 60000);
    cast_run(cast, 45000);
    cr_assert_eq(cast_state(cast, 0), MEMBER_DEAD);
    cast_run(cast, 30000);
    cr_assert_eq(cast_state(cast, 0), MEMBER_FORGOTTEN);
    cast_free(cast);
}

Test(rounds, seeds_are_never_forgotten)
{
    struct cast *cast = make(4);
    gossip_set_seeds(cast->core, &cast->actors[0].addr, 1);
    bury(cast, 0, OLD_MEMBER_FORGET_MS);
    cast_run(cast, 30000);
    cr_assert_eq(cast_state(cast, 0), MEMBER_DEAD);
    cr_assert_geq(cast_heard_count(cast, 0, WIRE_PING), 1);
    cast_free(cast);
}

Test(rounds, a_seed_that_is_no_member_is_asked_to_let_us_in_again)
{
    struct cast *cast = make(4);
    gossip_set_seeds(cast->core, &seed_addr, 1);
    cast_run(cast, 12000);
    struct wire_message join;
    cr_assert(cast_heard_at(cast, &seed_addr, WIRE_JOIN, 0, &join));
    cast_free(cast);
}

Test(rounds, a_seed_that_is_alive_is_left_alone)
{
    struct cast *cast = make(4);
    gossip_set_seeds(cast->core, &cast->actors[0].addr, 1);
    cast_run(cast, 30000);
    cr_assert_eq(cast_count(cast, WIRE_JOIN), 0);
    cast_free(cast);
}
