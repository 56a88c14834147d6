// SPDX-License-Identifier: Apache-2.0
/* test_packet.c - packets from the pool, and queues that have an end */
#include "sim/packet.h"

#include "gossip/limits.h"

#include <criterion/criterion.h>
#include <string.h>

Test(packet, every_size_keeps_its_bytes)
{
    struct packet_pool pool = {{NULL}};
    uint8_t bytes[PACKET_MAX_BYTES];

    for (size_t i = 0; i < sizeof(bytes); i++)
        bytes[i] = (uint8_t)i;
    for (size_t len = 0; len <= sizeof(bytes); len++) {
        struct packet *packet = packet_new(&pool, 3, 4, bytes, len);

        cr_assert_eq(packet->len, len);
        cr_assert_eq(packet->from, 3);
        cr_assert_eq(memcmp(packet->bytes, bytes, len), 0);
        packet_free(&pool, packet);
    }
    packet_pool_free(&pool);
}

Test(packet, freed_ones_are_used_again)
{
    struct packet_pool pool = {{NULL}};
    struct packet *packet = packet_new(&pool, 0, 1, (const uint8_t *)"ab", 2);

    packet_free(&pool, packet);
    cr_assert_eq(packet_new(&pool, 0, 1, (const uint8_t *)"cd", 2), packet);
    packet_free(&pool, packet);
    packet_pool_free(&pool);
}

Test(packet, a_queue_is_in_order_and_bounded)
{
    struct packet_pool pool = {{NULL}};
    struct packet_queue queue = {0};
    struct packet *packet;

    for (uint32_t i = 0; i < PACKETS_WAITING_MAX + 10; i++)
        cr_assert_eq(packet_queue_push(&queue, &pool, packet_new(&pool, i, 0, NULL, 0)),
                     i < PACKETS_WAITING_MAX);
    for (uint32_t i = 0; i < PACKETS_WAITING_MAX; i++) {
        packet = packet_queue_pop(&queue);
        cr_assert_eq(packet->from, i);
        packet_free(&pool, packet);
    }
    cr_assert_null(packet_queue_pop(&queue));
    packet_pool_free(&pool);
}
