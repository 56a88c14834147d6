// SPDX-License-Identifier: Apache-2.0
/* suspicion.h - accusations against one life of a member, and when they add up to a death. */
#ifndef AURORA_GOSSIP_SUSPICION_H
#define AURORA_GOSSIP_SUSPICION_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "gossip/blob.h"
#include "gossip/limits.h"
#include "gossip/timers.h"

struct gossip;
struct member;

struct accusation_held {
    uint64_t accuser;
    uint64_t stamp;
    uint64_t heard_ms;
    struct blob *blob; /* owned */
};

/* Of exactly (subject's epoch, incarnation): dropped as soon as the subject says something newer.
 */
struct suspicion {
    struct timer timer; /* TIMER_SUSPICION */
    struct member *subject;
    uint64_t started_ms;
    uint64_t frozen_ms; /* how long clocks stood still since */
    struct accusation_held held[ACCUSATIONS_MAX];
    size_t count;
    uint64_t observed_ms; /* when we last probed it as its observer */
    bool is_hearsay;      /* others say that it died: all who said so count, and it gets the minimum
                             time to object */
    int64_t died_ms;      /* as they say */
};

void suspicion_free(struct gossip *, struct member *);
/* Our own probes of the subject failed: sign an accusation and spread it. Rate-limited per subject.
 */
void suspicion_accuse(struct gossip *, struct member *subject);
/* A signed accusation from anywhere. Verifies; starts or confirms a suspicion; makes observers
 * probe; if it is about us, refutes. Returns whether it is worth passing on. */
enum suspicion_verdict {
    ACCUSATION_NEW,
    ACCUSATION_KNOWN,
    ACCUSATION_STALE,
    ACCUSATION_EXCESS, /* its accuser says more than counts: accusers.h */
    ACCUSATION_BAD
};
enum suspicion_verdict suspicion_on_accusation(struct gossip *, struct span statement);
void suspicion_on_timer(struct gossip *, struct suspicion *);
/* A joiner is told of a death: `count` accusation statements about this life, and its age. True
 * when they make a quorum here and the member is now DEAD; of ourselves: when they make one. */
bool suspicion_on_evidence(struct gossip *, struct member *, const struct span *statements,
                           size_t count, uint64_t age_ms);
/* Distinct accusers whose word counts now. */
size_t suspicion_accusers(const struct gossip *, const struct member *);
size_t suspicion_quorum(const struct gossip *);
/* The subject answered a probe of ours: we stop accusing it, and believe it again unless others
 * still accuse. */
void suspicion_answered(struct gossip *, struct member *);
uint64_t suspicion_min_ms(const struct gossip *);
uint64_t suspicion_max_ms(const struct gossip *);
/* All suspicion clocks stood still for so long (cut off, stalled). */
void suspicion_freeze(struct gossip *, uint64_t ms);

#endif
