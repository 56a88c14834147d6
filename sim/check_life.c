// SPDX-License-Identifier: Apache-2.0
/* check_life.c - I5: every (epoch, incarnation) that anybody believes was signed by its subject
 *
 * What a node says of itself is heard before any packet of it can be delivered. A liar signs lives
 * that its own core knows nothing of: there its signature must say so. */
#include "sim/check_all.h"

#include <inttypes.h>

/* A liar may make up members, too: whose key signs is the subject, then. */
static bool is_liars_word(struct world *world, size_t node, const struct gossip_event *event)
{
    uint64_t tag = event->member.tag;
    struct alive alive;

    if (event->member.alive == NULL ||
        !statement_read_alive(blob_span(event->member.alive), &alive) ||
        node_tag(&alive.id) != tag || !check_has_liars(world))
        return false;
    if (check_identity(world, tag) == NULL)
        check_identity_add(world, &alive.id, world_is_foreign(world, node), true);
    check_address_named(world, &alive);
    return check_is_liar(world, tag) &&
           check_is_signed(world, blob_span(event->member.alive), SIGN_ALIVE, tag);
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
    const struct identity *subject = check_identity(world, event->member.tag);
    if (subject != NULL && subject->is_foreign != world_is_foreign(world, node))
        check_failed(world, node, I5, "believes in a member of another cluster");
    if (is_known_life(world, event))
        return;
    if (is_liars_word(world, node, event))
        learn(world, event);
    else
        check_failed(world, node, I5,
                     "believes a life of n%zd that it never signed: epoch %" PRIu64
                     ", incarnation %" PRIu64,
                     (ssize_t)world_node_of_tag(world, event->member.tag), event->member.epoch,
                     event->member.incarnation);
}
