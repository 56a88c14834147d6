// SPDX-License-Identifier: Apache-2.0
/* join.c - entering the cluster, and letting others in.
 *
 *     joiner                                        seed
 *     |-- JOIN (our ALIVE, request, padding) ------->|   sender unknown, so: no receiver, no window
 *     |<- JOIN_REPLY (request, remembered epoch,     |
 *     |      your remembered ALIVE, your address,    |
 *     |      its ALIVE) -----------------------------|   never larger than the JOIN
 *     |  (a PING to our old address, if there is one)|
 *     |-- MEMBERS_PULL (after) --------------------->|
 *     |<- MEMBERS (after, through, entries) ---------|   up to ROSTER_PAGES pages for each question
 *     |== our ALIVE over the whole ring ============>| */
#include <assert.h>

#include "gossip/core.h"

#define JOIN_JITTER_PERCENT    30
#define KEY_CHECK_MS           250  /* between two questions whether somebody runs with our key: */
#define KEY_CHECKS             4    /* a second, as long as a probe takes, and one may be lost */
#define PAGE_TIMEOUT_MS        150  /* until the first page of an answer */
#define PAGE_GAP_MS            60   /* until the next one */
#define RECENT_MS              5000 /* the checks after joining, and their answers */
#define SETTLE_CHECKS          6
#define SETTLE_CHECK_MS        300
#define PAGE_STALLS_MAX        12
#define REMEMBERED_ADDRESS_MAX 18
/* A reply has so much more around its statement than NEWS has: request and epoch, at least. */
#define LONGER_LIFE_BYTES 16

/* Soon at first: seeds and joiners start together. Then as JOIN_RETRY_MS asks until we are alone,
 * and from there ever slower. */
static const uint16_t retry_ms[] = {200,  400,  800,  JOIN_RETRY_MS, JOIN_RETRY_MS, JOIN_RETRY_MS,
                                    2000, 4000, 8000, 16000,         30000};
#define RETRIES (sizeof retry_ms / sizeof *retry_ms)

static bool is_own_address(const struct gossip *g, const struct addr *addr)
{
    for (size_t i = 0; i < g->config.address_count; i++)
        if (addr_equal(addr, &g->config.addresses[i]))
            return true;
    return false;
}

static void wake_in(struct gossip *g, uint64_t ms)
{
    timer_set(&g->timers, &g->join.timer, TIMER_JOIN, g->now.mono_ms + ms);
}

bool join_is_recent(const struct gossip *g)
{
    return g->join.phase != JOIN_DONE || g->now.mono_ms < g->join.done_ms + RECENT_MS;
}

void join_init(struct gossip *g, const struct gossip_config *config)
{
    struct join *join = &g->join;
    assert(config->seed_count <= SEEDS_MAX);
    memcpy(join->seeds, config->seeds, config->seed_count * sizeof *config->seeds);
    join->seed_count = config->seed_count;
    join->phase = JOIN_ASKING;
    join->request = prng_next(&g->prng);
    join->started_ms = g->now.mono_ms;
    /* Not yet: what the last life knew may still be restored. */
    wake_in(g, 0);
}

/* Long ago: what join_is_recent is about happened to others. */
void join_begin_known(struct gossip *g)
{
    struct join *join = &g->join;
    assert(join->phase == JOIN_ASKING && join->attempts == 0);
    timer_cancel(&g->timers, &join->timer);
    join->phase = JOIN_DONE;
    join->is_joined = true;
    join->done_ms = 0;
}

/* --- Asking ---------------------------------------------------------------------------------- */

void join_ask(struct gossip *g, const struct addr *addr)
{
    static const uint8_t zeros[JOIN_ROOM_BYTES];
    struct span alive = blob_span(g->members.self->life->statement);
    assert(alive.len < JOIN_ROOM_BYTES);
    struct wire_message message = {
        .type = WIRE_JOIN,
        .join = {.statement = alive,
                 .request = g->join.request,
                 .padding = span_of(zeros, JOIN_ROOM_BYTES - alive.len)}};
    outbox_send_to(g, addr, 0, PRIORITY_MEMBERSHIP, &message);
}

static size_t ask_all(struct gossip *g, const struct addr *addrs, size_t count)
{
    size_t asked = 0;
    for (size_t i = 0; i < count; i++) {
        if (is_own_address(g, &addrs[i]))
            continue;
        join_ask(g, &addrs[i]);
        asked++;
    }
    return asked;
}

/* Said once; the record plane begins with what we have, and we go on asking. */
static void be_alone(struct gossip *g)
{
    g->join.is_alone = true;
    event_push(g, (struct gossip_event){.kind = GOSSIP_EVENT_ALONE});
    sync_begin(g, NULL);
}

static void ask_round(struct gossip *g)
{
    struct join *join = &g->join;
    uint64_t alone_ms = join->started_ms + g->config.join_alone_ms;
    size_t asked = ask_all(g, join->seeds, join->seed_count);
    asked += ask_all(g, join->extra, join->extra_count);
    if (asked == 0) {
        join->phase = JOIN_DONE; /* the first node of a cluster has nobody to ask */
        join->done_ms = g->now.mono_ms;
        sync_begin(g, NULL);
        return;
    }
    if (!join->is_alone && g->now.mono_ms >= alone_ms)
        be_alone(g);
    uint64_t pause_ms = prng_jitter(&g->prng, retry_ms[join->attempts], JOIN_JITTER_PERCENT);
    if (join->attempts + 1 < RETRIES)
        join->attempts++;
    if (!join->is_alone && g->now.mono_ms + pause_ms > alone_ms)
        pause_ms = alone_ms - g->now.mono_ms;
    wake_in(g, pause_ms);
}

static void ask_again(struct gossip *g)
{
    g->join.phase = JOIN_ASKING;
    g->join.attempts = 0;
    wake_in(g, 0);
}

/* --- Members --------------------------------------------------------------------------------- */

static void ask_page(struct gossip *g)
{
    struct join *join = &g->join;
    struct member *partner = members_find(g, join->partner);
    if (partner == NULL || join->stalls > PAGE_STALLS_MAX) {
        ask_again(g);
        return;
    }
    struct wire_message message = {.type = WIRE_MEMBERS_PULL,
                                   .members_pull = {.after = join->next_after}};
    outbox_send(g, partner, PRIORITY_MEMBERSHIP, &message);
    join->pages = 0;
    wake_in(g, (uint64_t)PAGE_TIMEOUT_MS << (join->stalls < 2 ? join->stalls : 2));
}

/* The seed gives the first pages, anybody the rest: a cluster that starts all at once would else
 * wait for one node to send everybody everything. What such a partner lacks itself is found by
 * comparing. */
static void ask_elsewhere(struct gossip *g)
{
    struct member *other;
    if (members_pick(g, &other, 1, g->join.partner) == 1)
        g->join.partner = other->life->tag;
    ask_page(g);
}

static void finish(struct gossip *g)
{
    struct join *join = &g->join;
    join->phase = JOIN_DONE;
    join->done_ms = g->now.mono_ms;
    join->is_joined = true;
    join->checks = SETTLE_CHECKS;
    wake_in(g, prng_jitter(&g->prng, SETTLE_CHECK_MS, 50));
    event_push(
        g, (struct gossip_event){.kind = GOSSIP_EVENT_JOINED, .joined = {.addr = join->answered}});
    spread_news(g, g->members.self->life->statement);
    sync_begin(g, members_find(g, join->seed));
}

/* True when the list is complete. */
static bool advance(struct gossip *g, uint64_t through)
{
    struct join *join = &g->join;
    join->stalls = 0;
    join->next_after = through;
    if (join->is_wrapped)
        return through >= g->tag;
    if (through == UINT64_MAX) {
        join->is_wrapped = true;
        join->next_after = 0;
        join->ahead_count = 0;
    }
    return false;
}

static bool take_ahead(struct join *join, uint64_t *through)
{
    for (size_t i = 0; i < join->ahead_count; i++) {
        if (join->ahead[i].after != join->next_after)
            continue;
        *through = join->ahead[i].through;
        join->ahead[i] = join->ahead[--join->ahead_count];
        return true;
    }
    return false;
}

void join_on_page(struct gossip *g, struct member *from, uint64_t after, uint64_t through)
{
    struct join *join = &g->join;
    if (join->phase != JOIN_MEMBERS || from->life->tag != join->partner || through <= after ||
        after < join->next_after)
        return;
    join->pages++;
    bool is_end = false;
    if (after > join->next_after) {
        if (join->ahead_count < ROSTER_PAGES)
            join->ahead[join->ahead_count++] = (struct roster_gap){after, through};
    } else {
        bool was_wrapped = join->is_wrapped;
        do
            is_end = advance(g, through);
        while (!is_end && take_ahead(join, &through));
        if (!is_end && join->is_wrapped != was_wrapped) {
            ask_page(g);
            return;
        }
    }
    if (is_end)
        finish(g);
    else if (join->pages >= ROSTER_PAGES && join->ahead_count == 0)
        ask_elsewhere(g);
    else
        wake_in(g, PAGE_GAP_MS);
}

/* Above whatever the cluster remembers of us, or our word would be older than its memory. */
static void begin_members(struct gossip *g)
{
    struct join *join = &g->join;
    if (join->remembered_epoch >= g->epoch)
        members_raise_epoch(g, join->remembered_epoch + 1);
    join->phase = JOIN_MEMBERS;
    join->next_after = g->tag;
    join->is_wrapped = false;
    join->ahead_count = 0;
    join->stalls = 0;
    ask_page(g);
}

/* --- Our key --------------------------------------------------------------------------------- */

/* The packet names us as its sender and its receiver: only somebody with our key takes it for its
 * own. */
static void ask_for_key(struct gossip *g)
{
    struct join *join = &g->join;
    struct wire_message message = {.type = WIRE_PING, .probe = {.random = join->key_random}};
    outbox_send_to(g, &join->key_addr, g->tag, PRIORITY_PROBE, &message);
    join->key_asked++;
    wake_in(g, KEY_CHECK_MS);
}

static void check_key(struct gossip *g, const struct addr *addr)
{
    struct join *join = &g->join;
    join->phase = JOIN_CHECKING_KEY;
    join->key_random = prng_next(&g->prng);
    join->key_addr = *addr;
    join->key_asked = 0;
    ask_for_key(g);
}

/* Nobody answers as us. But two copies of one disk that start together both find that, and both
 * have the epoch that stands on it: they must not go on in one life, or nobody could tell them
 * apart. In different ones the higher replaces the lower. */
static void on_key_timer(struct gossip *g)
{
    struct join *join = &g->join;
    assert(join->phase == JOIN_CHECKING_KEY);
    if (join->key_asked < KEY_CHECKS) {
        ask_for_key(g);
        return;
    }
    uint64_t known = join->remembered_epoch > g->epoch ? join->remembered_epoch : g->epoch;
    members_raise_epoch(g, known + 1 + prng_below(&g->prng, TWIN_EPOCHS));
    begin_members(g);
}

static void stop_for_other(struct gossip *g, const struct addr *addr)
{
    event_push(g, (struct gossip_event){
                      .kind = GOSSIP_EVENT_CONFLICT,
                      .conflict = {.what = CONFLICT_KEY_IN_USE, .tag = g->tag, .addr = *addr}});
    g->is_stopped = true;
}

bool join_on_own_key(struct gossip *g, const struct wire_header *header, const struct addr *from,
                     struct wire_reader *reader)
{
    struct join *join = &g->join;
    struct wire_message message;
    if (header->receiver != g->tag || wire_read_next(reader, &message) != WIRE_NEXT_MESSAGE)
        return false;
    bool is_checking = join->phase == JOIN_CHECKING_KEY;
    if (message.type == WIRE_ACK && is_checking && message.probe.random == join->key_random) {
        stop_for_other(g, from);
        return true;
    }
    /* Our own question, come back to us: the old address leads here. */
    if (message.type != WIRE_PING || message.probe.random == join->key_random)
        return false;
    if (join->phase != JOIN_DONE && !join->is_alone)
        return false; /* two that start with one key: the cluster's memory decides */
    struct wire_message ack = {.type = WIRE_ACK, .probe = {.random = message.probe.random}};
    outbox_send_to(g, from, g->tag, PRIORITY_PROBE, &ack);
    return true;
}

/* --- Answers --------------------------------------------------------------------------------- */

static bool remembered_elsewhere(const struct gossip *g, struct span remembered, struct addr *where)
{
    struct alive alive;
    if (remembered.len == 0 || !statement_read_alive(remembered, &alive) ||
        node_tag(&alive.id) != g->tag)
        return false;
    *where = alive.addresses[0];
    return !is_own_address(g, where);
}

/* The first answer begins the exchange. Later ones come from seeds that had lost sight of us: what
 * they know and we don't is found by comparing. */
void join_on_reply(struct gossip *g, struct member *from, const struct addr *addr,
                   const struct wire_message *message)
{
    struct join *join = &g->join;
    struct addr elsewhere;
    if (message->join_reply.request != join->request) {
        drop_count(g, DROP_UNSOLICITED);
        return;
    }
    bool is_outdated = message->join_reply.remembered_epoch >= g->epoch;
    if (join->phase == JOIN_DONE && !is_outdated) {
        roster_compare(g, from);
        return;
    }
    if (join->phase == JOIN_CHECKING_KEY || join->phase == JOIN_MEMBERS)
        return;
    join->seed = from->life->tag;
    join->partner = from->life->tag;
    join->answered = *addr;
    join->remembered_epoch = message->join_reply.remembered_epoch;
    if (remembered_elsewhere(g, message->join_reply.remembered, &elsewhere))
        check_key(g, &elsewhere);
    else
        begin_members(g);
}

/* Told where it is, which is not where its later life was; and in no more bytes than it sent. */
void join_on_past_reply(struct gossip *g, struct member *member, const struct addr *from,
                        const struct wire_message *message)
{
    uint8_t bytes[STATEMENT_MAX_BYTES + 8];
    struct wire_writer list = {bytes, 0, sizeof bytes, false};
    const struct blob *alive = member->life->statement;
    bool is_shorter = alive->len <= message->join_reply.statement.len + LONGER_LIFE_BYTES;
    if (message->join_reply.request != g->join.request || !is_shorter ||
        !roster_may_tell(g, member))
        return;
    member_dossier(member)->told_ms = g->now.mono_ms;
    wire_put_bin(&list, blob_span(alive));
    struct wire_message news = {.type = WIRE_NEWS, .news.statements = wire_list_of(&list, 1)};
    outbox_send_to(g, from, member->life->tag, PRIORITY_MEMBERSHIP, &news);
}

/* Who joined while we did may have missed us, and we it: a few questions early find that out, where
 * the round-robin would take its time. */
static void settle(struct gossip *g)
{
    struct member *other;
    if (g->join.checks == 0 || members_pick(g, &other, 1, 0) == 0)
        return;
    g->join.checks--;
    detector_probe_soon(g, other, 0);
    wake_in(g, prng_jitter(&g->prng, SETTLE_CHECK_MS, 50));
}

void join_on_partner_ping(struct gossip *g, const struct member *from)
{
    struct join *join = &g->join;
    if (join->phase == JOIN_MEMBERS && from->life->tag == join->partner && join->pages == 0)
        ask_page(g);
}

/* The first question may only have made us known, and a page may be lost: ask the same again. Then,
 * or when pages came but fewer than asked for (it has much to do), ask somebody else. */
static void on_page_timer(struct gossip *g)
{
    bool has_some = g->join.pages > 0 && g->join.ahead_count == 0;
    if (g->join.stalls++ % 3 < 2 && !has_some)
        ask_page(g);
    else
        ask_elsewhere(g);
}

void join_on_timer(struct gossip *g)
{
    switch (g->join.phase) {
    case JOIN_ASKING: ask_round(g); break;
    case JOIN_CHECKING_KEY: on_key_timer(g); break;
    case JOIN_MEMBERS: on_page_timer(g); break;
    case JOIN_DONE: settle(g); break;
    }
}

void join_add(struct gossip *g, const struct addr *addrs, size_t count)
{
    struct join *join = &g->join;
    for (size_t i = 0; i < count; i++) {
        if (join->extra_count == SEEDS_MAX) {
            memmove(join->extra, join->extra + 1, (SEEDS_MAX - 1) * sizeof *join->extra);
            join->extra_count--;
        }
        join->extra[join->extra_count++] = addrs[i];
    }
    if (join->phase == JOIN_ASKING || (join->phase == JOIN_DONE && g->members.count == 1))
        ask_again(g);
    else
        ask_all(g, addrs, count);
}

/* --- Letting in ------------------------------------------------------------------------------ */

/* What we remember of a joiner's key from before this JOIN. */
struct memory {
    uint64_t epoch;     /* 0: nothing, or just this life */
    struct blob *alive; /* retained; NULL: nothing, or it is dead or gone */
    bool is_elsewhere;  /* a life that may still run at another address */
};

/* Another process in the very same epoch (it has lost its disk, and its clock stands where it did)
 * must not go on in it: what it signs would contradict what its last life signed. */
static struct memory memory_of(const struct gossip *g, const struct member *member,
                               const struct wire_message *message, const struct alive *alive)
{
    if (member == NULL)
        return (struct memory){.epoch = members_forgotten_epoch(g, node_tag(&alive->id))};
    bool is_same_life = span_equal(blob_span(member->life->statement), message->join.statement);
    uint64_t last_request = member->dossier == NULL ? 0 : member->dossier->join_request;
    bool is_same_process = last_request == 0 || last_request == message->join.request;
    if (is_same_life && is_same_process)
        return (struct memory){0};
    struct memory memory = {.epoch = member->life->epoch};
    if (member_class_of(member->state) == CLASS_ALIVE) {
        memory.alive = blob_retain(member->life->statement);
        memory.is_elsewhere = !addr_equal(&member->life->addresses[0], &alive->addresses[0]);
    }
    return memory;
}

/* It is a stranger until it echoes a number of ours: no more goes to its address than came from it.
 */
static bool reply(struct gossip *g, const struct wire_message *request, const struct addr *to,
                  uint64_t tag, const struct memory *memory)
{
    uint8_t seen[REMEMBERED_ADDRESS_MAX];
    struct span own = blob_span(g->members.self->life->statement);
    size_t room = request->join.statement.len + request->join.padding.len;
    size_t needed = own.len + JOIN_REPLY_BYTES;
    struct wire_message message = {
        .type = WIRE_JOIN_REPLY,
        .join_reply = {.request = request->join.request,
                       .remembered_epoch = memory->epoch,
                       .seen_address = span_of(seen, wire_address_write(to, seen)),
                       .statement = own}};
    if (memory->alive != NULL && needed + memory->alive->len <= room)
        message.join_reply.remembered = blob_span(memory->alive);
    if (needed > room) {
        drop_count(g, DROP_LIMIT);
        return false;
    }
    return outbox_send_to(g, to, tag, PRIORITY_MEMBERSHIP, &message);
}

/* A life that may still run elsewhere is not replaced here: the joiner asks it first, and comes
 * back with its ALIVE in whatever it sends next if nobody answered. */
void join_on_request(struct gossip *g, const struct wire_header *header, const struct addr *from,
                     const struct wire_message *message)
{
    struct alive alive;
    struct span statement = message->join.statement;
    if (!statement_read_alive(statement, &alive) || node_tag(&alive.id) != header->sender) {
        drop_count(g, DROP_MALFORMED);
        return;
    }
    if (g->is_leaving)
        return;
    struct member *member = members_find(g, header->sender);
    struct memory memory = memory_of(g, member, message, &alive);
    if (!memory.is_elsewhere && members_on_alive(g, statement, &member) == NEWS_BAD) {
        drop_count(g, DROP_BAD_SIGNATURE);
    } else {
        if (member != NULL)
            member_dossier(member)->join_request = message->join.request;
        bool is_answered = reply(g, message, from, header->sender, &memory);
        if (is_answered && member != NULL && !member_link(g, member)->is_verified)
            probe_path(g, member, from);
    }
    blob_release(memory.alive);
}
