// SPDX-License-Identifier: Apache-2.0
/* host.h - a node's lives: starting from a disk, stopping, pausing, blocking */
#ifndef AURORA_SIM_HOST_H
#define AURORA_SIM_HOST_H

#include <stddef.h>
#include <stdint.h>

#include "sim/world.h"

/* Not running (asserted). */
void host_start(struct world *, size_t node, enum disk);
/* Running (asserted). Stops without a word; the disk keeps what a snapshot made now would hold. */
void host_stop(struct world *, size_t node);
/* SIGSTOP and SIGCONT: nothing runs, packets wait in the socket. */
void host_pause(struct world *, size_t node);
void host_resume(struct world *, size_t node);
/* Paused now, resumed after so long. */
void host_stall(struct world *, size_t node, uint64_t ms);
/* Timers run, but what is sent and received waits. */
void host_block(struct world *, size_t node);
void host_unblock(struct world *, size_t node);

#endif
