// SPDX-License-Identifier: Apache-2.0
/* test_log.c - the order of one log: ranges, early batches, resets, repairs, deletes and the floor
 */
#include "gossip/log.h"

#include <criterion/criterion.h>
#include <stdio.h>
#include <string.h>

#include "gossip/core.h"
#include "gossip/root.h"
#include "tests/gossip/records_fixture.h"

static struct fixture *f;
static struct fixture_home a;

static void begin(void)
{
    f = fixture_new();
    a = fixture_home(f, 1, 10);
    fixture_forget(f);
}

static void end(void)
{
    fixture_free(f);
}

TestSuite(log, .init = begin, .fini = end);

static struct log *log_a(void)
{
    return fixture_log(f, &a);
}

static uint64_t drops(enum gossip_drop reason)
{
    return f->core->stats.drops[reason];
}

/* --- Order ------------------------------------------------------------------------------------ */

Test(log, operations_apply_in_version_order)
{
    cr_assert_eq(fixture_tell_set(f, &a, 2, "q", 2), BATCH_EARLY);
    cr_assert(!fixture_sees(f, "q"), "what came before it is not here");
    cr_assert_eq(log_a()->applied, 0U);
    cr_assert_eq(fixture_tell_set(f, &a, 1, "p", 1), BATCH_APPLIED);
    cr_assert(fixture_sees(f, "p") && fixture_sees(f, "q"));
    cr_assert_eq(log_a()->applied, 2U);
    cr_assert_eq(log_a()->early_count, 0U);
    cr_assert_eq(f->core->registry.early_count, 0U);
}

/* p was set at 3 and at 5, then again at 10: only the last is left to be sent. A node that waited
 * for 3, 4 and 5 would wait for ever. */
Test(log, superseded_version_inside_a_pulled_range)
{
    struct fixture_batch batch = fixture_batch(&a, 0, 10);
    fixture_set(f, &batch, 1, "q", 1);
    fixture_set(f, &batch, 10, "p", 10);
    cr_assert_eq(fixture_deliver(f, &batch), BATCH_APPLIED);
    cr_assert_eq(log_a()->applied, 10U);
    cr_assert_eq(fixture_tell_set(f, &a, 11, "r", 11), BATCH_APPLIED);
    cr_assert(fixture_sees(f, "r"));
}

Test(log, overlapping_batch_applies_only_what_is_new)
{
    fixture_tell_set(f, &a, 1, "p", 1);
    struct fixture_batch batch = fixture_batch(&a, 0, 2);
    fixture_set(f, &batch, 1, "p", 1);
    fixture_set(f, &batch, 2, "q", 2);
    fixture_forget(f);
    cr_assert_eq(fixture_deliver(f, &batch), BATCH_APPLIED);
    cr_assert_eq(fixture_count(f, GOSSIP_EVENT_PEER_UP, "q"), 1U);
    cr_assert_eq(fixture_count(f, GOSSIP_EVENT_PEER_UPDATE, NULL), 0U);
}

Test(log, known_statements_are_not_verified)
{
    fixture_tell_set(f, &a, 1, "p", 1);
    uint64_t verified = f->core->stats.signatures_verified;
    cr_assert_eq(fixture_tell_set(f, &a, 1, "p", 1), BATCH_KNOWN);
    struct fixture_batch batch = fixture_batch(&a, 0, 2);
    fixture_set(f, &batch, 1, "p", 1);
    fixture_set(f, &batch, 2, "q", 2);
    cr_assert_eq(fixture_deliver(f, &batch), BATCH_APPLIED);
    cr_assert_eq(f->core->stats.signatures_verified, verified + 1);
}

Test(log, stale_batch_does_not_resurrect)
{
    fixture_tell_set(f, &a, 1, "p", 1);
    fixture_tell_delete(f, &a, 2, "p", 1);
    cr_assert_eq(fixture_tell_set(f, &a, 1, "p", 1), BATCH_KNOWN);
    cr_assert(!fixture_sees(f, "p"));
    struct fixture_batch batch = fixture_batch(&a, 0, 3);
    fixture_set(f, &batch, 1, "p", 1);
    fixture_set(f, &batch, 3, "q", 3);
    cr_assert_eq(fixture_deliver(f, &batch), BATCH_APPLIED);
    cr_assert(!fixture_sees(f, "p"));
}

/* --- What is not believed --------------------------------------------------------------------- */

Test(log, wrong_signature_stops_the_batch_there)
{
    struct fixture_batch batch = fixture_batch(&a, 0, 3);
    fixture_set(f, &batch, 1, "p", 1);
    size_t second = batch.len;
    fixture_set(f, &batch, 2, "q", 2);
    fixture_set(f, &batch, 3, "r", 3);
    batch.bytes[second + 10] ^= 1;
    cr_assert_eq(fixture_deliver(f, &batch), BATCH_BAD);
    cr_assert(fixture_sees(f, "p"));
    cr_assert(!fixture_sees(f, "q") && !fixture_sees(f, "r"));
    cr_assert_eq(log_a()->applied, 1U);
    cr_assert_eq(drops(DROP_BAD_SIGNATURE), 1U);
}

Test(log, statement_of_another_home_is_refused)
{
    struct fixture_home b = fixture_home(f, 2, 10);
    struct fixture_batch batch = fixture_batch(&a, 0, 1);
    struct record record = fixture_record(1, "p", 1);
    record.home = b.tag;
    fixture_put_record(f, &batch, record);
    cr_assert_eq(fixture_deliver(f, &batch), BATCH_BAD);
    cr_assert_eq(drops(DROP_MALFORMED), 1U);
    cr_assert(!fixture_sees(f, "p"));
}

Test(log, statement_of_another_life_is_refused)
{
    struct fixture_batch batch = fixture_batch(&a, 0, 1);
    struct record record = fixture_record(1, "p", 1);
    record.epoch = 9;
    fixture_put_record(f, &batch, record);
    cr_assert_eq(fixture_deliver(f, &batch), BATCH_BAD);
    cr_assert(!fixture_sees(f, "p"));
}

Test(log, statements_must_ascend_within_their_range)
{
    struct fixture_batch outside = fixture_batch(&a, 0, 1);
    fixture_set(f, &outside, 2, "p", 1);
    cr_assert_eq(fixture_deliver(f, &outside), BATCH_BAD);
    struct fixture_batch descending = fixture_batch(&a, 0, 3);
    fixture_set(f, &descending, 3, "p", 1);
    fixture_set(f, &descending, 2, "q", 1);
    cr_assert_eq(fixture_deliver(f, &descending), BATCH_BAD);
    struct fixture_batch backwards = fixture_batch(&a, 9, 8);
    cr_assert_eq(fixture_deliver(f, &backwards), BATCH_BAD);
}

/* v1 is signed by nobody. Believed, it would move the log past operations that are yet to come,
 * which would then be taken for known: a liar could silence a home with one packet. */
Test(log, range_is_believed_only_as_far_as_something_signed_reaches)
{
    struct fixture_batch lie = fixture_batch(&a, 0, 1000);
    cr_assert_eq(fixture_deliver(f, &lie), BATCH_KNOWN);
    cr_assert_eq(log_a()->applied, 0U);
    fixture_set(f, &lie, 1, "p", 1);
    cr_assert_eq(fixture_deliver(f, &lie), BATCH_APPLIED);
    cr_assert_eq(log_a()->applied, 1U);
    cr_assert_eq(fixture_head(f, &a, 5), HEAD_NEW);
    struct fixture_batch rest = fixture_batch(&a, 1, 1000);
    cr_assert_eq(fixture_deliver(f, &rest), BATCH_APPLIED);
    cr_assert_eq(log_a()->applied, 5U, "the HEAD is the home's own word");
    cr_assert_eq(log_a()->seen, 5U);
}

/* Signed with our key, for our life, and not by us: a copied disk. Our log is what we remember of
 * it. */
Test(log, own_log_takes_no_batches)
{
    struct fixture_home self = {
        .pair = f->core->config.identity, .tag = f->core->tag, .epoch = f->core->epoch};
    struct fixture_batch batch = fixture_batch(&self, 0, 1);
    fixture_set(f, &batch, 1, "p", 1);
    cr_assert_eq(fixture_deliver(f, &batch), BATCH_KNOWN);
    cr_assert_eq(fixture_show(f, &batch, true, true), BATCH_KNOWN);
    cr_assert_eq(f->core->registry.own->applied, 0U);
    cr_assert(!fixture_sees(f, "p"));
}

Test(log, equivocating_log_is_frozen)
{
    fixture_tell_set(f, &a, 1, "p", 1);
    log_a()->state = LOG_EQUIVOCATING;
    cr_assert_eq(fixture_tell_set(f, &a, 2, "q", 2), BATCH_KNOWN);
    cr_assert(!fixture_sees(f, "q"));
    cr_assert_eq(log_a()->applied, 1U);
}

/* --- Self-certifying peers -------------------------------------------------------------------- */

static void certify(struct record *record, const struct key_pair *peer, char text[80],
                    uint64_t version)
{
    uint8_t bytes[STATEMENT_MAX_BYTES];
    memcpy(text, "ed25519:", 8);
    for (size_t i = 0; i < KEY_PUBLIC_BYTES; i++)
        snprintf(text + 8 + 2 * i, 3, "%02x", (unsigned)peer->public.bytes[i]);
    record->peer.peer_id = span_of(text, 72);
    record->peer.is_signed = true;
    record->peer.peer_version = version;
    size_t len = statement_peer_bytes(&record->peer, bytes, sizeof bytes);
    cr_assert_gt(len, 0U);
    sign_make(peer, NULL, SIGN_PEER, bytes, len, record->peer.peer_signature);
}

static struct key_pair peer_pair(void)
{
    static const uint8_t seed[KEY_SEED_BYTES] = {77};
    struct key_pair pair;
    key_pair_from_seed(seed, &pair);
    return pair;
}

Test(log, self_certified_record_needs_its_holders_signature)
{
    char text[80];
    struct key_pair peer = peer_pair();
    struct record record = fixture_record(1, "p", 1);
    certify(&record, &peer, text, 1);
    struct fixture_batch good = fixture_batch(&a, 0, 1);
    fixture_put_record(f, &good, record);
    record.version = 2;
    record.peer.port++;
    struct fixture_batch forged = fixture_batch(&a, 1, 2);
    fixture_put_record(f, &forged, record);
    cr_assert_eq(fixture_deliver(f, &good), BATCH_APPLIED);
    cr_assert(fixture_sees(f, text));
    cr_assert_eq(fixture_deliver(f, &forged), BATCH_BAD, "its home signed it, the peer did not");
    cr_assert_eq(log_a()->applied, 1U);
}

Test(log, what_a_store_knows_of_the_home_says_nothing_of_the_peer)
{
    char text[80];
    struct key_pair peer = peer_pair();
    struct record record = fixture_record(1, "p", 1);
    certify(&record, &peer, text, 1);
    struct fixture_batch good = fixture_batch(&a, 0, 1);
    fixture_put_record(f, &good, record);
    record.peer.port++;
    struct fixture_batch forged = fixture_batch(&a, 0, 1);
    fixture_put_record(f, &forged, record);
    f->core->config.store = blob_store_new();
    for (int i = 0; i < 2; i++)
        cr_assert_eq(fixture_deliver(f, &forged), BATCH_BAD, "the home's signature is known now");
    cr_assert_eq(fixture_deliver(f, &good), BATCH_APPLIED);
    blob_store_free(f->core->config.store);
    f->core->config.store = NULL;
}

/* Some operations of a peer with a peer_version and some without could win in a circle. */
Test(log, peer_version_is_for_keys_and_for_all_operations_on_them)
{
    char text[80];
    struct key_pair peer = peer_pair();
    struct record record = fixture_record(1, "p", 1);
    certify(&record, &peer, text, 1);
    struct deletion unsigned_one = fixture_deletion(1, text, 1);
    struct fixture_batch batch = fixture_batch(&a, 0, 1);
    fixture_put_deletion(f, &batch, unsigned_one);
    cr_assert_eq(fixture_deliver(f, &batch), BATCH_BAD);
    struct deletion signed_one = fixture_deletion(1, "p", 1);
    signed_one.is_signed = true;
    signed_one.peer_version = 3;
    batch = fixture_batch(&a, 0, 1);
    fixture_put_deletion(f, &batch, signed_one);
    cr_assert_eq(fixture_deliver(f, &batch), BATCH_BAD);
}

/* --- Early batches ---------------------------------------------------------------------------- */

Test(log, early_batches_are_bounded_per_log)
{
    for (uint64_t i = 0; i < EARLY_BATCHES_MAX; i++)
        cr_assert_eq(fixture_tell_set(f, &a, 2 + i, "p", 2 + i), BATCH_EARLY);
    uint64_t verified = f->core->stats.signatures_verified;
    cr_assert_eq(fixture_tell_set(f, &a, 2 + EARLY_BATCHES_MAX, "p", 100), BATCH_FULL);
    cr_assert_eq(f->core->stats.signatures_verified, verified, "what is dropped is not worth it");
    cr_assert_eq(fixture_tell_set(f, &a, 1, "p", 1), BATCH_APPLIED);
    cr_assert_eq(log_a()->applied, EARLY_BATCHES_MAX + 1U);
    cr_assert_eq(f->core->registry.early_count, 0U);
}

Test(log, early_batches_are_bounded_in_total)
{
    fixture_tell_set(f, &a, 2, "p", 2);
    f->core->registry.early_count += EARLY_BATCHES_TOTAL_MAX - 1;
    cr_assert_eq(fixture_tell_set(f, &a, 3, "p", 3), BATCH_FULL);
    f->core->registry.early_count -= EARLY_BATCHES_TOTAL_MAX - 1;
    cr_assert_eq(fixture_tell_set(f, &a, 3, "p", 3), BATCH_EARLY);
}

Test(log, early_batch_is_kept_once)
{
    fixture_tell_set(f, &a, 2, "p", 2);
    cr_assert_eq(fixture_tell_set(f, &a, 2, "p", 2), BATCH_KNOWN);
    cr_assert_eq(log_a()->early_count, 1U);
}

Test(log, early_batch_is_verified_when_it_comes)
{
    struct fixture_batch batch = fixture_batch(&a, 1, 2);
    fixture_set(f, &batch, 2, "p", 2);
    batch.bytes[10] ^= 1;
    cr_assert_eq(fixture_deliver(f, &batch), BATCH_BAD);
    cr_assert_eq(log_a()->early_count, 0U);
    cr_assert_eq(log_a()->seen, 0U, "nobody showed us anything that is true");
}

Test(log, gap_makes_a_log_behind_and_filling_it_ends_that)
{
    fixture_tell_set(f, &a, 3, "p", 3);
    cr_assert_eq(log_a()->seen, 3U);
    head_check(f->core, log_a());
    cr_assert_neq(log_a()->behind_since_ms, 0U);
    struct fixture_batch gap = fixture_batch(&a, 0, 2);
    fixture_set(f, &gap, 2, "q", 2);
    fixture_deliver(f, &gap);
    cr_assert_eq(log_a()->applied, 3U);
    cr_assert_eq(log_a()->behind_since_ms, 0U);
}

/* --- Resets ----------------------------------------------------------------------------------- */

Test(log, reset_sweeps_what_it_did_not_show)
{
    fixture_tell_set(f, &a, 1, "old", 1);
    fixture_tell_set(f, &a, 2, "kept", 2);
    fixture_forget(f);
    struct fixture_batch page = fixture_batch(&a, 0, 9);
    page.floor = 8; /* the delete of "old" was there, and is forgotten */
    fixture_set(f, &page, 2, "kept", 2);
    fixture_set(f, &page, 9, "new", 9);
    cr_assert_eq(fixture_show(f, &page, true, true), BATCH_APPLIED);
    cr_assert(!fixture_sees(f, "old") && fixture_sees(f, "kept") && fixture_sees(f, "new"));
    cr_assert_eq(fixture_last(f, GOSSIP_EVENT_PEER_DOWN)->peer.reason, PEER_DOWN_SWEPT);
    cr_assert_eq(fixture_count(f, GOSSIP_EVENT_PEER_UPDATE, NULL), 0U,
                 "the same bytes are no news");
    cr_assert_eq(log_a()->applied, 9U);
    cr_assert_eq(log_a()->floor, 8U, "who pulls from us lacks the same deletes");
}

Test(log, reset_moves_applied_only_at_its_end)
{
    fixture_tell_set(f, &a, 1, "old", 1);
    struct fixture_batch first = fixture_batch(&a, 0, 5);
    first.applied = 9;
    fixture_set(f, &first, 5, "p", 5);
    cr_assert_eq(fixture_show(f, &first, true, false), BATCH_APPLIED);
    cr_assert_eq(log_a()->applied, 1U);
    cr_assert(fixture_sees(f, "old"), "a later page may still show it");
    struct fixture_batch second = fixture_batch(&a, 5, 9);
    fixture_set(f, &second, 9, "q", 9);
    fixture_show(f, &second, false, true);
    cr_assert_eq(log_a()->applied, 9U);
    cr_assert(!fixture_sees(f, "old"));
}

/* A pull at version 9 shows p as it was; since then p was deleted at 10, which came by the tree and
 * was applied. */
Test(log, reset_never_overrides_something_newer)
{
    struct fixture_batch all = fixture_batch(&a, 0, 9);
    fixture_set(f, &all, 4, "p", 4);
    fixture_set(f, &all, 9, "q", 9);
    fixture_deliver(f, &all);
    struct fixture_batch page = all;
    page.applied = 10; /* its sender knew, but the page was read before */
    fixture_tell_delete(f, &a, 10, "p", 4);
    fixture_tell_set(f, &a, 11, "q", 11);
    page.applied = 11;
    fixture_show(f, &page, true, true);
    cr_assert(!fixture_sees(f, "p"));
    cr_assert_eq(fixture_version(f, "q"), 11U);
    cr_assert_eq(log_a()->applied, 11U);
}

/* The other way round: a page shows p as it is at 50, before the log itself has come to p's earlier
 * record. */
Test(log, what_a_reset_showed_is_not_overridden_by_something_older)
{
    fixture_tell_set(f, &a, 1, "q", 1);
    struct fixture_batch page = fixture_batch(&a, 0, 50);
    page.applied = 60;
    fixture_set(f, &page, 50, "p", 50);
    fixture_show(f, &page, true, false);
    struct fixture_batch batch = fixture_batch(&a, 1, 20);
    fixture_set(f, &batch, 20, "p", 20);
    cr_assert_eq(fixture_deliver(f, &batch), BATCH_APPLIED);
    cr_assert_eq(log_a()->applied, 20U);
    cr_assert_eq(fixture_version(f, "p"), 50U);
}

/* We are at 20 and have forgotten the delete of p; a sender that is still at 15 shows p. */
Test(log, reset_from_a_sender_that_knows_less_is_ignored)
{
    struct fixture_batch all = fixture_batch(&a, 0, 20);
    fixture_set(f, &all, 14, "q", 14);
    fixture_set(f, &all, 20, "r", 20);
    fixture_deliver(f, &all);
    struct fixture_batch page = fixture_batch(&a, 0, 15);
    fixture_set(f, &page, 3, "p", 3);
    cr_assert_eq(fixture_show(f, &page, true, true), BATCH_KNOWN);
    cr_assert(!fixture_sees(f, "p"), "it is over, and only we know");
    cr_assert(fixture_sees(f, "q") && fixture_sees(f, "r"), "nothing is swept on its word");
    cr_assert_eq(log_a()->applied, 20U);
}

/* The delete arrives by the tree while the reset that shows the record is still under way. */
Test(log, delete_racing_a_sweep)
{
    fixture_tell_set(f, &a, 1, "old", 1);
    struct fixture_batch first = fixture_batch(&a, 0, 50);
    first.applied = 100;
    first.floor = 60;
    fixture_set(f, &first, 50, "p", 50);
    fixture_show(f, &first, true, false);
    cr_assert_eq(fixture_tell_delete(f, &a, 101, "p", 50), BATCH_EARLY);
    cr_assert(fixture_sees(f, "p"), "the log has not come so far");
    struct fixture_batch last = fixture_batch(&a, 50, 100);
    last.floor = 60;
    fixture_set(f, &last, 100, "q", 100);
    fixture_show(f, &last, false, true);
    cr_assert(!fixture_sees(f, "p"), "the delete waited for the end of the reset");
    cr_assert_eq(log_a()->applied, 101U);
    fixture_show(f, &first, false, false);
    cr_assert(!fixture_sees(f, "p"), "a repeated page does not bring it back");
}

/* The sender has forgotten the delete of p; that does not make it untrue, and others may still show
 * p to us. */
Test(log, deletes_are_not_swept)
{
    fixture_tell_delete(f, &a, 1, "p", 1);
    struct fixture_batch page = fixture_batch(&a, 0, 9);
    page.floor = 5;
    fixture_set(f, &page, 9, "q", 9);
    fixture_show(f, &page, true, true);
    cr_assert_eq(log_a()->applied, 9U);
    cr_assert_not_null(fixture_peer(f, "p"));
    cr_assert(fixture_peer(f, "p")->winner->is_delete);
}

Test(log, sweep_spares_what_is_above_the_version_reached)
{
    struct fixture_batch all = fixture_batch(&a, 0, 30);
    fixture_set(f, &all, 5, "p", 5);
    fixture_set(f, &all, 30, "q", 30);
    fixture_deliver(f, &all);
    struct fixture_batch page = fixture_batch(&a, 0, 20);
    page.applied = 30;
    fixture_set(f, &page, 5, "p", 5);
    fixture_show(f, &page, true, true);
    cr_assert(fixture_sees(f, "p") && fixture_sees(f, "q"));
}

Test(log, reset_compares_before_it_verifies)
{
    struct fixture_batch all = fixture_batch(&a, 0, 2);
    fixture_set(f, &all, 1, "p", 1);
    fixture_set(f, &all, 2, "q", 2);
    fixture_deliver(f, &all);
    uint64_t verified = f->core->stats.signatures_verified;
    fixture_show(f, &all, true, true);
    cr_assert_eq(f->core->stats.signatures_verified, verified);
}

Test(log, reset_page_with_a_bad_statement_ends_nothing)
{
    fixture_tell_set(f, &a, 1, "old", 1);
    struct fixture_batch page = fixture_batch(&a, 0, 9);
    fixture_set(f, &page, 9, "p", 9);
    page.bytes[10] ^= 1;
    cr_assert_eq(fixture_show(f, &page, true, true), BATCH_BAD);
    cr_assert(fixture_sees(f, "old"));
    cr_assert_eq(log_a()->applied, 1U);
}

/* We hold p at 1 and missed its delete at 5, which the sender has forgotten: what it sends from 1
 * on says nothing about p. Applied as it is, p would stay for ever. */
Test(log, whoever_is_below_the_floor_must_reset)
{
    fixture_tell_set(f, &a, 1, "p", 1);
    struct fixture_batch batch = fixture_batch(&a, 1, 9);
    batch.floor = 5;
    fixture_set(f, &batch, 9, "q", 9);
    cr_assert_eq(fixture_deliver(f, &batch), BATCH_EARLY);
    cr_assert_eq(log_a()->applied, 1U);
    cr_assert_eq(log_a()->early_count, 0U);
    batch.v0 = 3;
    cr_assert_eq(fixture_deliver(f, &batch), BATCH_EARLY);
    cr_assert_eq(log_a()->early_count, 0U, "when its turn came it would be no better");
}

Test(log, empty_log_takes_over_the_senders_floor)
{
    struct fixture_batch batch = fixture_batch(&a, 0, 9);
    batch.floor = 5;
    fixture_set(f, &batch, 9, "q", 9);
    cr_assert_eq(fixture_deliver(f, &batch), BATCH_APPLIED);
    cr_assert_eq(log_a()->floor, 5U);
}

/* --- Repairs ---------------------------------------------------------------------------------- */

static enum batch_verdict repair(uint64_t version, const char *peer_id, uint64_t seq, uint64_t at)
{
    struct fixture_batch batch = fixture_batch(&a, 0, version);
    struct wire_list list;
    struct span statement;
    fixture_set(f, &batch, version, peer_id, seq);
    list = (struct wire_list){span_of(batch.bytes, batch.len), 1};
    cr_assert(wire_list_bin(&list, &statement));
    return log_on_repair(f->core, log_a(), statement, at);
}

Test(log, repair_brings_back_what_was_lost)
{
    struct fixture_batch all = fixture_batch(&a, 0, 9);
    fixture_set(f, &all, 9, "q", 9); /* "p" at 4 was withheld */
    fixture_deliver(f, &all);
    cr_assert_eq(repair(4, "p", 4, 9), BATCH_APPLIED);
    cr_assert(fixture_sees(f, "p"));
    cr_assert_eq(log_a()->applied, 9U);
    cr_assert_eq(repair(4, "p", 4, 9), BATCH_KNOWN);
}

Test(log, repair_never_overrides_something_newer)
{
    struct fixture_batch all = fixture_batch(&a, 0, 9);
    fixture_delete(f, &all, 9, "p", 4);
    fixture_deliver(f, &all);
    cr_assert_eq(repair(4, "p", 4, 9), BATCH_KNOWN);
    cr_assert(!fixture_sees(f, "p"));
    cr_assert_eq(repair(3, "r", 3, 8), BATCH_KNOWN,
                 "somebody at 8 tells us, who are at 9, nothing");
    cr_assert(!fixture_sees(f, "r"));
    cr_assert_eq(repair(11, "r", 11, 9), BATCH_BAD);
}

Test(log, repair_takes_the_other_of_two_operations_of_one_version)
{
    fixture_tell_set(f, &a, 1, "p", 1);
    cr_assert_eq(repair(1, "p", 2, 1), BATCH_APPLIED);
    cr_assert_eq(entry_order(fixture_peer(f, "p")->winner).seq, 2U);
    cr_assert_eq(log_a()->held_count, 1U);
}

/* --- Deletes and the floor -------------------------------------------------------------------- */

Test(log, delete_is_remembered_for_its_least_time_and_then_the_floor_rises)
{
    struct fixture_batch batch = fixture_batch(&a, 0, 3);
    fixture_set(f, &batch, 1, "q", 1);
    fixture_delete(f, &batch, 3, "p", 2);
    fixture_deliver(f, &batch);
    fixture_wait(f, DELETE_KEEP_MIN_MS - 1);
    log_forget_deletes(f->core, log_a());
    cr_assert_eq(log_a()->floor, 0U);
    cr_assert_not_null(fixture_peer(f, "p"));
    fixture_wait(f, 1);
    log_forget_deletes(f->core, log_a());
    cr_assert_eq(log_a()->floor, 3U);
    cr_assert_null(fixture_peer(f, "p"));
    cr_assert(fixture_sees(f, "q"));
    cr_assert_eq(f->core->registry.deletes_held, 0U);
}

Test(log, delete_is_remembered_for_the_ttl_that_it_ends)
{
    struct deletion deletion = fixture_deletion(1, "p", 1);
    deletion.ttl_s = 3600;
    struct fixture_batch batch = fixture_batch(&a, 0, 1);
    fixture_put_deletion(f, &batch, deletion);
    fixture_deliver(f, &batch);
    fixture_wait(f, 3600 * 1000 - 1);
    log_forget_deletes(f->core, log_a());
    cr_assert_not_null(fixture_peer(f, "p"));
    fixture_wait(f, 1);
    log_forget_deletes(f->core, log_a());
    cr_assert_null(fixture_peer(f, "p"));
}

Test(log, old_deletes_go_by_themselves)
{
    fixture_tell_delete(f, &a, 1, "p", 1);
    fixture_wait(f, DELETE_KEEP_MIN_MS + DELETE_KEEP_MIN_MS / 4);
    cr_assert_null(fixture_peer(f, "p"));
    cr_assert_eq(log_a()->floor, 1U);
    cr_assert(!timer_is_set(&f->core->registry.floor_timer), "nothing is left to look for");
}

/* b's delete (seq 5) hides a's record (seq 1). a is slow to give it up; were the delete forgotten,
 * p would be back. */
Test(log, delete_is_remembered_while_it_hides_a_record)
{
    struct fixture_home b = fixture_home(f, 2, 10);
    fixture_tell_set(f, &a, 1, "p", 1);
    fixture_tell_delete(f, &b, 1, "p", 5);
    fixture_state(f, &a, MEMBER_SUSPECT, fixture_now(f));
    fixture_wait(f, 10 * DELETE_KEEP_MIN_MS);
    cr_assert(!fixture_sees(f, "p"));
    cr_assert_eq(fixture_log(f, &b)->floor, 0U);
    fixture_tell_delete(f, &a, 2, "p", 1);
    fixture_wait(f, 2 * DELETE_KEEP_MIN_MS);
    cr_assert_null(fixture_peer(f, "p"));
    cr_assert_eq(fixture_log(f, &b)->floor, 1U);
}

/* A home that knew of the delete would have ended its record. One that does not, and vouches for it
 * after the delete's time, has a live client: nodes that have forgotten the delete show the peer,
 * and those that remember it must not hide it for ever. */
Test(log, delete_beyond_its_time_yields_to_a_record_that_its_home_vouches_for)
{
    struct fixture_home b = fixture_home(f, 2, 10);
    fixture_tell_set(f, &a, 1, "p", 1);
    fixture_tell_delete(f, &b, 1, "p", 5);
    fixture_wait(f, DELETE_KEEP_MIN_MS - 1000);
    cr_assert(!fixture_sees(f, "p"));
    fixture_wait(f, DELETE_KEEP_MIN_MS);
    cr_assert(fixture_sees(f, "p"));
    cr_assert_eq(fixture_log(f, &b)->floor, 1U);
}

/* Its home died, and told it to some only: the others drop what it ended when its ttl has run. */
Test(log, delete_of_a_dead_home_yields_when_what_it_ended_is_dropped_elsewhere)
{
    struct fixture_home b = fixture_home(f, 2, 10);
    const uint64_t ttl_ms = FIXTURE_TTL_S * 1000ull;
    cr_assert_leq(2 * ttl_ms, DELETE_KEEP_MIN_MS);
    fixture_tell_set(f, &a, 1, "p", 1);
    fixture_tell_delete(f, &b, 1, "p", 5);
    fixture_state(f, &b, MEMBER_DEAD, fixture_now(f));
    fixture_wait(f, ttl_ms - 1);
    cr_assert(!fixture_sees(f, "p"));
    fixture_wait(f, DELETE_KEEP_MIN_MS / 4);
    cr_assert(fixture_sees(f, "p"));
}

/* The same where what it hides is nobody's any more, either. */
Test(log, delete_of_a_dead_home_hides_what_another_dead_home_left)
{
    struct fixture_home b = fixture_home(f, 2, 10);
    fixture_tell_set(f, &a, 1, "p", 1);
    fixture_tell_delete(f, &b, 1, "p", 5);
    fixture_state(f, &b, MEMBER_DEAD, fixture_now(f));
    fixture_state(f, &a, MEMBER_SUSPECT, fixture_now(f));
    fixture_wait(f, DELETE_KEEP_MIN_MS - 1);
    cr_assert(!fixture_sees(f, "p"));
}

/* During a reset a delete above `applied` is held; forgetting it would raise the floor above what
 * is applied. */
Test(log, floor_never_rises_above_what_is_applied)
{
    struct fixture_batch page = fixture_batch(&a, 0, 5);
    page.applied = 9;
    fixture_delete(f, &page, 5, "p", 1);
    fixture_show(f, &page, true, false);
    fixture_wait(f, 2 * DELETE_KEEP_MIN_MS);
    cr_assert_eq(log_a()->floor, 0U);
    cr_assert_not_null(fixture_peer(f, "p"));
}

/* --- Reading ---------------------------------------------------------------------------------- */

/* Squares leave holes of all sizes between the versions that are not superseded. */
static void fill(uint64_t from, uint64_t to)
{
    char peer_id[32];
    for (uint64_t version = from; version <= to; version++) {
        snprintf(peer_id, sizeof peer_id, "peer-%llu",
                 (unsigned long long)(version * version % 500));
        fixture_tell_set(f, &a, version, peer_id, version);
    }
}

/* Reads all of the log in pages of `capacity` into another node, which must end up with the same.
 */
Test(log, ranges_read_in_pages_make_the_same_log)
{
    fill(1, 400);
    struct fixture *other = fixture_new();
    fixture_home(other, 1, 10);
    struct log *copy = registry_log_make(other->core, a.tag, 10);
    uint64_t after = 0;
    bool is_last = false;
    while (!is_last) {
        uint8_t bytes[1000];
        struct wire_writer list = {bytes, 0, sizeof bytes, false};
        uint32_t count;
        uint64_t through = log_read_range(log_a(), after, &list, &count, &is_last);
        cr_assert(count > 0 && through > after && !list.overflowed);
        struct wire_batch batch = {.home = a.tag,
                                   .epoch = 10,
                                   .v0 = after,
                                   .v1 = through,
                                   .applied = 400,
                                   .statements = wire_list_of(&list, count)};
        cr_assert_eq(log_on_batch(other->core, copy, &batch), BATCH_APPLIED);
        cr_assert_eq(copy->applied, through, "each page ends at something signed");
        after = through;
    }
    struct hash ours, theirs;
    root_compute(log_a(), &ours);
    root_compute(copy, &theirs);
    cr_assert_eq(copy->held_count, log_a()->held_count);
    cr_assert_eq(memcmp(&ours, &theirs, sizeof ours), 0);
    fixture_free(other);
}

Test(log, read_range_shows_nothing_above_applied)
{
    fixture_tell_set(f, &a, 1, "p", 1);
    struct fixture_batch page = fixture_batch(&a, 0, 5);
    page.applied = 9;
    fixture_set(f, &page, 5, "q", 5);
    fixture_show(f, &page, true, false);
    uint8_t bytes[1000];
    struct wire_writer list = {bytes, 0, sizeof bytes, false};
    uint32_t count;
    bool is_last;
    cr_assert_eq(log_read_range(log_a(), 0, &list, &count, &is_last), 1U);
    cr_assert(count == 1 && is_last);
}

/* The last operations were deletes that are forgotten: the range still reaches as far as the log.
 */
Test(log, last_range_reaches_applied)
{
    fixture_tell_set(f, &a, 1, "p", 1);
    fixture_tell_delete(f, &a, 2, "q", 1);
    fixture_wait(f, 2 * DELETE_KEEP_MIN_MS);
    uint8_t bytes[1000];
    struct wire_writer list = {bytes, 0, sizeof bytes, false};
    uint32_t count;
    bool is_last;
    cr_assert_eq(log_read_range(log_a(), 0, &list, &count, &is_last), 2U);
    cr_assert(count == 1 && is_last);
}

Test(log, holes_are_compacted)
{
    for (uint64_t version = 1; version <= 5000; version++)
        fixture_tell_set(f, &a, version, version % 2 == 0 ? "p" : "q", version);
    cr_assert_eq(log_a()->held_count, 2U);
    cr_assert_leq(log_a()->slot_capacity, 128U);
}

Test(log, a_log_that_was_long_gives_its_memory_back)
{
    char peer_id[32];
    for (uint64_t version = 1; version <= 2000; version++) {
        uint64_t number = (version - 1) % 1000;
        snprintf(peer_id, sizeof peer_id, "long-%llu", (unsigned long long)number);
        if (version <= 1000)
            fixture_tell_set(f, &a, version, peer_id, number + 1);
        else
            fixture_tell_delete(f, &a, version, peer_id, number + 1);
    }
    cr_assert_eq(log_a()->held_count, 1000U);
    cr_assert_geq(log_a()->slot_capacity, 1000U);
    fixture_wait(f, DELETE_KEEP_MIN_MS + DELETE_KEEP_MIN_MS / 4);
    cr_assert_eq(log_a()->held_count, 0U);
    cr_assert_leq(log_a()->slot_capacity, 128U);
}

/* --- Any order, any number of times (I15) ----------------------------------------------------- */

#define HOMES   3
#define BATCHES 40 /* of each home; fewer than EARLY_BATCHES_MAX, so that none is dropped */
#define PEERS   12

struct world {
    struct fixture_batch batches[HOMES * BATCHES];
    size_t count;
    struct fixture_home homes[HOMES];
};

static void write_operations(struct world *world, struct prng *prng, size_t home)
{
    char peer_id[16];
    uint64_t version = 0;
    for (size_t i = 0; i < BATCHES; i++) {
        uint64_t v0 = version;
        uint32_t operations = 1 + prng_below(prng, 3);
        struct fixture_batch *batch = &world->batches[world->count++];
        *batch = fixture_batch(&world->homes[home], v0, v0 + operations);
        for (uint32_t k = 0; k < operations; k++) {
            /* A peer is written to once in a batch: an earlier one would be superseded in it. */
            snprintf(peer_id, sizeof peer_id, "p%u", prng_below(prng, PEERS / 3) * 3 + k);
            uint64_t seq = prng_below(prng, 20);
            version++;
            if (prng_below(prng, 3) == 0)
                fixture_delete(f, batch, version, peer_id, seq);
            else
                fixture_set(f, batch, version, peer_id, seq);
        }
    }
}

static void shuffle(struct prng *prng, size_t *order, size_t count)
{
    for (size_t i = count; i > 1; i--) {
        size_t k = prng_below(prng, (uint32_t)i);
        size_t swap = order[i - 1];
        order[i - 1] = order[k];
        order[k] = swap;
    }
}

static struct fixture *node_of(const struct world *world)
{
    struct fixture *node = fixture_new();
    for (size_t i = 0; i < HOMES; i++)
        fixture_home(node, (uint8_t)(i + 1), 10);
    (void)world;
    return node;
}

static void expect_same_logs(const struct world *world, struct fixture *one, struct fixture *other)
{
    for (size_t home = 0; home < HOMES; home++) {
        struct log *left = fixture_log(one, &world->homes[home]);
        struct log *right = fixture_log(other, &world->homes[home]);
        cr_assert_eq(left->applied, right->applied);
        cr_assert_eq(left->held_count, right->held_count);
        cr_assert_eq(left->live_count, right->live_count);
        struct hash root, other_root;
        root_compute(left, &root);
        root_compute(right, &other_root);
        cr_assert_eq(memcmp(&root, &other_root, sizeof root), 0);
    }
}

static void expect_same_view(struct fixture *one, struct fixture *other)
{
    char peer_id[16];
    for (unsigned i = 0; i < PEERS; i++) {
        snprintf(peer_id, sizeof peer_id, "p%u", i);
        cr_assert_eq(fixture_sees(one, peer_id), fixture_sees(other, peer_id), "%s", peer_id);
        cr_assert_eq(fixture_winner(one, peer_id), fixture_winner(other, peer_id), "%s", peer_id);
        cr_assert_eq(fixture_version(one, peer_id), fixture_version(other, peer_id));
    }
    cr_assert_eq(one->core->registry.visible_count, other->core->registry.visible_count);
    cr_assert_eq(one->core->registry.view_digest[0], other->core->registry.view_digest[0]);
    cr_assert_eq(one->core->registry.view_digest[1], other->core->registry.view_digest[1]);
}

Test(log, any_order_and_duplication_gives_the_same_logs_and_view)
{
    static struct world world;
    for (uint8_t seed = 1; seed <= 20; seed++) {
        struct prng prng;
        uint8_t bytes[32] = {seed};
        size_t order[2 * HOMES * BATCHES];
        printf("seed %u\n", seed);
        prng_seed(&prng, bytes);
        world.count = 0;
        struct fixture *straight = node_of(&world), *shuffled = node_of(&world);
        for (size_t home = 0; home < HOMES; home++) {
            world.homes[home] = home == 0 ? a : fixture_home(f, (uint8_t)(home + 1), 10 + seed);
            world.homes[home].epoch = 10;
            write_operations(&world, &prng, home);
        }
        for (size_t i = 0; i < world.count; i++) {
            fixture_deliver(straight, &world.batches[i]);
            order[2 * i] = order[2 * i + 1] = i;
        }
        shuffle(&prng, order, 2 * world.count);
        for (size_t i = 0; i < 2 * world.count; i++)
            cr_assert_neq(fixture_deliver(shuffled, &world.batches[order[i]]), BATCH_BAD);
        expect_same_logs(&world, straight, shuffled);
        expect_same_view(straight, shuffled);
        fixture_free(straight);
        fixture_free(shuffled);
    }
}
