// SPDX-License-Identifier: Apache-2.0
/* check_address.c - I13: an address that never proved to be its owner's gets no more bytes from a
 * node than came from it
 *
 * By the addresses of the world. Where a node of the world lives, and what an ALIVE names, a member
 * may be looked for: those are not asked about. Proved is an address from which a node, not a liar
 * in its name, sent something after it had been asked. */
#include "sim/check_all.h"

#include "sim/memory.h"

#include <inttypes.h>

static uint64_t number_of(const struct addr *addr)
{
    uint64_t number = addr->port;

    for (size_t i = 0; i < sizeof(addr->ip); i++)
        number = number * 257 + addr->ip[i];
    return number << 8 | (uint64_t)addr->family;
}

/* Of a node that runs or ran: each of them said so in an ALIVE. */
static bool is_of_node(const struct world *world, const struct addr *addr)
{
    size_t node = (size_t)addr->ip[1] << 16 | (size_t)addr->ip[2] << 8 | addr->ip[3];
    struct addr own;

    if (node >= world->options.nodes)
        return false;
    own = world_addr(node);
    return addr_equal(addr, &own);
}

void check_address_named(struct world *world, const struct alive *alive)
{
    for (size_t i = 0; i < alive->address_count; i++)
        map_put(&world->checks->named, number_of(&alive->addresses[i]), 0, 0);
}

/* By life: what an earlier one was proved is forgotten with it. */
static uint64_t *sum_of(struct map *sums, const struct world *world, size_t node,
                        const struct addr *addr)
{
    return map_put(sums, number_of(addr), node, world->nodes[node].lives);
}

static bool is_named(const struct checks *checks, const struct addr *addr)
{
    return map_find(&checks->named, number_of(addr), 0, 0) != NULL;
}

/* What came may have named it: that is known only when the node tells. */
static void suspect(struct world *world, size_t node, const struct addr *to, uint64_t sent,
                    uint64_t came)
{
    struct checks *checks = world->checks;

    checks->suspects = memory_reach(checks->suspects, &checks->suspect_capacity,
                                    checks->suspect_count, sizeof(*checks->suspects));
    checks->suspects[checks->suspect_count++] = (struct suspect){node, *to, sent, came};
}

/* Whoever got what was first sent there, or gets what is sent now, has said something since. It may
 * have said so from elsewhere: a NAT can change between question and answer. */
static bool has_answered(struct world *world, size_t node, const struct addr *to)
{
    struct checks *checks = world->checks;
    uint64_t lives = world->nodes[node].lives;
    uint32_t owner = address_find(&world->addresses, to, world->now_us);
    uint64_t *asked_us = map_put(&checks->asked_at, number_of(to), node, lives);
    uint64_t *asked = map_put(&checks->asked_of, number_of(to), node, lives);

    if (*asked_us == 0)
        *asked_us = world->now_us;
    if (owner != ADDRESS_NOBODY)
        *asked = owner + 1;
    if (*asked == 0)
        return false;
    const uint64_t *heard_us = checks->nodes[node].heard_us;
    return heard_us != NULL && heard_us[*asked - 1] > *asked_us;
}

void check_address_out(struct world *world, size_t node, const struct addr *to, size_t len)
{
    struct checks *checks = world->checks;

    if (is_of_node(world, to) || is_named(checks, to))
        return;
    uint64_t lives = world->nodes[node].lives;
    if (has_answered(world, node, to))
        map_put(&checks->proved, number_of(to), node, lives);
    const uint64_t *proved = map_find(&checks->proved, number_of(to), node, lives);
    uint64_t *sent = sum_of(&checks->sent_to, world, node, to);
    *sent += len;
    uint64_t came = *sum_of(&checks->came_from, world, node, to);
    check_asked(world, I13);
    if (proved == NULL && *sent > came)
        suspect(world, node, to, *sent, came);
}

void check_address_second(struct world *world)
{
    struct checks *checks = world->checks;

    for (size_t i = 0; i < checks->suspect_count; i++) {
        const struct suspect *it = &checks->suspects[i];
        const uint8_t *ip = it->to.ip;

        if (!is_named(checks, &it->to))
            check_failed(world, it->node, I13,
                         "%" PRIu64 " bytes to %u.%u.%u.%u:%u, which proved nothing; %" PRIu64
                         " came from there",
                         it->sent, ip[0], ip[1], ip[2], ip[3], it->to.port, it->came);
    }
    checks->suspect_count = 0;
}

static uint64_t *heard_from(const struct world *world, size_t node, size_t sender)
{
    struct node_checks *checks = &world->checks->nodes[node];

    if (checks->heard_us == NULL)
        checks->heard_us = memory_new(world->options.nodes, sizeof(*checks->heard_us));
    return &checks->heard_us[sender];
}

void check_address_in(struct world *world, size_t node, const struct addr *from, size_t sender,
                      size_t len)
{
    struct checks *checks = world->checks;

    if (sender != SIZE_MAX && world->addresses.all != NULL)
        *heard_from(world, node, sender) = world->now_us;
    if (is_of_node(world, from))
        return;
    *sum_of(&checks->came_from, world, node, from) += len;
    if (sender != SIZE_MAX &&
        map_find(&checks->sent_to, number_of(from), node, world->nodes[node].lives) != NULL)
        map_put(&checks->proved, number_of(from), node, world->nodes[node].lives);
}
