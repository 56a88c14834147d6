// SPDX-License-Identifier: Apache-2.0
/* daemon.h - one node from its options to its end: puts the parts together and takes them apart */
#ifndef AURORA_NODE_DAEMON_H
#define AURORA_NODE_DAEMON_H

#include "node/config.h"

enum daemon_exit {
    DAEMON_STOPPED = 0,
    DAEMON_FAILED = 1,   /* could not start; the log says why */
    DAEMON_WRONG = 2,    /* options */
    DAEMON_CONFLICT = 3, /* our identity runs elsewhere */
};

/* Runs the node until it is told to stop. `argc` and `argv` are read again on SIGHUP. */
enum daemon_exit daemon_run(const struct node_config *, int argc, char **argv);

#endif
