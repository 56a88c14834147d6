// SPDX-License-Identifier: Apache-2.0
/* seeds.h - whom to join through: the configured endpoints, and the addresses that they stand for
 * now */
#ifndef AURORA_NODE_SEEDS_H
#define AURORA_NODE_SEEDS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "node/config.h"
#include "node/loop.h"
#include "node/resolver.h"

#define SEEDS_RETRY_MS   30000 /* while no seed has answered */
#define SEEDS_REFRESH_MS 60000 /* an address behind a name changes when a container is replaced */

struct seed {
    struct config_endpoint endpoint;
    bool is_literal;
    bool is_failing;              /* said so */
    struct addr addrs[SEEDS_MAX]; /* of the last look-up that succeeded */
    size_t count;
};

struct seeds {
    struct seed list[SEEDS_MAX];
    size_t count, waiting;
    const struct addr *own; /* the node's own addresses, which are no seeds */
    size_t own_count;
};

/* `own` outlives the seeds. */
void seeds_init(struct seeds *, const struct addr *own, size_t own_count);
/* Takes the endpoints; names that were there before keep their addresses. */
void seeds_set(struct seeds *, const struct config_endpoint *, size_t count);
/* Asks for all names again. */
void seeds_resolve(struct seeds *, struct resolver *);
/* An answer about one of them (subject: the seeds). True: the addresses have changed. */
bool seeds_on_answer(struct seeds *, const struct resolver_answer *);
/* Is no first answer still awaited? */
bool seeds_are_resolved(const struct seeds *);
/* All addresses, once each, of families that we can send to, our own left out; at most SEEDS_MAX.
 */
size_t seeds_addresses(const struct seeds *, struct addr out[SEEDS_MAX]);

#endif
