// SPDX-License-Identifier: Apache-2.0
/* keyring.c - the cluster's keys from --key-file */
#include "node/keyring.h"

#include <errno.h>
#include <fcntl.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "crypto/base64.h"
#include "crypto/hex.h"
#include "crypto/key.h"

static bool parse_key(const char *text, size_t len, uint8_t key[SEAL_KEY_BYTES])
{
    size_t key_len;

    if (len == 2 * SEAL_KEY_BYTES && hex_decode(text, len, key, SEAL_KEY_BYTES))
        return true;
    return (base64_decode(BASE64_STANDARD, text, len, key, SEAL_KEY_BYTES, &key_len) ||
            base64_decode(BASE64_URL, text, len, key, SEAL_KEY_BYTES, &key_len)) &&
           key_len == SEAL_KEY_BYTES;
}

/* NULL, or what is wrong with the line. It never repeats the line: that is a secret. */
static const char *add_line(struct seal_keyring *ring, const char *line, size_t len)
{
    uint8_t key[SEAL_KEY_BYTES];
    enum seal_error error;

    while (len > 0 && strchr(" \t\r", line[len - 1]) != NULL)
        len--;
    while (len > 0 && strchr(" \t", *line) != NULL) {
        line++;
        len--;
    }
    if (len == 0 || *line == '#')
        return NULL;
    if (!parse_key(line, len, key))
        return "is no key: 64 hexadecimal digits or the base64 of 32 bytes (`aurora key new` makes "
               "one)";
    error = seal_keyring_add(ring, key);
    key_wipe(key, sizeof key);
    return error == SEAL_FULL        ? "is one key too many: 8 are the most"
           : error == SEAL_DUPLICATE ? "repeats an earlier key"
                                     : NULL;
}

bool keyring_parse(struct seal_keyring *ring, const char *name, const char *text, size_t len,
                   char error[KEYRING_ERROR_MAX_BYTES])
{
    const char *end = text + len;

    for (size_t number = 1; text < end; number++) {
        const char *newline = memchr(text, '\n', (size_t)(end - text));
        size_t line_len = (size_t)((newline != NULL ? newline : end) - text);
        const char *wrong = add_line(ring, text, line_len);

        if (wrong != NULL) {
            snprintf(error, KEYRING_ERROR_MAX_BYTES, "--key-file: %.300s:%zu: the line %s", name,
                     number, wrong);
            return false;
        }
        text += line_len + (newline != NULL);
    }
    if (ring->count > 0)
        return true;
    snprintf(error, KEYRING_ERROR_MAX_BYTES,
             "--key-file: %.300s holds no key (`aurora key new` makes one)", name);
    return false;
}

static bool keyring_read(struct seal_keyring *ring, const char *path,
                         char error[KEYRING_ERROR_MAX_BYTES])
{
    char text[KEYRING_FILE_MAX_BYTES];
    int fd = open(path, O_RDONLY | O_CLOEXEC);
    ssize_t len = fd < 0 ? -1 : read(fd, text, sizeof text);
    bool is_right = false;

    if (len < 0)
        snprintf(error, KEYRING_ERROR_MAX_BYTES, "--key-file: cannot read %.300s: %s", path,
                 strerror(errno));
    else if (len == sizeof text)
        snprintf(error, KEYRING_ERROR_MAX_BYTES, "--key-file: %.300s is larger than %d bytes", path,
                 KEYRING_FILE_MAX_BYTES);
    else
        is_right = keyring_parse(ring, path, text, (size_t)len, error);
    if (fd >= 0)
        close(fd);
    key_wipe(text, sizeof text);
    return is_right;
}

bool keyring_load(struct seal_keyring *ring, const char *cluster, const char *path,
                  char error[KEYRING_ERROR_MAX_BYTES])
{
    uint8_t open_key[SEAL_KEY_BYTES];

    seal_keyring_init(ring, cluster);
    if (path[0] != '\0')
        return keyring_read(ring, path, error);
    seal_key_from_cluster(cluster, open_key);
    return seal_keyring_add(ring, open_key) == SEAL_OK;
}
