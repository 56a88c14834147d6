// SPDX-License-Identifier: Apache-2.0
/* main.c - aurora: the command line of a cluster. Parses, finds the subcommand, runs it. */
#include <curl/curl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "tools/command.h"

#define AURORA_VERSION     "0.1.0"
#define DEFAULT_URL        "http://127.0.0.1:4780"
#define DEFAULT_TIMEOUT_MS 10000
#define LONGEST_TIMEOUT_S  3600

static const struct command *const commands[] = {
    &command_members,    &command_peers,  &command_register, &command_heartbeat,
    &command_deregister, &command_status, &command_watch,    &command_why,
    &command_key,        &command_join,   &command_leave,
};
#define COMMAND_COUNT (sizeof commands / sizeof *commands)

static void print_help(void)
{
    puts("aurora - ask and tell a cluster of Aurora nodes\n"
         "\n"
         "usage: aurora [--node URL] [--json] COMMAND [...]\n");
    for (size_t i = 0; i < COMMAND_COUNT; i++)
        printf("  %-11s %s\n", commands[i]->name, commands[i]->summary);
    puts("\n"
         "options of every command\n"
         "  --node URL       a node's HTTP address (AURORA_NODE; " DEFAULT_URL ")\n"
         "  --json           the node's answer as JSON, for scripts\n"
         "  --token TOKEN    the lease token that register printed (AURORA_TOKEN)\n"
         "  --data DIR       the node's --data folder, for join and leave (AURORA_DATA)\n"
         "  --timeout S      wait at most so many seconds for an answer (10)\n"
         "  --help           this, or of one command: aurora help COMMAND\n"
         "  --version\n"
         "\n"
         "exit status: 0 done; 1 wrong usage; 2 no node answers; 3 refused; 4 not found;\n"
         "5 not ready or overloaded, try again\n"
         "\n"
         "example\n"
         "  aurora register printer-1 --archetype printer --port 9100\n"
         "  aurora peers --archetype printer");
}

static void print_command_help(const struct command *command)
{
    printf("usage: aurora %s %s\n\n%s.\n", command->name, command->arguments, command->summary);
    if (command->help[0] != '\0')
        printf("\n%s\n", command->help);
}

static const struct command *find_command(const char *name)
{
    for (size_t i = 0; i < COMMAND_COUNT; i++)
        if (strcmp(commands[i]->name, name) == 0)
            return commands[i];
    fprintf(stderr, "aurora: there is no command \"%s\"; aurora --help lists them\n", name);
    return NULL;
}

static bool is_own_option(const struct command *command, const char *name)
{
    size_t len = strlen(name);
    const char *found = command == NULL ? NULL : command->options;
    while (found != NULL && *found != '\0') {
        size_t own = strcspn(found, " ");
        if (own == len && strncmp(found, name, len) == 0)
            return true;
        found += own + (found[own] == ' ');
    }
    return false;
}

static bool set_timeout(struct request *request, const char *value)
{
    char *end;
    double seconds = strtod(value, &end);
    if (*value == '\0' || *end != '\0' || !(seconds > 0 && seconds <= LONGEST_TIMEOUT_S)) {
        fprintf(stderr, "aurora: --timeout must be seconds above 0 and at most %d, not \"%s\"\n",
                LONGEST_TIMEOUT_S, value);
        return false;
    }
    request->client.timeout_ms = (long)(seconds * 1000);
    return true;
}

/* One option that takes a value. False: said what is wrong. */
static bool take_option(struct request *request, const char *name, const char *value)
{
    bool is_own = is_own_option(request->command, name);
    bool is_shared = strcmp(name, "node") == 0 || strcmp(name, "token") == 0 ||
                     strcmp(name, "data") == 0 || strcmp(name, "timeout") == 0;
    if (!is_own && !is_shared) {
        fprintf(stderr, "aurora: there is no option --%s%s%s here; aurora %s --help tells\n", name,
                request->command == NULL ? "" : " of ",
                request->command == NULL ? "" : request->command->name,
                request->command == NULL ? "" : request->command->name);
        return false;
    }
    if (value == NULL) {
        fprintf(stderr, "aurora: --%s needs a value\n", name);
        return false;
    }
    if (is_own) {
        request->options[request->option_count].name = name;
        request->options[request->option_count++].value = value;
    } else if (strcmp(name, "node") == 0) {
        request->client.url = value;
        if (request->client.node_count < CLIENT_NODES_MAX)
            request->client.nodes[request->client.node_count++] = value;
    } else if (strcmp(name, "token") == 0) {
        request->client.token = value;
    } else if (strcmp(name, "data") == 0) {
        request->data = value;
    } else {
        return set_timeout(request, value);
    }
    return true;
}

enum parsed { PARSED_RUN, PARSED_HELP, PARSED_WRONG };

static bool take_word(struct request *request, const char *word)
{
    if (request->command == NULL) {
        request->command = find_command(word);
        return request->command != NULL;
    }
    request->words[request->word_count++] = word;
    return true;
}

static enum parsed parse(struct request *request, int argc, char **argv)
{
    bool only_words = false;
    for (int i = 1; i < argc; i++) {
        char *word = argv[i];
        if (only_words || word[0] != '-' || word[1] == '\0') {
            if (!take_word(request, word))
                return PARSED_WRONG;
        } else if (strcmp(word, "--") == 0) {
            only_words = true;
        } else if (strcmp(word, "--json") == 0) {
            request->wants_json = true;
        } else if (strcmp(word, "--help") == 0 || strcmp(word, "-h") == 0) {
            return PARSED_HELP;
        } else if (strncmp(word, "--", 2) != 0) {
            fprintf(stderr, "aurora: %s: options are long here; aurora --help lists them\n", word);
            return PARSED_WRONG;
        } else {
            char *equals = strchr(word, '=');
            if (equals != NULL)
                *equals = '\0';
            const char *value = equals != NULL ? equals + 1 : i + 1 < argc ? argv[++i] : NULL;
            if (!take_option(request, word + 2, value))
                return PARSED_WRONG;
        }
    }
    return PARSED_RUN;
}

static enum exit_status run(struct request *request)
{
    const struct command *command = request->command;
    if (request->word_count < command->words_min)
        return request_refuse(request, "something is missing");
    if (request->word_count > command->words_max)
        return request_refuse(request, "\"%s\" is one word too many",
                              request->words[command->words_max]);
    curl_global_init(CURL_GLOBAL_DEFAULT);
    enum exit_status status = command->run(request);
    curl_global_cleanup();
    if (fflush(stdout) != 0 || ferror(stdout)) {
        fprintf(stderr, "aurora: the output could not be written\n");
        return EXIT_REFUSED;
    }
    return status;
}

/* aurora help [COMMAND] */
static int help(int argc, char **argv)
{
    const struct command *command = argc > 2 ? find_command(argv[2]) : NULL;
    if (argc > 2 && command == NULL)
        return EXIT_USAGE;
    if (command == NULL)
        print_help();
    else
        print_command_help(command);
    return EXIT_DONE;
}

static const char *or_default(const char *value, const char *otherwise)
{
    return value != NULL && value[0] != '\0' ? value : otherwise;
}

int main(int argc, char **argv)
{
    struct request request = {
        .client = {.url = or_default(getenv("AURORA_NODE"), DEFAULT_URL),
                   .token = or_default(getenv("AURORA_TOKEN"), NULL),
                   .timeout_ms = DEFAULT_TIMEOUT_MS},
        .data = or_default(getenv("AURORA_DATA"), NULL),
    };
    if (argc > 1 && strcmp(argv[1], "help") == 0)
        return help(argc, argv);
    if (argc > 1 && strcmp(argv[1], "--version") == 0) {
        puts("aurora " AURORA_VERSION);
        return EXIT_DONE;
    }
    if (argc > ARGUMENTS_MAX) {
        fprintf(stderr, "aurora: at most %d words\n", ARGUMENTS_MAX);
        return EXIT_USAGE;
    }
    enum parsed parsed = parse(&request, argc, argv);
    if (parsed == PARSED_WRONG)
        return EXIT_USAGE;
    if (parsed == PARSED_HELP && request.command != NULL) {
        print_command_help(request.command);
        return EXIT_DONE;
    }
    if (parsed == PARSED_HELP || request.command == NULL) {
        print_help();
        return parsed == PARSED_HELP ? EXIT_DONE : EXIT_USAGE;
    }
    return (int)run(&request);
}
