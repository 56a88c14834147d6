// SPDX-License-Identifier: Apache-2.0
/* help.c - what aurora-sim says about itself */
#include "sim/cli.h"

#include <stdio.h>
#include <string.h>

static const struct topic {
    const char *name;
    const char *text;
} topics[] = {
    {"aurora-sim",
     "aurora-sim - Aurora's own core in a virtual world: how will a network behave?\n"
     "\n"
     "usage: aurora-sim list | run NAME | swarm | replay SEED | settings | help [TOPIC]\n"},
};

static const struct topic *find_topic(const char *name)
{
    for (size_t i = 0; i < sizeof(topics) / sizeof(topics[0]); i++)
        if (strcmp(topics[i].name, name) == 0)
            return &topics[i];
    return NULL;
}

bool help_has(const char *topic)
{
    return find_topic(topic) != NULL;
}

void help_print(const char *topic)
{
    const struct topic *found = topic != NULL ? find_topic(topic) : NULL;

    fputs(found != NULL ? found->text : topics[0].text, stdout);
}

int settings_main(const struct cli *cli)
{
    (void)cli;
    return EXIT_HELD;
}
