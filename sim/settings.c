// SPDX-License-Identifier: Apache-2.0
/* settings.c - the table of settings, reading an assignment, and what a cluster makes of them */
#include "sim/settings.h"

#include "gossip/gossip.h"
#include "sim/cluster.h"

#include <assert.h>
#include <errno.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define W GROUP_WORLD
#define N GROUP_NETWORK
#define P GROUP_PROTOCOL
#define S GROUP_SCENARIO
#define F GROUP_FAULT

/* {name, group, unit, least, most, usual, whole, choices, help} */
static const struct setting_info table[SETTINGS] = {
    [SET_DETECTOR] = {"detector", W, "", 0, 2, 0, true, "aurora|lifeguard|swim",
                      "the failure detector, by a switch of the same core"},
    [SET_MEMO] = {"memo", W, "", 0, 1, 1, true, "off|on",
                  "share what was verified and sealed between the nodes (off: as --no-memo)"},
    [SET_START] = {"start", W, "", 0, 1, 0, true, "join|known",
                   "begin by joining through the seeds, or with everybody knowing everybody"},
    [SET_SEEDS] = {"seeds", W, "nodes", 1, 16, 1, true, NULL,
                   "the first so many nodes are everybody's seeds"},

    [SET_LATENCY_MS] = {"latency_ms", N, "ms", 0, 10000, 1, false, NULL,
                        "one way; the median where it varies"},
    [SET_LATENCY_SIGMA] = {"latency_sigma", N, "", 0, 4, 0, false, NULL,
                           "log-normal: deviation of the logarithm"},
    [SET_LATENCY_PARETO] = {"latency_pareto", N, "", 0, 100, 0, false, NULL,
                            "Pareto tail: its exponent (0: none; 1.5 is heavy)"},
    [SET_JITTER_MS] = {"jitter_ms", N, "ms", 0, 10000, 0, false, NULL, "uniform, added"},
    [SET_LOSS] = {"loss", N, "", 0, 1, 0, false, NULL,
                  "chance that a packet is lost, each by itself"},
    [SET_BURST_ENTER] = {"burst_enter", N, "", 0, 1, 0, false, NULL,
                         "Gilbert-Elliott: chance per packet that a bad spell begins"},
    [SET_BURST_LEAVE] = {"burst_leave", N, "", 0, 1, 0.1, false, NULL, "... that it ends"},
    [SET_BURST_LOSS] = {"burst_loss", N, "", 0, 1, 1, false, NULL, "... loss within it"},
    [SET_DUPLICATE] = {"duplicate", N, "", 0, 1, 0, false, NULL, "chance of a second copy"},
    [SET_REORDER] = {"reorder", N, "", 0, 1, 0, false, NULL, "chance of being held back"},
    [SET_FLIP] = {"flip", N, "", 0, 1, 0, false, NULL, "chance that one bit is flipped"},
    [SET_BANDWIDTH_KB_S] = {"bandwidth_kb_s", N, "KB/s", 0, 1e7, 0, false, NULL,
                            "of each node's way out (0: no limit)"},
    [SET_QUEUE_PACKETS] = {"queue_packets", N, "packets", 1, 1e6, 256, true, NULL,
                           "what waits for that way out; more is lost"},

    [SET_PROBE_INTERVAL_MS] = {"probe_interval_ms", P, "ms", 10, 600000, PROBE_INTERVAL_MS, true,
                               NULL, "between two probes of a node"},
    [SET_PROBE_TIMEOUT_MAX_MS] = {"probe_timeout_max_ms", P, "ms", 1, 600000, PROBE_TIMEOUT_MAX_MS,
                                  true, NULL, "of a direct probe"},
    [SET_PROBE_INDIRECT] = {"probe_indirect", P, "members", 0, 16, PROBE_INDIRECT_COUNT, true, NULL,
                            "asked to probe for us (k)"},
    [SET_SUSPICION_MIN_MS] = {"suspicion_min_ms", P, "ms", 0, 600000, SUSPICION_MIN_MS, true, NULL,
                              "least time between suspicion and death"},
    [SET_SUSPICION_FACTOR] = {"suspicion_factor", P, "", 1, 100, SUSPICION_MAX_FACTOR, true, NULL,
                              "most time, as a multiple of the least"},
    [SET_ORPHAN_GRACE_S] = {"orphan_grace_s", P, "s", 0, 86400, ORPHAN_GRACE_MS / 1000.0, false,
                            NULL, "peers of a home that is gone stay visible for"},
    [SET_DELETE_KEEP_S] = {"delete_keep_s", P, "s", 0, 86400, DELETE_KEEP_MIN_MS / 1000.0, false,
                           NULL, "least time that a deletion is remembered"},
    [SET_FORGET_S] = {"forget_s", P, "s", 1, 1e7, OLD_MEMBER_FORGET_MS / 1000.0, false, NULL,
                      "dead members are forgotten after"},
    [SET_EGRESS_KB_S] = {"egress_kb_s", P, "KB/s", 1, 4e6, EGRESS_BYTES_PER_S / 1024.0, false, NULL,
                         "a node's own cap on what it sends"},

    [SET_REPETITIONS] = {"repetitions", S, "", 1, 1000, 1, true, NULL,
                         "worlds of each kind, each with a seed of its own"},
    [SET_BAD] = {"bad", S, "nodes", 0, 16384, 10, true, NULL, "so many nodes are hit"},
    [SET_PEERS] = {"peers", S, "", 0, 1e6, 100, true, NULL, "registered peers"},
    [SET_TTL_S] = {"ttl_s", S, "s", PEER_TTL_MIN_S, PEER_TTL_MAX_S, TTL_DEFAULT_S, true, NULL,
                   "of their leases"},
    [SET_HEARTBEAT_S] = {"heartbeat_s", S, "s", 1, 86400, 30, false, NULL, "between heartbeats"},
    [SET_OPERATIONS_PER_S] = {"operations_per_s", S, "1/s", 0, 1e5, 1, false, NULL,
                              "registrations in the whole world"},
    [SET_CHURN_PER_MIN] = {"churn_per_min", S, "1/min", 0, 1e5, 0, false, NULL,
                           "nodes that stop and start again"},
    [SET_OUTAGE_S] = {"outage_s", S, "s", 0, 1e7, 35, false, NULL, "how long the fault lasts"},
    [SET_PERIOD_S] = {"period_s", S, "s", 0.1, 86400, 20, false, NULL, "of what repeats"},
    [SET_EGRESS_LOSS] = {"egress_loss", S, "", 0, 1, 0.8, false, NULL,
                         "loss of what a bad node sends"},
    [SET_TRAITORS] = {"traitors", S, "nodes", 0, 16, 1, true, NULL,
                      "members that hold the key and lie"},
    [SET_FAULTS_S] = {"faults_s", S, "s", 1, 1e7, 60, false, NULL,
                      "faults act for so long; then the world heals"},
    [SET_GRID] = {"grid", S, "", 0, 1, 0, true, "thin|full",
                  "a few cells, in a minute or two, or all of the paper's"},
    [SET_SERVICE_MS] = {"service_ms", S, "ms", 0.001, 60000, 200, false, NULL,
                        "a starved node takes so long for each packet and each tick"},

    [SET_CUT] = {"cut", F, "1/min", 0, 600, 0, false, NULL, "nothing passes between two sides"},
    [SET_CUT_ONE_WAY] = {"cut_one_way", F, "1/min", 0, 600, 0, false, NULL, "one way only"},
    [SET_CUT_PARTIAL] = {"cut_partial", F, "1/min", 0, 600, 0, false, NULL,
                         "two sides that a third still reaches"},
    [SET_FLIP_FLOP] = {"flip_flop", F, "1/min", 0, 600, 0, false, NULL,
                       "a node's links fail and come back in turns"},
    [SET_SWIZZLE] = {"swizzle", F, "1/min", 0, 600, 0, false, NULL,
                     "links stop one by one and come back in random order"},
    [SET_NAT_REBIND] = {"nat_rebind", F, "1/min", 0, 600, 0, false, NULL,
                        "a node's packets come from another port from now on"},
    [SET_ADDRESS_REUSE] = {"address_reuse", F, "1/min", 0, 600, 0, false, NULL,
                           "a node of another cluster gets a dead node's address"},
    [SET_NODE_LOSS] = {"node_loss", F, "1/min", 0, 600, 0, false, NULL,
                       "one node loses most of what it sends, or is sent"},
    [SET_CRASH] = {"crash", F, "1/min", 0, 600, 0, false, NULL,
                   "a node is killed, and restarted later"},
    [SET_LEAVE] = {"leave", F, "1/min", 0, 600, 0, false, NULL,
                   "a node leaves, and comes back later"},
    [SET_PAUSE] = {"pause", F, "1/min", 0, 600, 0, false, NULL,
                   "a node stands still, timers and all"},
    [SET_STALL] = {"stall", F, "1/min", 0, 600, 0, false, NULL, "... for up to eight seconds"},
    [SET_BLOCK] = {"block", F, "1/min", 0, 600, 0, false, NULL,
                   "a node's packets wait while its timers run"},
    [SET_SLOW_CPU] = {"slow_cpu", F, "1/min", 0, 600, 0, false, NULL,
                      "a node takes milliseconds for each packet"},
    [SET_DISK_OLD] = {"disk_old", F, "", 0, 1, 0, false, NULL,
                      "chance that a restart finds an old disk"},
    [SET_DISK_TORN] = {"disk_torn", F, "", 0, 1, 0, false, NULL, "... files that end too early"},
    [SET_DISK_KEY_ONLY] = {"disk_key_only", F, "", 0, 1, 0, false, NULL, "... nothing but its key"},
    [SET_DISK_NONE] = {"disk_none", F, "", 0, 1, 0, false, NULL, "... nothing"},
    [SET_DISK_COPIED] = {"disk_copied", F, "1/min", 0, 600, 0, false, NULL,
                         "a second node starts from a copy of a running one's disk"},
    [SET_CLOCK_SKEW] = {"clock_skew", F, "1/min", 0, 600, 0, false, NULL,
                        "a node's wall clock is off by minutes"},
    [SET_CLOCK_DRIFT_PPM] = {"clock_drift_ppm", F, "ppm", 0, 10000, 0, false, NULL,
                             "clocks run fast or slow by up to so much"},
    [SET_CLOCK_JUMP_HOUR] = {"clock_jump_hour", F, "1/min", 0, 600, 0, false, NULL,
                             "a wall clock jumps by an hour"},
    [SET_CLOCK_JUMP_DECADE] = {"clock_jump_decade", F, "1/min", 0, 600, 0, false, NULL,
                               "a wall clock jumps by ten years"},
    [SET_FORGE] = {"forge", F, "1/min", 0, 600, 0, false, NULL,
                   "a traitor signs for somebody else"},
    [SET_REPLAY] = {"replay", F, "1/min", 0, 600, 0, false, NULL, "... sends old packets again"},
    [SET_INFLATE] = {"inflate", F, "1/min", 0, 600, 0, false, NULL,
                     "... raises its incarnation far"},
    [SET_ACCUSE] = {"accuse", F, "1/min", 0, 600, 0, false, NULL, "... accuses the innocent"},
    [SET_COLLUDE] = {"collude", F, "1/min", 0, 600, 0, false, NULL,
                     "... with others, one fewer than the quorum"},
    [SET_EQUIVOCATE] = {"equivocate", F, "1/min", 0, 600, 0, false, NULL,
                        "... signs two HEADs for one version"},
    [SET_WITHHOLD] = {"withhold", F, "1/min", 0, 600, 0, false, NULL,
                      "... tells some of the members what it tells others not"},
    [SET_FLOOD] = {"flood", F, "1/min", 0, 600, 0, false, NULL, "... sends thousands of packets"},
    [SET_REFLECT] = {"reflect", F, "1/min", 0, 600, 0, false, NULL,
                     "... gives somebody else's address as its packets' source"},
    [SET_CLIENT_SILENT] = {"client_silent", F, "1/min", 0, 600, 0, false, NULL,
                           "a client stops without a word"},
    [SET_CLIENT_MOVE] = {"client_move", F, "1/min", 0, 600, 0, false, NULL,
                         "a client registers at another node"},
    [SET_CLIENT_ANYWHERE] = {"client_anywhere", F, "1/min", 0, 600, 0, false, NULL,
                             "a client heartbeats at any node"},
    [SET_CLIENT_TWICE] = {"client_twice", F, "1/min", 0, 600, 0, false, NULL,
                          "a client registers again"},
    [SET_CLIENT_TWO_NODES] = {"client_two_nodes", F, "1/min", 0, 600, 0, false, NULL,
                              "one id is registered at two nodes at once"},
};

#undef W
#undef N
#undef P
#undef S
#undef F

const struct setting_info *setting_info(enum setting which)
{
    assert(which < SETTINGS);
    return &table[which];
}

void settings_usual(struct settings *settings)
{
    for (size_t i = 0; i < SETTINGS; i++) {
        settings->value[i] = table[i].usual;
        settings->is_given[i] = false;
    }
}

/* --- Into a cluster
 * ---------------------------------------------------------------------------------- */

void settings_to_config(const struct settings *settings, struct gossip_config *config)
{
    *config = (struct gossip_config){0};
    gossip_config_defaults(config);
    config->detector = (enum gossip_detector)setting(settings, SET_DETECTOR);
    config->probe_interval_ms = (uint32_t)setting(settings, SET_PROBE_INTERVAL_MS);
    config->probe_timeout_max_ms = (uint32_t)setting(settings, SET_PROBE_TIMEOUT_MAX_MS);
    config->probe_indirect_count = (uint32_t)setting(settings, SET_PROBE_INDIRECT);
    config->suspicion_min_ms = (uint32_t)setting(settings, SET_SUSPICION_MIN_MS);
    config->suspicion_max_factor = (uint32_t)setting(settings, SET_SUSPICION_FACTOR);
    config->orphan_grace_ms = (uint32_t)(setting(settings, SET_ORPHAN_GRACE_S) * 1000);
    config->delete_keep_min_ms = (uint32_t)(setting(settings, SET_DELETE_KEEP_S) * 1000);
    config->old_member_forget_ms = (uint64_t)(setting(settings, SET_FORGET_S) * 1000);
    config->egress_bytes_per_s = (uint32_t)(setting(settings, SET_EGRESS_KB_S) * 1024);
}

void settings_to_cluster(const struct settings *settings, struct cluster_options *options)
{
    double latency_ms = setting(settings, SET_LATENCY_MS);

    options->seeds = setting_count(settings, SET_SEEDS);
    options->detector = (enum gossip_detector)setting(settings, SET_DETECTOR);
    options->has_no_memo = setting(settings, SET_MEMO) == 0;
    options->latency_ms = latency_ms > 0 ? latency_ms : -1;
    options->latency_sigma = setting(settings, SET_LATENCY_SIGMA);
    options->latency_pareto = setting(settings, SET_LATENCY_PARETO);
    options->jitter_ms = setting(settings, SET_JITTER_MS);
    options->loss = setting(settings, SET_LOSS);
    options->burst_enter = setting(settings, SET_BURST_ENTER);
    options->burst_leave = setting(settings, SET_BURST_LEAVE);
    options->burst_loss = setting(settings, SET_BURST_LOSS);
    options->duplicate = setting(settings, SET_DUPLICATE);
    options->reorder = setting(settings, SET_REORDER);
    options->flip = setting(settings, SET_FLIP);
    options->bandwidth_bytes_per_s = setting(settings, SET_BANDWIDTH_KB_S) * 1024;
    options->queue_packets = setting_count(settings, SET_QUEUE_PACKETS);
}

/* --- An assignment
 * ----------------------------------------------------------------------------------- */

static bool is_taken(enum setting which, const enum setting *takes)
{
    if (takes == NULL || table[which].group < GROUP_SCENARIO)
        return true;
    while (*takes != SETTINGS && *takes != which)
        takes++;
    return *takes == which;
}

static size_t append(char *text, size_t bytes, size_t used, const char *more)
{
    int wrote = used < bytes ? snprintf(text + used, bytes - used, "%s", more) : 0;

    return used + (wrote > 0 ? (size_t)wrote : 0);
}

/* `exists`: but this scenario does not take it. */
static bool say_unknown(const char *name, bool exists, const enum setting *takes, char *error,
                        size_t bytes)
{
    int wrote = snprintf(error, bytes,
                         exists ? "the setting '%s' plays no part here; there are:"
                                : "unknown setting '%s'; there are:",
                         name);
    size_t used = wrote > 0 ? (size_t)wrote : 0;

    for (enum setting i = 0; i < SETTINGS; i++)
        if (is_taken(i, takes)) {
            used = append(error, bytes, used, " ");
            used = append(error, bytes, used, table[i].name);
        }
    return false;
}

/* The index of `text` in "a|b|c"; -1: not there. */
static int choice_of(const char *choices, const char *text)
{
    size_t len = strlen(text);

    for (int i = 0; choices != NULL; i++) {
        if (strncmp(choices, text, len) == 0 && (choices[len] == '|' || choices[len] == '\0'))
            return i;
        choices = strchr(choices, '|');
        choices = choices != NULL ? choices + 1 : NULL;
    }
    return -1;
}

static bool set_choice(struct settings *settings, enum setting which, const char *text, char *error,
                       size_t bytes)
{
    int choice = choice_of(table[which].choices, text);

    if (choice < 0) {
        snprintf(error, bytes, "%s is '%s'; it can be %s", table[which].name, text,
                 table[which].choices);
        return false;
    }
    settings->value[which] = choice;
    return true;
}

static bool set_number(struct settings *settings, enum setting which, const char *text, char *error,
                       size_t bytes)
{
    const struct setting_info *info = &table[which];
    char *end = NULL;
    double value = strtod(text, &end);

    if (end == text || *end != '\0' || !isfinite(value) || value < info->least ||
        value > info->most || (info->is_whole && value != floor(value))) {
        snprintf(error, bytes, "%s is '%s'; it must be a %s from %g to %g%s%s", info->name, text,
                 info->is_whole ? "whole number" : "number", info->least, info->most,
                 *info->unit ? " " : "", info->unit);
        return false;
    }
    settings->value[which] = value;
    return true;
}

void setting_text(const struct settings *settings, enum setting which, char *out, size_t bytes)
{
    const char *choice = table[which].choices;
    double value = settings->value[which];
    int digits = 6;

    for (size_t i = 0; choice != NULL && i < (size_t)value; i++)
        choice += strcspn(choice, "|") + 1;
    if (choice != NULL) {
        snprintf(out, bytes, "%.*s", (int)strcspn(choice, "|"), choice);
        return;
    }
    do /* as short as it can be and still be read back as itself */
        snprintf(out, bytes, "%.*g", digits, value);
    while (strtod(out, NULL) != value && ++digits < 18);
}

bool settings_set(struct settings *settings, const char *assignment, const enum setting *takes,
                  char *error, size_t error_bytes)
{
    const char *equals = strchr(assignment, '=');
    size_t len = equals != NULL ? (size_t)(equals - assignment) : strlen(assignment);
    enum setting which = 0;

    while (which < SETTINGS &&
           (strlen(table[which].name) != len || strncmp(table[which].name, assignment, len) != 0))
        which++;
    if (which == SETTINGS || !is_taken(which, takes)) {
        char name[40];

        snprintf(name, sizeof(name), "%.*s", (int)(len < 39 ? len : 39), assignment);
        return say_unknown(name, which < SETTINGS, takes, error, error_bytes);
    }
    if (equals == NULL) {
        snprintf(error, error_bytes, "--set %s has no value; say --set %s=VALUE", assignment,
                 assignment);
        return false;
    }
    bool is_set = table[which].choices != NULL
                      ? set_choice(settings, which, equals + 1, error, error_bytes)
                      : set_number(settings, which, equals + 1, error, error_bytes);
    settings->is_given[which] |= is_set;
    return is_set;
}
