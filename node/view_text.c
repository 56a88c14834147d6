// SPDX-License-Identifier: Apache-2.0
/* view_text.c - parts of the view as short texts, as headers and JSON show them */
#include "node/view_text.h"

#include "crypto/hex.h"

char *view_number_text(uint64_t number, char out[17])
{
    uint8_t bytes[8];

    for (int i = 0; i < 8; i++)
        bytes[i] = (uint8_t)(number >> (56 - 8 * i));
    hex_encode(bytes, sizeof bytes, out, 17);
    return out;
}

char *view_digest_text(const struct view *view, char out[VIEW_DIGEST_TEXT_BYTES])
{
    view_number_text(view->digest[0], out);
    view_number_text(view->digest[1], out + 16);
    return out;
}
