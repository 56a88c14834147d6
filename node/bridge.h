// SPDX-License-Identifier: Apache-2.0
/* bridge.h - between the gossip thread and the HTTP threads: commands in, events out
 *
 *     HTTP threads --- node_command ---> gossip thread     bounded; full: the client gets a 503
 *     HTTP threads <-- gossip_event ---- gossip thread     bounded; full: events wait in the core
 *
 * The threads share nothing else but the counters (counters.h), what http_team.h has, and the bytes
 * of statements, which are immutable and reference-counted. Each HTTP thread has an end of its own,
 * with a queue of its own: all of them get every event, one copy of it for all, but a reply goes to
 * the end that sent the command, and that after what the command changed is in every queue. So a
 * client reads its own write: at once on the thread that answered it, and on any other if that
 * first applies what is in its queue (api_catch_up). Events are never dropped: while a queue is
 * more than half full the core stops pulling (gossip_hold_pulls), and when it is full the rest
 * stays in the core until there is room. */
#ifndef AURORA_NODE_BRIDGE_H
#define AURORA_NODE_BRIDGE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "gossip/gossip.h"
#include "node/loop.h"

#define BRIDGE_COMMANDS_MAX \
    4096                       /* requests waiting for the gossip thread: 4 ms of its time or so */
#define BRIDGE_EVENTS_MAX 8192 /* events waiting for the view; then they wait in the core */
/* Events that an HTTP thread should apply before it looks at its connections again. */
#define BRIDGE_EVENTS_BATCH 512
/* A request's number is below this; the end that sent it stands above. */
#define BRIDGE_REQUEST_BITS 56
#define BRIDGE_ENDS_MAX     255

enum node_command_kind {
    NODE_COMMAND_REGISTER = 1,
    NODE_COMMAND_HEARTBEAT,
    NODE_COMMAND_DEREGISTER
};

/* One allocation: every span points into its own tail. */
struct node_command {
    enum node_command_kind kind;
    uint64_t request;    /* chosen by the sender; comes back in the GOSSIP_EVENT_REPLY. On its way
                            it also says whose it is */
    struct span peer_id; /* HEARTBEAT, DEREGISTER */
    bool has_token;      /* HEARTBEAT, DEREGISTER: token_hash was given */
    uint8_t token_hash[LEASE_TOKEN_HASH_BYTES];
    struct gossip_registration registration; /* REGISTER */
};

/* Copies everything that the arguments point to. The caller owns the result until it is sent. */
struct node_command *node_command_register(uint64_t request, const struct gossip_registration *);
/* `token_hash` is LEASE_TOKEN_HASH_BYTES or NULL. */
struct node_command *node_command_heartbeat(uint64_t request, struct span peer_id,
                                            const uint8_t *token_hash);
struct node_command *node_command_deregister(uint64_t request, struct span peer_id,
                                             const uint8_t *token_hash);
void node_command_free(struct node_command *); /* NULL is allowed */

struct bridge;
struct bridge_end;

/* With so many ends. */
struct bridge *bridge_new(size_t ends);
/* When all threads have ended. Releases what is still queued. */
void bridge_free(struct bridge *);
/* One of them; the bridge's. */
struct bridge_end *bridge_end_of(struct bridge *, size_t number);

/* --- An HTTP thread's side
 * ------------------------------------------------------------------------ */

/* Once, by the HTTP thread: `on_events` is called on its loop when events have arrived. */
void bridge_attach_http(struct bridge_end *, struct loop *, void (*on_events)(void *context),
                        void *context);
/* Takes the command. False: the queue is full, or the gossip thread has ended; the command is
 * freed, there will be no reply (answer 503 with Retry-After). */
bool bridge_send_command(struct bridge_end *, struct node_command *);
/* After a round of commands: wakes the gossip thread if there were any. To wake it for each would
 * cost a system call for every request, and a change of threads where the two share a core. */
void bridge_flush_commands(struct bridge_end *);
/* The next event, to be given back with bridge_event_done; what it holds may be retained. NULL:
 * none. After BRIDGE_EVENTS_BATCH of them call bridge_events_again and return to the loop. */
const struct gossip_event *bridge_next_event(struct bridge_end *);
void bridge_event_done(const struct gossip_event *);
/* About how many wait. */
size_t bridge_event_count(const struct bridge_end *);
/* on_events will be called again at the next turn. */
void bridge_events_again(struct bridge_end *);
/* By the HTTP thread before its loop ends. */
void bridge_detach_http(struct bridge_end *);

/* --- The gossip thread's side
 * ---------------------------------------------------------------------- */

/* Once: `on_commands` is called on the gossip loop when commands have arrived, and when there is
 * room for events again after bridge_push_event had refused. */
void bridge_attach_gossip(struct bridge *, struct loop *, void (*on_commands)(void *context),
                          void *context);
/* NULL: none. The caller owns the result. */
struct node_command *bridge_next_command(struct bridge *);
/* Hands the event and its blob over, to all ends, or a reply to its own. False: a queue is full,
 * and nothing happened (call bridge_has_room first). */
bool bridge_push_event(struct bridge *, const struct gossip_event *);
/* In every queue. */
bool bridge_has_room(struct bridge *);
/* After a round of pushes: wakes the HTTP threads that were given any. */
void bridge_flush_events(struct bridge *);
/* One is more than half full: the core must stop pulling. on_commands is called when none is. */
bool bridge_is_pressed(struct bridge *);
void bridge_detach_gossip(struct bridge *);

#endif
