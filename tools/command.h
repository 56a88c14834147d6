// SPDX-License-Identifier: Apache-2.0
/* command.h - what every subcommand is given, and the list of them. */
#ifndef AURORA_TOOLS_COMMAND_H
#define AURORA_TOOLS_COMMAND_H

#include <stdbool.h>
#include <stddef.h>

#include "tools/client.h"
#include "tools/output.h"

#define ARGUMENTS_MAX 64

/* The options that all commands share, and the command's own words in order. */
struct request {
    struct client client;
    bool wants_json;
    const char *data; /* --data: the node's folder, for its control socket */
    const struct command *command;
    const char *words[ARGUMENTS_MAX]; /* positional */
    size_t word_count;
    struct {
        const char *name; /* without the dashes */
        const char *value;
    } options[ARGUMENTS_MAX]; /* the command's own, in order */
    size_t option_count;
};

struct command {
    const char *name;
    const char *arguments; /* as usage shows them */
    const char *summary;
    const char *help;    /* options and an example */
    const char *options; /* names of its own options, each followed by a space; all take a value */
    size_t words_min, words_max;
    enum exit_status (*run)(const struct request *);
};

/* The last value of an option; NULL: not given. */
const char *request_option(const struct request *, const char *name);
/* Says what is wrong with the command line, and where help is. */
enum exit_status request_refuse(const struct request *, const char *format, ...)
    __attribute__((format(printf, 2, 3)));
/* A whole number within bounds. False: said on standard error. */
bool request_number(const struct request *, const char *name, long least, long most, long *out);

/* The options of a command that filters peers (archetype, meta, exclude, ...) as a query behind
 * `path`, which has REQUEST_PATH_BYTES of room. False: said what is wrong. */
#define REQUEST_PATH_BYTES 1800
bool request_query(const struct request *, char *path);

/* GETs `path` and shows the list under `key` of the answer as a table (or the answer as JSON). */
enum exit_status request_list(const struct request *, const char *path, const char *key,
                              const struct column *columns, size_t count);

extern const struct command command_members, command_peers, command_register, command_heartbeat,
    command_deregister, command_status, command_watch, command_why, command_key, command_join,
    command_leave;

#endif
