// SPDX-License-Identifier: Apache-2.0
/* sync.c - anti-entropy of the record plane: one number says whether two nodes hold the same logs.
 *
 * The number rides in every PING and ACK, so that equal nodes pay nothing. Where it differs, and
 * for some seconds after any operation, a node asks one other twice a second:
 *
 *     A -> B  LOGS_HASHES [total]          equal: B is silent
 *     B -> A  LOGS_LIST (few logs), or LOGS_HASHES of COMPARE_BUCKETS sums, answered by
 *     A -> B  LOGS_LIST of the buckets that differ
 *             and whoever got a list answers with what it has more of, and pulls what it has less
 * of. */
#include "gossip/sync.h"

#include <assert.h>

#include "crypto/hash.h"
#include "gossip/core.h"

#define COMPARE_JITTER_PERCENT 20
/* Up to so many logs, a list of all costs no more than a round of hashes. */
#define LIST_AT_ONCE_MAX 48
static_assert(COMPARE_BUCKETS == 32, "buckets are a 32-bit set, and the top five bits of a tag");

/* --- The digest ------------------------------------------------------------------------------ */

static void put_u64(uint8_t *out, uint64_t value)
{
    for (int i = 0; i < 8; i++)
        out[i] = (uint8_t)(value >> (56 - 8 * i));
}

static uint64_t get_u64(const uint8_t *bytes)
{
    uint64_t value = 0;
    for (int i = 0; i < 8; i++)
        value = value << 8 | bytes[i];
    return value;
}

/* Two holders of an equivocating home's log froze it at different points, with different HEADs
 * first: all that they need to agree on is that it equivocates. */
struct sync_facts sync_facts_of(const struct log *log)
{
    if (log->evidence != NULL)
        return (struct sync_facts){0, UINT64_MAX, 0};
    struct sync_facts facts = {.applied = log->applied};
    if (log->head_blob != NULL) {
        facts.head_version = log->head.version;
        facts.head_root = get_u64(log->head.root.bytes);
    }
    return facts;
}

static bool is_home_there(const struct log *log)
{
    return log->member->state != MEMBER_DEAD && log->member->state != MEMBER_LEFT;
}

static bool is_current(const struct log *log)
{
    return is_home_there(log) && log->epoch == log->member->life->epoch &&
           (log->applied != 0 || log->head_blob != NULL);
}

/* What an ended life left counts for as long as the grace runs. A record, or a delete that only
 * some heard of, would else be there at some nodes and not at others; and a delete may stand above
 * what another home re-issues. When the grace began all agree (sync_list.c), so they stop at one
 * time. */
static bool is_fresh_orphan(const struct gossip *g, const struct log *log)
{
    return is_home_there(log) && log->epoch < log->member->life->epoch &&
           log->standing == HOME_GONE && log->held_count > 0 &&
           orphans_age_ms(g, log) < g->config.orphan_grace_ms;
}

/* Logs of the dead are everybody's own memory, held for as long as each sees fit; and an empty log
 * is the same as one that was never made. */
static bool is_counted(const struct gossip *g, const struct log *log)
{
    return is_current(log) || is_fresh_orphan(g, log);
}

static uint64_t digest_of(const struct gossip *g, const struct log *log)
{
    /* Public, and the same everywhere: the digest finds differences, it keeps nobody from making
     * them. */
    static const uint8_t key[HASH_SHORT_KEY_BYTES] = {'r', 'e', 'c', 'o', 'r', 'd', 's', '-',
                                                      'd', 'i', 'g', 'e', 's', 't', '-', '1'};
    struct sync_facts facts = sync_facts_of(log);
    uint8_t bytes[40];
    if (!is_counted(g, log))
        return 0;
    put_u64(bytes, log->home);
    put_u64(bytes + 8, log->epoch);
    put_u64(bytes + 16, facts.applied);
    put_u64(bytes + 24, facts.head_version);
    put_u64(bytes + 32, facts.head_root);
    return hash_short(bytes, sizeof bytes, key);
}

void sync_log_changed(struct gossip *g, struct log *log)
{
    uint64_t digest = digest_of(g, log);
    g->registry.records_digest += digest - log->digest;
    log->digest = digest;
    if (log->is_ended || log->epoch == log->member->life->epoch)
        return;
    /* Others may have known for long that this life is over: ask, or its orphans stay longer here.
     */
    log->is_ended = true;
    sync_operation_seen(g);
}

/* --- When ------------------------------------------------------------------------------------ */

static void arm(struct gossip *g, uint64_t in_ms)
{
    if (g->sync.is_first_done && !timer_is_set(&g->sync.timer))
        timer_set(&g->timers, &g->sync.timer, TIMER_COMPARE, g->now.mono_ms + in_ms);
}

static void stay_active(struct gossip *g, uint64_t for_ms)
{
    uint64_t until_ms = g->now.mono_ms + for_ms;
    if (until_ms > g->sync.active_until_ms)
        g->sync.active_until_ms = until_ms;
}

void sync_operation_seen(struct gossip *g)
{
    stay_active(g, COMPARE_AFTER_CHANGE_MS);
    arm(g, prng_jitter(&g->prng, COMPARE_INTERVAL_MS, COMPARE_JITTER_PERCENT));
}

/* No timer says that the grace of an ended life is over; a digest that differs does. */
static void forget_old_lives(struct gossip *g)
{
    for (size_t i = 0; i < g->registry.log_count; i++)
        if (g->registry.logs[i]->epoch < g->registry.logs[i]->member->life->epoch)
            sync_log_changed(g, g->registry.logs[i]);
}

void sync_on_digest(struct gossip *g, struct member *from, uint64_t records_digest)
{
    if (records_digest != g->registry.records_digest)
        forget_old_lives(g);
    if (records_digest == g->registry.records_digest)
        return;
    g->sync.differs_from = from->life->tag;
    /* One that came by while an operation was on its way costs one comparison that ends at once. */
    arm(g, 1 + prng_below(&g->prng, COMPARE_INTERVAL_MS / 4));
}

static void send_hashes(struct gossip *g, struct member *to, const uint64_t *hashes, uint32_t count)
{
    uint8_t bytes[COMPARE_BUCKETS * 9];
    struct wire_writer list = {bytes, 0, sizeof bytes, false};
    for (uint32_t i = 0; i < count; i++)
        wire_put_uint(&list, hashes[i]);
    struct wire_message message = {.type = WIRE_LOGS_HASHES,
                                   .hashes.hashes = wire_list_of(&list, count)};
    outbox_send(g, to, PRIORITY_SET, &message);
}

static void compare(struct gossip *g, struct member *with)
{
    g->stats.compares++;
    send_hashes(g, with, &g->registry.records_digest, 1);
    sync_list_send_lives(g, with);
}

static struct member *pick_partner(struct gossip *g)
{
    struct member *member = members_find(g, g->sync.differs_from);
    g->sync.differs_from = 0;
    if (member != NULL && member_is_live(g, member))
        return member;
    return members_pick(g, &member, 1, 0) == 1 ? member : NULL;
}

void sync_on_timer(struct gossip *g)
{
    if (!g->sync.is_first_done) {
        sync_first_on_timer(g);
        return;
    }
    struct member *with = pick_partner(g);
    if (with != NULL)
        compare(g, with);
    pull_next(g);
    if (g->now.mono_ms < g->sync.active_until_ms)
        arm(g, prng_jitter(&g->prng, COMPARE_INTERVAL_MS, COMPARE_JITTER_PERCENT));
}

/* --- Where ----------------------------------------------------------------------------------- */

unsigned sync_bucket_of(uint64_t home)
{
    return (unsigned)(home >> 59);
}

static size_t bucket_sums(const struct gossip *g, uint64_t sums[COMPARE_BUCKETS])
{
    size_t listed = 0;
    memset(sums, 0, COMPARE_BUCKETS * sizeof *sums);
    for (size_t i = 0; i < g->registry.log_count; i++) {
        const struct log *log = g->registry.logs[i];
        sums[sync_bucket_of(log->home)] += log->digest;
        listed += log->digest != 0;
    }
    return listed;
}

static void on_total(struct gossip *g, struct member *from, uint64_t total)
{
    uint64_t sums[COMPARE_BUCKETS];
    if (total != g->registry.records_digest)
        forget_old_lives(g);
    if (total == g->registry.records_digest)
        return;
    if (bucket_sums(g, sums) <= LIST_AT_ONCE_MAX)
        sync_list_send(g, from, 0, UINT32_MAX);
    else
        send_hashes(g, from, sums, COMPARE_BUCKETS);
}

static void on_sums(struct gossip *g, struct member *from, struct wire_list hashes)
{
    uint64_t sums[COMPARE_BUCKETS];
    uint64_t theirs;
    uint32_t differing = 0;
    forget_old_lives(g);
    bucket_sums(g, sums);
    for (unsigned i = 0; i < COMPARE_BUCKETS && wire_list_uint(&hashes, &theirs); i++)
        if (theirs != sums[i])
            differing |= 1u << i;
    if (differing != 0)
        sync_list_send(g, from, 0, differing);
}

void sync_on_hashes(struct gossip *g, struct member *from, const struct wire_message *message)
{
    struct wire_list hashes = message->hashes.hashes;
    uint64_t total;
    if (!g->sync.is_first_done)
        return; /* we lack nearly everything, and are about to get it */
    if (hashes.count == COMPARE_BUCKETS)
        on_sums(g, from, hashes);
    else if (hashes.count == 1 && wire_list_uint(&hashes, &total))
        on_total(g, from, total);
    else
        drop_count(g, DROP_MALFORMED);
}

bool sync_is_converged(const struct gossip *g)
{
    if (!g->sync.is_first_done || g->detector.is_cut_off || g->voice.is_condemned)
        return false;
    for (size_t i = 0; i < g->registry.log_count; i++) {
        const struct log *log = g->registry.logs[i];
        if (!is_current(log))
            continue;
        if (log->state == LOG_DIVERGED || log->state == LOG_EQUIVOCATING)
            return false;
        if (log->behind_since_ms != 0 && g->now.mono_ms - log->behind_since_ms > BEHIND_MS)
            return false;
    }
    return true;
}
