// SPDX-License-Identifier: Apache-2.0
/* keyring.h - the cluster's keys from --key-file */
#ifndef AURORA_NODE_KEYRING_H
#define AURORA_NODE_KEYRING_H

#include <stdbool.h>
#include <stddef.h>

#include "crypto/seal.h"

#define KEYRING_ERROR_MAX_BYTES 512
#define KEYRING_FILE_MAX_BYTES  8192

/* The keys of the file at `path`: one per line as 64 hexadecimal digits or base64 of 32 bytes,
 * blank lines and lines that begin with # ignored; the first is the primary one. An empty path: the
 * open key that follows from the cluster's name. False: `error` names the file, the line and what
 * is wrong. */
bool keyring_load(struct seal_keyring *, const char *cluster, const char *path,
                  char error[KEYRING_ERROR_MAX_BYTES]);
/* The same of a text. */
bool keyring_parse(struct seal_keyring *, const char *name, const char *text, size_t len,
                   char error[KEYRING_ERROR_MAX_BYTES]);

#endif
