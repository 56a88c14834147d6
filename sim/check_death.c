// SPDX-License-Identifier: Apache-2.0
/* check_death.c - I4: whoever is DEAD at a node has q distinct, valid, eligible accusers of that
 * very life there; I8: fewer than q faulty accusers do not bring about the death of a member that
 * lives and is connected
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
    if (heard->accuser == subject)
        return false;
    return map_find(&world->checks->said, heard->accuser, subject,
                    life_print(heard->epoch, heard->incarnation)) != NULL ||
           check_is_liar(world, heard->accuser);
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

/* --- I8 -------------------------------------------------------------------------------------- */

/* Neither lies nor had any trouble of its own since then. */
static bool is_well(const struct world *world, size_t node, uint64_t since_us)
{
    return node != SIZE_MAX && world->nodes[node].core != NULL && !world->nodes[node].is_liar &&
           !world_is_node_troubled(world, node, since_us);
}

static size_t count_faulty(const struct world *world, size_t node, const struct gossip_event *event,
                           uint64_t since_us)
{
    const struct node_checks *checks = &world->checks->nodes[node];
    const uint64_t *first = map_find(&checks->accusers, event->member.tag, 0, 0);
    size_t faulty = 0;

    for (size_t i = first != NULL ? *first : 0; i != 0; i = checks->heard[i - 1].next) {
        const struct heard *heard = &checks->heard[i - 1];

        faulty += is_about(heard, event) &&
                  !is_well(world, world_node_of_tag(world, heard->accuser), since_us);
    }
    return faulty;
}

/* The subject runs, in this very epoch. What it answers must reach whoever judges it. Nothing
 * troubles anybody for as long as an accusation counts, twice; nor the subject for as long as it
 * waits after a second death, of which others may yet be told. */
static void on_false_death(struct world *world, size_t node, const struct gossip_event *event)
{
    size_t subject = world_node_of_tag(world, event->member.tag);
    size_t quorum = quorum_of(&world->nodes[node].seen);
    uint64_t counts_us = 2 * bound_suspicion_max_us(&world->config, world->options.nodes);
    uint64_t waits_us = counts_us + BOUND_READMIT_US;
    uint64_t since_us = world->now_us > counts_us ? world->now_us - counts_us : 0;
    uint64_t waited_us = world->now_us > waits_us ? world->now_us - waits_us : 0;

    if (!check_is_mild(world, since_us) || !is_well(world, subject, waited_us) ||
        !is_well(world, node, since_us))
        return;
    size_t faulty = count_faulty(world, node, event, since_us);
    if (faulty < quorum)
        check_failed(world, node, I8,
                     "n%zu, which lives and is connected, is DEAD by %zu faulty accusers", subject,
                     faulty);
}

/* --- Events ---------------------------------------------------------------------------------- */

static bool is_news(struct world *world, size_t node, const struct gossip_event *event)
{
    uint64_t tag = event->member.tag;
    size_t number = intern_find(&world->tags, span_of(&tag, sizeof(tag)));
    const struct seen_member *before = observe_member(&world->nodes[node].seen, number);

    return !before->is_known || before->state != MEMBER_DEAD ||
           before->epoch != event->member.epoch;
}

static bool is_false(const struct world *world, const struct gossip_event *event)
{
    size_t subject = world_node_of_tag(world, event->member.tag);

    return subject != SIZE_MAX && world->nodes[subject].core != NULL &&
           world->nodes[subject].tag == event->member.tag &&
           world->nodes[subject].epoch == event->member.epoch;
}

void check_death_event(struct world *world, size_t node, const struct gossip_event *event)
{
    if (event->kind == GOSSIP_EVENT_ACCUSED)
        on_accused(world, node, event);
    if (event->kind != GOSSIP_EVENT_MEMBER || event->member.state != MEMBER_DEAD ||
        !is_news(world, node, event))
        return;
    world->false_deaths += is_false(world, event);
    if (world->config.detector != DETECTOR_AURORA || !checks_watch(world, node))
        return;
    on_death(world, node, event);
    if (is_false(world, event))
        on_false_death(world, node, event);
}

/* No death at all is the good answer: it is asked for as long as it could be false. */
void check_death_second(struct world *world)
{
    if (world->config.detector == DETECTOR_AURORA && world->running > 2 &&
        check_is_mild(world, world->now_us))
        check_asked(world, I8);
}
