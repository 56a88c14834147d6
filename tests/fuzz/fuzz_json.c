// SPDX-License-Identifier: Apache-2.0
/* fuzz_json.c - registration bodies from strangers: what is accepted is within every limit
 *
 * And the scanner agrees with jansson on what JSON is, but for what only one of them limits: how
 * deep it nests, how large a number is, and NUL in a member's name.
 */
#include "node/json_scan.h"
#include "node/metadata_check.h"
#include "node/registration_body.h"
#include "tests/support/guard.h"

#include <jansson.h>
#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void require(int truth)
{
    if (!truth)
        abort();
}

static size_t brackets(const uint8_t *data, size_t size)
{
    size_t count = 0;

    for (size_t i = 0; i < size; i++)
        count += data[i] == '[' || data[i] == '{';
    return count;
}

static void compare(const uint8_t *data, size_t size)
{
    json_error_t error;
    bool is_valid = json_scan_is_valid(span_of(data, size), NULL);
    json_t *value = json_loadb((const char *)data, size,
                               JSON_DECODE_ANY | JSON_DECODE_INT_AS_REAL | JSON_ALLOW_NUL, &error);
    enum json_error_code code = value == NULL ? json_error_code(&error) : json_error_unknown;

    if (is_valid)
        require(value != NULL || code == json_error_numeric_overflow ||
                code == json_error_null_byte_in_key);
    else /* jansson takes a NUL behind a value for the end of the text */
        require(value == NULL || brackets(data, size) > JSON_DEPTH_MAX ||
                memchr(data, '\0', size) != NULL);
    json_decref(value);
}

/* What jansson refuses in valid JSON is what others might not understand. */
static void compare_metadata(struct span text)
{
    json_t *value;

    if (text.len == 0 || text.len > PEER_METADATA_MAX_BYTES || !json_scan_is_valid(text, NULL))
        return;
    while (text.len > 0 && (text.data[0] == ' ' || (text.data[0] >= '\t' && text.data[0] <= '\r')))
        text = span_of(text.data + 1, text.len - 1);
    value = json_loadb(
        (const char *)text.data, text.len,
        JSON_DECODE_ANY | JSON_DECODE_INT_AS_REAL | JSON_ALLOW_NUL | JSON_REJECT_DUPLICATES, NULL);
    require((metadata_check(text) == NULL) == (value != NULL));
    json_decref(value);
}

/* Every member that is found stands inside of the text and is a value itself; and all are found
 * where the whole is valid, and only there. */
static void walk(struct span text)
{
    struct json_members members;
    struct json_member member;

    if (!json_scan_members_begin(&members, text))
        return;
    while (json_scan_members_next(&members, &member)) {
        require(member.value.data > member.key.data + member.key.len - 1);
        require(member.value.data + member.value.len <= text.data + text.len);
        require(json_scan_is_valid(member.key, NULL) && json_scan_is_valid(member.value, NULL));
        json_scan_equals(member.key, span_of_text("peer_id"));
    }
    require(json_scan_members_ended(&members) == json_scan_is_valid(text, NULL));
}

static void check(const struct registration_body *body)
{
    const struct peer_description *peer = &body->registration.peer;

    require(statement_peer_check(peer) == NULL);
    require(peer->metadata.len <= PEER_METADATA_MAX_BYTES);
    if (peer->metadata.len > 0)
        require(peer->metadata.data[0] == '{' && json_scan_is_valid(peer->metadata, NULL));
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    uint8_t *input = guard_copy(data, size);
    const struct addr from = {.family = ADDR_IPV4, .ip = {192, 0, 2, 1}};
    struct registration_body body;

    if (registration_body_read(&body, span_of(input, size), 300, &from))
        check(&body);
    else
        require((body.status == 400 || body.status == 413) && body.error[0] != '\0');
    registration_body_free(&body);
    if (!heartbeat_body_read(&body, span_of(input, size)))
        require(body.status == 400 && body.error[0] != '\0');
    registration_body_free(&body);
    if (size > 0)
        compare(input, size);
    compare_metadata(span_of(input, size));
    walk(span_of(input, size));
    guard_free(input, size);
    return 0;
}
