// SPDX-License-Identifier: Apache-2.0
/* verifier.c - threads that verify signatures for the gossip thread */
#include "node/verifier.h"

#include <assert.h>
#include <pthread.h>
#include <sched.h>
#include <semaphore.h>
#include <stdatomic.h>
#include <sys/resource.h>
#include <unistd.h>

#include "gossip/gossip.h"
#include "gossip/mem.h"
#include "node/log.h"
#include "node/queue.h"
#include "node/thread.h"

/* More would only wait for the one thread that applies what they have verified. */
#define THREADS_MAX 8
/* A third of the share of a thread that answers somebody, where both want the same core. */
#define NICENESS 5
/* While there is more to do, the gossip thread is woken for so many at once: waking it costs as
 * much as a tenth of a verification. */
#define VERDICTS_PER_WAKE 8

struct verifier {
    struct loop_wake wake;
    struct queue *to_do, *done; /* NULL until there is a first check */
    sem_t given;
    pthread_t threads[THREADS_MAX];
    size_t thread_count;
    atomic_bool must_stop;
};

static size_t cores_usable(void)
{
    cpu_set_t set;
    int count = sched_getaffinity(0, sizeof set, &set) == 0 ? CPU_COUNT(&set) : 1;

    return count < 1 ? 1 : count > THREADS_MAX ? THREADS_MAX : (size_t)count;
}

static void run_one(struct verifier *verifier, struct gossip_check *check)
{
    gossip_check_run(check);
    bool is_pushed = queue_push(verifier->done, check);
    assert(is_pushed && "the core hands out no more than the queue holds");
    (void)is_pushed;
    if (queue_count(verifier->to_do) == 0 || queue_count(verifier->done) >= VERDICTS_PER_WAKE)
        loop_wake_send(&verifier->wake);
}

/* Of this thread: Linux keeps a niceness for each. */
static void lower_priority(void)
{
    id_t thread = (id_t)gettid();

    (void)setpriority(PRIO_PROCESS, thread, getpriority(PRIO_PROCESS, thread) + NICENESS);
}

static void *work(void *context)
{
    struct verifier *verifier = context;

    lower_priority();
    for (;;) {
        if (sem_wait(&verifier->given) != 0)
            continue;
        if (atomic_load(&verifier->must_stop))
            return NULL;
        struct gossip_check *check = queue_pop(verifier->to_do);
        assert(check != NULL && "one was pushed before each sem_post");
        run_one(verifier, check);
    }
}

static void start(struct verifier *verifier)
{
    size_t wanted = cores_usable();

    verifier->to_do = queue_new(CHECKS_MAX);
    verifier->done = queue_new(CHECKS_MAX);
    while (
        verifier->thread_count < wanted &&
        thread_start(&verifier->threads[verifier->thread_count], "aurora-verify", work, verifier))
        verifier->thread_count++;
    if (verifier->thread_count == 0)
        log_say(LOG_LEVEL_WARNING, "verify.no_thread",
                "the system refused a thread: what is pulled is verified by the gossip thread");
}

struct verifier *verifier_new(struct loop *loop, void (*on_verdicts)(void *context), void *context)
{
    struct verifier *verifier = mem_alloc(sizeof *verifier);

    sem_init(&verifier->given, 0, 0);
    loop_wake_init(&verifier->wake, loop, on_verdicts, context);
    return verifier;
}

void verifier_give(struct verifier *verifier, struct gossip_check *check)
{
    if (verifier->to_do == NULL)
        start(verifier);
    if (verifier->thread_count == 0) {
        run_one(verifier, check);
        return;
    }
    bool is_pushed = queue_push(verifier->to_do, check);
    assert(is_pushed && "the core hands out no more than the queue holds");
    (void)is_pushed;
    sem_post(&verifier->given);
}

struct gossip_check *verifier_next(struct verifier *verifier)
{
    return verifier->done == NULL ? NULL : queue_pop(verifier->done);
}

void verifier_again(struct verifier *verifier)
{
    loop_wake_send(&verifier->wake);
}

static void empty(struct queue *queue)
{
    while (queue != NULL && queue_pop(queue) != NULL)
        continue;
    queue_free(queue);
}

void verifier_free(struct verifier *verifier)
{
    atomic_store(&verifier->must_stop, true);
    for (size_t i = 0; i < verifier->thread_count; i++)
        sem_post(&verifier->given);
    for (size_t i = 0; i < verifier->thread_count; i++)
        pthread_join(verifier->threads[i], NULL);
    loop_wake_stop(&verifier->wake);
    empty(verifier->to_do);
    empty(verifier->done);
    sem_destroy(&verifier->given);
    mem_free(verifier);
}
