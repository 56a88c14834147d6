// SPDX-License-Identifier: Apache-2.0
/* mirror.h - what the snapshot should hold, in memory, and which of it has changed since it was
 * written
 *
 * A change of something that is still unwritten replaces the earlier change: however slow the disk
 * is, no more waits than there are leases and members. No thread of its own and no lock: store.c
 * has both. */
#ifndef AURORA_NODE_MIRROR_H
#define AURORA_NODE_MIRROR_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "gossip/blob.h"
#include "node/snapshot.h"

struct mirror;

struct mirror *mirror_new(void);
void mirror_free(struct mirror *);

/* Each returns false when that is no change (or no statement of the kind). Blobs are retained. */
/* A new record of a lease. One that keeps the seq of the known one is no act of the client (it was
 * re-issued under a new epoch, or became visible again): the known heartbeat's time stays, or a
 * node that is restarted again and again would keep dead clients for ever. */
bool mirror_lease(struct mirror *, struct blob *record, uint64_t wall_ms);
bool mirror_heartbeat(struct mirror *, struct blob *record, uint64_t wall_ms);
bool mirror_lease_end(struct mirror *, struct blob *record);
bool mirror_member(struct mirror *, struct blob *alive);
bool mirror_member_end(struct mirror *, uint64_t tag);
/* An entry of the file, in the file's order; nothing is dirty after it. False: damaged inside. */
bool mirror_load(struct mirror *, const struct snapshot_entry *);
/* Leases of an earlier life whose time to live has run out by now: nobody can want them back. */
void mirror_expire(struct mirror *, uint64_t wall_ms);

/* A change or an item, ready to be written without the mirror. */
struct mirror_entry {
    enum snapshot_kind kind;
    uint64_t wall_ms;
    struct blob *blob; /* retained */
    struct span bytes; /* into the blob, or of `tag` */
    uint8_t tag[8];
};

/* Fills in `entry.bytes` where it stands and makes it a snapshot's entry; borrowed from it. */
struct snapshot_entry mirror_entry_view(const struct mirror_entry *);
void mirror_entries_release(struct mirror_entry *, size_t count);
/* Takes at most `capacity` changes, which are then no longer dirty. */
size_t mirror_take(struct mirror *, struct mirror_entry *out, size_t capacity);
/* Walks all that should be in a snapshot: begin, then next until it returns 0. The mirror may
 * change in between: what changes behind the walk is dirty. One walk at a time. */
void mirror_walk_begin(struct mirror *);
size_t mirror_walk_next(struct mirror *, struct mirror_entry *out, size_t capacity);

size_t mirror_count(const struct mirror *); /* leases and members */
size_t mirror_lease_count(const struct mirror *);
size_t mirror_bytes(const struct mirror *); /* of a snapshot of it, about */
bool mirror_is_dirty(const struct mirror *);

#endif
