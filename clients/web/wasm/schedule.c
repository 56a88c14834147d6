// SPDX-License-Identifier: Apache-2.0
/* schedule.c - what a client does next, when, and with which node */
#include "clients/web/wasm/schedule.h"

#include <assert.h>

#include "gossip/limits.h"

/* Up to a tenth of the interval early: many clients that began together drift apart. */
#define EARLY_DIVISOR 10

static uint32_t clamped(uint32_t value, uint32_t low, uint32_t high)
{
    if (value < low)
        return low;
    return value > high ? high : value;
}

/* --- Intervals ----------------------------------------------------------------------------- */

void schedule_interval_set(struct schedule *schedule, uint32_t interval_ms)
{
    schedule->interval_ms =
        clamped(interval_ms, SCHEDULE_INTERVAL_MIN_MS, SCHEDULE_INTERVAL_MAX_MS);
}

void schedule_init(struct schedule *schedule, uint32_t endpoint_count, uint32_t interval_ms)
{
    assert(endpoint_count >= 1 && endpoint_count <= SCHEDULE_ENDPOINTS_MAX);
    *schedule = (struct schedule){.endpoint_count = endpoint_count};
    schedule_interval_set(schedule, interval_ms);
}

static_assert(SCHEDULE_BEATS_PER_LEASE * (SCHEDULE_INTERVAL_MAX_MS / 1000) <= PEER_TTL_MAX_S,
              "the longest interval has a ttl");

uint32_t schedule_ttl_s(uint32_t interval_ms, bool is_throttled)
{
    uint32_t beat_ms = clamped(interval_ms, SCHEDULE_INTERVAL_MIN_MS, SCHEDULE_INTERVAL_MAX_MS);
    if (is_throttled && beat_ms < SCHEDULE_THROTTLED_MS)
        beat_ms = SCHEDULE_THROTTLED_MS;
    return clamped((SCHEDULE_BEATS_PER_LEASE * beat_ms + 999) / 1000, PEER_TTL_MIN_S,
                   PEER_TTL_MAX_S);
}

/* A node may have granted less than was asked for. */
static uint32_t beat_ms(const struct schedule *schedule, uint32_t ttl_ms)
{
    uint32_t longest = ttl_ms / (SCHEDULE_BEATS_PER_LEASE - 1);
    return longest > 0 && longest < schedule->interval_ms ? longest : schedule->interval_ms;
}

uint32_t schedule_retry_ms(uint32_t failures, uint32_t random)
{
    uint32_t whole = SCHEDULE_RETRY_MIN_MS;
    assert(failures >= 1);
    for (uint32_t i = 1; i < failures && whole < SCHEDULE_RETRY_MAX_MS; i++)
        whole *= 2;
    if (whole > SCHEDULE_RETRY_MAX_MS)
        whole = SCHEDULE_RETRY_MAX_MS;
    return whole / 2 + random % (whole / 2 + 1);
}

/* --- What next ----------------------------------------------------------------------------- */

void schedule_start(struct schedule *schedule, uint64_t now_ms)
{
    if (schedule->is_running)
        return;
    schedule->is_running = true;
    schedule->failures = 0;
    schedule->due_ms = now_ms;
}

void schedule_stop(struct schedule *schedule)
{
    schedule->is_running = false;
    schedule->is_registered = false;
}

/* A lease that ran out while we slept is registered again, rather than refused first. */
static enum schedule_action action_now(const struct schedule *schedule, uint64_t now_ms)
{
    bool is_leased = schedule->is_registered && now_ms < schedule->lease_end_ms;
    return is_leased ? SCHEDULE_HEARTBEAT : SCHEDULE_REGISTER;
}

/* Nothing is ever due later than this: if it seems so, the clock was set back. */
static uint64_t longest_wait_ms(const struct schedule *schedule)
{
    return schedule->interval_ms > SCHEDULE_RETRY_AFTER_MAX_MS ? schedule->interval_ms
                                                               : SCHEDULE_RETRY_AFTER_MAX_MS;
}

struct schedule_decision schedule_decide(const struct schedule *schedule, uint64_t now_ms)
{
    if (!schedule->is_running)
        return (struct schedule_decision){SCHEDULE_WAIT, SCHEDULE_WAIT_FOREVER};
    if (now_ms < schedule->due_ms && schedule->due_ms - now_ms <= longest_wait_ms(schedule))
        return (struct schedule_decision){SCHEDULE_WAIT, (uint32_t)(schedule->due_ms - now_ms)};
    return (struct schedule_decision){action_now(schedule, now_ms), 0};
}

void schedule_done(struct schedule *schedule, uint64_t now_ms, uint32_t ttl_ms, uint32_t random)
{
    uint32_t beat = beat_ms(schedule, ttl_ms);
    schedule->is_registered = true;
    schedule->failures = 0;
    schedule->lease_end_ms = now_ms + ttl_ms;
    schedule->due_ms = now_ms + beat - random % (beat / EARLY_DIVISOR + 1);
}

void schedule_failed(struct schedule *schedule, uint64_t now_ms, uint32_t retry_after_ms,
                     uint32_t random)
{
    if (schedule->failures < UINT32_MAX)
        schedule->failures++;
    uint32_t wait_ms = schedule_retry_ms(schedule->failures, random);
    uint32_t asked_ms = clamped(retry_after_ms, 0, SCHEDULE_RETRY_AFTER_MAX_MS);
    schedule->due_ms = now_ms + (wait_ms > asked_ms ? wait_ms : asked_ms);
}

void schedule_unknown(struct schedule *schedule, uint64_t now_ms)
{
    schedule->is_registered = false;
    schedule->due_ms = now_ms;
}

/* --- Whom to ask --------------------------------------------------------------------------- */

/* Is `a` to be asked before `b`? Ties go by the order in which they were listed. */
static bool goes_before(const struct schedule *schedule, uint32_t a, uint32_t b)
{
    const struct schedule_endpoint *first = &schedule->endpoints[a];
    const struct schedule_endpoint *second = &schedule->endpoints[b];
    if (first->is_failing != second->is_failing)
        return !first->is_failing;
    if (first->is_failing && first->failed_at_ms != second->failed_at_ms)
        return first->failed_at_ms < second->failed_at_ms;
    if (!first->is_failing && (a == schedule->current || b == schedule->current))
        return a == schedule->current;
    return a < b;
}

uint32_t schedule_order(const struct schedule *schedule, uint32_t order[SCHEDULE_ENDPOINTS_MAX])
{
    for (uint32_t i = 0; i < schedule->endpoint_count; i++) {
        uint32_t at = i;
        for (; at > 0 && goes_before(schedule, i, order[at - 1]); at--)
            order[at] = order[at - 1];
        order[at] = i;
    }
    return schedule->endpoint_count;
}

void schedule_endpoint_answered(struct schedule *schedule, uint32_t endpoint)
{
    assert(endpoint < schedule->endpoint_count);
    schedule->endpoints[endpoint].is_failing = false;
    schedule->current = endpoint;
}

void schedule_endpoint_failed(struct schedule *schedule, uint32_t endpoint, uint64_t now_ms)
{
    assert(endpoint < schedule->endpoint_count);
    schedule->endpoints[endpoint] =
        (struct schedule_endpoint){.is_failing = true, .failed_at_ms = now_ms};
}
