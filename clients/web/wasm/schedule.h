// SPDX-License-Identifier: Apache-2.0
/* schedule.h - what a client does next, when, and with which node
 *
 * Pure: the time (any clock in milliseconds, best the wall's, which goes on while a laptop sleeps)
 * and random numbers come in, decisions come out. Whoever runs it asks schedule_decide(), does
 * what it says, reports how that went, and asks again after `wait_ms` at the latest. Nothing
 * depends on timers being on time: a tab in the background gets one a minute, and a laptop that
 * slept gets none for hours. */
#ifndef AURORA_CLIENTS_WEB_SCHEDULE_H
#define AURORA_CLIENTS_WEB_SCHEDULE_H

#include <stdbool.h>
#include <stdint.h>

/* More nodes than anybody lists by hand; a failing one costs a timeout each round. */
#define SCHEDULE_ENDPOINTS_MAX 16
/* The slowest that browsers let the timers of a hidden page run. */
#define SCHEDULE_THROTTLED_MS 60000
/* So many heartbeats fit into a lease: two may be lost, and one be late. */
#define SCHEDULE_BEATS_PER_LEASE    4
#define SCHEDULE_INTERVAL_MIN_MS    1000
#define SCHEDULE_INTERVAL_MAX_MS    (6 * 3600 * 1000)
#define SCHEDULE_RETRY_MIN_MS       500
#define SCHEDULE_RETRY_MAX_MS       30000
#define SCHEDULE_RETRY_AFTER_MAX_MS (10 * 60 * 1000) /* what a node may ask us to wait */
#define SCHEDULE_WAIT_FOREVER       UINT32_MAX

enum schedule_action {
    SCHEDULE_WAIT = 0,
    SCHEDULE_REGISTER = 1,
    SCHEDULE_HEARTBEAT = 2,
};

struct schedule_endpoint {
    bool is_failing;       /* since its last success */
    uint64_t failed_at_ms; /* when it failed last */
};

struct schedule {
    struct schedule_endpoint endpoints[SCHEDULE_ENDPOINTS_MAX];
    uint32_t endpoint_count;
    uint32_t current; /* the one that answered last */
    uint32_t interval_ms;
    bool is_running;
    bool is_registered;
    uint64_t due_ms;       /* the next action */
    uint64_t lease_end_ms; /* as far as we know */
    uint32_t failures;     /* in a row */
};

struct schedule_decision {
    enum schedule_action action;
    uint32_t wait_ms; /* with SCHEDULE_WAIT: ask again after so long */
};

/* The interval is brought into its limits; endpoint_count is 1 to SCHEDULE_ENDPOINTS_MAX
 * (asserted). It does not run yet. */
void schedule_init(struct schedule *, uint32_t endpoint_count, uint32_t interval_ms);
/* Changes how often; takes effect with the next heartbeat. */
void schedule_interval_set(struct schedule *, uint32_t interval_ms);
/* The ttl, in seconds, to register with for that interval: within the protocol's limits, and where
 * timers may be throttled, such that a heartbeat a minute is enough. */
uint32_t schedule_ttl_s(uint32_t interval_ms, bool is_throttled);

void schedule_start(struct schedule *, uint64_t now_ms);
void schedule_stop(struct schedule *);
struct schedule_decision schedule_decide(const struct schedule *, uint64_t now_ms);

/* How a registration or heartbeat went. `random` spreads what many clients do. */
void schedule_done(struct schedule *, uint64_t now_ms, uint32_t ttl_ms, uint32_t random);
/* `retry_after_ms`: a node asked for at least that much; 0: none did. */
void schedule_failed(struct schedule *, uint64_t now_ms, uint32_t retry_after_ms, uint32_t random);
/* The cluster does not know the peer: register, at once. */
void schedule_unknown(struct schedule *, uint64_t now_ms);

/* In which order to ask the endpoints: the one that answered last; then the others as they were
 * listed; then those that failed, the longest ago first. A dead node costs one timeout, and then
 * comes last. Returns how many, all of them. */
uint32_t schedule_order(const struct schedule *, uint32_t order[SCHEDULE_ENDPOINTS_MAX]);
void schedule_endpoint_answered(struct schedule *, uint32_t endpoint);
void schedule_endpoint_failed(struct schedule *, uint32_t endpoint, uint64_t now_ms);

/* How long to wait after so many failures in a row (at least 1): it doubles up to a cap, and is
 * somewhere in the upper half of that, so that those who lost one node don't return as one. */
uint32_t schedule_retry_ms(uint32_t failures, uint32_t random);

#endif
