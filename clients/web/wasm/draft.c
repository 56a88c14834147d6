// SPDX-License-Identifier: Apache-2.0
/* draft.c - a peer's description being filled in, field by field */
#include "clients/web/wasm/draft.h"

#include <assert.h>
#include <string.h>

static const char *const field_names[] = {
    [DRAFT_PEER_ID] = "peer_id",
    [DRAFT_ADDRESS] = "address",
    [DRAFT_METADATA] = "metadata",
    [DRAFT_ARCHETYPE] = "archetypes",
};

void draft_begin(struct draft *draft)
{
    draft->used = 0;
    draft->overflowed = NULL;
    draft->is_port_wrong = false;
    memset(&draft->peer, 0, sizeof draft->peer);
}

uint8_t *draft_room(struct draft *draft)
{
    return draft->text + draft->used;
}

size_t draft_room_bytes(const struct draft *draft)
{
    assert(draft->used <= sizeof draft->text);
    return sizeof draft->text - draft->used;
}

static void field_set(struct peer_description *peer, enum draft_field field, struct span text)
{
    switch (field) {
    case DRAFT_PEER_ID: peer->peer_id = text; break;
    case DRAFT_ADDRESS: peer->address = text; break;
    case DRAFT_METADATA: peer->metadata = text; break;
    case DRAFT_ARCHETYPE: peer->archetypes[peer->archetype_count++] = text; break;
    }
}

void draft_text(struct draft *draft, enum draft_field field, size_t len)
{
    assert(field >= DRAFT_PEER_ID && field <= DRAFT_ARCHETYPE);
    bool is_one_too_many =
        field == DRAFT_ARCHETYPE && draft->peer.archetype_count == PEER_ARCHETYPES_MAX;
    if (len > draft_room_bytes(draft) || is_one_too_many) {
        if (draft->overflowed == NULL)
            draft->overflowed = field_names[field];
        return;
    }
    field_set(&draft->peer, field, span_of(draft_room(draft), len));
    draft->used += len;
}

void draft_numbers(struct draft *draft, uint32_t port, uint32_t ttl_s)
{
    draft->is_port_wrong = port > UINT16_MAX;
    draft->peer.port = (uint16_t)(port & UINT16_MAX);
    draft->peer.ttl_s = ttl_s;
}

void draft_version(struct draft *draft, uint64_t peer_version)
{
    draft->peer.is_signed = true;
    draft->peer.peer_version = peer_version;
}

/* In the order in which a node looks at the fields. */
const char *draft_check(struct draft *draft)
{
    const char *field = statement_peer_check(&draft->peer);
    if (draft->overflowed != NULL)
        return draft->overflowed;
    if (draft->is_port_wrong)
        return "port";
    return field;
}

size_t draft_encode(struct draft *draft)
{
    uint8_t body[STATEMENT_MAX_BYTES];
    if (draft_check(draft) != NULL)
        return 0;
    statement_peer_unique(&draft->peer);
    size_t len = statement_peer_bytes(&draft->peer, body, sizeof body);
    return len == 0 ? 0 : sign_frame(NULL, SIGN_PEER, body, len, draft->out);
}
