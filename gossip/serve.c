// SPDX-License-Identifier: Apache-2.0
/* serve.c - answering pulls: ranges of a log in version order, as many packets as the puller's
 * window. */
#include <assert.h>

#include "gossip/core.h"
#include "gossip/mem.h"

/* A RANGE's type, request, flags and batch, each at its largest, and the header of its list. */
#define RANGE_OVERHEAD_MAX_BYTES 72
/* Besides its statements, each range counts so much towards the window; range.c adds up the same.
 */
#define RANGE_FIXED_BYTES 64
#define WINDOW_MAX_BYTES  (256u << 10)
/* A window up to here is a gap, not bulk: served to anybody, at once. */
#define SMALL_WINDOW_BYTES (16u << 10)
/* A bulk puller that asks for nothing more for so long has gone elsewhere. */
#define SLOT_IDLE_MS 2000

static_assert(MESSAGE_MAX_BYTES - RANGE_OVERHEAD_MAX_BYTES >= STATEMENT_MAX_BYTES + 3,
              "one statement of full size fits a RANGE");

/* A bulk pull that we answer. */
struct serving {
    uint64_t puller; /* tag */
    uint64_t request;
    uint64_t until_ms;
};

bool pull_may_serve(const struct log *log)
{
    return log != NULL && log->state != LOG_DIVERGED && log->state != LOG_EQUIVOCATING &&
           (log->pull == NULL || !log->pull->is_reset);
}

static struct serving *slot_of(struct gossip *g, uint64_t puller, uint64_t request)
{
    struct serving *unused = NULL;
    if (g->puller.serving == NULL)
        g->puller.serving = mem_alloc(PULLS_OUT_MAX * sizeof(struct serving));
    for (int i = 0; i < PULLS_OUT_MAX; i++) {
        struct serving *slot = &g->puller.serving[i];
        if (slot->puller == puller && slot->request == request)
            return slot;
        if (slot->until_ms <= g->now.mono_ms)
            unused = slot;
    }
    return unused;
}

/* "I have nothing for you": not the log, not that much of it, or no time. */
static void send_nothing(struct gossip *g, struct member *to, const struct wire_message *pull,
                         uint64_t applied)
{
    struct wire_message message = {
        .type = WIRE_RANGE,
        .range = {.request = pull->pull.request,
                  .is_last = true,
                  .batch = {.home = pull->pull.home,
                            .epoch = pull->pull.epoch,
                            .v0 = pull->pull.after,
                            .v1 = pull->pull.after,
                            .applied = applied}},
    };
    outbox_send(g, to, PRIORITY_SET, &message);
}

/* One packet's worth of (*after, ...]. False: nothing may follow it. */
static bool send_range(struct gossip *g, struct member *to, const struct log *log,
                       const struct wire_message *pull, bool is_reset, uint64_t *after,
                       uint64_t *bytes)
{
    uint8_t scratch[MESSAGE_MAX_BYTES - RANGE_OVERHEAD_MAX_BYTES];
    struct wire_writer list = {scratch, 0, sizeof scratch, false};
    uint32_t count = 0;
    bool is_last = false;
    uint64_t through = log_read_range(log, *after, &list, &count, &is_last);
    assert(through >= *after && (is_last || through > *after));
    struct wire_message message = {
        .type = WIRE_RANGE,
        .range = {.request = pull->pull.request,
                  .is_reset = is_reset,
                  .is_last = is_last,
                  .batch = {.home = log->home,
                            .epoch = log->epoch,
                            .v0 = *after,
                            .v1 = through,
                            .applied = log->applied,
                            .floor = log->floor,
                            .statements = wire_list_of(&list, count)}},
    };
    bool is_small = pull->pull.window_bytes <= SMALL_WINDOW_BYTES;
    *after = through;
    *bytes += list.len + RANGE_FIXED_BYTES;
    return outbox_send(g, to, is_small ? PRIORITY_SET : PRIORITY_BULK, &message) && !is_last;
}

void pull_on_pull(struct gossip *g, struct member *from, const struct wire_message *message)
{
    const struct log *log = registry_log(g, message->pull.home, message->pull.epoch);
    uint64_t after = message->pull.after;
    uint64_t window_bytes = message->pull.window_bytes;
    bool is_reset = message->pull.is_reset;
    if (!pull_may_serve(log) || after > log->applied || (after == log->applied && !is_reset)) {
        send_nothing(g, from, message, log != NULL && after >= log->applied ? log->applied : 0);
        return;
    }
    /* Deletes that it has not seen are forgotten here: it must see everything that is left, and
     * drop the rest. */
    if (!is_reset && after < log->floor) {
        is_reset = true;
        after = 0;
    }
    struct serving *slot = NULL;
    if (window_bytes > SMALL_WINDOW_BYTES) {
        if (!link_may_answer(g, from))
            return;
        slot = slot_of(g, from->life->tag, message->pull.request);
        if (slot == NULL) {
            send_nothing(g, from, message, 0);
            return;
        }
        *slot =
            (struct serving){from->life->tag, message->pull.request, g->now.mono_ms + SLOT_IDLE_MS};
    }
    if (window_bytes > WINDOW_MAX_BYTES)
        window_bytes = WINDOW_MAX_BYTES;
    uint64_t sent_bytes = 0;
    bool has_more;
    do
        has_more = send_range(g, from, log, message, is_reset, &after, &sent_bytes);
    while (has_more && sent_bytes < window_bytes);
    if (slot != NULL && after >= log->applied)
        *slot = (struct serving){0};
}

/* --- HEADs ----------------------------------------------------------------------------------- */

static void send_heads(struct gossip *g, struct member *to, struct wire_writer *list,
                       uint32_t *count)
{
    struct wire_message message = {.type = WIRE_NEWS,
                                   .news.statements = wire_list_of(list, *count)};
    if (*count > 0)
        outbox_send(g, to, PRIORITY_SET, &message);
    list->len = 0;
    *count = 0;
}

static void add_head(struct gossip *g, struct member *to, const struct blob *blob,
                     struct wire_writer *list, uint32_t *count)
{
    if (blob == NULL)
        return;
    wire_put_bin(list, blob_span(blob));
    if (list->overflowed) {
        list->overflowed = false;
        send_heads(g, to, list, count);
        wire_put_bin(list, blob_span(blob));
    }
    assert(!list->overflowed);
    ++*count;
}

void pull_on_head_pull(struct gossip *g, struct member *from, const struct wire_message *message)
{
    struct wire_list entries = message->announce.entries;
    struct wire_list entry;
    uint64_t home, epoch;
    uint8_t scratch[MESSAGE_MAX_BYTES - 8];
    struct wire_writer list = {scratch, 0, sizeof scratch, false};
    uint32_t count = 0;
    while (wire_list_list(&entries, &entry) && wire_list_uint(&entry, &home) &&
           wire_list_uint(&entry, &epoch)) {
        const struct log *log = registry_log(g, home, epoch);
        if (log == NULL)
            continue;
        add_head(g, from, log->head_blob, &list, &count);
        add_head(g, from, log->evidence, &list, &count);
    }
    send_heads(g, from, &list, &count);
}
