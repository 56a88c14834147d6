// SPDX-License-Identifier: Apache-2.0
/* result.c - judging the worlds of a run */
#include "sim/result.h"

#include <inttypes.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

/* What heals with time: it did not converge. Everything else must never happen. */
static bool is_liveness(enum invariant which)
{
    return which == I_NONE || which == I6 || which == I7 || which == I10 || which == I16;
}

static bool has_broken(const struct outcome *outcome, bool of_liveness)
{
    for (enum invariant i = I_NONE; i < INVARIANTS; i++)
        if (outcome->broken[i] > 0 && is_liveness(i) == of_liveness)
            return true;
    return false;
}

enum exit_status outcome_status(const struct outcome *outcome)
{
    if (!outcome->is_done || outcome->has_crashed)
        return EXIT_CRASH;
    if (has_broken(outcome, false))
        return EXIT_SAFETY;
    if (outcome->is_late || has_broken(outcome, true))
        return EXIT_LIVENESS;
    return EXIT_HELD;
}

static int gravity(enum exit_status status)
{
    return status == EXIT_CRASH ? 3 : status == EXIT_SAFETY ? 2 : status == EXIT_LIVENESS;
}

void outcome_describe(const struct outcome *outcome, char *out, size_t bytes)
{
    enum exit_status status = outcome_status(outcome);
    int used = 0;

    if (status == EXIT_CRASH && outcome->signal != 0)
        used = snprintf(out, bytes, "a crash (%s)", strsignal(outcome->signal));
    else if (status == EXIT_CRASH)
        used = snprintf(out, bytes, "a crash");
    else
        used = snprintf(out, bytes, "%s", status == EXIT_SAFETY ? "safety" : "liveness");
    if (outcome->is_late && used > 0 && (size_t)used < bytes)
        used += snprintf(out + used, bytes - (size_t)used, ", not in time");
    for (enum invariant i = I1; i < INVARIANTS; i++)
        if (outcome->broken[i] > 0 && used > 0 && (size_t)used < bytes)
            used += snprintf(out + used, bytes - (size_t)used, ", I%d broke %" PRIu32 " times",
                             (int)i, outcome->broken[i]);
}

void result_sum(struct result *result, const struct outcome *outcomes)
{
    result->trace_hash = result->events = 0;
    result->status = EXIT_HELD;
    for (size_t i = result->first_cell; i < result->first_cell + result->cells; i++) {
        const struct outcome *outcome = &outcomes[i];
        enum exit_status status = outcome_status(outcome);

        /* One world's is its own, so that a replay of it shows the same. */
        result->trace_hash = result->cells == 1
                                 ? outcome->trace_hash
                                 : trace_mix(result->trace_hash, outcome->trace_hash);
        result->events += outcome->events;
        for (enum invariant k = I_NONE; k < INVARIANTS; k++) {
            result->broken[k] += outcome->broken[k];
            result->asked[k] += outcome->asked[k];
        }
        if (gravity(status) > gravity(result->status)) {
            result->status = status;
            result->worst = outcome;
            result->worst_cell = i;
        }
    }
}

void print_number(FILE *file, double value, const char *none)
{
    char text[40];
    int digits = 6;

    if (!isfinite(value)) {
        fputs(none, file);
        return;
    }
    do
        snprintf(text, sizeof(text), "%.*g", digits, value);
    while (strtod(text, NULL) != value && ++digits < 18);
    fputs(text, file);
}

static void print_setting(FILE *file, const struct settings *settings, enum setting which)
{
    char text[40];

    setting_text(settings, which, text, sizeof(text));
    fprintf(file, " --set %s=%s", setting_info(which)->name, text);
}

void result_print_command(FILE *file, const struct run *run, const char *program)
{
    fprintf(file, "%s run %s --seed %" PRIu64, program, run->scenario->name, run->seed);
    if (run->nodes != 0)
        fprintf(file, " --nodes %zu", run->nodes);
    if (run->duration_s > 0) {
        fputs(" --duration ", file);
        print_number(file, run->duration_s, "");
    }
    for (enum setting i = 0; i < SETTINGS; i++)
        if (run->settings.is_given[i])
            print_setting(file, &run->settings, i);
}

void result_explain(const struct result *result, const struct cli *cli)
{
    char what[300];

    if (result->status == EXIT_HELD)
        return;
    outcome_describe(result->worst, what, sizeof(what));
    fprintf(stderr, "aurora-sim: seed %" PRIu64 ", cell %zu: %s", result->run->seed,
            result->worst_cell, what);
    if (result->worst->text[0] != '\0')
        fprintf(stderr, "; first: %s", result->worst->text);
    fputs("\naurora-sim: to see it again: ", stderr);
    result_print_command(stderr, result->run, cli->program);
    fprintf(stderr, " --cell %zu\n", result->worst_cell);
}
