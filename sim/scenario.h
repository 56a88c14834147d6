// SPDX-License-Identifier: Apache-2.0
/* scenario.h - what a named scenario is: some worlds (cells), what happens in each, and the table
 * made of what they found
 *
 * Every cell lives in a process of its own: two run at once, and one that crashes takes only itself
 * away. A cell's outcome is plain numbers in memory that the processes share. Everything in a cell
 * derives from its seed, so the order in which cells finish changes nothing. */
#ifndef AURORA_SIM_SCENARIO_H
#define AURORA_SIM_SCENARIO_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "sim/check.h"
#include "sim/cluster.h"
#include "sim/report.h"
#include "sim/settings.h"

/* One invocation of `aurora-sim run`. */
struct run {
    const struct scenario *scenario;
    struct settings settings;
    uint64_t seed;
    size_t nodes;      /* 0: the scenario's own, which may be several sizes */
    double duration_s; /* 0: the scenario's own */
    const char *trace; /* a file; the cells then run one after the other and append to it */
    size_t workers;    /* processes at a time: the machine's cores */
};

enum { OUTCOME_TEXT_BYTES = 200 };

/* Shared between processes: no pointers but the one into the same mapping. */
struct outcome {
    double *value;               /* scenario->values of them, zero at first: what tell() reads */
    uint64_t now_us;             /* the cell's virtual time while it runs, for the progress line */
    uint64_t trace_hash;         /* of all its worlds */
    uint64_t events;             /* steps of all its worlds */
    uint32_t broken[INVARIANTS]; /* how often each invariant broke */
    uint32_t asked[INVARIANTS];  /* how often each was checked: 0 means it was not */
    bool is_late;                /* it did not converge in time: liveness */
    bool is_trace_lost;          /* the trace file could not be written to the end */
    bool is_done;                /* false at the end: it crashed */
    bool has_crashed;            /* it, or a branch of it */
    int signal;                  /* by which signal; 0: it exited by itself */
    char text[OUTCOME_TEXT_BYTES]; /* the first thing that went wrong */
};

struct cell {
    const struct run *run;
    size_t index;
    struct outcome *out;
};

struct preset {
    enum setting setting;
    double value;
};

struct scenario {
    const char *name;
    const char *what;   /* one line for `list` */
    const char *anchor; /* the paper's or rival's figure and its source, in one line; NULL: none */
    size_t nodes;
    double duration_s;            /* virtual, of one world; for the progress line and --duration */
    const struct preset *presets; /* ends with {SETTINGS, 0}; may be NULL */
    const enum setting *takes;    /* ends with SETTINGS; may be NULL: none but the common ones */
    size_t nodes_least;           /* it makes no sense with fewer (0: 1) */
    size_t values;                /* numbers in a cell's outcome */
    size_t (*cells)(const struct run *);
    void (*live)(struct cell *);
    /* Metrics, references, one sheet (the CSV), plots. `outcomes` in order of their cells. */
    void (*tell)(const struct run *, const struct outcome *outcomes, struct report *);
    /* What is out of range only together (more bad nodes than nodes): false, and one line in
     * `error` that names it and says what would be right. May be NULL: everything goes. */
    bool (*fits)(const struct run *, char *error, size_t error_bytes);
};

/* All of them, in the order of `list`; ends with NULL. Each lives in a scenario_*.c. */
extern const struct scenario *const scenarios[];
const struct scenario *scenario_find(const char *name); /* NULL: none of that name */

static inline size_t run_nodes(const struct run *run)
{
    return run->nodes ? run->nodes : run->scenario->nodes;
}

static inline double run_duration_s(const struct run *run)
{
    return run->duration_s > 0 ? run->duration_s : run->scenario->duration_s;
}

/* --- For live()
 * -------------------------------------------------------------------------------------- */

/* A seed of its own for each repetition; equal repetitions of different cells share it, so that
 * detectors are compared in the same worlds. */
uint64_t cell_seed(const struct cell *, size_t repetition);
/* A world as the run's settings say, nothing started; `change` alters the options first (may be
 * NULL). Virtual time shows in the progress. */
struct cluster *cell_cluster(struct cell *, size_t nodes, uint64_t seed,
                             void (*change)(struct cluster_options *, const void *), const void *);
/* Everything starts as SET_START says: by joining through the seeds, or knowing one another. False:
 * not everybody knew everybody in ten minutes (cell_late was called). */
bool cell_boot(struct cell *, struct cluster *);
/* Adds the world's checks, hash and steps to the outcome, and frees it. */
void cell_end(struct cell *, struct cluster *);
/* It did not converge: liveness (the first text is kept). */
void cell_late(struct cell *, const char *format, ...) __attribute__((format(printf, 2, 3)));

/* Runs `live` in a copy of this process, its world included, and waits: many endings of one
 * beginning. The copy's outcome is the cell's own: what it writes there stays, and it must end with
 * cell_end of the world that it ran on (whose beginning is then counted again). False: it crashed,
 * and the outcome says so. */
bool cell_branch(struct cell *, void (*live)(struct cell *, void *), void *context);

#endif
