// SPDX-License-Identifier: Apache-2.0
/* thread.c - a thread with a small stack and no signals */
#include "node/thread.h"

#include <assert.h>
#include <signal.h>
#include <string.h>

/* The resolver and the sanitizers need most; only pages that are touched cost memory. */
#define THREAD_STACK_BYTES (512u << 10)

bool thread_start(pthread_t *thread, const char *name, void *(*run)(void *context), void *context)
{
    pthread_attr_t attributes;
    sigset_t all, before;

    assert(strlen(name) <= 15);
    if (pthread_attr_init(&attributes) != 0)
        return false;
    pthread_attr_setstacksize(&attributes, THREAD_STACK_BYTES);
    sigfillset(&all);
    pthread_sigmask(SIG_SETMASK, &all, &before); /* inherited by the new thread */
    int error = pthread_create(thread, &attributes, run, context);
    pthread_sigmask(SIG_SETMASK, &before, NULL);
    pthread_attr_destroy(&attributes);
    if (error == 0)
        pthread_setname_np(*thread, name);
    return error == 0;
}
