// SPDX-License-Identifier: Apache-2.0
/* main.c - what JavaScript can call: one draft and one schedule for each instance of the module
 *
 * Numbers cross as they are (times as doubles: milliseconds fit 53 bits for 285,000 years), texts
 * through the memory. Nothing is imported: the module can compute, and nothing else. */
#include <assert.h>

#include "clients/web/wasm/draft.h"
#include "clients/web/wasm/schedule.h"

#define EXPORT(type, name, ...)                                                \
    __attribute__((export_name(#name), used)) type export_##name(__VA_ARGS__); \
    type export_##name(__VA_ARGS__)

static struct draft draft;
static struct schedule schedule;
static uint32_t order[SCHEDULE_ENDPOINTS_MAX];

/* A broken promise of our own: a trap, which JavaScript sees as a WebAssembly.RuntimeError. The C
 * library's would bring its files and printf along. */
_Noreturn void __assert_fail(const char *what, const char *file, int line, const char *function);
_Noreturn void __assert_fail(const char *what, const char *file, int line, const char *function)
{
    (void)what, (void)file, (void)line, (void)function;
    __builtin_trap();
}

static uint64_t ms(double time)
{
    return time >= 0 && time < 9007199254740992.0 ? (uint64_t)time : 0;
}

/* --- A peer's description ------------------------------------------------------------------ */

EXPORT(void, draft_begin, void)
{
    draft_begin(&draft);
}

EXPORT(uint8_t *, draft_room, void)
{
    return draft_room(&draft);
}

EXPORT(uint32_t, draft_room_bytes, void)
{
    return (uint32_t)draft_room_bytes(&draft);
}

EXPORT(void, draft_text, uint32_t field, uint32_t len)
{
    draft_text(&draft, (enum draft_field)field, len);
}

EXPORT(void, draft_numbers, uint32_t port, uint32_t ttl_s)
{
    draft_numbers(&draft, port, ttl_s);
}

EXPORT(void, draft_version, uint64_t peer_version)
{
    draft_version(&draft, peer_version);
}

EXPORT(const char *, draft_check, void)
{
    return draft_check(&draft);
}

EXPORT(uint32_t, draft_encode, void)
{
    return (uint32_t)draft_encode(&draft);
}

EXPORT(const uint8_t *, draft_out, void)
{
    return draft.out;
}

EXPORT(uint32_t, draft_frame_bytes, void)
{
    return DRAFT_FRAME_BYTES;
}

/* --- The schedule -------------------------------------------------------------------------- */

EXPORT(void, schedule_init, uint32_t endpoint_count, uint32_t interval_ms)
{
    schedule_init(&schedule, endpoint_count, interval_ms);
}

EXPORT(void, schedule_interval_set, uint32_t interval_ms)
{
    schedule_interval_set(&schedule, interval_ms);
}

EXPORT(uint32_t, schedule_ttl_s, uint32_t interval_ms, uint32_t is_throttled)
{
    return schedule_ttl_s(interval_ms, is_throttled != 0);
}

EXPORT(void, schedule_start, double now)
{
    schedule_start(&schedule, ms(now));
}

EXPORT(void, schedule_stop, void)
{
    schedule_stop(&schedule);
}

EXPORT(uint32_t, schedule_action, double now)
{
    return (uint32_t)schedule_decide(&schedule, ms(now)).action;
}

EXPORT(double, schedule_wait_ms, double now)
{
    return schedule_decide(&schedule, ms(now)).wait_ms;
}

EXPORT(void, schedule_done, double now, uint32_t ttl_ms, uint32_t random)
{
    schedule_done(&schedule, ms(now), ttl_ms, random);
}

EXPORT(void, schedule_failed, double now, uint32_t retry_after_ms, uint32_t random)
{
    schedule_failed(&schedule, ms(now), retry_after_ms, random);
}

EXPORT(void, schedule_unknown, double now)
{
    schedule_unknown(&schedule, ms(now));
}

EXPORT(const uint32_t *, schedule_order, void)
{
    schedule_order(&schedule, order);
    return order;
}

EXPORT(void, schedule_answered, uint32_t endpoint)
{
    schedule_endpoint_answered(&schedule, endpoint);
}

EXPORT(void, schedule_endpoint_failed, uint32_t endpoint, double now)
{
    schedule_endpoint_failed(&schedule, endpoint, ms(now));
}

EXPORT(uint32_t, schedule_retry_ms, uint32_t failures, uint32_t random)
{
    return schedule_retry_ms(failures, random);
}
