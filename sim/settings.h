// SPDX-License-Identifier: Apache-2.0
/* settings.h - every number that a world can be given by name (--set name=value): its unit, its
 * range, its usual value and what it means */
#ifndef AURORA_SIM_SETTINGS_H
#define AURORA_SIM_SETTINGS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum setting_group {
    GROUP_WORLD = 1, /* these three: every scenario takes them */
    GROUP_NETWORK,
    GROUP_PROTOCOL,
    GROUP_SCENARIO, /* a scenario says which of them it takes */
    GROUP_FAULT,    /* how often per minute, somewhere in the world; the scenario `storm` and the
                       swarm take them */
};

enum setting {
    SET_DETECTOR = 0,
    SET_MEMO,
    SET_START,
    SET_SEEDS,

    SET_LATENCY_MS,
    SET_LATENCY_SIGMA,
    SET_LATENCY_PARETO,
    SET_JITTER_MS,
    SET_LOSS,
    SET_BURST_ENTER,
    SET_BURST_LEAVE,
    SET_BURST_LOSS,
    SET_DUPLICATE,
    SET_REORDER,
    SET_FLIP,
    SET_BANDWIDTH_KB_S,
    SET_QUEUE_PACKETS,

    SET_PROBE_INTERVAL_MS,
    SET_PROBE_TIMEOUT_MAX_MS,
    SET_PROBE_INDIRECT,
    SET_SUSPICION_MIN_MS,
    SET_SUSPICION_FACTOR,
    SET_ORPHAN_GRACE_S,
    SET_DELETE_KEEP_S,
    SET_FORGET_S,
    SET_EGRESS_KB_S,

    SET_REPETITIONS,
    SET_BAD,
    SET_PEERS,
    SET_TTL_S,
    SET_HEARTBEAT_S,
    SET_OPERATIONS_PER_S,
    SET_CHURN_PER_MIN,
    SET_OUTAGE_S,
    SET_PERIOD_S,
    SET_EGRESS_LOSS,
    SET_TRAITORS,
    SET_FAULTS_S,
    SET_GRID,
    SET_SERVICE_MS,

    SET_CUT,
    SET_CUT_ONE_WAY,
    SET_CUT_PARTIAL,
    SET_FLIP_FLOP,
    SET_SWIZZLE,
    SET_NAT_REBIND,
    SET_ADDRESS_REUSE,
    SET_NODE_LOSS,
    SET_CRASH,
    SET_LEAVE,
    SET_PAUSE,
    SET_STALL,
    SET_BLOCK,
    SET_SLOW_CPU,
    SET_DISK_OLD,
    SET_DISK_TORN,
    SET_DISK_KEY_ONLY,
    SET_DISK_NONE,
    SET_DISK_COPIED,
    SET_CLOCK_SKEW,
    SET_CLOCK_DRIFT_PPM,
    SET_CLOCK_JUMP_HOUR,
    SET_CLOCK_JUMP_DECADE,
    SET_FORGE,
    SET_REPLAY,
    SET_INFLATE,
    SET_ACCUSE,
    SET_COLLUDE,
    SET_EQUIVOCATE,
    SET_WITHHOLD,
    SET_FLOOD,
    SET_REFLECT,
    SET_CLIENT_SILENT,
    SET_CLIENT_MOVE,
    SET_CLIENT_ANYWHERE,
    SET_CLIENT_TWICE,
    SET_CLIENT_TWO_NODES,

    SETTINGS
};

struct setting_info {
    const char *name;
    enum setting_group group;
    const char *unit; /* "" for chances and plain counts */
    double least, most, usual;
    bool is_whole;
    const char *choices; /* "aurora|lifeguard|swim": the value is the index; else NULL */
    const char *help;    /* half a line */
};

const struct setting_info *setting_info(enum setting);

struct settings {
    double value[SETTINGS];
    bool is_given[SETTINGS]; /* by the user */
};

void settings_usual(struct settings *);
/* "loss=0.05" or "detector=swim". False: `error` says in one line what is wrong and what would be
 * right; `takes` lists the GROUP_SCENARIO and GROUP_FAULT settings that are allowed, ending with
 * SETTINGS; NULL: every one. */
bool settings_set(struct settings *, const char *assignment, const enum setting *takes, char *error,
                  size_t error_bytes);

/* As settings_set would read it back: "swim", "0.05". */
void setting_text(const struct settings *, enum setting, char *out, size_t bytes);

static inline double setting(const struct settings *settings, enum setting which)
{
    return settings->value[which];
}

static inline size_t setting_count(const struct settings *settings, enum setting which)
{
    return (size_t)settings->value[which];
}

struct cluster_options;
struct gossip_config;
/* What GROUP_WORLD, GROUP_NETWORK and GROUP_PROTOCOL say, as a cluster takes it. */
void settings_to_cluster(const struct settings *, struct cluster_options *);
void settings_to_config(const struct settings *, struct gossip_config *);

#endif
