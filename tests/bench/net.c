// SPDX-License-Identifier: Apache-2.0
/* net.c - what the load generators share: a clock, connections, and an end when something fails */
#include "net.h"

#include <arpa/inet.h>
#include <errno.h>
#include <netinet/tcp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <time.h>

_Noreturn void net_fail(const char *what)
{
    fprintf(stderr, "%s: %s: %s\n", program_invocation_short_name, what, strerror(errno));
    exit(1);
}

uint64_t net_now_us(void)
{
    struct timespec now;

    clock_gettime(CLOCK_MONOTONIC, &now);
    return (uint64_t)now.tv_sec * 1000000 + (uint64_t)now.tv_nsec / 1000;
}

struct sockaddr_in net_address(const char *host, const char *port)
{
    struct sockaddr_in address = {.sin_family = AF_INET};

    address.sin_port = htons((uint16_t)strtoul(port, NULL, 10));
    if (inet_pton(AF_INET, host, &address.sin_addr) != 1 || address.sin_port == 0) {
        errno = EINVAL;
        net_fail(host);
    }
    return address;
}

struct sockaddr_in net_address_pair(const char *host_and_port)
{
    char host[INET_ADDRSTRLEN];
    const char *colon = strchr(host_and_port, ':');
    size_t len = colon == NULL ? sizeof host : (size_t)(colon - host_and_port);

    if (len >= sizeof host) {
        errno = EINVAL;
        net_fail(host_and_port);
    }
    memcpy(host, host_and_port, len);
    host[len] = '\0';
    return net_address(host, colon + 1);
}

int net_dial(const struct sockaddr_in *server)
{
    int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0), on = 1;

    if (fd < 0 || connect(fd, (const struct sockaddr *)server, sizeof *server) != 0)
        net_fail("connect");
    setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
    return fd;
}

void net_say(int fd, const char *text)
{
    size_t len = strlen(text);

    if (send(fd, text, len, MSG_NOSIGNAL) != (ssize_t)len)
        net_fail("send");
}

void net_raise_limit(void)
{
    struct rlimit limit;

    if (getrlimit(RLIMIT_NOFILE, &limit) != 0)
        net_fail("getrlimit");
    limit.rlim_cur = limit.rlim_max;
    if (setrlimit(RLIMIT_NOFILE, &limit) != 0)
        net_fail("setrlimit");
}
