// SPDX-License-Identifier: Apache-2.0
/* cluster_known.c - a world that begins in the middle: everybody runs, and knows everybody */
#include "sim/cluster.h"

#include "sim/cluster_impl.h"
#include "sim/memory.h"

#include <assert.h>

static struct span alive_of(const struct node *node)
{
    struct gossip_member_info self = {0};
    bool is_there = gossip_member_find(node->core, node->tag, &self);

    assert(is_there);
    return is_there ? blob_span(self.alive) : span_of(NULL, 0);
}

/* What a node would have seen, had it been told of everybody; all observers share it until what
 * they see differs. */
static void see_all(struct world *world, struct observer *seen, const struct node *all,
                    size_t count)
{
    for (size_t i = 0; i < count; i++) {
        struct gossip_event event = {
            .kind = GOSSIP_EVENT_MEMBER,
            .member = {.tag = all[i].tag,
                       .state = MEMBER_ALIVE,
                       .epoch = all[i].epoch,
                       .incarnation = 1,
                       .is_self = true},
        };

        observe_event(seen, &event, world->now_us, &world->tags, &world->peer_ids);
    }
    seen->is_joined = true;
}

static void begin(struct world *world, const char *cluster, struct node *nodes, size_t count)
{
    struct span *alives = memory_new(count, sizeof(*alives));
    struct observer seen = {0};

    for (size_t i = 0; i < count; i++)
        alives[i] = alive_of(&nodes[i]);
    struct gossip_known *known = gossip_known_new(cluster, world->store, alives, count);
    assert(known != NULL);
    see_all(world, &seen, nodes, count);
    for (size_t i = 0; i < count; i++) {
        gossip_begin_known(nodes[i].core, world_time(world, nodes[i].index), known);
        observe_as(&nodes[i].seen, &seen);
        world_drain(world, nodes[i].index);
    }
    gossip_known_free(known);
    observe_free(&seen);
    free(alives);
}

void cluster_boot_known(struct cluster *cluster)
{
    struct world *world = cluster->world;
    size_t foreign = world->options.foreign, own = cluster_nodes(cluster) - foreign;

    cluster_start_all(cluster);
    begin(world, world->cluster, world->nodes, own);
    if (foreign > 0)
        begin(world, world->foreign_cluster, world->nodes + own, foreign);
    cluster_run_for(cluster, 1); /* their first reports */
}
