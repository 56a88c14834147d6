// SPDX-License-Identifier: Apache-2.0
/* http_thread.c - the HTTP side as a thread: its loop, its view, its connections */
#include "node/http_thread.h"

#include <assert.h>
#include <stdatomic.h>
#include <stdio.h>
#include <unistd.h>

#include "gossip/mem.h"
#include "node/api.h"
#include "node/clock.h"
#include "node/http_server.h"
#include "node/loop.h"
#include "node/thread.h"
#include "node/turns.h"

#define STOP_LOOK_MS 20 /* how often a stopping thread looks whether all is said */

struct http_thread {
    struct http_options options;
    pthread_t thread;
    struct loop *loop;
    struct loop_wake stop_wake;
    struct loop_idle idle;
    struct loop_timer stop_timer;
    atomic_bool must_stop;
    _Atomic uint64_t grace_ms;
    uint64_t stop_by_ms;
    struct api api;
    struct http_server server;
};

/* --- On the thread ------------------------------------------------------------------------- */

static void on_events(void *context)
{
    struct http_thread *http = context;

    api_set_time(&http->api, clock_mono_ms(), clock_wall_us());
    bool is_more = api_take_events(&http->api, BRIDGE_EVENTS_BATCH);
    http_server_flush(&http->server);
    if (is_more)
        bridge_events_again(http->options.bridge);
}

static void on_arrivals(void *context)
{
    struct http_thread *http = context;

    api_set_time(&http->api, clock_mono_ms(), clock_wall_us());
    http_server_take_arrivals(&http->server);
}

/* Everything that was readable has been read. */
static void before_sleep(void *context)
{
    struct http_thread *http = context;

    bridge_flush_commands(http->options.bridge);
    api_publish(&http->api);
}

static void look_at_end(void *context)
{
    struct http_thread *http = context;
    uint64_t now_ms = clock_mono_ms();

    api_set_time(&http->api, now_ms, clock_wall_us());
    bool is_late = now_ms >= http->stop_by_ms;
    if (is_late) {
        api_stop(&http->api, true);
        http_server_flush(&http->server);
    }
    if (is_late || http_server_is_idle(&http->server))
        loop_stop(http->loop);
    else
        loop_timer_start(&http->stop_timer, STOP_LOOK_MS);
}

static void on_stop(void *context)
{
    struct http_thread *http = context;

    if (!atomic_load(&http->must_stop) || http->api.is_stopping)
        return;
    http->stop_by_ms = clock_mono_ms() + atomic_load(&http->grace_ms);
    api_stop(&http->api, false);
    http_server_close_listeners(&http->server);
    look_at_end(http);
}

static void *http_run(void *context)
{
    struct http_thread *http = context;

    bridge_attach_http(http->options.bridge, http->loop, on_events, http);
    loop_run(http->loop);
    bridge_detach_http(http->options.bridge);
    return NULL;
}

/* --- From outside -------------------------------------------------------------------------- */

static void http_free(struct http_thread *http)
{
    http_team_detach(http->options.team, http->options.number);
    http_server_free(&http->server);
    api_free(&http->api);
    loop_timer_stop(&http->stop_timer);
    loop_idle_stop(&http->idle);
    loop_wake_stop(&http->stop_wake);
    loop_free(http->loop);
    mem_free(http);
}

struct http_thread *http_thread_start(const struct http_options *options)
{
    struct http_thread *http = mem_alloc(sizeof *http);
    char name[16] = "aurora-http";

    if (options->number > 0)
        snprintf(name, sizeof name, "aurora-http-%u", (unsigned)options->number % 100);
    assert(options->config != NULL && options->bridge != NULL);
    http->options = *options;
    http->loop = loop_new();
    loop_measure(http->loop, &turns_by_loop[TURNS_HTTP]);
    api_init(&http->api, &http->options);
    api_set_time(&http->api, clock_mono_ms(), clock_wall_us());
    loop_wake_init(&http->stop_wake, http->loop, on_stop, http);
    loop_timer_init(&http->stop_timer, http->loop, look_at_end, http);
    loop_idle_init(&http->idle, http->loop, before_sleep, http);
    http_team_attach(options->team, options->number, http->loop, on_arrivals, http);
    http_server_start(&http->server, &http->api, http->loop, options->listeners,
                      options->listener_count);
    if (!thread_start(&http->thread, name, http_run, http)) {
        http_free(http);
        return NULL;
    }
    return http;
}

/* None is freed before all have ended: they hand connections to one another. */
void http_threads_stop(struct http_thread *const *threads, size_t count, uint64_t grace_ms)
{
    for (size_t i = 0; i < count; i++) {
        atomic_store(&threads[i]->grace_ms, grace_ms);
        atomic_store(&threads[i]->must_stop, true);
        loop_wake_send(&threads[i]->stop_wake);
    }
    for (size_t i = 0; i < count; i++)
        pthread_join(threads[i]->thread, NULL);
    for (size_t i = 0; i < count; i++)
        http_free(threads[i]);
}
