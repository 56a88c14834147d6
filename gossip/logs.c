// SPDX-License-Identifier: Apache-2.0
/* logs.c - the table of logs, by home and epoch: making, finding and dropping them. */
#include <assert.h>
#include <string.h>

#include "gossip/core.h"
#include "gossip/mem.h"

#define LOGS_FIRST_CAPACITY 16

/* First index whose (home, epoch) is not below. */
static size_t index_of(const struct registry *registry, uint64_t home, uint64_t epoch)
{
    size_t low = 0, high = registry->log_count;
    while (low < high) {
        size_t middle = low + (high - low) / 2;
        const struct log *log = registry->logs[middle];
        if (log->home < home || (log->home == home && log->epoch < epoch))
            low = middle + 1;
        else
            high = middle;
    }
    return low;
}

struct log *registry_log(const struct gossip *g, uint64_t home, uint64_t epoch)
{
    size_t at = index_of(&g->registry, home, epoch);
    if (at == g->registry.log_count)
        return NULL;
    struct log *log = g->registry.logs[at];
    return log->home == home && log->epoch == epoch ? log : NULL;
}

static void logs_add(struct registry *registry, struct log *log)
{
    if (registry->log_count == registry->log_capacity) {
        registry->log_capacity =
            registry->log_capacity == 0 ? LOGS_FIRST_CAPACITY : 2 * registry->log_capacity;
        registry->logs = mem_resize(registry->logs, registry->log_capacity * sizeof(struct log *));
    }
    size_t at = index_of(registry, log->home, log->epoch);
    memmove(&registry->logs[at + 1], &registry->logs[at],
            (registry->log_count - at) * sizeof(struct log *));
    registry->logs[at] = log;
    registry->log_count++;
}

static void logs_remove(struct registry *registry, const struct log *log)
{
    size_t at = index_of(registry, log->home, log->epoch);
    assert(at < registry->log_count && registry->logs[at] == log);
    registry->log_count--;
    memmove(&registry->logs[at], &registry->logs[at + 1],
            (registry->log_count - at) * sizeof(struct log *));
}

/* Newest first. */
static void member_link_log(struct member *member, struct log *log)
{
    struct log **at = &member_dossier(member)->logs;
    while (*at != NULL && (*at)->epoch > log->epoch)
        at = &(*at)->older;
    assert(*at == NULL || (*at)->epoch < log->epoch);
    log->older = *at;
    *at = log;
}

static void member_unlink_log(struct member *member, struct log *log)
{
    struct log **at = &member->dossier->logs;
    while (*at != log)
        at = &(*at)->older;
    *at = log->older;
    log->older = NULL;
}

/* Anybody may name an old life of a member, so there is a bound; the current one always finds room,
 * because what the oldest of that many lives held was orphaned that many restarts ago. */
static bool room_for(struct gossip *g, struct member *member, uint64_t epoch)
{
    size_t count = 0;
    struct log *oldest = NULL;
    for (struct log *log = member_logs(member); log != NULL; log = log->older) {
        oldest = log;
        count++;
    }
    if (count < LOGS_PER_HOME_MAX)
        return true;
    if (epoch != member->life->epoch)
        return false;
    registry_log_drop(g, oldest);
    return true;
}

static uint64_t ended_epoch(const struct member *member)
{
    return member->dossier == NULL ? 0 : member->dossier->ended_epoch;
}

struct log *registry_log_make(struct gossip *g, uint64_t home, uint64_t epoch)
{
    struct log *log = registry_log(g, home, epoch);
    if (log != NULL)
        return log;
    struct member *member = members_find(g, home);
    if (member == NULL || epoch > member->life->epoch || epoch <= ended_epoch(member))
        return NULL;
    if (!room_for(g, member, epoch))
        return NULL;
    log = mem_alloc(sizeof *log);
    log->home = home;
    log->epoch = epoch;
    log->member = member;
    log->made_ms = g->now.mono_ms;
    log->ttl_min_s = UINT32_MAX;
    logs_add(&g->registry, log);
    member_link_log(member, log);
    orphans_log_made(g, log);
    head_check(g, log);
    return log;
}

static void report_gone(struct gossip *g, const struct log *log)
{
    event_push(g, (struct gossip_event){.kind = GOSSIP_EVENT_LOG,
                                        .log = {.tag = log->home,
                                                .epoch = log->epoch,
                                                .applied = log->applied,
                                                .head_version = log->head.version,
                                                .state = log->state,
                                                .is_gone = true}});
}

/* An ended life's log that ran out here is never made again: whoever still holds it would hand it
 * back, with the age of its orphans begun anew, and so could two nodes keep it for ever. */
void registry_log_drop(struct gossip *g, struct log *log)
{
    struct member *member = log->member;
    assert(log != g->registry.own);
    while (log->slot_count > 0)
        registry_entry_drop(g, slot_entry(log->slots[log->slot_count - 1]), PEER_DOWN_ORPHAN_GRACE);
    pull_log_gone(g, log);
    g->registry.records_digest -= log->digest;
    report_gone(g, log);
    if (log->epoch < member->life->epoch && log->applied > 0 && log->epoch > ended_epoch(member))
        member_dossier(member)->ended_epoch = log->epoch;
    logs_remove(&g->registry, log);
    member_unlink_log(member, log);
    log_free(g, log);
}

void registry_member_gone(struct gossip *g, struct member *member)
{
    assert(member != g->members.self);
    while (member_logs(member) != NULL)
        registry_log_drop(g, member_logs(member));
}

/* Our own log is that of our current epoch: made when we begin, and when the epoch is raised.
 * members_raise_epoch then takes the running leases over into it. */
void registry_own_follow(struct gossip *g)
{
    struct member *self = g->members.self;
    struct log *own = g->registry.own;
    assert(self != NULL && self->life->tag == g->tag);
    if (own != NULL && own->epoch == self->life->epoch)
        return;
    assert(own == NULL || own->epoch < self->life->epoch);
    g->registry.own = registry_log_make(g, self->life->tag, self->life->epoch);
    assert(g->registry.own != NULL);
    if (own != NULL && own->applied == 0)
        registry_log_drop(g, own);
}
