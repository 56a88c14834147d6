// SPDX-License-Identifier: Apache-2.0
/* map.h - three numbers to one: what a checker remembers of something that has a short name
 *
 * Nothing is ever taken out, and nothing walks over it: no order of it can reach a trace. */
#ifndef AURORA_SIM_MAP_H
#define AURORA_SIM_MAP_H

#include <stddef.h>
#include <stdint.h>

struct map {
    struct map_slot {
        uint64_t key[3];
        uint64_t value;
        uint64_t hash; /* 0: free */
    } * slots;
    size_t capacity, count;
};

/* NULL: never put in. Good until the next map_put. */
uint64_t *map_find(const struct map *, uint64_t a, uint64_t b, uint64_t c);
/* Put in with 0 if it was not there. Good until the next map_put. */
uint64_t *map_put(struct map *, uint64_t a, uint64_t b, uint64_t c);
void map_free(struct map *);

#endif
