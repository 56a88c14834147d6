// SPDX-License-Identifier: Apache-2.0
/* cluster_impl.h - struct cluster itself, for the files that implement cluster.h */
#ifndef AURORA_SIM_CLUSTER_IMPL_H
#define AURORA_SIM_CLUSTER_IMPL_H

#include "sim/cluster.h"

enum { CLIENT_NODES_MAX = 8, CLIENT_PENDING_MAX = 8 };

struct client {
    struct heap_entry alarm; /* first: an alarm's entry is its client */
    struct client *next;
    char *peer_id;
    uint64_t every_us;
    size_t nodes[CLIENT_NODES_MAX];
    size_t node_count, turn;
    bool alternates;
    uint64_t pending[CLIENT_PENDING_MAX]; /* requests without an answer; 0: free */
    struct client_stats stats;
};

struct cluster {
    struct world *world;
    uint64_t start_spread_us;
    struct random random; /* of the clients' phases and the order of starts */
    struct client *clients;
    uint64_t last_request;
};

/* One step, alarms included. False: nothing until limit_us, and that is what time it is now. */
bool cluster_step(struct cluster *, uint64_t limit_us);
void client_on_alarm(struct cluster *, struct client *);
void clients_free(struct cluster *);

#endif
