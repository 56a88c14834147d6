// SPDX-License-Identifier: Apache-2.0
/* world.c - the loop: the next thing that happens, and what the nodes make of it */
#include "sim/world.h"

#include "sim/check.h"
#include "sim/checks.h"
#include "sim/host.h"
#include "sim/memory.h"
#include "sim/narrate.h"
#include "sim/traitor.h"

#include <assert.h>
#include <inttypes.h>
#include <stdio.h>

enum {
    SWEEP_US = 10 * 1000 * 1000,
    SECOND_US = 1000 * 1000,
    CLOCK_STEPS = 1024, /* a power of two: as often the time is told to who watches */
    SPINS_MAX =
        10000, /* ticks of one node in one microsecond: it asks for a deadline that never passes */
};

/* --- Making
 * ----------------------------------------------------------------------------------------- */

struct addr world_addr(size_t node)
{
    return address_of_node(node);
}

/* NODES_MAX or more: nobody lives there. */
static size_t node_of_addr(const struct world *world, const struct addr *addr)
{
    uint32_t node = address_find(&world->addresses, addr, world->now_us);

    return node != ADDRESS_NOBODY ? node : NODES_MAX;
}

static void make_nodes(struct world *world)
{
    struct random random = random_stream(world->options.seed, 'p');

    world->nodes = memory_new(world->options.nodes, sizeof(*world->nodes));
    for (size_t i = 0; i < world->options.nodes; i++) {
        world->nodes[i].index = i;
        world->nodes[i].addr = world_addr(i);
        world->nodes[i].source = (uint32_t)i;
        world->nodes[i].name = i;
        world->nodes[i].deadline.kind = HEAP_DEADLINE;
        world->nodes[i].served.kind = HEAP_SERVED;
        world->nodes[i].clock.local_us = random_below(&random, 1000);
    }
}

static void make_keyring(struct random *random, const char *cluster, struct seal_keyring *keyring)
{
    uint8_t key[SEAL_KEY_BYTES];

    random_fill(random, key, sizeof(key));
    seal_keyring_init(keyring, cluster);
    seal_keyring_add(keyring, key);
}

static void make_clusters(struct world *world)
{
    struct random random = random_stream(world->options.seed, 'c');

    snprintf(world->cluster, sizeof(world->cluster), "%s", world->options.cluster);
    snprintf(world->foreign_cluster, sizeof(world->foreign_cluster), "not %.*s",
             CLUSTER_NAME_MAX_BYTES - 4, world->options.cluster);
    make_keyring(&random, world->cluster, &world->keyring);
    make_keyring(&random, world->foreign_cluster, &world->foreign_keyring);
}

struct world *world_new(const struct world_options *options)
{
    struct world *world = memory_new(1, sizeof(*world));

    assert(options->nodes > 0 && options->nodes <= NODES_MAX);
    if (!key_library_init())
        abort();
    world->options = *options;
    if (options->config != NULL)
        world->config = *options->config;
    else
        gossip_config_defaults(&world->config);
    assert(options->foreign < options->nodes);
    world->addresses.nodes = options->nodes;
    if (!trace_open(&world->trace, options->trace))
        fprintf(stderr, "cannot write the trace to %s\n", options->trace);
    if (world->trace.file != NULL)
        fprintf(world->trace.file, "# world of %zu nodes, seed %" PRIu64 "\n", options->nodes,
                options->seed);
    network_init(&world->network, options->nodes, &options->faults,
                 options->network_seed ? options->network_seed : options->seed);
    world->random = random_stream(options->seed, 'w');
    world->course_random = random_stream(options->seed, 'f');
    world->store = options->has_no_memo ? NULL : blob_store_new();
    world->sealed = options->has_no_memo ? NULL : sealed_store_new();
    make_clusters(world);
    make_nodes(world);
    world->checks = checks_new(world);
    world->second_us = SECOND_US;
    return world;
}

static void free_node(struct world *world, struct node *node)
{
    if (node->core != NULL)
        host_end(world, node->index);
    disk_clear(&node->disk);
    disk_clear(&node->old_disk);
    observe_free(&node->seen);
    free(node->withheld_from);
}

void world_free(struct world *world)
{
    struct heap_entry *entry;

    for (size_t i = 0; i < world->options.nodes; i++)
        free_node(world, &world->nodes[i]);
    while ((entry = heap_pop(&world->heap)) != NULL)
        if (entry->kind == HEAP_PACKET)
            packet_free(&world->packets, (struct packet *)entry);
    faults_free(world);
    heap_free(&world->heap);
    packet_pool_free(&world->packets);
    network_free(&world->network);
    address_book_free(&world->addresses);
    trace_close(&world->trace);
    if (world->store != NULL)
        blob_store_free(world->store);
    sealed_store_free(world->sealed);
    intern_free(&world->tags);
    intern_free(&world->peer_ids);
    free(world->node_of_number);
    free(world->answers);
    free(world->strangers.all);
    free(world->capture);
    checks_free(world->checks);
    free(world->nodes);
    free(world);
}

/* --- What comes out of a core
 * ------------------------------------------------------------------------ */

void world_send(struct world *world, struct packet *packet)
{
    struct network_fate fate;

    if (world->capture != NULL)
        capture_packet(world->capture, packet->from, packet->to, packet->bytes, packet->len);
    network_send(&world->network, world->now_us, packet->from, packet->to, packet->len, &fate);
    trace_add(&world->trace, TRACE_SEND, world->now_us, packet->from, packet->to, packet->len,
              fate.copies);
    for (unsigned i = 0; i < fate.copies; i++) {
        struct packet *copy =
            packet_new(&world->packets, packet->from, packet->to, packet->bytes, packet->len);

        copy->source = world->nodes[packet->from].source;
        if (fate.flipped_bit[i] >= 0)
            copy->bytes[fate.flipped_bit[i] / 8] ^= (uint8_t)(1 << fate.flipped_bit[i] % 8);
        heap_insert(&world->heap, &copy->entry, world->now_us + fate.delay_us[i]);
    }
    packet_free(&world->packets, packet);
}

static void stranger_is_sent(struct world *world, const struct addr *addr, size_t len)
{
    struct stranger *stranger = stranger_find(&world->strangers, addr);

    if (stranger != NULL) {
        stranger->packets_to++;
        stranger->bytes_to += len;
    }
}

static void drain_packets(struct world *world, struct node *node)
{
    struct gossip_time time = world_time(world, node->index);
    uint8_t bytes[PACKET_MAX_BYTES];
    struct addr addr;
    size_t len;

    gossip_check_all(node->core, time);
    while (gossip_next_packet(node->core, time, &addr, bytes, &len)) {
        size_t to = node_of_addr(world, &addr);

        checks_on_packet_out(world, node->index, &addr, bytes, len);
        if (to == NODES_MAX) {
            stranger_is_sent(world, &addr, len);
            continue;
        }
        if (node->withheld_from != NULL && node_set_has(node->withheld_from, to))
            len = traitor_withhold_from(world, node->index, bytes, len);
        struct packet *packet =
            packet_new(&world->packets, (uint32_t)node->index, (uint32_t)to, bytes, len);
        if (!node->is_blocked)
            world_send(world, packet);
        else if (!packet_queue_push(&node->outbound, &world->packets, packet))
            world->waiting_dropped++;
    }
}

static void take_reply(struct world *world, const struct gossip_reply *reply)
{
    if (reply->request >= world->answer_capacity)
        return;
    struct answer *answer = &world->answers[reply->request];
    *answer = (struct answer){.is_done = true,
                              .result = reply->result,
                              .field = reply->field,
                              .at_us = world->now_us,
                              .wall_ms = reply->wall_ms,
                              .expires_in_ms = reply->expires_in_ms};
}

static void drain_events(struct world *world, struct node *node)
{
    struct gossip_event event;

    while (gossip_next_event(node->core, &event)) {
        world->events_seen++;
        narrate_event(world, node->index, &event);
        checks_on_event(world, node->index, &event);
        struct broken broken =
            observe_event(&node->seen, &event, world->now_us, &world->tags, &world->peer_ids);
        if (broken.what != NULL)
            check_failed(world, node->index, broken.which, "%s", broken.what);
        if (event.kind == GOSSIP_EVENT_REPLY)
            take_reply(world, &event.reply);
        if (event.kind == GOSSIP_EVENT_EPOCH)
            node->epoch = node->disk.epoch = event.epoch.epoch;
        gossip_event_release(&event);
    }
}

/* A deadline is only ever moved forward here; when it comes too early it is put where it belongs.
 * Most inputs move a node's deadline back a little, and moving it in the heap each time would cost
 * more than the packet. */
static void arm(struct world *world, struct node *node)
{
    uint64_t deadline_ms = gossip_deadline_ms(node->core), at_us = world->now_us;

    if (node->is_paused || node->is_tick_due || deadline_ms == UINT64_MAX)
        return;
    if (deadline_ms > world_time(world, node->index).mono_ms)
        at_us = clock_world_us(&node->clock, (deadline_ms - WORLD_MONO_MS) * 1000);
    node->due_us = at_us;
    if (!node->deadline.place)
        heap_insert(&world->heap, &node->deadline, at_us);
    else if (at_us < heap_due_us(&world->heap, &node->deadline))
        heap_move(&world->heap, &node->deadline, at_us);
}

void world_drain(struct world *world, size_t index)
{
    struct node *node = &world->nodes[index];

    assert(node->core != NULL);
    drain_packets(world, node);
    drain_events(world, node);
    arm(world, node);
    if (node->seen.has_left || node->seen.must_stop)
        host_stop(world, index);
}

/* --- What goes into a core
 * --------------------------------------------------------------------------- */

struct gossip_time world_time(const struct world *world, size_t index)
{
    const struct node *node = &world->nodes[index];
    uint64_t ms = clock_us(&node->clock, world->now_us) / 1000;

    return (struct gossip_time){WORLD_MONO_MS + ms, WORLD_WALL_MS + ms + (uint64_t)node->skew_ms};
}

void world_inject(struct world *world, const struct addr *from, size_t to, const uint8_t *bytes,
                  size_t len)
{
    size_t source = node_of_addr(world, from);

    assert(to < world->options.nodes);
    if (source == NODES_MAX)
        source += stranger_add(&world->strangers, from);
    trace_add(&world->trace, TRACE_FAULT, world->now_us, to, 'i', source, len);
    struct packet *packet = packet_new(&world->packets, (uint32_t)source, (uint32_t)to, bytes, len);
    packet->source = source < NODES_MAX ? world->nodes[source].source : 0;
    packet->source = source < NODES_MAX ? world->nodes[source].source : 0;
    heap_insert(&world->heap, &packet->entry, world->now_us + world->network.faults.latency_us);
}

/* The address that it claims to come from. */
static struct addr source_of(struct world *world, const struct packet *packet)
{
    if (packet->from < NODES_MAX)
        return address_at(&world->addresses, packet->source);
    struct stranger *stranger = &world->strangers.all[packet->from - NODES_MAX];
    stranger->packets_from++;
    stranger->bytes_from += packet->len;
    return stranger->addr;
}

static void hand_over(struct world *world, struct packet *packet)
{
    struct node *node = &world->nodes[packet->to];
    uint64_t mac = 0;

    if (node->core != NULL) {
        if (packet->len >= sizeof(mac))
            memcpy(&mac, packet->bytes + packet->len - sizeof(mac), sizeof(mac));
        trace_add(&world->trace, TRACE_DELIVER, world->now_us, packet->to, packet->from,
                  packet->len, mac);
        struct addr from = source_of(world, packet);
        checks_on_packet_in(world, packet->to, &from,
                            packet->from < NODES_MAX ? packet->from : SIZE_MAX, packet->len);
        gossip_receive(node->core, world_time(world, packet->to), &from, packet->bytes,
                       packet->len);
        world_drain(world, packet->to);
    }
    packet_free(&world->packets, packet);
}

static void tick(struct world *world, struct node *node)
{
    struct gossip_time time = world_time(world, node->index);

    if (gossip_deadline_ms(node->core) <= time.mono_ms) {
        node->spins = node->ticked_us == world->now_us ? node->spins + 1 : 0;
        node->ticked_us = world->now_us;
        if (node->spins > SPINS_MAX) {
            check_failed(world, node->index, I_NONE, "its deadline does not pass");
            abort();
        }
        trace_add(&world->trace, TRACE_TICK, world->now_us, node->index, 0, 0, 0);
        gossip_tick(node->core, time);
    }
    world_drain(world, node->index);
}

/* Whoever is paused, blocked or busy finds it in its socket. */
static void deliver(struct world *world, struct packet *packet)
{
    struct node *node = &world->nodes[packet->to];
    bool must_wait = node->is_paused || node->is_blocked || node->service_us > 0;

    if (node->core == NULL || !must_wait) {
        hand_over(world, packet);
        return;
    }
    if (!packet_queue_push(&node->inbound, &world->packets, packet))
        world->waiting_dropped++;
    host_serve(world, node->index);
}

/* Coming too early costs a slow node nothing: a real loop would not have woken up. */
static void on_deadline(struct world *world, struct node *node)
{
    if (node->due_us > world->now_us) {
        heap_insert(&world->heap, &node->deadline, node->due_us);
        return;
    }
    if (node->service_us == 0 ||
        gossip_deadline_ms(node->core) > world_time(world, node->index).mono_ms) {
        tick(world, node);
        return;
    }
    node->is_tick_due = true;
    host_serve(world, node->index);
}

/* Packets and ticks take turns, as in a loop that asks its socket and its timers. */
static void on_served(struct world *world, struct node *node)
{
    bool has_packet = !node->is_blocked && node->inbound.count > 0;

    assert(node->core != NULL && !node->is_paused);
    node->was_tick = node->is_tick_due && (!node->was_tick || !has_packet);
    if (node->was_tick) {
        node->is_tick_due = false;
        tick(world, node);
    } else if (has_packet) {
        hand_over(world, packet_queue_pop(&node->inbound));
    }
    if (node->core != NULL)
        host_serve(world, node->index);
}

/* --- Time
 * ---------------------------------------------------------------------------------------------- */

#define NODE_OF(entry, field) \
    ((struct node *)(void *)((char *)(entry)-offsetof(struct node, field)))

static enum world_step handle(struct world *world, struct heap_entry *entry,
                              struct heap_entry **alarm)
{
    switch (entry->kind) {
    case HEAP_PACKET: deliver(world, (struct packet *)entry); break;
    case HEAP_DEADLINE: on_deadline(world, NODE_OF(entry, deadline)); break;
    case HEAP_RESUME: host_resume(world, NODE_OF(entry, resume)->index); break;
    case HEAP_FAULT: faults_step(world, (struct course *)entry); break;
    case HEAP_SERVED: on_served(world, NODE_OF(entry, served)); break;
    case HEAP_ALARM: *alarm = entry; return WORLD_ALARM;
    }
    return WORLD_MOVED;
}

enum world_step world_step(struct world *world, uint64_t limit_us, struct heap_entry **alarm)
{
    uint64_t next_us = heap_next_us(&world->heap);

    assert(next_us >= world->now_us);
    if (next_us > limit_us) {
        world->now_us = limit_us > world->now_us ? limit_us : world->now_us;
        return WORLD_IDLE;
    }
    world->now_us = next_us;
    world->steps++;
    if (next_us >= world->second_us) {
        world->second_us = (next_us / SECOND_US + 1) * SECOND_US;
        checks_on_second(world);
    }
    if (world->steps % CLOCK_STEPS == 0 && world->options.clock_us != NULL)
        *world->options.clock_us = next_us;
    if (next_us >= world->sweep_us && world->store != NULL) {
        blob_store_sweep(world->store);
        world->sweep_us = next_us + SWEEP_US;
    }
    return handle(world, heap_pop(&world->heap), alarm);
}

void world_set_alarm(struct world *world, struct heap_entry *entry, uint64_t at_us)
{
    assert(at_us >= world->now_us);
    entry->kind = HEAP_ALARM;
    heap_insert(&world->heap, entry, at_us);
}

/* --- Asking
 * ---------------------------------------------------------------------------------------------- */

bool world_is_present(const struct world *world, size_t node)
{
    const struct node *it = &world->nodes[node];

    return it->core != NULL && !it->is_paused && !it->is_blocked;
}

size_t world_node_of_tag(const struct world *world, uint64_t tag)
{
    size_t number = intern_find(&world->tags, span_of(&tag, sizeof(tag)));

    if (number >= world->node_of_number_capacity || world->node_of_number[number] == 0)
        return SIZE_MAX;
    return world->node_of_number[number] - 1;
}

uint64_t world_request(struct world *world)
{
    uint64_t request = ++world->requests;

    world->answers =
        memory_reach(world->answers, &world->answer_capacity, request, sizeof(*world->answers));
    trace_take(&world->trace, TRACE_COMMAND, world->now_us, SIZE_MAX, request, 0, 0);
    return request;
}
