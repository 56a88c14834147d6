// SPDX-License-Identifier: Apache-2.0
/* fuzz_hex.c - texts from strangers as hexadecimal and base64: what is accepted encodes back
 *
 * The first byte chooses: 0 hexadecimal, 1 and 2 the variants of base64, 3 bytes to encode.
 */
#include "crypto/base64.h"
#include "crypto/hex.h"
#include "tests/support/guard.h"

#include <stdlib.h>
#include <string.h>

#define TEXT_MAX 600

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void require(int truth)
{
    if (!truth)
        abort();
}

static char lower(char c)
{
    return c >= 'A' && c <= 'F' ? (char)(c - 'A' + 'a') : c;
}

static void try_hex(const char *text, size_t size)
{
    uint8_t bytes[TEXT_MAX / 2];
    char back[TEXT_MAX + 1];

    if (!hex_decode(text, size, bytes, size / 2))
        return;
    hex_encode(bytes, size / 2, back, sizeof(back));
    require(strlen(back) == size);
    for (size_t i = 0; i < size; i++)
        require(back[i] == lower(text[i]));
}

static void try_base64(enum base64_variant variant, const char *text, size_t size)
{
    uint8_t bytes[TEXT_MAX];
    char back[BASE64_SIZE(TEXT_MAX)];
    size_t length = 1;

    if (!base64_decode(variant, text, size, bytes, sizeof(bytes), &length)) {
        require(length == 0);
        return;
    }
    require(base64_encode(variant, bytes, length, back, sizeof(back)) == size);
    require(memcmp(back, text, size) == 0);
}

static void try_encode(const uint8_t *data, size_t size)
{
    uint8_t back[TEXT_MAX];
    char text[HEX_SIZE(TEXT_MAX)];

    hex_encode(data, size, text, HEX_SIZE(size));
    require(hex_decode(text, 2 * size, back, size) && memcmp(back, data, size) == 0);
    for (int variant = BASE64_STANDARD; variant <= BASE64_URL; variant++) {
        size_t length = 0;
        size_t text_length =
            base64_encode((enum base64_variant)variant, data, size, text, BASE64_SIZE(size));

        require(
            base64_decode((enum base64_variant)variant, text, text_length, back, size, &length));
        require(length == size && memcmp(back, data, size) == 0);
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    if (size < 1 || size > TEXT_MAX)
        return 0;
    uint8_t *input = guard_copy(data + 1, size - 1);
    switch (data[0] % 4) {
    case 0: try_hex((const char *)input, size - 1); break;
    case 1: try_base64(BASE64_STANDARD, (const char *)input, size - 1); break;
    case 2: try_base64(BASE64_URL, (const char *)input, size - 1); break;
    default: try_encode(input, size - 1); break;
    }
    guard_free(input, size - 1);
    return 0;
}
