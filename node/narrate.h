// SPDX-License-Identifier: Apache-2.0
/* narrate.h - the core's events as log lines: what happened and why, in a few words */
#ifndef AURORA_NODE_NARRATE_H
#define AURORA_NODE_NARRATE_H

#include "gossip/gossip.h"

struct narrator;

/* `self` is our own tag. */
struct narrator *narrator_new(uint64_t self);
void narrator_free(struct narrator *);
void narrate_event(struct narrator *, const struct gossip_event *);
/* A datagram that was dropped, at most one line a minute for each reason that says something. */
void narrate_drop(struct narrator *, enum gossip_drop, const struct addr *from, uint64_t now_ms);

#endif
