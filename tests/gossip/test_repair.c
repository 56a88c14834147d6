// SPDX-License-Identifier: Apache-2.0
/* test_repair.c - a log whose root is not its HEAD's: only what differs is fetched again */
#include <criterion/criterion.h>
#include <stdio.h>

#include "tests/gossip/stage.h"

/* What puppet 0, the home, holds: p1 ... p8. `pages` are its buckets. */
struct truth {
    uint64_t pages[ROOT_BUCKETS / ROOT_PAGE_BUCKETS][ROOT_PAGE_BUCKETS];
};

static struct entry *entry_of(struct stage *stage, const char *peer_id)
{
    const struct peer *peer = registry_peer(stage->core, span_of_text(peer_id));
    struct entry *entry = peer == NULL ? NULL : log_entry_of(stage_log(stage, 0), peer);
    cr_assert_not_null(entry);
    return entry;
}

static void hear_head(struct stage *stage)
{
    const char *ids[] = {"p1", "p2", "p3", "p4", "p5", "p6", "p7", "p8"};
    uint64_t versions[] = {1, 2, 3, 4, 5, 6, 7, 8};
    struct blob *head = stage_true_head(stage, 0, 8, 8, ids, versions);
    cr_assert_eq(head_on_statement(stage->core, blob_span(head), NULL), HEAD_NEW);
    blob_release(head);
    stage_drain(stage);
}

/* The core had all of it, and lost p3. */
static void lose_one(struct stage *stage, struct truth *truth)
{
    stage_fill(stage, 0, 0, 8);
    for (unsigned page = 0; page < ROOT_BUCKETS / ROOT_PAGE_BUCKETS; page++)
        root_page(stage_log(stage, 0), page, truth->pages[page]);
    registry_entry_drop(stage->core, entry_of(stage, "p3"), PEER_DOWN_SWEPT);
    stage_drain(stage);
    cr_assert_not(stage_sees(stage, "p3"));
    hear_head(stage);
    cr_assert_eq(stage_log(stage, 0)->state, LOG_DIVERGED);
}

static void answer_roots(struct stage *stage, size_t who, uint64_t request, uint64_t version,
                         const struct truth *truth)
{
    for (unsigned page = 0; page < ROOT_BUCKETS / ROOT_PAGE_BUCKETS; page++) {
        uint8_t bytes[ROOT_PAGE_BUCKETS * 9];
        struct wire_writer list = {bytes, 0, sizeof bytes, false};
        for (unsigned i = 0; i < ROOT_PAGE_BUCKETS; i++)
            wire_put_uint(&list, truth->pages[page][i]);
        struct wire_message message = {
            .type = WIRE_ROOT_PAGE,
            .root_page = {.request = request,
                          .home = stage->puppets[0].tag,
                          .epoch = STAGE_EPOCH,
                          .version = version,
                          .page = page,
                          .hashes = wire_list_of(&list, ROOT_PAGE_BUCKETS)}};
        stage_say(stage, who, &message);
    }
}

static void answer_bucket(struct stage *stage, size_t who, const struct wire_message *pull,
                          const struct stage_list *list, uint64_t version, bool is_last)
{
    struct wire_message message = {
        .type = WIRE_BUCKET,
        .bucket = {.request = pull->bucket_pull.request,
                   .home = stage->puppets[0].tag,
                   .epoch = STAGE_EPOCH,
                   .version = version,
                   .bucket = pull->bucket_pull.bucket,
                   .after_index = pull->bucket_pull.after_index,
                   .is_last = is_last,
                   .statements = wire_list_of(&list->writer, list->count)}};
    stage_say(stage, who, &message);
}

Test(repair, diverged_bucket_is_refetched)
{
    struct stage *stage = stage_new(true);
    struct truth truth;
    struct wire_message message;
    struct stage_list list;
    lose_one(stage, &truth);
    cr_assert(stage_heard(stage, 0, WIRE_ROOT_PULL, 0, &message), "the home is asked first");
    stage_forget(stage);
    answer_roots(stage, 0, message.root_pull.request, 8, &truth);
    cr_assert_eq(stage_count(stage, WIRE_BUCKET_PULL), 1U, "one bucket differs");
    cr_assert(stage_heard(stage, 0, WIRE_BUCKET_PULL, 0, &message));
    cr_assert_eq(message.bucket_pull.bucket, root_bucket_of(span_of_text("p3")));
    stage_list_begin(&list);
    stage_list_add(&list, stage_record(stage, 0, "p3", 3));
    answer_bucket(stage, 0, &message, &list, 8, true);
    cr_assert(stage_sees(stage, "p3"));
    cr_assert_eq(stage_log(stage, 0)->state, LOG_PROVED);
    cr_assert_eq(stage->core->stats.repairs, 1);
    cr_assert_eq(stage->core->puller.pull_count, 0U);
    stage_free(stage);
}

Test(repair, record_that_the_home_does_not_show_is_dropped)
{
    struct stage *stage = stage_new(true);
    struct truth truth;
    struct wire_message message;
    struct stage_list none;
    const char *ids[] = {"p1"};
    uint64_t versions[] = {1};
    /* The home's log ends with the delete of p2 at version 3, which somebody withheld from us by
     * claiming that (2, 3] is empty. */
    stage_fill(stage, 0, 0, 1);
    for (unsigned page = 0; page < ROOT_BUCKETS / ROOT_PAGE_BUCKETS; page++)
        root_page(stage_log(stage, 0), page, truth.pages[page]);
    stage_fill(stage, 0, 1, 2);
    struct blob *head = stage_true_head(stage, 0, 3, 1, ids, versions);
    head_on_statement(stage->core, blob_span(head), NULL);
    blob_release(head);
    stage_list_begin(&none);
    struct wire_batch batch = stage_batch(stage, 0, 2, 3, 3, &none);
    cr_assert_eq(log_on_batch(stage->core, stage_log(stage, 0), &batch), BATCH_APPLIED);
    stage_drain(stage);
    cr_assert_eq(stage_log(stage, 0)->state, LOG_DIVERGED);
    cr_assert(stage_heard(stage, 0, WIRE_ROOT_PULL, 0, &message));
    answer_roots(stage, 0, message.root_pull.request, 3, &truth);
    cr_assert(stage_heard(stage, 0, WIRE_BUCKET_PULL, 0, &message));
    stage_list_begin(&none);
    answer_bucket(stage, 0, &message, &none, 3, true);
    cr_assert_not(stage_sees(stage, "p2"));
    cr_assert(stage_sees(stage, "p1"));
    cr_assert_eq(stage_log(stage, 0)->state, LOG_PROVED);
    stage_free(stage);
}

Test(repair, page_of_another_version_is_not_compared)
{
    struct stage *stage = stage_new(true);
    struct truth truth;
    struct wire_message message;
    lose_one(stage, &truth);
    cr_assert(stage_heard(stage, 0, WIRE_ROOT_PULL, 0, &message));
    stage_forget(stage);
    answer_roots(stage, 0, message.root_pull.request, 9, &truth);
    cr_assert_eq(stage_count(stage, WIRE_BUCKET_PULL), 0U);
    stage_free(stage);
}

Test(repair, member_that_lacks_the_same_is_left_for_another)
{
    struct stage *stage = stage_new(true);
    struct truth truth, ours;
    struct wire_message message;
    lose_one(stage, &truth);
    for (unsigned page = 0; page < ROOT_BUCKETS / ROOT_PAGE_BUCKETS; page++)
        root_page(stage_log(stage, 0), page, ours.pages[page]);
    cr_assert(stage_heard(stage, 0, WIRE_ROOT_PULL, 0, &message));
    for (int i = 0; i < 2; i++) {
        stage_forget(stage);
        answer_roots(stage, 0, message.root_pull.request, 8, &ours);
        stage_run(stage, 1);
    }
    size_t asked = 0;
    for (size_t who = 1; who < STAGE_PUPPETS; who++)
        asked += stage_heard(stage, who, WIRE_ROOT_PULL, 0, &message);
    cr_assert_eq(asked, 1U);
    stage_free(stage);
}

Test(repair, silence_ends_in_a_pull_of_everything_and_retries_grow_apart)
{
    struct stage *stage = stage_new(true);
    struct truth truth;
    struct wire_message message;
    lose_one(stage, &truth);
    stage_run(stage, 10000);
    bool has_reset = false;
    for (size_t i = 0; stage_heard(stage, STAGE_PUPPETS, WIRE_PULL, i, &message); i++)
        has_reset |= message.pull.is_reset && message.pull.after == 0;
    cr_assert(has_reset);
    cr_assert_eq(stage_log(stage, 0)->state, LOG_DIVERGED, "and it is not called anything else");
    stage_forget(stage);
    stage_run(stage, 60000);
    size_t rounds = stage_count(stage, WIRE_ROOT_PULL) / 4;
    cr_assert_leq(rounds, 8U, "%zu rounds in a minute", rounds);
    stage_free(stage);
}

Test(repair, reset_pull_repairs_what_differs_in_many_buckets)
{
    struct stage *stage = stage_new(true);
    struct truth truth, other;
    struct wire_message message;
    struct stage_list list;
    lose_one(stage, &truth);
    other = truth;
    for (unsigned i = 0; i < ROOT_PAGE_BUCKETS; i++)
        other.pages[1][i] ^= 1;
    cr_assert(stage_heard(stage, 0, WIRE_ROOT_PULL, 0, &message));
    stage_forget(stage);
    answer_roots(stage, 0, message.root_pull.request, 8, &other);
    cr_assert_eq(stage_count(stage, WIRE_BUCKET_PULL), 0U);
    cr_assert(stage_heard(stage, 0, WIRE_PULL, 0, &message));
    cr_assert(message.pull.is_reset);
    for (uint64_t after = 0; after < 8; after += 4) {
        stage_list_records(stage, &list, 0, after, after + 4);
        struct wire_batch batch = stage_batch(stage, 0, after, after + 4, 8, &list);
        stage_range(stage, 0, message.pull.request, true, after == 4, &batch);
    }
    cr_assert(stage_sees(stage, "p3"));
    cr_assert_eq(stage_log(stage, 0)->state, LOG_PROVED);
    stage_free(stage);
}

Test(repair, repair_that_did_not_help_is_not_begun_again_at_once)
{
    struct stage *stage = stage_new(true);
    struct truth truth;
    struct wire_message message;
    struct stage_list list;
    lose_one(stage, &truth);
    for (unsigned i = 0; i < ROOT_PAGE_BUCKETS; i++)
        truth.pages[1][i] ^= 1;
    cr_assert(stage_heard(stage, 0, WIRE_ROOT_PULL, 0, &message));
    answer_roots(stage, 0, message.root_pull.request, 8, &truth);
    cr_assert(stage_heard(stage, 0, WIRE_PULL, 0, &message));
    stage_list_begin(&list);
    stage_list_add(&list, stage_record(stage, 0, "p8", 8));
    struct wire_batch batch = stage_batch(stage, 0, 0, 8, 8, &list);
    stage_forget(stage);
    stage_range(stage, 0, message.pull.request, true, true, &batch);
    cr_assert_eq(stage_log(stage, 0)->state, LOG_DIVERGED);
    stage_run(stage, 500);
    cr_assert_eq(stage_count(stage, WIRE_ROOT_PULL), 0U);
    stage_run(stage, 2000);
    cr_assert_gt(stage_count(stage, WIRE_ROOT_PULL), 0U);
    stage_free(stage);
}

/* Who holds the orphans of the dead drops each when its time is over: roots differ for good, and
 * nobody can say what should be there. It went on for as long as the log was kept. */
Test(repair, home_that_died_ends_it)
{
    struct stage *stage = stage_new(true);
    struct truth truth;
    lose_one(stage, &truth);
    int64_t now_ms = (int64_t)stage->core->now.mono_ms;
    member_set_state(stage->core, stage->puppets[0].member, MEMBER_DEAD, now_ms - 400000);
    stage_run(stage, 60000);
    cr_assert(stage_log(stage, 0)->is_shed);
    cr_assert_neq(stage_log(stage, 0)->state, LOG_DIVERGED);
    cr_assert_eq(stage->core->puller.pull_count, 0U);
    stage_free(stage);
}

/* Every second repair goes to somebody else than the home. Where there is nobody else it waited for
 * one, and never asked again (swarm). */
Test(repair, of_two_the_home_is_asked_again)
{
    struct stage *stage = stage_new(true);
    struct truth truth;
    lose_one(stage, &truth);
    for (size_t i = 1; i < STAGE_PUPPETS; i++)
        member_set_state(stage->core, stage->puppets[i].member, MEMBER_LEFT,
                         (int64_t)stage->core->now.mono_ms);
    for (int i = 0; i < 3; i++) {
        stage_forget(stage);
        stage_run(stage, 60000);
        cr_assert_gt(stage_count(stage, WIRE_ROOT_PULL), 0U, "minute %d", i);
    }
    stage_free(stage);
}

Test(repair, gap_comes_before_a_repair)
{
    struct stage *stage = stage_new(true);
    struct truth truth;
    struct wire_message message;
    lose_one(stage, &truth);
    stage_forget(stage);
    pull_gap(stage->core, stage_log(stage, 0), stage->puppets[2].member, 9);
    stage_drain(stage);
    cr_assert(stage_heard(stage, 2, WIRE_PULL, 0, &message));
    cr_assert_eq(stage->core->puller.pull_count, 1U);
    stage_free(stage);
}

/* --- Answering ------------------------------------------------------------------------------- */

Test(repair, hashes_and_buckets_are_shown_to_whoever_asks)
{
    struct stage *stage = stage_new(true);
    struct wire_message message;
    unsigned bucket = root_bucket_of(span_of_text("p3"));
    stage_fill(stage, 0, 0, 8);
    message = (struct wire_message){.type = WIRE_ROOT_PULL,
                                    .root_pull = {.request = 4,
                                                  .home = stage->puppets[0].tag,
                                                  .epoch = STAGE_EPOCH,
                                                  .page = bucket / ROOT_PAGE_BUCKETS}};
    stage_say(stage, 1, &message);
    cr_assert(stage_heard(stage, 1, WIRE_ROOT_PAGE, 0, &message));
    cr_assert_eq(message.root_page.version, 8);
    cr_assert_eq(message.root_page.hashes.count, ROOT_PAGE_BUCKETS);
    message = (struct wire_message){
        .type = WIRE_BUCKET_PULL,
        .bucket_pull = {
            .request = 5, .home = stage->puppets[0].tag, .epoch = STAGE_EPOCH, .bucket = bucket}};
    stage_say(stage, 1, &message);
    cr_assert(stage_heard(stage, 1, WIRE_BUCKET, 0, &message));
    cr_assert(message.bucket.is_last);
    cr_assert_geq(message.bucket.statements.count, 1);
    stage_free(stage);
}

Test(repair, bucket_larger_than_a_packet_comes_in_pages)
{
    struct stage *stage = stage_new(true);
    struct wire_message message;
    stage_fill(stage, 0, 0, 1500); /* some six in every bucket: more than one packet holds */
    uint64_t shown = 0;
    bool is_last = false;
    for (int i = 0; i < 20 && !is_last; i++) {
        message = (struct wire_message){.type = WIRE_BUCKET_PULL,
                                        .bucket_pull = {.request = 5,
                                                        .home = stage->puppets[0].tag,
                                                        .epoch = STAGE_EPOCH,
                                                        .bucket = 7,
                                                        .after_index = shown}};
        stage_forget(stage);
        stage_say(stage, 1, &message);
        cr_assert(stage_heard(stage, 1, WIRE_BUCKET, 0, &message));
        cr_assert_eq(message.bucket.after_index, shown);
        shown += message.bucket.statements.count;
        is_last = message.bucket.is_last;
    }
    struct entry *held[64];
    cr_assert(is_last);
    cr_assert_eq(shown, root_bucket_entries(stage_log(stage, 0), 7, 0, held, 64));
    stage_free(stage);
}
