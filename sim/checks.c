// SPDX-License-Identifier: Apache-2.0
/* checks.c - what the world tells, handed on to the checkers; and what several of them need */
#include "sim/check_all.h"

#include "sim/memory.h"

#include <assert.h>

/* --- Making ---------------------------------------------------------------------------------- */

struct checks *checks_new(const struct world *world)
{
    struct checks *checks = memory_new(1, sizeof(*checks));
    size_t nodes = world->options.nodes;

    checks->nodes = memory_new(nodes, sizeof(*checks->nodes));
    checks->watch_every = nodes <= CHECKS_NODES_ALL ? 1 : nodes / CHECKS_NODES_SAMPLE;
    sign_scope_of(world->cluster, &checks->scope);
    sign_scope_of(world->foreign_cluster, &checks->foreign_scope);
    return checks;
}

/* Its clocks were what they were: those stay. */
static void forget_life(struct node_checks *node)
{
    int64_t skew_most_ms = node->skew_most_ms;

    free(node->logs);
    free(node->log_at);
    map_free(&node->log_of);
    free(node->heard_us);
    map_free(&node->dropped);
    map_free(&node->deleted);
    map_free(&node->accusers);
    free(node->heard);
    *node = (struct node_checks){.skew_most_ms = skew_most_ms};
}

void checks_free(struct checks *checks)
{
    map_free(&checks->lives);
    map_free(&checks->identity_of);
    map_free(&checks->verified);
    map_free(&checks->said);
    map_free(&checks->ended);
    map_free(&checks->requests);
    map_free(&checks->named);
    map_free(&checks->sent_to);
    map_free(&checks->came_from);
    map_free(&checks->proved);
    map_free(&checks->asked_at);
    map_free(&checks->asked_of);
    free(checks->made);
    free(checks->suspects);
    free(checks->crashes);
    free(checks->clients);
    free(checks->identities);
    map_free(&checks->run_of);
    free(checks->runs);
    free(checks->ends);
    free(checks->ended_now);
    free(checks->nodes);
    free(checks);
}

/* --- Who is who ------------------------------------------------------------------------------ */

void check_identity_add(struct world *world, const struct key_public *id, bool is_foreign,
                        bool is_made_up)
{
    struct checks *checks = world->checks;
    uint64_t tag = node_tag(id), *index = map_put(&checks->identity_of, tag, 0, 0);

    if (*index != 0)
        return;
    checks->identities = memory_reach(checks->identities, &checks->identity_capacity,
                                      checks->identity_count, sizeof(*checks->identities));
    checks->identities[checks->identity_count++] =
        (struct identity){tag, is_foreign, is_made_up, false, *id};
    *index = checks->identity_count;
}

const struct identity *check_identity(const struct world *world, uint64_t tag)
{
    const uint64_t *index = map_find(&world->checks->identity_of, tag, 0, 0);

    return index != NULL ? &world->checks->identities[*index - 1] : NULL;
}

bool check_is_signed(const struct world *world, struct span statement, enum sign_domain domain,
                     uint64_t tag)
{
    const struct identity *signer = check_identity(world, tag);

    if (signer == NULL || statement.len <= STATEMENT_SIGNATURE_BYTES)
        return false;
    return sign_verify(&signer->id,
                       signer->is_foreign ? &world->checks->foreign_scope : &world->checks->scope,
                       domain, statement.data + STATEMENT_SIGNATURE_BYTES,
                       statement.len - STATEMENT_SIGNATURE_BYTES, statement.data);
}

bool check_is_liar(const struct world *world, uint64_t tag)
{
    const struct identity *identity = check_identity(world, tag);
    size_t node = world_node_of_tag(world, tag);

    return (identity != NULL && (identity->is_made_up || identity->is_liars)) ||
           (node != SIZE_MAX && world->nodes[node].is_liar);
}

void checks_on_lie(struct world *world, size_t node)
{
    const uint64_t *index = map_find(&world->checks->identity_of, world->nodes[node].tag, 0, 0);

    world->nodes[node].is_liar = true;
    if (index != NULL)
        world->checks->identities[*index - 1].is_liars = true;
}

/* Of two with one key, either may say what the other must not. */
bool check_has_liars(const struct world *world)
{
    if (world->copies > 0)
        return true;
    for (size_t i = 0; i < world->options.nodes; i++)
        if (world->nodes[i].is_liar)
            return true;
    return false;
}

bool check_is_mild(const struct world *world, uint64_t since_us)
{
    const struct network_faults *faults = &world->network.faults;
    bool is_short = faults->latency_us <= 50000 && faults->jitter_us <= 50000 &&
                    faults->latency_sigma <= 1 && faults->latency_pareto <= 0 &&
                    faults->bandwidth_bytes_per_s <= 0;
    bool is_sound = faults->loss <= 0.05 && faults->burst_enter <= 0 && faults->flip <= 0.01 &&
                    faults->duplicate <= 0.2 && faults->reorder <= 0.2;

    return is_short && is_sound && (world->troubled_us == 0 || world->troubled_us < since_us);
}

static bool has_answered_joins(const struct world *world, size_t seed, size_t node, uint64_t by_us)
{
    const struct node *asked = &world->nodes[seed], *asks = &world->nodes[node];

    if (seed == node)
        return true;
    return asked->core != NULL && (asked->started_us <= asks->started_us ||
                                   asked->started_us + BOUND_SEEDS_ASKED_US < by_us);
}

bool check_has_joined(const struct world *world, size_t node, uint64_t by_us)
{
    bool is_foreign = world_is_foreign(world, node);
    size_t own = world->options.nodes - world->options.foreign;
    size_t first = is_foreign ? own : 0, end = is_foreign ? world->options.nodes : own;

    if (world->nodes[node].started_us + BOUND_BOOT_US >= by_us)
        return false;
    for (size_t i = first; i < end && i < first + world->options.seeds; i++)
        if (!has_answered_joins(world, i, node, by_us))
            return false;
    return true;
}

/* --- What the world tells -------------------------------------------------------------------- */

void checks_on_packet_out(struct world *world, size_t node, const struct addr *to,
                          const uint8_t *bytes, size_t len)
{
    check_packet_out(world, node, bytes, len);
    check_egress_packet(world, node, len);
    check_address_out(world, node, to, len);
}

void checks_on_packet_in(struct world *world, size_t node, const struct addr *from, size_t sender,
                         size_t len)
{
    check_address_in(world, node, from, sender, len);
}

void checks_on_event(struct world *world, size_t node, const struct gossip_event *event)
{
    check_life_event(world, node, event);
    check_death_event(world, node, event);
    check_lease_event(world, node, event);
    check_client_event(world, node, event);
    if (!checks_watch(world, node))
        return;
    check_log_event(world, node, event);
    check_record_event(world, node, event);
}

void checks_on_start(struct world *world, size_t node)
{
    assert(world->nodes[node].core == NULL);
    forget_life(&world->checks->nodes[node]);
    check_identity_add(world, &world->nodes[node].identity.public, world_is_foreign(world, node),
                       false);
    check_crash_start(world);
    check_client_start(world, node);
}

void checks_on_stop(struct world *world, size_t node)
{
    check_crash_stop(world, node);
    check_egress_stop(world, node);
    check_memory_stop(world, node);
    forget_life(&world->checks->nodes[node]);
}

void checks_on_second(struct world *world)
{
    world->checks->seconds++;
    for (size_t i = 0; i < world->options.nodes; i += world->checks->watch_every)
        if (world->nodes[i].core != NULL)
            check_log_second(world, i);
    check_ends_second(world);
    check_death_second(world);
    check_crash_second(world);
    check_client_second(world);
    check_egress_second(world);
    check_memory_second(world);
    check_address_second(world);
    check_settle_second(world);
    check_drain_second(world);
}

void checks_on_command(struct world *world, size_t node, uint64_t request,
                       enum check_command command, struct span peer_id, uint32_t ttl_s)
{
    check_client_command(world, node, request, command, peer_id, ttl_s);
}

void checks_on_heal(struct world *world)
{
    check_settle_heal(world);
}

void checks_on_end(struct world *world)
{
    (void)world;
}
