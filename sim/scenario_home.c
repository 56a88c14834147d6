// SPDX-License-Identifier: Apache-2.0
/* scenario_home.c - a home that crashes, forgets, is copied, or loses its clock: its silent peers
 * must vanish everywhere within a stated time, and its live ones must never blink
 *
 * Half of the peers have a client that heartbeats, and goes to another node when the home does not
 * answer; the other half fall silent at the moment when it happens. */
#include "sim/scenario.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

enum {
    HOME = 1,  /* node 0 is the seed, and stays well */
    OTHER = 2, /* where clients go next */
    DETECTION_MS = 15000,
    SPREADING_MS = 2000,
    RETURN_MS = 5000,  /* a home that comes back does so after this */
    SETTLE_MS = 60000, /* liveness: one registry again */
    ID_BYTES = 32
};

enum { GONE_MS = 0, BOUND_MS, BLINKS, MISSING, TWINS, SETTLED_MS, VALUES };

static const enum setting takes[] = {SET_REPETITIONS, SET_PEERS, SET_TTL_S, SET_HEARTBEAT_S,
                                     SETTINGS};

/* What happens to the home. `for_good`: it does not come back before the silent ones are gone, so
 * they are orphans first. */
struct variant {
    const char *label;
    void (*happen)(struct cluster *);
    bool for_good;
};

/* --- What happens
 * ------------------------------------------------------------------------------------ */

static void crash(struct cluster *c)
{
    cluster_crash(c, HOME);
}

static void return_with(struct cluster *c, enum disk disk)
{
    cluster_crash(c, HOME);
    cluster_run_for(c, RETURN_MS);
    cluster_restart(c, HOME, disk);
}

static void restart(struct cluster *c)
{
    return_with(c, DISK_LATEST);
}

static void forget_but_key(struct cluster *c)
{
    return_with(c, DISK_KEY_ONLY);
}

static void forget_all(struct cluster *c)
{
    return_with(c, DISK_NONE);
}

static void find_old_disk(struct cluster *c)
{
    return_with(c, DISK_OLD);
}

static void jump(struct cluster *c, int64_t skew_ms)
{
    cluster_set_clock(c, HOME, skew_ms);
}

static void jump_hour(struct cluster *c)
{
    jump(c, 3600 * 1000);
}

static void jump_back(struct cluster *c)
{
    jump(c, -3600 * 1000);
}

static void jump_decade(struct cluster *c)
{
    jump(c, INT64_C(315576000000));
}

static void drift(struct cluster *c)
{
    cluster_set_drift(c, HOME, 500);
}

/* Another machine wakes up as the home's twin: key, epoch and leases. */
static void copy_away(struct cluster *c)
{
    size_t twin = cluster_nodes(c) - 1;

    cluster_crash(c, twin);
    cluster_start_copy(c, HOME, twin);
}

/* One of the two must have stopped by itself. Then there is one home again, and a new machine. */
static void end_twins(struct cell *cell, struct cluster *c)
{
    size_t twin = cluster_nodes(c) - 1;
    bool is_home_up = cluster_is_running(c, HOME), is_twin_up = cluster_is_running(c, twin);

    cell->out->value[TWINS] = (is_home_up ? 1 : 0) + (is_twin_up ? 1 : 0);
    if (is_home_up && is_twin_up)
        cell_late(cell, "two nodes with one key still run");
    if (is_twin_up)
        cluster_crash(c, twin);
    cluster_restart(c, twin, DISK_NONE);
}

/* --- One world
 * --------------------------------------------------------------------------------------- */

static void name_of(char *out, bool is_live, size_t i)
{
    snprintf(out, ID_BYTES, "%s-%zu", is_live ? "live" : "silent", i);
}

static void populate(struct cell *cell, struct cluster *c)
{
    static const size_t nodes[] = {HOME, OTHER};
    const struct settings *settings = &cell->run->settings;
    size_t half = setting_count(settings, SET_PEERS) / 2;
    uint64_t every_ms = (uint64_t)(setting(settings, SET_HEARTBEAT_S) * 1000);
    char id[ID_BYTES];

    for (size_t i = 0; i < half; i++) {
        name_of(id, true, i);
        cluster_register_ttl(c, HOME, id, (uint32_t)setting(settings, SET_TTL_S));
        cluster_client_start(c, id, every_ms, nodes, 2, false);
    }
    cluster_copy_disk(c, HOME); /* what an old disk holds: the live ones */
    cluster_run_for(c, every_ms);
    for (size_t i = 0; i < half; i++) {
        name_of(id, false, i);
        cluster_register_ttl(c, HOME, id, (uint32_t)setting(settings, SET_TTL_S));
    }
    cluster_run_for(c, 1000);
}

/* Silent since the ttl began: ttl, the grace of orphans (at most the ttl), a third of the ttl that
 * a home which returned gives its leases, detection and spreading. */
static double bound_ms(const struct settings *settings, const struct variant *variant)
{
    double ttl_ms = setting(settings, SET_TTL_S) * 1000;
    double grace_ms = fmin(ttl_ms, setting(settings, SET_ORPHAN_GRACE_S) * 1000);

    if (variant->for_good)
        return grace_ms + DETECTION_MS + SPREADING_MS;
    return fmax(ttl_ms * 4 / 3 + RETURN_MS, grace_ms + DETECTION_MS) + SPREADING_MS;
}

static double wait_until_gone(struct cell *cell, struct cluster *c, size_t half, double bound)
{
    uint64_t since_us = cluster_now_us(c), limit_us = since_us + (uint64_t)(bound * 1000);
    char id[ID_BYTES];

    for (size_t i = 0; i < half; i++) {
        uint64_t now_us = cluster_now_us(c);
        uint64_t left_ms = limit_us > now_us ? (limit_us - now_us) / 1000 : 0;

        name_of(id, false, i);
        if (cluster_wait_everywhere(c, peer_hidden(id), left_ms) == CLUSTER_NEVER) {
            cell_late(cell, "%s is still served after %.0f s", id, bound / 1000);
            return INFINITY;
        }
    }
    return (double)(cluster_now_us(c) - since_us) / 1000;
}

static void look_at_live(struct cell *cell, struct cluster *c, size_t half)
{
    double *value = cell->out->value;
    char id[ID_BYTES];

    for (size_t i = 0; i < half; i++) {
        name_of(id, true, i);
        for (size_t node = 0; node < cluster_nodes(c); node++) {
            if (!cluster_is_running(c, node))
                continue;
            value[BLINKS] += (double)cluster_peer_downs(c, node, id);
            value[MISSING] += cluster_sees_peer(c, node, id) ? 0 : 1;
        }
    }
}

static void live_one(struct cell *cell, const struct variant *variant, size_t repetition)
{
    const struct settings *settings = &cell->run->settings;
    size_t half = setting_count(settings, SET_PEERS) / 2;
    struct cluster *c =
        cell_cluster(cell, run_nodes(cell->run), cell_seed(cell, repetition), NULL, NULL);
    double *value = cell->out->value;

    cell_boot(cell, c);
    populate(cell, c);
    value[BOUND_MS] = bound_ms(settings, variant);
    uint64_t since_us = cluster_now_us(c);
    variant->happen(c);
    double spent_ms = (double)(cluster_now_us(c) - since_us) / 1000;
    value[GONE_MS] = spent_ms + wait_until_gone(cell, c, half, value[BOUND_MS] - spent_ms);
    look_at_live(cell, c, half);
    if (variant->happen == copy_away)
        end_twins(cell, c);
    if (!cluster_is_running(c, HOME))
        cluster_restart(c, HOME, DISK_LATEST);
    uint64_t settled_ms = cluster_wait_everywhere(c, settled(), SETTLE_MS);
    if (settled_ms == CLUSTER_NEVER)
        cell_late(cell, "not one registry again after %d s", SETTLE_MS / 1000);
    value[SETTLED_MS] = settled_ms == CLUSTER_NEVER ? INFINITY : (double)settled_ms;
    cluster_check_settled(c);
    cell_end(cell, c);
}

/* --- What is told
 * ------------------------------------------------------------------------------------ */

static const struct variant crashes[] = {{"stays down", crash, true},
                                         {"back after 5 s", restart, false}};
static const struct variant amnesias[] = {{"key only", forget_but_key, false},
                                          {"no disk", forget_all, false},
                                          {"old disk", find_old_disk, false}};
static const struct variant clocks[] = {{"an hour ahead", jump_hour, false},
                                        {"an hour back", jump_back, false},
                                        {"ten years ahead", jump_decade, false},
                                        {"500 ppm fast", drift, false}};
static const struct variant clones[] = {{"copied", copy_away, false}};

#define PLAN(name, variants)                                   \
    {                                                          \
        name, variants, sizeof(variants) / sizeof(*(variants)) \
    }

static const struct plan {
    const char *scenario;
    const struct variant *variants;
    size_t count;
} plans[] = {PLAN("home-crash", crashes), PLAN("home-amnesia", amnesias),
             PLAN("home-clock", clocks), PLAN("home-clone", clones)};

static const struct plan *plan_of(const struct run *run)
{
    const struct plan *plan = plans;

    while (strcmp(plan->scenario, run->scenario->name) != 0)
        plan++;
    return plan;
}

static void tell(const struct run *run, const struct outcome *outcomes, struct report *report)
{
    const struct plan *plan = plan_of(run);
    struct sheet *sheet = report_sheet(
        report, "after it happened",
        "the home|world|silent_gone_s|bound_s|live_blinks|live_missing|settled_again_s");
    size_t worlds = plan->count * setting_count(&run->settings, SET_REPETITIONS);
    double gone = 0, blinks = 0, missing = 0, share = 0, twins = 0;

    for (size_t i = 0; i < worlds; i++) {
        const double *value = outcomes[i].value;

        sheet_text(sheet, plan->variants[i % plan->count].label);
        sheet_number(sheet, (double)(i / plan->count), 0);
        sheet_number(sheet, value[GONE_MS] / 1000, 1);
        sheet_number(sheet, value[BOUND_MS] / 1000, 1);
        sheet_number(sheet, value[BLINKS], 0);
        sheet_number(sheet, value[MISSING], 0);
        sheet_number(sheet, value[SETTLED_MS] / 1000, 1);
        gone = fmax(gone, value[GONE_MS]);
        share = fmax(share, value[GONE_MS] / value[BOUND_MS]);
        blinks += value[BLINKS];
        missing += value[MISSING];
        twins = fmax(twins, value[TWINS]);
    }
    if (twins > 0) {
        report_metric(report, "twins_running", twins);
        report_reference(report, "twins_running", 1, "one key, one node");
    }
    report_metric(report, "silent_gone_max_ms", gone);
    report_metric(report, "silent_gone_max_share_of_bound", share);
    report_metric(report, "live_blinks", blinks);
    report_metric(report, "live_missing", missing);
    report_reference(report, "live_blinks", 0, "promise I10");
    report_reference(report, "live_missing", 0, "promise I10");
    report_reference(report, "silent_gone_max_share_of_bound", 1, "promise I9");
    report_note(report, "Silent peers stop at the moment it happens; live ones heartbeat every "
                        "heartbeat_s, at the home or else at another node.");
}

/* --- The scenarios
 * ----------------------------------------------------------------------------------- */

static size_t cells(const struct run *run)
{
    return plan_of(run)->count * setting_count(&run->settings, SET_REPETITIONS);
}

static void live(struct cell *cell)
{
    const struct plan *plan = plan_of(cell->run);

    live_one(cell, &plan->variants[cell->index % plan->count], cell->index / plan->count);
}

static const struct preset presets[] = {
    {SET_PEERS, 40}, {SET_TTL_S, 60}, {SET_HEARTBEAT_S, 10}, {SET_REPETITIONS, 3}, {SETTINGS, 0}};

#define HOME_SCENARIO(scenario_name, text)                                                      \
    {                                                                                           \
        .name = scenario_name, .what = text, .anchor = "I3, I9, I10 of the list of invariants", \
        .nodes = 12, .duration_s = 180, .presets = presets, .takes = takes, .values = VALUES,   \
        .cells = cells, .live = live, .tell = tell                                              \
    }

const struct scenario scenario_home_crash = HOME_SCENARIO(
    "home-crash", "a home crashes: live peers never blink, silent ones vanish in time");
const struct scenario scenario_home_amnesia = HOME_SCENARIO(
    "home-amnesia", "a home comes back without its leases, its key, or with an old disk");
const struct scenario scenario_home_clock =
    HOME_SCENARIO("home-clock", "a home's wall clock jumps: by an hour, back, by ten years");
const struct scenario scenario_home_clone = HOME_SCENARIO(
    "home-clone", "a home's disk is copied and started elsewhere: one of the two stops");
