// SPDX-License-Identifier: Apache-2.0
/* detectors.c - worlds that differ in their detector alone, and counting false positives */
#include "sim/detectors.h"

#include <assert.h>

/* The paper's groups are quiet for so long before anything is done to them. */
enum { QUIET_MS = 15000 };

size_t detectors_count(const struct run *run)
{
    return run->settings.is_given[SET_DETECTOR] ? 1 : DETECTORS;
}

enum gossip_detector detectors_at(const struct run *run, size_t index)
{
    static const enum gossip_detector all[DETECTORS] = {DETECTOR_SWIM, DETECTOR_LIFEGUARD,
                                                        DETECTOR_AURORA};

    if (run->settings.is_given[SET_DETECTOR])
        return (enum gossip_detector)setting(&run->settings, SET_DETECTOR);
    assert(index < DETECTORS);
    return all[index];
}

const char *detector_name(enum gossip_detector detector)
{
    switch (detector) {
    case DETECTOR_SWIM: return "swim";
    case DETECTOR_LIFEGUARD: return "lifeguard";
    case DETECTOR_AURORA: break;
    }
    return "aurora";
}

static void set_detector(struct cluster_options *options, const void *context)
{
    options->detector = *(const enum gossip_detector *)context;
}

struct cluster *detectors_world(struct cell *cell, enum gossip_detector detector, size_t nodes,
                                uint64_t seed)
{
    struct cluster *cluster = cell_cluster(cell, nodes, seed, set_detector, &detector);

    if (!cell_boot(cell, cluster)) {
        cell_end(cell, cluster);
        return NULL;
    }
    cluster_run_for(cluster, QUIET_MS);
    return cluster;
}

void mistakes_count(const struct cluster *cluster, const struct node_set *hit, const double *before,
                    double *out)
{
    size_t nodes = cluster_nodes(cluster);

    for (size_t i = 0; i < MISTAKES; i++)
        out[i] = before != NULL ? -before[i] : 0;
    for (size_t i = 0; i < nodes; i++) {
        struct gossip_status status = cluster_status(cluster, i);
        bool is_hit = node_set_has(hit, i);

        out[PACKETS] += (double)status.stats.packets_out;
        out[BYTES] += (double)status.stats.bytes_out;
        for (size_t other = 0; other < nodes; other++) {
            double deaths = (double)cluster_deaths_seen(cluster, i, other);

            if (!node_set_has(hit, other))
                out[FALSE_POSITIVES] += deaths;
            if (!node_set_has(hit, other) && !is_hit)
                out[FALSE_POSITIVES_HEALTHY] += deaths;
            if (node_set_has(hit, other) && !is_hit)
                out[HIT_DECLARED] += deaths;
        }
    }
}

struct node_set nodes_drawn(struct random *random, size_t nodes, size_t count)
{
    struct node_set set = {{0}};

    assert(count <= nodes);
    while (count > 0) {
        size_t node = random_below(random, nodes);

        if (node_set_has(&set, node))
            continue;
        node_set_add(&set, node);
        count--;
    }
    return set;
}
