// SPDX-License-Identifier: Apache-2.0
/* check_memory.c - I12: what a node holds stays under a function of nodes and records
 *
 * Counts against what the world knows to exist: members ever, operations made by all homes lately
 * (what a node may still hold of them has a time each), leases that ran before. Bytes against the
 * counts. Liars make up what they like: then only the bytes are asked about. */
#include "sim/check_all.h"

#include "sim/memory.h"

#include <inttypes.h>

enum { SPARE = 64 }; /* of the last seconds, which nobody has counted yet */

/* --- What the world makes -------------------------------------------------------------------- */

static uint64_t operations_of(struct world *world, size_t index, uint64_t *live)
{
    struct node_checks *checks = &world->checks->nodes[index];
    const struct node *node = &world->nodes[index];
    struct gossip_log_info own;
    uint64_t more = 0;

    if (!gossip_log_find(node->core, node->tag, node->epoch, &own))
        return 0;
    *live += own.live_count;
    if (own.epoch == checks->own_epoch)
        more = own.applied - checks->own_applied;
    else
        more = own.applied;
    checks->own_epoch = own.epoch;
    checks->own_applied = own.applied;
    return more;
}

static void count_operations(struct world *world)
{
    struct checks *checks = world->checks;
    size_t tick = checks->made_count;
    uint64_t live = 0;

    checks->made = memory_reach(checks->made, &checks->made_capacity, tick, sizeof(*checks->made));
    for (size_t i = 0; i < world->options.nodes; i++)
        if (world->nodes[i].core != NULL)
            checks->operations += operations_of(world, i, &live);
    checks->made[tick] = (struct made){checks->operations, live, checks->changes};
    checks->made_count++;
}

/* What a life did since it was counted last. */
void check_memory_stop(struct world *world, size_t node)
{
    uint64_t live = 0;

    world->checks->operations += operations_of(world, node, &live);
}

/* As it was so long ago; the beginning, if that is later. */
static struct made made_before(const struct world *world, uint64_t ago_us)
{
    const struct checks *checks = world->checks;
    uint64_t ticks = ago_us / (MEMORY_EVERY_S * BOUND_SECOND_US) + 2;

    if (ticks > checks->made_count)
        return (struct made){0};
    return checks->made[checks->made_count - ticks];
}

/* --- What a node holds ----------------------------------------------------------------------- */

static void must_be(struct world *world, size_t node, const char *what, uint64_t held,
                    uint64_t bound)
{
    if (held > bound)
        check_failed(world, node, I12, "%" PRIu64 " %s, at most %" PRIu64 " are due", held, what,
                     bound);
}

static void check_counts(struct world *world, size_t node, const struct gossip_memory *memory)
{
    const struct checks *checks = world->checks;
    const struct gossip_config *config = &world->config;
    size_t nodes = world->options.nodes;
    uint32_t ttl_s = checks->ttl_most_s;
    struct made records = made_before(world, bound_record_held_us(config, nodes, ttl_s));
    struct made deletes = made_before(world, bound_delete_held_us(config, nodes, ttl_s));

    must_be(world, node, "members", memory->members, checks->identity_count);
    must_be(world, node, "logs", memory->logs, BOUND_LOGS_PER_HOME * memory->members);
    must_be(world, node, "records", memory->records,
            records.live + checks->operations - records.operations + SPARE);
    /* Whoever joins takes over deletes, and remembers them as long again. */
    if (checks->changes == deletes.changes)
        must_be(world, node, "deletes", memory->deletes,
                checks->operations - deletes.operations + SPARE);
}

static void check_bytes(struct world *world, size_t node, const struct gossip_memory *memory)
{
    uint64_t operations = memory->records + memory->deletes;
    uint64_t *most = &world->checks->nodes[node].operations_most;

    *most = operations > *most ? operations : *most;
    must_be(world, node, "places for versions", memory->slots,
            BOUND_SLOTS_FACTOR * *most + BOUND_SLOTS_LEAST * memory->logs);
    must_be(world, node, "bytes of members", memory->member_bytes,
            BOUND_BASE_BYTES + BOUND_MEMBER_BYTES * memory->members +
                BOUND_SUSPICION_BYTES * memory->suspicions);
    must_be(world, node, "bytes of records", memory->record_bytes,
            BOUND_BASE_BYTES + BOUND_OPERATION_BYTES * operations + BOUND_LOG_BYTES * memory->logs +
                BOUND_SLOT_BYTES * memory->slots + BOUND_CELL_BYTES * *most);
}

void check_memory_second(struct world *world)
{
    struct gossip_memory memory;

    if (world->checks->seconds % MEMORY_EVERY_S != 0)
        return;
    count_operations(world);
    for (size_t i = 0; i < world->options.nodes; i += world->checks->watch_every) {
        if (world->nodes[i].core == NULL)
            continue;
        check_asked(world, I12);
        gossip_memory_now(world->nodes[i].core, &memory);
        check_bytes(world, i, &memory);
        if (!check_has_liars(world))
            check_counts(world, i, &memory);
    }
}
