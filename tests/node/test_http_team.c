// SPDX-License-Identifier: Apache-2.0
/* test_http_team.c - what the threads share: limits of all together, and connections handed on */
#include "node/http_team.h"

#include <criterion/criterion.h>
#include <fcntl.h>
#include <string.h>
#include <unistd.h>

#include "crypto/key.h"
#include "gossip/mem.h"

static struct http_team *team;
static struct loop *loop;
static size_t woken;

static void on_arrivals(void *context)
{
    (void)context;
    woken++;
    loop_stop(loop);
}

static void begin(void)
{
    cr_assert(key_library_init());
    team = http_team_new(3, 5, 3);
    loop = loop_new();
    for (size_t i = 0; i < 3; i++)
        http_team_attach(team, i, loop, on_arrivals, NULL);
}

static void end(void)
{
    for (size_t i = 0; i < 3; i++)
        http_team_detach(team, i);
    http_team_free(team);
    loop_free(loop);
}

TestSuite(http_team, .init = begin, .fini = end);

static struct addr ipv4(uint8_t last, uint16_t port)
{
    return (struct addr){.family = ADDR_IPV4, .ip = {192, 0, 2, last}, .port = port};
}

static struct http_address *enter(struct addr from, bool expected_over)
{
    bool is_over;
    struct http_address *address = http_team_enter(team, &from, &is_over);

    cr_assert_eq(is_over, expected_over);
    return address;
}

/* Accepted by the first thread, and sent to this one. */
static void send_to(size_t thread)
{
    struct http_arrival *arrival = http_arrival_new("hello", 5);

    arrival->number = open("/dev/null", O_RDONLY | O_CLOEXEC);
    cr_assert(arrival->number >= 0);
    arrival->from = ipv4((uint8_t)thread, 1);
    arrival->address = enter(arrival->from, false);
    cr_assert(http_team_send(team, thread, arrival));
}

Test(http_team, connections_of_one_address_count_wherever_they_come_from)
{
    struct http_address *a = enter(ipv4(1, 10), false);

    enter(ipv4(1, 11), false);
    enter(ipv4(1, 12), false);
    struct http_address *refused = enter(ipv4(1, 13), true);
    cr_assert_eq(a, refused);
    struct http_address *b = enter(ipv4(2, 10), false);
    for (int i = 0; i < 4; i++)
        http_team_leave(team, a, false);
    http_team_leave(team, b, false);
}

Test(http_team, an_ipv6_address_is_its_64)
{
    struct addr one = {.family = ADDR_IPV6, .ip = {0x20, 1, 0xd, 0xb8, 0, 0, 0, 1, 9}};
    struct addr same = {.family = ADDR_IPV6, .ip = {0x20, 1, 0xd, 0xb8, 0, 0, 0, 1, 7, 7}};
    struct addr other = {.family = ADDR_IPV6, .ip = {0x20, 1, 0xd, 0xb8, 0, 0, 0, 2, 9}};
    struct http_address *a = enter(one, false), *b = enter(same, false), *c = enter(other, false);

    cr_assert(a == b && a != c);
    http_team_leave(team, a, false);
    http_team_leave(team, b, false);
    http_team_leave(team, c, false);
}

Test(http_team, one_that_has_said_its_last_makes_room)
{
    struct http_address *all[6];

    for (uint8_t i = 0; i < 5; i++)
        all[i] = enter(ipv4(i, 1), false);
    all[5] = enter(ipv4(9, 1), true);
    http_team_linger(team);
    http_team_leave(team, all[0], false);
    struct http_address *next = enter(ipv4(8, 1), false);
    http_team_leave(team, all[5], true);
    for (int i = 1; i < 5; i++)
        http_team_leave(team, all[i], false);
    http_team_leave(team, next, false);
}

Test(http_team, the_next_connection_goes_to_who_has_fewest)
{
    cr_assert_eq(http_team_idlest(team), 0);
    atomic_fetch_add(&http_team_stats(team, 0)->connections, 1); /* kept by itself */
    cr_assert_eq(http_team_idlest(team), 1);
    send_to(1);
    cr_assert_eq(http_team_idlest(team), 2, "although it has not taken it yet");
    send_to(2);
    cr_assert_eq(http_team_idlest(team), 0);
    struct http_stats sum;
    http_team_sum(team, &sum);
    cr_assert_eq(stat_read(&sum.connections), 3);
    /* Those that nobody took are closed with the team: see its end's assertions. */
}

Test(http_team, an_arrival_wakes_its_thread_and_brings_what_was_asked)
{
    send_to(2);
    loop_run(loop);
    cr_assert_eq(woken, 1);
    cr_assert_null(http_team_next(team, 1));
    struct http_arrival *arrival = http_team_next(team, 2);
    cr_assert(arrival->len == 5 && memcmp(arrival->text, "hello", 5) == 0);
    cr_assert_eq(arrival->from.ip[3], 2);
    close(arrival->number);
    http_team_leave(team, arrival->address, false);
    mem_free(arrival);
}

Test(http_team, a_thread_that_has_ended_takes_none)
{
    struct http_arrival *arrival = http_arrival_new(NULL, 0);

    http_team_detach(team, 1);
    arrival->number = 0;
    cr_assert_not(http_team_send(team, 1, arrival));
    cr_assert_eq(stat_read(&http_team_stats(team, 1)->connections), 0);
    mem_free(arrival);
}

Test(http_team, statistics_are_added_up)
{
    struct http_stats sum;

    stat_add(&http_team_stats(team, 0)->requests, 3);
    stat_add(&http_team_stats(team, 2)->requests, 4);
    stat_add(&http_team_stats(team, 2)->by_status[200 - HTTP_STATUS_FIRST], 4);
    stat_set(&http_team_stats(team, 1)->bodies_bytes, 1000);
    http_team_sum(team, &sum);
    cr_assert_eq(stat_read(&sum.requests), 7);
    cr_assert_eq(stat_read(&sum.by_status[200 - HTTP_STATUS_FIRST]), 4);
    cr_assert_eq(stat_read(&sum.bodies_bytes), 1000);
    cr_assert_eq(stat_read(&sum.fragments_bytes), 0);
}
