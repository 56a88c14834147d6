// SPDX-License-Identifier: Apache-2.0
/* token.h - lease tokens: who holds one may renew and end the lease it came with
 *
 * A token is 128 random bits as text. The cluster only ever sees its hash: a record is public, and
 * must not give its lease away. */
#ifndef AURORA_NODE_TOKEN_H
#define AURORA_NODE_TOKEN_H

#include "gossip/limits.h"
#include "gossip/span.h"

#define TOKEN_TEXT_BYTES 23  /* 22 characters of base64url and a NUL */
#define TOKEN_MAX_BYTES  128 /* what we look at when one is shown */

void token_new(char text[TOKEN_TEXT_BYTES]);
/* Any text has a hash; only the right one has the right one. */
void token_hash(struct span text, uint8_t hash[LEASE_TOKEN_HASH_BYTES]);

#endif
