// SPDX-License-Identifier: Apache-2.0
/* loop.c - one thread's event loop; the only file that knows libev */
#include "node/loop.h"

#include <assert.h>
#include <ev.h>
#include <stdlib.h>

#include "gossip/mem.h"
#include "node/turns.h"

static_assert(sizeof(ev_io) <= LOOP_WATCHER_BYTES, "room for an ev_io");
static_assert(sizeof(ev_timer) <= LOOP_WATCHER_BYTES, "room for an ev_timer");
static_assert(sizeof(ev_async) <= LOOP_WATCHER_BYTES, "room for an ev_async");
static_assert(sizeof(ev_signal) <= LOOP_WATCHER_BYTES, "room for an ev_signal");
static_assert(sizeof(ev_prepare) <= LOOP_WATCHER_BYTES, "room for an ev_prepare");
static_assert(alignof(ev_io) <= 8 && alignof(ev_timer) <= 8, "alignment of watchers");

struct loop {
    struct ev_loop *ev;
    struct turns *turns; /* NULL: not measured */
    ev_check woken;      /* after each wait, before anything else */
    ev_prepare waits;    /* before each wait, after everything else */
    uint64_t woken_us;
};

/* The opaque bytes are the first member of each watcher, and only ever accessed as libev's type. */
#define WATCHER(type, watcher) ((type *)(void *)(watcher)->opaque)

struct loop *loop_new(void)
{
    struct loop *loop = mem_alloc(sizeof *loop);

    /* The environment must not be able to change how we wait. */
    loop->ev = ev_loop_new(EVFLAG_AUTO | EVFLAG_NOENV);
    if (loop->ev == NULL)
        abort();
    return loop;
}

void loop_free(struct loop *loop)
{
    if (loop == NULL)
        return;
    ev_loop_destroy(loop->ev);
    mem_free(loop);
}

void loop_run(struct loop *loop)
{
    ev_run(loop->ev, 0);
}

void loop_stop(struct loop *loop)
{
    ev_break(loop->ev, EVBREAK_ALL);
}

/* --- How long turns take
 * --------------------------------------------------------------------------- */

static void on_woken(struct ev_loop *ev, ev_check *check, int revents)
{
    struct loop *loop = check->data;

    (void)ev;
    (void)revents;
    loop->woken_us = turns_now_us();
}

static void on_waits(struct ev_loop *ev, ev_prepare *prepare, int revents)
{
    struct loop *loop = prepare->data;

    (void)ev;
    (void)revents;
    if (loop->woken_us != 0)
        turns_add(loop->turns, turns_now_us() - loop->woken_us);
}

void loop_measure(struct loop *loop, struct turns *of)
{
    assert(loop->turns == NULL && of != NULL);
    loop->turns = of;
    ev_check_init(&loop->woken, on_woken);
    ev_prepare_init(&loop->waits, on_waits);
    ev_set_priority(&loop->woken, EV_MAXPRI);
    ev_set_priority(&loop->waits, EV_MINPRI);
    loop->woken.data = loop->waits.data = loop;
    ev_check_start(loop->ev, &loop->woken);
    ev_prepare_start(loop->ev, &loop->waits);
    /* They keep no loop running that has nothing else to wait for. */
    ev_unref(loop->ev);
    ev_unref(loop->ev);
}

/* --- File descriptors ----------------------------------------------------------------------------
 */

static void on_io(struct ev_loop *ev, ev_io *io, int revents)
{
    struct loop_fd *fd = io->data;
    unsigned ready = 0;

    (void)ev;
    if (revents & (EV_READ | EV_ERROR)) /* an error shows itself when one reads */
        ready |= LOOP_READ;
    if (revents & EV_WRITE)
        ready |= LOOP_WRITE;
    fd->on_ready(fd->context, ready);
}

void loop_fd_init(struct loop_fd *fd, struct loop *loop, int number,
                  void (*on_ready)(void *context, unsigned ready), void *context)
{
    ev_io *io = WATCHER(ev_io, fd);

    assert(number >= 0 && on_ready != NULL);
    fd->loop = loop;
    fd->on_ready = on_ready;
    fd->context = context;
    ev_io_init(io, on_io, number, EV_READ);
    io->data = fd;
}

void loop_fd_watch(struct loop_fd *fd, unsigned events)
{
    ev_io *io = WATCHER(ev_io, fd);
    int wanted = (events & LOOP_READ ? EV_READ : 0) | (events & LOOP_WRITE ? EV_WRITE : 0);

    if (ev_is_active(io) && (io->events & (EV_READ | EV_WRITE)) == wanted)
        return;
    ev_io_stop(fd->loop->ev, io);
    if (wanted == 0)
        return;
    ev_io_modify(io, wanted);
    ev_io_start(fd->loop->ev, io);
}

void loop_fd_stop(struct loop_fd *fd)
{
    if (fd->loop != NULL)
        ev_io_stop(fd->loop->ev, WATCHER(ev_io, fd));
}

/* --- Timers
 * ----------------------------------------------------------------------------------------- */

static void on_timer(struct ev_loop *ev, ev_timer *timer, int revents)
{
    struct loop_timer *owner = timer->data;

    (void)ev;
    (void)revents;
    owner->on_time(owner->context);
}

void loop_timer_init(struct loop_timer *timer, struct loop *loop, void (*on_time)(void *context),
                     void *context)
{
    ev_timer *watcher = WATCHER(ev_timer, timer);

    assert(on_time != NULL);
    timer->loop = loop;
    timer->on_time = on_time;
    timer->context = context;
    ev_timer_init(watcher, on_timer, 0., 0.);
    watcher->data = timer;
}

void loop_timer_start(struct loop_timer *timer, uint64_t after_ms)
{
    ev_timer *watcher = WATCHER(ev_timer, timer);

    ev_timer_stop(timer->loop->ev, watcher);
    /* libev counts from the loop's own idea of now, which a long callback has left behind; and half
     * a millisecond more, so that who compares whole milliseconds never finds that it fired early.
     */
    ev_now_update(timer->loop->ev);
    ev_timer_set(watcher, after_ms == 0 ? 0. : (double)after_ms / 1000. + .0005, 0.);
    ev_timer_start(timer->loop->ev, watcher);
}

void loop_timer_stop(struct loop_timer *timer)
{
    if (timer->loop != NULL)
        ev_timer_stop(timer->loop->ev, WATCHER(ev_timer, timer));
}

bool loop_timer_is_running(const struct loop_timer *timer)
{
    const ev_timer *watcher = (const ev_timer *)(const void *)timer->opaque;

    return ev_is_active(watcher) || ev_is_pending(watcher);
}

/* --- Wake-ups from other threads
 * --------------------------------------------------------------------- */

static void on_async(struct ev_loop *ev, ev_async *async, int revents)
{
    struct loop_wake *wake = async->data;

    (void)ev;
    (void)revents;
    wake->on_wake(wake->context);
}

void loop_wake_init(struct loop_wake *wake, struct loop *loop, void (*on_wake)(void *context),
                    void *context)
{
    ev_async *async = WATCHER(ev_async, wake);

    assert(on_wake != NULL);
    wake->loop = loop;
    wake->on_wake = on_wake;
    wake->context = context;
    ev_async_init(async, on_async);
    async->data = wake;
    ev_async_start(loop->ev, async);
}

void loop_wake_send(struct loop_wake *wake)
{
    ev_async_send(wake->loop->ev, WATCHER(ev_async, wake));
}

void loop_wake_stop(struct loop_wake *wake)
{
    if (wake->loop != NULL)
        ev_async_stop(wake->loop->ev, WATCHER(ev_async, wake));
}

/* --- Signals
 * ------------------------------------------------------------------------------------------ */

static void on_ev_signal(struct ev_loop *ev, ev_signal *watcher, int revents)
{
    struct loop_signal *owner = watcher->data;

    (void)ev;
    (void)revents;
    owner->on_signal(owner->context, watcher->signum);
}

void loop_signal_init(struct loop_signal *owner, struct loop *loop, int number,
                      void (*on_signal)(void *context, int signal), void *context)
{
    ev_signal *watcher = WATCHER(ev_signal, owner);

    assert(on_signal != NULL);
    owner->loop = loop;
    owner->on_signal = on_signal;
    owner->context = context;
    ev_signal_init(watcher, on_ev_signal, number);
    watcher->data = owner;
    ev_signal_start(loop->ev, watcher);
}

void loop_signal_stop(struct loop_signal *owner)
{
    if (owner->loop != NULL)
        ev_signal_stop(owner->loop->ev, WATCHER(ev_signal, owner));
}

/* --- Before sleeping
 * ------------------------------------------------------------------------------------ */

static void on_prepare(struct ev_loop *ev, ev_prepare *prepare, int revents)
{
    struct loop_idle *idle = prepare->data;

    (void)ev;
    (void)revents;
    idle->before_sleep(idle->context);
}

void loop_idle_init(struct loop_idle *idle, struct loop *loop, void (*before_sleep)(void *context),
                    void *context)
{
    ev_prepare *prepare = WATCHER(ev_prepare, idle);

    assert(before_sleep != NULL);
    idle->loop = loop;
    idle->before_sleep = before_sleep;
    idle->context = context;
    ev_prepare_init(prepare, on_prepare);
    prepare->data = idle;
    ev_prepare_start(loop->ev, prepare);
}

void loop_idle_stop(struct loop_idle *idle)
{
    if (idle->loop != NULL)
        ev_prepare_stop(idle->loop->ev, WATCHER(ev_prepare, idle));
}
