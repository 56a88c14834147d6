// SPDX-License-Identifier: Apache-2.0
/* watch_ring.c - the last changes of the view, numbered, each rendered once for all who watch */
#include "node/watch_ring.h"

#include <assert.h>

#include "gossip/mem.h"

void watch_ring_init(struct watch_ring *ring)
{
    *ring = (struct watch_ring){.first = 1, .next = 1};
}

void watch_ring_start(struct watch_ring *ring)
{
    if (ring->changes == NULL)
        ring->changes = mem_alloc(WATCH_RING_CHANGES_MAX * sizeof ring->changes[0]);
}

bool watch_ring_runs(const struct watch_ring *ring)
{
    return ring->changes != NULL;
}

struct watch_change *watch_ring_at(const struct watch_ring *ring, uint64_t number)
{
    assert(number >= ring->first && number < ring->next);
    return &ring->changes[number % WATCH_RING_CHANGES_MAX];
}

/* What is made later for WATCH_OUT is small, and not counted. */
static size_t change_bytes(const struct watch_change *change)
{
    return change->text->len + watch_facts_bytes(change->before) + watch_facts_bytes(change->after);
}

static void drop_oldest(struct watch_ring *ring)
{
    struct watch_change *change = watch_ring_at(ring, ring->first);

    assert(ring->bytes >= change_bytes(change));
    ring->bytes -= change_bytes(change);
    watch_facts_free(change->before);
    watch_facts_free(change->after);
    answer_body_release(change->text);
    answer_body_release(change->out);
    ring->first++;
}

void watch_ring_stop(struct watch_ring *ring)
{
    while (ring->first < ring->next)
        drop_oldest(ring);
    mem_free(ring->changes);
    ring->changes = NULL;
}

void watch_ring_free(struct watch_ring *ring)
{
    watch_ring_stop(ring);
}

void watch_ring_add(struct watch_ring *ring, struct watch_change change)
{
    assert(watch_ring_runs(ring) && change.text != NULL);
    if (ring->next - ring->first == WATCH_RING_CHANGES_MAX)
        drop_oldest(ring);
    ring->bytes += change_bytes(&change);
    ring->changes[ring->next % WATCH_RING_CHANGES_MAX] = change;
    ring->next++;
    while (ring->bytes > WATCH_RING_BYTES_MAX)
        drop_oldest(ring);
}

enum watch_news watch_change_news(const struct watch_change *change,
                                  const struct watch_filter *filter)
{
    bool was = change->before != NULL && watch_filter_passes(filter, change->before);
    bool is = change->after != NULL && watch_filter_passes(filter, change->after);

    if (change->before == NULL && change->after == NULL)
        return WATCH_HOME;
    if (is)
        return was ? WATCH_UPDATE : WATCH_UP;
    if (!was)
        return WATCH_NOTHING;
    return change->after == NULL ? WATCH_DOWN : WATCH_OUT;
}
