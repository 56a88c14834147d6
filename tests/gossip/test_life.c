// SPDX-License-Identifier: Apache-2.0
/* test_life.c - precedence of ALIVE and LEFT, refutation, epochs, our key elsewhere */
#include <criterion/criterion.h>

#include "tests/gossip/cast.h"

static void set_state(struct cast *cast, size_t actor, enum member_state state)
{
    member_set_state(cast->core, cast_member(cast, actor), state, (int64_t)cast->now.mono_ms);
}

/* An ALIVE that our own key signed somewhere else. */
static struct blob *own_at(const struct cast *cast, uint64_t epoch, uint64_t incarnation,
                           const struct addr *addr)
{
    struct gossip_config config;
    cast_config(&config);
    struct alive alive = {.id = config.identity.public,
                          .epoch = epoch,
                          .incarnation = incarnation,
                          .name = span_of_text("twin"),
                          .zone = span_of_text(""),
                          .http_url = span_of_text(""),
                          .addresses = {*addr},
                          .address_count = 1,
                          .protocol_version = PROTOCOL_VERSION};
    return statement_of_alive(&alive, &config.identity, &cast->scope);
}

static enum news_verdict give_own_at(struct cast *cast, uint64_t epoch, uint64_t incarnation,
                                     const struct addr *addr)
{
    struct member *member;
    struct blob *blob = own_at(cast, epoch, incarnation, addr);
    enum news_verdict verdict = members_on_alive(cast->core, blob_span(blob), &member);
    blob_release(blob);
    return verdict;
}

static enum news_verdict give_own(struct cast *cast, uint64_t epoch, uint64_t incarnation)
{
    return give_own_at(cast, epoch, incarnation, &cast->actors[0].addr);
}

Test(life, a_higher_pair_wins_and_a_lower_one_is_stale)
{
    struct cast *cast = cast_new(NULL, 1, 1);
    cr_assert_eq(cast_give_alive(cast, 0, CAST_EPOCH, 5), NEWS_NEW);
    cr_assert_eq(cast_give_alive(cast, 0, CAST_EPOCH, 5), NEWS_KNOWN);
    cr_assert_eq(cast_give_alive(cast, 0, CAST_EPOCH, 4), NEWS_STALE);
    cr_assert_eq(cast_give_alive(cast, 0, CAST_EPOCH + 1, 1), NEWS_NEW, "the epoch counts first");
    cr_assert_eq(cast_give_alive(cast, 0, CAST_EPOCH, 99), NEWS_STALE);
    cr_assert_eq(cast_member(cast, 0)->life->epoch, CAST_EPOCH + 1);
    cr_assert_eq(cast_member(cast, 0)->life->incarnation, 1);
    cast_free(cast);
}

Test(life, only_the_subject_raises_its_life)
{
    struct cast *cast = cast_new(NULL, 2, 2);
    struct member *member;
    struct blob *blob = cast_alive(cast, 0, CAST_EPOCH, 2);
    struct blob *forged = blob_new(blob_span(blob));
    forged->bytes[3] ^= 1;
    cr_assert_eq(members_on_alive(cast->core, blob_span(forged), &member), NEWS_BAD);
    cr_assert_eq(cast_member(cast, 0)->life->incarnation, 1);
    blob_release(forged);
    blob_release(blob);
    cast_free(cast);
}

Test(life, what_is_known_costs_no_verification)
{
    struct cast *cast = cast_new(NULL, 1, 1);
    uint64_t verified = cast->core->stats.signatures_verified;
    cast_give_alive(cast, 0, CAST_EPOCH, 1);
    cast_give_left(cast, 0, CAST_EPOCH, 2);
    cr_assert_eq(cast->core->stats.signatures_verified, verified);
    cast_free(cast);
}

Test(life, malformed_statements_change_nothing)
{
    struct cast *cast = cast_new(NULL, 1, 1);
    struct member *member;
    struct blob *blob = cast_alive(cast, 0, CAST_EPOCH, 2);
    for (size_t len = 0; len < blob->len; len++)
        cr_assert_eq(members_on_alive(cast->core, span_of(blob->bytes, len), &member), NEWS_BAD);
    cr_assert_eq(cast_member(cast, 0)->life->incarnation, 1);
    blob_release(blob);
    cast_free(cast);
}

Test(life, at_an_equal_pair_left_wins_over_dead)
{
    struct cast *cast = cast_new(NULL, 3, 3);
    set_state(cast, 0, MEMBER_DEAD);
    cr_assert_eq(cast_give_left(cast, 0, CAST_EPOCH, 1), NEWS_NEW);
    cr_assert_eq(cast_state(cast, 0), MEMBER_LEFT);
    cr_assert_eq(cast_give_left(cast, 0, CAST_EPOCH, 1), NEWS_KNOWN);
    cast_free(cast);
}

Test(life, stale_alive_does_not_resurrect)
{
    struct cast *cast = cast_new(NULL, 3, 3);
    set_state(cast, 0, MEMBER_DEAD);
    cast_give_left(cast, 1, CAST_EPOCH, 1);
    cr_assert_eq(cast_give_alive(cast, 0, CAST_EPOCH, 1), NEWS_KNOWN);
    cr_assert_eq(cast_give_alive(cast, 1, CAST_EPOCH, 1), NEWS_KNOWN);
    cr_assert_eq(cast_give_alive(cast, 0, CAST_EPOCH - 1, 100), NEWS_STALE);
    cr_assert_eq(cast_state(cast, 0), MEMBER_DEAD);
    cr_assert_eq(cast_state(cast, 1), MEMBER_LEFT);
    cast_free(cast);
}

Test(life, a_higher_incarnation_revives_the_dead)
{
    struct cast *cast = cast_new(NULL, 3, 3);
    set_state(cast, 0, MEMBER_DEAD);
    cr_assert_eq(cast_give_alive(cast, 0, CAST_EPOCH, 2), NEWS_NEW);
    cr_assert_eq(cast_state(cast, 0), MEMBER_ALIVE);
    cast_free(cast);
}

Test(life, left_counts_for_the_life_that_it_names_only)
{
    struct cast *cast = cast_new(NULL, 1, 1);
    cast_give_alive(cast, 0, CAST_EPOCH, 3);
    cr_assert_eq(cast_give_left(cast, 0, CAST_EPOCH, 2), NEWS_STALE);
    cr_assert_eq(cast_give_left(cast, 0, CAST_EPOCH, 4), NEWS_STALE);
    cr_assert_eq(cast_state(cast, 0), MEMBER_ALIVE);
    cr_assert_eq(cast_give_left(cast, 0, CAST_EPOCH, 3), NEWS_NEW);
    cast_free(cast);
}

Test(life, nobody_says_left_for_somebody_else)
{
    struct cast *cast = cast_new(NULL, 2, 2);
    struct left left = {cast->actors[0].tag, CAST_EPOCH, 1};
    struct blob *blob = statement_of_left(&left, &cast->actors[1].pair, &cast->scope);
    cr_assert_eq(members_on_left(cast->core, blob_span(blob)), NEWS_BAD);
    cr_assert_eq(cast_state(cast, 0), MEMBER_ALIVE);
    blob_release(blob);
    cast_free(cast);
}

Test(life, a_new_epoch_must_be_introduced_to_again)
{
    struct cast *cast = cast_new(NULL, 1, 1);
    cast_member(cast, 0)->is_seen = true;
    cast_give_alive(cast, 0, CAST_EPOCH, 2);
    cr_assert(cast_member(cast, 0)->is_seen);
    cast_give_alive(cast, 0, CAST_EPOCH + 1, 1);
    cr_assert_not(cast_member(cast, 0)->is_seen);
    cast_free(cast);
}

Test(life, the_dead_are_introduced_to_again)
{
    struct cast *cast = cast_new(NULL, 3, 3);
    cast_member(cast, 0)->is_seen = true;
    set_state(cast, 0, MEMBER_DEAD);
    cr_assert_not(cast_member(cast, 0)->is_seen);
    cast_free(cast);
}

Test(life, a_refutation_is_higher_signed_spread_and_told_to_the_host)
{
    struct cast *cast = cast_new(NULL, 3, 3);
    members_refute(cast->core, 0);
    cast_drain(cast);
    cr_assert_eq(cast->core->members.self->life->incarnation, 2);
    members_refute(cast->core, 10);
    cr_assert_eq(cast->core->members.self->life->incarnation, 10);
    cr_assert_eq(cast->core->stats.refutations_made, 2);
    cast_drain(cast);
    cr_assert(cast_count(cast, WIRE_SPREAD_NEWS) >= 2);
    const struct gossip_event *event = cast_event(cast, GOSSIP_EVENT_MEMBER);
    cr_assert(event->member.is_self);
    cr_assert_eq(event->member.incarnation, 10);
    cast_free(cast);
}

Test(life, who_leaves_does_not_object)
{
    struct cast *cast = cast_new(NULL, 3, 3);
    gossip_leave(cast->core, cast->now);
    members_refute(cast->core, 0);
    cr_assert_eq(cast->core->members.self->life->incarnation, 1);
    cast_free(cast);
}

Test(life, our_key_at_a_higher_incarnation_is_refuted_above_it)
{
    struct cast *cast = cast_new(NULL, 2, 2);
    cr_assert_eq(give_own(cast, CAST_EPOCH, 7), NEWS_KNOWN);
    cr_assert_eq(cast->core->members.self->life->incarnation, 8);
    /* ... but not at the network's speed. */
    cr_assert_eq(give_own(cast, CAST_EPOCH, 9), NEWS_KNOWN);
    cr_assert_eq(cast->core->members.self->life->incarnation, 8);
    cast_run(cast, 1001);
    cr_assert_eq(give_own(cast, CAST_EPOCH, 9), NEWS_KNOWN);
    cr_assert_eq(cast->core->members.self->life->incarnation, 10);
    cast_free(cast);
}

Test(life, our_key_at_a_higher_epoch_stops_us)
{
    struct cast *cast = cast_new(NULL, 2, 2);
    cr_assert_eq(give_own(cast, CAST_EPOCH + 1, 1), NEWS_KNOWN);
    cr_assert(cast->core->is_stopped);
    cast_drain(cast);
    const struct gossip_event *event = cast_event(cast, GOSSIP_EVENT_CONFLICT);
    cr_assert_eq(event->conflict.what, CONFLICT_KEY_HIGHER);
    cr_assert(addr_equal(&event->conflict.addr, &cast->actors[0].addr));
    cr_assert_eq(gossip_deadline_ms(cast->core), UINT64_MAX);
    cast_free(cast);
}

/* Nobody else could tell the two apart. */
Test(life, our_key_in_our_very_life_elsewhere_makes_us_leave_it)
{
    struct cast *cast = cast_new(NULL, 2, 2);
    uint64_t incarnation = cast->core->members.self->life->incarnation;
    cr_assert_eq(give_own_at(cast, CAST_EPOCH, incarnation, &cast->core->config.addresses[0]),
                 NEWS_KNOWN);
    cr_assert_eq(cast->core->epoch, CAST_EPOCH, "that is we");
    cr_assert_eq(give_own_at(cast, CAST_EPOCH, incarnation, &cast->actors[0].addr), NEWS_KNOWN);
    cr_assert_not(cast->core->is_stopped);
    cr_assert_gt(cast->core->epoch, CAST_EPOCH);
    cr_assert_leq(cast->core->epoch, CAST_EPOCH + TWIN_EPOCHS);
    cast_free(cast);
}

Test(life, a_later_life_at_our_own_address_is_our_past)
{
    struct cast *cast = cast_new(NULL, 2, 2);
    cr_assert_eq(give_own_at(cast, CAST_EPOCH + 9, 1, &cast->core->config.addresses[0]),
                 NEWS_KNOWN);
    cr_assert_not(cast->core->is_stopped);
    cr_assert_eq(cast->core->epoch, CAST_EPOCH + 10);
    cast_free(cast);
}

/* Of two whose lives are over to one another neither would else be told (swarm, seed 70582 of 4
 * minutes): a clock went back with the one, the key of the other lived on elsewhere. */
Test(life, whoever_is_past_here_may_show_us_our_own_later_life)
{
    struct cast *cast = cast_new(NULL, 2, 2);
    const struct actor *past = &cast->actors[0];
    uint8_t bytes[MESSAGE_MAX_BYTES];
    struct wire_writer list = {bytes, 0, sizeof bytes, false};
    struct blob *own = own_at(cast, CAST_EPOCH + 9, 1, &cast->core->config.addresses[0]);
    struct blob *other = cast_alive(cast, 1, CAST_EPOCH + 9, 1);
    struct wire_header header = {past->tag, CAST_EPOCH - 1, cast->core->tag, 7};
    wire_put_bin(&list, blob_span(other));
    wire_put_bin(&list, blob_span(own));
    struct wire_message news = {.type = WIRE_NEWS, .news.statements = wire_list_of(&list, 2)};
    cr_assert_eq(cast_say_as(cast, &header, &past->addr, &news), DROP_REPLAYED);
    cr_assert_eq(cast->core->epoch, CAST_EPOCH + 10);
    cr_assert_eq(cast_member(cast, 1)->life->epoch, CAST_EPOCH, "that is all that it may");
    blob_release(own);
    blob_release(other);
    cast_free(cast);
}

Test(life, a_forged_claim_about_us_does_nothing)
{
    struct cast *cast = cast_new(NULL, 2, 2);
    struct gossip_config config;
    struct member *member;
    cast_config(&config);
    struct alive alive = {.id = config.identity.public,
                          .epoch = CAST_EPOCH + 1,
                          .incarnation = 1,
                          .name = span_of_text("twin"),
                          .zone = span_of_text(""),
                          .http_url = span_of_text(""),
                          .addresses = {cast->actors[0].addr},
                          .address_count = 1,
                          .protocol_version = PROTOCOL_VERSION};
    struct blob *blob = statement_of_alive(&alive, &cast->actors[0].pair, &cast->scope);
    cr_assert_eq(members_on_alive(cast->core, blob_span(blob), &member), NEWS_BAD);
    cr_assert_not(cast->core->is_stopped);
    blob_release(blob);
    cast_free(cast);
}

Test(life, a_raised_epoch_begins_anew_and_is_persisted)
{
    struct cast *cast = cast_new(NULL, 2, 2);
    cast_member(cast, 0)->is_seen = true;
    members_raise_epoch(cast->core, CAST_EPOCH + 5);
    cast_drain(cast);
    cr_assert_eq(cast->core->epoch, CAST_EPOCH + 5);
    cr_assert_eq(cast->core->members.self->life->epoch, CAST_EPOCH + 5);
    cr_assert_eq(cast->core->members.self->life->incarnation, 1);
    cr_assert_eq(cast_event(cast, GOSSIP_EVENT_EPOCH)->epoch.epoch, CAST_EPOCH + 5);
    cr_assert_not(cast_member(cast, 0)->is_seen, "nobody knows the new life yet");
    cr_assert_eq(cast->core->registry.own->epoch, CAST_EPOCH + 5);
    cast_free(cast);
}
