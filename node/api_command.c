// SPDX-License-Identifier: Apache-2.0
/* api_command.c - commands to the gossip thread, and their replies as answers */
#include <assert.h>
#include <stdio.h>
#include <string.h>

#include "node/api.h"

#define TEXT_MAX_BYTES 160

/* --- Commands ------------------------------------------------------------------------------ */

static bool begin(struct api *api, struct http_exchange *exchange, enum exchange_route route,
                  struct span peer_id)
{
    assert(peer_id.len <= sizeof exchange->peer_id);
    exchange->route = route;
    exchange->peer_id_bytes = peer_id.len;
    memcpy(exchange->peer_id, peer_id.data, peer_id.len);
    return waiting_add(&api->waiting, exchange, api->now_mono_ms);
}

static void answer_busy(struct api *api, struct http_exchange *exchange)
{
    api_error(api, exchange, 503,
              "this node has too many requests under way, or is stopping; try again");
}

static void send_command(struct api *api, struct http_exchange *exchange,
                         struct node_command *command)
{
    if (bridge_send_command(api->options->bridge, command))
        return;
    waiting_remove(&api->waiting, exchange);
    answer_busy(api, exchange);
}

void api_register(struct api *api, struct http_exchange *exchange, enum exchange_route route,
                  const struct gossip_registration *registration)
{
    if (!begin(api, exchange, route, registration->peer.peer_id))
        answer_busy(api, exchange);
    else
        send_command(api, exchange, node_command_register(exchange->number, registration));
}

void api_heartbeat(struct api *api, struct http_exchange *exchange, enum exchange_route route,
                   struct span peer_id, const uint8_t *token_hash)
{
    if (!begin(api, exchange, route, peer_id))
        answer_busy(api, exchange);
    else
        send_command(api, exchange, node_command_heartbeat(exchange->number, peer_id, token_hash));
}

void api_deregister(struct api *api, struct http_exchange *exchange, struct span peer_id,
                    const uint8_t *token_hash)
{
    if (!begin(api, exchange, ROUTE_V1_DELETE, peer_id))
        answer_busy(api, exchange);
    else
        send_command(api, exchange, node_command_deregister(exchange->number, peer_id, token_hash));
}

/* --- What went wrong ----------------------------------------------------------------------- */

struct refusal {
    unsigned status;
    unsigned retry_after_s;
    const char *text;
};

/* Quotas get 429: the same request may succeed once leases have ended, here or at another node. */
static const struct refusal refusals[RESULTS] = {
    [RESULT_NOT_READY] = {503, 1, "this node has not finished its first sync; try again"},
    [RESULT_UNKNOWN_PEER] = {404, 0, "unknown peer"},
    [RESULT_INVALID] = {400, 0, "malformed"},
    [RESULT_TOO_LARGE] = {413, 0,
                          "the registration is over 1,000 bytes in all; shorten metadata, "
                          "archetypes or address"},
    [RESULT_QUOTA_HOME] = {429, 30, "quota: this node holds as many peers as it may"},
    [RESULT_QUOTA_CLUSTER] = {429, 60, "quota: the cluster holds as many peers as it may"},
    [RESULT_BUSY] = {503, 1, "this node has too many forwarded requests under way; try again"},
    [RESULT_WRONG_TOKEN] = {403, 0, "token: not the one of this peer's lease"},
    [RESULT_TOKEN_NEEDED] = {401, 0,
                             "token: this peer has a lease token; send it as "
                             "\"Authorization: Bearer <token>\""},
    [RESULT_UNSIGNED_KEY] = {403, 0,
                             "signature: an ed25519: id needs its holder's valid signature and "
                             "peer_version"},
    [RESULT_OLD_VERSION] = {409, 0, "peer_version: must be above the known one"},
    [RESULT_UNREACHABLE] = {503, 2, "the peer's home does not answer; try again"},
    [RESULT_LEAVING] = {503, 1, "this node is leaving; try another"},
};

static void answer_refusal(struct api *api, struct http_exchange *exchange,
                           enum gossip_result result, const char *field)
{
    struct refusal refusal = refusals[result];
    char text[TEXT_MAX_BYTES];

    assert(refusal.status >= 400);
    /* Without a token shown, the zeros that we sent instead were the wrong one. */
    if (result == RESULT_WRONG_TOKEN && !exchange->has_shown_token)
        refusal = refusals[result = RESULT_TOKEN_NEEDED];
    if (field != NULL) {
        snprintf(text, sizeof text, "%.40s: %s", field, refusal.text);
        refusal.text = text;
    }
    struct http_answer answer = {
        .status = refusal.status,
        .retry_after_s = refusal.retry_after_s,
        .wants_token = result == RESULT_TOKEN_NEEDED,
        .is_about_peers = result == RESULT_UNKNOWN_PEER,
    };
    bool names_peer = result == RESULT_UNKNOWN_PEER;
    api_error_about(api, exchange, answer, refusal.text,
                    span_of(exchange->peer_id, names_peer ? exchange->peer_id_bytes : 0));
}

/* --- What went right ----------------------------------------------------------------------- */

static void put_times(struct api *api, struct json_writer *json, const char *timestamp_key,
                      const struct gossip_reply *reply)
{
    uint64_t acted_ms = reply->wall_ms != 0 ? reply->wall_ms : api->now_wall_us / 1000;
    char time[TIME_TEXT_ISO_BYTES];

    if (timestamp_key != NULL)
        writer_put_string(json, timestamp_key, time_text_iso(acted_ms * 1000, time));
    writer_put_string(json, "ttl_expires",
                      time_text_iso((acted_ms + reply->expires_in_ms) * 1000, time));
}

/* The event that made the peer visible came before the reply; it is only missing where the very
 * next event already took it away. */
static void put_registered(struct api *api, struct json_writer *json,
                           const struct http_exchange *exchange)
{
    struct span peer_id = span_of(exchange->peer_id, exchange->peer_id_bytes);
    struct view_peer *peer = view_peer_find(&api->view, peer_id);

    if (peer != NULL)
        api_v1_peer_put(api, json, peer);
    else
        writer_put_text(json, "peer_id", peer_id);
    writer_put_string(json, "lease_token", exchange->token);
}

static void put_done(struct api *api, struct json_writer *json,
                     const struct http_exchange *exchange, const struct gossip_reply *reply)
{
    struct span peer_id = span_of(exchange->peer_id, exchange->peer_id_bytes);

    switch (exchange->route) {
    case ROUTE_REGISTER:
        writer_put_string(json, "message", "Peer registered successfully");
        writer_put_text(json, "peer_id", peer_id);
        put_times(api, json, NULL, reply);
        break;
    case ROUTE_V1_REGISTER:
        put_registered(api, json, exchange);
        put_times(api, json, NULL, reply);
        break;
    case ROUTE_V1_DELETE:
        writer_put_string(json, "message", "Peer deregistered");
        writer_put_text(json, "peer_id", peer_id);
        break;
    default:
        writer_put_string(json, "message", "Heartbeat updated");
        writer_put_text(json, "peer_id", peer_id);
        put_times(api, json, "timestamp", reply);
        break;
    }
}

void api_reply(struct api *api, struct http_exchange *exchange, const struct gossip_reply *reply)
{
    struct json_writer json;

    assert(exchange->state == EXCHANGE_OPEN && reply->result < RESULTS);
    if (reply->result != RESULT_OK) {
        answer_refusal(api, exchange, reply->result, reply->field);
        return;
    }
    api_json_begin(api, &json);
    writer_object_open(&json);
    put_done(api, &json, exchange, reply);
    writer_object_close(&json);
    writer_end(&json);
    api_answer_scratch(api, exchange, (struct http_answer){.status = 200, .is_about_peers = true});
}
