// SPDX-License-Identifier: Apache-2.0
/* verifier.h - threads that verify signatures for the gossip thread
 *
 * A pulled record costs more to verify than everything else about it. The core hands such work out
 * (gossip_next_check); here it is done by as many threads as the process may use cores, at a lower
 * priority than those that answer probes and clients. The threads start with the first check: most
 * nodes of a small cluster never need them. */
#ifndef AURORA_NODE_VERIFIER_H
#define AURORA_NODE_VERIFIER_H

#include "node/loop.h"

struct gossip_check;
struct verifier;

/* `on_verdicts` is called on the loop when some have run. */
struct verifier *verifier_new(struct loop *, void (*on_verdicts)(void *context), void *context);
/* At most CHECKS_MAX may be given and not taken back. */
void verifier_give(struct verifier *, struct gossip_check *);
/* One that has run; NULL: none. */
struct gossip_check *verifier_next(struct verifier *);
/* on_verdicts will be called again at the next turn. */
void verifier_again(struct verifier *);
/* Waits for those being verified; what has not begun never will. Before gossip_free. */
void verifier_free(struct verifier *);

#endif
