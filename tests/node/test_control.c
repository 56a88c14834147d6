// SPDX-License-Identifier: Apache-2.0
/* test_control.c - one line of JSON in, one out, and nobody can hold the node up */
#include "node/control.h"

#include <criterion/criterion.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

static struct control_request request;

static void parse(const char *line)
{
    control_parse(&request, line, strlen(line));
}

Test(control, the_four_commands_are_read)
{
    parse("{\"command\":\"join\",\"addresses\":[\"10.0.0.1:5\",\"a.example.net\"]}");
    cr_assert_eq(request.command, CONTROL_JOIN);
    cr_assert_eq(request.endpoint_count, 2);
    cr_assert_str_eq(request.endpoints[1].host, "a.example.net");
    parse("{\"command\":\"leave\"}");
    cr_assert_eq(request.command, CONTROL_LEAVE);
    parse("{\"command\":\"reload\"}");
    cr_assert_eq(request.command, CONTROL_RELOAD);
    parse("{\"command\":\"status\",\"later\":1}");
    cr_assert_eq(request.command, CONTROL_STATUS);
}

Test(control, everything_else_is_an_error_with_a_reason)
{
    static const char *const wrong[] = {
        "",
        "leave",
        "[]",
        "{}",
        "{\"command\":1}",
        "{\"command\":\"stop\"}",
        "{\"command\":\"leave\",\"command\":\"join\"}",
        "{\"command\":\"join\"}",
        "{\"command\":\"join\",\"addresses\":[]}",
        "{\"command\":\"join\",\"addresses\":[1]}",
        "{\"command\":\"join\",\"addresses\":\"a\"}",
        "{\"command\":\"join\",\"addresses\":[\"a b\"]}",
        "\xff",
        "{\"command\":\"leave\"",
    };

    for (size_t i = 0; i < sizeof wrong / sizeof wrong[0]; i++) {
        parse(wrong[i]);
        cr_assert_eq(request.command, CONTROL_WRONG, "%s", wrong[i]);
        cr_assert_not_null(request.error);
    }
}

Test(control, errors_are_answered_as_json_whatever_is_in_them)
{
    struct control_answer answer;
    char long_text[2 * CONTROL_ANSWER_MAX_BYTES];

    control_answer_error(&answer, "a \"quoted\"\nline");
    cr_assert_eq(answer.text[answer.len - 1], '\n');
    cr_assert_eq(memchr(answer.text, '\n', answer.len), answer.text + answer.len - 1);
    memset(long_text, 'x', sizeof long_text - 1);
    long_text[sizeof long_text - 1] = '\0';
    control_answer_error(&answer, long_text);
    cr_assert_leq(answer.len, sizeof answer.text);
}

/* --- Over the socket
 * -------------------------------------------------------------------------------------- */

static struct loop *loop;
static struct control *control;
static char dir[64];
static int dir_fd, leaves;

static void on_request(void *context, const struct control_request *got,
                       struct control_answer *answer)
{
    (void)context;
    leaves += got->command == CONTROL_LEAVE;
    control_answer_ok(answer);
}

static void begin(void)
{
    snprintf(dir, sizeof dir, "/tmp/test_control.XXXXXX");
    cr_assert_not_null(mkdtemp(dir));
    dir_fd = open(dir, O_RDONLY | O_DIRECTORY);
    loop = loop_new();
    control = control_new(loop, dir_fd, on_request, NULL);
    cr_assert_not_null(control);
}

static void end(void)
{
    control_free(control);
    loop_free(loop);
    close(dir_fd);
    cr_assert_eq(rmdir(dir), 0, "the socket was removed");
}

TestSuite(control_socket, .init = begin, .fini = end, .timeout = 30);

static int dial(void)
{
    struct sockaddr_un name = {.sun_family = AF_UNIX};
    int fd = socket(AF_UNIX, SOCK_STREAM, 0);

    snprintf(name.sun_path, sizeof name.sun_path, "%s/%s", dir, CONTROL_SOCKET_NAME);
    cr_assert_eq(connect(fd, (struct sockaddr *)&name, sizeof name), 0);
    return fd;
}

static void stop(void *context)
{
    (void)context;
    loop_stop(loop);
}

/* Lets the loop do what is waiting. */
static void turn(void)
{
    struct loop_timer timer;

    memset(&timer, 0, sizeof timer);
    loop_timer_init(&timer, loop, stop, NULL);
    loop_timer_start(&timer, 20);
    loop_run(loop);
}

static const char *answer_of(int fd)
{
    static char text[CONTROL_ANSWER_MAX_BYTES + 1];
    ssize_t len;

    turn();
    len = recv(fd, text, sizeof text - 1, MSG_DONTWAIT);
    text[len > 0 ? len : 0] = '\0';
    close(fd);
    return text;
}

static void say(int fd, const char *text)
{
    cr_assert_eq(send(fd, text, strlen(text), 0), (ssize_t)strlen(text));
}

Test(control_socket, a_command_may_come_in_pieces)
{
    int fd = dial();

    say(fd, "{\"command\":");
    turn();
    say(fd, "\"leave\"}\n");
    cr_assert_str_eq(answer_of(fd), "{\"ok\":true}\n");
    cr_assert_eq(leaves, 1);
}

Test(control_socket, it_is_for_its_owner_only)
{
    char path[128];
    struct stat status;

    snprintf(path, sizeof path, "%s/%s", dir, CONTROL_SOCKET_NAME);
    cr_assert_eq(stat(path, &status), 0);
    cr_assert_eq(status.st_mode & 0777, 0600);
}

Test(control_socket, a_line_without_end_is_hung_up_on)
{
    char bytes[CONTROL_LINE_MAX_BYTES + 1];
    int fd = dial();

    memset(bytes, 'x', sizeof bytes - 1);
    bytes[sizeof bytes - 1] = '\0';
    say(fd, bytes);
    cr_assert_str_eq(answer_of(fd), "");
}

Test(control_socket, more_connections_than_places_are_closed_and_the_others_served)
{
    int fds[CONTROL_CONNECTIONS_MAX + 3];

    for (size_t i = 0; i < CONTROL_CONNECTIONS_MAX + 3; i++) {
        fds[i] = dial();
        turn();
    }
    say(fds[0], "{\"command\":\"status\"}\n");
    cr_assert_str_eq(answer_of(fds[0]), "{\"ok\":true}\n");
    for (size_t i = 1; i < CONTROL_CONNECTIONS_MAX + 3; i++)
        close(fds[i]);
    turn();
    int again = dial();
    say(again, "{\"command\":\"status\"}\n");
    cr_assert_str_eq(answer_of(again), "{\"ok\":true}\n");
}

Test(control_socket, what_a_crash_left_behind_is_replaced)
{
    struct control *second = control_new(loop, dir_fd, on_request, NULL);

    cr_assert_not_null(second, "the socket's file was there already");
    int fd = dial();
    say(fd, "{\"command\":\"status\"}\n");
    cr_assert_str_eq(answer_of(fd), "{\"ok\":true}\n");
    control_free(second);
}
