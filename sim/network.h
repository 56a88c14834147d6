// SPDX-License-Identifier: Apache-2.0
/* network.h - the virtual network: when, how often and how damaged a packet arrives, if it does
 *
 * It decides; it holds no packet. All times are in microseconds of virtual time. Every decision is
 * drawn from its own generator, so that switching one fault on does not change what the nodes draw.
 */
#ifndef AURORA_SIM_NETWORK_H
#define AURORA_SIM_NETWORK_H

#include "sim/links.h"
#include "sim/node_set.h"
#include "sim/random.h"
#include "sim/way_out.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* No packet is under way for longer, whatever the tail draws: with it, even a Pareto tail of an
 * exponent below 1 has a mean. */
#define NETWORK_LATENCY_MAX_US (10u * 1000 * 1000)
#define NETWORK_QUEUE_PACKETS  256 /* queue_packets when that is 0 */

/* Probabilities are 0 to 1. */
struct network_faults {
    uint32_t latency_us;          /* constant, or the median where it varies */
    double latency_sigma;         /* log-normal: of the logarithm; 0.5 is a busy local network */
    double latency_pareto;        /* Pareto: its exponent; 1.5 is heavy. With both, their product */
    uint32_t jitter_us;           /* uniform, added */
    double bandwidth_bytes_per_s; /* of each node's way out; 0: no limit */
    size_t queue_packets;         /* that wait there; more is lost */
    double loss;                  /* of each packet by itself */
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
    uint64_t queue_full; /* lost on the way out; not in `lost` */
};

/* Of one node's packets alone, besides what the network loses anyway. */
struct node_loss {
    double egress, ingress;
};

enum direction { DIRECTION_OUT = 1, DIRECTION_IN = 2, DIRECTION_BOTH = 3 };

struct network {
    struct network_faults faults;
    struct network_stats stats;
    struct random random;
    size_t nodes;
    struct links cut;            /* until healed */
    struct links clogged;        /* until whoever clogged them restores them */
    uint64_t *in_burst;          /* a bit per sender */
    struct node_loss *node_loss; /* by node; NULL: no node ever had one */
    struct way_out *ways_out;    /* by node; NULL: never limited */
    /* How many hold a node's links closed, each way; NULL: never any. */
    struct node_closed {
        uint16_t out, in;
    } * closed;
};

/* What becomes of one packet: 0, 1 or 2 copies. */
struct network_fate {
    unsigned copies;
    uint64_t delay_us[2];
    int64_t flipped_bit[2]; /* index into the packet's bits; -1: intact */
};

void network_init(struct network *, size_t nodes, const struct network_faults *, uint64_t seed);
void network_free(struct network *);
void network_send(struct network *, uint64_t now_us, size_t from, size_t to, size_t len,
                  struct network_fate *);

/* Nothing from `from` reaches `to` any more. Both ways: call it twice. */
void network_cut(struct network *, const struct node_set *from, const struct node_set *to);
/* One link, both ways; open_link leaves what was cut or closed. */
void network_clog_link(struct network *, size_t a, size_t b);
void network_open_link(struct network *, size_t a, size_t b);
/* All of a node's links, until opened as often as closed. */
void network_close_node(struct network *, size_t node, enum direction);
void network_open_node(struct network *, size_t node, enum direction);
/* No cut, nothing clogged, nothing closed. */
void network_heal(struct network *);
bool network_is_cut(const struct network *, size_t from, size_t to);
/* What it sends and what it is sent is lost that often, until set to 0, 0. */
void network_set_node_loss(struct network *, size_t node, struct node_loss);

/* Does something stop or lose this node's packets that leaves others' alone? */
bool network_is_bad_at(const struct network *, size_t node);
/* Does something lose, damage or hold back everybody's? */
bool network_is_bad(const struct network *);

#endif
