// SPDX-License-Identifier: Apache-2.0
/* test_orphans.c - what becomes of a home's peers when it is gone, and when it comes back */
#include <criterion/criterion.h>
#include <stdio.h>

#include "gossip/core.h"
#include "tests/gossip/records_fixture.h"

static struct fixture *f;
static struct fixture_home a, b;

static void begin(void)
{
    f = fixture_new();
    a = fixture_home(f, 1, 10);
    b = fixture_home(f, 2, 10);
    fixture_tell_set(f, &a, 1, "p", 1);
    fixture_forget(f);
}

static void end(void)
{
    fixture_free(f);
}

TestSuite(orphans, .init = begin, .fini = end);

static const uint64_t GRACE = ORPHAN_GRACE_MS;
static const uint64_t TTL = FIXTURE_TTL_S * 1000ull;

static void dies(const struct fixture_home *home)
{
    fixture_state(f, home, MEMBER_DEAD, fixture_now(f));
}

static size_t events(enum gossip_event_kind kind)
{
    return fixture_count(f, kind, NULL);
}

/* --- Gone ------------------------------------------------------------------------------------- */

Test(orphans, stay_visible_for_the_grace)
{
    dies(&a);
    cr_assert_eq(fixture_log(f, &a)->standing, HOME_GONE);
    fixture_wait(f, GRACE - 1);
    cr_assert(fixture_sees(f, "p"));
    cr_assert_eq(events(GOSSIP_EVENT_PEER_DOWN), 0U);
    fixture_wait(f, 1);
    cr_assert(!fixture_sees(f, "p"));
    cr_assert_eq(events(GOSSIP_EVENT_PEER_DOWN), 1U);
    cr_assert_eq(fixture_last(f, GOSSIP_EVENT_PEER_DOWN)->peer.reason, PEER_DOWN_ORPHAN_GRACE);
}

/* A client whose heartbeat comes late can still be adopted: the record must be there. */
Test(orphans, are_hidden_and_not_dropped)
{
    dies(&a);
    fixture_wait(f, TTL - 1);
    cr_assert(!fixture_sees(f, "p"));
    cr_assert_not_null(fixture_peer(f, "p"));
    cr_assert_not(fixture_peer(f, "p")->winner->is_delete);
    fixture_wait(f, 1);
    cr_assert_null(fixture_peer(f, "p"), "its ttl has run since its home's death");
    cr_assert_eq(events(GOSSIP_EVENT_PEER_DOWN), 1U);
}

Test(orphans, grace_is_at_most_the_ttl)
{
    struct fixture_batch batch = fixture_batch(&a, 1, 2);
    fixture_set_ttl(f, &batch, 2, "brief", 1, 20);
    fixture_deliver(f, &batch);
    dies(&a);
    fixture_wait(f, 20 * 1000 - 1);
    cr_assert(fixture_sees(f, "brief"));
    fixture_wait(f, 1);
    cr_assert(!fixture_sees(f, "brief"));
    cr_assert_null(fixture_peer(f, "brief"), "the same moment ends both");
    cr_assert(fixture_sees(f, "p"));
}

Test(orphans, each_goes_by_its_own_ttl)
{
    struct fixture_batch batch = fixture_batch(&a, 1, 3);
    fixture_set_ttl(f, &batch, 2, "longer", 1, 600);
    fixture_set_ttl(f, &batch, 3, "brief", 1, 20);
    fixture_deliver(f, &batch);
    dies(&a);
    fixture_wait(f, TTL);
    cr_assert_null(fixture_peer(f, "p"));
    cr_assert_null(fixture_peer(f, "brief"));
    cr_assert_not_null(fixture_peer(f, "longer"));
    fixture_wait(f, 600 * 1000 - TTL);
    cr_assert_null(fixture_peer(f, "longer"));
}

Test(orphans, of_a_home_that_left_go_the_same_way)
{
    fixture_state(f, &a, MEMBER_LEFT, fixture_now(f));
    fixture_wait(f, GRACE);
    cr_assert(!fixture_sees(f, "p"));
    cr_assert_not_null(fixture_peer(f, "p"));
}

Test(orphans, suspicion_makes_none)
{
    fixture_state(f, &a, MEMBER_SUSPECT, fixture_now(f));
    cr_assert_eq(fixture_log(f, &a)->standing, HOME_DOUBTED);
    fixture_wait(f, 10 * TTL);
    cr_assert(fixture_sees(f, "p"));
}

/* Unreachable here, then dead everywhere: that is one absence, and one grace. */
Test(orphans, death_after_unreachability_begins_no_new_grace)
{
    fixture_state(f, &a, MEMBER_UNREACHABLE, fixture_now(f));
    fixture_wait(f, GRACE - 1000);
    dies(&a);
    fixture_wait(f, 1000);
    cr_assert(!fixture_sees(f, "p"));
}

/* The evidence that a joiner is given says how old the death is: peers that are over elsewhere must
 * not begin a second life at every node that joins. */
Test(orphans, joiner_continues_the_age_of_the_death)
{
    fixture_state(f, &b, MEMBER_DEAD, fixture_now(f) - (int64_t)GRACE + 5000);
    fixture_tell_set(f, &b, 1, "q", 1);
    cr_assert(fixture_sees(f, "q"));
    fixture_wait(f, 4999);
    cr_assert(fixture_sees(f, "q"));
    fixture_wait(f, 1);
    cr_assert(!fixture_sees(f, "q"));
}

Test(orphans, joiner_never_shows_what_is_hidden_elsewhere)
{
    fixture_state(f, &b, MEMBER_DEAD, fixture_now(f) - (int64_t)GRACE);
    fixture_forget(f);
    fixture_tell_set(f, &b, 1, "q", 1);
    cr_assert(!fixture_sees(f, "q"));
    cr_assert_eq(events(GOSSIP_EVENT_PEER_UP), 0U);
    cr_assert_not_null(fixture_peer(f, "q"), "it may be adopted");
    fixture_wait(f, TTL - GRACE);
    cr_assert_null(fixture_peer(f, "q"));
}

/* The home is back with a new life when we join: nothing in the member list says any more when the
 * old one ended. */
Test(orphans, joiner_continues_the_age_of_an_ended_life)
{
    struct log *old = registry_log_make(f->core, b.tag, 9);
    cr_assert_eq(old->standing, HOME_GONE);
    orphans_age_told(f->core, old, GRACE - 5000);
    cr_assert_eq(orphans_age_ms(f->core, old), GRACE - 5000);
    struct fixture_home before = b;
    before.epoch = 9;
    fixture_tell_set(f, &before, 1, "q", 1);
    cr_assert(fixture_sees(f, "q"));
    fixture_wait(f, 5000);
    cr_assert(!fixture_sees(f, "q"));
}

Test(orphans, told_age_only_moves_the_beginning_back)
{
    dies(&a);
    fixture_wait(f, GRACE - 1000);
    orphans_age_told(f->core, fixture_log(f, &a), 500);
    fixture_wait(f, 1000);
    cr_assert(!fixture_sees(f, "p"));
}

/* Whether a home is gone is each node's own judgement. */
Test(orphans, told_age_of_a_home_that_answers_us_is_ignored)
{
    orphans_age_told(f->core, fixture_log(f, &a), 10 * TTL);
    cr_assert_eq(orphans_age_ms(f->core, fixture_log(f, &a)), 0U);
    fixture_wait(f, TTL);
    cr_assert(fixture_sees(f, "p"));
}

/* We were told of an older death than we saw. */
Test(orphans, older_evidence_shortens_the_grace)
{
    dies(&a);
    fixture_member(f, &a)->since_ms -= 60000;
    registry_home_changed(f->core, fixture_member(f, &a));
    fixture_wait(f, GRACE - 60000);
    cr_assert(!fixture_sees(f, "p"));
}

/* An orphan's winner hides lower ones as before: hiding it must not bring an older record back. */
Test(orphans, hidden_winner_still_hides_what_it_won_over)
{
    fixture_tell_set(f, &b, 1, "p", 5);
    dies(&b);
    fixture_wait(f, GRACE);
    cr_assert(!fixture_sees(f, "p"));
    cr_assert_eq(fixture_winner(f, "p"), b.tag);
}

Test(orphans, adopted_peer_never_blinks)
{
    dies(&a);
    fixture_wait(f, GRACE / 2);
    fixture_tell_set(f, &b, 1, "p", 2);
    fixture_wait(f, 2 * TTL);
    cr_assert(fixture_sees(f, "p"));
    cr_assert_eq(events(GOSSIP_EVENT_PEER_DOWN) + events(GOSSIP_EVENT_PEER_UP), 0U);
    cr_assert_eq(events(GOSSIP_EVENT_PEER_UPDATE), 1U);
}

Test(orphans, late_adoption_brings_a_hidden_peer_back)
{
    dies(&a);
    fixture_wait(f, GRACE + 1000);
    fixture_tell_set(f, &b, 1, "p", 2);
    cr_assert(fixture_sees(f, "p"));
    cr_assert_eq(events(GOSSIP_EVENT_PEER_UP), 1U);
}

/* --- Back ------------------------------------------------------------------------------------- */

Test(orphans, return_in_the_same_life_shows_them_again)
{
    dies(&a);
    fixture_wait(f, GRACE + 1);
    fixture_state(f, &a, MEMBER_ALIVE, fixture_now(f));
    cr_assert(fixture_sees(f, "p"));
    cr_assert_eq(events(GOSSIP_EVENT_PEER_UP), 1U);
    fixture_wait(f, 10 * TTL);
    cr_assert(fixture_sees(f, "p"));
}

Test(orphans, second_absence_has_a_grace_of_its_own)
{
    dies(&a);
    fixture_wait(f, GRACE / 2);
    fixture_state(f, &a, MEMBER_ALIVE, fixture_now(f));
    fixture_wait(f, GRACE);
    dies(&a);
    fixture_wait(f, GRACE - 1);
    cr_assert(fixture_sees(f, "p"));
    fixture_wait(f, 1);
    cr_assert(!fixture_sees(f, "p"));
}

/* The first absence ends the shortest ttl; the second must know the next one. */
Test(orphans, shortest_ttl_is_known_after_the_first_ones_are_gone)
{
    struct fixture_batch batch = fixture_batch(&a, 1, 3);
    fixture_set_ttl(f, &batch, 2, "brief", 1, 20);
    fixture_set_ttl(f, &batch, 3, "longer", 1, 40);
    fixture_deliver(f, &batch);
    dies(&a);
    fixture_wait(f, 25 * 1000);
    cr_assert_null(fixture_peer(f, "brief"));
    fixture_state(f, &a, MEMBER_ALIVE, fixture_now(f));
    dies(&a);
    fixture_wait(f, 40 * 1000 - 1);
    cr_assert(fixture_sees(f, "longer"));
    fixture_wait(f, 1);
    cr_assert(!fixture_sees(f, "longer"));
}

/* What was dropped meanwhile must be found missing, although the version is the one that was
 * proved. */
Test(orphans, log_that_lost_entries_is_not_proved_when_its_home_returns)
{
    struct fixture_batch batch = fixture_batch(&a, 1, 2);
    fixture_set_ttl(f, &batch, 2, "brief", 1, 20);
    fixture_deliver(f, &batch);
    fixture_head(f, &a, 2);
    cr_assert_eq(fixture_log(f, &a)->state, LOG_PROVED);
    fixture_state(f, &a, MEMBER_UNREACHABLE, fixture_now(f));
    fixture_wait(f, 21 * 1000);
    cr_assert_null(fixture_peer(f, "brief"));
    head_check(f->core, fixture_log(f, &a));
    cr_assert_neq(fixture_log(f, &a)->state, LOG_DIVERGED, "nobody could repair it now");
    fixture_state(f, &a, MEMBER_ALIVE, fixture_now(f));
    cr_assert_eq(fixture_log(f, &a)->state, LOG_DIVERGED);
}

/* --- Restart ---------------------------------------------------------------------------------- */

Test(orphans, old_life_stays_visible_until_the_new_one_speaks)
{
    dies(&a);
    fixture_wait(f, 10000);
    struct fixture_home before = a;
    fixture_restart(f, &a, 11);
    cr_assert(fixture_sees(f, "p"));
    cr_assert_eq(fixture_log(f, &before)->standing, HOME_GONE);
    fixture_wait(f, 1000);
    fixture_tell_set(f, &a, 1, "p", 1);
    cr_assert_eq(fixture_peer(f, "p")->winner->log->epoch, 11U);
    fixture_wait(f, 2 * TTL);
    cr_assert(fixture_sees(f, "p"));
    cr_assert_eq(events(GOSSIP_EVENT_PEER_DOWN) + events(GOSSIP_EVENT_PEER_UP), 0U);
}

Test(orphans, old_life_that_is_not_reissued_is_hidden_after_the_grace)
{
    fixture_restart(f, &a, 11);
    fixture_wait(f, GRACE - 1);
    cr_assert(fixture_sees(f, "p"));
    fixture_wait(f, 1);
    cr_assert(!fixture_sees(f, "p"), "the home is back, and says nothing of it");
}

/* The grace of the old life runs from its death, not from the restart. */
Test(orphans, restart_begins_no_new_grace)
{
    dies(&a);
    fixture_wait(f, GRACE - 1000);
    fixture_restart(f, &a, 11);
    fixture_wait(f, 1000);
    cr_assert(!fixture_sees(f, "p"));
}

/* The state ALIVE may have begun hours before the restart that nobody noticed. */
Test(orphans, unnoticed_restart_counts_from_now)
{
    fixture_wait(f, 3600 * 1000);
    fixture_restart(f, &a, 11);
    cr_assert(fixture_sees(f, "p"));
    fixture_wait(f, GRACE - 1);
    cr_assert(fixture_sees(f, "p"));
}

/* A home that restarts and returns to its old life's state does not exist: an ended life never
 * vouches again. */
Test(orphans, ended_life_never_vouches_again)
{
    struct fixture_home before = a;
    fixture_restart(f, &a, 11);
    fixture_state(f, &a, MEMBER_SUSPECT, fixture_now(f));
    fixture_state(f, &a, MEMBER_ALIVE, fixture_now(f));
    cr_assert_eq(fixture_log(f, &before)->standing, HOME_GONE);
}

Test(orphans, new_lifes_delete_ends_the_old_lifes_record)
{
    fixture_restart(f, &a, 11);
    fixture_tell_delete(f, &a, 1, "p", 1);
    cr_assert(!fixture_sees(f, "p"));
}

/* --- Cut off ---------------------------------------------------------------------------------- */

Test(orphans, being_cut_off_orphans_everybody_elses_peers)
{
    struct gossip_registration registration = {.peer = fixture_record(1, "mine", 1).peer};
    f->core->sync.is_first_done = true;
    lease_register(f->core, 1, &registration);
    fixture_cut_off(f, true);
    cr_assert_eq(fixture_log(f, &a)->standing, HOME_GONE);
    cr_assert_eq(f->core->registry.own->standing, HOME_VOUCHES);
    fixture_wait(f, GRACE);
    cr_assert(!fixture_sees(f, "p"));
    cr_assert(fixture_sees(f, "mine"));
    fixture_cut_off(f, false);
    cr_assert_eq(fixture_log(f, &a)->standing, HOME_VOUCHES);
    cr_assert(fixture_sees(f, "p"));
}

/* --- Logs ------------------------------------------------------------------------------------- */

Test(orphans, dead_homes_log_goes_when_nothing_is_left_in_it)
{
    dies(&a);
    fixture_wait(f, TTL - 1);
    cr_assert_not_null(fixture_log(f, &a));
    fixture_wait(f, 1);
    cr_assert_null(fixture_log(f, &a));
    const struct gossip_event *gone = fixture_last(f, GOSSIP_EVENT_LOG);
    cr_assert(gone->log.is_gone && gone->log.tag == a.tag && gone->log.epoch == a.epoch);
    cr_assert_eq(f->core->registry.records_digest, 0U);
}

/* The same life again, after its log was dropped here: it is pulled anew. */
Test(orphans, dead_home_that_returns_begins_its_log_anew)
{
    dies(&a);
    fixture_wait(f, TTL);
    cr_assert_null(fixture_log(f, &a));
    fixture_state(f, &a, MEMBER_ALIVE, fixture_now(f));
    cr_assert_eq(fixture_tell_set(f, &a, 1, "p", 1), BATCH_APPLIED);
    cr_assert(fixture_sees(f, "p"));
}

/* The others still compare this log with us: they would send it again and again. */
Test(orphans, unreachable_homes_log_stays)
{
    fixture_state(f, &a, MEMBER_UNREACHABLE, fixture_now(f));
    fixture_wait(f, 10 * TTL);
    cr_assert_null(fixture_peer(f, "p"));
    cr_assert_not_null(fixture_log(f, &a));
    cr_assert_eq(fixture_log(f, &a)->applied, 1U);
    dies(&a);
    fixture_wait(f, 1);
    cr_assert_null(fixture_log(f, &a));
}

Test(orphans, deletes_in_a_gone_log_are_kept_for_their_time)
{
    fixture_tell_delete(f, &a, 2, "p", 1);
    dies(&a);
    fixture_wait(f, DELETE_KEEP_MIN_MS - 1);
    cr_assert_not_null(fixture_log(f, &a));
    cr_assert_not_null(fixture_peer(f, "p"));
    fixture_wait(f, DELETE_KEEP_MIN_MS / 2);
    cr_assert_null(fixture_peer(f, "p"));
    cr_assert_null(fixture_log(f, &a));
}

/* Two nodes that ran out of an ended life's log at different times would hand it to one another for
 * ever. */
Test(orphans, ended_life_that_ran_out_does_not_come_back)
{
    struct fixture_home before = a;
    fixture_restart(f, &a, 11);
    fixture_wait(f, TTL);
    cr_assert_null(fixture_log(f, &before));
    cr_assert_null(registry_log_make(f->core, before.tag, before.epoch));
    cr_assert_not_null(registry_log_make(f->core, a.tag, a.epoch));
}

/* Made because somebody listed it, and its pull not yet answered. */
Test(orphans, new_log_of_a_dead_home_is_given_time_to_fill)
{
    fixture_state(f, &b, MEMBER_DEAD, fixture_now(f) - 200 * 1000);
    registry_log_make(f->core, b.tag, b.epoch);
    fixture_wait(f, GRACE - 1);
    cr_assert_not_null(fixture_log(f, &b));
    fixture_wait(f, 1);
    cr_assert_null(fixture_log(f, &b));
}

/* A log that is being pulled is not dropped, and looking again takes time, however short the grace
 * is. */
Test(orphans, grace_of_nothing_lets_time_pass, .timeout = 30)
{
    f->core->config.orphan_grace_ms = 0;
    struct log *log = registry_log_make(f->core, b.tag, b.epoch);
    pull_want(f->core, log, fixture_member(f, &a), 5);
    pull_next(f->core);
    cr_assert_not_null(log->pull);
    dies(&b);
    fixture_wait(f, 1000);
    cr_assert_eq(fixture_log(f, &b), log);
}

/* --- What the host is told -------------------------------------------------------------------- */

Test(orphans, home_event_says_since_when_it_does_not_vouch)
{
    uint64_t wall_ms = f->core->now.wall_ms;
    fixture_wait(f, 5000);
    fixture_state(f, &a, MEMBER_SUSPECT, fixture_now(f));
    const struct gossip_event *event = fixture_last(f, GOSSIP_EVENT_HOME);
    cr_assert_eq(event->home.standing, HOME_DOUBTED);
    cr_assert_eq(event->home.since_wall_ms, wall_ms + 5000);
    fixture_wait(f, 3000);
    dies(&a);
    event = fixture_last(f, GOSSIP_EVENT_HOME);
    cr_assert_eq(event->home.standing, HOME_GONE);
    cr_assert_eq(event->home.since_wall_ms, wall_ms + 5000, "it was last seen before the doubt");
    fixture_wait(f, 3000);
    fixture_state(f, &a, MEMBER_ALIVE, fixture_now(f));
    event = fixture_last(f, GOSSIP_EVENT_HOME);
    cr_assert_eq(event->home.standing, HOME_VOUCHES);
    cr_assert_eq(event->home.since_wall_ms, wall_ms + 11000);
    cr_assert_eq(events(GOSSIP_EVENT_HOME), 3U);
}

Test(orphans, home_event_comes_with_a_new_log)
{
    fixture_state(f, &b, MEMBER_DEAD, fixture_now(f) - 7000);
    fixture_forget(f);
    registry_log_make(f->core, b.tag, b.epoch);
    const struct gossip_event *event = fixture_last(f, GOSSIP_EVENT_HOME);
    cr_assert_eq(event->home.standing, HOME_GONE);
    cr_assert_eq(event->home.since_wall_ms, f->core->now.wall_ms - 7000);
}

/* --- Many ------------------------------------------------------------------------------------- */

static char many_id[24];

static const char *many(uint64_t number)
{
    snprintf(many_id, sizeof many_id, "m%llu", (unsigned long long)number);
    return many_id;
}

/* A home with a thousand peers dies: they are looked at in steps, and between two of them there is
 * time for somebody else. What comes meanwhile is not forgotten. */
Test(orphans, of_a_large_home_are_hidden_and_dropped_in_steps)
{
    for (uint64_t version = 2; version <= 1000; version++)
        fixture_tell_set(f, &a, version, many(version), version);
    dies(&a);
    fixture_wait(f, GRACE);
    size_t hidden = fixture_log(f, &a)->hidden_count;
    cr_assert(hidden > 0 && hidden < 1000, "%zu in one millisecond", hidden);
    struct fixture_batch batch = fixture_batch(&a, 1000, 1001);
    fixture_set_ttl(f, &batch, 1001, "brief", 1001, 100);
    fixture_deliver(f, &batch);
    for (int ms = 0; ms < 10 && fixture_log(f, &a)->hidden_count < 1001; ms++)
        fixture_wait(f, 1);
    cr_assert_eq(fixture_log(f, &a)->hidden_count, 1001U);
    cr_assert_eq(f->core->registry.visible_count, 0U);
    fixture_wait(f, 100 * 1000 - GRACE);
    cr_assert_null(fixture_peer(f, "brief"), "at the end of its own, shorter ttl");
    cr_assert_not_null(fixture_peer(f, many(500)));
    fixture_wait(f, TTL - 100 * 1000 + 10);
    cr_assert_null(fixture_peer(f, many(500)));
    cr_assert_eq(f->core->registry.records_held, 0U);
}

Test(orphans, of_a_home_that_returns_amid_a_step_are_all_there)
{
    for (uint64_t version = 2; version <= 1000; version++)
        fixture_tell_set(f, &a, version, many(version), version);
    dies(&a);
    fixture_wait(f, GRACE);
    fixture_state(f, &a, MEMBER_ALIVE, fixture_now(f));
    cr_assert_eq(fixture_log(f, &a)->hidden_count, 0U);
    fixture_wait(f, 100);
    cr_assert_eq(f->core->registry.visible_count, 1000U);
    dies(&a);
    fixture_wait(f, GRACE + 10);
    cr_assert_eq(f->core->registry.visible_count, 0U, "and the next time all again");
}
