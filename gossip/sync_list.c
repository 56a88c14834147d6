// SPDX-License-Identifier: Apache-2.0
/* sync_list.c - lists of logs: what each of two nodes has of them, and what follows from it. */
#include <assert.h>

#include "gossip/core.h"

/* Elements of one LOGS_LIST: what its type, flags, buckets and list header leave. */
#define LIST_BYTES (MESSAGE_MAX_BYTES - 24)
/* [home, epoch, applied, head_version, head_root, gone_ms], each at its largest. */
#define ENTRY_MAX_BYTES 55
/* One answer; what it does not cover is found by the next comparison. */
#define LIST_MESSAGES_MAX 32
/* Ages are as old as the message that told them. */
#define AGE_TOLERANCE_MS 1000
#define LIVES_MAX        (LIST_BYTES / ENTRY_MAX_BYTES)
/* Pages sent for one SYNC_ASK. */
#define PAGES_AT_ONCE 8

struct draft {
    uint8_t bytes[LIST_BYTES];
    struct wire_writer writer;
    uint32_t count;
    uint64_t buckets;
    uint64_t last_home;
};

static void draft_clear(struct draft *draft)
{
    draft->writer = (struct wire_writer){draft->bytes, 0, sizeof draft->bytes, false};
    draft->count = 0;
    draft->buckets = 0;
}

static void draft_send(struct gossip *g, struct member *to, uint64_t flags, struct draft *draft)
{
    enum priority priority = (flags & SYNC_PAGE) != 0 ? PRIORITY_BULK : PRIORITY_SET;
    struct wire_message message = {
        .type = WIRE_LOGS_LIST,
        .list = {.flags = flags,
                 .buckets = draft->buckets,
                 .entries = wire_list_of(&draft->writer, draft->count)},
    };
    outbox_send(g, to, priority, &message);
    draft_clear(draft);
}

static bool draft_has_room(const struct draft *draft, size_t bytes, uint32_t count)
{
    return draft->writer.len + bytes <= sizeof draft->bytes &&
           draft->count + count <= WIRE_LIST_MAX;
}

/* `gone_ms` 0: it is not said. */
static void draft_put(struct draft *draft, const struct log *log, uint64_t gone_ms)
{
    struct sync_facts facts = sync_facts_of(log);
    assert(draft_has_room(draft, ENTRY_MAX_BYTES, 1));
    wire_put_array(&draft->writer, gone_ms > 0 ? 6 : 5);
    wire_put_uint(&draft->writer, log->home);
    wire_put_uint(&draft->writer, log->epoch);
    wire_put_uint(&draft->writer, facts.applied);
    wire_put_uint(&draft->writer, facts.head_version);
    wire_put_uint(&draft->writer, facts.head_root);
    if (gone_ms > 0)
        wire_put_uint(&draft->writer, gone_ms);
    draft->count++;
    draft->last_home = log->home;
}

static bool is_of_ended_life(const struct log *log)
{
    return log->epoch < log->member->life->epoch;
}

/* Of a life that has ended nothing else says since when: a new ALIVE reached us all at different
 * times. */
static void draft_add(const struct gossip *g, struct draft *draft, const struct log *log)
{
    draft_put(draft, log, is_of_ended_life(log) ? orphans_age_ms(g, log) : 0);
}

/* First index of a log with home >= `home`. */
static size_t index_from(const struct gossip *g, uint64_t home)
{
    size_t low = 0, high = g->registry.log_count;
    while (low < high) {
        size_t middle = low + (high - low) / 2;
        if (g->registry.logs[middle]->home < home)
            low = middle + 1;
        else
            high = middle;
    }
    return low;
}

/* --- Comparing ------------------------------------------------------------------------------- */

/* One bucket's logs into `part`. What does not fit one message leaves as partial lists: how many.
 */
static unsigned draft_bucket(struct gossip *g, struct member *to, uint64_t flags, unsigned bucket,
                             struct draft *part)
{
    unsigned sent = 0;
    draft_clear(part);
    for (size_t i = index_from(g, (uint64_t)bucket << 59); i < g->registry.log_count; i++) {
        const struct log *log = g->registry.logs[i];
        if (sync_bucket_of(log->home) != bucket)
            break;
        if (log->digest == 0)
            continue;
        if (!draft_has_room(part, ENTRY_MAX_BYTES, 1)) {
            sent++;
            draft_send(g, to, flags | SYNC_PARTIAL, part);
        }
        draft_add(g, part, log);
    }
    part->buckets = 1ull << bucket;
    if (sent == 0)
        return 0;
    draft_send(g, to, flags | SYNC_PARTIAL, part);
    return sent + 1;
}

/* A message holds whole buckets wherever they fit, so that its receiver can tell what we lack. */
void sync_list_send(struct gossip *g, struct member *to, uint64_t flags, uint32_t buckets)
{
    struct draft all, part;
    unsigned sent = 0;
    draft_clear(&all);
    for (unsigned bucket = 0; bucket < COMPARE_BUCKETS && sent < LIST_MESSAGES_MAX; bucket++) {
        if ((buckets >> bucket & 1) == 0)
            continue;
        unsigned partial = draft_bucket(g, to, flags, bucket, &part);
        sent += partial;
        if (partial > 0)
            continue;
        if (!draft_has_room(&all, part.writer.len, part.count)) {
            draft_send(g, to, flags, &all);
            sent++;
        }
        memcpy(all.bytes + all.writer.len, part.bytes, part.writer.len);
        all.writer.len += part.writer.len;
        all.count += part.count;
        all.buckets |= part.buckets;
    }
    if (all.buckets != 0)
        draft_send(g, to, flags, &all);
}

static bool is_told_life(const struct log *log)
{
    return is_of_ended_life(log) && log->digest != 0;
}

void sync_list_send_lives(struct gossip *g, struct member *to)
{
    struct draft lives;
    uint32_t count = 0;
    for (size_t i = 0; i < g->registry.log_count; i++)
        count += is_told_life(g->registry.logs[i]);
    /* As many as one message holds: any, when there are more. */
    uint32_t skipped = count > LIVES_MAX ? prng_below(&g->prng, count) : 0;
    draft_clear(&lives);
    for (size_t i = 0; i < g->registry.log_count && lives.count < LIVES_MAX; i++)
        if (is_told_life(g->registry.logs[i]) && (skipped == 0 || --skipped == 0))
            draft_add(g, &lives, g->registry.logs[i]);
    lives.buckets = UINT32_MAX;
    if (lives.count > 0)
        draft_send(g, to, SYNC_PARTIAL, &lives);
}

struct entry_read {
    uint64_t home, epoch;
    struct sync_facts facts;
    uint64_t gone_ms; /* 0: not gone, or it is not said */
};

static bool entry_next(struct wire_list *entries, struct entry_read *out)
{
    struct wire_list entry;
    if (!wire_list_list(entries, &entry) || !wire_list_uint(&entry, &out->home) ||
        !wire_list_uint(&entry, &out->epoch) || !wire_list_uint(&entry, &out->facts.applied) ||
        !wire_list_uint(&entry, &out->facts.head_version) ||
        !wire_list_uint(&entry, &out->facts.head_root))
        return false;
    if (!wire_list_uint(&entry, &out->gone_ms))
        out->gone_ms = 0;
    return true;
}

static bool head_differs(struct sync_facts a, struct sync_facts b)
{
    return a.head_version > b.head_version ||
           (a.head_version == b.head_version && a.head_root != b.head_root);
}

static bool is_ahead(struct sync_facts a, struct sync_facts b)
{
    return head_differs(a, b) || (a.applied > b.applied && b.head_version != UINT64_MAX);
}

static void want_head(struct draft *heads, const struct entry_read *entry)
{
    if (!draft_has_room(heads, ENTRY_MAX_BYTES, 1))
        return;
    wire_put_array(&heads->writer, 2);
    wire_put_uint(&heads->writer, entry->home);
    wire_put_uint(&heads->writer, entry->epoch);
    heads->count++;
}

static void send_head_pull(struct gossip *g, struct member *to, struct draft *heads)
{
    if (heads->count == 0)
        return;
    struct wire_message message = {.type = WIRE_HEAD_PULL,
                                   .announce.entries = wire_list_of(&heads->writer, heads->count)};
    outbox_send(g, to, PRIORITY_SET, &message);
}

static void set_first_target(struct gossip *g, struct log *log, uint64_t version)
{
    if (log->state == LOG_EQUIVOCATING || version <= log->applied || log == g->registry.own)
        return;
    if (log->first_target == 0)
        g->sync.first_remaining++;
    log->first_target = version;
}

/* A comparison is about what lives, or is shown. Only a joiner makes logs of homes that are gone:
 * whoever was there had them, and dropped them when it was time. */
static bool is_of_the_past(const struct gossip *g, const struct entry_read *entry)
{
    const struct member *home = members_find(g, entry->home);
    return home != NULL && registry_log(g, entry->home, entry->epoch) == NULL &&
           (home->state == MEMBER_DEAD || home->state == MEMBER_LEFT);
}

/* A life that we have heard of, and whose log we will not make again. */
static bool member_knows_life(const struct member *member, uint64_t epoch)
{
    return member != NULL && epoch <= member->life->epoch;
}

/* False: of a home or life that we do not know. */
static bool take_entry(struct gossip *g, struct member *from, const struct entry_read *entry,
                       bool is_first, struct draft *heads)
{
    if (!is_first && is_of_the_past(g, entry))
        return true;
    struct log *log = registry_log_make(g, entry->home, entry->epoch);
    if (log == NULL)
        return member_knows_life(members_find(g, entry->home), entry->epoch);
    if (is_first || is_of_ended_life(log))
        orphans_age_told(g, log, entry->gone_ms);
    if (head_differs(entry->facts, sync_facts_of(log)))
        want_head(heads, entry);
    if (entry->facts.applied <= log->applied)
        return true;
    if (is_first)
        set_first_target(g, log, entry->facts.applied);
    pull_want(g, log, from, entry->facts.applied);
    return true;
}

uint32_t sync_list_take(struct gossip *g, struct member *from, struct wire_list entries,
                        bool is_first, uint64_t *last_home)
{
    struct draft heads;
    struct entry_read entry;
    uint32_t taken = 0;
    bool has_unknown = false;
    draft_clear(&heads);
    while (entry_next(&entries, &entry)) {
        has_unknown |= !take_entry(g, from, &entry, is_first, &heads);
        *last_home = entry.home;
        taken++;
    }
    if (has_unknown)
        roster_compare(g, from);
    send_head_pull(g, from, &heads);
    pull_next(g);
    return taken;
}

/* Is there an entry for this log? `entries` is read on: both sides go in (home, epoch) order, and
 * whoever lists in another order is only told more than it needed. */
static bool entry_for(struct wire_list *entries, struct entry_read *next, bool *has_next,
                      const struct log *log)
{
    while (*has_next &&
           (next->home < log->home || (next->home == log->home && next->epoch < log->epoch)))
        *has_next = entry_next(entries, next);
    return *has_next && next->home == log->home && next->epoch == log->epoch;
}

/* Do they lack something of it, or show orphans of an ended life for longer than is due? */
static bool is_worth_answering(const struct gossip *g, const struct log *log,
                               const struct entry_read *theirs)
{
    if (is_of_ended_life(log) && theirs->gone_ms > 0 &&
        orphans_age_ms(g, log) > theirs->gone_ms + AGE_TOLERANCE_MS)
        return true;
    /* Where our copy of an ended life ends with deletes, it counts no more: theirs does. */
    return (log->digest != 0 || is_of_ended_life(log)) &&
           is_ahead(sync_facts_of(log), theirs->facts);
}

static void answer(struct gossip *g, struct member *to, const struct wire_message *message)
{
    bool is_partial = (message->list.flags & SYNC_PARTIAL) != 0;
    struct wire_list entries = message->list.entries;
    struct entry_read theirs;
    bool has_next = entry_next(&entries, &theirs);
    struct draft ours;
    draft_clear(&ours);
    for (size_t i = 0; i < g->registry.log_count; i++) {
        const struct log *log = g->registry.logs[i];
        if ((message->list.buckets >> sync_bucket_of(log->home) & 1) == 0)
            continue;
        bool is_there = entry_for(&entries, &theirs, &has_next, log);
        if (is_there ? !is_worth_answering(g, log, &theirs) : is_partial || log->digest == 0)
            continue;
        if (!draft_has_room(&ours, ENTRY_MAX_BYTES, 1))
            draft_send(g, to, SYNC_ANSWER | SYNC_PARTIAL, &ours);
        draft_add(g, &ours, log);
    }
    if (ours.count > 0)
        draft_send(g, to, SYNC_ANSWER | SYNC_PARTIAL, &ours);
}

/* --- Pages, for the first sync --------------------------------------------------------------- */

static bool is_listed(const struct log *log, bool with_orphans)
{
    return log->digest != 0 || (with_orphans && (log->applied != 0 || log->head_blob != NULL));
}

/* One page of whole homes from index *at on. False: the end was reached. */
static bool draft_page(const struct gossip *g, size_t *at, bool with_orphans, struct draft *page)
{
    struct log **logs = g->registry.logs;
    size_t count = g->registry.log_count;
    while (*at < count) {
        size_t next = *at;
        uint32_t wanted = 0;
        for (; next < count && logs[next]->home == logs[*at]->home; next++)
            wanted += is_listed(logs[next], with_orphans);
        bool fits = draft_has_room(page, (size_t)wanted * ENTRY_MAX_BYTES, wanted);
        if (!fits && page->count > 0)
            return true;
        /* More lives of one home than a page holds: the oldest have nothing that still matters. */
        for (; *at < next; ++*at)
            if (is_listed(logs[*at], with_orphans) &&
                (fits || draft_has_room(page, (next - *at) * ENTRY_MAX_BYTES, 1)))
                draft_put(page, logs[*at], orphans_age_ms(g, logs[*at]));
    }
    return false;
}

void sync_list_send_pages(struct gossip *g, struct member *to, uint64_t after, bool with_orphans)
{
    size_t at = after == UINT64_MAX ? g->registry.log_count : index_from(g, after + 1);
    bool has_more = true;
    for (int i = 0; i < PAGES_AT_ONCE && has_more; i++) {
        struct draft page;
        uint64_t flags = SYNC_PAGE | SYNC_ANSWER | (with_orphans ? SYNC_ORPHANS : 0);
        draft_clear(&page);
        page.buckets = after;
        has_more = draft_page(g, &at, with_orphans, &page);
        after = page.count > 0 ? page.last_home : after;
        if (!has_more)
            flags |= SYNC_END;
        else if (i == PAGES_AT_ONCE - 1)
            flags |= SYNC_MORE;
        draft_send(g, to, flags, &page);
    }
}

void sync_on_list(struct gossip *g, struct member *from, const struct wire_message *message)
{
    uint64_t flags = message->list.flags;
    uint64_t last_home;
    if ((flags & SYNC_ASK) != 0) {
        if (!link_may_answer(g, from))
            return;
        sync_list_send_pages(g, from, message->list.buckets, (flags & SYNC_ORPHANS) != 0);
    } else if ((flags & SYNC_PAGE) != 0) {
        sync_first_on_page(g, from, message);
    } else {
        sync_list_take(g, from, message->list.entries, false, &last_home);
        if ((flags & SYNC_ANSWER) == 0)
            answer(g, from, message);
    }
}
