// SPDX-License-Identifier: Apache-2.0
/* bridge.c - between the gossip thread and the HTTP threads: commands in, events out */
#include "node/bridge.h"

#include <assert.h>
#include <stdatomic.h>
#include <stddef.h>
#include <string.h>

#include "gossip/mem.h"
#include "node/counters.h"
#include "node/queue.h"

struct bridge_end {
    struct bridge *bridge;
    size_t number;
    struct queue *events; /* of struct event_box */
    struct loop_wake http;
    atomic_bool is_attached;
    bool has_pushed; /* the gossip thread's: since the last flush */
    bool has_sent;   /* the HTTP thread's: since the last flush */
};

struct bridge {
    struct queue *commands;
    struct loop_wake gossip;
    atomic_bool gossip_attached;
    atomic_bool room_wanted; /* the gossip thread waits for an event queue to empty */
    size_t end_count;
    struct bridge_end ends[];
};

/* An event on its way to all ends: the last to be done with it releases what it holds. */
struct event_box {
    struct gossip_event event; /* first: event_box_of */
    atomic_uint references;
};
static_assert(offsetof(struct event_box, event) == 0, "event_box_of");

/* --- Commands
 * ---------------------------------------------------------------------------------------- */

static size_t registration_bytes(const struct gossip_registration *registration)
{
    const struct peer_description *peer = &registration->peer;
    size_t bytes = peer->peer_id.len + peer->address.len + peer->metadata.len;

    assert(peer->archetype_count <= PEER_ARCHETYPES_MAX);
    for (size_t i = 0; i < peer->archetype_count; i++)
        bytes += peer->archetypes[i].len;
    return bytes;
}

/* Moves a span's bytes to *to, and *to past them. */
static void span_take(struct span *span, uint8_t **to)
{
    if (span->len > 0)
        memcpy(*to, span->data, span->len);
    span->data = *to;
    *to += span->len;
}

static struct node_command *command_new(enum node_command_kind kind, uint64_t request,
                                        size_t tail_bytes, uint8_t **tail)
{
    struct node_command *command = mem_alloc(sizeof *command + tail_bytes);

    command->kind = kind;
    command->request = request;
    *tail = (uint8_t *)(command + 1);
    return command;
}

struct node_command *node_command_register(uint64_t request,
                                           const struct gossip_registration *registration)
{
    uint8_t *tail;
    struct node_command *command =
        command_new(NODE_COMMAND_REGISTER, request, registration_bytes(registration), &tail);
    struct peer_description *peer = &command->registration.peer;

    command->registration = *registration;
    span_take(&peer->peer_id, &tail);
    span_take(&peer->address, &tail);
    span_take(&peer->metadata, &tail);
    for (size_t i = 0; i < peer->archetype_count; i++)
        span_take(&peer->archetypes[i], &tail);
    return command;
}

static struct node_command *command_about(enum node_command_kind kind, uint64_t request,
                                          struct span peer_id, const uint8_t *token_hash)
{
    uint8_t *tail;
    struct node_command *command = command_new(kind, request, peer_id.len, &tail);

    command->peer_id = peer_id;
    span_take(&command->peer_id, &tail);
    command->has_token = token_hash != NULL;
    if (command->has_token)
        memcpy(command->token_hash, token_hash, sizeof command->token_hash);
    return command;
}

struct node_command *node_command_heartbeat(uint64_t request, struct span peer_id,
                                            const uint8_t *token_hash)
{
    return command_about(NODE_COMMAND_HEARTBEAT, request, peer_id, token_hash);
}

struct node_command *node_command_deregister(uint64_t request, struct span peer_id,
                                             const uint8_t *token_hash)
{
    return command_about(NODE_COMMAND_DEREGISTER, request, peer_id, token_hash);
}

void node_command_free(struct node_command *command)
{
    mem_free(command);
}

/* --- Life ------------------------------------------------------------------------------------ */

struct bridge *bridge_new(size_t ends)
{
    struct bridge *bridge = mem_alloc(sizeof *bridge + ends * sizeof bridge->ends[0]);

    assert(ends >= 1 && ends <= BRIDGE_ENDS_MAX);
    bridge->commands = queue_new(BRIDGE_COMMANDS_MAX);
    bridge->end_count = ends;
    for (size_t i = 0; i < ends; i++) {
        bridge->ends[i].bridge = bridge;
        bridge->ends[i].number = i;
        bridge->ends[i].events = queue_new(BRIDGE_EVENTS_MAX);
    }
    return bridge;
}

struct bridge_end *bridge_end_of(struct bridge *bridge, size_t number)
{
    assert(number < bridge->end_count);
    return &bridge->ends[number];
}

static void end_clear(struct bridge_end *end)
{
    const struct gossip_event *event;

    assert(!atomic_load(&end->is_attached));
    while ((event = bridge_next_event(end)) != NULL)
        bridge_event_done(event);
    queue_free(end->events);
}

void bridge_free(struct bridge *bridge)
{
    struct node_command *command;

    if (bridge == NULL)
        return;
    assert(!atomic_load(&bridge->gossip_attached));
    while ((command = queue_pop(bridge->commands)) != NULL)
        node_command_free(command);
    for (size_t i = 0; i < bridge->end_count; i++)
        end_clear(&bridge->ends[i]);
    queue_free(bridge->commands);
    mem_free(bridge);
}

/* --- An HTTP thread's side
 * --------------------------------------------------------------------------- */

void bridge_attach_http(struct bridge_end *end, struct loop *loop, void (*on_events)(void *context),
                        void *context)
{
    loop_wake_init(&end->http, loop, on_events, context);
    atomic_store(&end->is_attached, true);
    bridge_events_again(end); /* for what was pushed before */
}

bool bridge_send_command(struct bridge_end *end, struct node_command *command)
{
    struct bridge *bridge = end->bridge;

    assert(command != NULL && command->request >> BRIDGE_REQUEST_BITS == 0);
    command->request |= (uint64_t)end->number << BRIDGE_REQUEST_BITS;
    if (!atomic_load(&bridge->gossip_attached) || !queue_push(bridge->commands, command)) {
        counter_add(commands_refused, 1);
        node_command_free(command);
        return false;
    }
    end->has_sent = true;
    return true;
}

void bridge_flush_commands(struct bridge_end *end)
{
    if (end->has_sent && atomic_load(&end->bridge->gossip_attached))
        loop_wake_send(&end->bridge->gossip);
    end->has_sent = false;
}

/* The gossip thread says that it waits, then looks again; we pop, then look whether it waits. With
 * a full fence on both sides at least one of us sees the other. */
static void bridge_offer_room(struct bridge_end *end)
{
    struct bridge *bridge = end->bridge;

    if (!atomic_load(&bridge->room_wanted) || queue_count(end->events) > BRIDGE_EVENTS_MAX / 4)
        return;
    if (atomic_exchange(&bridge->room_wanted, false) && atomic_load(&bridge->gossip_attached))
        loop_wake_send(&bridge->gossip);
}

const struct gossip_event *bridge_next_event(struct bridge_end *end)
{
    struct event_box *box = queue_pop(end->events);

    bridge_offer_room(end);
    return box == NULL ? NULL : &box->event;
}

void bridge_event_done(const struct gossip_event *event)
{
    struct event_box *box = (struct event_box *)(uintptr_t)event;

    if (atomic_fetch_sub_explicit(&box->references, 1, memory_order_acq_rel) > 1)
        return;
    gossip_event_release(&box->event);
    mem_free(box);
}

size_t bridge_event_count(const struct bridge_end *end)
{
    return queue_count(end->events);
}

void bridge_events_again(struct bridge_end *end)
{
    loop_wake_send(&end->http);
}

void bridge_detach_http(struct bridge_end *end)
{
    atomic_store(&end->is_attached, false);
    loop_wake_stop(&end->http);
}

/* --- The gossip thread's side
 * --------------------------------------------------------------------------- */

void bridge_attach_gossip(struct bridge *bridge, struct loop *loop,
                          void (*on_commands)(void *context), void *context)
{
    loop_wake_init(&bridge->gossip, loop, on_commands, context);
    atomic_store(&bridge->gossip_attached, true);
}

struct node_command *bridge_next_command(struct bridge *bridge)
{
    return queue_pop(bridge->commands);
}

static bool has_over(const struct bridge *bridge, size_t limit)
{
    for (size_t i = 0; i < bridge->end_count; i++)
        if (queue_count(bridge->ends[i].events) > limit)
            return true;
    return false;
}

/* The gossip thread alone pushes, so that a queue which had room still has it. */
static void end_push(struct bridge_end *end, struct event_box *box)
{
    bool is_pushed = queue_push(end->events, box);

    assert(is_pushed);
    (void)is_pushed;
    end->has_pushed = true;
}

bool bridge_push_event(struct bridge *bridge, const struct gossip_event *event)
{
    if (has_over(bridge, BRIDGE_EVENTS_MAX - 1))
        return false;
    struct event_box *box = mem_alloc(sizeof *box);
    box->event = *event;
    if (event->kind == GOSSIP_EVENT_REPLY) {
        size_t number = (size_t)(event->reply.request >> BRIDGE_REQUEST_BITS);

        box->event.reply.request &= (1ull << BRIDGE_REQUEST_BITS) - 1;
        atomic_init(&box->references, 1);
        end_push(bridge_end_of(bridge, number), box);
        return true;
    }
    atomic_init(&box->references, (unsigned)bridge->end_count);
    for (size_t i = 0; i < bridge->end_count; i++)
        end_push(&bridge->ends[i], box);
    return true;
}

static bool bridge_is_over(struct bridge *bridge, size_t limit)
{
    if (!has_over(bridge, limit))
        return false;
    atomic_store(&bridge->room_wanted, true);
    return has_over(bridge, limit);
}

bool bridge_has_room(struct bridge *bridge)
{
    return !bridge_is_over(bridge, BRIDGE_EVENTS_MAX - 1);
}

bool bridge_is_pressed(struct bridge *bridge)
{
    return bridge_is_over(bridge, BRIDGE_EVENTS_MAX / 2);
}

void bridge_flush_events(struct bridge *bridge)
{
    for (size_t i = 0; i < bridge->end_count; i++) {
        struct bridge_end *end = &bridge->ends[i];

        if (end->has_pushed && atomic_load(&end->is_attached))
            loop_wake_send(&end->http);
        end->has_pushed = false;
    }
}

void bridge_detach_gossip(struct bridge *bridge)
{
    atomic_store(&bridge->gossip_attached, false);
    loop_wake_stop(&bridge->gossip);
}
