// SPDX-License-Identifier: Apache-2.0
/* addr.h - an IPv4 or IPv6 address with a port, as a value (no <sys/socket.h> in the core). */
#ifndef AURORA_GOSSIP_ADDR_H
#define AURORA_GOSSIP_ADDR_H

#include <stdbool.h>
#include <stdint.h>
#include <string.h>

enum { ADDR_NONE = 0, ADDR_IPV4 = 4, ADDR_IPV6 = 6 };

/* Unused bytes are zero, so that two equal addresses compare equal byte for byte. */
struct addr {
    uint8_t family; /* ADDR_NONE, ADDR_IPV4 or ADDR_IPV6 */
    uint8_t ip[16]; /* network order; IPv4 uses the first four */
    uint16_t port;  /* host order */
};

static inline bool addr_equal(const struct addr *a, const struct addr *b)
{
    return a->family == b->family && a->port == b->port && memcmp(a->ip, b->ip, sizeof a->ip) == 0;
}

#endif
