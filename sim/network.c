// SPDX-License-Identifier: Apache-2.0
/* network.c - loss, bursts, delay, duplicates, bit flips and cuts */
#include "sim/network.h"

#include "sim/memory.h"

#include <assert.h>

void network_init(struct network *network, size_t nodes, const struct network_faults *faults,
                  uint64_t seed)
{
    *network = (struct network){.faults = *faults, .nodes = nodes};
    network->random = random_stream(seed, 'n');
    network->in_burst = memory_new(nodes / 64 + 1, sizeof(uint64_t));
}

void network_free(struct network *network)
{
    free(network->cut);
    free(network->in_burst);
    free(network->node_loss);
    *network = (struct network){0};
}

/* One step of the sender's Gilbert-Elliott chain: is this packet lost in a bad spell? */
static bool burst_takes(struct network *network, size_t from)
{
    const struct network_faults *faults = &network->faults;
    uint64_t bit = UINT64_C(1) << (from % 64);
    uint64_t *word = &network->in_burst[from / 64];

    if (faults->burst_enter <= 0)
        return false;
    if (random_chance(&network->random, *word & bit ? faults->burst_leave : faults->burst_enter))
        *word ^= bit;
    return (*word & bit) != 0 && random_chance(&network->random, faults->burst_loss);
}

static bool node_takes(struct network *network, size_t from, size_t to)
{
    if (network->node_loss == NULL)
        return false;
    return random_chance(&network->random, network->node_loss[from].egress) ||
           random_chance(&network->random, network->node_loss[to].ingress);
}

static uint64_t draw_delay_us(struct network *network)
{
    const struct network_faults *faults = &network->faults;
    double delay = faults->latency_us;

    if (faults->latency_sigma > 0)
        delay *= exp(faults->latency_sigma * random_normal(&network->random));
    if (faults->jitter_us > 0)
        delay += (double)random_below(&network->random, (uint64_t)faults->jitter_us + 1);
    if (random_chance(&network->random, faults->reorder)) {
        uint64_t most = faults->reorder_us ? faults->reorder_us : 10ull * faults->latency_us + 1;

        delay += (double)random_below(&network->random, most);
        network->stats.reordered++;
    }
    return (uint64_t)delay;
}

static int64_t draw_flip(struct network *network, size_t len)
{
    if (len == 0 || !random_chance(&network->random, network->faults.flip))
        return -1;
    network->stats.flipped++;
    return (int64_t)random_below(&network->random, len * 8);
}

void network_send(struct network *network, size_t from, size_t to, size_t len,
                  struct network_fate *fate)
{
    assert(from < network->nodes && to < network->nodes);
    *fate = (struct network_fate){0};
    network->stats.sent++;
    if (network_is_cut(network, from, to)) {
        network->stats.cut++;
        return;
    }
    bool is_lost = random_chance(&network->random, network->faults.loss);
    if (burst_takes(network, from) || is_lost || node_takes(network, from, to)) {
        network->stats.lost++;
        return;
    }
    fate->copies = 1;
    if (random_chance(&network->random, network->faults.duplicate)) {
        fate->copies = 2;
        network->stats.duplicated++;
    }
    for (unsigned i = 0; i < fate->copies; i++) {
        fate->delay_us[i] = draw_delay_us(network);
        fate->flipped_bit[i] = draw_flip(network, len);
    }
}

static void cut_link(struct network *network, size_t from, size_t to)
{
    size_t bit = from * network->nodes + to;
    uint64_t mask = UINT64_C(1) << (bit % 64);

    if (from == to || network->cut[bit / 64] & mask)
        return;
    network->cut[bit / 64] |= mask;
    network->cut_count++;
}

void network_cut(struct network *network, const struct node_set *from, const struct node_set *to)
{
    if (network->cut == NULL)
        network->cut = memory_new(network->nodes * network->nodes / 64 + 1, sizeof(uint64_t));
    for (size_t i = 0; i < network->nodes; i++)
        for (size_t j = 0; j < network->nodes && node_set_has(from, i); j++)
            if (node_set_has(to, j))
                cut_link(network, i, j);
}

void network_heal(struct network *network)
{
    free(network->cut);
    network->cut = NULL;
    network->cut_count = 0;
}

bool network_is_cut(const struct network *network, size_t from, size_t to)
{
    size_t bit = from * network->nodes + to;

    return network->cut != NULL && (network->cut[bit / 64] >> (bit % 64) & 1) != 0;
}

void network_set_node_loss(struct network *network, size_t node, struct node_loss loss)
{
    assert(node < network->nodes);
    assert(loss.egress >= 0 && loss.egress <= 1 && loss.ingress >= 0 && loss.ingress <= 1);
    if (network->node_loss == NULL)
        network->node_loss = memory_new(network->nodes, sizeof(*network->node_loss));
    network->node_loss[node] = loss;
}
