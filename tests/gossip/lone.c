// SPDX-License-Identifier: Apache-2.0
/* lone.c - one core alone in the world */
#include "tests/gossip/lone.h"

#include <criterion/criterion.h>
#include <stdlib.h>
#include <string.h>

void lone_config(struct gossip_config *config)
{
    static const uint8_t seed[KEY_SEED_BYTES] = {1};
    cr_assert(key_library_init());
    *config = (struct gossip_config){0};
    gossip_config_defaults(config);
    config->cluster = "test";
    config->name = "lone";
    config->zone = "";
    config->http_url = "";
    config->addresses[0] = (struct addr){.family = ADDR_IPV4, .ip = {127, 0, 0, 1}, .port = 4747};
    config->address_count = 1;
    key_pair_from_seed(seed, &config->identity);
    config->seed[0] = 7;
    config->epoch = LONE_EPOCH;
    uint8_t key[SEAL_KEY_BYTES];
    seal_key_from_cluster(config->cluster, key);
    seal_keyring_init(&config->keyring, config->cluster);
    cr_assert_eq(seal_keyring_add(&config->keyring, key), SEAL_OK);
}

struct lone *lone_make(const struct gossip_config *given)
{
    struct gossip_config config;
    lone_config(&config);
    struct lone *lone = calloc(1, sizeof *lone);
    cr_assert_not_null(lone);
    lone->now = (struct gossip_time){1000, LONE_WALL_MS};
    lone->core = gossip_new(given != NULL ? given : &config, lone->now);
    return lone;
}

struct lone *lone_new(const struct gossip_config *config)
{
    struct lone *lone = lone_make(config);
    for (int i = 0; i < 1000 && !lone->core->sync.is_first_done; i++)
        lone_run_for(lone, 10);
    cr_assert(lone->core->sync.is_first_done);
    lone_run_for(lone, 1000);
    lone_forget(lone);
    return lone;
}

void lone_forget(struct lone *lone)
{
    for (size_t i = 0; i < lone->event_count; i++)
        gossip_event_release(&lone->events[i]);
    lone->event_count = 0;
}

void lone_free(struct lone *lone)
{
    lone_forget(lone);
    gossip_free(lone->core);
    free(lone);
}

void lone_drain(struct lone *lone)
{
    uint8_t packet[PACKET_MAX_BYTES];
    struct addr to;
    size_t len;
    gossip_check_all(lone->core, lone->now);
    while (gossip_next_packet(lone->core, lone->now, &to, packet, &len))
        lone->packet_count++;
    while (lone->event_count < LONE_EVENTS &&
           gossip_next_event(lone->core, &lone->events[lone->event_count])) {
        /* These come every second and nobody here asks about them. */
        if (lone->events[lone->event_count].kind == GOSSIP_EVENT_STATUS)
            gossip_event_release(&lone->events[lone->event_count]);
        else
            lone->event_count++;
    }
    cr_assert_lt(lone->event_count, LONE_EVENTS);
}

void lone_run_for(struct lone *lone, uint64_t ms)
{
    uint64_t end_ms = lone->now.mono_ms + ms;
    uint64_t due_ms;
    while ((due_ms = gossip_deadline_ms(lone->core)) <= end_ms) {
        uint64_t at_ms = due_ms > lone->now.mono_ms ? due_ms : lone->now.mono_ms;
        lone->now.wall_ms += at_ms - lone->now.mono_ms;
        lone->now.mono_ms = at_ms;
        gossip_tick(lone->core, lone->now);
        lone_drain(lone);
    }
    lone->now.wall_ms += end_ms - lone->now.mono_ms;
    lone->now.mono_ms = end_ms;
    gossip_tick(lone->core, lone->now);
    lone_drain(lone);
}

struct gossip_registration lone_registration(const char *peer_id, uint32_t ttl_s)
{
    return (struct gossip_registration){
        .peer =
            {
                .peer_id = span_of_text(peer_id),
                .archetypes = {span_of_text("test")},
                .archetype_count = 1,
                .address = span_of_text("10.9.8.7"),
                .port = 8080,
                .metadata = span_of_text("{}"),
                .ttl_s = ttl_s,
            },
    };
}

/* The reply to a registration under load comes when its batch has left. */
static struct gossip_reply reply_to(struct lone *lone, uint64_t request)
{
    lone_drain(lone);
    for (int ms = 0; ms <= BATCH_DELAY_MS; ms++) {
        const struct gossip_event *last = &lone->events[lone->event_count - 1];
        if (lone->event_count > 0 && last->kind == GOSSIP_EVENT_REPLY &&
            last->reply.request == request)
            return last->reply;
        lone_run_for(lone, 1);
    }
    cr_assert(false, "no reply to %lu, or something came after it", (unsigned long)request);
    return (struct gossip_reply){0};
}

struct gossip_reply lone_register(struct lone *lone, const struct gossip_registration *registration)
{
    gossip_register(lone->core, lone->now, ++lone->requests, registration);
    return reply_to(lone, lone->requests);
}

struct gossip_reply lone_register_id(struct lone *lone, const char *peer_id, uint32_t ttl_s)
{
    struct gossip_registration registration = lone_registration(peer_id, ttl_s);
    return lone_register(lone, &registration);
}

struct gossip_reply lone_heartbeat(struct lone *lone, const char *peer_id, const uint8_t *token)
{
    gossip_heartbeat(lone->core, lone->now, ++lone->requests, span_of_text(peer_id), token);
    return reply_to(lone, lone->requests);
}

struct gossip_reply lone_deregister(struct lone *lone, const char *peer_id, const uint8_t *token)
{
    gossip_deregister(lone->core, lone->now, ++lone->requests, span_of_text(peer_id), token);
    return reply_to(lone, lone->requests);
}

size_t lone_count(const struct lone *lone, enum gossip_event_kind kind)
{
    size_t count = 0;
    for (size_t i = 0; i < lone->event_count; i++)
        count += lone->events[i].kind == kind;
    return count;
}

const struct gossip_event *lone_last(const struct lone *lone, enum gossip_event_kind kind)
{
    size_t i = lone->event_count;
    while (i > 0 && lone->events[i - 1].kind != kind)
        i--;
    cr_assert_gt(i, 0U, "no event of kind %d", (int)kind);
    return &lone->events[i - 1];
}

bool lone_sees(const struct lone *lone, const char *peer_id)
{
    struct gossip_peer_info info;
    return gossip_peer_find(lone->core, span_of_text(peer_id), &info) && info.visible;
}

struct record lone_record(const struct lone *lone, const char *peer_id)
{
    struct gossip_peer_info info;
    struct record record;
    cr_assert(gossip_peer_find(lone->core, span_of_text(peer_id), &info), "%s", peer_id);
    cr_assert(statement_read_record(blob_span(info.record), &record), "%s", peer_id);
    return record;
}
