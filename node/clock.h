// SPDX-License-Identifier: Apache-2.0
/* clock.h - the two clocks of the machine, in milliseconds */
#ifndef AURORA_NODE_CLOCK_H
#define AURORA_NODE_CLOCK_H

#include <stdint.h>

#include "gossip/gossip.h"

/* Never goes back. Stands still while the machine sleeps: a node that wakes up has been gone. */
uint64_t clock_mono_ms(void);
/* Since 1970, UTC. May jump. */
uint64_t clock_wall_ms(void);
uint64_t clock_wall_us(void);
struct gossip_time clock_now(void);

#endif
