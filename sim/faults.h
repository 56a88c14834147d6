// SPDX-License-Identifier: Apache-2.0
/* faults.h - what goes wrong by itself over some time, and where something is wrong
 *
 * Some faults are a state that whoever drives the world begins and ends (a cut, a pause). Others
 * have a course of their own in virtual time: links that flap, links that stop one by one. The
 * world runs those itself, from its one seed.
 *
 * A line `fault` of the trace is: the node (or -1: the network), then a letter's number, then
 *     99 c  cut both ways: links cut now    120 x  a set's links fail: directions (1 out, 2 in)
 *    111 o  cut one way: links cut now       88 X  ... and come back
 *    104 h  healed: cuts and courses         121 y  a link stops: the other end
 *    117 u  unblocked                         89 Y  ... and comes back (1: another course holds it)
 *    102 f  the network's faults are set     108 l  loss of its own: egress and ingress, per mille
 *    112 p  paused                           110 n  NAT: its packets come from a new address number
 *    114 r  resumed                           97 a  swapped addresses with: the other node
 *     98 b  blocked                          115 s  slow CPU: microseconds for each thing (0: ends)
 *    119 w  wall clock: skew in ms           100 d  drift in ppm (two's complement, as the skew)
 *    107 k  started with a copy of the key and disk of: the other node
 *    105 i  a forged packet: from, length     72 H  healed: everything
 */
#ifndef AURORA_SIM_FAULTS_H
#define AURORA_SIM_FAULTS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "sim/heap.h"
#include "sim/network.h"
#include "sim/node_set.h"

struct world;

/* A fault with a course of its own. */
struct course {
    struct heap_entry entry; /* first: an entry of kind HEAP_FAULT is its course */
    struct course *next;
    enum course_kind { COURSE_FLIP_FLOP = 1, COURSE_SWIZZLE } kind;
    uint64_t began_us, until_us;
    /* FLIP_FLOP */
    struct node_set set;
    enum direction direction;
    uint64_t down_us, up_us;
    bool is_down;
    /* SWIZZLE: stopped in order, then shuffled and restored in order. */
    struct course_link {
        uint32_t a, b;
    } * links;
    size_t count, stopped, restored;
};

/* All links of these nodes, in this direction, fail for down_us, come back for up_us, and so on
 * until for_us have passed; begins now. */
void faults_flip_flop(struct world *, const struct node_set *, enum direction, uint64_t down_us,
                      uint64_t up_us, uint64_t for_us);
/* Within the first half of for_us the links of these nodes stop one by one, each both ways, within
 * the second half they come back one by one, in another random order. */
void faults_swizzle(struct world *, const struct node_set *, uint64_t for_us);
/* The next step of its course; it may be the last. */
void faults_step(struct world *, struct course *);
/* All courses end here; what they had stopped is restored. */
void faults_end(struct world *);
/* For world_free: nothing is restored. */
void faults_free(struct world *);

/* A fault of this node begins, changes or ends now. SIZE_MAX: one of the whole network. */
void faults_touch(struct world *, size_t node);
/* Every node that has a link cut, clogged or closed, or loses packets of its own. */
void faults_touch_cut_off(struct world *);

#endif
