// SPDX-License-Identifier: Apache-2.0
/* sealed.c - the packets that were sealed last, found by their MAC and compared byte for byte. */
#include "gossip/sealed.h"

#include <assert.h>
#include <string.h>

#include "gossip/limits.h"
#include "gossip/mem.h"

/* What fifty busy nodes send in half a second, and a processor's cache still holds. What is under
 * way for longer is opened with its key. */
#define REMEMBERED 1024

struct sealed {
    struct seal_key key;
    uint8_t scope[SEAL_SCOPE_BYTES];
    uint16_t packet_len;
    uint16_t plain_len;
    uint8_t packet[PACKET_MAX_BYTES];
    uint8_t plain[PACKET_PLAIN_MAX_BYTES];
};

struct sealed_store {
    uint64_t added;
    uint16_t by_mac[4 * REMEMBERED]; /* by the last bits of the MAC: which of the remembered; of two
                                        that share them the later */
    struct sealed remembered[REMEMBERED];
};

struct sealed_store *sealed_store_new(void)
{
    return mem_alloc(sizeof(struct sealed_store));
}

void sealed_store_free(struct sealed_store *store)
{
    mem_free(store);
}

static size_t slot_of(struct span packet)
{
    uint64_t mac;
    memcpy(&mac, packet.data + packet.len - sizeof mac, sizeof mac);
    return (size_t)(mac % (4 * REMEMBERED));
}

void sealed_store_add(struct sealed_store *store, const struct seal_keyring *ring,
                      struct span packet, struct span plain)
{
    assert(ring->count > 0 && packet.len == plain.len + SEAL_OVERHEAD);
    uint16_t index = (uint16_t)(store->added++ % REMEMBERED);
    struct sealed *sealed = &store->remembered[index];
    assert(packet.len <= sizeof sealed->packet && plain.len <= sizeof sealed->plain);
    sealed->key = ring->keys[0];
    memcpy(sealed->scope, ring->scope, sizeof sealed->scope);
    sealed->packet_len = (uint16_t)packet.len;
    sealed->plain_len = (uint16_t)plain.len;
    memcpy(sealed->packet, packet.data, packet.len);
    memcpy(sealed->plain, plain.data, plain.len);
    store->by_mac[slot_of(packet)] = index;
}

static bool opens(const struct seal_keyring *ring, const struct sealed *sealed)
{
    if (memcmp(ring->scope, sealed->scope, sizeof sealed->scope) != 0)
        return false;
    for (size_t i = 0; i < ring->count; i++)
        if (memcmp(&ring->keys[i], &sealed->key, sizeof sealed->key) == 0)
            return true;
    return false;
}

struct span sealed_store_find(const struct sealed_store *store, const struct seal_keyring *ring,
                              struct span packet)
{
    if (packet.len < SEAL_OVERHEAD)
        return span_of(NULL, 0);
    const struct sealed *sealed = &store->remembered[store->by_mac[slot_of(packet)]];
    if (!span_equal(packet, span_of(sealed->packet, sealed->packet_len)) || !opens(ring, sealed))
        return span_of(NULL, 0);
    return span_of(sealed->plain, sealed->plain_len);
}
