// SPDX-License-Identifier: Apache-2.0
/* host.c - cores made from disks and seeds, and taken away again */
#include "sim/host.h"

#include "sim/checks.h"
#include "sim/memory.h"

#include <assert.h>
#include <stdio.h>

static void make_identity(struct world *world, struct node *node)
{
    struct random random = random_stream(world->options.seed, 'k' + (node->index << 8));
    uint8_t seed[KEY_SEED_BYTES];

    random.state ^= node->lives << 32;
    random_fill(&random, seed, sizeof(seed));
    key_pair_from_seed(seed, &node->identity);
    node->tag = node_tag(&node->identity.public);
    node->number = intern_add(&world->tags, span_of(&node->tag, sizeof(node->tag)));
    node->name = node->index;
}

/* Of several nodes with one identity it is the one that started last. */
static void claim_identity(struct world *world, const struct node *node)
{
    world->node_of_number = memory_reach(world->node_of_number, &world->node_of_number_capacity,
                                         node->number, sizeof(*world->node_of_number));
    world->node_of_number[node->number] = node->index + 1;
}

/* Whoever still runs with this identity has it. */
static void yield_identity(struct world *world, const struct node *node)
{
    for (size_t i = 0; i < world->options.nodes && world->copies > 0; i++)
        if (world->nodes[i].core != NULL && world->nodes[i].number == node->number)
            claim_identity(world, &world->nodes[i]);
}

static void load_disk(struct world *world, struct node *node, enum disk disk)
{
    if (disk == DISK_OLD)
        disk_copy(&node->disk, &node->old_disk);
    if (disk == DISK_KEY_ONLY || disk == DISK_NONE)
        disk_clear(&node->disk);
    if (disk == DISK_TORN)
        disk_tear(&node->disk, &world->course_random);
    if (node->tag == 0 || disk == DISK_NONE)
        make_identity(world, node);
    claim_identity(world, node);
}

/* The first few of its own cluster. */
static void configure_seeds(const struct world *world, const struct node *node,
                            struct gossip_config *config)
{
    bool is_foreign = world_is_foreign(world, node->index);
    size_t first = is_foreign ? world->options.nodes - world->options.foreign : 0;
    size_t end = is_foreign ? world->options.nodes : world->options.nodes - world->options.foreign;
    size_t seeds = world->options.seeds < SEEDS_MAX ? world->options.seeds : SEEDS_MAX;

    config->seed_count = 0;
    for (size_t i = first; i < end && i < first + seeds; i++)
        if (i != node->index)
            config->seeds[config->seed_count++] = world_addr(i);
}

static void configure(struct world *world, struct node *node, struct gossip_config *config)
{
    struct random random = random_stream(world->options.seed, 's' + (node->index << 8));
    bool is_foreign = world_is_foreign(world, node->index);

    *config = world->config;
    config->cluster = is_foreign ? world->foreign_cluster : world->cluster;
    config->zone = "";
    config->http_url = "";
    node->advertised = node->addr;
    config->addresses[0] = node->addr;
    config->address_count = 1;
    config->identity = node->identity;
    config->keyring = is_foreign ? world->foreign_keyring : world->keyring;
    random.state ^= node->lives << 32;
    random_fill(&random, config->seed, sizeof(config->seed));
    config->epoch = node->epoch;
    configure_seeds(world, node, config);
    config->store = world->store;
    config->sealed = world->sealed;
}

void host_start(struct world *world, size_t index, enum disk disk)
{
    struct node *node = &world->nodes[index];
    struct gossip_time time = world_time(world, index);
    struct gossip_config config;
    char name[24];

    assert(node->core == NULL);
    load_disk(world, node, disk);
    node->lives++;
    node->epoch = time.wall_ms / 1000;
    if (node->epoch <= node->disk.epoch)
        node->epoch = node->disk.epoch + 1;
    node->disk.epoch = node->epoch;
    node->started_us = world->now_us;
    node->is_paused = node->is_blocked = false;
    observe_free(&node->seen);
    checks_on_start(world, index);
    trace_add(&world->trace, TRACE_START, world->now_us, index, node->tag, node->epoch, disk);

    configure(world, node, &config);
    snprintf(name, sizeof(name), "n%zu", node->name);
    config.name = name;
    node->core = gossip_new(&config, time);
    disk_restore(&node->disk, node->core);
    world->running++;
    world_drain(world, index);
}

static void stop_serving(struct world *world, struct node *node)
{
    node->is_tick_due = node->was_tick = false;
    if (node->served.place)
        heap_remove(&world->heap, &node->served);
}

void host_end(struct world *world, size_t index)
{
    struct node *node = &world->nodes[index];

    assert(node->core != NULL);
    trace_add(&world->trace, TRACE_STOP, world->now_us, index, node->tag, node->epoch, 0);
    checks_on_stop(world, index);
    gossip_free(node->core);
    node->core = NULL;
    if (node->deadline.place)
        heap_remove(&world->heap, &node->deadline);
    if (node->resume.place)
        heap_remove(&world->heap, &node->resume);
    stop_serving(world, node);
    packet_queue_free(&node->inbound, &world->packets);
    packet_queue_free(&node->outbound, &world->packets);
    world->running--;
    yield_identity(world, node);
}

void host_stop(struct world *world, size_t index)
{
    struct node *node = &world->nodes[index];

    disk_save(&node->disk, node->core, node->epoch);
    host_end(world, index);
}

void host_start_copy(struct world *world, size_t from, size_t to)
{
    struct node *original = &world->nodes[from], *copy = &world->nodes[to];

    assert(copy->core == NULL && original->tag != 0);
    if (original->core != NULL)
        disk_save(&copy->disk, original->core, original->epoch);
    else
        disk_copy(&copy->disk, &original->disk);
    copy->identity = original->identity;
    copy->tag = original->tag;
    copy->number = original->number;
    copy->name = original->name;
    world->copies++;
    trace_add(&world->trace, TRACE_FAULT, world->now_us, to, 'k', from, 0);
    faults_touch(world, from);
    faults_touch(world, to);
    host_start(world, to, DISK_LATEST);
}

void host_pause(struct world *world, size_t index)
{
    struct node *node = &world->nodes[index];

    assert(node->core != NULL);
    trace_add(&world->trace, TRACE_FAULT, world->now_us, index, 'p', 0, 0);
    node->is_paused = true;
    stop_serving(world, node);
    if (node->deadline.place)
        heap_remove(&world->heap, &node->deadline);
    faults_touch(world, index);
}

/* What waited arrives now, in its order. */
static void release_inbound(struct world *world, struct node *node)
{
    struct packet *packet;

    while ((packet = packet_queue_pop(&node->inbound)) != NULL)
        heap_insert(&world->heap, &packet->entry, world->now_us);
}

void host_resume(struct world *world, size_t index)
{
    struct node *node = &world->nodes[index];

    if (node->core == NULL || !node->is_paused)
        return;
    trace_add(&world->trace, TRACE_FAULT, world->now_us, index, 'r', 0, 0);
    node->is_paused = false;
    faults_touch(world, index);
    if (node->resume.place)
        heap_remove(&world->heap, &node->resume);
    /* A real loop may find its timers or its socket first. */
    bool are_timers_first = random_chance(&world->random, 0.5);
    if (are_timers_first)
        world_drain(world, index);
    if (!node->is_blocked)
        release_inbound(world, node);
    if (!are_timers_first && node->core != NULL)
        world_drain(world, index);
}

void host_stall(struct world *world, size_t index, uint64_t ms)
{
    struct node *node = &world->nodes[index];

    host_pause(world, index);
    if (node->resume.place)
        heap_remove(&world->heap, &node->resume);
    node->resume.kind = HEAP_RESUME;
    heap_insert(&world->heap, &node->resume, world->now_us + ms * 1000);
}

void host_block(struct world *world, size_t index)
{
    assert(world->nodes[index].core != NULL);
    trace_add(&world->trace, TRACE_FAULT, world->now_us, index, 'b', 0, 0);
    world->nodes[index].is_blocked = true;
    faults_touch(world, index);
}

void host_unblock(struct world *world, size_t index)
{
    struct node *node = &world->nodes[index];
    struct packet *packet;

    if (node->core == NULL || !node->is_blocked)
        return;
    trace_add(&world->trace, TRACE_FAULT, world->now_us, index, 'u', 0, 0);
    node->is_blocked = false;
    faults_touch(world, index);
    while ((packet = packet_queue_pop(&node->outbound)) != NULL)
        world_send(world, packet);
    if (!node->is_paused)
        release_inbound(world, node);
}

/* --- Slow machines and clocks
 * ------------------------------------------------------------------------ */

void host_serve(struct world *world, size_t index)
{
    struct node *node = &world->nodes[index];
    bool has_packet = !node->is_blocked && node->inbound.count > 0;

    if (node->service_us > 0 && !node->is_paused && !node->served.place &&
        (node->is_tick_due || has_packet))
        heap_insert(&world->heap, &node->served, world->now_us + node->service_us);
}

void host_slow(struct world *world, size_t index, uint32_t service_us)
{
    struct node *node = &world->nodes[index];

    trace_add(&world->trace, TRACE_FAULT, world->now_us, index, 's', service_us, 0);
    faults_touch(world, index);
    node->service_us = service_us;
    if (service_us > 0 || node->core == NULL)
        return;
    stop_serving(world, node);
    if (!node->is_paused && !node->is_blocked)
        release_inbound(world, node);
    world_drain(world, index);
}

void host_drift(struct world *world, size_t index, int32_t ppm)
{
    struct node *node = &world->nodes[index];

    trace_add(&world->trace, TRACE_FAULT, world->now_us, index, 'd', (uint64_t)(int64_t)ppm, 0);
    faults_touch(world, index);
    clock_set_drift(&node->clock, world->now_us, ppm);
    if (node->core != NULL)
        world_drain(world, index);
}
