// SPDX-License-Identifier: Apache-2.0
/* health.c - is it us? Lifeguard's local health, the evidence rule, being cut off, stalls. */
#include <assert.h>

#include "gossip/core.h"

static bool has_our_rules(const struct gossip *g)
{
    return g->config.detector == DETECTOR_AURORA;
}

/* Is there anybody beside us and one other? Of two nodes, neither can tell the other's death from
 * its own isolation: there is no witness, and waiting for one would be for ever. */
static bool has_witness(const struct gossip *g)
{
    return members_n(g) > 2;
}

/* --- Lifeguard's local health multiplier (section IV-A) -------------------------------------- */

/* While we are cut off, we know what is wrong, and slowing down would only delay the recovery. */
static bool health_counts(const struct gossip *g)
{
    return g->config.detector != DETECTOR_SWIM && !g->detector.is_cut_off;
}

void health_improve(struct gossip *g)
{
    if (g->detector.health > 0)
        g->detector.health--;
}

void health_worsen(struct gossip *g, uint32_t by)
{
    if (!health_counts(g))
        return;
    g->detector.health += by;
    if (g->detector.health > HEALTH_MAX)
        g->detector.health = HEALTH_MAX;
}

uint64_t health_interval_ms(const struct gossip *g)
{
    assert(g->detector.health <= HEALTH_MAX);
    return (uint64_t)g->config.probe_interval_ms * (g->detector.health + 1);
}

uint64_t health_timeout_ms(struct gossip *g, struct member *member)
{
    uint32_t max_ms = g->config.probe_timeout_max_ms;
    uint32_t timeout_ms = max_ms;
    if (has_our_rules(g))
        timeout_ms =
            link_timeout_ms(member_link(g, member), g->config.probe_timeout_min_ms, max_ms);
    if (timeout_ms > g->config.probe_interval_ms / 2)
        timeout_ms = g->config.probe_interval_ms / 2;
    return (uint64_t)timeout_ms * (g->detector.health + 1);
}

/* --- Evidence -------------------------------------------------------------------------------- */

bool health_is_frozen(const struct gossip *g)
{
    const struct detector *d = &g->detector;
    if (d->is_cut_off)
        return true;
    return d->silence_ended_ms != 0 && g->now.mono_ms < d->silence_ended_ms + CUT_OFF_AFTERMATH_MS;
}

/* Silence from one member says something about it only if others were heard meanwhile. */
bool health_may_accuse(const struct gossip *g, uint64_t probe_began_ms)
{
    if (!has_our_rules(g))
        return true;
    if (health_is_frozen(g))
        return false;
    return !has_witness(g) || g->detector.heard_ms > probe_began_ms;
}

/* --- Cut off --------------------------------------------------------------------------------- */

static uint64_t silence_max_ms(const struct gossip *g)
{
    return health_interval_ms(g) * CUT_OFF_INTERVALS_TENTHS / 10;
}

static void watch_silence(struct gossip *g, uint64_t at_ms)
{
    timer_set(&g->timers, &g->detector.cut_off_timer, TIMER_CUT_OFF, at_ms);
}

static void silence_ends(struct gossip *g)
{
    struct detector *d = &g->detector;
    d->is_cut_off = false;
    d->silence_ended_ms = g->now.mono_ms;
    suspicion_freeze(g, g->now.mono_ms - d->cut_off_since_ms + CUT_OFF_AFTERMATH_MS);
    registry_cut_off_changed(g);
    event_status_soon(g);
}

void health_put_off_cut_off(struct gossip *g)
{
    uint64_t due_ms = g->detector.heard_ms + silence_max_ms(g);
    if (!g->detector.is_cut_off && due_ms > g->detector.cut_off_timer.at_ms)
        watch_silence(g, due_ms);
}

/* The timer is not moved with every packet but with every probe; and when it fires, it looks. */
void health_on_packet(struct gossip *g)
{
    g->detector.heard_ms = g->now.mono_ms;
    if (g->detector.is_cut_off)
        silence_ends(g);
}

static void silence_begins(struct gossip *g)
{
    struct detector *d = &g->detector;
    d->is_cut_off = true;
    d->cut_off_since_ms = g->now.mono_ms;
    d->cut_off_since_wall_ms = g->now.wall_ms;
    registry_cut_off_changed(g);
    event_status_soon(g);
}

void health_on_cut_off_timer(struct gossip *g)
{
    struct detector *d = &g->detector;
    uint64_t now_ms = g->now.mono_ms;
    if (!has_our_rules(g))
        return;
    if (d->is_cut_off && !has_witness(g))
        silence_ends(g); /* the others left or were forgotten: nobody is missing */
    uint64_t due_ms = d->heard_ms + silence_max_ms(g);
    if (d->is_cut_off || !has_witness(g))
        due_ms = now_ms + silence_max_ms(g);
    else if (due_ms <= now_ms)
        silence_begins(g);
    watch_silence(g, due_ms > now_ms ? due_ms : now_ms + silence_max_ms(g));
}

/* What was sent to us while our loop stood still is still unread: nobody was silent but ourselves.
 */
void health_on_stall(struct gossip *g, uint64_t ms)
{
    struct detector *d = &g->detector;
    if (!has_our_rules(g))
        return;
    d->heard_ms = d->heard_ms + ms < g->now.mono_ms ? d->heard_ms + ms : g->now.mono_ms;
    for (size_t i = 0; i < PROBES_MAX && d->probes[i] != NULL; i++) {
        struct probe *probe = d->probes[i];
        if (!probe->is_used || !timer_is_set(&probe->timer))
            continue;
        probe->began_ms += ms;
        timer_set(&g->timers, &probe->timer, (enum timer_kind)probe->timer.kind,
                  probe->timer.at_ms + ms);
    }
    suspicion_freeze(g, ms);
}
