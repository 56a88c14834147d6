// SPDX-License-Identifier: Apache-2.0
/* entries.h - a log's operations by version: a sorted array with holes. */
#ifndef AURORA_GOSSIP_ENTRIES_H
#define AURORA_GOSSIP_ENTRIES_H

#include <stddef.h>
#include <stdint.h>

#include "gossip/log.h"

/* Cheap at the end, where nearly all arrive; anywhere else it moves what is above. */
void entries_add(struct log *, struct entry *);
/* Leaves a hole: indexes of other slots stay as they are, so a loop over the slots may remove as it
 * goes. */
void entries_remove(struct log *, const struct entry *);
/* Gives memory back where hardly any of it is used. Not within such a loop: indexes change. */
void entries_trim(struct log *);
uint64_t slot_version(struct log_slot);
/* Index of the first slot with a version above this one; slot_count: there is none. */
size_t entries_after(const struct log *, uint64_t version);
/* 0: the log holds nothing. */
uint64_t entries_highest(const struct log *);

#endif
