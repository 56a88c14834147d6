// SPDX-License-Identifier: Apache-2.0
/* status.c - aurora status and why: how a node is, and what happened to somebody. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "tools/command.h"

static enum exit_status run_status(const struct request *request)
{
    static const struct column fields[] = {
        {"name", "name"},           {"id", "id"},           {"cluster", "cluster"},
        {"converged", "converged"}, {"members", "members"}, {"peers", "peers"},
        {"view", "view"},
    };
    static const struct column homes[] = {
        {"HOME", "name"},   {"EPOCH", "epoch"}, {"VERSION", "version"},
        {"PEERS", "count"}, {"STATE", "state"}, {"BEHIND BY", "behind_by"},
    };
    struct answer answer;
    enum exit_status status = client_call(&request->client, "GET", "/v1/status", NULL, &answer);
    if (status != EXIT_DONE)
        return status;
    if (request->wants_json) {
        output_json(answer.body);
    } else {
        output_fields(answer.body, fields, sizeof fields / sizeof *fields);
        puts("");
        output_table(json_object_get(answer.body, "homes"), homes, sizeof homes / sizeof *homes);
    }
    answer_free(&answer);
    return EXIT_DONE;
}

static enum exit_status run_why(const struct request *request)
{
    static const struct column columns[] = {
        {"TIME", "time"}, {"EVENT", "event"}, {"WHAT HAPPENED", "text"}};
    char path[2048];
    char *escaped = client_escape(request->words[0]);
    snprintf(path, sizeof path, "/v1/why/%s", escaped);
    free(escaped);
    return request_list(request, path, "events", columns, sizeof columns / sizeof *columns);
}

const struct command command_status = {
    .name = "status",
    .arguments = "",
    .summary = "This node: is it converged, and which homes' records has it proved",
    .help = "A home is proved when its signed HEAD matches what this node holds of it.",
    .options = "",
    .run = run_status,
};

const struct command command_why = {
    .name = "why",
    .arguments = "PEER|NODE",
    .summary = "The last events about a peer or a node: who suspected it, why it went",
    .help = "example: aurora why printer-1",
    .options = "",
    .words_min = 1,
    .words_max = 1,
    .run = run_why,
};
