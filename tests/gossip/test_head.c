// SPDX-License-Identifier: Apache-2.0
/* test_head.c - a home's signed word on its log: proving, diverging, equivocating */
#include <criterion/criterion.h>

#include "tests/gossip/stage.h"

static const struct hash some_root = {{1, 2, 3}};
static const struct hash other_root = {{9, 9, 9}};

/* The blob is released. */
static enum head_verdict hear(struct stage *stage, struct blob *head)
{
    enum head_verdict verdict =
        head_on_statement(stage->core, blob_span(head), stage->puppets[1].member);
    stage_drain(stage);
    blob_release(head);
    return verdict;
}

static struct blob *true_head_of_two(struct stage *stage)
{
    const char *ids[] = {"p1", "p2"};
    uint64_t versions[] = {1, 2};
    return stage_true_head(stage, 0, 2, 2, ids, versions);
}

Test(head, root_that_equals_ours_proves_the_log)
{
    struct stage *stage = stage_new(true);
    stage_fill(stage, 0, 0, 2);
    cr_assert_eq(stage_log(stage, 0)->state, LOG_BEHIND, "nothing proves it yet");
    cr_assert_eq(hear(stage, true_head_of_two(stage)), HEAD_NEW);
    cr_assert_eq(stage_log(stage, 0)->state, LOG_PROVED);
    cr_assert_eq(stage_log(stage, 0)->behind_since_ms, 0);
    stage_free(stage);
}

Test(head, root_that_differs_is_a_divergence_and_repair_begins_at_home)
{
    struct stage *stage = stage_new(true);
    struct wire_message message;
    stage_fill(stage, 0, 0, 2);
    cr_assert_eq(hear(stage, stage_head(stage, 0, 2, &some_root)), HEAD_NEW);
    cr_assert_eq(stage_log(stage, 0)->state, LOG_DIVERGED);
    cr_assert(stage_heard(stage, 0, WIRE_ROOT_PULL, 0, &message));
    cr_assert_not(sync_is_converged(stage->core));
    stage_free(stage);
}

Test(head, root_not_compared_while_behind)
{
    struct stage *stage = stage_new(true);
    struct log *log = stage_log(stage, 0);
    stage_fill(stage, 0, 0, 1);
    cr_assert_eq(hear(stage, stage_head(stage, 0, 2, &some_root)), HEAD_NEW);
    cr_assert_eq(log->state, LOG_BEHIND, "a root of version 2 says nothing about version 1");
    cr_assert_neq(log->behind_since_ms, 0);
    stage_fill(stage, 0, 1, 2);
    cr_assert_eq(log->state, LOG_DIVERGED, "now it does");
    stage_free(stage);
}

Test(head, head_above_what_we_hold_is_pulled_from_whoever_showed_it)
{
    struct stage *stage = stage_new(true);
    struct wire_message message;
    stage_fill(stage, 0, 0, 1);
    stage_forget(stage);
    hear(stage, stage_head(stage, 0, 4, &some_root));
    cr_assert(stage_heard(stage, 1, WIRE_PULL, 0, &message));
    cr_assert_eq(message.pull.after, 1);
    stage_free(stage);
}

Test(head, operations_after_a_proof_do_not_undo_it)
{
    struct stage *stage = stage_new(true);
    stage_fill(stage, 0, 0, 2);
    hear(stage, true_head_of_two(stage));
    stage_fill(stage, 0, 2, 3);
    cr_assert_eq(stage_log(stage, 0)->state, LOG_PROVED);
    stage_free(stage);
}

Test(head, two_heads_of_one_version_are_evidence)
{
    struct stage *stage = stage_new(true);
    struct log *log = stage_log(stage, 0);
    stage_fill(stage, 0, 0, 2);
    hear(stage, true_head_of_two(stage));
    cr_assert_eq(hear(stage, stage_head(stage, 0, 2, &other_root)), HEAD_NEW, "passed on");
    cr_assert_eq(log->state, LOG_EQUIVOCATING);
    cr_assert_not_null(log->evidence);
    /* Frozen: neither its operations nor its HEADs are taken any more. */
    struct stage_list list;
    stage_list_begin(&list);
    stage_list_add(&list, stage_record(stage, 0, "p3", 3));
    struct wire_batch batch = stage_batch(stage, 0, 2, 3, 3, &list);
    cr_assert_eq(log_on_batch(stage->core, log, &batch), BATCH_KNOWN);
    cr_assert_eq(hear(stage, stage_head(stage, 0, 9, &some_root)), HEAD_STALE);
    cr_assert_eq(log->head.version, 2);
    cr_assert_not(sync_is_converged(stage->core));
    stage_free(stage);
}

Test(head, evidence_is_shown_to_whoever_asks_for_heads)
{
    struct stage *stage = stage_new(true);
    struct wire_message message;
    uint8_t bytes[32];
    struct wire_writer list = {bytes, 0, sizeof bytes, false};
    hear(stage, stage_head(stage, 0, 2, &some_root));
    hear(stage, stage_head(stage, 0, 2, &other_root));
    wire_put_array(&list, 2);
    wire_put_uint(&list, stage->puppets[0].tag);
    wire_put_uint(&list, STAGE_EPOCH);
    message =
        (struct wire_message){.type = WIRE_HEAD_PULL, .announce.entries = wire_list_of(&list, 1)};
    stage_forget(stage);
    stage_say(stage, 2, &message);
    cr_assert(stage_heard(stage, 2, WIRE_NEWS, 0, &message));
    cr_assert_eq(message.news.statements.count, 2);
    stage_free(stage);
}

Test(head, same_content_at_another_time_is_no_evidence)
{
    struct stage *stage = stage_new(true);
    struct log *log = stage_log(stage, 0);
    hear(stage, stage_head(stage, 0, 2, &some_root));
    struct head again = {.home = log->home,
                         .epoch = STAGE_EPOCH,
                         .version = 2,
                         .live_count = 2,
                         .root = some_root,
                         .wall_ms = 5};
    cr_assert_eq(hear(stage, statement_of_head(&again, &stage->puppets[0].pair, &stage->scope)),
                 HEAD_STALE);
    cr_assert_neq(log->state, LOG_EQUIVOCATING);
    stage_free(stage);
}

Test(head, old_head_has_no_effect)
{
    struct stage *stage = stage_new(true);
    struct log *log = stage_log(stage, 0);
    hear(stage, stage_head(stage, 0, 5, &some_root));
    uint64_t verified = stage->core->stats.signatures_verified;
    cr_assert_eq(hear(stage, stage_head(stage, 0, 4, &other_root)), HEAD_STALE);
    cr_assert_eq(log->head.version, 5);
    cr_assert_neq(log->state, LOG_EQUIVOCATING);
    cr_assert_eq(stage->core->stats.signatures_verified, verified, "nor does it cost anything");
    stage_free(stage);
}

/* Whoever has left a version behind must believe in what those hold who have not, or one node alone
 * would keep that log frozen. */
Test(head, two_heads_of_an_old_version_are_evidence)
{
    struct stage *stage = stage_new(true);
    struct log *log = stage_log(stage, 0);
    hear(stage, stage_head(stage, 0, 5, &some_root));
    cr_assert_eq(hear(stage, stage_head(stage, 0, 4, &some_root)), HEAD_STALE);
    cr_assert_eq(hear(stage, stage_head(stage, 0, 3, &other_root)), HEAD_STALE, "another version");
    cr_assert_eq(hear(stage, stage_head(stage, 1, 3, &some_root)), HEAD_NEW, "another log");
    struct blob *forged = stage_head(stage, 0, 3, &some_root);
    forged->bytes[3] ^= 1;
    cr_assert_eq(hear(stage, forged), HEAD_STALE, "not signed");
    cr_assert_neq(log->state, LOG_EQUIVOCATING);
    cr_assert_eq(hear(stage, stage_head(stage, 0, 3, &other_root)), HEAD_STALE);
    cr_assert_eq(hear(stage, stage_head(stage, 0, 3, &some_root)), HEAD_NEW, "passed on");
    cr_assert_eq(log->state, LOG_EQUIVOCATING);
    cr_assert_eq(log->head.version, 3);
    cr_assert_not_null(log->evidence);
    stage_free(stage);
}

Test(head, known_bytes_are_compared_not_verified)
{
    struct stage *stage = stage_new(true);
    hear(stage, stage_head(stage, 0, 5, &some_root));
    uint64_t verified = stage->core->stats.signatures_verified;
    cr_assert_eq(hear(stage, stage_head(stage, 0, 5, &some_root)), HEAD_KNOWN);
    cr_assert_eq(stage->core->stats.signatures_verified, verified);
    stage_free(stage);
}

Test(head, forged_head_changes_nothing)
{
    struct stage *stage = stage_new(true);
    struct log *log = stage_log(stage, 0);
    struct blob *head = stage_head(stage, 0, 5, &some_root);
    head->bytes[3] ^= 1;
    cr_assert_eq(hear(stage, head), HEAD_BAD);
    cr_assert_null(log->head_blob);
    cr_assert_eq(log->seen, 0);
    stage_free(stage);
}

static void register_peer(struct stage *stage, const char *peer_id)
{
    struct gossip_registration registration = {
        .peer = {.peer_id = span_of_text(peer_id),
                 .archetypes = {span_of_text("test")},
                 .archetype_count = 1,
                 .address = span_of_text("10.1.2.3"),
                 .port = 80,
                 .metadata = span_of_text("{}"),
                 .ttl_s = 300},
    };
    gossip_register(stage->core, stage->now, 1, &registration);
    stage_drain(stage);
}

Test(head, own_log_is_signed_a_delay_after_the_first_change)
{
    struct stage *stage = stage_new(true);
    struct log *own = stage->core->registry.own;
    struct head head;
    register_peer(stage, "mine-1");
    stage_run(stage, HEAD_DELAY_MS / 2);
    register_peer(stage, "mine-2");
    cr_assert_null(own->head_blob);
    stage_run(stage, HEAD_DELAY_MS / 2);
    cr_assert_not_null(own->head_blob, "a later change does not put it off");
    cr_assert(statement_read_head(blob_span(own->head_blob), &head));
    cr_assert_eq(head.version, 2);
    cr_assert_eq(head.live_count, 2);
    cr_assert_eq(own->state, LOG_PROVED);
    cr_assert_gt(stage_count(stage, WIRE_SPREAD_NEWS), 0U);
    uint64_t made = stage->core->stats.signatures_made;
    stage_run(stage, 2 * HEAD_DELAY_MS);
    cr_assert_eq(stage->core->stats.signatures_made, made, "and nothing is signed without one");
    stage_free(stage);
}

static enum head_verdict hear_own(struct stage *stage, uint64_t version, const struct hash *root)
{
    struct head head = {.home = stage->core->tag,
                        .epoch = stage->core->epoch,
                        .version = version,
                        .live_count = 1,
                        .root = *root,
                        .wall_ms = 5};
    return hear(stage, statement_of_head(&head, &stage->core->config.identity, &stage->scope));
}

/* Nobody else can have signed it: we did, in a life that we do not remember. */
Test(head, own_head_above_what_we_hold_ends_the_epoch)
{
    struct stage *stage = stage_new(true);
    uint64_t epoch = stage->core->epoch;
    register_peer(stage, "mine-1");
    stage_run(stage, HEAD_DELAY_MS);
    register_peer(stage, "mine-2");
    hear_own(stage, 2, &some_root);
    cr_assert_eq(stage->core->epoch, epoch, "it may be what we have just said");
    hear_own(stage, 3, &some_root);
    cr_assert_gt(stage->core->epoch, epoch);
    cr_assert_leq(stage->core->epoch, epoch + TWIN_EPOCHS);
    stage_free(stage);
}

Test(head, versions_are_reported_once_a_second_and_states_at_once)
{
    struct stage *stage = stage_new(true);
    stage_fill(stage, 0, 0, 2);
    hear(stage, true_head_of_two(stage));
    cr_assert_eq(stage->last_log.log.state, LOG_PROVED);
    cr_assert_eq(stage->last_log.log.tag, stage->puppets[0].tag);
    stage_run(stage, 3000);
    stage_forget(stage);
    for (uint64_t version = 2; version < 42; version++) {
        stage_fill(stage, 0, version, version + 1);
        stage_run(stage, 50);
    }
    cr_assert_geq(stage->log_events, 1U);
    cr_assert_leq(stage->log_events, 3U, "%zu reports in two seconds", stage->log_events);
    stage_run(stage, 1500);
    cr_assert_eq(stage->last_log.log.applied, 42, "the last version is told all the same");
    hear(stage, stage_head(stage, 0, 42, &other_root));
    cr_assert_eq(stage->last_log.log.state, LOG_DIVERGED);
    stage_free(stage);
}
