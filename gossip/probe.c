// SPDX-License-Identifier: Apache-2.0
/* probe.c - one probe, from its PING to its verdict: direct, then through others, and for others.
 *
 *     us                 target              relays (k = 3)
 *     |---- PING (r) ----->|                   |
 *     |<--- ACK (r) -------|                   |        ... or, after the timeout:
 *     |---- PING_REQUEST (r, target) --------->|
 *     |                    |<---- PING (r') ---|
 *     |                    |----- ACK (r') --->|
 *     |<--- ACK (r) ---------------------------|        or NACK (r): "I am here, it does not answer
 * me" */
#include <assert.h>

#include "gossip/core.h"
#include "gossip/mem.h"

#define INDEX_MASK UINT64_C(0xff)
static_assert(PROBES_MAX == INDEX_MASK + 1, "a probe's index is the last byte of its number");
/* A relay's NACK leaves when this much of its own probe timeout has passed. */
#define NACK_PERCENT 80
/* Where packets get lost others are asked so many times more before the probe ends: at 20 % loss
 * one probe in 37 fails else, and one in 6,000 so. */
#define ASKED_AGAIN 2

/* --- The table of probes ------------------------------------------------------------------------
 */

static bool may_accuse(enum probe_purpose purpose)
{
    return purpose == PROBE_ROUND || purpose == PROBE_OBSERVER;
}

/* The first that is not used: usually a handful are, and the others need not exist. PROBES_MAX: all
 * are. */
static size_t unused_index(struct detector *d)
{
    size_t index = 0;
    while (index < PROBES_MAX && d->probes[index] != NULL && d->probes[index]->is_used)
        index++;
    if (index < PROBES_MAX && d->probes[index] == NULL)
        d->probes[index] = mem_alloc(sizeof *d->probes[index]);
    return index;
}

struct probe *probe_new(struct gossip *g, enum probe_purpose purpose, struct member *target)
{
    size_t index = unused_index(&g->detector);
    if (index == PROBES_MAX) {
        drop_count(g, DROP_LIMIT);
        return NULL;
    }
    struct probe *probe = g->detector.probes[index];
    assert(!probe->is_used && !timer_is_set(&probe->timer));
    if (may_accuse(purpose))
        target->probes++;
    *probe = (struct probe){
        .is_used = true,
        .purpose = (uint8_t)purpose,
        .target = target->life->tag,
        .epoch = target->life->epoch,
        .incarnation = target->life->incarnation,
        .random = (prng_next(&g->prng) & ~INDEX_MASK) | index,
        .began_ms = g->now.mono_ms,
    };
    return probe;
}

/* Its target may have been forgotten meanwhile, and have come back. */
static void probe_end(struct gossip *g, struct probe *probe)
{
    struct member *target = members_find(g, probe->target);
    if (target != NULL && target->probes > 0 && may_accuse((enum probe_purpose)probe->purpose))
        target->probes--;
    timer_cancel(&g->timers, &probe->timer);
    probe->is_used = false;
}

static struct probe *probe_find(const struct gossip *g, uint64_t random)
{
    struct probe *probe = g->detector.probes[random & INDEX_MASK];
    return probe != NULL && probe->is_used && probe->random == random ? probe : NULL;
}

static void step_at(struct gossip *g, struct probe *probe, uint64_t at_ms)
{
    enum timer_kind kind = probe->purpose == PROBE_RELAY ? TIMER_RELAY : TIMER_PROBE_STEP;
    timer_set(&g->timers, &probe->timer, kind, at_ms);
}

static struct wire_message message_of(const struct gossip *g, enum wire_type type, uint64_t random)
{
    return (struct wire_message){.type = type,
                                 .probe = {.random = random,
                                           .members_digest = g->members.digest,
                                           .records_digest = g->registry.records_digest}};
}

/* --- Asking -------------------------------------------------------------------------------------
 */

static void ping(struct gossip *g, const struct probe *probe)
{
    struct wire_message message = message_of(g, WIRE_PING, probe->random);
    if (probe->purpose == PROBE_PATH)
        message.probe.members_digest = message.probe.records_digest = 0;
    outbox_send_to(g, &probe->addr, probe->target, PRIORITY_PROBE, &message);
}

/* One PING, and its answer while nobody else was asked: that says whether we are heard. */
static bool is_trial(const struct probe *probe)
{
    return probe->phase == PHASE_DIRECT &&
           (may_accuse((enum probe_purpose)probe->purpose) || probe->purpose == PROBE_VOICE);
}

/* Its direct phase begins now; without an address it only waits for its relays. */
void probe_ping(struct gossip *g, struct probe *probe, struct member *target)
{
    assert(probe->is_used && probe->target == target->life->tag);
    probe->phase = PHASE_DIRECT;
    probe->began_ms = g->now.mono_ms;
    probe->epoch = target->life->epoch;
    probe->incarnation = target->life->incarnation;
    if (probe->purpose != PROBE_PATH && !member_address(g, target, &probe->addr)) {
        step_at(g, probe, g->now.mono_ms);
        return;
    }
    if (may_accuse((enum probe_purpose)probe->purpose) || probe->purpose == PROBE_OLD)
        member_link(g, target)->unanswered_bytes = 0;
    ping(g, probe);
    if (is_trial(probe))
        voice_on_ping(g, probe->target, probe->random);
    g->stats.probes_sent++;
    step_at(g, probe, g->now.mono_ms + health_timeout_ms(g, target));
}

/* The probe ends when it would anyway: whoever is dead is not found so later. */
static void plan_next_step(struct gossip *g, struct probe *probe)
{
    uint64_t now_ms = g->now.mono_ms, end_ms = probe->began_ms + health_interval_ms(g);
    if (probe->phase == PHASE_DIRECT)
        probe->asks_left = voice_misses_others(g, probe->target) ? ASKED_AGAIN : 0;
    probe->phase = PHASE_INDIRECT;
    uint64_t left_ms = end_ms > now_ms ? end_ms - now_ms : 0;
    step_at(g, probe, now_ms + left_ms / (probe->asks_left + 1));
}

/* Through others; and once more directly, because one lost packet is likelier than a death, and
 * each false accusation costs two trees (not in SWIM or Lifeguard). */
static void ask_relays(struct gossip *g, struct probe *probe)
{
    struct member *relays[16];
    size_t want = g->config.probe_indirect_count;
    want = want < sizeof relays / sizeof *relays ? want : sizeof relays / sizeof *relays;
    size_t count = members_pick(g, relays, want, probe->target);
    struct wire_message message = {.type = WIRE_PING_REQUEST,
                                   .ping_request = {probe->random, probe->target}};
    for (size_t i = 0; i < count; i++)
        outbox_send(g, relays[i], PRIORITY_PROBE, &message);
    if (g->config.detector == DETECTOR_AURORA && probe->addr.family != ADDR_NONE)
        ping(g, probe);
    g->stats.indirect_probes_sent += count;
    probe->asked += (uint8_t)count;
    plan_next_step(g, probe);
}

/* Lifeguard: one for a failed probe, one more for a missing NACK. We count it only when no relay
 * answered us either: one NACK in time shows that our questions and their answers get through, and
 * then it is the target that fails. Else, where half of the members die at once, the other half
 * would think itself ill and take minutes to find out. */
static void judge_ourselves(struct gossip *g, const struct probe *probe)
{
    if (g->config.detector == DETECTOR_AURORA && probe->nacks > 0)
        return;
    health_worsen(g, probe->nacks < probe->asked ? 2 : 1);
}

/* A probe that began before the subject's latest word proves nothing about the life after it; and
 * where nobody at all was heard, nothing about anybody: not even our health is doubted, because
 * slowing down would only put off the moment when we know that we are cut off. */
static void probe_failed(struct gossip *g, const struct probe *probe)
{
    struct member *target = members_find(g, probe->target);
    if (target == NULL || member_class_of(target->state) != CLASS_ALIVE)
        return;
    g->stats.probes_failed++;
    if (life_compare(target->life->epoch, target->life->incarnation, probe->epoch,
                     probe->incarnation) != 0)
        return;
    target->is_seen = false; /* it may have forgotten us, and drop what strangers send */
    if (!health_may_accuse(g, probe->began_ms))
        return;
    judge_ourselves(g, probe);
    suspicion_accuse(g, target);
}

void detector_on_probe_step(struct gossip *g, struct probe *probe)
{
    struct member *target = members_find(g, probe->target);
    bool is_round = may_accuse((enum probe_purpose)probe->purpose);
    assert(probe->is_used && probe->purpose != PROBE_RELAY);
    if (target == NULL || (!is_round && probe->phase == PHASE_DIRECT)) {
        probe_end(g, probe);
        return;
    }
    if (probe->phase == PHASE_WAITING) {
        probe_ping(g, probe, target);
        return;
    }
    if (probe->phase == PHASE_DIRECT || probe->asks_left > 0) {
        if (probe->phase == PHASE_INDIRECT)
            probe->asks_left--;
        ask_relays(g, probe);
        return;
    }
    struct probe failed = *probe;
    probe_end(g, probe);
    probe_failed(g, &failed);
}

bool probe_path(struct gossip *g, struct member *member, const struct addr *addr)
{
    for (size_t i = 0; i < PROBES_MAX && g->detector.probes[i] != NULL; i++) {
        const struct probe *probe = g->detector.probes[i];
        if (probe->is_used && probe->purpose == PROBE_PATH && probe->target == member->life->tag)
            return false;
    }
    struct probe *probe = probe_new(g, PROBE_PATH, member);
    if (probe == NULL)
        return false;
    probe->addr = *addr;
    probe_ping(g, probe, member);
    return true;
}

/* As long as the longest round of trials: who is heard late is heard. */
void probe_voice(struct gossip *g, struct member *member)
{
    struct probe *probe = probe_new(g, PROBE_VOICE, member);
    if (probe == NULL)
        return;
    probe_ping(g, probe, member);
    step_at(g, probe, g->now.mono_ms + (VOICE_ROUND_MS << VOICE_DOUBLINGS));
}

bool probe_may_be_answered(const struct gossip *g, uint64_t random)
{
    const struct probe *probe = probe_find(g, random);
    return probe != NULL && probe->phase == PHASE_DIRECT &&
           may_accuse((enum probe_purpose)probe->purpose);
}

/* --- Answering ------------------------------------------------------------------------------- */

/* Two zeros say nothing: no list of members adds up to zero. */
static void compare_digests(struct gossip *g, struct member *from,
                            const struct wire_message *message)
{
    if (message->probe.members_digest == 0)
        return;
    if (message->probe.members_digest != g->members.digest)
        roster_compare(g, from);
    sync_on_digest(g, from, message->probe.records_digest);
}

/* Who talks to us although we hold it for dead must be told: only its own word revives it. */
static void tell_if_old(struct gossip *g, struct member *member)
{
    if (member_class_of(member->state) != CLASS_ALIVE)
        roster_tell(g, member, member);
}

/* The answer goes where the question came from, wherever we believe the member to be. */
void probe_acknowledge(struct gossip *g, struct member *from, const struct addr *addr,
                       const struct wire_message *ping)
{
    struct wire_message ack = message_of(g, WIRE_ACK, ping->probe.random);
    outbox_send_to(g, addr, from->life->tag, PRIORITY_PROBE, &ack);
}

bool probe_answers(struct gossip *g, const struct member *member, uint64_t random)
{
    const struct probe *probe = probe_find(g, random);
    return probe != NULL && probe->target == member->life->tag;
}

bool probe_proves(struct gossip *g, const struct member *member, uint64_t random)
{
    return probe_answers(g, member, random) && probe_find(g, random)->purpose == PROBE_PATH;
}

/* Such a question comes without digests, and too small to be answered where it came from: a NAT
 * changed the member's address, and ours. What goes to the one that we know is limited anyway. */
static void on_question_from_elsewhere(struct gossip *g, struct member *from,
                                       const struct wire_message *message)
{
    const struct link *link = member_link(g, from);
    if (link->addr.family != ADDR_NONE && link_may_send_more(link))
        probe_acknowledge(g, from, &link->addr, message);
    else
        drop_count(g, DROP_UNSOLICITED);
}

/* From an address that nobody has answered from, one packet gets one, and no larger one: either the
 * question whether the member is there now, or the answer while that question is open. Neither says
 * what we hold: these 16 bytes make up for longer numbers in our header. */
static void on_ping_from_elsewhere(struct gossip *g, struct member *from, const struct addr *addr,
                                   const struct wire_message *message)
{
    struct wire_message ack = {.type = WIRE_ACK, .probe = {.random = message->probe.random}};
    bool is_large =
        message->probe.random > UINT32_MAX && message->probe.members_digest > UINT32_MAX;
    if (!is_large)
        on_question_from_elsewhere(g, from, message);
    else if (!probe_path(g, from, addr))
        outbox_send_to(g, addr, from->life->tag, PRIORITY_PROBE, &ack);
}

void detector_on_ping(struct gossip *g, struct member *from, const struct addr *addr,
                      const struct wire_message *message)
{
    join_on_partner_ping(g, from);
    if (!addr_equal(addr, &member_link(g, from)->addr)) {
        on_ping_from_elsewhere(g, from, addr, message);
        return;
    }
    probe_acknowledge(g, from, addr, message);
    tell_if_old(g, from);
    compare_digests(g, from, message);
}

static void rtt_sample(struct gossip *g, struct member *member, const struct probe *probe)
{
    struct link *link = member_link(g, member);
    /* Clocks of one millisecond: the middle of what the difference may mean. */
    link_rtt_sample(link, (uint32_t)(g->now.mono_ms - probe->began_ms) * 1000 + 500);
    uint32_t reported_us = link->reported_rtt_us;
    if (link->rtt_us > 2 * reported_us || link->rtt_us < reported_us / 2)
        member_report(g, member);
}

/* It answered at the address that we sent to, with a number that only it could read there. */
static void on_direct_answer(struct gossip *g, struct member *member, const struct probe *probe)
{
    struct link *link = member_link(g, member);
    member->is_seen = true;
    if (probe->purpose == PROBE_PATH)
        link->addr = probe->addr;
    if (addr_equal(&link->addr, &probe->addr))
        link->is_verified = true;
    if (probe->phase == PHASE_DIRECT)
        rtt_sample(g, member, probe);
    tell_if_old(g, member);
}

static void relay_answer(struct gossip *g, const struct probe *probe)
{
    struct member *origin = members_find(g, probe->origin);
    struct wire_message ack = message_of(g, WIRE_ACK, probe->origin_random);
    if (origin != NULL)
        outbox_send(g, origin, PRIORITY_PROBE, &ack);
}

void detector_on_ack(struct gossip *g, struct member *from, const struct addr *addr,
                     const struct wire_message *message)
{
    struct probe *probe = probe_find(g, message->probe.random);
    (void)
        addr; /* what it echoes says where our PING arrived; where the answer came from says less */
    bool is_direct = probe != NULL && from->life->tag == probe->target;
    if (probe == NULL || (!is_direct && probe->phase != PHASE_INDIRECT)) {
        drop_count(g, DROP_UNSOLICITED);
        return;
    }
    struct probe answered = *probe;
    struct member *target = members_find(g, probe->target);
    probe_end(g, probe);
    g->stats.probes_answered += may_accuse((enum probe_purpose)answered.purpose);
    if (is_direct)
        on_direct_answer(g, from, &answered);
    if (is_trial(&answered) && is_direct)
        voice_on_answer(g, answered.random);
    if (answered.purpose == PROBE_RELAY)
        relay_answer(g, &answered);
    else if (answered.purpose != PROBE_PATH && answered.purpose != PROBE_VOICE)
        health_improve(g);
    if (target != NULL)
        suspicion_answered(g, target);
    compare_digests(g, from, message);
}

/* --- For others ------------------------------------------------------------------------------ */

static void send_nack(struct gossip *g, struct member *to, uint64_t random)
{
    struct wire_message nack = {.type = WIRE_NACK, .nack = {random}};
    outbox_send(g, to, PRIORITY_PROBE, &nack);
}

void detector_on_ping_request(struct gossip *g, struct member *from,
                              const struct wire_message *message)
{
    struct member *target = members_find(g, message->ping_request.target);
    uint64_t random = message->ping_request.random;
    if (target == NULL || target == g->members.self || target == from) {
        send_nack(g, from, random);
        return;
    }
    struct probe *probe = probe_new(g, PROBE_RELAY, target);
    if (probe == NULL)
        return;
    probe->origin = from->life->tag;
    probe->origin_random = random;
    probe_ping(g, probe, target);
    step_at(g, probe, g->now.mono_ms + health_timeout_ms(g, target) * NACK_PERCENT / 100);
}

/* After the NACK the answer may still come, and is still worth passing on. */
void detector_on_relay(struct gossip *g, struct probe *probe)
{
    struct member *origin = members_find(g, probe->origin);
    assert(probe->is_used && probe->purpose == PROBE_RELAY);
    if (probe->phase != PHASE_DIRECT || origin == NULL) {
        probe_end(g, probe);
        return;
    }
    send_nack(g, origin, probe->origin_random);
    probe->phase = PHASE_INDIRECT;
    step_at(g, probe, probe->began_ms + g->config.probe_interval_ms);
}

/* Whose NACK it is does not matter: all that it says is that our questions arrive. */
void detector_on_nack(struct gossip *g, struct member *from, const struct wire_message *message)
{
    struct probe *probe = probe_find(g, message->nack.random);
    if (probe == NULL || probe->phase != PHASE_INDIRECT || from->life->tag == probe->target) {
        drop_count(g, DROP_UNSOLICITED);
        return;
    }
    g->stats.nacks_in++;
    if (probe->nacks < probe->asked)
        probe->nacks++;
}
