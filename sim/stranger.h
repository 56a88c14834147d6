// SPDX-License-Identifier: Apache-2.0
/* stranger.h - addresses at which no node lives, and what was sent to and from them; and a memory
 * of packets that passed, for whoever repeats them */
#ifndef AURORA_SIM_STRANGER_H
#define AURORA_SIM_STRANGER_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "gossip/addr.h"
#include "gossip/limits.h"

/* Packets claim to come from it (struct packet's `from` is then NODES_MAX + its number); nodes
 * answer it. */
struct stranger {
    struct addr addr;
    uint64_t packets_from, bytes_from; /* that reached a node which runs */
    uint64_t packets_to, bytes_to;     /* that nodes sent */
};

struct strangers {
    struct stranger *all;
    size_t count, capacity;
};

/* NULL: never spoken of. */
struct stranger *stranger_find(const struct strangers *, const struct addr *);
/* Its number. */
size_t stranger_add(struct strangers *, const struct addr *);

enum { CAPTURE_RECENT = 256, CAPTURE_OLD = 256 };

struct captured {
    uint32_t from, to; /* nodes */
    uint16_t len;
    uint8_t bytes[PACKET_MAX_BYTES];
};

/* The last packets, and every so often one that stays for long. */
struct capture {
    struct captured recent[CAPTURE_RECENT];
    struct captured old[CAPTURE_OLD];
    uint64_t seen;
    uint64_t kept; /* in old[] */
};

void capture_packet(struct capture *, uint32_t from, uint32_t to, const uint8_t *bytes, size_t len);

#endif
