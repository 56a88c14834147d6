// SPDX-License-Identifier: Apache-2.0
/* net.h - what the load generators share: a clock, connections, and an end when something fails */
#ifndef AURORA_TESTS_BENCH_NET_H
#define AURORA_TESTS_BENCH_NET_H

#include <netinet/in.h>
#include <stdint.h>

/* Says what failed and why (errno), and ends the program. */
_Noreturn void net_fail(const char *what);

/* Microseconds on a clock that never jumps. */
uint64_t net_now_us(void);

/* 127.0.0.1 and "4780", or one text "127.0.0.1:4780". Ends the program if that is no address. */
struct sockaddr_in net_address(const char *host, const char *port);
struct sockaddr_in net_address_pair(const char *host_and_port);

/* A connection without Nagle's delay. The caller closes it. */
int net_dial(const struct sockaddr_in *server);

/* All of the text, which must fit the socket's buffer. */
void net_say(int fd, const char *text);

/* As many descriptors as this process may have. */
void net_raise_limit(void);

#endif
