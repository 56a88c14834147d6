// SPDX-License-Identifier: Apache-2.0
/* main.c - aurora-sim: Aurora's own core in a virtual world. Reads the command line and hands it
 * to the command. */
#include "sim/cli.h"

#include "sim/scenario.h"

#include <stdio.h>
#include <string.h>

#define AURORA_VERSION "0.1.0"

int list_main(const struct cli *cli)
{
    size_t width = 0;

    (void)cli;
    for (size_t i = 0; scenarios[i] != NULL; i++)
        width = strlen(scenarios[i]->name) > width ? strlen(scenarios[i]->name) : width;
    for (size_t i = 0; scenarios[i] != NULL; i++)
        printf("%-*s  %s\n", (int)width, scenarios[i]->name, scenarios[i]->what);
    return EXIT_HELD;
}

static int dispatch(const struct cli *cli)
{
    switch (cli->command) {
    case CLI_HELP: help_print(cli->topic); return EXIT_HELD;
    case CLI_VERSION: puts("aurora-sim " AURORA_VERSION); return EXIT_HELD;
    case CLI_LIST: return list_main(cli);
    case CLI_SETTINGS: return settings_main(cli);
    case CLI_RUN: return run_main(cli);
    case CLI_SWARM: return swarm_main(cli);
    case CLI_REPLAY: return replay_main(cli);
    case CLI_COMMANDS: break;
    }
    return EXIT_USAGE;
}

int main(int argc, char **argv)
{
    struct cli cli;

    if (!cli_read(&cli, argc, argv))
        return EXIT_USAGE;
    int status = dispatch(&cli);
    if (fflush(stdout) != 0 || ferror(stdout)) {
        fputs("aurora-sim: the output could not be written\n", stderr);
        return status != EXIT_HELD ? status : EXIT_USAGE;
    }
    return status;
}
