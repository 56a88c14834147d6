// SPDX-License-Identifier: Apache-2.0
/* test_seeds.c - host names become addresses, again and again, without the loop waiting for them */
#include "node/seeds.h"

#include <criterion/criterion.h>
#include <string.h>

#include "node/log.h"
#include "node/net.h"

static struct seeds seeds;
static struct addr own[2];
static size_t own_count;

static void begin(void)
{
    cr_assert(net_parse("10.0.0.9", 4747, &own[0]));
    cr_assert(net_parse("fd00::9", 4747, &own[1]));
    own_count = 2;
    seeds_init(&seeds, own, own_count);
    log_configure(LOG_LEVEL_ERROR, LOG_FORMAT_TEXT);
}

TestSuite(seeds, .init = begin, .timeout = 30);

static void set(const char *const *texts, size_t count)
{
    struct config_endpoint endpoints[SEEDS_MAX];

    for (size_t i = 0; i < count; i++)
        cr_assert(config_parse_endpoint(texts[i], &endpoints[i]));
    seeds_set(&seeds, endpoints, count);
}

#define SET(...)                            \
    set((const char *const[]){__VA_ARGS__}, \
        sizeof((const char *const[]){__VA_ARGS__}) / sizeof(const char *))

static struct resolver_answer answer_of(const char *host, const char *first, const char *second)
{
    struct resolver_answer answer = {.subject = &seeds};
    const char *texts[] = {first, second};

    memcpy(answer.host, host, strlen(host) + 1);
    for (size_t i = 0; i < 2 && texts[i] != NULL; i++)
        cr_assert(net_parse(texts[i], 0, &answer.addrs[answer.count++]));
    answer.error = answer.count == 0 ? "no such host" : NULL;
    return answer;
}

/* The addresses as one text, a blank after each. */
static const char *addresses(void)
{
    static char text[SEEDS_MAX * NET_TEXT_BYTES];
    struct addr list[SEEDS_MAX];
    size_t count = seeds_addresses(&seeds, list), len = 0;

    text[0] = '\0';
    for (size_t i = 0; i < count; i++) {
        net_text(&list[i], text + len);
        len = strlen(text);
        text[len++] = ' ';
        text[len] = '\0';
    }
    return text;
}

Test(seeds, addresses_need_no_look_up_and_our_own_is_no_seed)
{
    SET("10.0.0.1", "10.0.0.9", "10.0.0.9:1", "[fd00::1]:5", "10.0.0.1:4747");
    cr_assert(seeds_are_resolved(&seeds));
    cr_assert_str_eq(addresses(), "10.0.0.1:4747 10.0.0.9:1 [fd00::1]:5 ");
}

Test(seeds, a_name_stands_for_all_its_addresses)
{
    struct resolver_answer answer = answer_of("a", "10.0.0.1", "fd00::1");

    SET("a:7", "10.0.0.2");
    cr_assert_str_eq(addresses(), "10.0.0.2:4747 ");
    cr_assert(seeds_on_answer(&seeds, &answer));
    cr_assert_str_eq(addresses(), "10.0.0.1:7 [fd00::1]:7 10.0.0.2:4747 ");
    cr_assert_not(seeds_on_answer(&seeds, &answer), "nothing new");
}

Test(seeds, a_name_that_moves_is_followed)
{
    struct resolver_answer old = answer_of("a", "10.0.0.1", NULL),
                           new = answer_of("a", "10.0.0.2", NULL);

    SET("a");
    seeds_on_answer(&seeds, &old);
    cr_assert(seeds_on_answer(&seeds, &new));
    cr_assert_str_eq(addresses(), "10.0.0.2:4747 ");
}

Test(seeds, a_failed_look_up_keeps_the_last_addresses)
{
    struct resolver_answer good = answer_of("a", "10.0.0.1", NULL),
                           bad = answer_of("a", NULL, NULL);

    SET("a");
    seeds_on_answer(&seeds, &good);
    cr_assert_not(seeds_on_answer(&seeds, &bad));
    cr_assert_str_eq(addresses(), "10.0.0.1:4747 ");
}

Test(seeds, addresses_of_a_family_without_a_socket_are_left_out)
{
    struct resolver_answer answer = answer_of("a", "10.0.0.1", "fd00::1");

    seeds_init(&seeds, own, 1);
    SET("a");
    seeds_on_answer(&seeds, &answer);
    cr_assert_str_eq(addresses(), "10.0.0.1:4747 ");
}

Test(seeds, a_new_list_keeps_what_is_known_of_names_in_both)
{
    struct resolver_answer answer = answer_of("a", "10.0.0.1", NULL);

    SET("a", "b");
    seeds_on_answer(&seeds, &answer);
    SET("c", "a");
    cr_assert_str_eq(addresses(), "10.0.0.1:4747 ");
}

Test(seeds, there_are_never_more_than_the_core_takes)
{
    for (int host = 0; host < 10; host++) {
        struct resolver_answer answer = {.host = "a", .count = SEEDS_MAX};

        for (size_t i = 0; i < SEEDS_MAX; i++)
            answer.addrs[i] = (struct addr){.family = ADDR_IPV4, .ip = {1, 1, 1, (uint8_t)(i + 1)}};
        SET("a:1", "a:2", "a:3");
        seeds_on_answer(&seeds, &answer);
    }
    struct addr list[SEEDS_MAX];
    cr_assert_eq(seeds_addresses(&seeds, list), SEEDS_MAX);
}

/* --- The thread
 * -------------------------------------------------------------------------------------------- */

struct waiting {
    struct loop *loop;
    struct resolver *resolver;
    struct resolver_answer answers[4];
    size_t count, wanted;
};

static void on_answer(void *context)
{
    struct waiting *waiting = context;

    while (waiting->count < 4 &&
           resolver_next(waiting->resolver, &waiting->answers[waiting->count]))
        waiting->count++;
    if (waiting->count >= waiting->wanted)
        loop_stop(waiting->loop);
}

Test(seeds, names_are_looked_up_by_a_thread_that_wakes_the_loop)
{
    struct waiting waiting = {.loop = loop_new(), .wanted = 2};
    struct config_endpoint local, literal;

    cr_assert(config_parse_endpoint("localhost:5", &local));
    cr_assert(config_parse_endpoint("127.0.0.1:6", &literal));
    waiting.resolver = resolver_new(waiting.loop, on_answer, &waiting);
    cr_assert(resolver_ask(waiting.resolver, &local, &seeds));
    cr_assert(resolver_ask(waiting.resolver, &literal, NULL));
    loop_run(waiting.loop);
    cr_assert_eq(waiting.count, 2);
    cr_assert_eq(waiting.answers[0].subject, &seeds);
    cr_assert_gt(waiting.answers[0].count, 0, "%s", waiting.answers[0].error);
    cr_assert_eq(waiting.answers[0].addrs[0].port, 5);
    cr_assert(net_is_loopback(&waiting.answers[0].addrs[0]));
    resolver_free(waiting.resolver);
    loop_free(waiting.loop);
}

Test(seeds, a_resolver_may_be_freed_with_questions_under_way)
{
    struct loop *loop = loop_new();
    struct resolver *resolver = resolver_new(loop, on_answer, NULL);
    struct config_endpoint local;

    cr_assert(config_parse_endpoint("localhost", &local));
    for (int i = 0; i < 20; i++)
        cr_assert(resolver_ask(resolver, &local, NULL));
    resolver_free(resolver);
    loop_free(loop);
}
