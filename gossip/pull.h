// SPDX-License-Identifier: Apache-2.0
/* pull.h - fetching what is missing: ranges of a log, announced versions, diverged buckets. Implemented in
 * pull.c (asking), serve.c (answering) and repair.c (buckets of a diverged log). */
#ifndef AURORA_GOSSIP_PULL_H
#define AURORA_GOSSIP_PULL_H

#include <stdbool.h>
#include <stdint.h>

#include "gossip/log.h"

struct member;
struct wire_message;

/* One log being pulled from one member; receiver-windowed: each PULL asks for window_bytes at most, the next
 * one follows the last range of the one before. */
struct pull {
    struct timer timer; /* TIMER_PULL */
    struct log *log;
    uint64_t from;      /* tag */
    uint64_t request;
    uint64_t window_bytes;
    uint32_t attempts;
    bool is_reset;      /* the server said: from version 0 */
    bool is_bulk;       /* counts against PULLS_IN_MAX */
    uint64_t reset_after; /* progress of a reset pull */
};

struct missing;  /* announced, not yet here */
struct serving;  /* a pull that we answer */

struct puller {
    struct pull *pulls[PULLS_IN_MAX * 4];
    size_t pull_count, bulk_count;
    struct missing *missing;
    size_t missing_count;
    struct serving *serving;
    uint64_t next_request;
    bool is_held;        /* gossip_hold_pulls */
};

void pull_init(struct gossip *);
void pull_free(struct gossip *);
/* `from` has shown that it holds the log up to `version`: pull what is missing now, unless a pull runs. */
void pull_gap(struct gossip *, struct log *, struct member *from, uint64_t version);
/* An announcement: if it is not here within MISSING_DELAY_MS, pull it from the announcer. */
void pull_missing_later(struct gossip *, struct member *from, uint64_t home, uint64_t epoch, uint64_t version);
void pull_on_missing_timer(struct gossip *, struct timer *);
void pull_on_timer(struct gossip *, struct pull *);
void pull_on_range(struct gossip *, struct member *from, const struct wire_message *);
void pull_log_gone(struct gossip *, struct log *);
void pull_on_pull(struct gossip *, struct member *from, const struct wire_message *); /* serve.c */
void pull_on_head_pull(struct gossip *, struct member *from, const struct wire_message *);
/* repair.c */
void repair_begin(struct gossip *, struct log *, struct member *from);
void repair_on_root_pull(struct gossip *, struct member *from, const struct wire_message *);
void repair_on_root_page(struct gossip *, struct member *from, const struct wire_message *);
void repair_on_bucket_pull(struct gossip *, struct member *from, const struct wire_message *);
void repair_on_bucket(struct gossip *, struct member *from, const struct wire_message *);

#endif
