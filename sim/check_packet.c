// SPDX-License-Identifier: Apache-2.0
/* check_packet.c - I18: no nonce repeats, no packet is over PACKET_MAX_BYTES
 *
 * Exact until NONCES_EXACT packets have been sent; then every second print is kept, and so on: a
 * core that repeats nonces repeats many. */
#include "sim/check_all.h"

#include "crypto/hash.h"
#include "sim/memory.h"

enum { NONCES_EXACT = 1 << 20, PRINTS_FIRST = 4096 };

static bool is_kept(const struct nonces *nonces, uint64_t print)
{
    return (print & ((UINT64_C(1) << nonces->zero_bits) - 1)) == 0;
}

/* False: it was there. */
static bool nonces_add(struct nonces *nonces, uint64_t print)
{
    size_t mask = nonces->capacity - 1, i = (size_t)(print >> 24) & mask;

    while (nonces->prints[i] != 0 && nonces->prints[i] != print)
        i = (i + 1) & mask;
    if (nonces->prints[i] == print)
        return false;
    nonces->prints[i] = print;
    nonces->count++;
    return true;
}

static void nonces_make_room(struct nonces *nonces)
{
    struct nonces old = *nonces;

    if (old.count < old.capacity / 2)
        return;
    if (old.count >= NONCES_EXACT)
        nonces->zero_bits++;
    else
        nonces->capacity = old.capacity > 0 ? 2 * old.capacity : PRINTS_FIRST;
    nonces->prints = memory_new(nonces->capacity, sizeof(*nonces->prints));
    nonces->count = 0;
    for (size_t i = 0; i < old.capacity; i++)
        if (old.prints[i] != 0 && is_kept(nonces, old.prints[i]))
            nonces_add(nonces, old.prints[i]);
    free(old.prints);
}

void check_packet_out(struct world *world, size_t node, const uint8_t *bytes, size_t len)
{
    static const uint8_t key[HASH_SHORT_KEY_BYTES] = "nonces";
    struct nonces *nonces = &world->checks->nonces;

    check_asked(world, I18);
    if (len > PACKET_MAX_BYTES || len < SEAL_OVERHEAD) {
        check_failed(world, node, I18, "a packet of %zu bytes", len);
        return;
    }
    uint64_t print = hash_short(bytes + 1 + SEAL_TAG_BYTES, SEAL_NONCE_BYTES, key);
    if (print == 0 || !is_kept(nonces, print))
        return;
    nonces_make_room(nonces);
    if (is_kept(nonces, print) && !nonces_add(nonces, print))
        check_failed(world, node, I18, "a nonce was used twice");
}
