// SPDX-License-Identifier: Apache-2.0
/* test_base64.c - one text for each value, and no other accepted */
#include "crypto/base64.h"

#include "tests/support/guard.h"

#include <criterion/criterion.h>
#include <string.h>

static bool decodes(enum base64_variant variant, const char *text, size_t text_length)
{
    uint8_t *input = guard_copy(text, text_length);
    uint8_t out[300];
    size_t length = 99;
    bool valid =
        base64_decode(variant, (const char *)input, text_length, out, sizeof(out), &length);

    if (!valid)
        cr_assert_eq(length, 0U);
    guard_free(input, text_length);
    return valid;
}

static bool standard(const char *text)
{
    return decodes(BASE64_STANDARD, text, strlen(text));
}

static bool url(const char *text)
{
    return decodes(BASE64_URL, text, strlen(text));
}

static void expect_text(enum base64_variant variant, const char *data, const char *expected)
{
    char text[BASE64_SIZE(16)];
    uint8_t back[16];
    size_t length = 0;

    cr_assert_eq(base64_encode(variant, data, strlen(data), text, sizeof(text)), strlen(expected));
    cr_assert_str_eq(text, expected);
    cr_assert(base64_decode(variant, text, strlen(text), back, sizeof(back), &length));
    cr_assert_eq(length, strlen(data));
    cr_assert(memcmp(back, data, length) == 0);
}

Test(base64, vectors_of_rfc_4648)
{
    static const char *const vectors[][3] = {
        {"", "", ""},
        {"f", "Zg==", "Zg"},
        {"fo", "Zm8=", "Zm8"},
        {"foo", "Zm9v", "Zm9v"},
        {"foob", "Zm9vYg==", "Zm9vYg"},
        {"fooba", "Zm9vYmE=", "Zm9vYmE"},
        {"foobar", "Zm9vYmFy", "Zm9vYmFy"},
        {"\xfb\xff\xbf", "+/+/", "-_-_"},
    };

    for (size_t i = 0; i < sizeof(vectors) / sizeof(vectors[0]); i++) {
        expect_text(BASE64_STANDARD, vectors[i][0], vectors[i][1]);
        expect_text(BASE64_URL, vectors[i][0], vectors[i][2]);
    }
}

Test(base64, there_and_back_at_every_length)
{
    uint8_t data[255], back[255];
    char text[BASE64_SIZE(sizeof(data))];

    for (size_t i = 0; i < sizeof(data); i++)
        data[i] = (uint8_t)(i * 5 + 3);
    for (int variant = BASE64_STANDARD; variant <= BASE64_URL; variant++) {
        for (size_t size = 0; size <= sizeof(data); size++) {
            size_t length = 999;
            size_t text_length =
                base64_encode((enum base64_variant)variant, data, size, text, BASE64_SIZE(size));

            cr_assert(base64_decode((enum base64_variant)variant, text, text_length, back, size,
                                    &length));
            cr_assert_eq(length, size);
            cr_assert(memcmp(back, data, size) == 0);
        }
    }
}

Test(base64, padding_is_exact)
{
    cr_assert_not(standard("Zg"));
    cr_assert_not(standard("Zg="));
    cr_assert_not(standard("Zg==="));
    cr_assert_not(standard("Zg===="));
    cr_assert_not(standard("Zm8"));
    cr_assert_not(standard("Zm8=="));
    cr_assert_not(standard("Zm9v="));
    cr_assert_not(standard("="));
    cr_assert_not(standard("===="));
    cr_assert_not(standard("Zg==Zg=="));
    cr_assert_not(standard("Z"));
    cr_assert_not(url("Z"));
    cr_assert_not(url("Zg=="));
    cr_assert_not(url("Zm8="));
    cr_assert_not(url("Zm9vZ"));
}

/* "Zg==" and "Zh==" decode to the same byte when nobody looks at the slack: two texts for one
 * key, and whoever compares texts has been fooled. */
Test(base64, slack_bits_are_zero)
{
    static const char alphabet[] =
        "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";

    for (size_t i = 0; i < 64; i++) {
        char one[] = {'Z', alphabet[i], '=', '=', '\0'};
        char two[] = {'Z', 'm', alphabet[i], '=', '\0'};

        cr_assert_eq(standard(one), i % 16 == 0, "%s", one);
        cr_assert_eq(standard(two), i % 4 == 0, "%s", two);
        if (i >= 62)
            continue;
        cr_assert_eq(decodes(BASE64_URL, one, 2), i % 16 == 0, "%.2s", one);
        cr_assert_eq(decodes(BASE64_URL, two, 3), i % 4 == 0, "%.3s", two);
    }
}

Test(base64, alphabets_do_not_mix)
{
    for (int c = 0; c < 256; c++) {
        char text[4] = {'A', 'A', (char)c, 'A'};
        bool common = c != 0 && strchr("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz"
                                       "0123456789",
                                       c) != NULL;

        cr_assert_eq(decodes(BASE64_STANDARD, text, 4), common || c == '+' || c == '/', "%d", c);
        cr_assert_eq(decodes(BASE64_URL, text, 4), common || c == '-' || c == '_', "%d", c);
    }
    cr_assert_not(standard("Zm9v\n"));
    cr_assert_not(standard(" Zm9v"));
    cr_assert_not(standard("Zm 9v"));
}

Test(base64, more_than_fits_is_refused)
{
    uint8_t *out = guard_copy(NULL, 5);
    size_t length = 99;

    cr_assert_not(base64_decode(BASE64_STANDARD, "Zm9vYmFy", 8, out, 5, &length));
    cr_assert_eq(length, 0U);
    cr_assert(base64_decode(BASE64_STANDARD, "Zm9vYmE=", 8, out, 5, &length));
    cr_assert_eq(length, 5U);
    guard_free(out, 5);
}
