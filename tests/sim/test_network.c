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

/* Of a capped Pareto of median 1 (smallest value s, exponent a, cap c): s + the integral of
 * (s/x)^a from s to c. */
static double pareto_mean(double exponent, double cap)
{
    double least = pow(2, -1 / exponent);

    if (fabs(exponent - 1) < 1e-9)
        return least * (1 + log(cap / least));
    return least + pow(least, exponent) * (pow(least, 1 - exponent) - pow(cap, 1 - exponent)) /
                       (exponent - 1);
}

static void draw_tail(double exponent, double most_mean_off)
{
    struct network network =
        make((struct network_faults){.latency_us = 1000, .latency_pareto = exponent});
    static uint64_t delays[PACKETS];
    struct network_fate fate;
    double sum = 0;

    for (size_t i = 0; i < PACKETS; i++) {
        network_send(&network, 0, 0, 1, 100, &fate);
        delays[i] = fate.delay_us[0];
        sum += (double)delays[i] / 1000;
    }
    qsort(delays, PACKETS, sizeof(delays[0]), compare);
    cr_assert_float_eq((double)delays[PACKETS / 2], 1000, 20);
    /* Of n packets k/n are above s * (n/k)^(1/exponent), far out in the tail, too. */
    for (size_t k = PACKETS / 10; k >= PACKETS / 1000; k /= 10) {
        double expected =
            1000 * pow(2, -1 / exponent) * pow((double)PACKETS / (double)k, 1 / exponent);
        double seen = (double)delays[PACKETS - k];

        if (expected < NETWORK_LATENCY_MAX_US)
            cr_assert_float_eq(seen / expected, 1, 0.25, "%f for %f", seen, expected);
    }
    cr_assert_leq(delays[PACKETS - 1], NETWORK_LATENCY_MAX_US);
    double mean = pareto_mean(exponent, NETWORK_LATENCY_MAX_US / 1000.0);
    cr_assert_float_eq(sum / PACKETS / mean, 1, most_mean_off, "%f for %f", sum / PACKETS, mean);
    network_free(&network);
}

Test(network, a_pareto_tail_has_its_median_its_exponent_and_its_mean)
{
    draw_tail(3, 0.01);
    draw_tail(1.5, 0.1);
}

Test(network, the_heaviest_tail_has_a_mean_because_it_is_capped)
{
    draw_tail(1, 0.1);
    draw_tail(0.5, 0.05);
}

/* 1,000 bytes take 1,028 us at a megabyte per second. */
Test(network, a_narrow_way_out_delays_what_stands_behind)
{
    struct network network =
        make((struct network_faults){.latency_us = 100, .bandwidth_bytes_per_s = 1e6});
    struct network_fate fate;

    for (uint64_t i = 1; i <= 10; i++) {
        network_send(&network, 0, 2, 1, 1000, &fate);
        cr_assert_eq(fate.delay_us[0], 100 + i * 1028);
    }
    network_send(&network, 0, 3, 1, 1000, &fate);
    cr_assert_eq(fate.delay_us[0], 100 + 1028, "another node's is free");
    network_send(&network, 10 * 1028, 2, 1, 1000, &fate);
    cr_assert_eq(fate.delay_us[0], 100 + 1028, "it is free again");
    network_free(&network);
}

Test(network, what_does_not_fit_the_queue_is_lost_and_counted)
{
    struct network network = make((struct network_faults){
        .latency_us = 100, .bandwidth_bytes_per_s = 1e6, .queue_packets = 20});
    struct network_fate fate;

    for (size_t i = 0; i < 50; i++)
        network_send(&network, 0, 2, 1, 1000, &fate);
    cr_assert_eq(network.stats.queue_full, 50 - 21, "one leaves, twenty wait");
    cr_assert_eq(fate.copies, 0);
    network_send(&network, 1028, 2, 1, 1000, &fate);
    cr_assert_eq(fate.copies, 1, "the first has left, and the second is not waiting any more");
    network_send(&network, 1028, 2, 1, 1000, &fate);
    cr_assert_eq(fate.copies, 0);
    cr_assert_eq(network.stats.lost, 0);
    network_free(&network);
}

Test(network, ten_thousand_nodes_are_cut_at_once)
{
    struct network_faults faults = {.latency_us = 1};
    struct node_set left = NODES_RANGE(0, 5000), right = NODES_RANGE(5000, 10000);
    struct network network;

    network_init(&network, 10000, &faults, 1);
    network_cut(&network, &left, &right);
    network_cut(&network, &right, &left);
    cr_assert_eq(network.cut.count, 2 * 5000 * 5000);
    cr_assert_leq(network.cut.nodes * network.cut.words * 8, 12600000);
    cr_assert(network_is_cut(&network, 4999, 5000));
    cr_assert_not(network_is_cut(&network, 4999, 4998));
    network_free(&network);
}

Test(network, a_closed_node_opens_when_all_who_closed_it_have_opened_it)
{
    struct network network = make((struct network_faults){.latency_us = 1});

    network_close_node(&network, 3, DIRECTION_OUT);
    cr_assert(network_is_cut(&network, 3, 1));
    cr_assert_not(network_is_cut(&network, 1, 3));
    cr_assert_not(network_is_cut(&network, 3, 3));
    network_close_node(&network, 3, DIRECTION_BOTH);
    cr_assert(network_is_cut(&network, 1, 3));
    network_open_node(&network, 3, DIRECTION_BOTH);
    cr_assert(network_is_cut(&network, 3, 1));
    cr_assert_not(network_is_cut(&network, 1, 3));
    network_open_node(&network, 3, DIRECTION_OUT);
    cr_assert_not(network_is_cut(&network, 3, 1));
    network_free(&network);
}

Test(network, it_knows_where_something_is_wrong)
{
    struct network network = make((struct network_faults){.latency_us = 1});
    struct node_set one = NODES(1), two = NODES(2);

    network_cut(&network, &one, &two);
    cr_assert(network_is_bad_at(&network, 1));
    cr_assert(network_is_bad_at(&network, 2));
    cr_assert_not(network_is_bad_at(&network, 3));
    network_heal(&network);
    cr_assert_not(network_is_bad_at(&network, 1));
    network_clog_link(&network, 3, 4);
    cr_assert(network_is_bad_at(&network, 3));
    network_open_link(&network, 4, 3);
    cr_assert_not(network_is_bad_at(&network, 3));
    network_set_node_loss(&network, 5, (struct node_loss){.ingress = 0.1});
    cr_assert(network_is_bad_at(&network, 5));
    cr_assert_not(network_is_bad(&network));
    network.faults.flip = 0.1;
    cr_assert(network_is_bad(&network));
    network_free(&network);
}
