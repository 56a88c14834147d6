// SPDX-License-Identifier: Apache-2.0
/* lone.h - one core alone in the world: what a home does by itself, without any network
 *
 * It has no seeds, so its first sync is over once it says so. Packets that it would send are
 * counted and dropped. */
#ifndef AURORA_TESTS_GOSSIP_LONE_H
#define AURORA_TESTS_GOSSIP_LONE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "gossip/core.h"

#define LONE_WALL_MS 1700000000000ull
#define LONE_EPOCH   1000
#define LONE_EVENTS  4096

struct lone {
    struct gossip *core;
    struct gossip_time now;
    struct gossip_event events[LONE_EVENTS]; /* since the last lone_forget */
    size_t event_count;
    size_t packet_count;
    uint64_t requests;
};

/* The configuration of `lone_new`'s core; change it, then hand it over. */
void lone_config(struct gossip_config *);
/* NULL: as lone_config makes it. Its first sync is not done yet. */
struct lone *lone_make(const struct gossip_config *);
/* The same, and runs it until its first sync is done. */
struct lone *lone_new(const struct gossip_config *);
void lone_free(struct lone *);
void lone_run_for(struct lone *, uint64_t ms);
void lone_drain(struct lone *);
void lone_forget(struct lone *);

struct gossip_registration lone_registration(const char *peer_id, uint32_t ttl_s);
/* The reply's record is borrowed until lone_forget. */
struct gossip_reply lone_register(struct lone *, const struct gossip_registration *);
struct gossip_reply lone_register_id(struct lone *, const char *peer_id, uint32_t ttl_s);
struct gossip_reply lone_heartbeat(struct lone *, const char *peer_id, const uint8_t *token_hash);
struct gossip_reply lone_deregister(struct lone *, const char *peer_id, const uint8_t *token_hash);

size_t lone_count(const struct lone *, enum gossip_event_kind);
/* The latest event of this kind; asserts that there is one. */
const struct gossip_event *lone_last(const struct lone *, enum gossip_event_kind);
bool lone_sees(const struct lone *, const char *peer_id);
/* The winning record; asserts that there is one. */
struct record lone_record(const struct lone *, const char *peer_id);

#endif
