// SPDX-License-Identifier: Apache-2.0
/* test_outbox.c - what leaves first, what waits, what shares a packet, what is dropped when all is
 * full. */
#include <criterion/criterion.h>
#include <stdlib.h>

#include "gossip/core.h"
#include "pair.h"

static struct pair *pair;
static struct gossip *g;

static void setup(void)
{
    pair = pair_new(3);
    pair_run(pair, 1000);
    g = pair->cores[0];
    gossip_tick(g, pair->now); /* messages are queued at the time of the last input */
    pair_pump(pair);
}

static void teardown(void)
{
    pair_free(pair);
}

TestSuite(outbox, .init = setup, .fini = teardown);

static struct member *member_of(size_t core)
{
    return members_find(g, gossip_tag(pair->cores[core]));
}

static struct wire_message ping_of(uint64_t random)
{
    return (struct wire_message){.type = WIRE_PING, .probe.random = random};
}

/* A message that leaves no room for another in its packet. */
static struct wire_message big_message(uint8_t *space)
{
    struct wire_writer list = {space, 0, 1000, false};
    uint8_t filling[900] = {0};
    wire_put_bin(&list, span_of(filling, sizeof filling));
    return (struct wire_message){.type = WIRE_NEWS, .news.statements = wire_list_of(&list, 1)};
}

static size_t drain(void)
{
    struct addr to;
    uint8_t buf[PACKET_MAX_BYTES];
    size_t len, count = 0;
    while (gossip_next_packet(g, pair->now, &to, buf, &len))
        count++;
    return count;
}

Test(outbox, messages_to_one_member_share_a_packet)
{
    struct wire_message ping = ping_of(1);
    for (int i = 0; i < 5; i++)
        cr_assert(outbox_send(g, member_of(1), PRIORITY_PROBE, &ping));
    cr_assert(outbox_send(g, member_of(2), PRIORITY_PROBE, &ping));
    cr_assert_eq(g->outbox.count, 2);
    cr_assert_eq(drain(), 2);
}

Test(outbox, a_probe_overtakes_everything_that_waits)
{
    uint8_t space[1000];
    struct wire_message big = big_message(space), ping = ping_of(1);
    struct addr to, expected;
    uint8_t buf[PACKET_MAX_BYTES];
    size_t len;
    outbox_send(g, member_of(1), PRIORITY_BULK, &big);
    outbox_send(g, member_of(1), PRIORITY_SET, &big);
    outbox_send(g, member_of(2), PRIORITY_PROBE, &ping);
    cr_assert(gossip_next_packet(g, pair->now, &to, buf, &len));
    member_address(g, member_of(2), &expected);
    cr_assert(addr_equal(&to, &expected));
}

Test(outbox, egress_is_paced_but_probes_are_not)
{
    uint8_t space[1000];
    struct wire_message big = big_message(space), ping = ping_of(1);
    uint64_t before = pair_status(pair, 0).stats.bytes_out;
    for (size_t i = 0; i < 4000; i++)
        outbox_send(g, member_of(1 + i % 2), PRIORITY_SET, &big);
    drain();
    uint64_t burst = pair_status(pair, 0).stats.bytes_out - before;
    cr_assert_leq(burst, EGRESS_BYTES_PER_S / 4 + 2 * PACKET_MAX_BYTES);
    cr_assert_gt(g->outbox.count, 0, "the rest waits");
    cr_assert_leq(gossip_deadline_ms(g), pair->now.mono_ms + 1000, "and wakes its host");
    outbox_send(g, member_of(1), PRIORITY_PROBE, &ping);
    cr_assert_eq(drain(), 1, "a probe leaves all the same");
}

Test(outbox, the_rest_leaves_in_time_and_no_faster_than_the_cap_of_a_member)
{
    uint8_t space[1000];
    struct wire_message big = big_message(space);
    uint64_t before = pair_status(pair, 0).stats.bytes_out;
    for (int i = 0; i < 3000; i++)
        outbox_send(g, member_of(1), PRIORITY_SET, &big);
    drain();
    pair_run(pair, 1000);
    uint64_t sent = pair_status(pair, 0).stats.bytes_out - before;
    cr_assert_leq(sent, EGRESS_PEER_BYTES_PER_S * 5 / 4 + 50000, "%lu", (unsigned long)sent);
    cr_assert_geq(sent, EGRESS_PEER_BYTES_PER_S * 9 / 10);
    pair_run(pair, 3000);
    cr_assert_eq(g->outbox.count, 0, "every limiter drains");
}

Test(outbox, when_full_the_oldest_bulk_goes_first_and_is_counted)
{
    uint8_t space[1000];
    struct wire_message big = big_message(space), ping = ping_of(1);
    for (int i = 0; i < OUTBOX_PACKETS_MAX; i++)
        cr_assert(outbox_send(g, member_of(1), PRIORITY_BULK, &big));
    cr_assert_eq(g->outbox.count, OUTBOX_PACKETS_MAX);
    cr_assert(outbox_send(g, member_of(2), PRIORITY_PROBE, &ping));
    cr_assert_eq(g->outbox.count, OUTBOX_PACKETS_MAX);
    cr_assert_eq(g->stats.outbox_dropped, 1);
}

Test(outbox, what_is_less_important_than_all_that_waits_is_refused)
{
    uint8_t space[1000];
    struct wire_message big = big_message(space);
    for (int i = 0; i < OUTBOX_PACKETS_MAX; i++)
        outbox_send(g, member_of(1), PRIORITY_MEMBERSHIP, &big);
    cr_assert_not(outbox_send(g, member_of(1), PRIORITY_BULK, &big));
    cr_assert_eq(g->stats.outbox_dropped, 1);
}

Test(outbox, no_nonce_repeats)
{
    struct addr to;
    uint8_t buf[PACKET_MAX_BYTES], nonces[200][SEAL_NONCE_BYTES];
    size_t len;
    for (int i = 0; i < 200; i++) {
        struct wire_message ping = ping_of((uint64_t)i);
        outbox_send(g, member_of(1), PRIORITY_PROBE, &ping);
        cr_assert(gossip_next_packet(g, pair->now, &to, buf, &len));
        memcpy(nonces[i], buf + 1 + SEAL_TAG_BYTES, SEAL_NONCE_BYTES);
        for (int k = 0; k < i; k++)
            cr_assert_neq(memcmp(nonces[i], nonces[k], SEAL_NONCE_BYTES), 0, "%d and %d", i, k);
    }
}

/* Its share may leave at once; beyond it only so many may wait. */
Test(outbox, who_has_enough_waiting_is_answered_no_more)
{
    uint8_t space[1000];
    struct wire_message message = big_message(space);
    struct member *asker = member_of(1), *other = member_of(2);
    struct wire_message question = {.type = WIRE_MEMBERS_PULL};
    member_link(g, asker)->egress = (struct bucket){0, g->now.mono_ms};
    for (size_t i = 0; i <= WAITING_PER_MEMBER_MAX; i++) {
        cr_assert_not(outbox_is_long(g, asker), "%zu wait", i);
        outbox_send(g, asker, PRIORITY_SET, &message);
    }
    cr_assert(outbox_is_long(g, asker));
    cr_assert_not(outbox_is_long(g, other));
    uint64_t before = g->stats.drops[DROP_LIMIT];
    outbox_send(pair->cores[1], members_find(pair->cores[1], gossip_tag(g)), PRIORITY_PROBE,
                &question);
    pair_pump(pair);
    cr_assert_eq(g->stats.drops[DROP_LIMIT], before + 1);
    member_link(g, asker)->egress.tokens = g->config.egress_peer_bytes_per_s / 4;
    cr_assert_not(outbox_is_long(g, asker));
}
