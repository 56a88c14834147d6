// SPDX-License-Identifier: Apache-2.0
/* network.c - loss, bursts, delay, duplicates, bit flips, cuts, and a way out that is too narrow */
#include "sim/network.h"

#include "sim/memory.h"

#include <assert.h>

void network_init(struct network *network, size_t nodes, const struct network_faults *faults,
                  uint64_t seed)
{
    *network = (struct network){.faults = *faults, .nodes = nodes};
    network->cut = links_none(nodes);
    network->clogged = links_none(nodes);
    network->random = random_stream(seed, 'n');
    network->in_burst = memory_new(nodes / 64 + 1, sizeof(uint64_t));
}

void network_free(struct network *network)
{
    links_clear(&network->cut);
    links_clear(&network->clogged);
    for (size_t i = 0; i < network->nodes && network->ways_out != NULL; i++)
        way_out_free(&network->ways_out[i]);
    free(network->ways_out);
    free(network->closed);
    free(network->in_burst);
    free(network->node_loss);
    *network = (struct network){0};
}

/* --- Sending
 * ----------------------------------------------------------------------------------------- */

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

/* Pareto with a median of 1: the smallest value is 2^(-1/exponent). */
static double draw_pareto(struct network *network)
{
    double above = 2 * (1 - random_unit(&network->random)); /* (0, 2] */

    return pow(above, -1 / network->faults.latency_pareto);
}

static uint64_t draw_delay_us(struct network *network)
{
    const struct network_faults *faults = &network->faults;
    double delay = faults->latency_us;

    if (faults->latency_sigma > 0)
        delay *= exp(faults->latency_sigma * random_normal(&network->random));
    if (faults->latency_pareto > 0)
        delay *= draw_pareto(network);
    if (delay > NETWORK_LATENCY_MAX_US)
        delay = NETWORK_LATENCY_MAX_US;
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

/* False: its queue is full. */
static bool leaves(struct network *network, uint64_t now_us, size_t from, size_t len,
                   uint64_t *delay_us)
{
    const struct network_faults *faults = &network->faults;
    size_t queue_packets = faults->queue_packets ? faults->queue_packets : NETWORK_QUEUE_PACKETS;

    *delay_us = 0;
    if (faults->bandwidth_bytes_per_s <= 0)
        return true;
    if (network->ways_out == NULL)
        network->ways_out = memory_new(network->nodes, sizeof(*network->ways_out));
    if (way_out_take(&network->ways_out[from], now_us, len, faults->bandwidth_bytes_per_s,
                     queue_packets, delay_us))
        return true;
    network->stats.queue_full++;
    return false;
}

void network_send(struct network *network, uint64_t now_us, size_t from, size_t to, size_t len,
                  struct network_fate *fate)
{
    uint64_t leaving_us;

    assert(from < network->nodes && to < network->nodes);
    *fate = (struct network_fate){0};
    network->stats.sent++;
    if (!leaves(network, now_us, from, len, &leaving_us))
        return;
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
        fate->delay_us[i] = leaving_us + draw_delay_us(network);
        fate->flipped_bit[i] = draw_flip(network, len);
    }
}

/* --- Links
 * ------------------------------------------------------------------------------------------- */

void network_cut(struct network *network, const struct node_set *from, const struct node_set *to)
{
    links_add_between(&network->cut, from, to);
}

void network_clog_link(struct network *network, size_t a, size_t b)
{
    links_add(&network->clogged, a, b);
    links_add(&network->clogged, b, a);
}

void network_open_link(struct network *network, size_t a, size_t b)
{
    links_remove(&network->clogged, a, b);
    links_remove(&network->clogged, b, a);
}

void network_close_node(struct network *network, size_t node, enum direction direction)
{
    assert(node < network->nodes);
    if (network->closed == NULL)
        network->closed = memory_new(network->nodes, sizeof(*network->closed));
    if (direction & DIRECTION_OUT)
        network->closed[node].out++;
    if (direction & DIRECTION_IN)
        network->closed[node].in++;
}

void network_open_node(struct network *network, size_t node, enum direction direction)
{
    if (network->closed == NULL)
        return; /* healed in between */
    struct node_closed *closed = &network->closed[node];
    if ((direction & DIRECTION_OUT) && closed->out > 0)
        closed->out--;
    if ((direction & DIRECTION_IN) && closed->in > 0)
        closed->in--;
}

void network_heal(struct network *network)
{
    links_clear(&network->cut);
    links_clear(&network->clogged);
    free(network->closed);
    network->closed = NULL;
}

bool network_is_cut(const struct network *network, size_t from, size_t to)
{
    if (network->closed != NULL && from != to &&
        (network->closed[from].out > 0 || network->closed[to].in > 0))
        return true;
    return links_has(&network->cut, from, to) || links_has(&network->clogged, from, to);
}

void network_set_node_loss(struct network *network, size_t node, struct node_loss loss)
{
    assert(node < network->nodes);
    assert(loss.egress >= 0 && loss.egress <= 1 && loss.ingress >= 0 && loss.ingress <= 1);
    if (network->node_loss == NULL)
        network->node_loss = memory_new(network->nodes, sizeof(*network->node_loss));
    network->node_loss[node] = loss;
}

/* --- Asking
 * ------------------------------------------------------------------------------------------ */

bool network_is_bad_at(const struct network *network, size_t node)
{
    if (links_at(&network->cut, node) > 0 || links_at(&network->clogged, node) > 0)
        return true;
    if (network->closed != NULL && (network->closed[node].out > 0 || network->closed[node].in > 0))
        return true;
    return network->node_loss != NULL &&
           (network->node_loss[node].egress > 0 || network->node_loss[node].ingress > 0);
}

bool network_is_bad(const struct network *network)
{
    const struct network_faults *faults = &network->faults;

    return faults->loss > 0 || faults->burst_enter > 0 || faults->flip > 0 || faults->reorder > 0 ||
           faults->duplicate > 0 || faults->latency_pareto > 0 || faults->bandwidth_bytes_per_s > 0;
}
