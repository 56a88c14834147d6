// SPDX-License-Identifier: Apache-2.0
/* operation.c - what records and deletions have in common: one step of a log, read and admitted. */
#include "gossip/operation.h"

#include <assert.h>

#include "gossip/core.h"
#include "gossip/mem.h"

static bool read_record(struct span statement, struct operation *out)
{
    struct record record;
    if (!statement_read_record(statement, &record))
        return false;
    *out = (struct operation){
        .kind = STATEMENT_RECORD,
        .home = record.home,
        .epoch = record.epoch,
        .version = record.version,
        .peer_id = record.peer.peer_id,
        .seq = record.seq,
        .peer_version = record.peer.peer_version,
        .ttl_s = record.peer.ttl_s,
        .is_signed = record.peer.is_signed,
    };
    return true;
}

static bool read_deletion(struct span statement, struct operation *out)
{
    struct deletion deletion;
    if (!statement_read_deletion(statement, &deletion))
        return false;
    *out = (struct operation){
        .kind = STATEMENT_DELETION,
        .home = deletion.home,
        .epoch = deletion.epoch,
        .version = deletion.version,
        .peer_id = deletion.peer_id,
        .seq = deletion.seq,
        .peer_version = deletion.peer_version,
        .ttl_s = deletion.ttl_s,
        .is_signed = deletion.is_signed,
        .reason = deletion.reason,
    };
    return true;
}

/* peer_version is compared before seq where both operations have one. If some operations on a peer
 * had one and others not, "wins over" could run in a circle (a over b by peer_version, b over c and
 * c over a by seq), and the winner would hang on the order of arrival. So it is all or none, and
 * the peer_id says which. */
bool operation_read(struct span statement, struct operation *out)
{
    struct key_public key;
    switch (statement_kind_of(statement)) {
    case STATEMENT_RECORD:
        if (!read_record(statement, out))
            return false;
        break;
    case STATEMENT_DELETION:
        if (!read_deletion(statement, out))
            return false;
        break;
    default: return false;
    }
    return out->is_signed == statement_peer_key(out->peer_id, &key);
}

/* What the peer signed is a part of its home's statement: the store remembers that statement under
 * the peer's key, too. A peer belongs to no cluster, so no home's key can be meant there. */
static bool peer_signature_holds(struct gossip *g, struct blob *blob)
{
    static const struct sign_scope no_scope;
    struct record record;
    struct key_public peer;
    if (!statement_read_record(blob_span(blob), &record) ||
        !statement_peer_key(record.peer.peer_id, &peer))
        return false;
    g->stats.signatures_verified++;
    if (g->config.store == NULL)
        return statement_peer_verify(&record.peer);
    struct blob *known = blob_store_find(g->config.store, blob_span(blob), &peer, &no_scope);
    bool holds = known != NULL || statement_peer_verify(&record.peer);
    if (holds && known == NULL)
        blob_store_add(g->config.store, blob, &peer, &no_scope);
    blob_release(known);
    return holds;
}

static void fill(struct gossip *g, struct blob *blob, const struct operation *operation,
                 struct span peer_id, struct admitted *out)
{
    struct entry *entry = mem_alloc(sizeof *entry);
    *entry = (struct entry){
        .blob = blob,
        .version = operation->version,
        .is_delete = operation->kind == STATEMENT_DELETION,
        .is_signed = operation->is_signed,
    };
    if (entry->is_delete)
        entry->applied_ms = g->now.mono_ms;
    *out = (struct admitted){entry, peer_id};
}

void operation_take(struct gossip *g, struct blob *verified, const struct operation *operation,
                    struct admitted *out)
{
    fill(g, verified, operation, operation->peer_id, out);
}

bool operation_admit(struct gossip *g, const struct log *log, struct span statement,
                     const struct operation *operation, struct admitted *out)
{
    const struct key_public *home = &log->member->life->id;
    assert(operation->home == log->home && operation->epoch == log->epoch);
    g->stats.signatures_verified++;
    struct blob *blob =
        statement_admit(g->config.store, statement, operation->kind, home, &g->scope);
    if (blob == NULL)
        return false;
    if (operation->is_signed && operation->kind == STATEMENT_RECORD &&
        !peer_signature_holds(g, blob)) {
        blob_release(blob);
        return false;
    }
    size_t offset = (size_t)(operation->peer_id.data - statement.data);
    assert(offset + operation->peer_id.len <= blob->len);
    fill(g, blob, operation, span_of(blob->bytes + offset, operation->peer_id.len), out);
    return true;
}

void operation_entry(struct gossip *g, struct blob *statement, struct admitted *out)
{
    struct operation operation;
    bool is_read = operation_read(blob_span(statement), &operation);
    assert(is_read && "we sign nothing that we could not read");
    (void)is_read;
    fill(g, statement, &operation, operation.peer_id, out);
}

void entry_free(struct entry *entry)
{
    assert(entry->log == NULL && entry->peer == NULL);
    blob_release(entry->blob);
    mem_free(entry);
}
