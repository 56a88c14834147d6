// SPDX-License-Identifier: Apache-2.0
/* main.c - aurora-node: reads the options and runs the node */
#include <malloc.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/resource.h>

#include "crypto/key.h"
#include "node/daemon.h"

/* One heap for gossip and one for HTTP: by default glibc would give every thread its own, and each
 * of them keeps what it once had. */
static void configure_memory(void)
{
    mallopt(M_ARENA_MAX, 2);
    mallopt(M_MMAP_THRESHOLD, 128 << 10);
    mallopt(M_TRIM_THRESHOLD, 256 << 10);
}

/* A descriptor for each connection: the usual soft limit of 1,024 is for programs that use
 * select(). */
static void configure_descriptors(void)
{
    struct rlimit limit;

    if (getrlimit(RLIMIT_NOFILE, &limit) != 0)
        return;
    limit.rlim_cur = limit.rlim_max;
    (void)setrlimit(RLIMIT_NOFILE, &limit);
}

int main(int argc, char **argv)
{
    static struct node_config config;
    char error[CONFIG_ERROR_MAX_BYTES];

    switch (config_parse(&config, argc, argv, error)) {
    case CONFIG_SHOWN: return EXIT_SUCCESS;
    case CONFIG_WRONG: fprintf(stderr, "aurora-node: %s\n", error); return DAEMON_WRONG;
    case CONFIG_RUN: break;
    }
    configure_memory();
    configure_descriptors();
    signal(SIGPIPE, SIG_IGN); /* a client that hangs up, or a log that nobody reads */
    signal(SIGXFSZ, SIG_IGN); /* a file at its limit is an error of write, not our end */
    if (!key_library_init()) {
        fprintf(stderr, "aurora-node: the system has no usable randomness\n");
        return DAEMON_FAILED;
    }
    return (int)daemon_run(&config, argc, argv);
}
