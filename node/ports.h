// SPDX-License-Identifier: Apache-2.0
/* ports.h - DATA/ports.json: where a running node can be reached, for whoever let it choose its
 * ports */
#ifndef AURORA_NODE_PORTS_H
#define AURORA_NODE_PORTS_H

#include <stdbool.h>

#include "node/http_thread.h"

#define PORTS_NAME "ports.json"

/* {"pid":..,"name":"..","id":"..","gossip":"127.0.0.1:4747","http":"127.0.0.1:4780",
 * "http_url":".."} and a newline, replaced whole. False: see errno. */
bool ports_write(int dir, const struct http_options *);
void ports_remove(int dir);

#endif
