// SPDX-License-Identifier: Apache-2.0
/* driver.h - gives the core its time, its datagrams and its commands, and carries away what it says
 *
 * The one owner of struct gossip. After every input it drains packets to the sockets first and
 * events afterwards: a reply of 200 never overtakes the packets that spread what it confirms. */
#ifndef AURORA_NODE_DRIVER_H
#define AURORA_NODE_DRIVER_H

#include <stdbool.h>
#include <stddef.h>

#include "gossip/gossip.h"
#include "node/bridge.h"
#include "node/loop.h"
#include "node/store.h"
#include "node/udp.h"

/* LEFT takes the core half a second to say; after this long the node stops regardless. */
#define DRIVER_LEAVE_MS 1500

enum driver_end {
    DRIVER_RUNS = 0,
    DRIVER_LEFT,     /* as asked */
    DRIVER_CONFLICT, /* our identity runs elsewhere */
};

struct driver;

/* Borrows everything but the core (started at `epoch`), which it frees; `store` may be NULL. When
 * it ends it stops the loop. */
struct driver *driver_new(struct loop *, struct gossip *, uint64_t epoch, struct udp *,
                          struct bridge *, struct store *);
void driver_free(struct driver *);
/* The first tick. */
void driver_start(struct driver *);
enum driver_end driver_ended(const struct driver *);
bool driver_is_joined(const struct driver *); /* a seed has answered */

void driver_join(struct driver *, const struct addr *, size_t count);
void driver_set_seeds(struct driver *, const struct addr *, size_t count);
void driver_set_keyring(struct driver *, const struct seal_keyring *);
void driver_leave(struct driver *);
void driver_status(struct driver *, struct gossip_status *);

#endif
