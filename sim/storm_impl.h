// SPDX-License-Identifier: Apache-2.0
/* storm_impl.h - what the files of a storm share: its agenda, its faults, its clients */
#ifndef AURORA_SIM_STORM_IMPL_H
#define AURORA_SIM_STORM_IMPL_H

#include "sim/heap.h"
#include "sim/random.h"
#include "sim/storm.h"

/* "ed25519:", 64 digits, and the end. */
enum { STORM_ID_BYTES = 8 + 64 + 1 };

/* Something that will happen: the first field of whatever it is about. */
struct errand {
    struct heap_entry entry;
    enum errand_kind {
        ERRAND_START = 1, /* a node, for the first time */
        ERRAND_BEGIN,     /* a source: the next fault of its kind */
        ERRAND_END,       /* a fault */
        ERRAND_BEAT,      /* a client */
        ERRAND_OPERATION, /* somebody registers, heartbeats or deregisters */
        ERRAND_LOOK,      /* at how far a registration came */
        ERRAND_SAMPLE,    /* for the plot */
    } kind;
};

struct storm_start {
    struct errand errand;
    size_t node;
};

struct storm_source {
    struct errand errand;
    const struct fault_kind *kind;
    struct random random;
};

struct fault {
    struct errand errand;
    struct fault *next; /* of those that last */
    struct storm_source *source;
    size_t node;   /* SIZE_MAX: none in particular */
    uint64_t life; /* of that node when it began */
    struct storm_client *client;
    struct node_set from, to; /* cuts */
    bool is_both_ways;
    uint64_t handle; /* of sim/faults.h */
};

/* A client as programs are: it registers, heartbeats, registers again where it is unknown, and
 * tries another node where nobody answers. Some hold a lease token, some are named by their key. */
struct storm_client {
    struct errand errand;
    struct random random;
    char id[STORM_ID_BYTES];
    enum client_kind { CLIENT_PLAIN = 0, CLIENT_TOKEN, CLIENT_KEY } kind;
    uint8_t token_hash[LEASE_TOKEN_HASH_BYTES];
    struct key_pair key;
    uint64_t peer_version;
    uint16_t port; /* of its service; it may move */
    size_t home;   /* the node it talks to */
    uint64_t request;
    uint32_t ttl_s;
    bool must_register, is_silent;
};

struct storm {
    struct cluster *cluster;
    struct world *world;
    struct cell *cell;
    const struct settings *settings;
    size_t nodes; /* of the cluster that matters; behind them are another's */
    uint64_t seed;
    struct heap agenda;
    struct storm_start *starts;
    struct storm_source sources[SETTINGS];
    struct fault *lasting;
    bool *is_copy; /* by node: it runs with another's key */
    size_t traitors[16];
    size_t traitor_count;
    struct storm_client *clients;
    size_t client_count;
    /* Operations by nobody in particular, and how they spread. */
    struct errand operation, look, sample;
    struct random random;
    char looked_at[STORM_ID_BYTES];
    uint64_t look_request, operations;
    double *visible_ms;
    size_t visible_count, visible_capacity, samples;
    uint64_t sample_every_us;
    uint64_t began_us;
};

/* One kind of fault: which setting says how often, what it does, how long it lasts. */
struct fault_kind {
    enum setting setting;
    enum fault_when {
        FAULT_PER_MINUTE = 1, /* the setting is a rate */
        FAULT_AT_RESTART,     /* ... a chance that a restart draws */
        FAULT_ALWAYS,         /* ... a size, from the world's beginning to its heal */
    } when;
    /* False: nobody is there whom it could hit now. */
    bool (*begin)(struct storm *, struct fault *, struct random *);
    void (*end)(struct storm *, struct fault *); /* NULL: over as soon as it began */
    double least_s, most_s;                      /* it lasts */
    enum disk disk;                              /* FAULT_AT_RESTART */
};

/* One row for each setting of GROUP_FAULT, and one for SET_CHURN_PER_MIN. */
extern const struct fault_kind fault_kinds[];
extern const size_t fault_kind_count;

void storm_errand(struct storm *, struct errand *, uint64_t at_us);
uint64_t storm_wait_us(struct random *, double per_minute);
void storm_count(struct storm *, enum setting kind);
/* Running, neither paused nor blocked nor leaving. */
bool storm_can_act(const struct storm *, size_t node);
/* SIZE_MAX: nobody can. */
size_t storm_pick(const struct storm *, struct random *);

/* --- storm_fault.c
 * ----------------------------------------------------------------------------------- */

void storm_faults_start(struct storm *);
void storm_fault_next(struct storm *, struct storm_source *);
void storm_fault_over(struct storm *, struct fault *);
/* Everything is as if no fault had ever been, but for what the nodes believe; who is down starts.
 */
void storm_faults_heal(struct storm *);
void storm_faults_free(struct storm *);

/* --- storm_client.c
 * ---------------------------------------------------------------------------------- */

void storm_clients_start(struct storm *);
void storm_client_beat(struct storm *, struct storm_client *);
void storm_client_register(struct storm *, struct storm_client *, size_t node);
void storm_operate(struct storm *);
void storm_look(struct storm *);
/* Faults of clients, as struct fault_kind has them. */
bool client_begin_silent(struct storm *, struct fault *, struct random *);
void client_end_silent(struct storm *, struct fault *);
bool client_begin_move(struct storm *, struct fault *, struct random *);
bool client_begin_anywhere(struct storm *, struct fault *, struct random *);
bool client_begin_twice(struct storm *, struct fault *, struct random *);
bool client_begin_two_nodes(struct storm *, struct fault *, struct random *);

#endif
