// SPDX-License-Identifier: Apache-2.0
/* test_bridge.c - between two threads nothing is lost, nothing overtakes, nothing grows without
 * bound */
#include "node/bridge.h"

#include <criterion/criterion.h>
#include <pthread.h>
#include <string.h>

#include "node/queue.h"
#include "node/thread.h"

static void nothing(void *context)
{
    (void)context;
}

static struct gossip_event reply(uint64_t request)
{
    return (struct gossip_event){.kind = GOSSIP_EVENT_REPLY, .reply = {.request = request}};
}

/* --- The queue
 * -------------------------------------------------------------------------------------------- */

Test(queue, a_full_queue_refuses_and_an_empty_one_says_so)
{
    struct queue *queue = queue_new(4);
    int items[5];

    for (int round = 0; round < 3; round++) {
        for (int i = 0; i < 4; i++)
            cr_assert(queue_push(queue, &items[i]));
        cr_assert_not(queue_push(queue, &items[4]));
        cr_assert_eq(queue_count(queue), 4);
        for (int i = 0; i < 4; i++)
            cr_assert_eq(queue_pop(queue), &items[i]);
        cr_assert_null(queue_pop(queue));
    }
    queue_free(queue);
}

#define PRODUCERS    3
#define PER_PRODUCER 50000

struct producer {
    struct queue *queue;
    uint32_t items[PER_PRODUCER];
    pthread_t thread;
};

static void *produce(void *context)
{
    struct producer *producer = context;

    for (uint32_t i = 0; i < PER_PRODUCER; i++) {
        producer->items[i] = i;
        while (!queue_push(producer->queue, &producer->items[i]))
            sched_yield();
    }
    return NULL;
}

Test(queue, several_producers_lose_nothing_and_each_keeps_its_order)
{
    static struct producer producers[PRODUCERS];
    uint32_t next[PRODUCERS] = {0};
    struct queue *queue = queue_new(64);

    for (int i = 0; i < PRODUCERS; i++) {
        producers[i].queue = queue;
        cr_assert(thread_start(&producers[i].thread, "producer", produce, &producers[i]));
    }
    for (size_t count = 0; count < PRODUCERS * PER_PRODUCER;) {
        uint32_t *item = queue_pop(queue);

        if (item == NULL) {
            sched_yield();
            continue;
        }
        for (int i = 0; i < PRODUCERS; i++) {
            if (item >= producers[i].items && item < producers[i].items + PER_PRODUCER)
                cr_assert_eq(*item, next[i]++);
        }
        count++;
    }
    for (int i = 0; i < PRODUCERS; i++) {
        pthread_join(producers[i].thread, NULL);
        cr_assert_eq(next[i], PER_PRODUCER);
    }
    queue_free(queue);
}

/* --- Commands
 * --------------------------------------------------------------------------------------------- */

Test(bridge, a_command_owns_copies_of_all_its_texts)
{
    char id[] = "peer", address[] = "10.0.0.1", metadata[] = "{\"a\":1}", archetype[] = "pepino";
    struct gossip_registration registration = {.peer = {.peer_id = span_of_text(id),
                                                        .address = span_of_text(address),
                                                        .metadata = span_of_text(metadata),
                                                        .archetypes = {span_of_text(archetype)},
                                                        .archetype_count = 1,
                                                        .port = 9,
                                                        .ttl_s = 60},
                                               .has_token = true,
                                               .token_hash = {1, 2, 3}};
    struct node_command *command = node_command_register(7, &registration);

    memset(id, 'x', sizeof id);
    memset(address, 'x', sizeof address);
    memset(metadata, 'x', sizeof metadata);
    memset(archetype, 'x', sizeof archetype);
    const struct peer_description *peer = &command->registration.peer;
    cr_assert_eq(command->request, 7);
    cr_assert(span_equal(peer->peer_id, span_of_text("peer")));
    cr_assert(span_equal(peer->address, span_of_text("10.0.0.1")));
    cr_assert(span_equal(peer->metadata, span_of_text("{\"a\":1}")));
    cr_assert(span_equal(peer->archetypes[0], span_of_text("pepino")));
    cr_assert_eq(peer->port, 9);
    cr_assert_eq(command->registration.token_hash[2], 3);
    node_command_free(command);
}

Test(bridge, a_heartbeat_carries_its_token_or_none)
{
    uint8_t token[LEASE_TOKEN_HASH_BYTES] = {9};
    struct node_command *with = node_command_heartbeat(1, span_of_text("p"), token);
    struct node_command *without = node_command_deregister(2, span_of_text("p"), NULL);

    cr_assert(with->has_token && with->token_hash[0] == 9);
    cr_assert(!without->has_token && without->kind == NODE_COMMAND_DEREGISTER);
    node_command_free(with);
    node_command_free(without);
}

Test(bridge, commands_are_refused_when_nobody_will_answer)
{
    struct bridge *bridge = bridge_new(1);
    struct loop *loop = loop_new();
    size_t taken = 0;

    cr_assert_not(bridge_send_command(bridge_end_of(bridge, 0),
                                      node_command_heartbeat(1, span_of_text("p"), NULL)));
    bridge_attach_gossip(bridge, loop, nothing, NULL);
    while (bridge_send_command(bridge_end_of(bridge, 0),
                               node_command_heartbeat(taken, span_of_text("p"), NULL)))
        taken++;
    cr_assert_eq(taken, BRIDGE_COMMANDS_MAX);
    for (size_t i = 0; i < 10; i++) {
        struct node_command *command = bridge_next_command(bridge);

        cr_assert_eq(command->request, i);
        node_command_free(command);
    }
    bridge_detach_gossip(bridge);
    cr_assert_not(bridge_send_command(bridge_end_of(bridge, 0),
                                      node_command_heartbeat(1, span_of_text("p"), NULL)));
    bridge_free(bridge);
    loop_free(loop);
}

/* --- Events ---------------------------------------------------------------------------------- */

Test(bridge, above_half_the_core_is_told_to_hold_and_no_event_is_dropped)
{
    struct bridge *bridge = bridge_new(1);
    struct gossip_event event;
    size_t pushed = 0;

    while (bridge_has_room(bridge)) {
        cr_assert_eq(bridge_is_pressed(bridge), pushed > BRIDGE_EVENTS_MAX / 2);
        event = reply(pushed++);
        cr_assert(bridge_push_event(bridge, &event));
    }
    cr_assert_eq(pushed, BRIDGE_EVENTS_MAX);
    for (size_t i = 0; i < pushed; i++) {
        const struct gossip_event *next = bridge_next_event(bridge_end_of(bridge, 0));

        cr_assert_not_null(next);
        cr_assert_eq(next->reply.request, i);
        bridge_event_done(next);
    }
    cr_assert_null(bridge_next_event(bridge_end_of(bridge, 0)));
    cr_assert_not(bridge_is_pressed(bridge));
    bridge_free(bridge);
}

Test(bridge, every_end_hears_of_a_change_before_its_own_gets_the_reply)
{
    struct bridge *bridge = bridge_new(3);
    struct loop *loop = loop_new();
    static const uint8_t bytes[100] = {0};
    struct blob *blob = blob_new(span_of(bytes, sizeof bytes));
    struct gossip_event change = {.kind = GOSSIP_EVENT_HEARTBEAT};

    bridge_attach_gossip(bridge, loop, nothing, NULL);
    cr_assert(bridge_send_command(bridge_end_of(bridge, 1),
                                  node_command_heartbeat(7, span_of_text("p"), NULL)));
    struct node_command *command = bridge_next_command(bridge);
    struct gossip_event answer = reply(command->request);
    node_command_free(command);
    change.heartbeat.record = blob_retain(blob);
    cr_assert(bridge_push_event(bridge, &change) && bridge_push_event(bridge, &answer));
    for (size_t i = 0; i < 3; i++) {
        struct bridge_end *end = bridge_end_of(bridge, i);
        const struct gossip_event *event = bridge_next_event(end);

        cr_assert_eq(event->kind, GOSSIP_EVENT_HEARTBEAT);
        cr_assert_eq(event->heartbeat.record, blob);
        bridge_event_done(event);
        event = bridge_next_event(end);
        cr_assert_eq(event != NULL, i == 1, "the reply is for the end that asked");
        if (event != NULL) {
            cr_assert_eq(event->reply.request, 7);
            bridge_event_done(event);
        }
        cr_assert_null(bridge_next_event(end));
    }
    cr_assert_eq(atomic_load(&blob->references), 1);
    blob_release(blob);
    bridge_detach_gossip(bridge);
    bridge_free(bridge);
    loop_free(loop);
}

Test(bridge, one_end_that_does_not_read_holds_back_all)
{
    struct bridge *bridge = bridge_new(2);
    struct gossip_event event = {.kind = GOSSIP_EVENT_EPOCH};
    const struct gossip_event *taken;

    while (bridge_has_room(bridge)) {
        cr_assert(bridge_push_event(bridge, &event));
        taken = bridge_next_event(bridge_end_of(bridge, 0));
        cr_assert_not_null(taken);
        bridge_event_done(taken);
    }
    cr_assert_eq(bridge_event_count(bridge_end_of(bridge, 1)), BRIDGE_EVENTS_MAX);
    cr_assert_not(bridge_push_event(bridge, &event));
    cr_assert_null(bridge_next_event(bridge_end_of(bridge, 0)), "nothing came by halves");
    cr_assert(bridge_is_pressed(bridge));
    bridge_free(bridge);
}

Test(bridge, blobs_of_events_nobody_took_are_released)
{
    struct bridge *bridge = bridge_new(1);
    static const uint8_t bytes[100] = {0};
    struct blob *blob = blob_new(span_of(bytes, sizeof bytes));
    struct gossip_event event = reply(1);

    event.reply.record = blob_retain(blob);
    cr_assert(bridge_push_event(bridge, &event));
    bridge_free(bridge);
    cr_assert_eq(atomic_load(&blob->references), 1);
    blob_release(blob);
}

/* Two threads at full speed, the slow one pressing back. */
struct consumer {
    struct bridge_end *end;
    struct loop *loop;
    uint64_t next;
    bool in_order;
    pthread_t thread;
};

#define EVENTS_IN_ALL 100000

static void on_events(void *context)
{
    struct consumer *consumer = context;
    const struct gossip_event *event;
    int count = 0;

    while (count < BRIDGE_EVENTS_BATCH && (event = bridge_next_event(consumer->end)) != NULL) {
        consumer->in_order = consumer->in_order && event->reply.request == consumer->next;
        bridge_event_done(event);
        consumer->next++;
        count++;
    }
    if (count == BRIDGE_EVENTS_BATCH)
        bridge_events_again(consumer->end);
    if (consumer->next == EVENTS_IN_ALL)
        loop_stop(consumer->loop);
}

static void *consume(void *context)
{
    struct consumer *consumer = context;

    bridge_attach_http(consumer->end, consumer->loop, on_events, consumer);
    loop_run(consumer->loop);
    bridge_detach_http(consumer->end);
    return NULL;
}

struct pusher {
    struct bridge *bridge;
    struct loop *loop;
    uint64_t pushed;
    size_t waits;
};

static void push_more(void *context)
{
    struct pusher *pusher = context;

    while (pusher->pushed < EVENTS_IN_ALL && bridge_has_room(pusher->bridge)) {
        struct gossip_event event = reply(pusher->pushed);

        cr_assert(bridge_push_event(pusher->bridge, &event));
        pusher->pushed++;
    }
    bridge_flush_events(pusher->bridge);
    pusher->waits++;
    if (pusher->pushed == EVENTS_IN_ALL)
        loop_stop(pusher->loop);
}

Test(bridge, a_full_queue_wakes_the_gossip_thread_when_there_is_room_again, .timeout = 60)
{
    struct bridge *bridge = bridge_new(1);
    struct consumer consumer = {
        .end = bridge_end_of(bridge, 0), .loop = loop_new(), .in_order = true};
    struct pusher pusher = {.bridge = bridge, .loop = loop_new()};

    bridge_attach_gossip(bridge, pusher.loop, push_more, &pusher);
    push_more(&pusher); /* fills it before anybody reads */
    cr_assert_lt(pusher.pushed, EVENTS_IN_ALL);
    cr_assert(thread_start(&consumer.thread, "consumer", consume, &consumer));
    loop_run(pusher.loop);
    pthread_join(consumer.thread, NULL);
    cr_assert(consumer.in_order);
    cr_assert_eq(consumer.next, EVENTS_IN_ALL);
    cr_assert_gt(pusher.waits, 1);
    bridge_detach_gossip(bridge);
    bridge_free(bridge);
    loop_free(consumer.loop);
    loop_free(pusher.loop);
}
