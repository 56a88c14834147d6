// SPDX-License-Identifier: Apache-2.0
/* test_registration_body.c - registrations read strictly: every fault names its field */
#include "node/registration_body.h"

#include <criterion/criterion.h>
#include <stdio.h>
#include <string.h>

#include "tests/support/guard.h"

static struct registration_body body;
static uint8_t *copy;
static size_t copy_len;

static bool reads(const char *text)
{
    copy_len = strlen(text);
    copy = guard_copy(text, copy_len);
    return registration_body_read(&body, span_of(copy, copy_len), 300,
                                  &(struct addr){.family = ADDR_IPV4, .ip = {198, 51, 100, 9}});
}

static void done(void)
{
    registration_body_free(&body);
    guard_free(copy, copy_len);
}

static bool says(struct span span, const char *text)
{
    return span_equal(span, span_of_text(text));
}

Test(registration_body, the_seeds_registration)
{
    cr_assert(reads("{\"peer_id\":\"p\",\"address\":\"192.0.2.1\",\"port\":8080,"
                    "\"archetypes\":[\"a\",\"b\"],\"metadata\":{\"k\":[1,{\"x\":null}]}}"));
    const struct peer_description *peer = &body.registration.peer;
    cr_assert(says(peer->peer_id, "p") && says(peer->address, "192.0.2.1"));
    cr_assert(peer->port == 8080 && peer->ttl_s == 300 && peer->archetype_count == 2);
    cr_assert(says(peer->archetypes[1], "b"));
    cr_assert(says(peer->metadata, "{\"k\":[1,{\"x\":null}]}"));
    done();
}

Test(registration_body, metadata_is_kept_byte_for_byte)
{
    static const char metadata[] =
        "{ \"z\":1.50, \"a\" : 1e2,\n\"n\":123456789012345678901234567890, "
        "\"u\":\"\\u00e9\\u0000\" }";
    char text[256];

    snprintf(text, sizeof text, "{\"peer_id\":\"p\",\"port\":1,\"metadata\" :  %s }", metadata);
    cr_assert(reads(text), "%s", body.error);
    cr_assert(says(body.registration.peer.metadata, metadata));
    done();
}

Test(registration_body, what_is_absent_or_null_has_a_default)
{
    cr_assert(reads("{\"peer_id\":\"p\",\"port\":0,\"address\":\"\",\"archetypes\":null,"
                    "\"metadata\":null,\"ttl_seconds\":null,\"other\":[{}]}"));
    cr_assert(says(body.registration.peer.address, "198.51.100.9"));
    cr_assert_eq(body.registration.peer.archetype_count, 0);
    cr_assert_eq(body.registration.peer.metadata.len, 0);
    done();
}

Test(registration_body, ip_stands_in_for_address_and_texts_for_ports)
{
    cr_assert(reads("{\"peer_id\":\"p\",\"port\":\"65535\",\"ip\":\"2001:db8::1\","
                    "\"ttl_seconds\":10}"));
    cr_assert(says(body.registration.peer.address, "2001:db8::1"));
    cr_assert(body.registration.peer.port == 65535 && body.registration.peer.ttl_s == 10);
    done();
}

Test(registration_body, faults_name_their_field)
{
    static const struct {
        const char *text, *field;
    } cases[] = {
        {"", "body"},
        {"[]", "body"},
        {"{\"peer_id\":\"p\"", "body"},
        {"{\"peer_id\":\"p\",\"port\":1}x", "body"},
        {"{\"port\":1}", "peer_id: missing"},
        {"{\"peer_id\":null,\"port\":1}", "peer_id: missing"},
        {"{\"peer_id\":7,\"port\":1}", "peer_id"},
        {"{\"peer_id\":\"\",\"port\":1}", "peer_id"},
        {"{\"peer_id\":\"a\\u0007\",\"port\":1}", "peer_id"},
        {"{\"peer_id\":\"a\\u0000\",\"port\":1}", "peer_id"},
        {"{\"peer_id\":\"ed25519:xyz\",\"port\":1}", "peer_id"},
        {"{\"peer_id\":\"p\"}", "port: missing"},
        {"{\"peer_id\":\"p\",\"port\":-1}", "port"},
        {"{\"peer_id\":\"p\",\"port\":65536}", "port"},
        {"{\"peer_id\":\"p\",\"port\":1.5}", "port"},
        {"{\"peer_id\":\"p\",\"port\":true}", "port"},
        {"{\"peer_id\":\"p\",\"port\":\"8o\"}", "port"},
        {"{\"peer_id\":\"p\",\"port\":\"\"}", "port"},
        {"{\"peer_id\":\"p\",\"port\":99999999999999999999}", "port"},
        {"{\"peer_id\":\"p\",\"port\":1,\"address\":5}", "address"},
        {"{\"peer_id\":\"p\",\"port\":1,\"address\":\"a\\tb\"}", "address"},
        {"{\"peer_id\":\"p\",\"port\":1,\"ip\":[]}", "ip"},
        {"{\"peer_id\":\"p\",\"port\":1,\"archetypes\":\"a\"}", "archetypes"},
        {"{\"peer_id\":\"p\",\"port\":1,\"archetypes\":[1]}", "archetypes"},
        {"{\"peer_id\":\"p\",\"port\":1,\"archetypes\":[\"\"]}", "archetypes"},
        {"{\"peer_id\":\"p\",\"port\":1,\"metadata\":[]}", "metadata"},
        {"{\"peer_id\":\"p\",\"port\":1,\"metadata\":\"{}\"}", "metadata"},
        {"{\"peer_id\":\"p\",\"port\":1,\"metadata\":{\"a\":1,\"a\":2}}", "metadata"},
        {"{\"peer_id\":\"p\",\"port\":1,\"metadata\":{\"a\":{\"b\":1,\"\\u0062\":2}}}",
         "metadata: a member is given twice"},
        {"{\"peer_id\":\"p\",\"port\":1,\"metadata\":{\"a\\u0000\":1}}",
         "metadata: a member's name holds U+0000"},
        {"{\"peer_id\":\"p\",\"port\":1,\"metadata\":{\"a\":[-1e999]}}",
         "metadata: a number is out of range"},
        {"{\"peer_id\":\"p\",\"port\":\"1\\u006f\"}", "port"},
        {"{\"peer_id\":\"p\",\"port\":18446744073709551617}", "port"},
        {"{\"peer_id\":\"p\",\"port\":1,\"peer_version\":9223372036854775808}", "peer_version"},
        {"{\"peer_id\":\"p\",\"port\":1,\"ttl_seconds\":60.0}", "ttl_seconds"},
        {"{\"peer_id\":\"p\",\"port\":1,\"ttl_seconds\":9}", "ttl_seconds"},
        {"{\"peer_id\":\"p\",\"port\":1,\"ttl_seconds\":86401}", "ttl_seconds"},
        {"{\"peer_id\":\"p\",\"port\":1,\"ttl_seconds\":\"300\"}", "ttl_seconds"},
        {"{\"peer_id\":\"p\",\"port\":1,\"peer_id\":\"q\"}", "peer_id: given twice"},
        {"{\"peer_id\":\"p\",\"port\":1,\"p\\u006frt\":2}", "port: given twice"},
        {"{\"peer_id\":\"p\",\"port\":1,\"signature\":\"00\"}", "peer_version"},
        {"{\"peer_id\":\"p\",\"port\":1,\"peer_version\":1}", "signature"},
        {"{\"peer_id\":\"p\",\"port\":1,\"public_key\":\"00\"}", "public_key"},
        {"{\"peer_id\":\"p\\ud800\",\"port\":1}", "peer_id"},
        {"{\"peer_id\":\"p\xff\",\"port\":1}", "peer_id"},
        {"{\"peer_id\":\"p\x01\",\"port\":1}", "peer_id"},
        {"{\"peer_id\":\"p\",\"port\":NaN}", "port"},
        {"{\"peer_id\":\"p\",\"metadata\":{\"a\":}}", "metadata"},
        {"{\"peer_id\":\"p\",\"port\":1,}", "body"},
        {"{\"other\":\"\xff\"}", "body"},
    };

    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        cr_assert_not(reads(cases[i].text), "%s", cases[i].text);
        cr_assert_eq(body.status, 400, "%s", cases[i].text);
        cr_assert_eq(strncmp(body.error, cases[i].field, strlen(cases[i].field)), 0, "%s: %s",
                     cases[i].text, body.error);
        done();
    }
}

Test(registration_body, strings_are_taken_by_what_they_say)
{
    cr_assert(reads("{\"peer_id\":\"p\\u00e9\\/1\",\"\\u0070ort\":\"80\\u0038\\u0030\",\"address\":"
                    "\"h\\u006fst\",\"archetypes\":[\"a\\\\b\",\"c\",\"\\ud83c\\udf05\"]}"),
              "%s", body.error);
    const struct peer_description *peer = &body.registration.peer;
    cr_assert(says(peer->peer_id, "p\xc3\xa9/1") && says(peer->address, "host"));
    cr_assert_eq(peer->port, 8080);
    cr_assert(says(peer->archetypes[0], "a\\b") && says(peer->archetypes[1], "c"));
    cr_assert(says(peer->archetypes[2], "\xf0\x9f\x8c\x85"));
    done();
}

/* What is twice in one object is no fault in two. */
Test(registration_body, metadata_of_one_meaning)
{
    static const char *const fine[] = {
        "{}",
        "{\"a\":{\"a\":{\"a\":1}},\"b\":[{\"a\":1},{\"a\":2}]}",
        "{\"a\":1e308,\"b\":-1E-999,\"c\":\"\\u0000\",\"\":0}",
    };
    char text[256];

    for (size_t i = 0; i < sizeof fine / sizeof fine[0]; i++) {
        snprintf(text, sizeof text, "{\"peer_id\":\"p\",\"port\":1,\"metadata\":%s}", fine[i]);
        cr_assert(reads(text), "%s", body.error);
        cr_assert(says(body.registration.peer.metadata, fine[i]));
        done();
    }
}

Test(registration_body, metadata_of_many_members)
{
    char text[600];
    int len = snprintf(text, sizeof text, "{\"peer_id\":\"p\",\"port\":1,\"metadata\":{");

    for (int i = 0; i < 84; i++)
        len += snprintf(text + len, sizeof text - (size_t)len, "%s\"%c\":0", i == 0 ? "" : ",",
                        '#' + i + (i > '\\' - '$'));
    snprintf(text + len, sizeof text - (size_t)len, "}}");
    cr_assert(reads(text), "%s", body.error);
    done();
    snprintf(text + len, sizeof text - (size_t)len, ",\"#\":0}}");
    cr_assert_not(reads(text));
    cr_assert_eq(strcmp(body.error, "metadata: a member is given twice"), 0, "%s", body.error);
    done();
}

Test(registration_body, metadata_of_512_bytes_fits_and_of_513_is_too_large)
{
    char text[1024];

    for (int size = 512; size <= 513; size++) {
        snprintf(text, sizeof text, "{\"peer_id\":\"p\",\"port\":1,\"metadata\":{\"k\":\"%0*d\"}}",
                 size - 8, 0);
        cr_assert_eq(reads(text), size == 512, "%s", body.error);
        if (size == 513)
            cr_assert_eq(body.status, 413);
        done();
    }
}

Test(registration_body, a_signature_makes_a_signed_peer)
{
    char text[512];

    snprintf(text, sizeof text,
             "{\"peer_id\":\"ed25519:%064d\",\"port\":1,\"public_key\":\"%064d\","
             "\"peer_version\":3,\"signature\":\"%0128d\"}",
             0, 0, 0);
    cr_assert(reads(text), "%s", body.error);
    cr_assert(body.registration.peer.is_signed && body.registration.peer.peer_version == 3);
    done();
}

Test(registration_body, deep_nesting_is_refused_wherever_it_is)
{
    char text[2048] = "{\"peer_id\":\"p\",\"port\":1,\"other\":";
    size_t len = strlen(text);

    memset(text + len, '[', 500);
    memset(text + len + 500, ']', 500);
    memcpy(text + len + 1000, "}", 2);
    cr_assert_not(reads(text));
    cr_assert_not_null(strstr(body.error, "nested"));
    done();
}
