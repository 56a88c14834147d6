// SPDX-License-Identifier: Apache-2.0
/* pair.h - a few cores on a perfect wire: every packet arrives at once, in order, or is kept for
 * the test. */
#ifndef AURORA_TESTS_PAIR_H
#define AURORA_TESTS_PAIR_H

#include <stdbool.h>

#include "gossip/gossip.h"

#define PAIR_MAX 8

struct datagram {
    struct addr from, to;
    size_t len;
    uint8_t bytes[PACKET_MAX_BYTES];
};

struct pair {
    struct gossip *cores[PAIR_MAX];
    struct addr addrs[PAIR_MAX];
    size_t count;
    struct gossip_time now;
    bool is_cut;          /* packets vanish */
    struct datagram last; /* the last one that was delivered, or vanished */
    size_t delivered;
};

/* `count` cores that joined through the first; all see all. */
struct pair *pair_new(size_t count);
void pair_free(struct pair *);
/* One more core, of another cluster name or key where given; not joined. Returns its index. */
size_t pair_add(struct pair *, const char *cluster, const uint8_t *key);
/* Runs for so long, in steps of a millisecond. */
void pair_run(struct pair *, uint64_t ms);
/* Hands a datagram to a core, then delivers what it answers. */
enum gossip_drop pair_receive(struct pair *, size_t core, const struct addr *from,
                              const void *bytes, size_t len);
void pair_pump(struct pair *);
/* Registers a peer; true: RESULT_OK came back. */
bool pair_register(struct pair *, size_t core, const char *peer_id);
bool pair_sees(const struct pair *, size_t core, const char *peer_id);
struct gossip_status pair_status(const struct pair *, size_t core);

#endif
