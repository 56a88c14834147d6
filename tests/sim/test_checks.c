// SPDX-License-Identifier: Apache-2.0
/* test_checks.c - the checkers that watch: each is fed one breach and says so, and says nothing of
 * the same world without it */
#include "sim/checks.h"

#include "gossip/core.h"
#include "sim/check_all.h"
#include "sim/cluster.h"

#include <criterion/criterion.h>

/* Six nodes that have been well for a while, and one peer at n0. */
static struct cluster *healthy(void)
{
    struct gossip_config config;

    gossip_config_defaults(&config);
    config.orphan_grace_ms = 3000;
    config.delete_keep_min_ms = 5000;
    config.old_member_probe_ms = 1000;
    struct cluster *c = cluster_new(&(struct cluster_options){.nodes = 6, .config = &config});
    cluster_boot(c);
    cluster_run_for(c, 12000);
    cr_assert_eq(cluster_register_ttl(c, 0, "printer", 15), RESULT_OK);
    cluster_run_for(c, 4000);
    cr_assert_eq(cluster_world(c)->failures, 0);
    return c;
}

/* That one broke, so often, and `others` besides. */
static void must_break(struct cluster *c, enum invariant which, uint64_t times, uint64_t others)
{
    struct world *world = cluster_world(c);

    cr_assert_gt(world->asked[which], 0, "I%d", (int)which);
    cr_assert_eq(world->broken[which], times, "I%d broke %lu times", (int)which,
                 (unsigned long)world->broken[which]);
    cr_assert_eq(cluster_failures(c), times + others);
    cluster_free(c);
}

static struct gossip_event about_printer(struct cluster *c, enum gossip_event_kind kind)
{
    struct gossip_event event = {.kind = kind};
    struct gossip_peer_info peer;

    cr_assert(gossip_peer_find(cluster_core(c, 1), span_of_text("printer"), &peer));
    event.peer.record = blob_new(blob_span(peer.record));
    event.peer.home = peer.home;
    event.peer.epoch = peer.epoch;
    event.peer.version = peer.version;
    return event;
}

static struct gossip_event about_member(struct cluster *c, size_t member, enum member_state state)
{
    struct gossip_event event = {.kind = GOSSIP_EVENT_MEMBER};
    struct gossip_member_info info;

    cr_assert(gossip_member_find(cluster_core(c, 1), cluster_tag(c, member), &info));
    event.member.tag = info.tag;
    event.member.state = state;
    event.member.epoch = info.epoch;
    event.member.incarnation = info.incarnation;
    event.member.alive = blob_new(blob_span(info.alive));
    return event;
}

static void happen(struct cluster *c, size_t node, struct gossip_event *event)
{
    checks_on_event(cluster_world(c), node, event);
    gossip_event_release(event);
}

static struct seen_peer *printer_at(struct cluster *c, size_t node)
{
    struct world *world = cluster_world(c);

    return &world->nodes[node].seen.peers[intern_find(&world->peer_ids, span_of_text("printer"))];
}

Test(checks, i1_a_log_that_goes_back)
{
    struct cluster *c = healthy();
    struct gossip_event event = {.kind = GOSSIP_EVENT_LOG};

    event.log.tag = cluster_tag(c, 0);
    event.log.epoch = cluster_epoch(c, 0);
    event.log.applied = 1;
    happen(c, 1, &event);
    cr_assert_eq(cluster_world(c)->failures, 0);
    event.kind = GOSSIP_EVENT_LOG;
    event.log.applied = 0;
    happen(c, 1, &event);
    must_break(c, I1, 1, 0);
}

Test(checks, i2_a_record_with_another_signature)
{
    struct cluster *c = healthy();
    struct gossip_event event = about_printer(c, GOSSIP_EVENT_PEER_UPDATE);

    event.peer.record->bytes[5] ^= 1;
    happen(c, 1, &event);
    must_break(c, I2, 1, 0);
}

Test(checks, i3_a_set_after_its_delete)
{
    struct cluster *c = healthy();
    struct gossip_event event = about_printer(c, GOSSIP_EVENT_PEER_UP);

    cr_assert_eq(cluster_deregister(c, 0, "printer"), RESULT_OK);
    cluster_run_for(c, 1500);
    cr_assert_eq(cluster_world(c)->failures, 0);
    happen(c, 1, &event);
    must_break(c, I3, 1, 0);
}

Test(checks, i4_and_i8_a_death_that_nobody_asked_for)
{
    struct cluster *c = healthy();
    struct gossip_event event = about_member(c, 2, MEMBER_DEAD);

    happen(c, 1, &event);
    cr_assert_eq(cluster_world(c)->broken[I8], 1);
    must_break(c, I4, 1, 1);
}

/* Three say so; one of them never did. */
Test(checks, i4_an_accusation_that_its_accuser_never_made)
{
    struct cluster *c = healthy();

    cluster_crash(c, 2);
    cluster_run_for(c, 1);
    struct gossip_event death = about_member(c, 2, MEMBER_DEAD);
    for (size_t accuser = 3; accuser < 6; accuser++) {
        struct gossip_event event = {.kind = GOSSIP_EVENT_ACCUSED};

        event.accused.accuser = cluster_tag(c, accuser);
        event.accused.subject = cluster_tag(c, 2);
        event.accused.epoch = death.member.epoch;
        event.accused.incarnation = death.member.incarnation;
        if (accuser < 5)
            checks_on_event(cluster_world(c), accuser, &event);
        checks_on_event(cluster_world(c), 1, &event);
    }
    happen(c, 1, &death);
    must_break(c, I4, 1, 0);
}

Test(checks, i5_a_life_that_nobody_lived)
{
    struct cluster *c = healthy();
    struct gossip_event event = about_member(c, 2, MEMBER_ALIVE);

    event.member.incarnation++;
    happen(c, 1, &event);
    must_break(c, I5, 1, 0);
}

Test(checks, i6_views_that_stay_unequal)
{
    struct cluster *c = healthy();

    checks_on_heal(cluster_world(c));
    cluster_world(c)->nodes[3].seen.digest++;
    cluster_run_for(c, 30000);
    cr_assert_eq(cluster_world(c)->failures, 0, "it has time");
    cluster_run_for(c, 60000);
    must_break(c, I6, 1, 0);
}

Test(checks, i7_a_crash_that_one_does_not_know_of)
{
    struct cluster *c = healthy();
    struct world *world = cluster_world(c);
    uint64_t bound_us = bound_detect_us(&world->config, 6);
    size_t number = world->nodes[2].number;

    cluster_crash(c, 2);
    cluster_run_for(c, bound_us / 1000 - 100);
    struct seen_member *seen = pages_write(&world->nodes[4].seen.members, number);
    cr_assert_eq(seen->state, MEMBER_DEAD);
    seen->state = MEMBER_SUSPECT;
    cluster_run_for(c, 1500);
    must_break(c, I7, 1, 0);
}

Test(checks, i9_a_peer_that_outlives_its_client)
{
    struct cluster *c = healthy();
    struct world *world = cluster_world(c);

    cluster_run_for(c, bound_served_us(&world->config, 6, 15) / 1000 - 5000);
    cr_assert_not(cluster_sees_peer(c, 3, "printer"));
    printer_at(c, 3)->is_visible = true;
    cluster_run_for(c, 12000);
    cr_assert_gt(world->broken[I9], 0);
    must_break(c, I9, world->broken[I9], 0);
}

Test(checks, i10_a_blink)
{
    struct cluster *c = healthy();
    struct gossip_event event = about_printer(c, GOSSIP_EVENT_PEER_DOWN);

    event.peer.reason = PEER_DOWN_SWEPT;
    cluster_run_for(c, 4000);
    happen(c, 1, &event);
    must_break(c, I10, 1, 0);
}

Test(checks, i10_a_peer_that_one_does_not_see)
{
    struct cluster *c = healthy();

    cr_assert_eq(cluster_register(c, 1, "scanner"), RESULT_OK);
    cluster_run_for(c, 500);
    struct world *world = cluster_world(c);
    size_t number = intern_find(&world->peer_ids, span_of_text("scanner"));
    world->nodes[4].seen.peers[number].is_visible = false;
    cluster_run_for(c, 8000);
    must_break(c, I10, 1, 0);
}

Test(checks, i11_bytes_that_the_core_does_not_count)
{
    struct cluster *c = healthy();
    struct addr addr = cluster_addr(c, 1);
    uint8_t packet[100] = {SEAL_VERSION_BYTE};

    checks_on_packet_out(cluster_world(c), 0, &addr, packet, sizeof(packet));
    cluster_run_for(c, 1000);
    must_break(c, I11, 1, 0);
}

Test(checks, i11_more_bytes_than_its_cap)
{
    struct cluster *c = healthy();

    cluster_world(c)->config.egress_bytes_per_s = 100; /* what the checker believes */
    cluster_run_for(c, 20000);
    cr_assert_gt(cluster_world(c)->broken[I11], 0);
    must_break(c, I11, cluster_world(c)->broken[I11], 0);
}

Test(checks, i12_more_members_than_there_ever_were)
{
    struct cluster *c = healthy();

    cluster_world(c)->checks->identity_count = 5;
    cluster_run_for(c, 10000);
    must_break(c, I12, 6, 0);
}

Test(checks, i13_bytes_to_somebody_who_never_spoke)
{
    struct cluster *c = healthy();
    struct world *world = cluster_world(c);
    struct addr victim = {.family = ADDR_IPV4, .ip = {192, 0, 2, 1}, .port = 9};
    uint8_t packet[100] = {SEAL_VERSION_BYTE};

    checks_on_packet_in(world, 0, &victim, SIZE_MAX, 150);
    checks_on_packet_out(world, 0, &victim, packet, sizeof(packet));
    world->checks->nodes[0].bytes_out -= sizeof(packet);
    cluster_run_for(c, 1000);
    cr_assert_eq(world->failures, 0);
    packet[10] = 1;
    checks_on_packet_out(world, 0, &victim, packet, sizeof(packet));
    world->checks->nodes[0].bytes_out -= sizeof(packet);
    cluster_run_for(c, 1000);
    must_break(c, I13, 1, 0);
}

/* Who answered after he was asked is there. */
Test(checks, i13_an_address_that_answers_is_proved)
{
    struct cluster *c = healthy();
    struct world *world = cluster_world(c);
    struct addr moved = {.family = ADDR_IPV4, .ip = {192, 0, 2, 1}, .port = 9};

    checks_on_packet_in(world, 0, &moved, 1, 100);
    check_address_out(world, 0, &moved, 100);
    check_address_out(world, 0, &moved, 100);
    cr_assert_eq(world->checks->suspect_count, 1);
    checks_on_packet_in(world, 0, &moved, 1, 10);
    check_address_out(world, 0, &moved, 1000);
    cr_assert_eq(world->checks->suspect_count, 1);
    cluster_run_for(c, 1000);
    must_break(c, I13, 1, 0);
}

Test(checks, i16_a_limit_that_never_opens)
{
    struct cluster *c = healthy();

    checks_on_heal(cluster_world(c));
    cluster_core(c, 2)->config.egress_bytes_per_s = 4;
    cluster_run_for(c, 30000);
    cr_assert_eq(cluster_world(c)->broken[I16], 0, "it has time");
    cluster_run_for(c, 90000);
    cr_assert_gt(cluster_world(c)->broken[I16], 0);
    cluster_failures(c);
    cluster_free(c);
}

Test(checks, i18_a_nonce_is_remembered_for_long)
{
    struct cluster *c = cluster_new(&(struct cluster_options){.nodes = 1});
    struct addr own = cluster_addr(c, 0);
    uint8_t packet[100] = {SEAL_VERSION_BYTE};

    for (uint32_t i = 0; i < 200000; i++) {
        memcpy(packet + 10, &i, sizeof(i));
        checks_on_packet_out(cluster_world(c), 0, &own, packet, sizeof(packet));
    }
    cr_assert_eq(cluster_world(c)->failures, 0);
    uint32_t first = 7;
    memcpy(packet + 10, &first, sizeof(first));
    checks_on_packet_out(cluster_world(c), 0, &own, packet, sizeof(packet));
    must_break(c, I18, 1, 0);
}

/* What it says in the other's name is a liar's word, and stays one when it has another key (swarm,
 * seed 924885597: a death by three words, of which one was said to be nobody's). */
Test(checks, a_liar_with_a_copied_key_lies_in_the_others_name)
{
    struct cluster *c = healthy();
    struct world *world = cluster_world(c);
    uint64_t tag = cluster_tag(c, 1);

    cluster_start_copy(c, 1, 2);
    cr_assert_not(check_is_liar(world, tag));
    checks_on_lie(world, 2);
    cr_assert(check_is_liar(world, tag));
    cluster_restart(c, 2, DISK_NONE);
    cr_assert(check_is_liar(world, tag), "it has lied with that key");
    cr_assert_not(check_is_liar(world, cluster_tag(c, 0)));
    cluster_free(c);
}
