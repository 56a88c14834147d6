// SPDX-License-Identifier: Apache-2.0
/* text.h - is a run of bytes from outside text that may be shown and stored? */
#ifndef AURORA_GOSSIP_TEXT_H
#define AURORA_GOSSIP_TEXT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "gossip/span.h"

#define TEXT_NO_CHARACTER UINT32_MAX

/* The character at *at (below text.len), which moves behind it; TEXT_NO_CHARACTER: what stands
 * there is not UTF-8 (RFC 3629: no surrogates, nothing overlong). */
uint32_t text_next(struct span text, size_t *at);

/* The first place from `at` (at most text.len) on that is not a printable character of ASCII. Most
 * text is nothing else, and this takes eight bytes at a time: all of it is looked at several times
 * on its way through a node. */
size_t text_plain_end(struct span text, size_t at);

/* Valid UTF-8 (RFC 3629: no surrogates, nothing overlong), no control character (C0, DEL, C1), and
 * from min to max bytes: it can neither break a log line nor drive a terminal. */
bool text_is_clean(struct span text, size_t min_bytes, size_t max_bytes);

/* Could this be a JSON object's text? Valid UTF-8 from '{' to '}', whose only control characters
 * are JSON's white space. Whether it parses is checked where a client hands it in. */
bool text_is_object(struct span text, size_t max_bytes);

#endif
