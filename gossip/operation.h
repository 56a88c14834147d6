// SPDX-License-Identifier: Apache-2.0
/* operation.h - what records and deletions have in common: one step of a log, read and admitted. */
#ifndef AURORA_GOSSIP_OPERATION_H
#define AURORA_GOSSIP_OPERATION_H

#include <stdbool.h>
#include <stdint.h>

#include "gossip/log.h"
#include "gossip/span.h"
#include "gossip/statement.h"

struct gossip;

struct operation {
    enum statement_kind kind; /* STATEMENT_RECORD or STATEMENT_DELETION */
    uint64_t home;
    uint64_t epoch;
    uint64_t version;
    struct span peer_id; /* points into the statement */
    uint64_t seq;
    uint64_t peer_version;
    uint32_t ttl_s;
    bool is_signed;
    uint64_t reason; /* a deletion's */
};

/* The next statement of (after, v1] in what is left of a batch's list; false: there is none, or it
 * is malformed or does not belong there. */
bool batch_next(const struct wire_batch *, struct wire_list *left, uint64_t after,
                struct span *statement, struct operation *);

/* An operation whose signatures hold, on its way into a log. */
struct admitted {
    struct entry *entry; /* owned */
    struct span peer_id; /* points into the entry's blob */
};

/* False: malformed, or neither a record nor a deletion, or signed by a peer whose id is no key (or
 * the reverse). */
bool operation_read(struct span statement, struct operation *);
/* Verifies the home's signature, and the peer's. False: one of them is wrong. */
bool operation_admit(struct gossip *, const struct log *, struct span statement,
                     const struct operation *, struct admitted *);
/* An entry of a statement that was verified elsewhere; takes over the reference. The operation's
 * peer_id points into the blob. */
void operation_take(struct gossip *, struct blob *verified, const struct operation *,
                    struct admitted *);
/* An entry of a statement that needs no verification (our own). Takes over the reference. */
void operation_entry(struct gossip *, struct blob *statement, struct admitted *);
/* Releases an entry that is in no log. */
void entry_free(struct entry *);

#endif
