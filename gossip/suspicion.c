// SPDX-License-Identifier: Apache-2.0
/* suspicion.c - accusations against one life of a member, and when they add up to a death.
 *
 * The record of accusations outlives a suspicion that came to nothing: the stamps in it are what
 * keeps an old accusation from counting again. It goes with the life that it is about. */
#include "gossip/suspicion.h"

#include <assert.h>

#include "gossip/core.h"
#include "gossip/mem.h"

/* Dadgar, Phillips and Currey 2017: alpha and beta of the suspicion time, K confirmations. */
#define LIFEGUARD_ALPHA         5
#define LIFEGUARD_BETA          6
#define LIFEGUARD_CONFIRMATIONS 3
/* While we are cut off, ripe suspicions wait for the silence to end. */
#define FROZEN_RECHECK_MS 500
/* log2(10) in 1/65536. */
#define LOG2_OF_10_Q16 217706u

/* --- Times ---------------------------------------------------------------------------------- */

/* In 1/65536; by repeated squaring, so that every compiler and C library gives the same. */
static uint32_t log2_q16(uint64_t x)
{
    assert(x >= 1);
    uint32_t result = 0;
    while (x >= UINT64_C(1) << 16 << 1) {
        /* Exact enough: members and accusers are far fewer than 2^17. */
        x >>= 1;
        result += 1u << 16;
    }
    uint64_t mantissa = x << 16;
    while (mantissa >= UINT64_C(2) << 16) {
        mantissa >>= 1;
        result += 1u << 16;
    }
    for (uint32_t bit = 1u << 15; bit > 0; bit >>= 1) {
        mantissa = mantissa * mantissa >> 16;
        if (mantissa >= UINT64_C(2) << 16) {
            mantissa >>= 1;
            result += bit;
        }
    }
    return result;
}

/* log10(N) * unit_ms. */
static uint64_t log10_of_members_ms(const struct gossip *g, uint64_t unit_ms)
{
    size_t n = members_n(g);
    return unit_ms * log2_q16(n > 1 ? n : 1) / LOG2_OF_10_Q16;
}

uint64_t suspicion_min_ms(const struct gossip *g)
{
    uint64_t interval_ms = g->config.probe_interval_ms;
    if (g->config.detector == DETECTOR_AURORA) {
        uint64_t min_ms = log10_of_members_ms(g, interval_ms);
        return min_ms > g->config.suspicion_min_ms ? min_ms : g->config.suspicion_min_ms;
    }
    uint64_t min_ms = LIFEGUARD_ALPHA * log10_of_members_ms(g, interval_ms);
    return min_ms > interval_ms ? min_ms : interval_ms;
}

uint64_t suspicion_max_ms(const struct gossip *g)
{
    switch (g->config.detector) {
    case DETECTOR_SWIM: return suspicion_min_ms(g);
    case DETECTOR_LIFEGUARD: return LIFEGUARD_BETA * suspicion_min_ms(g);
    default: return g->config.suspicion_max_factor * suspicion_min_ms(g);
    }
}

size_t suspicion_quorum(const struct gossip *g)
{
    size_t half = (members_n(g) + 1) / 2;
    if (g->config.detector != DETECTOR_AURORA || half < 1)
        return 1;
    return half < QUORUM_MAX ? half : QUORUM_MAX;
}

/* Lifeguard, section IV-B: from max down to min, as confirmations of the first accusation come in.
 */
static uint64_t timeout_ms(const struct gossip *g, const struct suspicion *s, size_t accusers)
{
    uint64_t min_ms = suspicion_min_ms(g);
    uint64_t max_ms = suspicion_max_ms(g);
    size_t needed =
        g->config.detector == DETECTOR_AURORA ? suspicion_quorum(g) - 1 : LIFEGUARD_CONFIRMATIONS;
    size_t confirmations = accusers > 0 ? accusers - 1 : 0;
    if (s->is_hearsay || confirmations >= needed)
        return min_ms;
    return max_ms - (max_ms - min_ms) * log2_q16(confirmations + 1) / log2_q16(needed + 1);
}

/* --- Who counts ----------------------------------------------------------------------------- */

static bool accuser_counts(const struct gossip *g, const struct suspicion *s,
                           const struct accusation_held *held)
{
    if (held->heard_ms + suspicion_max_ms(g) < g->now.mono_ms)
        return false;
    if (s->is_hearsay || held->accuser == g->tag)
        return true;
    const struct member *accuser = members_find(g, held->accuser);
    return accuser != NULL && member_class_of(accuser->state) == CLASS_ALIVE;
}

size_t suspicion_accusers(const struct gossip *g, const struct member *member)
{
    const struct suspicion *s = member_suspicion(member);
    if (s == NULL)
        return 0;
    /* What proved a death goes on proving it, whatever became of the accusers. */
    if (member->state == MEMBER_DEAD)
        return s->count;
    size_t count = 0;
    for (size_t i = 0; i < s->count; i++)
        count += accuser_counts(g, s, &s->held[i]);
    return count;
}

static struct accusation_held *held_by(struct suspicion *s, uint64_t accuser)
{
    for (size_t i = 0; s != NULL && i < s->count; i++)
        if (s->held[i].accuser == accuser)
            return &s->held[i];
    return NULL;
}

static void held_drop(struct suspicion *s, struct accusation_held *held)
{
    assert(s->count > 0 && held >= s->held && held < s->held + s->count);
    blob_release(held->blob);
    *held = s->held[--s->count];
}

static struct suspicion *suspicion_of(struct member *subject)
{
    struct dossier *dossier = member_dossier(subject);
    if (dossier->suspicion == NULL) {
        dossier->suspicion = mem_alloc(sizeof *dossier->suspicion);
        dossier->suspicion->subject = subject;
    }
    return dossier->suspicion;
}

/* The blob is handed over. A full record forgets whom it heard from longest ago. */
static void held_set(struct gossip *g, struct suspicion *s, const struct accusation *accusation,
                     struct blob *blob)
{
    struct accusation_held *held = held_by(s, accusation->accuser);
    if (held == NULL && s->count < ACCUSATIONS_MAX) {
        held = &s->held[s->count++];
    } else if (held == NULL) {
        held = &s->held[0];
        for (size_t i = 1; i < s->count; i++)
            if (s->held[i].heard_ms < held->heard_ms)
                held = &s->held[i];
        blob_release(held->blob);
    } else {
        blob_release(held->blob);
    }
    *held = (struct accusation_held){accusation->accuser, accusation->stamp, g->now.mono_ms, blob};
}

void suspicion_free(struct gossip *g, struct member *member)
{
    struct suspicion *s = member_suspicion(member);
    if (s == NULL)
        return;
    timer_cancel(&g->timers, &s->timer);
    while (s->count > 0)
        held_drop(s, &s->held[0]);
    mem_free(s);
    member->dossier->suspicion = NULL;
}

/* --- From suspicion to death ---------------------------------------------------------------- */

static bool is_running(const struct member *subject)
{
    return subject->state == MEMBER_SUSPECT || subject->state == MEMBER_UNREACHABLE;
}

static void arm(struct gossip *g, struct suspicion *s, uint64_t after_ms)
{
    timer_set(&g->timers, &s->timer, TIMER_SUSPICION, s->started_ms + s->frozen_ms + after_ms);
}

static uint64_t elapsed_of(const struct gossip *g, const struct suspicion *s)
{
    uint64_t counted_ms = s->started_ms + s->frozen_ms;
    return g->now.mono_ms > counted_ms ? g->now.mono_ms - counted_ms : 0;
}

static void begin(struct gossip *g, struct member *subject, struct suspicion *s)
{
    s->started_ms = g->now.mono_ms;
    s->frozen_ms = 0;
    member_set_state(g, subject, MEMBER_SUSPECT, (int64_t)g->now.mono_ms);
}

/* Observers ask at once, each a little later than the next: five answers at one instant could be
 * lost to one burst. */
static void observe(struct gossip *g, struct member *subject, struct suspicion *s)
{
    struct accusation_held *own = held_by(s, g->tag);
    uint64_t pause_ms = suspicion_max_ms(g) / 3;
    if (g->config.detector != DETECTOR_AURORA || !detector_is_observer(g, subject))
        return;
    if (own != NULL && g->now.mono_ms < own->heard_ms + pause_ms)
        return;
    if (s->observed_ms != 0 && g->now.mono_ms < s->observed_ms + pause_ms)
        return;
    s->observed_ms = g->now.mono_ms;
    detector_probe_soon(g, subject, prng_below(&g->prng, OBSERVER_JITTER_MS + 1));
}

/* Lifeguard's buddy rule, section IV-C, without waiting for a probe: the sooner it knows, the
 * sooner it objects. One accusation is enough, and asks for less than any answer. */
static void tell_subject(struct gossip *g, struct member *subject, const struct blob *accusation)
{
    uint8_t bytes[STATEMENT_MAX_BYTES + 8];
    struct wire_writer list = {bytes, 0, sizeof bytes, false};
    if (g->config.detector == DETECTOR_SWIM)
        return;
    wire_put_bin(&list, blob_span(accusation));
    struct wire_message news = {.type = WIRE_NEWS, .news.statements = wire_list_of(&list, 1)};
    outbox_send(g, subject, PRIORITY_PROBE, &news);
}

static void report(struct gossip *g, const struct accusation *accusation, size_t accusers,
                   bool is_told)
{
    event_push(g, (struct gossip_event){.kind = GOSSIP_EVENT_ACCUSED,
                                        .accused = {.accuser = accusation->accuser,
                                                    .subject = accusation->subject,
                                                    .epoch = accusation->epoch,
                                                    .incarnation = accusation->incarnation,
                                                    .accusers = (uint32_t)accusers,
                                                    .is_told = is_told}});
}

/* A new accusation, verified, whose accuser counts. The blob is handed over. */
static void accusation_take(struct gossip *g, struct member *subject,
                            const struct accusation *accusation, struct blob *blob)
{
    struct suspicion *s = suspicion_of(subject);
    assert(subject != g->members.self && member_class_of(subject->state) == CLASS_ALIVE);
    held_set(g, s, accusation, blob);
    bool is_first = !is_running(subject);
    if (is_first)
        begin(g, subject, s);
    size_t accusers = suspicion_accusers(g, subject);
    arm(g, s, timeout_ms(g, s, accusers));
    report(g, accusation, accusers, false);
    if (accusation->accuser == g->tag || (is_first && detector_is_observer(g, subject)))
        tell_subject(g, subject, blob);
    observe(g, subject, s);
}

static bool said_lately(const struct gossip *g, struct member *subject)
{
    struct accusation_held *own = held_by(member_suspicion(subject), g->tag);
    return own != NULL && g->now.mono_ms < own->heard_ms + suspicion_max_ms(g) / 3;
}

/* With too few accusers at the end we know only that we cannot tell: unreachable, here and nowhere
 * else, until it answers us. So we ask; and first, too, if we only have others' word. */
static void give_up(struct gossip *g, struct member *subject, struct suspicion *s)
{
    if (subject->state != MEMBER_SUSPECT)
        return;
    if (g->config.detector == DETECTOR_AURORA && !said_lately(g, subject)) {
        detector_probe_soon(g, subject, 0);
        arm(g, s, elapsed_of(g, s) + 2 * health_interval_ms(g));
        return;
    }
    member_set_state(g, subject, MEMBER_UNREACHABLE, (int64_t)g->now.mono_ms);
    detector_probe_soon(g, subject, prng_below(&g->prng, g->config.probe_interval_ms));
}

void suspicion_on_timer(struct gossip *g, struct suspicion *s)
{
    struct member *subject = s->subject;
    assert(member_suspicion(subject) == s);
    if (!is_running(subject))
        return;
    if (health_is_frozen(g)) {
        timer_set(&g->timers, &s->timer, TIMER_SUSPICION, g->now.mono_ms + FROZEN_RECHECK_MS);
        return;
    }
    uint64_t elapsed_ms = elapsed_of(g, s);
    size_t accusers = suspicion_accusers(g, subject);
    uint64_t ripe_ms = timeout_ms(g, s, accusers);
    uint64_t max_ms = suspicion_max_ms(g);
    if (accusers >= suspicion_quorum(g) && elapsed_ms >= ripe_ms)
        member_set_state(g, subject, MEMBER_DEAD,
                         s->is_hearsay ? s->died_ms : (int64_t)g->now.mono_ms);
    else if (accusers >= suspicion_quorum(g))
        arm(g, s, ripe_ms);
    else if (elapsed_ms >= max_ms)
        give_up(g, subject, s);
    else
        arm(g, s, max_ms);
}

void suspicion_answered(struct gossip *g, struct member *subject)
{
    struct suspicion *s = member_suspicion(subject);
    if (!is_running(subject))
        return;
    assert(s != NULL && "whoever is doubted was accused");
    struct accusation_held *own = held_by(s, g->tag);
    if (own != NULL)
        held_drop(s, own);
    if (subject->state == MEMBER_SUSPECT && elapsed_of(g, s) < suspicion_max_ms(g) &&
        suspicion_accusers(g, subject) > 0)
        return;
    timer_cancel(&g->timers, &s->timer);
    s->is_hearsay = false;
    member_set_state(g, subject, MEMBER_ALIVE, (int64_t)g->now.mono_ms);
}

void suspicion_freeze(struct gossip *g, uint64_t ms)
{
    if (g->config.detector != DETECTOR_AURORA || ms == 0)
        return;
    for (size_t i = 0; i < g->members.count; i++) {
        struct suspicion *s = member_suspicion(g->members.ring[i]);
        if (s == NULL || !is_running(s->subject))
            continue;
        s->frozen_ms += ms;
        for (size_t k = 0; k < s->count; k++)
            s->held[k].heard_ms += ms;
        arm(g, s, timeout_ms(g, s, suspicion_accusers(g, s->subject)));
    }
}

/* --- Our own word --------------------------------------------------------------------------- */

/* In SWIM a suspicion is told once; Lifeguard counts, and passes on, the first K confirmations. In
 * ours every word is one towards the quorum, and has to be repeated. */
static bool is_told_enough(const struct gossip *g, const struct member *subject)
{
    size_t needed = g->config.detector == DETECTOR_SWIM ? 1 : 1 + LIFEGUARD_CONFIRMATIONS;
    return g->config.detector != DETECTOR_AURORA && is_running(subject) &&
           suspicion_accusers(g, subject) >= needed;
}

void suspicion_accuse(struct gossip *g, struct member *subject)
{
    if (subject == g->members.self || member_class_of(subject->state) != CLASS_ALIVE)
        return;
    if (g->is_leaving || health_is_frozen(g) || said_lately(g, subject) ||
        is_told_enough(g, subject))
        return;
    g->stamp = g->stamp + 1 > g->now.wall_ms ? g->stamp + 1 : g->now.wall_ms;
    struct accusation accusation = {g->tag, subject->life->tag, subject->life->epoch,
                                    subject->life->incarnation, g->stamp};
    struct blob *blob = statement_of_accusation(&accusation, &g->config.identity, &g->scope);
    assert(blob != NULL && "an accusation always fits");
    g->stats.signatures_made++;
    g->stats.accusations_made++;
    if (g->config.store != NULL)
        blob_store_add(g->config.store, blob, &g->config.identity.public, &g->scope);
    accusation_take(g, subject, &accusation, blob_retain(blob));
    spread_news(g, blob);
    blob_release(blob);
}

/* --- Others' words -------------------------------------------------------------------------- */

/* The accuser hears our answer from us, whatever it thinks of us: where a partition heals, the tree
 * does not lead to whoever we hold for dead. */
static void answer_accuser(struct gossip *g, const struct accusation *accusation)
{
    struct member *accuser = members_find(g, accusation->accuser);
    if (accuser != NULL && accuser != g->members.self)
        roster_tell(g, accuser, g->members.self);
}

static enum suspicion_verdict on_own_accusation(struct gossip *g, struct span statement,
                                                const struct accusation *accusation,
                                                const struct member *accuser)
{
    const struct member *self = g->members.self;
    int order = life_compare(accusation->epoch, accusation->incarnation, self->life->epoch,
                             self->life->incarnation);
    if (order < 0)
        answer_accuser(g, accusation);
    if (order != 0)
        return ACCUSATION_STALE;
    if (voice_waits_for(g, accuser->life->tag))
        return ACCUSATION_KNOWN;
    if (!accusers_may_speak(g, accuser->life->tag))
        return ACCUSATION_EXCESS;
    g->stats.signatures_verified++;
    struct blob *blob = statement_admit(g->config.store, statement, STATEMENT_ACCUSATION,
                                        &accuser->life->id, &g->scope);
    if (blob == NULL)
        return ACCUSATION_BAD;
    blob_release(blob);
    accusers_spoke(g, accuser->life->tag);
    if (accusers_are_many(g, accuser->life->tag) || g->config.detector != DETECTOR_AURORA)
        health_worsen(g, 1);
    if (voice_object(g, accusation->accuser))
        answer_accuser(g, accusation);
    return ACCUSATION_NEW;
}

static uint64_t last_stamp(const struct member *accuser)
{
    return accuser->dossier == NULL ? 0 : accuser->dossier->stamp;
}

/* The filters that cost nothing, before the signature is looked at. */
static enum suspicion_verdict accusation_filter(const struct gossip *g,
                                                const struct accusation *accusation,
                                                const struct member *accuser,
                                                const struct member *subject)
{
    if (life_compare(accusation->epoch, accusation->incarnation, subject->life->epoch,
                     subject->life->incarnation) != 0)
        return ACCUSATION_STALE;
    struct accusation_held *held = held_by(member_suspicion(subject), accusation->accuser);
    if (held != NULL && accusation->stamp <= held->stamp)
        return accusation->stamp == held->stamp ? ACCUSATION_KNOWN : ACCUSATION_STALE;
    if (member_class_of(subject->state) != CLASS_ALIVE)
        return ACCUSATION_KNOWN;
    if (accuser == g->members.self || member_class_of(accuser->state) != CLASS_ALIVE)
        return ACCUSATION_STALE;
    if (accusation->stamp + suspicion_max_ms(g) < last_stamp(accuser))
        return ACCUSATION_STALE;
    return accusers_may_speak(g, accuser->life->tag) ? ACCUSATION_NEW : ACCUSATION_EXCESS;
}

static struct blob *accusation_admit(struct gossip *g, struct span statement,
                                     const struct accusation *accusation, struct member *accuser)
{
    g->stats.signatures_verified++;
    struct blob *blob = statement_admit(g->config.store, statement, STATEMENT_ACCUSATION,
                                        &accuser->life->id, &g->scope);
    if (blob != NULL && accusation->stamp > last_stamp(accuser))
        member_dossier(accuser)->stamp = accusation->stamp;
    return blob;
}

enum suspicion_verdict suspicion_on_accusation(struct gossip *g, struct span statement)
{
    struct accusation accusation;
    if (!statement_read_accusation(statement, &accusation) ||
        accusation.accuser == accusation.subject) {
        drop_count(g, DROP_MALFORMED);
        return ACCUSATION_BAD;
    }
    struct member *accuser = members_find(g, accusation.accuser);
    struct member *subject = members_find(g, accusation.subject);
    if (accuser == NULL || subject == NULL)
        return ACCUSATION_STALE;
    if (subject == g->members.self)
        return on_own_accusation(g, statement, &accusation, accuser);
    enum suspicion_verdict verdict = accusation_filter(g, &accusation, accuser, subject);
    if (verdict != ACCUSATION_NEW)
        return verdict;
    struct blob *blob = accusation_admit(g, statement, &accusation, accuser);
    if (blob == NULL)
        return ACCUSATION_BAD;
    accusers_spoke(g, accuser->life->tag);
    accusation_take(g, subject, &accusation, blob);
    return ACCUSATION_NEW;
}

/* --- A death told later --------------------------------------------------------------------- */

struct evidence {
    struct accusation accusations[ACCUSATIONS_MAX];
    struct blob *blobs[ACCUSATIONS_MAX]; /* owned */
    size_t count;
    size_t live; /* accusers that are neither DEAD nor LEFT here */
};

static bool evidence_has(const struct evidence *evidence, uint64_t accuser)
{
    for (size_t i = 0; i < evidence->count; i++)
        if (evidence->accusations[i].accuser == accuser)
            return true;
    return false;
}

/* Distinct accusers of exactly this life whose signatures hold. */
static void evidence_gather(struct gossip *g, const struct member *subject,
                            const struct span *statements, size_t count, struct evidence *evidence)
{
    for (size_t i = 0; i < count && evidence->count < ACCUSATIONS_MAX; i++) {
        struct accusation accusation;
        if (!statement_read_accusation(statements[i], &accusation) ||
            accusation.subject != subject->life->tag || accusation.accuser == subject->life->tag ||
            life_compare(accusation.epoch, accusation.incarnation, subject->life->epoch,
                         subject->life->incarnation) != 0)
            continue;
        struct member *accuser = members_find(g, accusation.accuser);
        if (accuser == NULL || evidence_has(evidence, accusation.accuser))
            continue;
        struct blob *blob = accusation_admit(g, statements[i], &accusation, accuser);
        if (blob == NULL) {
            drop_count(g, DROP_BAD_SIGNATURE);
            continue;
        }
        evidence->accusations[evidence->count] = accusation;
        evidence->blobs[evidence->count++] = blob;
        evidence->live += member_class_of(accuser->state) == CLASS_ALIVE;
    }
}

static void evidence_keep(struct gossip *g, struct suspicion *s, const struct evidence *evidence)
{
    for (size_t i = 0; i < evidence->count; i++) {
        held_set(g, s, &evidence->accusations[i], blob_retain(evidence->blobs[i]));
        report(g, &evidence->accusations[i], i + 1, true);
    }
}

/* Whom we believe alive gets the shortest suspicion time to object before others' word counts. */
static void begin_hearsay(struct gossip *g, struct member *subject, int64_t died_ms)
{
    struct suspicion *s = member_suspicion(subject);
    if (s->is_hearsay && is_running(subject))
        return;
    s->is_hearsay = true;
    s->died_ms = died_ms;
    if (!is_running(subject))
        begin(g, subject, s);
    s->started_ms = g->now.mono_ms;
    s->frozen_ms = 0;
    arm(g, s, suspicion_min_ms(g));
    detector_probe_soon(g, subject, 0);
}

/* Whose word counts here already, our own perhaps. Who declared it dead may have known fewer
 * members, and so needed fewer; and accuses nobody who is dead to it. */
static size_t count_besides(const struct gossip *g, const struct member *subject,
                            const struct evidence *evidence)
{
    const struct suspicion *s = member_suspicion(subject);
    size_t count = 0;
    for (size_t i = 0; s != NULL && i < s->count; i++)
        count += accuser_counts(g, s, &s->held[i]) && !evidence_has(evidence, s->held[i].accuser);
    return count;
}

/* We have just come, and never met it: what we are told is all that we know. */
static bool is_new_to_us(const struct gossip *g, const struct member *subject)
{
    return subject->link == NULL && join_is_recent(g);
}

/* Who is new to us, or unreachable, is believed dead at once. Else what counts is only the word of
 * members that are themselves alive here: what one side of a partition says of the other must not
 * kill anybody when the sides meet. The subject is told in any case, and will object if it can. */
static bool evidence_judge(struct gossip *g, struct member *subject,
                           const struct evidence *evidence, int64_t died_ms)
{
    size_t quorum = suspicion_quorum(g);
    if (subject == g->members.self)
        return evidence->count >= quorum;
    size_t besides = count_besides(g, subject, evidence);
    if (evidence->count == 0 || evidence->count + besides < quorum)
        return false;
    if (is_new_to_us(g, subject) || subject->state == MEMBER_UNREACHABLE) {
        evidence_keep(g, suspicion_of(subject), evidence);
        member_set_state(g, subject, MEMBER_DEAD, died_ms);
        return true;
    }
    if (evidence->live + besides >= quorum) {
        evidence_keep(g, suspicion_of(subject), evidence);
        begin_hearsay(g, subject, died_ms);
    }
    if (roster_may_tell(g, subject)) {
        member_dossier(subject)->told_ms = g->now.mono_ms;
        tell_subject(g, subject, evidence->blobs[0]);
    }
    return false;
}

bool suspicion_on_evidence(struct gossip *g, struct member *subject, const struct span *statements,
                           size_t count, uint64_t age_ms)
{
    struct evidence evidence = {0};
    if (member_class_of(subject->state) != CLASS_ALIVE)
        return subject->state == MEMBER_DEAD;
    evidence_gather(g, subject, statements, count, &evidence);
    bool is_dead = evidence_judge(g, subject, &evidence, (int64_t)g->now.mono_ms - (int64_t)age_ms);
    for (size_t i = 0; i < evidence.count; i++)
        blob_release(evidence.blobs[i]);
    return is_dead;
}
