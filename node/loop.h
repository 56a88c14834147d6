// SPDX-License-Identifier: Apache-2.0
/* loop.h - one thread's event loop: file descriptors, timers in milliseconds, wake-ups, signals
 *
 * A thin value around libev; loop.c is the only file that includes <ev.h>. Watchers are embedded in
 * whatever they watch for, so that nothing is allocated per connection. A watcher that is running
 * may be stopped, restarted or freed (after stopping) from within its own callback. Nothing here
 * may be called from another thread but loop_wake_send. */
#ifndef AURORA_NODE_LOOP_H
#define AURORA_NODE_LOOP_H

#include <stdalign.h>
#include <stdbool.h>
#include <stdint.h>

#define LOOP_WATCHER_BYTES 64 /* room for the largest of libev's watchers; loop.c asserts it */

struct loop;
struct turns;

enum { LOOP_READ = 1, LOOP_WRITE = 2 };

struct loop_fd {
    alignas(8) unsigned char opaque[LOOP_WATCHER_BYTES];
    struct loop *loop;
    void (*on_ready)(void *context, unsigned ready); /* LOOP_READ | LOOP_WRITE */
    void *context;
};

struct loop_timer {
    alignas(8) unsigned char opaque[LOOP_WATCHER_BYTES];
    struct loop *loop;
    void (*on_time)(void *context);
    void *context;
};

struct loop_wake {
    alignas(8) unsigned char opaque[LOOP_WATCHER_BYTES];
    struct loop *loop;
    void (*on_wake)(void *context);
    void *context;
};

struct loop_signal {
    alignas(8) unsigned char opaque[LOOP_WATCHER_BYTES];
    struct loop *loop;
    void (*on_signal)(void *context, int signal);
    void *context;
};

struct loop_idle {
    alignas(8) unsigned char opaque[LOOP_WATCHER_BYTES];
    struct loop *loop;
    void (*before_sleep)(void *context);
    void *context;
};

/* Aborts when the system has no means of waiting. The caller owns the result. */
struct loop *loop_new(void);
void loop_free(struct loop *);
/* Until loop_stop, or until nothing is left to wait for. */
void loop_run(struct loop *);
void loop_stop(struct loop *);
/* From now on the length of each turn is counted there (turns.h). */
void loop_measure(struct loop *, struct turns *);

/* Every X_init only ties a zeroed or stopped watcher to its loop; it then waits for nothing yet. */

void loop_fd_init(struct loop_fd *, struct loop *, int fd,
                  void (*on_ready)(void *context, unsigned ready), void *context);
/* Watch for these from now on (0: for nothing). Cheap when nothing changes. */
void loop_fd_watch(struct loop_fd *, unsigned events);
/* Before the descriptor is closed. */
void loop_fd_stop(struct loop_fd *);

/* One shot. Starting a timer that runs moves it. Never fires early; 0: at the next turn. */
void loop_timer_init(struct loop_timer *, struct loop *, void (*on_time)(void *context),
                     void *context);
void loop_timer_start(struct loop_timer *, uint64_t after_ms);
void loop_timer_stop(struct loop_timer *);
bool loop_timer_is_running(const struct loop_timer *);

/* Starts at once. */
void loop_wake_init(struct loop_wake *, struct loop *, void (*on_wake)(void *context),
                    void *context);
/* From any thread. Several before the loop turns are one. */
void loop_wake_send(struct loop_wake *);
void loop_wake_stop(struct loop_wake *);

/* Starts at once. One loop of the process may watch a signal. */
void loop_signal_init(struct loop_signal *, struct loop *, int signal,
                      void (*on_signal)(void *context, int signal), void *context);
void loop_signal_stop(struct loop_signal *);

/* Starts at once: called each time before the loop waits, for work that several callbacks of one
 * turn share (writing out what they queued). */
void loop_idle_init(struct loop_idle *, struct loop *, void (*before_sleep)(void *context),
                    void *context);
void loop_idle_stop(struct loop_idle *);

#endif
