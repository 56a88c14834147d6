// SPDX-License-Identifier: Apache-2.0
/* rounds.c - whom to probe, and when: the shuffled round-robin, observers, and members long gone.
 */
#include <assert.h>

#include "gossip/core.h"
#include "gossip/mem.h"

/* A member that has been gone for a while is probed every eighth of that time, within these bounds:
 * soon after a short partition, seldom after a long one, never given up before it is forgotten. */
#define OLD_BACKOFF_SHARE  8
#define OLD_BACKOFF_MAX_MS (10 * 60 * 1000)

void detector_init(struct gossip *g)
{
    struct detector *d = &g->detector;
    uint64_t now_ms = g->now.mono_ms;
    d->heard_ms = now_ms;
    d->probing_since_ms = now_ms;
    d->round = 1;
    /* Nodes that start together must not probe in step. */
    timer_set(&g->timers, &d->period, TIMER_PROBE_PERIOD,
              now_ms + prng_below(&g->prng, g->config.probe_interval_ms));
    timer_set(&g->timers, &d->old_members, TIMER_OLD_MEMBERS,
              now_ms + 1 + prng_below(&g->prng, g->config.old_member_probe_ms));
    timer_set(&g->timers, &d->cut_off_timer, TIMER_CUT_OFF,
              now_ms + health_interval_ms(g) * CUT_OFF_INTERVALS_TENTHS / 10);
}

void detector_free(struct gossip *g)
{
    struct detector *d = &g->detector;
    for (size_t i = 0; i < PROBES_MAX && d->probes[i] != NULL; i++) {
        timer_cancel(&g->timers, &d->probes[i]->timer);
        mem_free(d->probes[i]);
    }
    timer_cancel(&g->timers, &d->period);
    timer_cancel(&g->timers, &d->cut_off_timer);
    timer_cancel(&g->timers, &d->old_members);
}

/* --- The round ------------------------------------------------------------------------------- */

static bool is_probed(const struct gossip *g, const struct member *member)
{
    return member != g->members.self && member_class_of(member->state) == CLASS_ALIVE;
}

/* Every member once per round, in random order (SWIM, section 4.3): whoever comes first from a
 * random place on the ring and has not had its turn. No list of the round has to be kept, nor
 * mended when members come and go; at a round's end the walk is long, and on average it is short.
 */
static struct member *next_of_round(struct gossip *g)
{
    struct detector *d = &g->detector;
    size_t n = g->members.count;
    for (int rounds = 0; rounds < 2; rounds++) {
        size_t start = prng_below(&g->prng, (uint32_t)n);
        for (size_t i = 0; i < n; i++) {
            struct member *member = g->members.ring[(start + i) % n];
            if (member->round == d->round || !is_probed(g, member) || member->probes > 0)
                continue;
            member->round = d->round;
            return member;
        }
        d->round++;
    }
    return NULL;
}

void detector_on_period(struct gossip *g)
{
    uint64_t pause_ms = prng_jitter(&g->prng, health_interval_ms(g), PROBE_INTERVAL_JITTER_PERCENT);
    timer_set(&g->timers, &g->detector.period, TIMER_PROBE_PERIOD, g->now.mono_ms + pause_ms);
    health_put_off_cut_off(g);
    events_report_early(g);
    struct member *target = next_of_round(g);
    if (target == NULL)
        return;
    struct probe *probe = probe_new(g, PROBE_ROUND, target);
    if (probe != NULL)
        probe_ping(g, probe, target);
}

/* --- Out of turn ----------------------------------------------------------------------------- */

void detector_probe_soon(struct gossip *g, struct member *member, uint64_t delay_ms)
{
    assert(member != g->members.self);
    if (member->probes > 0)
        return;
    struct probe *probe = probe_new(g, PROBE_OBSERVER, member);
    if (probe != NULL)
        timer_set(&g->timers, &probe->timer, TIMER_PROBE_STEP, g->now.mono_ms + delay_ms);
}

/* The OBSERVERS_COUNT members that follow the subject on the ring; everybody while there are few.
 */
bool detector_is_observer(const struct gossip *g, const struct member *subject)
{
    size_t n = g->members.count;
    if (members_n(g) < OBSERVERS_EVERYONE_BELOW)
        return true;
    size_t index = members_index(g, subject->life->tag);
    size_t observers = 0;
    for (size_t i = 1; i < n && observers < OBSERVERS_COUNT; i++) {
        const struct member *member = g->members.ring[(index + i) % n];
        if (member == g->members.self)
            return true;
        observers += member_class_of(member->state) == CLASS_ALIVE;
    }
    return false;
}

/* --- Old members ----------------------------------------------------------------------------- */

static bool is_seed(const struct gossip *g, const struct member *member)
{
    struct addr addr = member_listed_address(g, member);
    for (size_t i = 0; i < g->join.seed_count; i++)
        if (addr_equal(&g->join.seeds[i], &addr))
            return true;
    return false;
}

static bool has_old(const struct gossip *g)
{
    return members_n(g) < g->members.count;
}

static void forget_old(struct gossip *g)
{
    int64_t now_ms = (int64_t)g->now.mono_ms;
    for (size_t i = g->members.count; i-- > 0 && has_old(g);) {
        struct member *member = g->members.ring[i];
        if (member_class_of(member->state) != CLASS_ALIVE &&
            now_ms - member->since_ms >= (int64_t)g->config.old_member_forget_ms &&
            !is_seed(g, member))
            members_forget(g, member);
    }
}

/* 0: never. */
static uint64_t probed_ms(const struct member *member)
{
    return member->dossier == NULL ? 0 : member->dossier->probed_ms;
}

static bool is_due(const struct gossip *g, const struct member *member)
{
    uint64_t now_ms = g->now.mono_ms;
    uint64_t pause_ms = (uint64_t)((int64_t)now_ms - member->since_ms) / OLD_BACKOFF_SHARE;
    if (pause_ms > OLD_BACKOFF_MAX_MS)
        pause_ms = OLD_BACKOFF_MAX_MS;
    return member_class_of(member->state) != CLASS_ALIVE &&
           (probed_ms(member) == 0 || now_ms >= probed_ms(member) + pause_ms);
}

/* The one that has waited longest; a random one of those that were never probed, or a partition's
 * nodes would all begin with the same. */
static struct member *next_old(struct gossip *g)
{
    size_t n = g->members.count;
    size_t start = prng_below(&g->prng, (uint32_t)n);
    struct member *best = NULL;
    for (size_t i = 0; i < n && has_old(g); i++) {
        struct member *member = g->members.ring[(start + i) % n];
        if (is_due(g, member) && (best == NULL || probed_ms(member) < probed_ms(best)))
            best = member;
    }
    return best;
}

static void probe_old(struct gossip *g, struct member *member)
{
    struct probe *probe = probe_new(g, PROBE_OLD, member);
    member_dossier(member)->probed_ms = g->now.mono_ms;
    if (probe != NULL)
        probe_ping(g, probe, member);
}

static bool is_own_address(const struct gossip *g, const struct addr *addr)
{
    for (size_t i = 0; i < g->config.address_count; i++)
        if (addr_equal(addr, &g->config.addresses[i]))
            return true;
    return false;
}

static bool is_at(const struct gossip *g, const struct member *member, const struct addr *addr)
{
    struct addr listed = member_listed_address(g, member);
    return addr_equal(addr, &listed) ||
           (member->link != NULL && addr_equal(addr, &member->link->addr));
}

/* Its tag is remembered from the last time: a seed seldom changes hands. */
static struct member *member_at(struct gossip *g, const struct addr *addr, uint64_t *tag)
{
    struct member *member = members_find(g, *tag);
    if (member != NULL && is_at(g, member, addr))
        return member;
    for (size_t i = 0; i < g->members.count; i++)
        if (is_at(g, g->members.ring[i], addr)) {
            *tag = g->members.ring[i]->life->tag;
            return g->members.ring[i];
        }
    return NULL;
}

/* Cut off; or hardly anybody answers us, not even those whom we ask to ask. Two whose keys lived on
 * elsewhere hear each other and nobody else: that is not silence. */
static bool is_lost(const struct gossip *g)
{
    return g->detector.is_cut_off || g->detector.health >= HEALTH_MAX / 2;
}

/* A seed that nobody here knows any more, or that does not answer, is asked to let us in again; one
 * that is dead here is probed, too. It is what brings two sides together that have forgotten each
 * other: whoever is cut off buries nobody, and must ask all the same. */
static void contact_seed(struct gossip *g)
{
    struct join *join = &g->join;
    if (join->seed_count == 0 || join->phase != JOIN_DONE)
        return;
    size_t next = g->detector.seed_next++ % join->seed_count;
    const struct addr *seed = &join->seeds[next];
    if (is_own_address(g, seed))
        return;
    struct member *member = member_at(g, seed, &join->seed_tags[next]);
    if (member != NULL && member_is_live(g, member) && !is_lost(g))
        return;
    if (member != NULL && !is_probed(g, member) && probed_ms(member) < g->now.mono_ms)
        probe_old(g, member);
    join_ask(g, seed);
}

void detector_on_old_members(struct gossip *g)
{
    uint64_t pause_ms = prng_jitter(&g->prng, g->config.old_member_probe_ms, 10);
    timer_set(&g->timers, &g->detector.old_members, TIMER_OLD_MEMBERS, g->now.mono_ms + pause_ms);
    forget_old(g);
    struct member *old = next_old(g);
    if (old != NULL)
        probe_old(g, old);
    contact_seed(g);
}
