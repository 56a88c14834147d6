// SPDX-License-Identifier: Apache-2.0
/* compare.c - membership anti-entropy: where two nodes' members differ, and telling it.
 *
 *     a                                         b
 *     |-- MEMBERS_HASHES (one per bucket) ------>|    buckets: COMPARE_BUCKETS equal parts of the
 * tags
 *     |<- MEMBERS_LIST (where they differ) ------|    ... or HASHES of a bucket's own parts, if it
 * is large
 *     |-- MEMBERS (what a knows better) -------->|
 *     |-- MEMBERS_LIST (answer) ---------------->|    only if b knows something better
 *     |<- MEMBERS -------------------------------|
 *
 * `flags` says which part of the tags is meant, and whether a list is the answer to one. */
#include <assert.h>

#include "gossip/core.h"

#define BUCKET_BITS 5
static_assert(COMPARE_BUCKETS == 1 << BUCKET_BITS, "a bucket is named by that many bits");
/* 20 bits of the tag: a million members would still share a bucket with few others. */
#define DEPTH_MAX         3
#define COMPARE_LIST_MAX  64 /* entries in a list: they fit one packet */
#define COMPARE_LISTS_MAX 8  /* lists that answer one comparison; the rest comes with the next */
#define COMPARE_PACKETS_MAX \
    32 /* MEMBERS that answer one list; what is left differs still, and comes next */
#define LIST_OVERHEAD_BYTES 40
#define FLAG_ANSWER         0x10u

/* The tags that begin with these BUCKET_BITS * depth bits. */
struct part {
    uint32_t depth;
    uint64_t prefix;
};

struct stretch {
    size_t begin, end; /* of the ring */
};

struct fact {
    uint64_t tag, epoch, incarnation, class;
};

static uint64_t flags_of(struct part part, bool is_answer)
{
    return part.depth | (is_answer ? FLAG_ANSWER : 0) | part.prefix << 8;
}

static bool part_read(uint64_t flags, struct part *out)
{
    *out = (struct part){(uint32_t)(flags & 0xf), flags >> 8};
    return out->depth <= DEPTH_MAX && out->prefix < UINT64_C(1) << (BUCKET_BITS * out->depth);
}

static struct stretch stretch_of(const struct gossip *g, struct part part, uint32_t bucket)
{
    uint32_t shift = 64 - BUCKET_BITS * (part.depth + 1);
    uint64_t first = (part.prefix << BUCKET_BITS | bucket) << shift;
    uint64_t last = first + ((UINT64_C(1) << shift) - 1);
    struct stretch stretch = {members_index(g, first), members_index(g, last)};
    if (stretch.end < g->members.count && g->members.ring[stretch.end]->life->tag == last)
        stretch.end++;
    return stretch;
}

static uint64_t hash_of_stretch(const struct gossip *g, struct stretch stretch)
{
    uint64_t sum = 0;
    for (size_t i = stretch.begin; i < stretch.end; i++)
        sum += member_digest(g->members.ring[i]);
    return sum;
}

/* --- Hashes ---------------------------------------------------------------------------------- */

static void send_hashes(struct gossip *g, struct member *to, struct part part)
{
    uint8_t bytes[COMPARE_BUCKETS * 9];
    struct wire_writer hashes = {bytes, 0, sizeof bytes, false};
    for (uint32_t bucket = 0; bucket < COMPARE_BUCKETS; bucket++)
        wire_put_uint(&hashes, hash_of_stretch(g, stretch_of(g, part, bucket)));
    struct wire_message message = {.type = WIRE_MEMBERS_HASHES,
                                   .hashes = {.flags = flags_of(part, false),
                                              .hashes = wire_list_of(&hashes, COMPARE_BUCKETS)}};
    g->stats.compares++;
    outbox_send(g, to, PRIORITY_MEMBERSHIP, &message);
}

void roster_compare(struct gossip *g, struct member *with)
{
    struct join *join = &g->join;
    /* While we ask for the whole list, the difference is no news, and telling it would cost the
     * seed that lets everybody in dearly. */
    if (join->phase == JOIN_MEMBERS || join->phase == JOIN_CHECKING_KEY)
        return;
    if (join->compared_ms != 0 && g->now.mono_ms < join->compared_ms + COMPARE_INTERVAL_MS)
        return;
    if (!link_may_answer(g, with))
        return;
    join->compared_ms = g->now.mono_ms;
    send_hashes(g, with, (struct part){0, 0});
}

static bool put_stretch(const struct gossip *g, struct wire_writer *list, struct stretch stretch)
{
    size_t before = list->len;
    for (size_t i = stretch.begin; i < stretch.end; i++) {
        const struct member *member = g->members.ring[i];
        wire_put_array(list, 4);
        wire_put_uint(list, member->life->tag);
        wire_put_uint(list, member->life->epoch);
        wire_put_uint(list, member->life->incarnation);
        wire_put_uint(list, member_class_of(member->state));
    }
    if (!list->overflowed)
        return true;
    list->len = before;
    list->overflowed = false;
    return false;
}

/* Fills one packet with those of these buckets that fit, each whole: what is not listed in it is
 * not known here. Returns which they are. */
static uint32_t send_one_list(struct gossip *g, struct member *to, struct part part,
                              uint32_t buckets, bool is_answer, uint32_t start)
{
    uint8_t bytes[MESSAGE_MAX_BYTES - LIST_OVERHEAD_BYTES];
    struct wire_writer list = {bytes, 0, sizeof bytes, false};
    uint32_t listed = 0;
    size_t count = 0;
    for (uint32_t i = 0; i < COMPARE_BUCKETS; i++) {
        uint32_t bucket = (start + i) % COMPARE_BUCKETS;
        struct stretch stretch = stretch_of(g, part, bucket);
        size_t more = stretch.end - stretch.begin;
        if ((buckets >> bucket & 1) == 0 || count + more > COMPARE_LIST_MAX ||
            !put_stretch(g, &list, stretch))
            continue;
        listed |= UINT32_C(1) << bucket;
        count += more;
    }
    if (listed == 0)
        return 0;
    struct wire_message message = {.type = WIRE_MEMBERS_LIST,
                                   .list = {.flags = flags_of(part, is_answer),
                                            .buckets = listed,
                                            .entries = wire_list_of(&list, (uint32_t)count)}};
    outbox_send(g, to, PRIORITY_MEMBERSHIP, &message);
    return listed;
}

/* Begins anywhere, so that no bucket is always among those left for the next comparison. */
static void send_list(struct gossip *g, struct member *to, struct part part, uint32_t buckets,
                      bool is_answer)
{
    uint32_t start = prng_below(&g->prng, COMPARE_BUCKETS);
    for (int packets = 0; packets < COMPARE_LISTS_MAX && buckets != 0; packets++) {
        uint32_t listed = send_one_list(g, to, part, buckets, is_answer, start);
        if (listed == 0)
            return;
        buckets &= ~listed;
    }
}

void roster_on_hashes(struct gossip *g, struct member *from, const struct wire_message *message)
{
    struct wire_list hashes = message->hashes.hashes;
    struct part part;
    uint64_t theirs;
    uint32_t small = 0;
    if (!part_read(message->hashes.flags, &part) || hashes.count != COMPARE_BUCKETS) {
        drop_count(g, DROP_MALFORMED);
        return;
    }
    if (!link_may_answer(g, from))
        return;
    for (uint32_t bucket = 0; wire_list_uint(&hashes, &theirs); bucket++) {
        struct stretch stretch = stretch_of(g, part, bucket);
        if (hash_of_stretch(g, stretch) == theirs)
            continue;
        if (stretch.end - stretch.begin <= COMPARE_LIST_MAX / 2) {
            small |= UINT32_C(1) << bucket;
        } else if (part.depth < DEPTH_MAX) {
            send_hashes(g, from,
                        (struct part){part.depth + 1, part.prefix << BUCKET_BITS | bucket});
        }
    }
    if (small != 0)
        send_list(g, from, part, small, false);
}

/* --- Lists ----------------------------------------------------------------------------------- */

static size_t facts_read(struct wire_list entries, struct fact out[WIRE_LIST_MAX])
{
    struct wire_list entry;
    size_t count = 0;
    while (count < WIRE_LIST_MAX && wire_list_list(&entries, &entry)) {
        struct fact *fact = &out[count];
        if (!wire_list_uint(&entry, &fact->tag) || !wire_list_uint(&entry, &fact->epoch) ||
            !wire_list_uint(&entry, &fact->incarnation) || !wire_list_uint(&entry, &fact->class))
            break;
        count++;
    }
    return count;
}

static const struct fact *fact_of(const struct fact *facts, size_t count, uint64_t tag)
{
    for (size_t i = 0; i < count; i++)
        if (facts[i].tag == tag)
            return &facts[i];
    return NULL;
}

/* > 0: we know better; < 0: they do. At an equal life LEFT > DEAD > the rest. */
static int fact_compare(const struct member *member, const struct fact *fact)
{
    int order = life_compare(member->life->epoch, member->life->incarnation, fact->epoch,
                             fact->incarnation);
    if (order != 0)
        return order;
    int class = (int)member_class_of(member->state);
    return fact->class > CLASS_LEFT ? 1 : class - (int)fact->class;
}

static bool they_know_better(const struct gossip *g, const struct fact *facts, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        const struct member *member = members_find(g, facts[i].tag);
        if (member == NULL || fact_compare(member, &facts[i]) < 0)
            return true;
    }
    return false;
}

/* Entries on their way to one member, packet by packet. */
struct answer {
    uint8_t bytes[MESSAGE_MAX_BYTES - LIST_OVERHEAD_BYTES];
    struct wire_writer entries;
    uint32_t count;
    uint32_t packets;
};

static void answer_flush(struct gossip *g, struct member *to, struct answer *answer)
{
    if (answer->count > 0) {
        roster_send(g, to, 0, 0, &answer->entries, answer->count);
        answer->packets++;
    }
    answer->entries = (struct wire_writer){answer->bytes, 0, sizeof answer->bytes, false};
    answer->count = 0;
}

static void answer_put(struct gossip *g, struct member *to, struct answer *answer,
                       const struct member *member)
{
    if (answer->packets >= COMPARE_PACKETS_MAX)
        return;
    if (answer->count == WIRE_LIST_MAX || !roster_put_entry(g, &answer->entries, member)) {
        answer_flush(g, to, answer);
        bool fits = roster_put_entry(g, &answer->entries, member);
        assert(fits && "an entry always fits an empty packet");
        (void)fits;
    }
    answer->count++;
}

static void send_better(struct gossip *g, struct member *to, struct part part, uint32_t buckets,
                        const struct fact *facts, size_t count)
{
    struct answer answer = {.count = 0};
    answer_flush(g, to, &answer);
    for (uint32_t bucket = 0; bucket < COMPARE_BUCKETS; bucket++) {
        if ((buckets >> bucket & 1) == 0)
            continue;
        struct stretch stretch = stretch_of(g, part, bucket);
        for (size_t i = stretch.begin; i < stretch.end; i++) {
            const struct member *member = g->members.ring[i];
            const struct fact *fact = fact_of(facts, count, member->life->tag);
            if (fact == NULL || fact_compare(member, fact) > 0)
                answer_put(g, to, &answer, member);
        }
    }
    answer_flush(g, to, &answer);
}

void roster_on_list(struct gossip *g, struct member *from, const struct wire_message *message)
{
    struct fact facts[WIRE_LIST_MAX];
    struct part part;
    uint32_t buckets = (uint32_t)message->list.buckets;
    if (!part_read(message->list.flags & ~(uint64_t)FLAG_ANSWER, &part)) {
        drop_count(g, DROP_MALFORMED);
        return;
    }
    if (!link_may_answer(g, from))
        return;
    size_t count = facts_read(message->list.entries, facts);
    send_better(g, from, part, buckets, facts, count);
    if ((message->list.flags & FLAG_ANSWER) == 0 && they_know_better(g, facts, count))
        send_list(g, from, part, buckets, true);
}

/* --- Telling --------------------------------------------------------------------------------- */

static void tell_entry(struct gossip *g, struct member *to, const struct member *subject)
{
    uint8_t bytes[MESSAGE_MAX_BYTES - LIST_OVERHEAD_BYTES];
    struct wire_writer entries = {bytes, 0, sizeof bytes, false};
    if (roster_put_entry(g, &entries, subject))
        roster_send(g, to, 0, 0, &entries, 1);
}

/* To the subject itself: the shortest thing that makes it object. */
static void tell_doubt(struct gossip *g, struct member *to)
{
    uint8_t bytes[STATEMENT_MAX_BYTES + 8];
    struct wire_writer list = {bytes, 0, sizeof bytes, false};
    const struct blob *statement = to->life->statement;
    const struct suspicion *suspicion = member_suspicion(to);
    if (to->state == MEMBER_LEFT)
        statement = to->dossier->left;
    else if (suspicion != NULL && suspicion->count > 0)
        statement = suspicion->held[0].blob;
    wire_put_bin(&list, blob_span(statement));
    struct wire_message news = {.type = WIRE_NEWS, .news.statements = wire_list_of(&list, 1)};
    outbox_send(g, to, PRIORITY_MEMBERSHIP, &news);
}

/* That it is dead a member must be shown: one that is not heard objects to a death only when it is
 * heard again. */
static void tell_itself(struct gossip *g, struct member *to)
{
    const struct suspicion *suspicion = member_suspicion(to);
    bool is_provable =
        to->state == MEMBER_DEAD && suspicion != NULL && suspicion->count >= suspicion_quorum(g);
    if (g->config.detector == DETECTOR_AURORA && is_provable && member_link(g, to)->is_verified)
        tell_entry(g, to, to);
    else
        tell_doubt(g, to);
}

bool roster_may_tell(const struct gossip *g, const struct member *subject)
{
    const struct dossier *dossier = subject->dossier;
    return dossier == NULL || dossier->told_ms == 0 ||
           g->now.mono_ms >= dossier->told_ms + TELL_INTERVAL_MS;
}

/* To others as an entry, whose evidence is judged as what it is: old. */
void roster_tell(struct gossip *g, struct member *to, struct member *subject)
{
    if (to == g->members.self)
        return;
    if (!roster_may_tell(g, subject))
        return;
    if (to != subject && subject != g->members.self && !link_may_answer(g, to))
        return;
    member_dossier(subject)->told_ms = g->now.mono_ms;
    if (to == subject)
        tell_itself(g, to);
    else
        tell_entry(g, to, subject);
}
