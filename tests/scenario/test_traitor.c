// SPDX-License-Identifier: Apache-2.0
/* test_traitor.c - members that hold the cluster's key and lie: what they say goes out through
 * their own, otherwise honest cores */
#include "gossip/core.h"
#include "sim/cluster.h"

#include <criterion/criterion.h>

/* Says these statements to everybody but `except` (SIZE_MAX: to everybody). Releases them. */
static void say(struct cluster *c, size_t traitor, size_t except, struct blob *const *statements,
                size_t count)
{
    struct gossip *core = cluster_core(c, traitor);
    uint8_t bytes[PACKET_MAX_BYTES];
    struct wire_writer list = {bytes, 0, MESSAGE_MAX_BYTES - 8, false};

    for (size_t i = 0; i < count; i++)
        wire_put_bin(&list, blob_span(statements[i]));
    cr_assert_not(list.overflowed);
    struct wire_message news = {.type = WIRE_NEWS,
                                .news.statements = wire_list_of(&list, (uint32_t)count)};
    for (size_t i = 0; i < cluster_nodes(c); i++) {
        struct member *member = members_find(core, cluster_tag(c, i));

        if (i != traitor && i != except && member != NULL)
            outbox_send(core, member, PRIORITY_PROBE, &news);
    }
    cluster_drain(c, traitor);
    for (size_t i = 0; i < count; i++)
        blob_release(statements[i]);
}

static struct gossip_member_info life_of(struct cluster *c, size_t node)
{
    struct gossip_member_info info;

    cr_assert(gossip_member_find(cluster_core(c, node), cluster_tag(c, node), &info));
    return info;
}

static struct blob *accusation_of(struct cluster *c, size_t traitor, size_t subject, uint64_t epoch,
                                  uint64_t incarnation)
{
    struct gossip *core = cluster_core(c, traitor);
    struct accusation accusation = {core->tag, cluster_tag(c, subject), epoch, incarnation,
                                    ++core->stamp};

    return statement_of_accusation(&accusation, &core->config.identity, &core->scope);
}

/* Only the subject raises its (epoch, incarnation), and only the subject leaves. */
Test(traitor, a_life_that_its_subject_never_signed_is_void)
{
    struct cluster *c = cluster_new(&(struct cluster_options){.nodes = 5, .seed = 21});

    cluster_boot(c);
    struct gossip *traitor = cluster_core(c, 4);
    struct gossip_member_info life = life_of(c, 1);
    struct alive alive;
    cr_assert(statement_read_alive(blob_span(life.alive), &alive));
    alive.incarnation += 5;
    struct left left = {cluster_tag(c, 1), life.epoch, life.incarnation};
    struct blob *lies[] = {
        statement_of_alive(&alive, &traitor->config.identity, &traitor->scope),
        statement_of_left(&left, &traitor->config.identity, &traitor->scope),
        accusation_of(c, 4, 1, life.epoch, life.incarnation + 5),
        accusation_of(c, 4, 1, life.epoch + 1, 1),
    };
    for (size_t i = 0; i < sizeof lies / sizeof *lies; i++)
        say(c, 4, SIZE_MAX, &lies[i], 1);
    cluster_run_for(c, 20000);
    cr_assert(cluster_holds_everywhere(c, all_alive()));
    for (size_t i = 0; i < 4; i++) {
        struct gossip_member_info seen;
        cr_assert(gossip_member_find(cluster_core(c, i), cluster_tag(c, 1), &seen));
        cr_assert_eq(seen.epoch, life.epoch);
        cr_assert_eq(seen.incarnation, life.incarnation, "n%zu was made to answer a lie", i);
    }
    cr_assert(cluster_check(c));
    cluster_free(c);
}

/* Even a quorum of liars: whoever is told that it is suspected objects, and each accusation is
 * about the life before. They never tell it themselves. */
Test(traitor, whoever_answers_outlives_a_quorum_of_accusers)
{
    struct cluster *c = cluster_new(&(struct cluster_options){.nodes = 6, .seed = 22});

    cluster_boot(c);
    for (int round = 0; round < 20; round++) {
        struct gossip_member_info life = life_of(c, 1);

        for (size_t traitor = 3; traitor < 6; traitor++) {
            struct blob *lie = accusation_of(c, traitor, 1, life.epoch, life.incarnation);
            say(c, traitor, 1, &lie, 1);
        }
        cluster_run_for(c, 3000);
    }
    cr_assert_eq(cluster_false_deaths(c), 0U);
    cr_assert_leq(cluster_wait_everywhere(c, all_alive(), 5000), 5000);
    cr_assert(cluster_check(c));
    cluster_free(c);
}

/* Claims that nothing signed bears out: they are asked about, and given up. */
Test(traitor, versions_that_nobody_has_are_given_up)
{
    struct cluster *c = cluster_new(&(struct cluster_options){.nodes = 4, .seed = 24});

    cluster_boot(c);
    cr_assert_eq(cluster_register(c, 1, "printer"), RESULT_OK);
    cluster_run_for(c, 3000);
    struct gossip *core = cluster_core(c, 3);
    uint8_t bytes[64];
    struct wire_writer list = {bytes, 0, sizeof bytes, false};
    wire_put_array(&list, 3);
    wire_put_uint(&list, cluster_tag(c, 1));
    wire_put_uint(&list, cluster_epoch(c, 1));
    wire_put_uint(&list, UINT64_C(1) << 40);
    struct wire_message lie = {.type = WIRE_ANNOUNCE, .announce.entries = wire_list_of(&list, 1)};
    for (int round = 0; round < 100; round++) {
        for (size_t i = 0; i < 3; i++)
            outbox_send(core, members_find(core, cluster_tag(c, i)), PRIORITY_PROBE, &lie);
        cluster_drain(c, 3);
        cluster_run_for(c, 100);
    }
    cr_assert(cluster_holds_everywhere(c, peer_visible("printer")));
    cr_assert_eq(cluster_register(c, 1, "scanner"), RESULT_OK);
    cr_assert_leq(cluster_wait_everywhere(c, peer_visible("scanner"), 200), 200);
    cr_assert_leq(cluster_wait_everywhere(c, settled(), 60000), 60000);
    cr_assert_leq(cluster_wait_everywhere(c, converged(), 10000), 10000);
    cr_assert(cluster_check_settled(c));
    cluster_free(c);
}
