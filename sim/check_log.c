// SPDX-License-Identifier: Apache-2.0
/* check_log.c - I1: what is applied of a log never decreases within one life of a node; I3: a set
 * whose delete was applied is served no more
 *
 * A log that a node dropped while its home was gone begins anew when the home is back, and its
 * deletes with it; that of a life which has ended never does. */
#include "sim/check_all.h"

#include "sim/memory.h"

#include <inttypes.h>

/* --- I1 -------------------------------------------------------------------------------------- */

static uint64_t times_dropped(const struct node_checks *checks, uint64_t home, uint64_t epoch)
{
    const uint64_t *times = map_find(&checks->dropped, home, epoch, 0);

    return times != NULL ? *times : 0;
}

/* Good until the next. */
static struct known_log *known_log(struct node_checks *checks, uint64_t home, uint64_t epoch)
{
    uint64_t *index = map_put(&checks->log_of, home, epoch, 0);

    if (*index == 0) {
        checks->logs = memory_reach(checks->logs, &checks->log_capacity, checks->log_count,
                                    sizeof(*checks->logs));
        checks->logs[checks->log_count++] = (struct known_log){home, epoch, 0};
        *index = checks->log_count;
    }
    return &checks->logs[*index - 1];
}

static void log_is_at(struct world *world, size_t node, struct known_log *known, uint64_t applied)
{
    check_asked(world, I1);
    if (known->applied > applied + 1)
        check_failed(world, node, I1,
                     "the log of n%zd went back from %" PRIu64 " to %" PRIu64 " (epoch %" PRIu64
                     ")",
                     (ssize_t)world_node_of_tag(world, known->home), known->applied - 1, applied,
                     known->epoch);
    known->applied = applied + 1;
}

static void log_is_gone(struct node_checks *checks, uint64_t home, uint64_t epoch)
{
    known_log(checks, home, epoch)->applied = 0;
    ++*map_put(&checks->dropped, home, epoch, 0);
}

/* Where the core has the i-th log, it mostly had it a second ago. */
static struct known_log *log_at_place(struct node_checks *checks, size_t i,
                                      const struct gossip_log_info *log)
{
    checks->log_at =
        memory_reach(checks->log_at, &checks->log_at_capacity, i, sizeof(*checks->log_at));
    if (checks->log_at[i] < checks->log_count) {
        struct known_log *known = &checks->logs[checks->log_at[i]];

        if (known->home == log->home && known->epoch == log->epoch)
            return known;
    }
    struct known_log *known = known_log(checks, log->home, log->epoch);
    checks->log_at[i] = (size_t)(known - checks->logs);
    return known;
}

/* Events come once a second for a log; what is between is not seen by them alone. */
void check_log_second(struct world *world, size_t node)
{
    struct node_checks *checks = &world->checks->nodes[node];
    const struct gossip *core = world->nodes[node].core;
    struct gossip_log_info log;

    for (size_t i = 0; gossip_log_at(core, i, &log); i++)
        log_is_at(world, node, log_at_place(checks, i, &log), log.applied);
}

/* And 1; 0: nothing, or not any more. */
static uint64_t applied_of(const struct node_checks *checks, uint64_t home, uint64_t epoch)
{
    const uint64_t *index = map_find(&checks->log_of, home, epoch, 0);

    return index != NULL ? checks->logs[*index - 1].applied : 0;
}

/* --- I3 -------------------------------------------------------------------------------------- */

/* A delete's version and the step of the world in which it was seen, in one number. */
enum { VERSION_BITS = 24 };

static uint64_t deleted_of(uint64_t version, uint64_t step)
{
    return step << VERSION_BITS | version;
}

static uint64_t deleted_version(uint64_t deleted)
{
    return deleted & ((1u << VERSION_BITS) - 1);
}

static uint64_t deleted_step(uint64_t deleted)
{
    return deleted >> VERSION_BITS;
}

static size_t peer_number(struct world *world, const struct gossip_event *event)
{
    struct record record;

    if (event->peer.record == NULL ||
        !statement_read_record(blob_span(event->peer.record), &record))
        return INTERN_NONE;
    return intern_add(&world->peer_ids, record.peer.peer_id);
}

/* At its home: from its next version on, everybody knows that it is over. */
static void lease_ended(struct world *world, size_t node, const struct gossip_event *event)
{
    struct checks *checks = world->checks;
    const struct gossip *core = world->nodes[node].core;
    struct record record;
    struct gossip_log_info log;

    if (!statement_read_record(blob_span(event->heartbeat.record), &record) ||
        !gossip_log_find(core, record.home, record.epoch, &log))
        return;
    size_t peer = intern_add(&world->peer_ids, record.peer.peer_id);
    uint64_t *index = map_put(&checks->ended, record.home, record.epoch, peer);
    if (*index == 0) {
        checks->ends = memory_reach(checks->ends, &checks->end_capacity, checks->end_count,
                                    sizeof(*checks->ends));
        *index = ++checks->end_count;
    }
    checks->ends[*index - 1] =
        (struct ended){record.version, log.applied, log.home, log.epoch, peer};
    checks->ended_now = memory_reach(checks->ended_now, &checks->ended_now_capacity,
                                     checks->ended_now_count, sizeof(*checks->ended_now));
    checks->ended_now[checks->ended_now_count++] = *index - 1;
}

/* What the delete says that a DOWN tells of: the winner now, if nothing has come since. It may have
 * come after what the next events of this step tell: those are not held against it. */
static void delete_applied(struct world *world, size_t node, const struct gossip_event *event)
{
    struct node_checks *checks = &world->checks->nodes[node];
    struct gossip_peer_info peer;
    size_t number = peer_number(world, event);

    if (number == INTERN_NONE ||
        !gossip_peer_find(world->nodes[node].core, intern_name(&world->peer_ids, number), &peer) ||
        statement_kind_of(blob_span(peer.record)) != STATEMENT_DELETION)
        return;
    uint64_t drops = times_dropped(checks, peer.home, peer.epoch);
    uint64_t *deleted = map_put(&checks->deleted, peer.home, peer.epoch ^ drops << 40, number);
    if (peer.version > deleted_version(*deleted))
        *deleted = deleted_of(peer.version, world->steps);
}

static bool is_deleted_here(const struct world *world, size_t node,
                            const struct gossip_event *event, size_t number)
{
    const struct node_checks *checks = &world->checks->nodes[node];
    uint64_t drops = times_dropped(checks, event->peer.home, event->peer.epoch);
    const uint64_t *deleted =
        map_find(&checks->deleted, event->peer.home, event->peer.epoch ^ drops << 40, number);

    return deleted != NULL && deleted_step(*deleted) < world->steps &&
           event->peer.version <= deleted_version(*deleted);
}

/* By what its home did, and how much of that is applied here. A liar between them may have left the
 * delete out; then the root tells. */
static bool is_ended_by_home(const struct world *world, size_t node,
                             const struct gossip_event *event, size_t number)
{
    const struct checks *checks = world->checks;
    const uint64_t *index = map_find(&checks->ended, event->peer.home, event->peer.epoch, number);

    if (index == NULL || check_has_liars(world))
        return false;
    const struct ended *ended = &checks->ends[*index - 1];
    return event->peer.version <= ended->version &&
           applied_of(&checks->nodes[node], ended->home, ended->epoch) > ended->applied;
}

static void complain(struct world *world, size_t node, size_t peer, uint64_t home, uint64_t version)
{
    struct span id = intern_name(&world->peer_ids, peer);

    check_failed(
        world, node, I3,
        "peer %.*s is served as of version %" PRIu64 " of n%zd, whose delete was applied here",
        (int)id.len, (const char *)id.data, version, (ssize_t)world_node_of_tag(world, home));
}

static void served(struct world *world, size_t node, const struct gossip_event *event)
{
    size_t number = peer_number(world, event);

    if (number == INTERN_NONE)
        return;
    check_asked(world, I3);
    if (!is_deleted_here(world, node, event, number) &&
        !is_ended_by_home(world, node, event, number))
        return;
    complain(world, node, number, event->peer.home, event->peer.version);
}

/* What was ended in the last second must not be shown where its delete was applied. */
static void look_for_ended(struct world *world, const struct ended *ended)
{
    for (size_t i = 0; i < world->options.nodes; i += world->checks->watch_every) {
        const struct seen_peer *seen = observe_peer(&world->nodes[i].seen, ended->peer);
        const struct node_checks *checks = &world->checks->nodes[i];

        if (world->nodes[i].core == NULL ||
            applied_of(checks, ended->home, ended->epoch) <= ended->applied)
            continue;
        check_asked(world, I3);
        if (seen->is_visible && seen->home == ended->home && seen->epoch == ended->epoch &&
            seen->version <= ended->version)
            complain(world, i, ended->peer, ended->home, seen->version);
    }
}

void check_ends_second(struct world *world)
{
    struct checks *checks = world->checks;

    for (size_t i = 0; i < checks->ended_now_count && !check_has_liars(world); i++)
        look_for_ended(world, &checks->ends[checks->ended_now[i]]);
    checks->ended_now_count = 0;
}

/* --- Events ---------------------------------------------------------------------------------- */

static bool is_by_delete(enum peer_down_reason reason)
{
    return reason == PEER_DOWN_EXPIRED || reason == PEER_DOWN_DEREGISTERED ||
           reason == PEER_DOWN_MOVED;
}

void check_log_event(struct world *world, size_t node, const struct gossip_event *event)
{
    struct node_checks *checks = &world->checks->nodes[node];

    switch (event->kind) {
    case GOSSIP_EVENT_LOG:
        if (event->log.is_gone)
            log_is_gone(checks, event->log.tag, event->log.epoch);
        else
            log_is_at(world, node, known_log(checks, event->log.tag, event->log.epoch),
                      event->log.applied);
        break;
    case GOSSIP_EVENT_PEER_UP:
    case GOSSIP_EVENT_PEER_UPDATE: served(world, node, event); break;
    case GOSSIP_EVENT_PEER_DOWN:
        if (is_by_delete(event->peer.reason))
            delete_applied(world, node, event);
        break;
    default: break;
    }
}

void check_lease_event(struct world *world, size_t node, const struct gossip_event *event)
{
    if (event->kind == GOSSIP_EVENT_LEASE_END)
        lease_ended(world, node, event);
}
