// SPDX-License-Identifier: Apache-2.0
/* key.c - aurora key new: a fresh cluster key. */
#include <stdio.h>
#include <string.h>

#include "crypto/hex.h"
#include "crypto/key.h"
#include "crypto/seal.h"
#include "tools/command.h"

static enum exit_status run(const struct request *request)
{
    uint8_t key[SEAL_KEY_BYTES];
    char text[2 * SEAL_KEY_BYTES + 1];
    if (strcmp(request->words[0], "new") != 0)
        return request_refuse(request, "\"%s\" is not known; there is: new", request->words[0]);
    if (!key_library_init()) {
        fprintf(stderr, "aurora: the system gives no randomness\n");
        return EXIT_REFUSED;
    }
    key_random(key, sizeof key);
    hex_encode(key, sizeof key, text, sizeof text);
    key_wipe(key, sizeof key);
    if (request->wants_json)
        printf("{\"key\": \"%s\"}\n", text);
    else
        puts(text);
    key_wipe(text, sizeof text);
    return EXIT_DONE;
}

const struct command command_key = {
    .name = "key",
    .arguments = "new",
    .summary = "A fresh cluster key: put it into every node's --key-file",
    .help = "example: (umask 077; aurora key new > cluster.key)\n"
            "A key file holds one key a line. The first seals; all of them open: to change keys, "
            "add the\n"
            "new one as the second line everywhere, then make it the first, then drop the old one.",
    .options = "",
    .words_min = 1,
    .words_max = 1,
    .run = run,
};
