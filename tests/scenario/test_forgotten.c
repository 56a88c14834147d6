// SPDX-License-Identifier: Apache-2.0
/* test_forgotten.c - nodes that come back with less than they had: an earlier clock, no disk, other
 * nodes that do not know them any more */
#include "sim/cluster.h"

#include <criterion/criterion.h>

#define HOUR_MS INT64_C(3600000)

/* Nobody answers what an ended life says, so nobody would ever tell it. */
Test(forgotten, a_lone_seed_whose_clock_went_back_is_told_of_its_later_life)
{
    struct cluster *c = cluster_new(&(struct cluster_options){.nodes = 4, .seed = 11});
    uint64_t before;

    cluster_boot(c);
    before = cluster_epoch(c, 0);
    cluster_crash(c, 0);
    cluster_set_clock(c, 0, -HOUR_MS);
    cluster_restart(c, 0, DISK_KEY_ONLY);
    cr_assert_lt(cluster_epoch(c, 0), before);
    cr_assert_leq(cluster_wait_everywhere(c, settled(), 30000), 30000);
    cr_assert_gt(cluster_core(c, 0) != NULL ? cluster_status(c, 0).epoch : 0, before);
    cr_assert(cluster_check_settled(c));
    cluster_free(c);
}

/* The node cut off buries nobody, so it never asks a seed anew; the others do not know it. */
static void cut_off_while_the_others_begin_anew(int64_t skew_ms)
{
    struct cluster *c = cluster_new(&(struct cluster_options){.nodes = 4, .seed = 12});

    cluster_boot(c);
    cluster_isolate(c, 3);
    cluster_run_for(c, 10000);
    cr_assert(cluster_status(c, 3).cut_off);
    for (size_t i = 0; i < 3; i++)
        cluster_crash(c, i);
    for (size_t i = 0; i < 3; i++) {
        cluster_set_clock(c, i, skew_ms);
        cluster_restart(c, i, DISK_KEY_ONLY);
    }
    cluster_run_for(c, 10000);
    cluster_heal(c);
    cr_assert_leq(cluster_wait_everywhere(c, settled(), 30000), 30000);
    cr_assert(cluster_check_settled(c));
    cluster_free(c);
}

Test(forgotten, whoever_was_cut_off_while_all_others_forgot_it_comes_back)
{
    cut_off_while_the_others_begin_anew(0);
}

Test(forgotten, whoever_was_cut_off_comes_back_to_others_whose_clocks_went_back)
{
    cut_off_while_the_others_begin_anew(-HOUR_MS);
}

/* --- A life that others have forgotten
 * ---------------------------------------------------------------- */

/* Nobody probes it any more, and an ALIVE of a forgotten life revives nobody, not even its own. */
Test(forgotten, a_partition_longer_than_memory_heals)
{
    struct gossip_config config = {0};
    struct cluster *c;

    gossip_config_defaults(&config);
    config.old_member_forget_ms = 60000;
    c = cluster_new(&(struct cluster_options){.nodes = 6, .seed = 15, .config = &config});
    cluster_boot(c);
    cluster_isolate(c, 5);
    cluster_run_for(c, 120000);
    cr_assert_eq(cluster_sees_member(c, 0, 5), MEMBER_FORGOTTEN);
    cluster_heal(c);
    cr_assert_leq(cluster_wait_everywhere(c, settled(), 30000), 30000);
    cr_assert(cluster_check_settled(c));
    cluster_free(c);
}

Test(forgotten, a_forgotten_node_whose_clock_went_back_is_let_in)
{
    struct gossip_config config = {0};
    struct cluster *c;

    gossip_config_defaults(&config);
    config.old_member_forget_ms = 60000;
    c = cluster_new(&(struct cluster_options){.nodes = 4, .seed = 16, .config = &config});
    cluster_boot(c);
    cluster_crash(c, 3);
    cluster_run_for(c, 120000);
    cr_assert_eq(cluster_sees_member(c, 0, 3), MEMBER_FORGOTTEN);
    cluster_set_clock(c, 3, -HOUR_MS);
    cluster_restart(c, 3, DISK_KEY_ONLY);
    cr_assert_leq(cluster_wait_everywhere(c, settled(), 15000), 15000);
    cluster_free(c);
}

/* --- An epoch used twice
 * ------------------------------------------------------------------------------ */

/* Without its disk, and by a clock that stands where it stood. */
static void begin_the_same_epoch_again(struct cluster *c, size_t node)
{
    uint64_t epoch = cluster_epoch(c, node);

    cluster_crash(c, node);
    cluster_set_clock(c, node, -(int64_t)(cluster_now_us(c) / 1000));
    cluster_restart(c, node, DISK_KEY_ONLY);
    cr_assert_eq(cluster_epoch(c, node), epoch);
}

/* Its ALIVE is the same to the byte; what it would sign next contradicts what its last life signed.
 */
Test(forgotten, an_epoch_used_twice_is_noticed_by_the_seed)
{
    struct cluster *c = cluster_new(&(struct cluster_options){.nodes = 3, .seed = 13});
    uint64_t before;

    cluster_boot(c);
    before = cluster_epoch(c, 2);
    cr_assert_eq(cluster_register(c, 2, "before"), RESULT_OK);
    cluster_run_for(c, 2000);
    begin_the_same_epoch_again(c, 2);
    cr_assert_leq(cluster_wait_at(c, 2, all_alive(), 10000), 10000);
    cr_assert_gt(cluster_status(c, 2).epoch, before);
    cr_assert_eq(cluster_register(c, 2, "after"), RESULT_OK);
    cr_assert_leq(cluster_wait_everywhere(c, settled(), 15000), 15000);
    cr_assert(cluster_check_settled(c));
    cluster_free(c);
}

/* Whoever could tell is away when it begins. The two HEADs of one version meet later. */
Test(forgotten, an_epoch_used_twice_ends_when_two_heads_meet)
{
    struct cluster *c = cluster_new(&(struct cluster_options){.nodes = 4, .seed = 14});
    uint64_t before;

    cluster_boot(c);
    before = cluster_epoch(c, 2);
    cr_assert_eq(cluster_register(c, 2, "before"), RESULT_OK);
    cluster_run_for(c, 2000);
    cluster_cut(c, NODES(1, 3), NODES(0, 2));
    cluster_crash(c, 0);
    begin_the_same_epoch_again(c, 2);
    cluster_restart(c, 0, DISK_KEY_ONLY);
    cr_assert_leq(cluster_wait_at(c, 2, member_is(0, MEMBER_ALIVE), 15000), 15000);
    cluster_run_for(c, 6000);
    cr_assert_eq(cluster_status(c, 2).epoch, before);
    cr_assert_eq(cluster_register(c, 2, "after"), RESULT_OK);
    cluster_run_for(c, 2000);
    cluster_heal(c);
    cr_assert_leq(cluster_wait_everywhere(c, all_alive(), 40000), 40000);
    cr_assert_leq(cluster_wait_everywhere(c, logs_proved(), 5000), 5000);
    cr_assert_leq(cluster_wait_everywhere(c, peer_visible("after"), 1000), 1000);
    cr_assert_gt(cluster_status(c, 2).epoch, before);
    /* What the first life left behind is an orphan where it is known, until its grace ends. */
    cr_assert_leq(cluster_wait_everywhere(c, settled(), 100000), 100000);
    cr_assert(cluster_check_settled(c));
    cluster_free(c);
}
