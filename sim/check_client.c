// SPDX-License-Identifier: Apache-2.0
/* check_client.c - I9: whom its client has left is served nowhere for long; I10: a live client of a
 * live home is visible everywhere in time, and never blinks
 *
 * What clients did is known from their commands and answers, and from the HEARTBEATs of homes. I9
 * holds under any fault, at cut-off nodes too: only who is stopped, or slower than its work, is not
 * asked. I10 is asked where nothing troubles anybody since before the registration. */
#include "sim/check_all.h"

#include "sim/memory.h"

#include <inttypes.h>

enum { LEASE_SPARE_S = 2 }; /* a lease that is about to run out may have */

static struct client_check *client_of(struct world *world, size_t peer)
{
    struct checks *checks = world->checks;

    checks->clients =
        memory_reach(checks->clients, &checks->client_capacity, peer, sizeof(*checks->clients));
    return &checks->clients[peer];
}

static void fail(struct world *world, size_t node, enum invariant which, size_t peer,
                 const char *what, uint64_t since_us)
{
    struct span id = intern_name(&world->peer_ids, peer);

    check_failed(world, node, which, "peer %.*s %s (%" PRIu64 " ms)", (int)id.len,
                 (const char *)id.data, what, (world->now_us - since_us) / 1000);
}

/* --- What clients do ------------------------------------------------------------------------- */

static void act(const struct world *world, struct client_check *client)
{
    client->acted_us = world->now_us > 0 ? world->now_us : 1;
    client->is_over = client->is_looked_at = false;
}

void check_client_command(struct world *world, size_t node, uint64_t request,
                          enum check_command command, struct span peer_id, uint32_t ttl_s)
{
    size_t peer = intern_add(&world->peer_ids, peer_id);
    struct client_check *client = client_of(world, peer);

    if (command == CHECK_REGISTER && ttl_s == 0)
        ttl_s = TTL_DEFAULT_S;
    *map_put(&world->checks->requests, request, 0, 0) =
        (uint64_t)peer << 32 | (uint64_t)command << 24 | (ttl_s & 0xffffff);
    if (ttl_s > client->ttl_s)
        client->ttl_s = ttl_s;
    if (ttl_s > world->checks->ttl_most_s)
        world->checks->ttl_most_s = ttl_s;
    if (command != CHECK_DEREGISTER) {
        act(world, client);
        return;
    }
    client->endings++;
    client->expected_us = 0;
    (void)node;
}

/* Registered twice at once: nobody can say here whose lease runs. Then the shorter counts. */
static void registered(struct world *world, size_t node, struct client_check *client,
                       uint32_t ttl_s)
{
    uint64_t until_us = world->now_us + ttl_s * BOUND_SECOND_US;
    bool is_elsewhere = client->expected_us != 0 && client->home != node;

    if (client->endings > 0)
        return;
    if (client->expected_us == 0 || client->lease_until_us < world->now_us)
        client->since_us = world->now_us;
    if (!is_elsewhere || until_us < client->lease_until_us)
        client->lease_until_us = until_us;
    if (client->expected_us == 0)
        client->is_looked_at = false;
    client->expected_us = world->now_us;
    client->home = node;
}

static void answered(struct world *world, size_t node, const struct gossip_reply *reply)
{
    const uint64_t *request = map_find(&world->checks->requests, reply->request, 0, 0);

    if (request == NULL)
        return;
    struct client_check *client = client_of(world, (size_t)(*request >> 32));
    switch ((enum check_command)(*request >> 24 & 0xff)) {
    case CHECK_REGISTER:
        if (reply->result == RESULT_OK)
            registered(world, node, client, (uint32_t)(*request & 0xffffff));
        break;
    case CHECK_HEARTBEAT:
        if (reply->result == RESULT_OK && client->expected_us != 0)
            client->lease_until_us = world->now_us + reply->expires_in_ms * 1000;
        break;
    case CHECK_DEREGISTER: client->endings--; break;
    }
}

static void renewed(struct world *world, const struct gossip_event *event)
{
    struct record record;

    if (statement_read_record(blob_span(event->heartbeat.record), &record))
        act(world, client_of(world, intern_add(&world->peer_ids, record.peer.peer_id)));
}

/* A clock that went back makes a restarted home believe that no time has passed: its leases run
 * anew. */
void check_client_start(struct world *world, size_t node)
{
    struct checks *checks = world->checks;
    int64_t skew_ms = world->nodes[node].skew_ms;
    bool is_back = world->nodes[node].lives > 1 && skew_ms < checks->nodes[node].skew_most_ms;

    if (skew_ms > checks->nodes[node].skew_most_ms || world->nodes[node].lives <= 1)
        checks->nodes[node].skew_most_ms = skew_ms;
    for (size_t i = 0; is_back && i < checks->client_capacity; i++)
        if (checks->clients[i].acted_us != 0)
            act(world, &checks->clients[i]);
}

/* --- I10 ------------------------------------------------------------------------------------- */

static bool is_calm(const struct world *world, const struct client_check *client)
{
    uint64_t since_us =
        client->expected_us > BOUND_CALM_US ? client->expected_us - BOUND_CALM_US : 0;
    const struct node *home = &world->nodes[client->home];

    if (home->core == NULL || !check_has_joined(world, client->home, client->expected_us) ||
        !check_is_mild(world, since_us) || check_has_liars(world))
        return false;
    for (size_t i = 0; i < world->options.nodes; i++)
        if (world_is_node_troubled(world, i, since_us))
            return false;
    return true;
}

static bool was_there(const struct world *world, size_t node, const struct client_check *client)
{
    return world_is_present(world, node) && world_is_same_cluster(world, node, client->home) &&
           check_has_joined(world, node, client->expected_us);
}

static bool lease_runs(const struct world *world, const struct client_check *client)
{
    return client->expected_us != 0 &&
           world->now_us + LEASE_SPARE_S * BOUND_SECOND_US < client->lease_until_us;
}

static void went(struct world *world, size_t node, size_t peer)
{
    const struct client_check *client = client_of(world, peer);

    /* What it was before may end while the news of what it is now are on their way. */
    if (world->now_us > client->since_us + bound_visible_us(world->options.nodes) &&
        lease_runs(world, client) && was_there(world, node, client) && is_calm(world, client))
        fail(world, node, I10, peer, "blinks, though its client and its home are well",
             client->expected_us);
}

static void look_for(struct world *world, size_t peer, struct client_check *client)
{
    client->is_looked_at = true;
    if (!lease_runs(world, client) || !is_calm(world, client))
        return;
    check_asked(world, I10);
    for (size_t i = 0; i < world->options.nodes; i += world->checks->watch_every)
        if (was_there(world, i, client) && !observe_peer(&world->nodes[i].seen, peer)->is_visible)
            fail(world, i, I10, peer, "is not visible here", client->expected_us);
}

/* --- I9 -------------------------------------------------------------------------------------- */

/* Stopped, or slower than its work, now or a moment ago; or a home came back, and its word about
 * this peer may be on its way. */
static bool is_excused(const struct world *world, size_t node)
{
    const struct node_checks *checks = &world->checks->nodes[node];

    return world->nodes[node].core == NULL || world->nodes[node].is_paused ||
           world->now_us < checks->excused_us;
}

static void must_not_serve(struct world *world, size_t node, size_t peer)
{
    if (!is_excused(world, node))
        fail(world, node, I9, peer, "is still served: its client's last act is long ago",
             client_of(world, peer)->acted_us);
}

/* Again until nobody is excused who shows it. */
static void look_for_ghosts(struct world *world, size_t peer, struct client_check *client)
{
    if (!client->is_over)
        check_asked(world, I9);
    client->is_over = client->is_gone = true;
    for (size_t i = 0; i < world->options.nodes; i += world->checks->watch_every) {
        if (!observe_peer(&world->nodes[i].seen, peer)->is_visible || world->nodes[i].core == NULL)
            continue;
        must_not_serve(world, i, peer);
        client->is_gone &= !is_excused(world, i);
    }
}

/* --- Events and seconds ---------------------------------------------------------------------- */

static size_t peer_of(struct world *world, const struct gossip_event *event)
{
    struct record record;

    if (event->peer.record == NULL ||
        !statement_read_record(blob_span(event->peer.record), &record))
        return INTERN_NONE;
    return intern_add(&world->peer_ids, record.peer.peer_id);
}

static void seen(struct world *world, size_t node, const struct gossip_event *event)
{
    size_t peer = peer_of(world, event);

    if (peer == INTERN_NONE)
        return;
    if (event->kind == GOSSIP_EVENT_PEER_DOWN)
        went(world, node, peer);
    else if (client_of(world, peer)->is_over)
        must_not_serve(world, node, peer);
}

void check_client_event(struct world *world, size_t node, const struct gossip_event *event)
{
    switch (event->kind) {
    case GOSSIP_EVENT_REPLY: answered(world, node, &event->reply); break;
    case GOSSIP_EVENT_HEARTBEAT: renewed(world, event); break;
    case GOSSIP_EVENT_HOME:
        if (event->home.standing != HOME_GONE)
            world->checks->nodes[node].excused_us = world->now_us + BOUND_CATCH_UP_US;
        break;
    case GOSSIP_EVENT_PEER_UP:
    case GOSSIP_EVENT_PEER_UPDATE:
    case GOSSIP_EVENT_PEER_DOWN:
        if (checks_watch(world, node))
            seen(world, node, event);
        break;
    default: break;
    }
}

static void excuse_the_slow(struct world *world)
{
    for (size_t i = 0; i < world->options.nodes; i += world->checks->watch_every) {
        const struct node *node = &world->nodes[i];

        if (node->is_paused || node->service_us > 0)
            world->checks->nodes[i].excused_us = world->now_us + BOUND_CATCH_UP_US;
    }
}

/* A share of the peers each second: bounds are much longer than that. */
void check_client_second(struct world *world)
{
    struct checks *checks = world->checks;
    size_t voters = world->options.nodes;

    excuse_the_slow(world);
    for (size_t i = checks->seconds % CLIENTS_EVERY_S; i < checks->client_capacity;
         i += CLIENTS_EVERY_S) {
        struct client_check *client = &checks->clients[i];

        if (client->acted_us == 0 || i >= world->peer_ids.count)
            continue;
        if (client->expected_us != 0 && !client->is_looked_at &&
            world->now_us > client->expected_us + bound_visible_us(voters))
            look_for(world, i, client);
        if (!(client->is_over && client->is_gone) &&
            world->now_us >
                client->acted_us + bound_served_us(&world->config, voters, client->ttl_s))
            look_for_ghosts(world, i, client);
    }
}
