// SPDX-License-Identifier: Apache-2.0
/* test_token.c - lease tokens: never twice the same, and known by their hash alone */
#include "node/token.h"

#include <criterion/criterion.h>
#include <string.h>

#include "crypto/key.h"

Test(token, every_one_is_new_and_may_stand_in_a_url)
{
    char tokens[50][TOKEN_TEXT_BYTES];

    cr_assert(key_library_init());
    for (int i = 0; i < 50; i++) {
        token_new(tokens[i]);
        cr_assert_eq(strlen(tokens[i]), TOKEN_TEXT_BYTES - 1);
        cr_assert_eq(strspn(tokens[i], "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz"
                                       "0123456789-_"),
                     TOKEN_TEXT_BYTES - 1);
        for (int j = 0; j < i; j++)
            cr_assert_str_neq(tokens[i], tokens[j]);
    }
}

Test(token, one_text_has_one_hash)
{
    uint8_t a[LEASE_TOKEN_HASH_BYTES], b[LEASE_TOKEN_HASH_BYTES];

    token_hash(span_of_text("abc"), a);
    token_hash(span_of_text("abc"), b);
    cr_assert_arr_eq(a, b, sizeof a);
    token_hash(span_of_text("abd"), b);
    cr_assert_arr_neq(a, b, sizeof a);
}
