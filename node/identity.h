// SPDX-License-Identifier: Apache-2.0
/* identity.h - who this node is over restarts: its key pair and its epoch, in the data directory */
#ifndef AURORA_NODE_IDENTITY_H
#define AURORA_NODE_IDENTITY_H

#include <stdbool.h>
#include <stdint.h>

#include "crypto/key.h"

#define IDENTITY_ERROR_MAX_BYTES 512

/* The pair of the file `identity` in `dir`; without such a file a new pair, written first (mode
 * 0600). False: `error` says why. A damaged file is never replaced: the cluster would see a
 * stranger, and leases that wait for the old identity would wait in vain. */
bool identity_load(int dir, struct key_pair *, char error[IDENTITY_ERROR_MAX_BYTES]);

/* The epoch of the start that begins now: above the one in the file `epoch` (when that is
 * readable), at least the wall clock's seconds, and on the disk before this returns. False: see
 * errno. */
bool identity_next_epoch(int dir, uint64_t wall_ms, uint64_t *epoch);
bool identity_write_epoch(int dir, uint64_t epoch);

#endif
