// SPDX-License-Identifier: Apache-2.0
/* storm_fault.c - the table of faults: what each does, and how it ends */
#include "sim/storm_impl.h"

#include "sim/host.h"
#include "sim/memory.h"

#include <assert.h>

#define HOUR_MS   INT64_C(3600000)
#define DECADE_MS INT64_C(315576000000)

enum { PICKS = 8 };

/* --- Cuts
 * ----------------------------------------------------------------------------------------- */

/* The network knows which links are cut, not by whom: what still lasts is cut anew. */
static void cut_again(struct storm *storm)
{
    cluster_heal(storm->cluster);
    for (struct fault *fault = storm->lasting; fault != NULL; fault = fault->next) {
        if (fault->source->kind->end == NULL)
            continue;
        if (fault->is_both_ways)
            cluster_cut(storm->cluster, fault->from, fault->to);
        else
            cluster_cut_one_way(storm->cluster, fault->from, fault->to);
    }
}

static bool choose_sides(struct storm *storm, struct fault *fault, struct random *random,
                         double reached_by_both)
{
    double share = random_unit(random);
    bool has_from = false, has_to = false;

    for (size_t i = 0; i < storm->nodes; i++) {
        double to_either = random_unit(random), side = random_unit(random);

        if (to_either < reached_by_both)
            continue;
        node_set_add(side < share ? &fault->from : &fault->to, i);
        has_from |= side < share;
        has_to |= side >= share;
    }
    return has_from && has_to;
}

static bool begin_cut(struct storm *storm, struct fault *fault, struct random *random)
{
    fault->is_both_ways = true;
    if (!choose_sides(storm, fault, random, 0))
        return false;
    cluster_cut(storm->cluster, fault->from, fault->to);
    return true;
}

static bool begin_cut_one_way(struct storm *storm, struct fault *fault, struct random *random)
{
    if (!choose_sides(storm, fault, random, random_unit(random) / 2))
        return false;
    cluster_cut_one_way(storm->cluster, fault->from, fault->to);
    return true;
}

static bool begin_cut_partial(struct storm *storm, struct fault *fault, struct random *random)
{
    fault->is_both_ways = true;
    if (!choose_sides(storm, fault, random, 0.1 + 0.6 * random_unit(random)))
        return false;
    cluster_cut(storm->cluster, fault->from, fault->to);
    return true;
}

static void end_cut(struct storm *storm, struct fault *fault)
{
    (void)fault; /* it is off the list */
    cut_again(storm);
}

/* --- Lives
 * ---------------------------------------------------------------------------------------- */

/* What the restart finds: the settings that are chances, in their order. */
static enum disk draw_disk(struct storm *storm, struct random *random)
{
    for (size_t i = 0; i < fault_kind_count; i++) {
        const struct fault_kind *kind = &fault_kinds[i];

        if (kind->when == FAULT_AT_RESTART &&
            random_chance(random, setting(storm->settings, kind->setting))) {
            storm_count(storm, kind->setting);
            return kind->disk;
        }
    }
    return DISK_LATEST;
}

static void start_again(struct storm *storm, struct fault *fault)
{
    if (!cluster_is_running(storm->cluster, fault->node))
        cluster_restart(storm->cluster, fault->node, draw_disk(storm, &fault->source->random));
}

static bool begin_crash(struct storm *storm, struct fault *fault, struct random *random)
{
    fault->node = storm_pick(storm, random);
    if (fault->node == SIZE_MAX)
        return false;
    /* What a later life may find again. */
    if (random_chance(random, 0.3))
        cluster_copy_disk(storm->cluster, fault->node);
    cluster_crash(storm->cluster, fault->node);
    return true;
}

static bool begin_leave(struct storm *storm, struct fault *fault, struct random *random)
{
    fault->node = storm_pick(storm, random);
    if (fault->node == SIZE_MAX)
        return false;
    cluster_leave(storm->cluster, fault->node);
    return true;
}

/* --- Hosts
 * ---------------------------------------------------------------------------------------- */

/* Still the life that was hit. */
static bool is_same_life(const struct storm *storm, const struct fault *fault)
{
    return cluster_is_running(storm->cluster, fault->node) &&
           storm->world->nodes[fault->node].lives == fault->life;
}

static bool begin_pause(struct storm *storm, struct fault *fault, struct random *random)
{
    fault->node = storm_pick(storm, random);
    if (fault->node == SIZE_MAX)
        return false;
    cluster_pause(storm->cluster, fault->node);
    return true;
}

static void end_pause(struct storm *storm, struct fault *fault)
{
    if (is_same_life(storm, fault))
        cluster_resume(storm->cluster, fault->node);
}

static bool begin_stall(struct storm *storm, struct fault *fault, struct random *random)
{
    fault->node = storm_pick(storm, random);
    if (fault->node == SIZE_MAX)
        return false;
    cluster_stall(storm->cluster, fault->node, 1 + random_below(random, 8000));
    return true;
}

static bool begin_block(struct storm *storm, struct fault *fault, struct random *random)
{
    fault->node = storm_pick(storm, random);
    if (fault->node == SIZE_MAX)
        return false;
    cluster_block(storm->cluster, fault->node);
    return true;
}

static void end_block(struct storm *storm, struct fault *fault)
{
    if (is_same_life(storm, fault))
        cluster_unblock(storm->cluster, fault->node);
}

/* --- Clocks
 * --------------------------------------------------------------------------------------- */

static void shift_clock(struct storm *storm, size_t node, int64_t by_ms)
{
    int64_t skew_ms = storm->world->nodes[node].skew_ms + by_ms;

    /* From the year 1996 to 2066. */
    if (skew_ms > -3 * DECADE_MS && skew_ms < 4 * DECADE_MS)
        cluster_set_clock(storm->cluster, node, skew_ms);
}

static bool begin_skew(struct storm *storm, struct fault *fault, struct random *random)
{
    int64_t off_ms = (int64_t)random_below(random, 600000) - 300000;

    fault->node = random_below(random, storm->nodes);
    fault->handle = (uint64_t)off_ms;
    shift_clock(storm, fault->node, off_ms);
    return true;
}

static void end_skew(struct storm *storm, struct fault *fault)
{
    shift_clock(storm, fault->node, -(int64_t)fault->handle);
}

static bool jump(struct storm *storm, struct fault *fault, struct random *random, int64_t by_ms)
{
    fault->node = random_below(random, storm->nodes);
    shift_clock(storm, fault->node, random_chance(random, 0.5) ? by_ms : -by_ms);
    return true;
}

static bool begin_jump_hour(struct storm *storm, struct fault *fault, struct random *random)
{
    return jump(storm, fault, random, HOUR_MS);
}

static bool begin_jump_decade(struct storm *storm, struct fault *fault, struct random *random)
{
    return jump(storm, fault, random, DECADE_MS);
}

/* --- Clients
 * -------------------------------------------------------------------------------------- */

static bool choose_client(struct storm *storm, struct fault *fault, struct random *random)
{
    for (int i = 0; i < PICKS && storm->client_count > 0; i++) {
        fault->client = &storm->clients[random_below(random, storm->client_count)];
        if (!fault->client->is_silent)
            return true;
    }
    return false;
}

static bool begin_silent(struct storm *storm, struct fault *fault, struct random *random)
{
    if (!choose_client(storm, fault, random))
        return false;
    fault->client->is_silent = true;
    return true;
}

/* It comes back, and does not know what became of it. */
static void end_silent(struct storm *storm, struct fault *fault)
{
    (void)storm;
    fault->client->is_silent = false;
    fault->client->must_register = true;
}

static bool begin_move(struct storm *storm, struct fault *fault, struct random *random)
{
    fault->node = storm_pick(storm, random);
    if (!choose_client(storm, fault, random) || fault->node == SIZE_MAX)
        return false;
    storm_client_register(storm, fault->client, fault->node);
    return true;
}

static bool begin_anywhere(struct storm *storm, struct fault *fault, struct random *random)
{
    fault->node = storm_pick(storm, random);
    if (!choose_client(storm, fault, random) || fault->node == SIZE_MAX)
        return false;
    cluster_ask_heartbeat(storm->cluster, fault->node, fault->client->id);
    return true;
}

static bool begin_twice(struct storm *storm, struct fault *fault, struct random *random)
{
    if (!choose_client(storm, fault, random) || !storm_can_act(storm, fault->client->home))
        return false;
    storm_client_register(storm, fault->client, fault->client->home);
    return true;
}

static bool begin_two_nodes(struct storm *storm, struct fault *fault, struct random *random)
{
    size_t other = storm_pick(storm, random);

    fault->node = storm_pick(storm, random);
    if (!choose_client(storm, fault, random) || fault->node == SIZE_MAX || other == SIZE_MAX)
        return false;
    storm_client_register(storm, fault->client, other);
    storm_client_register(storm, fault->client, fault->node);
    return true;
}

/* --- The table
 * ------------------------------------------------------------------------------------ */

#define RATE   FAULT_PER_MINUTE
#define CHANCE FAULT_AT_RESTART

const struct fault_kind fault_kinds[] = {
    {SET_CUT, RATE, begin_cut, end_cut, 1, 60, 0},
    {SET_CUT_ONE_WAY, RATE, begin_cut_one_way, end_cut, 1, 60, 0},
    {SET_CUT_PARTIAL, RATE, begin_cut_partial, end_cut, 1, 60, 0},
    {SET_CRASH, RATE, begin_crash, start_again, 0.01, 60, 0},
    {SET_CHURN_PER_MIN, RATE, begin_leave, start_again, 1, 5, 0},
    {SET_LEAVE, RATE, begin_leave, start_again, 1, 60, 0},
    {SET_PAUSE, RATE, begin_pause, end_pause, 0.5, 40, 0},
    {SET_STALL, RATE, begin_stall, NULL, 0, 0, 0},
    {SET_BLOCK, RATE, begin_block, end_block, 0.1, 35, 0},
    {SET_DISK_OLD, CHANCE, NULL, NULL, 0, 0, DISK_OLD},
    {SET_DISK_KEY_ONLY, CHANCE, NULL, NULL, 0, 0, DISK_KEY_ONLY},
    {SET_DISK_NONE, CHANCE, NULL, NULL, 0, 0, DISK_NONE},
    {SET_CLOCK_SKEW, RATE, begin_skew, end_skew, 5, 60, 0},
    {SET_CLOCK_JUMP_HOUR, RATE, begin_jump_hour, NULL, 0, 0, 0},
    {SET_CLOCK_JUMP_DECADE, RATE, begin_jump_decade, NULL, 0, 0, 0},
    {SET_CLIENT_SILENT, RATE, begin_silent, end_silent, 5, 60, 0},
    {SET_CLIENT_MOVE, RATE, begin_move, NULL, 0, 0, 0},
    {SET_CLIENT_ANYWHERE, RATE, begin_anywhere, NULL, 0, 0, 0},
    {SET_CLIENT_TWICE, RATE, begin_twice, NULL, 0, 0, 0},
    {SET_CLIENT_TWO_NODES, RATE, begin_two_nodes, NULL, 0, 0, 0},
};
const size_t fault_kind_count = sizeof(fault_kinds) / sizeof(*fault_kinds);

/* --- Beginning and ending
 * ------------------------------------------------------------------------- */

static void arm(struct storm *storm, struct storm_source *source)
{
    double per_minute = setting(storm->settings, source->kind->setting);

    storm_errand(storm, &source->errand,
                 storm->world->now_us + storm_wait_us(&source->random, per_minute));
}

void storm_faults_start(struct storm *storm)
{
    assert(fault_kind_count <= SETTINGS);
    for (size_t i = 0; i < fault_kind_count; i++) {
        struct storm_source *source = &storm->sources[i];

        source->kind = &fault_kinds[i];
        source->errand.kind = ERRAND_BEGIN;
        source->random = random_stream(storm->seed, 'F' + ((uint64_t)source->kind->setting << 8));
        if (source->kind->when == FAULT_PER_MINUTE &&
            setting(storm->settings, source->kind->setting) > 0)
            arm(storm, source);
    }
}

/* Short ones are more likely. */
static uint64_t draw_length_us(struct storm_source *source)
{
    double least_s = source->kind->least_s, most_s = source->kind->most_s;
    double skewed = random_unit(&source->random);

    skewed *= random_unit(&source->random);
    return (uint64_t)(1e6 * (least_s + (most_s - least_s) * skewed));
}

void storm_fault_next(struct storm *storm, struct storm_source *source)
{
    struct fault *fault = memory_new(1, sizeof(*fault));

    arm(storm, source);
    fault->source = source;
    fault->errand.kind = ERRAND_END;
    fault->node = SIZE_MAX;
    uint64_t length_us = draw_length_us(source);
    if (!source->kind->begin(storm, fault, &source->random)) {
        free(fault);
        return;
    }
    storm_count(storm, source->kind->setting);
    if (source->kind->end == NULL) {
        free(fault);
        return;
    }
    if (fault->node != SIZE_MAX)
        fault->life = storm->world->nodes[fault->node].lives;
    fault->next = storm->lasting;
    storm->lasting = fault;
    storm_errand(storm, &fault->errand, storm->world->now_us + length_us);
}

void storm_fault_over(struct storm *storm, struct fault *fault)
{
    struct fault **link = &storm->lasting;

    while (*link != fault)
        link = &(*link)->next;
    *link = fault->next;
    fault->source->kind->end(storm, fault);
    free(fault);
}

static void stop_sources(struct storm *storm)
{
    for (size_t i = 0; i < fault_kind_count; i++)
        if (storm->sources[i].errand.entry.place)
            heap_remove(&storm->agenda, &storm->sources[i].errand.entry);
    storm_faults_free(storm);
}

void storm_faults_heal(struct storm *storm)
{
    struct cluster *cluster = storm->cluster;

    /* Clients come back by themselves; their minute is not up. */
    for (struct fault *fault = storm->lasting; fault != NULL; fault = fault->next)
        if (fault->client != NULL)
            fault->source->kind->end(storm, fault);
    stop_sources(storm);
    cluster_heal(cluster);
    cluster_set_faults(cluster, NULL);
    for (size_t i = 0; i < storm->nodes; i++) {
        cluster_unblock(cluster, i);
        cluster_resume(cluster, i);
        /* Whoever has left, or has stopped because its key runs elsewhere, begins anew. */
        if (!cluster_is_running(cluster, i) || cluster_status(cluster, i).leaving)
            cluster_restart(cluster, i, DISK_LATEST);
    }
}

void storm_faults_free(struct storm *storm)
{
    while (storm->lasting != NULL) {
        struct fault *fault = storm->lasting;

        storm->lasting = fault->next;
        if (fault->errand.entry.place)
            heap_remove(&storm->agenda, &fault->errand.entry);
        free(fault);
    }
}
