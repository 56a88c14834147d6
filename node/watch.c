// SPDX-License-Identifier: Apache-2.0
/* watch.c - all who watch: what they are told, and whose turn it is */
#include "node/watch.h"

#include <assert.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "crypto/key.h"
#include "gossip/mem.h"
#include "node/api.h"
#include "node/watcher.h"

#define ID_DIGITS 16 /* of the stream, in hexadecimal */

/* --- Lists: circular, so that who leaves one need not know which ----------------------------- */

static void link_init(struct watch_link *head)
{
    head->before = head->after = head;
}

static bool link_is_empty(const struct watch_link *head)
{
    return head->after == head;
}

void watch_link_remove(struct watch_link *link)
{
    if (link->before == NULL)
        return;
    link->before->after = link->after;
    link->after->before = link->before;
    link->before = link->after = NULL;
}

static void link_append(struct watch_link *head, struct watch_link *link)
{
    watch_link_remove(link);
    link->before = head->before;
    link->after = head;
    head->before->after = link;
    head->before = link;
}

/* All of `from` behind all of `to`. */
static void link_splice(struct watch_link *to, struct watch_link *from)
{
    if (link_is_empty(from))
        return;
    from->after->before = to->before;
    to->before->after = from->after;
    from->before->after = to;
    to->before = from->before;
    link_init(from);
}

void watch_make_idle(struct watch *watch, struct watch_link *link)
{
    link_append(&watch->idle, link);
}

void watch_make_ready(struct watch *watch, struct watch_link *link)
{
    link_append(&watch->ready, link);
}

/* --- Life ------------------------------------------------------------------------------------ */

void watch_init(struct watch *watch)
{
    *watch = (struct watch){0};
    key_random(&watch->stream, sizeof watch->stream);
    watch_ring_init(&watch->ring);
    link_init(&watch->idle);
    link_init(&watch->ready);
    buffer_init(&watch->scratch, WATCH_EVENT_MAX_BYTES);
}

void watch_free(struct watch *watch)
{
    assert(watch->count == 0 && link_is_empty(&watch->idle) && link_is_empty(&watch->ready));
    watch_ring_free(&watch->ring);
    answer_body_release(watch->keep_alive);
    buffer_free(&watch->scratch);
}

void watch_join(struct watch *watch)
{
    watch->count++;
    watch_ring_start(&watch->ring);
}

void watch_leave(struct watch *watch, uint64_t now_ms)
{
    assert(watch->count > 0);
    if (--watch->count == 0)
        watch->left_ms = now_ms;
}

void watch_on_time(struct watch *watch, uint64_t now_ms)
{
    if (watch->count > 0 || !watch_ring_runs(&watch->ring) ||
        now_ms - watch->left_ms < WATCH_LINGER_MS)
        return;
    watch_ring_stop(&watch->ring);
    buffer_free(&watch->scratch);
    answer_body_release(watch->keep_alive);
    watch->keep_alive = NULL;
}

/* --- Whose turn it is ------------------------------------------------------------------------ */

static uint64_t round_due_ms(const struct watch *watch)
{
    return watch->round_ms + watch->count * WATCH_ROUND_US / 1000;
}

uint64_t watch_wait_ms(const struct watch *watch, uint64_t now_ms)
{
    if (!link_is_empty(&watch->ready))
        return 0;
    if (!watch->has_news || link_is_empty(&watch->idle))
        return UINT64_MAX;
    uint64_t due_ms = round_due_ms(watch);
    return due_ms > now_ms ? due_ms - now_ms : 0;
}

struct http_conn *watch_next_ready(struct watch *watch, uint64_t now_ms)
{
    if (link_is_empty(&watch->ready) && watch->has_news && now_ms >= round_due_ms(watch)) {
        watch->has_news = false;
        watch->round_ms = now_ms;
        link_splice(&watch->ready, &watch->idle);
    }
    if (link_is_empty(&watch->ready))
        return NULL;
    struct watch_link *first = watch->ready.after;
    watch_link_remove(first);
    return watcher_of(first)->conn;
}

/* --- Ids ------------------------------------------------------------------------------------- */

void watch_put_id(struct watch *watch, struct buffer *out, uint64_t number)
{
    char line[64];
    int len =
        snprintf(line, sizeof line, "id: %016" PRIx64 "-%" PRIu64 "\n", watch->stream, number);

    assert(len > 0 && (size_t)len < sizeof line);
    buffer_add(out, line, (size_t)len);
}

bool watch_read_id(const struct watch *watch, struct span text, uint64_t *number)
{
    char stream[ID_DIGITS + 2];

    snprintf(stream, sizeof stream, "%016" PRIx64 "-", watch->stream);
    if (text.len <= ID_DIGITS + 1 || text.len > ID_DIGITS + 1 + 19 ||
        memcmp(text.data, stream, ID_DIGITS + 1) != 0)
        return false;
    *number = 0;
    for (size_t i = ID_DIGITS + 1; i < text.len; i++) {
        if (text.data[i] < '0' || text.data[i] > '9')
            return false;
        *number = *number * 10 + (uint64_t)(text.data[i] - '0');
    }
    return *number < watch->ring.next;
}

/* --- Texts ----------------------------------------------------------------------------------- */

/* Metadata comes back as it was sent, and may have been sent in several lines. Inside of JSON's
 * strings there are none, so a line's end is nothing but space. */
void watch_end_data(struct buffer *out, size_t at)
{
    for (size_t i = at; i < out->len; i++)
        if (out->data[i] == '\n' || out->data[i] == '\r')
            out->data[i] = ' ';
    buffer_add(out, "\n\n", 2);
}

/* Returns where the JSON begins. */
static size_t event_begin(struct watch *watch, uint64_t number, struct json_writer *json)
{
    buffer_clear(&watch->scratch);
    watch_put_id(watch, &watch->scratch, number);
    buffer_add_text(&watch->scratch, "data: ");
    writer_begin(json, &watch->scratch);
    return watch->scratch.len;
}

static struct answer_body *event_end(struct api *api, struct json_writer *json, size_t at)
{
    struct buffer *text = &api->watch.scratch;

    writer_end(json);
    watch_end_data(text, at);
    assert(!text->is_full);
    return answer_body_copy(&api->bodies, buffer_span(text));
}

static struct answer_body *peer_text(struct api *api, struct view_peer *peer)
{
    struct json_writer json;
    size_t at = event_begin(&api->watch, api->watch.ring.next, &json);

    writer_object_open(&json);
    writer_key(&json, "peer");
    api_v1_peer_put_whole(api, &json, peer);
    writer_object_close(&json);
    return event_end(api, &json, at);
}

static struct answer_body *down_text(struct api *api, uint64_t number, struct span peer_id,
                                     const char *reason, uint64_t home)
{
    struct json_writer json;
    char room[17];
    size_t at = event_begin(&api->watch, number, &json);

    writer_object_open(&json);
    writer_put_text(&json, "peer_id", peer_id);
    writer_put_string(&json, "reason", reason);
    writer_put_text(&json, "home", view_node_name(&api->view, home, room));
    writer_object_close(&json);
    return event_end(api, &json, at);
}

static struct answer_body *home_text(struct api *api, const struct gossip_event *event)
{
    struct json_writer json;
    char room[17];
    size_t at = event_begin(&api->watch, api->watch.ring.next, &json);

    writer_object_open(&json);
    writer_put_text(&json, "home", view_node_name(&api->view, event->home.tag, room));
    writer_put_number(&json, "epoch", event->home.epoch);
    writer_put_string(&json, "status", event->home.standing == HOME_GONE ? "orphaned" : "live");
    writer_object_close(&json);
    return event_end(api, &json, at);
}

struct answer_body *watch_out_text(struct api *api, uint64_t number)
{
    struct watch_change *change = watch_ring_at(&api->watch.ring, number);
    struct record record;

    if (change->out != NULL)
        return change->out;
    bool is_read = statement_read_record(blob_span(change->after->record), &record);
    assert(is_read);
    (void)is_read;
    change->out = down_text(api, number, change->after->peer_id, "filter", record.home);
    return change->out;
}

struct answer_body *watch_keep_alive(struct api *api)
{
    struct watch *watch = &api->watch;
    uint64_t number = watch->ring.next - 1;

    if (watch->keep_alive != NULL && watch->keep_alive_of == number)
        return watch->keep_alive;
    answer_body_release(watch->keep_alive);
    buffer_clear(&watch->scratch);
    buffer_add_text(&watch->scratch, ": keep-alive\n");
    watch_put_id(watch, &watch->scratch, number);
    buffer_add(&watch->scratch, "\n", 1);
    watch->keep_alive = answer_body_copy(&api->bodies, buffer_span(&watch->scratch));
    watch->keep_alive_of = number;
    return watch->keep_alive;
}

/* --- Changes --------------------------------------------------------------------------------- */

static bool home_is_gone(const struct view *view, const struct gossip_event *event)
{
    for (size_t i = 0; i < view->home_count; i++) {
        const struct view_home *home = view->homes[i];

        if (home->tag == event->home.tag && home->epoch == event->home.epoch)
            return home->standing == HOME_GONE;
    }
    return false;
}

static size_t home_peers(const struct view *view, const struct gossip_event *event)
{
    for (size_t i = 0; i < view->home_count; i++)
        if (view->homes[i]->tag == event->home.tag && view->homes[i]->epoch == event->home.epoch)
            return view->homes[i]->peer_count;
    return 0;
}

static bool is_about_peer(const struct gossip_event *event)
{
    return event->kind == GOSSIP_EVENT_PEER_UP || event->kind == GOSSIP_EVENT_PEER_UPDATE ||
           event->kind == GOSSIP_EVENT_PEER_DOWN;
}

static struct view_peer *peer_of(const struct view *view, const struct gossip_event *event)
{
    struct record record;

    if (event->peer.record == NULL ||
        !statement_read_record(blob_span(event->peer.record), &record))
        return NULL;
    return view_peer_find(view, record.peer.peer_id);
}

struct watch_before watch_look(const struct watch *watch, const struct view *view,
                               const struct gossip_event *event)
{
    struct watch_before before = {NULL, false};

    if (!watch_ring_runs(&watch->ring))
        return before;
    if (event->kind == GOSSIP_EVENT_HOME)
        before.home_was_gone = home_is_gone(view, event);
    if (!is_about_peer(event))
        return before;
    const struct view_peer *peer = peer_of(view, event);
    before.peer = peer == NULL ? NULL : watch_facts_new(peer->record);
    return before;
}

static const char *reason_name(enum peer_down_reason reason)
{
    switch (reason) {
    case PEER_DOWN_EXPIRED: return "expired";
    case PEER_DOWN_DEREGISTERED: return "left";
    case PEER_DOWN_MOVED: return "moved";
    case PEER_DOWN_ORPHAN_GRACE: return "home-dead";
    case PEER_DOWN_SWEPT: return "swept";
    }
    return "unknown";
}

static void change_add(struct watch *watch, struct watch_change change)
{
    watch_ring_add(&watch->ring, change);
    watch->has_news = true;
}

static void note_peer(struct api *api, const struct gossip_event *event, struct watch_facts *before)
{
    struct view_peer *peer = peer_of(&api->view, event);
    struct watch_change change = {.before = before};

    if (peer == NULL && before == NULL)
        return;
    if (peer != NULL) {
        change.after = watch_facts_new(peer->record);
        change.text = peer_text(api, peer);
    } else {
        change.text = down_text(api, api->watch.ring.next, before->peer_id,
                                reason_name(event->peer.reason), event->peer.home);
    }
    change_add(&api->watch, change);
}

void watch_note(struct api *api, const struct gossip_event *event, struct watch_before before)
{
    struct watch *watch = &api->watch;

    watch_on_time(watch, api->now_mono_ms);
    if (!watch_ring_runs(&watch->ring)) {
        watch_facts_free(before.peer);
        if (is_about_peer(event) || event->kind == GOSSIP_EVENT_HOME)
            watch->ring.first = ++watch->ring.next;
        return;
    }
    if (is_about_peer(event)) {
        note_peer(api, event, before.peer);
    } else if (event->kind == GOSSIP_EVENT_HOME && home_peers(&api->view, event) > 0 &&
               before.home_was_gone != (event->home.standing == HOME_GONE)) {
        change_add(watch, (struct watch_change){.text = home_text(api, event)});
    }
}
