// SPDX-License-Identifier: Apache-2.0
/* test_link.c - the replay window, round-trip times, and whose address is believed */
#include <criterion/criterion.h>

#include "tests/gossip/cast.h"

Test(link, a_counter_is_admitted_once)
{
    struct link link = {0};
    cr_assert(link_window_admit(&link, 1));
    cr_assert_not(link_window_admit(&link, 1));
    cr_assert(link_window_admit(&link, 3));
    cr_assert(link_window_admit(&link, 2), "overtaken, not repeated");
    cr_assert_not(link_window_admit(&link, 2));
    cr_assert_not(link_window_admit(&link, 3));
}

Test(link, zero_is_no_counter)
{
    struct link link = {0};
    cr_assert_not(link_window_admit(&link, 0));
}

Test(link, the_window_is_64_wide)
{
    struct link link = {0};
    cr_assert(link_window_admit(&link, 100));
    cr_assert_not(link_window_admit(&link, 100 - REPLAY_WINDOW), "too old to tell");
    cr_assert(link_window_admit(&link, 100 - REPLAY_WINDOW + 1));
    cr_assert_not(link_window_admit(&link, 100 - REPLAY_WINDOW + 1));
}

Test(link, a_leap_forgets_what_it_leaves_behind)
{
    struct link link = {0};
    cr_assert(link_window_admit(&link, 1));
    cr_assert(link_window_admit(&link, 1 + REPLAY_WINDOW));
    cr_assert_not(link_window_admit(&link, 1));
    cr_assert(link_window_admit(&link, UINT64_MAX));
    cr_assert_not(link_window_admit(&link, UINT64_MAX));
    cr_assert(link_window_admit(&link, UINT64_MAX - 63));
}

Test(link, a_new_life_counts_from_one)
{
    struct cast *cast = cast_new(NULL, 2, 2);
    struct wire_message ping = {.type = WIRE_PING, .probe = {.random = 9}};
    for (int i = 0; i < 2 * REPLAY_WINDOW; i++)
        cr_assert_eq(cast_say(cast, 0, &ping), DROP_NONE);
    cr_assert_eq(cast_give_alive(cast, 0, CAST_EPOCH + 1, 1), NEWS_NEW);
    cast->actors[0].epoch = CAST_EPOCH + 1;
    cast->actors[0].counter = 0;
    cr_assert_eq(cast_say(cast, 0, &ping), DROP_NONE);
    cast_free(cast);
}

Test(link, a_new_life_voids_packets_of_the_last_one)
{
    struct cast *cast = cast_new(NULL, 2, 2);
    struct wire_message ping = {.type = WIRE_PING, .probe = {.random = 9}};
    cr_assert_eq(cast_say(cast, 0, &ping), DROP_NONE);
    cr_assert_eq(cast_give_alive(cast, 0, CAST_EPOCH + 1, 1), NEWS_NEW);
    cast->actors[0].epoch = CAST_EPOCH;
    cr_assert_eq(cast_say(cast, 0, &ping), DROP_REPLAYED);
    cast_free(cast);
}

Test(link, nobody_lifts_the_window_with_an_epoch_that_its_owner_never_signed)
{
    struct cast *cast = cast_new(NULL, 2, 2);
    struct wire_message ping = {.type = WIRE_PING, .probe = {.random = 9}};
    struct wire_header forged = {cast->actors[0].tag, UINT64_MAX, cast->core->tag, 1};
    cr_assert_eq(cast_say_as(cast, &forged, &cast->actors[1].addr, &ping), DROP_UNKNOWN_SENDER);
    cr_assert_eq(cast_say(cast, 0, &ping), DROP_NONE);
    cast_free(cast);
}

Test(link, rtt_is_smoothed_as_rfc_6298_says)
{
    struct link link = {0};
    link_rtt_sample(&link, 1000);
    cr_assert_eq(link.rtt_us, 1000);
    cr_assert_eq(link.rtt_var_us, 500);
    link_rtt_sample(&link, 2000);
    cr_assert_eq(link.rtt_var_us, (500 * 3 + 1000) / 4);
    cr_assert_eq(link.rtt_us, (1000 * 7 + 2000) / 8);
}

Test(link, timeout_is_a_quarter_of_the_longest_until_measured)
{
    struct link link = {0};
    cr_assert_eq(link_timeout_ms(&link, 20, 500), 125);
    cr_assert_eq(link_timeout_ms(&link, 200, 500), 200);
}

Test(link, timeout_follows_the_rtt_within_its_bounds)
{
    struct link link = {.rtt_us = 50000, .rtt_var_us = 10000};
    cr_assert_eq(link_timeout_ms(&link, 20, 500), 91);
    link.rtt_us = 1000;
    link.rtt_var_us = 0;
    cr_assert_eq(link_timeout_ms(&link, 20, 500), 20);
    link.rtt_us = 4000000;
    link.rtt_var_us = 4000000;
    cr_assert_eq(link_timeout_ms(&link, 20, 500), 500);
}

/* As members ask: long numbers. */
static const struct wire_message long_ping = {
    .type = WIRE_PING, .probe = {UINT64_MAX, UINT64_MAX - 1, UINT64_MAX - 2}};

Test(link, an_address_is_believed_when_it_echoes_our_number)
{
    struct cast *cast = cast_new(NULL, 2, 2);
    struct addr moved = {.family = ADDR_IPV4, .ip = {192, 168, 1, 9}, .port = 999};
    struct wire_message asked, ack;
    cr_assert_eq(cast_say_from(cast, 0, &moved, &long_ping), DROP_NONE);
    cast_drain(cast);
    cr_assert(addr_equal(&cast_member(cast, 0)->link->addr, &cast->actors[0].addr),
              "a packet alone proves no address");
    cr_assert(cast_heard_at(cast, &moved, WIRE_PING, 0, &asked), "so the address is asked");
    cr_assert_eq(cast_say_from(cast, 0, &moved, &long_ping), DROP_NONE);
    cast_drain(cast);
    cr_assert(cast_heard_at(cast, &moved, WIRE_ACK, 0, &ack), "and answered, while it is asked");
    ack = (struct wire_message){.type = WIRE_ACK, .probe = {.random = asked.probe.random}};
    cr_assert_eq(cast_say_from(cast, 0, &moved, &ack), DROP_NONE);
    cr_assert(addr_equal(&cast_member(cast, 0)->link->addr, &moved));
    cr_assert(cast_member(cast, 0)->link->is_verified);
    cast_free(cast);
}

/* Whatever is due for the member (our introduction, news), and however short the question. */
Test(link, an_unverified_address_gets_no_more_than_it_sent)
{
    struct cast *cast = cast_new(NULL, 6, 6);
    struct addr victim = {.family = ADDR_IPV4, .ip = {192, 168, 1, 9}, .port = 999};
    struct wire_message short_ping = {.type = WIRE_PING, .probe = {.random = 1}};
    members_refute(cast->core, 0);
    cast_drain(cast);
    cast_forget(cast);
    member_link(cast->core, cast_member(cast, 0))->sent_counter = UINT16_MAX + 1;
    for (int i = 0; i < 5; i++) {
        size_t before = cast_bytes_to(cast, &victim);
        cr_assert_eq(cast_say_from(cast, 0, &victim, &long_ping), DROP_NONE);
        cast_drain(cast);
        cr_assert_leq(cast_bytes_to(cast, &victim) - before, cast->said_len);
        cr_assert_gt(cast_bytes_to(cast, &victim), before);
        before = cast_bytes_to(cast, &victim);
        cr_assert_eq(cast_say_from(cast, 0, &victim, &short_ping), DROP_NONE);
        cast_drain(cast);
        cr_assert_eq(cast_bytes_to(cast, &victim), before);
    }
    cast_free(cast);
}

/* An ALIVE can name anybody's address. */
Test(link, an_address_that_never_answers_is_sent_a_few_packets)
{
    struct cast *cast = cast_new(NULL, 2, 2);
    uint8_t bytes[1000], filling[800] = {0};
    struct wire_writer list = {bytes, 0, sizeof bytes, false};
    wire_put_bin(&list, span_of(filling, sizeof filling));
    struct wire_message news = {.type = WIRE_NEWS, .news.statements = wire_list_of(&list, 1)};
    struct wire_message ping;
    for (int i = 0; i < 50; i++)
        outbox_send(cast->core, cast_member(cast, 0), PRIORITY_BULK, &news);
    cast_drain(cast);
    size_t silent = cast_bytes_to(cast, &cast->actors[0].addr);
    cr_assert_leq(silent, UNVERIFIED_BYTES_MAX + PACKET_MAX_BYTES);
    cr_assert(cast_heard(cast, 0, WIRE_PING, 0, &ping), "it is asked");
    cast_member(cast, 0)->link->is_verified = true;
    for (int i = 0; i < 50; i++)
        outbox_send(cast->core, cast_member(cast, 0), PRIORITY_BULK, &news);
    cast_drain(cast);
    cr_assert_gt(cast_bytes_to(cast, &cast->actors[0].addr), silent + (size_t)50 * 800);
    cast_free(cast);
}

/* Packets are sealed, not signed: any member can lift a window to its end in another's name. */
Test(link, a_counter_far_ahead_mutes_nobody)
{
    struct cast *cast = cast_new(NULL, 2, 2);
    struct actor *actor = &cast->actors[0];
    struct wire_header forged = {actor->tag, actor->epoch, cast->core->tag, UINT64_MAX};
    struct wire_message nack = {.type = WIRE_NACK}, asked;
    struct link *link = member_link(cast->core, cast_member(cast, 0));
    link->is_verified = true;
    cr_assert_eq(cast_say_as(cast, &forged, &cast->actors[1].addr, &nack), DROP_NONE);
    cr_assert_eq(cast_say(cast, 0, &long_ping), DROP_REPLAYED);
    cast_drain(cast);
    cr_assert(cast_heard(cast, 0, WIRE_ACK, 0, &asked), "it may have been muted there, too");
    cr_assert(cast_heard(cast, 0, WIRE_PING, 0, &asked));
    struct wire_message ack = {.type = WIRE_ACK, .probe = {.random = asked.probe.random}};
    uint64_t before = actor->counter;
    cr_assert_eq(cast_say(cast, 0, &ack), DROP_NONE, "what answers us now is not old");
    cr_assert_eq(cast_say(cast, 0, &long_ping), DROP_NONE);
    actor->counter = before;
    cr_assert_eq(cast_say(cast, 0, &ack), DROP_REPLAYED, "what came before it is");
    cast_free(cast);
}

/* An old packet is answered where its sender is known to be, or not at all. */
Test(link, a_replayed_question_reaches_nobody_else)
{
    struct cast *cast = cast_new(NULL, 2, 2);
    struct addr victim = {.family = ADDR_IPV4, .ip = {192, 168, 1, 9}, .port = 999};
    member_link(cast->core, cast_member(cast, 0))->is_verified = true;
    cr_assert_eq(cast_say(cast, 0, &long_ping), DROP_NONE);
    cast->actors[0].counter += 2 * REPLAY_WINDOW;
    cr_assert_eq(cast_say(cast, 0, &long_ping), DROP_NONE);
    cast_drain(cast);
    cast_forget(cast);
    cast->actors[0].counter = 0;
    cr_assert_eq(cast_say_from(cast, 0, &victim, &long_ping), DROP_REPLAYED);
    cast_drain(cast);
    cr_assert_eq(cast_bytes_to(cast, &victim), 0);
    cr_assert_eq(cast->packet_count, 0);
    cast_free(cast);
}

Test(link, a_new_life_is_where_its_alive_says)
{
    struct cast *cast = cast_new(NULL, 2, 2);
    struct addr moved = {.family = ADDR_IPV4, .ip = {192, 168, 1, 9}, .port = 999};
    struct member *member = cast_member(cast, 0);
    member_link(cast->core, member)->is_verified = true;
    struct blob *blob = cast_alive_at(cast, 0, CAST_EPOCH + 1, 1, "actor-0", &moved);
    cr_assert_eq(members_on_alive(cast->core, blob_span(blob), &member), NEWS_NEW);
    blob_release(blob);
    cr_assert(addr_equal(&member->link->addr, &moved));
    cr_assert_not(member->link->is_verified);
    cast_free(cast);
}
