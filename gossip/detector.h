// SPDX-License-Identifier: Apache-2.0
/* detector.h - SWIM's probes with Lifeguard's local health, the evidence rule and the cut-off rule.
 * Implemented in probe.c (probes and their answers), rounds.c (whom to probe, and when) and
 * health.c (health, evidence, cut-off, stalls). */
#ifndef AURORA_GOSSIP_DETECTOR_H
#define AURORA_GOSSIP_DETECTOR_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "gossip/addr.h"
#include "gossip/limits.h"
#include "gossip/timers.h"

struct gossip;
struct member;
struct wire_header;
struct wire_message;

enum probe_purpose {
    PROBE_ROUND = 1, /* round-robin */
    PROBE_OBSERVER,  /* somebody accused it, or we want to know it now */
    PROBE_OLD,       /* a DEAD or LEFT member: is it back? No accusation follows */
    PROBE_PATH,      /* does it answer at an address that it was seen at? */
    PROBE_VOICE,     /* can we be heard? */
    PROBE_RELAY,     /* for somebody else */
};

enum probe_phase { PHASE_WAITING = 0, PHASE_DIRECT, PHASE_INDIRECT };

/* One probe under way: ours (round-robin, observer, old member) or one we relay for somebody. */
struct probe {
    struct timer timer; /* TIMER_PROBE_STEP or TIMER_RELAY */
    bool is_used;
    uint8_t purpose; /* enum probe_purpose */
    uint8_t phase;   /* enum probe_phase */
    uint8_t nacks;
    uint8_t asked;
    uint8_t asks_left;           /* times more that others will be asked */
    uint64_t target;             /* tag */
    uint64_t epoch, incarnation; /* the target's, when it began: only that life is accused */
    uint64_t random;             /* its last byte is the probe's index */
    struct addr addr;            /* where the first PING went */
    uint64_t began_ms;
    uint64_t origin;        /* relayed probes: who asked, */
    uint64_t origin_random; /* and under which number */
};

struct detector {
    struct timer period; /* TIMER_PROBE_PERIOD */
    struct timer cut_off_timer;
    struct timer old_members; /* TIMER_OLD_MEMBERS */
    uint32_t round;           /* members whose own number is another still have their turn */
    size_t seed_next;         /* old members: the seed to ask next */
    uint32_t health;          /* 0..HEALTH_MAX */
    uint64_t heard_ms;        /* last authentic packet from anybody */
    uint64_t probing_since_ms;
    bool is_cut_off;
    uint64_t cut_off_since_ms;
    uint64_t cut_off_since_wall_ms;
    uint64_t silence_ended_ms; /* aftermath: nothing is raised or expired until 1.5 s after */
    struct probe *probes[PROBES_MAX]; /* owned, used or not; from the first NULL on none was made */
};

void detector_init(struct gossip *);
void detector_free(struct gossip *);
void detector_on_ping(struct gossip *, struct member *from, const struct addr *,
                      const struct wire_message *);
void detector_on_ack(struct gossip *, struct member *from, const struct addr *,
                     const struct wire_message *);
void detector_on_ping_request(struct gossip *, struct member *from, const struct wire_message *);
void detector_on_nack(struct gossip *, struct member *from, const struct wire_message *);
void detector_on_period(struct gossip *);
void detector_on_probe_step(struct gossip *, struct probe *);
void detector_on_relay(struct gossip *, struct probe *);
void detector_on_old_members(struct gossip *);
/* Probe it now, whatever the round says (observers; a member that was just told dead). */
void detector_probe_soon(struct gossip *, struct member *, uint64_t delay_ms);
/* Are we one of the subject's observers? */
bool detector_is_observer(const struct gossip *, const struct member *subject);

/* Between probe.c and rounds.c. NULL: too many under way. */
struct probe *probe_new(struct gossip *, enum probe_purpose, struct member *target);
void probe_ping(struct gossip *, struct probe *, struct member *target);
/* Is this the number of an open question to this member? ... of one that asks whether it is where
 * we think? */
bool probe_answers(struct gossip *, const struct member *, uint64_t random);
bool probe_proves(struct gossip *, const struct member *, uint64_t random);
/* Answers a PING, and nothing else. */
void probe_acknowledge(struct gossip *, struct member *, const struct addr *,
                       const struct wire_message *ping);
/* Asks this address for an answer of this member. False: something is being asked there already. */
bool probe_path(struct gossip *, struct member *, const struct addr *);

/* Asks this member, to see whether we are heard: voice.h. */
void probe_voice(struct gossip *, struct member *);
/* Nobody else was asked yet about what this PING of a round or an observer asked. */
bool probe_may_be_answered(const struct gossip *, uint64_t random);

/* health.c */
void health_on_packet(struct gossip *); /* an authentic packet arrived */
void health_on_cut_off_timer(struct gossip *);
/* Packets came lately: puts the timer off, so that it need not fire for nothing. */
void health_put_off_cut_off(struct gossip *);
void health_on_stall(struct gossip *, uint64_t ms); /* our loop was late by so much */
bool health_may_accuse(const struct gossip *, uint64_t probe_began_ms); /* the evidence rule */
bool health_is_frozen(const struct gossip *); /* cut off, or in the aftermath */
void health_improve(struct gossip *);
void health_worsen(struct gossip *, uint32_t by);
uint64_t health_interval_ms(const struct gossip *); /* probe interval, stretched */
/* A probe's direct phase, stretched; always less than the interval. */
uint64_t health_timeout_ms(struct gossip *, struct member *);

#endif
