// SPDX-License-Identifier: Apache-2.0
/* snapshot.h - the bytes of the file that outlives the node: leases and members, one entry after
 * another
 *
 *     file:   "AURSNAP1" | entry | entry | ...
 *     entry:  kind 1 | wall ms 8 | length 4 | statement or tag | check 8        (little endian)
 *
 * It is a log: a later entry replaces an earlier one about the same peer or member, so that a
 * change costs one append; now and then the whole is written anew. Each check is a SipHash of its
 * entry keyed with the check before it, so that what stands behind a damaged byte is never
 * believed. The check finds accidents, not forgeries: the statements inside are signed. */
#ifndef AURORA_NODE_SNAPSHOT_H
#define AURORA_NODE_SNAPSHOT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "gossip/limits.h"
#include "gossip/span.h"

#define SNAPSHOT_MAGIC_BYTES  8
#define SNAPSHOT_HEADER_BYTES 13
#define SNAPSHOT_CHECK_BYTES  8
#define SNAPSHOT_ENTRY_MAX_BYTES \
    (SNAPSHOT_HEADER_BYTES + STATEMENT_MAX_BYTES + SNAPSHOT_CHECK_BYTES)

enum snapshot_kind {
    SNAPSHOT_LEASE = 1,  /* a RECORD of ours, and when its last heartbeat came */
    SNAPSHOT_LEASE_END,  /* the peer's id */
    SNAPSHOT_MEMBER,     /* an ALIVE */
    SNAPSHOT_MEMBER_END, /* the member's tag, 8 bytes */
};

struct snapshot_entry {
    enum snapshot_kind kind;
    uint64_t wall_ms;
    struct span bytes; /* at most STATEMENT_MAX_BYTES; borrowed */
};

/* The check of the last entry; all zeros before the first. */
struct snapshot_chain {
    uint8_t check[SNAPSHOT_CHECK_BYTES];
};

/* Writes the magic. */
void snapshot_begin(uint8_t out[SNAPSHOT_MAGIC_BYTES], struct snapshot_chain *);
/* Appends an entry to `out`, which has SNAPSHOT_ENTRY_MAX_BYTES of room; returns its length. */
size_t snapshot_put(uint8_t *out, struct snapshot_chain *, const struct snapshot_entry *);

struct snapshot_reader {
    struct span rest;
    size_t offset; /* of what was not read, in the file */
    struct snapshot_chain chain;
};

/* False: it is no snapshot, or an empty one was cut off. */
bool snapshot_open(struct snapshot_reader *, struct span file);
/* The next good entry, borrowed from the file. False: the end, or damage: then rest.len > 0. */
bool snapshot_next(struct snapshot_reader *, struct snapshot_entry *);

#endif
