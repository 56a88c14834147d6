// SPDX-License-Identifier: Apache-2.0
/* records_fixture.c - one node's record plane, fed by homes that exist only as keys */
#include "tests/gossip/records_fixture.h"

#include <criterion/criterion.h>
#include <stdlib.h>
#include <string.h>

#include "gossip/root.h"

/* --- The node --------------------------------------------------------------------------------- */

void fixture_config(struct gossip_config *config)
{
    static const uint8_t seed[KEY_SEED_BYTES] = {200};
    cr_assert(key_library_init());
    *config = (struct gossip_config){0};
    gossip_config_defaults(config);
    config->cluster = "test";
    config->name = "observer";
    config->zone = "";
    config->http_url = "";
    config->addresses[0] = (struct addr){.family = ADDR_IPV4, .ip = {127, 0, 0, 1}, .port = 4747};
    config->address_count = 1;
    key_pair_from_seed(seed, &config->identity);
    config->seed[0] = 9;
    config->epoch = 50;
    uint8_t key[SEAL_KEY_BYTES];
    seal_key_from_cluster(config->cluster, key);
    seal_keyring_init(&config->keyring, config->cluster);
    cr_assert_eq(seal_keyring_add(&config->keyring, key), SEAL_OK);
}

struct fixture *fixture_new_with(const struct gossip_config *config)
{
    struct fixture *f = calloc(1, sizeof *f);
    cr_assert_not_null(f);
    f->core = gossip_new(config, (struct gossip_time){FIXTURE_START, FIXTURE_WALL_MS});
    fixture_forget(f);
    return f;
}

struct fixture *fixture_new(void)
{
    struct gossip_config config;
    fixture_config(&config);
    return fixture_new_with(&config);
}

static void drain(struct fixture *f)
{
    while (f->event_count < FIXTURE_EVENTS &&
           gossip_next_event(f->core, &f->events[f->event_count]))
        f->event_count++;
    cr_assert_lt(f->event_count, FIXTURE_EVENTS);
}

void fixture_forget(struct fixture *f)
{
    drain(f);
    while (f->event_count > 0)
        gossip_event_release(&f->events[--f->event_count]);
}

void fixture_free(struct fixture *f)
{
    fixture_forget(f);
    gossip_free(f->core);
    free(f);
}

int64_t fixture_now(const struct fixture *f)
{
    return (int64_t)f->core->now.mono_ms;
}

static void advance(struct fixture *f, uint64_t to_ms)
{
    f->core->now.wall_ms += to_ms - f->core->now.mono_ms;
    f->core->now.mono_ms = to_ms;
}

void fixture_wait(struct fixture *f, uint64_t ms)
{
    uint64_t end_ms = f->core->now.mono_ms + ms;
    uint64_t due_ms;
    while ((due_ms = timers_next_ms(&f->core->timers)) <= end_ms) {
        if (due_ms > f->core->now.mono_ms)
            advance(f, due_ms);
        struct timer *timer = timers_pop(&f->core->timers, f->core->now.mono_ms);
        if (timer->kind == TIMER_ORPHANS)
            registry_on_orphan_timer(f->core, TIMER_OWNER(timer, struct log, orphan_timer));
        else if (timer->kind == TIMER_FLOOR)
            registry_on_floor_timer(f->core);
    }
    advance(f, end_ms);
}

/* --- Homes ------------------------------------------------------------------------------------ */

static void say_alive(struct fixture *f, const struct fixture_home *home)
{
    char name[16] = "home-";
    name[5] = (char)('a' + home->pair.public.bytes[0] % 26);
    name[6] = (char)('a' + home->pair.public.bytes[1] % 26);
    struct alive alive = {
        .id = home->pair.public,
        .epoch = home->epoch,
        .incarnation = home->incarnation,
        .name = span_of_text(name),
        .zone = span_of_text(""),
        .http_url = span_of_text(""),
        .addresses = {{.family = ADDR_IPV4, .ip = {127, 0, 0, 1}, .port = 4000}},
        .address_count = 1,
        .protocol_version = PROTOCOL_VERSION,
    };
    struct blob *blob = statement_of_alive(&alive, &home->pair, &f->core->scope);
    struct member *member;
    cr_assert_eq(members_on_alive(f->core, blob_span(blob), &member), NEWS_NEW);
    blob_release(blob);
}

struct fixture_home fixture_home(struct fixture *f, uint8_t number, uint64_t epoch)
{
    uint8_t seed[KEY_SEED_BYTES];
    struct fixture_home home = {.epoch = epoch, .incarnation = 1};
    memset(seed, number, sizeof seed);
    key_pair_from_seed(seed, &home.pair);
    home.tag = node_tag(&home.pair.public);
    say_alive(f, &home);
    return home;
}

void fixture_restart(struct fixture *f, struct fixture_home *home, uint64_t epoch)
{
    home->epoch = epoch;
    home->incarnation = 1;
    say_alive(f, home);
}

struct member *fixture_member(struct fixture *f, const struct fixture_home *home)
{
    struct member *member = members_find(f->core, home->tag);
    cr_assert_not_null(member);
    return member;
}

void fixture_state(struct fixture *f, const struct fixture_home *home, enum member_state state,
                   int64_t since_ms)
{
    member_set_state(f->core, fixture_member(f, home), state, since_ms);
}

void fixture_cut_off(struct fixture *f, bool is_cut_off)
{
    f->core->detector.is_cut_off = is_cut_off;
    f->core->detector.cut_off_since_ms = f->core->now.mono_ms;
    registry_cut_off_changed(f->core);
}

struct log *fixture_log(const struct fixture *f, const struct fixture_home *home)
{
    return registry_log(f->core, home->tag, home->epoch);
}

/* --- Batches ---------------------------------------------------------------------------------- */

struct fixture_batch fixture_batch(const struct fixture_home *home, uint64_t v0, uint64_t v1)
{
    return (struct fixture_batch){.home = *home, .v0 = v0, .v1 = v1, .applied = v1};
}

static void put(struct fixture_batch *batch, struct blob *statement)
{
    cr_assert_not_null(statement);
    struct wire_writer writer = {batch->bytes, batch->len, sizeof batch->bytes, false};
    wire_put_bin(&writer, blob_span(statement));
    cr_assert(!writer.overflowed);
    batch->len = writer.len;
    batch->count++;
    blob_release(statement);
}

void fixture_put_record(struct fixture *f, struct fixture_batch *batch, struct record record)
{
    if (record.home == 0)
        record.home = batch->home.tag;
    if (record.epoch == 0)
        record.epoch = batch->home.epoch;
    put(batch, statement_of_record(&record, &batch->home.pair, &f->core->scope));
}

void fixture_put_deletion(struct fixture *f, struct fixture_batch *batch, struct deletion deletion)
{
    if (deletion.home == 0)
        deletion.home = batch->home.tag;
    if (deletion.epoch == 0)
        deletion.epoch = batch->home.epoch;
    put(batch, statement_of_deletion(&deletion, &batch->home.pair, &f->core->scope));
}

struct record fixture_record(uint64_t version, const char *peer_id, uint64_t seq)
{
    return (struct record){
        .version = version,
        .peer = {.peer_id = span_of_text(peer_id),
                 .archetypes = {span_of_text("test")},
                 .archetype_count = 1,
                 .address = span_of_text("10.0.0.1"),
                 .port = 80,
                 .metadata = span_of_text("{}"),
                 .ttl_s = FIXTURE_TTL_S},
        .seq = seq,
        .registered_at_ms = FIXTURE_WALL_MS,
    };
}

struct deletion fixture_deletion(uint64_t version, const char *peer_id, uint64_t seq)
{
    return (struct deletion){
        .version = version,
        .peer_id = span_of_text(peer_id),
        .seq = seq,
        .ttl_s = FIXTURE_TTL_S,
        .reason = DELETE_DEREGISTERED,
    };
}

void fixture_set(struct fixture *f, struct fixture_batch *batch, uint64_t version,
                 const char *peer_id, uint64_t seq)
{
    fixture_put_record(f, batch, fixture_record(version, peer_id, seq));
}

void fixture_set_ttl(struct fixture *f, struct fixture_batch *batch, uint64_t version,
                     const char *peer_id, uint64_t seq, uint32_t ttl_s)
{
    struct record record = fixture_record(version, peer_id, seq);
    record.peer.ttl_s = ttl_s;
    fixture_put_record(f, batch, record);
}

void fixture_delete(struct fixture *f, struct fixture_batch *batch, uint64_t version,
                    const char *peer_id, uint64_t seq)
{
    fixture_put_deletion(f, batch, fixture_deletion(version, peer_id, seq));
}

static struct wire_batch wire_of(const struct fixture_batch *batch)
{
    return (struct wire_batch){
        .home = batch->home.tag,
        .epoch = batch->home.epoch,
        .v0 = batch->v0,
        .v1 = batch->v1,
        .applied = batch->applied,
        .floor = batch->floor,
        .statements = {span_of(batch->bytes, batch->len), batch->count},
    };
}

static struct log *log_for(struct fixture *f, const struct fixture_batch *batch)
{
    struct log *log = registry_log_make(f->core, batch->home.tag, batch->home.epoch);
    cr_assert_not_null(log);
    return log;
}

enum batch_verdict fixture_deliver(struct fixture *f, const struct fixture_batch *batch)
{
    struct wire_batch wire = wire_of(batch);
    return log_on_batch(f->core, log_for(f, batch), &wire);
}

enum batch_verdict fixture_show(struct fixture *f, const struct fixture_batch *batch, bool is_first,
                                bool is_last)
{
    struct wire_batch wire = wire_of(batch);
    return log_on_reset_batch(f->core, log_for(f, batch), &wire, is_first, is_last);
}

enum head_verdict fixture_head(struct fixture *f, const struct fixture_home *home, uint64_t version)
{
    struct head head = {
        .home = home->tag, .epoch = home->epoch, .version = version, .wall_ms = FIXTURE_WALL_MS};
    struct log *log = registry_log_make(f->core, home->tag, home->epoch);
    cr_assert_not_null(log);
    root_compute(log, &head.root);
    head.live_count = log->live_count;
    struct blob *blob = statement_of_head(&head, &home->pair, &f->core->scope);
    enum head_verdict verdict = head_on_statement(f->core, blob_span(blob), NULL);
    blob_release(blob);
    return verdict;
}

enum batch_verdict fixture_tell_set(struct fixture *f, const struct fixture_home *home,
                                    uint64_t version, const char *peer_id, uint64_t seq)
{
    struct fixture_batch batch = fixture_batch(home, version - 1, version);
    fixture_set(f, &batch, version, peer_id, seq);
    return fixture_deliver(f, &batch);
}

enum batch_verdict fixture_tell_delete(struct fixture *f, const struct fixture_home *home,
                                       uint64_t version, const char *peer_id, uint64_t seq)
{
    struct fixture_batch batch = fixture_batch(home, version - 1, version);
    fixture_delete(f, &batch, version, peer_id, seq);
    return fixture_deliver(f, &batch);
}

/* --- Looking ---------------------------------------------------------------------------------- */

struct peer *fixture_peer(const struct fixture *f, const char *peer_id)
{
    return registry_peer(f->core, span_of_text(peer_id));
}

bool fixture_sees(const struct fixture *f, const char *peer_id)
{
    const struct peer *peer = fixture_peer(f, peer_id);
    return peer != NULL && peer_is_visible(peer);
}

uint64_t fixture_version(const struct fixture *f, const char *peer_id)
{
    const struct peer *peer = fixture_peer(f, peer_id);
    return peer == NULL ? 0 : peer->winner->version;
}

uint64_t fixture_winner(const struct fixture *f, const char *peer_id)
{
    const struct peer *peer = fixture_peer(f, peer_id);
    return peer == NULL ? 0 : peer->winner->log->home;
}

static bool is_about_peers(enum gossip_event_kind kind)
{
    return kind == GOSSIP_EVENT_PEER_UP || kind == GOSSIP_EVENT_PEER_UPDATE ||
           kind == GOSSIP_EVENT_PEER_DOWN;
}

static bool is_about(const struct gossip_event *event, const char *peer_id)
{
    struct record record;
    if (peer_id == NULL)
        return true;
    return is_about_peers(event->kind) &&
           statement_read_record(blob_span(event->peer.record), &record) &&
           span_equal(record.peer.peer_id, span_of_text(peer_id));
}

size_t fixture_count(struct fixture *f, enum gossip_event_kind kind, const char *peer_id)
{
    size_t count = 0;
    drain(f);
    for (size_t i = 0; i < f->event_count; i++)
        count += f->events[i].kind == kind && is_about(&f->events[i], peer_id);
    return count;
}

const struct gossip_event *fixture_last(struct fixture *f, enum gossip_event_kind kind)
{
    drain(f);
    size_t i = f->event_count;
    while (i > 0 && f->events[i - 1].kind != kind)
        i--;
    cr_assert_gt(i, 0U, "no event of kind %d", (int)kind);
    return &f->events[i - 1];
}
