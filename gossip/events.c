// SPDX-License-Identifier: Apache-2.0
/* events.c - the queue of events to the host, and the status that rides on it. */
#include <assert.h>

#include "gossip/core.h"
#include "gossip/mem.h"

#define EVENTS_FIRST_CAPACITY 64
/* A probe's wake brings it sooner: about once a second. */
#define REPORT_INTERVAL_MS 1250
#define REPORT_EARLY_MS    500

/* The queue grows instead of dropping: an event that the view never saw would be a lie it tells for
 * ever. What bounds it is that pulls stop above half of EVENTS_MAX (gossip_hold_pulls, and here).
 */
static void events_grow(struct event_queue *queue)
{
    size_t capacity = queue->capacity == 0 ? EVENTS_FIRST_CAPACITY : queue->capacity * 2;
    struct gossip_event *ring = mem_alloc(capacity * sizeof *ring);
    for (size_t i = 0; i < queue->count; i++)
        ring[i] = queue->ring[(queue->first + i) % queue->capacity];
    mem_free(queue->ring);
    queue->ring = ring;
    queue->first = 0;
    queue->capacity = capacity;
}

void event_push(struct gossip *g, struct gossip_event event)
{
    struct event_queue *queue = &g->events;
    assert(event.kind != 0);
    if (queue->count == queue->capacity)
        events_grow(queue);
    event.wall_ms = g->now.wall_ms;
    queue->ring[(queue->first + queue->count) % queue->capacity] = event;
    queue->count++;
    if (queue->count == EVENTS_MAX / 2)
        g->stats.events_held++;
}

void event_reply(struct gossip *g, struct gossip_reply reply)
{
    event_push(g, (struct gossip_event){.kind = GOSSIP_EVENT_REPLY, .reply = reply});
}

void event_status_soon(struct gossip *g)
{
    timer_set(&g->timers, &g->report, TIMER_REPORT, g->now.mono_ms);
}

void events_report(struct gossip *g)
{
    head_report_all(g);
    struct gossip_status *status = mem_alloc(sizeof *status);
    gossip_status_now(g, status);
    event_push(g, (struct gossip_event){.kind = GOSSIP_EVENT_STATUS, .status = status});
    timer_set(&g->timers, &g->report, TIMER_REPORT, g->now.mono_ms + REPORT_INTERVAL_MS);
}

void events_report_early(struct gossip *g)
{
    if (timer_is_set(&g->report) && g->report.at_ms <= g->now.mono_ms + REPORT_EARLY_MS)
        events_report(g);
}

bool gossip_next_event(struct gossip *g, struct gossip_event *out)
{
    struct event_queue *queue = &g->events;
    if (queue->count == 0)
        return false;
    *out = queue->ring[queue->first];
    queue->count--;
    /* Empty, it begins anew: a few slots are in use, and in the cache, not all in turn. */
    queue->first = queue->count == 0 ? 0 : (queue->first + 1) % queue->capacity;
    return true;
}

static struct blob *event_blob(const struct gossip_event *event)
{
    switch (event->kind) {
    case GOSSIP_EVENT_MEMBER: return event->member.alive;
    case GOSSIP_EVENT_PEER_UP:
    case GOSSIP_EVENT_PEER_UPDATE:
    case GOSSIP_EVENT_PEER_DOWN: return event->peer.record;
    case GOSSIP_EVENT_HEARTBEAT:
    case GOSSIP_EVENT_LEASE_END: return event->heartbeat.record;
    case GOSSIP_EVENT_CONFLICT: return event->conflict.alive;
    case GOSSIP_EVENT_REPLY: return event->reply.record;
    default: return NULL;
    }
}

void gossip_event_release(struct gossip_event *event)
{
    blob_release(event_blob(event));
    if (event->kind == GOSSIP_EVENT_STATUS)
        mem_free(event->status);
    event->kind = 0;
}

void events_free(struct gossip *g)
{
    struct gossip_event event;
    while (gossip_next_event(g, &event))
        gossip_event_release(&event);
    mem_free(g->events.ring);
}

static void count_logs(const struct gossip *g, struct gossip_status *status)
{
    status->logs = (uint32_t)g->registry.log_count;
    for (size_t i = 0; i < g->registry.log_count; i++) {
        enum log_state state = g->registry.logs[i]->state;
        status->logs_behind += state == LOG_BEHIND;
        status->logs_diverged += state == LOG_DIVERGED || state == LOG_EQUIVOCATING;
    }
}

void gossip_status_now(const struct gossip *g, struct gossip_status *status)
{
    *status = (struct gossip_status){
        .converged = sync_is_converged(g),
        .synced = g->sync.is_first_done,
        .cut_off = g->detector.is_cut_off,
        .leaving = g->is_leaving,
        .health = g->detector.health,
        .members_alive = (uint32_t)g->members.counts[MEMBER_ALIVE],
        .members = (uint32_t)g->members.count,
        .peers_visible = g->registry.visible_count,
        .records_held = g->registry.records_held,
        .view_digest = {g->registry.view_digest[0], g->registry.view_digest[1]},
        .epoch = g->epoch,
        .outbox_packets = (uint32_t)g->outbox.count,
        .stats = g->stats,
    };
    count_logs(g, status);
}

void gossip_view_digest(const struct gossip *g, uint64_t out[2])
{
    out[0] = g->registry.view_digest[0];
    out[1] = g->registry.view_digest[1];
}
