// SPDX-License-Identifier: Apache-2.0
/* resolver.c - host names to addresses, by a thread of its own */
#include "node/resolver.h"

#include <netdb.h>
#include <semaphore.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>

#include "gossip/mem.h"
#include "node/counters.h"
#include "node/net.h"
#include "node/queue.h"
#include "node/thread.h"

#define QUESTIONS_MAX 64

struct question {
    struct config_endpoint endpoint;
    struct resolver_answer answer;
};

/* Shared by two threads and freed by the last one that leaves: getaddrinfo cannot be interrupted.
 */
struct resolver {
    struct queue *questions, *answers;
    sem_t asked;
    struct loop_wake wake;
    pthread_mutex_t wake_mutex;
    atomic_bool is_over;
    atomic_int users;
    bool has_thread;
    pthread_t thread;
};

bool resolver_is_literal(const struct config_endpoint *endpoint, struct addr *addr)
{
    return net_parse(endpoint->host, endpoint->port, addr) && addr->port == endpoint->port;
}

static void release(struct resolver *resolver)
{
    struct question *question;

    if (atomic_fetch_sub(&resolver->users, 1) > 1)
        return;
    while ((question = queue_pop(resolver->questions)) != NULL)
        mem_free(question);
    while ((question = queue_pop(resolver->answers)) != NULL)
        mem_free(question);
    queue_free(resolver->questions);
    queue_free(resolver->answers);
    sem_destroy(&resolver->asked);
    pthread_mutex_destroy(&resolver->wake_mutex);
    mem_free(resolver);
}

static void keep_addresses(struct question *question, const struct addrinfo *found)
{
    struct resolver_answer *answer = &question->answer;

    for (; found != NULL && answer->count < SEEDS_MAX; found = found->ai_next) {
        struct addr addr = net_from_system(found->ai_addr);

        addr.port = question->endpoint.port;
        if (addr.family != ADDR_NONE)
            answer->addrs[answer->count++] = addr;
    }
}

static void look_up(struct question *question)
{
    struct addrinfo hints = {.ai_family = AF_UNSPEC, .ai_socktype = SOCK_DGRAM}, *found = NULL;
    int error = getaddrinfo(question->endpoint.host, NULL, &hints, &found);

    if (error == 0) {
        keep_addresses(question, found);
        freeaddrinfo(found);
    } else {
        question->answer.error = gai_strerror(error);
        counter_add(resolve_failures, 1);
    }
}

static void *resolver_run(void *context)
{
    struct resolver *resolver = context;
    struct question *question;

    while (!atomic_load(&resolver->is_over)) {
        while (sem_wait(&resolver->asked) != 0)
            continue;
        while (!atomic_load(&resolver->is_over) &&
               (question = queue_pop(resolver->questions)) != NULL) {
            look_up(question);
            bool is_kept = queue_push(resolver->answers, question);
            if (!is_kept)
                mem_free(question);
            /* The loop may go away once is_over is set, which takes the same mutex. */
            pthread_mutex_lock(&resolver->wake_mutex);
            if (is_kept && !atomic_load(&resolver->is_over))
                loop_wake_send(&resolver->wake);
            pthread_mutex_unlock(&resolver->wake_mutex);
        }
    }
    release(resolver);
    return NULL;
}

struct resolver *resolver_new(struct loop *loop, void (*on_answer)(void *context), void *context)
{
    struct resolver *resolver = mem_alloc(sizeof *resolver);

    resolver->questions = queue_new(QUESTIONS_MAX);
    resolver->answers = queue_new(QUESTIONS_MAX);
    sem_init(&resolver->asked, 0, 0);
    pthread_mutex_init(&resolver->wake_mutex, NULL);
    loop_wake_init(&resolver->wake, loop, on_answer, context);
    atomic_init(&resolver->users, 1);
    return resolver;
}

void resolver_free(struct resolver *resolver)
{
    if (resolver == NULL)
        return;
    pthread_mutex_lock(&resolver->wake_mutex);
    atomic_store(&resolver->is_over, true);
    pthread_mutex_unlock(&resolver->wake_mutex);
    loop_wake_stop(&resolver->wake);
    if (resolver->has_thread) {
        sem_post(&resolver->asked);
        pthread_detach(resolver->thread);
    }
    release(resolver);
}

static bool start_thread(struct resolver *resolver)
{
    if (resolver->has_thread)
        return true;
    atomic_fetch_add(&resolver->users, 1);
    resolver->has_thread =
        thread_start(&resolver->thread, "aurora-resolve", resolver_run, resolver);
    if (!resolver->has_thread)
        atomic_fetch_sub(&resolver->users, 1);
    return resolver->has_thread;
}

bool resolver_ask(struct resolver *resolver, const struct config_endpoint *endpoint, void *subject)
{
    struct question *question;

    if (!start_thread(resolver))
        return false;
    question = mem_alloc(sizeof *question);
    question->endpoint = *endpoint;
    question->answer.subject = subject;
    memcpy(question->answer.host, endpoint->host, sizeof question->answer.host);
    if (!queue_push(resolver->questions, question)) {
        mem_free(question);
        return false;
    }
    sem_post(&resolver->asked);
    return true;
}

bool resolver_next(struct resolver *resolver, struct resolver_answer *answer)
{
    struct question *question = queue_pop(resolver->answers);

    if (question == NULL)
        return false;
    *answer = question->answer;
    mem_free(question);
    return true;
}
