// SPDX-License-Identifier: Apache-2.0
/* peers.c - aurora peers: who can be found. */
#include <stdio.h>
#include <string.h>

#include "tools/command.h"

static enum exit_status run(const struct request *request)
{
    static const struct column columns[] = {
        {"PEER", "peer_id"},          {"ADDRESS", "address"}, {"PORT", "port"},
        {"ARCHETYPES", "archetypes"}, {"HOME", "home"},       {"STATUS", "status"},
        {"ISSUED BY", "issued_by"},
    };
    char path[REQUEST_PATH_BYTES] = "/v1/peers";
    struct answer answer;
    if (!request_query(request, path))
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
