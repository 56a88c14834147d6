// SPDX-License-Identifier: Apache-2.0
/* test_network.c - the virtual network does what its options say, as often as they say */
#include "sim/network.h"

#include <criterion/criterion.h>
#include <math.h>
#include <stdlib.h>

enum { PACKETS = 200000 };

static struct network make(struct network_faults faults)
{
    struct network network;

    network_init(&network, 8, &faults, 42);
    return network;
}

/* Within five standard deviations of a binomial. */
static bool is_near(uint64_t seen, double probability)
{
    double expected = PACKETS * probability;

    return fabs((double)seen - expected) <= 5 * sqrt(expected * (1 - probability)) + 1;
}

static int compare(const void *a, const void *b)
{
    const uint64_t *left = a, *right = b;

    return (*left > *right) - (*left < *right);
}

Test(network, without_faults_every_packet_arrives_once_on_time)
{
    struct network network = make((struct network_faults){.latency_us = 700});
    struct network_fate fate;

    for (size_t i = 0; i < 1000; i++) {
        network_send(&network, 0, i % 8, (i + 1) % 8, 100, &fate);
        cr_assert_eq(fate.copies, 1);
        cr_assert_eq(fate.delay_us[0], 700);
        cr_assert_eq(fate.flipped_bit[0], -1);
    }
    network_free(&network);
}

Test(network, faults_come_as_often_as_asked)
{
    struct network network = make((struct network_faults){
        .latency_us = 1000, .loss = 0.05, .duplicate = 0.02, .reorder = 0.1, .flip = 0.01});
    struct network_fate fate;
    uint64_t late = 0;

    for (size_t i = 0; i < PACKETS; i++) {
        network_send(&network, 0, 0, 1, 100, &fate);
        for (unsigned copy = 0; copy < fate.copies; copy++) {
            cr_assert_lt(fate.flipped_bit[copy], 800);
            cr_assert_lt(fate.delay_us[copy], 1000 + 10001);
            late += fate.delay_us[copy] > 1000;
        }
    }
    cr_assert(is_near(network.stats.lost, 0.05), "lost %lu", (unsigned long)network.stats.lost);
    cr_assert(is_near(network.stats.duplicated, 0.95 * 0.02));
    cr_assert(is_near(network.stats.reordered, 0.95 * 1.02 * 0.1));
    cr_assert(is_near(network.stats.flipped, 0.95 * 1.02 * 0.01));
    cr_assert_leq(late, network.stats.reordered);
    cr_assert_geq(late + 100, network.stats.reordered);
    network_free(&network);
}

Test(network, log_normal_delays_have_their_median_and_spread)
{
    struct network network =
        make((struct network_faults){.latency_us = 1000, .latency_sigma = 0.5});
    static uint64_t delays[PACKETS];
    struct network_fate fate;

    for (size_t i = 0; i < PACKETS; i++) {
        network_send(&network, 0, 0, 1, 100, &fate);
        delays[i] = fate.delay_us[0];
    }
    qsort(delays, PACKETS, sizeof(delays[0]), compare);
    cr_assert_float_eq((double)delays[PACKETS / 2], 1000, 15);
    /* exp(0.5 * 1.2816) at the ninth decile */
    cr_assert_float_eq((double)delays[PACKETS * 9 / 10], 1898, 40);
    network_free(&network);
}

Test(network, bursts_lose_runs_of_packets)
{
    struct network network = make((struct network_faults){
        .latency_us = 1, .burst_enter = 0.01, .burst_leave = 0.09, .burst_loss = 1});
    struct network_fate fate;
    uint64_t runs = 0;
    bool was_lost = false;

    for (size_t i = 0; i < PACKETS; i++) {
        network_send(&network, 0, 3, 1, 100, &fate);
        runs += fate.copies == 0 && !was_lost;
        was_lost = fate.copies == 0;
    }
    /* A tenth of the time is bad; a spell lasts eleven packets. */
    cr_assert_float_eq((double)network.stats.lost / PACKETS, 0.1, 0.01);
    cr_assert_float_eq((double)network.stats.lost / (double)runs, 11, 1);
    network_free(&network);
}

Test(network, a_burst_is_of_its_sender_alone)
{
    struct network network =
        make((struct network_faults){.latency_us = 1, .burst_enter = 1, .burst_loss = 1});
    struct network_fate fate;

    network_send(&network, 0, 3, 1, 100, &fate);
    cr_assert_eq(fate.copies, 0);
    cr_assert_neq(network.in_burst[0] & 8, 0);
    cr_assert_eq(network.in_burst[0] & ~UINT64_C(8), 0);
    network_free(&network);
}

Test(network, a_cut_is_one_way_until_it_is_cut_twice)
{
    struct network network = make((struct network_faults){.latency_us = 1});
    struct node_set left = NODES(0, 1), right = NODES_RANGE(2, 8);
    struct network_fate fate;

    network_cut(&network, &left, &right);
    network_send(&network, 0, 0, 5, 100, &fate);
    cr_assert_eq(fate.copies, 0);
    network_send(&network, 0, 5, 0, 100, &fate);
    cr_assert_eq(fate.copies, 1);
    network_send(&network, 0, 0, 1, 100, &fate);
    cr_assert_eq(fate.copies, 1, "within a side nothing is cut");
    network_cut(&network, &right, &left);
    cr_assert(network_is_cut(&network, 7, 1));
    network_heal(&network);
    cr_assert_not(network_is_cut(&network, 7, 1));
    cr_assert_not(network_is_cut(&network, 0, 5));
    network_free(&network);
}

Test(network, nobody_is_cut_from_itself)
{
    struct network network = make((struct network_faults){.latency_us = 1});
    struct node_set all = NODES_RANGE(0, 8);

    network_cut(&network, &all, &all);
    cr_assert(network_is_cut(&network, 0, 1));
    cr_assert_not(network_is_cut(&network, 4, 4));
    cr_assert_eq(network.cut.count, 56);
    network_free(&network);
}

Test(network, the_same_seed_gives_the_same_fates)
{
    struct network_faults faults = {
        .latency_us = 1000, .latency_sigma = 1, .loss = 0.2, .flip = 0.2};
    struct network one = make(faults), two = make(faults);
    struct network_fate first, second;

    for (size_t i = 0; i < 1000; i++) {
        network_send(&one, 0, i % 8, 0, 100, &first);
        network_send(&two, 0, i % 8, 0, 100, &second);
        cr_assert_eq(first.copies, second.copies);
        cr_assert_eq(first.delay_us[0], second.delay_us[0]);
        cr_assert_eq(first.flipped_bit[0], second.flipped_bit[0]);
    }
    network_free(&one);
    network_free(&two);
}

Test(network, one_node_loses_what_it_sends_and_what_it_is_sent)
{
    struct network network = make((struct network_faults){.latency_us = 1});
    struct network_fate fate;
    uint64_t before;

    network_set_node_loss(&network, 3, (struct node_loss){0.8, 0.3});
    for (size_t i = 0; i < PACKETS; i++)
        network_send(&network, 0, 3, 1, 100, &fate);
    cr_assert(is_near(before = network.stats.lost, 0.8));
    for (size_t i = 0; i < PACKETS; i++)
        network_send(&network, 0, 1, 3, 100, &fate);
    cr_assert(is_near(network.stats.lost - before, 0.3));
    before = network.stats.lost;
    network_set_node_loss(&network, 3, (struct node_loss){0, 0});
    for (size_t i = 0; i < 1000; i++) {
        network_send(&network, 0, 1, 2, 100, &fate);
        network_send(&network, 0, 3, 1, 100, &fate);
    }
    cr_assert_eq(network.stats.lost, before);
    network_free(&network);
}
