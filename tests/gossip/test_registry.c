// SPDX-License-Identifier: Apache-2.0
/* test_registry.c - which operation wins, what the host is told, and the table of logs */
#include "gossip/registry.h"

#include <criterion/criterion.h>
#include <stdio.h>
#include <string.h>

#include "gossip/core.h"
#include "tests/gossip/records_fixture.h"

static struct fixture *f;
static struct fixture_home low, high; /* by tag */

static void begin(void)
{
    f = fixture_new();
    struct fixture_home a = fixture_home(f, 1, 10), b = fixture_home(f, 2, 10);
    low = a.tag < b.tag ? a : b;
    high = a.tag < b.tag ? b : a;
    fixture_forget(f);
}

static void end(void)
{
    fixture_free(f);
}

TestSuite(registry, .init = begin, .fini = end);

static size_t ups(const char *peer_id)
{
    return fixture_count(f, GOSSIP_EVENT_PEER_UP, peer_id);
}

static size_t updates(const char *peer_id)
{
    return fixture_count(f, GOSSIP_EVENT_PEER_UPDATE, peer_id);
}

static size_t downs(const char *peer_id)
{
    return fixture_count(f, GOSSIP_EVENT_PEER_DOWN, peer_id);
}

/* --- Order ------------------------------------------------------------------------------------ */

Test(registry, higher_seq_hides_lower_ones_in_whatever_log)
{
    fixture_tell_set(f, &high, 1, "p", 5);
    fixture_tell_set(f, &low, 1, "p", 6);
    cr_assert_eq(fixture_winner(f, "p"), low.tag);
    fixture_tell_set(f, &high, 2, "p", 5);
    cr_assert_eq(fixture_winner(f, "p"), low.tag,
                 "a later version is no later act of the client's");
}

Test(registry, seq_ties_go_to_the_higher_home_id)
{
    fixture_tell_set(f, &high, 1, "p", 5);
    fixture_tell_set(f, &low, 1, "p", 5);
    cr_assert_eq(fixture_winner(f, "p"), high.tag);
    fixture_tell_set(f, &low, 2, "q", 5);
    fixture_tell_set(f, &high, 2, "q", 5);
    cr_assert_eq(fixture_winner(f, "q"), high.tag, "in either order");
}

Test(registry, delete_ends_the_record_that_carries_its_seq)
{
    fixture_tell_set(f, &low, 1, "p", 5);
    fixture_tell_delete(f, &low, 2, "p", 5);
    cr_assert(!fixture_sees(f, "p"));
    cr_assert_eq(downs("p"), 1U);
    cr_assert_eq(fixture_last(f, GOSSIP_EVENT_PEER_DOWN)->peer.reason, PEER_DOWN_DEREGISTERED);
}

/* The first home deletes its copy as moved; the adopter's record has the higher seq. */
Test(registry, delete_of_the_former_home_does_not_end_the_adopters_record)
{
    fixture_tell_set(f, &high, 1, "p", 5);
    fixture_tell_set(f, &low, 1, "p", 6);
    fixture_forget(f);
    fixture_tell_delete(f, &high, 2, "p", 5);
    cr_assert(fixture_sees(f, "p"));
    cr_assert_eq(downs(NULL) + updates(NULL), 0U);
}

Test(registry, delete_may_come_before_the_record_that_it_ends)
{
    fixture_tell_delete(f, &low, 1, "p", 9);
    fixture_tell_set(f, &high, 1, "p", 5);
    cr_assert(!fixture_sees(f, "p"));
    cr_assert_eq(ups(NULL), 0U);
}

/* A re-issue keeps the seq, so that it wins over no act of the client's; by its epoch it wins over
 * what its own home's last life said. */
Test(registry, stale_delete_does_not_kill_the_reissue)
{
    struct fixture_home before = low;
    fixture_tell_set(f, &before, 1, "p", 5);
    fixture_restart(f, &low, 11);
    fixture_tell_set(f, &low, 1, "p", 5);
    fixture_tell_delete(f, &before, 2, "p", 5);
    cr_assert(fixture_sees(f, "p"));
    cr_assert_eq(fixture_peer(f, "p")->winner->log->epoch, 11U);
}

Test(registry, seq_that_is_known_is_the_highest_of_all_logs)
{
    fixture_tell_set(f, &low, 1, "p", 5);
    fixture_tell_delete(f, &high, 1, "p", 8);
    cr_assert_eq(registry_seq(fixture_peer(f, "p")), 8U);
}

static void tell_certified(const struct fixture_home *home, uint64_t version, uint64_t seq,
                           uint64_t peer_version, char text[80])
{
    static const uint8_t seed[KEY_SEED_BYTES] = {77};
    struct key_pair peer;
    uint8_t bytes[STATEMENT_MAX_BYTES];
    key_pair_from_seed(seed, &peer);
    memcpy(text, "ed25519:", 8);
    for (size_t i = 0; i < KEY_PUBLIC_BYTES; i++)
        snprintf(text + 8 + 2 * i, 3, "%02x", (unsigned)peer.public.bytes[i]);
    struct record record = fixture_record(version, text, seq);
    record.peer.is_signed = true;
    record.peer.peer_version = peer_version;
    size_t len = statement_peer_bytes(&record.peer, bytes, sizeof bytes);
    sign_make(&peer, NULL, SIGN_PEER, bytes, len, record.peer.peer_signature);
    struct fixture_batch batch = fixture_batch(home, version - 1, version);
    fixture_put_record(f, &batch, record);
    cr_assert_eq(fixture_deliver(f, &batch), BATCH_APPLIED);
}

/* Whoever registers an old description again, with any seq, does not override the holder's newer
 * one. */
Test(registry, self_certified_version_wins_before_seq)
{
    char text[80];
    tell_certified(&low, 1, 5, 2, text);
    tell_certified(&high, 1, 500, 1, text);
    cr_assert_eq(fixture_winner(f, text), low.tag);
    tell_certified(&high, 2, 501, 2, text);
    cr_assert_eq(fixture_winner(f, text), high.tag, "the same description: then by seq");
}

/* Every operation that can be made of few values, in pairs and triples: one order, total and
 * without circles. */
Test(registry, order_is_total)
{
    struct log logs[4] = {{.home = 1, .epoch = 1},
                          {.home = 1, .epoch = 2},
                          {.home = 2, .epoch = 1},
                          {.home = 2, .epoch = 2}};
    struct entry all[64];
    struct key_pair home;
    key_pair_from_seed((uint8_t[KEY_SEED_BYTES]){1}, &home);
    size_t count = 0;
    for (size_t log = 0; log < 4; log++)
        for (uint64_t bits = 0; bits < 8; bits++) {
            struct deletion deletion = {.home = 1,
                                        .epoch = 1,
                                        .version = 1 + (bits >> 2 & 1),
                                        .peer_id = span_of_text("p"),
                                        .seq = bits >> 1 & 1,
                                        .ttl_s = 60,
                                        .reason = DELETE_EXPIRED,
                                        .is_signed = true,
                                        .peer_version = bits & 1};
            all[count++] =
                (struct entry){.log = &logs[log],
                               .blob = statement_of_deletion(&deletion, &home, &f->core->scope),
                               .version = deletion.version};
        }
    for (size_t i = 0; i < count; i++)
        for (size_t k = 0; k < count; k++) {
            cr_assert_eq(entry_wins(&all[i], &all[k]), i != k && !entry_wins(&all[k], &all[i]));
            for (size_t m = 0; m < count; m++)
                if (entry_wins(&all[i], &all[k]) && entry_wins(&all[k], &all[m]))
                    cr_assert(entry_wins(&all[i], &all[m]));
        }
    while (count > 0)
        blob_release(all[--count].blob);
}

/* --- What the host is told -------------------------------------------------------------------- */

Test(registry, each_visible_change_is_one_event)
{
    fixture_tell_set(f, &low, 1, "p", 1);
    cr_assert(ups("p") == 1 && updates("p") == 0 && downs("p") == 0);
    fixture_tell_set(f, &low, 2, "p", 2);
    cr_assert(ups("p") == 1 && updates("p") == 1 && downs("p") == 0);
    fixture_tell_set(f, &high, 1, "p", 1);
    cr_assert(ups("p") == 1 && updates("p") == 1 && downs("p") == 0, "it lost: nobody sees it");
    fixture_tell_delete(f, &low, 3, "p", 2);
    cr_assert(ups("p") == 1 && updates("p") == 1 && downs("p") == 1);
    const struct gossip_event *down = fixture_last(f, GOSSIP_EVENT_PEER_DOWN);
    cr_assert_eq(down->peer.version, 2U, "the one that was visible");
    cr_assert_eq(down->peer.home, low.tag);
}

Test(registry, adoption_is_an_update_and_never_blinks)
{
    fixture_tell_set(f, &low, 1, "p", 1);
    fixture_forget(f);
    fixture_tell_set(f, &high, 1, "p", 2);
    cr_assert_eq(updates("p"), 1U);
    fixture_tell_delete(f, &low, 2, "p", 1);
    cr_assert_eq(ups(NULL) + downs(NULL), 0U);
    cr_assert_eq(fixture_last(f, GOSSIP_EVENT_PEER_UPDATE)->peer.home, high.tag);
}

/* A heartbeat balanced between two homes adopts the peer over and over: each is an update. */
Test(registry, alternating_homes_never_blink)
{
    fixture_tell_set(f, &low, 1, "p", 1);
    fixture_forget(f);
    for (uint64_t i = 1; i <= 20; i++)
        fixture_tell_set(f, i % 2 == 0 ? &low : &high, i % 2 == 0 ? i / 2 + 1 : (i + 1) / 2, "p",
                         i + 1);
    cr_assert_eq(updates("p"), 20U);
    cr_assert_eq(ups(NULL) + downs(NULL), 0U);
}

Test(registry, view_digest_follows_what_is_visible_and_nothing_else)
{
    const uint64_t *digest = f->core->registry.view_digest;
    cr_assert(digest[0] == 0 && digest[1] == 0);
    fixture_tell_set(f, &low, 1, "p", 1);
    uint64_t one[2] = {digest[0], digest[1]};
    cr_assert(one[0] != 0 && one[1] != 0);
    cr_assert_eq(fixture_last(f, GOSSIP_EVENT_PEER_UP)->peer.view_digest[0], one[0]);
    fixture_tell_set(f, &low, 2, "q", 1);
    cr_assert_neq(digest[0], one[0]);
    fixture_tell_delete(f, &low, 3, "q", 1);
    cr_assert(digest[0] == one[0] && digest[1] == one[1]);
    fixture_tell_set(f, &low, 4, "p", 2);
    cr_assert_neq(digest[0], one[0], "another version is another view");
    fixture_tell_delete(f, &low, 5, "p", 2);
    cr_assert(digest[0] == 0 && digest[1] == 0);
    cr_assert_eq(f->core->registry.visible_count, 0U);
}

/* BLAKE2b-256 "aurora-view" of home, epoch, version (8 bytes each) and peer_id; 16 bytes of it,
 * summed as one number. */
Test(registry, view_digest_is_the_sum_that_the_protocol_says)
{
    uint64_t sum[2] = {0, 0};
    for (uint64_t version = 1; version <= 40; version++) {
        char peer_id[16];
        uint8_t bytes[64];
        struct hash hash;
        size_t len =
            (size_t)snprintf(peer_id, sizeof peer_id, "p%llu", (unsigned long long)version);
        fixture_tell_set(f, &low, version, peer_id, 1);
        const uint64_t numbers[3] = {low.tag, low.epoch, version};
        for (size_t i = 0; i < 24; i++)
            bytes[i] = (uint8_t)(numbers[i / 8] >> (56 - 8 * (i % 8)));
        memcpy(bytes + 24, peer_id, len);
        hash_of("aurora-view", bytes, 24 + len, &hash);
        unsigned carry = 0;
        for (size_t i = 16; i-- > 0;) {
            size_t half = i / 8, shift = 56 - 8 * (i % 8);
            unsigned byte = (unsigned)(sum[half] >> shift & 0xff) + hash.bytes[i] + carry;
            carry = byte >> 8;
            sum[half] = (sum[half] & ~(0xffull << shift)) | (uint64_t)(byte & 0xff) << shift;
        }
    }
    cr_assert_eq(f->core->registry.view_digest[0], sum[0]);
    cr_assert_eq(f->core->registry.view_digest[1], sum[1]);
}

Test(registry, records_held_counts_the_sets_of_all_logs)
{
    fixture_tell_set(f, &low, 1, "p", 1);
    fixture_tell_set(f, &high, 1, "p", 2);
    cr_assert_eq(f->core->registry.records_held, 2U, "the one that lost is held, too");
    fixture_tell_delete(f, &low, 2, "p", 1);
    cr_assert_eq(f->core->registry.records_held, 1U);
    cr_assert_eq(f->core->registry.deletes_held, 1U);
    cr_assert_eq(f->core->registry.by_id.count, 1U);
}

Test(registry, peers_are_found_by_their_whole_id)
{
    fixture_tell_set(f, &low, 1, "p", 1);
    cr_assert_not_null(fixture_peer(f, "p"));
    cr_assert_null(fixture_peer(f, "pp"));
    cr_assert_null(fixture_peer(f, ""));
}

/* The peer's id points into its winner's blob, which comes and goes. */
Test(registry, peer_survives_the_blob_that_named_it)
{
    for (uint64_t i = 1; i <= 50; i++) {
        fixture_tell_set(f, &low, i, "p", 2 * i);
        fixture_tell_set(f, &high, i, "p", 2 * i + 1);
        fixture_forget(f);
    }
    cr_assert_not_null(fixture_peer(f, "p"));
    registry_log_drop(f->core, fixture_log(f, &high));
    cr_assert_not_null(fixture_peer(f, "p"));
    cr_assert_eq(fixture_winner(f, "p"), low.tag);
}

/* --- The table of logs ------------------------------------------------------------------------ */

Test(registry, log_of_a_stranger_or_of_a_life_to_come_is_not_made)
{
    cr_assert_null(registry_log_make(f->core, 12345, 1));
    cr_assert_null(registry_log_make(f->core, low.tag, low.epoch + 1));
    cr_assert_null(registry_log_make(f->core, low.tag, 0));
    cr_assert_not_null(registry_log_make(f->core, low.tag, low.epoch));
    cr_assert_eq(registry_log_make(f->core, low.tag, low.epoch), fixture_log(f, &low));
}

Test(registry, logs_are_in_order_of_home_and_epoch)
{
    registry_log_make(f->core, high.tag, 10);
    registry_log_make(f->core, low.tag, 3);
    registry_log_make(f->core, low.tag, 10);
    registry_log_make(f->core, high.tag, 7);
    const struct registry *registry = &f->core->registry;
    cr_assert_eq(registry->log_count, 5U, "and our own");
    for (size_t i = 1; i < registry->log_count; i++) {
        const struct log *before = registry->logs[i - 1], *log = registry->logs[i];
        cr_assert(before->home < log->home ||
                  (before->home == log->home && before->epoch < log->epoch));
    }
    cr_assert_eq(member_logs(fixture_member(f, &low))->epoch, 10U, "newest first");
    cr_assert_eq(member_logs(fixture_member(f, &low))->older->epoch, 3U);
}

/* Anybody may name any old life of a member: that must not fill our memory, nor keep out the life
 * that runs. */
Test(registry, logs_of_one_home_are_bounded)
{
    for (uint64_t epoch = 1; epoch < LOGS_PER_HOME_MAX; epoch++)
        cr_assert_not_null(registry_log_make(f->core, low.tag, epoch));
    cr_assert_not_null(registry_log_make(f->core, low.tag, LOGS_PER_HOME_MAX));
    cr_assert_null(registry_log_make(f->core, low.tag, LOGS_PER_HOME_MAX + 1));
    cr_assert_not_null(registry_log_make(f->core, low.tag, low.epoch));
    cr_assert_null(registry_log(f->core, low.tag, 1), "the oldest made room");
}

Test(registry, forgotten_members_records_go)
{
    fixture_tell_set(f, &low, 1, "p", 1);
    fixture_forget(f);
    members_forget(f->core, fixture_member(f, &low));
    cr_assert_eq(downs("p"), 1U);
    cr_assert(fixture_last(f, GOSSIP_EVENT_LOG)->log.is_gone);
    cr_assert_null(registry_log(f->core, low.tag, low.epoch));
    cr_assert_eq(f->core->registry.by_id.count, 0U);
}

Test(registry, own_log_is_there_from_the_start)
{
    const struct log *own = f->core->registry.own;
    cr_assert_not_null(own);
    cr_assert(own->home == f->core->tag && own->epoch == f->core->epoch);
}

/* Learning late that the cluster remembers a higher epoch of ours must not make our peers blink. */
Test(registry, own_log_follows_a_raised_epoch_without_a_blink)
{
    struct gossip_registration registration = {.peer = fixture_record(1, "mine", 1).peer};
    f->core->sync.is_first_done = true;
    lease_register(f->core, 1, &registration);
    cr_assert(fixture_sees(f, "mine"));
    fixture_forget(f);
    members_raise_epoch(f->core, 99);
    cr_assert_eq(f->core->registry.own->epoch, 99U);
    cr_assert(fixture_sees(f, "mine"));
    cr_assert_eq(fixture_peer(f, "mine")->winner->log, f->core->registry.own);
    cr_assert_eq(downs(NULL) + ups(NULL), 0U);
    cr_assert_eq(updates("mine"), 1U);
    cr_assert_gt(fixture_last(f, GOSSIP_EVENT_PEER_UPDATE)->peer.expires_in_ms, 0U);
}
