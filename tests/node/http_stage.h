// SPDX-License-Identifier: Apache-2.0
/* http_stage.h - the HTTP side without sockets and without a core: hand-made events, played replies
 *
 * A stage is an API with a view, a bridge whose other end the test holds, and a clock that the test
 * moves. It is node "n1", tag STAGE_OWN; peers may also have STAGE_OTHER, node "n2", as their home.
 */
#ifndef AURORA_TESTS_NODE_HTTP_STAGE_H
#define AURORA_TESTS_NODE_HTTP_STAGE_H

#include "node/api.h"
#include "node/http_conn.h"

#define STAGE_OWN      0x1111111111111111u
#define STAGE_OTHER    0x2222222222222222u
#define STAGE_EPOCH    7u
#define STAGE_WALL_MS  1795348800123u /* 2026-11-22T12:00:00.123 */
#define STAGE_WALL_ISO "2026-11-22T12:00:00.123000"

struct http_stage {
    struct node_config config;
    struct http_options options;
    struct bridge *bridge;
    struct http_team *team; /* of one thread */
    struct loop *loop;
    struct api api;
    struct key_pair identity;
    struct sign_scope scope;
    uint64_t mono_ms, wall_ms;
    uint64_t version;
};

/* Synced and converged, with both nodes as members, and no peers. The caller frees it. */
struct http_stage *stage_new(void);
void stage_free(struct http_stage *);
void stage_wait(struct http_stage *, uint64_t ms);
void stage_status(struct http_stage *, bool synced, bool converged);
void stage_home(struct http_stage *, uint64_t tag, enum home_standing, uint64_t since_wall_ms);

/* A peer becomes visible. `archetypes` are separated by blanks. */
void stage_peer(struct http_stage *, uint64_t home, const char *peer_id, const char *archetypes,
                const char *metadata);
void stage_peer_gone(struct http_stage *, const char *peer_id, enum peer_down_reason);
/* At this node: its client was heard of now. */
void stage_heartbeat(struct http_stage *, const char *peer_id);

/* The next command that a route sent, or NULL; the caller frees it. */
struct node_command *stage_command(struct http_stage *);
/* Carries out all commands as a core would that accepts everything; heartbeats and deregistrations
 * of peers that are not visible get RESULT_UNKNOWN_PEER. */
void stage_obey(struct http_stage *);
/* Replies this to all commands instead. */
void stage_reply(struct http_stage *, enum gossip_result, const char *field);

struct http_conn *stage_connect(struct http_stage *);
void stage_disconnect(struct http_conn *);
/* What the connection has to say, taken out of it, as text; the caller frees it. */
char *stage_hear(struct http_conn *);
/* One request on a connection of its own, commands obeyed; the caller frees the answer. */
char *stage_ask(struct http_stage *, const char *request);
/* "GET target" or another method; with a body when it is not NULL. The same otherwise. */
char *stage_request(struct http_stage *, const char *method, const char *target, const char *body);

/* The answer's status; its body (in the answer). */
int answer_status(const char *answer);
const char *answer_body_text(const char *answer);

#endif
