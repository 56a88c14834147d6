// SPDX-License-Identifier: Apache-2.0
/* test_log.c - log lines: well-formed whatever is in them, never blocking, and few of the same kind
 */
#include "node/log.h"

#include <criterion/criterion.h>
#include <fcntl.h>
#include <jansson.h>
#include <string.h>
#include <unistd.h>

#include "gossip/addr.h"
#include "node/clock.h"
#include "node/counters.h"

static int pipe_fds[2];

static void open_log(enum log_level level, enum log_format format)
{
    cr_assert_eq(pipe2(pipe_fds, O_NONBLOCK), 0);
    log_to(pipe_fds[1]);
    log_configure(level, format);
}

/* What was written since the last look. */
static const char *written(void)
{
    static char text[65536];
    ssize_t len = read(pipe_fds[0], text, sizeof text - 1);

    text[len > 0 ? len : 0] = '\0';
    return text;
}

static json_t *parse_line(const char *text)
{
    json_error_t why;
    json_t *line = json_loads(text, 0, &why);

    cr_assert(json_is_object(line), "%s: %s", why.text, text);
    cr_assert_eq(strchr(text, '\n'), text + strlen(text) - 1, "one line: %s", text);
    return line;
}

static const char *member(json_t *line, const char *key)
{
    const char *text = json_string_value(json_object_get(line, key));

    return text != NULL ? text : "(none)";
}

Test(log, text_says_time_level_event_message_and_fields)
{
    struct addr addr = {.family = ADDR_IPV4, .ip = {10, 0, 0, 1}, .port = 5};

    open_log(LOG_LEVEL_INFO, LOG_FORMAT_TEXT);
    log_say(LOG_LEVEL_INFO, "a.event", "it happened", log_text("name", "n1"), log_number("n", 7),
            log_addr("addr", &addr));
    const char *text = written();
    cr_assert(strstr(text, "Z info    a.event: it happened name=n1 n=7 addr=10.0.0.1:5\n") != NULL,
              "%s", text);
}

Test(log, levels_below_the_configured_one_are_silent)
{
    open_log(LOG_LEVEL_WARNING, LOG_FORMAT_TEXT);
    log_say(LOG_LEVEL_INFO, "quiet", "no");
    log_say(LOG_LEVEL_WARNING, "loud", "yes");
    const char *text = written();
    cr_assert(strstr(text, "quiet") == NULL && strstr(text, "loud") != NULL, "%s", text);
}

Test(log, json_lines_are_objects)
{
    open_log(LOG_LEVEL_INFO, LOG_FORMAT_JSON);
    log_say(LOG_LEVEL_ERROR, "a.event", "it happened", log_text("name", "n1"), log_number("n", 7));
    json_t *line = parse_line(written());
    cr_assert_str_eq(member(line, "level"), "error");
    cr_assert_str_eq(member(line, "event"), "a.event");
    cr_assert_str_eq(member(line, "message"), "it happened");
    cr_assert_str_eq(member(line, "name"), "n1");
    cr_assert_eq(json_integer_value(json_object_get(line, "n")), 7);
    json_decref(line);
}

Test(log, texts_from_strangers_cannot_break_a_line)
{
    static const char *const nasty[] = {
        "a\nb",         "\"", "\\",   "\x1b[31m",         "\xff\xfe", "\xc3\x28",
        "\xed\xa0\x80", "",   "\x7f", "\xf0\x9f\x98\x80", "a=b"};

    for (size_t i = 0; i < sizeof nasty / sizeof nasty[0]; i++) {
        open_log(LOG_LEVEL_INFO, LOG_FORMAT_JSON);
        log_say(LOG_LEVEL_INFO, "e", "m", log_text("name", nasty[i]));
        json_decref(parse_line(written()));
        log_configure(LOG_LEVEL_INFO, LOG_FORMAT_TEXT);
        log_say(LOG_LEVEL_INFO, "e", "m", log_text("name", nasty[i]));
        const char *text = written();
        cr_assert_eq(strchr(text, '\n'), text + strlen(text) - 1, "%zu: one line", i);
        cr_assert(strchr(text, '\x1b') == NULL, "no escapes for the terminal");
    }
}

Test(log, a_line_that_is_too_long_is_cut_and_still_json)
{
    char text[3000];

    memset(text, 'x', sizeof text - 1);
    text[sizeof text - 1] = '\0';
    open_log(LOG_LEVEL_INFO, LOG_FORMAT_JSON);
    log_say(LOG_LEVEL_INFO, "e", "m", log_text("a", "1"), log_text("long", text),
            log_text("b", "2"));
    json_t *line = parse_line(written());
    cr_assert_str_eq(member(line, "a"), "1");
    cr_assert(json_is_true(json_object_get(line, "cut")));
    json_decref(line);
    /* At every length around the limit. */
    for (size_t len = 700; len < 1000; len++) {
        text[len] = '\0';
        log_say(LOG_LEVEL_INFO, "e", "m", log_text("long", text), log_text("b", "2"));
        json_decref(parse_line(written()));
        text[len] = 'x';
    }
}

Test(log, repeated_lines_come_once_a_minute_with_their_count)
{
    struct log_limit limit = {0};
    uint64_t repeated = 99;

    cr_assert(log_limit_pass(&limit, 1000, &repeated));
    cr_assert_eq(repeated, 0);
    for (int i = 0; i < 5; i++)
        cr_assert_not(log_limit_pass(&limit, 1000 + LOG_SELDOM_MS - 1, &repeated));
    cr_assert(log_limit_pass(&limit, 1000 + LOG_SELDOM_MS, &repeated));
    cr_assert_eq(repeated, 5);
}

Test(log, a_reader_that_is_stuck_blocks_nobody)
{
    uint64_t before = counter_read(log_lines_lost), started_ms;
    char filler[65536] = {0};

    cr_assert_eq(pipe(pipe_fds), 0); /* blocking, and full */
    fcntl(pipe_fds[1], F_SETFL, O_NONBLOCK);
    while (write(pipe_fds[1], filler, sizeof filler) > 0)
        continue;
    fcntl(pipe_fds[1], F_SETFL, 0);
    log_to(pipe_fds[1]);
    log_configure(LOG_LEVEL_INFO, LOG_FORMAT_TEXT);
    cr_assert(log_writer_start());
    started_ms = clock_mono_ms();
    for (int i = 0; i < 3 * LOG_QUEUE_MAX; i++)
        log_say(LOG_LEVEL_INFO, "e", "m");
    cr_assert_leq(clock_mono_ms() - started_ms, 1000);
    cr_assert_geq(counter_read(log_lines_lost) - before, LOG_QUEUE_MAX);
    /* Reading again lets the rest out. */
    fcntl(pipe_fds[0], F_SETFL, O_NONBLOCK);
    while (read(pipe_fds[0], filler, sizeof filler) > 0)
        continue;
    log_writer_stop();
}

Test(log, stopping_writes_what_is_queued)
{
    open_log(LOG_LEVEL_INFO, LOG_FORMAT_TEXT);
    cr_assert(log_writer_start());
    for (int i = 0; i < 100; i++)
        log_say(LOG_LEVEL_INFO, "last", "words", log_number("i", (uint64_t)i));
    log_writer_stop();
    cr_assert(strstr(written(), "i=99\n") != NULL);
}

Test(log, level_names_parse_back)
{
    enum log_level level;

    for (enum log_level i = LOG_LEVEL_DEBUG; i <= LOG_LEVEL_ERROR; i++)
        cr_assert(log_level_parse(log_level_name(i), &level) && level == i);
    cr_assert_not(log_level_parse("INFO", &level));
}
