// SPDX-License-Identifier: Apache-2.0
/* cli.h - the command line of aurora-sim, read and checked */
#ifndef AURORA_SIM_CLI_H
#define AURORA_SIM_CLI_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "sim/settings.h"

/* What the process ends with; the gravest counts. */
enum exit_status {
    EXIT_HELD = 0,
    EXIT_USAGE = 1, /* also an output that cannot be written */
    EXIT_CRASH = 127,
    EXIT_LIVENESS = 128,
    EXIT_SAFETY = 129,
    EXIT_INTERRUPTED = 130,
};

enum cli_command {
    CLI_HELP = 0,
    CLI_VERSION,
    CLI_LIST,
    CLI_SETTINGS,
    CLI_RUN,
    CLI_SWARM,
    CLI_REPLAY,
    CLI_COMMANDS
};

#define CLI_ALL_CELLS SIZE_MAX

struct scenario;

struct cli {
    enum cli_command command;
    const char *topic;               /* help: of what; NULL: of everything */
    const struct scenario *scenario; /* run; settings: of that one; NULL: all */
    struct settings settings;        /* run: usual ones, the scenario's presets, then --set */
    uint64_t seed;                   /* run: --seed (1); replay: SEED */
    size_t nodes;                    /* 0: not given */
    double duration_s;               /* 0: not given */
    const char *json, *csv, *svg;    /* files, "-" for stdout; NULL: not given */
    const char *trace;
    const char *program; /* as it was called, for commands to repeat */
    size_t workers;      /* processes at a time: the machine's cores */
    size_t cell;         /* the only one to run, or CLI_ALL_CELLS */
    uint64_t seeds;      /* swarm: how many worlds; 0: not given */
    uint64_t first;      /* swarm: the first seed: 1 */
    double minutes;      /* swarm, replay: virtual time of each world; 0: not given */
};

/* False: one line on stderr has said what is wrong and what would be right. */
bool cli_read(struct cli *, int argc, char **argv);

/* Help, in help.c. */
void help_print(const char *topic); /* NULL: the whole program */
bool help_has(const char *topic);

/* The subcommands; each returns an exit_status. */
int list_main(const struct cli *);
int settings_main(const struct cli *);
int run_main(const struct cli *);
int swarm_main(const struct cli *);  /* swarm.c */
int replay_main(const struct cli *); /* swarm.c */

#endif
