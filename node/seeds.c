// SPDX-License-Identifier: Apache-2.0
/* seeds.c - whom to join through: the configured endpoints, and what addresses they stand for now
 */
#include "node/seeds.h"

#include <assert.h>
#include <string.h>

#include "node/log.h"

void seeds_init(struct seeds *seeds, const struct addr *own, size_t own_count)
{
    memset(seeds, 0, sizeof *seeds);
    seeds->own = own;
    seeds->own_count = own_count;
}

static bool endpoint_equal(const struct config_endpoint *a, const struct config_endpoint *b)
{
    return a->port == b->port && strcmp(a->host, b->host) == 0;
}

static const struct seed *seed_find(const struct seeds *seeds, const struct config_endpoint *wanted)
{
    for (size_t i = 0; i < seeds->count; i++) {
        if (endpoint_equal(&seeds->list[i].endpoint, wanted))
            return &seeds->list[i];
    }
    return NULL;
}

void seeds_set(struct seeds *seeds, const struct config_endpoint *endpoints, size_t count)
{
    struct seed list[SEEDS_MAX];
    struct addr literal;

    assert(count <= SEEDS_MAX);
    for (size_t i = 0; i < count; i++) {
        const struct seed *known = seed_find(seeds, &endpoints[i]);

        list[i] = known != NULL ? *known : (struct seed){.endpoint = endpoints[i]};
        list[i].is_literal = resolver_is_literal(&endpoints[i], &literal);
        if (list[i].is_literal) {
            list[i].addrs[0] = literal;
            list[i].count = 1;
        }
    }
    memcpy(seeds->list, list, count * sizeof list[0]);
    seeds->count = count;
}

void seeds_resolve(struct seeds *seeds, struct resolver *resolver)
{
    for (size_t i = 0; i < seeds->count; i++) {
        if (!seeds->list[i].is_literal && resolver_ask(resolver, &seeds->list[i].endpoint, seeds))
            seeds->waiting++;
    }
}

static void seed_failed(struct seed *seed, const struct resolver_answer *answer)
{
    if (!seed->is_failing)
        log_say(LOG_LEVEL_WARNING, "seed.unresolved",
                "a seed's host name cannot be resolved; trying again",
                log_text("host", answer->host), log_text("error", answer->error));
    seed->is_failing = true;
}

/* The port is the seed's own: two seeds may name one host. */
static bool seed_take(struct seed *seed, const struct resolver_answer *answer)
{
    bool is_same = seed->count == answer->count;

    for (size_t i = 0; i < answer->count; i++) {
        struct addr addr = answer->addrs[i];

        addr.port = seed->endpoint.port;
        is_same = is_same && addr_equal(&seed->addrs[i], &addr);
        seed->addrs[i] = addr;
    }
    seed->count = answer->count;
    seed->is_failing = false;
    return !is_same;
}

bool seeds_on_answer(struct seeds *seeds, const struct resolver_answer *answer)
{
    bool is_changed = false;

    if (seeds->waiting > 0)
        seeds->waiting--;
    for (size_t i = 0; i < seeds->count; i++) {
        struct seed *seed = &seeds->list[i];

        if (seed->is_literal || strcmp(seed->endpoint.host, answer->host) != 0)
            continue;
        if (answer->count == 0)
            seed_failed(seed, answer);
        else
            is_changed = seed_take(seed, answer) || is_changed;
    }
    return is_changed;
}

bool seeds_are_resolved(const struct seeds *seeds)
{
    return seeds->waiting == 0;
}

static bool is_among(const struct addr *list, size_t count, const struct addr *addr)
{
    for (size_t i = 0; i < count; i++) {
        if (addr_equal(&list[i], addr))
            return true;
    }
    return false;
}

static bool can_send_to(const struct seeds *seeds, const struct addr *addr)
{
    for (size_t i = 0; i < seeds->own_count; i++) {
        if (seeds->own[i].family == addr->family)
            return !is_among(seeds->own, seeds->own_count, addr);
    }
    return false;
}

size_t seeds_addresses(const struct seeds *seeds, struct addr out[SEEDS_MAX])
{
    size_t count = 0;

    for (size_t i = 0; i < seeds->count; i++) {
        for (size_t j = 0; j < seeds->list[i].count && count < SEEDS_MAX; j++) {
            const struct addr *addr = &seeds->list[i].addrs[j];

            if (can_send_to(seeds, addr) && !is_among(out, count, addr))
                out[count++] = *addr;
        }
    }
    return count;
}
