// SPDX-License-Identifier: Apache-2.0
/* metadata_check.h - would every reader of JSON understand this metadata, and alike?
 *
 * It is valid JSON by then (json_scan), and is never looked into but by who asked for it. But what
 * one registers, all others get: an object that says a thing twice means one thing here and another
 * there, and some readers refuse a whole answer for a NUL in a name, or a number that no double
 * holds. */
#ifndef AURORA_NODE_METADATA_CHECK_H
#define AURORA_NODE_METADATA_CHECK_H

#include "gossip/span.h"

/* `metadata` is at most PEER_METADATA_MAX_BYTES of valid JSON. NULL: it is fine; else what is not.
 */
const char *metadata_check(struct span metadata);

#endif
