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
/* The same with the whole world: nobody will read that disk, and writing it costs a pass over all
 * members. */
void host_end(struct world *, size_t node);
/* SIGSTOP and SIGCONT: nothing runs, packets wait in the socket. */
void host_pause(struct world *, size_t node);
void host_resume(struct world *, size_t node);
/* Paused now, resumed after so long. */
void host_stall(struct world *, size_t node, uint64_t ms);
/* Timers run, but what is sent and received waits. */
void host_block(struct world *, size_t node);
void host_unblock(struct world *, size_t node);
/* A slow CPU, over lives: each packet and each tick takes so long before it has its effect; packets
 * wait in the socket meanwhile, and more than fit are lost. 0: fast again. */
void host_slow(struct world *, size_t node, uint32_t service_us);
/* A slow node takes up the next thing that waits, if there is one and it is idle. */
void host_serve(struct world *, size_t node);
/* Its clocks, both, are fast by so many parts in a million from now on. */
void host_drift(struct world *, size_t node, int32_t ppm);
/* Starts `to`, which does not run, with a copy of the other's disk and key, at its own address.
 * What was on its disk before is gone. */
void host_start_copy(struct world *, size_t from, size_t to);

#endif
