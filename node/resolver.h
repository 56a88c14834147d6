// SPDX-License-Identifier: Apache-2.0
/* resolver.h - host names to addresses, by a thread of its own: DNS may take seconds, gossip may
 * not
 *
 * The thread is only started when a name is asked for: most clusters are configured by address. */
#ifndef AURORA_NODE_RESOLVER_H
#define AURORA_NODE_RESOLVER_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "gossip/addr.h"
#include "gossip/limits.h"
#include "node/config.h"
#include "node/loop.h"

struct resolver;

struct resolver_answer {
    void *subject; /* as asked */
    char host[CONFIG_HOST_MAX_BYTES + 1];
    struct addr addrs[SEEDS_MAX];
    size_t count;      /* 0: `error` says why */
    const char *error; /* static text */
};

/* `on_answer` is called on the loop when answers are waiting. */
struct resolver *resolver_new(struct loop *, void (*on_answer)(void *context), void *context);
/* A thread that is stuck in a look-up is left behind. NULL is allowed. */
void resolver_free(struct resolver *);
/* False: too many questions at once, or no thread could be started. */
bool resolver_ask(struct resolver *, const struct config_endpoint *, void *subject);
bool resolver_next(struct resolver *, struct resolver_answer *);

/* Without asking anybody: is the endpoint's host an address? */
bool resolver_is_literal(const struct config_endpoint *, struct addr *);

#endif
