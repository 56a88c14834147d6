// SPDX-License-Identifier: Apache-2.0
/* check_settle.c - I6: within the bound after the world healed, everybody is alive everywhere, all
 * views are equal, and every home's log is proved at every node
 *
 * Looked at once a second until it is so for the first time: what changes afterwards is no fault's
 * doing any more. */
#include "sim/check_all.h"

static bool is_settled(struct world *world, bool tells)
{
    if (!check_views_equal(world, tells))
        return false;
    for (size_t i = 0; i < world->options.nodes; i += world->checks->watch_every)
        if (world_is_present(world, i) &&
            (!check_all_alive(world, i, NULL, tells) || !check_logs_proved(world, i, tells)))
            return false;
    return true;
}

/* Somebody who healed the world may have begun a new phase of faults since. */
static bool is_troubled_again(const struct world *world)
{
    uint64_t since_us = world->checks->healed_us + 1;

    for (size_t i = 0; i < world->options.nodes; i++)
        if (world_is_troubled(world, i, since_us))
            return true;
    return false;
}

void check_settle_heal(struct world *world)
{
    struct checks *checks = world->checks;

    checks->healed_us = world->now_us > 0 ? world->now_us : 1;
    checks->faults_us = world->now_us;
    checks->is_settled = false;
}

void check_settle_second(struct world *world)
{
    struct checks *checks = world->checks;

    if (checks->healed_us == 0)
        return;
    if (is_troubled_again(world)) {
        checks->healed_us = 0;
        return;
    }
    if (checks->is_settled)
        return;
    uint64_t bound_us = bound_converge_us(&world->config, world->options.nodes, checks->faults_us,
                                          checks->ttl_most_s);
    bool is_late = world->now_us - checks->healed_us > bound_us;
    checks->is_settled = is_settled(world, is_late);
    if (checks->is_settled || is_late)
        check_asked(world, I6);
    checks->is_settled |= is_late; /* said once */
}
