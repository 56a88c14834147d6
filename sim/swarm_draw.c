// SPDX-License-Identifier: Apache-2.0
/* swarm_draw.c - what a seed's world is like
 *
 * Swarm testing (Groce et al. 2012): a world that has every fault at once finds less than many that
 * leave most of them out, because faults hide one another. So each is on with a chance that is
 * itself drawn once per world: some worlds have one fault, some nearly all. */
#include "sim/swarm.h"

#include "gossip/limits.h"
#include "sim/random.h"

#include <assert.h>
#include <stdio.h>
#include <stdlib.h>

enum { NODES_MOST = 50 };

/* A setting is its usual value, or with a chance something between two bounds. */
struct draw {
    enum setting setting;
    double chance; /* 0: the world's own, as for all faults */
    double least, most;
    enum shape {
        EVEN = 1, /* each value as likely as the others */
        LOG,      /* each order of magnitude; least > 0 */
        SMALL,    /* the square of an even one: small ones are likely, large ones happen */
    } shape;
};

static const struct draw draws[] = {
    {SET_SEEDS, 0.7, 1, 4, EVEN},
    {SET_START, 0.2, 1, 1, EVEN},

    {SET_LATENCY_MS, 1, 0.1, 40, LOG},
    {SET_LATENCY_SIGMA, 0.6, 0, 1, EVEN},
    {SET_LATENCY_PARETO, 0.1, 1.5, 4, EVEN},
    {SET_JITTER_MS, 0.3, 0, 20, SMALL},
    {SET_LOSS, 0.6, 0, 0.25, SMALL},
    {SET_BURST_ENTER, 0.2, 0.0001, 0.02, LOG},
    {SET_BURST_LEAVE, 0.5, 0.02, 0.5, LOG},
    {SET_BURST_LOSS, 0.5, 0.3, 1, EVEN},
    {SET_DUPLICATE, 0.5, 0, 0.2, SMALL},
    {SET_REORDER, 0.5, 0, 0.2, SMALL},
    {SET_FLIP, 0.5, 0, 0.02, SMALL},
    {SET_BANDWIDTH_KB_S, 0.15, 60, 4000, LOG},
    {SET_QUEUE_PACKETS, 0.3, 20, 1000, LOG},

    {SET_PROBE_INTERVAL_MS, 0.2, 500, 2000, LOG},
    {SET_PROBE_TIMEOUT_MAX_MS, 0.2, 200, 1000, LOG},
    {SET_PROBE_INDIRECT, 0.2, 1, 6, EVEN},
    {SET_SUSPICION_MIN_MS, 0.2, 1500, 6000, LOG},
    {SET_SUSPICION_FACTOR, 0.2, 2, 8, EVEN},
    {SET_ORPHAN_GRACE_S, 0.8, 5, 90, LOG},
    {SET_DELETE_KEEP_S, 0.8, 8, 120, LOG},
    {SET_FORGET_S, 0.2, 60, 600, LOG},
    {SET_EGRESS_KB_S, 0.1, 256, 4096, LOG},

    {SET_PEERS, 1, 0, 60, SMALL},
    {SET_TTL_S, 1, 10, 60, LOG},
    {SET_HEARTBEAT_S, 1, 2, 20, LOG},
    {SET_OPERATIONS_PER_S, 0.8, 0.1, 10, LOG},
    {SET_CHURN_PER_MIN, 0, 0.5, 6, LOG},

    {SET_CUT, 0, 0.3, 6, LOG},
    {SET_CUT_ONE_WAY, 0, 0.3, 6, LOG},
    {SET_CUT_PARTIAL, 0, 0.3, 6, LOG},
    {SET_FLIP_FLOP, 0, 0.3, 4, LOG},
    {SET_SWIZZLE, 0, 0.3, 4, LOG},
    {SET_NAT_REBIND, 0, 0.2, 6, LOG},
    {SET_ADDRESS_REUSE, 0, 0.2, 4, LOG},
    {SET_NODE_LOSS, 0, 0.3, 6, LOG},
    {SET_CRASH, 0, 0.3, 20, LOG},
    {SET_LEAVE, 0, 0.2, 6, LOG},
    {SET_PAUSE, 0, 0.3, 10, LOG},
    {SET_STALL, 0, 0.3, 20, LOG},
    {SET_BLOCK, 0, 0.3, 10, LOG},
    {SET_SLOW_CPU, 0, 0.3, 6, LOG},
    {SET_DISK_OLD, 0, 0.05, 0.6, EVEN},
    {SET_DISK_TORN, 0, 0.05, 0.6, EVEN},
    {SET_DISK_KEY_ONLY, 0, 0.05, 0.6, EVEN},
    {SET_DISK_NONE, 0, 0.05, 0.4, EVEN},
    {SET_DISK_COPIED, 0, 0.1, 3, LOG},
    {SET_CLOCK_SKEW, 0, 0.3, 6, LOG},
    {SET_CLOCK_DRIFT_PPM, 0, 1, 500, LOG},
    {SET_CLOCK_JUMP_HOUR, 0, 0.2, 4, LOG},
    {SET_CLOCK_JUMP_DECADE, 0, 0.1, 2, LOG},

    {SET_TRAITORS, 0.3, 1, QUORUM_MAX - 1, EVEN},
    {SET_FORGE, 0, 0.5, 30, LOG},
    {SET_REPLAY, 0, 0.5, 30, LOG},
    {SET_INFLATE, 0, 0.5, 10, LOG},
    {SET_ACCUSE, 0, 0.5, 60, LOG},
    {SET_COLLUDE, 0, 0.5, 30, LOG},
    {SET_EQUIVOCATE, 0, 0.3, 6, LOG},
    {SET_WITHHOLD, 0, 0.3, 6, LOG},
    {SET_FLOOD, 0, 0.3, 6, LOG},
    {SET_REFLECT, 0, 0.5, 30, LOG},

    {SET_CLIENT_SILENT, 0, 0.5, 20, LOG},
    {SET_CLIENT_MOVE, 0, 0.5, 30, LOG},
    {SET_CLIENT_ANYWHERE, 0, 0.5, 60, LOG},
    {SET_CLIENT_TWICE, 0, 0.5, 30, LOG},
    {SET_CLIENT_TWO_NODES, 0, 0.5, 20, LOG},
};

static double draw_value(const struct draw *draw, struct random *random)
{
    double unit = random_unit(random), least = draw->least, most = draw->most;

    if (draw->shape == LOG)
        return least * exp(unit * log(most / least));
    return least + (most - least) * (draw->shape == SMALL ? unit * unit : unit);
}

/* As somebody would type it: two figures are enough, and can be given to `run storm` again. */
static double rounded(enum setting which, double value)
{
    char text[32];

    if (setting_info(which)->is_whole)
        return floor(value + 0.5);
    snprintf(text, sizeof(text), "%.2g", value);
    return strtod(text, NULL);
}

static size_t draw_nodes(struct random *random)
{
    bool is_tiny = random_chance(random, 0.25);
    double unit = random_unit(random);

    return is_tiny ? 1 + (size_t)(3 * unit) : 2 + (size_t)((NODES_MOST - 1) * unit * unit);
}

/* What makes sense only together. */
static void fit_together(struct settings *settings, size_t nodes)
{
    double *value = settings->value;
    size_t quorum = (nodes + 1) / 2 < QUORUM_MAX ? (nodes + 1) / 2 : QUORUM_MAX;

    /* As many liars as make a quorum can do anything: that is what a quorum is. */
    if (!settings->is_given[SET_TRAITORS])
        value[SET_TRAITORS] = 0;
    if (value[SET_TRAITORS] > (double)quorum - 1)
        value[SET_TRAITORS] = (double)quorum - 1;
    for (size_t i = SET_FORGE; i <= SET_REFLECT && value[SET_TRAITORS] == 0; i++)
        value[i] = 0;

    /* A client that heartbeats less often than its lease lasts comes and goes by itself. */
    if (value[SET_HEARTBEAT_S] > value[SET_TTL_S] / 2)
        value[SET_HEARTBEAT_S] = floor(value[SET_TTL_S] / 2);
}

void swarm_draw(struct run *run, uint64_t seed, size_t nodes, double minutes)
{
    struct random random = random_stream(seed, 'S');
    size_t drawn_nodes = draw_nodes(&random);
    double faults = 0.05 + 0.75 * random_unit(&random);

    settings_usual(&run->settings);
    run->seed = seed;
    run->nodes = nodes ? nodes : drawn_nodes;
    run->duration_s = 60 * minutes;
    run->settings.value[SET_FAULTS_S] = floor(run->duration_s * (0.2 + 0.4 * random_unit(&random)));
    for (size_t i = 0; i < sizeof(draws) / sizeof(*draws); i++) {
        const struct draw *draw = &draws[i];
        double chance = draw->chance > 0 ? draw->chance : faults;
        bool is_on = random_unit(&random) < chance;
        double value = draw_value(draw, &random); /* drawn in any case: the rest stays the same */

        assert(draw->shape != LOG || draw->least > 0);
        if (!is_on)
            continue;
        run->settings.value[draw->setting] = rounded(draw->setting, value);
        run->settings.is_given[draw->setting] = true;
    }
    fit_together(&run->settings, run->nodes);
}
