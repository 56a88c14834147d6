// SPDX-License-Identifier: Apache-2.0
/* waiting.c - the exchanges that wait for a reply of the gossip thread */
#include "node/waiting.h"

#include <assert.h>

/* Numbers are consecutive and our own: spreading them is all a hash has to do here. */
static uint64_t number_hash(uint64_t number)
{
    return number * 0x9e3779b97f4a7c15u;
}

void waiting_free(struct waiting *waiting)
{
    assert(waiting->by_number.count == 0);
    table_free(&waiting->by_number);
}

bool waiting_add(struct waiting *waiting, struct http_exchange *exchange, uint64_t now_ms)
{
    assert(exchange->state == EXCHANGE_OPEN);
    if (waiting->by_number.count >= WAITING_MAX)
        return false;
    exchange->state = EXCHANGE_WAITING;
    exchange->number = ++waiting->next_number;
    exchange->deadline_ms = now_ms + WAITING_TIMEOUT_MS;
    exchange->waiting_after = NULL;
    exchange->waiting_before = waiting->newest;
    *(waiting->newest != NULL ? &waiting->newest->waiting_after : &waiting->oldest) = exchange;
    waiting->newest = exchange;
    table_add(&waiting->by_number, number_hash(exchange->number), exchange);
    return true;
}

void waiting_remove(struct waiting *waiting, struct http_exchange *exchange)
{
    assert(exchange->state == EXCHANGE_WAITING);
    table_remove(&waiting->by_number, number_hash(exchange->number), exchange);
    *(exchange->waiting_before != NULL ? &exchange->waiting_before->waiting_after
                                       : &waiting->oldest) = exchange->waiting_after;
    *(exchange->waiting_after != NULL ? &exchange->waiting_after->waiting_before
                                      : &waiting->newest) = exchange->waiting_before;
    exchange->state = EXCHANGE_OPEN;
}

struct http_exchange *waiting_take(struct waiting *waiting, uint64_t number)
{
    struct http_exchange *exchange;
    size_t cursor = 0;

    while ((exchange = table_next(&waiting->by_number, number_hash(number), &cursor)) != NULL)
        if (exchange->number == number) {
            waiting_remove(waiting, exchange);
            return exchange;
        }
    return NULL;
}

struct http_exchange *waiting_expire(struct waiting *waiting, uint64_t now_ms)
{
    struct http_exchange *oldest = waiting->oldest;

    if (oldest == NULL || oldest->deadline_ms > now_ms)
        return NULL;
    waiting_remove(waiting, oldest);
    return oldest;
}
