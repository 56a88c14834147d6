// SPDX-License-Identifier: Apache-2.0
/* test_http_thread.c - the thread with real sockets: limits, refusals that arrive, and a clean end
 */
#include "node/http_thread.h"

#include <arpa/inet.h>
#include <criterion/criterion.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "node/loop.h"
#include "node/net.h"

static struct node_config config;
static struct http_options options;
static struct http_thread *http;
static struct loop *gossip_loop;
static struct bridge *bridge;

static void ignore(void *context)
{
    (void)context;
}

static void start(uint32_t connections, uint32_t per_address)
{
    struct addr addr = {.family = ADDR_IPV4, .ip = {127, 0, 0, 1}};

    cr_assert(key_library_init());
    config_defaults(&config);
    config.http_connections_max = connections;
    config.http_connections_per_address_max = per_address;
    gossip_loop = loop_new();
    bridge = bridge_new(1);
    options = (struct http_options){
        .config = &config,
        .bridge = bridge_end_of(bridge, 0),
        .team = http_team_new(1, connections, per_address),
    };
    bridge_attach_gossip(bridge, gossip_loop, ignore, NULL);
    options.listeners[0] = net_open(SOCK_STREAM, &addr);
    options.listener_count = 1;
    options.http[0] = addr;
    cr_assert(options.listeners[0] >= 0);
    http = http_thread_start(&options);
    cr_assert_not_null(http);
}

static void stop(uint64_t grace_ms)
{
    http_threads_stop(&http, 1, grace_ms);
    bridge_detach_gossip(bridge);
    bridge_free(bridge);
    http_team_free(options.team);
    loop_free(gossip_loop);
}

static int dial(void)
{
    struct sockaddr_storage name;
    socklen_t len = net_to_system(&options.http[0], &name);
    struct timeval patience = {.tv_sec = 20};
    int fd = socket(AF_INET, SOCK_STREAM, 0);

    cr_assert_eq(connect(fd, (struct sockaddr *)&name, len), 0);
    setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &patience, sizeof patience);
    return fd;
}

static void say(int fd, const char *text)
{
    cr_assert_eq(send(fd, text, strlen(text), MSG_NOSIGNAL), (ssize_t)strlen(text));
}

/* Until these words have come, or the end. */
static bool hears(int fd, const char *words)
{
    static char heard[65536];
    size_t len = 0;
    ssize_t more;

    do {
        more = recv(fd, heard + len, sizeof heard - 1 - len, 0);
        len += more > 0 ? (size_t)more : 0;
        heard[len] = '\0';
    } while (more > 0 && strstr(heard, words) == NULL);
    return strstr(heard, words) != NULL;
}

static bool hears_end(int fd)
{
    char rest[65536];
    ssize_t more;

    while ((more = recv(fd, rest, sizeof rest, 0)) > 0)
        ;
    return more == 0;
}

Test(http_thread, answers_and_ends, .timeout = 60)
{
    start(10, 10);
    int fd = dial();

    say(fd, "GET /health HTTP/1.1\r\nHost: x\r\n\r\n");
    cr_assert(hears(fd, "healthy"));
    stop(5000);
    cr_assert(hears_end(fd), "an idle connection is closed at once");
    close(fd);
}

Test(http_thread, too_many_connections_are_told, .timeout = 60)
{
    int fds[4];

    start(100, 3);
    for (int i = 0; i < 4; i++)
        fds[i] = dial();
    cr_assert(hears(fds[3], "503 Service Unavailable"));
    cr_assert(hears_end(fds[3]));
    say(fds[0], "GET /health HTTP/1.1\r\nHost: x\r\n\r\n");
    cr_assert(hears(fds[0], "healthy"));
    for (int i = 0; i < 4; i++)
        close(fds[i]);
    stop(1000);
}

Test(http_thread, a_refusal_arrives_although_the_client_still_sends, .timeout = 60)
{
    static char megabyte[1 << 20];

    start(10, 10);
    int fd = dial();

    memset(megabyte, 'x', sizeof megabyte);
    say(fd, "POST /register HTTP/1.1\r\nHost: x\r\nContent-Length: 8388608\r\n\r\n");
    for (int i = 0; i < 8; i++)
        for (size_t at = 0; at < sizeof megabyte;) {
            ssize_t sent = send(fd, megabyte + at, sizeof megabyte - at, MSG_NOSIGNAL);

            cr_assert(sent > 0, "it is read to its end");
            at += (size_t)sent;
        }
    cr_assert(hears(fd, "413 Payload Too Large"));
    close(fd);
    stop(1000);
}

Test(http_thread, what_waits_when_it_ends_gets_a_503, .timeout = 60)
{
    struct gossip_status *status = calloc(1, sizeof *status);
    struct gossip_event event = {.kind = GOSSIP_EVENT_STATUS, .status = status};
    struct node_command *command;

    status->synced = true;
    start(10, 10);
    cr_assert(bridge_push_event(bridge, &event));
    bridge_flush_events(bridge);
    int fd = dial();
    say(fd, "GET /v1/status HTTP/1.1\r\nHost: x\r\n\r\n");
    cr_assert(hears(fd, "}"));
    do {
        say(fd,
            "POST /heartbeat HTTP/1.1\r\nHost: x\r\nContent-Length: 15\r\n\r\n{\"peer_id\":\"p\"}");
        /* Until the event above has been taken note of, it is a 503 at once. */
        while ((command = bridge_next_command(bridge)) == NULL &&
               recv(fd, &event, sizeof event, MSG_DONTWAIT | MSG_PEEK) <= 0)
            ;
        if (command == NULL)
            cr_assert(hears(fd, "first sync"));
    } while (command == NULL);
    node_command_free(command);
    stop(50);
    cr_assert(hears(fd, "stopping"));
    cr_assert(hears_end(fd));
    close(fd);
}
