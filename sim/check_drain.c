// SPDX-License-Identifier: Apache-2.0
/* check_drain.c - I16: every queue, limiter and hold-down drains once faults are over
 *
 * Work goes on, so a queue need not stay empty; but it must be seen empty, once a second being
 * often enough to look, within the bound after the heal and within as long ever after. */
#include "sim/check_all.h"

#include <inttypes.h>

static const struct {
    const char *name;
    size_t offset;
    bool is_of_log; /* it may wait for what nobody has any more, as long as its log is remembered */
} queues[DRAIN_QUEUES] = {
    {"packets", offsetof(struct gossip_queues, packets), false},
    {"events", offsetof(struct gossip_queues, events), false},
    {"hops", offsetof(struct gossip_queues, hops), false},
    {"announcements", offsetof(struct gossip_queues, announcements), false},
    {"rumours", offsetof(struct gossip_queues, rumours), false},
    {"probes", offsetof(struct gossip_queues, probes), false},
    {"suspicions", offsetof(struct gossip_queues, suspicions), false},
    {"missing versions", offsetof(struct gossip_queues, missing), false},
    {"pulls", offsetof(struct gossip_queues, pulls), false},
    {"early batches", offsetof(struct gossip_queues, early_batches), true},
    {"forwards", offsetof(struct gossip_queues, forwards), false},
    {"replies", offsetof(struct gossip_queues, replies), false},
    {"re-issues", offsetof(struct gossip_queues, reissues), false},
    {"objections", offsetof(struct gossip_queues, objections), false},
    {"health", offsetof(struct gossip_queues, health), false},
};

static uint32_t length_of(const struct gossip_queues *now, size_t queue)
{
    uint32_t length;

    memcpy(&length, (const char *)now + queues[queue].offset, sizeof(length));
    return length;
}

static void look_at(struct world *world, size_t node, uint64_t bound_us)
{
    struct node_checks *checks = &world->checks->nodes[node];
    uint64_t started_us = world->nodes[node].started_us;
    uint64_t healed_us = world->checks->healed_us;
    struct gossip_queues now;

    uint64_t log_us =
        bound_delete_held_us(&world->config, world->options.nodes, world->checks->ttl_most_s);

    gossip_queues_now(world->nodes[node].core, &now);
    for (size_t i = 0; i < DRAIN_QUEUES; i++) {
        uint64_t *empty_us = &checks->empty_us[i];

        if (*empty_us < started_us)
            *empty_us = started_us;
        if (*empty_us < healed_us)
            *empty_us = healed_us;
        if (length_of(&now, i) == 0 && !now.is_paced) {
            *empty_us = world->now_us;
        } else if (world->now_us - *empty_us > bound_us + (queues[i].is_of_log ? log_us : 0)) {
            check_failed(world, node, I16, "%s: %" PRIu32 " for %" PRIu64 " s%s", queues[i].name,
                         length_of(&now, i), (world->now_us - *empty_us) / BOUND_SECOND_US,
                         now.is_paced ? ", and the egress limit is reached" : "");
            *empty_us = world->now_us; /* once in a while is enough */
        }
    }
}

void check_drain_second(struct world *world)
{
    struct checks *checks = world->checks;

    if (checks->healed_us == 0)
        return;
    uint64_t bound_us = bound_drain_us(&world->config, world->options.nodes, checks->faults_us);
    if (world->now_us - checks->healed_us > bound_us)
        check_asked(world, I16);
    for (size_t i = 0; i < world->options.nodes; i += checks->watch_every)
        if (world_is_present(world, i))
            look_at(world, i, bound_us);
}
