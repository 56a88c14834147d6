// SPDX-License-Identifier: Apache-2.0
/* repair.c - a log whose root is not its HEAD's: find the buckets that differ, and fetch those
 * again.
 *
 *     us (at version v)                               a member at the same version v
 *       | ROOT_PULL page 0..3 -----------------------> |
 *       | <-------------------- ROOT_PAGE v, hashes x4 |   64 buckets each; which ones differ?
 *       | BUCKET_PULL bucket, after_index -----------> |
 *       | <------------- BUCKET v, statements, is_last |   shown: kept or set; not shown: dropped
 *
 * Both must be at one version all the while. Where that does not work out, or where much differs,
 * the log is pulled from version 0 and swept instead, which works at any version. */
#include <assert.h>

#include "gossip/core.h"
#include "gossip/root.h"

#define PAGES     (ROOT_BUCKETS / ROOT_PAGE_BUCKETS)
#define ALL_PAGES ((1u << PAGES) - 1)
/* More buckets than this cost more round trips than pulling everything. */
#define BUCKETS_DIFFER_MAX 24
#define ATTEMPTS_MAX       4
/* A repair that did not help is begun again after so long, doubled each time. */
#define AGAIN_MS            1000
#define AGAIN_DOUBLINGS_MAX 6
#define JITTER_PERCENT      20
/* Entries of a bucket looked at in one go. */
#define ENTRIES_AT_ONCE 64
/* A BUCKET's fields, each at its largest, and the header of its list. */
#define BUCKET_OVERHEAD_MAX_BYTES 72

/* --- Asking ---------------------------------------------------------------------------------- */

static void arm(struct gossip *g, struct pull *pull)
{
    timer_set(&g->timers, &pull->timer, TIMER_PULL, g->now.mono_ms + pull_timeout_ms(g, pull));
}

static void ask_roots(struct gossip *g, struct pull *pull)
{
    struct member *from = members_find(g, pull->from);
    pull->phase = PULL_REPAIR_ROOTS;
    pull->version = pull->log->applied;
    pull->pages = 0;
    memset(pull->buckets, 0, sizeof pull->buckets);
    for (unsigned page = 0; page < PAGES && from != NULL; page++) {
        struct wire_message message = {
            .type = WIRE_ROOT_PULL,
            .root_pull = {.request = pull->request,
                          .home = pull->log->home,
                          .epoch = pull->log->epoch,
                          .page = page},
        };
        outbox_send(g, from, PRIORITY_SET, &message);
    }
    arm(g, pull);
}

static void ask_bucket(struct gossip *g, struct pull *pull)
{
    struct member *from = members_find(g, pull->from);
    struct wire_message message = {
        .type = WIRE_BUCKET_PULL,
        .bucket_pull = {.request = pull->request,
                        .home = pull->log->home,
                        .epoch = pull->log->epoch,
                        .bucket = pull->bucket,
                        .after_index = pull->after_index},
    };
    pull->phase = PULL_REPAIR_BUCKET;
    if (from != NULL)
        outbox_send(g, from, PRIORITY_SET, &message);
    arm(g, pull);
}

/* The home has the truth; others may lack what we lack. */
static struct member *source_of(struct gossip *g, const struct log *log, uint64_t except)
{
    struct member *home = members_find(g, log->home);
    struct member *random = NULL;
    if (home != NULL && member_is_live(g, home) && home->life->tag != except)
        return home;
    members_pick(g, &random, 1, except);
    return random;
}

void repair_begin(struct gossip *g, struct log *log, struct member *from)
{
    assert(log->state == LOG_DIVERGED && log != g->registry.own);
    if (log->pull != NULL || g->puller.pull_count == PULLS_MAX)
        return; /* the next head_check finds it again */
    /* A home that lies about its own log would else keep us from it for ever. */
    if (from == NULL)
        from = source_of(g, log, log->repairs % 2 == 1 ? log->home : 0);
    if (from == NULL)
        from = source_of(g, log, 0); /* of two, the other is the home */
    struct pull *pull = pull_new(g, log, from);
    if (from == NULL || g->now.mono_ms < log->repair_at_ms) {
        uint64_t at_ms = g->now.mono_ms + AGAIN_MS;
        pull->phase = PULL_REPAIR_WAITING;
        timer_set(&g->timers, &pull->timer, TIMER_PULL,
                  at_ms > log->repair_at_ms ? at_ms : log->repair_at_ms);
        return;
    }
    uint32_t doublings = log->repairs < AGAIN_DOUBLINGS_MAX ? log->repairs : AGAIN_DOUBLINGS_MAX;
    log->repairs++;
    log->repair_at_ms =
        g->now.mono_ms + prng_jitter(&g->prng, (uint64_t)AGAIN_MS << doublings, JITTER_PERCENT);
    ask_roots(g, pull);
}

/* Both sides never were at one version, or much differs: everything again. */
static void pull_all(struct gossip *g, struct pull *pull)
{
    pull_reset_from(g, pull, pull->from);
    pull->attempts = 0;
    pull->window_bytes = BULK_WINDOW_BYTES;
    g->stats.repairs++;
    pull_ask(g, pull);
}

/* Somebody else, or from the start; after some of that, all of the log. */
static void try_again(struct gossip *g, struct pull *pull)
{
    if (++pull->attempts >= ATTEMPTS_MAX) {
        pull_all(g, pull);
        return;
    }
    struct member *next = source_of(g, pull->log, pull->attempts > 1 ? pull->from : 0);
    if (next != NULL)
        pull->from = next->life->tag;
    ask_roots(g, pull);
}

void repair_on_timer(struct gossip *g, struct pull *pull)
{
    assert(pull->phase >= PULL_REPAIR_ROOTS);
    if (pull->phase == PULL_REPAIR_WAITING || pull->log->state != LOG_DIVERGED)
        pull_end(g, pull); /* which looks at the log again, and begins anew */
    else
        try_again(g, pull);
}

/* The answer to our question, about the version that we are still at? */
static bool is_comparable(struct gossip *g, const struct pull *pull, uint64_t home, uint64_t epoch,
                          uint64_t version)
{
    if (pull->log->home == home && pull->log->epoch == epoch && pull->version == version &&
        pull->log->applied == version)
        return true;
    drop_count(g, DROP_STALE);
    return false;
}

static struct pull *pull_of(struct gossip *g, const struct member *from, uint64_t request,
                            enum pull_phase phase)
{
    struct pull *pull = pull_find(g, request);
    if (pull != NULL && pull->phase == phase && pull->from == from->life->tag)
        return pull;
    drop_count(g, DROP_UNSOLICITED);
    return NULL;
}

static unsigned differing_count(const struct pull *pull)
{
    unsigned count = 0;
    for (unsigned i = 0; i < ROOT_BUCKETS; i++)
        count += (unsigned)(pull->buckets[i / 64] >> (i % 64) & 1);
    return count;
}

static void next_bucket(struct gossip *g, struct pull *pull)
{
    for (unsigned i = 0; i < ROOT_BUCKETS; i++) {
        if ((pull->buckets[i / 64] >> (i % 64) & 1) == 0)
            continue;
        pull->bucket = i;
        pull->after_index = 0;
        ask_bucket(g, pull);
        return;
    }
    g->stats.repairs++;
    pull_end(g, pull);
}

void repair_on_root_page(struct gossip *g, struct member *from, const struct wire_message *message)
{
    struct pull *pull = pull_of(g, from, message->root_page.request, PULL_REPAIR_ROOTS);
    struct wire_list hashes = message->root_page.hashes;
    uint64_t page = message->root_page.page;
    if (pull == NULL || page >= PAGES || hashes.count != ROOT_PAGE_BUCKETS ||
        !is_comparable(g, pull, message->root_page.home, message->root_page.epoch,
                       message->root_page.version))
        return;
    uint64_t ours[ROOT_PAGE_BUCKETS];
    uint64_t theirs = 0;
    root_page(pull->log, (unsigned)page, ours);
    for (unsigned i = 0; wire_list_uint(&hashes, &theirs); i++) {
        unsigned bucket = (unsigned)page * ROOT_PAGE_BUCKETS + i;
        if (theirs != ours[i])
            pull->buckets[bucket / 64] |= 1ull << (bucket % 64);
    }
    pull->pages |= (uint8_t)(1u << page);
    if (pull->pages != ALL_PAGES)
        return;
    unsigned differing = differing_count(pull);
    if (differing == 0)
        try_again(g, pull); /* it lacks what we lack */
    else if (differing > BUCKETS_DIFFER_MAX)
        pull_all(g, pull);
    else
        next_bucket(g, pull);
}

/* Live records of the bucket that were not shown are not in the log that its home signed. */
static void drop_unshown(struct gossip *g, struct log *log, unsigned bucket)
{
    struct entry *found[ENTRIES_AT_ONCE];
    size_t kept = 0;
    size_t count;
    do {
        count = root_bucket_entries(log, bucket, kept, found, ENTRIES_AT_ONCE);
        for (size_t i = 0; i < count; i++) {
            if (found[i]->sweep == log->sweep)
                kept++;
            else
                registry_entry_drop(g, found[i], PEER_DOWN_SWEPT);
        }
    } while (count == ENTRIES_AT_ONCE);
}

static bool show_all(struct gossip *g, struct log *log, struct wire_list statements,
                     uint64_t version)
{
    struct span statement;
    while (wire_list_bin(&statements, &statement))
        if (log_on_repair(g, log, statement, version) == BATCH_BAD)
            return false;
    return true;
}

void repair_on_bucket(struct gossip *g, struct member *from, const struct wire_message *message)
{
    struct pull *pull = pull_of(g, from, message->bucket.request, PULL_REPAIR_BUCKET);
    if (pull == NULL || message->bucket.bucket != pull->bucket ||
        message->bucket.after_index != pull->after_index ||
        !is_comparable(g, pull, message->bucket.home, message->bucket.epoch,
                       message->bucket.version))
        return;
    struct log *log = pull->log;
    uint32_t count = message->bucket.statements.count;
    if (pull->after_index == 0)
        log->sweep++;
    if (!show_all(g, log, message->bucket.statements, pull->version) ||
        (count == 0 && !message->bucket.is_last)) {
        try_again(g, pull);
        return;
    }
    pull->after_index += count;
    pull->attempts = 0;
    if (!message->bucket.is_last) {
        ask_bucket(g, pull);
        return;
    }
    drop_unshown(g, log, (unsigned)pull->bucket);
    pull->buckets[pull->bucket / 64] &= ~(1ull << (pull->bucket % 64));
    next_bucket(g, pull);
}

/* --- Answering ------------------------------------------------------------------------------- */

void repair_on_root_pull(struct gossip *g, struct member *from, const struct wire_message *message)
{
    struct log *log = registry_log(g, message->root_pull.home, message->root_pull.epoch);
    uint64_t page = message->root_pull.page;
    if (!pull_may_serve(log) || page >= PAGES)
        return; /* silence: it asks elsewhere */
    uint64_t hashes[ROOT_PAGE_BUCKETS];
    uint8_t scratch[ROOT_PAGE_BUCKETS * 9];
    struct wire_writer list = {scratch, 0, sizeof scratch, false};
    root_page(log, (unsigned)page, hashes);
    for (unsigned i = 0; i < ROOT_PAGE_BUCKETS; i++)
        wire_put_uint(&list, hashes[i]);
    struct wire_message answer = {
        .type = WIRE_ROOT_PAGE,
        .root_page = {.request = message->root_pull.request,
                      .home = log->home,
                      .epoch = log->epoch,
                      .version = log->applied,
                      .page = page,
                      .hashes = wire_list_of(&list, ROOT_PAGE_BUCKETS)},
    };
    outbox_send(g, from, PRIORITY_SET, &answer);
}

void repair_on_bucket_pull(struct gossip *g, struct member *from,
                           const struct wire_message *message)
{
    struct log *log = registry_log(g, message->bucket_pull.home, message->bucket_pull.epoch);
    uint64_t bucket = message->bucket_pull.bucket;
    if (!pull_may_serve(log) || bucket >= ROOT_BUCKETS)
        return;
    struct entry *found[ENTRIES_AT_ONCE];
    uint8_t scratch[MESSAGE_MAX_BYTES - BUCKET_OVERHEAD_MAX_BYTES];
    struct wire_writer list = {scratch, 0, sizeof scratch, false};
    size_t count = root_bucket_entries(log, (unsigned)bucket, message->bucket_pull.after_index,
                                       found, ENTRIES_AT_ONCE);
    uint32_t fitting = 0;
    for (; fitting < count; fitting++) {
        wire_put_bin(&list, blob_span(found[fitting]->blob));
        if (list.overflowed)
            break;
    }
    list.overflowed = false;
    struct wire_message answer = {
        .type = WIRE_BUCKET,
        .bucket = {.request = message->bucket_pull.request,
                   .home = log->home,
                   .epoch = log->epoch,
                   .version = log->applied,
                   .bucket = bucket,
                   .after_index = message->bucket_pull.after_index,
                   .is_last = fitting == count && count < ENTRIES_AT_ONCE,
                   .statements = wire_list_of(&list, fitting)},
    };
    outbox_send(g, from, PRIORITY_SET, &answer);
}
