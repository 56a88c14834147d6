// SPDX-License-Identifier: Apache-2.0
/* cluster_wait.c - conditions, and running until they hold */
#include "sim/cluster.h"

#include "sim/check.h"
#include "sim/cluster_impl.h"

#include <assert.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

enum { LOOK_EVERY_US = 5000, TOLD_MAX = 5 };

/* A condition on its way: where it last failed is where it is looked at first, so that waiting
 * costs little until the end. */
struct wait {
    struct condition condition;
    size_t first, count; /* nodes asked */
    size_t node;         /* that failed last */
    size_t other;        /* the member that it missed */
};

/* Can it only change with an event of the node? Else the cores must be asked now and then. */
static bool is_about_events(enum condition_kind kind)
{
    return kind != CONDITION_VIEWS_EQUAL && kind != CONDITION_LOGS_PROVED &&
           kind != CONDITION_SETTLED;
}

static bool peer_is(const struct cluster *cluster, size_t node, const struct condition *condition)
{
    bool is_visible = cluster_sees_peer(cluster, node, condition->peer_id);

    if (condition->kind == CONDITION_PEER_HIDDEN)
        return !is_visible;
    return is_visible && (condition->kind == CONDITION_PEER_VISIBLE ||
                          cluster_peer_home(cluster, node, condition->peer_id) == condition->node);
}

/* Of all nodes at once: to ask it of each would cost their square. */
static bool is_about_views(enum condition_kind kind)
{
    return kind == CONDITION_VIEWS_EQUAL || kind == CONDITION_SETTLED;
}

/* Peers live in the first cluster, a member in its own; the others are not asked. */
static bool is_asked(const struct cluster *cluster, size_t node, const struct condition *condition)
{
    switch (condition->kind) {
    case CONDITION_PEER_VISIBLE: return !world_is_foreign(cluster->world, node);
    case CONDITION_PEER_HOME:
    case CONDITION_MEMBER_STATE:
    case CONDITION_MEMBER_NOT: return world_is_same_cluster(cluster->world, node, condition->node);
    default: return true;
    }
}

/* As far as it is about this one node. */
static bool holds_at(struct cluster *cluster, size_t node, const struct condition *condition,
                     size_t *hint)
{
    const struct observer *seen = &cluster->world->nodes[node].seen;

    switch (condition->kind) {
    case CONDITION_PEER_VISIBLE:
    case CONDITION_PEER_HIDDEN:
    case CONDITION_PEER_HOME: return peer_is(cluster, node, condition);
    case CONDITION_MEMBER_STATE:
    case CONDITION_MEMBER_NOT:
        return node == condition->node ||
               (cluster_sees_member(cluster, node, condition->node) == condition->state) ==
                   (condition->kind == CONDITION_MEMBER_STATE);
    case CONDITION_ALL_ALIVE:
        return seen->status.synced && check_all_alive(cluster->world, node, hint, false);
    case CONDITION_CONVERGED: return seen->status.converged;
    case CONDITION_CUT_OFF: return seen->status.cut_off;
    case CONDITION_VIEWS_EQUAL: return true;
    case CONDITION_LOGS_PROVED: return check_logs_proved(cluster->world, node, false);
    case CONDITION_SETTLED:
        return check_all_alive(cluster->world, node, hint, false) &&
               check_logs_proved(cluster->world, node, false);
    }
    return false;
}

static bool holds(struct cluster *cluster, struct wait *wait)
{
    for (size_t i = 0; i < wait->count; i++) {
        size_t node = wait->node;

        if (!world_is_present(cluster->world, node)) {
            if (wait->count == 1)
                return false; /* asked about this one, and it cannot answer */
        } else if ((wait->count == 1 || is_asked(cluster, node, &wait->condition)) &&
                   !holds_at(cluster, node, &wait->condition, &wait->other)) {
            return false;
        }
        wait->node = node + 1 < wait->first + wait->count ? node + 1 : wait->first;
    }
    return !is_about_views(wait->condition.kind) || check_views_equal(cluster->world, false);
}

static const char *condition_name(enum condition_kind kind)
{
    static const char *const names[] = {
        [CONDITION_PEER_VISIBLE] = "a peer is visible",
        [CONDITION_PEER_HIDDEN] = "a peer is hidden",
        [CONDITION_PEER_HOME] = "a peer has moved",
        [CONDITION_MEMBER_STATE] = "a member is in a state",
        [CONDITION_MEMBER_NOT] = "a member is in another state",
        [CONDITION_ALL_ALIVE] = "everybody sees everybody alive",
        [CONDITION_CONVERGED] = "everybody says that it converged",
        [CONDITION_VIEWS_EQUAL] = "all views are equal",
        [CONDITION_LOGS_PROVED] = "all logs are proved",
        [CONDITION_CUT_OFF] = "a node is cut off",
        [CONDITION_SETTLED] = "all is settled",
    };

    return names[kind];
}

/* Says what is missing without counting it: not to come true in time is the caller's to judge. */
static void explain(struct cluster *cluster, const struct wait *wait)
{
    struct world *world = cluster->world;
    uint64_t failures = world->failures, broken[INVARIANTS];
    bool is_first = failures == 0;
    enum condition_kind kind = wait->condition.kind;

    memcpy(broken, world->broken, sizeof(broken));
    fprintf(stderr,
            "seed %" PRIu64 ", %" PRIu64 ".%03" PRIu64 " s: it does not come true that %s%s%s:\n",
            world->options.seed, world->now_us / 1000000, world->now_us / 1000 % 1000,
            condition_name(kind), wait->condition.peer_id ? ", " : "",
            wait->condition.peer_id ? wait->condition.peer_id : "");
    if (is_about_views(kind))
        check_views_equal(world, true);
    for (size_t i = wait->first; i < wait->first + wait->count; i++) {
        if (!world_is_present(world, i) || !is_asked(cluster, i, &wait->condition) ||
            holds_at(cluster, i, &wait->condition, NULL))
            continue;
        bool is_told = (kind == CONDITION_ALL_ALIVE || kind == CONDITION_SETTLED) &&
                       !check_all_alive(world, i, NULL, true);
        is_told |= (kind == CONDITION_LOGS_PROVED || kind == CONDITION_SETTLED) &&
                   !check_logs_proved(world, i, true);
        if (!is_told)
            check_failed(world, i, I_NONE, "not here (synced %d, cut off %d, sees n%zu as %s)",
                         world->nodes[i].seen.status.synced, world->nodes[i].seen.status.cut_off,
                         wait->condition.node,
                         member_state_name(cluster_sees_member(cluster, i, wait->condition.node)));
        if (world->failures - failures >= TOLD_MAX)
            break;
    }
    world->failures = failures;
    memcpy(world->broken, broken, sizeof(broken));
    if (is_first)
        world->first_broken[0] = '\0';
}

static uint64_t run_until(struct cluster *cluster, struct wait *wait, uint64_t bound_ms)
{
    struct world *world = cluster->world;
    uint64_t began_us = world->now_us, limit_us = began_us + bound_ms * 1000;
    uint64_t look_us = 0, events_seen = UINT64_MAX;
    bool is_about_events_only = is_about_events(wait->condition.kind);

    for (;;) {
        bool must_look =
            is_about_events_only ? world->events_seen != events_seen : world->now_us >= look_us;
        if (must_look) {
            events_seen = world->events_seen;
            look_us = world->now_us + LOOK_EVERY_US;
            if (holds(cluster, wait))
                return (world->now_us - began_us + 999) / 1000;
        }
        if (!cluster_step(cluster, limit_us))
            break;
    }
    if (holds(cluster, wait))
        return bound_ms;
    explain(cluster, wait);
    return CLUSTER_NEVER;
}

uint64_t cluster_wait_everywhere(struct cluster *cluster, struct condition condition,
                                 uint64_t bound_ms)
{
    struct wait wait = {condition, 0, cluster_nodes(cluster), 0, 0};

    return run_until(cluster, &wait, bound_ms);
}

uint64_t cluster_wait_at(struct cluster *cluster, size_t node, struct condition condition,
                         uint64_t bound_ms)
{
    struct wait wait = {condition, node, 1, node, 0};

    return run_until(cluster, &wait, bound_ms);
}

bool cluster_holds_everywhere(struct cluster *cluster, struct condition condition)
{
    struct wait wait = {condition, 0, cluster_nodes(cluster), 0, 0};

    return holds(cluster, &wait);
}

bool cluster_holds_at(struct cluster *cluster, size_t node, struct condition condition)
{
    return holds_at(cluster, node, &condition, NULL) &&
           (!is_about_views(condition.kind) || check_views_equal(cluster->world, false));
}
