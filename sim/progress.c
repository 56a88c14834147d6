// SPDX-License-Identifier: Apache-2.0
/* progress.c - how far it is, on stderr if that is a terminal */
#include "sim/progress.h"

#include <stdio.h>
#include <time.h>
#include <unistd.h>

static double wall_s(void)
{
    struct timespec now;

    clock_gettime(CLOCK_MONOTONIC, &now);
    return (double)now.tv_sec + (double)now.tv_nsec * 1e-9;
}

void progress_begin(struct progress *progress, const char *name)
{
    *progress =
        (struct progress){.name = name, .is_terminal = isatty(STDERR_FILENO), .began_s = wall_s()};
    progress->shown_s = progress->began_s; /* what takes a second needs no line */
}

static void print_time(double s)
{
    unsigned long all = (unsigned long)(s > 0 ? s : 0);

    if (all >= 3600)
        fprintf(stderr, "%lu:%02lu:%02lu h", all / 3600, all / 60 % 60, all % 60);
    else if (all >= 60)
        fprintf(stderr, "%lu:%02lu min", all / 60, all % 60);
    else
        fprintf(stderr, "%lu s", all);
}

void progress_show(struct progress *progress, size_t done, size_t total, double virtual_s,
                   double part)
{
    double now_s = wall_s(), elapsed_s = now_s - progress->began_s;

    if (!progress->is_terminal || now_s - progress->shown_s < 0.95)
        return;
    progress->shown_s = now_s;
    progress->is_shown = true;
    fprintf(stderr, "\r\033[K%s: %zu of %zu worlds done, %.0f s simulated; ", progress->name, done,
            total, virtual_s);
    print_time(elapsed_s);
    fputs(" so far", stderr);
    if (part > 0.01 && part < 1) {
        fputs(", about ", stderr);
        print_time(elapsed_s / part - elapsed_s);
        fputs(" to go", stderr);
    }
    fflush(stderr);
}

void progress_clear(struct progress *progress)
{
    if (progress->is_shown)
        fputs("\r\033[K", stderr);
    progress->is_shown = false;
    fflush(stderr);
}
