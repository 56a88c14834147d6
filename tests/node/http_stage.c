// SPDX-License-Identifier: Apache-2.0
/* http_stage.c - the HTTP side without sockets and without a core */
#include "tests/node/http_stage.h"

#include <assert.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "gossip/mem.h"
#include "node/registration_body.h"

static void ignore(void *context)
{
    (void)context;
}

static void stage_event(struct http_stage *stage, struct gossip_event event)
{
    event.wall_ms = stage->wall_ms;
    api_on_event(&stage->api, &event);
    gossip_event_release(&event);
}

void stage_wait(struct http_stage *stage, uint64_t ms)
{
    stage->mono_ms += ms;
    stage->wall_ms += ms;
    api_set_time(&stage->api, stage->mono_ms, stage->wall_ms * 1000);
}

void stage_status(struct http_stage *stage, bool synced, bool converged)
{
    struct gossip_status *status = calloc(1, sizeof *status);

    status->synced = synced;
    status->converged = converged;
    status->epoch = STAGE_EPOCH;
    status->members = status->members_alive = 2;
    memcpy(status->view_digest, stage->api.view.digest, sizeof status->view_digest);
    stage_event(stage, (struct gossip_event){.kind = GOSSIP_EVENT_STATUS, .status = status});
}

void stage_home(struct http_stage *stage, uint64_t tag, enum home_standing standing,
                uint64_t since_wall_ms)
{
    struct gossip_event event = {.kind = GOSSIP_EVENT_HOME};

    event.home.tag = tag;
    event.home.epoch = STAGE_EPOCH;
    event.home.standing = standing;
    event.home.since_wall_ms = since_wall_ms;
    stage_event(stage, event);
}

static void stage_member(struct http_stage *stage, uint64_t tag, const char *name)
{
    struct alive alive = {
        .id = stage->identity.public,
        .epoch = STAGE_EPOCH,
        .incarnation = 1,
        .name = span_of_text(name),
        .zone = span_of_text("here"),
        .http_url = span_of_text("http://192.0.2.1:4780"),
        .addresses = {{.family = ADDR_IPV4, .ip = {192, 0, 2, 1}, .port = 4747}},
        .address_count = 1,
        .protocol_version = PROTOCOL_VERSION,
    };
    struct gossip_event event = {.kind = GOSSIP_EVENT_MEMBER};

    event.member.tag = tag;
    event.member.state = MEMBER_ALIVE;
    event.member.epoch = STAGE_EPOCH;
    event.member.incarnation = 1;
    event.member.rtt_us = tag == STAGE_OWN ? 0 : 1234;
    event.member.is_self = tag == STAGE_OWN;
    event.member.alive = statement_of_alive(&alive, &stage->identity, &stage->scope);
    stage_event(stage, event);
}

struct http_stage *stage_new(void)
{
    struct http_stage *stage = mem_alloc(sizeof *stage);
    const uint8_t seed[KEY_SEED_BYTES] = {1};

    if (!key_library_init())
        abort();
    key_pair_from_seed(seed, &stage->identity);
    sign_scope_of("aurora", &stage->scope);
    config_defaults(&stage->config);
    memcpy(stage->config.name, "n1", 3);
    stage->bridge = bridge_new(1);
    stage->team = http_team_new(1, stage->config.http_connections_max,
                                stage->config.http_connections_per_address_max);
    stage->loop = loop_new();
    bridge_attach_gossip(stage->bridge, stage->loop, ignore, NULL);
    stage->options = (struct http_options){
        .config = &stage->config,
        .bridge = bridge_end_of(stage->bridge, 0),
        .team = stage->team,
        .id = stage->identity.public,
        .tag = STAGE_OWN,
        .epoch = STAGE_EPOCH,
        .http_url = "http://192.0.2.1:4780",
        .started_wall_ms = STAGE_WALL_MS,
    };
    api_init(&stage->api, &stage->options);
    stage->mono_ms = 1000;
    stage->wall_ms = STAGE_WALL_MS;
    stage_wait(stage, 0);
    stage_member(stage, STAGE_OWN, "n1");
    stage_member(stage, STAGE_OTHER, "n2");
    stage_status(stage, true, true);
    return stage;
}

void stage_free(struct http_stage *stage)
{
    api_free(&stage->api);
    bridge_detach_gossip(stage->bridge);
    bridge_free(stage->bridge);
    http_team_free(stage->team);
    loop_free(stage->loop);
    mem_free(stage);
}

/* --- Peers --------------------------------------------------------------------------------- */

static void peer_event(struct http_stage *stage, uint64_t home,
                       const struct gossip_registration *registration)
{
    bool is_known = view_peer_find(&stage->api.view, registration->peer.peer_id) != NULL;
    struct gossip_event event = {.kind =
                                     is_known ? GOSSIP_EVENT_PEER_UPDATE : GOSSIP_EVENT_PEER_UP};
    struct record record = {
        .home = home,
        .epoch = STAGE_EPOCH,
        .version = ++stage->version,
        .peer = registration->peer,
        .seq = stage->wall_ms,
        .registered_at_ms = stage->wall_ms,
        .has_token = registration->has_token,
    };

    memcpy(record.token_hash, registration->token_hash, sizeof record.token_hash);
    event.peer.record = statement_of_record(&record, &stage->identity, &stage->scope);
    if (event.peer.record == NULL)
        return;
    event.peer.home = home;
    event.peer.epoch = STAGE_EPOCH;
    event.peer.version = record.version;
    event.peer.expires_in_ms = home == STAGE_OWN ? record.peer.ttl_s * 1000ull : 0;
    event.peer.view_digest[0] = stage->api.view.digest[0] + record.version;
    stage_event(stage, event);
}

void stage_peer(struct http_stage *stage, uint64_t home, const char *peer_id,
                const char *archetypes, const char *metadata)
{
    struct gossip_registration registration = {
        .peer =
            {
                .peer_id = span_of_text(peer_id),
                .address = span_of_text("192.0.2.7"),
                .port = 8080,
                .metadata = span_of_text(metadata),
                .ttl_s = 300,
            },
    };
    struct peer_description *peer = &registration.peer;

    while (*archetypes != '\0') {
        size_t len = strcspn(archetypes, " ");

        peer->archetypes[peer->archetype_count++] = span_of(archetypes, len);
        archetypes += len + (archetypes[len] == ' ');
    }
    peer_event(stage, home, &registration);
}

static void peer_gone(struct http_stage *stage, struct span peer_id, enum peer_down_reason reason)
{
    const struct view_peer *peer = view_peer_find(&stage->api.view, peer_id);
    struct gossip_event event = {.kind = GOSSIP_EVENT_PEER_DOWN};

    assert(peer != NULL);
    event.peer.record = blob_retain(peer->record);
    event.peer.home = peer->home->tag;
    event.peer.epoch = peer->home->epoch;
    event.peer.version = view_peer_version(peer);
    event.peer.reason = reason;
    event.peer.view_digest[0] = stage->api.view.digest[0] + 1000000 + ++stage->version;
    stage_event(stage, event);
}

void stage_peer_gone(struct http_stage *stage, const char *peer_id, enum peer_down_reason reason)
{
    peer_gone(stage, span_of_text(peer_id), reason);
}

void stage_heartbeat(struct http_stage *stage, const char *peer_id)
{
    const struct view_peer *peer = view_peer_find(&stage->api.view, span_of_text(peer_id));
    struct gossip_event event = {.kind = GOSSIP_EVENT_HEARTBEAT};

    assert(peer != NULL);
    event.heartbeat.record = blob_retain(peer->record);
    event.heartbeat.expires_in_ms = 300000;
    stage_event(stage, event);
}

/* --- Commands ------------------------------------------------------------------------------ */

struct node_command *stage_command(struct http_stage *stage)
{
    return bridge_next_command(stage->bridge);
}

static void reply(struct http_stage *stage, uint64_t request, enum gossip_result result,
                  const char *field)
{
    struct gossip_event event = {.kind = GOSSIP_EVENT_REPLY};

    event.reply.request = request;
    event.reply.result = result;
    event.reply.field = field;
    event.reply.wall_ms = stage->wall_ms;
    event.reply.expires_in_ms = 300000;
    stage_event(stage, event);
}

static enum gossip_result obey_one(struct http_stage *stage, const struct node_command *command)
{
    if (command->kind == NODE_COMMAND_REGISTER) {
        peer_event(stage, STAGE_OWN, &command->registration);
        return RESULT_OK;
    }
    if (view_peer_find(&stage->api.view, command->peer_id) == NULL)
        return RESULT_UNKNOWN_PEER;
    if (command->kind == NODE_COMMAND_DEREGISTER)
        peer_gone(stage, command->peer_id, PEER_DOWN_DEREGISTERED);
    return RESULT_OK;
}

void stage_obey(struct http_stage *stage)
{
    struct node_command *command;

    while ((command = stage_command(stage)) != NULL) {
        reply(stage, command->request, obey_one(stage, command), NULL);
        node_command_free(command);
    }
}

void stage_reply(struct http_stage *stage, enum gossip_result result, const char *field)
{
    struct node_command *command;

    while ((command = stage_command(stage)) != NULL) {
        reply(stage, command->request, result, field);
        node_command_free(command);
    }
}

/* --- Connections --------------------------------------------------------------------------- */

struct http_conn *stage_connect(struct http_stage *stage)
{
    struct http_conn *conn = mem_alloc(sizeof *conn);
    struct addr from = {.family = ADDR_IPV4, .ip = {198, 51, 100, 9}, .port = 40000};

    http_conn_init(conn, &stage->api, &from, stage->mono_ms);
    return conn;
}

void stage_disconnect(struct http_conn *conn)
{
    http_conn_free(conn);
    mem_free(conn);
}

char *stage_hear(struct http_conn *conn)
{
    struct buffer heard;
    struct iovec piece[2];

    buffer_init(&heard, 64u << 20);
    while (http_conn_output(conn, piece, 2) > 0) {
        /* Byte by byte at first, then in pieces: as a slow socket would take it. */
        size_t len = heard.len < 64 ? 1 : piece[0].iov_len;

        buffer_add(&heard, piece[0].iov_base, len);
        http_conn_sent(conn, len, conn->api->now_mono_ms);
    }
    buffer_add(&heard, "", 1);
    return heard.data;
}

char *stage_ask(struct http_stage *stage, const char *request)
{
    struct http_conn *conn = stage_connect(stage);

    http_conn_feed(conn, request, strlen(request), stage->mono_ms);
    stage_obey(stage);
    char *answer = stage_hear(conn);
    stage_disconnect(conn);
    return answer;
}

char *stage_request(struct http_stage *stage, const char *method, const char *target,
                    const char *body)
{
    char *text = NULL;
    int len = body == NULL ? asprintf(&text, "%s %s HTTP/1.1\r\nHost: n1\r\n\r\n", method, target)
                           : asprintf(&text,
                                      "%s %s HTTP/1.1\r\nHost: n1\r\nContent-Length: %zu\r\n"
                                      "Content-Type: application/json\r\n\r\n%s",
                                      method, target, strlen(body), body);

    if (len < 0)
        abort();
    char *answer = stage_ask(stage, text);
    free(text);
    return answer;
}

int answer_status(const char *answer)
{
    return strncmp(answer, "HTTP/1.1 ", 9) == 0 ? (int)strtol(answer + 9, NULL, 10) : -1;
}

const char *answer_body_text(const char *answer)
{
    const char *end = strstr(answer, "\r\n\r\n");

    return end == NULL ? "" : end + 4;
}
