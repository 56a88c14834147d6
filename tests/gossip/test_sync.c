// SPDX-License-Identifier: Apache-2.0
/* test_sync.c - anti-entropy of the record plane: digests, comparing, lists, the first sync */
#include <criterion/criterion.h>

#include "tests/gossip/stage.h"

struct entries {
    uint8_t bytes[PACKET_MAX_BYTES];
    struct wire_writer writer;
    uint32_t count;
};

static void entries_begin(struct entries *entries)
{
    entries->writer = (struct wire_writer){entries->bytes, 0, sizeof entries->bytes, false};
    entries->count = 0;
}

static void entries_put_gone(struct entries *entries, uint64_t home, uint64_t applied,
                             uint64_t gone_ms)
{
    wire_put_array(&entries->writer, 6);
    wire_put_uint(&entries->writer, home);
    wire_put_uint(&entries->writer, STAGE_EPOCH);
    wire_put_uint(&entries->writer, applied);
    wire_put_uint(&entries->writer, 0);
    wire_put_uint(&entries->writer, 0);
    wire_put_uint(&entries->writer, gone_ms);
    entries->count++;
}

static void entries_put(struct entries *entries, uint64_t home, uint64_t applied, uint64_t head)
{
    wire_put_array(&entries->writer, 5);
    wire_put_uint(&entries->writer, home);
    wire_put_uint(&entries->writer, STAGE_EPOCH);
    wire_put_uint(&entries->writer, applied);
    wire_put_uint(&entries->writer, head);
    wire_put_uint(&entries->writer, head == 0 ? 0 : 77);
    entries->count++;
}

static void say_list(struct stage *stage, size_t who, uint64_t flags, uint64_t buckets,
                     const struct entries *entries)
{
    struct wire_message message = {
        .type = WIRE_LOGS_LIST,
        .list = {.flags = flags,
                 .buckets = buckets,
                 .entries = wire_list_of(&entries->writer, entries->count)}};
    stage_say(stage, who, &message);
}

static void say_hashes(struct stage *stage, size_t who, const uint64_t *hashes, uint32_t count)
{
    uint8_t bytes[COMPARE_BUCKETS * 9];
    struct wire_writer list = {bytes, 0, sizeof bytes, false};
    for (uint32_t i = 0; i < count; i++)
        wire_put_uint(&list, hashes[i]);
    struct wire_message message = {.type = WIRE_LOGS_HASHES,
                                   .hashes.hashes = wire_list_of(&list, count)};
    stage_say(stage, who, &message);
}

static bool entry_of(const struct wire_message *list, uint64_t home, uint64_t *applied)
{
    struct wire_list entries = list->list.entries, entry;
    uint64_t tag, epoch;
    while (wire_list_list(&entries, &entry))
        if (wire_list_uint(&entry, &tag) && wire_list_uint(&entry, &epoch) &&
            wire_list_uint(&entry, applied) && tag == home)
            return true;
    return false;
}

/* --- Digests --------------------------------------------------------------------------------- */

Test(sync, equal_digests_cost_nothing)
{
    struct stage *stage = stage_new(true);
    stage_run(stage, 2 * COMPARE_AFTER_CHANGE_MS);
    stage_forget(stage);
    for (int i = 0; i < 10; i++) {
        sync_on_digest(stage->core, stage->puppets[0].member, stage->core->registry.records_digest);
        stage_run(stage, 500);
    }
    cr_assert_eq(stage->packet_count, 0U);
    cr_assert_not(timer_is_set(&stage->core->sync.timer));
    stage_free(stage);
}

Test(sync, digest_that_differs_is_compared_with_who_sent_it_and_then_there_is_rest)
{
    struct stage *stage = stage_new(true);
    struct wire_message message;
    uint64_t total;
    stage_run(stage, 2 * COMPARE_AFTER_CHANGE_MS);
    stage_forget(stage);
    sync_on_digest(stage->core, stage->puppets[2].member, 12345);
    stage_run(stage, COMPARE_INTERVAL_MS);
    cr_assert(stage_heard(stage, 2, WIRE_LOGS_HASHES, 0, &message));
    cr_assert_eq(message.hashes.hashes.count, 1, "one number first");
    cr_assert(wire_list_uint(&message.hashes.hashes, &total));
    cr_assert_eq(total, stage->core->registry.records_digest);
    stage_run(stage, 5000);
    cr_assert_eq(stage_count(stage, WIRE_LOGS_HASHES), 1U);
    stage_free(stage);
}

Test(sync, operation_is_followed_by_some_seconds_of_comparing)
{
    struct stage *stage = stage_new(true);
    stage_run(stage, 2 * COMPARE_AFTER_CHANGE_MS);
    stage_forget(stage);
    stage_fill(stage, 0, 0, 1);
    stage_run(stage, 3 * COMPARE_AFTER_CHANGE_MS);
    size_t compares = stage_count(stage, WIRE_LOGS_HASHES);
    cr_assert_geq(compares, 8U);
    cr_assert_leq(compares, 13U, "%zu", compares);
    cr_assert_not(timer_is_set(&stage->core->sync.timer));
    stage_free(stage);
}

Test(sync, digest_depends_on_what_is_held_not_on_what_came_first)
{
    struct stage *a = stage_new(true), *b = stage_new(true);
    uint64_t empty = a->core->registry.records_digest;
    stage_fill(a, 0, 0, 2);
    stage_fill(a, 1, 0, 1);
    cr_assert_neq(a->core->registry.records_digest, empty);
    cr_assert_neq(a->core->registry.records_digest, b->core->registry.records_digest);
    stage_fill(b, 1, 0, 1);
    stage_fill(b, 0, 0, 2);
    cr_assert_eq(a->core->registry.records_digest, b->core->registry.records_digest);
    stage_free(a);
    stage_free(b);
}

Test(sync, logs_of_the_dead_count_nothing)
{
    struct stage *stage = stage_new(true);
    uint64_t empty = stage->core->registry.records_digest;
    stage_fill(stage, 0, 0, 2);
    cr_assert_neq(stage->core->registry.records_digest, empty);
    member_set_state(stage->core, stage->puppets[0].member, MEMBER_DEAD,
                     (int64_t)stage->now.mono_ms);
    cr_assert_eq(stage->core->registry.records_digest, empty);
    stage_free(stage);
}

Test(sync, ended_life_counts_while_the_grace_runs)
{
    struct stage *stage = stage_new(true);
    uint64_t empty = stage->core->registry.records_digest;
    stage_fill(stage, 0, 0, 2);
    uint64_t filled = stage->core->registry.records_digest;
    stage_restart_puppet(stage, 0);
    cr_assert(stage_sees(stage, "p1"), "an orphan");
    cr_assert_eq(stage->core->registry.records_digest, filled);
    stage_run(stage, ORPHAN_GRACE_MS + 1);
    cr_assert_not(stage_sees(stage, "p1"));
    cr_assert_eq(stage->core->registry.records_digest, empty);
    stage_free(stage);
}

Test(sync, ended_life_of_deletes_alone_counts_as_long)
{
    struct stage *stage = stage_new(true);
    struct stage_list list;
    uint64_t empty = stage->core->registry.records_digest;
    stage_list_begin(&list);
    stage_list_add(&list, stage_deletion(stage, 0, "p1", 1));
    struct wire_batch batch = stage_batch(stage, 0, 0, 1, 1, &list);
    cr_assert_eq(log_on_batch(stage->core, stage_log(stage, 0), &batch), BATCH_APPLIED);
    uint64_t filled = stage->core->registry.records_digest;
    stage_restart_puppet(stage, 0);
    cr_assert_neq(filled, empty);
    cr_assert_eq(stage->core->registry.records_digest, filled);
    stage_run(stage, ORPHAN_GRACE_MS + 1);
    /* Whoever has forgotten it says so; we agree without a comparison. */
    stage_forget(stage);
    sync_on_digest(stage->core, stage->puppets[1].member, empty);
    cr_assert_eq(stage->core->registry.records_digest, empty);
    stage_run(stage, 1000);
    cr_assert_eq(stage_count(stage, WIRE_LOGS_HASHES), 0U);
    stage_free(stage);
}

Test(sync, last_delete_of_an_ended_life_is_pulled)
{
    struct stage *stage = stage_new(true);
    struct entries entries;
    struct stage_list list;
    struct wire_message message;
    stage_fill(stage, 0, 0, 2);
    stage_restart_puppet(stage, 0);
    entries_begin(&entries);
    entries_put_gone(&entries, stage->puppets[0].tag, 3, 10);
    stage_forget(stage);
    say_list(stage, 3, 0, UINT32_MAX, &entries);
    cr_assert(stage_heard(stage, 3, WIRE_PULL, 0, &message));
    cr_assert_eq(message.pull.epoch, STAGE_EPOCH);
    stage_list_begin(&list);
    stage_list_add(&list, stage_deletion(stage, 0, "p1", 3));
    struct wire_batch batch = stage_batch(stage, 0, 2, 3, 3, &list);
    stage_range(stage, 3, message.pull.request, false, true, &batch);
    cr_assert_not(stage_sees(stage, "p1"));
    stage_free(stage);
}

Test(sync, delete_that_left_nothing_of_an_ended_life_is_still_told)
{
    struct stage *stage = stage_new(true);
    struct entries entries;
    struct stage_list list;
    struct wire_message message;
    uint64_t applied;
    stage_fill(stage, 0, 0, 1);
    stage_list_begin(&list);
    stage_list_add(&list, stage_deletion(stage, 0, "p1", 2));
    struct wire_batch batch = stage_batch(stage, 0, 1, 2, 2, &list);
    cr_assert_eq(log_on_batch(stage->core, stage_log(stage, 0), &batch), BATCH_APPLIED);
    stage_restart_puppet(stage, 0);
    entries_begin(&entries);
    entries_put_gone(&entries, stage->puppets[0].tag, 1, 10);
    stage_forget(stage);
    say_list(stage, 3, 0, UINT32_MAX, &entries);
    cr_assert(stage_heard(stage, 3, WIRE_LOGS_LIST, 0, &message));
    cr_assert(entry_of(&message, stage->puppets[0].tag, &applied));
    cr_assert_eq(applied, 2);
    stage_free(stage);
}

Test(sync, orphans_of_an_ended_life_are_hidden_by_the_oldest_clock)
{
    struct stage *stage = stage_new(true);
    struct entries entries;
    struct wire_message message;
    stage_fill(stage, 0, 0, 2);
    stage_restart_puppet(stage, 0);
    stage_run(stage, 5000);
    entries_begin(&entries);
    entries_put_gone(&entries, stage->puppets[0].tag, 2, 60000);
    say_list(stage, 3, SYNC_ANSWER, 0, &entries);
    stage_run(stage, ORPHAN_GRACE_MS - 60000 - 500);
    cr_assert(stage_sees(stage, "p1"));
    stage_run(stage, 1000);
    cr_assert_not(stage_sees(stage, "p1"));
    /* And whoever shows them still is told. */
    entries_begin(&entries);
    entries_put_gone(&entries, stage->puppets[0].tag, 2, 1000);
    stage_forget(stage);
    say_list(stage, 4, 0, UINT32_MAX, &entries);
    cr_assert(stage_heard(stage, 4, WIRE_LOGS_LIST, 0, &message));
    cr_assert_eq(message.list.entries.count, 1);
    stage_free(stage);
}

/* --- Comparing ------------------------------------------------------------------------------- */

Test(sync, total_that_is_equal_is_not_answered)
{
    struct stage *stage = stage_new(true);
    stage_fill(stage, 0, 0, 2);
    stage_forget(stage);
    say_hashes(stage, 1, &stage->core->registry.records_digest, 1);
    cr_assert_eq(stage->packet_count, 0U);
    stage_free(stage);
}

Test(sync, total_that_differs_is_answered_with_a_list_where_logs_are_few)
{
    struct stage *stage = stage_new(true);
    struct wire_message message;
    uint64_t other = 1, applied;
    stage_fill(stage, 0, 0, 2);
    stage_forget(stage);
    say_hashes(stage, 1, &other, 1);
    cr_assert(stage_heard(stage, 1, WIRE_LOGS_LIST, 0, &message));
    cr_assert_eq(message.list.buckets, UINT32_MAX);
    cr_assert_eq(message.list.flags, 0);
    cr_assert(entry_of(&message, stage->puppets[0].tag, &applied));
    cr_assert_eq(applied, 2);
    stage_free(stage);
}

Test(sync, bucket_sums_are_answered_with_the_buckets_that_differ)
{
    struct stage *stage = stage_new(true);
    struct wire_message message;
    uint64_t sums[COMPARE_BUCKETS] = {0}, applied;
    stage_fill(stage, 0, 0, 2);
    stage_fill(stage, 1, 0, 1);
    /* They have exactly our log of puppet 1's bucket. */
    for (size_t i = 0; i < stage->core->registry.log_count; i++) {
        const struct log *log = stage->core->registry.logs[i];
        sums[sync_bucket_of(log->home)] += log->digest;
    }
    unsigned differing = sync_bucket_of(stage->puppets[0].tag);
    cr_assert_neq(differing, sync_bucket_of(stage->puppets[1].tag), "other seeds for the puppets");
    sums[differing] = 0;
    stage_forget(stage);
    say_hashes(stage, 1, sums, COMPARE_BUCKETS);
    cr_assert(stage_heard(stage, 1, WIRE_LOGS_LIST, 0, &message));
    cr_assert_eq(message.list.buckets, 1ull << differing);
    cr_assert(entry_of(&message, stage->puppets[0].tag, &applied));
    cr_assert_not(entry_of(&message, stage->puppets[1].tag, &applied));
    stage_free(stage);
}

Test(sync, list_is_answered_with_what_we_have_more_of)
{
    struct stage *stage = stage_new(true);
    struct entries entries;
    struct wire_message message;
    uint64_t applied;
    stage_fill(stage, 0, 0, 3); /* they have less */
    stage_fill(stage, 1, 0, 1); /* they have the same */
    stage_fill(stage, 2, 0, 1); /* they have none */
    entries_begin(&entries);
    size_t first = stage->puppets[0].tag < stage->puppets[1].tag ? 0 : 1;
    entries_put(&entries, stage->puppets[first].tag, 1, 0);
    entries_put(&entries, stage->puppets[1 - first].tag, 1, 0);
    stage_forget(stage);
    say_list(stage, 3, 0, UINT32_MAX, &entries);
    cr_assert(stage_heard(stage, 3, WIRE_LOGS_LIST, 0, &message));
    cr_assert_eq(message.list.flags & SYNC_ANSWER, SYNC_ANSWER);
    cr_assert(entry_of(&message, stage->puppets[0].tag, &applied));
    cr_assert_eq(applied, 3);
    cr_assert(entry_of(&message, stage->puppets[2].tag, &applied));
    cr_assert_not(entry_of(&message, stage->puppets[1].tag, &applied));
    stage_free(stage);
}

Test(sync, nothing_follows_from_what_a_partial_list_leaves_out)
{
    struct stage *stage = stage_new(true);
    struct entries entries;
    stage_fill(stage, 0, 0, 3);
    entries_begin(&entries);
    stage_forget(stage);
    say_list(stage, 3, SYNC_PARTIAL, UINT32_MAX, &entries);
    cr_assert_eq(stage_count(stage, WIRE_LOGS_LIST), 0U);
    stage_free(stage);
}

Test(sync, answer_is_not_answered)
{
    struct stage *stage = stage_new(true);
    struct entries entries;
    stage_fill(stage, 0, 0, 3);
    entries_begin(&entries);
    entries_put(&entries, stage->puppets[0].tag, 1, 0);
    stage_forget(stage);
    say_list(stage, 3, SYNC_ANSWER, UINT32_MAX, &entries);
    cr_assert_eq(stage->packet_count, 0U);
    stage_free(stage);
}

Test(sync, what_they_have_more_of_is_pulled_from_them)
{
    struct stage *stage = stage_new(true);
    struct entries entries;
    struct wire_message message;
    stage_fill(stage, 0, 0, 3);
    entries_begin(&entries);
    entries_put(&entries, stage->puppets[0].tag, 9, 0);
    stage_forget(stage);
    say_list(stage, 3, 0, UINT32_MAX, &entries);
    cr_assert(stage_heard(stage, 3, WIRE_PULL, 0, &message));
    cr_assert_eq(message.pull.home, stage->puppets[0].tag);
    cr_assert_eq(message.pull.after, 3);
    cr_assert_eq(stage_log(stage, 0)->state, LOG_BEHIND);
    stage_free(stage);
}

Test(sync, newer_head_is_asked_for)
{
    struct stage *stage = stage_new(true);
    struct entries entries;
    struct wire_message message;
    stage_fill(stage, 0, 0, 3);
    entries_begin(&entries);
    entries_put(&entries, stage->puppets[0].tag, 3, 3);
    stage_forget(stage);
    say_list(stage, 3, 0, UINT32_MAX, &entries);
    cr_assert(stage_heard(stage, 3, WIRE_HEAD_PULL, 0, &message));
    cr_assert_eq(message.announce.entries.count, 1);
    cr_assert_eq(stage_count(stage, WIRE_PULL), 0U);
    stage_free(stage);
}

/* --- The first sync -------------------------------------------------------------------------- */

static void ask_pages(struct stage *stage, size_t who, uint64_t after)
{
    struct entries none;
    entries_begin(&none);
    say_list(stage, who, SYNC_ASK | SYNC_ORPHANS, after, &none);
}

Test(sync, nobody_to_sync_with_is_done_at_once)
{
    struct stage *stage = stage_new(false);
    cr_assert_not(stage->core->sync.is_first_done);
    cr_assert_not(sync_is_converged(stage->core));
    sync_begin(stage->core, NULL);
    cr_assert(stage->core->sync.is_first_done);
    cr_assert(sync_is_converged(stage->core));
    stage_free(stage);
}

Test(sync, first_sync_waits_for_its_pulls)
{
    struct stage *stage = stage_new(false);
    struct entries entries;
    struct stage_list list;
    struct wire_message message;
    sync_begin(stage->core, stage->puppets[0].member);
    stage_drain(stage);
    cr_assert(stage_heard(stage, 0, WIRE_LOGS_LIST, 0, &message));
    cr_assert_eq(message.list.flags, SYNC_ASK | SYNC_ORPHANS);
    entries_begin(&entries);
    entries_put(&entries, stage->puppets[1].tag, 1, 0);
    say_list(stage, 0, SYNC_PAGE | SYNC_ANSWER | SYNC_END, 0, &entries);
    cr_assert(stage_heard(stage, 0, WIRE_PULL, 0, &message));
    cr_assert_not(stage->core->sync.is_first_done);
    stage_list_begin(&list);
    stage_list_add(&list, stage_record(stage, 1, "p1", 1));
    struct wire_batch batch = stage_batch(stage, 1, 0, 1, 1, &list);
    stage_range(stage, 0, message.pull.request, false, true, &batch);
    cr_assert(stage_sees(stage, "p1"));
    cr_assert(stage->core->sync.is_first_done);
    stage_free(stage);
}

Test(sync, empty_list_of_logs_ends_the_first_sync)
{
    struct stage *stage = stage_new(false);
    struct entries none;
    entries_begin(&none);
    sync_begin(stage->core, stage->puppets[0].member);
    say_list(stage, 0, SYNC_PAGE | SYNC_ANSWER | SYNC_END, 0, &none);
    cr_assert(stage->core->sync.is_first_done);
    stage_free(stage);
}

Test(sync, page_out_of_turn_is_asked_for_again)
{
    struct stage *stage = stage_new(false);
    struct entries entries;
    struct wire_message message;
    sync_begin(stage->core, stage->puppets[0].member);
    stage_drain(stage);
    stage_forget(stage);
    entries_begin(&entries);
    entries_put(&entries, stage->puppets[1].tag, 1, 0);
    say_list(stage, 0, SYNC_PAGE | SYNC_ANSWER | SYNC_END, 5, &entries);
    cr_assert_not(stage->core->sync.is_first_listed, "the page before it was lost");
    stage_run(stage, 400);
    cr_assert(stage_heard(stage, 0, WIRE_LOGS_LIST, 0, &message));
    cr_assert_eq(message.list.buckets, 0);
    stage_free(stage);
}

Test(sync, silent_partner_is_replaced_within_two_seconds)
{
    struct stage *stage = stage_new(false);
    sync_begin(stage->core, stage->puppets[0].member);
    stage_run(stage, 2000);
    cr_assert_neq(stage->core->sync.first_partner, stage->puppets[0].tag);
    cr_assert_not(stage->core->sync.is_first_done);
    stage_run(stage, 10000);
    cr_assert(stage->core->sync.is_first_done, "the trouble is ours: go on with what we have");
    stage_free(stage);
}

Test(sync, log_that_nobody_has_does_not_hold_up_the_first_sync_for_ever)
{
    struct stage *stage = stage_new(false);
    struct entries entries;
    sync_begin(stage->core, stage->puppets[0].member);
    entries_begin(&entries);
    entries_put(&entries, stage->puppets[1].tag, 7, 0);
    say_list(stage, 0, SYNC_PAGE | SYNC_ANSWER | SYNC_END, 0, &entries);
    cr_assert_not(stage->core->sync.is_first_done);
    stage_run(stage, 30000);
    cr_assert(stage->core->sync.is_first_done);
    stage_free(stage);
}

Test(sync, joiner_takes_orphans_with_their_age)
{
    struct stage *stage = stage_new(false);
    struct entries entries;
    struct stage_list list;
    struct wire_message message;
    /* Puppet 1 died a minute ago, as we were told when we joined. */
    stage_run(stage, 1);
    member_set_state(stage->core, stage->puppets[1].member, MEMBER_DEAD,
                     (int64_t)stage->now.mono_ms - 60000);
    sync_begin(stage->core, stage->puppets[0].member);
    entries_begin(&entries);
    entries_put(&entries, stage->puppets[1].tag, 1, 0);
    say_list(stage, 0, SYNC_PAGE | SYNC_ANSWER | SYNC_ORPHANS | SYNC_END, 0, &entries);
    cr_assert(stage_heard(stage, 0, WIRE_PULL, 0, &message), "orphans are pulled, too");
    stage_list_begin(&list);
    stage_list_add(&list, stage_record(stage, 1, "orphan", 1));
    struct wire_batch batch = stage_batch(stage, 1, 0, 1, 1, &list);
    stage_range(stage, 0, message.pull.request, false, true, &batch);
    cr_assert(stage_sees(stage, "orphan"));
    stage_run(stage, ORPHAN_GRACE_MS - 60000 - 500);
    cr_assert(stage_sees(stage, "orphan"));
    stage_run(stage, 1000);
    cr_assert_not(stage_sees(stage, "orphan"), "the grace does not begin anew");
    stage_free(stage);
}

Test(sync, pages_show_orphans_and_end)
{
    struct stage *stage = stage_new(true);
    struct wire_message message;
    uint64_t applied;
    stage_fill(stage, 0, 0, 2);
    stage_fill(stage, 1, 0, 1);
    member_set_state(stage->core, stage->puppets[1].member, MEMBER_DEAD,
                     (int64_t)stage->now.mono_ms);
    stage_forget(stage);
    ask_pages(stage, 2, 0);
    cr_assert(stage_heard(stage, 2, WIRE_LOGS_LIST, 0, &message));
    cr_assert_eq(message.list.flags, SYNC_PAGE | SYNC_ANSWER | SYNC_ORPHANS | SYNC_END);
    cr_assert(entry_of(&message, stage->puppets[0].tag, &applied));
    cr_assert(entry_of(&message, stage->puppets[1].tag, &applied));
    uint64_t highest = stage->puppets[0].tag > stage->puppets[1].tag ? stage->puppets[0].tag
                                                                     : stage->puppets[1].tag;
    stage_forget(stage);
    ask_pages(stage, 2, highest);
    cr_assert(stage_heard(stage, 2, WIRE_LOGS_LIST, 0, &message));
    cr_assert_eq(message.list.entries.count, 0);
    cr_assert_eq(message.list.flags & SYNC_END, SYNC_END);
    stage_free(stage);
}
