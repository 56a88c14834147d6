// SPDX-License-Identifier: Apache-2.0
/* request.c - what the commands share: looking things up on a parsed command line, and the plain
 * question that is answered by a table. */
#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "tools/command.h"

const char *request_option(const struct request *request, const char *name)
{
    const char *value = NULL;
    for (size_t i = 0; i < request->option_count; i++)
        if (strcmp(request->options[i].name, name) == 0)
            value = request->options[i].value;
    return value;
}

enum exit_status request_refuse(const struct request *request, const char *format, ...)
{
    va_list arguments;
    va_start(arguments, format);
    fprintf(stderr, "aurora %s: ", request->command->name);
    vfprintf(stderr, format, arguments);
    fprintf(stderr, "\nusage: aurora %s %s\n", request->command->name, request->command->arguments);
    va_end(arguments);
    return EXIT_USAGE;
}

bool request_number(const struct request *request, const char *name, long least, long most,
                    long *out)
{
    const char *text = request_option(request, name);
    char *end;
    if (text == NULL)
        return true;
    errno = 0;
    long value = strtol(text, &end, 10);
    if (errno != 0 || *text == '\0' || *end != '\0' || value < least || value > most) {
        request_refuse(request, "--%s must be a whole number from %ld to %ld, not \"%s\"", name,
                       least, most, text);
        return false;
    }
    *out = value;
    return true;
}

static bool append(const struct request *request, char *path, const char *key, const char *value)
{
    size_t len = strlen(path);
    char *escaped = client_escape(value), *name = client_escape(key);
    int wrote = snprintf(path + len, REQUEST_PATH_BYTES - len, "&%s=%s", name, escaped);
    free(escaped);
    free(name);
    if (wrote > 0 && (size_t)wrote < REQUEST_PATH_BYTES - len)
        return true;
    request_refuse(request, "the options are too long together");
    return false;
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
    return append(request, path, key, equals + 1);
}

bool request_query(const struct request *request, char *path)
{
    size_t path_len = strlen(path);
    for (size_t i = 0; i < request->option_count; i++) {
        const char *name = request->options[i].name;
        const char *value = request->options[i].value;
        bool fits = strcmp(name, "meta") == 0 ? append_meta(request, path, value)
                                              : append(request, path, name, value);
        if (!fits)
            return false;
    }
    if (path[path_len] == '&')
        path[path_len] = '?';
    return true;
}

enum exit_status request_list(const struct request *request, const char *path, const char *key,
                              const struct column *columns, size_t count)
{
    struct answer answer;
    enum exit_status status = client_call(&request->client, "GET", path, NULL, &answer);
    if (status != EXIT_DONE)
        return status;
    if (request->wants_json)
        output_json(answer.body);
    else
        output_table(json_object_get(answer.body, key), columns, count);
    answer_free(&answer);
    return EXIT_DONE;
}
