// SPDX-License-Identifier: Apache-2.0
/* result.h - what all the worlds of a run come to: held or not, how grave, and how to see it again;
 * and its writers */
#ifndef AURORA_SIM_RESULT_H
#define AURORA_SIM_RESULT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#include "sim/cli.h"
#include "sim/scenario.h"

struct result {
    const struct run *run;
    struct report *report;
    size_t first_cell, cells; /* those that ran; all of them unless --cell */
    bool is_whole;            /* all of them: the report has figures */
    double wall_s;
    uint64_t trace_hash, events;
    uint64_t broken[INVARIANTS], asked[INVARIANTS];
    enum exit_status status;
    size_t worst_cell;           /* that shows it first; only if status is not 0 */
    const struct outcome *worst; /* of that cell */
};

/* How grave one world's end is. */
enum exit_status outcome_status(const struct outcome *);
/* "a crash", "safety: I4 broke 3 times": without its text. */
void outcome_describe(const struct outcome *, char *out, size_t bytes);
/* Of cells first_cell to first_cell + cells - 1; outcomes[0] is cell 0's. */
void result_sum(struct result *, const struct outcome *outcomes);
/* On stderr: what went wrong, the seed, and the command that shows it again. */
void result_explain(const struct result *, const struct cli *);
/* The arguments that make the same run, from "run" on; every one that was given. */
void result_print_command(FILE *, const struct run *, const char *program);

/* Each in a report_*.c; write errors are the stream's. */
void report_write_text(FILE *, const struct result *);
void report_write_json(FILE *, const struct result *);
void report_write_csv(FILE *, const struct result *);
void report_write_svg(FILE *, const struct result *); /* svg.c */

/* A number as short as it can be and still be read back as itself; NAN and infinities: `none`. */
void print_number(FILE *, double value, const char *none);

#endif
