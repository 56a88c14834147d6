// SPDX-License-Identifier: Apache-2.0
/* host.c - cores made from disks and seeds, and taken away again */
#include "sim/host.h"

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
    world->node_of_number = memory_reach(world->node_of_number, &world->node_of_number_capacity,
                                         node->number, sizeof(*world->node_of_number));
    world->node_of_number[node->number] = node->index + 1;
}

static void load_disk(struct world *world, struct node *node, enum disk disk)
{
    if (disk == DISK_OLD)
        disk_copy(&node->disk, &node->old_disk);
    if (disk == DISK_KEY_ONLY || disk == DISK_NONE)
        disk_clear(&node->disk);
    if (node->lives == 0 || disk == DISK_NONE)
        make_identity(world, node);
}

static void configure(struct world *world, struct node *node, struct gossip_config *config)
{
    struct random random = random_stream(world->options.seed, 's' + (node->index << 8));
    size_t seeds = world->options.seeds < SEEDS_MAX ? world->options.seeds : SEEDS_MAX;

    *config = world->config;
    config->cluster = world->cluster;
    config->zone = "";
    config->http_url = "";
    config->addresses[0] = node->addr;
    config->address_count = 1;
    config->identity = node->identity;
    config->keyring = world->keyring;
    random.state ^= node->lives << 32;
    random_fill(&random, config->seed, sizeof(config->seed));
    config->epoch = node->epoch;
    config->seed_count = 0;
    for (size_t i = 0; i < seeds; i++)
        if (i != node->index)
            config->seeds[config->seed_count++] = world_addr(i);
    config->store = world->store;
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
    trace_add(&world->trace, TRACE_START, world->now_us, index, node->tag, node->epoch, disk);

    configure(world, node, &config);
    snprintf(name, sizeof(name), "n%zu", index);
    config.name = name;
    node->core = gossip_new(&config, time);
    disk_restore(&node->disk, node->core);
    world->running++;
    world_drain(world, index);
}

void host_stop(struct world *world, size_t index)
{
    struct node *node = &world->nodes[index];

    assert(node->core != NULL);
    trace_add(&world->trace, TRACE_STOP, world->now_us, index, node->tag, node->epoch, 0);
    disk_save(&node->disk, node->core, node->epoch);
    gossip_free(node->core);
    node->core = NULL;
    if (node->deadline.place)
        heap_remove(&world->heap, &node->deadline);
    if (node->resume.place)
        heap_remove(&world->heap, &node->resume);
    packet_queue_free(&node->inbound, &world->packets);
    packet_queue_free(&node->outbound, &world->packets);
    world->running--;
}

void host_pause(struct world *world, size_t index)
{
    struct node *node = &world->nodes[index];

    assert(node->core != NULL);
    trace_add(&world->trace, TRACE_FAULT, world->now_us, index, 'p', 0, 0);
    node->is_paused = true;
    if (node->deadline.place)
        heap_remove(&world->heap, &node->deadline);
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
}

void host_unblock(struct world *world, size_t index)
{
    struct node *node = &world->nodes[index];
    struct packet *packet;

    if (node->core == NULL || !node->is_blocked)
        return;
    trace_add(&world->trace, TRACE_FAULT, world->now_us, index, 'u', 0, 0);
    node->is_blocked = false;
    while ((packet = packet_queue_pop(&node->outbound)) != NULL)
        world_send(world, packet);
    if (!node->is_paused)
        release_inbound(world, node);
}
