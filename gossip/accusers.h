// SPDX-License-Identifier: Apache-2.0
/* accusers.h - how much of one accuser's word is listened to. Each accusation that counts costs two
 * trees over the whole cluster and a signature of its subject: whoever lies may not make others pay
 * as fast as it can speak. */
#ifndef AURORA_GOSSIP_ACCUSERS_H
#define AURORA_GOSSIP_ACCUSERS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "gossip/limits.h"

struct gossip;

struct accusers {
    struct accuser {
        uint64_t tag;
        uint64_t at_ms;
        uint32_t words; /* it may say so many now, in 1/1000 */
    } * all;            /* ACCUSERS_MAX, made with the first; the one that spoke longest ago goes */
    /* Whose words about ourselves we answered last. */
    struct objection {
        uint64_t accuser;
        uint64_t at_ms;
    } objections[QUORUM_MAX];
};

void accusers_free(struct gossip *);
/* May this accuser's next word count? Asked before its signature is looked at: */
bool accusers_may_speak(const struct gossip *, uint64_t tag);
/* ... and said after, so that nobody uses up another's words. */
void accusers_spoke(struct gossip *, uint64_t tag);
/* We object to this accuser. Do as many as could have us declared dead say so lately? Then
 * something may be wrong with us; fewer may be liars, or ill themselves. */
bool accusers_are_many(struct gossip *, uint64_t tag);

#endif
