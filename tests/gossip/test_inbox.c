// SPDX-License-Identifier: Apache-2.0
/* test_inbox.c - what is dropped is dropped for a counted reason, and changes nothing. */
#include <criterion/criterion.h>
#include <stdlib.h>

#include "gossip/wire.h"
#include "pair.h"

static struct pair *pair;

static void setup(void)
{
    pair = pair_new(3);
    cr_assert(pair_register(pair, 0, "steady"));
    pair_run(pair, 2000);
}

static void teardown(void)
{
    pair_free(pair);
}

TestSuite(inbox, .init = setup, .fini = teardown);

/* What a dropped packet must leave as it was. */
static void assert_dropped(const void *bytes, size_t len, enum gossip_drop reason)
{
    struct gossip_status before = pair_status(pair, 1);
    size_t delivered = pair->delivered;
    enum gossip_drop drop = pair_receive(pair, 1, &pair->addrs[0], bytes, len);
    struct gossip_status after = pair_status(pair, 1);
    cr_assert_eq(drop, reason, "%s, not %s", gossip_drop_name(drop), gossip_drop_name(reason));
    cr_assert_eq(after.stats.drops[reason], before.stats.drops[reason] + 1, "counted");
    cr_assert_eq(after.view_digest[0], before.view_digest[0]);
    cr_assert_eq(after.members_alive, before.members_alive);
    cr_assert_eq(pair->delivered, delivered, "no answer to what is dropped");
}

/* A packet from core 0 to core 1 that core 1 has not seen: it vanishes on its way. */
static struct datagram caught_packet(void)
{
    pair->is_cut = true;
    for (int i = 0; i < 5000; i++) {
        pair->last.len = 0;
        pair_run(pair, 1);
        if (pair->last.len > 0 && addr_equal(&pair->last.from, &pair->addrs[0]) &&
            addr_equal(&pair->last.to, &pair->addrs[1]))
            break;
    }
    pair->is_cut = false;
    cr_assert(addr_equal(&pair->last.to, &pair->addrs[1]), "core 0 probes core 1");
    return pair->last;
}

Test(inbox, garbage_is_too_short_or_of_no_version)
{
    static const uint8_t bomb[] = {0xdd, 0x00, 0xff, 0xff, 0xff};
    uint8_t noise[200];
    memset(noise, 0x5a, sizeof noise);
    assert_dropped(bomb, sizeof bomb, DROP_TOO_SHORT);
    assert_dropped(bomb, 0, DROP_TOO_SHORT);
    assert_dropped(noise, sizeof noise, DROP_VERSION);
}

Test(inbox, oversized_is_dropped_unopened)
{
    uint8_t noise[PACKET_MAX_BYTES + 1] = {0xa1};
    assert_dropped(noise, sizeof noise, DROP_TOO_LONG);
}

Test(inbox, every_truncation_and_every_flipped_byte_is_dropped)
{
    struct datagram packet = caught_packet();
    for (size_t len = 0; len < packet.len; len++) {
        enum gossip_drop drop = pair_receive(pair, 1, &packet.from, packet.bytes, len);
        cr_assert_neq(drop, DROP_NONE, "%zu of %zu bytes", len, packet.len);
    }
    for (size_t i = 0; i < packet.len; i++) {
        packet.bytes[i] ^= 0x40;
        enum gossip_drop drop = pair_receive(pair, 1, &packet.from, packet.bytes, packet.len);
        cr_assert_neq(drop, DROP_NONE, "byte %zu flipped", i);
        packet.bytes[i] ^= 0x40;
    }
    cr_assert_eq(pair_receive(pair, 1, &packet.from, packet.bytes, packet.len), DROP_NONE);
}

Test(inbox, a_repeated_packet_is_dropped_before_anything_is_counted_or_answered)
{
    struct datagram packet = caught_packet();
    cr_assert_eq(pair_receive(pair, 1, &packet.from, packet.bytes, packet.len), DROP_NONE);
    assert_dropped(packet.bytes, packet.len, DROP_REPLAYED);
}

Test(inbox, a_packet_for_somebody_else_is_dropped)
{
    struct datagram packet = caught_packet();
    struct gossip_status before = pair_status(pair, 2);
    cr_assert_eq(pair_receive(pair, 2, &packet.from, packet.bytes, packet.len), DROP_NOT_FOR_US);
    cr_assert_eq(pair_status(pair, 2).stats.drops[DROP_NOT_FOR_US],
                 before.stats.drops[DROP_NOT_FOR_US] + 1);
}

Test(inbox, our_own_packet_thrown_back_is_dropped)
{
    struct datagram packet = caught_packet();
    cr_assert_eq(pair_receive(pair, 0, &packet.to, packet.bytes, packet.len), DROP_OWN);
}

Test(inbox, another_key_or_another_cluster_is_refused)
{
    static const uint8_t key[SEAL_KEY_BYTES] = {9};
    size_t stranger = pair_add(pair, "pair", key);
    size_t foreign = pair_add(pair, "other", NULL);
    pair_run(pair, 3000);
    cr_assert_geq(pair_status(pair, 0).stats.drops[DROP_UNKNOWN_KEY], 2);
    cr_assert_eq(pair_status(pair, 0).members, 3);
    cr_assert_eq(pair_status(pair, stranger).members, 1);
    cr_assert_eq(pair_status(pair, foreign).members, 1);
}

/* Whoever holds the key may still send nonsense. */
static void assert_sealed_dropped(const void *plain, size_t len, enum gossip_drop reason)
{
    static uint8_t count;
    uint8_t key[SEAL_KEY_BYTES], nonce[SEAL_NONCE_BYTES] = {++count}, packet[PACKET_MAX_BYTES];
    struct seal_keyring ring;
    seal_keyring_init(&ring, "pair");
    seal_key_from_cluster("pair", key);
    seal_keyring_add(&ring, key);
    size_t sealed = seal_packet(&ring, nonce, plain, len, packet, sizeof packet);
    assert_dropped(packet, sealed, reason);
}

Test(inbox, sealed_nonsense_is_malformed)
{
    static const uint8_t bomb[] = {0xdd, 0x00, 0xff, 0xff, 0xff};
    static const uint8_t no_header[] = {0x91, 0x01};
    assert_sealed_dropped(bomb, sizeof bomb, DROP_MALFORMED);
    assert_sealed_dropped(no_header, sizeof no_header, DROP_MALFORMED);
    assert_sealed_dropped("", 0, DROP_MALFORMED);
}

Test(inbox, a_sender_that_nobody_introduced_is_unknown)
{
    uint8_t plain[64];
    struct wire_writer writer = {plain, 0, sizeof plain, false};
    struct wire_header header = {
        .sender = 42, .epoch = 1, .receiver = gossip_tag(pair->cores[1]), .counter = 1};
    struct wire_message ping = {.type = WIRE_PING};
    wire_write_header(&writer, &header);
    cr_assert(wire_write_message(&writer, &ping));
    assert_sealed_dropped(plain, writer.len, DROP_UNKNOWN_SENDER);
}

Test(inbox, one_key_for_two_clusters_still_does_not_merge_them)
{
    static const uint8_t key[SEAL_KEY_BYTES] = {9};
    struct pair *two = calloc(1, sizeof *two);
    two->now = pair->now;
    pair_add(two, "red", key);
    pair_add(two, "blue", key);
    pair_run(two, 10000);
    cr_assert_eq(pair_status(two, 0).members, 1);
    cr_assert_eq(pair_status(two, 1).members, 1);
    cr_assert_gt(pair_status(two, 0).stats.drops[DROP_UNKNOWN_KEY] +
                     pair_status(two, 0).stats.drops[DROP_FORGED],
                 0);
    pair_free(two);
}
