// SPDX-License-Identifier: Apache-2.0
/* driver.c - gives the core its time, its datagrams and its commands, and carries away what it says
 */
#include "node/driver.h"

#include <assert.h>

#include "gossip/mem.h"
#include "node/clock.h"
#include "node/log.h"
#include "node/narrate.h"
#include "node/turns.h"
#include "node/verifier.h"

/* Between two looks at the timers: a flood of datagrams or commands must not delay a probe. What
 * datagrams cost differs a hundredfold, by the signatures in them: they are given time, not a
 * number. */
#define RECEIVE_US     2000
#define COMMANDS_BATCH 128
#define VERDICTS_BATCH 64

struct driver_socket {
    struct driver *driver;
    size_t number;
    struct loop_fd watcher;
};

struct driver {
    struct loop *loop;
    struct gossip *gossip;
    struct udp *udp;
    struct bridge *bridge;
    struct store *store;
    struct narrator *narrator;
    struct verifier *verifier;
    struct driver_socket sockets[NODE_ADDRESSES_MAX];
    struct loop_timer timer; /* the core's next deadline */
    struct loop_timer leaving;
    struct loop_wake again; /* more commands wait than one turn takes */
    uint64_t armed_ms;
    uint64_t self, epoch;
    bool is_joined, is_held;
    enum driver_end end;
};

/* --- Out of the core
 * ---------------------------------------------------------------------------------------- */

static void end_with(struct driver *driver, enum driver_end end)
{
    if (driver->end == DRIVER_RUNS)
        driver->end = end;
    loop_stop(driver->loop);
}

static void record_member(struct driver *driver, const struct gossip_event *event)
{
    if (event->member.is_self)
        return;
    if (event->member.state == MEMBER_LEFT || event->member.state == MEMBER_FORGOTTEN)
        store_member_end(driver->store, event->member.tag);
    else if (event->member.alive != NULL)
        store_member(driver->store, event->member.alive);
}

/* What must outlive us, and what ends us. */
static void act_on(struct driver *driver, const struct gossip_event *event)
{
    switch (event->kind) {
    case GOSSIP_EVENT_MEMBER: record_member(driver, event); break;
    case GOSSIP_EVENT_PEER_UP:
    case GOSSIP_EVENT_PEER_UPDATE:
        /* Not what a neighbour still holds of our last life: nobody has heard its client since. */
        if (event->peer.home == driver->self && event->peer.epoch == driver->epoch)
            store_lease(driver->store, event->peer.record, event->wall_ms);
        break;
    case GOSSIP_EVENT_HEARTBEAT:
        store_heartbeat(driver->store, event->heartbeat.record, event->wall_ms);
        break;
    case GOSSIP_EVENT_LEASE_END: store_lease_end(driver->store, event->heartbeat.record); break;
    case GOSSIP_EVENT_EPOCH:
        driver->epoch = event->epoch.epoch;
        store_set_epoch(driver->store, driver->epoch);
        break;
    case GOSSIP_EVENT_JOINED: driver->is_joined = true; break;
    case GOSSIP_EVENT_LEFT: end_with(driver, DRIVER_LEFT); break;
    case GOSSIP_EVENT_CONFLICT:
        if (event->conflict.what != CONFLICT_NAME)
            end_with(driver, DRIVER_CONFLICT);
        break;
    default: break;
    }
}

static void drain_checks(struct driver *driver)
{
    struct gossip_check *check;

    while ((check = gossip_next_check(driver->gossip)) != NULL)
        verifier_give(driver->verifier, check);
}

static void drain_packets(struct driver *driver, struct gossip_time now)
{
    for (;;) {
        struct udp_packet *packet = udp_slot(driver->udp);

        if (!gossip_next_packet(driver->gossip, now, &packet->addr, packet->bytes, &packet->len))
            break;
        udp_queue(driver->udp);
    }
    udp_flush(driver->udp);
}

/* What finds no room stays in the core; the bridge wakes us when there is some. */
static void drain_events(struct driver *driver)
{
    struct gossip_event event;

    while (bridge_has_room(driver->bridge) && gossip_next_event(driver->gossip, &event)) {
        narrate_event(driver->narrator, &event);
        act_on(driver, &event);
        if (!bridge_push_event(driver->bridge, &event))
            gossip_event_release(&event); /* cannot be: we alone push, and there was room */
    }
    bridge_flush_events(driver->bridge);
    bool is_pressed = bridge_is_pressed(driver->bridge);
    if (is_pressed != driver->is_held)
        gossip_hold_pulls(driver->gossip, is_pressed);
    driver->is_held = is_pressed;
}

static void arm(struct driver *driver)
{
    uint64_t deadline_ms = gossip_deadline_ms(driver->gossip), now_ms;

    if (deadline_ms == driver->armed_ms && loop_timer_is_running(&driver->timer))
        return;
    driver->armed_ms = deadline_ms;
    now_ms = clock_mono_ms();
    if (deadline_ms == UINT64_MAX)
        loop_timer_stop(&driver->timer);
    else
        loop_timer_start(&driver->timer, deadline_ms > now_ms ? deadline_ms - now_ms : 0);
}

static void drain(struct driver *driver, struct gossip_time now)
{
    drain_checks(driver);
    drain_packets(driver, now);
    drain_events(driver);
    arm(driver);
}

/* --- Into the core
 * --------------------------------------------------------------------------------------------- */

static void on_deadline(void *context)
{
    struct driver *driver = context;
    struct gossip_time now = clock_now();

    driver->armed_ms = 0;
    gossip_tick(driver->gossip, now);
    drain(driver, now);
}

static void receive_batch(struct driver *driver, size_t count, struct gossip_time now)
{
    for (size_t i = 0; i < count; i++) {
        const struct udp_packet *packet = &driver->udp->in[i];
        enum gossip_drop reason =
            gossip_receive(driver->gossip, now, &packet->addr, packet->bytes, packet->len);

        if (reason != DROP_NONE)
            narrate_drop(driver->narrator, reason, &packet->addr, now.mono_ms);
    }
}

static void on_readable(void *context, unsigned ready)
{
    struct driver_socket *socket = context;
    struct driver *driver = socket->driver;
    bool is_empty = false;
    uint64_t begun_us = turns_now_us();

    (void)ready;
    while (!is_empty && turns_now_us() - begun_us < RECEIVE_US) {
        size_t count = udp_receive(driver->udp, socket->number, &is_empty);
        struct gossip_time now = clock_now();

        receive_batch(driver, count, now);
        drain(driver, now);
    }
}

static void on_verdicts(void *context)
{
    struct driver *driver = context;
    struct gossip_time now = clock_now();
    struct gossip_check *check;
    int count = 0;

    while (count < VERDICTS_BATCH && (check = verifier_next(driver->verifier)) != NULL) {
        gossip_checked(driver->gossip, now, check);
        count++;
    }
    if (count == VERDICTS_BATCH)
        verifier_again(driver->verifier);
    drain(driver, now);
}

static void run_command(struct driver *driver, const struct node_command *command,
                        struct gossip_time now)
{
    const uint8_t *token = command->has_token ? command->token_hash : NULL;

    switch (command->kind) {
    case NODE_COMMAND_REGISTER:
        gossip_register(driver->gossip, now, command->request, &command->registration);
        break;
    case NODE_COMMAND_HEARTBEAT:
        gossip_heartbeat(driver->gossip, now, command->request, command->peer_id, token);
        break;
    case NODE_COMMAND_DEREGISTER:
        gossip_deregister(driver->gossip, now, command->request, command->peer_id, token);
        break;
    }
}

static void on_commands(void *context)
{
    struct driver *driver = context;
    struct gossip_time now = clock_now();
    struct node_command *command;
    size_t count = 0;

    while (count < COMMANDS_BATCH && (command = bridge_next_command(driver->bridge)) != NULL) {
        run_command(driver, command, now);
        node_command_free(command);
        count++;
    }
    if (count == COMMANDS_BATCH)
        loop_wake_send(&driver->again);
    drain(driver, now);
}

/* --- Life ------------------------------------------------------------------------------------ */

static void on_leaving_takes_too_long(void *context)
{
    struct driver *driver = context;

    log_say(LOG_LEVEL_WARNING, "leave.hasty", "leaving took too long: stopping without it");
    end_with(driver, DRIVER_LEFT);
}

struct driver *driver_new(struct loop *loop, struct gossip *gossip, uint64_t epoch, struct udp *udp,
                          struct bridge *bridge, struct store *store)
{
    struct driver *driver = mem_alloc(sizeof *driver);

    assert(gossip != NULL && udp->count > 0);
    driver->loop = loop;
    driver->gossip = gossip;
    driver->udp = udp;
    driver->bridge = bridge;
    driver->store = store;
    driver->self = gossip_tag(gossip);
    driver->epoch = epoch;
    driver->narrator = narrator_new(driver->self);
    driver->verifier = verifier_new(loop, on_verdicts, driver);
    loop_timer_init(&driver->timer, loop, on_deadline, driver);
    loop_timer_init(&driver->leaving, loop, on_leaving_takes_too_long, driver);
    loop_wake_init(&driver->again, loop, on_commands, driver);
    bridge_attach_gossip(bridge, loop, on_commands, driver);
    for (size_t i = 0; i < udp->count; i++) {
        driver->sockets[i].driver = driver;
        driver->sockets[i].number = i;
        loop_fd_init(&driver->sockets[i].watcher, loop, udp->fds[i], on_readable,
                     &driver->sockets[i]);
    }
    return driver;
}

void driver_start(struct driver *driver)
{
    for (size_t i = 0; i < driver->udp->count; i++)
        loop_fd_watch(&driver->sockets[i].watcher, LOOP_READ);
    on_deadline(driver);
}

void driver_free(struct driver *driver)
{
    if (driver == NULL)
        return;
    for (size_t i = 0; i < driver->udp->count; i++)
        loop_fd_stop(&driver->sockets[i].watcher);
    loop_timer_stop(&driver->timer);
    loop_timer_stop(&driver->leaving);
    loop_wake_stop(&driver->again);
    bridge_detach_gossip(driver->bridge);
    verifier_free(driver->verifier);
    gossip_free(driver->gossip);
    narrator_free(driver->narrator);
    mem_free(driver);
}

enum driver_end driver_ended(const struct driver *driver)
{
    return driver->end;
}

bool driver_is_joined(const struct driver *driver)
{
    return driver->is_joined;
}

void driver_join(struct driver *driver, const struct addr *addrs, size_t count)
{
    struct gossip_time now = clock_now();

    gossip_join(driver->gossip, now, addrs, count);
    drain(driver, now);
}

void driver_set_seeds(struct driver *driver, const struct addr *addrs, size_t count)
{
    gossip_set_seeds(driver->gossip, addrs, count);
    drain(driver, clock_now());
}

void driver_set_keyring(struct driver *driver, const struct seal_keyring *ring)
{
    gossip_set_keyring(driver->gossip, ring);
}

void driver_leave(struct driver *driver)
{
    struct gossip_time now = clock_now();

    loop_timer_start(&driver->leaving, DRIVER_LEAVE_MS);
    gossip_leave(driver->gossip, now);
    drain(driver, now);
}

void driver_status(struct driver *driver, struct gossip_status *status)
{
    gossip_status_now(driver->gossip, status);
}
