// SPDX-License-Identifier: Apache-2.0
/* settings_list.c - `aurora-sim settings`: all that --set takes, for people */
#include "sim/cli.h"

#include "sim/scenario.h"

#include <stdio.h>
#include <string.h>

static const char *const group_heads[] = {
    [GROUP_WORLD] = "The world",
    [GROUP_NETWORK] = "The network; chances are 0 to 1",
    [GROUP_PROTOCOL] = "The protocol, of every node",
    [GROUP_SCENARIO] = "The scenario; each takes some of these",
    [GROUP_FAULT] = "Faults: how often per minute, somewhere in the world; for storm, and what the "
                    "swarm draws",
};
enum { GROUPS_END = sizeof(group_heads) / sizeof(group_heads[0]) };

static bool is_taken(const struct scenario *scenario, enum setting which)
{
    if (scenario == NULL || setting_info(which)->group < GROUP_SCENARIO)
        return true;
    for (const enum setting *taken = scenario->takes; taken != NULL && *taken != SETTINGS; taken++)
        if (*taken == which)
            return true;
    return false;
}

static void print_setting(const struct settings *settings, enum setting which)
{
    const struct setting_info *info = setting_info(which);
    char usual[40], range[80];

    setting_text(settings, which, usual, sizeof(usual));
    if (info->choices != NULL)
        snprintf(range, sizeof(range), "%s", info->choices);
    else
        snprintf(range, sizeof(range), "%.10g..%.10g%s%s", info->least, info->most,
                 *info->unit ? " " : "", info->unit);
    printf("  %-21s %-8s %-24s %s\n", info->name, usual, range, info->help);
}

static void print_group(const struct cli *cli, enum setting_group group)
{
    bool is_first = true;

    for (enum setting i = 0; i < SETTINGS; i++) {
        if (setting_info(i)->group != group || !is_taken(cli->scenario, i))
            continue;
        if (is_first)
            printf("\n%s\n", group_heads[group]);
        is_first = false;
        print_setting(&cli->settings, i);
    }
}

int settings_main(const struct cli *cli)
{
    printf("  %-21s %-8s %s\n", "--set NAME=VALUE", cli->scenario != NULL ? "here" : "usually",
           "range");
    for (enum setting_group group = GROUP_WORLD; (int)group < GROUPS_END; group++)
        print_group(cli, group);
    return EXIT_HELD;
}
