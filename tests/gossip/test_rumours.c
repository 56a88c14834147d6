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

static void rumour_of_leaving(uint64_t tag)
{
    struct left left = {tag, 1, 1};
    struct blob *blob =
        statement_of_left(&left, &stage->core->config.identity, &stage->core->scope);
    spread_rumour(stage->core, blob);
    blob_release(blob);
}

/* How many statements ride on a packet with so much room; *tag: whom the first is about. */
static size_t carried(size_t room, uint64_t *tag)
{
    uint8_t bytes[PACKET_PLAIN_MAX_BYTES];
    struct wire_writer writer = {bytes, 0, room, false};
    struct wire_message message;
    struct span statement;
    struct left left;
    size_t count = 0;
    rumours_append(stage->core, &writer, stage->core->members.self);
    struct wire_reader reader = {span_of(bytes, writer.len)};
    while (writer.len > 0 && wire_read_next(&reader, &message) == WIRE_NEXT_MESSAGE)
        while (wire_list_bin(&message.news.statements, &statement))
            if (count++ == 0 && statement_read_left(statement, &left))
                *tag = left.tag;
    return count;
}

static void forget_rumours(void)
{
    uint64_t tag;
    for (int i = 0; i < 100 && stage->core->spread.rumour_count > 0; i++)
        carried(1000, &tag);
    cr_assert_eq(stage->core->spread.rumour_count, 0, "each is said a few times, then no more");
}

Test(rumours, the_least_said_goes_first)
{
    uint64_t tag = 0;
    forget_rumours();
    rumour_of_leaving(1);
    cr_assert_eq(carried(1000, &tag), 1);
    rumour_of_leaving(2);
    cr_assert_eq(carried(100, &tag), 1, "room for one");
    cr_assert_eq(tag, 2);
}

Test(rumours, each_is_said_twice_for_every_digit_of_the_members)
{
    uint64_t tag;
    size_t times = 0;
    forget_rumours();
    rumour_of_leaving(1);
    for (int i = 0; i < 50; i++)
        times += carried(1000, &tag);
    cr_assert_eq(times, 2, "%zu members", stage->core->members.count);
}

Test(rumours, a_newer_statement_about_one_member_replaces_the_older)
{
    forget_rumours();
    rumour_of_leaving(7);
    rumour_of_leaving(7);
    cr_assert_eq(stage->core->spread.rumour_count, 1);
}

Test(rumours, the_table_is_bounded)
{
    for (uint64_t tag = 1; tag <= RUMOURS_MAX + 10; tag++)
        rumour_of_leaving(tag);
    cr_assert_eq(stage->core->spread.rumour_count, RUMOURS_MAX);
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
            is_told |= span_equal(statement, blob_span(cast_member(cast, 0)->life->statement));
    cr_assert(is_told);
    cast_free(cast);
}
