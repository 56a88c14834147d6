// SPDX-License-Identifier: Apache-2.0
/* test_forward.c - a heartbeat finds its peer's home, or makes one */
#include <criterion/criterion.h>
#include <stdio.h>
#include <string.h>

#include "gossip/core.h"
#include "sim/cluster.h"

static struct cluster *cluster_of(size_t nodes)
{
    struct cluster *cluster = cluster_new(&(struct cluster_options){.nodes = nodes});
    cluster_boot(cluster);
    return cluster;
}

static void settle(struct cluster *cluster)
{
    cr_assert_leq(cluster_wait_everywhere(cluster, settled(), 30000), 30000U);
    cr_assert(cluster_check_settled(cluster));
}

static struct record record_at(struct cluster *cluster, size_t node, const char *peer_id)
{
    struct gossip_peer_info info;
    struct record record;
    cr_assert(gossip_peer_find(cluster_core(cluster, node), span_of_text(peer_id), &info));
    cr_assert(statement_read_record(blob_span(info.record), &record));
    return record;
}

static uint64_t adoptions(struct cluster *cluster)
{
    uint64_t sum = 0;
    for (size_t node = 0; node < cluster_nodes(cluster); node++)
        sum +=
            cluster_is_running(cluster, node) ? cluster_status(cluster, node).stats.adoptions : 0;
    return sum;
}

/* Latency is 1 ms: a packet there and one back, and nothing that others hear of. */
Test(forward, heartbeat_at_another_node_renews_at_the_home)
{
    struct cluster *cluster = cluster_of(3);
    cluster_register_ttl(cluster, 1, "a", 20);
    settle(cluster);
    uint64_t seq = record_at(cluster, 0, "a").seq;
    for (int i = 0; i < 10; i++) {
        cluster_run_for(cluster, 15000);
        uint64_t since_us = cluster_now_us(cluster);
        cr_assert_eq(cluster_heartbeat(cluster, 0, "a"), RESULT_OK);
        cr_assert_leq(cluster_last_answer(cluster).at_us - since_us, 3000U);
        cr_assert_eq(cluster_last_answer(cluster).expires_in_ms, 20000U);
    }
    cr_assert_eq(record_at(cluster, 0, "a").seq, seq);
    cr_assert_eq(adoptions(cluster), 0U);
    cr_assert_eq(cluster_status(cluster, 0).stats.forwards, 10U);
    cluster_free(cluster);
}

Test(forward, load_balancer_alternating_heartbeats)
{
    struct cluster *cluster = cluster_of(4);
    const size_t nodes[] = {0, 1, 2, 3};
    cluster_register_ttl(cluster, 1, "a", 30);
    settle(cluster);
    uint64_t version = record_at(cluster, 3, "a").version;
    cluster_client_start(cluster, "a", 10000, nodes, 4, true);
    cluster_run_for(cluster, 20 * 60 * 1000);
    cr_assert_gt(cluster_client_stats(cluster, "a").ok, 100U);
    cr_assert_eq(cluster_client_stats(cluster, "a").ok, cluster_client_stats(cluster, "a").sent);
    cr_assert_eq(adoptions(cluster), 0U);
    for (size_t node = 0; node < 4; node++) {
        cr_assert_eq(cluster_peer_home(cluster, node, "a"), 1U);
        cr_assert_eq(record_at(cluster, node, "a").version, version);
        cr_assert_eq(cluster_peer_downs(cluster, node, "a"), 0U);
    }
    cluster_free(cluster);
}

Test(forward, deregistration_at_another_node_is_seen_by_who_asked)
{
    struct cluster *cluster = cluster_of(3);
    cluster_register(cluster, 1, "a");
    settle(cluster);
    cr_assert_eq(cluster_deregister(cluster, 0, "a"), RESULT_OK);
    cr_assert_not(cluster_sees_peer(cluster, 0, "a"), "whoever deletes reads its own write");
    cr_assert_leq(cluster_wait_everywhere(cluster, peer_hidden("a"), 20), 20U);
    cr_assert_eq(cluster_peer_down_reason(cluster, 2, "a"), PEER_DOWN_DEREGISTERED);
    cr_assert_eq(adoptions(cluster), 0U);
    cluster_free(cluster);
}

Test(forward, unknown_peer_is_unknown_at_once)
{
    struct cluster *cluster = cluster_of(2);
    uint64_t since_us = cluster_now_us(cluster);
    cr_assert_eq(cluster_heartbeat(cluster, 0, "nobody"), RESULT_UNKNOWN_PEER);
    cr_assert_eq(cluster_deregister(cluster, 0, "nobody"), RESULT_UNKNOWN_PEER);
    cr_assert_eq(cluster_last_answer(cluster).at_us, since_us);
    cluster_free(cluster);
}

/* What the home would say that does not know the peer any more, while we still do. */
static void home_answers(struct cluster *cluster, uint64_t result, uint64_t seq)
{
    struct gossip *core = cluster_core(cluster, 0);
    struct wire_message message = {
        .type = WIRE_FORWARD_REPLY,
        .forward_reply =
            {
                .origin = core->tag,
                .target = cluster_tag(cluster, 1),
                .request = core->forwards.next_number - 1,
                .result = result,
                .seq = seq,
            },
    };
    core->now = cluster_time(cluster, 0);
    forward_on_reply(core, members_find(core, cluster_tag(cluster, 1)), &message);
    cluster_drain(cluster, 0);
}

Test(forward, unknown_from_the_home_is_never_an_adoption)
{
    struct cluster *cluster = cluster_of(3);
    cluster_register(cluster, 1, "a");
    settle(cluster);
    uint64_t request = cluster_ask_heartbeat(cluster, 0, "a");
    home_answers(cluster, RESULT_UNKNOWN_PEER, 0);
    cr_assert(cluster_answer(cluster, request).is_done);
    cr_assert_eq(cluster_answer(cluster, request).result, RESULT_UNKNOWN_PEER);
    cluster_run_for(cluster, 5000);
    cr_assert_eq(adoptions(cluster), 0U);
    cr_assert_eq(cluster_peer_home(cluster, 0, "a"), 1U);
    cluster_free(cluster);
}

/* Two homes that each name the other: the timeout ends it. */
Test(forward, homes_that_disagree_are_not_followed_for_ever)
{
    struct cluster *cluster = cluster_of(3);
    cluster_register(cluster, 1, "a");
    settle(cluster);
    cluster_isolate(cluster, 0);
    uint64_t request = cluster_ask_heartbeat(cluster, 0, "a");
    for (int i = 0; i < 20; i++)
        home_answers(cluster, FORWARD_RESULT_MOVED, cluster_tag(cluster, 1));
    cr_assert_leq(cluster_core(cluster, 0)->forwards.next_number & 0xffff, 5U);
    cluster_run_for(cluster, 1200);
    cr_assert(cluster_answer(cluster, request).is_done);
    cr_assert_eq(cluster_answer(cluster, request).result, RESULT_OK);
    cluster_free(cluster);
}

/* The wire between the two is cut, and nobody else's: relays find the way, and nothing is adopted.
 */
Test(forward, relays_are_asked_before_anything_is_taken_over)
{
    struct cluster *cluster = cluster_of(5);
    cluster_register(cluster, 1, "a");
    settle(cluster);
    cluster_cut(cluster, NODES(0), NODES(1));
    uint64_t since_us = cluster_now_us(cluster);
    cr_assert_eq(cluster_heartbeat(cluster, 0, "a"), RESULT_OK);
    uint64_t took_us = cluster_last_answer(cluster).at_us - since_us;
    cr_assert_geq(took_us, FORWARD_TIMEOUT_MS / 2 * 1000U);
    cr_assert_lt(took_us, FORWARD_TIMEOUT_MS * 1000U);
    cr_assert_eq(adoptions(cluster), 0U);
    cr_assert_eq(cluster_deregister(cluster, 0, "a"), RESULT_OK);
    cr_assert_leq(cluster_wait_everywhere(cluster, peer_hidden("a"), 1000), 1000U);
    cluster_free(cluster);
}

Test(forward, silent_home_is_taken_over_after_a_second)
{
    struct cluster *cluster = cluster_of(4);
    cluster_register(cluster, 1, "a");
    settle(cluster);
    cluster_pause(cluster, 1);
    uint64_t since_us = cluster_now_us(cluster);
    cr_assert_eq(cluster_heartbeat(cluster, 0, "a"), RESULT_OK);
    uint64_t took_us = cluster_last_answer(cluster).at_us - since_us;
    cr_assert_geq(took_us, FORWARD_TIMEOUT_MS * 1000U - 1000U);
    cr_assert_leq(took_us, FORWARD_TIMEOUT_MS * 1000U + 5000U);
    cr_assert_leq(cluster_wait_at(cluster, 2, peer_home("a", 0), 100), 100U);
    cr_assert_eq(cluster_peer_downs(cluster, 2, "a"), 0U);
    cluster_free(cluster);
}

Test(forward, adoption_raises_seq)
{
    struct cluster *cluster = cluster_of(3);
    cluster_register(cluster, 1, "a");
    settle(cluster);
    uint64_t seq = record_at(cluster, 0, "a").seq;
    cluster_set_clock(cluster, 0, -3600 * 1000); /* whatever its clock says */
    cluster_crash(cluster, 1);
    cr_assert_eq(cluster_heartbeat(cluster, 0, "a"), RESULT_OK);
    struct record record = record_at(cluster, 0, "a");
    cr_assert_eq(record.home, cluster_tag(cluster, 0));
    cr_assert_eq(record.seq, seq + 1);
    cr_assert_eq(adoptions(cluster), 1U);
    cluster_free(cluster);
}

static void moved_between(size_t home, size_t adopter)
{
    struct cluster *cluster = cluster_of(4);
    cluster_register(cluster, home, "a");
    settle(cluster);
    cluster_pause(cluster, home);
    cr_assert_eq(cluster_heartbeat(cluster, adopter, "a"), RESULT_OK);
    cluster_resume(cluster, home);
    cr_assert_leq(cluster_wait_everywhere(cluster, peer_home("a", adopter), 5000), 5000U);
    cr_assert_eq(cluster_core(cluster, home)->leases.count, 1U, "not at once");
    cr_assert_eq(cluster_heartbeat(cluster, home, "a"), RESULT_OK, "forwarded to the winner's");
    cr_assert_eq(cluster_peer_home(cluster, home, "a"), adopter);
    cluster_run_for(cluster, MOVED_DELAY_MS + 5000);
    settle(cluster);
    cr_assert_eq(cluster_core(cluster, home)->leases.count, 0U);
    for (size_t node = 0; node < 4; node++) {
        cr_assert_eq(cluster_peer_home(cluster, node, "a"), adopter);
        cr_assert_eq(cluster_peer_downs(cluster, node, "a"), 0U);
    }
    cr_assert_eq(adoptions(cluster), 1U);
    cluster_free(cluster);
}

/* The old home wakes up, finds that it lost, and ends its own record: the winner stays, whichever
 * of the two has the higher tag. */
Test(forward, moved_delete_does_not_hide_the_winner)
{
    moved_between(1, 0);
    moved_between(0, 1);
}

/* The last operation of one node's log, given to another that was cut off when it was made. */
static void hand_over_last(struct cluster *cluster, size_t from, size_t to)
{
    const struct log *log = cluster_core(cluster, from)->registry.own;
    struct gossip *core = cluster_core(cluster, to);
    uint8_t bytes[STATEMENT_MAX_BYTES];
    struct wire_writer list = {.data = bytes, .capacity = sizeof bytes};
    uint32_t count;
    bool is_last;
    struct wire_batch batch = {.home = log->home, .epoch = log->epoch, .v0 = log->applied - 1};
    batch.v1 = log_read_range(log, batch.v0, &list, &count, &is_last);
    batch.applied = log->applied;
    batch.statements = wire_list_of(&list, count);
    core->now = cluster_time(cluster, to);
    cr_assert_eq(log_on_batch(core, registry_log(core, log->home, log->epoch), &batch),
                 BATCH_APPLIED);
    cluster_drain(cluster, to);
}

/* "moved" may come before what the peer moved to (a bulk pull, a cut that just healed): whoever
 * said it is asked. */
Test(forward, moved_before_the_winner_came_is_no_404)
{
    struct cluster *cluster = cluster_of(3);
    cluster_register(cluster, 1, "a");
    settle(cluster);
    cluster_isolate(cluster, 2);
    cr_assert_eq(cluster_register(cluster, 0, "a"), RESULT_OK);
    cluster_run_for(cluster, MOVED_DELAY_MS + 1000);
    cr_assert_eq(cluster_core(cluster, 1)->leases.count, 0U);
    hand_over_last(cluster, 1, 2);
    cr_assert_not(cluster_sees_peer(cluster, 2, "a"));
    cluster_heal(cluster);
    cr_assert_eq(cluster_heartbeat(cluster, 2, "a"), RESULT_OK);
    cr_assert_eq(adoptions(cluster), 0U);
    cr_assert_eq(cluster_deregister(cluster, 2, "a"), RESULT_OK);
    cr_assert_eq(cluster_heartbeat(cluster, 2, "a"), RESULT_UNKNOWN_PEER);
    cluster_free(cluster);
}

/* It lost, and won again before it gave up: nothing is deleted. */
Test(forward, record_that_wins_again_stays)
{
    struct cluster *cluster = cluster_of(3);
    cluster_register(cluster, 1, "a");
    settle(cluster);
    cr_assert_eq(cluster_register(cluster, 0, "a"), RESULT_OK);
    cluster_run_for(cluster, MOVED_DELAY_MS / 2);
    cr_assert_eq(cluster_peer_home(cluster, 1, "a"), 0U);
    cr_assert_eq(cluster_register(cluster, 1, "a"), RESULT_OK);
    cluster_run_for(cluster, 2 * MOVED_DELAY_MS);
    settle(cluster);
    cr_assert_eq(cluster_peer_home(cluster, 2, "a"), 1U);
    cr_assert_eq(cluster_core(cluster, 1)->leases.count, 1U);
    cr_assert_eq(cluster_core(cluster, 0)->leases.count, 0U);
    cr_assert_eq(cluster_peer_downs(cluster, 2, "a"), 0U);
    cluster_free(cluster);
}

Test(forward, n2_with_the_other_node_gone)
{
    struct cluster *cluster = cluster_of(2);
    cluster_register(cluster, 1, "a");
    cluster_register(cluster, 1, "b");
    settle(cluster);
    cluster_crash(cluster, 1);
    cr_assert_eq(cluster_heartbeat(cluster, 0, "a"), RESULT_OK, "not yet known to be gone");
    cr_assert_leq(cluster_wait_at(cluster, 0, member_is(1, MEMBER_DEAD), 20000), 20000U);
    uint64_t since_us = cluster_now_us(cluster);
    cr_assert_eq(cluster_heartbeat(cluster, 0, "b"), RESULT_OK, "known: nobody is asked");
    cr_assert_eq(cluster_last_answer(cluster).at_us, since_us);
    cr_assert_eq(cluster_peer_downs(cluster, 0, "a"), 0U);
    cr_assert_eq(cluster_peer_downs(cluster, 0, "b"), 0U);
    cr_assert_eq(cluster_peer_home(cluster, 0, "b"), 0U);
    cluster_free(cluster);
}

/* Existing clients only ever heartbeat: a peer that was hidden is kept for that. */
Test(forward, hidden_orphan_comes_back_by_a_heartbeat)
{
    struct cluster *cluster = cluster_of(3);
    cluster_register_ttl(cluster, 1, "a", 600);
    settle(cluster);
    cluster_crash(cluster, 1);
    cluster_run_for(cluster, ORPHAN_GRACE_MS + 30000);
    cr_assert(cluster_holds_everywhere(cluster, peer_hidden("a")));
    cr_assert_eq(cluster_heartbeat(cluster, 2, "a"), RESULT_OK);
    cr_assert_leq(cluster_wait_everywhere(cluster, peer_home("a", 2), 1000), 1000U);
    cluster_free(cluster);
}

Test(forward, home_that_left_is_not_asked)
{
    struct cluster *cluster = cluster_of(3);
    cluster_register(cluster, 1, "a");
    settle(cluster);
    cluster_leave(cluster, 1);
    cr_assert_leq(cluster_wait_everywhere(cluster, member_is(1, MEMBER_LEFT), 1000), 1000U);
    uint64_t since_us = cluster_now_us(cluster);
    cr_assert_eq(cluster_heartbeat(cluster, 0, "a"), RESULT_OK);
    cr_assert_eq(cluster_last_answer(cluster).at_us, since_us);
    cr_assert_eq(cluster_peer_downs(cluster, 2, "a"), 0U);
    cluster_free(cluster);
}

Test(forward, deregistration_of_an_orphan_ends_it_everywhere)
{
    struct cluster *cluster = cluster_of(3);
    cluster_register(cluster, 1, "a");
    settle(cluster);
    cluster_crash(cluster, 1);
    cr_assert_leq(cluster_wait_everywhere(cluster, member_is(1, MEMBER_DEAD), 20000), 20000U);
    cr_assert_eq(cluster_deregister(cluster, 0, "a"), RESULT_OK);
    cr_assert_leq(cluster_wait_everywhere(cluster, peer_hidden("a"), 1000), 1000U);
    cluster_free(cluster);
}

/* --- Tokens
 * ------------------------------------------------------------------------------------------ */

static enum gossip_result ask(struct cluster *cluster, size_t node, const char *peer_id,
                              const uint8_t *token, bool is_deregistration)
{
    static uint64_t request = UINT64_C(1) << 60;
    struct gossip *core = cluster_core(cluster, node);
    struct gossip_time now = cluster_time(cluster, node);
    struct gossip_event event;
    enum gossip_result result = RESULTS;
    if (is_deregistration)
        gossip_deregister(core, now, ++request, span_of_text(peer_id), token);
    else
        gossip_heartbeat(core, now, ++request, span_of_text(peer_id), token);
    while (core->events.count > 0 && result == RESULTS) {
        event = core->events
                    .ring[(core->events.first + core->events.count - 1) % core->events.capacity];
        result = event.kind == GOSSIP_EVENT_REPLY ? event.reply.result : RESULT_BUSY;
    }
    cluster_drain(cluster, node);
    return result;
}

Test(forward, wrong_token_moves_no_orphan)
{
    static const uint8_t wrong[LEASE_TOKEN_HASH_BYTES] = {9};
    struct cluster *cluster = cluster_of(3);
    struct gossip_registration registration = cluster_registration("a", 300);
    registration.has_token = true;
    registration.token_hash[0] = 1;
    cluster_register_as(cluster, 1, &registration);
    settle(cluster);
    cluster_crash(cluster, 1);
    cr_assert_leq(cluster_wait_everywhere(cluster, member_is(1, MEMBER_DEAD), 20000), 20000U);
    cr_assert_eq(ask(cluster, 0, "a", wrong, false), RESULT_WRONG_TOKEN);
    cr_assert_eq(ask(cluster, 0, "a", wrong, true), RESULT_WRONG_TOKEN);
    cr_assert_eq(ask(cluster, 0, "a", NULL, true), RESULT_TOKEN_NEEDED);
    cr_assert_eq(adoptions(cluster), 0U);
    cr_assert_eq(ask(cluster, 0, "a", registration.token_hash, false), RESULT_OK);
    cr_assert_eq(adoptions(cluster), 1U);
    cr_assert(record_at(cluster, 0, "a").has_token, "the adopter keeps the token");
    cr_assert_eq(ask(cluster, 0, "a", wrong, true), RESULT_WRONG_TOKEN);
    cluster_free(cluster);
}

/* --- Forged and repeated commands ----------------------------------------------------------------
 */

static struct blob *command_of(struct cluster *cluster, size_t signer, uint64_t number,
                               enum command_kind kind)
{
    struct gossip *core = cluster_core(cluster, signer);
    struct command command = {
        .origin = cluster_tag(cluster, 0),
        .target = cluster_tag(cluster, 1),
        .request = number,
        .kind = kind,
        .peer_id = span_of_text("a"),
    };
    return statement_of_command(&command, &core->config.identity, &core->scope);
}

static void deliver(struct cluster *cluster, struct blob *statement)
{
    struct gossip *home = cluster_core(cluster, 1);
    struct wire_message message = {.type = WIRE_FORWARD, .forward = {blob_span(statement)}};
    home->now = cluster_time(cluster, 1);
    forward_on_command(home, members_find(home, cluster_tag(cluster, 0)), &message);
    cluster_drain(cluster, 1);
}

Test(forward, command_is_the_origins_own)
{
    struct cluster *cluster = cluster_of(3);
    cluster_register(cluster, 1, "a");
    settle(cluster);
    struct blob *forged = command_of(cluster, 2, 1000, COMMAND_DEREGISTER);
    uint64_t before = cluster_core(cluster, 1)->stats.drops[DROP_BAD_SIGNATURE];
    deliver(cluster, forged);
    cr_assert_eq(cluster_core(cluster, 1)->stats.drops[DROP_BAD_SIGNATURE], before + 1);
    cr_assert(cluster_sees_peer(cluster, 1, "a"));
    blob_release(forged);
    cluster_free(cluster);
}

/* Also a thousand commands later, when the answer is forgotten. */
Test(forward, replayed_command_is_carried_out_once)
{
    struct cluster *cluster = cluster_of(3);
    cluster_register(cluster, 1, "a");
    settle(cluster);
    struct blob *command = command_of(cluster, 0, 7, COMMAND_DEREGISTER);
    deliver(cluster, command);
    cr_assert_not(cluster_sees_peer(cluster, 1, "a"));
    cluster_register(cluster, 1, "a");
    deliver(cluster, command);
    cr_assert(cluster_sees_peer(cluster, 1, "a"));
    for (uint64_t number = 10; number < 1500; number++) {
        struct blob *heartbeat = command_of(cluster, 0, number, COMMAND_HEARTBEAT);
        deliver(cluster, heartbeat);
        blob_release(heartbeat);
    }
    uint64_t before = cluster_core(cluster, 1)->stats.drops[DROP_REPLAYED];
    deliver(cluster, command);
    cr_assert_eq(cluster_core(cluster, 1)->stats.drops[DROP_REPLAYED], before + 1);
    struct blob *ancient = command_of(cluster, 0, UINT64_C(1) << 40, COMMAND_HEARTBEAT);
    deliver(cluster, ancient); /* moves the window far on */
    deliver(cluster, command);
    cr_assert_eq(cluster_core(cluster, 1)->stats.drops[DROP_REPLAYED], before + 2);
    cr_assert(cluster_sees_peer(cluster, 1, "a"));
    blob_release(ancient);
    blob_release(command);
    cluster_free(cluster);
}

Test(forward, commands_survive_heavy_loss)
{
    struct cluster *cluster =
        cluster_new(&(struct cluster_options){.nodes = 5, .loss = 0.2, .duplicate = 0.1});
    cluster_boot(cluster);
    cluster_register(cluster, 1, "a");
    cr_assert_leq(cluster_wait_everywhere(cluster, peer_visible("a"), 10000), 10000U);
    for (int i = 0; i < 200; i++) {
        cr_assert_eq(cluster_heartbeat(cluster, 0, "a"), RESULT_OK);
        cluster_run_for(cluster, 100);
    }
    cr_assert_eq(adoptions(cluster), 0U);
    cluster_free(cluster);
}

/* --- Self-certified peers ------------------------------------------------------------------------
 */

Test(forward, self_certified_part_is_adopted_unchanged)
{
    static const uint8_t seed[KEY_SEED_BYTES] = {42};
    struct cluster *cluster = cluster_of(3);
    struct key_pair pair;
    char id[sizeof "ed25519:" + 64] = "ed25519:";
    uint8_t bytes[STATEMENT_MAX_BYTES];
    key_pair_from_seed(seed, &pair);
    for (size_t i = 0; i < KEY_PUBLIC_BYTES; i++)
        snprintf(id + 8 + 2 * i, 3, "%02x", pair.public.bytes[i]);
    struct gossip_registration registration = cluster_registration(id, 300);
    registration.peer.is_signed = true;
    registration.peer.peer_version = 5;
    size_t len = statement_peer_bytes(&registration.peer, bytes, sizeof bytes);
    sign_make(&pair, NULL, SIGN_PEER, bytes, len, registration.peer.peer_signature);
    cr_assert_eq(cluster_register_as(cluster, 1, &registration), RESULT_OK);
    settle(cluster);
    cluster_crash(cluster, 1);
    cr_assert_eq(cluster_heartbeat(cluster, 0, id), RESULT_OK);
    cr_assert_leq(cluster_wait_at(cluster, 2, peer_home(id, 0), 1000), 1000U);
    struct record record = record_at(cluster, 2, id);
    cr_assert(record.peer.is_signed);
    cr_assert_eq(record.peer.peer_version, 5U);
    cr_assert_arr_eq(record.peer.peer_signature, registration.peer.peer_signature, SIGN_BYTES);
    cr_assert(statement_peer_verify(&record.peer));
    cluster_free(cluster);
}
