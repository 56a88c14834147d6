// SPDX-License-Identifier: Apache-2.0
/* api_v1_peers.c - /v1/peers: full records, registration with a lease token, and what needs it */
#include <assert.h>
#include <string.h>
#include <strings.h>

#include "crypto/base64.h"
#include "node/api.h"
#include "node/fragment.h"
#include "node/peers_answer.h"
#include "node/registration_body.h"

/* --- A record ------------------------------------------------------------------------------ */

static void put_hex(struct json_writer *json, const char *key, const uint8_t *bytes, size_t len)
{
    char text[HEX_SIZE(SIGN_BYTES)];

    assert(len <= SIGN_BYTES);
    hex_encode(bytes, len, text, sizeof text);
    writer_put_string(json, key, text);
}

/* Whose word is it that this peer is where it says? */
static void put_issuer(struct json_writer *json, const struct peer_description *peer)
{
    struct key_public key;

    writer_put_string(json, "issued_by", peer->is_signed ? "self" : "home");
    if (!peer->is_signed || !statement_peer_key(peer->peer_id, &key))
        return;
    put_hex(json, "public_key", key.bytes, sizeof key.bytes);
    writer_put_number(json, "peer_version", peer->peer_version);
    put_hex(json, "peer_signature", peer->peer_signature, sizeof peer->peer_signature);
}

/* Only the home runs the lease, and so knows. */
static void put_expiry(struct json_writer *json, const struct view_peer *peer, uint64_t now_ms)
{
    writer_key(json, "expires_in");
    if (peer->lease == NULL)
        writer_null(json);
    else
        writer_number(json, peer->lease->expires_wall_ms > now_ms
                                ? (peer->lease->expires_wall_ms - now_ms + 999) / 1000
                                : 0);
}

static void put_rest(struct api *api, struct json_writer *json, const struct view_peer *peer)
{
    char time[TIME_TEXT_ISO_BYTES], room[17];
    struct record record;
    bool is_read = statement_read_record(blob_span(peer->record), &record);

    assert(is_read);
    (void)is_read;
    writer_put_text(json, "home", view_node_name(&api->view, peer->home->tag, room));
    writer_put_string(json, "status", view_peer_is_orphaned(peer) ? "orphaned" : "live");
    put_issuer(json, &record.peer);
    put_expiry(json, peer, api->now_wall_us / 1000);
    writer_put_number(json, "ttl_seconds", record.peer.ttl_s);
    writer_put_string(json, "registered_at", time_text_iso(record.registered_at_ms * 1000, time));
    writer_put_bool(json, "has_token", record.has_token);
    writer_put_number(json, "epoch", record.epoch);
    writer_put_number(json, "version", record.version);
    put_hex(json, "signature", peer->record->bytes, STATEMENT_SIGNATURE_BYTES);
}

void api_v1_peer_put(struct api *api, struct json_writer *json, struct view_peer *peer)
{
    char time[TIME_TEXT_ISO_BYTES];

    fragment_put(json, fragment_of(&api->view, peer),
                 time_text_iso(view_last_seen_us(peer, api->now_wall_us), time));
    put_rest(api, json, peer);
}

/* --- Reading ------------------------------------------------------------------------------- */

static void peers_write(struct api *api, const struct selection *selection)
{
    char cursor[PEER_CURSOR_BYTES];
    struct json_writer json;

    api_json_begin(api, &json);
    writer_object_open(&json);
    writer_key(&json, "peers");
    writer_array_open(&json);
    for (size_t i = 0; i < selection->count && !api->scratch.is_full; i++) {
        writer_object_open(&json);
        api_v1_peer_put(api, &json, selection->peers[i]);
        writer_object_close(&json);
    }
    writer_array_close(&json);
    writer_put_number(&json, "count", selection->count);
    if (selection->is_cut) {
        const struct view_peer *last = selection->peers[selection->count - 1];

        peer_cursor_write(api->query.sort, view_peer_registered_ms(last), view_peer_id(last),
                          cursor);
        writer_put_string(&json, "cursor", cursor);
    } else {
        writer_put_null(&json, "cursor");
    }
    writer_object_close(&json);
    writer_end(&json);
}

void api_v1_peers(struct api *api, const struct http_request *request,
                  struct http_exchange *exchange)
{
    if (peers_answer_cached(api, ANSWER_V1_PEERS, request, exchange))
        return;
    if (!api_is_ready(api, exchange))
        return;
    if (!peer_query_read(&api->query, request->query, PEER_QUERY_V1)) {
        api_error(api, exchange, 400, api->query.error);
        return;
    }
    struct selection selection;
    selection_make(&selection, &api->view, &api->query);
    peers_write(api, &selection);
    peers_answer_send(api, ANSWER_V1_PEERS, request, exchange, selection.is_cut);
    selection_free(&selection);
}

static void answer_unknown(struct api *api, struct http_exchange *exchange, struct span peer_id)
{
    struct http_answer answer = {.status = 404, .is_about_peers = true};

    api_error_about(api, exchange, answer, "unknown peer", peer_id);
}

static bool id_is_fine(struct api *api, struct http_exchange *exchange, struct span peer_id)
{
    if (peer_id_is_fine(peer_id))
        return true;
    api_error(api, exchange, 400, "peer_id: too long, malformed, or with control characters");
    return false;
}

/* With the whole signed statement: who wants to check the signature needs its very bytes. */
static void put_statement(struct json_writer *json, const struct view_peer *peer)
{
    char text[BASE64_SIZE(STATEMENT_MAX_BYTES)];

    base64_encode(BASE64_STANDARD, peer->record->bytes, peer->record->len, text, sizeof text);
    writer_put_string(json, "statement", text);
}

void api_v1_peer_put_whole(struct api *api, struct json_writer *json, struct view_peer *peer)
{
    writer_object_open(json);
    api_v1_peer_put(api, json, peer);
    put_statement(json, peer);
    writer_object_close(json);
}

void api_v1_peer(struct api *api, struct http_exchange *exchange, struct span peer_id)
{
    struct view_peer *peer = view_peer_find(&api->view, peer_id);
    struct json_writer json;

    if (!api_is_ready(api, exchange) || !id_is_fine(api, exchange, peer_id))
        return;
    if (peer == NULL) {
        answer_unknown(api, exchange, peer_id);
        return;
    }
    api_json_begin(api, &json);
    api_v1_peer_put_whole(api, &json, peer);
    writer_end(&json);
    api_answer_scratch(api, exchange, (struct http_answer){.status = 200, .is_about_peers = true});
}

/* --- Acting -------------------------------------------------------------------------------- */

/* "Authorization: Bearer <token>". True, and an empty text, when there is none. */
static bool token_read(struct api *api, const struct http_request *request,
                       struct http_exchange *exchange, struct span *token)
{
    static const char scheme[] = "Bearer ";
    struct span text = request->headers[HEADER_AUTHORIZATION];
    size_t prefix = sizeof scheme - 1;

    *token = span_of("", 0);
    if (text.len == 0)
        return true;
    if (text.len > prefix && text.len - prefix <= TOKEN_MAX_BYTES &&
        strncasecmp((const char *)text.data, scheme, prefix) == 0) {
        *token = span_of(text.data + prefix, text.len - prefix);
        exchange->has_shown_token = true;
        return true;
    }
    api_error_about(api, exchange, (struct http_answer){.status = 401, .wants_token = true},
                    "Authorization: must be \"Bearer <token>\"", span_of("", 0));
    return false;
}

/* Who shows the lease's token keeps it; who shows none gets a new one. */
static void token_give(struct http_exchange *exchange, struct span shown,
                       struct gossip_registration *registration)
{
    if (shown.len > 0) {
        memcpy(exchange->token, shown.data, shown.len);
        exchange->token[shown.len] = '\0';
        registration->has_shown = true;
        token_hash(shown, registration->shown_hash);
    } else {
        token_new(exchange->token);
    }
    registration->has_token = true;
    token_hash(span_of_text(exchange->token), registration->token_hash);
}

void api_v1_register(struct api *api, const struct http_request *request,
                     struct http_exchange *exchange)
{
    struct registration_body body;
    struct span shown;

    if (!api_is_ready(api, exchange) || !token_read(api, request, exchange, &shown))
        return;
    if (registration_body_read(&body, request->body, api->config->ttl_s, &request->from)) {
        token_give(exchange, shown, &body.registration);
        api_register(api, exchange, ROUTE_V1_REGISTER, &body.registration);
    } else {
        api_error(api, exchange, body.status, body.error);
    }
    registration_body_free(&body);
}

void api_v1_heartbeat(struct api *api, const struct http_request *request,
                      struct http_exchange *exchange, struct span peer_id)
{
    /* Unlike the seed's, this route needs the token of a lease that has one. Zeros are nobody's
     * token: a lease without one does not look at them. */
    uint8_t hash[LEASE_TOKEN_HASH_BYTES] = {0};
    struct span token;

    if (!api_is_ready(api, exchange) || !id_is_fine(api, exchange, peer_id) ||
        !token_read(api, request, exchange, &token))
        return;
    if (token.len > 0)
        token_hash(token, hash);
    api_heartbeat(api, exchange, ROUTE_V1_HEARTBEAT, peer_id, hash);
}

void api_v1_delete(struct api *api, const struct http_request *request,
                   struct http_exchange *exchange, struct span peer_id)
{
    uint8_t hash[LEASE_TOKEN_HASH_BYTES];
    struct span token;

    if (!api_is_ready(api, exchange) || !id_is_fine(api, exchange, peer_id) ||
        !token_read(api, request, exchange, &token))
        return;
    if (token.len > 0)
        token_hash(token, hash);
    api_deregister(api, exchange, peer_id, token.len > 0 ? hash : NULL);
}
