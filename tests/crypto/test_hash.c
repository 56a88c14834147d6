// SPDX-License-Identifier: Apache-2.0
/* test_hash.c - domains, pieces, and values that other implementations computed */
#include "crypto/hash.h"

#include "crypto/hex.h"
#include "tests/support/guard.h"

#include <criterion/criterion.h>
#include <string.h>

static void expect_hash(const char *domain, const char *data, const char *expected)
{
    struct hash hash;
    char text[HEX_SIZE(HASH_BYTES)];

    hash_of(domain, data, strlen(data), &hash);
    hex_encode(hash.bytes, HASH_BYTES, text, sizeof(text));
    cr_assert_str_eq(text, expected, "%s of '%s'", domain, data);
}

/* Python: hashlib.blake2b(b"aurora-v1:record\0abc", digest_size=32) */
Test(hash, is_plain_blake2b_over_prefix_domain_and_data)
{
    expect_hash("record", "abc",
                "74c226c0d2a9a095a6106945647552f6f306521b3ec96c87bdd4d7693ac050cf");
    expect_hash("x", "", "498b0953f9b745641db49c7b747c92958e28c19c74a13a7081800d0aa31a1d60");
}

Test(hash, domain_separates)
{
    struct hash record, bucket, shifted, whole;

    hash_of("record", "abc", 3, &record);
    hash_of("bucket", "abc", 3, &bucket);
    cr_assert(memcmp(&record, &bucket, sizeof(record)) != 0);

    hash_of("a", "bc", 2, &shifted);
    hash_of("ab", "c", 1, &whole);
    cr_assert(memcmp(&shifted, &whole, sizeof(shifted)) != 0, "the domain has an end");
}

Test(hash, pieces_do_not_matter)
{
    uint8_t data[300];
    struct hash whole;

    for (size_t i = 0; i < sizeof(data); i++)
        data[i] = (uint8_t)(i * 7);
    hash_of("test", data, sizeof(data), &whole);
    for (size_t cut = 0; cut <= sizeof(data); cut++) {
        struct hash_state state;
        struct hash pieces;

        hash_begin(&state, "test");
        hash_update(&state, data, cut);
        hash_update(&state, data + cut, sizeof(data) - cut);
        hash_end(&state, &pieces);
        cr_assert(memcmp(&pieces, &whole, sizeof(whole)) == 0, "cut at %zu", cut);
    }
}

Test(hash, no_data_is_data_too)
{
    struct hash with_null, with_empty;

    hash_of("test", NULL, 0, &with_null);
    hash_of("test", "", 0, &with_empty);
    cr_assert(memcmp(&with_null, &with_empty, sizeof(with_null)) == 0);
}

/* From the SipHash paper, appendix A: key 00..0f, message 00..0e. */
Test(hash_short, is_siphash_2_4)
{
    uint8_t key[HASH_SHORT_KEY_BYTES], message[15];

    for (uint8_t i = 0; i < sizeof(key); i++)
        key[i] = i;
    memcpy(message, key, sizeof(message));
    cr_assert(hash_short(message, sizeof(message), key) == 0xa129ca6149be45e5U);
}

Test(hash_short, depends_on_the_key)
{
    uint8_t key[HASH_SHORT_KEY_BYTES] = {0}, other[HASH_SHORT_KEY_BYTES] = {1};

    cr_assert(hash_short("peer", 4, key) != hash_short("peer", 4, other));
    cr_assert(hash_short(NULL, 0, key) == hash_short("", 0, key));
}

Test(hash, reads_nothing_past_its_input)
{
    for (size_t size = 0; size <= 260; size++) {
        uint8_t *input = guard_copy(NULL, size);
        uint8_t key[HASH_SHORT_KEY_BYTES] = {0};
        struct hash hash;

        hash_of("test", input, size, &hash);
        hash_short(input, size, key);
        guard_free(input, size);
    }
}
