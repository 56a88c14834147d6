// SPDX-License-Identifier: Apache-2.0
/* handled.c - the arcs that we have served of late, by payload.
 *
 * As many as came in the time for which a hop may be resent: with fewer, a copy that comes late,
 * when everything is late, would have its whole arc served again, and every node below it would do
 * the same: the busier the cluster, the more work it would make for itself. At rest it is small. */
#include "gossip/handled.h"

#include <assert.h>

#include "gossip/limits.h"
#include "gossip/mem.h"

#define WAYS       16 /* of one key's set: where it may be found */
#define FIRST_SETS 4
#define SETS_MAX   (HANDLED_MAX / WAYS)
static_assert((SETS_MAX & (SETS_MAX - 1)) == 0 && SETS_MAX >= FIRST_SETS, "sets are masked");

static uint64_t not_free(uint64_t key)
{
    return key + (key == 0);
}

static struct handled *set_of(const struct handled_table *table, uint64_t key)
{
    return table->places + (key & (table->set_count - 1)) * WAYS;
}

bool handled_has(const struct handled_table *table, uint64_t key, struct arc arc)
{
    if (table->set_count == 0)
        return false;
    key = not_free(key);
    const struct handled *set = set_of(table, key);
    for (size_t i = 0; i < WAYS; i++)
        if (set[i].key == key && arc_within(arc, set[i].arc))
            return true;
    return false;
}

/* A free place, or the one that was taken first. */
static struct handled *oldest_of(struct handled *set)
{
    struct handled *oldest = set;
    for (size_t i = 0; i < WAYS; i++) {
        if (set[i].key == 0)
            return &set[i];
        if (set[i].at_ms < oldest->at_ms)
            oldest = &set[i];
    }
    return oldest;
}

static bool is_wanted(const struct handled *one, uint64_t now_ms)
{
    return one->key != 0 && now_ms - one->at_ms < HANDLED_KEEP_MS;
}

/* Twice as many sets. What was in one is in one of two afterwards, so all of it finds room. */
static void grow(struct handled_table *table, uint64_t now_ms)
{
    struct handled_table grown = {
        .set_count = table->set_count == 0 ? FIRST_SETS : 2 * table->set_count,
    };
    grown.places = mem_alloc(grown.set_count * WAYS * sizeof *grown.places);
    for (size_t i = 0; i < table->set_count * WAYS; i++)
        if (is_wanted(&table->places[i], now_ms))
            *oldest_of(set_of(&grown, table->places[i].key)) = table->places[i];
    mem_free(table->places);
    *table = grown;
}

/* Of one payload there may be any number of arcs: more sets would not part them. */
void handled_add(struct handled_table *table, uint64_t key, struct arc arc, uint64_t now_ms)
{
    key = not_free(key);
    if (table->set_count == 0)
        grow(table, now_ms);
    struct handled *place = oldest_of(set_of(table, key));
    while (is_wanted(place, now_ms) && place->key != key && table->set_count < SETS_MAX) {
        grow(table, now_ms);
        place = oldest_of(set_of(table, key));
    }
    *place = (struct handled){key, arc, now_ms};
}

size_t handled_bytes(const struct handled_table *table)
{
    return table->set_count * WAYS * sizeof *table->places;
}

void handled_free(struct handled_table *table)
{
    mem_free(table->places);
    *table = (struct handled_table){0};
}
