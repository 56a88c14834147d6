// SPDX-License-Identifier: Apache-2.0
/* voice.h - may we object to what is said of our life? Only whoever can be heard should: a node
 * whose words mostly get lost would else be dead and alive in turns, in everybody's eyes. */
#ifndef AURORA_GOSSIP_VOICE_H
#define AURORA_GOSSIP_VOICE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "gossip/limits.h"
#include "gossip/timers.h"

struct gossip;
struct link;

/* A PING of ours that went straight to a member. */
struct trial {
    uint64_t target; /* tag */
    uint64_t random;
    uint64_t asked_ms;
    uint8_t steps; /* 0: no answer. Else by how much its packet's counter was above the last one's
                      that we had from the target: 1 when nothing was lost on the way to us */
};

struct voice {
    struct timer timer; /* TIMER_VOICE: more trials, and a verdict */
    struct trial trials[VOICE_TRIALS];
    uint32_t trial_count, trial_next;   /* a ring of the last ones */
    uint32_t steps;                     /* of the packet that is being read */
    bool is_held;                       /* our objection, until we know that we are heard */
    bool is_condemned;                  /* ... and it is to our death */
    bool is_resting;                    /* well heard in this round of trials */
    bool is_slow;                       /* an answer of this round took long */
    uint32_t rounds;                    /* since it is held */
    uint64_t round_ms;                  /* when this one began */
    uint64_t accusers[ACCUSATIONS_MAX]; /* of our present life; they hear our objection from us */
    size_t accuser_count;
    uint64_t quorum_ms;      /* when they became a quorum; 0: they are none */
    uint64_t sound_since_ms; /* condemned: since when we are well heard; 0: we are not */
    uint32_t deaths;         /* each less than DEATHS_REMEMBERED_MS after the one before */
    uint64_t died_ms;        /* when the last one began, or ended */
};

void voice_free(struct gossip *);
/* This member accused our present life, verified. True: we have objected, and live another one.
 * False: not before we are heard. */
bool voice_object(struct gossip *, uint64_t accuser);
/* Is our objection to this accuser held back already? Then its word is no news. */
bool voice_waits_for(const struct gossip *, uint64_t accuser);
/* A quorum's words about our present life, verified: to somebody we are dead. */
void voice_on_death(struct gossip *);
/* A PING of ours went straight to this member; it was answered straight from there. */
void voice_on_ping(struct gossip *, uint64_t target, uint64_t random);
void voice_on_answer(struct gossip *, uint64_t random);
void voice_on_timer(struct gossip *);
/* Did others than this member leave our last PINGs unanswered at first, too? Then packets get lost
 * here, and its silence says less. */
bool voice_misses_others(const struct gossip *, uint64_t member);
/* We have begun another life, for whatever reason: nothing is said of that one yet. */
void voice_on_new_life(struct gossip *);

#endif
