// SPDX-License-Identifier: Apache-2.0
/* cluster.h - the vocabulary in which scenarios are written: a cluster in a virtual world, its
 * faults, its clients, and waiting for what must come true
 *
 *     struct cluster *c = cluster_new(&(struct cluster_options){.nodes = 5, .seed = 7, .loss =
 * 0.05}); cluster_boot(c); cr_assert_eq(cluster_register(c, 0, "printer"), RESULT_OK);
 *     cr_assert_leq(cluster_wait_everywhere(c, peer_visible("printer"), 100), 100);
 *     cluster_cut(c, NODES(0, 1), NODES(2, 3, 4));
 *     cluster_run_for(c, 60000);
 *     cluster_heal(c);
 *     cr_assert_leq(cluster_wait_everywhere(c, views_equal(), 15000), 15000);
 *     cr_assert(cluster_check(c));
 *     cluster_free(c);
 *
 * Nodes are numbered from 0. Times are virtual: the functions take milliseconds, and everything
 * measured is in microseconds since the world began. "Everywhere" is at every node that runs and is
 * neither paused nor blocked. Everything derives from the one seed: the same calls give the same
 * world, event by event. */
#ifndef AURORA_SIM_CLUSTER_H
#define AURORA_SIM_CLUSTER_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "gossip/gossip.h"
#include "sim/network.h"
#include "sim/node_set.h"
#include "sim/world.h"

/* Zero means the default. */
struct cluster_options {
    size_t nodes;          /* 3 */
    uint64_t seed;         /* 1; AURORA_SEED in the environment overrides it */
    bool has_final_seed;   /* no, it does not: somebody said which */
    uint64_t network_seed; /* seed; another one loses, delays and shuffles the same world's packets
                              in another way */
    double latency_ms;     /* one way: 1. Below 0: none at all */
    double latency_sigma;  /* > 0: log-normal around that median */
    double latency_pareto; /* > 0: a Pareto tail of that exponent */
    double jitter_ms;
    double bandwidth_bytes_per_s; /* of each node's way out; 0: no limit */
    size_t queue_packets;         /* that wait for it: 256 */
    double loss;                  /* 0 to 1, as all chances */
    double duplicate;
    double reorder;
    double flip;
    double burst_enter, burst_leave, burst_loss; /* Gilbert-Elliott, per sender */
    size_t seeds;           /* the first so many nodes are everybody's seeds: 1 */
    double start_spread_ms; /* cluster_boot starts the nodes at random within it: 100 */
    enum gossip_detector detector;
    const struct gossip_config
        *config;        /* NULL: gossip_config_defaults; else its plain values (times, counts,
                           caps); names, keys, addresses and seeds are the world's */
    const char *name;   /* of the cluster: "world" */
    size_t foreign;     /* the last so many nodes are another cluster: other name, keys and seeds */
    bool has_no_memo;   /* every node verifies every signature itself; changes no trace */
    uint64_t *clock_us; /* the world's time is kept there, too, for whoever watches; may be NULL */
    const char *trace;  /* a file to append one line per event to */
};

struct cluster; /* cluster.c */

/* Nodes exist but none runs. */
struct cluster *cluster_new(const struct cluster_options *);
/* Prints and aborts if an invariant broke that nobody asked about (cluster_check,
 * cluster_failures). */
void cluster_free(struct cluster *);
struct world *cluster_world(struct cluster *);
uint64_t cluster_seed(const struct cluster *);
size_t cluster_nodes(const struct cluster *);

/* --- Time
 * ------------------------------------------------------------------------------------------ */

#define CLUSTER_NEVER UINT64_MAX

uint64_t cluster_now_us(const struct cluster *);
void cluster_run_for(struct cluster *, uint64_t ms);

/* What can be waited for, at one node or everywhere. */
struct condition {
    enum condition_kind {
        CONDITION_PEER_VISIBLE = 1,
        CONDITION_PEER_HIDDEN,  /* not visible: gone, or never seen */
        CONDITION_PEER_HOME,    /* visible, and `node` is its home */
        CONDITION_MEMBER_STATE, /* `node` is in `state` here (`node` itself is not asked) */
        CONDITION_MEMBER_NOT,   /* ... in any other state, or unknown */
        CONDITION_ALL_ALIVE,    /* every running node is ALIVE here, and the first sync is done */
        CONDITION_CONVERGED,    /* the node says so */
        CONDITION_VIEWS_EQUAL,  /* as at every other running node */
        CONDITION_LOGS_PROVED,  /* every log of a member that is ALIVE here */
        CONDITION_CUT_OFF,
        CONDITION_SETTLED, /* ALL_ALIVE, VIEWS_EQUAL and LOGS_PROVED at once */
    } kind;
    const char *peer_id;
    size_t node;
    enum member_state state;
};

static inline struct condition peer_visible(const char *peer_id)
{
    return (struct condition){.kind = CONDITION_PEER_VISIBLE, .peer_id = peer_id};
}
static inline struct condition peer_hidden(const char *peer_id)
{
    return (struct condition){.kind = CONDITION_PEER_HIDDEN, .peer_id = peer_id};
}
static inline struct condition peer_home(const char *peer_id, size_t node)
{
    return (struct condition){.kind = CONDITION_PEER_HOME, .peer_id = peer_id, .node = node};
}
static inline struct condition member_is(size_t node, enum member_state state)
{
    return (struct condition){.kind = CONDITION_MEMBER_STATE, .node = node, .state = state};
}
static inline struct condition member_is_not(size_t node, enum member_state state)
{
    return (struct condition){.kind = CONDITION_MEMBER_NOT, .node = node, .state = state};
}
static inline struct condition all_alive(void)
{
    return (struct condition){.kind = CONDITION_ALL_ALIVE};
}
static inline struct condition converged(void)
{
    return (struct condition){.kind = CONDITION_CONVERGED};
}
static inline struct condition views_equal(void)
{
    return (struct condition){.kind = CONDITION_VIEWS_EQUAL};
}
static inline struct condition logs_proved(void)
{
    return (struct condition){.kind = CONDITION_LOGS_PROVED};
}
static inline struct condition cut_off(void)
{
    return (struct condition){.kind = CONDITION_CUT_OFF};
}
static inline struct condition settled(void)
{
    return (struct condition){.kind = CONDITION_SETTLED};
}

/* Runs until it holds, at most bound_ms. Returns the virtual milliseconds that it took, rounded up,
 * or CLUSTER_NEVER. Conditions on peers and members are looked at after every event, those that ask
 * the cores (VIEWS_EQUAL, LOGS_PROVED, SETTLED) every 5 ms. When it never comes true, what is
 * missing where goes to stderr with the seed. */
uint64_t cluster_wait_everywhere(struct cluster *, struct condition, uint64_t bound_ms);
uint64_t cluster_wait_at(struct cluster *, size_t node, struct condition, uint64_t bound_ms);
/* Does it hold now? */
bool cluster_holds_everywhere(struct cluster *, struct condition);
bool cluster_holds_at(struct cluster *, size_t node, struct condition);

/* --- Nodes' lives
 * ---------------------------------------------------------------------------------- */

/* Starts every node at random within start_spread_ms and waits until everybody sees everybody alive
 * and is synced; asserts that it takes at most a minute. Returns the milliseconds since the last
 * start. */
uint64_t cluster_boot(struct cluster *);
/* The same with a bound of one's own; CLUSTER_NEVER: it took longer. */
uint64_t cluster_boot_within(struct cluster *, uint64_t bound_ms);
/* All of them now, and each knows everybody: a world that begins in the middle. What a large world
 * spends on joining is not spent. */
void cluster_boot_known(struct cluster *);
/* All of them now; does not wait. */
void cluster_start_all(struct cluster *);
void cluster_start(struct cluster *, size_t node);
/* Stops without a word (kill -9); its disk keeps what a snapshot made now would hold. */
void cluster_crash(struct cluster *, size_t node);
void cluster_crash_all(struct cluster *);
void cluster_restart(struct cluster *, size_t node, enum disk);
void cluster_copy_disk(struct cluster *, size_t node);
/* A second node starts with a copy of this one's disk and key: one identity at two addresses. `to`
 * is stopped first if it runs; what was on its disk is gone. */
void cluster_start_copy(struct cluster *, size_t from, size_t to);
/* Says LEFT, and stops when that was said. */
void cluster_leave(struct cluster *, size_t node);
bool cluster_is_running(const struct cluster *, size_t node);
/* The core, for what the vocabulary does not say; NULL when the node is down. After a command or
 * other input given to it directly, call cluster_drain. */
struct gossip *cluster_core(struct cluster *, size_t node);
struct gossip_time cluster_time(struct cluster *, size_t node);
void cluster_drain(struct cluster *, size_t node);
uint64_t cluster_tag(const struct cluster *, size_t node);
struct gossip_status cluster_status(const struct cluster *, size_t node);
struct addr cluster_addr(const struct cluster *, size_t node);
/* The node's current life. */
uint64_t cluster_epoch(const struct cluster *, size_t node);

/* --- Faults
 * ---------------------------------------------------------------------------------------- */

/* Nothing passes between the two sets, either way; cuts add up until healed. Whoever is in neither
 * still reaches both: a partial partition. */
void cluster_cut(struct cluster *, struct node_set a, struct node_set b);
void cluster_cut_one_way(struct cluster *, struct node_set from, struct node_set to);
void cluster_isolate(struct cluster *, size_t node);
/* Ends all cuts, flip-flops and swizzles. */
void cluster_heal(struct cluster *);
/* Ends the cuts, and leaves what goes on by itself. */
void cluster_uncut(struct cluster *);
/* All links of these nodes, out of them, into them or both, fail for down_ms, come back for up_ms,
 * and so on until for_ms have passed, when they are back; begins now, goes on by itself. */
void cluster_flip_flop(struct cluster *, struct node_set, enum direction, uint64_t down_ms,
                       uint64_t up_ms, uint64_t for_ms);
/* Swizzle-clog: within the first half of for_ms the links of these nodes stop one by one, each both
 * ways; within the second they come back one by one, in another random order. By itself, too. */
void cluster_swizzle(struct cluster *, struct node_set, uint64_t for_ms);
/* NAT: from now on the node's packets come from another port, and what is sent to the old one is
 * lost, or still arrives for old_ms. The node does not know, and goes on advertising its own. */
void cluster_rebind(struct cluster *, size_t node);
void cluster_rebind_late(struct cluster *, size_t node, uint64_t old_ms);
/* Each is now where the other was. Whoever runs does not know; whoever starts advertises it. */
void cluster_swap_addresses(struct cluster *, size_t a, size_t b);
/* From now on; NULL: none of them (the latency stays, but for a Pareto tail). */
void cluster_set_faults(struct cluster *, const struct network_faults *);
struct network_faults cluster_faults(const struct cluster *);
/* Besides, so much of what this node sends, and of what it is sent, is lost: chances, until set to
 * 0, 0 again. */
void cluster_set_node_loss(struct cluster *, size_t node, double egress, double ingress);
/* SIGSTOP: nothing runs, packets wait in its socket (up to a limit). */
void cluster_pause(struct cluster *, size_t node);
void cluster_resume(struct cluster *, size_t node);
/* Paused for so long, from now; does not wait. */
void cluster_stall(struct cluster *, size_t node, uint64_t ms);
/* Lifeguard's anomaly: its timers run, but what it sends and what it is sent waits until unblocked.
 */
void cluster_block(struct cluster *, size_t node);
void cluster_unblock(struct cluster *, size_t node);
/* A slow CPU, over lives: each packet and each tick takes so long before it has its effect; packets
 * wait in its socket (up to a limit). 0: fast again. */
void cluster_slow(struct cluster *, size_t node, uint32_t service_us);
/* Both its clocks run fast by so many parts in a million (or slow, below 0) from now on. */
void cluster_set_drift(struct cluster *, size_t node, int32_t ppm);
/* Its wall clock against the world's, from now on; may jump either way. */
void cluster_set_clock(struct cluster *, size_t node, int64_t skew_ms);

/* Every fault of every kind ends now, wall clocks are right, paused nodes go on, NATs let through
 * what is sent to the addresses that nodes advertise. Latency stays, who is down stays down, and
 * swapped addresses stay swapped. */
void cluster_heal_all(struct cluster *);

/* --- Commands and clients
 * -------------------------------------------------------------------------- */

/* Each runs the world until the reply is there, at most a minute (then: aborts, with the seed). */
enum gossip_result cluster_register(struct cluster *, size_t node, const char *peer_id);
enum gossip_result cluster_register_ttl(struct cluster *, size_t node, const char *peer_id,
                                        uint32_t ttl_s);
enum gossip_result cluster_register_as(struct cluster *, size_t node,
                                       const struct gossip_registration *);
enum gossip_result cluster_heartbeat(struct cluster *, size_t node, const char *peer_id);
enum gossip_result cluster_deregister(struct cluster *, size_t node, const char *peer_id);
/* The last answer that one of these got. */
struct answer cluster_last_answer(const struct cluster *);

/* The same without waiting: a request number, to ask about later. */
uint64_t cluster_ask_register(struct cluster *, size_t node, const char *peer_id, uint32_t ttl_s);
uint64_t cluster_ask_register_as(struct cluster *, size_t node, const struct gossip_registration *);
uint64_t cluster_ask_heartbeat(struct cluster *, size_t node, const char *peer_id);
uint64_t cluster_ask_deregister(struct cluster *, size_t node, const char *peer_id);
struct answer cluster_answer(const struct cluster *, uint64_t request);

/* What cluster_register sends: port 8080, archetypes "test", address 10.9.8.7, metadata {}. */
struct gossip_registration cluster_registration(const char *peer_id, uint32_t ttl_s);

/* A client that heartbeats for a peer that is registered already, every so often, the first time
 * after a random part of that. With several nodes it goes on to the next when one is down (or,
 * alternating, each time: a load balancer). It never registers again. */
struct client_stats {
    uint64_t sent, ok, unknown, refused, other; /* refused: the node was down; unknown: a 404 */
    enum gossip_result last;
};
void cluster_client_start(struct cluster *, const char *peer_id, uint64_t every_ms,
                          const size_t *nodes, size_t node_count, bool alternates);
void cluster_client_stop(struct cluster *, const char *peer_id);
struct client_stats cluster_client_stats(const struct cluster *, const char *peer_id);

/* --- What was seen, and when
 * ----------------------------------------------------------------------- */

bool cluster_sees_peer(const struct cluster *, size_t node, const char *peer_id);
/* When the peer became visible there (this time); CLUSTER_NEVER: it is not. */
uint64_t cluster_peer_since_us(const struct cluster *, size_t node, const char *peer_id);
/* How often it has become visible, and invisible, at that node in this life of the node: a blink is
 * 2 and 1. */
uint64_t cluster_peer_ups(const struct cluster *, size_t node, const char *peer_id);
uint64_t cluster_peer_downs(const struct cluster *, size_t node, const char *peer_id);
/* Why it went, the last time. */
enum peer_down_reason cluster_peer_down_reason(const struct cluster *, size_t node,
                                               const char *peer_id);
/* Which node is its home there (a node number), or SIZE_MAX. */
size_t cluster_peer_home(const struct cluster *, size_t node, const char *peer_id);
size_t cluster_peers_visible(const struct cluster *, size_t node);

/* MEMBER_FORGOTTEN: unknown there. */
enum member_state cluster_sees_member(const struct cluster *, size_t node, size_t member);
/* How often it became unreachable, DEAD or LEFT there, or ceased to be it. */
uint64_t cluster_member_turns(const struct cluster *, size_t node, size_t member);
uint64_t cluster_member_since_us(const struct cluster *, size_t node, size_t member);
/* How often that node, in its present life, has declared the member DEAD. */
uint64_t cluster_deaths_seen(const struct cluster *, size_t node, size_t member);
/* Over the whole world: how often a running node was declared DEAD somewhere (false positives);
 * each declaration at each node counts. */
uint64_t cluster_false_deaths(const struct cluster *);

/* Milliseconds from `since_us` until each running node saw the peer; INFINITY for those that have
 * not. Returns how many were written. */
size_t cluster_visibility_ms(const struct cluster *, const char *peer_id, uint64_t since_us,
                             double *out, size_t capacity);
/* The same, until each running node had `member` in `state`. */
size_t cluster_detection_ms(const struct cluster *, size_t member, enum member_state state,
                            uint64_t since_us, double *out, size_t capacity);
/* Sorts; p is 0 to 100 (nearest rank). */
double percentile(double *values, size_t count, double p);

/* --- Invariants
 * ------------------------------------------------------------------------------------ */

/* Those of safety (applied never decreases, DEAD has its quorum, packets fit, no nonce repeats) are
 * watched at every event. This looks at everything now: they held until now, and each node's view
 * as built from its events is what its core answers. What broke is printed with the seed. */
bool cluster_check(struct cluster *);
/* cluster_check, and also: equal views, every log proved. For after a heal. */
bool cluster_check_settled(struct cluster *);
/* How many checks failed so far; asking acknowledges them. */
uint64_t cluster_failures(struct cluster *);
/* Of everything that happened so far. */
uint64_t cluster_trace_hash(const struct cluster *);

#endif
