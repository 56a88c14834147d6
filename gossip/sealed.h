// SPDX-License-Identifier: Apache-2.0
/* sealed.h - packets that a core of this process sealed, and what was in them
 *
 * Cores that are configured with one store open each other's packets by comparing bytes: what is
 * the same to the last byte as what was sealed under the same key has the same plain text. Whatever
 * is not (damaged, forged, sealed elsewhere, or too long under way to be remembered still) is
 * opened with its key. A daemon has no store. */
#ifndef AURORA_GOSSIP_SEALED_H
#define AURORA_GOSSIP_SEALED_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "crypto/seal.h"
#include "gossip/span.h"

/* Not thread-safe: one thread may use a store. */
struct sealed_store;
struct sealed_store *sealed_store_new(void);
void sealed_store_free(struct sealed_store *);
/* This packet is what the ring's first key made of the plain text: it is remembered for a while. */
void sealed_store_add(struct sealed_store *, const struct seal_keyring *, struct span packet,
                      struct span plain);
/* The plain text, good until the next sealed_store_add; empty: it must be opened. */
struct span sealed_store_find(const struct sealed_store *, const struct seal_keyring *,
                              struct span packet);

#endif
