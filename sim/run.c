// SPDX-License-Identifier: Apache-2.0
/* run.c - `aurora-sim run`: cells through the pool, their outcomes into a report, and that to where
 * it was asked for */
#include "sim/result.h"

#include "sim/memory.h"
#include "sim/output.h"
#include "sim/pool.h"
#include "sim/progress.h"
#include "sim/report_data.h"

#include <assert.h>
#include <errno.h>
#include <time.h>

enum { LOOK_EVERY_MS = 1000 };

struct outputs {
    struct output json, csv, svg, trace;
};

struct live_run {
    struct run run;
    struct outputs to;
    size_t cells, first, end; /* those from first to before end run */
    struct outcome *outcomes; /* shared, with their values behind them */
    size_t shared_bytes;
};

static double wall_s(void)
{
    struct timespec now;

    clock_gettime(CLOCK_MONOTONIC, &now);
    return (double)now.tv_sec + (double)now.tv_nsec * 1e-9;
}

/* --- What is asked for
 * ------------------------------------------------------------------------ */

static bool refuse(const char *what)
{
    fprintf(stderr, "aurora-sim: %s\n", what);
    return false;
}

static bool check_run(const struct run *run)
{
    char error[300];

    if (run_nodes(run) < run->scenario->nodes_least) {
        snprintf(error, sizeof(error), "--nodes is '%zu'; %s needs from %zu to %d nodes",
                 run_nodes(run), run->scenario->name, run->scenario->nodes_least, NODES_MAX);
        return refuse(error);
    }
    return run->scenario->fits == NULL || run->scenario->fits(run, error, sizeof(error)) ||
           refuse(error);
}

static bool choose_cells(struct live_run *live, const struct cli *cli)
{
    char error[200];

    live->cells = live->run.scenario->cells(&live->run);
    live->first = cli->cell == CLI_ALL_CELLS ? 0 : cli->cell;
    live->end = cli->cell == CLI_ALL_CELLS ? live->cells : cli->cell + 1;
    assert(live->cells > 0);
    if (live->end <= live->cells)
        return true;
    snprintf(error, sizeof(error), "--cell is '%zu'; with these settings %s has cells 0 to %zu",
             cli->cell, live->run.scenario->name, live->cells - 1);
    return refuse(error);
}

static bool open_outputs(struct outputs *to, const struct cli *cli)
{
    return output_open(&to->json, "--json", cli->json) &&
           output_open(&to->csv, "--csv", cli->csv) && output_open(&to->svg, "--svg", cli->svg) &&
           output_open(&to->trace, "--trace", cli->trace);
}

static void drop_outputs(struct outputs *to)
{
    output_drop(&to->json);
    output_drop(&to->csv);
    output_drop(&to->svg);
    output_drop(&to->trace);
}

static bool is_stdout_taken(const struct outputs *to)
{
    return to->json.file == stdout || to->csv.file == stdout || to->svg.file == stdout;
}

/* --- Cells
 * ------------------------------------------------------------------------------------ */

static void share_outcomes(struct live_run *live)
{
    size_t values = live->run.scenario->values;

    live->shared_bytes = live->cells * (sizeof(struct outcome) + values * sizeof(double));
    live->outcomes = pool_shared(live->shared_bytes);
    double *value = (double *)(void *)(live->outcomes + live->cells);
    for (size_t i = 0; i < live->cells; i++)
        live->outcomes[i].value = value + i * values;
}

static void live_cell(void *context, size_t index)
{
    struct live_run *live = context;
    struct cell cell = {&live->run, index, &live->outcomes[index]};

    live->run.scenario->live(&cell);
    cell.out->is_done = true;
}

static void take_end(struct live_run *live, const struct pool_end *end)
{
    struct outcome *outcome = &live->outcomes[end->index];

    outcome->signal = end->signal;
    if (end->signal == 0 && end->status == 0 && outcome->is_done)
        return;
    outcome->is_done = false;
    if (outcome->text[0] == '\0')
        snprintf(outcome->text, sizeof(outcome->text), "its process ended with status %d",
                 end->status);
}

static void show(const struct live_run *live, struct progress *progress)
{
    double worlds = 0, virtual_s = 0, each_s = run_duration_s(&live->run);
    size_t done = 0;

    for (size_t i = live->first; i < live->end; i++) {
        double now_s = (double)live->outcomes[i].now_us / 1e6;
        double part = each_s > 0 ? now_s / each_s : 0;

        virtual_s += now_s;
        done += live->outcomes[i].is_done;
        worlds += live->outcomes[i].is_done ? 1 : part < 0.99 ? part : 0.99;
    }
    progress_show(progress, done, live->end - live->first, virtual_s,
                  worlds / (double)(live->end - live->first));
}

/* False: interrupted, or no process could be made. */
static bool live_cells(struct live_run *live, struct pool *pool)
{
    struct progress progress;
    struct pool_end end;
    size_t next = live->first;

    progress_begin(&progress, live->run.scenario->name);
    while (next < live->end || !pool_is_empty(pool)) {
        while (next < live->end && pool_has_room(pool)) {
            if (!pool_start(pool, next, live_cell, live)) {
                progress_clear(&progress);
                return refuse(strerror(errno));
            }
            next++;
        }
        enum pool_event event = pool_wait(pool, LOOK_EVERY_MS, &end);
        if (event == POOL_INTERRUPTED) {
            progress_clear(&progress);
            return false;
        }
        if (event == POOL_ENDED)
            take_end(live, &end);
        show(live, &progress);
    }
    progress_clear(&progress);
    return true;
}

/* --- What they found
 * -------------------------------------------------------------------------- */

static void tell(struct live_run *live, struct result *result)
{
    size_t crashed = 0;

    for (size_t i = live->first; i < live->end; i++)
        crashed += !live->outcomes[i].is_done;
    if (!result->is_whole) {
        report_note(result->report, "Cell %zu of 0 to %zu alone: no figures.", live->first,
                    live->cells - 1);
        return;
    }
    live->run.scenario->tell(&live->run, live->outcomes, result->report);
    if (crashed > 0)
        report_note(result->report, "%zu of %zu worlds crashed: the figures above lack theirs.",
                    crashed, live->cells);
}

static bool write_outputs(struct outputs *to, const struct result *result)
{
    if (to->json.file != NULL)
        report_write_json(to->json.file, result);
    if (to->csv.file != NULL)
        report_write_csv(to->csv.file, result);
    if (to->svg.file != NULL)
        report_write_svg(to->svg.file, result);
    if (!is_stdout_taken(to))
        report_write_text(stdout, result);
    bool is_written = fflush(stdout) == 0 && !ferror(stdout);
    if (!is_written)
        refuse("the table could not be written to stdout");
    is_written = output_finish(&to->json) && is_written;
    is_written = output_finish(&to->csv) && is_written;
    is_written = output_finish(&to->svg) && is_written;
    return output_finish(&to->trace) && is_written;
}

static bool is_trace_whole(const struct live_run *live)
{
    for (size_t i = live->first; i < live->end; i++)
        if (live->outcomes[i].is_trace_lost)
            return refuse("the trace could not be written to its end; it is dropped");
    return true;
}

static enum exit_status conclude(struct live_run *live, const struct cli *cli, double began_s)
{
    struct result result = {
        .run = &live->run,
        .report = report_new(),
        .first_cell = live->first,
        .cells = live->end - live->first,
        .is_whole = live->end - live->first == live->cells,
        .wall_s = wall_s() - began_s,
    };

    result_sum(&result, live->outcomes);
    tell(live, &result);
    bool is_written = is_trace_whole(live);
    if (!is_written)
        output_drop(&live->to.trace);
    is_written = write_outputs(&live->to, &result) && is_written;
    result_explain(&result, cli);
    report_free(result.report);
    return result.status != EXIT_HELD ? result.status : is_written ? EXIT_HELD : EXIT_USAGE;
}

static enum exit_status run_cells(struct live_run *live, const struct cli *cli, struct pool *pool)
{
    double began_s = wall_s();

    if (!open_outputs(&live->to, cli))
        return EXIT_USAGE;
    if (live->to.trace.file != NULL && !trace_begin(live->to.trace.file))
        return refuse("the trace cannot be written"), EXIT_USAGE;
    live->run.trace = output_name(&live->to.trace);
    share_outcomes(live);
    enum exit_status status = EXIT_INTERRUPTED;
    if (live_cells(live, pool))
        status = conclude(live, cli, began_s);
    else if (cli->trace != NULL && output_finish(&live->to.trace))
        fprintf(stderr, "aurora-sim: stopped; %s ends where it was then\n", cli->trace);
    pool_shared_free(live->outcomes, live->shared_bytes);
    return status;
}

int run_main(const struct cli *cli)
{
    struct live_run live = {
        .run =
            {
                .scenario = cli->scenario,
                .settings = cli->settings,
                .seed = cli->seed,
                .nodes = cli->nodes,
                .duration_s = cli->duration_s,
                .workers = cli->trace != NULL ? 1 : cli->workers,
            },
    };

    if (!check_run(&live.run) || !choose_cells(&live, cli))
        return EXIT_USAGE;
    struct pool *pool = pool_new(live.run.workers);
    enum exit_status status = run_cells(&live, cli, pool);
    pool_free(pool);
    drop_outputs(&live.to);
    return (int)status;
}
