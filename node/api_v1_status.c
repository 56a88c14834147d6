// SPDX-License-Identifier: Apache-2.0
/* api_v1_status.c - /v1/members, /v1/status, /v1/why: the cluster as this node sees it */
#include <assert.h>
#include <stdlib.h>
#include <string.h>

#include "gossip/mem.h"
#include "node/api.h"
#include "node/net.h"
#include "node/view_text.h"

/* --- /v1/members --------------------------------------------------------------------------- */

static void put_gossip(struct json_writer *json, const struct alive *alive)
{
    char text[NET_TEXT_BYTES];

    writer_key(json, "gossip");
    if (alive->address_count == 0)
        writer_null(json);
    else
        writer_string(json, net_text(&alive->addresses[0], text));
    writer_key(json, "gossip_all");
    writer_array_open(json);
    for (size_t i = 0; i < alive->address_count; i++)
        writer_string(json, net_text(&alive->addresses[i], text));
    writer_array_close(json);
}

static void put_id(struct json_writer *json, const struct view_member *member)
{
    char id[HEX_SIZE(KEY_PUBLIC_BYTES)];

    writer_key(json, "id");
    if (member->statement == NULL) {
        writer_string(json, view_number_text(member->tag, id));
        return;
    }
    hex_encode(member->alive.id.bytes, sizeof member->alive.id.bytes, id, sizeof id);
    writer_string(json, id);
}

static void put_rtt(struct json_writer *json, const struct view_member *member)
{
    writer_key(json, "rtt_ms");
    if (member->is_self)
        writer_number(json, 0);
    else if (member->rtt_us == 0)
        writer_null(json);
    else
        writer_decimal(json, member->rtt_us, 3);
}

static void member_put(struct api *api, struct json_writer *json, const struct view_member *member)
{
    char room[17];

    writer_object_open(json);
    writer_put_text(json, "name", view_node_name(&api->view, member->tag, room));
    put_id(json, member);
    writer_put_string(json, "state", member_state_name(member->state));
    put_gossip(json, &member->alive);
    writer_put_text(json, "http", member->alive.http_url);
    writer_put_text(json, "zone", member->alive.zone);
    writer_put_number(json, "epoch", member->epoch);
    writer_put_number(json, "incarnation", member->incarnation);
    put_rtt(json, member);
    writer_put_number(json, "protocol", member->alive.protocol_version);
    writer_put_bool(json, "self", member->is_self);
    writer_object_close(json);
}

static int by_name(const void *a, const void *b)
{
    const struct view_member *left = *(struct view_member *const *)a;
    const struct view_member *right = *(struct view_member *const *)b;
    struct span left_name = left->alive.name, right_name = right->alive.name;
    size_t len = left_name.len < right_name.len ? left_name.len : right_name.len;
    int order = len == 0 ? 0 : memcmp(left_name.data, right_name.data, len);

    if (order != 0)
        return order;
    if (left_name.len != right_name.len)
        return left_name.len < right_name.len ? -1 : 1;
    return (left->tag > right->tag) - (left->tag < right->tag);
}

static void members_write(struct api *api, struct view_member **sorted, size_t count)
{
    struct json_writer json;

    api_json_begin(api, &json);
    writer_object_open(&json);
    writer_key(&json, "members");
    writer_array_open(&json);
    for (size_t i = 0; i < count; i++)
        member_put(api, &json, sorted[i]);
    writer_array_close(&json);
    writer_put_number(&json, "count", count);
    writer_object_close(&json);
    writer_end(&json);
}

void api_v1_members(struct api *api, struct http_exchange *exchange)
{
    size_t count = api->view.member_count;
    struct view_member **sorted = mem_alloc((count + 1) * sizeof *sorted);

    if (count > 0) {
        memcpy(sorted, api->view.members, count * sizeof *sorted);
        qsort(sorted, count, sizeof *sorted, by_name);
    }
    members_write(api, sorted, count);
    mem_free(sorted);
    api_answer_scratch(api, exchange, (struct http_answer){.status = 200});
}

/* --- /v1/status ---------------------------------------------------------------------------- */

static const char *standing_name(enum home_standing standing)
{
    static const char *const names[] = {"vouches", "doubted", "gone"};

    return names[standing];
}

/* Two heads of one version are worse than a difference, but for scripts a difference all the same.
 */
static const char *home_state_name(enum log_state state)
{
    return log_state_name(state == LOG_EQUIVOCATING ? LOG_DIVERGED : state);
}

static void home_put(struct api *api, struct json_writer *json, const struct view_home *home)
{
    char room[17];
    bool is_behind = home->head_version > home->applied;

    writer_object_open(json);
    writer_put_text(json, "name", view_node_name(&api->view, home->tag, room));
    writer_put_string(json, "id", view_number_text(home->tag, room));
    writer_put_number(json, "epoch", home->epoch);
    writer_put_number(json, "version", home->applied);
    writer_put_number(json, "count", home->live_count);
    writer_put_string(json, "state", home_state_name(home->log_state));
    writer_put_number(json, "behind_by", is_behind ? home->head_version - home->applied : 0);
    writer_put_bool(json, "equivocating", home->log_state == LOG_EQUIVOCATING);
    writer_put_string(json, "standing", standing_name(home->standing));
    writer_object_close(json);
}

static void put_homes(struct api *api, struct json_writer *json)
{
    writer_key(json, "homes");
    writer_array_open(json);
    for (size_t i = 0; i < api->view.home_count; i++)
        if (api->view.homes[i]->has_log)
            home_put(api, json, api->view.homes[i]);
    writer_array_close(json);
}

static void put_load(struct api *api, struct json_writer *json)
{
    const struct gossip_status *status = &api->view.status;
    struct http_stats http; /* of all threads */

    api_publish(api);
    http_team_sum(api->options->team, &http);
    writer_key(json, "load");
    writer_object_open(json);
    writer_put_number(json, "health", status->health);
    writer_put_number(json, "outbox_packets", status->outbox_packets);
    writer_put_number(json, "records_held", status->records_held);
    writer_put_number(json, "http_connections", stat_read(&http.connections));
    writer_put_number(json, "http_requests", stat_read(&http.requests));
    writer_put_number(json, "waiting", stat_read(&http.waiting));
    writer_object_close(json);
}

static void put_limits(struct api *api, struct json_writer *json)
{
    writer_key(json, "limits");
    writer_object_open(json);
    writer_put_number(json, "records", RECORDS_MAX);
    writer_put_number(json, "records_per_home", RECORDS_PER_HOME_MAX);
    writer_put_number(json, "members", MEMBERS_MAX);
    writer_put_number(json, "record_bytes", STATEMENT_MAX_BYTES);
    writer_put_number(json, "metadata_bytes", PEER_METADATA_MAX_BYTES);
    writer_put_number(json, "ttl_seconds_default", api->config->ttl_s);
    writer_put_number(json, "http_threads", api->config->http_threads);
    writer_put_number(json, "http_connections", api->config->http_connections_max);
    writer_put_number(json, "http_connections_per_address",
                      api->config->http_connections_per_address_max);
    writer_put_number(json, "http_head_bytes", HTTP_HEAD_MAX_BYTES);
    writer_put_number(json, "http_body_bytes", HTTP_BODY_MAX_BYTES);
    writer_object_close(json);
}

static void put_flags(struct api *api, struct json_writer *json)
{
    const struct gossip_status *status = &api->view.status;

    writer_put_bool(json, "converged", status->converged);
    writer_put_bool(json, "synced", status->synced);
    writer_put_bool(json, "cut_off", status->cut_off);
    writer_put_bool(json, "leaving", status->leaving);
}

static void put_self(struct api *api, struct json_writer *json)
{
    const struct http_options *options = api->options;
    const struct gossip_status *status = &api->view.status;
    char text[NET_TEXT_BYTES], time[TIME_TEXT_ISO_BYTES];

    writer_put_string(json, "name", api->config->name);
    writer_put_string(json, "id", api->id_text);
    writer_put_string(json, "cluster", api->config->cluster);
    writer_put_string(json, "zone", api->config->zone);
    writer_put_string(json, "version", AURORA_VERSION);
    writer_put_number(json, "epoch", status->epoch != 0 ? status->epoch : options->epoch);
    writer_put_string(json, "http", options->http_url);
    writer_key(json, "gossip");
    writer_array_open(json);
    for (size_t i = 0; i < options->gossip_count; i++)
        writer_string(json, net_text(&options->gossip[i], text));
    writer_array_close(json);
    writer_put_string(json, "started_at", time_text_iso(options->started_wall_ms * 1000, time));
}

void api_v1_status(struct api *api, struct http_exchange *exchange)
{
    char digest[VIEW_DIGEST_TEXT_BYTES];
    struct json_writer json;

    api_json_begin(api, &json);
    writer_object_open(&json);
    put_self(api, &json);
    put_flags(api, &json);
    writer_put_string(&json, "view", view_digest_text(&api->view, digest));
    writer_put_number(&json, "peers", api->view.peers.count);
    writer_put_number(&json, "members", api->view.member_count);
    writer_put_number(&json, "members_alive", api->view.status.members_alive);
    put_homes(api, &json);
    put_load(api, &json);
    put_limits(api, &json);
    writer_object_close(&json);
    writer_end(&json);
    api_answer_scratch(api, exchange, (struct http_answer){.status = 200, .is_about_peers = true});
}

/* --- /v1/why ------------------------------------------------------------------------------- */

static void put_peer_now(struct api *api, struct json_writer *json, const struct view_peer *peer)
{
    char room[17];

    writer_key(json, "peer");
    writer_object_open(json);
    writer_put_bool(json, "visible", peer != NULL);
    if (peer != NULL) {
        writer_put_string(json, "status", view_peer_is_orphaned(peer) ? "orphaned" : "live");
        writer_put_text(json, "home", view_node_name(&api->view, peer->home->tag, room));
    }
    writer_object_close(json);
}

static void put_node_now(struct json_writer *json, const struct view_member *node)
{
    writer_key(json, "node");
    writer_object_open(json);
    writer_put_text(json, "name", node->alive.name);
    writer_put_string(json, "state", member_state_name(node->state));
    writer_put_number(json, "epoch", node->epoch);
    writer_put_number(json, "incarnation", node->incarnation);
    writer_object_close(json);
}

void api_v1_why(struct api *api, struct http_exchange *exchange, struct span name)
{
    const struct view_peer *peer = view_peer_find(&api->view, name);
    const struct view_member *node = view_member_named(&api->view, name);
    struct http_answer unknown = {.status = 404};
    struct json_writer json;

    api_json_begin(api, &json);
    writer_object_open(&json);
    writer_put_text(&json, "about", name);
    if (peer != NULL || node == NULL)
        put_peer_now(api, &json, peer);
    if (node != NULL)
        put_node_now(&json, node);
    writer_key(&json, "events");
    size_t count = why_put(&api->why, &api->view, name, node, &json);
    writer_put_number(&json, "count", count);
    writer_object_close(&json);
    writer_end(&json);
    if (count == 0 && peer == NULL && node == NULL)
        api_error_about(api, exchange, unknown, "nothing is known here of such a peer or node",
                        span_of("", 0));
    else
        api_answer_scratch(api, exchange, (struct http_answer){.status = 200});
}
