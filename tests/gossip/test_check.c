// SPDX-License-Identifier: Apache-2.0
/* test_check.c - ranges of bulk pulls whose verdicts come later, out of order, or too late */
#include <criterion/criterion.h>
#include <stdio.h>
#include <string.h>

#include "tests/gossip/stage.h"

#define BULK_VERSION 10000 /* so many versions are no gap */

static struct pull *pull_of(struct stage *stage)
{
    cr_assert_eq(stage->core->puller.pull_count, 1U);
    return stage->core->puller.pulls[0];
}

/* The core pulls the log of puppet 0 from puppet 1, in bulk, and hands its checks to the test. */
static struct stage *stage_pulling(void)
{
    struct stage *stage = stage_new(true);
    stage->keeps_checks = true;
    stage_announce(stage, 1, 0, BULK_VERSION);
    stage_run(stage, MISSING_DELAY_MS + 1);
    cr_assert(pull_of(stage)->is_bulk);
    stage_forget(stage);
    return stage;
}

static void send_batch(struct stage *stage, const struct wire_batch *batch, bool is_reset,
                       bool is_last)
{
    stage_range(stage, 1, pull_of(stage)->request, is_reset, is_last, batch);
    stage_drain(stage);
}

static void send_range(struct stage *stage, uint64_t v0, uint64_t v1)
{
    struct stage_list list;
    stage_list_records(stage, &list, 0, v0, v1);
    struct wire_batch batch = stage_batch(stage, 0, v0, v1, BULK_VERSION, &list);
    send_batch(stage, &batch, false, false);
}

static void send_page(struct stage *stage, uint64_t v0, uint64_t v1, bool is_last)
{
    struct stage_list list;
    stage_list_records(stage, &list, 0, v0, v1);
    struct wire_batch batch = stage_batch(stage, 0, v0, v1, BULK_VERSION, &list);
    batch.floor = 1;
    send_batch(stage, &batch, true, is_last);
}

/* (v0, v1] whose last record has another signature than its home's. */
static void send_forged(struct stage *stage, uint64_t v0, uint64_t v1, bool is_reset)
{
    struct stage_list list;
    struct blob *good = stage_record(stage, 0, "forged", v1);
    uint8_t bytes[STATEMENT_MAX_BYTES];
    memcpy(bytes, good->bytes, good->len);
    bytes[0] ^= 1;
    stage_list_records(stage, &list, 0, v0, v1 - 1);
    wire_put_bin(&list.writer, span_of(bytes, good->len));
    list.count++;
    blob_release(good);
    struct wire_batch batch = stage_batch(stage, 0, v0, v1, BULK_VERSION, &list);
    batch.floor = is_reset ? 1 : 0;
    send_batch(stage, &batch, is_reset, false);
}

static struct gossip_check *take(struct stage *stage)
{
    struct gossip_check *check = gossip_next_check(stage->core);
    cr_assert_not_null(check);
    gossip_check_run(check);
    return check;
}

static void give(struct stage *stage, struct gossip_check *check)
{
    gossip_checked(stage->core, stage->now, check);
    stage_drain(stage);
}

static void give_all(struct stage *stage)
{
    gossip_check_all(stage->core, stage->now);
    stage_drain(stage);
}

/* --- Order ----------------------------------------------------------------------------------- */

Test(check, verdicts_take_effect_in_the_order_of_arrival)
{
    struct stage *stage = stage_pulling();
    struct gossip_check *checks[3];
    uint64_t before = stage->core->stats.signatures_verified;
    for (uint64_t i = 0; i < 3; i++)
        send_range(stage, i, i + 1);
    for (int i = 0; i < 3; i++)
        checks[i] = take(stage);
    cr_assert_null(gossip_next_check(stage->core));
    give(stage, checks[2]);
    give(stage, checks[1]);
    cr_assert_not(stage_sees(stage, "p2") || stage_sees(stage, "p3"), "the first is not back");
    give(stage, checks[0]);
    cr_assert(stage_sees(stage, "p1") && stage_sees(stage, "p2") && stage_sees(stage, "p3"));
    cr_assert_eq(stage_log(stage, 0)->applied, 3);
    cr_assert_eq(stage->core->stats.signatures_verified, before + 3);
    stage_free(stage);
}

Test(check, more_verdicts_than_one_step_takes_are_applied_by_and_by)
{
    struct stage *stage = stage_pulling();
    struct gossip_check *checks[200];
    for (uint64_t i = 0; i < 200; i++)
        send_range(stage, i, i + 1);
    for (int i = 0; i < 200; i++)
        checks[i] = take(stage);
    for (int i = 199; i >= 0; i--)
        give(stage, checks[i]);
    cr_assert_lt(stage_log(stage, 0)->applied, 200U, "the sockets must not wait for all of them");
    uint64_t before = stage_log(stage, 0)->applied;
    stage->now.mono_ms++;
    gossip_tick(stage->core, stage->now);
    cr_assert_gt(stage_log(stage, 0)->applied, before, "but it goes on");
    cr_assert_lt(stage_log(stage, 0)->applied, 200U, "as far as the next step");
    stage_run(stage, 2);
    cr_assert_eq(stage_log(stage, 0)->applied, 200U);
    stage_free(stage);
}

Test(check, next_window_is_asked_for_while_the_last_is_verified)
{
    struct stage *stage = stage_pulling();
    struct wire_message message;
    pull_of(stage)->window_bytes = 1;
    send_range(stage, 0, 3);
    cr_assert(stage_heard(stage, 1, WIRE_PULL, 0, &message));
    cr_assert_eq(message.pull.after, 3);
    cr_assert_eq(stage_log(stage, 0)->applied, 0);
    stage_free(stage);
}

Test(check, what_is_verified_is_not_lost)
{
    struct stage *stage = stage_pulling();
    struct stage_list list;
    stage_list_records(stage, &list, 0, 0, 3);
    struct wire_batch batch = stage_batch(stage, 0, 0, 3, 3, &list);
    send_batch(stage, &batch, false, true);
    stage_run(stage, 20000);
    cr_assert_eq(stage_count(stage, WIRE_PULL), 0U, "the server answered long ago");
    cr_assert_eq(pull_of(stage)->attempts, 0U);
    give_all(stage);
    cr_assert_eq(stage_log(stage, 0)->applied, 3);
    stage_free(stage);
}

Test(check, window_that_does_not_come_is_asked_for_from_where_it_broke_off)
{
    struct stage *stage = stage_pulling();
    struct wire_message message;
    send_range(stage, 0, 3);
    stage_run(stage, 1000);
    cr_assert(stage_heard(stage, 1, WIRE_PULL, 0, &message));
    cr_assert_eq(message.pull.after, 3, "what is being verified need not come again");
    stage_free(stage);
}

Test(check, hole_is_asked_for_before_anything_is_verified)
{
    struct stage *stage = stage_pulling();
    struct wire_message message;
    send_range(stage, 0, 1);
    send_range(stage, 2, 3);
    send_range(stage, 3, 4);
    cr_assert_eq(stage_count(stage, WIRE_PULL), 1U);
    cr_assert(stage_heard(stage, 1, WIRE_PULL, 0, &message));
    cr_assert_eq(message.pull.after, 1);
    cr_assert_eq(message.pull.window_bytes, 1);
    send_range(stage, 1, 2);
    give_all(stage);
    cr_assert_eq(stage_log(stage, 0)->applied, 4);
    cr_assert_eq(stage_count(stage, WIRE_PULL), 1U, "once");
    stage_free(stage);
}

Test(check, second_copy_is_not_verified_again)
{
    struct stage *stage = stage_pulling();
    send_range(stage, 0, 1);
    send_range(stage, 0, 1);
    take(stage);
    cr_assert_null(gossip_next_check(stage->core));
    stage_free(stage);
}

Test(check, news_by_the_tree_overtakes_what_is_verified)
{
    struct stage *stage = stage_pulling();
    send_range(stage, 0, 2);
    struct gossip_check *check = take(stage);
    stage_fill(stage, 0, 0, 2);
    cr_assert_eq(stage_log(stage, 0)->applied, 2);
    give(stage, check);
    cr_assert_eq(stage_log(stage, 0)->applied, 2);
    cr_assert_eq(stage_log(stage, 0)->live_count, 2U, "each once");
    stage_free(stage);
}

/* --- Lies ------------------------------------------------------------------------------------ */

Test(check, forged_statement_ends_its_batch_and_its_server_is_left)
{
    struct stage *stage = stage_pulling();
    struct wire_message message;
    bool is_another_asked = false;
    send_forged(stage, 0, 3, false);
    give_all(stage);
    cr_assert(stage_sees(stage, "p1") && stage_sees(stage, "p2"), "what came before it counts");
    cr_assert_not(stage_sees(stage, "forged"));
    cr_assert_eq(stage_log(stage, 0)->applied, 2);
    cr_assert_eq(stage->core->stats.drops[DROP_BAD_SIGNATURE], 1U);
    stage_forget(stage);
    stage_run(stage, 100);
    for (size_t who = 0; who < STAGE_PUPPETS; who++) {
        if (who == 1 || !stage_heard(stage, who, WIRE_PULL, 0, &message))
            continue;
        is_another_asked = true;
        cr_assert_eq(message.pull.after, 2, "from where the truth ended");
    }
    cr_assert(is_another_asked);
    stage_free(stage);
}

Test(check, range_of_nothing_moves_nobody_past_what_is_to_come)
{
    struct stage *stage = stage_pulling();
    struct stage_list list;
    struct wire_message message;
    stage_list_records(stage, &list, 0, 0, 1);
    struct wire_batch batch = stage_batch(stage, 0, 0, 1000000, BULK_VERSION, &list);
    send_batch(stage, &batch, false, false);
    give_all(stage);
    cr_assert_eq(stage_log(stage, 0)->applied, 1);
    stage_forget(stage);
    stage_run(stage, 1000);
    cr_assert(stage_heard(stage, 1, WIRE_PULL, 0, &message));
    cr_assert_eq(message.pull.after, 1);
    stage_free(stage);
}

/* --- Too late -------------------------------------------------------------------------------- */

static void equivocate(struct stage *stage)
{
    for (uint8_t i = 0; i < 2; i++) {
        struct hash root = {{i}};
        struct blob *head = stage_head(stage, 0, 50, &root);
        head_on_statement(stage->core, blob_span(head), NULL);
        blob_release(head);
    }
    cr_assert_eq(stage_log(stage, 0)->state, LOG_EQUIVOCATING);
}

Test(check, log_that_was_frozen_meanwhile_takes_nothing)
{
    struct stage *stage = stage_pulling();
    send_range(stage, 0, 1);
    struct gossip_check *check = take(stage);
    equivocate(stage);
    cr_assert_eq(stage->core->puller.pull_count, 0U);
    give(stage, check);
    cr_assert_not(stage_sees(stage, "p1"));
    stage_free(stage);
}

Test(check, home_that_restarted_meanwhile_keeps_its_old_log_apart)
{
    struct stage *stage = stage_pulling();
    uint64_t home = stage->puppets[0].tag;
    send_range(stage, 0, 1);
    struct gossip_check *check = take(stage);
    stage_restart_puppet(stage, 0);
    give(stage, check);
    struct gossip_peer_info info;
    if (gossip_peer_find(stage->core, span_of("p1", 2), &info))
        cr_assert_eq(info.epoch, STAGE_EPOCH, "it is what it was signed to be");
    const struct log *fresh = registry_log(stage->core, home, STAGE_EPOCH + 1);
    cr_assert(fresh == NULL || fresh->applied == 0);
    stage_free(stage);
}

Test(check, core_ends_with_checks_that_nobody_gave_back)
{
    struct stage *stage = stage_pulling();
    for (uint64_t i = 0; i < 3; i++)
        send_range(stage, i, i + 1);
    take(stage);
    gossip_next_check(stage->core);
    stage_free(stage); /* the sanitizers would know */
}

Test(check, node_that_left_takes_nothing)
{
    struct stage *stage = stage_pulling();
    send_range(stage, 0, 1);
    struct gossip_check *check = take(stage);
    gossip_leave(stage->core, stage->now);
    stage_run(stage, 1000);
    give(stage, check);
    cr_assert_not(stage_sees(stage, "p1"));
    stage_free(stage);
}

/* --- Limits ---------------------------------------------------------------------------------- */

Test(check, crowded_puller_asks_for_no_more_until_verdicts_are_back)
{
    struct stage *stage = stage_pulling();
    struct gossip_check *check;
    pull_of(stage)->window_bytes = UINT32_MAX;
    for (uint64_t i = 0; i < CHECKS_MAX; i++)
        send_range(stage, i, i + 1);
    cr_assert_eq(stage->core->stats.drops[DROP_LIMIT], 0U);
    send_range(stage, CHECKS_MAX, CHECKS_MAX + 1);
    cr_assert_eq(stage->core->stats.drops[DROP_LIMIT], 1U);
    pull_ask(stage->core, pull_of(stage));
    stage_run(stage, 100);
    cr_assert_eq(stage_count(stage, WIRE_PULL), 0U);
    while ((check = gossip_next_check(stage->core)) != NULL) {
        gossip_check_run(check);
        gossip_checked(stage->core, stage->now, check);
    }
    stage_run(stage, 100);
    cr_assert_eq(stage_log(stage, 0)->applied, CHECKS_MAX);
    cr_assert_gt(stage_count(stage, WIRE_PULL), 0U, "it goes on");
    stage_free(stage);
}

Test(check, gap_is_verified_on_the_spot)
{
    struct stage *stage = stage_new(true);
    stage->keeps_checks = true;
    stage_announce(stage, 1, 0, 2);
    stage_run(stage, MISSING_DELAY_MS + 1);
    send_range(stage, 0, 2);
    cr_assert(stage_sees(stage, "p2"));
    cr_assert_null(gossip_next_check(stage->core));
    stage_free(stage);
}

/* --- Resets ---------------------------------------------------------------------------------- */

Test(check, pages_of_a_reset_are_shown_in_order_and_the_last_ends_it)
{
    struct stage *stage = stage_pulling();
    struct gossip_check *checks[2];
    send_page(stage, 0, 3, false);
    send_page(stage, 3, 6, true);
    for (int i = 0; i < 2; i++)
        checks[i] = take(stage);
    give(stage, checks[1]);
    cr_assert_not(stage_sees(stage, "p6"));
    cr_assert_eq(stage->core->stats.sweeps, 0U);
    give(stage, checks[0]);
    cr_assert(stage_sees(stage, "p1") && stage_sees(stage, "p6"));
    cr_assert_eq(stage_log(stage, 0)->applied, 6);
    cr_assert_eq(stage->core->stats.sweeps, 1U);
    stage_free(stage);
}

Test(check, lost_page_is_asked_for_at_once)
{
    struct stage *stage = stage_pulling();
    struct wire_message message;
    send_page(stage, 0, 3, false);
    send_page(stage, 6, 9, true);
    cr_assert(stage_heard(stage, 1, WIRE_PULL, 0, &message));
    cr_assert_eq(message.pull.after, 3);
    cr_assert(message.pull.is_reset);
    give_all(stage);
    cr_assert_eq(stage->core->stats.sweeps, 0U, "there is no end without what comes before it");
    cr_assert_not(stage_sees(stage, "p9"));
    stage_free(stage);
}

Test(check, forged_page_begins_the_reset_anew_elsewhere)
{
    struct stage *stage = stage_pulling();
    struct wire_message message;
    send_page(stage, 0, 3, false);
    send_forged(stage, 3, 6, true);
    send_page(stage, 6, 9, true);
    give_all(stage);
    cr_assert_eq(stage->core->stats.drops[DROP_BAD_SIGNATURE], 1U);
    cr_assert_eq(stage->core->stats.sweeps, 0U);
    cr_assert_not(stage_sees(stage, "p9"), "of a server that was left");
    stage_forget(stage);
    stage_run(stage, 100);
    for (size_t who = 0; who < STAGE_PUPPETS; who++)
        if (stage_heard(stage, who, WIRE_PULL, 0, &message)) {
            cr_assert_neq(who, 1U);
            cr_assert_eq(message.pull.after, 0);
        }
    cr_assert_gt(stage_count(stage, WIRE_PULL), 0U);
    stage_free(stage);
}

Test(check, page_of_a_server_that_was_left_is_not_the_new_ones_first)
{
    struct stage *stage = stage_pulling();
    send_page(stage, 0, 3, false);
    struct gossip_check *check = take(stage);
    for (int i = 0; i < 100 && pull_of(stage)->from == stage->puppets[1].tag; i++)
        stage_run(stage, 100);
    cr_assert_neq(pull_of(stage)->from, stage->puppets[1].tag);
    give(stage, check);
    cr_assert_not(stage_sees(stage, "p3"));
    cr_assert_eq(pull_of(stage)->reset_after, 0U);
    stage_free(stage);
}

Test(check, last_page_whose_end_nobody_signed_comes_again)
{
    struct stage *stage = stage_pulling();
    struct stage_list list;
    struct wire_message message;
    stage_list_records(stage, &list, 0, 0, 3);
    struct wire_batch batch = stage_batch(stage, 0, 0, 9, BULK_VERSION, &list);
    batch.floor = 1;
    send_batch(stage, &batch, true, true);
    stage_forget(stage);
    give_all(stage);
    stage_run(stage, 50);
    cr_assert_gt(stage_count(stage, WIRE_HEAD_PULL), 0U, "its end must be signed");
    cr_assert(stage_heard(stage, 1, WIRE_PULL, 0, &message));
    cr_assert_eq(message.pull.after, 0);
    stage_free(stage);
}

Test(check, reset_of_a_log_that_is_here_already_is_compared_not_verified)
{
    struct stage *stage = stage_new(true);
    stage->keeps_checks = true;
    stage_fill(stage, 0, 0, 3);
    stage_announce(stage, 1, 0, BULK_VERSION);
    stage_run(stage, MISSING_DELAY_MS + 1);
    uint64_t before = stage->core->stats.signatures_verified;
    send_page(stage, 0, 3, false);
    cr_assert_null(gossip_next_check(stage->core));
    cr_assert_eq(stage->core->stats.signatures_verified, before);
    stage_free(stage);
}
