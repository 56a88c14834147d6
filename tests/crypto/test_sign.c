// SPDX-License-Identifier: Apache-2.0
/* test_sign.c - a signature holds for one key, one domain, one scope and one message */
#include "crypto/sign.h"

#include "crypto/hash.h"
#include "crypto/hex.h"
#include "tests/support/guard.h"

#include <criterion/criterion.h>
#include <string.h>

static struct key_pair pair;
static struct sign_scope scope;
static const uint8_t message[] = {'h', 'e', 'l', 'l', 'o'};

/* RFC 8032's TEST 1, so that anybody can repeat what is below. */
static void start(void)
{
    uint8_t seed[KEY_SEED_BYTES];

    cr_assert(key_library_init());
    cr_assert(hex_decode("9d61b19deffd5a60ba844af492ec2cc44449c5697b326919703bac031cae7f60", 64,
                         seed, sizeof(seed)));
    key_pair_from_seed(seed, &pair);
    sign_scope_of("demo", &scope);
}

TestSuite(sign, .init = start);

static void expect_signature(enum sign_domain domain, const char *expected)
{
    uint8_t signature[SIGN_BYTES];
    char text[HEX_SIZE(SIGN_BYTES)];

    sign_make(&pair, &scope, domain, message, sizeof(message), signature);
    hex_encode(signature, sizeof(signature), text, sizeof(text));
    cr_assert_str_eq(text, expected, "domain %d", (int)domain);
    cr_assert(sign_verify(&pair.public, &scope, domain, message, sizeof(message), signature));
}

/* Made with `openssl pkeyutl -sign -rawin` over the framed bytes: "hello" in cluster "demo". */
Test(sign, bytes_are_those_another_implementation_signs)
{
    expect_signature(SIGN_ALIVE,
                     "77d440a355cc502bb46a1f7734109097d1d06718003250da0e483c0d8f5419e1"
                     "7612f12e459e2ac6aa3ec489efd7fabca0595a4819d2ef85233d78f26c979409");
    expect_signature(SIGN_LEFT, "0649233c5ecf56fc3565d31519ee705268e7df5c40ad179f2e7f66ab533df755"
                                "2dafe62cbafe157ec6cb494a2fc47f4f76d4a55c2186f7511f6714ad03c8e303");
    expect_signature(SIGN_ACCUSE,
                     "a2630f062b1f6d8f4aa832e7e692ec7bd0c63201d2e55f85266332030e9d737b"
                     "5624ff39cedbc0d32dd9434df818730bcc4e8c2a0c61ee49094d6be530d51801");
    expect_signature(SIGN_RECORD,
                     "e6bda102e239392b5196b92bcead916a8ff9a5456f27abb8e747278ae3a6209a"
                     "07d847ecb2696624466d8d49e0ea10db5585fedae2022d664aa1977d7a48a505");
    expect_signature(SIGN_DELETE,
                     "5d36260ea9d95da69457c465b444020aeec2ccb89686ad5768e7c143bf286e3e"
                     "d3e9dad3a0751c65ab86f5a551c160eb8a048a29cacb573c4afcc387d673a500");
    expect_signature(SIGN_HEAD, "42f64ef0d8f7ed8981a6529c5184a8dcb36469800e732effff05901f6d11b27c"
                                "7705acce4385b9fee60a8e780e05b1bbf9ec62386b16ccea0e0d1f85d28c9506");
    expect_signature(SIGN_FORWARD,
                     "8a61346a9c411b6e54b1a3d66b41bb226e8132b3a4afd4315cb7cb7aa460e553"
                     "8c4e2e55342667ca3053870f528f50616c14e6e8b7144552f474c72e4c341605");
    expect_signature(SIGN_PEER, "1d1c725118b1ca2b59c5d8b57689290ba352a4543c7027510414630bfddb0051"
                                "15f25b10bd6f70777081b14163451a0e603d4234d21798e1b61bfd4e2ff9ce05");
}

Test(sign, scope_is_a_hash_of_the_cluster)
{
    struct sign_scope other;
    struct hash hash;
    char text[HEX_SIZE(SIGN_SCOPE_BYTES)];

    hex_encode(scope.bytes, sizeof(scope.bytes), text, sizeof(text));
    cr_assert_str_eq(text, "92c07a6259c921723a3d6323546089ef");
    hash_of("sign-scope", "demo", 4, &hash);
    cr_assert_arr_eq(scope.bytes, hash.bytes, SIGN_SCOPE_BYTES);
    sign_scope_of("demo2", &other);
    cr_assert_arr_neq(other.bytes, scope.bytes, SIGN_SCOPE_BYTES);
}

Test(sign, holds_in_its_own_domain_only)
{
    for (int made = SIGN_ALIVE; made <= SIGN_PEER; made++) {
        uint8_t signature[SIGN_BYTES];

        sign_make(&pair, &scope, (enum sign_domain)made, message, sizeof(message), signature);
        for (int tried = SIGN_ALIVE; tried <= SIGN_PEER; tried++) {
            bool valid = sign_verify(&pair.public, &scope, (enum sign_domain)tried, message,
                                     sizeof(message), signature);
            cr_assert_eq(valid, made == tried, "made for %d, tried as %d", made, tried);
        }
    }
}

/* The frame has no lengths in it: a peer (no scope) must not be able to choose a message that
 * reads as another domain's scope and message. Only the NUL after the name keeps them apart. */
Test(sign, peer_cannot_smuggle_a_scope)
{
    uint8_t smuggled[SIGN_SCOPE_BYTES + sizeof(message)], signature[SIGN_BYTES];

    memcpy(smuggled, scope.bytes, SIGN_SCOPE_BYTES);
    memcpy(smuggled + SIGN_SCOPE_BYTES, message, sizeof(message));
    sign_make(&pair, NULL, SIGN_PEER, smuggled, sizeof(smuggled), signature);
    for (int tried = SIGN_ALIVE; tried < SIGN_PEER; tried++)
        cr_assert_not(sign_verify(&pair.public, &scope, (enum sign_domain)tried, message,
                                  sizeof(message), signature));
}

Test(sign, holds_in_its_own_cluster_only)
{
    struct sign_scope other;
    uint8_t signature[SIGN_BYTES];

    sign_scope_of("other", &other);
    sign_make(&pair, &scope, SIGN_RECORD, message, sizeof(message), signature);
    cr_assert_not(
        sign_verify(&pair.public, &other, SIGN_RECORD, message, sizeof(message), signature));
}

Test(sign, peer_signature_knows_no_cluster)
{
    uint8_t signature[SIGN_BYTES];

    sign_make(&pair, NULL, SIGN_PEER, message, sizeof(message), signature);
    cr_assert(sign_verify(&pair.public, &scope, SIGN_PEER, message, sizeof(message), signature));
    cr_assert(sign_verify(&pair.public, NULL, SIGN_PEER, message, sizeof(message), signature));
}

Test(sign, every_bit_counts)
{
    uint8_t signature[SIGN_BYTES], text[sizeof(message)];
    struct key_public key = pair.public;

    memcpy(text, message, sizeof(text));
    sign_make(&pair, &scope, SIGN_HEAD, message, sizeof(message), signature);
    for (size_t bit = 0; bit < 8 * sizeof(signature); bit++) {
        signature[bit / 8] ^= (uint8_t)(1U << bit % 8);
        cr_assert_not(sign_verify(&key, &scope, SIGN_HEAD, text, sizeof(text), signature));
        signature[bit / 8] ^= (uint8_t)(1U << bit % 8);
    }
    for (size_t bit = 0; bit < 8 * sizeof(text); bit++) {
        text[bit / 8] ^= (uint8_t)(1U << bit % 8);
        cr_assert_not(sign_verify(&key, &scope, SIGN_HEAD, text, sizeof(text), signature));
        text[bit / 8] ^= (uint8_t)(1U << bit % 8);
    }
    for (size_t bit = 0; bit < 8 * sizeof(key.bytes); bit++) {
        key.bytes[bit / 8] ^= (uint8_t)(1U << bit % 8);
        cr_assert_not(sign_verify(&key, &scope, SIGN_HEAD, text, sizeof(text), signature));
        key.bytes[bit / 8] ^= (uint8_t)(1U << bit % 8);
    }
    cr_assert(sign_verify(&key, &scope, SIGN_HEAD, text, sizeof(text), signature));
    cr_assert_not(sign_verify(&key, &scope, SIGN_HEAD, text, sizeof(text) - 1, signature));
}

/* S + L is the classic second signature of the same message (RFC 8032, section 5.1.7 requires
 * S < L). If it passed, relays could make new bytes out of old ones. */
Test(sign, malleated_signature_is_refused)
{
    static const uint8_t order[32] = {0xed, 0xd3, 0xf5, 0x5c, 0x1a, 0x63, 0x12, 0x58,
                                      0xd6, 0x9c, 0xf7, 0xa2, 0xde, 0xf9, 0xde, 0x14,
                                      0,    0,    0,    0,    0,    0,    0,    0,
                                      0,    0,    0,    0,    0,    0,    0,    0x10};
    uint8_t signature[SIGN_BYTES];
    unsigned carry = 0;

    sign_make(&pair, &scope, SIGN_HEAD, message, sizeof(message), signature);
    for (size_t i = 0; i < sizeof(order); i++) {
        carry += (unsigned)signature[32 + i] + order[i];
        signature[32 + i] = (uint8_t)(carry & 0xff);
        carry >>= 8;
    }
    cr_assert_eq(carry, 0U);
    cr_assert_not(
        sign_verify(&pair.public, &scope, SIGN_HEAD, message, sizeof(message), signature));
}

/* Under the neutral element as a key, one signature would fit every message. */
Test(sign, key_of_small_order_is_refused)
{
    struct key_public neutral = {{1}};
    uint8_t signature[SIGN_BYTES] = {1};

    cr_assert_not(sign_verify(&neutral, &scope, SIGN_HEAD, message, sizeof(message), signature));
}

Test(sign, longest_message_passes_and_a_longer_one_does_not)
{
    uint8_t *longest = guard_copy(NULL, SIGN_MESSAGE_MAX + 1);
    uint8_t signature[SIGN_BYTES];

    sign_make(&pair, &scope, SIGN_FORWARD, longest, SIGN_MESSAGE_MAX, signature);
    cr_assert(
        sign_verify(&pair.public, &scope, SIGN_FORWARD, longest, SIGN_MESSAGE_MAX, signature));
    cr_assert_not(
        sign_verify(&pair.public, &scope, SIGN_FORWARD, longest, SIGN_MESSAGE_MAX + 1, signature));
    cr_assert_not(sign_verify(&pair.public, &scope, SIGN_FORWARD, longest, SIZE_MAX, signature));
    guard_free(longest, SIGN_MESSAGE_MAX + 1);
}

Test(sign, reads_nothing_past_its_input)
{
    uint8_t *text = guard_copy(message, sizeof(message));
    uint8_t *signature = guard_copy(NULL, SIGN_BYTES);

    sign_make(&pair, &scope, SIGN_LEFT, text, sizeof(message), signature);
    cr_assert(sign_verify(&pair.public, &scope, SIGN_LEFT, text, sizeof(message), signature));
    cr_assert_not(sign_verify(&pair.public, &scope, SIGN_LEFT, NULL, 0, signature));
    guard_free(signature, SIGN_BYTES);
    guard_free(text, sizeof(message));
}
