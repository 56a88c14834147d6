// SPDX-License-Identifier: Apache-2.0
/* cli.c - reading the command line: what is there, who takes it, and what is wrong with it */
#include "sim/cli.h"

#include "sim/node_set.h"
#include "sim/pool.h"
#include "sim/scenario.h"

#include <assert.h>
#include <errno.h>
#include <math.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { WORKERS_MAX = 256, GIVEN_MAX = 200 };

/* --- What there is
 * ---------------------------------------------------------------------------------------------- */

static const char *const command_names[CLI_COMMANDS] = {
    [CLI_HELP] = "help",         [CLI_VERSION] = "version", [CLI_LIST] = "list",
    [CLI_RUN] = "run",           [CLI_SWARM] = "swarm",     [CLI_REPLAY] = "replay",
    [CLI_SETTINGS] = "settings",
};

enum option {
    OPTION_SEED,
    OPTION_NODES,
    OPTION_DURATION,
    OPTION_SET,
    OPTION_JSON,
    OPTION_CSV,
    OPTION_SVG,
    OPTION_TRACE,
    OPTION_NO_MEMO,
    OPTION_WORKERS,
    OPTION_CELL,
    OPTION_SEEDS,
    OPTION_FIRST,
    OPTION_MINUTES,
    OPTIONS
};

#define AT(command) (1u << (command))

static const struct option_info {
    const char *name;
    unsigned commands; /* that take it */
    bool is_flag;      /* no value */
    bool repeats;
} options[OPTIONS] = {
    [OPTION_SEED] = {"--seed", AT(CLI_RUN), false, false},
    [OPTION_NODES] = {"--nodes", AT(CLI_RUN) | AT(CLI_SWARM) | AT(CLI_REPLAY), false, false},
    [OPTION_DURATION] = {"--duration", AT(CLI_RUN), false, false},
    [OPTION_SET] = {"--set", AT(CLI_RUN), false, true},
    [OPTION_JSON] = {"--json", AT(CLI_RUN) | AT(CLI_SWARM), false, false},
    [OPTION_CSV] = {"--csv", AT(CLI_RUN), false, false},
    [OPTION_SVG] = {"--svg", AT(CLI_RUN), false, false},
    [OPTION_TRACE] = {"--trace", AT(CLI_RUN) | AT(CLI_REPLAY), false, false},
    [OPTION_NO_MEMO] = {"--no-memo", AT(CLI_RUN) | AT(CLI_SWARM) | AT(CLI_REPLAY), true, false},
    [OPTION_WORKERS] = {"--workers", AT(CLI_RUN) | AT(CLI_SWARM), false, false},
    [OPTION_CELL] = {"--cell", AT(CLI_RUN), false, false},
    [OPTION_SEEDS] = {"--seeds", AT(CLI_SWARM), false, false},
    [OPTION_FIRST] = {"--first", AT(CLI_SWARM), false, false},
    [OPTION_MINUTES] = {"--minutes", AT(CLI_SWARM) | AT(CLI_REPLAY), false, false},
};

/* The words as they came, before anybody knows what they mean: options may precede the name of the
 * scenario that says which settings it takes. */
struct given {
    const char *word; /* after the command: a name or a seed; NULL: none */
    size_t count;
    struct {
        enum option option;
        const char *value;
    } all[GIVEN_MAX];
};

/* --- Saying what is wrong
 * ---------------------------------------------------------------------------------------------- */

static bool complain(const char *format, ...) __attribute__((format(printf, 1, 2)));

static bool complain(const char *format, ...)
{
    va_list arguments;

    fputs("aurora-sim: ", stderr);
    va_start(arguments, format);
    vfprintf(stderr, format, arguments);
    va_end(arguments);
    fputc('\n', stderr);
    return false;
}

static bool complain_of_command(const char *word)
{
    fprintf(stderr, "aurora-sim: there is no command '%s'; there are:", word);
    for (enum cli_command i = 0; i < CLI_COMMANDS; i++)
        fprintf(stderr, " %s", command_names[i]);
    fputc('\n', stderr);
    return false;
}

static bool complain_of_option(const char *word, enum cli_command command)
{
    fprintf(stderr, "aurora-sim: '%s' is no option of %s;", word, command_names[command]);
    const char *before = " there are: ";
    for (enum option i = 0; i < OPTIONS; i++)
        if (options[i].commands & AT(command)) {
            fprintf(stderr, "%s%s", before, options[i].name);
            before = " ";
        }
    fprintf(stderr, "%s\n", *before == ' ' && before[1] == 't' ? " it has none" : "");
    return false;
}

static bool complain_of_scenario(const char *word)
{
    if (word == NULL)
        fputs("aurora-sim: run needs the name of a scenario; there are:", stderr);
    else
        fprintf(stderr, "aurora-sim: there is no scenario '%s'; there are:", word);
    for (size_t i = 0; scenarios[i] != NULL; i++)
        fprintf(stderr, " %s", scenarios[i]->name);
    fputc('\n', stderr);
    return false;
}

/* --- Values
 * ---------------------------------------------------------------------------------------------- */

static bool read_whole(const char *name, const char *text, uint64_t least, uint64_t most,
                       uint64_t *out)
{
    char *end = NULL;

    errno = 0;
    unsigned long long value = strtoull(text, &end, 10);
    if (*text < '0' || *text > '9' || *end != '\0' || errno != 0 || value < least || value > most)
        return complain("%s is '%s'; it must be a whole number from %llu to %llu", name, text,
                        (unsigned long long)least, (unsigned long long)most);
    *out = value;
    return true;
}

static bool read_size(const char *name, const char *text, size_t least, size_t most, size_t *out)
{
    uint64_t value = 0;
    bool is_read = read_whole(name, text, least, most, &value);

    *out = (size_t)value;
    return is_read;
}

static bool read_number(const char *name, const char *text, const char *unit, double least,
                        double most, double *out)
{
    char *end = NULL;
    double value = strtod(text, &end);

    if (end == text || *end != '\0' || !isfinite(value) || value < least || value > most)
        return complain("%s is '%s'; it must be a number from %g to %g %s", name, text, least, most,
                        unit);
    *out = value;
    return true;
}

static bool read_setting(struct cli *cli, const char *text)
{
    char error[1600];

    if (settings_set(&cli->settings, text, cli->scenario->takes, error, sizeof(error)))
        return true;
    return complain("%s", error);
}

static bool read_option(struct cli *cli, enum option option, const char *text)
{
    const char *name = options[option].name;

    switch (option) {
    case OPTION_SEED: return read_whole(name, text, 1, UINT64_MAX, &cli->seed);
    case OPTION_NODES: return read_size(name, text, 1, NODES_MAX, &cli->nodes);
    case OPTION_DURATION: return read_number(name, text, "s", 0.001, 1e8, &cli->duration_s);
    case OPTION_SET: return read_setting(cli, text);
    case OPTION_JSON: cli->json = text; break;
    case OPTION_CSV: cli->csv = text; break;
    case OPTION_SVG: cli->svg = text; break;
    case OPTION_TRACE: cli->trace = text; break;
    case OPTION_NO_MEMO: cli->settings.value[SET_MEMO] = 0; break;
    case OPTION_WORKERS: return read_size(name, text, 1, WORKERS_MAX, &cli->workers);
    case OPTION_CELL: return read_size(name, text, 0, SIZE_MAX - 1, &cli->cell);
    case OPTION_SEEDS: return read_whole(name, text, 1, UINT64_MAX, &cli->seeds);
    case OPTION_FIRST: return read_whole(name, text, 1, UINT64_MAX, &cli->first);
    case OPTION_MINUTES: return read_number(name, text, "min", 0.01, 1e6, &cli->minutes);
    case OPTIONS: break;
    }
    return true;
}

/* --- Words
 * ---------------------------------------------------------------------------------------------- */

static enum option find_option(const char *word, size_t len, enum cli_command command)
{
    enum option option = 0;

    while (option < OPTIONS &&
           (!(options[option].commands & AT(command)) || strlen(options[option].name) != len ||
            strncmp(options[option].name, word, len) != 0))
        option++;
    return option;
}

/* An option, and its value: behind "=", or the next word. Returns how many words more it took, or
 * -1 when something is wrong. */
static int take_option(struct given *given, enum cli_command command, const char *word,
                       const char *next)
{
    const char *equals = strchr(word, '=');
    size_t len = equals != NULL ? (size_t)(equals - word) : strlen(word);
    enum option option = find_option(word, len, command);

    if (option == OPTIONS)
        return complain_of_option(word, command), -1;
    const struct option_info *info = &options[option];
    for (size_t i = 0; i < given->count; i++)
        if (given->all[i].option == option && !info->repeats)
            return complain("%s is given twice; once is enough", info->name), -1;
    if (given->count == GIVEN_MAX)
        return complain("more than %d options", GIVEN_MAX), -1;
    const char *value = equals != NULL ? equals + 1 : info->is_flag ? "" : next;
    if (value == NULL || (*value == '\0' && !info->is_flag))
        return complain("%s needs a value; say %s %s", info->name, info->name,
                        option == OPTION_SET ? "NAME=VALUE" : "VALUE"),
               -1;
    if (info->is_flag && equals != NULL)
        return complain("%s takes no value; leave '%s' out", info->name, equals), -1;
    given->all[given->count].option = option;
    given->all[given->count++].value = value;
    return equals == NULL && !info->is_flag;
}

static bool is_help(const char *word)
{
    return strcmp(word, "--help") == 0 || strcmp(word, "-h") == 0;
}

static bool take_words(struct cli *cli, struct given *given, int argc, char **argv)
{
    for (int i = 2; i < argc; i++) {
        if (is_help(argv[i])) {
            cli->topic = command_names[cli->command];
            cli->command = CLI_HELP;
            return true;
        }
        if (argv[i][0] == '-' && argv[i][1] != '\0') {
            int more = take_option(given, cli->command, argv[i], i + 1 < argc ? argv[i + 1] : NULL);

            if (more < 0)
                return false;
            i += more;
        } else if (given->word != NULL || cli->command == CLI_LIST || cli->command == CLI_SWARM) {
            return complain("'%s' is one word too many for %s; aurora-sim help %s tells", argv[i],
                            command_names[cli->command], command_names[cli->command]);
        } else {
            given->word = argv[i];
        }
    }
    return true;
}

static bool find_command(struct cli *cli, const char *word)
{
    if (is_help(word))
        word = "help";
    if (strcmp(word, "--version") == 0)
        word = "version";
    while (cli->command < CLI_COMMANDS && strcmp(command_names[cli->command], word) != 0)
        cli->command++;
    return cli->command < CLI_COMMANDS || complain_of_command(word);
}

/* --- What the words mean
 * ---------------------------------------------------------------------------------------------- */

static void take_presets(struct settings *settings, const struct preset *preset)
{
    for (; preset != NULL && preset->setting != SETTINGS; preset++)
        settings->value[preset->setting] = preset->value;
}

static bool read_word(struct cli *cli, const char *word)
{
    if (cli->command == CLI_HELP) {
        cli->topic = word;
        return word == NULL || help_has(word) ||
               complain("there is no help on '%s'; aurora-sim help lists what there is", word);
    }
    if (cli->command == CLI_REPLAY && word == NULL)
        return complain("replay needs a seed; say aurora-sim replay SEED");
    if (cli->command == CLI_REPLAY)
        return read_whole("the seed", word, 1, UINT64_MAX, &cli->seed);
    if (cli->command != CLI_RUN && (cli->command != CLI_SETTINGS || word == NULL))
        return true;
    cli->scenario = word != NULL ? scenario_find(word) : NULL;
    if (cli->scenario == NULL)
        return complain_of_scenario(word);
    take_presets(&cli->settings, cli->scenario->presets);
    return true;
}

/* What is wrong only together. */
static bool check_whole(const struct cli *cli)
{
    const char *out[] = {cli->json, cli->csv, cli->svg, cli->trace};

    for (size_t i = 0; i < 4; i++)
        for (size_t j = 0; j < i; j++)
            if (out[i] != NULL && out[j] != NULL && strcmp(out[i], out[j]) == 0)
                return complain("two outputs go to '%s'; each needs a file of its own", out[i]);
    if (cli->trace != NULL && strcmp(cli->trace, "-") == 0)
        return complain("--trace is '-'; it must be a file");
    if (cli->command == CLI_SWARM && cli->json != NULL && strcmp(cli->json, "-") == 0)
        return complain("--json is '-'; of a swarm it must be a file");
    return true;
}

bool cli_read(struct cli *cli, int argc, char **argv)
{
    struct given given = {0};

    *cli = (struct cli){.program = argc > 0 ? argv[0] : "aurora-sim",
                        .seed = 1,
                        .first = 1,
                        .workers = pool_cores(),
                        .cell = CLI_ALL_CELLS};
    settings_usual(&cli->settings);
    if (argc < 2)
        return complain("what shall it do? aurora-sim list shows what there is; aurora-sim help "
                        "tells how to ask");
    if (!find_command(cli, argv[1]) || !take_words(cli, &given, argc, argv))
        return false;
    if (cli->command == CLI_HELP && cli->topic != NULL)
        return true;
    if (!read_word(cli, given.word))
        return false;
    for (size_t i = 0; i < given.count; i++)
        if (!read_option(cli, given.all[i].option, given.all[i].value))
            return false;
    return check_whole(cli);
}
