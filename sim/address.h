// SPDX-License-Identifier: Apache-2.0
/* address.h - who gets what is sent to an address
 *
 * Every node begins with one of its own, which is arithmetic. A NAT gives it another port, a lease
 * that ran out gives its address to somebody else: from the first such change on, a book is kept.
 * Addresses have numbers, so that a packet can carry the one that it came from. */
#ifndef AURORA_SIM_ADDRESS_H
#define AURORA_SIM_ADDRESS_H

#include <stddef.h>
#include <stdint.h>

#include "gossip/addr.h"

#define ADDRESS_NOBODY UINT32_MAX

struct address_book {
    size_t nodes;
    /* By number: the first `nodes` are the nodes' own, then ports of NATs. NULL: nothing ever
     * changed. */
    struct address {
        struct addr addr;
        uint32_t node;     /* ADDRESS_NOBODY: what is sent there is lost */
        uint64_t until_us; /* then nobody's */
    } * all;
    size_t count, capacity;
};

/* The node's own, when the world began. */
struct addr address_of_node(size_t node);
void address_book_free(struct address_book *);

/* The node that gets what is sent there now; ADDRESS_NOBODY. */
uint32_t address_find(const struct address_book *, const struct addr *, uint64_t now_us);
struct addr address_at(const struct address_book *, uint32_t number);
/* A new port for what the node sends from now on; what is sent to `old` still reaches it until
 * then. The new address's number. */
uint32_t address_rebind(struct address_book *, uint32_t old, uint32_t node, uint64_t until_us);
/* The node's own address leads to it again, and so does every port that it had. That address'
 * number. */
uint32_t address_restore(struct address_book *, const struct addr *own, uint32_t node);
/* Whoever gets what is sent to one gets what is sent to the other from now on. */
void address_swap(struct address_book *, uint32_t one, uint32_t other);

#endif
