// SPDX-License-Identifier: Apache-2.0
/* check_packet.c - I18: no nonce repeats, no packet is over PACKET_MAX_BYTES
 *
 * Held against something simpler that implies it: of all nonces with the same first 16 bytes,
 * whoever uses them, the number in the last 8 (least significant first) must rise from one to the
 * next. So one number is remembered for each life that counts its packets, and not one for each
 * packet. A core that drew all 24 bytes would be held to the same, and would have 16 of its own for
 * each packet. */
#include "sim/check_all.h"

#include "sim/memory.h"

enum { COUNTER_AT = 16, NONCE_AT = 1 + SEAL_TAG_BYTES };
static_assert(COUNTER_AT + sizeof(uint64_t) == SEAL_NONCE_BYTES, "prefix and counter");

static uint64_t number_at(const uint8_t *bytes)
{
    uint64_t number = 0;

    for (size_t i = 0; i < sizeof(number); i++)
        number |= (uint64_t)bytes[i] << (8 * i);
    return number;
}

static void run_add(struct checks *checks, uint64_t first, uint64_t second)
{
    checks->runs =
        memory_reach(checks->runs, &checks->run_capacity, checks->run_count, sizeof(*checks->runs));
    checks->runs[checks->run_count++] = (struct nonce_run){.prefix = {first, second}};
}

/* Nearly always that of the node's last packet. */
static struct nonce_run *run_of(struct checks *checks, struct node_checks *node,
                                const uint8_t *nonce)
{
    uint64_t first = number_at(nonce), second = number_at(nonce + 8);

    if (node->run != 0) {
        struct nonce_run *run = &checks->runs[node->run - 1];

        if (run->prefix[0] == first && run->prefix[1] == second)
            return run;
    }
    uint64_t *index = map_put(&checks->run_of, first, second, 0);
    if (*index == 0) {
        run_add(checks, first, second);
        *index = checks->run_count;
    }
    node->run = (size_t)*index;
    return &checks->runs[node->run - 1];
}

void check_packet_out(struct world *world, size_t node, const uint8_t *bytes, size_t len)
{
    check_asked(world, I18);
    if (len > PACKET_MAX_BYTES || len < SEAL_OVERHEAD) {
        check_failed(world, node, I18, "a packet of %zu bytes", len);
        return;
    }
    struct nonce_run *run = run_of(world->checks, &world->checks->nodes[node], bytes + NONCE_AT);
    uint64_t counter = number_at(bytes + NONCE_AT + COUNTER_AT);
    if (run->is_used && counter <= run->counter)
        check_failed(world, node, I18, "a nonce was used twice, or counts back");
    run->is_used = true;
    run->counter = counter;
}
