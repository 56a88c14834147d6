// SPDX-License-Identifier: Apache-2.0
/* test_rumours.c - membership news that rides on probes: as much as fits, and never half a
 * statement */
#include "tests/gossip/cast.h"
#include "tests/gossip/samples.h"
#include "tests/gossip/stage.h"

#include <criterion/criterion.h>

static struct stage *stage;

static void start(void)
{
    stage = stage_new(true);
}

static void stop(void)
{
    stage_free(stage);
}

TestSuite(rumours, .init = start, .fini = stop);

/* Word of a node that nobody here knows. */
static void rumour_of(uint8_t number)
{
    struct key_pair pair = sample_pair(number);
    struct alive alive = sample_alive(&pair);
    struct blob *blob = statement_of_alive(&alive, &pair, &stage->scope);

    cr_assert_not_null(blob);
    spread_rumour(stage->core, blob);
    blob_release(blob);
}

static uint32_t statements_on_an_ack(size_t who)
{
    struct wire_message ping = {.type = WIRE_PING, .probe = {.random = 1}}, news;
    uint32_t count = 0;

    stage_forget(stage);
    cr_assert_eq(stage_say(stage, who, &ping), DROP_NONE);
    stage_drain(stage);
    for (size_t n = 0; stage_heard(stage, who, WIRE_NEWS, n, &news); n++) {
        struct wire_list list = news.news.statements;
        struct span statement;
        struct alive alive;
        while (wire_list_bin(&list, &statement)) {
            cr_assert(statement_read_alive(statement, &alive));
            count++;
        }
    }
    return count;
}

Test(rumours, more_than_a_packet_holds_ride_on_the_next_ones)
{
    uint32_t said = 0;

    statements_on_an_ack(0);
    for (uint8_t number = 100; number < 130; number++)
        rumour_of(number);
    uint32_t first = statements_on_an_ack(0);
    cr_assert(first >= 3 && first < 30, "%u", first);
    for (int i = 0; i < 100 && said < 30; i++)
        said += statements_on_an_ack((size_t)i % STAGE_PUPPETS);
    cr_assert_geq(said, 30U);
}

static bool is_told_of_an_accusation(const struct cast *cast, size_t actor)
{
    struct wire_message news;
    struct span statement;
    for (size_t i = 0; cast_heard(cast, actor, WIRE_NEWS, i, &news); i++)
        while (wire_list_bin(&news.news.statements, &statement))
            if (statement_kind_of(statement) == STATEMENT_ACCUSATION)
                return true;
    return false;
}

/* Lifeguard's buddy rule: what was told when the suspicion began may have been lost. */
Test(rumours, a_suspect_is_told_again_with_each_probe)
{
    struct cast *cast = cast_new(NULL, 4, 4);
    cast_answer_all(cast, true);
    cast_run(cast, 2000);
    cr_assert_eq(cast_accuse(cast, 1, 0, 1), ACCUSATION_NEW);
    cast_drain(cast);
    cast_forget(cast);
    cast_run(cast, 5000);
    cr_assert_eq(cast_state(cast, 0), MEMBER_SUSPECT);
    cr_assert_gt(cast_heard_count(cast, 0, WIRE_PING), 0U);
    cr_assert(is_told_of_an_accusation(cast, 0));
    cast_free(cast);
}

/* Whoever does not answer may speak in a life that has ended, and be told so by nobody else. */
Test(rumours, the_dead_are_told_of_their_own_later_life)
{
    struct cast *cast = cast_new(NULL, 4, 4);
    struct wire_message news;
    struct span statement;
    bool is_told = false;
    cast_answer_all(cast, true);
    cast_run(cast, 2000);
    member_set_state(cast->core, cast_member(cast, 0), MEMBER_DEAD, 0);
    cast->actors[0].answers = false;
    cast_forget(cast);
    cast_run(cast, 2 * OLD_MEMBER_PROBE_MS);
    for (size_t i = 0; cast_heard(cast, 0, WIRE_NEWS, i, &news); i++)
        while (wire_list_bin(&news.news.statements, &statement))
            is_told |= span_equal(statement, blob_span(cast_member(cast, 0)->alive));
    cr_assert(is_told);
    cast_free(cast);
}
