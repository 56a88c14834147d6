// SPDX-License-Identifier: Apache-2.0
/* gossip.c - the core's entry points: every input sets the time, runs to its end, and returns. */
#include "gossip/gossip.h"

#include <assert.h>

#include "gossip/core.h"
#include "gossip/mem.h"

/* LEFT is repeated by the tree's own acknowledgements; after this long it has been said. */
#define LEAVE_MS 500

void gossip_config_defaults(struct gossip_config *config)
{
    config->detector = DETECTOR_AURORA;
    config->probe_interval_ms = PROBE_INTERVAL_MS;
    config->probe_timeout_min_ms = PROBE_TIMEOUT_MIN_MS;
    config->probe_timeout_max_ms = PROBE_TIMEOUT_MAX_MS;
    config->probe_indirect_count = PROBE_INDIRECT_COUNT;
    config->suspicion_min_ms = SUSPICION_MIN_MS;
    config->suspicion_max_factor = SUSPICION_MAX_FACTOR;
    config->orphan_grace_ms = ORPHAN_GRACE_MS;
    config->delete_keep_min_ms = DELETE_KEEP_MIN_MS;
    config->old_member_probe_ms = OLD_MEMBER_PROBE_MS;
    config->old_member_forget_ms = OLD_MEMBER_FORGET_MS;
    config->join_alone_ms = JOIN_ALONE_MS;
    config->head_delay_ms = HEAD_DELAY_MS;
    config->moved_delay_ms = MOVED_DELAY_MS;
    config->forward_timeout_ms = FORWARD_TIMEOUT_MS;
    config->records_max = RECORDS_MAX;
    config->records_per_home_max = RECORDS_PER_HOME_MAX;
    config->egress_bytes_per_s = EGRESS_BYTES_PER_S;
    config->egress_peer_bytes_per_s = EGRESS_PEER_BYTES_PER_S;
}

static const char *keep_text(char *own, size_t size, const char *text)
{
    size_t len = text == NULL ? 0 : strlen(text);
    assert(len < size && "the host checks its configuration");
    if (len > 0)
        memcpy(own, text, len);
    own[len] = '\0';
    return own;
}

static void keep_config(struct gossip *g, const struct gossip_config *config)
{
    g->config = *config;
    g->config.cluster = keep_text(g->cluster, sizeof g->cluster, config->cluster);
    g->config.name = keep_text(g->name, sizeof g->name, config->name);
    g->config.zone = keep_text(g->zone, sizeof g->zone, config->zone);
    g->config.http_url = keep_text(g->http_url, sizeof g->http_url, config->http_url);
    assert(g->cluster[0] != '\0' && g->name[0] != '\0');
    assert(config->address_count >= 1 && config->epoch >= 1 && config->keyring.count >= 1);
}

struct gossip *gossip_new(const struct gossip_config *config, struct gossip_time now)
{
    struct gossip *g = mem_alloc(sizeof *g);
    keep_config(g, config);
    g->now = now;
    g->epoch = config->epoch;
    g->tag = node_tag(&config->identity.public);
    sign_scope_of(g->cluster, &g->scope);
    prng_seed(&g->prng, config->seed);
    outbox_init(g);
    members_init(g);
    registry_init(g); /* makes our own log, which hangs on our member */
    detector_init(g);
    spread_init(g);
    pull_init(g);
    lease_init(g);
    forward_init(g);
    event_status_soon(g);
    join_init(g, config);
    return g;
}

void gossip_free(struct gossip *g)
{
    if (g == NULL)
        return;
    forward_free(g);
    reissue_free(g);
    lease_free(g);
    check_free(g);
    pull_free(g);
    registry_free(g);
    spread_free(g);
    voice_free(g);
    detector_free(g);
    members_free(g);
    accusers_free(g);
    head_free(g);
    outbox_free(g);
    events_free(g);
    timers_free(&g->timers);
    key_wipe(g->config.identity.secret, sizeof g->config.identity.secret);
    mem_free(g);
}

/* Time passes at every entry. Where a deadline went by while we did not run, our loop stood still,
 * and nobody else is to blame for answers that we did not read. */
static void enter(struct gossip *g, struct gossip_time now)
{
    assert(now.mono_ms >= g->now.mono_ms);
    uint64_t since_ms = timers_next_ms(&g->timers);
    if (since_ms < g->now.mono_ms)
        since_ms = g->now.mono_ms;
    g->now = now;
    if (since_ms < now.mono_ms && now.mono_ms - since_ms > STALL_MS)
        health_on_stall(g, now.mono_ms - since_ms);
}

enum gossip_drop gossip_receive(struct gossip *g, struct gossip_time now, const struct addr *from,
                                const uint8_t *bytes, size_t len)
{
    enter(g, now);
    return g->is_stopped ? DROP_NONE : inbox_receive(g, from, bytes, len);
}

static void on_leave_timer(struct gossip *g)
{
    g->is_stopped = true;
    event_push(g, (struct gossip_event){.kind = GOSSIP_EVENT_LEFT});
}

static void fire_records(struct gossip *g, struct timer *timer)
{
    switch (timer->kind) {
    case TIMER_BATCH: batch_on_timer(g); break;
    case TIMER_MISSING: pull_on_missing_timer(g, timer); break;
    case TIMER_PULL: pull_on_timer(g, TIMER_OWNER(timer, struct pull, timer)); break;
    case TIMER_CHECKS: check_on_timer(g); break;
    case TIMER_COMPARE: sync_on_timer(g); break;
    case TIMER_HEAD: head_on_timer(g); break;
    case TIMER_LEASE: lease_on_timer(g, TIMER_OWNER(timer, struct lease, timer)); break;
    case TIMER_MOVED: lease_on_moved_timer(g, TIMER_OWNER(timer, struct lease, moved)); break;
    case TIMER_ORPHANS:
        registry_on_orphan_timer(g, TIMER_OWNER(timer, struct log, orphan_timer));
        break;
    case TIMER_FLOOR: registry_on_floor_timer(g); break;
    case TIMER_FORWARD: forward_on_timer(g, timer); break;
    default: assert(false && "a timer of no kind");
    }
}

static void fire(struct gossip *g, struct timer *timer)
{
    switch (timer->kind) {
    case TIMER_PROBE_PERIOD: detector_on_period(g); break;
    case TIMER_PROBE_STEP:
        detector_on_probe_step(g, TIMER_OWNER(timer, struct probe, timer));
        break;
    case TIMER_RELAY: detector_on_relay(g, TIMER_OWNER(timer, struct probe, timer)); break;
    case TIMER_SUSPICION: suspicion_on_timer(g, TIMER_OWNER(timer, struct suspicion, timer)); break;
    case TIMER_VOICE: voice_on_timer(g); break;
    case TIMER_CUT_OFF: health_on_cut_off_timer(g); break;
    case TIMER_OLD_MEMBERS: detector_on_old_members(g); break;
    case TIMER_JOIN: join_on_timer(g); break;
    case TIMER_HOP: spread_on_hop_timer(g, timer); break;
    case TIMER_ANNOUNCE: announce_on_timer(g); break;
    case TIMER_REPORT: events_report(g); break;
    case TIMER_PACE: break; /* the host drains packets after every tick: that is all it was for */
    case TIMER_LEAVE: on_leave_timer(g); break;
    default: fire_records(g, timer);
    }
}

/* Clients that registered together end together, and each end takes a signature: what is still due
 * after so many is due at once, and a packet or a command may come first. */
#define LEASES_A_TICK 32

void gossip_tick(struct gossip *g, struct gossip_time now)
{
    enter(g, now);
    struct timer *timer;
    size_t leases = 0;
    while (!g->is_stopped && leases < LEASES_A_TICK &&
           (timer = timers_pop(&g->timers, now.mono_ms)) != NULL) {
        leases += timer->kind == TIMER_LEASE;
        fire(g, timer);
    }
}

uint64_t gossip_deadline_ms(const struct gossip *g)
{
    return g->is_stopped ? UINT64_MAX : timers_next_ms(&g->timers);
}

void gossip_checked(struct gossip *g, struct gossip_time now, struct gossip_check *check)
{
    enter(g, now);
    check_verdict(g, check);
}

void gossip_check_all(struct gossip *g, struct gossip_time now)
{
    struct gossip_check *check;
    while ((check = gossip_next_check(g)) != NULL) {
        gossip_check_run(check);
        gossip_checked(g, now, check);
    }
}

bool gossip_next_packet(struct gossip *g, struct gossip_time now, struct addr *to,
                        uint8_t buf[PACKET_MAX_BYTES], size_t *len)
{
    assert(now.mono_ms >= g->now.mono_ms);
    if (g->is_stopped)
        return false;
    return outbox_next(g, to, buf, len);
}

void gossip_register(struct gossip *g, struct gossip_time now, uint64_t request,
                     const struct gossip_registration *registration)
{
    enter(g, now);
    lease_register(g, request, registration);
}

void gossip_heartbeat(struct gossip *g, struct gossip_time now, uint64_t request,
                      struct span peer_id, const uint8_t *token_hash)
{
    enter(g, now);
    forward_heartbeat(g, request, peer_id, token_hash);
}

void gossip_deregister(struct gossip *g, struct gossip_time now, uint64_t request,
                       struct span peer_id, const uint8_t *token_hash)
{
    enter(g, now);
    forward_deregister(g, request, peer_id, token_hash);
}

void gossip_join(struct gossip *g, struct gossip_time now, const struct addr *addrs, size_t count)
{
    enter(g, now);
    join_add(g, addrs, count);
}

void gossip_set_seeds(struct gossip *g, const struct addr *addrs, size_t count)
{
    size_t kept = count < SEEDS_MAX ? count : SEEDS_MAX;
    memcpy(g->join.seeds, addrs, kept * sizeof *addrs);
    g->join.seed_count = kept;
}

void gossip_set_keyring(struct gossip *g, const struct seal_keyring *keyring)
{
    assert(keyring->count >= 1);
    g->config.keyring = *keyring;
}

void gossip_leave(struct gossip *g, struct gossip_time now)
{
    enter(g, now);
    if (g->is_leaving || g->is_stopped)
        return;
    struct member *self = g->members.self;
    struct left left = {g->tag, self->life->epoch, self->life->incarnation};
    struct blob *statement = statement_of_left(&left, &g->config.identity, &g->scope);
    g->stats.signatures_made++;
    g->is_leaving = true;
    spread_news(g, statement);
    blob_release(statement);
    timer_set(&g->timers, &g->leave, TIMER_LEAVE, now.mono_ms + LEAVE_MS);
    event_status_soon(g);
}

void gossip_hold_pulls(struct gossip *g, bool hold)
{
    g->puller.is_held = hold;
}
