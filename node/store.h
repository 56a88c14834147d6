// SPDX-License-Identifier: Apache-2.0
/* store.h - the data directory: identity, epoch, and a snapshot of leases and members
 *
 *     DIR/lock       held while a node runs: two nodes never use one directory
 *     DIR/identity   the key pair (mode 0600)
 *     DIR/epoch      of the last start
 *     DIR/snapshot   snapshot.h; what was damaged is set aside as snapshot.damaged
 *     DIR/ports.json, DIR/control.sock
 *
 * The gossip thread says what changed; a thread of the store writes it, at most STORE_DELAY_MS
 * later, and retries what fails. The two share the mirror under a mutex that is never held during
 * I/O. */
#ifndef AURORA_NODE_STORE_H
#define AURORA_NODE_STORE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "crypto/key.h"
#include "gossip/blob.h"
#include "node/mirror.h"

/* Changes are gathered for so long; a second is what was promised. */
#define STORE_DELAY_MS        100
#define STORE_RETRY_MS        1000
#define STORE_ERROR_MAX_BYTES 512
/* A million leases of the largest size; a larger file is not ours. */
#define STORE_SNAPSHOT_MAX_BYTES (2ull << 30)

struct store;

/* Creates the directory where needed, locks it, reads (or makes) the identity, raises and persists
 * the epoch, reads the snapshot. NULL: `error` says why. */
struct store *store_open(const char *dir, uint64_t wall_ms, char error[STORE_ERROR_MAX_BYTES]);
/* What could not be written within `wait_ms` is given up. Removes ports.json. NULL is allowed. */
void store_close(struct store *, uint64_t wait_ms);

const struct key_pair *store_identity(const struct store *);
uint64_t store_epoch(const struct store *); /* of this start */
/* The directory's descriptor; for files beside the store's. */
int store_directory(const struct store *);
/* What the snapshot holds, before store_start: mirror_walk_begin and mirror_walk_next. */
struct mirror *store_mirror(struct store *);
/* Starts the thread. False: the system refused. */
bool store_start(struct store *);

/* By the gossip thread; never block, and do nothing for a NULL store. Blobs are retained. */
void store_lease(struct store *, struct blob *record, uint64_t wall_ms); /* mirror_lease */
void store_heartbeat(struct store *, struct blob *record, uint64_t wall_ms);
void store_lease_end(struct store *, struct blob *record);
void store_member(struct store *, struct blob *alive);
void store_member_end(struct store *, uint64_t tag);
void store_set_epoch(struct store *, uint64_t epoch);

/* Is everything that was said on the disk? For tests and for stopping. */
bool store_is_clean(struct store *);

#endif
