// SPDX-License-Identifier: Apache-2.0
/* accusers.c - a bucket of words for each of those who accused somebody lately. */
#include "gossip/accusers.h"

#include <assert.h>

#include "gossip/core.h"
#include "gossip/mem.h"

#define WORD 1000u

void accusers_free(struct gossip *g)
{
    mem_free(g->accusers.all);
    g->accusers.all = NULL;
}

static struct accuser *accuser_find(const struct gossip *g, uint64_t tag)
{
    for (size_t i = 0; g->accusers.all != NULL && i < ACCUSERS_MAX; i++)
        if (g->accusers.all[i].tag == tag && g->accusers.all[i].at_ms != 0)
            return &g->accusers.all[i];
    return NULL;
}

static uint32_t words_now(const struct gossip *g, const struct accuser *accuser)
{
    uint64_t gained = (g->now.mono_ms - accuser->at_ms) * (ACCUSATIONS_PER_INTERVAL * WORD) /
                      g->config.probe_interval_ms;
    uint64_t most = (uint64_t)ACCUSATIONS_BURST * WORD;
    return (uint32_t)(accuser->words + gained < most ? accuser->words + gained : most);
}

bool accusers_may_speak(const struct gossip *g, uint64_t tag)
{
    const struct accuser *accuser = accuser_find(g, tag);
    return g->config.detector != DETECTOR_AURORA || accuser == NULL ||
           words_now(g, accuser) >= WORD;
}

static struct accuser *accuser_make(struct gossip *g, uint64_t tag)
{
    struct accusers *accusers = &g->accusers;
    if (accusers->all == NULL)
        accusers->all = mem_alloc(ACCUSERS_MAX * sizeof *accusers->all);
    struct accuser *oldest = &accusers->all[0];
    for (size_t i = 1; i < ACCUSERS_MAX; i++)
        if (accusers->all[i].at_ms < oldest->at_ms)
            oldest = &accusers->all[i];
    *oldest = (struct accuser){.tag = tag, .words = ACCUSATIONS_BURST * WORD};
    return oldest;
}

void accusers_spoke(struct gossip *g, uint64_t tag)
{
    struct accuser *accuser = accuser_find(g, tag);
    if (g->config.detector != DETECTOR_AURORA)
        return;
    if (accuser == NULL)
        accuser = accuser_make(g, tag);
    else
        accuser->words = words_now(g, accuser);
    assert(accuser->words >= WORD && "accusers_may_speak was asked");
    accuser->words -= WORD;
    accuser->at_ms = g->now.mono_ms > 0 ? g->now.mono_ms : 1;
}

bool accusers_are_many(struct gossip *g, uint64_t tag)
{
    struct objection *objections = g->accusers.objections;
    struct objection *slot = &objections[0];
    size_t count = 0;
    for (size_t i = 0; i < QUORUM_MAX && slot->accuser != tag; i++)
        if (objections[i].accuser == tag || objections[i].at_ms < slot->at_ms)
            slot = &objections[i];
    *slot = (struct objection){tag, g->now.mono_ms};
    for (size_t i = 0; i < QUORUM_MAX; i++)
        count += objections[i].accuser != 0 &&
                 objections[i].at_ms + suspicion_max_ms(g) >= g->now.mono_ms;
    return count >= suspicion_quorum(g);
}
