// SPDX-License-Identifier: Apache-2.0
/* head.h - HEADs: a home's signed word on what its log holds; proving, diverging, equivocating. */
#ifndef AURORA_GOSSIP_HEAD_H
#define AURORA_GOSSIP_HEAD_H

#include "gossip/log.h"
#include "gossip/suspicion.h"

struct head_keeper {
    struct timer timer;     /* TIMER_HEAD */
    struct log *unreported; /* list: changed since their last GOSSIP_EVENT_LOG */
    uint64_t report_at_ms;  /* not before */
    struct blob *old;       /* owned; the last one below what its log holds, not verified */
};

/* Our own log changed: sign a new HEAD head_delay_ms from now (not later when more changes follow).
 */
void head_touch(struct gossip *);
void head_on_timer(struct gossip *);
enum head_verdict { HEAD_NEW, HEAD_KNOWN, HEAD_STALE, HEAD_BAD };
/* A HEAD statement from anywhere. Verifies; only a strictly newer one has effect; a second root for
 * one version is evidence: kept, passed on (HEAD_NEW), the home frozen. */
enum head_verdict head_on_statement(struct gossip *, struct span statement, struct member *from);
/* The log advanced (or was swept, or repaired): behind, proved or diverged? Emits GOSSIP_EVENT_LOG
 * when it changed. */
void head_check(struct gossip *, struct log *);
/* Once a second: GOSSIP_EVENT_LOG for the logs whose version changed. */
void head_report_all(struct gossip *);
void head_free(struct gossip *);
/* The log goes away: it will not be reported any more. */
void head_log_gone(struct gossip *, struct log *);

#endif
