// SPDX-License-Identifier: Apache-2.0
/* api_seed.c - the four frozen routes: clients for them exist in the world and will not change */
#include <assert.h>
#include <string.h>

#include "node/api.h"
#include "node/fragment.h"
#include "node/peers_answer.h"
#include "node/registration_body.h"
#include "node/reputation.h"

void api_seed_health(struct api *api, struct http_exchange *exchange)
{
    struct json_writer json;

    api_json_begin(api, &json);
    writer_object_open(&json);
    writer_put_string(&json, "status", "healthy");
    writer_object_close(&json);
    writer_end(&json);
    api_answer_scratch(api, exchange, (struct http_answer){.status = 200});
}

void api_seed_register(struct api *api, const struct http_request *request,
                       struct http_exchange *exchange)
{
    struct registration_body body;

    if (!api_is_ready(api, exchange))
        return;
    if (registration_body_read(&body, request->body, api->config->ttl_s, &request->from))
        api_register(api, exchange, ROUTE_REGISTER, &body.registration);
    else
        api_error(api, exchange, body.status, body.error);
    registration_body_free(&body);
}

void api_seed_heartbeat(struct api *api, const struct http_request *request,
                        struct http_exchange *exchange)
{
    struct registration_body body;

    if (!api_is_ready(api, exchange))
        return;
    if (heartbeat_body_read(&body, request->body))
        api_heartbeat(api, exchange, ROUTE_HEARTBEAT, body.peer_id, NULL);
    else
        api_error(api, exchange, body.status, body.error);
    registration_body_free(&body);
}

/* --- /discover ----------------------------------------------------------------------------- */

static void peer_put(struct api *api, struct json_writer *json, struct view_peer *peer,
                     struct time_text_day *day)
{
    uint64_t seen_us = view_last_seen_us(peer, api->now_wall_us);
    /* Most peers are vouched for: their time is the same, and was written already. */
    const char *text = seen_us == api->now_wall_us ? api->now_text : time_text_next(seen_us, day);

    writer_object_open(json);
    fragment_put(json, fragment_of(&api->view, peer), text);
    if (api->query.with_reputation)
        reputation_put(json, view_peer_registered_ms(peer), api->now_wall_us / 1000);
    writer_object_close(json);
}

static void discover_write(struct api *api, const struct selection *selection)
{
    struct time_text_day day = {0};
    struct json_writer json;

    api_json_begin(api, &json);
    time_text_iso(api->now_wall_us, api->now_text);
    writer_object_open(&json);
    writer_key(&json, "peers");
    writer_array_open(&json);
    for (size_t i = 0; i < selection->count; i++)
        peer_put(api, &json, selection->peers[i], &day);
    writer_array_close(&json);
    writer_put_number(&json, "count", selection->count);
    writer_put_string(&json, "timestamp", api->now_text);
    writer_put_bool(&json, "reputation_enabled", api->query.with_reputation);
    writer_object_close(&json);
    writer_end(&json);
}

void api_seed_discover(struct api *api, const struct http_request *request,
                       struct http_exchange *exchange)
{
    if (peers_answer_cached(api, ANSWER_DISCOVER, request, exchange))
        return;
    if (!api_is_ready(api, exchange))
        return;
    if (!peer_query_read(&api->query, request->query, PEER_QUERY_DISCOVER)) {
        api_error(api, exchange, 400, api->query.error);
        return;
    }
    struct selection selection;
    selection_make(&selection, &api->view, &api->query);
    discover_write(api, &selection);
    peers_answer_send(api, ANSWER_DISCOVER, request, exchange, selection.is_cut);
    selection_free(&selection);
}
