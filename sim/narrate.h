// SPDX-License-Identifier: Apache-2.0
/* narrate.h - what nodes tell and what clients ask, into the trace: as values for its hash, and in
 * words if somebody reads */
#ifndef AURORA_SIM_NARRATE_H
#define AURORA_SIM_NARRATE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "gossip/gossip.h"
#include "sim/node_set.h"

struct world;

void narrate_event(struct world *, size_t node, const struct gossip_event *);
/* Nothing passes from `from` to `to` any more (nor back, unless it is one way). */
void narrate_cut(struct world *, bool is_one_way, const struct node_set *from,
                 const struct node_set *to);
/* `what`: "register", "heartbeat", "deregister". The number is in the hash already. */
void narrate_command(struct world *, size_t node, uint64_t request, const char *what,
                     struct span peer_id, uint32_t ttl_s);

#endif
