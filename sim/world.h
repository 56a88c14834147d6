// SPDX-License-Identifier: Apache-2.0
/* world.h - virtual time, one heap of what will happen, and nodes that are nothing but their cores
 *
 * The world is the nodes' host: it gives them packets, ticks and the time, drains what they put
 * out, and keeps their disks. It runs until told and calls nobody back: an alarm that somebody set
 * is returned to whoever runs the world. Virtual time is in microseconds; a core's milliseconds are
 * its floor, each node with a phase of its own: nodes whose milliseconds tick together would meet
 * in ways that no network knows. */
#ifndef AURORA_SIM_WORLD_H
#define AURORA_SIM_WORLD_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "gossip/gossip.h"
#include "sim/address.h"
#include "sim/clock.h"
#include "sim/disk.h"
#include "sim/faults.h"
#include "sim/heap.h"
#include "sim/intern.h"
#include "sim/network.h"
#include "sim/observe.h"
#include "sim/packet.h"
#include "sim/stranger.h"
#include "sim/trace.h"

/* Of the world when it begins: 2026-11-22 00:00 UTC. */
#define WORLD_WALL_MS UINT64_C(1795305600000)
/* Of the monotonic clock then: machines have been up for a while. */
#define WORLD_MONO_MS UINT64_C(1000000)
struct node {
    struct heap_entry deadline;
    struct heap_entry resume;
    struct heap_entry served;
    size_t index;
    struct gossip *core;    /* NULL: not running */
    struct addr addr;       /* its machine's; advertised by the next life */
    struct addr advertised; /* by this life */
    uint32_t source;        /* the number of the address that its packets come from */
    size_t name; /* the number in its name: its index, or that of the node it is a copy of */
    struct key_pair identity;
    uint64_t tag;
    size_t number; /* of the tag, in world.tags */
    uint64_t epoch;
    uint64_t lives;
    uint64_t started_us;
    struct clock clock; /* begins at a phase of its own, 0 to 999 */
    int64_t skew_ms;
    uint64_t troubled_us; /* when a fault last touched it; 0: never. See world_is_troubled */
    uint32_t service_us;  /* a slow CPU: what each packet and each tick takes; 0: nothing */
    bool is_tick_due;     /* slow: a tick waits */
    bool was_tick;        /* slow: the last thing served was one */
    bool is_paused, is_blocked;
    bool is_liar;                   /* traitor.h: it has done what no honest core does */
    struct node_set *withheld_from; /* traitor.h: what leaves it for these has holes; or NULL */
    uint32_t spins;                 /* ticks since time last moved */
    uint64_t ticked_us;
    uint64_t due_us; /* of its core, by its clock; `deadline` may come earlier, and does nothing */
    struct disk_image disk, old_disk;
    struct packet_queue inbound, outbound; /* waiting */
    struct observer seen;
};

/* What a client got for a command. */
struct answer {
    bool is_done;
    enum gossip_result result;
    const char *field; /* RESULT_INVALID */
    uint64_t at_us;    /* when the reply came */
    uint64_t wall_ms;  /* reply.wall_ms */
    uint64_t expires_in_ms;
};

enum { FIRST_BROKEN_BYTES = 200 };

struct world_options {
    size_t nodes;
    size_t seeds; /* the first so many nodes are everybody's */
    uint64_t seed;
    uint64_t network_seed; /* 0: the seed */
    const char *cluster;
    size_t foreign;     /* the last so many nodes are another cluster: other name, keys and seeds */
    const char *trace;  /* NULL: no file; else lines are appended to it */
    bool has_no_memo;   /* no shared store: every node verifies for itself */
    uint64_t *clock_us; /* now_us is put there now and then; may be NULL */
    const struct gossip_config *config; /* its plain values */
    struct network_faults faults;
};

struct world {
    struct world_options options;
    struct gossip_config config;
    char cluster[CLUSTER_NAME_MAX_BYTES + 1];
    char foreign_cluster[CLUSTER_NAME_MAX_BYTES + 1];
    uint64_t now_us;
    uint64_t steps;       /* heap entries handled */
    uint64_t events_seen; /* drained from the nodes */
    struct heap heap;
    struct network network;
    struct random random;
    struct trace trace;
    struct node *nodes;
    size_t running;
    struct blob_store *store;    /* NULL: has_no_memo */
    struct sealed_store *sealed; /* so, too */
    uint64_t sweep_us;
    struct seal_keyring keyring, foreign_keyring;
    struct address_book addresses;
    struct course *courses; /* faults that go on by themselves */
    struct random course_random;
    uint64_t troubled_us;   /* when a fault of the whole network last changed; 0: never */
    struct intern tags;     /* every identity ever used or spoken of */
    size_t copies;          /* nodes that were started with a copied key, ever */
    size_t *node_of_number; /* by number of the tag: the node that has it, or had */
    size_t node_of_number_capacity;
    struct intern peer_ids;
    struct answer *answers; /* by request */
    size_t answer_capacity;
    uint64_t requests;
    struct packet_pool packets;
    struct strangers strangers;
    struct capture *capture; /* NULL: nobody listens */
    struct checks *checks;   /* what the checkers remember; checks.h */
    uint64_t second_us;      /* when they are told that another one has passed */
    uint64_t false_deaths;
    uint64_t waiting_dropped;
    uint64_t broken[INVARIANTS];
    uint64_t asked[INVARIANTS];            /* how often each was looked at; see check_asked */
    char first_broken[FIRST_BROKEN_BYTES]; /* what check_failed said first */
    uint64_t failures;                     /* of invariants; see check.h */
    uint64_t failures_acknowledged;
};

struct world *world_new(const struct world_options *);
void world_free(struct world *);

/* --- Running
 * ---------------------------------------------------------------------------------------- */

enum world_step {
    WORLD_IDLE = 0, /* nothing until limit_us, and that is what time it is now */
    WORLD_MOVED,    /* one thing happened */
    WORLD_ALARM,    /* an alarm is due; it is out of the heap */
};
enum world_step world_step(struct world *, uint64_t limit_us, struct heap_entry **alarm);
/* The entry is the caller's, of kind HEAP_ALARM, and set nowhere else. */
void world_set_alarm(struct world *, struct heap_entry *, uint64_t at_us);

/* --- Nodes (their lives are host.h's)
 * --------------------------------------------------------------- */

struct gossip_time world_time(const struct world *, size_t node);
/* Takes out what the core put out, and arms its deadline. After any input. */
void world_drain(struct world *, size_t node);
/* Onto the network, and so into the heap, or lost. Takes over the packet. */
void world_send(struct world *, struct packet *);
/* These bytes arrive after the network's latency as if `from` had sent them: a node's address, or
 * anybody's. */
void world_inject(struct world *, const struct addr *from, size_t to, const uint8_t *bytes,
                  size_t len);
/* Running, neither paused nor blocked: what "everywhere" means. */
bool world_is_present(const struct world *, size_t node);
/* The node with this identity, of whatever life; SIZE_MAX: nobody's. */
size_t world_node_of_tag(const struct world *, uint64_t tag);
/* A number for a command; its answer will be in answers[]. */
uint64_t world_request(struct world *);
/* Where it lived when the world began. */
struct addr world_addr(size_t node);
/* Two nodes of different clusters have nothing to do with each other. */
static inline bool world_is_foreign(const struct world *world, size_t node)
{
    return node >= world->options.nodes - world->options.foreign;
}
static inline bool world_is_same_cluster(const struct world *world, size_t a, size_t b)
{
    return world_is_foreign(world, a) == world_is_foreign(world, b);
}
/* Did a fault touch this node at since_us or later, or does one now? A cut (either end of a link),
 * a loss of its own, pause, block, slow CPU, an address that is not the advertised one any more, a
 * jump of its wall clock, a change of drift; or anything that hits the whole network: loss, bursts,
 * duplicates, reordering, flips, a Pareto tail, too little bandwidth. Steady latency, skew and
 * drift are no trouble, nor are lives that begin and end (see lives and started_us). */
bool world_is_troubled(const struct world *, size_t node, uint64_t since_us);
/* The same without what hits the whole network. */
bool world_is_node_troubled(const struct world *, size_t node, uint64_t since_us);

#endif
