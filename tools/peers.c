// SPDX-License-Identifier: Apache-2.0
/* peers.c - aurora peers: who can be found. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "tools/command.h"

#define PATH_MAX_BYTES 1800

static bool append(char *path, const char *format, const char *key, const char *value)
{
    size_t len = strlen(path);
    char *escaped = client_escape(value);
    int wrote = snprintf(path + len, PATH_MAX_BYTES - len, format, key, escaped);
    free(escaped);
    return wrote > 0 && (size_t)wrote < PATH_MAX_BYTES - len;
}

/* --meta key=value becomes meta.key=value */
static bool append_meta(const struct request *request, char *path, const char *pair)
{
    const char *equals = strchr(pair, '=');
    char key[128];
    if (equals == NULL || equals == pair || (size_t)(equals - pair) >= sizeof key - 5) {
        request_refuse(request, "--meta wants key=value, not \"%s\"", pair);
        return false;
    }
    snprintf(key, sizeof key, "meta.%.*s", (int)(equals - pair), pair);
    return append(path, "&%s=%s", key, equals + 1);
}

static bool build_path(const struct request *request, char *path)
{
    snprintf(path, PATH_MAX_BYTES, "/v1/peers?");
    for (size_t i = 0; i < request->option_count; i++) {
        const char *name = request->options[i].name;
        const char *value = request->options[i].value;
        bool fits = strcmp(name, "meta") == 0 ? append_meta(request, path, value)
                                              : append(path, "&%s=%s", name, value);
        if (!fits)
            return false;
    }
    /* "?&" is no empty parameter. */
    char *ampersand = strstr(path, "?&");
    if (ampersand != NULL)
        memmove(ampersand + 1, ampersand + 2, strlen(ampersand + 2) + 1);
    else
        path[strlen(path) - 1] = '\0';
    return true;
}

static enum exit_status run(const struct request *request)
{
    static const struct column columns[] = {
        {"PEER", "peer_id"},          {"ADDRESS", "address"}, {"PORT", "port"},
        {"ARCHETYPES", "archetypes"}, {"HOME", "home"},       {"STATUS", "status"},
        {"ISSUED BY", "issued_by"},
    };
    char path[PATH_MAX_BYTES];
    struct answer answer;
    if (!build_path(request, path))
        return EXIT_USAGE;
    enum exit_status status = client_call(&request->client, "GET", path, NULL, &answer);
    if (status != EXIT_DONE)
        return status;
    if (request->wants_json) {
        output_json(answer.body);
    } else {
        output_table(json_object_get(answer.body, "peers"), columns,
                     sizeof columns / sizeof *columns);
        if (json_is_string(json_object_get(answer.body, "cursor")))
            fprintf(stderr, "there are more: --cursor %s\n",
                    json_string_value(json_object_get(answer.body, "cursor")));
    }
    answer_free(&answer);
    return EXIT_DONE;
}

const struct command command_peers = {
    .name = "peers",
    .arguments = "[--archetype A]... [--meta KEY=VALUE] [--exclude ID] [--limit N] [--cursor C]",
    .summary = "The peers that can be found, from this node's own memory",
    .help = "  --archetype A    only peers of this archetype; given twice, both must match\n"
            "  --meta K=V       only peers whose metadata has this value\n"
            "  --exclude ID     all but this one\n"
            "  --limit N        at most so many; --cursor goes on where the last answer ended\n"
            "  --sort FIELD     as the HTTP API's sort\n"
            "\n"
            "example: aurora peers --archetype printer --json",
    .options = "archetype meta exclude limit cursor sort ",
    .run = run,
};
