// SPDX-License-Identifier: Apache-2.0
/* bridge.c - between the gossip thread and the HTTP thread: commands in, events out */
#include "node/bridge.h"

#include <assert.h>
#include <stdatomic.h>
#include <string.h>

#include "gossip/mem.h"
#include "node/counters.h"
#include "node/queue.h"

struct bridge {
    struct queue *commands;
    struct queue *events;
    struct loop_wake http, gossip;
    atomic_bool http_attached, gossip_attached;
    atomic_bool room_wanted; /* the gossip thread waits for the event queue to empty */
    bool has_pushed;         /* the gossip thread's: since the last flush */
};

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

struct bridge *bridge_new(void)
{
    struct bridge *bridge = mem_alloc(sizeof *bridge);

    bridge->commands = queue_new(BRIDGE_COMMANDS_MAX);
    bridge->events = queue_new(BRIDGE_EVENTS_MAX);
    return bridge;
}

void bridge_free(struct bridge *bridge)
{
    struct node_command *command;
    struct gossip_event event;

    if (bridge == NULL)
        return;
    assert(!atomic_load(&bridge->http_attached) && !atomic_load(&bridge->gossip_attached));
    while ((command = queue_pop(bridge->commands)) != NULL)
        node_command_free(command);
    while (bridge_next_event(bridge, &event))
        gossip_event_release(&event);
    queue_free(bridge->commands);
    queue_free(bridge->events);
    mem_free(bridge);
}

/* --- The HTTP thread's side
 * --------------------------------------------------------------------------- */

void bridge_attach_http(struct bridge *bridge, struct loop *loop, void (*on_events)(void *context),
                        void *context)
{
    loop_wake_init(&bridge->http, loop, on_events, context);
    atomic_store(&bridge->http_attached, true);
    bridge_events_again(bridge); /* for what was pushed before */
}

bool bridge_send_command(struct bridge *bridge, struct node_command *command)
{
    assert(command != NULL);
    if (!atomic_load(&bridge->gossip_attached) || !queue_push(bridge->commands, command)) {
        counter_add(commands_refused, 1);
        node_command_free(command);
        return false;
    }
    loop_wake_send(&bridge->gossip);
    return true;
}

/* The gossip thread says that it waits, then looks again; we pop, then look whether it waits. With
 * a full fence on both sides at least one of us sees the other. */
static void bridge_offer_room(struct bridge *bridge)
{
    if (!atomic_load(&bridge->room_wanted) || queue_count(bridge->events) > BRIDGE_EVENTS_MAX / 4)
        return;
    if (atomic_exchange(&bridge->room_wanted, false) && atomic_load(&bridge->gossip_attached))
        loop_wake_send(&bridge->gossip);
}

bool bridge_next_event(struct bridge *bridge, struct gossip_event *event)
{
    struct gossip_event *boxed = queue_pop(bridge->events);

    bridge_offer_room(bridge);
    if (boxed == NULL)
        return false;
    *event = *boxed;
    mem_free(boxed);
    return true;
}

void bridge_events_again(struct bridge *bridge)
{
    loop_wake_send(&bridge->http);
}

void bridge_detach_http(struct bridge *bridge)
{
    atomic_store(&bridge->http_attached, false);
    loop_wake_stop(&bridge->http);
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

bool bridge_push_event(struct bridge *bridge, const struct gossip_event *event)
{
    struct gossip_event *boxed = mem_alloc(sizeof *boxed);

    *boxed = *event;
    if (!queue_push(bridge->events, boxed)) {
        mem_free(boxed);
        return false;
    }
    bridge->has_pushed = true;
    return true;
}

static bool bridge_is_over(struct bridge *bridge, size_t limit)
{
    if (queue_count(bridge->events) <= limit)
        return false;
    atomic_store(&bridge->room_wanted, true);
    return queue_count(bridge->events) > limit;
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
    if (!bridge->has_pushed)
        return;
    bridge->has_pushed = false;
    if (atomic_load(&bridge->http_attached))
        loop_wake_send(&bridge->http);
}

void bridge_detach_gossip(struct bridge *bridge)
{
    atomic_store(&bridge->gossip_attached, false);
    loop_wake_stop(&bridge->gossip);
}
