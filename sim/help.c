// SPDX-License-Identifier: Apache-2.0
/* help.c - what aurora-sim says about itself, by topic */
#include "sim/cli.h"

#include "sim/trace.h"

#include <stdio.h>
#include <string.h>

static const char whole_text[] =
    "aurora-sim - Aurora's own core in a virtual world: how will a network behave, and why?\n"
    "\n"
    "It runs the very objects that aurora-node is made of, thousands of them in one process, on a\n"
    "virtual network with virtual clocks. Every packet is encoded, sealed and signed as on a real\n"
    "one. Everything derives from one seed: the same command gives the same run, packet by "
    "packet.\n"
    "\n"
    "usage: aurora-sim COMMAND ...\n"
    "  list                what scenarios there are, one line each\n"
    "  run NAME [...]      runs one, and prints what it found beside the papers' figures\n"
    "  swarm [...]         many random worlds: looks for what breaks\n"
    "  replay SEED [...]   one world of the swarm again\n"
    "  settings [NAME]     every number that a world can be given (those that NAME takes)\n"
    "  help [TOPIC]        of a command; or: trace, checks, status\n"
    "\n"
    "Try it\n"
    "  aurora-sim run idle                                  twenty nodes at rest\n"
    "  aurora-sim run idle --nodes 500 --set loss=0.05      more of them, on a bad network\n"
    "  aurora-sim run idle --set detector=swim --svg a.svg  another failure detector, as a plot\n"
    "  aurora-sim swarm --seeds 20                          twenty random worlds\n"
    "  aurora-sim replay 7 --trace t.txt                    what happened in the seventh\n";

static const char list_text[] = "usage: aurora-sim list\n"
                                "\n"
                                "The scenarios that `aurora-sim run` knows, one line each.\n";

static const char run_text[] =
    "usage: aurora-sim run NAME [OPTION]...\n"
    "\n"
    "Runs a scenario: one world or many (its cells), as many at a time as there are cores. Prints "
    "a\n"
    "table, what it measured beside the figures of papers and rivals, which invariants held, and "
    "a\n"
    "hash of everything that happened.\n"
    "\n"
    "  --seed N          another world of the same kind (1)\n"
    "  --nodes N         instead of the scenario's own number\n"
    "  --duration S      virtual seconds, instead of the scenario's own\n"
    "  --set NAME=VALUE  one of `aurora-sim settings NAME`; repeat it\n"
    "  --no-memo         every node verifies every signature and opens every packet itself:\n"
    "                    slower, and the same run; short for --set memo=off\n"
    "  --workers N       worlds at a time (the machine's cores)\n"
    "  --cell K          only this one of its worlds: no table, but what broke there\n"
    "\n"
    "Output; FILE may be - for stdout, and then the table is left out\n"
    "  --json FILE       everything, as one object\n"
    "  --csv FILE        the first table\n"
    "  --svg FILE        plots\n"
    "  --trace FILE      a line for everything that happens (`aurora-sim help trace`); the worlds\n"
    "                    then run one after the other; what was written stays after Ctrl-C\n"
    "A file is put into its place when it is whole; until then an old one stays.\n"
    "\n"
    "Examples\n"
    "  aurora-sim run idle --nodes 1000 --duration 600 --json idle.json\n"
    "  aurora-sim run idle --set loss=0.2 --set latency_ms=40 --set latency_sigma=0.5\n"
    "  aurora-sim run storm --seed 9 --set crash=6 --set cut=2 --trace storm.txt\n";

static const char swarm_text[] =
    "usage: aurora-sim swarm [OPTION]...\n"
    "\n"
    "Random worlds: how many nodes, which faults how often, what the "
    "clients do, all is drawn from\n"
    "the seed. Faults act, while safety is checked all the time; then "
    "the world heals, and everything\n"
    "must become one again within a bound. What breaks is printed "
    "with the command that repeats it.\n"
    "\n"
    "  --seeds N      so many worlds (100)\n"
    "  --first N      their seeds are N, N + 1, ... (1)\n"
    "  --minutes M    virtual time of each (10)\n"
    "  --nodes N      instead of a number drawn from the seed\n"
    "  --workers N    worlds at a time (the machine's cores)\n"
    "  --no-memo      every node verifies and opens everything itself\n"
    "  --json FILE    the sums, as one object\n"
    "\n"
    "Examples\n"
    "  aurora-sim swarm --seeds 500\n"
    "  aurora-sim swarm --first $RANDOM --seeds 50\n";

static const char replay_text[] =
    "usage: aurora-sim replay SEED [OPTION]...\n"
    "\n"
    "The world of the swarm that has this seed, again: the same, packet by packet, whatever "
    "compiler\n"
    "made it. Prints the world's settings as a command of `run`, too: from there on they can be\n"
    "changed one by one.\n"
    "\n"
    "  --minutes M, --nodes N    as the swarm had them\n"
    "  --trace FILE              a line for everything that happens (`aurora-sim help trace`)\n"
    "  --no-memo                 every node verifies and opens everything itself: the same hash\n"
    "\n"
    "Example\n"
    "  aurora-sim replay 7 --trace t.txt && grep ' fault ' t.txt\n";

static const char settings_text[] =
    "usage: aurora-sim settings [NAME]\n"
    "\n"
    "What --set takes: each setting with its usual value, its range and what it means; with NAME\n"
    "those that this scenario takes, with its own presets.\n";

static const char checks_text[] =
    "What must hold in every world. A run says of each whether it held, broke, or was not asked.\n"
    "\n"
    "  I1   applied (epoch, version) per home never decreases at a node within one life\n"
    "  I2   every record that is served carries a valid chain of signatures\n"
    "  I3   after a deletion is applied, nothing of that peer at or below its version is served\n"
    "  I4   DEAD means: a quorum of distinct, valid, eligible accusers, for exactly that life\n"
    "  I5   every (epoch, incarnation) that anybody believes was signed by its subject\n"
    "  I6   after the heal, in time: equal views, and every home proved, at all live nodes *\n"
    "  I7   a crash is known at all live connected nodes within the bound *\n"
    "  I8   with fewer faulty accusers than the quorum no connected live node is declared dead\n"
    "  I9   a client that stopped is served nowhere after ttl, grace, detection and spreading\n"
    "  I10  a live client with a live home is visible everywhere in time, and never blinks *\n"
    "  I11  egress stays under its cap; an operation is relayed once and announced thrice at most\n"
    "  I12  memory stays under a stated function of nodes, records and quotas\n"
    "  I13  no more bytes go to an address that did not prove itself than came from it\n"
    "  I14  same seed, same trace hash\n"
    "  I15  any order and duplication of the same operations gives the same logs and peers\n"
    "  I16  every queue, limiter and hold-down drains *\n"
    "  I17  what the view answers is what a naive filter over the applied state gives\n"
    "  I18  no nonce repeats; no packet is over 1,200 bytes\n"
    "\n"
    "* liveness (exit status 128): something did not come true in time. The others are safety "
    "(129).\n";

static const char status_text[] =
    "exit status\n"
    "  0    all held\n"
    "  1    the command line is wrong, or an output cannot be written\n"
    "  127  a crash\n"
    "  128  liveness: something did not come true in time\n"
    "  129  safety: an invariant broke\n"
    "  130  interrupted\n"
    "\n"
    "Of several the gravest counts: a crash, then safety, then liveness. What went wrong is on\n"
    "stderr, with the seed and the one command that shows it again.\n";

static const struct topic {
    const char *name;
    const char *text;
    bool has_status;
} topics[] = {
    {"list", list_text, false},         {"run", run_text, true},
    {"swarm", swarm_text, true},        {"replay", replay_text, true},
    {"settings", settings_text, false}, {"checks", checks_text, false},
    {"status", status_text, false},     {"trace", trace_legend, false},
    {"help", whole_text, true},
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

void help_print(const char *name)
{
    const struct topic *topic = name != NULL ? find_topic(name) : NULL;

    if (topic == NULL)
        topic = find_topic("help");
    fputs(topic->text, stdout);
    if (topic->has_status) {
        fputc('\n', stdout);
        fputs(status_text, stdout);
    }
}
