// SPDX-License-Identifier: Apache-2.0
/* announce.c - "this log has reached this version": told to three random members, a few words for
 * each batch, so that whoever the tree missed can pull it. */
#include <assert.h>

#include "gossip/core.h"

/* As many as fit one message; how many. An entry that does not fit is taken back whole. */
static uint32_t put_pending(const struct spread *spread, size_t first, struct wire_writer *list)
{
    uint32_t count = 0;
    for (size_t i = first; i < spread->pending_count; i++, count++) {
        size_t before = list->len;
        wire_put_array(list, 3);
        wire_put_uint(list, spread->pending[i].home);
        wire_put_uint(list, spread->pending[i].epoch);
        wire_put_uint(list, spread->pending[i].version);
        if (list->overflowed) {
            list->len = before;
            break;
        }
    }
    return count;
}

static void send_pending(struct gossip *g)
{
    struct spread *spread = &g->spread;
    struct member *to[ANNOUNCE_COUNT];
    size_t chosen = members_pick(g, to, ANNOUNCE_COUNT, 0);
    for (size_t first = 0; first < spread->pending_count;) {
        uint8_t bytes[MESSAGE_MAX_BYTES - 16];
        struct wire_writer list = {bytes, 0, sizeof bytes, false};
        uint32_t count = put_pending(spread, first, &list);
        assert(count > 0); /* any entry fits an empty message */
        struct wire_message message = {.type = WIRE_ANNOUNCE,
                                       .announce.entries = wire_list_of(&list, count)};
        for (size_t i = 0; i < chosen; i++)
            outbox_send(g, to[i], PRIORITY_SET, &message);
        g->stats.announced += chosen * count;
        first += count;
    }
    spread->pending_count = 0;
}

void announce_on_timer(struct gossip *g)
{
    if (g->spread.pending_count > 0)
        send_pending(g);
}

void announce_later(struct gossip *g, uint64_t home, uint64_t epoch, uint64_t version)
{
    struct spread *spread = &g->spread;
    for (size_t i = 0; i < spread->pending_count; i++) {
        struct announcement *known = &spread->pending[i];
        if (known->home == home && known->epoch == epoch) {
            known->version = version > known->version ? version : known->version;
            return;
        }
    }
    if (spread->pending_count == ANNOUNCE_PENDING_MAX)
        send_pending(g);
    if (!timer_is_set(&spread->announce_timer))
        timer_set(&g->timers, &spread->announce_timer, TIMER_ANNOUNCE,
                  g->now.mono_ms + ANNOUNCE_DELAY_MS);
    spread->pending[spread->pending_count++] = (struct announcement){home, epoch, version};
}

void announce_on_message(struct gossip *g, struct member *from, const struct wire_message *message)
{
    struct wire_list entries = message->announce.entries;
    struct wire_list entry;
    uint64_t home, epoch, version;
    while (wire_list_list(&entries, &entry)) {
        if (!wire_list_uint(&entry, &home) || !wire_list_uint(&entry, &epoch) ||
            !wire_list_uint(&entry, &version)) {
            drop_count(g, DROP_MALFORMED);
            return;
        }
        const struct log *log = registry_log(g, home, epoch);
        if (log == NULL || log->applied < version)
            pull_missing_later(g, from, home, epoch, version);
    }
}
