// SPDX-License-Identifier: Apache-2.0
/* checks.h - what the world tells the checkers: each packet, event, life and second
 *
 * The checkers look and count; nothing of theirs reaches a node or the trace. Worlds of more than
 * CHECKS_NODES_ALL nodes watch a sample of them, evenly spread: what costs memory or time for each
 * pair of nodes is looked at for those alone (CHECKS_NODES_SAMPLE). */
#ifndef AURORA_SIM_CHECKS_H
#define AURORA_SIM_CHECKS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "gossip/gossip.h"

enum { CHECKS_NODES_ALL = 256, CHECKS_NODES_SAMPLE = 64 };

struct world;
struct checks; /* check_all.h */

struct checks *checks_new(const struct world *);
void checks_free(struct checks *);

/* It left the node's core; whether the network takes it is another matter. */
void checks_on_packet_out(struct world *, size_t node, const struct addr *to, const uint8_t *bytes,
                          size_t len);
/* It is about to enter the node's core. `sender`: the node that truly sent it; SIZE_MAX: nobody
 * (injected). */
void checks_on_packet_in(struct world *, size_t node, const struct addr *from, size_t sender,
                         size_t len);
/* Before the observer sees it. */
void checks_on_event(struct world *, size_t node, const struct gossip_event *);
/* A life begins (its core is not made yet), or is about to end. */
void checks_on_start(struct world *, size_t node);
/* It is about to lie, with the key that it has: a copy of another's, perhaps. */
void checks_on_lie(struct world *, size_t node);
void checks_on_stop(struct world *, size_t node);
/* A second of virtual time has passed. */
void checks_on_second(struct world *);
/* A client's command, before the core has it. ttl_s: 0 but for registrations. */
enum check_command { CHECK_REGISTER = 1, CHECK_HEARTBEAT, CHECK_DEREGISTER };
void checks_on_command(struct world *, size_t node, uint64_t request, enum check_command,
                       struct span peer_id, uint32_t ttl_s);
/* Faults are over from now on: the second phase begins. A fault after it begins the first anew. */
void checks_on_heal(struct world *);
/* Nobody will run the world any more. */
void checks_on_end(struct world *);

#endif
