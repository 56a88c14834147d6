// SPDX-License-Identifier: Apache-2.0
/* node_set.h - some of a world's nodes, as a value: the sides of a partition */
#ifndef AURORA_SIM_NODE_SET_H
#define AURORA_SIM_NODE_SET_H

#include <assert.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define NODES_MAX 16384

struct node_set {
    uint64_t bits[NODES_MAX / 64];
};

static inline bool node_set_has(const struct node_set *set, size_t node)
{
    assert(node < NODES_MAX);
    return (set->bits[node / 64] >> (node % 64) & 1) != 0;
}

static inline void node_set_add(struct node_set *set, size_t node)
{
    assert(node < NODES_MAX);
    set->bits[node / 64] |= UINT64_C(1) << (node % 64);
}

static inline struct node_set node_set_of(const size_t *nodes, size_t count)
{
    struct node_set set = {{0}};

    for (size_t i = 0; i < count; i++)
        node_set_add(&set, nodes[i]);
    return set;
}

/* NODES(0, 2, 5): just these. */
#define NODES(...)                             \
    node_set_of((const size_t[]){__VA_ARGS__}, \
                sizeof((const size_t[]){__VA_ARGS__}) / sizeof(size_t))

/* NODES_RANGE(3, 7): 3, 4, 5 and 6. */
static inline struct node_set node_set_range(size_t first, size_t end)
{
    struct node_set set = {{0}};

    for (size_t node = first; node < end; node++)
        node_set_add(&set, node);
    return set;
}
#define NODES_RANGE(first, end) node_set_range(first, end)

#endif
