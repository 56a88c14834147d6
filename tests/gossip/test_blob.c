// SPDX-License-Identifier: Apache-2.0
/* test_blob.c - statements are shared while held, and verified ones found again */
#include "gossip/blob.h"

#include "tests/gossip/samples.h"

#include <criterion/criterion.h>

static struct key_pair pair;
static struct sign_scope scope;
static struct blob_store *store;
static uint8_t bytes[100];

static void start(void)
{
    pair = sample_pair(1);
    scope = sample_scope();
    store = blob_store_new();
    for (size_t i = 0; i < sizeof bytes; i++)
        bytes[i] = (uint8_t)i;
}

static void stop(void)
{
    blob_store_free(store);
}

TestSuite(blob, .init = start, .fini = stop);

static struct blob *find(void)
{
    return blob_store_find(store, span_of(bytes, sizeof bytes), &pair.public, &scope);
}

Test(blob, holds_a_copy_cut_into_signature_and_body)
{
    struct blob *blob = blob_new(span_of(bytes, sizeof bytes));

    bytes[70] = 0xff;
    cr_assert_eq(blob_span(blob).len, sizeof bytes);
    cr_assert_eq(blob_body(blob).len, sizeof bytes - 64);
    cr_assert_eq(blob_body(blob).data[6], 70);
    blob_release(blob);
    blob_release(NULL);
}

Test(blob, lives_until_the_last_reference_goes)
{
    struct blob *blob = blob_new(span_of(bytes, sizeof bytes));

    cr_assert_eq(blob_retain(blob), blob);
    blob_release(blob);
    cr_assert_eq(blob->bytes[99], 99);
    blob_release(blob);
}

Test(blob, store_finds_the_same_object_and_retains_it)
{
    struct blob *blob = blob_new(span_of(bytes, sizeof bytes));

    cr_assert_null(find());
    blob_store_add(store, blob, &pair.public, &scope);
    blob_store_add(store, blob, &pair.public, &scope);
    cr_assert_eq(find(), blob);
    blob_release(blob);
    blob_release(blob);
    cr_assert_eq(find(), blob, "the store holds it still");
    blob_release(blob);
}

Test(blob, store_knows_other_bytes_signers_and_scopes_apart)
{
    struct blob *blob = blob_new(span_of(bytes, sizeof bytes));
    struct key_pair other = sample_pair(2);
    struct sign_scope elsewhere;

    sign_scope_of("elsewhere", &elsewhere);
    blob_store_add(store, blob, &pair.public, &scope);
    blob_release(blob);
    cr_assert_null(blob_store_find(store, span_of(bytes, sizeof bytes), &other.public, &scope));
    cr_assert_null(blob_store_find(store, span_of(bytes, sizeof bytes), &pair.public, &elsewhere));
    cr_assert_null(blob_store_find(store, span_of(bytes, sizeof bytes - 1), &pair.public, &scope));
    bytes[0] ^= 1; /* of the signature */
    cr_assert_null(find());
}

Test(blob, sweep_drops_only_what_nobody_else_holds)
{
    struct blob *held[300];

    for (size_t i = 0; i < 300; i++) {
        bytes[1] = (uint8_t)i;
        bytes[2] = (uint8_t)(i >> 8);
        held[i] = blob_new(span_of(bytes, sizeof bytes));
        blob_store_add(store, held[i], &pair.public, &scope);
        if (i % 3 == 0)
            blob_release(held[i]);
    }
    blob_store_sweep(store);
    blob_store_sweep(store);
    for (size_t i = 0; i < 300; i++) {
        bytes[1] = (uint8_t)i;
        bytes[2] = (uint8_t)(i >> 8);
        struct blob *found = find();
        cr_assert_eq(found, i % 3 == 0 ? NULL : held[i], "%zu", i);
        blob_release(found);
        if (i % 3 != 0)
            blob_release(held[i]);
    }
    blob_store_sweep(store);
    cr_assert_null(find());
}

Test(blob, outlives_its_store)
{
    struct blob_store *brief = blob_store_new();
    struct blob *blob = blob_new(span_of(bytes, sizeof bytes));

    blob_store_add(brief, blob, &pair.public, &scope);
    blob_store_free(brief);
    blob_store_free(NULL);
    cr_assert_eq(blob->bytes[5], 5);
    blob_release(blob);
}
