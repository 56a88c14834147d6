// SPDX-License-Identifier: Apache-2.0
/* draft.h - a peer's description being filled in, field by field, by a caller that shares no
 * structs with us: JavaScript writes a text where draft_room() points, and says which field it was.
 */
#ifndef AURORA_CLIENTS_WEB_DRAFT_H
#define AURORA_CLIENTS_WEB_DRAFT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "crypto/sign.h"
#include "gossip/limits.h"
#include "gossip/statement.h"

/* Every text at its largest, and room to see that a last one is too large. */
#define DRAFT_TEXT_BYTES                                                                           \
    (PEER_ID_MAX_BYTES + PEER_ADDRESS_MAX_BYTES + PEER_ARCHETYPES_MAX * PEER_ARCHETYPE_MAX_BYTES + \
     PEER_METADATA_MAX_BYTES + 1024)

enum draft_field {
    DRAFT_PEER_ID = 1,
    DRAFT_ADDRESS,
    DRAFT_METADATA,
    DRAFT_ARCHETYPE, /* once for each, in order */
};

struct draft {
    uint8_t text[DRAFT_TEXT_BYTES];
    size_t used;
    const char *overflowed; /* the field that did not fit; NULL: all did */
    bool is_port_wrong;
    struct peer_description peer;
    uint8_t out[SIGN_FRAMED_MAX];
};

void draft_begin(struct draft *);
/* Where the next text goes, and how many bytes may be written there. */
uint8_t *draft_room(struct draft *);
size_t draft_room_bytes(const struct draft *);
/* The `len` bytes at draft_room() are this field. More than there was room for, or one archetype
 * too many: draft_check() will name the field. */
void draft_text(struct draft *, enum draft_field, size_t len);
void draft_numbers(struct draft *, uint32_t port, uint32_t ttl_s);
/* Only for an id that is a key. */
void draft_version(struct draft *, uint64_t peer_version);

/* NULL: a node would take it; else the name of the field that it would refuse. An archetype that
 * is given twice is no mistake: it is taken once. */
const char *draft_check(struct draft *);
/* What the peer signs goes into `out`: from PROTOCOL.md's domain to the last field. Returns the
 * length, or 0 when draft_check() finds fault, or it is too long. The message alone, which the
 * golden vectors have, begins after DRAFT_FRAME_BYTES. */
size_t draft_encode(struct draft *);
#define DRAFT_FRAME_BYTES (SIGN_PREFIX_BYTES + sizeof "peer")

#endif
