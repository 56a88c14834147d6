// SPDX-License-Identifier: Apache-2.0
/* control.c - aurora join and leave: commands to the node itself, through the Unix socket in its
 * data folder. Who may open that folder may give them; the HTTP port knows neither. */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <sys/un.h>
#include <unistd.h>

#include "tools/command.h"

#define ANSWER_MAX_BYTES 4096

/* -1: said what is wrong. */
static int connect_socket(const struct request *request)
{
    struct sockaddr_un to = {.sun_family = AF_UNIX};
    int wrote = snprintf(to.sun_path, sizeof to.sun_path, "%s/control.sock", request->data);
    if (wrote < 0 || (size_t)wrote >= sizeof to.sun_path) {
        request_refuse(request, "--data is too long for a Unix socket: %s", request->data);
        return -1;
    }
    int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
    struct timeval limit = {.tv_sec = request->client.timeout_ms / 1000,
                            .tv_usec = request->client.timeout_ms % 1000 * 1000};
    if (fd >= 0)
        setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &limit, sizeof limit);
    if (fd >= 0 && connect(fd, (const struct sockaddr *)&to, sizeof to) == 0)
        return fd;
    fprintf(stderr,
            "aurora: no node answers at %s: %s\n"
            "aurora: --data (or AURORA_DATA) must be the --data folder of a node on this machine\n",
            to.sun_path, strerror(errno));
    if (fd >= 0)
        close(fd);
    return -1;
}

static json_t *exchange(int fd, const json_t *command)
{
    char answer[ANSWER_MAX_BYTES];
    size_t len = 0;
    char *line = json_dumps(command, JSON_COMPACT);
    if (line == NULL)
        abort();
    bool sent = dprintf(fd, "%s\n", line) > 0;
    free(line);
    while (sent && len < sizeof answer) {
        ssize_t got = read(fd, answer + len, sizeof answer - len);
        if (got <= 0)
            break;
        len += (size_t)got;
    }
    return json_loadb(answer, len, JSON_DISABLE_EOF_CHECK, NULL);
}

static enum exit_status tell(const struct request *request, json_t *command, const char *done)
{
    if (request->data == NULL) {
        json_decref(command);
        return request_refuse(request, "--data DIR is missing: the node's data folder");
    }
    int fd = connect_socket(request);
    if (fd < 0) {
        json_decref(command);
        return EXIT_NO_NODE;
    }
    json_t *answer = exchange(fd, command);
    close(fd);
    json_decref(command);
    enum exit_status status = EXIT_NO_NODE;
    if (json_is_true(json_object_get(answer, "ok"))) {
        status = EXIT_DONE;
        if (request->wants_json)
            output_json(answer);
        else
            puts(done);
    } else if (answer != NULL) {
        const char *error = json_string_value(json_object_get(answer, "error"));
        fprintf(stderr, "aurora: the node refused: %s\n",
                error == NULL ? "no reason given" : error);
        status = EXIT_REFUSED;
    } else {
        fprintf(stderr, "aurora: the node gave no answer\n");
    }
    json_decref(answer);
    return status;
}

static enum exit_status run_join(const struct request *request)
{
    json_t *command = json_object();
    json_t *addresses = json_array();
    json_object_set_new(command, "command", json_string("join"));
    json_object_set_new(command, "addresses", addresses);
    for (size_t i = 0; i < request->word_count; i++)
        json_array_append_new(addresses, json_string(request->words[i]));
    return tell(request, command, "asked; aurora members shows who answered");
}

static enum exit_status run_leave(const struct request *request)
{
    return tell(request, json_pack("{s:s}", "command", "leave"), "the node says goodbye and stops");
}

const struct command command_join = {
    .name = "join",
    .arguments = "--data DIR HOST:PORT...",
    .summary = "Make a node on this machine join others, by their gossip addresses",
    .help = "example: aurora join --data /var/lib/aurora 192.0.2.7:4747",
    .options = "",
    .words_min = 1,
    .words_max = 16,
    .run = run_join,
};

const struct command command_leave = {
    .name = "leave",
    .arguments = "--data DIR",
    .summary = "Make a node on this machine leave the cluster and stop",
    .help = "The others see it as left at once, not as dead. SIGTERM does the same.\n"
            "example: aurora leave --data /var/lib/aurora",
    .options = "",
    .run = run_leave,
};
