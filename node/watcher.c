// SPDX-License-Identifier: Apache-2.0
/* watcher.c - one client that watches: where it is in the stream, and what it is sent next */
#include "node/watcher.h"

#include <assert.h>
#include <stddef.h>
#include <string.h>

#include "gossip/mem.h"
#include "node/api.h"
#include "node/http_conn.h"
#include "node/selection.h"

#define PAGE_MAX_BYTES (WATCHER_PAGE_BYTES + WATCH_EVENT_MAX_BYTES)

static_assert(offsetof(struct watcher, link) == 0, "watcher_of");

static const char *const first_lines[] = {
    [WATCH_UP] = "event: up\n",     [WATCH_UPDATE] = "event: update\n",
    [WATCH_DOWN] = "event: down\n", [WATCH_OUT] = "event: down\n",
    [WATCH_HOME] = "event: home\n",
};

/* The next thing to be sent; one reference of `text` is handed over. */
static void say(struct watcher *watcher, const char *line, struct answer_body *text)
{
    assert(watcher->text == NULL);
    watcher->line = line;
    watcher->text = text;
    watcher->sent = 0;
}

static struct answer_body *body_of(struct api *api, struct buffer *text)
{
    assert(!text->is_full);
    struct answer_body *body = answer_body_copy(&api->bodies, buffer_span(text));
    buffer_free(text);
    return body;
}

/* --- The beginning --------------------------------------------------------------------------- */

static uint64_t count_missed(const struct watcher *watcher, const struct watch_ring *ring)
{
    uint64_t missed = 0;

    for (uint64_t number = watcher->next; number < ring->next; number++)
        missed += watch_change_news(watch_ring_at(ring, number), watcher->filter) != WATCH_NOTHING;
    return missed;
}

static void put_resumed(struct api *api, const struct watcher *watcher, struct buffer *out)
{
    struct json_writer json;

    buffer_add_text(out, "event: resumed\ndata: ");
    size_t at = out->len;
    writer_begin(&json, out);
    writer_object_open(&json);
    writer_put_string(&json, "node", api->config->name);
    writer_put_number(&json, "missed", count_missed(watcher, &api->watch.ring));
    writer_object_close(&json);
    writer_end(&json);
    watch_end_data(out, at);
}

/* Where it begins, and why there. */
static void choose_start(struct api *api, struct watcher *watcher, struct span last_event_id)
{
    const struct watch_ring *ring = &api->watch.ring;
    uint64_t last;

    watcher->next = ring->next;
    if (last_event_id.len == 0) {
        watcher->reason = "new";
    } else if (!watch_read_id(&api->watch, last_event_id, &last)) {
        watcher->reason = "other-node";
    } else if (last + 1 < ring->first) {
        watcher->reason = "too-old";
    } else {
        watcher->phase = WATCHER_LIVE;
        watcher->next = last + 1;
        stat_add(&api->stats->watch_resumed, 1);
    }
}

struct watcher *watcher_new(struct api *api, struct http_conn *conn, struct watch_filter *filter,
                            struct span last_event_id)
{
    struct watcher *watcher = mem_alloc(sizeof *watcher);
    struct buffer intro;

    watch_join(&api->watch);
    stat_add(&api->stats->watch_opened, 1);
    watcher->conn = conn;
    watcher->filter = filter;
    watcher->spoke_ms = api->now_mono_ms;
    choose_start(api, watcher, last_event_id);
    buffer_init(&intro, WATCH_EVENT_MAX_BYTES);
    buffer_add_text(&intro, "retry: 2000\n\n");
    if (watcher->phase == WATCHER_LIVE)
        put_resumed(api, watcher, &intro);
    say(watcher, "", body_of(api, &intro));
    return watcher;
}

void watcher_free(struct watcher *watcher)
{
    struct api *api = watcher->conn->api;

    watch_link_remove(&watcher->link);
    watch_leave(&api->watch, api->now_mono_ms);
    answer_body_release(watcher->text);
    answer_body_release(watcher->last);
    watch_filter_free(watcher->filter);
    mem_free(watcher->cursor);
    mem_free(watcher);
}

/* --- The snapshot ---------------------------------------------------------------------------- */

static void cursor_set(struct watcher *watcher, struct span peer_id)
{
    if (watcher->cursor == NULL)
        watcher->cursor = mem_alloc(PEER_ID_MAX_BYTES);
    assert(peer_id.len <= PEER_ID_MAX_BYTES);
    memcpy(watcher->cursor, peer_id.data, peer_id.len);
    watcher->cursor_bytes = peer_id.len;
}

static bool is_wanted(const struct watcher *watcher, const struct view_peer *peer)
{
    struct record record;

    return watcher->filter == NULL || (statement_read_record(blob_span(peer->record), &record) &&
                                       watch_filter_passes_peer(watcher->filter, &record.peer));
}

/* Writes the records of a page; returns whether that was the last of them. */
static bool put_peers(struct api *api, struct watcher *watcher, struct json_writer *json,
                      uint64_t *count)
{
    const struct watch_filter *filter = watcher->filter;
    const struct peer_order *order =
        selection_order(&api->view, filter == NULL ? NULL : filter->archetypes,
                        filter == NULL ? 0 : filter->archetype_count);
    size_t looks = 0;

    if (order == NULL)
        return true;
    struct peer_order_place place =
        peer_order_after(order, span_of(watcher->cursor, watcher->cursor_bytes));
    struct view_peer *peer = NULL;
    while (json->out->len < WATCHER_PAGE_BYTES && looks++ < WATCHER_LOOKS_MAX) {
        peer = peer_order_next(order, &place);
        if (peer == NULL)
            return true;
        cursor_set(watcher, view_peer_id(peer));
        if (!is_wanted(watcher, peer))
            continue;
        api_v1_peer_put_whole(api, json, peer);
        ++*count;
    }
    return false;
}

/* False: nothing was found yet, and others are to get their turn first. */
static bool make_page(struct api *api, struct watcher *watcher)
{
    struct json_writer json;
    struct buffer text;
    uint64_t count = 0;

    buffer_init(&text, PAGE_MAX_BYTES);
    buffer_add_text(&text, "data: ");
    writer_begin(&json, &text);
    writer_object_open(&json);
    writer_key(&json, "peers");
    writer_array_open(&json);
    bool is_last = put_peers(api, watcher, &json, &count);
    writer_array_close(&json);
    writer_put_bool(&json, "more", !is_last);
    writer_put_number(&json, "count", count);
    writer_put_string(&json, "node", api->config->name);
    writer_put_string(&json, "reason", watcher->reason);
    writer_object_close(&json);
    writer_end(&json);
    if (count == 0 && !is_last) {
        buffer_free(&text);
        return false;
    }
    watch_end_data(&text, 0);
    if (is_last) {
        text.len--; /* the blank line comes after the id */
        watch_put_id(&api->watch, &text, watcher->next - 1);
        buffer_add(&text, "\n", 1);
        watcher->phase = WATCHER_LIVE;
        mem_free(watcher->cursor);
        watcher->cursor = NULL;
    }
    say(watcher, "event: snapshot\n", body_of(api, &text));
    return true;
}

/* --- The end --------------------------------------------------------------------------------- */

void watcher_end(struct watcher *watcher)
{
    watcher->phase = WATCHER_ENDING;
    if (watcher->sent == 0 && watcher->text != NULL) {
        answer_body_release(watcher->text);
        watcher->text = NULL;
    }
}

void watcher_abandon(struct watcher *watcher)
{
    watcher->phase = WATCHER_ENDING;
    answer_body_release(watcher->text);
    answer_body_release(watcher->last);
    watcher->text = watcher->last = NULL;
}

bool watcher_is_ending(const struct watcher *watcher)
{
    return watcher->phase == WATCHER_ENDING;
}

bool watcher_is_done(const struct watcher *watcher)
{
    return watcher_is_ending(watcher) && watcher->text == NULL && watcher->last == NULL;
}

/* Tells it why it goes. Its connection lingers: the words shall arrive. */
static void drop(struct api *api, struct watcher *watcher)
{
    struct json_writer json;
    struct buffer text;
    uint64_t behind = api->watch.ring.next - watcher->next;

    watcher_end(watcher);
    buffer_init(&text, WATCH_EVENT_MAX_BYTES);
    buffer_add_text(&text, "data: ");
    writer_begin(&json, &text);
    writer_object_open(&json);
    writer_put_string(&json, "reason", "too-slow");
    writer_put_number(&json, "behind", behind);
    writer_object_close(&json);
    writer_end(&json);
    watch_end_data(&text, 0);
    watcher->last = body_of(api, &text);
    watcher->conn->was_refused = true;
    stat_add(&api->stats->watch_dropped, 1);
}

/* --- What comes next ------------------------------------------------------------------------- */

static bool has_fallen_off(const struct watcher *watcher, const struct watch_ring *ring)
{
    return !watcher_is_ending(watcher) && watcher->next < ring->first;
}

static bool prepare_ending(struct watcher *watcher)
{
    if (watcher->last == NULL)
        return false;
    say(watcher, "event: dropped\n", watcher->last);
    watcher->last = NULL;
    return true;
}

/* Skips what does not concern it. True: the change at `next` does. */
static bool find_change(struct watcher *watcher, const struct watch_ring *ring)
{
    while (watcher->next < ring->next) {
        const struct watch_change *change = watch_ring_at(ring, watcher->next);

        if (watch_change_news(change, watcher->filter) != WATCH_NOTHING)
            return true;
        watcher->next++;
    }
    return false;
}

/* True: there is something to send now. */
static bool prepare(struct api *api, struct watcher *watcher)
{
    const struct watch_ring *ring = &api->watch.ring;

    if (has_fallen_off(watcher, ring))
        drop(api, watcher);
    if (watcher->text != NULL)
        return true;
    if (watcher->phase == WATCHER_ENDING)
        return prepare_ending(watcher);
    if (watcher->phase == WATCHER_SNAPSHOT)
        return make_page(api, watcher);
    if (find_change(watcher, ring))
        return true;
    if (api->now_mono_ms - watcher->spoke_ms < WATCHER_KEEP_ALIVE_MS)
        return false;
    say(watcher, "", answer_body_retain(watch_keep_alive(api)));
    return true;
}

struct piece {
    const char *line;
    struct answer_body *text; /* borrowed */
};

/* The change of this number, as this watcher is told it; false: it is not. */
static bool piece_of(struct api *api, const struct watcher *watcher, uint64_t number,
                     struct piece *piece)
{
    const struct watch_change *change = watch_ring_at(&api->watch.ring, number);
    enum watch_news news = watch_change_news(change, watcher->filter);

    if (news == WATCH_NOTHING)
        return false;
    piece->line = first_lines[news];
    piece->text = news == WATCH_OUT ? watch_out_text(api, number) : change->text;
    return true;
}

static size_t piece_bytes(const struct piece *piece)
{
    return strlen(piece->line) + piece->text->len;
}

/* Two entries of `iov` at most; returns how many. */
static int put_piece(struct iovec *iov, const struct piece *piece, size_t skip)
{
    size_t line_len = strlen(piece->line);
    int count = 0;

    if (skip < line_len) {
        iov[count].iov_base = (void *)(uintptr_t)(piece->line + skip);
        iov[count++].iov_len = line_len - skip;
    }
    skip = skip < line_len ? 0 : skip - line_len;
    iov[count].iov_base = piece->text->data + skip;
    iov[count++].iov_len = piece->text->len - skip;
    return count;
}

int watcher_output(struct watcher *watcher, struct iovec *iov, int max)
{
    struct api *api = watcher->conn->api;
    struct piece piece = {watcher->line, watcher->text};
    int count = 0;

    if (!prepare(api, watcher))
        return 0;
    if (watcher->text != NULL) {
        piece = (struct piece){watcher->line, watcher->text};
        count = put_piece(iov, &piece, watcher->sent);
    }
    if (watcher->phase != WATCHER_LIVE)
        return count;
    for (uint64_t at = watcher->next; at < api->watch.ring.next && count + 2 <= max; at++)
        if (piece_of(api, watcher, at, &piece))
            count += put_piece(iov + count, &piece, 0);
    return count;
}

/* Returns how much of `len` was this piece's. */
static size_t sent_text(struct watcher *watcher, size_t len)
{
    struct piece piece = {watcher->line, watcher->text};
    size_t left = piece_bytes(&piece) - watcher->sent;

    if (len < left) {
        watcher->sent += len;
        return len;
    }
    answer_body_release(watcher->text);
    watcher->text = NULL;
    return left;
}

static size_t sent_change(struct api *api, struct watcher *watcher, size_t len)
{
    struct piece piece;

    if (!piece_of(api, watcher, watcher->next++, &piece))
        return 0;
    stat_add(&api->stats->watch_events, 1);
    if (len >= piece_bytes(&piece))
        return piece_bytes(&piece);
    say(watcher, piece.line, answer_body_retain(piece.text));
    watcher->sent = len;
    return len;
}

void watcher_sent(struct watcher *watcher, size_t len)
{
    struct api *api = watcher->conn->api;

    watcher->spoke_ms = api->now_mono_ms;
    watcher->step_bytes += len;
    if (watcher->step_bytes >= WATCHER_STEP_BYTES) {
        watcher->step_bytes = 0;
        watcher->stalled_ms = api->now_mono_ms + WATCHER_STALL_MS;
    }
    if (watcher->text != NULL)
        len -= sent_text(watcher, len);
    while (len > 0)
        len -= sent_change(api, watcher, len);
}

bool watcher_settle(struct watcher *watcher)
{
    struct api *api = watcher->conn->api;
    bool has_more = prepare(api, watcher);

    watch_link_remove(&watcher->link);
    if (has_more) {
        if (!watcher->is_blocked) {
            watcher->step_bytes = 0;
            watcher->stalled_ms = api->now_mono_ms + WATCHER_STALL_MS;
        }
    } else if (watcher->phase == WATCHER_SNAPSHOT) {
        watch_make_ready(&api->watch, &watcher->link);
    } else {
        watch_make_idle(&api->watch, &watcher->link);
    }
    watcher->is_blocked = has_more;
    return has_more;
}

bool watcher_on_time(struct watcher *watcher)
{
    struct api *api = watcher->conn->api;

    if (!watcher->is_blocked) {
        if (watcher->link.before != NULL &&
            api->now_mono_ms - watcher->spoke_ms >= WATCHER_KEEP_ALIVE_MS)
            watch_make_ready(&api->watch, &watcher->link);
        return true;
    }
    bool is_late = api->now_mono_ms >= watcher->stalled_ms;
    if (watcher_is_ending(watcher))
        return !is_late;
    if (is_late || has_fallen_off(watcher, &api->watch.ring)) {
        drop(api, watcher);
        watcher->stalled_ms = api->now_mono_ms + WATCHER_STALL_MS;
        watch_make_ready(&api->watch, &watcher->link);
    }
    return true;
}
