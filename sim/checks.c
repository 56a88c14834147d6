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
    return checks;
}

static void forget_life(struct node_checks *node)
{
    map_free(&node->applied);
    map_free(&node->dropped);
    map_free(&node->deleted);
    map_free(&node->accusers);
    free(node->heard);
    *node = (struct node_checks){0};
}

void checks_free(struct checks *checks)
{
    map_free(&checks->lives);
    map_free(&checks->identity_of);
    map_free(&checks->verified);
    map_free(&checks->said);
    map_free(&checks->ended);
    free(checks->identities);
    free(checks->nonces.prints);
    free(checks->ends);
    free(checks->nodes);
    free(checks);
}

/* --- Who is who ------------------------------------------------------------------------------ */

static void identity_add(struct checks *checks, const struct node *node)
{
    uint64_t *index = map_put(&checks->identity_of, node->tag, 0, 0);

    if (*index != 0)
        return;
    checks->identities = memory_reach(checks->identities, &checks->identity_capacity,
                                      checks->identity_count, sizeof(*checks->identities));
    checks->identities[checks->identity_count++] =
        (struct identity){node->tag, node->identity.public};
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
    return sign_verify(&signer->id, &world->checks->scope, domain,
                       statement.data + STATEMENT_SIGNATURE_BYTES,
                       statement.len - STATEMENT_SIGNATURE_BYTES, statement.data);
}

bool check_is_liar(const struct world *world, size_t node)
{
    return world->nodes[node].is_liar;
}

bool check_has_liars(const struct world *world)
{
    for (size_t i = 0; i < world->options.nodes; i++)
        if (world->nodes[i].is_liar)
            return true;
    return false;
}

/* --- What the world tells -------------------------------------------------------------------- */

void checks_on_packet_out(struct world *world, size_t node, const struct addr *to,
                          const uint8_t *bytes, size_t len)
{
    (void)to;
    check_packet_out(world, node, bytes, len);
}

void checks_on_packet_in(struct world *world, size_t node, const struct addr *from, size_t sender,
                         size_t len)
{
    (void)world;
    (void)node;
    (void)from;
    (void)sender;
    (void)len;
}

void checks_on_event(struct world *world, size_t node, const struct gossip_event *event)
{
    check_life_event(world, node, event);
    check_death_event(world, node, event);
    check_lease_event(world, node, event);
    if (!checks_watch(world, node))
        return;
    check_log_event(world, node, event);
    check_record_event(world, node, event);
}

void checks_on_start(struct world *world, size_t node)
{
    assert(world->nodes[node].core == NULL);
    forget_life(&world->checks->nodes[node]);
    identity_add(world->checks, &world->nodes[node]);
}

void checks_on_stop(struct world *world, size_t node)
{
    forget_life(&world->checks->nodes[node]);
}

void checks_on_second(struct world *world)
{
    for (size_t i = 0; i < world->options.nodes; i += world->checks->watch_every)
        if (world->nodes[i].core != NULL)
            check_log_second(world, i);
}

void checks_on_command(struct world *world, size_t node, uint64_t request,
                       enum check_command command, struct span peer_id, uint32_t ttl_s)
{
    (void)world;
    (void)node;
    (void)request;
    (void)command;
    (void)peer_id;
    (void)ttl_s;
}

void checks_on_heal(struct world *world)
{
    (void)world;
}

void checks_on_end(struct world *world)
{
    (void)world;
}
