// SPDX-License-Identifier: Apache-2.0
/* outbox.c - packets on their way out: coalesced per destination, in order of priority, paced,
 * sealed when drained. */
#include "gossip/outbox.h"

#include <assert.h>

#include "crypto/hash.h"
#include "gossip/core.h"
#include "gossip/mem.h"
#include "gossip/sealed.h"

/* How many waiting packets are looked at for one to the same destination, or for one whose
 * destination may be sent to. Queues are drained after every input, so honest ones are shorter. */
#define SCAN_MAX 128
static_assert(SCAN_MAX >= 2 * (WAITING_PER_MEMBER_MAX + 32),
              "two that ask too much, a whole answer ahead, hide nobody else's packets");
/* Empty parcels kept for reuse; more go back to the heap, so that a burst does not stay for ever.
 */
#define SPARE_MAX 32
/* A bucket holds a quarter of a second's worth: bursts of the tree pass, sustained floods do not.
 */
#define BURST_DIVISOR 4

/* Grows as messages are appended; `plain` has no header yet: the counter is drawn when it leaves.
 */
struct parcel {
    struct parcel *next;
    struct addr to;
    uint64_t receiver;
    size_t len;
    bool has_probe; /* rumours may fill the rest */
    uint8_t plain[MESSAGE_MAX_BYTES];
};

void outbox_init(struct gossip *g)
{
    struct hash prefix;
    /* A nonce is this prefix and a counter: it cannot repeat within a life, and lives differ by
     * seed. */
    hash_of("aurora-nonce", g->config.seed, sizeof g->config.seed, &prefix);
    static_assert(sizeof g->outbox.nonce_prefix + sizeof g->outbox.nonce_counter ==
                      SEAL_NONCE_BYTES,
                  "prefix and counter fill the nonce");
    memcpy(g->outbox.nonce_prefix, prefix.bytes, sizeof g->outbox.nonce_prefix);
    g->outbox.steady =
        (struct bucket){g->config.egress_bytes_per_s / BURST_DIVISOR, g->now.mono_ms};
    g->outbox.bulk = (struct bucket){BULK_BYTES_PER_S / BURST_DIVISOR, g->now.mono_ms};
}

static void list_free(struct parcel *parcel)
{
    while (parcel != NULL) {
        struct parcel *next = parcel->next;
        mem_free(parcel);
        parcel = next;
    }
}

void outbox_free(struct gossip *g)
{
    for (int i = 0; i < PRIORITIES; i++)
        list_free(g->outbox.first[i]);
    list_free(g->outbox.spare);
    timer_cancel(&g->timers, &g->outbox.pace);
}

/* --- Buckets -------------------------------------------------------------------------------------
 */

static void bucket_refill(struct bucket *bucket, uint32_t rate, uint64_t now_ms)
{
    int64_t most = rate / BURST_DIVISOR;
    uint64_t elapsed_ms = now_ms - bucket->at_ms;
    /* A second refills any bucket: capping the time keeps the product small. */
    int64_t gain = (int64_t)(elapsed_ms > 1000 ? 1000 : elapsed_ms) * rate / 1000;
    bucket->tokens = bucket->tokens + gain > most ? most : bucket->tokens + gain;
    bucket->at_ms = now_ms;
}

/* A bucket may go below zero by one packet; it must be above it to send. */
static uint64_t bucket_wait_ms(const struct bucket *bucket, uint32_t rate)
{
    return bucket->tokens > 0 ? 0 : (uint64_t)(-bucket->tokens) * 1000 / rate + 1;
}

static uint64_t parcel_wait_ms(struct gossip *g, enum priority priority,
                               const struct parcel *parcel)
{
    uint64_t now_ms = g->now.mono_ms;
    if (priority == PRIORITY_PROBE)
        return 0;
    if (priority == PRIORITY_BULK) {
        bucket_refill(&g->outbox.bulk, BULK_BYTES_PER_S, now_ms);
        return bucket_wait_ms(&g->outbox.bulk, BULK_BYTES_PER_S);
    }
    bucket_refill(&g->outbox.steady, g->config.egress_bytes_per_s, now_ms);
    uint64_t wait_ms = bucket_wait_ms(&g->outbox.steady, g->config.egress_bytes_per_s);
    struct member *member = members_find(g, parcel->receiver);
    if (member == NULL || member->link == NULL)
        return wait_ms;
    struct bucket *peer = &member->link->egress;
    bucket_refill(peer, g->config.egress_peer_bytes_per_s, now_ms);
    uint64_t peer_wait_ms = bucket_wait_ms(peer, g->config.egress_peer_bytes_per_s);
    return peer_wait_ms > wait_ms ? peer_wait_ms : wait_ms;
}

static void bucket_spend(struct gossip *g, enum priority priority, struct member *member,
                         size_t len)
{
    if (priority == PRIORITY_BULK) {
        g->outbox.bulk.tokens -= (int64_t)len;
        return;
    }
    g->outbox.steady.tokens -= (int64_t)len;
    if (member != NULL && member->link != NULL)
        member->link->egress.tokens -= (int64_t)len;
}

/* --- Queueing
 * --------------------------------------------------------------------------------------- */

static struct parcel *parcel_new(struct outbox *outbox)
{
    struct parcel *parcel = outbox->spare;
    if (parcel == NULL)
        return mem_alloc(sizeof *parcel);
    outbox->spare = parcel->next;
    outbox->spare_count--;
    return parcel;
}

static void parcel_drop(struct outbox *outbox, struct parcel *parcel)
{
    if (outbox->spare_count >= SPARE_MAX) {
        mem_free(parcel);
        return;
    }
    parcel->next = outbox->spare;
    outbox->spare = parcel;
    outbox->spare_count++;
}

static void list_unlink(struct outbox *outbox, enum priority priority, struct parcel *parcel,
                        struct parcel *before)
{
    assert(outbox->count > 0);
    if (before == NULL)
        outbox->first[priority] = parcel->next;
    else
        before->next = parcel->next;
    if (outbox->last[priority] == parcel)
        outbox->last[priority] = before;
    outbox->count--;
}

/* When full, the oldest of the least important goes; what is less important than all of it is
 * refused. */
static bool make_room(struct gossip *g, enum priority wanted)
{
    struct outbox *outbox = &g->outbox;
    if (outbox->count < OUTBOX_PACKETS_MAX)
        return true;
    g->stats.outbox_dropped++;
    for (int i = PRIORITIES - 1; i >= (int)wanted; i--) {
        struct parcel *oldest = outbox->first[i];
        if (oldest == NULL)
            continue;
        list_unlink(outbox, (enum priority)i, oldest, NULL);
        parcel_drop(outbox, oldest);
        return true;
    }
    return false;
}

static bool parcel_append(struct parcel *parcel, const struct wire_message *message)
{
    struct wire_writer writer = {parcel->plain, parcel->len, sizeof parcel->plain, false};
    if (!wire_write_message(&writer, message))
        return false;
    parcel->len = writer.len;
    parcel->has_probe |= message->type == WIRE_PING || message->type == WIRE_ACK;
    return true;
}

static bool append_to_waiting(struct outbox *outbox, enum priority priority, const struct addr *to,
                              uint64_t receiver, const struct wire_message *message)
{
    struct parcel *parcel = outbox->first[priority];
    for (int i = 0; parcel != NULL && i < SCAN_MAX; i++, parcel = parcel->next)
        if (parcel->receiver == receiver && addr_equal(&parcel->to, to) &&
            parcel_append(parcel, message))
            return true;
    return false;
}

bool outbox_send_to(struct gossip *g, const struct addr *to, uint64_t receiver,
                    enum priority priority, const struct wire_message *message)
{
    struct outbox *outbox = &g->outbox;
    assert(to->family != ADDR_NONE && priority < PRIORITIES);
    if (append_to_waiting(outbox, priority, to, receiver, message))
        return true;
    if (!make_room(g, priority))
        return false;
    struct parcel *parcel = parcel_new(outbox);
    parcel->next = NULL;
    parcel->to = *to;
    parcel->receiver = receiver;
    parcel->len = 0;
    parcel->has_probe = false;
    bool fits = parcel_append(parcel, message);
    assert(fits && "every message fits an empty packet: limits.h");
    if (outbox->last[priority] == NULL)
        outbox->first[priority] = parcel;
    else
        outbox->last[priority]->next = parcel;
    outbox->last[priority] = parcel;
    outbox->count++;
    return fits;
}

bool outbox_send(struct gossip *g, struct member *to, enum priority priority,
                 const struct wire_message *message)
{
    struct addr addr;
    assert(to != g->members.self);
    if (!member_address(g, to, &addr))
        return false;
    return outbox_send_to(g, &addr, to->life->tag, priority, message);
}

bool outbox_is_long(struct gossip *g, struct member *member)
{
    struct bucket *bucket = &member_link(g, member)->egress;
    size_t most = WAITING_PER_MEMBER_MAX, count = 0;
    bucket_refill(bucket, g->config.egress_peer_bytes_per_s, g->now.mono_ms);
    if (bucket->tokens > 0)
        most += (size_t)bucket->tokens / PACKET_MAX_BYTES;
    for (int i = PRIORITY_MEMBERSHIP; i < PRIORITY_BULK; i++)
        for (const struct parcel *parcel = g->outbox.first[i]; parcel != NULL;
             parcel = parcel->next)
            if (parcel->receiver == member->life->tag && ++count > most)
                return true;
    return false;
}

/* --- Draining
 * --------------------------------------------------------------------------------------- */

/* Takes the most important packet that may leave now; otherwise *wait_ms is how long the next one
 * has to. */
static struct parcel *take(struct gossip *g, enum priority *out, uint64_t *wait_ms)
{
    struct outbox *outbox = &g->outbox;
    *wait_ms = UINT64_MAX;
    for (int i = 0; i < PRIORITIES; i++) {
        struct parcel *before = NULL;
        struct parcel *parcel = outbox->first[i];
        for (int seen = 0; parcel != NULL && seen < SCAN_MAX; seen++) {
            uint64_t parcel_ms = parcel_wait_ms(g, (enum priority)i, parcel);
            if (parcel_ms == 0) {
                list_unlink(outbox, (enum priority)i, parcel, before);
                *out = (enum priority)i;
                return parcel;
            }
            *wait_ms = parcel_ms < *wait_ms ? parcel_ms : *wait_ms;
            before = parcel;
            parcel = parcel->next;
        }
    }
    return NULL;
}

/* Whoever may not know us yet cannot tell a packet of ours from a stranger's: say who we are. */
static void append_introduction(struct gossip *g, struct wire_writer *writer)
{
    uint8_t bytes[STATEMENT_MAX_BYTES + 8];
    struct wire_writer list = {bytes, 0, sizeof bytes, false};
    wire_put_bin(&list, blob_span(g->members.self->life->statement));
    struct wire_message news = {.type = WIRE_NEWS, .news.statements = wire_list_of(&list, 1)};
    wire_write_message(writer, &news);
}

static void next_nonce(struct outbox *outbox, uint8_t nonce[SEAL_NONCE_BYTES])
{
    uint64_t counter = ++outbox->nonce_counter;
    memcpy(nonce, outbox->nonce_prefix, sizeof outbox->nonce_prefix);
    for (size_t i = 0; i < sizeof counter; i++)
        nonce[sizeof outbox->nonce_prefix + i] = (uint8_t)(counter >> (8 * i));
}

static size_t parcel_seal(struct gossip *g, struct parcel *parcel, struct member *member,
                          uint8_t *buf)
{
    uint8_t plain[PACKET_PLAIN_MAX_BYTES];
    struct wire_writer writer = {plain, 0, sizeof plain, false};
    struct wire_header header = {
        .sender = g->tag,
        .epoch = g->epoch,
        .receiver = parcel->receiver,
        .counter = member == NULL ? 0 : ++member_link(g, member)->sent_counter,
    };
    wire_write_header(&writer, &header);
    assert(!writer.overflowed && writer.len + parcel->len <= sizeof plain);
    memcpy(plain + writer.len, parcel->plain, parcel->len);
    writer.len += parcel->len;
    /* Nothing beyond the question or the answer goes to an address that is not the member's, or too
     * much without an answer. */
    bool may_add = member != NULL && addr_equal(&parcel->to, &member->link->addr) &&
                   link_may_send_more(member->link);
    if (may_add && !member->is_seen)
        append_introduction(g, &writer);
    if (may_add && parcel->has_probe)
        rumours_append(g, &writer, member);
    uint8_t nonce[SEAL_NONCE_BYTES];
    next_nonce(&g->outbox, nonce);
    size_t len = seal_packet(&g->config.keyring, nonce, plain, writer.len, buf, PACKET_MAX_BYTES);
    if (g->config.sealed != NULL)
        sealed_store_add(g->config.sealed, &g->config.keyring, span_of(buf, len),
                         span_of(plain, writer.len));
    return len;
}

/* An ALIVE can name anybody's address: until it answers, it gets a few packets more than came from
 * it, and then nothing but the question whether it is there. */
static bool may_leave(struct gossip *g, const struct parcel *parcel)
{
    struct member *member = parcel->receiver == g->tag ? NULL : members_find(g, parcel->receiver);
    if (member == NULL || member->link == NULL || member->link->is_verified || parcel->has_probe ||
        !addr_equal(&parcel->to, &member->link->addr))
        return true;
    if (member->link->unanswered_bytes >= UNVERIFIED_BYTES_MAX / 4)
        probe_path(g, member, &member->link->addr);
    return member->link->unanswered_bytes + parcel->len <= UNVERIFIED_BYTES_MAX;
}

static void unanswered_add(struct member *member, const struct addr *to, size_t len)
{
    struct link *link = member != NULL ? member->link : NULL;
    if (link == NULL || link->is_verified || !addr_equal(to, &link->addr))
        return;
    size_t sum = link->unanswered_bytes + len;
    link->unanswered_bytes = (uint16_t)(sum < UINT16_MAX ? sum : UINT16_MAX);
}

/* NULL: none may leave now. */
static struct parcel *take_next(struct gossip *g, enum priority *priority, uint64_t *wait_ms)
{
    struct parcel *parcel;
    while ((parcel = take(g, priority, wait_ms)) != NULL && !may_leave(g, parcel)) {
        parcel_drop(&g->outbox, parcel);
        g->stats.outbox_dropped++;
    }
    return parcel;
}

bool outbox_next(struct gossip *g, struct addr *to, uint8_t *buf, size_t *len)
{
    enum priority priority;
    uint64_t wait_ms;
    struct parcel *parcel = take_next(g, &priority, &wait_ms);
    if (parcel == NULL) {
        if (wait_ms != UINT64_MAX)
            timer_set(&g->timers, &g->outbox.pace, TIMER_PACE, g->now.mono_ms + wait_ms);
        return false;
    }
    struct member *member = parcel->receiver == g->tag ? NULL : members_find(g, parcel->receiver);
    *to = parcel->to;
    *len = parcel_seal(g, parcel, member, buf);
    unanswered_add(member, to, *len);
    assert(*len > 0 && *len <= PACKET_MAX_BYTES);
    parcel_drop(&g->outbox, parcel);
    bucket_spend(g, priority, member, *len);
    g->stats.packets_out++;
    g->stats.bytes_out += *len;
    g->stats.bytes_out_probes += priority == PRIORITY_PROBE ? *len : 0;
    g->stats.bytes_out_bulk += priority == PRIORITY_BULK ? *len : 0;
    return true;
}
