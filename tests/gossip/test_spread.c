// SPDX-License-Identifier: Apache-2.0
/* test_spread.c - the tree: once to everybody, acknowledged, resent, given to somebody else. */
#include <criterion/criterion.h>
#include <stdio.h>

#include "gossip/core.h"
#include "pair.h"
#include "tests/gossip/stage.h"

static uint64_t payloads_in(const struct pair *pair)
{
    uint64_t total = 0;
    for (size_t i = 0; i < pair->count; i++)
        total += pair_status(pair, i).stats.spread_payloads_in;
    return total;
}

static uint64_t resent(const struct pair *pair)
{
    uint64_t total = 0;
    for (size_t i = 0; i < pair->count; i++)
        total += pair_status(pair, i).stats.spread_resent;
    return total;
}

Test(spread, a_record_reaches_everybody_at_once_and_once)
{
    struct pair *pair = pair_new(8);
    pair_run(pair, 5000);
    uint64_t before = payloads_in(pair);
    cr_assert(pair_register(pair, 3, "once"));
    pair_run(pair, 1);
    for (size_t i = 0; i < 8; i++)
        cr_assert(pair_sees(pair, i, "once"), "core %zu", i);
    pair_run(pair, 50);
    cr_assert_eq(payloads_in(pair) - before, 7, "one payload for each other node");
    cr_assert_eq(resent(pair), 0);
    pair_free(pair);
}

Test(spread, a_lost_hop_is_resent)
{
    struct pair *pair = pair_new(2);
    pair_run(pair, 3000);
    pair->is_cut = true;
    cr_assert(pair_register(pair, 0, "late"));
    pair_run(pair, 2);
    pair->is_cut = false;
    cr_assert_not(pair_sees(pair, 1, "late"));
    pair_run(pair, 100);
    cr_assert(pair_sees(pair, 1, "late"), "the hop was sent once more");
    cr_assert_geq(resent(pair), 1);
    pair_free(pair);
}

/* Where everything is late because there is too much of it, resending must not make it worse. */
Test(spread, resends_are_a_share_of_what_is_sent)
{
    struct pair *pair = pair_new(2);
    pair_run(pair, 3000);
    pair->is_cut = true;
    struct gossip_stats before = pair_status(pair, 0).stats;
    for (int i = 0; i < 150; i++) {
        char peer[32];
        snprintf(peer, sizeof peer, "peer-%d", i);
        cr_assert(pair_register(pair, 0, peer));
        pair_run(pair, BATCH_QUIET_MS + 1); /* each leaves at once */
    }
    pair_run(pair, 1000);
    struct gossip_stats after = pair_status(pair, 0).stats;
    uint64_t sent = after.spread_sent - before.spread_sent;
    uint64_t again = after.spread_resent - before.spread_resent;
    cr_assert_geq(sent, 150U);
    cr_assert_gt(again, sent);
    cr_assert_leq(again, RESENDS_PER_HOP * sent + RESENDS_SAVED_MAX);
    cr_assert_gt(after.drops[DROP_LIMIT], before.drops[DROP_LIMIT]);
    pair_free(pair);
}

/* Whoever objects may be hard to hear. */
Test(spread, ones_own_life_is_told_thirty_times)
{
    struct pair *pair = pair_new(2);
    pair_run(pair, 3000);
    pair->is_cut = true;
    uint64_t before = resent(pair);
    members_refute(pair->cores[0], 0);
    pair_run(pair, 800);
    cr_assert_eq(resent(pair) - before, 29);
    pair_free(pair);
}

Test(spread, a_dead_relay_does_not_keep_its_arc_from_the_news)
{
    struct pair *pair = pair_new(8);
    pair_run(pair, 5000);
    /* Core 5 falls silent: nobody has noticed yet, and it may be chosen for an arc. */
    pair->addrs[5].port = 1;
    for (int i = 0; i < 20; i++) {
        char peer[32];
        snprintf(peer, sizeof peer, "peer-%d", i);
        cr_assert(pair_register(pair, 0, peer));
        pair_run(pair, 80);
        for (size_t k = 0; k < 8; k++)
            cr_assert(k == 5 || pair_sees(pair, k, peer), "%s at core %zu", peer, k);
    }
    pair_free(pair);
}

Test(spread, what_the_tree_lost_is_repaired_by_anti_entropy)
{
    struct pair *pair = pair_new(3);
    pair_run(pair, 3000);
    pair->is_cut = true;
    cr_assert(pair_register(pair, 0, "hidden"));
    pair_run(pair, 1500); /* every attempt of every hop is over */
    pair->is_cut = false;
    cr_assert_not(pair_sees(pair, 1, "hidden"));
    pair_run(pair, 3000);
    for (size_t i = 0; i < 3; i++)
        cr_assert(pair_sees(pair, i, "hidden"), "core %zu", i);
    pair_free(pair);
}

/* The same arc by a resend, by another relay, or by a loop that somebody built: once. */
Test(spread, an_arc_that_comes_twice_is_served_once)
{
    struct stage *stage = stage_new(true);
    uint8_t bytes[STATEMENT_MAX_BYTES];
    struct wire_writer list = {bytes, 0, sizeof bytes, false};
    wire_put_bin(&list, blob_span(stage->puppets[1].member->life->statement));
    struct wire_message news = {.type = WIRE_SPREAD_NEWS,
                                .spread = {.token = 1,
                                           .arc_low = stage->puppets[0].tag,
                                           .arc_high = stage->puppets[0].tag,
                                           .statements = wire_list_of(&list, 1)}};
    stage_forget(stage);
    cr_assert_eq(stage_say(stage, 0, &news), DROP_NONE);
    stage_drain(stage);
    size_t served = stage_count(stage, WIRE_SPREAD_NEWS);
    cr_assert_gt(served, 0U);
    news.spread.token = 2;
    cr_assert_eq(stage_say(stage, 0, &news), DROP_NONE);
    stage_drain(stage);
    cr_assert_eq(stage_count(stage, WIRE_SPREAD_NEWS), served);
    cr_assert_eq(stage_count(stage, WIRE_HOP_ACKS), 2U, "but acknowledged each time");
    stage_free(stage);
}

/* Sends core 1 a copy of the batch (0, 1] of core 0's log, whose arc is the whole ring; `flip`
 * spoils its signature. Returns how many payloads core 2 gets because of it. */
static uint64_t relayed(struct pair *pair, uint8_t flip)
{
    struct gossip *g = pair->cores[0];
    struct gossip_peer_info info;
    uint8_t statement[STATEMENT_MAX_BYTES], space[STATEMENT_MAX_BYTES + 8];
    cr_assert(gossip_peer_find(g, span_of_text("known"), &info));
    memcpy(statement, info.record->bytes, info.record->len);
    statement[0] ^= flip;
    struct wire_writer list = {space, 0, sizeof space, false};
    wire_put_bin(&list, span_of(statement, info.record->len));
    struct wire_message message = {.type = WIRE_SPREAD_BATCH,
                                   .spread = {.token = 7, .arc_low = 1, .arc_high = 1}};
    message.spread.batch = (struct wire_batch){.home = g->tag,
                                               .epoch = g->epoch,
                                               .v1 = 1,
                                               .applied = 1,
                                               .statements = wire_list_of(&list, 1)};
    struct member *to = members_find(g, gossip_tag(pair->cores[1]));
    uint64_t before = pair_status(pair, 2).stats.spread_payloads_in;
    gossip_tick(g, pair->now);
    cr_assert(outbox_send(g, to, PRIORITY_SET, &message));
    pair_pump(pair);
    return pair_status(pair, 2).stats.spread_payloads_in - before;
}

Test(spread, what_nobody_signed_is_not_relayed)
{
    struct pair *pair = pair_new(3);
    cr_assert(pair_register(pair, 0, "known"));
    pair_run(pair, 3000);
    cr_assert_eq(relayed(pair, 1), 0, "known already, so its signature was not looked at before");
    uint64_t verified = pair->cores[1]->stats.signatures_verified;
    cr_assert_eq(relayed(pair, 0), 1, "the same, signed: this arc was not served yet");
    cr_assert_eq(pair->cores[1]->stats.signatures_verified, verified, "its bytes are here");
    pair_free(pair);
}

/* Sends a copy of the batch (v0, v1] of puppet 0's log, whose arc is the whole ring. */
static void spread_copy(struct stage *stage, uint64_t v0, uint64_t v1, uint64_t token)
{
    struct stage_list list;
    struct wire_message message = {.type = WIRE_SPREAD_BATCH,
                                   .spread = {.token = token, .arc_low = 1, .arc_high = 1}};
    stage_list_records(stage, &list, 0, v0, v1);
    message.spread.batch = stage_batch(stage, 0, v0, v1, v1, &list);
    cr_assert_eq(stage_say(stage, 1, &message), DROP_NONE);
    stage_drain(stage);
}

Test(spread, what_waits_for_its_turn_is_verified_once)
{
    struct stage *stage = stage_new(true);
    uint64_t before = stage->core->stats.signatures_verified;
    stage_forget(stage);
    spread_copy(stage, 1, 3, 7);
    cr_assert_eq(stage->core->stats.signatures_verified, before + 2);
    cr_assert_gt(stage_count(stage, WIRE_SPREAD_BATCH), 0U, "early, and passed on");
    spread_copy(stage, 0, 1, 8);
    cr_assert_eq(stage_log(stage, 0)->applied, 3);
    cr_assert_eq(stage->core->stats.signatures_verified, before + 3);
    stage_free(stage);
}

/* The most important queue in which something waits to leave. */
static int waiting_priority(struct gossip *g)
{
    for (int i = 0; i < PRIORITIES; i++)
        if (g->outbox.first[i] != NULL)
            return i;
    return PRIORITIES;
}

Test(spread, a_delete_leaves_before_sets)
{
    struct pair *pair = pair_new(2);
    struct gossip *g = pair->cores[0];
    struct gossip_registration set = {.peer = {.peer_id = span_of_text("p"),
                                               .address = span_of_text("198.51.100.1"),
                                               .metadata = span_of_text("{}")}};
    pair_run(pair, 3000);
    gossip_register(g, pair->now, 1, &set);
    cr_assert_eq(waiting_priority(g), PRIORITY_SET);
    pair_pump(pair);
    pair_run(pair, 3000);
    gossip_deregister(g, pair->now, 2, span_of_text("p"), NULL);
    cr_assert_eq(waiting_priority(g), PRIORITY_DELETE);
    pair_free(pair);
}
