// SPDX-License-Identifier: Apache-2.0
/* rumours.c - membership news that rides on probes: each said a few times, the least said first. */
#include <assert.h>

#include "gossip/core.h"
#include "gossip/mem.h"

/* Each statement of ours rides on this many packets for every decimal digit of the number of
 * members: the tree has carried it already, so this need not reach everybody by itself. */
#define SAID_PER_DECADE        2
#define RUMOURS_FIRST_CAPACITY 8 /* doubles until RUMOURS_MAX */
/* Array headers around the list. */
#define NEWS_OVERHEAD_BYTES 8

static uint64_t subject_of(struct span statement, enum statement_kind kind)
{
    struct alive alive;
    struct left left;
    struct accusation accusation;
    if (kind == STATEMENT_ALIVE && statement_read_alive(statement, &alive))
        return node_tag(&alive.id);
    if (kind == STATEMENT_LEFT && statement_read_left(statement, &left))
        return left.tag;
    if (kind == STATEMENT_ACCUSATION && statement_read_accusation(statement, &accusation))
        /* Two accusers of one subject are two rumours: both are needed for a quorum. */
        return accusation.subject ^ (accusation.accuser * 0x9e3779b97f4a7c15u);
    return 0;
}

static void rumour_drop(struct spread *spread, size_t index)
{
    assert(index < spread->rumour_count);
    blob_release(spread->rumours[index].blob);
    spread->rumours[index] = spread->rumours[--spread->rumour_count];
}

static size_t find_rumour(const struct spread *spread, uint64_t subject, enum statement_kind kind)
{
    for (size_t i = 0; i < spread->rumour_count; i++)
        if (spread->rumours[i].subject == subject && spread->rumours[i].kind == kind)
            return i;
    return spread->rumour_count;
}

static size_t most_said(const struct spread *spread)
{
    size_t most = 0;
    for (size_t i = 1; i < spread->rumour_count; i++)
        if (spread->rumours[i].said > spread->rumours[most].said)
            most = i;
    return most;
}

static void rumours_grow(struct spread *spread)
{
    if (spread->rumour_count < spread->rumour_capacity)
        return;
    size_t capacity =
        spread->rumour_capacity == 0 ? RUMOURS_FIRST_CAPACITY : 2 * spread->rumour_capacity;
    assert(capacity <= RUMOURS_MAX);
    spread->rumours = mem_resize(spread->rumours, capacity * sizeof *spread->rumours);
    spread->rumour_capacity = capacity;
}

void spread_rumour(struct gossip *g, struct blob *statement)
{
    struct spread *spread = &g->spread;
    enum statement_kind kind = statement_kind_of(blob_span(statement));
    uint64_t subject = subject_of(blob_span(statement), kind);
    size_t old = find_rumour(spread, subject, kind);
    if (old < spread->rumour_count)
        rumour_drop(spread, old);
    else if (spread->rumour_count == RUMOURS_MAX)
        rumour_drop(spread, most_said(spread));
    rumours_grow(spread);
    spread->rumours[spread->rumour_count++] =
        (struct rumour){.blob = blob_retain(statement), .subject = subject, .kind = kind};
}

/* Counted in digits, not with a logarithm of the C library's: traces must not depend on it. */
static uint32_t said_enough(const struct gossip *g)
{
    uint32_t digits = 0;
    for (size_t n = g->members.count; n > 0; n /= 10)
        digits++;
    return SAID_PER_DECADE * digits;
}

/* The first at or after `start` that was said exactly so often; rumour_count: none. */
static size_t next_rumour(const struct spread *spread, uint32_t said, size_t start)
{
    for (size_t i = start; i < spread->rumour_count; i++)
        if (spread->rumours[i].said == said)
            return i;
    return spread->rumour_count;
}

/* Round by round, the least said first. What is said here is marked by a count above `enough`, so
 * that no later round meets it again in this packet; settle_marks takes the mark off. */
static uint32_t put_rumours(struct gossip *g, struct wire_writer *list, uint32_t count)
{
    struct spread *spread = &g->spread;
    uint32_t enough = said_enough(g);
    for (uint32_t round = 0; round < enough; round++) {
        size_t i = 0;
        while (count < WIRE_LIST_MAX &&
               (i = next_rumour(spread, round, i)) < spread->rumour_count) {
            wire_put_bin(list, blob_span(spread->rumours[i].blob));
            if (list->overflowed)
                return count;
            spread->rumours[i++].said = round + 1 + enough;
            count++;
        }
    }
    return count;
}

static void settle_marks(struct gossip *g)
{
    struct spread *spread = &g->spread;
    uint32_t enough = said_enough(g);
    for (size_t i = spread->rumour_count; i-- > 0;) {
        if (spread->rumours[i].said > enough)
            spread->rumours[i].said -= enough;
        if (spread->rumours[i].said >= enough)
            rumour_drop(spread, i);
    }
}

static uint32_t put_one(struct wire_writer *list, const struct blob *statement)
{
    wire_put_bin(list, blob_span(statement));
    return list->overflowed ? 0 : 1;
}

/* The buddy rule (Lifeguard, section IV-C): a suspect is told first what is said about it. Whoever
 * does not answer at all may have begun again below the life that we know (its clock went back, its
 * disk was lost, nobody was there to ask), and speaks words that we drop as old: its own later word
 * tells it. */
static uint32_t put_for_buddy(const struct gossip *g, struct wire_writer *list,
                              const struct member *to)
{
    uint32_t count = 0;
    const struct suspicion *suspicion = member_suspicion(to);
    if (g->config.detector == DETECTOR_SWIM)
        return 0;
    if (suspicion != NULL && suspicion->count > 0)
        count += put_one(list, suspicion->held[0].blob);
    if (to->state >= MEMBER_UNREACHABLE || g->detector.is_cut_off)
        count += put_one(list, to->life->statement);
    return count;
}

void rumours_append(struct gossip *g, struct wire_writer *writer, const struct member *to)
{
    uint8_t bytes[PACKET_PLAIN_MAX_BYTES];
    size_t room = writer->capacity - writer->len;
    if (room <= NEWS_OVERHEAD_BYTES)
        return;
    struct wire_writer list = {bytes, 0, room - NEWS_OVERHEAD_BYTES, false};
    uint32_t count = put_for_buddy(g, &list, to);
    count = put_rumours(g, &list, count);
    settle_marks(g);
    if (count == 0)
        return;
    struct wire_message news = {.type = WIRE_NEWS, .news.statements = wire_list_of(&list, count)};
    wire_write_message(writer, &news);
}

void rumours_free(struct gossip *g)
{
    while (g->spread.rumour_count > 0)
        rumour_drop(&g->spread, 0);
    mem_free(g->spread.rumours);
}
