// SPDX-License-Identifier: Apache-2.0
/* intern.h - names (node tags, peer ids) to small numbers, so that what is seen of them fits arrays
 */
#ifndef AURORA_SIM_INTERN_H
#define AURORA_SIM_INTERN_H

#include <stddef.h>
#include <stdint.h>

#include "gossip/span.h"

#define INTERN_NONE SIZE_MAX

struct intern {
    struct intern_name {
        uint8_t *bytes;
        size_t len;
    } * names; /* by number, in order of first mention */
    size_t count, capacity;
    uint32_t *slots; /* number + 1; 0: free */
    size_t slot_count;
};

void intern_free(struct intern *);
/* INTERN_NONE: never mentioned. */
size_t intern_find(const struct intern *, struct span name);
size_t intern_add(struct intern *, struct span name);
struct span intern_name(const struct intern *, size_t number);

#endif
