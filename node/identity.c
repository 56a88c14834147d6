// SPDX-License-Identifier: Apache-2.0
/* identity.c - who this node is over restarts: its key pair and its epoch, in the data directory */
#include "node/identity.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "crypto/hash.h"
#include "crypto/hex.h"
#include "node/file.h"
#include "node/log.h"

/* Both files are one line: what it is, the value, and a check so that a torn one is recognised.
 *
 *     aurora-identity 1 <seed: 64 hex digits> <check: 16 hex digits>
 *     aurora-epoch 1 <decimal> <check: 16 hex digits>
 */
#define IDENTITY_PREFIX  "aurora-identity 1 "
#define EPOCH_PREFIX     "aurora-epoch 1 "
#define CHECK_BYTES      8
#define CHECK_TEXT_BYTES (2 * CHECK_BYTES)
#define SEED_TEXT_BYTES  (2 * KEY_SEED_BYTES)
#define IDENTITY_LEN     (sizeof IDENTITY_PREFIX - 1 + SEED_TEXT_BYTES + 1 + CHECK_TEXT_BYTES + 1)
#define LINE_MAX_BYTES   256

static void check_of(const void *value, size_t len, char out[CHECK_TEXT_BYTES + 1])
{
    struct hash hash;

    hash_of("data-file", value, len, &hash);
    hex_encode(hash.bytes, CHECK_BYTES, out, CHECK_TEXT_BYTES + 1);
}

/* --- The key pair
 * ------------------------------------------------------------------------------------------ */

static bool identity_parse(const char *line, size_t len, uint8_t seed[KEY_SEED_BYTES])
{
    const size_t prefix = sizeof IDENTITY_PREFIX - 1;
    char check[CHECK_TEXT_BYTES + 1];

    if (len != IDENTITY_LEN || memcmp(line, IDENTITY_PREFIX, prefix) != 0 ||
        !hex_decode(line + prefix, SEED_TEXT_BYTES, seed, KEY_SEED_BYTES))
        return false;
    check_of(seed, KEY_SEED_BYTES, check);
    return memcmp(line + prefix + SEED_TEXT_BYTES + 1, check, CHECK_TEXT_BYTES) == 0;
}

static bool identity_create(int dir, uint8_t seed[KEY_SEED_BYTES],
                            char error[IDENTITY_ERROR_MAX_BYTES])
{
    char text[SEED_TEXT_BYTES + 1], check[CHECK_TEXT_BYTES + 1], line[LINE_MAX_BYTES];

    key_seed_generate(seed);
    hex_encode(seed, KEY_SEED_BYTES, text, sizeof text);
    check_of(seed, KEY_SEED_BYTES, check);
    int len = snprintf(line, sizeof line, IDENTITY_PREFIX "%s %s\n", text, check);
    bool is_done = file_replace(dir, "identity", line, (size_t)len, 0600);
    if (!is_done)
        snprintf(error, IDENTITY_ERROR_MAX_BYTES, "cannot write the file `identity`: %s",
                 strerror(errno));
    key_wipe(text, sizeof text);
    key_wipe(line, sizeof line);
    return is_done;
}

static bool identity_read(int dir, uint8_t seed[KEY_SEED_BYTES],
                          char error[IDENTITY_ERROR_MAX_BYTES])
{
    char line[LINE_MAX_BYTES];
    ssize_t len = file_read(dir, "identity", line, sizeof line);

    if (len < 0 && errno == ENOENT)
        return identity_create(dir, seed, error);
    bool is_good = len >= 0 && identity_parse(line, (size_t)len, seed);
    if (len < 0)
        snprintf(error, IDENTITY_ERROR_MAX_BYTES, "cannot read the file `identity`: %s",
                 strerror(errno));
    else if (!is_good)
        snprintf(
            error, IDENTITY_ERROR_MAX_BYTES,
            "the file `identity` is damaged: restore it from a backup, or remove it to start as "
            "a new node");
    key_wipe(line, sizeof line);
    return is_good;
}

bool identity_load(int dir, struct key_pair *pair, char error[IDENTITY_ERROR_MAX_BYTES])
{
    uint8_t seed[KEY_SEED_BYTES];
    bool is_good = identity_read(dir, seed, error);

    if (is_good)
        key_pair_from_seed(seed, pair);
    key_wipe(seed, sizeof seed);
    return is_good;
}

/* --- The epoch ------------------------------------------------------------------------------- */

static bool epoch_parse(char *line, uint64_t *epoch)
{
    char check[CHECK_TEXT_BYTES + 1], found[CHECK_TEXT_BYTES + 1];

    if (sscanf(line, EPOCH_PREFIX "%20" SCNu64 " %16s", epoch, found) != 2)
        return false;
    check_of(epoch, sizeof *epoch, check);
    return strcmp(found, check) == 0;
}

bool identity_write_epoch(int dir, uint64_t epoch)
{
    char check[CHECK_TEXT_BYTES + 1], line[LINE_MAX_BYTES];

    check_of(&epoch, sizeof epoch, check);
    int len = snprintf(line, sizeof line, EPOCH_PREFIX "%" PRIu64 " %s\n", epoch, check);
    return file_replace(dir, "epoch", line, (size_t)len, 0644);
}

bool identity_next_epoch(int dir, uint64_t wall_ms, uint64_t *epoch)
{
    char line[LINE_MAX_BYTES];
    ssize_t len = file_read(dir, "epoch", line, sizeof line - 1);
    uint64_t last = 0;

    if (len < 0 && errno != ENOENT)
        return false;
    if (len >= 0) {
        line[len] = '\0';
        if (!epoch_parse(line, &last)) {
            /* The wall clock will do, and the cluster remembers the rest: see the join exchange. */
            log_say(LOG_LEVEL_WARNING, "store.epoch_damaged",
                    "the file `epoch` is damaged; going on from the wall clock");
            last = 0;
        }
    }
    *epoch = last + 1 > wall_ms / 1000 ? last + 1 : wall_ms / 1000;
    if (*epoch == 0)
        *epoch = 1;
    return identity_write_epoch(dir, *epoch);
}
