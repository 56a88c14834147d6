// SPDX-License-Identifier: Apache-2.0
/* network.h - the virtual network: when, how often and how damaged a packet arrives, if it does
 *
 * It decides; it holds no packet. All times are in microseconds of virtual time. Every decision is
 * drawn from its own generator, so that switching one fault on does not change what the nodes draw.
 */
#ifndef AURORA_SIM_NETWORK_H
#define AURORA_SIM_NETWORK_H

#include "sim/node_set.h"
#include "sim/random.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* Probabilities are 0 to 1. */
struct network_faults {
    uint32_t latency_us;  /* constant, or the median of a log-normal one */
    double latency_sigma; /* of the logarithm; 0: constant. 0.5 is a busy local network */
    uint32_t jitter_us;   /* uniform, added */
    double loss;          /* of each packet by itself */
    /* Gilbert-Elliott, on each node's way out: the chance per packet of entering a bad spell, of
     * leaving it, and the loss within it. */
    double burst_enter, burst_leave, burst_loss;
    double duplicate;    /* a second copy, with a delay of its own */
    double reorder;      /* held back by up to reorder_us more */
    uint32_t reorder_us; /* 0: ten latencies */
    double flip;         /* one bit flipped */
};

struct network_stats {
    uint64_t sent, lost, cut, duplicated, reordered, flipped;
};

/* Of one node's packets alone, besides what the network loses anyway. */
struct node_loss {
    double egress, ingress;
};

struct network {
    struct network_faults faults;
    struct network_stats stats;
    struct random random;
    size_t nodes;
    uint64_t *cut;      /* bit (from * nodes + to): nothing gets through; NULL: all do */
    size_t cut_count;   /* bits set */
    uint64_t *in_burst; /* a bit per sender */
    struct node_loss *node_loss; /* by node; NULL: no node ever had one */
};

/* What becomes of one packet: 0, 1 or 2 copies. */
struct network_fate {
    unsigned copies;
    uint64_t delay_us[2];
    int64_t flipped_bit[2]; /* index into the packet's bits; -1: intact */
};

void network_init(struct network *, size_t nodes, const struct network_faults *, uint64_t seed);
void network_free(struct network *);
void network_send(struct network *, size_t from, size_t to, size_t len, struct network_fate *);

/* Nothing from `from` reaches `to` any more. Both ways: call it twice. */
void network_cut(struct network *, const struct node_set *from, const struct node_set *to);
void network_heal(struct network *);
/* What it sends and what it is sent is lost that often, until set to 0, 0. */
void network_set_node_loss(struct network *, size_t node, struct node_loss);
bool network_is_cut(const struct network *, size_t from, size_t to);

#endif
