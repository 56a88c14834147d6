// SPDX-License-Identifier: Apache-2.0
/* test_accusers.c - how much of one accuser's word is listened to */
#include <criterion/criterion.h>

#include "tests/gossip/cast.h"

enum { ACTORS = 6 };

static struct cast *listeners(enum gossip_detector detector)
{
    struct gossip_config config;
    cast_config(&config);
    config.detector = detector;
    config.probe_interval_ms = 1000;
    return cast_new(&config, ACTORS, ACTORS);
}

/* Accuses actor 1 until it no longer counts; each word is about its present life. */
static size_t words_that_count(struct cast *cast, uint64_t *stamp)
{
    size_t count = 0;
    while (count < 1000 && cast_accuse(cast, 0, 1, ++*stamp) == ACCUSATION_NEW)
        count++;
    return count;
}

/* Else one member could make everybody verify, relay and believe as fast as it can sign. */
Test(accusers, one_accusers_words_are_counted)
{
    struct cast *cast = listeners(DETECTOR_AURORA);
    uint64_t stamp = CAST_WALL_MS;
    cr_assert_eq(words_that_count(cast, &stamp), ACCUSATIONS_BURST);
    cr_assert_eq(cast_accuse(cast, 0, 1, ++stamp), ACCUSATION_EXCESS);
    cr_assert_eq(cast_accuse(cast, 2, 1, ++stamp), ACCUSATION_NEW, "another's are its own");
    cast->now.mono_ms += 1000;
    gossip_tick(cast->core, cast->now);
    cr_assert_eq(words_that_count(cast, &stamp), ACCUSATIONS_PER_INTERVAL);
    cast_free(cast);
}

Test(accusers, what_is_too_much_is_not_even_verified_nor_passed_on)
{
    struct cast *cast = listeners(DETECTOR_AURORA);
    uint64_t stamp = CAST_WALL_MS;
    words_that_count(cast, &stamp);
    cast_drain(cast);
    cast_forget(cast);
    uint64_t verified = cast->core->stats.signatures_verified;
    struct blob *blob = cast_accusation(cast, 0, cast->actors[1].tag, CAST_EPOCH, 1, ++stamp);
    uint8_t bytes[STATEMENT_MAX_BYTES + 8];
    struct wire_writer list = {bytes, 0, sizeof bytes, false};
    wire_put_bin(&list, blob_span(blob));
    struct wire_message news = {.type = WIRE_SPREAD_NEWS,
                                .spread = {.token = 5,
                                           .arc_low = cast->core->tag,
                                           .arc_high = cast->core->tag,
                                           .statements = wire_list_of(&list, 1)}};
    cr_assert_eq(cast_say(cast, 0, &news), DROP_NONE);
    cast_drain(cast);
    cr_assert_eq(cast_count(cast, WIRE_HOP_ACKS), 1, "or it would be sent six times");
    cr_assert_eq(cast_count(cast, WIRE_SPREAD_NEWS), 0);
    cr_assert_eq(cast->core->stats.signatures_verified, verified);
    blob_release(blob);
    cast_free(cast);
}

/* The forger would else use up the words of whoever it names. */
Test(accusers, a_forged_word_is_nobodys)
{
    struct cast *cast = listeners(DETECTOR_AURORA);
    uint64_t stamp = CAST_WALL_MS;
    for (int i = 0; i < 2 * ACCUSATIONS_BURST; i++) {
        struct blob *blob = cast_accusation(cast, 0, cast->actors[1].tag, CAST_EPOCH, 1, ++stamp);
        blob->bytes[3] ^= 1;
        cr_assert_eq(suspicion_on_accusation(cast->core, blob_span(blob)), ACCUSATION_BAD);
        blob_release(blob);
    }
    cr_assert_eq(words_that_count(cast, &stamp), ACCUSATIONS_BURST);
    cast_free(cast);
}

/* Lifeguard: to be suspected is a sign that we are ill; but one liar makes nobody ill. */
Test(accusers, fewer_than_a_quorum_make_us_doubt_them_and_not_ourselves)
{
    struct cast *cast = listeners(DETECTOR_AURORA);
    uint64_t stamp = CAST_WALL_MS;
    for (int i = 0; i < 10; i++) {
        cr_assert_eq(cast_accuse_core(cast, 0, ++stamp), ACCUSATION_NEW);
        cr_assert_eq(cast_accuse_core(cast, 1, ++stamp), ACCUSATION_NEW);
    }
    cr_assert_eq(cast->core->stats.refutations_made, 20);
    cr_assert_eq(cast->core->detector.health, 0);
    cr_assert_eq(cast_accuse_core(cast, 2, ++stamp), ACCUSATION_NEW);
    cr_assert_eq(cast->core->detector.health, 1, "a quorum is something else");
    cast->now.mono_ms += suspicion_max_ms(cast->core) + 1;
    gossip_tick(cast->core, cast->now);
    uint32_t health = cast->core->detector.health;
    cr_assert_eq(cast_accuse_core(cast, 0, ++stamp), ACCUSATION_NEW);
    cr_assert_eq(cast->core->detector.health, health, "not when it was long ago");
    cast_free(cast);
}

Test(accusers, we_answer_one_accuser_only_so_often)
{
    struct cast *cast = listeners(DETECTOR_AURORA);
    uint64_t stamp = CAST_WALL_MS;
    for (int i = 0; i < 500; i++)
        cast_accuse_core(cast, 0, ++stamp);
    cr_assert_eq(cast->core->stats.refutations_made, ACCUSATIONS_BURST);
    cast_free(cast);
}

Test(accusers, swim_and_lifeguard_know_no_limit)
{
    struct cast *cast = listeners(DETECTOR_LIFEGUARD);
    uint64_t stamp = CAST_WALL_MS;
    cr_assert_eq(words_that_count(cast, &stamp), 1000);
    cr_assert_eq(cast_accuse_core(cast, 0, ++stamp), ACCUSATION_NEW);
    cr_assert_eq(cast->core->detector.health, 1);
    cast_free(cast);
}
