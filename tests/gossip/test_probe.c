// SPDX-License-Identifier: Apache-2.0
/* test_probe.c - one probe: direct, through others, for others, and what its end means */
#include <criterion/criterion.h>

#include "tests/gossip/cast.h"

#define STRANGE_PORT 999

/* Probes by hand: the next round is an hour away. */
static struct cast *make(size_t actors, enum gossip_detector detector)
{
    struct gossip_config config;
    cast_config(&config);
    config.detector = detector;
    struct cast *cast = cast_new(&config, actors, actors);
    for (size_t i = 0; i < actors; i++)
        cast_member(cast, i)->is_seen = true;
    timer_set(&cast->core->timers, &cast->core->detector.period, TIMER_PROBE_PERIOD, 3600 * 1000);
    cast->core->join.checks = 0;
    return cast;
}

/* Voices of others, so that silence is evidence. */
static void hear(struct cast *cast, size_t actor)
{
    static uint64_t random;
    struct wire_message ping = {.type = WIRE_PING, .probe = {.random = ++random}};
    ping.probe.members_digest = cast->core->members.digest;
    cast_say(cast, actor, &ping);
}

static void probe(struct cast *cast, size_t actor)
{
    detector_probe_soon(cast->core, cast_member(cast, actor), 0);
    cast_run(cast, 1);
}

Test(probe, a_ping_is_answered_with_its_own_number)
{
    struct cast *cast = make(2, DETECTOR_AURORA);
    struct wire_message ping = {.type = WIRE_PING, .probe = {.random = 4711}};
    struct wire_message ack;
    cr_assert_eq(cast_say(cast, 0, &ping), DROP_NONE);
    cast_drain(cast);
    cr_assert(cast_heard(cast, 0, WIRE_ACK, 0, &ack));
    cr_assert_eq(ack.probe.random, 4711);
    cr_assert_eq(ack.probe.members_digest, cast->core->members.digest);
    cast_free(cast);
}

Test(probe, an_answer_in_time_asks_nobody_else_and_measures_the_path)
{
    struct cast *cast = make(5, DETECTOR_AURORA);
    struct wire_message ping;
    probe(cast, 0);
    cr_assert(cast_heard(cast, 0, WIRE_PING, 0, &ping));
    cast_run(cast, 10);
    struct wire_message ack = {.type = WIRE_ACK, .probe = {.random = ping.probe.random}};
    cr_assert_eq(cast_say(cast, 0, &ack), DROP_NONE);
    cast_run(cast, 2000);
    cr_assert_eq(cast_count(cast, WIRE_PING_REQUEST), 0);
    cr_assert_eq(cast_member(cast, 0)->link->rtt_us, 10500);
    cr_assert(cast_member(cast, 0)->link->is_verified);
    cr_assert_eq(cast->core->stats.probes_failed, 0);
    cast_free(cast);
}

Test(probe, silence_is_checked_through_three_others_and_once_more_directly)
{
    struct cast *cast = make(6, DETECTOR_AURORA);
    struct wire_message request, ping, again;
    probe(cast, 0);
    cast_run(cast, 124);
    cr_assert_eq(cast_count(cast, WIRE_PING_REQUEST), 0);
    cast_run(cast, 2);
    cr_assert_eq(cast_count(cast, WIRE_PING_REQUEST), 3);
    cr_assert_eq(cast_heard_count(cast, 0, WIRE_PING_REQUEST), 0);
    cr_assert(cast_heard(cast, 0, WIRE_PING, 0, &ping));
    cr_assert(cast_heard(cast, 0, WIRE_PING, 1, &again));
    cr_assert_eq(ping.probe.random, again.probe.random);
    for (size_t i = 1; i < 6; i++)
        if (cast_heard(cast, i, WIRE_PING_REQUEST, 0, &request)) {
            cr_assert_eq(request.ping_request.target, cast->actors[0].tag);
            cr_assert_eq(request.ping_request.random, ping.probe.random);
        }
    cast_free(cast);
}

Test(probe, where_others_are_silent_too_others_are_asked_thrice_in_the_same_time)
{
    for (size_t silent = 2; silent <= 3; silent++) {
        struct cast *cast = make(6, DETECTOR_AURORA);
        for (size_t i = 1; i <= silent; i++)
            probe(cast, i);
        cast_run(cast, 1100);
        cast_forget(cast);
        probe(cast, 0);
        cast_run(cast, 950 * (cast->core->detector.health + 1));
        cr_assert_eq(cast_count(cast, WIRE_PING_REQUEST), silent < 3 ? 3 : 9);
        cr_assert_eq(cast_heard_count(cast, 0, WIRE_PING), silent < 3 ? 2 : 4);
        cr_assert_eq(cast_member(cast, 0)->probes, 1);
        hear(cast, 5);
        cast_run(cast, 51 * (cast->core->detector.health + 1));
        cr_assert_eq(cast_member(cast, 0)->probes, 0, "and it has failed no later");
        cast_free(cast);
    }
}

Test(probe, swim_asks_directly_only_once)
{
    struct cast *cast = make(6, DETECTOR_SWIM);
    probe(cast, 0);
    cast_run(cast, 900);
    cr_assert_eq(cast_heard_count(cast, 0, WIRE_PING), 1);
    cr_assert_eq(cast_count(cast, WIRE_PING_REQUEST), 3);
    cast_free(cast);
}

Test(probe, a_relayed_answer_is_an_answer)
{
    struct cast *cast = make(6, DETECTOR_AURORA);
    struct wire_message ping;
    probe(cast, 0);
    cr_assert(cast_heard(cast, 0, WIRE_PING, 0, &ping));
    cast_run(cast, 200);
    struct wire_message ack = {.type = WIRE_ACK, .probe = {.random = ping.probe.random}};
    cr_assert_eq(cast_say(cast, 1, &ack), DROP_NONE);
    hear(cast, 2);
    cast_run(cast, 2000);
    cr_assert_eq(cast_state(cast, 0), MEMBER_ALIVE);
    cr_assert_eq(cast->core->stats.probes_failed, 0);
    cr_assert_not(cast_member(cast, 0)->link->is_verified, "it says nothing about our own path");
    cast_free(cast);
}

Test(probe, nobody_answers_for_another_before_being_asked)
{
    struct cast *cast = make(6, DETECTOR_AURORA);
    struct wire_message ping;
    probe(cast, 0);
    cr_assert(cast_heard(cast, 0, WIRE_PING, 0, &ping));
    struct wire_message ack = {.type = WIRE_ACK, .probe = {.random = ping.probe.random}};
    cast_say(cast, 1, &ack);
    cr_assert_eq(cast->core->stats.drops[DROP_UNSOLICITED], 1);
    cr_assert_eq(cast_member(cast, 0)->probes, 1);
    cast_free(cast);
}

Test(probe, an_answer_to_no_question_is_dropped)
{
    struct cast *cast = make(2, DETECTOR_AURORA);
    struct wire_message ack = {.type = WIRE_ACK, .probe = {.random = 1}};
    struct wire_message nack = {.type = WIRE_NACK, .nack = {1}};
    cast_say(cast, 0, &ack);
    cast_say(cast, 0, &nack);
    cr_assert_eq(cast->core->stats.drops[DROP_UNSOLICITED], 2);
    cast_free(cast);
}

Test(probe, a_failed_probe_accuses_when_others_were_heard)
{
    struct cast *cast = make(6, DETECTOR_AURORA);
    probe(cast, 0);
    cast_run(cast, 500);
    hear(cast, 1);
    cast_run(cast, 501);
    cr_assert_eq(cast->core->stats.probes_failed, 1);
    cr_assert_eq(cast->core->stats.accusations_made, 1);
    cr_assert_eq(cast_state(cast, 0), MEMBER_SUSPECT);
    cast_free(cast);
}

Test(probe, a_failed_probe_says_nothing_when_nobody_was_heard)
{
    struct cast *cast = make(6, DETECTOR_AURORA);
    hear(cast, 1);
    probe(cast, 0);
    cast_run(cast, 1100);
    cr_assert_eq(cast->core->stats.probes_failed, 1);
    cr_assert_eq(cast->core->stats.accusations_made, 0);
    cr_assert_eq(cast->core->detector.health, 0);
    cast_free(cast);
}

Test(probe, a_probe_that_began_before_the_subjects_latest_word_accuses_nobody)
{
    struct cast *cast = make(6, DETECTOR_AURORA);
    probe(cast, 0);
    cast_run(cast, 500);
    hear(cast, 1);
    cast_give_alive(cast, 0, CAST_EPOCH, 2);
    cast_run(cast, 600);
    cr_assert_eq(cast->core->stats.accusations_made, 0);
    cr_assert_eq(cast_state(cast, 0), MEMBER_ALIVE);
    cast_free(cast);
}

Test(probe, health_falls_by_one_for_a_failure_and_one_more_for_a_missing_nack)
{
    for (int nacked = 0; nacked <= 1; nacked++) {
        struct cast *cast = make(6, DETECTOR_LIFEGUARD);
        for (size_t i = 1; i < 6; i++)
            cast->actors[i].relays = nacked == 1;
        probe(cast, 0);
        cast_run(cast, 1100);
        cr_assert_eq(cast->core->stats.nacks_in, nacked == 1 ? 3 : 0);
        cr_assert_eq(cast->core->detector.health, nacked == 1 ? 1 : 2);
        cast_free(cast);
    }
}

Test(probe, one_nack_in_time_clears_us)
{
    for (size_t relays = 0; relays <= 1; relays++) {
        struct cast *cast = make(4, DETECTOR_AURORA);
        cast->actors[1].relays = relays == 1;
        probe(cast, 0);
        cast_run(cast, 500);
        hear(cast, 2);
        cast_run(cast, 600);
        cr_assert_eq(cast->core->stats.probes_failed, 1);
        cr_assert_eq(cast->core->detector.health, relays == 1 ? 0 : 2);
        cast_free(cast);
    }
}

Test(probe, health_rises_with_a_success)
{
    struct cast *cast = make(3, DETECTOR_AURORA);
    health_worsen(cast->core, 3);
    cast->actors[0].answers = true;
    probe(cast, 0);
    cr_assert_eq(cast->core->detector.health, 2);
    cast_free(cast);
}

Test(probe, a_suspect_that_answers_is_accused_by_us_no_longer)
{
    struct cast *cast = make(6, DETECTOR_AURORA);
    suspicion_accuse(cast->core, cast_member(cast, 0));
    cr_assert_eq(cast_state(cast, 0), MEMBER_SUSPECT);
    cast->actors[0].answers = true;
    probe(cast, 0);
    cr_assert_eq(cast_state(cast, 0), MEMBER_ALIVE, "nobody else accuses it");
    suspicion_accuse(cast->core, cast_member(cast, 0));
    cast_accuse(cast, 1, 0, 1);
    probe(cast, 0);
    cr_assert_eq(cast_state(cast, 0), MEMBER_SUSPECT, "another does");
    cr_assert_eq(suspicion_accusers(cast->core, cast_member(cast, 0)), 1);
    cast_free(cast);
}

Test(probe, the_dead_that_answer_are_told_and_stay_dead_until_they_object)
{
    struct cast *cast = make(8, DETECTOR_AURORA);
    for (size_t i = 1; i <= 3; i++)
        cast_accuse(cast, i, 0, 1);
    cast_drain(cast);
    member_set_state(cast->core, cast_member(cast, 0), MEMBER_DEAD, 0);
    cast_forget(cast);
    hear(cast, 0);
    cast_drain(cast);
    struct wire_message news;
    struct span statement;
    struct accusation accusation;
    cr_assert(cast_heard(cast, 0, WIRE_NEWS, 0, &news));
    cr_assert(wire_list_bin(&news.news.statements, &statement));
    cr_assert(statement_read_accusation(statement, &accusation) ||
              statement_kind_of(statement) == STATEMENT_ALIVE);
    cr_assert_eq(cast_state(cast, 0), MEMBER_DEAD);
    cr_assert_eq(cast_give_alive(cast, 0, CAST_EPOCH, 2), NEWS_NEW);
    cr_assert_eq(cast_state(cast, 0), MEMBER_ALIVE);
    cast_free(cast);
}

/* --- For others ---------------------------------------------------------------------------------
 */

Test(probe, a_relay_passes_on_the_answer_under_the_askers_number)
{
    struct cast *cast = make(3, DETECTOR_AURORA);
    struct wire_message request = {.type = WIRE_PING_REQUEST,
                                   .ping_request = {99, cast->actors[1].tag}};
    struct wire_message ping, ack;
    cr_assert_eq(cast_say(cast, 0, &request), DROP_NONE);
    cast_drain(cast);
    cr_assert(cast_heard(cast, 1, WIRE_PING, 0, &ping));
    cr_assert_neq(ping.probe.random, 99);
    ack = (struct wire_message){.type = WIRE_ACK, .probe = {.random = ping.probe.random}};
    cast_say(cast, 1, &ack);
    cast_drain(cast);
    cr_assert(cast_heard(cast, 0, WIRE_ACK, 0, &ack));
    cr_assert_eq(ack.probe.random, 99);
    cast_run(cast, 2000);
    cr_assert_eq(cast_heard_count(cast, 0, WIRE_NACK), 0);
    cast_free(cast);
}

Test(probe, a_relay_says_so_when_the_target_is_silent)
{
    struct cast *cast = make(3, DETECTOR_AURORA);
    struct wire_message request = {.type = WIRE_PING_REQUEST,
                                   .ping_request = {99, cast->actors[1].tag}};
    struct wire_message nack;
    cr_assert_eq(cast_say(cast, 0, &request), DROP_NONE);
    cast_run(cast, 99);
    cr_assert_eq(cast_heard_count(cast, 0, WIRE_NACK), 0);
    cast_run(cast, 2);
    cr_assert(cast_heard(cast, 0, WIRE_NACK, 0, &nack), "at four fifths of its own timeout");
    cr_assert_eq(nack.nack.random, 99);
    cast_run(cast, 2000);
    cr_assert_eq(cast_heard_count(cast, 0, WIRE_NACK), 1);
    cr_assert_eq(cast->core->stats.accusations_made, 0, "it was not our question");
    cast_free(cast);
}

Test(probe, an_answer_after_the_nack_is_still_passed_on)
{
    struct cast *cast = make(3, DETECTOR_AURORA);
    struct wire_message request = {.type = WIRE_PING_REQUEST,
                                   .ping_request = {99, cast->actors[1].tag}};
    struct wire_message ping, ack;
    cast_say(cast, 0, &request);
    cast_run(cast, 300);
    cr_assert_eq(cast_heard_count(cast, 0, WIRE_NACK), 1);
    cr_assert(cast_heard(cast, 1, WIRE_PING, 0, &ping));
    ack = (struct wire_message){.type = WIRE_ACK, .probe = {.random = ping.probe.random}};
    cast_say(cast, 1, &ack);
    cast_drain(cast);
    cr_assert(cast_heard(cast, 0, WIRE_ACK, 0, &ack));
    cast_free(cast);
}

Test(probe, who_does_not_know_the_target_says_so_at_once)
{
    struct cast *cast = make(3, DETECTOR_AURORA);
    struct wire_message request = {.type = WIRE_PING_REQUEST, .ping_request = {99, 12345}};
    cast_say(cast, 0, &request);
    cast_drain(cast);
    cr_assert_eq(cast_heard_count(cast, 0, WIRE_NACK), 1);
    cast_free(cast);
}

Test(probe, the_table_of_probes_is_bounded)
{
    struct cast *cast = make(3, DETECTOR_AURORA);
    for (uint64_t i = 0; i < PROBES_MAX + 10; i++) {
        struct wire_message request = {.type = WIRE_PING_REQUEST,
                                       .ping_request = {i + 1, cast->actors[1].tag}};
        cr_assert_eq(cast_say(cast, 0, &request), DROP_NONE);
    }
    cr_assert_eq(cast->core->stats.drops[DROP_LIMIT], 10);
    cast_run(cast, 3000);
    cr_assert_not_null(probe_new(cast->core, PROBE_ROUND, cast_member(cast, 0)), "it drains");
    cast_free(cast);
}
