// SPDX-License-Identifier: Apache-2.0
/* test_seal.c - sealed packets open for their cluster and key, whole, and never otherwise */
#include "crypto/seal.h"

#include "crypto/hash.h"
#include "crypto/hex.h"
#include "tests/support/guard.h"

#include <criterion/criterion.h>
#include <string.h>

#define PACKET_MAX 1200

static struct seal_keyring ring;
static uint8_t keys[SEAL_KEYS_MAX + 1][SEAL_KEY_BYTES];
static uint8_t nonce[SEAL_NONCE_BYTES];
static const uint8_t hello[] = {'h', 'e', 'l', 'l', 'o'};

/* keys[0] is 00 01 02 .., keys[1] is 01 02 03 ..; the nonce is 00 01 02 .. */
static void start(void)
{
    for (size_t i = 0; i <= SEAL_KEYS_MAX; i++) {
        for (size_t j = 0; j < SEAL_KEY_BYTES; j++)
            keys[i][j] = (uint8_t)(i + j);
    }
    for (size_t i = 0; i < SEAL_NONCE_BYTES; i++)
        nonce[i] = (uint8_t)i;
    seal_keyring_init(&ring, "demo");
    cr_assert_eq(seal_keyring_add(&ring, keys[0]), SEAL_OK);
}

TestSuite(seal, .init = start);

static size_t seal_hello(const struct seal_keyring *with, uint8_t packet[PACKET_MAX])
{
    size_t length = seal_packet(with, nonce, hello, sizeof(hello), packet, PACKET_MAX);

    cr_assert_eq(length, sizeof(hello) + SEAL_OVERHEAD);
    return length;
}

static void expect_open(enum seal_error expected, const struct seal_keyring *with,
                        const uint8_t *packet, size_t length)
{
    uint8_t *input = guard_copy(packet, length);
    uint8_t *plain = guard_copy(NULL, length);
    size_t plain_length = 99;
    enum seal_error error = seal_open(with, input, length, plain, length, &plain_length);

    cr_assert_eq(error, expected, "%s, expected %s", seal_error_name(error),
                 seal_error_name(expected));
    if (expected == SEAL_OK) {
        cr_assert_eq(plain_length, sizeof(hello));
        cr_assert_arr_eq(plain, hello, sizeof(hello));
    } else {
        cr_assert_eq(plain_length, 0U);
    }
    guard_free(plain, length);
    guard_free(input, length);
}

/* Made by an implementation written from the XChaCha20-Poly1305 draft and checked against the
 * draft's own vector (draft-irtf-cfrg-xchacha-03, A.3.1). */
Test(seal, bytes_are_those_another_implementation_makes)
{
    uint8_t packet[PACKET_MAX];
    char text[HEX_SIZE(PACKET_MAX)];

    hex_encode(packet, seal_hello(&ring, packet), text, sizeof(text));
    cr_assert_str_eq(text, "a1"
                           "99ae3995"
                           "000102030405060708090a0b0c0d0e0f1011121314151617"
                           "f6a76313ff"
                           "819024c816fa7d674147b6e624fc4a66");
}

Test(seal, open_key_is_a_hash_of_the_cluster)
{
    uint8_t key[SEAL_KEY_BYTES], other[SEAL_KEY_BYTES];
    char text[HEX_SIZE(SEAL_KEY_BYTES)];

    seal_key_from_cluster("demo", key);
    hex_encode(key, sizeof(key), text, sizeof(text));
    cr_assert_str_eq(text, "6a238e3d704f4345b3d51031ab5ad5cb495ec1bfe918b85672cb046e858c14e5");
    seal_key_from_cluster("demo2", other);
    cr_assert_arr_neq(key, other, sizeof(key));
}

Test(seal, opens_what_it_sealed_at_every_length)
{
    uint8_t text[PACKET_MAX - SEAL_OVERHEAD], packet[PACKET_MAX], plain[PACKET_MAX];

    for (size_t i = 0; i < sizeof(text); i++)
        text[i] = (uint8_t)(i * 31);
    for (size_t length = 0; length <= sizeof(text); length++) {
        size_t plain_length = 99;
        size_t size = seal_packet(&ring, nonce, text, length, packet, sizeof(packet));

        cr_assert_eq(size, length + SEAL_OVERHEAD);
        cr_assert_eq(seal_open(&ring, packet, size, plain, length, &plain_length), SEAL_OK);
        cr_assert_eq(plain_length, length);
        cr_assert(memcmp(plain, text, length) == 0);
    }
}

Test(seal, every_bit_counts)
{
    uint8_t packet[PACKET_MAX];
    size_t length = seal_hello(&ring, packet);

    for (size_t bit = 0; bit < 8 * length; bit++) {
        size_t at = bit / 8;
        enum seal_error expected = at == 0                ? SEAL_VERSION
                                   : at <= SEAL_TAG_BYTES ? SEAL_UNKNOWN_KEY
                                                          : SEAL_FORGED;
        packet[at] ^= (uint8_t)(1U << bit % 8);
        expect_open(expected, &ring, packet, length);
        packet[at] ^= (uint8_t)(1U << bit % 8);
    }
    expect_open(SEAL_OK, &ring, packet, length);
}

Test(seal, truncated_or_extended_packet_is_refused)
{
    uint8_t packet[PACKET_MAX] = {0};
    size_t length = seal_hello(&ring, packet);

    for (size_t cut = 0; cut < length; cut++)
        expect_open(cut < SEAL_OVERHEAD ? SEAL_SHORT : SEAL_FORGED, &ring, packet, cut);
    expect_open(SEAL_FORGED, &ring, packet, length + 1);
}

Test(seal, same_key_in_another_cluster_does_not_open)
{
    struct seal_keyring other;
    uint8_t packet[PACKET_MAX];

    seal_keyring_init(&other, "other");
    cr_assert_eq(seal_keyring_add(&other, keys[0]), SEAL_OK);
    expect_open(SEAL_FORGED, &other, packet, seal_hello(&ring, packet));
}

Test(seal, another_key_does_not_open)
{
    struct seal_keyring other;
    uint8_t packet[PACKET_MAX];

    seal_keyring_init(&other, "demo");
    expect_open(SEAL_UNKNOWN_KEY, &other, packet, seal_hello(&ring, packet));
    cr_assert_eq(seal_keyring_add(&other, keys[1]), SEAL_OK);
    expect_open(SEAL_UNKNOWN_KEY, &other, packet, seal_hello(&ring, packet));
}

/* The steps of a rotation: all learn the new key, all make it primary, all forget the old one. */
Test(seal, keyring_opens_with_any_key_and_seals_with_the_first)
{
    struct seal_keyring old_first, new_first;
    uint8_t packet[PACKET_MAX];

    seal_keyring_init(&old_first, "demo");
    seal_keyring_add(&old_first, keys[0]);
    seal_keyring_add(&old_first, keys[1]);
    seal_keyring_init(&new_first, "demo");
    seal_keyring_add(&new_first, keys[1]);
    seal_keyring_add(&new_first, keys[0]);

    size_t length = seal_hello(&old_first, packet);
    expect_open(SEAL_OK, &ring, packet, length);
    expect_open(SEAL_OK, &new_first, packet, length);
    length = seal_hello(&new_first, packet);
    expect_open(SEAL_OK, &old_first, packet, length);
    expect_open(SEAL_UNKNOWN_KEY, &ring, packet, length);
}

/* Two keys with one tag cannot be found by hand: forge the ring. */
Test(seal, keys_that_share_a_tag_are_all_tried)
{
    struct seal_keyring both;
    uint8_t packet[PACKET_MAX];

    seal_keyring_init(&both, "demo");
    seal_keyring_add(&both, keys[1]);
    seal_keyring_add(&both, keys[0]);
    memcpy(both.keys[0].tag, both.keys[1].tag, SEAL_TAG_BYTES);
    expect_open(SEAL_OK, &both, packet, seal_hello(&ring, packet));
}

Test(seal, keyring_refuses_duplicates_and_a_ninth_key)
{
    struct seal_keyring full;

    seal_keyring_init(&full, "demo");
    for (size_t i = 0; i < SEAL_KEYS_MAX; i++) {
        cr_assert_eq(seal_keyring_add(&full, keys[i]), SEAL_OK);
        cr_assert_eq(seal_keyring_add(&full, keys[i]), SEAL_DUPLICATE);
    }
    cr_assert_eq(seal_keyring_add(&full, keys[SEAL_KEYS_MAX]), SEAL_FULL);
    cr_assert_eq(seal_keyring_add(&full, keys[0]), SEAL_DUPLICATE);
    cr_assert_eq(full.count, (size_t)SEAL_KEYS_MAX);
}

Test(seal, wiped_keyring_holds_nothing)
{
    struct seal_keyring zero;

    memset(&zero, 0, sizeof(zero));
    seal_keyring_wipe(&ring);
    cr_assert(memcmp(&ring, &zero, sizeof(ring)) == 0);
}

Test(seal, writes_nothing_past_its_capacity)
{
    for (size_t capacity = 0; capacity <= sizeof(hello) + SEAL_OVERHEAD; capacity++) {
        uint8_t *out = guard_copy(NULL, capacity);
        size_t size = seal_packet(&ring, nonce, hello, sizeof(hello), out, capacity);

        cr_assert_eq(size, capacity == sizeof(hello) + SEAL_OVERHEAD ? capacity : 0U);
        guard_free(out, capacity);
    }
    cr_assert_eq(seal_packet(&ring, nonce, hello, SIZE_MAX, keys[0], SEAL_KEY_BYTES), 0U);
}

Test(seal, plain_text_that_does_not_fit_is_refused)
{
    uint8_t packet[PACKET_MAX];
    size_t length = seal_hello(&ring, packet);

    for (size_t capacity = 0; capacity < sizeof(hello); capacity++) {
        uint8_t *plain = guard_copy(NULL, capacity);
        size_t plain_length = 99;

        cr_assert_eq(seal_open(&ring, packet, length, plain, capacity, &plain_length),
                     SEAL_NO_ROOM);
        cr_assert_eq(plain_length, 0U);
        guard_free(plain, capacity);
    }
}

Test(seal, forged_packet_leaves_no_plain_text)
{
    uint8_t packet[PACKET_MAX], plain[sizeof(hello)] = {0};
    size_t length = seal_hello(&ring, packet), plain_length = 0;

    packet[length - 1] ^= 1;
    cr_assert_eq(seal_open(&ring, packet, length, plain, sizeof(plain), &plain_length),
                 SEAL_FORGED);
    cr_assert_arr_neq(plain, hello, sizeof(hello));
}

Test(seal, every_error_has_a_name)
{
    for (int i = 0; i < SEAL_ERROR_COUNT; i++) {
        cr_assert_not_null(seal_error_name((enum seal_error)i), "%d", i);
        for (int j = 0; j < i; j++)
            cr_assert_str_neq(seal_error_name((enum seal_error)i),
                              seal_error_name((enum seal_error)j));
    }
}
