// SPDX-License-Identifier: Apache-2.0
/* cluster_fault.c - what a scenario can break, and how it heals */
#include "sim/cluster.h"

#include "sim/checks.h"
#include "sim/cluster_impl.h"
#include "sim/host.h"
#include "sim/narrate.h"

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
    faults_touch_cut_off(cluster->world);
    narrate_cut(cluster->world, false, &a, &b);
}

void cluster_cut_one_way(struct cluster *cluster, struct node_set from, struct node_set to)
{
    network_cut(&cluster->world->network, &from, &to);
    faults_touch_cut_off(cluster->world);
    narrate_cut(cluster->world, true, &from, &to);
}

void cluster_isolate(struct cluster *cluster, size_t node)
{
    cluster_cut(cluster, NODES(node), NODES_RANGE(0, cluster_nodes(cluster)));
}

void cluster_uncut(struct cluster *cluster)
{
    faults_touch_cut_off(cluster->world);
    links_clear(&cluster->world->network.cut);
    trace_fault(cluster, SIZE_MAX, 'c', 0);
}

void cluster_heal(struct cluster *cluster)
{
    faults_end(cluster->world);
    network_heal(&cluster->world->network);
    trace_fault(cluster, SIZE_MAX, 'h', 0);
}

void cluster_set_faults(struct cluster *cluster, const struct network_faults *faults)
{
    struct network_faults none = {
        .latency_us = cluster->world->network.faults.latency_us,
        .latency_sigma = cluster->world->network.faults.latency_sigma,
    };
    bool was_bad = network_is_bad(&cluster->world->network);

    cluster->world->network.faults = faults != NULL ? *faults : none;
    if (was_bad || network_is_bad(&cluster->world->network))
        faults_touch(cluster->world, SIZE_MAX);
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
    faults_touch(cluster->world, node);
    trace_fault(cluster, node, 'w', (uint64_t)skew_ms);
}

void cluster_set_node_loss(struct cluster *cluster, size_t node, double egress, double ingress)
{
    network_set_node_loss(&cluster->world->network, node, (struct node_loss){egress, ingress});
    faults_touch(cluster->world, node);
    trace_fault(cluster, node, 'l', (uint64_t)(egress * 1000) << 32 | (uint64_t)(ingress * 1000));
}

void cluster_flip_flop(struct cluster *cluster, struct node_set set, enum direction direction,
                       uint64_t down_ms, uint64_t up_ms, uint64_t for_ms)
{
    faults_flip_flop(cluster->world, &set, direction, down_ms * 1000, up_ms * 1000, for_ms * 1000);
}

void cluster_swizzle(struct cluster *cluster, struct node_set set, uint64_t for_ms)
{
    faults_swizzle(cluster->world, &set, for_ms * 1000);
}

void cluster_slow(struct cluster *cluster, size_t node, uint32_t service_us)
{
    host_slow(cluster->world, node, service_us);
}

void cluster_set_drift(struct cluster *cluster, size_t node, int32_t ppm)
{
    host_drift(cluster->world, node, ppm);
}

/* --- Addresses
 * --------------------------------------------------------------------------------------- */

void cluster_rebind_late(struct cluster *cluster, size_t index, uint64_t old_ms)
{
    struct world *world = cluster->world;
    struct node *node = &world->nodes[index];

    node->source = address_rebind(&world->addresses, node->source, (uint32_t)index,
                                  world->now_us + old_ms * 1000);
    faults_touch(world, index);
    trace_fault(cluster, index, 'n', node->source);
}

void cluster_rebind(struct cluster *cluster, size_t node)
{
    cluster_rebind_late(cluster, node, 0);
}

void cluster_swap_addresses(struct cluster *cluster, size_t a, size_t b)
{
    struct world *world = cluster->world;
    struct node *one = &world->nodes[a], *other = &world->nodes[b];
    struct addr addr = one->addr;
    uint32_t source = one->source;

    address_swap(&world->addresses, one->source, other->source);
    one->source = other->source;
    one->addr = other->addr;
    other->source = source;
    other->addr = addr;
    faults_touch(world, a);
    faults_touch(world, b);
    trace_fault(cluster, a, 'a', b);
}

/* --- The end
 * ----------------------------------------------------------------------------------------- */

static void heal_node(struct cluster *cluster, struct node *node)
{
    struct world *world = cluster->world;
    size_t index = node->index;
    uint32_t own = address_restore(&world->addresses, &node->addr, (uint32_t)index);

    if (node->source != own) {
        faults_touch(world, index);
        node->source = own;
    }
    if (node->service_us > 0)
        host_slow(world, index, 0);
    if (node->clock.drift_ppm != 0)
        host_drift(world, index, 0);
    if (node->skew_ms != 0)
        cluster_set_clock(cluster, index, 0);
    host_resume(world, index);
    host_unblock(world, index);
}

void cluster_heal_all(struct cluster *cluster)
{
    struct world *world = cluster->world;

    trace_fault(cluster, SIZE_MAX, 'H', 0);
    cluster_heal(cluster); /* first: what is released below is to arrive */
    cluster_set_faults(cluster, NULL);
    for (size_t i = 0; i < world->options.nodes; i++) {
        if (world->network.node_loss != NULL)
            cluster_set_node_loss(cluster, i, 0, 0);
        heal_node(cluster, &world->nodes[i]);
    }
    checks_on_heal(world);
}
