// SPDX-License-Identifier: Apache-2.0
/* records_fixture.h - one node's record plane, fed by homes that exist only as keys
 *
 * Time moves only where a test says so, and only the record plane's own timers fire: the detector
 * would soon find that nobody is there. */
#ifndef AURORA_TESTS_GOSSIP_RECORDS_FIXTURE_H
#define AURORA_TESTS_GOSSIP_RECORDS_FIXTURE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "gossip/core.h"

#define FIXTURE_EVENTS  8192
#define FIXTURE_TTL_S   300
#define FIXTURE_START   1000000 /* mono_ms */
#define FIXTURE_WALL_MS 1700000000000ull

struct fixture {
    struct gossip *core;
    struct gossip_event events[FIXTURE_EVENTS]; /* since the last fixture_forget */
    size_t event_count;
};

struct fixture_home {
    struct key_pair pair;
    uint64_t tag;
    uint64_t epoch;
    uint64_t incarnation;
};

/* Statements of one home on their way: (v0, v1]. A plain value. */
struct fixture_batch {
    struct fixture_home home;
    uint64_t v0, v1;
    uint64_t applied; /* what its sender has applied; fixture_batch: v1 */
    uint64_t floor;
    uint32_t count;
    size_t len;
    uint8_t bytes[12000];
};

void fixture_config(struct gossip_config *);
struct fixture *fixture_new(void);
struct fixture *fixture_new_with(const struct gossip_config *);
void fixture_free(struct fixture *);

/* The home of this number (two of them: the higher number may have the lower tag), ALIVE at this
 * epoch. */
struct fixture_home fixture_home(struct fixture *, uint8_t number, uint64_t epoch);
/* Its next life; its log of the last one stays. */
void fixture_restart(struct fixture *, struct fixture_home *, uint64_t epoch);
struct member *fixture_member(struct fixture *, const struct fixture_home *);
void fixture_state(struct fixture *, const struct fixture_home *, enum member_state,
                   int64_t since_ms);
void fixture_cut_off(struct fixture *, bool is_cut_off);
/* The home's log of its current epoch; NULL: there is none. */
struct log *fixture_log(const struct fixture *, const struct fixture_home *);
int64_t fixture_now(const struct fixture *);
/* Lets time pass; orphan and floor timers fire when they are due. */
void fixture_wait(struct fixture *, uint64_t ms);

struct fixture_batch fixture_batch(const struct fixture_home *, uint64_t v0, uint64_t v1);
void fixture_set(struct fixture *, struct fixture_batch *, uint64_t version, const char *peer_id,
                 uint64_t seq);
void fixture_set_ttl(struct fixture *, struct fixture_batch *, uint64_t version,
                     const char *peer_id, uint64_t seq, uint32_t ttl_s);
void fixture_delete(struct fixture *, struct fixture_batch *, uint64_t version, const char *peer_id,
                    uint64_t seq);
/* Any record or deletion; its home and epoch are filled in where 0. */
void fixture_put_record(struct fixture *, struct fixture_batch *, struct record);
void fixture_put_deletion(struct fixture *, struct fixture_batch *, struct deletion);
/* A record with nothing unusual in it. */
struct record fixture_record(uint64_t version, const char *peer_id, uint64_t seq);
struct deletion fixture_deletion(uint64_t version, const char *peer_id, uint64_t seq);

/* By tree or pull; makes the log. */
enum batch_verdict fixture_deliver(struct fixture *, const struct fixture_batch *);
/* As a page of a reset pull. */
enum batch_verdict fixture_show(struct fixture *, const struct fixture_batch *, bool is_first,
                                bool is_last);
/* The home signs what this log holds now (or another version, or root) and it is told to the node.
 */
enum head_verdict fixture_head(struct fixture *, const struct fixture_home *, uint64_t version);
/* One set or delete alone, as (version - 1, version]. */
enum batch_verdict fixture_tell_set(struct fixture *, const struct fixture_home *, uint64_t version,
                                    const char *peer_id, uint64_t seq);
enum batch_verdict fixture_tell_delete(struct fixture *, const struct fixture_home *,
                                       uint64_t version, const char *peer_id, uint64_t seq);

bool fixture_sees(const struct fixture *, const char *peer_id);
struct peer *fixture_peer(const struct fixture *, const char *peer_id);
/* The version of the winning operation, 0: none. */
uint64_t fixture_version(const struct fixture *, const char *peer_id);
/* The tag of the winning operation's home. */
uint64_t fixture_winner(const struct fixture *, const char *peer_id);

/* Events since the last forget, about this peer (NULL: any). */
size_t fixture_count(struct fixture *, enum gossip_event_kind, const char *peer_id);
/* The latest of this kind; asserts that there is one. */
const struct gossip_event *fixture_last(struct fixture *, enum gossip_event_kind);
void fixture_forget(struct fixture *);

#endif
