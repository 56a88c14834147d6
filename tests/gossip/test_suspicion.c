// SPDX-License-Identifier: Apache-2.0
/* test_suspicion.c - accusations: which count, how long, and what they add up to */
#include <criterion/criterion.h>
#include <stdlib.h>

#include "tests/gossip/cast.h"

/* Nobody answers by itself and the core asks nobody: what happens is what the test says. */
static struct cast *quiet(size_t actors, enum gossip_detector detector)
{
    struct gossip_config config;
    cast_config(&config);
    config.detector = detector;
    config.probe_interval_ms = 1000;
    struct cast *cast = cast_new(&config, actors, actors);
    for (size_t i = 0; i < actors; i++)
        cast->actors[i].answers = true;
    return cast;
}

/* A subject that never answers and others that do; N is actors + 1. */
static struct cast *with_silent_first(size_t actors)
{
    struct cast *cast = quiet(actors, DETECTOR_AURORA);
    cast->actors[0].answers = false;
    return cast;
}

/* Somebody is heard all the time: we are not cut off. */
static void run_among_voices(struct cast *cast, uint64_t ms)
{
    for (uint64_t i = 0; i < ms; i += 100) {
        struct wire_message ping = {.type = WIRE_PING, .probe = {.random = i + 1}};
        cast_say(cast, cast->count - 1, &ping);
        cast_run(cast, ms - i < 100 ? ms - i : 100);
    }
}

Test(suspicion, the_quorum_is_half_of_all_and_three_at_most)
{
    const size_t expected[] = {1, 1, 2, 2, 3, 3, 3};
    for (size_t others = 0; others < 7; others++) {
        struct cast *cast = cast_new(NULL, others, others);
        cr_assert_eq(suspicion_quorum(cast->core), expected[others], "N = %zu", others + 1);
        cast_free(cast);
    }
}

Test(suspicion, times_follow_the_logarithm_of_the_members)
{
    struct cast *cast = quiet(9, DETECTOR_AURORA);
    cr_assert_eq(suspicion_min_ms(cast->core), 2500, "log10(10) is below the floor");
    cr_assert_eq(suspicion_max_ms(cast->core), 15000);
    cast_free(cast);
    cast = quiet(9, DETECTOR_LIFEGUARD);
    cr_assert(suspicion_min_ms(cast->core) >= 4995 && suspicion_min_ms(cast->core) <= 5000);
    cr_assert_eq(suspicion_max_ms(cast->core), 6 * suspicion_min_ms(cast->core));
    cast_free(cast);
    cast = quiet(9, DETECTOR_SWIM);
    cr_assert_eq(suspicion_max_ms(cast->core), suspicion_min_ms(cast->core), "fixed");
    cast_free(cast);
}

Test(suspicion, one_accuser_makes_suspect_and_the_subject_is_told)
{
    struct cast *cast = with_silent_first(6);
    cr_assert_eq(cast_accuse(cast, 1, 0, 1), ACCUSATION_NEW);
    cr_assert_eq(cast_state(cast, 0), MEMBER_SUSPECT);
    cast_drain(cast);
    struct wire_message news;
    cr_assert(cast_heard(cast, 0, WIRE_NEWS, 0, &news));
    const struct gossip_event *event = cast_event(cast, GOSSIP_EVENT_ACCUSED);
    cr_assert_eq(event->accused.accuser, cast->actors[1].tag);
    cr_assert_eq(event->accused.subject, cast->actors[0].tag);
    cr_assert_eq(event->accused.accusers, 1);
    cast_free(cast);
}

Test(suspicion, a_quorum_kills_after_the_minimum)
{
    struct cast *cast = with_silent_first(12);
    for (size_t i = 1; i <= 3; i++)
        cr_assert_eq(cast_accuse(cast, i, 0, 1), ACCUSATION_NEW);
    run_among_voices(cast, suspicion_min_ms(cast->core) - 1);
    cr_assert_eq(cast_state(cast, 0), MEMBER_SUSPECT);
    run_among_voices(cast, 2);
    cr_assert_eq(cast_state(cast, 0), MEMBER_DEAD);
    cr_assert_geq(suspicion_accusers(cast->core, cast_member(cast, 0)), 3);
    cr_assert_eq(cast->core->stats.deaths_declared, 1);
    cast_free(cast);
}

/* Some accuse it for nearly the maximum, again and again, while it answers the core's own probes;
 * then it falls silent, or not, and the time runs out. */
static struct cast *accused_for_long(size_t accusers, bool falls_silent)
{
    struct cast *cast = with_silent_first(12);
    cast->actors[0].answers = true;
    cast_run(cast, 1);
    uint64_t max_ms = suspicion_max_ms(cast->core);
    for (uint64_t stamp = 1; stamp <= 6; stamp++) {
        for (size_t i = 1; i <= accusers; i++)
            cast_accuse(cast, i, 0, stamp);
        cr_assert_eq(cast_state(cast, 0), MEMBER_SUSPECT);
        run_among_voices(cast, max_ms / 6 - 1);
    }
    cast->actors[0].answers = !falls_silent;
    run_among_voices(cast, 1500);
    return cast;
}

Test(suspicion, fewer_than_a_quorum_make_unreachable_and_not_dead)
{
    struct cast *cast = accused_for_long(1, true);
    cr_assert_eq(cast_state(cast, 0), MEMBER_UNREACHABLE);
    cr_assert_eq(cast->core->stats.deaths_declared, 0);
    cast_free(cast);
}

Test(suspicion, nobody_is_unreachable_on_the_word_of_others_alone)
{
    struct cast *cast = accused_for_long(2, false);
    cr_assert_eq(cast_state(cast, 0), MEMBER_ALIVE);
    for (size_t i = 0; i < cast->event_count; i++)
        cr_assert(cast->events[i].kind != GOSSIP_EVENT_MEMBER ||
                  cast->events[i].member.state != MEMBER_UNREACHABLE);
    cast_free(cast);
}

Test(suspicion, unreachable_ends_when_it_answers_us)
{
    struct cast *cast = with_silent_first(12);
    cast_accuse(cast, 1, 0, 1);
    run_among_voices(cast, suspicion_max_ms(cast->core) + 1500);
    cr_assert_eq(cast_state(cast, 0), MEMBER_UNREACHABLE);
    cast->actors[0].answers = true;
    cast_run(cast, 1001); /* it is asked soon after */
    cr_assert_eq(cast_state(cast, 0), MEMBER_ALIVE);
    cast_free(cast);
}

Test(suspicion, a_higher_incarnation_ends_it)
{
    struct cast *cast = with_silent_first(6);
    for (size_t i = 1; i <= 3; i++)
        cast_accuse(cast, i, 0, 1);
    cr_assert_eq(cast_give_alive(cast, 0, CAST_EPOCH, 2), NEWS_NEW);
    cr_assert_eq(cast_state(cast, 0), MEMBER_ALIVE);
    cr_assert_eq(suspicion_accusers(cast->core, cast_member(cast, 0)), 0);
    cast->actors[0].answers = true;
    run_among_voices(cast, 20000);
    cr_assert_eq(cast_state(cast, 0), MEMBER_ALIVE);
    cast_free(cast);
}

Test(suspicion, an_accusation_names_one_life)
{
    struct cast *cast = with_silent_first(6);
    struct blob *blob = cast_accusation(cast, 1, cast->actors[0].tag, CAST_EPOCH, 2, 1);
    cr_assert_eq(suspicion_on_accusation(cast->core, blob_span(blob)), ACCUSATION_STALE,
                 "a pair that its subject never signed is void");
    blob_release(blob);
    cast_give_alive(cast, 0, CAST_EPOCH, 3);
    blob = cast_accusation(cast, 1, cast->actors[0].tag, CAST_EPOCH, 2, 2);
    cr_assert_eq(suspicion_on_accusation(cast->core, blob_span(blob)), ACCUSATION_STALE);
    blob_release(blob);
    cr_assert_eq(cast_state(cast, 0), MEMBER_ALIVE);
    cast_free(cast);
}

Test(suspicion, one_accuser_counts_once_whatever_it_says)
{
    struct cast *cast = with_silent_first(6);
    for (uint64_t stamp = 1; stamp <= 10; stamp++)
        cr_assert_eq(cast_accuse(cast, 1, 0, stamp), ACCUSATION_NEW);
    cr_assert_eq(suspicion_accusers(cast->core, cast_member(cast, 0)), 1);
    cast_free(cast);
}

Test(suspicion, a_repeated_stamp_is_known_and_an_older_one_stale)
{
    struct cast *cast = with_silent_first(6);
    cr_assert_eq(cast_accuse(cast, 1, 0, 5), ACCUSATION_NEW);
    uint64_t verified = cast->core->stats.signatures_verified;
    cr_assert_eq(cast_accuse(cast, 1, 0, 5), ACCUSATION_KNOWN);
    cr_assert_eq(cast_accuse(cast, 1, 0, 4), ACCUSATION_STALE);
    cr_assert_eq(cast->core->stats.signatures_verified, verified);
    cast_free(cast);
}

Test(suspicion, an_accusation_lapses_after_the_maximum)
{
    struct cast *cast = with_silent_first(12);
    cast->actors[0].answers = true;
    cast_accuse(cast, 1, 0, 1);
    uint64_t max_ms = suspicion_max_ms(cast->core);
    run_among_voices(cast, max_ms - 10);
    cr_assert_eq(suspicion_accusers(cast->core, cast_member(cast, 0)), 1);
    run_among_voices(cast, 20);
    cr_assert_eq(suspicion_accusers(cast->core, cast_member(cast, 0)), 0);
    cast_free(cast);
}

/* Two words lapsed long ago; a third, new one must not find them. Then they are replayed. */
Test(suspicion, an_old_accusation_does_not_complete_a_quorum)
{
    struct cast *cast = with_silent_first(12);
    cast->actors[0].answers = true;
    cast_accuse(cast, 1, 0, 1000);
    cast_accuse(cast, 2, 0, 1000);
    run_among_voices(cast, suspicion_max_ms(cast->core) + 3000);
    cr_assert_eq(cast_state(cast, 0), MEMBER_ALIVE, "it answers, and nobody accuses it any more");
    cr_assert_eq(cast_accuse(cast, 3, 0, 1000), ACCUSATION_NEW);
    cr_assert_eq(cast_accuse(cast, 1, 0, 1000), ACCUSATION_KNOWN);
    cr_assert_eq(cast_accuse(cast, 2, 0, 999), ACCUSATION_STALE);
    cr_assert_eq(suspicion_accusers(cast->core, cast_member(cast, 0)), 1);
    run_among_voices(cast, suspicion_min_ms(cast->core) + 100);
    cr_assert_neq(cast_state(cast, 0), MEMBER_DEAD);
    cast_free(cast);
}

Test(suspicion, a_stamp_far_below_the_accusers_latest_is_stale_on_anybody)
{
    struct cast *cast = with_silent_first(6);
    uint64_t max_ms = suspicion_max_ms(cast->core);
    cr_assert_eq(cast_accuse(cast, 1, 2, 100000), ACCUSATION_NEW);
    cr_assert_eq(cast_accuse(cast, 1, 0, 100000 - max_ms - 1), ACCUSATION_STALE);
    cr_assert_eq(cast_accuse(cast, 1, 0, 100000 - max_ms), ACCUSATION_NEW);
    cast_free(cast);
}

Test(suspicion, the_dead_and_the_gone_do_not_accuse)
{
    struct cast *cast = with_silent_first(12);
    for (size_t i = 1; i <= 3; i++)
        cast_accuse(cast, i, 0, 1);
    cr_assert_eq(suspicion_accusers(cast->core, cast_member(cast, 0)), 3);
    member_set_state(cast->core, cast_member(cast, 1), MEMBER_DEAD, 0);
    cast_give_left(cast, 2, CAST_EPOCH, 1);
    cr_assert_eq(suspicion_accusers(cast->core, cast_member(cast, 0)), 1);
    cr_assert_eq(cast_accuse(cast, 1, 0, 2), ACCUSATION_STALE);
    cast_free(cast);
}

Test(suspicion, nobody_accuses_in_anothers_name)
{
    struct cast *cast = with_silent_first(6);
    struct accusation accusation = {cast->actors[1].tag, cast->actors[0].tag, CAST_EPOCH, 1, 1};
    struct blob *blob = statement_of_accusation(&accusation, &cast->actors[2].pair, &cast->scope);
    cr_assert_eq(suspicion_on_accusation(cast->core, blob_span(blob)), ACCUSATION_BAD);
    cr_assert_eq(cast_state(cast, 0), MEMBER_ALIVE);
    blob_release(blob);
    blob = cast_accusation(cast, 0, cast->actors[0].tag, CAST_EPOCH, 1, 1);
    cr_assert_eq(suspicion_on_accusation(cast->core, blob_span(blob)), ACCUSATION_BAD,
                 "nor oneself");
    blob_release(blob);
    cast_free(cast);
}

Test(suspicion, we_repeat_ourselves_at_most_thrice_in_the_maximum)
{
    struct cast *cast = with_silent_first(12);
    struct member *subject = cast_member(cast, 0);
    uint64_t third_ms = suspicion_max_ms(cast->core) / 3;
    cast->core->detector.heard_ms = cast->now.mono_ms;
    suspicion_accuse(cast->core, subject);
    suspicion_accuse(cast->core, subject);
    cr_assert_eq(cast->core->stats.accusations_made, 1);
    cast->now.mono_ms += third_ms;
    cast->core->now = cast->now;
    suspicion_accuse(cast->core, subject);
    cr_assert_eq(cast->core->stats.accusations_made, 2);
    cr_assert_eq(suspicion_accusers(cast->core, subject), 1);
    cast_free(cast);
}

Test(suspicion, our_stamps_rise_even_when_the_wall_clock_falls)
{
    struct cast *cast = with_silent_first(12);
    suspicion_accuse(cast->core, cast_member(cast, 0));
    uint64_t first = cast->core->stamp;
    cast->core->now.wall_ms -= 3600 * 1000;
    suspicion_accuse(cast->core, cast_member(cast, 1));
    cr_assert_gt(cast->core->stamp, first);
    cast_free(cast);
}

Test(suspicion, a_suspect_that_is_told_always_answers_higher)
{
    struct cast *cast = with_silent_first(6);
    cr_assert_eq(cast_accuse_core(cast, 1, 1), ACCUSATION_NEW);
    cr_assert_eq(cast->core->members.self->life->incarnation, 2);
    cast_drain(cast);
    struct wire_message told;
    cr_assert(cast_heard(cast, 1, WIRE_MEMBERS, 0, &told), "the accuser hears it from us");
    cr_assert_eq(cast_accuse_core(cast, 2, 1), ACCUSATION_NEW);
    cr_assert_eq(cast->core->members.self->life->incarnation, 3);
    cast_free(cast);
}

Test(suspicion, a_forged_accusation_of_ourselves_is_not_refuted)
{
    struct cast *cast = with_silent_first(6);
    struct accusation accusation = {cast->actors[1].tag, cast->core->tag, CAST_EPOCH, 1, 1};
    struct blob *blob = statement_of_accusation(&accusation, &cast->actors[2].pair, &cast->scope);
    cr_assert_eq(suspicion_on_accusation(cast->core, blob_span(blob)), ACCUSATION_BAD);
    cr_assert_eq(cast->core->members.self->life->incarnation, 1);
    blob_release(blob);
    cast_free(cast);
}

Test(suspicion, frozen_clocks_do_not_run)
{
    struct cast *cast = with_silent_first(12);
    for (size_t i = 1; i <= 3; i++)
        cast_accuse(cast, i, 0, 1);
    suspicion_freeze(cast->core, 1500);
    run_among_voices(cast, suspicion_min_ms(cast->core) + 1400);
    cr_assert_eq(cast_state(cast, 0), MEMBER_SUSPECT);
    run_among_voices(cast, 200);
    cr_assert_eq(cast_state(cast, 0), MEMBER_DEAD);
    cast_free(cast);
}

Test(suspicion, of_two_nodes_one_may_say_that_the_other_is_dead)
{
    struct cast *cast = quiet(1, DETECTOR_AURORA);
    cast_run(cast, 5000);
    cr_assert_eq(cast_state(cast, 0), MEMBER_ALIVE);
    cast->actors[0].answers = false;
    cast_run(cast, 8000);
    cr_assert_eq(cast_state(cast, 0), MEMBER_DEAD, "there is nobody else to ask");
    cast_free(cast);
}

/* --- Deaths told later ------------------------------------------------------------------------ */

static bool give_evidence(struct cast *cast, size_t subject, size_t accusers, uint64_t age_ms)
{
    struct member *member = cast_member(cast, subject);
    struct span spans[CAST_MAX];
    struct blob *blobs[CAST_MAX];
    for (size_t i = 0; i < accusers; i++) {
        blobs[i] = cast_accusation(cast, i + 1, member->life->tag, member->life->epoch,
                                   member->life->incarnation, 1);
        spans[i] = blob_span(blobs[i]);
    }
    bool is_dead = suspicion_on_evidence(cast->core, member, spans, accusers, age_ms);
    for (size_t i = 0; i < accusers; i++)
        blob_release(blobs[i]);
    return is_dead;
}

Test(suspicion, evidence_kills_whom_we_never_met_and_continues_its_age)
{
    struct cast *cast = cast_new(NULL, 8, 8);
    cr_assert(give_evidence(cast, 0, 3, 30000));
    cr_assert_eq(cast_state(cast, 0), MEMBER_DEAD);
    cr_assert_eq(cast_member(cast, 0)->since_ms, (int64_t)cast->now.mono_ms - 30000);
    cast_free(cast);
}

Test(suspicion, evidence_needs_the_quorum)
{
    struct cast *cast = cast_new(NULL, 8, 8);
    cr_assert_not(give_evidence(cast, 0, 2, 30000));
    cr_assert_eq(cast_state(cast, 0), MEMBER_ALIVE);
    cr_assert_eq(suspicion_accusers(cast->core, cast_member(cast, 0)), 0,
                 "and what did not suffice is not kept");
    cast_free(cast);
}

/* They knew fewer members when it died, and needed fewer; they accuse nobody any more who is dead
 * to them, and we alone could doubt it for ever. */
Test(suspicion, evidence_counts_together_with_our_own_word)
{
    for (size_t told = 1; told <= 2; told++) {
        struct cast *cast = with_silent_first(8);
        suspicion_accuse(cast->core, cast_member(cast, 0));
        cr_assert_not(give_evidence(cast, 0, told, 30000), "it may object");
        run_among_voices(cast, 2600);
        cr_assert_eq(cast_state(cast, 0) == MEMBER_DEAD, told == 2, "%zu and we are %zu", told,
                     told + 1);
        cast_free(cast);
    }
}

Test(suspicion, evidence_about_a_stranger_is_no_different_once_we_are_settled)
{
    struct cast *cast = cast_new(NULL, 8, 8);
    cast_answer_all(cast, true);
    cast_run(cast, 6000);
    struct link *link = cast_member(cast, 0)->link;
    cast_member(cast, 0)->link = NULL;
    cr_assert_not(give_evidence(cast, 0, 3, 30000));
    cr_assert_eq(cast_state(cast, 0), MEMBER_SUSPECT);
    free(link);
    cast_free(cast);
}

Test(suspicion, whom_we_know_may_object_to_evidence_first)
{
    struct cast *cast = with_silent_first(8);
    cast_run(cast, 10);
    member_link(cast->core, cast_member(cast, 0));
    cast_forget(cast);
    cr_assert_not(give_evidence(cast, 0, 3, 30000));
    cr_assert_eq(cast_state(cast, 0), MEMBER_SUSPECT);
    cast_drain(cast);
    struct wire_message news;
    cr_assert(cast_heard(cast, 0, WIRE_NEWS, 0, &news), "it is told");
    run_among_voices(cast, suspicion_min_ms(cast->core) + 10);
    cr_assert_eq(cast_state(cast, 0), MEMBER_DEAD);
    cast_free(cast);
}

Test(suspicion, evidence_by_those_who_are_dead_here_does_not_kill_whom_we_know)
{
    struct cast *cast = with_silent_first(8);
    cast_run(cast, 10);
    member_link(cast->core, cast_member(cast, 0));
    for (size_t i = 1; i <= 3; i++)
        member_set_state(cast->core, cast_member(cast, i), MEMBER_DEAD, 0);
    cast_forget(cast);
    cr_assert_not(give_evidence(cast, 0, 3, 30000));
    cr_assert_eq(cast_state(cast, 0), MEMBER_ALIVE);
    cast_drain(cast);
    struct wire_message news;
    cr_assert(cast_heard(cast, 0, WIRE_NEWS, 0, &news), "but it is told, to object over there");
    for (size_t i = 1; i <= 3; i++)
        member_set_state(cast->core, cast_member(cast, i), MEMBER_ALIVE, 0);
    cr_assert_eq(suspicion_accusers(cast->core, cast_member(cast, 0)), 0,
                 "nor does it count when they are back");
    cast_free(cast);
}
