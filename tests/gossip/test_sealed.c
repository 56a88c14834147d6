// SPDX-License-Identifier: Apache-2.0
/* test_sealed.c - what was sealed here need not be opened, and nothing else passes for it */
#include "gossip/sealed.h"

#include "gossip/limits.h"

#include <criterion/criterion.h>
#include <string.h>

static struct sealed_store *store;
static struct seal_keyring ring;
static uint8_t nonce[SEAL_NONCE_BYTES], plain[PACKET_PLAIN_MAX_BYTES], packet[PACKET_MAX_BYTES];

static void keyring_of(struct seal_keyring *it, const char *cluster, uint8_t key_byte)
{
    uint8_t key[SEAL_KEY_BYTES];

    memset(key, key_byte, sizeof key);
    seal_keyring_init(it, cluster);
    seal_keyring_add(it, key);
}

static void start(void)
{
    store = sealed_store_new();
    keyring_of(&ring, "a cluster", 1);
    for (size_t i = 0; i < sizeof plain; i++)
        plain[i] = (uint8_t)i;
}

static void stop(void)
{
    sealed_store_free(store);
    sealed_store_free(NULL);
}

TestSuite(sealed, .init = start, .fini = stop);

static struct span seal(uint8_t number, size_t len)
{
    nonce[0] = number;
    return span_of(packet, seal_packet(&ring, nonce, plain, len, packet, sizeof packet));
}

static struct span remember(uint8_t number, size_t len)
{
    struct span sealed = seal(number, len);

    sealed_store_add(store, &ring, sealed, span_of(plain, len));
    return sealed;
}

static bool finds(const struct seal_keyring *with, struct span sealed)
{
    return sealed_store_find(store, with, sealed).len > 0;
}

Test(sealed, gives_back_what_was_sealed)
{
    struct span sealed = remember(1, sizeof plain);

    cr_assert(span_equal(sealed_store_find(store, &ring, sealed), span_of(plain, sizeof plain)));
    remember(2, 1);
    cr_assert(finds(&ring, seal(1, sizeof plain)), "others do not push it out at once");
}

Test(sealed, knows_nothing_but_what_was_added)
{
    cr_assert_not(finds(&ring, seal(1, 100)));
    cr_assert_not(finds(&ring, span_of(packet, SEAL_OVERHEAD - 1)));
    cr_assert_not(finds(&ring, span_of(packet, 0)));
}

Test(sealed, one_bit_anywhere_makes_another_packet)
{
    struct span sealed = remember(1, 100);

    for (size_t bit = 0; bit < 8 * sealed.len; bit++) {
        packet[bit / 8] ^= (uint8_t)(1u << bit % 8);
        cr_assert_not(finds(&ring, sealed), "bit %zu", bit);
        packet[bit / 8] ^= (uint8_t)(1u << bit % 8);
    }
    cr_assert_not(finds(&ring, span_of(packet, sealed.len - 1)));
    cr_assert(finds(&ring, sealed));
}

Test(sealed, opens_only_with_its_key_and_for_its_cluster)
{
    struct seal_keyring other_key, other_cluster;
    struct span sealed = remember(1, 100);

    keyring_of(&other_key, "a cluster", 2);
    keyring_of(&other_cluster, "another cluster", 1);
    cr_assert_not(finds(&other_key, sealed));
    cr_assert_not(finds(&other_cluster, sealed));
    seal_keyring_add(&other_key, ring.keys[0].bytes);
    cr_assert(finds(&other_key, sealed), "of several keys each opens");
}

Test(sealed, forgets_the_oldest)
{
    size_t found = 0;

    for (unsigned i = 0; i < 5000; i++) {
        nonce[1] = (uint8_t)(i >> 8);
        remember((uint8_t)i, 10);
    }
    for (unsigned i = 0; i < 5000; i++) {
        nonce[1] = (uint8_t)(i >> 8);
        bool is_found = finds(&ring, seal((uint8_t)i, 10));

        cr_assert(i >= 3976 || !is_found, "%u", i);
        found += is_found;
    }
    cr_assert_geq(found, 800, "%zu", found);
}
