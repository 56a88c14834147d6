// SPDX-License-Identifier: Apache-2.0
/* address.c - arithmetic until something changes, a short list from then on */
#include "sim/address.h"

#include "sim/memory.h"

#include <assert.h>

enum { PORT = 4747, NAT_PORT = 20000 };

struct addr address_of_node(size_t node)
{
    return (struct addr){.family = ADDR_IPV4,
                         .ip = {10, (uint8_t)(node >> 16), (uint8_t)(node >> 8), (uint8_t)node},
                         .port = PORT};
}

static void begin(struct address_book *book)
{
    if (book->all != NULL)
        return;
    book->all = memory_new(book->nodes, sizeof(*book->all));
    book->count = book->capacity = book->nodes;
    for (size_t i = 0; i < book->nodes; i++)
        book->all[i] = (struct address){address_of_node(i), (uint32_t)i, UINT64_MAX};
}

void address_book_free(struct address_book *book)
{
    free(book->all);
    *book = (struct address_book){0};
}

static uint32_t holder(const struct address *address, uint64_t now_us)
{
    return now_us < address->until_us ? address->node : ADDRESS_NOBODY;
}

uint32_t address_find(const struct address_book *book, const struct addr *addr, uint64_t now_us)
{
    uint32_t node = (uint32_t)addr->ip[1] << 16 | (uint32_t)addr->ip[2] << 8 | addr->ip[3];
    struct addr own = address_of_node(node);

    if (node < book->nodes && addr_equal(addr, &own))
        return book->all != NULL ? holder(&book->all[node], now_us) : node;
    for (size_t i = book->nodes; i < book->count; i++)
        if (addr_equal(addr, &book->all[i].addr))
            return holder(&book->all[i], now_us);
    return ADDRESS_NOBODY;
}

struct addr address_at(const struct address_book *book, uint32_t number)
{
    assert(number < book->nodes || number < book->count);
    return number < book->nodes ? address_of_node(number) : book->all[number].addr;
}

/* No two rebindings have one port, whatever the host. */
uint32_t address_rebind(struct address_book *book, uint32_t old, uint32_t node, uint64_t until_us)
{
    begin(book);
    assert(book->count - book->nodes < UINT16_MAX - NAT_PORT);
    struct address new = {address_at(book, old), node, UINT64_MAX};
    new.addr.port = (uint16_t)(NAT_PORT + book->count - book->nodes);
    if (book->all[old].node == node && book->all[old].until_us > until_us)
        book->all[old].until_us = until_us;
    book->all = memory_reach(book->all, &book->capacity, book->count, sizeof(*book->all));
    book->all[book->count] = new;
    return (uint32_t)book->count++;
}

uint32_t address_restore(struct address_book *book, const struct addr *own, uint32_t node)
{
    uint32_t number = (uint32_t)own->ip[1] << 16 | (uint32_t)own->ip[2] << 8 | own->ip[3];

    assert(number < book->nodes);
    for (size_t i = book->nodes; i < book->count; i++)
        if (book->all[i].node == node)
            book->all[i].until_us = UINT64_MAX;
    if (book->all != NULL)
        book->all[number] = (struct address){*own, node, UINT64_MAX};
    return number;
}

void address_swap(struct address_book *book, uint32_t one, uint32_t other)
{
    begin(book);
    assert(one < book->count && other < book->count);
    struct address kept = book->all[one];
    book->all[one].node = book->all[other].node;
    book->all[one].until_us = book->all[other].until_us;
    book->all[other].node = kept.node;
    book->all[other].until_us = kept.until_us;
}
