// SPDX-License-Identifier: Apache-2.0
/* members.c - the member table: who exists, in tag order, and in which state. */
#include "gossip/members.h"

#include <assert.h>
#include <string.h>

#include "gossip/core.h"
#include "gossip/mem.h"

#define MEMBERS_FIRST_CAPACITY 8
/* Random draws per wanted member before members_pick walks the ring instead. */
#define PICK_TRIES 8
#define INDEX_STEP 4 /* of tags: half a cache line */

enum member_class member_class_of(enum member_state state)
{
    switch (state) {
    case MEMBER_DEAD: return CLASS_DEAD;
    case MEMBER_LEFT: return CLASS_LEFT;
    default: return CLASS_ALIVE;
    }
}

uint64_t member_digest(const struct member *member)
{
    return member->life->digests[member_class_of(member->state)];
}

/* --- Looking up ---------------------------------------------------------------------------------
 */

/* How many of `count` tags lie in so much of the tag space: they are hashes, so about this many. */
static size_t share_of(size_t count, uint64_t space)
{
    return (size_t)((space >> 32) * count >> 32);
}

/* Interpolation: a guess, and another from how far off the first one is. */
static size_t index_guess(const struct members *members, uint64_t tag)
{
    size_t guess = share_of(members->count, tag);
    if (members->count == 0)
        return 0;
    uint64_t there = members->tags[guess];
    if (there < tag) {
        guess += share_of(members->count, tag - there);
        return guess < members->count ? guess : members->count;
    }
    size_t back = share_of(members->count, there - tag);
    return back < guess ? guess - back : 0;
}

/* From the guess by steps that double until the place is between two of them, then by halves. Each
 * packet looks for its sender, and halving from the ends would touch a dozen cache lines where this
 * touches three. Tags that somebody made crowd in one place cost twice the halving at most. */
size_t members_index(const struct gossip *g, uint64_t tag)
{
    const uint64_t *tags = g->members.tags;
    size_t count = g->members.count, step = INDEX_STEP;
    size_t low = index_guess(&g->members, tag), high = low;
    while (low > 0 && tags[low - 1] >= tag) {
        high = low - 1;
        low = low > step ? low - step : 0;
        step *= 2;
    }
    while (high < count && tags[high] < tag) {
        low = high + 1;
        high = count - high > step ? high + step : count;
        step *= 2;
    }
    while (low < high) {
        size_t middle = low + (high - low) / 2;
        if (tags[middle] < tag)
            low = middle + 1;
        else
            high = middle;
    }
    assert(low <= count);
    return low;
}

struct member *members_find(const struct gossip *g, uint64_t tag)
{
    size_t index = members_index(g, tag);
    if (index == g->members.count || g->members.tags[index] != tag)
        return NULL;
    return g->members.ring[index];
}

size_t members_n(const struct gossip *g)
{
    const size_t *counts = g->members.counts;
    return counts[MEMBER_ALIVE] + counts[MEMBER_SUSPECT] + counts[MEMBER_UNREACHABLE];
}

bool member_is_live(const struct gossip *g, const struct member *member)
{
    return member != g->members.self &&
           (member->state == MEMBER_ALIVE || member->state == MEMBER_SUSPECT);
}

static bool may_pick(const struct gossip *g, const struct member *member, struct member **out,
                     size_t count, uint64_t except)
{
    if (!member_is_live(g, member) || member->life->tag == except)
        return false;
    for (size_t i = 0; i < count; i++)
        if (out[i] == member)
            return false;
    return true;
}

/* Draws at random; when that keeps missing (few members, or few alive), walks on from a random
 * place: a little less even, but it ends. */
size_t members_pick(struct gossip *g, struct member **out, size_t want, uint64_t except)
{
    size_t n = g->members.count;
    size_t count = 0;
    for (size_t tries = 0; count < want && tries < want * PICK_TRIES; tries++) {
        struct member *member = g->members.ring[prng_below(&g->prng, (uint32_t)n)];
        if (may_pick(g, member, out, count, except))
            out[count++] = member;
    }
    size_t start = count < want ? prng_below(&g->prng, (uint32_t)n) : 0;
    for (size_t i = 0; count < want && i < n; i++) {
        struct member *member = g->members.ring[(start + i) % n];
        if (may_pick(g, member, out, count, except))
            out[count++] = member;
    }
    return count;
}

/* --- States -------------------------------------------------------------------------------------
 */

void member_report(struct gossip *g, struct member *member)
{
    uint32_t rtt_us = member->link == NULL ? 0 : member->link->rtt_us;
    if (member->link != NULL)
        member->link->reported_rtt_us = rtt_us;
    event_push(g, (struct gossip_event){.kind = GOSSIP_EVENT_MEMBER,
                                        .member = {.tag = member->life->tag,
                                                   .state = member->state,
                                                   .epoch = member->life->epoch,
                                                   .incarnation = member->life->incarnation,
                                                   .rtt_us = rtt_us,
                                                   .is_self = member == g->members.self,
                                                   .alive = blob_retain(member->life->statement)}});
}

/* A dead member that comes back must be told who we are: it may have restarted, or forgotten. */
static void on_death(struct gossip *g, struct member *member)
{
    g->stats.deaths_declared++;
    member->is_seen = false;
    struct suspicion *suspicion = member_suspicion(member);
    if (suspicion != NULL)
        timer_cancel(&g->timers, &suspicion->timer);
}

void member_set_state(struct gossip *g, struct member *member, enum member_state state,
                      int64_t since_ms)
{
    assert(state < MEMBER_FORGOTTEN && g->members.counts[member->state] > 0);
    assert(member != g->members.self || state == MEMBER_ALIVE);
    bool is_new = member->state != state;
    g->members.counts[member->state]--;
    g->members.counts[state]++;
    g->members.digest -= member_digest(member);
    member->state = (uint8_t)state;
    g->members.digest += member_digest(member);
    if (is_new || since_ms < member->since_ms)
        member->since_ms = since_ms;
    if (!is_new)
        return;
    if (state == MEMBER_DEAD)
        on_death(g, member);
    member_report(g, member);
    registry_home_changed(g, member);
}

/* --- Coming and going ------------------------------------------------------------------------ */

/* A peer that has two families and we one: the address that we can send to. */
struct addr member_listed_address(const struct gossip *g, const struct member *member)
{
    const struct life *life = member->life;
    for (size_t i = 0; i < life->address_count; i++)
        for (size_t k = 0; k < g->config.address_count; k++)
            if (life->addresses[i].family == g->config.addresses[k].family)
                return life->addresses[i];
    return life->address_count > 0 ? life->addresses[0] : (struct addr){.family = ADDR_NONE};
}

static void report_name(struct gossip *g, const struct member *member)
{
    drop_count(g, DROP_CONFLICT);
    struct addr addr = member_listed_address(g, member);
    event_push(g,
               (struct gossip_event){.kind = GOSSIP_EVENT_CONFLICT,
                                     .conflict = {.what = CONFLICT_NAME,
                                                  .tag = member->life->tag,
                                                  .addr = addr,
                                                  .alive = blob_retain(member->life->statement)}});
}

/* Its fingerprint was known already: whose is it? */
static void name_conflict_check(struct gossip *g, const struct member *member)
{
    for (size_t i = 0; i < g->members.count; i++) {
        const struct member *other = g->members.ring[i];
        if (other == member || other->life->name_print != member->life->name_print ||
            !span_equal(other->life->name, member->life->name) ||
            member_class_of(other->state) != CLASS_ALIVE)
            continue;
        report_name(g, member == g->members.self ? other : member);
    }
}

static void name_add(struct gossip *g, const struct member *member)
{
    if (prints_add(&g->members.names, member->life->name_print))
        name_conflict_check(g, member);
}

static void name_remove(struct gossip *g, const struct member *member)
{
    prints_remove(&g->members.names, member->life->name_print);
}

/* Of a known member. */
static void life_replace(struct gossip *g, struct member *member, struct life *life)
{
    struct life *old = member->life;
    bool is_renamed = !span_equal(old->name, life->name);
    g->members.digest -= member_digest(member);
    if (is_renamed)
        name_remove(g, member);
    member->life = life;
    g->members.digest += member_digest(member);
    if (is_renamed)
        name_add(g, member);
    blob_release(old->statement);
}

void members_reserve(struct members *members, size_t capacity)
{
    assert(capacity >= members->count);
    members->capacity = capacity;
    members->ring = mem_resize(members->ring, capacity * sizeof *members->ring);
    members->tags = mem_resize(members->tags, capacity * sizeof *members->tags);
}

static void ring_put(struct members *members, size_t index, struct member *member)
{
    size_t after = members->count - index;
    if (members->count == members->capacity)
        members_reserve(members, members->count == 0 ? MEMBERS_FIRST_CAPACITY : 2 * members->count);
    memmove(members->ring + index + 1, members->ring + index, after * sizeof *members->ring);
    memmove(members->tags + index + 1, members->tags + index, after * sizeof *members->tags);
    members->ring[index] = member;
    members->tags[index] = member->life->tag;
    members->count++;
}

static void ring_remove(struct members *members, size_t index)
{
    size_t after = members->count - index - 1;
    memmove(members->ring + index, members->ring + index + 1, after * sizeof *members->ring);
    memmove(members->tags + index, members->tags + index + 1, after * sizeof *members->tags);
    members->count--;
}

struct member *members_insert(struct gossip *g, struct life *life)
{
    struct members *members = &g->members;
    struct member *member = slab_take(&members->slab);
    member->life = life;
    member->state = MEMBER_ALIVE;
    member->since_ms = (int64_t)g->now.mono_ms;
    size_t index = members_index(g, life->tag);
    assert(index == members->count || members->tags[index] != life->tag);
    ring_put(members, index, member);
    members->counts[MEMBER_ALIVE]++;
    members->digest += member_digest(member);
    if (members->self == NULL)
        members->self = member;
    name_add(g, member);
    member_report(g, member);
    return member;
}

void member_renew(struct gossip *g, struct member *member, struct life *life)
{
    bool is_new_life = life->epoch > member->life->epoch;
    assert(is_new_life || life->incarnation > member->life->incarnation);
    suspicion_free(g, member);
    life_replace(g, member, life);
    if (member->dossier != NULL) {
        blob_release(member->dossier->left);
        member->dossier->left = NULL;
        if (is_new_life)
            member->dossier->stamp = 0;
    }
    if (is_new_life) {
        member->is_seen = false;
        link_restart(g, member);
    }
    if (member->state != MEMBER_ALIVE) {
        member_set_state(g, member, MEMBER_ALIVE, (int64_t)g->now.mono_ms);
        return;
    }
    member_report(g, member);
    if (is_new_life)
        registry_home_changed(g, member);
}

struct dossier *member_dossier(struct member *member)
{
    if (member->dossier == NULL)
        member->dossier = mem_alloc(sizeof *member->dossier);
    return member->dossier;
}

struct suspicion *member_suspicion(const struct member *member)
{
    return member->dossier == NULL ? NULL : member->dossier->suspicion;
}

struct log *member_logs(const struct member *member)
{
    return member->dossier == NULL ? NULL : member->dossier->logs;
}

bool members_is_forgotten(const struct gossip *g, uint64_t tag, uint64_t epoch,
                          uint64_t incarnation)
{
    size_t count = g->members.forgotten_count;
    for (size_t i = 0; i < count && i < FORGOTTEN_MAX; i++) {
        const struct forgotten *old = &g->members.forgotten[i];
        if (old->tag == tag && life_compare(epoch, incarnation, old->epoch, old->incarnation) <= 0)
            return true;
    }
    return false;
}

uint64_t members_forgotten_epoch(const struct gossip *g, uint64_t tag)
{
    uint64_t epoch = 0;
    size_t count = g->members.forgotten_count;
    for (size_t i = 0; i < count && i < FORGOTTEN_MAX; i++) {
        const struct forgotten *old = &g->members.forgotten[i];
        if (old->tag == tag && old->epoch > epoch)
            epoch = old->epoch;
    }
    return epoch;
}

static void remember_forgotten(struct members *members, const struct member *member)
{
    if (members->forgotten == NULL)
        members->forgotten = mem_alloc(FORGOTTEN_MAX * sizeof *members->forgotten);
    members->forgotten[members->forgotten_count++ % FORGOTTEN_MAX] =
        (struct forgotten){member->life->tag, member->life->epoch, member->life->incarnation};
}

static void member_free(struct gossip *g, struct member *member)
{
    suspicion_free(g, member);
    blob_release(member->life->statement);
    if (member->dossier != NULL)
        blob_release(member->dossier->left);
    mem_free(member->dossier);
    mem_free(member->link);
    slab_give(&g->members.slab, member);
}

void members_forget(struct gossip *g, struct member *member)
{
    struct members *members = &g->members;
    assert(member != members->self && members_find(g, member->life->tag) == member);
    registry_member_gone(g, member);
    ring_remove(members, members_index(g, member->life->tag));
    members->counts[member->state]--;
    members->digest -= member_digest(member);
    name_remove(g, member);
    remember_forgotten(members, member);
    event_push(g, (struct gossip_event){.kind = GOSSIP_EVENT_MEMBER,
                                        .member = {.tag = member->life->tag,
                                                   .state = MEMBER_FORGOTTEN,
                                                   .epoch = member->life->epoch,
                                                   .incarnation = member->life->incarnation,
                                                   .alive = blob_retain(member->life->statement)}});
    member_free(g, member);
}

void members_init(struct gossip *g)
{
    assert(g->members.count == 0 && g->tag == node_tag(&g->config.identity.public));
    g->members.slab.item_bytes = sizeof(struct member);
    members_insert(g, life_sign_own(g, 1));
    g->members.self->is_seen = true;
    registry_home_changed(g, g->members.self);
}

void members_free(struct gossip *g)
{
    for (size_t i = 0; i < g->members.count; i++)
        member_free(g, g->members.ring[i]);
    mem_free(g->members.ring);
    mem_free(g->members.tags);
    mem_free(g->members.forgotten);
    slab_free(&g->members.slab);
    prints_free(&g->members.names);
}
