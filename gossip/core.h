// SPDX-License-Identifier: Apache-2.0
/* core.h - struct gossip itself: the modules' states side by side, and what all of them share.
 * Internal. */
#ifndef AURORA_GOSSIP_CORE_H
#define AURORA_GOSSIP_CORE_H

#include "gossip/accusers.h"
#include "gossip/check.h"
#include "gossip/detector.h"
#include "gossip/forward.h"
#include "gossip/gossip.h"
#include "gossip/head.h"
#include "gossip/join.h"
#include "gossip/lease.h"
#include "gossip/members.h"
#include "gossip/outbox.h"
#include "gossip/prng.h"
#include "gossip/pull.h"
#include "gossip/registry.h"
#include "gossip/spread.h"
#include "gossip/suspicion.h"
#include "gossip/sync.h"
#include "gossip/timers.h"
#include "gossip/voice.h"

/* What every packet touches comes first and lies together: a simulator's thousands of cores are not
 * in any cache when their turn comes. */
struct gossip {
    uint64_t tag;
    uint64_t epoch;
    struct gossip_time now; /* of the current input; mono_ms never goes back */
    uint64_t stamp;         /* last used in an accusation */
    bool is_leaving;
    bool is_stopped; /* LEFT was said, or our key is in use elsewhere: silent from now on */
    struct timers timers;
    struct event_queue {
        struct gossip_event *ring;
        size_t first, count, capacity;
    } events;
    struct prng prng;
    struct timer report; /* TIMER_REPORT */
    struct members members;
    struct outbox outbox;
    struct detector detector;
    struct registry registry;
    struct sync sync;
    struct head_keeper head;
    struct gossip_stats stats;
    struct gossip_config config; /* its strings point into the texts below */
    struct sign_scope scope;
    struct accusers accusers;
    struct voice voice;
    struct join join;
    struct spread spread;
    struct puller puller;
    struct check_queue checks;
    struct leases leases;
    struct forwards forwards;
    struct timer leave; /* TIMER_LEAVE */
    char cluster[CLUSTER_NAME_MAX_BYTES + 1];
    char name[NODE_NAME_MAX_BYTES + 1];
    char zone[NODE_ZONE_MAX_BYTES + 1];
    char http_url[NODE_URL_MAX_BYTES + 1];
};

/* events.c: the queue to the host. event_push stamps wall_ms; blobs in the event are handed over
 * (retain first). */
void event_push(struct gossip *, struct gossip_event);
void event_reply(struct gossip *, struct gossip_reply);
/* A flag of gossip_status may have changed: report at the end of this input, not only once a
 * second. */
void event_status_soon(struct gossip *);
/* TIMER_REPORT is due. */
void events_report(struct gossip *);
/* Reports now if it is nearly time: whoever is awake anyway need not be woken again for that. */
void events_report_early(struct gossip *);
void events_free(struct gossip *);

/* inbox.c: one datagram, opened, checked and dispatched. */
enum gossip_drop inbox_receive(struct gossip *, const struct addr *from, const uint8_t *bytes,
                               size_t len);

/* Counts a dropped packet, message or statement. */
static inline void drop_count(struct gossip *g, enum gossip_drop reason)
{
    g->stats.drops[reason]++;
}

#endif
