// SPDX-License-Identifier: Apache-2.0
/* cast.h - one real core and a cast of actors around it: members whose keys the test holds
 *
 * Actors say what the test has them say. One that `answers` also answers each PING at once, as a
 * live member would; one that does not is as good as dead. The core probes and suspects as
 * configured. */
#ifndef AURORA_TESTS_GOSSIP_CAST_H
#define AURORA_TESTS_GOSSIP_CAST_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "gossip/core.h"

#define CAST_MAX     24
#define CAST_PACKETS 16384
#define CAST_EVENTS  4096
#define CAST_EPOCH   1000
#define CAST_WALL_MS 1700000000000ull

struct actor {
    struct key_pair pair;
    struct addr addr;
    uint64_t tag;
    uint64_t epoch, incarnation;
    uint64_t counter;
    bool answers;
    bool relays; /* answers PING_REQUESTs with a NACK */
};

/* A packet that the core sent, opened. */
struct cast_packet {
    struct addr to;
    uint64_t at_ms;
    size_t len; /* of the plain text */
    size_t sealed_len;
    uint8_t plain[PACKET_PLAIN_MAX_BYTES];
};

struct cast {
    struct gossip *core;
    struct gossip_time now;
    struct seal_keyring keyring;
    struct sign_scope scope;
    struct actor actors[CAST_MAX];
    size_t count;
    struct cast_packet *packets; /* since the last cast_forget */
    size_t packet_count;
    struct gossip_event *events; /* since the last cast_forget */
    size_t event_count;
    uint64_t nonce;
    size_t said_len; /* of the last packet to the core */
};

/* The configuration of the core that cast_new(NULL, ...) makes. */
void cast_config(struct gossip_config *);
/* `count` actors; the core has the first `known` of them as members, ALIVE. */
struct cast *cast_new(const struct gossip_config *, size_t count, size_t known);
void cast_free(struct cast *);
void cast_run(struct cast *, uint64_t ms);
void cast_drain(struct cast *);
void cast_forget(struct cast *);
void cast_answer_all(struct cast *, bool answers);

/* The core's member for an actor; NULL: unknown to it. */
struct member *cast_member(const struct cast *, size_t actor);
enum member_state cast_state(const struct cast *, size_t actor); /* MEMBER_FORGOTTEN: unknown */

/* Statements; the caller releases them. */
struct blob *cast_alive(const struct cast *, size_t actor, uint64_t epoch, uint64_t incarnation);
struct blob *cast_alive_at(const struct cast *, size_t actor, uint64_t epoch, uint64_t incarnation,
                           const char *name, const struct addr *);
struct blob *cast_left(const struct cast *, size_t actor, uint64_t epoch, uint64_t incarnation);
struct blob *cast_accusation(const struct cast *, size_t accuser, uint64_t subject, uint64_t epoch,
                             uint64_t incarnation, uint64_t stamp);
/* The same, given to the core and released. */
enum news_verdict cast_give_alive(struct cast *, size_t actor, uint64_t epoch,
                                  uint64_t incarnation);
enum news_verdict cast_give_left(struct cast *, size_t actor, uint64_t epoch, uint64_t incarnation);
/* Of the subject's life as the core knows it. */
enum suspicion_verdict cast_accuse(struct cast *, size_t accuser, size_t subject, uint64_t stamp);
enum suspicion_verdict cast_accuse_core(struct cast *, size_t accuser, uint64_t stamp);

/* A packet with one message from the actor, from its own address or another. */
enum gossip_drop cast_say(struct cast *, size_t actor, const struct wire_message *);
enum gossip_drop cast_say_from(struct cast *, size_t actor, const struct addr *,
                               const struct wire_message *);
/* With a header of the test's making. */
enum gossip_drop cast_say_as(struct cast *, const struct wire_header *, const struct addr *,
                             const struct wire_message *);
/* One NEWS with this statement, which is released. */
enum gossip_drop cast_tell(struct cast *, size_t actor, struct blob *);

/* The n-th message of this type that the core sent to this address since the last cast_forget. */
bool cast_heard_at(const struct cast *, const struct addr *, enum wire_type, size_t n,
                   struct wire_message *);
bool cast_heard(const struct cast *, size_t actor, enum wire_type, size_t n, struct wire_message *);
size_t cast_heard_count(const struct cast *, size_t actor, enum wire_type);
/* To anybody. */
size_t cast_count(const struct cast *, enum wire_type);
size_t cast_bytes_to(const struct cast *, const struct addr *);

size_t cast_event_count(const struct cast *, enum gossip_event_kind);
/* The latest; asserts that there is one. */
const struct gossip_event *cast_event(const struct cast *, enum gossip_event_kind);

#endif
