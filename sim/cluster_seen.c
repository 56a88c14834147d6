// SPDX-License-Identifier: Apache-2.0
/* cluster_seen.c - what was seen where, since when, and how long it took */
#include "sim/cluster.h"

#include "sim/cluster_impl.h"

#include <assert.h>
#include <math.h>
#include <stdlib.h>

static const struct seen_peer *peer_at(const struct cluster *cluster, size_t node,
                                       const char *peer_id)
{
    const struct world *world = cluster->world;

    return observe_peer(&world->nodes[node].seen,
                        intern_find(&world->peer_ids, span_of_text(peer_id)));
}

static const struct seen_member *member_at(const struct cluster *cluster, size_t node,
                                           size_t member)
{
    const struct world *world = cluster->world;

    return observe_member(&world->nodes[node].seen, world->nodes[member].number);
}

bool cluster_sees_peer(const struct cluster *cluster, size_t node, const char *peer_id)
{
    return peer_at(cluster, node, peer_id)->is_visible;
}

uint64_t cluster_peer_since_us(const struct cluster *cluster, size_t node, const char *peer_id)
{
    const struct seen_peer *peer = peer_at(cluster, node, peer_id);

    return peer->is_visible ? peer->since_us : CLUSTER_NEVER;
}

uint64_t cluster_peer_ups(const struct cluster *cluster, size_t node, const char *peer_id)
{
    return peer_at(cluster, node, peer_id)->ups;
}

uint64_t cluster_peer_downs(const struct cluster *cluster, size_t node, const char *peer_id)
{
    return peer_at(cluster, node, peer_id)->downs;
}

enum peer_down_reason cluster_peer_down_reason(const struct cluster *cluster, size_t node,
                                               const char *peer_id)
{
    return (enum peer_down_reason)peer_at(cluster, node, peer_id)->down_reason;
}

size_t cluster_peer_home(const struct cluster *cluster, size_t node, const char *peer_id)
{
    const struct seen_peer *peer = peer_at(cluster, node, peer_id);

    return peer->is_visible ? world_node_of_tag(cluster->world, peer->home) : SIZE_MAX;
}

size_t cluster_peers_visible(const struct cluster *cluster, size_t node)
{
    return cluster->world->nodes[node].seen.peers_visible;
}

enum member_state cluster_sees_member(const struct cluster *cluster, size_t node, size_t member)
{
    return (enum member_state)member_at(cluster, node, member)->state;
}

uint64_t cluster_member_turns(const struct cluster *cluster, size_t node, size_t member)
{
    return member_at(cluster, node, member)->turns;
}

uint64_t cluster_member_since_us(const struct cluster *cluster, size_t node, size_t member)
{
    return member_at(cluster, node, member)->since_us;
}

uint64_t cluster_deaths_seen(const struct cluster *cluster, size_t node, size_t member)
{
    return member_at(cluster, node, member)->deaths;
}

uint64_t cluster_false_deaths(const struct cluster *cluster)
{
    return cluster->world->false_deaths;
}

static double elapsed_ms(uint64_t since_us, uint64_t at_us)
{
    return at_us > since_us ? (double)(at_us - since_us) / 1000 : 0;
}

size_t cluster_visibility_ms(const struct cluster *cluster, const char *peer_id, uint64_t since_us,
                             double *out, size_t capacity)
{
    size_t count = 0;

    for (size_t i = 0; i < cluster_nodes(cluster) && count < capacity; i++) {
        const struct seen_peer *peer = peer_at(cluster, i, peer_id);

        if (world_is_present(cluster->world, i) && !world_is_foreign(cluster->world, i))
            out[count++] = peer->is_visible ? elapsed_ms(since_us, peer->changed_us) : INFINITY;
    }
    return count;
}

size_t cluster_detection_ms(const struct cluster *cluster, size_t member, enum member_state state,
                            uint64_t since_us, double *out, size_t capacity)
{
    size_t count = 0;

    for (size_t i = 0; i < cluster_nodes(cluster) && count < capacity; i++) {
        const struct seen_member *seen = member_at(cluster, i, member);

        if (i != member && world_is_present(cluster->world, i) &&
            world_is_same_cluster(cluster->world, i, member))
            out[count++] = seen->is_known && seen->state == state
                               ? elapsed_ms(since_us, seen->since_us)
                               : INFINITY;
    }
    return count;
}

static int compare(const void *a, const void *b)
{
    double left = *(const double *)a, right = *(const double *)b;

    return (left > right) - (left < right);
}

double percentile(double *values, size_t count, double p)
{
    assert(p >= 0 && p <= 100);
    if (count == 0)
        return INFINITY;
    qsort(values, count, sizeof(*values), compare);
    size_t rank = (size_t)ceil(p / 100 * (double)count);
    return values[rank > 0 ? rank - 1 : 0];
}
