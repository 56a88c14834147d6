// SPDX-License-Identifier: Apache-2.0
/* check_death.c - I4: whoever is DEAD at a node has q distinct, valid, eligible accusers of that
 * very life there
 *
 * Counted from the node's events, not by its core: each accusation that it believed is an event,
 * also one that it was told with the news of a death. Valid is what the accuser did say: its own
 * events tell. Eligible is who is neither DEAD nor LEFT here, but for what was told: of that all
 * counts, once the node has taken it. N of the quorum is counted from the node's events, too. */
#include "sim/check_all.h"

#include "sim/memory.h"

#include <inttypes.h>

/* --- Hearing --------------------------------------------------------------------------------- */

static struct heard *heard_find(const struct node_checks *checks, uint64_t subject,
                                uint64_t accuser)
{
    const uint64_t *first = map_find(&checks->accusers, subject, 0, 0);

    for (size_t i = first != NULL ? *first : 0; i != 0; i = checks->heard[i - 1].next)
        if (checks->heard[i - 1].accuser == accuser)
            return &checks->heard[i - 1];
    return NULL;
}

static struct heard *heard_make(struct node_checks *checks, uint64_t subject, uint64_t accuser)
{
    struct heard *heard = heard_find(checks, subject, accuser);

    if (heard != NULL)
        return heard;
    uint64_t *first = map_put(&checks->accusers, subject, 0, 0);
    checks->heard = memory_reach(checks->heard, &checks->heard_capacity, checks->heard_count,
                                 sizeof(*checks->heard));
    heard = &checks->heard[checks->heard_count++];
    *heard = (struct heard){.accuser = accuser, .next = *first};
    *first = checks->heard_count;
    return heard;
}

static void on_accused(struct world *world, size_t node, const struct gossip_event *event)
{
    const struct node *it = &world->nodes[node];
    uint64_t life = life_print(event->accused.epoch, event->accused.incarnation);

    if (event->accused.accuser == it->tag)
        map_put(&world->checks->said, it->tag, event->accused.subject, life);
    if (!checks_watch(world, node))
        return;
    struct heard *heard =
        heard_make(&world->checks->nodes[node], event->accused.subject, event->accused.accuser);
    heard->epoch = event->accused.epoch;
    heard->incarnation = event->accused.incarnation;
    heard->at_us = world->now_us;
    heard->is_told = event->accused.is_told;
}

/* --- Judging --------------------------------------------------------------------------------- */

static bool is_valid(const struct world *world, const struct heard *heard, uint64_t subject)
{
    size_t accuser = world_node_of_tag(world, heard->accuser);

    if (heard->accuser == subject || accuser == SIZE_MAX)
        return false;
    return map_find(&world->checks->said, heard->accuser, subject,
                    life_print(heard->epoch, heard->incarnation)) != NULL ||
           check_is_liar(world, accuser);
}

static bool is_eligible(struct world *world, size_t node, const struct heard *heard)
{
    size_t number = intern_find(&world->tags, span_of(&heard->accuser, sizeof(heard->accuser)));
    const struct seen_member *accuser = observe_member(&world->nodes[node].seen, number);

    return heard->accuser == world->nodes[node].tag || accuser->state < MEMBER_DEAD;
}

static bool is_about(const struct heard *heard, const struct gossip_event *event)
{
    return heard->epoch == event->member.epoch && heard->incarnation == event->member.incarnation;
}

static size_t count_accusers(struct world *world, size_t node, const struct gossip_event *event)
{
    const struct node_checks *checks = &world->checks->nodes[node];
    const uint64_t *first = map_find(&checks->accusers, event->member.tag, 0, 0);
    size_t valid = 0, eligible = 0;
    bool is_told = false;

    for (size_t i = first != NULL ? *first : 0; i != 0; i = checks->heard[i - 1].next) {
        const struct heard *heard = &checks->heard[i - 1];

        if (!is_about(heard, event) || !is_valid(world, heard, event->member.tag))
            continue;
        is_told |= heard->is_told;
        valid++;
        eligible += is_eligible(world, node, heard);
    }
    return is_told ? valid : eligible;
}

/* Before this death: the observer has not seen it yet. */
static size_t quorum_of(const struct observer *seen)
{
    size_t half = (seen->voters + 1) / 2;

    return half < 1 ? 1 : half < BOUND_QUORUM ? half : BOUND_QUORUM;
}

static void on_death(struct world *world, size_t node, const struct gossip_event *event)
{
    size_t quorum = quorum_of(&world->nodes[node].seen);
    size_t accusers = count_accusers(world, node, event);

    check_asked(world, I4);
    if (accusers < quorum)
        check_failed(world, node, I4, "n%zd is DEAD on the word of %zu, the quorum is %zu of %zu",
                     (ssize_t)world_node_of_tag(world, event->member.tag), accusers, quorum,
                     world->nodes[node].seen.voters);
}

static bool is_news(struct world *world, size_t node, const struct gossip_event *event)
{
    uint64_t tag = event->member.tag;
    size_t number = intern_find(&world->tags, span_of(&tag, sizeof(tag)));
    const struct seen_member *before = observe_member(&world->nodes[node].seen, number);

    return !before->is_known || before->state != MEMBER_DEAD ||
           before->epoch != event->member.epoch;
}

static void count_false_death(struct world *world, const struct gossip_event *event)
{
    size_t subject = world_node_of_tag(world, event->member.tag);

    if (subject != SIZE_MAX && world->nodes[subject].core != NULL &&
        world->nodes[subject].tag == event->member.tag &&
        world->nodes[subject].epoch == event->member.epoch)
        world->false_deaths++;
}

void check_death_event(struct world *world, size_t node, const struct gossip_event *event)
{
    if (event->kind == GOSSIP_EVENT_ACCUSED)
        on_accused(world, node, event);
    if (event->kind != GOSSIP_EVENT_MEMBER || event->member.state != MEMBER_DEAD ||
        !is_news(world, node, event))
        return;
    count_false_death(world, event);
    if (world->config.detector == DETECTOR_AURORA && checks_watch(world, node))
        on_death(world, node, event);
}
