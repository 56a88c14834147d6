// SPDX-License-Identifier: Apache-2.0
/* control.c - commands on the node itself, through a Unix socket in the data directory */
#include "node/control.h"

#include <assert.h>
#include <errno.h>
#include <jansson.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include "gossip/mem.h"

struct control_connection {
    struct control *control;
    int fd; /* -1: free */
    struct loop_fd watcher;
    struct loop_timer deadline;
    char *line; /* CONTROL_LINE_MAX_BYTES, while a connection lasts */
    size_t len;
};

struct control {
    struct loop *loop;
    int dir, fd;
    struct loop_fd watcher;
    void (*on_request)(void *context, const struct control_request *, struct control_answer *);
    void *context;
    struct control_connection connections[CONTROL_CONNECTIONS_MAX];
};

/* --- Lines ----------------------------------------------------------------------------------- */

static const struct {
    const char *name;
    enum control_command command;
} commands[] = {
    {"join", CONTROL_JOIN},
    {"leave", CONTROL_LEAVE},
    {"reload", CONTROL_RELOAD},
    {"status", CONTROL_STATUS},
};

static void parse_addresses(struct control_request *request, const json_t *addresses)
{
    size_t count = json_array_size(addresses);

    if (count == 0 || count > SEEDS_MAX) {
        request->error = "join takes 1 to 16 addresses";
        return;
    }
    for (size_t i = 0; i < count; i++) {
        const char *text = json_string_value(json_array_get(addresses, i));

        if (text == NULL || !config_parse_endpoint(text, &request->endpoints[i])) {
            request->error = "an address is no host:port";
            return;
        }
    }
    request->endpoint_count = count;
}

static void parse_object(struct control_request *request, const json_t *object)
{
    const char *name = json_string_value(json_object_get(object, "command"));
    enum control_command command = CONTROL_WRONG;

    for (size_t i = 0; name != NULL && i < sizeof commands / sizeof commands[0]; i++) {
        if (strcmp(commands[i].name, name) == 0)
            command = commands[i].command;
    }
    if (command == CONTROL_WRONG)
        request->error = "command must be join, leave, reload or status";
    if (command == CONTROL_JOIN)
        parse_addresses(request, json_object_get(object, "addresses"));
    if (request->error == NULL)
        request->command = command;
}

void control_parse(struct control_request *request, const char *line, size_t len)
{
    json_t *object = json_loadb(line, len, JSON_REJECT_DUPLICATES, NULL);

    memset(request, 0, sizeof *request);
    if (json_is_object(object))
        parse_object(request, object);
    else
        request->error = "the line is no JSON object";
    json_decref(object);
    assert((request->error != NULL) == (request->command == CONTROL_WRONG));
}

void control_answer_ok(struct control_answer *answer)
{
    answer->len = (size_t)snprintf(answer->text, sizeof answer->text, "{\"ok\":true}\n");
}

void control_answer_error(struct control_answer *answer, const char *error)
{
    json_t *object = json_pack("{s:b,s:s}", "ok", 0, "error", error);
    size_t len = json_dumpb(object, answer->text, sizeof answer->text - 1, JSON_COMPACT);

    if (len == 0 || len >= sizeof answer->text) { /* not text, or too much of it */
        control_answer_error(answer, "the command failed");
    } else {
        answer->text[len] = '\n';
        answer->len = len + 1;
    }
    json_decref(object);
}

/* --- Connections
 * ------------------------------------------------------------------------------------------- */

static void connection_close(struct control_connection *connection)
{
    loop_fd_stop(&connection->watcher);
    loop_timer_stop(&connection->deadline);
    if (connection->fd >= 0)
        close(connection->fd);
    connection->fd = -1;
    mem_free(connection->line);
    connection->line = NULL;
}

static void on_deadline(void *context)
{
    connection_close(context);
}

static void connection_answer(struct control_connection *connection, size_t line_len)
{
    struct control *control = connection->control;
    struct control_request request;
    struct control_answer answer = {.len = 0};

    control_parse(&request, connection->line, line_len);
    if (request.command == CONTROL_WRONG)
        control_answer_error(&answer, request.error);
    else
        control->on_request(control->context, &request, &answer);
    assert(answer.len > 0 && answer.len <= sizeof answer.text);
    /* It fits any socket's buffer, so it is written whole or not at all: nobody waits. */
    (void)!send(connection->fd, answer.text, answer.len, MSG_NOSIGNAL | MSG_DONTWAIT);
    connection_close(connection);
}

static void on_connection_ready(void *context, unsigned ready)
{
    struct control_connection *connection = context;
    char *at = connection->line + connection->len;
    ssize_t got = recv(connection->fd, at, CONTROL_LINE_MAX_BYTES - connection->len, MSG_DONTWAIT);

    (void)ready;
    if (got < 0 && (errno == EAGAIN || errno == EINTR))
        return;
    if (got <= 0) {
        connection_close(connection);
        return;
    }
    connection->len += (size_t)got;
    const char *newline = memchr(connection->line, '\n', connection->len);
    if (newline != NULL)
        connection_answer(connection, (size_t)(newline - connection->line));
    else if (connection->len == CONTROL_LINE_MAX_BYTES)
        connection_close(connection);
}

static void on_connect(void *context, unsigned ready)
{
    struct control *control = context;
    struct control_connection *connection = NULL;
    int fd = accept4(control->fd, NULL, NULL, SOCK_NONBLOCK | SOCK_CLOEXEC);

    (void)ready;
    if (fd < 0)
        return;
    for (size_t i = 0; i < CONTROL_CONNECTIONS_MAX && connection == NULL; i++) {
        if (control->connections[i].fd < 0)
            connection = &control->connections[i];
    }
    if (connection == NULL) {
        close(fd);
        return;
    }
    connection->fd = fd;
    connection->len = 0;
    connection->line = mem_alloc(CONTROL_LINE_MAX_BYTES);
    loop_fd_init(&connection->watcher, control->loop, fd, on_connection_ready, connection);
    loop_fd_watch(&connection->watcher, LOOP_READ);
    loop_timer_init(&connection->deadline, control->loop, on_deadline, connection);
    loop_timer_start(&connection->deadline, CONTROL_DEADLINE_MS);
}

/* --- Listening ------------------------------------------------------------------------------- */

/* By way of /proc, because the path of a socket holds only 107 bytes and that of a directory may be
 * long. */
static bool listen_in(int fd, int dir)
{
    struct sockaddr_un name = {.sun_family = AF_UNIX};

    snprintf(name.sun_path, sizeof name.sun_path, "/proc/self/fd/%d/" CONTROL_SOCKET_NAME, dir);
    unlinkat(dir, CONTROL_SOCKET_NAME, 0); /* the lock says that nobody is using it */
    mode_t before = umask(0177);
    bool is_bound = bind(fd, (struct sockaddr *)&name, sizeof name) == 0;
    umask(before);
    return is_bound && listen(fd, CONTROL_CONNECTIONS_MAX) == 0;
}

struct control *control_new(struct loop *loop, int dir,
                            void (*on_request)(void *context, const struct control_request *,
                                               struct control_answer *),
                            void *context)
{
    int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);

    if (fd < 0)
        return NULL;
    if (!listen_in(fd, dir)) {
        int error = errno;

        close(fd);
        errno = error;
        return NULL;
    }
    struct control *control = mem_alloc(sizeof *control);
    control->loop = loop;
    control->dir = dir;
    control->fd = fd;
    control->on_request = on_request;
    control->context = context;
    for (size_t i = 0; i < CONTROL_CONNECTIONS_MAX; i++) {
        control->connections[i].control = control;
        control->connections[i].fd = -1;
    }
    loop_fd_init(&control->watcher, loop, fd, on_connect, control);
    loop_fd_watch(&control->watcher, LOOP_READ);
    return control;
}

void control_free(struct control *control)
{
    if (control == NULL)
        return;
    for (size_t i = 0; i < CONTROL_CONNECTIONS_MAX; i++)
        connection_close(&control->connections[i]);
    loop_fd_stop(&control->watcher);
    close(control->fd);
    unlinkat(control->dir, CONTROL_SOCKET_NAME, 0);
    mem_free(control);
}
