// SPDX-License-Identifier: Apache-2.0
/* test_voice.c - who is heard objects, and who is not waits */
#include <criterion/criterion.h>

#include "cast.h"

#define ACTORS 16
#define HARDLY 6 /* of them answer: more than a third, less than it takes when it is late */

/* A core that has probed for a while, with or without answers. */
static struct cast *cast_heard_or_not(enum gossip_detector detector, bool answers)
{
    struct gossip_config config;
    cast_config(&config);
    config.detector = detector;
    struct cast *cast = cast_new(&config, ACTORS, ACTORS);
    cast_answer_all(cast, answers);
    cast_run(cast, 3000);
    return cast;
}

static uint64_t incarnation(const struct cast *cast)
{
    return cast->core->members.self->life->incarnation;
}

static bool is_held(const struct cast *cast)
{
    struct gossip_queues queues;
    gossip_queues_now(cast->core, &queues);
    return queues.objections == 1;
}

/* The first of them says that the core is dead, and shows it. */
static void show_death(struct cast *cast)
{
    uint8_t bytes[MESSAGE_MAX_BYTES];
    struct wire_writer entries = {bytes, 0, sizeof bytes, false};
    const struct member *self = cast->core->members.self;
    wire_put_array(&entries, 3);
    wire_put_uint(&entries, CLASS_DEAD);
    wire_put_uint(&entries, 1000);
    wire_put_array(&entries, 1 + QUORUM_MAX);
    wire_put_bin(&entries, blob_span(self->life->statement));
    for (size_t i = 1; i <= QUORUM_MAX; i++) {
        struct blob *blob = cast_accusation(cast, i, cast->core->tag, cast->core->epoch,
                                            incarnation(cast), cast->core->now.wall_ms);
        wire_put_bin(&entries, blob_span(blob));
        blob_release(blob);
    }
    struct wire_message message = {.type = WIRE_MEMBERS,
                                   .members.entries = wire_list_of(&entries, 1)};
    cr_assert_eq(cast_say(cast, 0, &message), DROP_NONE);
}

static bool is_converged(const struct cast *cast)
{
    struct gossip_status status;
    gossip_status_now(cast->core, &status);
    return status.converged;
}

Test(voice, whose_pings_are_answered_objects_at_once)
{
    struct cast *cast = cast_heard_or_not(DETECTOR_AURORA, true);
    cr_assert_eq(cast_accuse_core(cast, 1, 1), ACCUSATION_NEW);
    cr_assert_eq(incarnation(cast), 2);
    cr_assert(!is_held(cast));
    cast_free(cast);
}

Test(voice, whose_pings_are_not_waits_until_they_are)
{
    struct cast *cast = cast_heard_or_not(DETECTOR_AURORA, false);
    cr_assert_eq(cast_accuse_core(cast, 1, 1), ACCUSATION_NEW);
    cast_run(cast, 500);
    cr_assert_eq(incarnation(cast), 1);
    cr_assert(is_held(cast));
    cr_assert_eq(cast_accuse_core(cast, 1, 2), ACCUSATION_KNOWN, "no news: nobody is told again");
    cast_answer_all(cast, true);
    cast_run(cast, VOICE_ROUND_MS + 500);
    cr_assert_eq(incarnation(cast), 2);
    cr_assert(!is_held(cast));
    cast_free(cast);
}

Test(voice, the_published_detectors_know_nothing_of_it)
{
    static const enum gossip_detector others[] = {DETECTOR_LIFEGUARD, DETECTOR_SWIM};
    for (size_t i = 0; i < 2; i++) {
        struct cast *cast = cast_heard_or_not(others[i], false);
        cr_assert_eq(cast_accuse_core(cast, 1, 1), ACCUSATION_NEW);
        cr_assert_eq(incarnation(cast), 2);
        cast_free(cast);
    }
}

Test(voice, one_accuser_is_no_death_and_a_quorum_is)
{
    struct cast *cast = cast_heard_or_not(DETECTOR_AURORA, false);
    cast_accuse_core(cast, 1, 1);
    cast_run(cast, 10000);
    cr_assert(!cast->core->voice.is_condemned);
    cast_accuse_core(cast, 2, 1);
    cast_accuse_core(cast, 3, 1);
    cast_run(cast, suspicion_min_ms(cast->core) / 2 - 200);
    cr_assert(!cast->core->voice.is_condemned);
    cast_run(cast, 400);
    cr_assert(cast->core->voice.is_condemned);
    cr_assert(!is_converged(cast));
    cr_assert_eq(incarnation(cast), 1);
    cast_free(cast);
}

static void some_answer(struct cast *cast, size_t count)
{
    for (size_t i = 0; i < count; i++)
        cast->actors[i].answers = true;
}

/* Before, that is enough; then an objection that is slow would meet its own death. */
Test(voice, who_is_hardly_heard_is_too_late_once_a_quorum_has_spoken)
{
    for (size_t accusers = 1; accusers <= QUORUM_MAX; accusers += QUORUM_MAX - 1) {
        struct cast *cast = cast_heard_or_not(DETECTOR_AURORA, false);
        some_answer(cast, HARDLY);
        for (size_t i = 1; i <= accusers; i++)
            cast_accuse_core(cast, i, 1);
        cast_run(cast, 1000);
        cr_assert(!cast->core->voice.is_condemned);
        cr_assert_eq(incarnation(cast), accusers < QUORUM_MAX ? 2 : 1);
        cast_free(cast);
    }
}

Test(voice, the_dead_come_back_when_most_answer_and_not_when_half_do)
{
    struct cast *cast = cast_heard_or_not(DETECTOR_AURORA, false);
    show_death(cast);
    cr_assert(cast->core->voice.is_condemned);
    some_answer(cast, ACTORS / 2);
    cast_run(cast, 10000);
    cr_assert_eq(incarnation(cast), 1);
    cast_answer_all(cast, true);
    cast_run(cast, 2 * VOICE_ROUND_MS + 1500);
    cr_assert_eq(incarnation(cast), 2);
    cast_free(cast);
}

Test(voice, two_that_are_always_silent_are_excused)
{
    struct cast *cast = cast_heard_or_not(DETECTOR_AURORA, false);
    show_death(cast);
    cast_answer_all(cast, true);
    cast->actors[4].answers = false;
    cast->actors[9].answers = false;
    cast_run(cast, 2 * VOICE_ROUND_MS + 1500);
    cr_assert_eq(incarnation(cast), 2);
    cast_free(cast);
}

Test(voice, a_second_death_soon_after_takes_longer)
{
    struct cast *cast = cast_heard_or_not(DETECTOR_AURORA, false);
    for (int deaths = 1; deaths <= 2; deaths++) {
        cast_answer_all(cast, false);
        cast_run(cast, 5000);
        show_death(cast);
        cast_answer_all(cast, true);
        cast_run(cast, 2 * VOICE_ROUND_MS + 1500);
        cr_assert_eq(incarnation(cast), 2, "the first at once, the second not yet");
    }
    cast_run(cast, READMIT_HOLD_MS);
    cr_assert_eq(incarnation(cast), 3);
    cast_free(cast);
}

/* Half of the actors answer, and the counters of some of these say that what they send gets lost.
 */
static void answer_with_gaps(struct cast *cast, size_t lossy)
{
    some_answer(cast, ACTORS / 2);
    for (int tick = 0; tick < 10; tick++) {
        for (size_t i = 0; i < lossy; i++)
            cast->actors[i].counter += 3;
        cast_run(cast, 50);
    }
}

Test(voice, what_everybody_loses_is_held_against_nobody)
{
    for (int is_lossy_here = 0; is_lossy_here < 2; is_lossy_here++) {
        struct cast *cast = cast_heard_or_not(DETECTOR_AURORA, true);
        cast_answer_all(cast, false);
        cast_run(cast, 3000);
        show_death(cast);
        answer_with_gaps(cast, is_lossy_here ? ACTORS / 2 : 0);
        cr_assert_eq(incarnation(cast), is_lossy_here ? 2 : 1);
        cast_free(cast);
    }
}

/* Who loses nearly all that it sends would else speak for everybody. */
Test(voice, what_one_loses_says_nothing_about_the_others)
{
    struct cast *cast = cast_heard_or_not(DETECTOR_AURORA, true);
    cast_answer_all(cast, false);
    cast_run(cast, 3000);
    show_death(cast);
    answer_with_gaps(cast, 1);
    cr_assert_eq(incarnation(cast), 1);
    cast_free(cast);
}

Test(voice, whoever_leaves_waits_for_nothing)
{
    struct cast *cast = cast_heard_or_not(DETECTOR_AURORA, false);
    cast_accuse_core(cast, 1, 1);
    cr_assert(is_held(cast));
    gossip_leave(cast->core, cast->now);
    cast_run(cast, 2000);
    cr_assert_eq(incarnation(cast), 1);
    cast_free(cast);
}
