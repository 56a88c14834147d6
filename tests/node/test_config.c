// SPDX-License-Identifier: Apache-2.0
/* test_config.c - options and the file of the same names: what is taken, and what errors teach */
#include "node/config.h"

#include <criterion/criterion.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "node/net.h"

static struct node_config config;
static char error[CONFIG_ERROR_MAX_BYTES];

/* NULL-terminated words after the program's name. */
static enum config_outcome parse(const char *const *words)
{
    char *argv[64] = {"aurora-node"};
    int argc = 1;

    for (; *words != NULL; words++)
        argv[argc++] = (char *)*words;
    return config_parse(&config, argc, argv, error);
}

#define PARSE(...) parse((const char *const[]){__VA_ARGS__, NULL})

/* The outcome is WRONG and the message has both words in it. */
#define REFUSED(option, right, ...)                            \
    do {                                                       \
        cr_assert_eq(PARSE(__VA_ARGS__), CONFIG_WRONG);        \
        cr_assert(strstr(error, option) != NULL, "%s", error); \
        cr_assert(strstr(error, right) != NULL, "%s", error);  \
    } while (0)

static const char *shown(const struct addr *addr)
{
    static char text[NET_TEXT_BYTES];

    return net_text(addr, text);
}

Test(config, defaults_are_loopback)
{
    cr_assert_eq(PARSE("--name=a"), CONFIG_RUN, "%s", error);
    cr_assert_str_eq(shown(&config.bind[0]), "127.0.0.1:4747");
    cr_assert_str_eq(shown(&config.http[0]), "127.0.0.1:4780");
    cr_assert_str_eq(config.cluster, "aurora");
    cr_assert_str_eq(config.data, "");
    cr_assert_eq(config.ttl_s, 300);
    cr_assert_eq(config.orphan_grace_ms, 90000);
    cr_assert_eq(config.http_prefix_count, 3);
}

Test(config, the_name_defaults_to_the_host_name)
{
    char host[256] = "";

    gethostname(host, sizeof host - 1);
    cr_assert_eq(PARSE("--cluster", "c"), CONFIG_RUN);
    cr_assert_str_eq(config.name, host);
}

Test(config, values_follow_a_blank_or_an_equals_sign)
{
    cr_assert_eq(PARSE("--ttl", "20", "--zone=z=1"), CONFIG_RUN, "%s", error);
    cr_assert_eq(config.http_threads, 1);
    cr_assert_eq(PARSE("--http-threads=16", "--ttl", "20", "--zone=z=1"), CONFIG_RUN, "%s", error);
    cr_assert_eq(config.http_threads, HTTP_THREADS_MAX);
    cr_assert_eq(config.ttl_s, 20);
    cr_assert_str_eq(config.zone, "z=1");
}

Test(config, both_families_may_be_bound_once_each)
{
    cr_assert_eq(PARSE("--bind", "127.0.0.1:0", "--bind", "[::1]:0"), CONFIG_RUN, "%s", error);
    cr_assert_eq(config.bind_count, 2);
    cr_assert_str_eq(shown(&config.bind[1]), "[::1]:0");
    REFUSED("--bind", "one per family", "--bind", "127.0.0.1", "--bind", "127.0.0.2");
}

Test(config, seeds_are_host_names_or_addresses)
{
    cr_assert_eq(PARSE("--seed", "a.example.net", "--seed", "b:1", "--seed", "10.0.0.1", "--seed",
                       "[fd00::1]:5"),
                 CONFIG_RUN, "%s", error);
    cr_assert_eq(config.seed_count, 4);
    cr_assert_str_eq(config.seeds[0].host, "a.example.net");
    cr_assert_eq(config.seeds[0].port, 4747);
    cr_assert_eq(config.seeds[1].port, 1);
    cr_assert_str_eq(config.seeds[3].host, "fd00::1");
    cr_assert_eq(config.seeds[3].port, 5);
}

Test(config, seeds_that_are_typing_mistakes_are_refused)
{
    static const char *const wrong[] = {
        "",   "a b",  "10.0.0",     "10.0.0.1:", "a:0",   "a:65536", "a:1:2",   "http://a:1",
        "-a", "[::1", "10.0.0.1:0", "300.1.1.1", "a:12x", "a/b",     "[::1]:x", ":1"};

    for (size_t i = 0; i < sizeof wrong / sizeof wrong[0]; i++) {
        cr_assert_eq(PARSE("--seed", wrong[i]), CONFIG_WRONG, "\"%s\" was taken", wrong[i]);
        cr_assert(strstr(error, "--seed") != NULL, "%s", error);
    }
}

Test(config, errors_name_the_option_and_what_would_be_right)
{
    REFUSED("--ttl", "10 to 86400", "--ttl", "9");
    REFUSED("--ttl", "10 to 86400", "--ttl", "86401");
    REFUSED("--ttl", "10 to 86400", "--ttl", "20s");
    REFUSED("--ttl", "10 to 86400", "--ttl", "");
    REFUSED("--http-threads", "1 to 16", "--http-threads", "0");
    REFUSED("--http-threads", "1 to 16", "--http-threads", "17");
    REFUSED("--log-level", "debug, info, warning or error", "--log-level", "loud");
    REFUSED("--log-format", "text or json", "--log-format", "xml");
    REFUSED("--name", "64 bytes", "--name", "");
    REFUSED("--name", "64 bytes", "--name", "two\nlines");
    REFUSED("--http", "127.0.0.1:4780", "--http", "localhost:1");
    REFUSED("--http-url", "http://", "--http-url", "node:80");
    REFUSED("--orphan-grace", "0 to 86400", "--orphan-grace", "-1");
    REFUSED("--http-prefix", "slash", "--http-prefix", "dev");
    REFUSED("--pages", "on or off", "--pages", "no");
}

Test(config, an_unknown_option_is_named_with_the_nearest_one)
{
    REFUSED("--seeds", "did you mean seed?", "--seeds", "a");
    REFUSED("--key-fiel", "did you mean key-file?", "--key-fiel=x");
    cr_assert_eq(PARSE("--frobnicate", "1"), CONFIG_WRONG);
    cr_assert(strstr(error, "did you mean") == NULL, "%s", error);
}

Test(config, words_that_are_no_options_are_refused)
{
    REFUSED("start", "options look like", "start");
    REFUSED("--ttl", "value is missing", "--ttl");
    REFUSED("-v", "options look like", "-v");
}

Test(config, seconds_take_three_decimals)
{
    cr_assert_eq(PARSE("--orphan-grace", "1.5", "--probe-interval", "0.123"), CONFIG_RUN, "%s",
                 error);
    cr_assert_eq(config.orphan_grace_ms, 1500);
    cr_assert_eq(config.probe_interval_ms, 123);
    cr_assert_eq(PARSE("--orphan-grace", "1.2345"), CONFIG_WRONG);
    cr_assert_eq(PARSE("--orphan-grace", "1e3"), CONFIG_WRONG);
}

Test(config, a_wildcard_needs_an_address_to_advertise)
{
    REFUSED("--bind 0.0.0.0", "--advertise", "--bind", "0.0.0.0");
    REFUSED("--bind [::]", "--advertise", "--bind", "::", "--advertise", "10.0.0.1");
    cr_assert_eq(PARSE("--bind", "0.0.0.0", "--advertise", "10.0.0.1"), CONFIG_RUN, "%s", error);
    cr_assert_eq(config.advertise[0].port, 0, "the bound one");
    REFUSED("--advertise", "that others can reach", "--advertise", "0.0.0.0");
}

Test(config, an_advertised_address_needs_a_socket_of_its_family)
{
    REFUSED("--advertise fd00::1", "--bind", "--advertise", "fd00::1");
}

Test(config, prefixes_lose_their_last_slash_and_none_means_none)
{
    cr_assert_eq(PARSE("--http-prefix", "/api/", "--http-prefix", "/x/y"), CONFIG_RUN, "%s", error);
    cr_assert_eq(config.http_prefix_count, 2);
    cr_assert_str_eq(config.http_prefixes[0], "/api");
    cr_assert_eq(PARSE("--http-prefix", "none"), CONFIG_RUN);
    cr_assert_eq(config.http_prefix_count, 0);
}

/* --- The file
 * ------------------------------------------------------------------------------------------- */

static bool parse_text(const char *text)
{
    config_defaults(&config);
    return config_parse_text(&config, "node.conf", text, strlen(text), error);
}

Test(config, a_file_has_the_same_names)
{
    cr_assert(parse_text("# a comment\r\n\n name = eu-1 \r\nttl=60\nseed = a\nseed = b:1"), "%s",
              error);
    cr_assert_str_eq(config.name, "eu-1");
    cr_assert_eq(config.ttl_s, 60);
    cr_assert_eq(config.seed_count, 2);
}

Test(config, errors_in_a_file_name_the_line)
{
    cr_assert_not(parse_text("name = a\nttl = soon\n"));
    cr_assert(strstr(error, "node.conf:2: ttl: \"soon\"") != NULL, "%s", error);
    cr_assert_not(parse_text("\n\nname a\n"));
    cr_assert(strstr(error, "node.conf:3: ") != NULL, "%s", error);
    cr_assert_not(parse_text("help = 1\n"));
    cr_assert_not(parse_text("config = other\n"), "no files in files");
}

Test(config, a_file_with_a_nul_or_a_line_without_end_is_refused)
{
    char text[4096];

    config_defaults(&config);
    cr_assert_not(config_parse_text(&config, "f", "name = a\0b", 10, error));
    memset(text, 'x', sizeof text);
    cr_assert_not(config_parse_text(&config, "f", text, sizeof text, error));
}

Test(config, options_win_over_the_file_and_its_lists)
{
    char path[] = "/tmp/test_config.XXXXXX";
    int fd = mkstemp(path);

    cr_assert_geq(fd, 0);
    cr_assert_eq(write(fd, "ttl = 60\nseed = a\nseed = b\nzone = z\n", 36), 36);
    close(fd);
    cr_assert_eq(PARSE("--seed", "c", "--config", path, "--ttl", "70"), CONFIG_RUN, "%s", error);
    cr_assert_eq(config.ttl_s, 70);
    cr_assert_eq(config.seed_count, 1);
    cr_assert_str_eq(config.seeds[0].host, "c");
    cr_assert_str_eq(config.zone, "z");
    unlink(path);
    REFUSED("--config", "cannot read", "--config", path);
}

Test(config, the_help_names_every_option_of_the_contract)
{
    static const char *const names[] = {
        "--name",         "--bind",        "--advertise",   "--http ",   "--seed",
        "--data",         "--cluster",     "--key-file",    "--ttl",     "--zone",
        "--log-level",    "--log-format",  "--config",      "--version", "--help",
        "--orphan-grace", "--http-prefix", "--cors-origin", "--pages"};

    for (size_t i = 0; i < sizeof names / sizeof names[0]; i++)
        cr_assert(strstr(config_help, names[i]) != NULL, "%s", names[i]);
}
