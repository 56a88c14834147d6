// SPDX-License-Identifier: Apache-2.0
/* net.h - addresses as text and as the system's structures; opening sockets */
#ifndef AURORA_NODE_NET_H
#define AURORA_NODE_NET_H

#include <stdbool.h>
#include <stddef.h>
#include <sys/socket.h>

#include "gossip/addr.h"

#define NET_TEXT_BYTES 56 /* "[ipv6]:65535" and a NUL */

/* "127.0.0.1:4747", "[::1]:4747"; returns `out`. */
char *net_text(const struct addr *, char out[NET_TEXT_BYTES]);
/* The address without its port or brackets. */
char *net_host_text(const struct addr *, char out[NET_TEXT_BYTES]);
/* "1.2.3.4", "1.2.3.4:5", "::1", "[::1]:5"; without a port it becomes `default_port`. False: none
 * of these. */
bool net_parse(const char *text, uint16_t default_port, struct addr *);
bool net_is_wildcard(const struct addr *);
bool net_is_loopback(const struct addr *);
socklen_t net_to_system(const struct addr *, struct sockaddr_storage *);
/* ADDR_NONE for other families. IPv4 inside IPv6 becomes IPv4. */
struct addr net_from_system(const struct sockaddr *);

/* A bound, non-blocking socket (SOCK_DGRAM, or SOCK_STREAM, then listening); *addr gets the port
 * that was chosen for 0. IPv6 sockets take no IPv4. -1: see errno. */
int net_open(int type, struct addr *addr);

#endif
