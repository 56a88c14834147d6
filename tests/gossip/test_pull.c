// SPDX-License-Identifier: Apache-2.0
/* test_pull.c - pulling what is missing: when, from whom, how often, and when to give up */
#include <criterion/criterion.h>
#include <stdio.h>

#include "tests/gossip/stage.h"

/* Puppet `who` passes on the batch (v0, v1] of puppet `home`, one record of peer "p<v1>". */
static void spread(struct stage *stage, size_t who, size_t home, uint64_t v0, uint64_t v1)
{
    struct stage_list list;
    stage_list_records(stage, &list, home, v1 - 1, v1);
    struct wire_message message = {
        .type = WIRE_SPREAD_BATCH,
        .spread = {.token = 1,
                   .arc_low = stage->core->tag,
                   .arc_high = stage->core->tag + 1,
                   .batch = stage_batch(stage, home, v0, v1, v1, &list)}};
    stage_say(stage, who, &message);
}

/* Records of versions v0 + 1 ... v1, of peers "p<version>", as a range of puppet `home`'s log. */
static void send_range(struct stage *stage, size_t who, uint64_t request, size_t home, uint64_t v0,
                       uint64_t v1, uint64_t applied, bool is_last)
{
    struct stage_list list;
    stage_list_records(stage, &list, home, v0, v1);
    struct wire_batch batch = stage_batch(stage, home, v0, v1, applied, &list);
    stage_range(stage, who, request, false, is_last, &batch);
}

/* Three records of puppet 0 are here, and puppet 1 has announced nine: what it was asked. */
static struct stage *stage_behind(uint64_t *request)
{
    struct stage *stage = stage_new(true);
    struct wire_message message;
    stage_fill(stage, 0, 0, 3);
    stage_announce(stage, 1, 0, 9);
    stage_run(stage, MISSING_DELAY_MS + 1);
    cr_assert(stage_heard(stage, 1, WIRE_PULL, 0, &message));
    *request = message.pull.request;
    return stage;
}

static void say_pull(struct stage *stage, size_t who, uint64_t request, uint64_t after,
                     uint64_t window_bytes, bool is_reset)
{
    struct wire_message message = {.type = WIRE_PULL,
                                   .pull = {.request = request,
                                            .home = stage->puppets[0].tag,
                                            .epoch = STAGE_EPOCH,
                                            .after = after,
                                            .window_bytes = window_bytes,
                                            .is_reset = is_reset}};
    stage_say(stage, who, &message);
}

/* --- Gaps ------------------------------------------------------------------------------------ */

Test(pull, gap_is_pulled_at_once)
{
    struct stage *stage = stage_new(true);
    struct wire_message message;
    spread(stage, 1, 0, 1, 2);
    stage_run(stage, GAP_DELAY_MS);
    cr_assert(stage_heard(stage, 1, WIRE_PULL, 0, &message), "no timeout is waited for");
    cr_assert_eq(message.pull.after, 0);
    cr_assert_not(stage_sees(stage, "p2"), "not before what it follows");
    send_range(stage, 1, message.pull.request, 0, 0, 1, 1, true);
    cr_assert(stage_sees(stage, "p1"));
    cr_assert(stage_sees(stage, "p2"), "what waited came after it");
    cr_assert_eq(stage->core->puller.pull_count, 0U);
    stage_free(stage);
}

Test(pull, batch_that_was_only_overtaken_is_not_pulled)
{
    struct stage *stage = stage_new(true);
    spread(stage, 1, 0, 1, 2);
    stage_run(stage, GAP_DELAY_MS - 1);
    spread(stage, 2, 0, 0, 1);
    cr_assert(stage_sees(stage, "p2"));
    stage_run(stage, 100);
    cr_assert_eq(stage_count(stage, WIRE_PULL), 0U);
    cr_assert_eq(stage->core->puller.pull_count, 0U);
    stage_free(stage);
}

Test(pull, same_log_is_never_pulled_twice_at_once)
{
    struct stage *stage = stage_new(true);
    spread(stage, 1, 0, 1, 2);
    spread(stage, 2, 0, 3, 4);
    stage_announce(stage, 3, 0, 9);
    stage_run(stage, GAP_DELAY_MS);
    cr_assert_eq(stage_count(stage, WIRE_PULL), 1U);
    cr_assert_eq(stage->core->puller.pull_count, 1U);
    stage_free(stage);
}

Test(pull, lost_range_is_asked_again_of_the_same_first)
{
    struct stage *stage = stage_new(true);
    struct wire_message message;
    spread(stage, 1, 0, 1, 2);
    stage_run(stage, GAP_DELAY_MS);
    stage_forget(stage);
    stage_run(stage, HOP_TIMEOUT_MAX_MS);
    cr_assert(stage_heard(stage, 1, WIRE_PULL, 0, &message));
    send_range(stage, 1, message.pull.request, 0, 0, 1, 1, true);
    cr_assert(stage_sees(stage, "p2"));
    stage_forget(stage);
    stage_run(stage, 10000);
    cr_assert_eq(stage_count(stage, WIRE_PULL), 0U, "and never again");
    stage_free(stage);
}

Test(pull, hole_in_a_window_is_asked_for_alone)
{
    struct stage *stage = stage_new(true);
    struct wire_message message;
    stage_announce(stage, 1, 0, 6);
    stage_run(stage, MISSING_DELAY_MS + 1);
    cr_assert(stage_heard(stage, 1, WIRE_PULL, 0, &message));
    uint64_t request = message.pull.request;
    stage_forget(stage);
    send_range(stage, 1, request, 0, 2, 4, 6, false); /* (0, 2] was lost */
    cr_assert(stage_heard(stage, 1, WIRE_PULL, 0, &message));
    cr_assert_eq(message.pull.after, 0);
    cr_assert_eq(message.pull.window_bytes, 1, "one packet");
    send_range(stage, 1, request, 0, 4, 6, 6, true);
    cr_assert_eq(stage_count(stage, WIRE_PULL), 1U, "once");
    send_range(stage, 1, request, 0, 0, 2, 6, false);
    cr_assert_eq(stage_log(stage, 0)->applied, 6);
    cr_assert_eq(stage->core->puller.pull_count, 0U);
    stage_free(stage);
}

Test(pull, next_window_follows_the_last_range_of_the_one_before)
{
    struct stage *stage = stage_new(true);
    struct wire_message message;
    stage_announce(stage, 1, 0, 1000);
    stage_run(stage, MISSING_DELAY_MS + 1);
    cr_assert(stage_heard(stage, 1, WIRE_PULL, 0, &message));
    uint64_t window_bytes = message.pull.window_bytes, request = message.pull.request, got = 0;
    cr_assert_eq(window_bytes, BULK_WINDOW_BYTES);
    cr_assert_eq(stage->core->puller.bulk_count, 1U);
    stage_forget(stage);
    uint64_t version = 0;
    while (stage_count(stage, WIRE_PULL) == 0) {
        uint64_t before = stage->core->stats.pull_bytes_in;
        send_range(stage, 1, request, 0, version, version + 4, 1000, false);
        got += stage->core->stats.pull_bytes_in - before + 64;
        version += 4;
        cr_assert_lt(version, 1000);
    }
    cr_assert_geq(got, window_bytes);
    cr_assert(stage_heard(stage, 1, WIRE_PULL, 0, &message));
    cr_assert_eq(message.pull.after, version);
    cr_assert_gt(message.pull.window_bytes, window_bytes, "it grows while nothing is slow");
    stage_free(stage);
}

Test(pull, member_that_has_nothing_is_left_for_another)
{
    struct stage *stage = stage_new(true);
    struct wire_message message;
    struct stage_list none;
    spread(stage, 1, 0, 1, 2);
    stage_run(stage, GAP_DELAY_MS);
    cr_assert(stage_heard(stage, 1, WIRE_PULL, 0, &message));
    stage_list_begin(&none);
    struct wire_batch nothing = stage_batch(stage, 0, 0, 0, 0, &none);
    stage_forget(stage);
    stage_range(stage, 1, message.pull.request, false, true, &nothing);
    stage_run(stage, 50);
    cr_assert_not(stage_heard(stage, 1, WIRE_PULL, 0, &message));
    cr_assert(stage_heard(stage, 0, WIRE_PULL, 0, &message), "the home surely has it");
    stage_free(stage);
}

Test(pull, version_that_nobody_has_is_given_up)
{
    struct stage *stage = stage_new(true);
    stage_fill(stage, 0, 0, 1);
    stage_announce(stage, 1, 0, 1000000);
    stage_run(stage, 60000);
    cr_assert_eq(stage->core->puller.pull_count, 0U);
    cr_assert_eq(stage_log(stage, 0)->behind_since_ms, 0, "a lie does not keep us behind for ever");
    cr_assert_leq(stage_count(stage, WIRE_PULL), 16U, "nor does it make us ask for ever");
    stage_free(stage);
}

Test(pull, answer_that_nobody_asked_for_is_dropped)
{
    struct stage *stage = stage_new(true);
    send_range(stage, 1, 77, 0, 0, 2, 2, true);
    cr_assert_not(stage_sees(stage, "p1"));
    cr_assert_eq(stage->core->stats.drops[DROP_UNSOLICITED], 1);
    stage_free(stage);
}

Test(pull, bulk_is_held_while_the_host_is_full_and_gaps_are_not)
{
    struct stage *stage = stage_new(true);
    struct wire_message message;
    gossip_hold_pulls(stage->core, true);
    stage_announce(stage, 1, 0, 1000);
    stage_announce(stage, 1, 2, 2);
    stage_run(stage, 2000);
    cr_assert(stage_heard(stage, 1, WIRE_PULL, 0, &message));
    cr_assert_eq(message.pull.home, stage->puppets[2].tag);
    for (size_t i = 0; stage_heard(stage, STAGE_PUPPETS, WIRE_PULL, i, &message); i++)
        cr_assert_neq(message.pull.home, stage->puppets[0].tag);
    gossip_hold_pulls(stage->core, false);
    stage_announce(stage, 1, 0, 1001);
    stage_run(stage, MISSING_DELAY_MS + 1);
    cr_assert(stage_heard(stage, 1, WIRE_PULL, 0, &message));
    stage_free(stage);
}

Test(pull, bulk_beyond_the_limit_waits_for_its_turn)
{
    struct stage *stage = stage_new(true);
    struct wire_message message;
    for (size_t home = 0; home <= PULLS_IN_MAX; home++)
        stage_announce(stage, 5, home, 1000 + home);
    stage_run(stage, MISSING_DELAY_MS + 1);
    cr_assert_eq(stage->core->puller.bulk_count, PULLS_IN_MAX);
    cr_assert_eq(stage_count(stage, WIRE_PULL), PULLS_IN_MAX);
    cr_assert(stage_heard(stage, 5, WIRE_PULL, 0, &message));
    /* The first says that there was no more than this: its slot is free. */
    struct stage_list none;
    size_t home = 0;
    while (stage->puppets[home].tag != message.pull.home)
        home++;
    stage_list_begin(&none);
    struct wire_batch nothing = stage_batch(stage, home, 0, 0, 0, &none);
    stage_forget(stage);
    for (int i = 0; i < 12; i++) {
        stage_range(stage, 5, message.pull.request, false, true, &nothing);
        stage_run(stage, 1);
    }
    cr_assert(stage_heard(stage, 5, WIRE_PULL, 0, &message));
    cr_assert_neq(message.pull.home, stage->puppets[home].tag);
    stage_free(stage);
}

Test(pull, pulled_gap_is_announced_to_others)
{
    struct stage *stage = stage_new(true);
    struct wire_message message;
    spread(stage, 1, 0, 1, 2);
    stage_run(stage, GAP_DELAY_MS);
    cr_assert(stage_heard(stage, 1, WIRE_PULL, 0, &message));
    send_range(stage, 1, message.pull.request, 0, 0, 1, 2, false);
    stage_run(stage, ANNOUNCE_DELAY_MS + 1);
    cr_assert_gt(stage_count(stage, WIRE_ANNOUNCE), 0U);
    stage_free(stage);
}

/* --- Announced ------------------------------------------------------------------------------- */

Test(pull, announced_and_missing_is_pulled_after_a_few_milliseconds)
{
    struct stage *stage = stage_new(true);
    struct wire_message message;
    stage_announce(stage, 2, 0, 1);
    stage_run(stage, MISSING_DELAY_MS - 1);
    cr_assert_eq(stage_count(stage, WIRE_PULL), 0U);
    stage_run(stage, 2);
    cr_assert(stage_heard(stage, 2, WIRE_PULL, 0, &message));
    cr_assert_eq(stage->core->stats.missing_pulled, 1);
    stage_free(stage);
}

Test(pull, announced_and_arrived_is_not_pulled)
{
    struct stage *stage = stage_new(true);
    stage_announce(stage, 2, 0, 1);
    stage_announce(stage, 3, 0, 1);
    stage_run(stage, MISSING_DELAY_MS / 2);
    spread(stage, 1, 0, 0, 1);
    stage_run(stage, 100);
    cr_assert_eq(stage_count(stage, WIRE_PULL), 0U);
    cr_assert_eq(stage->core->stats.missing_pulled, 0);
    cr_assert_eq(stage->core->puller.missing_count, 0U);
    stage_free(stage);
}

Test(pull, later_announcement_waits_its_own_time)
{
    struct stage *stage = stage_new(true);
    struct wire_message message;
    stage_announce(stage, 2, 0, 1);
    stage_run(stage, MISSING_DELAY_MS / 2);
    spread(stage, 1, 0, 0, 1);
    stage_announce(stage, 3, 0, 2);
    stage_run(stage, MISSING_DELAY_MS / 2 + 1);
    cr_assert_eq(stage_count(stage, WIRE_PULL), 0U, "version 2 may still come by itself");
    stage_run(stage, MISSING_DELAY_MS);
    cr_assert(stage_heard(stage, 3, WIRE_PULL, 0, &message));
    stage_free(stage);
}

/* --- Resets ---------------------------------------------------------------------------------- */

Test(pull, puller_below_floor_starts_from_zero_and_sweeps)
{
    struct stage *stage = stage_new(true);
    struct wire_message message;
    struct stage_list list;
    stage_fill(stage, 0, 0, 3); /* p1, p2, p3 */
    stage_announce(stage, 1, 0, 9);
    stage_run(stage, MISSING_DELAY_MS + 1);
    cr_assert(stage_heard(stage, 1, WIRE_PULL, 0, &message));
    uint64_t request = message.pull.request;
    /* p2 was deleted, and the delete is forgotten: what is left is p1, p3 and p9. */
    stage_list_begin(&list);
    stage_list_add(&list, stage_record(stage, 0, "p1", 1));
    stage_list_add(&list, stage_record(stage, 0, "p3", 3));
    struct wire_batch page = stage_batch(stage, 0, 0, 3, 9, &list);
    page.floor = 8;
    stage_range(stage, 1, request, true, false, &page);
    cr_assert_eq(stage_log(stage, 0)->applied, 3, "a page moves nothing");
    cr_assert(stage_sees(stage, "p2"));
    stage_list_begin(&list);
    stage_list_add(&list, stage_record(stage, 0, "p9", 9));
    page = stage_batch(stage, 0, 3, 9, 9, &list);
    page.floor = 8;
    stage_range(stage, 1, request, true, true, &page);
    cr_assert_eq(stage_log(stage, 0)->applied, 9);
    cr_assert_not(stage_sees(stage, "p2"), "no page showed it");
    cr_assert(stage_sees(stage, "p1") && stage_sees(stage, "p3") && stage_sees(stage, "p9"));
    cr_assert_eq(stage->core->stats.sweeps, 1);
    cr_assert_eq(stage->core->puller.pull_count, 0U);
    stage_free(stage);
}

Test(pull, lost_page_of_a_reset_is_asked_for_from_there)
{
    uint64_t request;
    struct stage *stage = stage_behind(&request);
    struct stage_list list;
    struct wire_message message;
    stage_list_begin(&list);
    stage_list_add(&list, stage_record(stage, 0, "p1", 1));
    struct wire_batch page = stage_batch(stage, 0, 0, 1, 9, &list);
    page.floor = 8;
    stage_range(stage, 1, request, true, false, &page);
    stage_forget(stage);
    /* (1, 5] is lost. If the last page ended the pull now, p3 would be swept wrongly. */
    stage_list_begin(&list);
    stage_list_add(&list, stage_record(stage, 0, "p9", 9));
    page = stage_batch(stage, 0, 5, 9, 9, &list);
    stage_range(stage, 1, request, true, true, &page);
    cr_assert(stage_sees(stage, "p3"));
    cr_assert_eq(stage_log(stage, 0)->applied, 3);
    cr_assert(stage_heard(stage, 1, WIRE_PULL, 0, &message));
    cr_assert_eq(message.pull.after, 1);
    cr_assert(message.pull.is_reset);
    stage_free(stage);
}

Test(pull, reset_by_one_who_knows_less_drops_nothing)
{
    uint64_t request;
    struct stage *stage = stage_behind(&request);
    struct stage_list list;
    struct wire_message message;
    stage_list_begin(&list);
    stage_list_add(&list, stage_record(stage, 0, "p1", 1));
    struct wire_batch page = stage_batch(stage, 0, 0, 2, 2, &list);
    stage_range(stage, 1, request, true, true, &page);
    cr_assert(stage_sees(stage, "p2") && stage_sees(stage, "p3"));
    cr_assert_eq(stage_log(stage, 0)->applied, 3);
    stage_forget(stage);
    stage_run(stage, 20);
    cr_assert_not(stage_heard(stage, 1, WIRE_PULL, 0, &message), "nor is it asked on");
    cr_assert_gt(stage_count(stage, WIRE_PULL), 0U);
    stage_free(stage);
}

/* The last operations were deletes that everybody has forgotten, and the home died before its HEAD.
 */
Test(pull, reset_whose_end_nobody_signed_ends_at_what_is_signed)
{
    uint64_t request;
    struct stage *stage = stage_behind(&request);
    struct stage_list list;
    struct wire_message message;
    stage_list_begin(&list);
    stage_list_add(&list, stage_record(stage, 0, "p3", 3));
    stage_list_add(&list, stage_record(stage, 0, "p5", 5));
    struct wire_batch page = stage_batch(stage, 0, 0, 9, 9, &list);
    for (int i = 0; i < 20 && stage_log(stage, 0)->applied == 3; i++) {
        stage_forget(stage);
        stage_range(stage, 1, request, true, true, &page);
        cr_assert(i > 0 || stage_heard(stage, 1, WIRE_HEAD_PULL, 0, &message));
        cr_assert(i > 0 || stage_sees(stage, "p1"), "not swept before the end is known");
        for (int ms = 0; ms < 2000 && !stage_heard(stage, 1, WIRE_PULL, 0, &message); ms++)
            stage_run(stage, 1);
    }
    cr_assert_eq(stage_log(stage, 0)->applied, 5);
    cr_assert_not(stage_sees(stage, "p1"));
    cr_assert(stage_sees(stage, "p3") && stage_sees(stage, "p5"));
    cr_assert_eq(stage->core->puller.pull_count, 0U);
    stage_free(stage);
}

Test(pull, reset_that_never_ends_leaves_nothing)
{
    uint64_t request;
    struct stage *stage = stage_behind(&request);
    struct stage_list list;
    stage_list_begin(&list);
    stage_list_add(&list, stage_record(stage, 0, "p5", 5));
    struct wire_batch page = stage_batch(stage, 0, 0, 5, 9, &list);
    stage_range(stage, 1, request, true, false, &page);
    cr_assert(stage_sees(stage, "p5"));
    stage_run(stage, 60000);
    cr_assert_eq(stage->core->puller.pull_count, 0U);
    cr_assert_not(stage_sees(stage, "p5"), "it is in no log that was applied");
    cr_assert(stage_sees(stage, "p1") && stage_sees(stage, "p2") && stage_sees(stage, "p3"));
    stage_free(stage);
}

/* --- Serving --------------------------------------------------------------------------------- */

Test(serve, window_is_answered_in_ranges_that_follow_one_another)
{
    struct stage *stage = stage_new(true);
    struct wire_message message;
    stage_fill(stage, 0, 0, 40);
    stage_forget(stage);
    say_pull(stage, 1, 5, 10, 2000, false);
    uint64_t after = 10, bytes = 0;
    size_t n = 0;
    while (stage_heard(stage, 1, WIRE_RANGE, n, &message)) {
        cr_assert_eq(message.range.request, 5);
        cr_assert_eq(message.range.batch.v0, after);
        cr_assert_eq(message.range.batch.applied, 40);
        after = message.range.batch.v1;
        bytes += message.range.batch.statements.rest.len + 64;
        n++;
    }
    cr_assert_geq(bytes, 2000);
    cr_assert_leq(bytes, 2000 + PACKET_MAX_BYTES);
    cr_assert_lt(after, 40, "the puller asks for more when it has that");
    stage_forget(stage);
    say_pull(stage, 1, 5, after, 64000, false);
    for (n = 0; stage_heard(stage, 1, WIRE_RANGE, n, &message); n++)
        cr_assert_eq(message.range.is_last, message.range.batch.v1 == 40);
    cr_assert_gt(n, 0U);
    stage_free(stage);
}

Test(serve, puller_below_the_floor_is_told_to_start_from_zero)
{
    struct stage *stage = stage_new(true);
    struct wire_message message;
    stage_fill(stage, 0, 0, 5);
    stage_log(stage, 0)->floor = 4;
    stage_forget(stage);
    say_pull(stage, 1, 5, 3, 1200, false);
    cr_assert(stage_heard(stage, 1, WIRE_RANGE, 0, &message));
    cr_assert(message.range.is_reset);
    cr_assert_eq(message.range.batch.v0, 0);
    stage_forget(stage);
    say_pull(stage, 1, 6, 4, 1200, false);
    cr_assert(stage_heard(stage, 1, WIRE_RANGE, 0, &message));
    cr_assert_not(message.range.is_reset, "at the floor nothing is missing");
    stage_forget(stage);
    say_pull(stage, 1, 7, 3, 1200, true);
    cr_assert(stage_heard(stage, 1, WIRE_RANGE, 0, &message));
    cr_assert(message.range.is_reset, "a reset goes on where it was");
    cr_assert_eq(message.range.batch.v0, 3);
    stage_free(stage);
}

Test(serve, what_is_not_here_is_answered_with_nothing)
{
    struct stage *stage = stage_new(true);
    struct wire_message message;
    stage_fill(stage, 0, 0, 2);
    stage_forget(stage);
    say_pull(stage, 1, 5, 2, 1200, false);
    cr_assert(stage_heard(stage, 1, WIRE_RANGE, 0, &message));
    cr_assert(message.range.is_last);
    cr_assert_eq(message.range.batch.v1, message.range.batch.v0);
    cr_assert_eq(message.range.batch.statements.count, 0);
    stage_free(stage);
}

Test(serve, bulk_pullers_beyond_the_limit_are_sent_away_until_one_is_done)
{
    struct stage *stage = stage_new(true);
    struct wire_message message;
    stage_fill(stage, 0, 0, 200);
    for (uint64_t request = 0; request < PULLS_OUT_MAX; request++)
        say_pull(stage, 1, 100 + request, 0, 17000, false);
    stage_forget(stage);
    say_pull(stage, 2, 5, 0, 17000, false);
    cr_assert(stage_heard(stage, 2, WIRE_RANGE, 0, &message));
    cr_assert_eq(message.range.batch.statements.count, 0, "ask elsewhere");
    stage_forget(stage);
    say_pull(stage, 2, 6, 190, 1200, false);
    cr_assert(stage_heard(stage, 2, WIRE_RANGE, 0, &message));
    cr_assert_gt(message.range.batch.statements.count, 0, "a gap is always served");
    say_pull(stage, 1, 100, 150, 17000, false); /* reaches the end: its slot is free */
    stage_forget(stage);
    say_pull(stage, 2, 7, 0, 17000, false);
    cr_assert(stage_heard(stage, 2, WIRE_RANGE, 0, &message));
    cr_assert_gt(message.range.batch.statements.count, 0);
    stage_free(stage);
}

Test(serve, log_that_we_know_to_be_wrong_is_not_shown)
{
    struct stage *stage = stage_new(true);
    struct wire_message message;
    struct hash root = {{1}};
    struct blob *head = stage_head(stage, 0, 2, &root);
    stage_fill(stage, 0, 0, 2);
    head_on_statement(stage->core, blob_span(head), NULL);
    blob_release(head);
    cr_assert_eq(stage_log(stage, 0)->state, LOG_DIVERGED);
    stage_forget(stage);
    say_pull(stage, 1, 5, 0, 1200, false);
    cr_assert(stage_heard(stage, 1, WIRE_RANGE, 0, &message));
    cr_assert_eq(message.range.batch.statements.count, 0);
    stage_free(stage);
}
