// SPDX-License-Identifier: Apache-2.0
/* test_join.c - asking seeds, what is remembered of us, our key elsewhere, letting others in */
#include <criterion/criterion.h>

#include "tests/gossip/cast.h"

static const struct addr elsewhere = {.family = ADDR_IPV4, .ip = {192, 168, 7, 7}, .port = 77};

/* The core's seeds are the first `seeds` actors; it knows nobody. */
static struct cast *joining(size_t actors, size_t seeds)
{
    struct gossip_config config;
    cast_config(&config);
    struct cast *plain = cast_new(NULL, actors, 0);
    for (size_t i = 0; i < seeds; i++)
        config.seeds[i] = plain->actors[i].addr;
    config.seed_count = seeds;
    cast_free(plain);
    return cast_new(&config, actors, 0);
}

static uint64_t asked_with(const struct cast *cast, size_t seed)
{
    struct wire_message join;
    size_t count = cast_heard_count(cast, seed, WIRE_JOIN);
    cr_assert_gt(count, 0);
    cr_assert(cast_heard(cast, seed, WIRE_JOIN, count - 1, &join));
    return join.join.request;
}

/* The seed answers: it remembers this statement of ours and this epoch. */
static void answer_join(struct cast *cast, size_t seed, uint64_t epoch, struct blob *remembered)
{
    uint8_t seen[18];
    struct blob *alive = cast_alive(cast, seed, CAST_EPOCH, 1);
    struct wire_message reply = {
        .type = WIRE_JOIN_REPLY,
        .join_reply = {.request = cast->core->join.request,
                       .remembered_epoch = epoch,
                       .seen_address = span_of(
                           seen, wire_address_write(&cast->core->config.addresses[0], seen)),
                       .statement = blob_span(alive)}};
    if (remembered != NULL)
        reply.join_reply.remembered = blob_span(remembered);
    cr_assert_eq(cast_say(cast, seed, &reply), DROP_NONE);
    blob_release(alive);
    blob_release(remembered);
    cast_drain(cast);
}

/* A statement of our own key. */
static struct blob *own_alive(const struct cast *cast, uint64_t epoch, const struct addr *addr)
{
    struct gossip_config config;
    cast_config(&config);
    struct alive alive = {.id = config.identity.public,
                          .epoch = epoch,
                          .incarnation = 1,
                          .name = span_of_text("core"),
                          .zone = span_of_text(""),
                          .http_url = span_of_text(""),
                          .addresses = {*addr},
                          .address_count = 1,
                          .protocol_version = PROTOCOL_VERSION};
    return statement_of_alive(&alive, &config.identity, &cast->scope);
}

/* One page that holds these actors; it goes round the ring for the core, wherever that is. */
static void answer_pull(struct cast *cast, size_t seed, size_t first, size_t count)
{
    uint8_t bytes[1000];
    struct wire_message pull;
    for (size_t n = 0; cast_heard(cast, seed, WIRE_MEMBERS_PULL, n, &pull); n++) {
        struct wire_writer list = {bytes, 0, sizeof bytes, false};
        for (size_t i = first; i < first + count; i++) {
            struct blob *alive = cast_alive(cast, i, CAST_EPOCH, 1);
            wire_put_array(&list, 3);
            wire_put_uint(&list, 0);
            wire_put_uint(&list, 0);
            wire_put_array(&list, 1);
            wire_put_bin(&list, blob_span(alive));
            blob_release(alive);
        }
        struct wire_message page = {.type = WIRE_MEMBERS,
                                    .members = {.after = pull.members_pull.after,
                                                .through = UINT64_MAX,
                                                .entries = wire_list_of(&list, (uint32_t)count)}};
        cr_assert_eq(cast_say(cast, seed, &page), DROP_NONE);
        cast_drain(cast);
    }
}

Test(join, who_has_no_seeds_begins_at_once_and_is_not_called_alone)
{
    struct cast *cast = cast_new(NULL, 1, 0);
    cr_assert_eq(cast->core->join.phase, JOIN_DONE);
    cr_assert(cast->core->sync.is_first_done);
    cast_run(cast, 10000);
    cr_assert_eq(cast_event_count(cast, GOSSIP_EVENT_ALONE), 0);
    cast_free(cast);
}

Test(join, all_seeds_are_asked_but_not_ourselves)
{
    struct gossip_config config;
    cast_config(&config);
    config.seeds[0] = config.addresses[0];
    config.seeds[1] = elsewhere;
    config.seed_count = 2;
    struct cast *cast = cast_new(&config, 1, 0);
    cast_run(cast, 250);
    cr_assert(cast_heard_at(cast, &elsewhere, WIRE_JOIN, 0, NULL));
    cr_assert_not(cast_heard_at(cast, &config.addresses[0], WIRE_JOIN, 0, NULL));
    cast_free(cast);
}

Test(join, who_is_its_own_only_seed_has_nobody_to_ask)
{
    struct gossip_config config;
    cast_config(&config);
    config.seeds[0] = config.addresses[0];
    config.seed_count = 1;
    struct cast *cast = cast_new(&config, 1, 0);
    cr_assert_eq(cast->core->join.phase, JOIN_DONE);
    cast_free(cast);
}

Test(join, an_unanswered_node_starts_alone_says_so_once_and_keeps_trying)
{
    struct cast *cast = joining(2, 2);
    cast_run(cast, JOIN_ALONE_MS - 2);
    cr_assert_eq(cast_event_count(cast, GOSSIP_EVENT_ALONE), 0);
    cr_assert_not(cast->core->sync.is_first_done);
    cast_run(cast, 10);
    cr_assert_eq(cast_event_count(cast, GOSSIP_EVENT_ALONE), 1);
    cr_assert(cast->core->sync.is_first_done);
    cast_run(cast, 120000);
    cr_assert_eq(cast_event_count(cast, GOSSIP_EVENT_ALONE), 1);
    size_t before = cast_heard_count(cast, 0, WIRE_JOIN);
    cast_run(cast, 90000);
    size_t late = cast_heard_count(cast, 0, WIRE_JOIN) - before;
    cr_assert(late >= 2 && late <= 5, "%zu in 90 s: every 30 s or so, for ever", late);
    cast_free(cast);
}

Test(join, the_first_answer_leads_to_the_members_and_is_told)
{
    struct cast *cast = joining(4, 1);
    cast_run(cast, 250);
    asked_with(cast, 0);
    answer_join(cast, 0, 0, NULL);
    cr_assert_eq(cast->core->join.phase, JOIN_MEMBERS);
    answer_pull(cast, 0, 1, 3);
    cr_assert_eq(cast->core->join.phase, JOIN_DONE);
    cr_assert_eq(members_n(cast->core), 5);
    const struct gossip_event *event = cast_event(cast, GOSSIP_EVENT_JOINED);
    cr_assert(addr_equal(&event->joined.addr, &cast->actors[0].addr));
    cast_drain(cast);
    cr_assert_gt(cast_count(cast, WIRE_SPREAD_NEWS), 0, "our ALIVE goes over the ring");
    cast_free(cast);
}

Test(join, an_answer_to_another_question_is_dropped)
{
    struct cast *cast = joining(2, 1);
    cast_run(cast, 250);
    cast->core->join.request++;
    uint64_t request = cast->core->join.request;
    answer_join(cast, 0, 0, NULL);
    cr_assert_eq(cast->core->join.phase, JOIN_MEMBERS);
    cast_free(cast);
    cast = joining(2, 1);
    cast_run(cast, 250);
    cr_assert_neq(cast->core->join.request, request);
    cast->core->join.request = request;
    struct wire_message reply = {.type = WIRE_JOIN_REPLY, .join_reply.request = request + 1};
    struct blob *alive = cast_alive(cast, 0, CAST_EPOCH, 1);
    reply.join_reply.statement = blob_span(alive);
    reply.join_reply.seen_address = span_of("\x7f\0\0\1\0\1", 6);
    cast_say(cast, 0, &reply);
    cr_assert_eq(cast->core->join.phase, JOIN_ASKING);
    cr_assert_eq(cast->core->stats.drops[DROP_UNSOLICITED], 1);
    blob_release(alive);
    cast_free(cast);
}

Test(join, the_epoch_rises_above_what_the_cluster_remembers)
{
    struct cast *cast = joining(2, 1);
    cast_run(cast, 250);
    answer_join(cast, 0, CAST_EPOCH + 7, NULL);
    cr_assert_eq(cast->core->epoch, CAST_EPOCH + 8);
    cr_assert_eq(cast_event(cast, GOSSIP_EVENT_EPOCH)->epoch.epoch, CAST_EPOCH + 8);
    cast_free(cast);
}

Test(join, a_lower_remembered_epoch_changes_nothing)
{
    struct cast *cast = joining(2, 1);
    cast_run(cast, 250);
    answer_join(cast, 0, CAST_EPOCH - 1, NULL);
    cr_assert_eq(cast->core->epoch, CAST_EPOCH);
    cr_assert_eq(cast->core->join.phase, JOIN_MEMBERS);
    cast_free(cast);
}

Test(join, a_key_that_still_answers_elsewhere_stops_us)
{
    struct cast *cast = joining(2, 1);
    cast_run(cast, 250);
    answer_join(cast, 0, CAST_EPOCH - 1, own_alive(cast, CAST_EPOCH - 1, &elsewhere));
    cr_assert_eq(cast->core->join.phase, JOIN_CHECKING_KEY);
    struct wire_message ping;
    cr_assert(cast_heard_at(cast, &elsewhere, WIRE_PING, 0, &ping), "it is asked by our own tag");
    struct wire_header header = {cast->core->tag, CAST_EPOCH - 1, cast->core->tag, 0};
    struct wire_message ack = {.type = WIRE_ACK, .probe = {.random = ping.probe.random + 1}};
    cr_assert_eq(cast_say_as(cast, &header, &elsewhere, &ack), DROP_OWN);
    cr_assert_not(cast->core->is_stopped);
    ack.probe.random = ping.probe.random;
    cr_assert_eq(cast_say_as(cast, &header, &elsewhere, &ack), DROP_NONE);
    cr_assert(cast->core->is_stopped);
    cast_drain(cast);
    const struct gossip_event *event = cast_event(cast, GOSSIP_EVENT_CONFLICT);
    cr_assert_eq(event->conflict.what, CONFLICT_KEY_IN_USE);
    cr_assert(addr_equal(&event->conflict.addr, &elsewhere));
    cast_free(cast);
}

Test(join, a_key_that_does_not_answer_elsewhere_is_ours)
{
    struct cast *cast = joining(2, 1);
    cast_run(cast, 250);
    answer_join(cast, 0, CAST_EPOCH + 3, own_alive(cast, CAST_EPOCH + 3, &elsewhere));
    struct wire_message ping;
    cast_run(cast, 950);
    cr_assert(cast_heard_at(cast, &elsewhere, WIRE_PING, 3, &ping), "three may be lost");
    cr_assert_eq(cast->core->join.phase, JOIN_CHECKING_KEY);
    cast_run(cast, 150);
    cr_assert_not(cast_heard_at(cast, &elsewhere, WIRE_PING, 4, &ping));
    cr_assert_eq(cast->core->join.phase, JOIN_MEMBERS);
    cr_assert_gt(cast->core->epoch, CAST_EPOCH + 3);
    cr_assert_leq(cast->core->epoch, CAST_EPOCH + 3 + TWIN_EPOCHS);
    cast_free(cast);
}

/* Or two copies of one disk that start together would both go on in the epoch that stands on it. */
Test(join, who_finds_nobody_elsewhere_leaves_an_epoch_that_a_twin_may_have)
{
    struct cast *cast = joining(2, 1);
    cast_run(cast, 250);
    answer_join(cast, 0, CAST_EPOCH - 1, own_alive(cast, CAST_EPOCH - 1, &elsewhere));
    cast_run(cast, 1100);
    cr_assert_gt(cast->core->epoch, CAST_EPOCH);
    cr_assert_leq(cast->core->epoch, CAST_EPOCH + TWIN_EPOCHS);
    cast_free(cast);
}

Test(join, our_own_earlier_life_at_our_address_is_no_conflict)
{
    struct cast *cast = joining(2, 1);
    cast_run(cast, 250);
    answer_join(cast, 0, CAST_EPOCH - 1,
                own_alive(cast, CAST_EPOCH - 1, &cast->core->config.addresses[0]));
    cr_assert_eq(cast->core->join.phase, JOIN_MEMBERS);
    cast_free(cast);
}

Test(join, a_running_node_answers_whoever_asks_for_its_key)
{
    struct cast *cast = cast_new(NULL, 1, 1);
    struct wire_header header = {cast->core->tag, CAST_EPOCH + 1, cast->core->tag, 0};
    struct wire_message ping = {.type = WIRE_PING, .probe = {.random = 31}};
    struct wire_message ack;
    cr_assert_eq(cast_say_as(cast, &header, &elsewhere, &ping), DROP_NONE);
    cast_drain(cast);
    cr_assert(cast_heard_at(cast, &elsewhere, WIRE_ACK, 0, &ack));
    cr_assert_eq(ack.probe.random, 31);
    header.receiver = cast->actors[0].tag;
    cr_assert_eq(cast_say_as(cast, &header, &elsewhere, &ping), DROP_OWN);
    cast_free(cast);
}

Test(join, lost_pages_are_asked_for_again)
{
    struct cast *cast = joining(4, 1);
    cast_run(cast, 250);
    answer_join(cast, 0, 0, NULL);
    size_t asked = cast_heard_count(cast, 0, WIRE_MEMBERS_PULL);
    cast_run(cast, 400);
    cr_assert_gt(cast_heard_count(cast, 0, WIRE_MEMBERS_PULL), asked);
    answer_pull(cast, 0, 1, 3);
    cr_assert_eq(cast->core->join.phase, JOIN_DONE);
    cast_free(cast);
}

Test(join, a_seed_that_falls_silent_is_asked_anew)
{
    struct cast *cast = joining(2, 1);
    cast_run(cast, 250);
    answer_join(cast, 0, 0, NULL);
    size_t joins = cast_heard_count(cast, 0, WIRE_JOIN);
    cast_run(cast, 10000);
    cr_assert_gt(cast_heard_count(cast, 0, WIRE_JOIN), joins);
    cast_free(cast);
}

Test(join, pages_out_of_order_are_put_together)
{
    struct cast *cast = joining(4, 1);
    cast_run(cast, 250);
    answer_join(cast, 0, 0, NULL);
    struct wire_list none = {{NULL, 0}, 0};
    uint64_t own = cast->core->tag;
    struct wire_message page = {.type = WIRE_MEMBERS, .members = {own + 5, UINT64_MAX, none}};
    cast_say(cast, 0, &page);
    cr_assert_eq(cast->core->join.next_after, own);
    page.members.after = own;
    page.members.through = own + 5;
    cast_say(cast, 0, &page);
    cr_assert(cast->core->join.is_wrapped, "both were needed, and the second closed the gap");
    cr_assert_eq(cast->core->join.next_after, 0);
    page.members.after = 0;
    page.members.through = own;
    cast_say(cast, 0, &page);
    cr_assert_eq(cast->core->join.phase, JOIN_DONE);
    cast_free(cast);
}

/* --- Letting in ---------------------------------------------------------------------------------
 */

static enum gossip_drop ask_in(struct cast *cast, size_t actor, uint64_t epoch,
                               const struct addr *from, size_t padding)
{
    static const uint8_t zeros[JOIN_ROOM_BYTES];
    struct blob *alive = cast_alive_at(cast, actor, epoch, 1, "actor-x", from);
    struct wire_message join = {
        .type = WIRE_JOIN,
        .join = {.statement = blob_span(alive), .request = 55, .padding = span_of(zeros, padding)}};
    struct wire_header header = {cast->actors[actor].tag, epoch, 0, 0};
    enum gossip_drop drop = cast_say_as(cast, &header, from, &join);
    blob_release(alive);
    cast_drain(cast);
    return drop;
}

Test(join, a_stranger_is_let_in_and_its_address_is_checked)
{
    struct cast *cast = cast_new(NULL, 2, 1);
    struct wire_message reply;
    struct addr seen;
    cr_assert_eq(ask_in(cast, 1, CAST_EPOCH, &cast->actors[1].addr, 800), DROP_NONE);
    cr_assert_eq(cast_state(cast, 1), MEMBER_ALIVE);
    cr_assert(cast_heard(cast, 1, WIRE_JOIN_REPLY, 0, &reply));
    cr_assert_eq(reply.join_reply.request, 55);
    cr_assert_eq(reply.join_reply.remembered_epoch, 0);
    cr_assert_eq(reply.join_reply.remembered.len, 0);
    cr_assert(wire_address_read(reply.join_reply.seen_address, &seen));
    cr_assert(addr_equal(&seen, &cast->actors[1].addr));
    cr_assert(cast_heard(cast, 1, WIRE_PING, 0, NULL));
    cast_free(cast);
}

Test(join, a_stranger_gets_no_more_than_it_sent)
{
    struct cast *cast = cast_new(NULL, 2, 1);
    struct addr victim = elsewhere;
    /* What a JOIN as we send them weighs: both packets have the same frame around them. */
    cr_assert_eq(ask_in(cast, 1, CAST_EPOCH, &victim, 0), DROP_NONE);
    cr_assert_not(cast_heard_at(cast, &victim, WIRE_JOIN_REPLY, 0, NULL), "too small a question");
    cast_free(cast);
    cast = cast_new(NULL, 2, 1);
    cast_give_alive(cast, 1, CAST_EPOCH - 1, 1);
    struct blob *alive = cast_alive(cast, 1, CAST_EPOCH, 1);
    cr_assert_eq(ask_in(cast, 1, CAST_EPOCH, &victim, JOIN_ROOM_BYTES - alive->len), DROP_NONE);
    blob_release(alive);
    cr_assert(cast_heard_at(cast, &victim, WIRE_JOIN_REPLY, 0, NULL));
    cr_assert_leq(cast_bytes_to(cast, &victim), JOIN_ROOM_BYTES + PACKET_SEAL_BYTES);
    cast_free(cast);
}

Test(join, a_repeated_question_is_not_a_memory_of_an_earlier_life)
{
    struct cast *cast = cast_new(NULL, 2, 1);
    struct wire_message reply;
    ask_in(cast, 1, CAST_EPOCH, &cast->actors[1].addr, 800);
    ask_in(cast, 1, CAST_EPOCH, &cast->actors[1].addr, 800);
    cr_assert(cast_heard(cast, 1, WIRE_JOIN_REPLY, 1, &reply));
    cr_assert_eq(reply.join_reply.remembered_epoch, 0);
    cast_free(cast);
}

Test(join, an_earlier_life_elsewhere_is_told_and_not_replaced)
{
    struct cast *cast = cast_new(NULL, 2, 2);
    struct wire_message reply;
    ask_in(cast, 1, CAST_EPOCH + 1, &elsewhere, 800);
    cr_assert(cast_heard_at(cast, &elsewhere, WIRE_JOIN_REPLY, 0, &reply));
    cr_assert_eq(reply.join_reply.remembered_epoch, CAST_EPOCH);
    cr_assert(
        span_equal(reply.join_reply.remembered, blob_span(cast_member(cast, 1)->life->statement)));
    cr_assert_eq(cast_member(cast, 1)->life->epoch, CAST_EPOCH);
    cast_free(cast);
}

Test(join, of_a_dead_life_only_the_epoch_is_told)
{
    struct cast *cast = cast_new(NULL, 2, 2);
    struct wire_message reply;
    member_set_state(cast->core, cast_member(cast, 1), MEMBER_DEAD, 1000);
    ask_in(cast, 1, CAST_EPOCH + 1, &elsewhere, 800);
    cr_assert(cast_heard_at(cast, &elsewhere, WIRE_JOIN_REPLY, 0, &reply));
    cr_assert_eq(reply.join_reply.remembered_epoch, CAST_EPOCH);
    cr_assert_eq(reply.join_reply.remembered.len, 0);
    cr_assert_eq(cast_member(cast, 1)->life->epoch, CAST_EPOCH + 1);
    cr_assert_eq(cast_state(cast, 1), MEMBER_ALIVE);
    cast_free(cast);
}

Test(join, a_statement_of_somebody_else_lets_nobody_in)
{
    struct cast *cast = cast_new(NULL, 3, 1);
    struct blob *alive = cast_alive(cast, 1, CAST_EPOCH, 1);
    struct wire_message join = {
        .type = WIRE_JOIN,
        .join = {.statement = blob_span(alive), .request = 1, .padding = span_of("", 0)}};
    struct wire_header header = {cast->actors[2].tag, CAST_EPOCH, 0, 0};
    cast_say_as(cast, &header, &elsewhere, &join);
    cr_assert_eq(cast->core->stats.drops[DROP_MALFORMED], 1);
    alive->bytes[10] ^= 1;
    header.sender = cast->actors[1].tag;
    cast_say_as(cast, &header, &elsewhere, &join);
    cr_assert_eq(cast->core->stats.drops[DROP_BAD_SIGNATURE], 1);
    cr_assert_eq(members_n(cast->core), 2);
    blob_release(alive);
    cast_free(cast);
}

Test(join, who_leaves_lets_nobody_in)
{
    struct cast *cast = cast_new(NULL, 2, 1);
    gossip_leave(cast->core, cast->now);
    ask_in(cast, 1, CAST_EPOCH, &cast->actors[1].addr, 800);
    cr_assert_not(cast_heard(cast, 1, WIRE_JOIN_REPLY, 0, NULL));
    cast_free(cast);
}

Test(join, a_command_asks_another_address)
{
    struct cast *cast = cast_new(NULL, 2, 1);
    gossip_join(cast->core, cast->now, &elsewhere, 1);
    cast_drain(cast);
    cr_assert(cast_heard_at(cast, &elsewhere, WIRE_JOIN, 0, NULL));
    cast_free(cast);
}
