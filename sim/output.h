// SPDX-License-Identifier: Apache-2.0
/* output.h - a file that is whole or not there: made beside its place before the long run, put
 * there after it
 *
 * What cannot be written is found out before anybody waits for it, and an old file stays until the
 * new one is complete. "-" is stdout; a device or a pipe is written as it is. */
#ifndef AURORA_SIM_OUTPUT_H
#define AURORA_SIM_OUTPUT_H

#include <stdbool.h>
#include <stdio.h>

struct output {
    char *path; /* where it will be; NULL: not wanted, and everything below does nothing */
    char *temp; /* where it is until then; NULL: written in place */
    FILE *file;
};

/* `option` is named in what is said on stderr when it cannot be written (false). */
bool output_open(struct output *, const char *option, const char *path);
/* Closes it and puts it into its place. False: said on stderr; nothing of it is left behind. */
bool output_finish(struct output *);
/* Leaves no trace of it. Also after the others. */
void output_drop(struct output *);
/* The name under which others may write to it meanwhile; NULL: not wanted. */
const char *output_name(const struct output *);

#endif
