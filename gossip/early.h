// SPDX-License-Identifier: Apache-2.0
/* early.h - batches that arrived before the ones they follow: verified, bounded, kept in order. */
#ifndef AURORA_GOSSIP_EARLY_H
#define AURORA_GOSSIP_EARLY_H

#include <stdint.h>

#include "gossip/log.h"
#include "gossip/operation.h"

struct gossip;

struct early {
    struct early *next;
    uint64_t v0;
    uint64_t v1;
    uint32_t count;
    struct admitted statements[]; /* owned */
};

/* Verifies the batch (unless that is done) and keeps it. EARLY, KNOWN (a kept one covers it), BAD
 * or FULL. */
enum batch_verdict early_keep(struct gossip *, struct log *, const struct wire_batch *,
                              struct gossip_check *);
/* The first that follows what the log has applied, unlinked: its statements are the caller's, who
 * frees the rest with early_release; NULL: a gap is left. */
struct early *early_take(struct gossip *, struct log *);
void early_release(struct early *);
void early_free(struct gossip *, struct log *);

/* log.c: reads and verifies what the log has not applied, unless a check has. False: bad at some
 * point; out[0..*count) come before it. */
bool batch_admit(struct gossip *, const struct log *, const struct wire_batch *,
                 struct gossip_check *, struct admitted out[WIRE_LIST_MAX], uint32_t *count);

#endif
