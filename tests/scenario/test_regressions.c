// SPDX-License-Identifier: Apache-2.0
/* test_regressions.c - what random worlds have found: each once more, in as few steps as it takes
 */
#include "sim/cluster.h"

#include <criterion/criterion.h>
#include <stdio.h>

static struct cluster *booted(size_t nodes)
{
    struct cluster *c = cluster_new(&(struct cluster_options){.nodes = nodes});

    cluster_boot(c);
    return c;
}

/* A copy of the seed's key had a later life while the seed was cut off, and is gone. Nobody
 * listened to the seed any more, and as a seed it asked nobody: it ran on alone for ever (swarm,
 * seed 238 of 4 minutes). */
Test(regressions, a_seed_whose_key_lived_on_elsewhere_is_told)
{
    struct cluster *c = booted(4);

    cluster_cut(c, NODES(0), NODES(1, 2, 3));
    cluster_start_copy(c, 0, 3);
    cluster_run_for(c, 10000);
    cr_assert_eq(cluster_sees_member(c, 1, 0), MEMBER_ALIVE, "the copy");
    cluster_restart(c, 3, DISK_NONE);
    cluster_run_for(c, 30000);
    cluster_heal(c);
    cluster_run_for(c, 15000);
    cr_assert_not(cluster_is_running(c, 0), "its life was over, and nobody told it");
    cluster_restart(c, 0, DISK_LATEST);
    cr_assert_leq(cluster_wait_everywhere(c, settled(), 15000), 15000);
    cluster_free(c);
}

static size_t count_members(struct cluster *c, size_t node, enum member_state state)
{
    struct gossip *core = cluster_core(c, node);
    struct gossip_member_info member;
    size_t count = 0;

    for (size_t i = 0; i < gossip_member_count(core); i++)
        count += gossip_member_at(core, i, &member) && member.state == state;
    return count;
}

/* Of two nodes one dies, on the word of the other alone. Whoever comes in its place sees three, and
 * asked for two words: the dead one stayed unreachable there for a day, and the two compared their
 * members every half second (swarm, seed 1036 of 4 minutes). */
Test(regressions, whoever_died_in_a_smaller_cluster_is_dead_to_those_who_came_later)
{
    struct cluster *c = booted(2);

    cluster_crash(c, 1);
    cluster_run_for(c, 20000);
    cr_assert_eq(count_members(c, 0, MEMBER_DEAD), 1);
    cluster_restart(c, 1, DISK_NONE);
    cluster_run_for(c, 20000);
    for (size_t node = 0; node < 2; node++) {
        cr_assert_eq(count_members(c, node, MEMBER_ALIVE), 2);
        cr_assert_eq(count_members(c, node, MEMBER_DEAD), 1, "n%zu", node);
    }
    cluster_free(c);
}

/* Of two nodes, the one that had dropped orphans asked everybody but their home to repair its copy
 * of the log, every second time: nobody was left, and it never came to ask the home again (swarm,
 * seeds 7002, 7045 and 3044 of 10 minutes). */
Test(regressions, of_two_nodes_each_repairs_from_the_other)
{
    struct gossip_config config;
    const size_t home = 0;
    char id[16];

    gossip_config_defaults(&config);
    config.orphan_grace_ms = 5000;
    for (uint64_t seed = 1; seed <= 8; seed++) {
        struct cluster *c = cluster_new(
            &(struct cluster_options){.nodes = 2, .seed = seed, .loss = 0.02, .config = &config});

        cluster_boot(c);
        for (size_t i = 0; i < 12; i++) {
            snprintf(id, sizeof(id), "peer-%zu", i);
            cr_assert_eq(cluster_register_ttl(c, 0, id, 12), RESULT_OK);
            cluster_client_start(c, id, 4000, &home, 1, false);
        }
        for (int i = 0; i < 3; i++) {
            cluster_isolate(c, 1);
            cluster_run_for(c, 30000);
            cluster_heal(c);
            for (int k = 0; k < 400; k++) { /* while its version moves on, the first may fail */
                cluster_ask_register(c, 0, k % 2 == 0 ? "even" : "odd", 10 + (uint32_t)k);
                cluster_run_for(c, 37);
            }
            cr_assert_leq(cluster_wait_everywhere(c, settled(), 60000), 60000, "seed %lu",
                          (unsigned long)seed);
        }
        cluster_free(c);
    }
}

/* Two whose keys had later lives elsewhere hear each other, so neither is cut off; and as ill as
 * they are they took minutes to find out that no seed answers (swarm, seed 3122 of 4 minutes). */
Test(regressions, two_whose_keys_lived_on_elsewhere_ask_soon)
{
    struct cluster *c = booted(26);

    cluster_cut(c, NODES(1, 2), NODES(0));
    cluster_cut(c, NODES(1, 2), NODES_RANGE(3, 26));
    cluster_start_copy(c, 1, 24);
    cluster_start_copy(c, 2, 25);
    cluster_run_for(c, 4000);
    cluster_restart(c, 24, DISK_NONE);
    cluster_restart(c, 25, DISK_NONE);
    cluster_run_for(c, 1000);
    cluster_heal(c);
    cr_assert_leq(cluster_wait_everywhere(c, all_alive(), 30000), 30000);
    cluster_free(c);
}

/* Whoever was stopped first probes, then reads what came meanwhile. That nobody had answered that
 * probe yet counted as not being heard, and whoever died so for the second time stayed dead for
 * 25 s more (swarm, seed 9002). */
Test(regressions, whoever_is_stopped_again_is_back_at_once)
{
    const size_t stopped = 23;
    struct cluster *c = booted(24);

    for (int i = 0; i < 6; i++) {
        cluster_pause(c, stopped);
        cr_assert_leq(cluster_wait_at(c, 0, member_is(stopped, MEMBER_DEAD), 20000), 20000);
        cluster_run_for(c, 1000);
        cluster_resume(c, stopped);
        cr_assert_leq(cluster_wait_everywhere(c, all_alive(), 1500), 1500, "stop %d", i);
        cluster_run_for(c, 3000);
    }
    cluster_free(c);
}

/* NATs gave many another port each, and the old ones still let in what is sent there. Each heard
 * the other from where it was not, asked whether it was there now, and took that question for too
 * small to be answered: whoever died meanwhile was never heard again (swarm, seed 323 of 4
 * minutes). */
Test(regressions, two_that_a_nat_moved_hear_each_other)
{
    const size_t dead = 10;
    struct cluster *c = booted(11);

    for (size_t i = 1; i < 11; i++)
        cluster_rebind_late(c, i, 3600000);
    cluster_isolate(c, dead);
    cluster_run_for(c, 40000);
    cr_assert_eq(cluster_sees_member(c, 0, dead), MEMBER_DEAD);
    cluster_heal(c);
    cr_assert_leq(cluster_wait_everywhere(c, all_alive(), 5000), 5000);
    cluster_free(c);
}

/* A home ended what was registered with it, told some, and died. For ten minutes those hid what
 * another home, who had not heard of it, vouched for (swarm, seed 4069). */
Test(regressions, what_the_dead_deleted_hides_no_longer_than_its_ttl)
{
    const size_t home = 2, dies = 1;
    const uint32_t ttl_s = 20;
    struct cluster *c = booted(5);

    cr_assert_eq(cluster_register_ttl(c, home, "printer", ttl_s), RESULT_OK);
    cluster_client_start(c, "printer", 5000, &home, 1, false);
    cluster_run_for(c, 1000);
    cluster_isolate(c, home);
    cr_assert_eq(cluster_register_ttl(c, dies, "printer", ttl_s), RESULT_OK);
    cr_assert_eq(cluster_deregister(c, dies, "printer"), RESULT_OK);
    cluster_crash(c, dies);
    cluster_run_for(c, 30000);
    cluster_heal(c);
    cluster_run_for(c, 5000);
    cr_assert(!cluster_sees_peer(c, 0, "printer"), "a test that cannot fail");
    cr_assert_leq(cluster_wait_everywhere(c, peer_visible("printer"), 120000), 120000);
    cluster_free(c);
}

/* After twenty trials whoever was not heard asked one more with every tick: where answers take
 * longer than a few ticks too many were open at any time, and the dead stayed dead. */
Test(regressions, the_dead_come_back_where_answers_take_long)
{
    const size_t dead = 11;

    for (uint64_t seed = 1; seed <= 6; seed++) {
        struct cluster *c =
            cluster_new(&(struct cluster_options){.nodes = 12, .seed = seed, .latency_ms = 400});

        cluster_boot(c);
        cluster_set_node_loss(c, dead, 0.95, 0);
        cr_assert_leq(cluster_wait_at(c, 0, member_is(dead, MEMBER_DEAD), 120000), 120000);
        cluster_run_for(c, 30000);
        cluster_set_node_loss(c, dead, 0, 0);
        cr_assert_leq(cluster_wait_at(c, 0, member_is(dead, MEMBER_ALIVE), 12000), 12000);
        cluster_free(c);
    }
}

/* A home whose clock is years back and whose disk is old takes an epoch that it has had: only who
 * is cut off remembers. What that one held of the epoch's log was above what the home had, for ever
 * (swarm, seed 60215 of 4 minutes). */
Test(regressions, an_epoch_that_was_lived_before_is_left)
{
    const size_t home = 3, witness = 1;
    const int64_t years_ms = INT64_C(-10) * 365 * 24 * 3600 * 1000;
    struct cluster *c = cluster_new(&(struct cluster_options){.nodes = 4, .seeds = 2});
    char id[16];

    cluster_boot(c);
    cluster_set_clock(c, home, years_ms);
    cluster_copy_disk(c, home);
    cluster_cut(c, NODES(0, 2), NODES(1, 3));
    cluster_restart(c, home, DISK_LATEST);
    cr_assert_leq(cluster_wait_at(c, witness, member_is(home, MEMBER_ALIVE), 30000), 30000);
    cluster_run_for(c, 10000);
    uint64_t epoch = cluster_epoch(c, home);
    for (size_t i = 0; i < 12; i++) {
        snprintf(id, sizeof(id), "peer-%zu", i);
        cr_assert_eq(cluster_register(c, home, id), RESULT_OK);
    }
    cluster_run_for(c, 2000);
    cluster_crash(c, home);
    cluster_heal(c);
    cluster_isolate(c, witness);
    cluster_restart(c, home, DISK_OLD);
    cluster_run_for(c, 10000);
    cr_assert_eq(cluster_epoch(c, home), epoch, "a test that cannot fail");
    cluster_heal(c);
    cr_assert_leq(cluster_wait_everywhere(c, settled(), 30000), 30000);
    cr_assert_gt(cluster_epoch(c, home), epoch);
    cluster_free(c);
}
