// SPDX-License-Identifier: Apache-2.0
/* net.c - addresses as text and as the system's structures; opening sockets */
#include "node/net.h"

#include <arpa/inet.h>
#include <assert.h>
#include <errno.h>
#include <netinet/in.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#define LISTEN_BACKLOG 1024

char *net_host_text(const struct addr *addr, char out[NET_TEXT_BYTES])
{
    int family = addr->family == ADDR_IPV6 ? AF_INET6 : AF_INET;

    if (addr->family == ADDR_NONE || inet_ntop(family, addr->ip, out, NET_TEXT_BYTES) == NULL)
        memcpy(out, "none", sizeof "none");
    return out;
}

char *net_text(const struct addr *addr, char out[NET_TEXT_BYTES])
{
    char host[NET_TEXT_BYTES];

    net_host_text(addr, host);
    snprintf(out, NET_TEXT_BYTES, addr->family == ADDR_IPV6 ? "[%.46s]:%u" : "%.46s:%u", host,
             (unsigned)addr->port);
    return out;
}

/* 1 to 5 digits, at most 65535. */
static bool parse_port(const char *text, uint16_t *port)
{
    unsigned value = 0;
    size_t digits = strspn(text, "0123456789");

    if (digits == 0 || digits > 5 || text[digits] != '\0')
        return false;
    for (; *text != '\0'; text++)
        value = value * 10 + (unsigned)(*text - '0');
    *port = (uint16_t)value;
    return value <= 65535;
}

static bool parse_ip(const char *text, size_t len, int family, struct addr *addr)
{
    char host[NET_TEXT_BYTES];

    if (len >= sizeof host)
        return false;
    memcpy(host, text, len);
    host[len] = '\0';
    addr->family = family == AF_INET6 ? ADDR_IPV6 : ADDR_IPV4;
    return inet_pton(family, host, addr->ip) == 1;
}

bool net_parse(const char *text, uint16_t default_port, struct addr *addr)
{
    const char *colon = strchr(text, ':');

    *addr = (struct addr){.port = default_port};
    if (text[0] == '[') {
        const char *end = strchr(text, ']');

        return end != NULL && parse_ip(text + 1, (size_t)(end - text - 1), AF_INET6, addr) &&
               (end[1] == '\0' || (end[1] == ':' && parse_port(end + 2, &addr->port)));
    }
    if (colon != NULL && strchr(colon + 1, ':') != NULL)
        return parse_ip(text, strlen(text), AF_INET6, addr);
    if (colon == NULL)
        return parse_ip(text, strlen(text), AF_INET, addr);
    return parse_ip(text, (size_t)(colon - text), AF_INET, addr) &&
           parse_port(colon + 1, &addr->port);
}

bool net_is_wildcard(const struct addr *addr)
{
    static const uint8_t zeros[sizeof addr->ip];

    return memcmp(addr->ip, zeros, sizeof zeros) == 0;
}

bool net_is_loopback(const struct addr *addr)
{
    static const uint8_t one[sizeof addr->ip] = {[15] = 1};

    return addr->family == ADDR_IPV4 ? addr->ip[0] == 127 : memcmp(addr->ip, one, sizeof one) == 0;
}

socklen_t net_to_system(const struct addr *addr, struct sockaddr_storage *out)
{
    memset(out, 0, sizeof *out);
    if (addr->family == ADDR_IPV6) {
        struct sockaddr_in6 *in6 = (struct sockaddr_in6 *)out;

        in6->sin6_family = AF_INET6;
        in6->sin6_port = htons(addr->port);
        memcpy(&in6->sin6_addr, addr->ip, 16);
        return sizeof *in6;
    }
    struct sockaddr_in *in = (struct sockaddr_in *)out;

    in->sin_family = AF_INET;
    in->sin_port = htons(addr->port);
    memcpy(&in->sin_addr, addr->ip, 4);
    return sizeof *in;
}

static struct addr addr_from_ipv6(const struct sockaddr_in6 *in6)
{
    struct addr addr = {.family = ADDR_IPV6, .port = ntohs(in6->sin6_port)};

    if (IN6_IS_ADDR_V4MAPPED(&in6->sin6_addr)) {
        addr.family = ADDR_IPV4;
        memcpy(addr.ip, in6->sin6_addr.s6_addr + 12, 4);
    } else {
        memcpy(addr.ip, &in6->sin6_addr, 16);
    }
    return addr;
}

struct addr net_from_system(const struct sockaddr *from)
{
    struct addr addr = {.family = ADDR_NONE};

    if (from->sa_family == AF_INET6)
        return addr_from_ipv6((const struct sockaddr_in6 *)(const void *)from);
    if (from->sa_family == AF_INET) {
        const struct sockaddr_in *in = (const struct sockaddr_in *)(const void *)from;

        addr.family = ADDR_IPV4;
        addr.port = ntohs(in->sin_port);
        memcpy(addr.ip, &in->sin_addr, 4);
    }
    return addr;
}

static bool open_options(int fd, int type, const struct addr *addr)
{
    int on = 1;

    /* A restarted node must not wait for its predecessor's connections to time out. Not for UDP:
     * there it would let two nodes share one port. */
    if (type == SOCK_STREAM && setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof on) != 0)
        return false;
    return addr->family != ADDR_IPV6 ||
           setsockopt(fd, IPPROTO_IPV6, IPV6_V6ONLY, &on, sizeof on) == 0;
}

static bool open_bind(int fd, int type, struct addr *addr)
{
    struct sockaddr_storage name;
    socklen_t len = net_to_system(addr, &name);

    if (!open_options(fd, type, addr) || bind(fd, (struct sockaddr *)&name, len) != 0)
        return false;
    if (type == SOCK_STREAM && listen(fd, LISTEN_BACKLOG) != 0)
        return false;
    len = sizeof name;
    if (getsockname(fd, (struct sockaddr *)&name, &len) != 0)
        return false;
    addr->port = net_from_system((struct sockaddr *)&name).port;
    return true;
}

int net_open(int type, struct addr *addr)
{
    assert(type == SOCK_DGRAM || type == SOCK_STREAM);
    assert(addr->family == ADDR_IPV4 || addr->family == ADDR_IPV6);
    int family = addr->family == ADDR_IPV6 ? AF_INET6 : AF_INET;
    int fd = socket(family, type | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);

    if (fd < 0)
        return -1;
    if (!open_bind(fd, type, addr)) {
        int error = errno;

        close(fd);
        errno = error;
        return -1;
    }
    return fd;
}
