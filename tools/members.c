// SPDX-License-Identifier: Apache-2.0
/* members.c - aurora members: the nodes of the cluster, as one of them sees them. */
#include <stdio.h>
#include <string.h>

#include "tools/command.h"

static enum exit_status run(const struct request *request)
{
    static const struct column columns[] = {
        {"NAME", "name"}, {"STATE", "state"}, {"GOSSIP", "gossip"}, {"HTTP", "http"},
        {"ZONE", "zone"}, {"EPOCH", "epoch"}, {"RTT MS", "rtt_ms"}, {"SELF", "self"},
    };
    struct answer answer;
    enum exit_status status = client_call(&request->client, "GET", "/v1/members", NULL, &answer);
    if (status != EXIT_DONE)
        return status;
    if (request->wants_json)
        output_json(answer.body);
    else
        output_table(json_object_get(answer.body, "members"), columns,
                     sizeof columns / sizeof *columns);
    answer_free(&answer);
    return EXIT_DONE;
}

const struct command command_members = {
    .name = "members",
    .arguments = "",
    .summary = "The nodes of the cluster and their states, as this node sees them",
    .help =
        "States: alive, suspect (probes fail), unreachable (from here, not agreed on), dead, left.",
    .options = "",
    .run = run,
};
