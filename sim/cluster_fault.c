// SPDX-License-Identifier: Apache-2.0
/* cluster_fault.c - what a scenario can break, and how it heals */
#include "sim/cluster.h"

#include "sim/cluster_impl.h"
#include "sim/host.h"

#include <assert.h>

static void trace_fault(struct cluster *cluster, size_t node, uint64_t what, uint64_t value)
{
    struct world *world = cluster->world;

    trace_add(&world->trace, TRACE_FAULT, world->now_us, node, what, value, 0);
}

void cluster_cut(struct cluster *cluster, struct node_set a, struct node_set b)
{
    network_cut(&cluster->world->network, &a, &b);
    network_cut(&cluster->world->network, &b, &a);
    trace_fault(cluster, SIZE_MAX, 'c', cluster->world->network.cut_count);
}

void cluster_cut_one_way(struct cluster *cluster, struct node_set from, struct node_set to)
{
    network_cut(&cluster->world->network, &from, &to);
    trace_fault(cluster, SIZE_MAX, 'o', cluster->world->network.cut_count);
}

void cluster_isolate(struct cluster *cluster, size_t node)
{
    cluster_cut(cluster, NODES(node), NODES_RANGE(0, cluster_nodes(cluster)));
}

void cluster_heal(struct cluster *cluster)
{
    network_heal(&cluster->world->network);
    trace_fault(cluster, SIZE_MAX, 'h', 0);
}

void cluster_set_faults(struct cluster *cluster, const struct network_faults *faults)
{
    struct network_faults none = {
        .latency_us = cluster->world->network.faults.latency_us,
        .latency_sigma = cluster->world->network.faults.latency_sigma,
    };

    cluster->world->network.faults = faults != NULL ? *faults : none;
    trace_fault(cluster, SIZE_MAX, 'f', 0);
}

struct network_faults cluster_faults(const struct cluster *cluster)
{
    return cluster->world->network.faults;
}

void cluster_pause(struct cluster *cluster, size_t node)
{
    host_pause(cluster->world, node);
}

void cluster_resume(struct cluster *cluster, size_t node)
{
    host_resume(cluster->world, node);
}

void cluster_stall(struct cluster *cluster, size_t node, uint64_t ms)
{
    host_stall(cluster->world, node, ms);
}

void cluster_block(struct cluster *cluster, size_t node)
{
    host_block(cluster->world, node);
}

void cluster_unblock(struct cluster *cluster, size_t node)
{
    host_unblock(cluster->world, node);
}

void cluster_set_clock(struct cluster *cluster, size_t node, int64_t skew_ms)
{
    cluster->world->nodes[node].skew_ms = skew_ms;
    trace_fault(cluster, node, 'w', (uint64_t)skew_ms);
}

void cluster_set_node_loss(struct cluster *cluster, size_t node, double egress, double ingress)
{
    network_set_node_loss(&cluster->world->network, node, (struct node_loss){egress, ingress});
    trace_fault(cluster, node, 'l', (uint64_t)(egress * 1000) << 32 | (uint64_t)(ingress * 1000));
}
