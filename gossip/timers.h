// SPDX-License-Identifier: Apache-2.0
/* timers.h - one heap of deadlines for the whole core: its top is what the host sleeps until. */
#ifndef AURORA_GOSSIP_TIMERS_H
#define AURORA_GOSSIP_TIMERS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* Says whom a due timer belongs to; gossip.c's tick dispatches on it (a switch, no callbacks). */
enum timer_kind {
    TIMER_PROBE_PERIOD = 1, /* detector: the next probe round */
    TIMER_PROBE_STEP,  /* detector: a probe's direct or indirect phase ends (in struct probe) */
    TIMER_RELAY,       /* detector: a probe made for somebody else ends */
    TIMER_SUSPICION,   /* suspicion: it ripens (in struct suspicion) */
    TIMER_VOICE,       /* voice: our objection waits until we are heard */
    TIMER_CUT_OFF,     /* health: silence became too long, or its aftermath ends */
    TIMER_OLD_MEMBERS, /* join: probe a dead member and a seed; forget the long gone */
    TIMER_JOIN,        /* join: ask the seeds again */
    TIMER_BATCH,       /* lease: the own log's pending batch leaves */
    TIMER_HOP,         /* spread: a hop of the tree was not acknowledged */
    TIMER_ANNOUNCE,    /* spread: pending announcements leave */
    TIMER_MISSING,     /* pull: something announced did not arrive by itself */
    TIMER_PULL,        /* pull: a pull's answer is overdue (in struct pull) */
    TIMER_CHECKS,      /* check: more verdicts than one step applies */
    TIMER_COMPARE,     /* sync: compare with a random member */
    TIMER_HEAD,        /* head: sign and spread the own log's HEAD */
    TIMER_LEASE,       /* lease: a ttl ran out (in struct lease) */
    TIMER_ORPHANS,     /* registry: a gone home's records are hidden or dropped (in struct log) */
    TIMER_FLOOR,       /* registry: old deletes are dropped */
    TIMER_FORWARD,     /* forward: a forwarded command is overdue (in struct forward) */
    TIMER_MOVED,       /* lease: an own record that lost is deleted */
    TIMER_REPORT,      /* gossip: status event for the view */
    TIMER_PACE,        /* outbox: the egress bucket has room again */
    TIMER_LEAVE,       /* gossip: LEFT has been said */
};

/* Embedded in its owner, which must cancel it before it goes away. Zeroed memory is a valid idle
 * timer. */
struct timer {
    uint64_t at_ms;
    uint32_t slot; /* index in the heap + 1; 0: idle */
    uint16_t kind;
};

struct timers {
    struct timer_slot {
        uint64_t at_ms; /* the timer's: what is compared lies together */
        uint64_t order; /* ties fire in the order they were set: the simulator's traces depend on
                           it */
        struct timer *timer;
    } * heap;
    size_t count;
    size_t capacity;
    uint64_t order;
};

void timers_free(struct timers *timers);
/* Sets or moves it. */
void timer_set(struct timers *timers, struct timer *timer, enum timer_kind kind, uint64_t at_ms);
/* Idle timers may be cancelled. */
void timer_cancel(struct timers *timers, struct timer *timer);
bool timer_is_set(const struct timer *timer);
/* The earliest timer due at now_ms, made idle; NULL: none. */
struct timer *timers_pop(struct timers *timers, uint64_t now_ms);
/* UINT64_MAX when nothing is set. */
uint64_t timers_next_ms(const struct timers *timers);

/* The object of `type` whose member `field` is *timer. */
#define TIMER_OWNER(timer, type, field) ((type *)(void *)((char *)(timer)-offsetof(type, field)))

#endif
