// SPDX-License-Identifier: Apache-2.0
/* waiting.h - the exchanges that wait for a reply of the gossip thread, by number and by age */
#ifndef AURORA_NODE_WAITING_H
#define AURORA_NODE_WAITING_H

#include <stdbool.h>
#include <stdint.h>

#include "gossip/table.h"
#include "node/http_exchange.h"

#define WAITING_MAX        8192
#define WAITING_TIMEOUT_MS 5000 /* a command forwarded to a silent home is decided within 3 s */

struct waiting {
    struct table by_number;
    struct http_exchange *oldest, *newest; /* all wait equally long: the oldest ends first */
    uint64_t next_number;
};

void waiting_free(struct waiting *); /* the exchanges are their connections' */
/* Gives it a number and a deadline. False: too many wait already. */
bool waiting_add(struct waiting *, struct http_exchange *, uint64_t now_ms);
/* Takes out and returns the one with this number; NULL: nobody waits for it any more. */
struct http_exchange *waiting_take(struct waiting *, uint64_t number);
void waiting_remove(struct waiting *, struct http_exchange *);
/* Takes out and returns one whose deadline has come; NULL: none. */
struct http_exchange *waiting_expire(struct waiting *, uint64_t now_ms);

#endif
