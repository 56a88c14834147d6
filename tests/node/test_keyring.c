// SPDX-License-Identifier: Apache-2.0
/* test_keyring.c - key files: what is a key, what is not, and that errors do not repeat secrets */
#include "node/keyring.h"

#include <criterion/criterion.h>
#include <stdio.h>
#include <string.h>

#define HEX_A    "0101010101010101010101010101010101010101010101010101010101010101"
#define HEX_B    "0202020202020202020202020202020202020202020202020202020202020202"
#define BASE64_A "AQEBAQEBAQEBAQEBAQEBAQEBAQEBAQEBAQEBAQEBAQE="

static struct seal_keyring ring;
static char error[KEYRING_ERROR_MAX_BYTES];

static bool parse(const char *text)
{
    seal_keyring_init(&ring, "c");
    return keyring_parse(&ring, "keys", text, strlen(text), error);
}

Test(keyring, one_key_per_line_the_first_is_primary)
{
    cr_assert(parse("# new\n" HEX_B "\r\n\n  " HEX_A "  \n"), "%s", error);
    cr_assert_eq(ring.count, 2);
    cr_assert_eq(ring.keys[0].bytes[0], 2);
    cr_assert_eq(ring.keys[1].bytes[31], 1);
}

Test(keyring, base64_is_a_key_too)
{
    cr_assert(parse(BASE64_A), "%s", error);
    cr_assert_eq(ring.keys[0].bytes[0], 1);
    cr_assert_eq(ring.keys[0].bytes[31], 1);
    cr_assert_not(parse(HEX_A "\n" BASE64_A), "the same key twice");
    cr_assert(strstr(error, "keys:2") != NULL && strstr(error, "repeats") != NULL, "%s", error);
}

Test(keyring, errors_name_the_line_and_never_the_secret)
{
    static const char *const wrong[] = {"0101", HEX_A "1", "secretsecret", HEX_A " " HEX_B,
                                        "AQEBAQEBAQEBAQEBAQEBAQEBAQEBAQEBAQEBAQEBAQ=="};

    for (size_t i = 0; i < sizeof wrong / sizeof wrong[0]; i++) {
        char text[256];

        snprintf(text, sizeof text, "%s\n%s\n", HEX_B, wrong[i]);
        cr_assert_not(parse(text), "\"%s\" was taken", wrong[i]);
        cr_assert(strstr(error, "keys:2: ") != NULL, "%s", error);
        cr_assert(strstr(error, wrong[i]) == NULL, "the secret is in: %s", error);
    }
}

Test(keyring, a_file_without_keys_is_an_error_not_an_open_cluster)
{
    cr_assert_not(parse(""));
    cr_assert_not(parse("# only a comment\n"));
    cr_assert(strstr(error, "no key") != NULL, "%s", error);
}

Test(keyring, more_keys_than_fit_are_refused)
{
    char text[1024] = "";

    for (int i = 0; i <= SEAL_KEYS_MAX; i++) {
        char line[80];

        snprintf(line, sizeof line, "%064d\n", i);
        memcpy(text + 65 * (size_t)i, line, 66);
    }
    cr_assert_not(parse(text));
    cr_assert(strstr(error, "keys:9: ") != NULL, "%s", error);
}

Test(keyring, without_a_file_the_cluster_has_an_open_key)
{
    struct seal_keyring other;

    cr_assert(keyring_load(&ring, "c", "", error));
    cr_assert(keyring_load(&other, "d", "", error));
    cr_assert_eq(ring.count, 1);
    cr_assert_neq(memcmp(ring.keys[0].bytes, other.keys[0].bytes, SEAL_KEY_BYTES), 0);
    cr_assert_not(keyring_load(&ring, "c", "/proc/nowhere", error));
    cr_assert(strstr(error, "cannot read /proc/nowhere") != NULL, "%s", error);
}
