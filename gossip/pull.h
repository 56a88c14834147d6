// SPDX-License-Identifier: Apache-2.0
/* pull.h - fetching what is missing: ranges of a log, announced versions, diverged buckets.
 * Implemented in pull.c (when, and from whom), range.c (the ranges that come in), serve.c
 * (answering), missing.c (announced versions) and repair.c (buckets of a diverged log). */
#ifndef AURORA_GOSSIP_PULL_H
#define AURORA_GOSSIP_PULL_H

#include <stdbool.h>
#include <stdint.h>

#include "gossip/log.h"

struct gossip_check;
struct member;
struct wire_message;

enum pull_phase {
    PULL_ASKED = 0,    /* a window of ranges is on its way */
    PULL_WAITING,      /* backing off, held, or too much waits for its verification */
    PULL_REPAIR_ROOTS, /* repair.c: pages of the root's leaves are on their way */
    PULL_REPAIR_BUCKET,
    PULL_REPAIR_WAITING,
};

/* One log being brought up to date from one member at a time; a log has one of these at most. A
 * pull is receiver-windowed: each PULL asks for window_bytes, the next one follows the last range
 * of the one before. */
struct pull {
    struct timer timer; /* TIMER_PULL */
    struct log *log;
    uint64_t from; /* tag */
    uint64_t request;
    enum pull_phase phase;
    uint32_t attempts;  /* without progress */
    bool is_bulk;       /* counts against PULLS_IN_MAX */
    bool is_hole_asked; /* a range of this window was lost, and asked for again: the one that
                         * begins here */
    uint64_t hole_after;
    bool is_reset; /* from version 0, because the server has forgotten deletes since `applied` */
    uint64_t reset_after; /* progress of a reset pull */
    uint32_t resets;      /* that ended without bringing all */
    bool has_asked;
    bool is_lossy; /* something was lost: windows stay small */
    uint64_t window_bytes;
    uint64_t window_got;
    /* range.c: ranges under verification count as here. */
    uint64_t reach;    /* so far they follow one another; below what is applied: there are none */
    uint32_t checking; /* ranges, */
    bool is_end_checking; /* and the last of all is among them */
    bool is_known;        /* a reset of a log that holds something: compared, mostly not verified */
    uint64_t window_v1;   /* the highest version that a range of this pull reached */
    uint32_t rtt_us;      /* of the link when the pull began: twice as much halves the window */
    /* repair.c */
    uint64_t version; /* of the log when the repair began: both sides must stay there */
    uint8_t pages;    /* bit set of the root's pages that are here */
    uint64_t buckets[ROOT_BUCKETS / 64]; /* bit set: these differ */
    uint64_t bucket;
    uint64_t after_index;
};

struct missing; /* missing.c: announced, not yet here */
struct serving; /* serve.c: a bulk pull that we answer */

struct puller {
    struct pull *pulls[PULLS_MAX];
    size_t pull_count, bulk_count;
    struct log *wanted, *wanted_last; /* queue: logs whose pull waits for a slot */
    size_t missing_count;
    struct serving *serving; /* PULLS_OUT_MAX of them */
    uint64_t next_request;
    bool is_held; /* gossip_hold_pulls */
};

void pull_init(struct gossip *);
void pull_free(struct gossip *);
/* `from` has shown that it holds the log up to `version`: pull what is missing now, unless a pull
 * runs. */
void pull_gap(struct gossip *, struct log *, struct member *from, uint64_t version);
/* The same, when its turn comes: the largest backlog first. pull_next starts what there is room
 * for. */
void pull_want(struct gossip *, struct log *, struct member *from, uint64_t version);
void pull_next(struct gossip *);
/* An announcement: if it is not here within MISSING_DELAY_MS, pull it from the announcer. */
void pull_missing_later(struct gossip *, struct member *from, uint64_t home, uint64_t epoch,
                        uint64_t version);
void pull_on_missing_timer(struct gossip *, struct timer *);
void pull_missing_drop(struct gossip *, struct log *);
void pull_on_timer(struct gossip *, struct pull *);
void pull_on_range(struct gossip *, struct member *from, const struct wire_message *);
/* A range whose verdict is back: as if it came now. */
void pull_on_checked(struct gossip *, struct gossip_check *);
void pull_log_gone(struct gossip *, struct log *);
void pull_on_pull(struct gossip *, struct member *from, const struct wire_message *); /* serve.c */
void pull_on_head_pull(struct gossip *, struct member *from, const struct wire_message *);
/* May others be shown what this log holds? Not when we know that it is wrong, or while it is being
 * replaced. */
bool pull_may_serve(const struct log *);
/* repair.c */
void repair_begin(struct gossip *, struct log *, struct member *from);
void repair_on_timer(struct gossip *, struct pull *);
void repair_on_root_pull(struct gossip *, struct member *from, const struct wire_message *);
void repair_on_root_page(struct gossip *, struct member *from, const struct wire_message *);
void repair_on_bucket_pull(struct gossip *, struct member *from, const struct wire_message *);
void repair_on_bucket(struct gossip *, struct member *from, const struct wire_message *);

/* Between pull.c, range.c and repair.c. */
struct pull *pull_new(struct gossip *, struct log *, struct member *from);
/* Forgets it, and looks at the log again. */
void pull_end(struct gossip *, struct pull *);
struct pull *pull_find(const struct gossip *, uint64_t request);
/* Asks for the next window, from where the log (or the reset) now is. */
void pull_ask(struct gossip *, struct pull *);
/* The same in GAP_DELAY_MS, unless what is missing has come by itself. */
void pull_pause(struct gossip *, struct pull *);
/* This member had nothing for us: another one, after a pause. */
void pull_try_another(struct gossip *, struct pull *);
/* Up to which version somebody showed us that there is something. */
uint64_t pull_target(const struct log *);
bool pull_is_held(const struct gossip *);
void pull_give_up(struct gossip *, struct pull *);
/* Something came: the time for the next thing to come begins anew, unless it is not asked for. */
void pull_rearm(struct gossip *, struct pull *);
uint32_t pull_timeout_ms(struct gossip *, const struct pull *);
void pull_reset_from(struct gossip *, struct pull *, uint64_t from);

#endif
