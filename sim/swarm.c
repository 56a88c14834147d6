// SPDX-License-Identifier: Apache-2.0
/* swarm.c - many random worlds, each in a process of its own; and one of them again */
#include "sim/swarm.h"

#include "sim/cli.h"
#include "sim/memory.h"
#include "sim/output.h"
#include "sim/pool.h"
#include "sim/progress.h"
#include "sim/result.h"
#include "sim/storm.h"

#include <inttypes.h>
#include <math.h>
#include <stdio.h>
#include <time.h>
#include <unistd.h>

enum {
    SEEDS_USUAL = 100,
    WORLD_WALL_S = 900, /* a world that takes longer hangs */
};

extern const struct scenario scenario_storm;

/* One world that runs: shared with its process. */
struct slot {
    uint64_t seed;
    struct outcome out;
    double value[STORM_VALUES];
};

struct totals {
    uint64_t worlds, failed, events;
    uint64_t broken[INVARIANTS], asked[INVARIANTS];
    double virtual_s, late, crashed, faults[SETTINGS];
    double *converged_ms; /* after the heal, of each world that did */
    size_t converged_count, converged_capacity;
    double slowest; /* of what the bound allows */
    uint64_t slowest_seed;
    enum exit_status status;
};

struct swarm {
    const struct cli *cli;
    double minutes;
    struct slot *slots; /* as many as workers */
    bool *is_busy;
    struct totals totals;
    double began_s;
    struct progress progress;
};

static double now_s(void)
{
    struct timespec now;

    clock_gettime(CLOCK_MONOTONIC, &now);
    return (double)now.tv_sec + (double)now.tv_nsec / 1e9;
}

/* --- One world
 * ------------------------------------------------------------------------------------ */

static void live(struct outcome *out, uint64_t seed, const struct cli *cli, double minutes)
{
    struct run run = {.scenario = &scenario_storm, .workers = 1, .trace = cli->trace};
    struct cell cell = {.run = &run, .out = out};

    swarm_draw(&run, seed, cli->nodes, minutes);
    run.settings.value[SET_MEMO] = cli->settings.value[SET_MEMO];
    storm_live(&cell, seed);
}

/* I14, for some seeds: once more, and the same. */
static void live_again(struct outcome *first, uint64_t seed, const struct cli *cli, double minutes)
{
    double *value = memory_new(STORM_VALUES, sizeof(*value));
    struct outcome second = {.value = value};

    live(&second, seed, cli, minutes);
    first->asked[I14]++;
    if (second.trace_hash != first->trace_hash) {
        first->broken[I14]++;
        if (first->text[0] == '\0')
            snprintf(first->text, sizeof(first->text), "I14: run twice, it was not the same");
    }
    free(value);
}

/* What went wrong, in the order of how bad it is: a crash hides what else there was. */
static enum exit_status worse(enum exit_status a, enum exit_status b)
{
    static const int rank[] = {[EXIT_CRASH] = 3, [EXIT_SAFETY] = 2, [EXIT_LIVENESS] = 1};

    return rank[a] >= rank[b] ? a : b;
}

static void print_broken(FILE *to, const struct outcome *out)
{
    if (!out->is_done)
        fprintf(to, " crashed (signal %d)", out->signal);
    for (size_t i = 0; i < INVARIANTS; i++)
        if (out->broken[i] > 0 && i == I_NONE)
            fprintf(to, " world:%" PRIu32, out->broken[i]);
        else if (out->broken[i] > 0)
            fprintf(to, " I%zu:%" PRIu32, i, out->broken[i]);
    if (out->is_late)
        fprintf(to, " late");
}

/* --- The swarm
 * ------------------------------------------------------------------------------------ */

static void live_in_slot(void *context, size_t index)
{
    struct swarm *swarm = context;
    struct slot *slot = &swarm->slots[index];

    /* What it says is said again by `replay`; here it would drown the list of seeds. */
    if (freopen("/dev/null", "w", stderr) == NULL)
        _exit(1);
    alarm(WORLD_WALL_S);
    live(&slot->out, slot->seed, swarm->cli, swarm->minutes);
    if (slot->seed % SWARM_TWICE_EVERY == 0)
        live_again(&slot->out, slot->seed, swarm->cli, swarm->minutes);
    slot->out.is_done = true;
}

static void print_command(FILE *to, const struct swarm *swarm, uint64_t seed)
{
    fprintf(to, "%s replay %" PRIu64, swarm->cli->program, seed);
    if (swarm->cli->nodes > 0)
        fprintf(to, " --nodes %zu", swarm->cli->nodes);
    if (swarm->minutes != SWARM_MINUTES)
        fprintf(to, " --minutes %g", swarm->minutes);
}

static void add_convergence(struct totals *totals, const struct slot *slot)
{
    double took_ms = slot->value[STORM_CONVERGED_MS], bound_ms = slot->value[STORM_BOUND_MS];

    if (!slot->out.is_done || isnan(took_ms) || bound_ms <= 0)
        return;
    totals->converged_ms = memory_reach(totals->converged_ms, &totals->converged_capacity,
                                        totals->converged_count, sizeof(*totals->converged_ms));
    totals->converged_ms[totals->converged_count++] = took_ms;
    if (took_ms / bound_ms < totals->slowest)
        return;
    totals->slowest = took_ms / bound_ms;
    totals->slowest_seed = slot->seed;
}

static void add_up(struct swarm *swarm, const struct slot *slot)
{
    struct totals *totals = &swarm->totals;
    const struct outcome *out = &slot->out;
    enum exit_status status = outcome_status(out);

    totals->worlds++;
    totals->events += out->events;
    totals->virtual_s += (double)out->now_us / 1e6;
    for (size_t i = 0; i < INVARIANTS; i++) {
        totals->broken[i] += out->broken[i];
        totals->asked[i] += out->asked[i];
    }
    for (size_t i = 0; i < SETTINGS - SET_CUT; i++)
        totals->faults[i] += slot->value[STORM_FAULTS + i];
    add_convergence(totals, slot);
    if (status == EXIT_HELD)
        return;
    totals->failed++;
    totals->late += out->is_late;
    totals->crashed += !out->is_done;
    totals->status = worse(totals->status, status);
    progress_clear(&swarm->progress);
    printf("seed %" PRIu64 ":", slot->seed);
    print_broken(stdout, out);
    printf(" (%s)\n    ", out->text);
    print_command(stdout, swarm, slot->seed);
    putchar('\n');
    fflush(stdout);
}

static void say_progress(struct swarm *swarm, uint64_t seeds)
{
    const struct totals *totals = &swarm->totals;
    double virtual_s = totals->virtual_s;

    for (size_t i = 0; i < swarm->cli->workers; i++)
        if (swarm->is_busy[i])
            virtual_s += (double)swarm->slots[i].out.now_us / 1e6;
    progress_show(&swarm->progress, (size_t)totals->worlds, (size_t)seeds, virtual_s,
                  (double)totals->worlds / (double)seeds);
}

static bool start_one(struct swarm *swarm, struct pool *pool, uint64_t seed)
{
    size_t index = 0;

    while (swarm->is_busy[index])
        index++;
    struct slot *slot = &swarm->slots[index];
    memset(slot, 0, sizeof(*slot));
    slot->seed = seed;
    slot->out.value = slot->value;
    swarm->is_busy[index] = true;
    return pool_start(pool, index, live_in_slot, swarm);
}

/* False: interrupted, or no process could be made. */
static bool run_all(struct swarm *swarm, struct pool *pool, uint64_t first, uint64_t seeds)
{
    struct pool_end end;
    uint64_t started = 0;

    while (started < seeds || !pool_is_empty(pool)) {
        if (started < seeds && pool_has_room(pool)) {
            if (!start_one(swarm, pool, first + started))
                return false;
            started++;
            continue;
        }
        switch (pool_wait(pool, 500, &end)) {
        case POOL_ENDED:
            swarm->slots[end.index].out.signal = end.signal;
            swarm->is_busy[end.index] = false;
            add_up(swarm, &swarm->slots[end.index]);
            break;
        case POOL_INTERRUPTED: return false;
        case POOL_TIME: break;
        }
        say_progress(swarm, seeds);
    }
    return true;
}

/* --- Telling
 * -------------------------------------------------------------------------------------- */

static void print_checks(const uint64_t *asked, const uint64_t *broken)
{
    printf("checks (broken of asked):");
    for (size_t i = 1; i < INVARIANTS; i++)
        if (asked[i] > 0 || broken[i] > 0)
            printf("  I%zu %" PRIu64 "/%" PRIu64, i, broken[i], asked[i]);
    putchar('\n');
}

static void print_faults(const double *faults)
{
    printf("faults:");
    for (size_t i = 0; i < SETTINGS - SET_CUT; i++)
        if (faults[i] > 0)
            printf("  %s %.0f", setting_info((enum setting)(SET_CUT + i))->name, faults[i]);
    putchar('\n');
}

/* NAN: no world did. */
static double converged_s(const struct totals *totals, double p)
{
    return totals->converged_count > 0
               ? percentile(totals->converged_ms, totals->converged_count, p) / 1000
               : NAN;
}

static void print_totals(const struct swarm *swarm, double took_s)
{
    const struct totals *totals = &swarm->totals;

    printf("%" PRIu64 " worlds, %" PRIu64 " failed (%.0f late, %.0f crashed)\n", totals->worlds,
           totals->failed, totals->late, totals->crashed);
    printf("%.1f virtual hours, %" PRIu64 " events in %.1f s: %.0f events/s\n",
           totals->virtual_s / 3600, totals->events, took_s, (double)totals->events / took_s);
    printf("converged after the heal: p50 %.1f s, p99 %.1f s, at most %.1f s; nearest to its bound "
           "(%.0f %%): seed %" PRIu64 "\n",
           converged_s(totals, 50), converged_s(totals, 99), converged_s(totals, 100),
           100 * totals->slowest, totals->slowest_seed);
    print_faults(totals->faults);
    print_checks(totals->asked, totals->broken);
}

static void write_json(FILE *file, const struct swarm *swarm, double took_s)
{
    const struct totals *totals = &swarm->totals;

    fprintf(file, "{\"worlds\":%" PRIu64 ",\"failed\":%" PRIu64 ",\"late\":%.0f,\"crashed\":%.0f,",
            totals->worlds, totals->failed, totals->late, totals->crashed);
    fprintf(file, "\"virtual_s\":%.0f,\"wall_s\":%.3f,\"events\":%" PRIu64 ",\"pass\":%s,",
            totals->virtual_s, took_s, totals->events, totals->failed ? "false" : "true");
    if (totals->converged_count > 0)
        fprintf(file, "\"converged_p50_s\":%.3f,\"converged_p99_s\":%.3f,\"converged_max_s\":%.3f,",
                converged_s(totals, 50), converged_s(totals, 99), converged_s(totals, 100));
    fprintf(file, "\"checks\":{");
    for (size_t i = 1; i < INVARIANTS; i++)
        fprintf(file, "%s\"I%zu\":\"%s\"", i > 1 ? "," : "", i,
                totals->broken[i]  ? "broken"
                : totals->asked[i] ? "held"
                                   : "not checked");
    fprintf(file, "},\"faults\":{");
    for (size_t i = 0; i < SETTINGS - SET_CUT; i++)
        fprintf(file, "%s\"%s\":%.0f", i > 0 ? "," : "",
                setting_info((enum setting)(SET_CUT + i))->name, totals->faults[i]);
    fprintf(file, "}}\n");
}

int swarm_main(const struct cli *cli)
{
    struct swarm swarm = {.cli = cli, .minutes = cli->minutes > 0 ? cli->minutes : SWARM_MINUTES};
    uint64_t seeds = cli->seeds ? cli->seeds : SEEDS_USUAL;
    struct pool *pool = pool_new(cli->workers);
    struct output json;
    bool is_complete = false, is_written = output_open(&json, "--json", cli->json);

    if (is_written) {
        swarm.slots = pool_shared(cli->workers * sizeof(*swarm.slots));
        swarm.is_busy = memory_new(cli->workers, sizeof(*swarm.is_busy));
        swarm.began_s = now_s();
        progress_begin(&swarm.progress, "swarm");
        is_complete = run_all(&swarm, pool, cli->first ? cli->first : 1, seeds);
        double took_s = now_s() - swarm.began_s;
        progress_clear(&swarm.progress);
        print_totals(&swarm, took_s);
        if (json.file != NULL)
            write_json(json.file, &swarm, took_s);
        is_written = output_finish(&json);
        pool_shared_free(swarm.slots, cli->workers * sizeof(*swarm.slots));
        free(swarm.is_busy);
        free(swarm.totals.converged_ms);
    }
    pool_free(pool);
    if (is_written && !is_complete)
        return EXIT_INTERRUPTED;
    if (!is_written && swarm.totals.status == EXIT_HELD)
        return EXIT_USAGE;
    return (int)swarm.totals.status;
}

/* --- One of them again
 * ---------------------------------------------------------------------------- */

/* As `run storm` takes them. */
static void print_drawn(const struct run *run, const char *program)
{
    struct settings usual;

    settings_usual(&usual);
    usual.value[SET_TRAITORS] = 0;
    printf("%s run storm --seed %" PRIu64 " --nodes %zu --duration %.17g", program, run->seed,
           run->nodes, run->duration_s);
    for (enum setting i = 0; i < SETTINGS; i++)
        if (setting(&run->settings, i) != setting(&usual, i)) {
            char text[40];

            setting_text(&run->settings, i, text, sizeof(text));
            printf(" --set %s=%s", setting_info(i)->name, text);
        }
    putchar('\n');
}

struct replay {
    const struct cli *cli;
    double minutes;
    struct slot *slot;
};

static void live_replay(void *context, size_t index)
{
    struct replay *replay = context;

    (void)index;
    live(&replay->slot->out, replay->cli->seed, replay->cli, replay->minutes);
    replay->slot->out.is_done = true;
}

static void print_replay(const struct slot *slot, uint64_t seed)
{
    const struct outcome *out = &slot->out;
    const double *value = slot->value;
    uint64_t asked[INVARIANTS], broken[INVARIANTS];

    for (size_t i = 0; i < INVARIANTS; i++) {
        asked[i] = out->asked[i];
        broken[i] = out->broken[i];
    }
    printf("%.1f s virtual, %" PRIu64 " events, trace %016" PRIx64 "\n", (double)out->now_us / 1e6,
           out->events, out->trace_hash);
    printf("converged %.1f s after the heal (bound %.0f s), %.0f false deaths\n",
           value[STORM_CONVERGED_MS] / 1000, value[STORM_BOUND_MS] / 1000,
           value[STORM_FALSE_DEATHS]);
    print_faults(value + STORM_FAULTS);
    print_checks(asked, broken);
    printf("seed %" PRIu64 ":", seed);
    print_broken(stdout, out);
    printf(outcome_status(out) == EXIT_HELD ? " all held\n" : " (%s)\n", out->text);
}

/* In a process of its own: a crash of the world is an end, too, and is told. False: interrupted. */
static bool replay_world(struct replay *replay, struct pool *pool)
{
    struct progress progress;
    struct pool_end end;
    enum pool_event event = POOL_TIME;

    progress_begin(&progress, "replay");
    if (!pool_start(pool, 0, live_replay, replay))
        return false;
    while (event == POOL_TIME) {
        event = pool_wait(pool, 1000, &end);
        progress_show(&progress, 0, 1, (double)replay->slot->out.now_us / 1e6, 0);
    }
    progress_clear(&progress);
    if (event == POOL_ENDED)
        replay->slot->out.signal = end.signal;
    return event == POOL_ENDED;
}

static enum exit_status replay_into(const struct cli *cli, struct output *trace, struct pool *pool)
{
    struct cli mine = *cli;
    struct replay replay = {.cli = &mine,
                            .minutes = cli->minutes > 0 ? cli->minutes : SWARM_MINUTES};
    struct run drawn = {.scenario = &scenario_storm};
    enum exit_status status = EXIT_INTERRUPTED;

    if (trace->file != NULL && !trace_begin(trace->file))
        return output_finish(trace) ? EXIT_HELD : EXIT_USAGE;
    mine.trace = output_name(trace);
    swarm_draw(&drawn, cli->seed, cli->nodes, replay.minutes);
    print_drawn(&drawn, cli->program);
    fflush(stdout);
    replay.slot = pool_shared(sizeof(*replay.slot));
    replay.slot->out.value = replay.slot->value;
    if (replay_world(&replay, pool)) {
        print_replay(replay.slot, cli->seed);
        status = outcome_status(&replay.slot->out);
        if (replay.slot->out.is_trace_lost) {
            output_drop(trace);
            fprintf(stderr, "aurora-sim: the trace could not be written to its end\n");
            status = status == EXIT_HELD ? EXIT_USAGE : status;
        }
    }
    pool_shared_free(replay.slot, sizeof(*replay.slot));
    return output_finish(trace) || status != EXIT_HELD ? status : EXIT_USAGE;
}

int replay_main(const struct cli *cli)
{
    struct output trace;
    struct pool *pool = pool_new(1);
    enum exit_status status = EXIT_USAGE;

    if (output_open(&trace, "--trace", cli->trace))
        status = replay_into(cli, &trace, pool);
    pool_free(pool);
    return (int)status;
}
