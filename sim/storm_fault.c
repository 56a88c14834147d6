// SPDX-License-Identifier: Apache-2.0
/* storm_fault.c - the table of faults: what each does, and how it ends */
#include "sim/storm_impl.h"

#include "sim/memory.h"
#include "sim/traitor.h"

#include <assert.h>

#define HOUR_MS   INT64_C(3600000)
#define DECADE_MS INT64_C(315576000000)

/* --- Cuts
 * ----------------------------------------------------------------------------------------- */

static void end_cut(struct storm *, struct fault *);

/* The network knows which links are cut, not by whom: what still lasts is cut anew. */
static void cut_again(struct storm *storm)
{
    cluster_uncut(storm->cluster);
    for (struct fault *fault = storm->lasting; fault != NULL; fault = fault->next) {
        if (fault->source->kind->end != end_cut)
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

/* --- Links that come and go by themselves
 * ------------------------------------------------------------------------------------ */

static uint64_t ms_of(struct random *random, double least_s, double most_s)
{
    return (uint64_t)(1000 * (least_s + (most_s - least_s) * random_unit(random)));
}

/* One node, or a few. */
static struct node_set choose_few(struct storm *storm, struct random *random)
{
    struct node_set set = {{0}};
    uint64_t few = 1 + random_below(random, 1 + storm->nodes / 4);

    while (few-- > 0)
        node_set_add(&set, random_below(random, storm->nodes));
    return set;
}

static bool begin_flip_flop(struct storm *storm, struct fault *fault, struct random *random)
{
    static const enum direction directions[] = {DIRECTION_OUT, DIRECTION_IN, DIRECTION_BOTH};
    enum direction direction = directions[random_below(random, 3)];
    uint64_t down_ms = ms_of(random, 0.1, 15), up_ms = 0;

    up_ms = ms_of(random, 0.1, 15);
    fault->from = choose_few(storm, random);
    cluster_flip_flop(storm->cluster, fault->from, direction, down_ms, up_ms, ms_of(random, 5, 90));
    return true;
}

static bool begin_swizzle(struct storm *storm, struct fault *fault, struct random *random)
{
    fault->from = choose_few(storm, random);
    cluster_swizzle(storm->cluster, fault->from, ms_of(random, 5, 90));
    return true;
}

static bool begin_node_loss(struct storm *storm, struct fault *fault, struct random *random)
{
    double egress = random_unit(random), ingress = random_unit(random);
    uint64_t which = random_below(random, 3);

    fault->node = random_below(random, storm->nodes);
    cluster_set_node_loss(storm->cluster, fault->node, which == 1 ? 0 : egress,
                          which == 2 ? 0 : ingress);
    return true;
}

static void end_node_loss(struct storm *storm, struct fault *fault)
{
    cluster_set_node_loss(storm->cluster, fault->node, 0, 0);
}

/* --- Addresses
 * ------------------------------------------------------------------------------------ */

/* No seed changes its address: whoever starts with an empty disk knows nobody but the addresses in
 * its configuration. */
static size_t pick_no_seed(struct storm *storm, struct random *random)
{
    size_t seeds = setting_count(storm->settings, SET_SEEDS);

    if (storm->nodes <= seeds)
        return SIZE_MAX;
    return seeds + random_below(random, storm->nodes - seeds);
}

static bool begin_rebind(struct storm *storm, struct fault *fault, struct random *random)
{
    bool is_late = random_chance(random, 0.3);
    uint64_t late_ms = ms_of(random, 0.01, 5);

    fault->node = pick_no_seed(storm, random);
    if (fault->node == SIZE_MAX)
        return false;
    if (is_late)
        cluster_rebind_late(storm->cluster, fault->node, late_ms);
    else
        cluster_rebind(storm->cluster, fault->node);
    return true;
}

/* A node of the other cluster, not its seed. */
static bool begin_reuse(struct storm *storm, struct fault *fault, struct random *random)
{
    size_t others = cluster_nodes(storm->cluster) - storm->nodes;

    fault->node = pick_no_seed(storm, random);
    if (fault->node == SIZE_MAX || others < 2)
        return false;
    size_t other = storm->nodes + 1 + random_below(random, others - 1);
    if (cluster_is_running(storm->cluster, fault->node))
        cluster_crash(storm->cluster, fault->node);
    cluster_swap_addresses(storm->cluster, fault->node, other);
    return true;
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

static void start_node(struct storm *storm, size_t node, enum disk disk)
{
    /* Whoever had a copy of another's key begins with a key of its own: two nodes cannot be one. */
    if (storm->is_copy[node])
        disk = DISK_NONE;
    storm->is_copy[node] = false;
    cluster_restart(storm->cluster, node, disk);
}

static void start_again(struct storm *storm, struct fault *fault)
{
    enum disk disk = DISK_LATEST;

    if (cluster_is_running(storm->cluster, fault->node))
        return;
    if (!storm->is_copy[fault->node])
        disk = draw_disk(storm, &fault->source->random);
    start_node(storm, fault->node, disk);
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

/* The copy runs on another machine than the one that it was made of. */
static bool begin_copy(struct storm *storm, struct fault *fault, struct random *random)
{
    size_t original = storm_pick(storm, random);

    fault->node = random_below(random, storm->nodes);
    if (original == SIZE_MAX || original == fault->node || storm->is_copy[original])
        return false;
    cluster_start_copy(storm->cluster, original, fault->node);
    storm->is_copy[fault->node] = true;
    return true;
}

static void end_copy(struct storm *storm, struct fault *fault)
{
    if (storm->is_copy[fault->node])
        start_node(storm, fault->node, DISK_NONE);
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

static bool begin_slow(struct storm *storm, struct fault *fault, struct random *random)
{
    fault->node = random_below(random, storm->nodes);
    cluster_slow(storm->cluster, fault->node, 500 + (uint32_t)random_below(random, 20000));
    return true;
}

static void end_slow(struct storm *storm, struct fault *fault)
{
    cluster_slow(storm->cluster, fault->node, 0);
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

static bool begin_drift(struct storm *storm, struct fault *fault, struct random *random)
{
    uint64_t most = (uint64_t)setting(storm->settings, SET_CLOCK_DRIFT_PPM);

    (void)fault;
    for (size_t i = 0; i < storm->nodes; i++)
        cluster_set_drift(storm->cluster, i,
                          (int32_t)random_below(random, 2 * most + 1) - (int32_t)most);
    return true;
}

/* --- Traitors
 * ------------------------------------------------------------------------------------ */

static bool begin_treason(struct storm *storm, struct fault *fault, struct random *random)
{
    enum setting kind = fault->source->kind->setting;

    if (storm->traitor_count == 0)
        return false;
    traitor_act(storm->cluster, random, (enum traitor_act)(kind - SET_FORGE), storm->traitors,
                storm->traitor_count);
    return true;
}

static void choose_traitors(struct storm *storm)
{
    struct random random = random_stream(storm->seed, 'T');
    size_t wanted = setting_count(storm->settings, SET_TRAITORS);

    while (storm->traitor_count < wanted && storm->traitor_count < storm->nodes) {
        size_t node = random_below(&random, storm->nodes), i = 0;

        while (i < storm->traitor_count && storm->traitors[i] != node)
            i++;
        if (i == storm->traitor_count)
            storm->traitors[storm->traitor_count++] = node;
    }
}

/* --- The table
 * ------------------------------------------------------------------------------------ */

#define RATE   FAULT_PER_MINUTE
#define CHANCE FAULT_AT_RESTART

const struct fault_kind fault_kinds[] = {
    {SET_CUT, RATE, begin_cut, end_cut, 1, 60, 0},
    {SET_CUT_ONE_WAY, RATE, begin_cut_one_way, end_cut, 1, 60, 0},
    {SET_CUT_PARTIAL, RATE, begin_cut_partial, end_cut, 1, 60, 0},
    {SET_FLIP_FLOP, RATE, begin_flip_flop, NULL, 0, 0, 0},
    {SET_SWIZZLE, RATE, begin_swizzle, NULL, 0, 0, 0},
    {SET_NAT_REBIND, RATE, begin_rebind, NULL, 0, 0, 0},
    {SET_ADDRESS_REUSE, RATE, begin_reuse, start_again, 1, 30, 0},
    {SET_NODE_LOSS, RATE, begin_node_loss, end_node_loss, 5, 90, 0},
    {SET_CRASH, RATE, begin_crash, start_again, 0.01, 60, 0},
    {SET_CHURN_PER_MIN, RATE, begin_leave, start_again, 1, 5, 0},
    {SET_LEAVE, RATE, begin_leave, start_again, 1, 60, 0},
    {SET_PAUSE, RATE, begin_pause, end_pause, 0.5, 40, 0},
    {SET_STALL, RATE, begin_stall, NULL, 0, 0, 0},
    {SET_BLOCK, RATE, begin_block, end_block, 0.1, 35, 0},
    {SET_SLOW_CPU, RATE, begin_slow, end_slow, 1, 60, 0},
    {SET_DISK_OLD, CHANCE, NULL, NULL, 0, 0, DISK_OLD},
    {SET_DISK_TORN, CHANCE, NULL, NULL, 0, 0, DISK_TORN},
    {SET_DISK_KEY_ONLY, CHANCE, NULL, NULL, 0, 0, DISK_KEY_ONLY},
    {SET_DISK_NONE, CHANCE, NULL, NULL, 0, 0, DISK_NONE},
    {SET_DISK_COPIED, RATE, begin_copy, end_copy, 2, 60, 0},
    {SET_CLOCK_SKEW, RATE, begin_skew, end_skew, 5, 60, 0},
    {SET_CLOCK_DRIFT_PPM, FAULT_ALWAYS, begin_drift, NULL, 0, 0, 0},
    {SET_CLOCK_JUMP_HOUR, RATE, begin_jump_hour, NULL, 0, 0, 0},
    {SET_CLOCK_JUMP_DECADE, RATE, begin_jump_decade, NULL, 0, 0, 0},
    {SET_FORGE, RATE, begin_treason, NULL, 0, 0, 0},
    {SET_REPLAY, RATE, begin_treason, NULL, 0, 0, 0},
    {SET_INFLATE, RATE, begin_treason, NULL, 0, 0, 0},
    {SET_ACCUSE, RATE, begin_treason, NULL, 0, 0, 0},
    {SET_COLLUDE, RATE, begin_treason, NULL, 0, 0, 0},
    {SET_EQUIVOCATE, RATE, begin_treason, NULL, 0, 0, 0},
    {SET_WITHHOLD, RATE, begin_treason, NULL, 0, 0, 0},
    {SET_FLOOD, RATE, begin_treason, NULL, 0, 0, 0},
    {SET_REFLECT, RATE, begin_treason, NULL, 0, 0, 0},
    {SET_CLIENT_SILENT, RATE, client_begin_silent, client_end_silent, 5, 60, 0},
    {SET_CLIENT_MOVE, RATE, client_begin_move, NULL, 0, 0, 0},
    {SET_CLIENT_ANYWHERE, RATE, client_begin_anywhere, NULL, 0, 0, 0},
    {SET_CLIENT_TWICE, RATE, client_begin_twice, NULL, 0, 0, 0},
    {SET_CLIENT_TWO_NODES, RATE, client_begin_two_nodes, NULL, 0, 0, 0},
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

/* Short ones are more likely. */
static uint64_t draw_length_us(struct storm_source *source)
{
    double least_s = source->kind->least_s, most_s = source->kind->most_s;
    double skewed = random_unit(&source->random);

    skewed *= random_unit(&source->random);
    return (uint64_t)(1e6 * (least_s + (most_s - least_s) * skewed));
}

static void begin_now(struct storm *storm, struct storm_source *source)
{
    struct fault *fault = memory_new(1, sizeof(*fault));

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

void storm_fault_next(struct storm *storm, struct storm_source *source)
{
    arm(storm, source);
    begin_now(storm, source);
}

void storm_faults_start(struct storm *storm)
{
    assert(fault_kind_count <= SETTINGS);
    choose_traitors(storm);
    if (setting(storm->settings, SET_REPLAY) > 0 || setting(storm->settings, SET_REFLECT) > 0)
        traitor_listen(storm->cluster);
    for (size_t i = 0; i < fault_kind_count; i++) {
        struct storm_source *source = &storm->sources[i];

        source->kind = &fault_kinds[i];
        source->errand.kind = ERRAND_BEGIN;
        source->random = random_stream(storm->seed, 'F' + ((uint64_t)source->kind->setting << 8));
        if (setting(storm->settings, source->kind->setting) <= 0)
            continue;
        if (source->kind->when == FAULT_PER_MINUTE)
            arm(storm, source);
        if (source->kind->when == FAULT_ALWAYS)
            begin_now(storm, source);
    }
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

/* Whoever lied has another life: of the old one some things stay true for as long as it lasts. Its
 * log is frozen where somebody holds two HEADs of one version, and each froze it as he had it. */
static void reform_traitors(struct storm *storm)
{
    bool was_any = false;

    for (enum setting i = SET_FORGE; i <= SET_REFLECT; i++)
        was_any |= storm->cell->out->value[STORM_FAULTS + (size_t)i - SET_CUT] > 0;
    for (size_t i = 0; was_any && i < storm->traitor_count; i++) {
        traitor_withhold(storm->cluster, storm->traitors[i], NULL);
        start_node(storm, storm->traitors[i], DISK_LATEST);
    }
}

void storm_faults_heal(struct storm *storm)
{
    struct cluster *cluster = storm->cluster;

    /* Clients come back by themselves; their minute is not up. */
    for (struct fault *fault = storm->lasting; fault != NULL; fault = fault->next)
        if (fault->client != NULL)
            fault->source->kind->end(storm, fault);
    stop_sources(storm);
    cluster_heal_all(cluster);
    reform_traitors(storm);
    /* Whoever has left, or has stopped because its key runs elsewhere, begins anew. */
    for (size_t i = 0; i < storm->nodes; i++)
        if (storm->is_copy[i] || !cluster_is_running(cluster, i) ||
            cluster_status(cluster, i).leaving)
            start_node(storm, i, DISK_LATEST);
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
