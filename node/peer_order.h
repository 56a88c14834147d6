// SPDX-License-Identifier: Apache-2.0
/* peer_order.h - peers in the order of their ids: an array in blocks
 *
 * Answers are read in order (so that every node gives the same ones, and a cursor finds its place
 * again) far more often than peers come and go: an array is the fastest thing to walk, and blocks
 * keep an insertion from moving more than one of them. */
#ifndef AURORA_NODE_PEER_ORDER_H
#define AURORA_NODE_PEER_ORDER_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "gossip/span.h"

#define PEER_ORDER_BLOCK_MAX 64

struct cells;
struct view_peer;

struct peer_order_block;

/* The search for a block reads the first bytes of its first id here: following it to the peer, and
 * the peer to its record, would be three cache misses at each step. */
struct peer_order_entry {
    uint64_t prefix; /* bytes 0..7 of the first id, big endian, zeros behind a shorter one */
    struct peer_order_block *block;
};

struct peer_order {
    const struct cells *cells; /* the peers', which are named by reference here */
    struct peer_order_entry *blocks;
    size_t block_count, block_capacity;
    size_t count;
};

struct peer_order_place {
    size_t block, index;
};

/* Zeroed memory but for `cells` is an empty order. */
void peer_order_free(struct peer_order *);
/* No peer with this id may be in it (asserted). */
void peer_order_add(struct peer_order *, uint32_t reference);
/* This very peer must be in it (asserted). */
void peer_order_remove(struct peer_order *, uint32_t reference);
/* The place of the first peer whose id is above `peer_id`; an empty one: the first of all. */
struct peer_order_place peer_order_after(const struct peer_order *, struct span peer_id);
/* The peer at the place, which moves on. NULL: the end. */
struct view_peer *peer_order_next(const struct peer_order *, struct peer_order_place *);

/* Bytewise; a prefix comes first. Negative, 0 or positive. */
int peer_id_compare(struct span a, struct span b);

#endif
