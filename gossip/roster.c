// SPDX-License-Identifier: Apache-2.0
/* roster.c - the member list on the wire: entries with their evidence, in pages for whoever joins.
 *
 *     [class, age_ms, [ALIVE]]                       neither DEAD nor LEFT here
 *     [class, age_ms, [ALIVE, accusation...]]        DEAD: a quorum's words about this very life
 *     [class, age_ms, [ALIVE, LEFT]]
 *
 * Suspicion and unreachability are not told: they are each node's own. */
#include <assert.h>

#include "gossip/core.h"

/* Packets that wait here: so many, and a question is answered with one page, or not at all. */
#define QUEUE_SHORT 128
#define QUEUE_LONG  1024
/* Array headers, after, through. */
#define MEMBERS_OVERHEAD_BYTES 40

/* --- Telling --------------------------------------------------------------------------------- */

/* Accusers that still live first: their word is worth more to whoever believes the subject alive.
 */
static size_t evidence_of(const struct gossip *g, const struct member *member,
                          const struct blob *out[QUORUM_MAX])
{
    const struct suspicion *s = member_suspicion(member);
    size_t count = 0;
    assert(s != NULL);
    for (int wanted = 1; wanted >= 0; wanted--)
        for (size_t i = 0; i < s->count && count < QUORUM_MAX; i++) {
            const struct member *accuser = members_find(g, s->held[i].accuser);
            bool is_live = accuser != NULL && member_class_of(accuser->state) == CLASS_ALIVE;
            if (is_live == (wanted == 1))
                out[count++] = s->held[i].blob;
        }
    return count;
}

bool roster_put_entry(const struct gossip *g, struct wire_writer *writer,
                      const struct member *member)
{
    const struct blob *extra[QUORUM_MAX];
    size_t extra_count = 0;
    enum member_class class = member_class_of(member->state);
    int64_t age_ms = (int64_t)g->now.mono_ms - member->since_ms;
    if (class == CLASS_DEAD)
        extra_count = evidence_of(g, member, extra);
    else if (class == CLASS_LEFT)
        extra[extra_count++] = member->dossier->left;
    size_t before = writer->len;
    wire_put_array(writer, 3);
    wire_put_uint(writer, class);
    wire_put_uint(writer, class == CLASS_ALIVE ? 0 : (uint64_t)age_ms);
    wire_put_array(writer, (uint32_t)(1 + extra_count));
    wire_put_bin(writer, blob_span(member->life->statement));
    for (size_t i = 0; i < extra_count; i++)
        wire_put_bin(writer, blob_span(extra[i]));
    if (!writer->overflowed)
        return true;
    writer->len = before;
    writer->overflowed = false;
    return false;
}

void roster_send(struct gossip *g, struct member *to, uint64_t after, uint64_t through,
                 const struct wire_writer *entries, uint32_t count)
{
    struct wire_message message = {
        .type = WIRE_MEMBERS,
        .members = {.after = after, .through = through, .entries = wire_list_of(entries, count)}};
    outbox_send(g, to, PRIORITY_MEMBERSHIP, &message);
}

/* Returns the tag through which the list is now told. */
static uint64_t send_page(struct gossip *g, struct member *to, uint64_t after)
{
    uint8_t bytes[MESSAGE_MAX_BYTES - MEMBERS_OVERHEAD_BYTES];
    struct wire_writer entries = {bytes, 0, sizeof bytes, false};
    uint32_t count = 0;
    uint64_t through = after;
    size_t i = members_index(g, after + 1);
    for (; i < g->members.count && count < WIRE_LIST_MAX; i++) {
        const struct member *member = g->members.ring[i];
        if (member != to && !roster_put_entry(g, &entries, member))
            break;
        count += member != to;
        through = member->life->tag;
    }
    if (i == g->members.count)
        through = UINT64_MAX;
    assert(through > after && "an entry always fits an empty page");
    roster_send(g, to, after, through, &entries, count);
    return through;
}

/* Pages are many times their question: they go only where an answer came from. And who lets in a
 * thousand at once gives each a page, with which it can ask somebody else, and makes none wait long
 * in its queue: they ask again. */
void roster_on_pull(struct gossip *g, struct member *from, const struct wire_message *message)
{
    uint64_t through = message->members_pull.after;
    if (!link_may_answer(g, from))
        return;
    int pages = g->outbox.count < QUEUE_SHORT ? ROSTER_PAGES : 1;
    if (g->outbox.count > QUEUE_LONG)
        return;
    for (int i = 0; i < pages && through != UINT64_MAX; i++)
        through = send_page(g, from, through);
}

/* --- Being told ------------------------------------------------------------------------------ */

struct entry_read {
    uint64_t class;
    uint64_t age_ms;
    struct span alive;
    struct span extra[ACCUSATIONS_MAX];
    size_t extra_count;
};

static bool entry_read(struct wire_list list, struct entry_read *out)
{
    struct wire_list statements;
    *out = (struct entry_read){0};
    if (!wire_list_uint(&list, &out->class) || !wire_list_uint(&list, &out->age_ms) ||
        !wire_list_list(&list, &statements) || !wire_list_bin(&statements, &out->alive))
        return false;
    while (out->extra_count < ACCUSATIONS_MAX &&
           wire_list_bin(&statements, &out->extra[out->extra_count]))
        out->extra_count++;
    return out->age_ms <= INT64_MAX / 2;
}

/* What is said of ourselves: we object, if we can be heard. */
static void on_own_entry(struct gossip *g, const struct entry_read *entry)
{
    if (entry->class == CLASS_DEAD && !g->voice.is_condemned &&
        suspicion_on_evidence(g, g->members.self, entry->extra, entry->extra_count, 0))
        voice_on_death(g);
    for (size_t i = 0; i < entry->extra_count; i++) {
        if (entry->class == CLASS_DEAD)
            suspicion_on_accusation(g, entry->extra[i]);
        else
            members_on_left(g, entry->extra[i]);
    }
}

/* Everybody who remembers it is about to forget it: no use beginning. */
static bool is_long_gone(const struct gossip *g, const struct entry_read *entry)
{
    struct alive alive;
    return entry->class != CLASS_ALIVE && entry->age_ms >= g->config.old_member_forget_ms &&
           statement_read_alive(entry->alive, &alive) &&
           members_find(g, node_tag(&alive.id)) == NULL;
}

static void entry_apply(struct gossip *g, const struct entry_read *entry)
{
    struct member *member;
    if (is_long_gone(g, entry))
        return;
    if (members_on_alive(g, entry->alive, &member) == NEWS_BAD) {
        drop_count(g, DROP_BAD_SIGNATURE);
        return;
    }
    if (member == NULL)
        return;
    if (member == g->members.self)
        on_own_entry(g, entry);
    else if (entry->class == CLASS_DEAD)
        suspicion_on_evidence(g, member, entry->extra, entry->extra_count, entry->age_ms);
    else if (entry->class == CLASS_LEFT && entry->extra_count > 0)
        life_on_left(g, entry->extra[0], (int64_t)g->now.mono_ms - (int64_t)entry->age_ms);
}

void roster_on_members(struct gossip *g, struct member *from, const struct wire_message *message)
{
    struct wire_list entries = message->members.entries;
    struct wire_list list;
    struct entry_read entry;
    uint64_t sender = from->life->tag;
    while (wire_list_list(&entries, &list)) {
        if (!entry_read(list, &entry)) {
            drop_count(g, DROP_MALFORMED);
            return;
        }
        entry_apply(g, &entry);
    }
    from = members_find(g, sender);
    if (from != NULL)
        join_on_page(g, from, message->members.after, message->members.through);
}
