// SPDX-License-Identifier: Apache-2.0
/* known.c - beginning in the middle: members that the host knows to be there, for many cores */
#include <assert.h>
#include <stdlib.h>
#include <string.h>

#include "gossip/core.h"
#include "gossip/mem.h"

/* What is retained is somewhere in memory, each in another place. */
#define PREFETCH 8

/* Ten thousand cores take ten thousand members each from here, so all that is the same for all of
 * them is ready, and in the order in which they take it: the lives themselves are not looked at. */
struct gossip_known {
    struct sign_scope scope; /* their signatures were verified for it */
    size_t count;
    uint64_t *tags; /* ascending */
    struct known_life {
        struct life *life;
        struct blob *statement; /* retained */
    } * lives;                  /* in the order of the tags */
    struct prints names;
    uint64_t digest;
};

static int compare_tags(const void *a, const void *b)
{
    const struct known_life *left = a, *right = b;
    return (left->life->tag > right->life->tag) - (left->life->tag < right->life->tag);
}

static bool admit(struct gossip_known *known, struct blob_store *store, struct span statement)
{
    struct alive alive;
    if (!statement_read_alive(statement, &alive))
        return false;
    struct blob *blob =
        statement_admit(store, statement, STATEMENT_ALIVE, &alive.id, &known->scope);
    if (blob == NULL)
        return false;
    known->lives[known->count++] = (struct known_life){life_read(blob), blob};
    return true;
}

/* False: two have one tag. */
static bool put_in_order(struct gossip_known *known)
{
    bool is_ascending = true;
    qsort(known->lives, known->count, sizeof *known->lives, compare_tags);
    for (size_t i = 0; i < known->count; i++) {
        const struct life *life = known->lives[i].life;
        is_ascending &= i == 0 || life->tag > known->tags[i - 1];
        known->tags[i] = life->tag;
        known->digest += life->digests[CLASS_ALIVE];
        prints_add(&known->names, life->name_print);
    }
    return is_ascending;
}

struct gossip_known *gossip_known_new(const char *cluster, struct blob_store *store,
                                      const struct span *alives, size_t count)
{
    assert(count > 0 && count <= MEMBERS_MAX);
    struct gossip_known *known = mem_alloc(sizeof *known);
    known->lives = mem_alloc(count * sizeof *known->lives);
    known->tags = mem_alloc(count * sizeof *known->tags);
    sign_scope_of(cluster, &known->scope);
    bool is_good = true;
    for (size_t i = 0; i < count && is_good; i++)
        is_good = admit(known, store, alives[i]);
    if (is_good && put_in_order(known))
        return known;
    gossip_known_free(known);
    return NULL;
}

void gossip_known_free(struct gossip_known *known)
{
    if (known == NULL)
        return;
    for (size_t i = 0; i < known->count; i++)
        blob_release(known->lives[i].statement);
    prints_free(&known->names);
    mem_free(known->lives);
    mem_free(known->tags);
    mem_free(known);
}

static void fill(struct gossip *g, const struct gossip_known *known)
{
    struct members *members = &g->members;
    struct member *self = members->self;
    assert(members->count == 1 && members->ring[0] == self);
    members_reserve(members, known->count);
    slab_reserve(&members->slab, known->count);
    memcpy(members->tags, known->tags, known->count * sizeof *members->tags);
    for (size_t i = 0; i < known->count; i++) {
        members->ring[i] = self;
        if (known->tags[i] == g->tag)
            continue;
        if (i + PREFETCH < known->count)
            __builtin_prefetch(known->lives[i + PREFETCH].statement, 1);
        members->ring[i] = slab_take(&members->slab);
        blob_retain(known->lives[i].statement);
        *members->ring[i] = (struct member){.life = known->lives[i].life,
                                            .since_ms = (int64_t)g->now.mono_ms,
                                            .state = MEMBER_ALIVE,
                                            .is_seen = true};
    }
    members->count = members->counts[MEMBER_ALIVE] = known->count;
    members->digest = known->digest;
    prints_copy(&members->names, &known->names);
}

void gossip_begin_known(struct gossip *g, struct gossip_time now, const struct gossip_known *known)
{
    assert(now.mono_ms == g->now.mono_ms && "right after gossip_new");
    assert(memcmp(&known->scope, &g->scope, sizeof g->scope) == 0 && "of the same cluster");
    fill(g, known);
    assert(members_find(g, g->tag) == g->members.self && "ours is among them");
    join_begin_known(g);
    sync_begin(g, NULL);
}
