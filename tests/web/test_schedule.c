// SPDX-License-Identifier: Apache-2.0
/* test_schedule.c - when a client does what, and whom it asks */
#include "clients/web/wasm/schedule.h"

#include "gossip/limits.h"

#include <criterion/criterion.h>
#include <string.h>

#define NOW      1000000u
#define INTERVAL 30000u
#define TTL_MS   120000u
#define FIRST    0u /* the smallest of random numbers: no jitter */

static struct schedule schedule;

static void begin(uint32_t endpoints)
{
    schedule_init(&schedule, endpoints, INTERVAL);
    schedule_start(&schedule, NOW);
}

static void action_is(uint64_t now_ms, enum schedule_action action)
{
    cr_assert_eq(schedule_decide(&schedule, now_ms).action, action, "at %llu: %d, not %d",
                 (unsigned long long)now_ms, schedule_decide(&schedule, now_ms).action, action);
}

static void waits(uint64_t now_ms, uint32_t wait_ms)
{
    action_is(now_ms, SCHEDULE_WAIT);
    cr_assert_eq(schedule_decide(&schedule, now_ms).wait_ms, wait_ms);
}

static void order_is(const char *expected)
{
    uint32_t order[SCHEDULE_ENDPOINTS_MAX];
    uint32_t count = schedule_order(&schedule, order);

    cr_assert_eq(count, strlen(expected));
    for (uint32_t i = 0; i < count; i++)
        cr_assert_eq(order[i], (uint32_t)(expected[i] - '0'), "%u. is %u, expected %s", i, order[i],
                     expected);
}

/* --- Heartbeats ---------------------------------------------------------------------------- */

Test(schedule, it_does_nothing_before_it_is_started)
{
    schedule_init(&schedule, 1, INTERVAL);
    waits(NOW, SCHEDULE_WAIT_FOREVER);
}

Test(schedule, it_registers_first_and_then_sends_heartbeats)
{
    begin(1);
    action_is(NOW, SCHEDULE_REGISTER);
    schedule_done(&schedule, NOW, TTL_MS, FIRST);
    waits(NOW, INTERVAL);
    waits(NOW + INTERVAL - 1, 1);
    action_is(NOW + INTERVAL, SCHEDULE_HEARTBEAT);
    schedule_done(&schedule, NOW + INTERVAL, TTL_MS, FIRST);
    waits(NOW + INTERVAL, INTERVAL);
}

Test(schedule, it_stops)
{
    begin(1);
    schedule_done(&schedule, NOW, TTL_MS, FIRST);
    schedule_stop(&schedule);
    waits(NOW + INTERVAL, SCHEDULE_WAIT_FOREVER);
    schedule_start(&schedule, NOW + INTERVAL);
    action_is(NOW + INTERVAL, SCHEDULE_REGISTER);
}

Test(schedule, to_start_it_again_changes_nothing)
{
    begin(1);
    schedule_done(&schedule, NOW, TTL_MS, FIRST);
    schedule_start(&schedule, NOW + 1);
    waits(NOW + 1, INTERVAL - 1);
}

Test(schedule, heartbeats_come_up_to_a_tenth_early_and_never_late)
{
    uint32_t earliest = INTERVAL, latest = 0;

    begin(1);
    for (uint32_t random = 0; random < 2 * INTERVAL; random += 7) {
        schedule_done(&schedule, NOW, TTL_MS, random);
        uint32_t wait_ms = schedule_decide(&schedule, NOW).wait_ms;
        earliest = wait_ms < earliest ? wait_ms : earliest;
        latest = wait_ms > latest ? wait_ms : latest;
    }
    cr_assert_eq(latest, INTERVAL);
    cr_assert_geq(earliest, INTERVAL - INTERVAL / 10);
    cr_assert_leq(earliest, INTERVAL - INTERVAL / 11, "they are spread");
}

Test(schedule, a_short_lease_makes_heartbeats_more_frequent)
{
    begin(1);
    schedule_done(&schedule, NOW, 10000, FIRST);
    waits(NOW, 10000 / 3);
}

Test(schedule, a_forgotten_peer_is_registered_at_once)
{
    begin(1);
    schedule_done(&schedule, NOW, TTL_MS, FIRST);
    schedule_unknown(&schedule, NOW + 5);
    action_is(NOW + 5, SCHEDULE_REGISTER);
}

Test(schedule, after_a_sleep_longer_than_the_lease_it_registers)
{
    begin(1);
    schedule_done(&schedule, NOW, TTL_MS, FIRST);
    action_is(NOW + TTL_MS - 1, SCHEDULE_HEARTBEAT);
    action_is(NOW + TTL_MS, SCHEDULE_REGISTER);
}

Test(schedule, a_clock_that_is_set_back_does_not_silence_it)
{
    begin(1);
    schedule_done(&schedule, NOW + 100000000, TTL_MS, FIRST);
    action_is(NOW, SCHEDULE_HEARTBEAT);
}

/* --- Retries ------------------------------------------------------------------------------- */

Test(schedule, retries_double_up_to_a_cap_with_half_of_it_jitter)
{
    uint32_t whole = SCHEDULE_RETRY_MIN_MS;

    for (uint32_t failures = 1; failures < 20; failures++) {
        cr_assert_eq(schedule_retry_ms(failures, 0), whole / 2);
        cr_assert_eq(schedule_retry_ms(failures, whole / 2), whole);
        cr_assert_leq(schedule_retry_ms(failures, UINT32_MAX), whole);
        whole = 2 * whole < SCHEDULE_RETRY_MAX_MS ? 2 * whole : SCHEDULE_RETRY_MAX_MS;
    }
    cr_assert_leq(schedule_retry_ms(UINT32_MAX, UINT32_MAX), SCHEDULE_RETRY_MAX_MS);
}

Test(schedule, a_failed_heartbeat_is_tried_again_sooner_than_the_next_one)
{
    begin(1);
    schedule_done(&schedule, NOW, TTL_MS, FIRST);
    schedule_failed(&schedule, NOW + INTERVAL, 0, FIRST);
    waits(NOW + INTERVAL, SCHEDULE_RETRY_MIN_MS / 2);
    action_is(NOW + INTERVAL + SCHEDULE_RETRY_MIN_MS / 2, SCHEDULE_HEARTBEAT);
    schedule_failed(&schedule, NOW, 0, FIRST);
    waits(NOW, SCHEDULE_RETRY_MIN_MS);
    schedule_done(&schedule, NOW, TTL_MS, FIRST);
    schedule_failed(&schedule, NOW, 0, FIRST);
    waits(NOW, SCHEDULE_RETRY_MIN_MS / 2);
}

Test(schedule, a_node_may_ask_for_more_time_but_not_for_ever)
{
    begin(1);
    schedule_failed(&schedule, NOW, 7000, FIRST);
    waits(NOW, 7000);
    schedule_failed(&schedule, NOW, 1, FIRST);
    cr_assert_gt(schedule_decide(&schedule, NOW).wait_ms, 1U);
    schedule_failed(&schedule, NOW, UINT32_MAX, FIRST);
    waits(NOW, SCHEDULE_RETRY_AFTER_MAX_MS);
}

/* --- Leases -------------------------------------------------------------------------------- */

Test(schedule, a_lease_outlives_two_lost_heartbeats_in_a_throttled_tab)
{
    for (uint32_t interval = 0; interval <= SCHEDULE_THROTTLED_MS; interval += 500) {
        cr_assert_geq(schedule_ttl_s(interval, true) * 1000, 3u * SCHEDULE_THROTTLED_MS);
        cr_assert_geq(schedule_ttl_s(interval, false) * 1000, 3 * interval);
    }
    cr_assert_eq(schedule_ttl_s(INTERVAL, true), 240U);
    cr_assert_eq(schedule_ttl_s(INTERVAL, false), 120U);
}

Test(schedule, every_interval_has_a_ttl_that_nodes_take)
{
    cr_assert_eq(schedule_ttl_s(0, false), (uint32_t)PEER_TTL_MIN_S);
    cr_assert_eq(schedule_ttl_s(UINT32_MAX, false), (uint32_t)PEER_TTL_MAX_S);
    cr_assert_eq(schedule_ttl_s(UINT32_MAX, true), (uint32_t)PEER_TTL_MAX_S);
}

Test(schedule, intervals_are_brought_into_their_limits)
{
    schedule_init(&schedule, 1, 0);
    cr_assert_eq(schedule.interval_ms, (uint32_t)SCHEDULE_INTERVAL_MIN_MS);
    schedule_interval_set(&schedule, UINT32_MAX);
    cr_assert_eq(schedule.interval_ms, (uint32_t)SCHEDULE_INTERVAL_MAX_MS);
}

/* --- Endpoints ----------------------------------------------------------------------------- */

Test(schedule, endpoints_are_asked_as_they_were_listed)
{
    begin(4);
    order_is("0123");
}

Test(schedule, who_answered_last_is_asked_first)
{
    begin(4);
    schedule_endpoint_answered(&schedule, 2);
    order_is("2013");
}

Test(schedule, a_dead_node_is_asked_last)
{
    begin(3);
    schedule_endpoint_failed(&schedule, 0, NOW);
    order_is("120");
    schedule_endpoint_answered(&schedule, 1);
    order_is("120");
}

Test(schedule, of_those_that_failed_the_longest_ago_is_asked_first)
{
    begin(4);
    schedule_endpoint_failed(&schedule, 2, NOW);
    schedule_endpoint_failed(&schedule, 0, NOW + 1);
    schedule_endpoint_failed(&schedule, 3, NOW + 2);
    order_is("1203");
    schedule_endpoint_failed(&schedule, 1, NOW + 3);
    order_is("2031");
    schedule_endpoint_failed(&schedule, 2, NOW + 4);
    order_is("0312");
}

Test(schedule, a_node_that_answers_again_is_as_good_as_any)
{
    begin(3);
    schedule_endpoint_failed(&schedule, 0, NOW);
    schedule_endpoint_answered(&schedule, 1);
    schedule_endpoint_answered(&schedule, 0);
    order_is("012");
}

Test(schedule, every_endpoint_is_asked_once_whatever_happened)
{
    uint32_t order[SCHEDULE_ENDPOINTS_MAX], seed = 1;

    begin(SCHEDULE_ENDPOINTS_MAX);
    for (int i = 0; i < 1000; i++) {
        uint32_t seen = 0;
        seed = seed * 1664525u + 1013904223u;
        uint32_t endpoint = (seed >> 16) % SCHEDULE_ENDPOINTS_MAX;
        if (seed >> 31)
            schedule_endpoint_failed(&schedule, endpoint, seed >> 20);
        else
            schedule_endpoint_answered(&schedule, endpoint);
        cr_assert_eq(schedule_order(&schedule, order), (uint32_t)SCHEDULE_ENDPOINTS_MAX);
        for (int at = 0; at < SCHEDULE_ENDPOINTS_MAX; at++)
            seen |= 1u << order[at];
        cr_assert_eq(seen, (1u << SCHEDULE_ENDPOINTS_MAX) - 1);
    }
}
