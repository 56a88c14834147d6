// SPDX-License-Identifier: Apache-2.0
/* thread.h - a thread with a small stack and no signals */
#ifndef AURORA_NODE_THREAD_H
#define AURORA_NODE_THREAD_H

#include <pthread.h>
#include <stdbool.h>

/* `name` is at most 15 characters. All signals are blocked in it: the gossip thread alone takes
 * them. False: the system refused. */
bool thread_start(pthread_t *, const char *name, void *(*run)(void *context), void *context);

#endif
