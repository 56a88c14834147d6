// SPDX-License-Identifier: Apache-2.0
/* join.h - entering the cluster: seeds, what is remembered of us, the member list; and membership
 * anti-entropy, which is the same exchange later. Implemented in join.c and roster.c. */
#ifndef AURORA_GOSSIP_JOIN_H
#define AURORA_GOSSIP_JOIN_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "gossip/addr.h"
#include "gossip/gossip.h"
#include "gossip/timers.h"

struct member;
struct wire_header;
struct wire_message;
struct wire_reader;

enum join_phase { JOIN_ASKING = 0, JOIN_CHECKING_KEY, JOIN_MEMBERS, JOIN_DONE };

struct join {
    struct timer timer; /* TIMER_JOIN */
    enum join_phase phase;
    uint64_t request;
    uint64_t started_ms;
    uint32_t attempts;
    struct addr seeds[SEEDS_MAX];
    size_t seed_count;
    struct addr extra[SEEDS_MAX]; /* gossip_join, restored members */
    size_t extra_count;
    bool is_alone;   /* said so */
    bool is_joined;  /* some seed answered */
};

void join_init(struct gossip *, const struct gossip_config *);
void join_on_timer(struct gossip *);
void join_on_request(struct gossip *, const struct wire_header *, const struct addr *from,
                     const struct wire_message *);
void join_on_reply(struct gossip *, struct member *from, const struct addr *, const struct wire_message *);
/* A packet whose sender is our own key: another process runs with it, or our own came back. While another
 * asks whether somebody answers as us (a PING to our own tag), answer; while we ask, an ACK that echoes our number is
 * the proof. False: nothing of the kind. */
bool join_on_own_key(struct gossip *, const struct wire_header *, const struct addr *from,
                     struct wire_reader *);
void join_add(struct gossip *, const struct addr *, size_t count);
/* roster.c: the member list in pages; comparing it by buckets. */
void roster_on_pull(struct gossip *, struct member *from, const struct wire_message *);
void roster_on_members(struct gossip *, struct member *from, const struct wire_message *);
void roster_on_hashes(struct gossip *, struct member *from, const struct wire_message *);
void roster_on_list(struct gossip *, struct member *from, const struct wire_message *);
/* Their members_digest differs from ours: compare. Rate-limited. */
void roster_compare(struct gossip *, struct member *with);
/* A member told us something stale about `subject`: answer with what we know. */
void roster_tell(struct gossip *, struct member *to, struct member *subject);

#endif
