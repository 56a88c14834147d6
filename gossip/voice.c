// SPDX-License-Identifier: Apache-2.0
/* voice.c - may we object to what is said of our life? Only whoever can be heard should.
 *
 *     accused --- our last PINGs were answered ------------------------> next life, at once
 *        |
 *        v
 *     held: PINGs to others, some at a time --- fairly heard ----------> next life
 *        |
 *        | told of our death, or a quorum accuses us and time is up
 *        v
 *     condemned: the same, more slowly --- well heard, for long enough -> next life
 *
 * Nobody else need do anything, and nobody need agree: until we object, we are what our accusers
 * say, everywhere. A node that wants to flap still can; but it can also restart as often as it
 * likes. */
#include "gossip/voice.h"

#include <assert.h>

#include "gossip/core.h"

/* Asked at a time: those at first tell whoever is heard, with the first tick. */
#define TRIALS_AT_FIRST 10
#define TRIALS_LATER    5
#define TICK_MS         100
/* Whoever asks on while answers take longer has ever too many questions open. */
#define SLOW_MS (2 * TICK_MS)
/* Well heard, and to go on being so: the next round. */
#define ROUND_PAUSE_MS 1000
/* Whoever was not heard for so many rounds had luck in one more likely than it has recovered: it
 * must have it twice. */
#define ROUNDS_DOUBTED 3

/* --- How well are we heard? ------------------------------------------------------------------ */

static uint32_t silences_of(const struct voice *voice, uint64_t target, uint32_t until)
{
    uint32_t count = 0;
    for (uint32_t i = 0; i < until; i++)
        count += voice->trials[i].target == target && voice->trials[i].steps == 0;
    return count;
}

/* Fewer than a quorum may be liars: the silence of the q - 1 most silent says nothing. */
static uint32_t silences_excused(const struct gossip *g)
{
    const struct voice *voice = &g->voice;
    uint32_t most[QUORUM_MAX] = {0};
    size_t liars = suspicion_quorum(g) - 1;
    for (uint32_t i = 0; i < voice->trial_count; i++) {
        const struct trial *trial = &voice->trials[i];
        if (trial->steps > 0 || silences_of(voice, trial->target, i) > 0)
            continue;
        uint32_t silences = silences_of(voice, trial->target, voice->trial_count);
        for (size_t k = 0; k < liars; k++)
            if (silences > most[k]) {
                uint32_t less = most[k];
                most[k] = silences;
                silences = less;
            }
    }
    uint32_t sum = 0;
    for (size_t k = 0; k < liars; k++)
        sum += most[k];
    return sum;
}

struct tally {
    uint32_t answered, steps;
};

/* Is this the first answer with a gap from this member? */
static bool is_new_gap(const struct voice *voice, uint32_t index)
{
    bool is_new = voice->trials[index].steps > 1;
    for (uint32_t i = 0; i < index; i++)
        is_new = is_new && (voice->trials[i].target != voice->trials[index].target ||
                            voice->trials[i].steps <= 1);
    return is_new;
}

/* Nor do the gaps in what fewer than a quorum send: they may lose most of it themselves. */
static struct tally tally_of(const struct gossip *g)
{
    const struct voice *voice = &g->voice;
    struct tally tally = {0, 0};
    uint32_t have_gaps = 0;
    for (uint32_t i = 0; i < voice->trial_count; i++) {
        tally.answered += voice->trials[i].steps > 0;
        tally.steps += voice->trials[i].steps;
        have_gaps += is_new_gap(voice, i);
    }
    if (have_gaps < suspicion_quorum(g))
        tally.steps = tally.answered;
    return tally;
}

/* Of a PINGs answered in w, with s steps between the packets that the answers came in, the share
 * a / s of what was sent to us arrived. Where as much of what we send arrives, (a / s)^2 of our
 * PINGs are answered; so the share of ours that arrives, by the measure of theirs, is
 * (a / w) / (a / s)^2 = s^2 / (a w). What everybody suffers is thus not held against us. */
static bool is_heard(const struct gossip *g, uint32_t percent)
{
    struct tally tally = tally_of(g);
    uint32_t asked = VOICE_TRIALS - silences_excused(g);
    if (tally.answered < VOICE_ANSWERS_MIN)
        return false;
    return tally.steps * tally.steps * 100 >= percent * tally.answered * asked;
}

static bool is_doubted_by_others(const struct gossip *g, const struct member *member)
{
    const struct suspicion *suspicion = member_suspicion(member);
    if (member->state != MEMBER_SUSPECT && member->state != MEMBER_UNREACHABLE)
        return false;
    for (size_t i = 0; suspicion != NULL && i < suspicion->count; i++)
        if (suspicion->held[i].accuser != g->tag &&
            suspicion->held[i].heard_ms + suspicion_max_ms(g) >= g->now.mono_ms)
            return true;
    return false;
}

/* Others say that a third of those who were here lately are gone, or may be: this is no trouble of
 * ours alone, and who says nothing now will hardly be found again. What a partition leaves looks
 * like that, too. Whom we alone doubt tells us nothing. */
static bool is_everybodys_trouble(const struct gossip *g)
{
    int64_t recent_ms = (int64_t)g->now.mono_ms - DEATHS_REMEMBERED_MS;
    size_t all = members_n(g);
    if (3 * g->members.counts[MEMBER_ALIVE] > 2 * (all + g->members.counts[MEMBER_DEAD]))
        return false;
    size_t ill = 0;
    for (size_t i = 0; i < g->members.count; i++) {
        const struct member *member = g->members.ring[i];
        bool is_dead = member->state == MEMBER_DEAD && member->since_ms > recent_ms;
        all += is_dead;
        ill += is_dead || is_doubted_by_others(g, member);
    }
    return 3 * ill >= all;
}

/* What others lose on the way to us shows how it is with everybody: then there is no time to lose.
 * Who was stopped probes before it reads what came meanwhile: what may still be answered says
 * nothing. */
static bool was_heard_lately(const struct gossip *g)
{
    const struct voice *voice = &g->voice;
    struct tally tally = tally_of(g);
    bool is_lossy_here = tally.steps * 4 >= tally.answered * 5;
    if (is_lossy_here && is_heard(g, VOICE_FAIR_PERCENT))
        return true;
    uint32_t heard = 0;
    for (uint32_t i = 1; heard < 2 && i <= voice->trial_count; i++) {
        const struct trial *trial =
            &voice->trials[(voice->trial_next + VOICE_TRIALS - i) % VOICE_TRIALS];
        if (trial->steps > 0)
            heard++;
        else if (!probe_may_be_answered(g, trial->random))
            return false;
    }
    return true;
}

/* To different members: one lost packet must not count for two. To the dead, where nobody lives
 * here. */
static void ask(struct gossip *g, uint32_t count)
{
    struct member *targets[TRIALS_AT_FIRST];
    assert(count <= TRIALS_AT_FIRST);
    size_t found = members_pick(g, targets, count, 0);
    if (found == 0 && g->members.count > 1) {
        size_t any = prng_below(&g->prng, (uint32_t)g->members.count);
        if (g->members.ring[any] == g->members.self)
            any = (any + 1) % g->members.count;
        targets[found++] = g->members.ring[any];
    }
    for (size_t i = 0; i < found; i++)
        probe_voice(g, targets[i]);
}

void voice_on_ping(struct gossip *g, uint64_t target, uint64_t random)
{
    struct voice *voice = &g->voice;
    voice->trials[voice->trial_next] =
        (struct trial){.target = target, .random = random, .asked_ms = g->now.mono_ms};
    voice->trial_next = (voice->trial_next + 1) % VOICE_TRIALS;
    if (voice->trial_count < VOICE_TRIALS)
        voice->trial_count++;
}

void voice_on_answer(struct gossip *g, uint64_t random)
{
    struct voice *voice = &g->voice;
    assert(voice->steps >= 1 && voice->steps <= VOICE_STEPS_MAX);
    for (uint32_t i = 0; i < voice->trial_count; i++) {
        struct trial *trial = &voice->trials[i];
        if (trial->random != random)
            continue;
        trial->steps = (uint8_t)voice->steps;
        voice->is_slow |= g->now.mono_ms > trial->asked_ms + SLOW_MS;
    }
}

bool voice_misses_others(const struct gossip *g, uint64_t member)
{
    const struct voice *voice = &g->voice;
    uint32_t missed = 0;
    if (g->config.detector != DETECTOR_AURORA)
        return false;
    for (uint32_t i = 0; i < voice->trial_count; i++)
        missed += voice->trials[i].steps == 0 && voice->trials[i].target != member;
    return missed >= VOICE_MISSES;
}

/* --- Objecting ------------------------------------------------------------------------------- */

void voice_free(struct gossip *g)
{
    timer_cancel(&g->timers, &g->voice.timer);
}

void voice_on_new_life(struct gossip *g)
{
    struct voice *voice = &g->voice;
    if (voice->is_condemned) {
        voice->died_ms = g->now.mono_ms;
        event_status_soon(g);
    }
    voice->is_held = false;
    voice->is_condemned = false;
    voice->accuser_count = 0;
    voice->quorum_ms = 0;
    voice->sound_since_ms = 0;
    timer_cancel(&g->timers, &voice->timer);
}

/* Each accuser hears it from us, as each that accuses us later does: the tree does not lead to whom
 * we hold for dead. */
static void object(struct gossip *g)
{
    uint64_t accusers[ACCUSATIONS_MAX];
    size_t count = g->voice.accuser_count;
    memcpy(accusers, g->voice.accusers, sizeof accusers);
    members_refute(g, 0);
    for (size_t i = 0; i < count; i++) {
        struct member *accuser = members_find(g, accusers[i]);
        member_dossier(g->members.self)->told_ms = 0;
        if (accuser != NULL)
            roster_tell(g, accuser, g->members.self);
    }
}

static void wake_in(struct gossip *g, uint64_t ms)
{
    timer_set(&g->timers, &g->voice.timer, TIMER_VOICE, g->now.mono_ms + ms);
}

/* What was before says little: whatever made others accuse us may just have begun. */
static void begin_round(struct gossip *g)
{
    struct voice *voice = &g->voice;
    voice->rounds++;
    voice->round_ms = g->now.mono_ms;
    voice->is_resting = false;
    voice->is_slow = false;
    voice->trial_count = 0;
    voice->trial_next = 0;
    ask(g, TRIALS_AT_FIRST);
    wake_in(g, TICK_MS);
}

static void hold(struct gossip *g)
{
    if (g->voice.is_held)
        return;
    g->voice.is_held = true;
    g->voice.rounds = 0;
    begin_round(g);
}

static void condemn(struct gossip *g)
{
    struct voice *voice = &g->voice;
    assert(voice->is_held);
    if (voice->is_condemned)
        return;
    bool is_again = voice->deaths > 0 && g->now.mono_ms < voice->died_ms + DEATHS_REMEMBERED_MS;
    voice->is_condemned = true;
    voice->deaths = is_again ? voice->deaths + 1 : 1;
    voice->died_ms = g->now.mono_ms;
    voice->sound_since_ms = 0;
    event_status_soon(g);
}

static uint64_t probation_ms(const struct voice *voice)
{
    if (voice->deaths > 1)
        return READMIT_HOLD_MS;
    return voice->rounds > ROUNDS_DOUBTED ? ROUND_PAUSE_MS + TICK_MS : 0;
}

static bool is_over(struct gossip *g, bool is_heard_now)
{
    struct voice *voice = &g->voice;
    if (is_everybodys_trouble(g))
        return true;
    if (!is_heard_now || !voice->is_condemned)
        return is_heard_now;
    if (voice->sound_since_ms == 0)
        voice->sound_since_ms = g->now.mono_ms;
    return g->now.mono_ms >= voice->sound_since_ms + probation_ms(voice);
}

/* Where nothing was heard the answers may only be slow: seconds each way is a network, too. */
static uint64_t round_length_ms(const struct voice *voice)
{
    assert(voice->rounds > 0);
    uint32_t doublings = voice->rounds - 1;
    return (uint64_t)VOICE_ROUND_MS << (doublings < VOICE_DOUBLINGS ? doublings : VOICE_DOUBLINGS);
}

static void go_on(struct gossip *g, bool is_heard_now)
{
    struct voice *voice = &g->voice;
    bool is_late = g->now.mono_ms >= voice->round_ms + round_length_ms(voice);
    if (is_late && !is_heard_now)
        voice->sound_since_ms = 0;
    if (voice->is_resting || (is_late && !is_heard_now)) {
        begin_round(g);
        return;
    }
    voice->is_resting = is_heard_now;
    uint32_t left = VOICE_TRIALS - voice->trial_count;
    if (!is_heard_now && left > 0)
        ask(g, left < TRIALS_LATER ? left : TRIALS_LATER);
    else if (!is_heard_now && !voice->is_slow)
        ask(g, 1);
    wake_in(g, is_heard_now ? ROUND_PAUSE_MS : TICK_MS);
}

/* Once a quorum has spoken there is little time left: whoever needs luck to be heard might be in
 * time for some, and be dead and revived for the others. */
static uint32_t percent_wanted(const struct voice *voice)
{
    if (voice->is_condemned)
        return VOICE_SOUND_PERCENT;
    return voice->quorum_ms != 0 ? VOICE_LATE_PERCENT : VOICE_FAIR_PERCENT;
}

/* The verdict waits for a tick, although it could be known with an answer: those who hold us for
 * dead say so when they answer. An objection in the last moment would be too late for many, and
 * would revive us there: after half of the time that a quorum leaves us it is none any more. */
void voice_on_timer(struct gossip *g)
{
    struct voice *voice = &g->voice;
    assert(voice->is_held);
    if (g->is_leaving)
        return;
    if (voice->quorum_ms != 0 && g->now.mono_ms >= voice->quorum_ms + suspicion_min_ms(g) / 2)
        condemn(g);
    bool is_heard_now = is_heard(g, percent_wanted(voice));
    if (is_over(g, is_heard_now))
        object(g);
    else
        go_on(g, is_heard_now);
}

static bool may_object(const struct gossip *g)
{
    if (g->config.detector != DETECTOR_AURORA || g->is_leaving)
        return true;
    return !g->voice.is_held && (was_heard_lately(g) || is_everybodys_trouble(g));
}

bool voice_waits_for(const struct gossip *g, uint64_t accuser)
{
    const struct voice *voice = &g->voice;
    for (size_t i = 0; i < voice->accuser_count; i++)
        if (voice->accusers[i] == accuser)
            return true;
    return voice->accuser_count == ACCUSATIONS_MAX;
}

bool voice_object(struct gossip *g, uint64_t accuser)
{
    struct voice *voice = &g->voice;
    if (may_object(g)) {
        members_refute(g, 0);
        return true;
    }
    assert(!voice_waits_for(g, accuser));
    voice->accusers[voice->accuser_count++] = accuser;
    if (voice->quorum_ms == 0 && voice->accuser_count >= suspicion_quorum(g))
        voice->quorum_ms = g->now.mono_ms;
    hold(g);
    return false;
}

void voice_on_death(struct gossip *g)
{
    if (may_object(g))
        return;
    hold(g);
    condemn(g);
}
