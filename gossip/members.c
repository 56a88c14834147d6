// SPDX-License-Identifier: Apache-2.0
/* members.c - the member table: who exists, in tag order, and in which state. */
#include "gossip/members.h"

#include <assert.h>
#include <string.h>

#include "crypto/hash.h"
#include "gossip/core.h"
#include "gossip/mem.h"

#define MEMBERS_FIRST_CAPACITY 8
/* Random draws per wanted member before members_pick walks the ring instead. */
#define PICK_TRIES 8

enum member_class member_class_of(enum member_state state)
{
    switch (state) {
    case MEMBER_DEAD: return CLASS_DEAD;
    case MEMBER_LEFT: return CLASS_LEFT;
    default: return CLASS_ALIVE;
    }
}

static void put_big_endian(uint8_t *out, uint64_t value)
{
    for (int i = 0; i < 8; i++)
        out[i] = (uint8_t)(value >> (56 - 8 * i));
}

/* Every node must compute the same, so the key is no secret: who can choose an identity to collide
 * with another only hides its own difference. */
static uint64_t digest_of(const struct member *member)
{
    static const uint8_t key[HASH_SHORT_KEY_BYTES] = "aurora-members1";
    uint8_t bytes[25];
    put_big_endian(bytes, member->tag);
    put_big_endian(bytes + 8, member->epoch);
    put_big_endian(bytes + 16, member->incarnation);
    bytes[24] = (uint8_t)member_class_of(member->state);
    return hash_short(bytes, sizeof bytes, key);
}

static void digest_renew(struct gossip *g, struct member *member)
{
    g->members.digest -= member->digest;
    member->digest = digest_of(member);
    g->members.digest += member->digest;
}

/* --- Looking up ---------------------------------------------------------------------------------
 */

size_t members_index(const struct gossip *g, uint64_t tag)
{
    size_t low = 0;
    size_t high = g->members.count;
    while (low < high) {
        size_t middle = low + (high - low) / 2;
        if (g->members.tags[middle] < tag)
            low = middle + 1;
        else
            high = middle;
    }
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
    if (!member_is_live(g, member) || member->tag == except)
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
    member->reported_rtt_us = rtt_us;
    event_push(g, (struct gossip_event){.kind = GOSSIP_EVENT_MEMBER,
                                        .member = {.tag = member->tag,
                                                   .state = member->state,
                                                   .epoch = member->epoch,
                                                   .incarnation = member->incarnation,
                                                   .rtt_us = rtt_us,
                                                   .is_self = member == g->members.self,
                                                   .alive = blob_retain(member->alive)}});
}

/* A dead member that comes back must be told who we are: it may have restarted, or forgotten. */
static void on_death(struct gossip *g, struct member *member)
{
    g->stats.deaths_declared++;
    member->is_seen = false;
    if (member->suspicion != NULL)
        timer_cancel(&g->timers, &member->suspicion->timer);
}

void member_set_state(struct gossip *g, struct member *member, enum member_state state,
                      int64_t since_ms)
{
    assert(state < MEMBER_FORGOTTEN && g->members.counts[member->state] > 0);
    assert(member != g->members.self || state == MEMBER_ALIVE);
    bool is_new = member->state != state;
    g->members.counts[member->state]--;
    g->members.counts[state]++;
    member->state = state;
    if (is_new || since_ms < member->since_ms)
        member->since_ms = since_ms;
    digest_renew(g, member);
    if (!is_new)
        return;
    if (state == MEMBER_DEAD)
        on_death(g, member);
    member_report(g, member);
    registry_home_changed(g, member);
}

/* --- Coming and going ------------------------------------------------------------------------ */

/* A peer that has two families and we one: the address that we can send to. */
static struct addr usable_address(const struct gossip *g, const struct alive *alive)
{
    for (size_t i = 0; i < alive->address_count; i++)
        for (size_t k = 0; k < g->config.address_count; k++)
            if (alive->addresses[i].family == g->config.addresses[k].family)
                return alive->addresses[i];
    return alive->address_count > 0 ? alive->addresses[0] : (struct addr){.family = ADDR_NONE};
}

static uint64_t hash_of_name(const struct gossip *g, struct span name)
{
    return hash_short(name.data, name.len, g->config.seed);
}

static void name_conflict_check(struct gossip *g, const struct member *member)
{
    size_t cursor = 0;
    const struct member *other;
    while ((other = table_next(&g->members.names, member->name_hash, &cursor)) != NULL) {
        if (other == member || member_class_of(other->state) != CLASS_ALIVE)
            continue;
        const struct member *shown = member == g->members.self ? other : member;
        drop_count(g, DROP_CONFLICT);
        event_push(g, (struct gossip_event){.kind = GOSSIP_EVENT_CONFLICT,
                                            .conflict = {.what = CONFLICT_NAME,
                                                         .tag = shown->tag,
                                                         .addr = shown->addr,
                                                         .alive = blob_retain(shown->alive)}});
    }
}

static void describe(struct gossip *g, struct member *member, const struct alive *alive,
                     struct blob *blob)
{
    blob_release(member->alive);
    member->alive = blob;
    member->epoch = alive->epoch;
    member->incarnation = alive->incarnation;
    member->addr = usable_address(g, alive);
    uint64_t name_hash = hash_of_name(g, alive->name);
    if (name_hash == member->name_hash)
        return;
    if (member->name_hash != 0)
        table_remove(&g->members.names, member->name_hash, member);
    member->name_hash = name_hash;
    table_add(&g->members.names, name_hash, member);
    name_conflict_check(g, member);
}

static void ring_put(struct members *members, size_t index, struct member *member)
{
    size_t after = members->count - index;
    if (members->count == members->capacity) {
        members->capacity = members->capacity == 0 ? MEMBERS_FIRST_CAPACITY : members->capacity * 2;
        members->ring = mem_resize(members->ring, members->capacity * sizeof *members->ring);
        members->tags = mem_resize(members->tags, members->capacity * sizeof *members->tags);
    }
    memmove(members->ring + index + 1, members->ring + index, after * sizeof *members->ring);
    memmove(members->tags + index + 1, members->tags + index, after * sizeof *members->tags);
    members->ring[index] = member;
    members->tags[index] = member->tag;
    members->count++;
}

static void ring_remove(struct members *members, size_t index)
{
    size_t after = members->count - index - 1;
    memmove(members->ring + index, members->ring + index + 1, after * sizeof *members->ring);
    memmove(members->tags + index, members->tags + index + 1, after * sizeof *members->tags);
    members->count--;
}

struct member *members_insert(struct gossip *g, const struct alive *alive, struct blob *blob)
{
    struct member *member = mem_alloc(sizeof *member);
    member->tag = node_tag(&alive->id);
    member->id = alive->id;
    member->state = MEMBER_ALIVE;
    member->since_ms = (int64_t)g->now.mono_ms;
    size_t index = members_index(g, member->tag);
    assert(index == g->members.count || g->members.ring[index]->tag != member->tag);
    ring_put(&g->members, index, member);
    g->members.counts[MEMBER_ALIVE]++;
    if (g->members.self == NULL)
        g->members.self = member;
    describe(g, member, alive, blob);
    digest_renew(g, member);
    member_report(g, member);
    return member;
}

void member_renew(struct gossip *g, struct member *member, const struct alive *alive,
                  struct blob *blob)
{
    bool is_new_life = alive->epoch > member->epoch;
    assert(is_new_life || alive->incarnation > member->incarnation);
    suspicion_free(g, member);
    blob_release(member->left);
    member->left = NULL;
    describe(g, member, alive, blob);
    if (is_new_life) {
        member->is_seen = false;
        member->stamp = 0;
        link_restart(member);
    }
    if (member->state != MEMBER_ALIVE) {
        member_set_state(g, member, MEMBER_ALIVE, (int64_t)g->now.mono_ms);
        return;
    }
    digest_renew(g, member);
    member_report(g, member);
    if (is_new_life)
        registry_home_changed(g, member);
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
        (struct forgotten){member->tag, member->epoch, member->incarnation};
}

static void member_free(struct gossip *g, struct member *member)
{
    suspicion_free(g, member);
    blob_release(member->alive);
    blob_release(member->left);
    mem_free(member->link);
    mem_free(member);
}

void members_forget(struct gossip *g, struct member *member)
{
    struct members *members = &g->members;
    assert(member != members->self && members_find(g, member->tag) == member);
    registry_member_gone(g, member);
    ring_remove(members, members_index(g, member->tag));
    members->counts[member->state]--;
    members->digest -= member->digest;
    table_remove(&members->names, member->name_hash, member);
    remember_forgotten(members, member);
    event_push(g, (struct gossip_event){.kind = GOSSIP_EVENT_MEMBER,
                                        .member = {.tag = member->tag,
                                                   .state = MEMBER_FORGOTTEN,
                                                   .epoch = member->epoch,
                                                   .incarnation = member->incarnation,
                                                   .alive = blob_retain(member->alive)}});
    member_free(g, member);
}

void members_init(struct gossip *g)
{
    assert(g->members.count == 0 && g->tag == node_tag(&g->config.identity.public));
    struct alive alive;
    struct blob *blob = life_sign_own(g, 1);
    bool is_readable = statement_read_alive(blob_span(blob), &alive);
    assert(is_readable && "the host checks its configuration");
    if (is_readable)
        members_insert(g, &alive, blob);
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
    table_free(&g->members.names);
}
