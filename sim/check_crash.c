// SPDX-License-Identifier: Apache-2.0
/* check_crash.c - I7: a crash is known at all live, connected nodes within the bound
 *
 * Asked only where nothing else troubles: no fault of any node since shortly before the crash, a
 * network that loses little, and not many crashes and starts at once. */
#include "sim/check_all.h"

#include "sim/memory.h"

#include <inttypes.h>

enum { CROWD_DIVISOR = 4 };

/* A leave may be cut short: its life just ends. */
void check_crash_stop(struct world *world, size_t index)
{
    struct checks *checks = world->checks;
    const struct node *node = &world->nodes[index];

    checks->changes++;
    if (world->config.detector != DETECTOR_AURORA || world_is_foreign(world, index))
        return;
    size_t voters = node->seen.voters;
    checks->crashes = memory_reach(checks->crashes, &checks->crash_capacity, checks->crash_count,
                                   sizeof(*checks->crashes));
    checks->crashes[checks->crash_count++] = (struct crash){
        .number = node->number,
        .node = index,
        .epoch = node->epoch,
        .at_us = world->now_us,
        .due_us = world->now_us + bound_detect_us(&world->config, voters),
        .voters = voters,
        .changes = checks->changes,
    };
}

/* Starts count as much as crashes: whoever joins sees a death later than the others. */
void check_crash_start(struct world *world)
{
    world->checks->changes++;
}

static bool is_calm(const struct world *world, const struct crash *crash)
{
    uint64_t since_us = crash->at_us > BOUND_CALM_US ? crash->at_us - BOUND_CALM_US : 0;

    if (!check_is_mild(world, since_us) || check_has_liars(world) ||
        world->checks->changes - crash->changes > crash->voters / CROWD_DIVISOR)
        return false;
    for (size_t i = 0; i < world->options.nodes; i++)
        if (i != crash->node && world_is_node_troubled(world, i, since_us))
            return false;
    return true;
}

static bool is_known_at(const struct world *world, size_t node, const struct crash *crash)
{
    const struct seen_member *member = observe_member(&world->nodes[node].seen, crash->number);

    return member->state >= MEMBER_DEAD || member->epoch > crash->epoch;
}

static bool was_there(const struct world *world, size_t node, const struct crash *crash)
{
    return world_is_present(world, node) && !world_is_foreign(world, node) &&
           check_has_joined(world, node, crash->at_us);
}

static void judge(struct world *world, const struct crash *crash)
{
    if (!is_calm(world, crash))
        return;
    check_asked(world, I7);
    for (size_t i = 0; i < world->options.nodes; i += world->checks->watch_every)
        if (was_there(world, i, crash) && !is_known_at(world, i, crash))
            check_failed(
                world, i, I7, "n%zu is %s, though it crashed %" PRIu64 " ms ago", crash->node,
                member_state_name(
                    (enum member_state)observe_member(&world->nodes[i].seen, crash->number)->state),
                (world->now_us - crash->at_us) / 1000);
}

/* Its key runs again: what is known of its last life is no matter any more. */
static bool is_back(const struct world *world, const struct crash *crash)
{
    for (size_t i = 0; i < world->options.nodes; i++)
        if (world->nodes[i].core != NULL && world->nodes[i].number == crash->number)
            return true;
    return false;
}

void check_crash_second(struct world *world)
{
    struct checks *checks = world->checks;
    size_t kept = 0;

    for (size_t i = 0; i < checks->crash_count; i++) {
        struct crash crash = checks->crashes[i];

        if (world->now_us < crash.due_us)
            checks->crashes[kept++] = crash;
        else if (!is_back(world, &crash))
            judge(world, &crash);
    }
    checks->crash_count = kept;
}
