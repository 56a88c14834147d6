// SPDX-License-Identifier: Apache-2.0
/* storm_client.c - clients in a storm: steady ones, and acts of nobody in particular */
#include "crypto/sign.h"
#include "sim/memory.h"
#include "sim/storm_impl.h"

#include <assert.h>
#include <inttypes.h>
#include <stdio.h>

enum { PICKS = 8 };

enum {
    LOOK_EVERY_US = 3000000,
    STRANGERS = 12, /* ids that are registered, renewed and ended by whoever likes */
};

static uint64_t us_of_s(double s)
{
    return (uint64_t)(s * 1e6);
}

/* --- Steady clients
 * ------------------------------------------------------------------------------------------- */

static void sign_as_peer(const struct storm_client *client,
                         struct gossip_registration *registration)
{
    struct peer_description *peer = &registration->peer;
    uint8_t bytes[STATEMENT_MAX_BYTES];

    peer->is_signed = true;
    peer->peer_version = client->peer_version;
    size_t len = statement_peer_bytes(peer, bytes, sizeof(bytes));
    assert(len > 0);
    sign_make(&client->key, NULL, SIGN_PEER, bytes, len, peer->peer_signature);
}

void storm_client_register(struct storm *storm, struct storm_client *client, size_t node)
{
    struct gossip_registration registration = cluster_registration(client->id, client->ttl_s);

    registration.peer.port = client->port;
    client->peer_version++;
    if (client->kind == CLIENT_KEY)
        sign_as_peer(client, &registration);
    if (client->kind == CLIENT_TOKEN) {
        registration.has_token = registration.has_shown = true;
        memcpy(registration.token_hash, client->token_hash, sizeof(client->token_hash));
        memcpy(registration.shown_hash, client->token_hash, sizeof(client->token_hash));
    }
    client->request = cluster_ask_register_as(storm->cluster, node, &registration);
    client->must_register = false;
    client->home = node;
}

/* What it was told since: an unknown peer must register again; so must one whose registration came
 * to nothing, or was never answered. */
static void take_answer(struct storm *storm, struct storm_client *client)
{
    if (client->request == 0)
        return;
    struct answer answer = cluster_answer(storm->cluster, client->request);
    client->request = 0;
    client->must_register = !answer.is_done || answer.result != RESULT_OK;
}

void storm_client_beat(struct storm *storm, struct storm_client *client)
{
    double every_s = setting(storm->settings, SET_HEARTBEAT_S);

    every_s *= 0.9 + 0.2 * random_unit(&client->random);
    storm_errand(storm, &client->errand, storm->world->now_us + us_of_s(every_s));
    if (client->is_silent)
        return;
    take_answer(storm, client);
    size_t node = client->home;
    if (!storm_can_act(storm, node))
        node = storm_pick(storm, &client->random);
    if (node == SIZE_MAX)
        return;
    if (client->must_register)
        storm_client_register(storm, client, node);
    else
        client->request = cluster_ask_heartbeat(storm->cluster, node, client->id);
    client->home = node;
}

static void name_by_key(struct storm_client *client)
{
    uint8_t seed[KEY_SEED_BYTES];

    random_fill(&client->random, seed, sizeof(seed));
    key_pair_from_seed(seed, &client->key);
    memcpy(client->id, "ed25519:", 8);
    for (size_t i = 0; i < sizeof(client->key.public.bytes); i++)
        snprintf(client->id + 8 + 2 * i, 3, "%02x", client->key.public.bytes[i]);
}

static void make_client(struct storm *storm, struct storm_client *client, size_t number)
{
    static const enum client_kind kinds[] = {CLIENT_PLAIN, CLIENT_KEY, CLIENT_PLAIN, CLIENT_TOKEN};

    client->errand.kind = ERRAND_BEAT;
    client->random = random_stream(storm->seed, 'C' + ((uint64_t)number << 8));
    client->kind = kinds[number % 4];
    client->port = 8080;
    client->home = random_below(&client->random, storm->nodes);
    client->ttl_s = (uint32_t)setting(storm->settings, SET_TTL_S);
    client->must_register = true;
    snprintf(client->id, sizeof(client->id), "client-%zu", number);
    random_fill(&client->random, client->token_hash, sizeof(client->token_hash));
    if (client->kind == CLIENT_KEY)
        name_by_key(client);
}

void storm_clients_start(struct storm *storm)
{
    double every_s = setting(storm->settings, SET_HEARTBEAT_S);

    storm->client_count = setting_count(storm->settings, SET_PEERS);
    storm->clients = memory_new(storm->client_count, sizeof(*storm->clients));
    for (size_t i = 0; i < storm->client_count; i++) {
        struct storm_client *client = &storm->clients[i];

        make_client(storm, client, i);
        double first_s = every_s * random_unit(&client->random);
        storm_errand(storm, &client->errand, storm->world->now_us + us_of_s(first_s));
    }
    storm->operation.kind = ERRAND_OPERATION;
    storm->look.kind = ERRAND_LOOK;
    double per_minute = 60 * setting(storm->settings, SET_OPERATIONS_PER_S);
    if (per_minute > 0)
        storm_errand(storm, &storm->operation,
                     storm->world->now_us + storm_wait_us(&storm->random, per_minute));
}

/* --- Acts of nobody in particular
 * ----------------------------------------------------------------------------- */

/* The way of one registration at a time is timed, until it is looked at. */
static void may_look_at(struct storm *storm, const char *id, uint64_t request)
{
    if (storm->look.entry.place)
        return;
    snprintf(storm->looked_at, sizeof(storm->looked_at), "%s", id);
    storm->look_request = request;
    storm_errand(storm, &storm->look, storm->world->now_us + LOOK_EVERY_US);
}

static void register_somebody(struct storm *storm, size_t node, uint64_t number)
{
    uint32_t ttl_most_s = (uint32_t)setting(storm->settings, SET_TTL_S);
    uint32_t ttl_s = PEER_TTL_MIN_S;
    char id[STORM_ID_BYTES];

    if (ttl_most_s > ttl_s)
        ttl_s += (uint32_t)random_below(&storm->random, ttl_most_s - ttl_s);
    if (random_chance(&storm->random, 0.3)) { /* somebody new */
        snprintf(id, sizeof(id), "new-%" PRIu64, storm->operations);
        may_look_at(storm, id, cluster_ask_register(storm->cluster, node, id, ttl_s));
    } else {
        snprintf(id, sizeof(id), "peer-%" PRIu64, number);
        cluster_ask_register(storm->cluster, node, id, ttl_s);
    }
}

void storm_operate(struct storm *storm)
{
    double per_minute = 60 * setting(storm->settings, SET_OPERATIONS_PER_S);
    uint64_t number = random_below(&storm->random, STRANGERS);
    uint64_t act = random_below(&storm->random, 8);
    size_t node = storm_pick(storm, &storm->random);
    char id[STORM_ID_BYTES];

    storm_errand(storm, &storm->operation,
                 storm->world->now_us + storm_wait_us(&storm->random, per_minute));
    storm->operations++;
    if (node == SIZE_MAX)
        return;
    /* Now and then a client is ended by somebody else. */
    if (number < storm->client_count && act == 7)
        snprintf(id, sizeof(id), "%s", storm->clients[number].id);
    else
        snprintf(id, sizeof(id), "peer-%" PRIu64, number);
    if (act < 4)
        register_somebody(storm, node, number);
    else if (act < 6)
        cluster_ask_heartbeat(storm->cluster, node, id);
    else
        cluster_ask_deregister(storm->cluster, node, id);
}

void storm_look(struct storm *storm)
{
    struct answer answer = cluster_answer(storm->cluster, storm->look_request);

    if (!answer.is_done || answer.result != RESULT_OK)
        return;
    for (size_t i = 0; i < storm->nodes; i++) {
        uint64_t since_us = cluster_peer_since_us(storm->cluster, i, storm->looked_at);

        if (!world_is_present(storm->world, i) || since_us == CLUSTER_NEVER)
            continue;
        storm->visible_ms = memory_reach(storm->visible_ms, &storm->visible_capacity,
                                         storm->visible_count, sizeof(*storm->visible_ms));
        storm->visible_ms[storm->visible_count++] =
            since_us > answer.at_us ? (double)(since_us - answer.at_us) / 1000 : 0;
    }
}

/* --- Their faults
 * -------------------------------------------------------------------------------------- */

static bool choose_client(struct storm *storm, struct fault *fault, struct random *random)
{
    for (int i = 0; i < PICKS && storm->client_count > 0; i++) {
        fault->client = &storm->clients[random_below(random, storm->client_count)];
        if (!fault->client->is_silent)
            return true;
    }
    return false;
}

bool client_begin_silent(struct storm *storm, struct fault *fault, struct random *random)
{
    if (!choose_client(storm, fault, random))
        return false;
    fault->client->is_silent = true;
    return true;
}

/* It comes back, and does not know what became of it. */
void client_end_silent(struct storm *storm, struct fault *fault)
{
    (void)storm;
    fault->client->is_silent = false;
    fault->client->must_register = true;
}

bool client_begin_move(struct storm *storm, struct fault *fault, struct random *random)
{
    fault->node = storm_pick(storm, random);
    if (!choose_client(storm, fault, random) || fault->node == SIZE_MAX)
        return false;
    storm_client_register(storm, fault->client, fault->node);
    return true;
}

bool client_begin_anywhere(struct storm *storm, struct fault *fault, struct random *random)
{
    fault->node = storm_pick(storm, random);
    if (!choose_client(storm, fault, random) || fault->node == SIZE_MAX)
        return false;
    cluster_ask_heartbeat(storm->cluster, fault->node, fault->client->id);
    return true;
}

bool client_begin_twice(struct storm *storm, struct fault *fault, struct random *random)
{
    bool is_changed = random_chance(random, 0.5);

    if (!choose_client(storm, fault, random) || !storm_can_act(storm, fault->client->home))
        return false;
    if (is_changed) /* else it is but a heartbeat */
        fault->client->port++;
    storm_client_register(storm, fault->client, fault->client->home);
    return true;
}

bool client_begin_two_nodes(struct storm *storm, struct fault *fault, struct random *random)
{
    size_t other = storm_pick(storm, random);

    fault->node = storm_pick(storm, random);
    if (!choose_client(storm, fault, random) || fault->node == SIZE_MAX || other == SIZE_MAX)
        return false;
    storm_client_register(storm, fault->client, other);
    storm_client_register(storm, fault->client, fault->node);
    return true;
}
