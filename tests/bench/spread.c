// SPDX-License-Identifier: Apache-2.0
/* spread.c - from a registration at one node until the last of all nodes tells its watcher
 *
 * Usage: spread COUNT SPACING_MS SEED HOST:PORT...
 *
 * One stream of /v1/watch at every node; then COUNT times: a fresh peer is registered at a node
 * drawn by lot, and the clock runs from before the request is written until the event of the last
 * node has been read. Between two of them SPACING_MS pass on average. Prints every delay as JSON,
 * and what this observer itself cost. */
#include "net.h"

#include <inttypes.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <time.h>

#define NODES_MAX   1024
#define HEARD_BYTES 65536
#define WAIT_MS     20000

struct stream {
    int fd;
    char heard[HEARD_BYTES]; /* since it last found what it was waiting for */
    size_t len;
    bool has_found;
};

static struct stream *streams;
static int asking[NODES_MAX]; /* a connection to each node, for registrations */
static size_t node_count, found_count;
static int epoll_fd;
static char awaited[64];

static void open_node(const char *host_and_port)
{
    struct sockaddr_in server = net_address_pair(host_and_port);
    struct stream *stream = &streams[node_count];
    struct epoll_event event = {.events = EPOLLIN, .data = {.ptr = stream}};

    asking[node_count] = net_dial(&server);
    stream->fd = net_dial(&server);
    net_say(stream->fd, "GET /v1/watch?archetype=spread HTTP/1.1\r\nHost: bench\r\n\r\n");
    if (epoll_ctl(epoll_fd, EPOLL_CTL_ADD, stream->fd, &event) != 0)
        net_fail("epoll_ctl");
    node_count++;
}

static void hear(struct stream *stream)
{
    size_t room = sizeof stream->heard - 1 - stream->len;
    ssize_t len = recv(stream->fd, stream->heard + stream->len, room, MSG_DONTWAIT);

    if (len <= 0)
        net_fail("a stream has ended");
    stream->len += (size_t)len;
    stream->heard[stream->len] = '\0';
    if (stream->has_found || strstr(stream->heard, awaited) == NULL)
        return;
    stream->has_found = true;
    stream->len = 0;
    found_count++;
}

/* Until every stream has told what is awaited. */
static void hear_all(void)
{
    struct epoll_event events[64];

    while (found_count < node_count) {
        int count = epoll_wait(epoll_fd, events, 64, WAIT_MS);

        if (count <= 0)
            net_fail("not told everywhere in time");
        for (int i = 0; i < count; i++)
            hear(events[i].data.ptr);
    }
}

/* From now on hear() looks for what was printed to `awaited`. */
static void await(void)
{
    found_count = 0;
    for (size_t i = 0; i < node_count; i++)
        streams[i].has_found = false;
}

static void register_peer(int fd, unsigned number)
{
    char body[256], text[512], answer[2048];

    snprintf(body, sizeof body,
             "{\"peer_id\":\"spread-%08u-8000-000000000000\",\"address\":\"192.0.2.7\","
             "\"port\":9000,\"archetypes\":[\"spread\"],\"metadata\":{\"note\":\"%060d\"}}",
             number, 0);
    snprintf(text, sizeof text,
             "POST /register HTTP/1.1\r\nHost: bench\r\nContent-Length: %zu\r\n\r\n%s",
             strlen(body), body);
    net_say(fd, text);
    ssize_t len = recv(fd, answer, sizeof answer - 1, 0);
    answer[len > 0 ? len : 0] = '\0';
    if (strncmp(answer, "HTTP/1.1 200 ", 13) != 0) {
        fprintf(stderr, "spread: not a 200: %s\n", answer);
        exit(1);
    }
}

static unsigned long draw(unsigned long below)
{
    return (unsigned long)lrand48() % below;
}

/* Milliseconds from the request to the answer and to the last event. */
static void measure(unsigned number, double *answered_ms, double *everywhere_ms)
{
    size_t home = draw(node_count);

    snprintf(awaited, sizeof awaited, "spread-%08u-", number);
    await();
    uint64_t began_us = net_now_us();
    register_peer(asking[home], number);
    *answered_ms = (double)(net_now_us() - began_us) / 1000;
    hear_all();
    *everywhere_ms = (double)(net_now_us() - began_us) / 1000;
}

static void pause_for(unsigned long spacing_ms)
{
    struct timespec wait = {.tv_nsec = (long)draw(2 * spacing_ms * 1000 + 1) * 1000};

    wait.tv_sec = wait.tv_nsec / 1000000000;
    wait.tv_nsec %= 1000000000;
    nanosleep(&wait, NULL);
}

static double own_cpu_ms(void)
{
    struct rusage usage;

    getrusage(RUSAGE_SELF, &usage);
    return (double)(usage.ru_utime.tv_sec + usage.ru_stime.tv_sec) * 1000 +
           (double)(usage.ru_utime.tv_usec + usage.ru_stime.tv_usec) / 1000;
}

int main(int argc, char **argv)
{
    double answered_ms, everywhere_ms;

    if (argc < 5 || argc - 4 > NODES_MAX) {
        fputs("usage: spread COUNT SPACING_MS SEED HOST:PORT...\n", stderr);
        return 2;
    }
    streams = calloc((size_t)argc, sizeof *streams);
    epoll_fd = epoll_create1(EPOLL_CLOEXEC);
    if (streams == NULL || epoll_fd < 0)
        net_fail("cannot begin");
    net_raise_limit();
    srand48(strtol(argv[3], NULL, 10));
    for (int i = 4; i < argc; i++)
        open_node(argv[i]);
    snprintf(awaited, sizeof awaited, "\"more\":false");
    await();
    hear_all();

    double before_ms = own_cpu_ms();
    unsigned count = (unsigned)strtoul(argv[1], NULL, 10);
    printf("{\"delays\":[");
    for (unsigned i = 0; i < count; i++) {
        pause_for(strtoul(argv[2], NULL, 10));
        measure(i, &answered_ms, &everywhere_ms);
        printf("%s[%.3f,%.3f]", i == 0 ? "" : ",", answered_ms, everywhere_ms);
    }
    printf("],\"own_cpu_ms_each\":%.3f}\n", (own_cpu_ms() - before_ms) / (count ? count : 1));
    return 0;
}
