// SPDX-License-Identifier: Apache-2.0
/* cluster_client.c - commands, and clients that heartbeat */
#include "sim/cluster.h"

#include "sim/checks.h"
#include "sim/cluster_impl.h"
#include "sim/memory.h"
#include "sim/narrate.h"

#include <assert.h>
#include <inttypes.h>
#include <stdio.h>

enum { REPLY_BOUND_US = 60 * 1000 * 1000 };

/* --- Commands
 * ------------------------------------------------------------------------------------------ */

static struct gossip *core_for(struct cluster *cluster, size_t node)
{
    assert(world_is_present(cluster->world, node) || cluster->world->nodes[node].is_blocked);
    return cluster->world->nodes[node].core;
}

static enum gossip_result await(struct cluster *cluster, uint64_t request)
{
    uint64_t limit_us = cluster_now_us(cluster) + REPLY_BOUND_US;

    cluster->last_request = request;
    while (!cluster->world->answers[request].is_done && cluster_step(cluster, limit_us))
        ;
    if (!cluster->world->answers[request].is_done) {
        fprintf(stderr, "seed %" PRIu64 ": a command was never answered\n", cluster_seed(cluster));
        abort();
    }
    return cluster->world->answers[request].result;
}

uint64_t cluster_ask_register_as(struct cluster *cluster, size_t node,
                                 const struct gossip_registration *registration)
{
    struct gossip *core = core_for(cluster, node);
    uint64_t request = world_request(cluster->world);

    narrate_command(cluster->world, node, request, "register", registration->peer.peer_id,
                    registration->peer.ttl_s);
    checks_on_command(cluster->world, node, request, CHECK_REGISTER, registration->peer.peer_id,
                      registration->peer.ttl_s);
    gossip_register(core, cluster_time(cluster, node), request, registration);
    cluster_drain(cluster, node);
    return request;
}

struct gossip_registration cluster_registration(const char *peer_id, uint32_t ttl_s)
{
    return (struct gossip_registration){.peer = {.peer_id = span_of_text(peer_id),
                                                 .archetypes = {span_of_text("test")},
                                                 .archetype_count = 1,
                                                 .address = span_of_text("10.9.8.7"),
                                                 .port = 8080,
                                                 .metadata = span_of_text("{}"),
                                                 .ttl_s = ttl_s}};
}

enum gossip_result cluster_register(struct cluster *cluster, size_t node, const char *peer_id)
{
    return cluster_register_ttl(cluster, node, peer_id, TTL_DEFAULT_S);
}

enum gossip_result cluster_register_ttl(struct cluster *cluster, size_t node, const char *peer_id,
                                        uint32_t ttl_s)
{
    return await(cluster, cluster_ask_register(cluster, node, peer_id, ttl_s));
}

enum gossip_result cluster_register_as(struct cluster *cluster, size_t node,
                                       const struct gossip_registration *registration)
{
    return await(cluster, cluster_ask_register_as(cluster, node, registration));
}

enum gossip_result cluster_heartbeat(struct cluster *cluster, size_t node, const char *peer_id)
{
    return await(cluster, cluster_ask_heartbeat(cluster, node, peer_id));
}

enum gossip_result cluster_deregister(struct cluster *cluster, size_t node, const char *peer_id)
{
    return await(cluster, cluster_ask_deregister(cluster, node, peer_id));
}

struct answer cluster_last_answer(const struct cluster *cluster)
{
    return cluster_answer(cluster, cluster->last_request);
}

uint64_t cluster_ask_register(struct cluster *cluster, size_t node, const char *peer_id,
                              uint32_t ttl_s)
{
    struct gossip_registration registration = cluster_registration(peer_id, ttl_s);

    return cluster_ask_register_as(cluster, node, &registration);
}

uint64_t cluster_ask_heartbeat(struct cluster *cluster, size_t node, const char *peer_id)
{
    struct gossip *core = core_for(cluster, node);
    uint64_t request = world_request(cluster->world);

    narrate_command(cluster->world, node, request, "heartbeat", span_of_text(peer_id), 0);
    checks_on_command(cluster->world, node, request, CHECK_HEARTBEAT, span_of_text(peer_id), 0);
    gossip_heartbeat(core, cluster_time(cluster, node), request, span_of_text(peer_id), NULL);
    cluster_drain(cluster, node);
    return request;
}

uint64_t cluster_ask_deregister(struct cluster *cluster, size_t node, const char *peer_id)
{
    struct gossip *core = core_for(cluster, node);
    uint64_t request = world_request(cluster->world);

    narrate_command(cluster->world, node, request, "deregister", span_of_text(peer_id), 0);
    checks_on_command(cluster->world, node, request, CHECK_DEREGISTER, span_of_text(peer_id), 0);
    gossip_deregister(core, cluster_time(cluster, node), request, span_of_text(peer_id), NULL);
    cluster_drain(cluster, node);
    return request;
}

struct answer cluster_answer(const struct cluster *cluster, uint64_t request)
{
    assert(request > 0 && request <= cluster->world->requests);
    return cluster->world->answers[request];
}

/* --- Clients
 * ------------------------------------------------------------------------------------------- */

static struct client *find_client(const struct cluster *cluster, const char *peer_id)
{
    struct client *client = cluster->clients;

    while (client != NULL && strcmp(client->peer_id, peer_id) != 0)
        client = client->next;
    return client;
}

static void tally(struct client *client, const struct answer *answer)
{
    client->stats.last = answer->result;
    if (answer->result == RESULT_OK)
        client->stats.ok++;
    else if (answer->result == RESULT_UNKNOWN_PEER)
        client->stats.unknown++;
    else
        client->stats.other++;
}

/* Counts what was answered since; keeps what was not. */
static void collect(const struct cluster *cluster, struct client *client)
{
    for (size_t i = 0; i < CLIENT_PENDING_MAX; i++) {
        if (client->pending[i] == 0 || !cluster->world->answers[client->pending[i]].is_done)
            continue;
        tally(client, &cluster->world->answers[client->pending[i]]);
        client->pending[i] = 0;
    }
}

/* Its oldest question makes room: a connection that was reset. */
static void remember(struct client *client, uint64_t request)
{
    size_t oldest = 0;

    for (size_t i = 1; i < CLIENT_PENDING_MAX; i++)
        if (client->pending[i] < client->pending[oldest])
            oldest = i;
    if (client->pending[oldest] != 0)
        client->stats.other++;
    client->pending[oldest] = request;
}

void client_on_alarm(struct cluster *cluster, struct client *client)
{
    world_set_alarm(cluster->world, &client->alarm, cluster_now_us(cluster) + client->every_us);
    collect(cluster, client);
    if (client->alternates)
        client->turn++;
    for (size_t i = 0; i < client->node_count; i++, client->turn++) {
        size_t node = client->nodes[client->turn % client->node_count];

        if (world_is_present(cluster->world, node)) {
            client->stats.sent++;
            remember(client, cluster_ask_heartbeat(cluster, node, client->peer_id));
            return;
        }
    }
    client->stats.refused++;
}

void cluster_client_start(struct cluster *cluster, const char *peer_id, uint64_t every_ms,
                          const size_t *nodes, size_t node_count, bool alternates)
{
    struct client *client = memory_new(1, sizeof(*client));

    assert(node_count > 0 && node_count <= CLIENT_NODES_MAX && every_ms > 0);
    assert(find_client(cluster, peer_id) == NULL);
    client->peer_id = memory_new(1, strlen(peer_id) + 1);
    memcpy(client->peer_id, peer_id, strlen(peer_id));
    client->every_us = every_ms * 1000;
    memcpy(client->nodes, nodes, node_count * sizeof(*nodes));
    client->node_count = node_count;
    client->alternates = alternates;
    client->next = cluster->clients;
    cluster->clients = client;
    world_set_alarm(cluster->world, &client->alarm,
                    cluster_now_us(cluster) + random_below(&cluster->random, client->every_us));
}

static void free_client(struct cluster *cluster, struct client *client)
{
    if (client->alarm.place)
        heap_remove(&cluster->world->heap, &client->alarm);
    free(client->peer_id);
    free(client);
}

void cluster_client_stop(struct cluster *cluster, const char *peer_id)
{
    struct client **link = &cluster->clients;

    while (*link != NULL && strcmp((*link)->peer_id, peer_id) != 0)
        link = &(*link)->next;
    if (*link == NULL)
        return;
    struct client *client = *link;
    *link = client->next;
    free_client(cluster, client);
}

void clients_free(struct cluster *cluster)
{
    while (cluster->clients != NULL) {
        struct client *client = cluster->clients;

        cluster->clients = client->next;
        free_client(cluster, client);
    }
}

struct client_stats cluster_client_stats(const struct cluster *cluster, const char *peer_id)
{
    struct client *client = find_client(cluster, peer_id);

    if (client == NULL)
        return (struct client_stats){0};
    collect(cluster, client);
    return client->stats;
}
