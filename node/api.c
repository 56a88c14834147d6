// SPDX-License-Identifier: Apache-2.0
/* api.c - what the node answers over HTTP: its state, and its answers as HTTP */
#include "node/api.h"

#include <assert.h>
#include <string.h>

#include "gossip/mem.h"
#include "node/http_conn.h"

#define SPARE_EXCHANGES_MAX 256

void api_init(struct api *api, const struct http_options *options)
{
    memset(api, 0, sizeof *api);
    api->options = options;
    api->config = options->config;
    api->stats = http_team_stats(options->team, options->number);
    hex_encode(options->id.bytes, sizeof options->id.bytes, api->id_text, sizeof api->id_text);
    api->date_s = UINT64_MAX;
    view_init(&api->view, options->tag);
    why_init(&api->why);
    watch_init(&api->watch);
    pages_init(&api->pages);
    buffer_init(&api->scratch, ANSWER_BODY_MAX_BYTES);
}

void api_free(struct api *api)
{
    assert(api->dirty == NULL);
    while (api->spare != NULL) {
        struct http_exchange *exchange = api->spare;

        api->spare = exchange->next;
        mem_free(exchange);
    }
    answer_cache_clear(&api->cache);
    waiting_free(&api->waiting);
    watch_free(&api->watch);
    buffer_free(&api->scratch);
    why_free(&api->why);
    view_free(&api->view);
    assert(api->bodies.bytes == 0);
}

void api_set_time(struct api *api, uint64_t mono_ms, uint64_t wall_us)
{
    assert(mono_ms >= api->now_mono_ms);
    api->now_mono_ms = mono_ms;
    api->now_wall_us = wall_us;
    if (wall_us / 1000000 == api->date_s)
        return;
    api->date_s = wall_us / 1000000;
    time_text_date(wall_us, api->date);
}

void api_on_event(struct api *api, const struct gossip_event *event)
{
    struct watch_before before = watch_look(&api->watch, &api->view, event);

    why_record(&api->why, &api->view, event);
    view_apply(&api->view, event);
    watch_note(api, event, before);
    if (event->kind != GOSSIP_EVENT_REPLY)
        return;
    struct http_exchange *exchange = waiting_take(&api->waiting, event->reply.request);
    if (exchange != NULL)
        api_reply(api, exchange, &event->reply);
}

bool api_take_events(struct api *api, size_t max)
{
    const struct gossip_event *event;

    for (size_t i = 0; i < max; i++) {
        event = bridge_next_event(api->options->bridge);
        if (event == NULL)
            return false;
        api_on_event(api, event);
        bridge_event_done(event);
    }
    return true;
}

void api_catch_up(struct api *api)
{
    size_t count = 0;

    if (http_team_size(api->options->team) > 1)
        count = bridge_event_count(api->options->bridge);
    if (count > 0)
        (void)api_take_events(api, count);
}

void api_publish(struct api *api)
{
    stat_set(&api->stats->waiting, api->waiting.by_number.count);
    stat_set(&api->stats->watchers, api->watch.count);
    stat_set(&api->stats->ring_bytes, api->watch.ring.bytes);
    stat_set(&api->stats->bodies_bytes, api->bodies.bytes);
    stat_set(&api->stats->fragments_bytes, api->view.fragments.bytes);
}

void api_rest(struct api *api)
{
    answer_cache_clear(&api->cache);
    buffer_free(&api->scratch);
}

void api_on_time(struct api *api)
{
    struct http_exchange *exchange;

    if (api->now_mono_ms - api->listed_ms >= ANSWER_CACHE_MS)
        buffer_free(&api->scratch);
    answer_cache_sweep(&api->cache, api->now_mono_ms);
    watch_on_time(&api->watch, api->now_mono_ms);
    while ((exchange = waiting_expire(&api->waiting, api->now_mono_ms)) != NULL) {
        stat_add(&api->stats->waits_timed_out, 1);
        api_error(api, exchange, 504, "no reply from the peer's home in time; try again");
    }
}

void api_stop(struct api *api, bool now)
{
    struct http_exchange *exchange;

    api->is_stopping = true;
    if (!now)
        return;
    while ((exchange = waiting_expire(&api->waiting, UINT64_MAX)) != NULL)
        api_error(api, exchange, 503, "this node is stopping; try another");
}

bool api_is_stopping(const struct api *api)
{
    return api->is_stopping;
}

/* --- Exchanges ----------------------------------------------------------------------------- */

struct http_exchange *api_exchange_new(struct api *api)
{
    struct http_exchange *exchange = api->spare;

    if (exchange == NULL)
        return mem_alloc(sizeof *exchange);
    api->spare = exchange->next;
    api->spare_count--;
    memset(exchange, 0, offsetof(struct http_exchange, head));
    return exchange;
}

void api_exchange_free(struct api *api, struct http_exchange *exchange)
{
    if (exchange->state == EXCHANGE_WAITING)
        waiting_remove(&api->waiting, exchange);
    answer_body_release(exchange->body);
    if (api->spare_count == SPARE_EXCHANGES_MAX) {
        mem_free(exchange);
        return;
    }
    exchange->next = api->spare;
    api->spare = exchange;
    api->spare_count++;
}

void api_dirty(struct api *api, struct http_conn *conn)
{
    if (conn->is_dirty)
        return;
    conn->is_dirty = true;
    conn->next_dirty = api->dirty;
    api->dirty = conn;
}

struct http_conn *api_next_dirty(struct api *api)
{
    struct http_conn *conn = api->dirty;

    if (conn == NULL)
        return NULL;
    api->dirty = conn->next_dirty;
    conn->is_dirty = false;
    return conn;
}

/* Walks the list, which is as long as one turn made it. */
void api_clean(struct api *api, struct http_conn *conn)
{
    struct http_conn **link = &api->dirty;

    if (!conn->is_dirty)
        return;
    while (*link != conn)
        link = &(*link)->next_dirty;
    *link = conn->next_dirty;
    conn->is_dirty = false;
}

/* --- Bodies -------------------------------------------------------------------------------- */

void api_json_begin(struct api *api, struct json_writer *json)
{
    buffer_clear(&api->scratch);
    writer_begin(json, &api->scratch);
}

/* In a buffer of its size: the scratch one may have grown for a list of peers. */
static struct answer_body *scratch_body(struct api *api)
{
    if (api->scratch.len <= api->scratch.capacity / 2)
        return answer_body_copy(&api->bodies, buffer_span(&api->scratch));
    return answer_body_new(&api->bodies, &api->scratch);
}

void api_answer_scratch(struct api *api, struct http_exchange *exchange, struct http_answer answer)
{
    bool is_small = api->scratch.len < HTTP_BODY_MAX_BYTES;
    bool has_room = is_small || api->bodies.bytes + api->scratch.len <= ANSWER_BODIES_MAX_BYTES;

    if (api->scratch.is_full || !has_room) {
        buffer_free(&api->scratch);
        api_error_about(api, exchange, (struct http_answer){.status = 503, .retry_after_s = 2},
                        "the answer is too large just now; use limit", span_of("", 0));
        return;
    }
    answer.body = scratch_body(api);
    api_answer(api, exchange, &answer);
}

void api_error_about(struct api *api, struct http_exchange *exchange, struct http_answer answer,
                     const char *text, struct span peer_id)
{
    struct json_writer json;

    api_json_begin(api, &json);
    writer_object_open(&json);
    writer_put_string(&json, "error", text);
    if (peer_id.len > 0)
        writer_put_text(&json, "peer_id", peer_id);
    writer_object_close(&json);
    writer_end(&json);
    api_answer_scratch(api, exchange, answer);
}

void api_error(struct api *api, struct http_exchange *exchange, unsigned status, const char *text)
{
    struct http_answer answer = {.status = status, .retry_after_s = status == 503 ? 1 : 0};

    assert(status >= 400 && status < 600);
    api_error_about(api, exchange, answer, text, span_of("", 0));
}

bool api_is_ready(struct api *api, struct http_exchange *exchange)
{
    if (api->view.status.synced)
        return true;
    api_error(api, exchange, 503, "this node has not finished its first sync; try again");
    return false;
}
