// SPDX-License-Identifier: Apache-2.0
/* root.h - the BLAKE2b tree over a log's live records that a HEAD signs.
 *
 * The key of a record is the first 4 bytes of BLAKE2b("aurora-root-key", peer_id), big endian. Of
 * the live records whose keys begin with a prefix of 2d bits, in order of (key, peer_id):
 *
 *     up to ROOT_LEAF_MAX, or d = ROOT_DEPTH_MAX:
 *         BLAKE2b("aurora-root-leaf", their statements' signatures, 64 bytes each)
 *     more:
 *         BLAKE2b("aurora-root-node", the hash of each of the four prefixes two bits longer,
 *                 32 zero bytes where there is no record)
 *
 * The root is the hash of the empty prefix. A signature stands for its statement: nobody can make
 * a second one that it fits (docs/PROTOCOL.md, section 7.6). */
#ifndef AURORA_GOSSIP_ROOT_H
#define AURORA_GOSSIP_ROOT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "crypto/hash.h"
#include "gossip/limits.h"
#include "gossip/span.h"

struct log;
struct entry;

/* All live records whose keys begin with one prefix. Zeroed memory is one without any. */
struct root_node {
    struct hash hash; /* while is_fresh */
    union {
        struct root_node *children; /* is_split: ROOT_FANOUT of them */
        struct entry *first;        /* else a chain */
    };
    uint32_t count;
    bool is_split;
    bool is_ordered; /* by (key, peer_id), if it is a leaf */
    bool is_fresh;
};

uint32_t root_key_of(struct span peer_id);
/* Of 256: a key's first byte. What two nodes compare and fetch when their roots differ. */
unsigned root_bucket_of(struct span peer_id);
/* As root_entry_added, but its key is known. */
void root_entry_link(struct log *, struct entry *);
/* An entry was linked into, or is about to be unlinked from, its log. */
void root_entry_added(struct log *, struct entry *);
void root_entry_removed(struct log *, struct entry *);
/* The root of what the log holds now. What has not changed is not hashed again. */
void root_compute(struct log *, struct hash *out);
/* Short hashes (first 8 bytes, big endian; 0: empty) of one page of buckets. */
void root_page(struct log *, unsigned page, uint64_t out[ROOT_PAGE_BUCKETS]);
/* Entries of a bucket, in order; returns the count, up to `want`, starting with index `after`. */
size_t root_bucket_entries(struct log *, unsigned bucket, size_t after, struct entry **out,
                           size_t want);
/* What its nodes have from the heap. */
size_t root_bytes(const struct log *);
void root_free(struct log *);

#endif
