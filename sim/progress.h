// SPDX-License-Identifier: Apache-2.0
/* progress.h - one line on a terminal, while something long runs */
#ifndef AURORA_SIM_PROGRESS_H
#define AURORA_SIM_PROGRESS_H

#include <stdbool.h>
#include <stddef.h>

struct progress {
    const char *name;
    double began_s, shown_s; /* wall time */
    bool is_terminal;        /* else all of this does nothing */
    bool is_shown;
};

void progress_begin(struct progress *, const char *name);
/* At most once a second, however often it is called. `part` of the work is done (0 to 1), from
 * which the rest is guessed. */
void progress_show(struct progress *, size_t done, size_t total, double virtual_s, double part);
/* Takes the line away, for other output or at the end. */
void progress_clear(struct progress *);

#endif
