// SPDX-License-Identifier: Apache-2.0
/* root.h - the BLAKE2b tree over a log's live records that a HEAD signs.
 *
 * The bucket of a record is the first byte of BLAKE2b("aurora-root-bucket", peer_id).
 *
 * A bucket's leaf is BLAKE2b("aurora-root-leaf", the following of each live record in it, in
 * bytewise order of peer_id):
 *
 *     peer_id's length, 2 bytes big endian
 *     peer_id
 *     version, 8 bytes big endian
 *     BLAKE2b("aurora-root-record", the whole statement), 32 bytes
 *
 * An empty bucket has no leaf. The root is BLAKE2b("aurora-root", for each bucket that is not
 * empty, in order: its number, 1 byte, and its leaf). */
#ifndef AURORA_GOSSIP_ROOT_H
#define AURORA_GOSSIP_ROOT_H

#include <stdint.h>

#include "crypto/hash.h"
#include "gossip/log.h"

uint16_t root_bucket_of(struct span peer_id);
/* An entry was linked into, or is about to be unlinked from, its log (root.c keeps the bucket
 * chains). */
void root_entry_added(struct log *, struct entry *);
void root_entry_removed(struct log *, struct entry *);
/* The root of what the log holds now. Cached: unchanged buckets are not hashed again. */
void root_compute(struct log *, struct hash *out);
/* Short hashes (first 8 bytes, big endian; 0: empty) of one page of buckets. */
void root_page(struct log *, unsigned page, uint64_t out[ROOT_PAGE_BUCKETS]);
/* Entries of a bucket, in peer_id order; returns the count, up to `want`, starting with index
 * `after`. */
size_t root_bucket_entries(struct log *, unsigned bucket, size_t after, struct entry **out,
                           size_t want);
void root_free(struct log *);

#endif
