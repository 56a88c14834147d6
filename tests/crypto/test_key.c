// SPDX-License-Identifier: Apache-2.0
/* test_key.c - key pairs of RFC 8032, and the handling of secrets */
#include "crypto/key.h"

#include "crypto/hex.h"

#include <criterion/criterion.h>
#include <string.h>

static void start(void)
{
    cr_assert(key_library_init());
}

TestSuite(key, .init = start);

/* RFC 8032, section 7.1, TEST 1, 2, 3, 1024 and SHA(abc). */
Test(key, pairs_are_those_of_rfc_8032)
{
    static const char *const vectors[][2] = {
        {"9d61b19deffd5a60ba844af492ec2cc44449c5697b326919703bac031cae7f60",
         "d75a980182b10ab7d54bfed3c964073a0ee172f3daa62325af021a68f707511a"},
        {"4ccd089b28ff96da9db6c346ec114e0f5b8a319f35aba624da8cf6ed4fb8a6fb",
         "3d4017c3e843895a92b70aa74d1b7ebc9c982ccf2ec4968cc0cd55f12af4660c"},
        {"c5aa8df43f9f837bedb7442f31dcb7b166d38535076f094b85ce3a2e0b4458f7",
         "fc51cd8e6218a1a38da47ed00230f0580816ed13ba3303ac5deb911548908025"},
        {"f5e5767cf153319517630f226876b86c8160cc583bc013744c6bf255f5cc0ee5",
         "278117fc144c72340f67d0f2316e8386ceffbf2b2428c9c51fef7c597f1d426e"},
        {"833fe62409237b9d62ec77587520911e9a759cec1d19755b7da901b96dca3d42",
         "ec172b93ad5e563bf4932c70e1245034c35467ef2efd4d64ebf819683467e2bf"},
    };

    for (size_t i = 0; i < sizeof(vectors) / sizeof(vectors[0]); i++) {
        uint8_t seed[KEY_SEED_BYTES], expected[KEY_PUBLIC_BYTES];
        struct key_pair pair;

        cr_assert(hex_decode(vectors[i][0], 64, seed, sizeof(seed)));
        cr_assert(hex_decode(vectors[i][1], 64, expected, sizeof(expected)));
        key_pair_from_seed(seed, &pair);
        cr_assert_arr_eq(pair.public.bytes, expected, sizeof(expected), "vector %zu", i);
        cr_assert_arr_eq(pair.secret, seed, sizeof(seed), "the secret begins with the seed");
    }
}

Test(key, seeds_differ)
{
    uint8_t one[KEY_SEED_BYTES] = {0}, other[KEY_SEED_BYTES] = {0}, zero[KEY_SEED_BYTES] = {0};

    key_seed_generate(one);
    key_seed_generate(other);
    cr_assert_arr_neq(one, other, sizeof(one));
    cr_assert_arr_neq(one, zero, sizeof(one));
}

Test(key, random_fills_exactly_what_it_is_given)
{
    uint8_t bytes[66] = {0};
    unsigned touched = 0;

    for (int round = 0; round < 64; round++) {
        key_random(bytes + 1, 64);
        touched |= bytes[1];
        touched |= (unsigned)bytes[64] << 8;
    }
    cr_assert_eq(bytes[0], 0);
    cr_assert_eq(bytes[65], 0);
    cr_assert_eq(touched, 0xffffU, "every bit of the ends was 1 once in 64 rounds");
}

Test(key, wipe_leaves_zeros)
{
    struct key_pair pair, zero;

    memset(&pair, 0x5a, sizeof(pair));
    memset(&zero, 0, sizeof(zero));
    key_wipe(&pair, sizeof(pair));
    cr_assert(memcmp(&pair, &zero, sizeof(pair)) == 0);
}

Test(key, equal_compares_every_byte)
{
    uint8_t a[40] = {0}, b[40] = {0};

    cr_assert(key_equal(a, b, sizeof(a)));
    cr_assert(key_equal(a, b, 0));
    for (size_t i = 0; i < sizeof(a); i++) {
        b[i] = 0x80;
        cr_assert_not(key_equal(a, b, sizeof(a)), "byte %zu", i);
        b[i] = 0;
    }
}
