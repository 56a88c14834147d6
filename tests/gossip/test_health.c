// SPDX-License-Identifier: Apache-2.0
/* test_health.c - local health, the evidence rule, being cut off, stalls */
#include <criterion/criterion.h>

#include "tests/gossip/cast.h"

static struct cast *make(size_t actors, enum gossip_detector detector)
{
    struct gossip_config config;
    cast_config(&config);
    config.detector = detector;
    struct cast *cast = cast_new(&config, actors, actors);
    cast_answer_all(cast, true);
    return cast;
}

Test(health, it_stays_within_its_bounds)
{
    struct cast *cast = make(3, DETECTOR_AURORA);
    health_improve(cast->core);
    cr_assert_eq(cast->core->detector.health, 0);
    for (int i = 0; i < 20; i++)
        health_worsen(cast->core, 2);
    cr_assert_eq(cast->core->detector.health, HEALTH_MAX);
    cast_free(cast);
}

Test(health, it_stretches_interval_and_timeout)
{
    struct cast *cast = make(3, DETECTOR_AURORA);
    struct member *member = cast_member(cast, 0);
    uint64_t timeout_ms = health_timeout_ms(cast->core, member);
    cr_assert_eq(health_interval_ms(cast->core), 1000);
    health_worsen(cast->core, 3);
    cr_assert_eq(health_interval_ms(cast->core), 4000);
    cr_assert_eq(health_timeout_ms(cast->core, member), 4 * timeout_ms);
    cast_free(cast);
}

Test(health, swim_knows_no_health)
{
    struct cast *cast = make(3, DETECTOR_SWIM);
    health_worsen(cast->core, 5);
    cr_assert_eq(health_interval_ms(cast->core), 1000);
    cast_free(cast);
}

Test(health, the_timeout_is_shorter_than_the_interval)
{
    struct gossip_config config;
    cast_config(&config);
    config.probe_interval_ms = 300;
    struct cast *cast = cast_new(&config, 1, 1);
    cr_assert_leq(health_timeout_ms(cast->core, cast_member(cast, 0)), 150);
    cast_free(cast);
}

Test(health, silence_of_2_2_intervals_is_being_cut_off)
{
    struct cast *cast = make(3, DETECTOR_AURORA);
    cast_run(cast, 5000);
    cr_assert_not(cast->core->detector.is_cut_off);
    cast_answer_all(cast, false);
    uint64_t heard_ms = cast->core->detector.heard_ms;
    cast_run(cast, heard_ms + 2100 - cast->now.mono_ms);
    cr_assert_not(cast->core->detector.is_cut_off);
    cast_run(cast, 2300);
    cr_assert(cast->core->detector.is_cut_off, "the timer looks once per 2.2 intervals");
    cr_assert_geq(cast->core->detector.cut_off_since_ms, heard_ms + 2200);
    cast_free(cast);
}

Test(health, nobody_dies_while_we_are_cut_off)
{
    struct cast *cast = make(5, DETECTOR_AURORA);
    cast_run(cast, 3000);
    cast_answer_all(cast, false);
    cast_run(cast, 60000);
    for (size_t i = 0; i < 5; i++)
        cr_assert_eq(cast_state(cast, i), MEMBER_ALIVE);
    cr_assert_eq(cast->core->stats.accusations_made, 0);
    cast_free(cast);
}

Test(health, a_packet_ends_the_silence_but_not_at_once_our_caution)
{
    struct cast *cast = make(5, DETECTOR_AURORA);
    struct wire_message ping = {.type = WIRE_PING, .probe = {.random = 1}};
    cast_run(cast, 3000);
    cast_answer_all(cast, false);
    cast_run(cast, 10000);
    cr_assert(health_is_frozen(cast->core));
    cr_assert_eq(cast_say(cast, 0, &ping), DROP_NONE);
    cr_assert_not(cast->core->detector.is_cut_off);
    cr_assert(health_is_frozen(cast->core), "the aftermath");
    cr_assert_not(health_may_accuse(cast->core, 0));
    cast->core->now.mono_ms += CUT_OFF_AFTERMATH_MS;
    cr_assert_not(health_is_frozen(cast->core));
    cast->core->now.mono_ms -= CUT_OFF_AFTERMATH_MS;
    cast_free(cast);
}

Test(health, suspicions_stand_still_while_we_are_cut_off)
{
    struct cast *cast = make(8, DETECTOR_AURORA);
    struct wire_message ping = {.type = WIRE_PING, .probe = {.random = 1}};
    cast_run(cast, 3000);
    cast->actors[0].answers = false;
    for (size_t i = 1; i <= 3; i++)
        cast_accuse(cast, i, 0, 1);
    cast_answer_all(cast, false);
    cast_run(cast, 30000);
    cr_assert_eq(cast_state(cast, 0), MEMBER_SUSPECT);
    cr_assert_geq(suspicion_accusers(cast->core, cast_member(cast, 0)), 0);
    cr_assert_eq(cast_say(cast, 1, &ping), DROP_NONE);
    cast_run(cast, 100);
    cr_assert_eq(cast_state(cast, 0), MEMBER_SUSPECT, "nor does anybody die in the aftermath");
    cast_free(cast);
}

Test(health, the_time_that_we_were_cut_off_and_its_aftermath_do_not_count)
{
    struct cast *cast = make(8, DETECTOR_AURORA);
    struct wire_message ping = {.type = WIRE_PING, .probe = {.random = 1}};
    cast_run(cast, 3000);
    cast_accuse(cast, 1, 0, 1);
    cast_answer_all(cast, false);
    cast_run(cast, 9000);
    cr_assert(cast->core->detector.is_cut_off);
    uint64_t since_ms = cast->core->detector.cut_off_since_ms;
    cr_assert_eq(cast_say(cast, 1, &ping), DROP_NONE);
    cr_assert_eq(cast_state(cast, 0), MEMBER_SUSPECT);
    cr_assert_eq(member_suspicion(cast_member(cast, 0))->frozen_ms,
                 cast->now.mono_ms - since_ms + CUT_OFF_AFTERMATH_MS);
    cast_free(cast);
}

Test(health, with_nobody_else_alive_there_is_no_cut_off)
{
    struct cast *cast = make(3, DETECTOR_AURORA);
    for (size_t i = 0; i < 3; i++)
        member_set_state(cast->core, cast_member(cast, i), MEMBER_DEAD, 0);
    cast_run(cast, 20000);
    cr_assert_not(cast->core->detector.is_cut_off);
    cast_free(cast);
}

Test(health, swim_and_lifeguard_are_never_cut_off)
{
    for (int detector = DETECTOR_LIFEGUARD; detector <= DETECTOR_SWIM; detector++) {
        struct cast *cast = make(5, (enum gossip_detector)detector);
        cast_run(cast, 2000);
        cast_answer_all(cast, false);
        cast_run(cast, 60000);
        cr_assert_not(cast->core->detector.is_cut_off);
        cr_assert_eq(cast_state(cast, 0), MEMBER_DEAD, "they believe that everybody died");
        cast_free(cast);
    }
}

Test(health, silence_from_everybody_is_no_evidence)
{
    struct cast *cast = make(5, DETECTOR_AURORA);
    cast_run(cast, 1000);
    cast->core->detector.heard_ms = 500;
    cr_assert_not(health_may_accuse(cast->core, 500));
    cr_assert(health_may_accuse(cast->core, 499));
    cast_free(cast);
}

Test(health, a_stall_is_added_to_every_deadline)
{
    struct cast *cast = make(5, DETECTOR_AURORA);
    cast_run(cast, 3000);
    cast->actors[0].answers = false;
    for (size_t i = 1; i <= 3; i++)
        cast_accuse(cast, i, 0, 1);
    cast_run(cast, 100);
    /* SIGSTOP for ten seconds; what was sent meanwhile waits in the socket. */
    cast->now.mono_ms += 10000;
    cast->now.wall_ms += 10000;
    gossip_tick(cast->core, cast->now);
    cr_assert_eq(cast_state(cast, 0), MEMBER_SUSPECT);
    cr_assert_not(cast->core->detector.is_cut_off);
    cast_drain(cast);
    cast_run(cast, 1000);
    cr_assert_eq(cast_state(cast, 0), MEMBER_SUSPECT);
    cast_run(cast, 1500);
    cr_assert_eq(cast_state(cast, 0), MEMBER_DEAD);
    for (size_t i = 1; i < 5; i++)
        cr_assert_eq(cast_state(cast, i), MEMBER_ALIVE);
    cast_free(cast);
}

Test(health, a_stall_during_a_probe_accuses_nobody)
{
    struct cast *cast = make(5, DETECTOR_AURORA);
    cast_run(cast, 3000);
    cast_answer_all(cast, false);
    cast_run(cast, 400);
    cast->now.mono_ms += 5000;
    cast->now.wall_ms += 5000;
    gossip_tick(cast->core, cast->now);
    cast_answer_all(cast, true);
    cast_drain(cast);
    cast_run(cast, 5000);
    cr_assert_eq(cast->core->stats.accusations_made, 0);
    cast_free(cast);
}

Test(health, our_isolation_does_not_slow_the_moment_when_we_know_it)
{
    struct cast *cast = make(5, DETECTOR_AURORA);
    cast_run(cast, 3000);
    cast_answer_all(cast, false);
    cast_run(cast, 5000);
    cr_assert(cast->core->detector.is_cut_off);
    cr_assert_leq(cast->core->detector.health, 1);
    cast_free(cast);
}
