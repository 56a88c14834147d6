// SPDX-License-Identifier: Apache-2.0
/* usage.c - what a core has queued, and what it holds: both must have an end. */
#include <assert.h>

#include "gossip/core.h"
#include "gossip/early.h"

/* --- Queues ---------------------------------------------------------------------------------- */

static uint32_t count_probes(const struct detector *detector)
{
    uint32_t count = 0;
    for (size_t i = 0; i < PROBES_MAX && detector->probes[i] != NULL; i++)
        count += detector->probes[i]->is_used;
    return count;
}

static uint32_t count_wanted(const struct puller *puller)
{
    uint32_t count = 0;
    for (const struct log *log = puller->wanted; log != NULL; log = log->next_wanted)
        count++;
    return count;
}

static uint32_t count_reissues(const struct gossip *g)
{
    uint64_t heartbeat_wall_ms;
    uint32_t count = 0;
    while (reissue_at(g, count, &heartbeat_wall_ms) != NULL)
        count++;
    return count;
}

void gossip_queues_now(const struct gossip *g, struct gossip_queues *out)
{
    *out = (struct gossip_queues){
        .packets = (uint32_t)g->outbox.count,
        .events = (uint32_t)g->events.count,
        .hops = (uint32_t)g->spread.hop_count,
        .announcements = (uint32_t)g->spread.pending_count,
        .rumours = (uint32_t)g->spread.rumour_count,
        .probes = count_probes(&g->detector),
        .suspicions =
            (uint32_t)(g->members.counts[MEMBER_SUSPECT] + g->members.counts[MEMBER_UNREACHABLE]),
        .missing = (uint32_t)g->puller.missing_count,
        .pulls = (uint32_t)g->puller.pull_count + count_wanted(&g->puller),
        .early_batches = (uint32_t)g->registry.early_count,
        .forwards = (uint32_t)g->forwards.count,
        .replies = (uint32_t)g->leases.waiting_count,
        .reissues = count_reissues(g),
        .objections = g->voice.is_held,
        .health = g->detector.health,
    };
    out->is_paced = g->outbox.steady.tokens <= 0 || g->outbox.bulk.tokens <= 0;
}

/* --- Memory ---------------------------------------------------------------------------------- */

static size_t blob_bytes(const struct blob *blob)
{
    return blob == NULL ? 0 : sizeof *blob + blob->len;
}

static size_t suspicion_bytes(const struct suspicion *s)
{
    size_t bytes = s == NULL ? 0 : sizeof *s;
    for (size_t i = 0; s != NULL && i < s->count; i++)
        bytes += blob_bytes(s->held[i].blob);
    return bytes;
}

static size_t dossier_bytes(const struct dossier *dossier)
{
    return dossier == NULL
               ? 0
               : sizeof *dossier + blob_bytes(dossier->left) + suspicion_bytes(dossier->suspicion);
}

static void weigh_members(const struct gossip *g, struct gossip_memory *out)
{
    const struct members *members = &g->members;
    size_t bytes = members->capacity * (sizeof *members->ring + sizeof *members->tags) +
                   members->names.capacity * sizeof *members->names.slots;
    for (size_t i = 0; i < members->count; i++) {
        const struct member *member = members->ring[i];
        bytes += sizeof *member + sizeof *member->life + blob_bytes(member->life->statement) +
                 dossier_bytes(member->dossier);
        bytes += member->link != NULL ? sizeof *member->link : 0;
        out->suspicions += member_suspicion(member) != NULL;
    }
    if (members->forgotten != NULL)
        bytes += FORGOTTEN_MAX * sizeof *members->forgotten;
    out->members = members->count;
    out->member_bytes = bytes;
}

static size_t log_bytes(const struct log *log)
{
    size_t bytes = sizeof *log + log->slot_capacity * sizeof *log->slots +
                   blob_bytes(log->head_blob) + blob_bytes(log->evidence);
    for (size_t i = 0; i < log->slot_count; i++) {
        const struct entry *entry = slot_entry(log->slots[i]);
        bytes += entry == NULL ? 0 : sizeof *entry + blob_bytes(entry->blob);
    }
    return bytes + root_bytes(log);
}

static void weigh_records(const struct gossip *g, struct gossip_memory *out)
{
    const struct registry *registry = &g->registry;
    size_t bytes = registry->log_capacity * sizeof *registry->logs + refs_bytes(&registry->by_id) +
                   cells_bytes(&registry->peers) + g->leases.capacity * sizeof *g->leases.all +
                   g->leases.count * sizeof(struct lease);
    for (size_t i = 0; i < registry->log_count; i++) {
        const struct log *log = registry->logs[i];
        bytes += log_bytes(log);
        out->slots += log->slot_capacity;
    }
    out->logs = registry->log_count;
    out->records = registry->records_held;
    out->deletes = registry->deletes_held;
    out->peers = registry->by_id.count;
    out->leases = g->leases.count;
    out->record_bytes = bytes;
    assert(out->leases <= out->records);
}

/* A packet's worth for each thing that waits: less is only a little too much. */
static size_t queue_bytes(const struct gossip *g)
{
    size_t waiting = g->outbox.count + g->spread.hop_count + g->registry.early_count +
                     g->forwards.count + g->puller.pull_count + g->spread.rumour_count;
    return g->events.capacity * sizeof *g->events.ring +
           g->timers.capacity * sizeof *g->timers.heap + handled_bytes(&g->spread.handled) +
           waiting * PACKET_MAX_BYTES;
}

void gossip_memory_now(const struct gossip *g, struct gossip_memory *out)
{
    *out = (struct gossip_memory){0};
    weigh_members(g, out);
    weigh_records(g, out);
    out->origins = g->forwards.origin_count;
    out->timers = g->timers.capacity;
    out->event_capacity = g->events.capacity;
    out->queue_bytes = queue_bytes(g);
    out->total_bytes = sizeof *g + out->member_bytes + out->record_bytes + out->queue_bytes;
}
