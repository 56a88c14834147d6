// SPDX-License-Identifier: Apache-2.0
/* http_team.c - what the HTTP threads share: limits, statistics, and a door to each of them */
#include "node/http_team.h"

#include <assert.h>
#include <http_parser.h>
#include <pthread.h>
#include <stdatomic.h>
#include <string.h>
#include <unistd.h>

#include "crypto/hash.h"
#include "crypto/key.h"
#include "gossip/mem.h"
#include "gossip/table.h"
#include "node/http_request.h"
#include "node/queue.h"

/* Connections of one address: of one /64 for IPv6, since that is what one household has. */
struct http_address {
    uint64_t hash;
    struct addr addr;
    size_t count;
};

struct http_seat {
    struct queue *arrivals; /* of struct http_arrival */
    struct loop_wake wake;
    atomic_bool is_attached;
    struct http_stats stats;
};

struct http_team {
    uint32_t connections_max, connections_per_address_max;
    uint8_t hash_key[HASH_SHORT_KEY_BYTES];
    pthread_mutex_t lock; /* of what follows; taken when a connection comes or goes */
    struct table by_address;
    size_t count; /* connections, but for those that linger */
    size_t size;
    struct http_seat seats[];
};

struct http_team *http_team_new(size_t threads, uint32_t connections_max,
                                uint32_t connections_per_address_max)
{
    struct http_team *team = mem_alloc(sizeof *team + threads * sizeof team->seats[0]);

    assert(threads >= 1);
    http_parser_set_max_header_size(HTTP_HEAD_MAX_BYTES); /* a global of the library's */
    team->connections_max = connections_max;
    team->connections_per_address_max = connections_per_address_max;
    key_random(team->hash_key, sizeof team->hash_key);
    pthread_mutex_init(&team->lock, NULL);
    team->size = threads;
    for (size_t i = 0; i < threads; i++)
        team->seats[i].arrivals = queue_new(HTTP_ARRIVALS_MAX);
    return team;
}

/* What was on its way when its thread ended. */
static void seat_clear(struct http_team *team, size_t thread)
{
    struct http_arrival *arrival;

    assert(!atomic_load(&team->seats[thread].is_attached));
    while ((arrival = http_team_next(team, thread)) != NULL) {
        close(arrival->number);
        http_team_leave(team, arrival->address, false);
        mem_free(arrival);
    }
    queue_free(team->seats[thread].arrivals);
}

void http_team_free(struct http_team *team)
{
    if (team == NULL)
        return;
    for (size_t i = 0; i < team->size; i++)
        seat_clear(team, i);
    assert(team->count == 0 && team->by_address.count == 0);
    table_free(&team->by_address);
    pthread_mutex_destroy(&team->lock);
    mem_free(team);
}

/* --- Limits ---------------------------------------------------------------------------------- */

static struct addr address_key(const struct addr *addr)
{
    struct addr key = *addr;

    key.port = 0;
    if (key.family == ADDR_IPV6)
        memset(key.ip + 8, 0, 8);
    return key;
}

static struct http_address *address_open(struct http_team *team, const struct addr *addr)
{
    struct addr key = address_key(addr);
    uint64_t hash = hash_short(key.ip, sizeof key.ip, team->hash_key);
    struct http_address *address;
    size_t cursor = 0;

    while ((address = table_next(&team->by_address, hash, &cursor)) != NULL)
        if (addr_equal(&address->addr, &key))
            return address;
    address = mem_alloc(sizeof *address);
    address->hash = hash;
    address->addr = key;
    table_add(&team->by_address, hash, address);
    return address;
}

struct http_address *http_team_enter(struct http_team *team, const struct addr *addr, bool *is_over)
{
    pthread_mutex_lock(&team->lock);
    struct http_address *address = address_open(team, addr);
    *is_over =
        team->count >= team->connections_max || address->count >= team->connections_per_address_max;
    address->count++;
    team->count++;
    pthread_mutex_unlock(&team->lock);
    return address;
}

void http_team_linger(struct http_team *team)
{
    pthread_mutex_lock(&team->lock);
    assert(team->count > 0);
    team->count--;
    pthread_mutex_unlock(&team->lock);
}

void http_team_leave(struct http_team *team, struct http_address *address, bool was_lingering)
{
    pthread_mutex_lock(&team->lock);
    assert(address->count > 0 && (was_lingering || team->count > 0));
    if (!was_lingering)
        team->count--;
    if (--address->count == 0) {
        table_remove(&team->by_address, address->hash, address);
        mem_free(address);
    }
    pthread_mutex_unlock(&team->lock);
}

/* --- Connections on their way ---------------------------------------------------------------- */

struct http_arrival *http_arrival_new(const void *text, size_t len)
{
    struct http_arrival *arrival = mem_alloc(sizeof *arrival + len);

    arrival->number = -1;
    arrival->len = len;
    if (len > 0)
        memcpy(arrival->text, text, len);
    return arrival;
}

void http_team_attach(struct http_team *team, size_t thread, struct loop *loop,
                      void (*on_arrivals)(void *context), void *context)
{
    struct http_seat *seat = &team->seats[thread];

    assert(thread < team->size);
    loop_wake_init(&seat->wake, loop, on_arrivals, context);
    atomic_store(&seat->is_attached, true);
}

void http_team_detach(struct http_team *team, size_t thread)
{
    atomic_store(&team->seats[thread].is_attached, false);
    loop_wake_stop(&team->seats[thread].wake);
}

size_t http_team_idlest(const struct http_team *team)
{
    size_t idlest = 0;

    for (size_t i = 1; i < team->size; i++)
        if (stat_read(&team->seats[i].stats.connections) <
            stat_read(&team->seats[idlest].stats.connections))
            idlest = i;
    return idlest;
}

/* It counts as that thread's from now on: the next one to be sent must see it. */
bool http_team_send(struct http_team *team, size_t thread, struct http_arrival *arrival)
{
    struct http_seat *seat = &team->seats[thread];

    assert(thread < team->size && arrival->number >= 0);
    if (!atomic_load(&seat->is_attached))
        return false;
    atomic_fetch_add(&seat->stats.connections, 1);
    if (!queue_push(seat->arrivals, arrival)) {
        atomic_fetch_sub(&seat->stats.connections, 1);
        return false;
    }
    loop_wake_send(&seat->wake);
    return true;
}

struct http_arrival *http_team_next(struct http_team *team, size_t thread)
{
    return queue_pop(team->seats[thread].arrivals);
}

/* --- Statistics ------------------------------------------------------------------------------ */

struct http_stats *http_team_stats(struct http_team *team, size_t thread)
{
    assert(thread < team->size);
    return &team->seats[thread].stats;
}

void http_team_sum(const struct http_team *team, struct http_stats *sum)
{
    atomic_uint_fast64_t *to = (atomic_uint_fast64_t *)(void *)sum;

    memset(sum, 0, sizeof *sum);
    for (size_t i = 0; i < team->size; i++) {
        const struct http_stats *stats = &team->seats[i].stats;
        const atomic_uint_fast64_t *from = (const atomic_uint_fast64_t *)(const void *)stats;

        for (size_t j = 0; j < sizeof *sum / sizeof to[0]; j++)
            stat_add(&to[j], stat_read(&from[j]));
    }
}

size_t http_team_size(const struct http_team *team)
{
    return team->size;
}
