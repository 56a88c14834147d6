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
    return request_list(request, "/v1/members", "members", columns,
                        sizeof columns / sizeof *columns);
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
