// SPDX-License-Identifier: Apache-2.0
/* check_life.c - I5: every (epoch, incarnation) that anybody believes was signed by its subject
 *
 * What a node says of itself is heard before any packet of it can be delivered. A liar signs lives
 * that its own core knows nothing of: there its signature must say so. */
#include "sim/check_all.h"

#include <inttypes.h>

static bool is_liars_word(const struct world *world, const struct gossip_event *event)
{
    size_t subject = world_node_of_tag(world, event->member.tag);
    const struct blob *alive = event->member.alive;

    return subject != SIZE_MAX && check_is_liar(world, subject) && alive != NULL &&
           check_is_signed(world, blob_span(alive), SIGN_ALIVE, event->member.tag);
}

static bool is_known_life(const struct world *world, const struct gossip_event *event)
{
    return map_find(&world->checks->lives, event->member.tag, event->member.epoch,
                    event->member.incarnation) != NULL;
}

static void learn(struct world *world, const struct gossip_event *event)
{
    map_put(&world->checks->lives, event->member.tag, event->member.epoch,
            event->member.incarnation);
}

void check_life_event(struct world *world, size_t node, const struct gossip_event *event)
{
    if (event->kind != GOSSIP_EVENT_MEMBER)
        return;
    if (event->member.is_self) {
        learn(world, event);
        return;
    }
    if (!checks_watch(world, node))
        return;
    check_asked(world, I5);
    if (is_known_life(world, event))
        return;
    if (is_liars_word(world, event))
        learn(world, event);
    else
        check_failed(world, node, I5,
                     "believes a life of n%zd that it never signed: epoch %" PRIu64
                     ", incarnation %" PRIu64,
                     (ssize_t)world_node_of_tag(world, event->member.tag), event->member.epoch,
                     event->member.incarnation);
}
